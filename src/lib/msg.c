/* msg.c - messages as programs hold them. See coppice.h, parts.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "lib/parts.h"
#include "lib/wire.h"

int coppice_message_new(struct coppice_message **ret, const char *to)
{
        struct coppice_message *m = calloc(1, sizeof *m);
        int r = m ? 0 : -ENOMEM;

        if (m && to)
                r = coppice_message_set(m, "TO", to);
        if (r < 0) {
                (void) coppice_message_free(m);
                return r;
        }
        *ret = m;
        return 0;
}

struct coppice_message *coppice_message_free(struct coppice_message *m)
{
        if (m) {
                wire_close(m->fds, m->fd_count);
                buf_free(&m->head);
                buf_free(&m->body);
                free(m);
        }
        return NULL;
}

/* --- the head ----------------------------------------------------------------------------------------------------- */

int coppice_message_next(const struct coppice_message *m, size_t *at, const char **ret_key, const char **ret_value)
{
        const char *key = m->head.data + *at, *value;

        if (*at >= m->head.len)
                return 0;
        value = key + strlen(key) + 1;
        *at = (size_t) (value + strlen(value) + 1 - m->head.data);
        *ret_key = key;
        *ret_value = value;
        return 1;
}

const char *coppice_message_get(const struct coppice_message *m, const char *key)
{
        const char *k, *value;
        size_t at = 0;

        while (coppice_message_next(m, &at, &k, &value))
                if (strcmp(k, key) == 0)
                        return value;
        return NULL;
}

int coppice_message_is(const struct coppice_message *m, const char *key, const char *value)
{
        const char *is = coppice_message_get(m, key);

        return is && strcmp(is, value) == 0;
}

const char *message_line(const struct coppice_message *m, enum message_key key)
{
        return coppice_message_get(m, message_keys[key].text);
}

bool message_says(const struct coppice_message *m, enum message_key key, const char *value)
{
        return coppice_message_is(m, message_keys[key].text, value);
}

/* The row of a key; MESSAGE_KEY_COUNT: none. */
static enum message_key row_of(const char *key)
{
        int i = 0;

        while (i < MESSAGE_KEY_COUNT && strcmp(message_keys[i].text, key) != 0)
                i++;
        return (enum message_key) i;
}

static int may_say(const char *key, const char *value)
{
        const enum message_key row = row_of(key);
        const struct message topic = { .value = { [MESSAGE_TOPIC] = { value, value ? strlen(value) : 0 } } };

        if (row == MESSAGE_KEY_COUNT && !message_key_own(key, strlen(key)))
                return -EINVAL;
        if (value && !message_value_ok(value, strlen(value)))
                return -EINVAL;
        if (row != MESSAGE_KEY_COUNT && message_keys[row].who == MESSAGE_ENGINE)
                return -EPERM;
        return row == MESSAGE_TOPIC && message_topic_reserved(&topic) ? -EPERM : 0;
}

static void cut_line(struct coppice_message *m, const char *key)
{
        const char *k, *value;
        size_t at = 0, from = 0;

        for (; coppice_message_next(m, &at, &k, &value); from = at)
                if (strcmp(k, key) == 0) {
                        memmove(m->head.data + from, m->head.data + at, m->head.len - at);
                        m->head.len -= at - from;
                        return;
                }
}

static size_t lines_of(const struct coppice_message *m)
{
        const char *k, *value;
        size_t at = 0, n = 0;

        while (coppice_message_next(m, &at, &k, &value))
                n++;
        return n;
}

int coppice_message_set(struct coppice_message *m, const char *key, const char *value)
{
        const size_t need = value ? strlen(key) + strlen(value) + 2 : 0;
        int r = may_say(key, value);

        if (r < 0)
                return r;
        if (value && !buf_reserve(&m->head, need))
                return -ENOMEM;
        cut_line(m, key);
        if (!value)
                return 0;
        if (m->head.len + need + 1 > MESSAGE_HEAD_MAX || lines_of(m) >= MESSAGE_LINES_MAX)
                return -E2BIG;
        buf_add(&m->head, key, strlen(key) + 1);
        buf_add(&m->head, value, strlen(value) + 1);
        return 0;
}

/* --- the body ----------------------------------------------------------------------------------------------------- */

int coppice_message_set_body(struct coppice_message *m, const void *bytes, size_t n)
{
        struct buf new = BUF_INIT;

        if (n > MESSAGE_MAX)
                return -EMSGSIZE;
        buf_add(&new, bytes, n);
        if (buf_failed(&new))
                return -ENOMEM;
        buf_free(&m->body);
        m->body = new;
        return 0;
}

const char *coppice_message_body(const struct coppice_message *m, size_t *ret_size)
{
        if (ret_size)
                *ret_size = m->body.len;
        return buf_text(&m->body);
}

size_t coppice_message_size(const struct coppice_message *m)
{
        return m->body.len;
}

/* --- descriptors -------------------------------------------------------------------------------------------------- */

int coppice_message_add_fd(struct coppice_message *m, int fd)
{
        int copy;

        if (m->fd_count == COPPICE_FDS_MAX)
                return -E2BIG;
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (copy < 0)
                return -errno;
        m->fds[m->fd_count++] = copy;
        return 0;
}

size_t coppice_message_fds(const struct coppice_message *m)
{
        return m->fd_count;
}

int coppice_message_take_fd(struct coppice_message *m, size_t i)
{
        if (i >= m->fd_count || m->fds[i] < 0)
                return -ENOENT;
        return fd_steal(&m->fds[i]);
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

/* Lines become strings: the first = of each and the newline at its end, which message_parse() has seen. */
static void cut_into_strings(char *head, size_t n)
{
        for (char *p = head, *end = head + n; p < end;) {
                char *eq = memchr(p, '=', (size_t) (end - p)), *eol = memchr(p, '\n', (size_t) (end - p));

                *eq = *eol = '\0';
                p = eol + 1;
        }
}

int message_take(struct coppice_message **ret, const char *bytes, size_t n, const int *fds, size_t fd_count)
{
        struct coppice_message *m;
        struct message parsed;
        const char *problem;
        int r = message_parse(bytes, n, &parsed, &problem);

        if (r < 0)
                return r;
        if (fd_count > COPPICE_FDS_MAX)
                return -EMSGSIZE;
        m = calloc(1, sizeof *m);
        if (!m)
                return -ENOMEM;
        buf_add(&m->head, parsed.head, parsed.head_len);
        buf_add(&m->body, parsed.payload, parsed.payload_len);
        if (buf_failed(&m->head) || buf_failed(&m->body)) {
                (void) coppice_message_free(m);
                return -ENOMEM;
        }
        cut_into_strings(m->head.data, parsed.head_len);
        for (; m->fd_count < fd_count; m->fd_count++)
                m->fds[m->fd_count] = fds[m->fd_count];
        *ret = m;
        return 0;
}

static void put_line(struct buf *out, const char *key, const char *value)
{
        buf_adds(out, key);
        buf_addc(out, '=');
        buf_adds(out, value);
        buf_addc(out, '\n');
}

static const char *instead(const struct line *also, size_t count, const char *key)
{
        for (size_t i = 0; i < count; i++)
                if (also[i].value && strcmp(message_keys[also[i].key].text, key) == 0)
                        return also[i].value;
        return NULL;
}

/* What only coppice writes is left out, so that a message that has come can be sent on. */
int message_write(const struct coppice_message *m, const struct line *also, size_t count, struct buf *out)
{
        const char *key, *value;
        size_t at = 0;

        for (size_t i = 0; i < count; i++) {
                if (!also[i].value)
                        continue;
                if (!message_value_ok(also[i].value, strlen(also[i].value)))
                        return -EINVAL;
                message_put(out, also[i].key, also[i].value);
        }
        while (coppice_message_next(m, &at, &key, &value)) {
                const enum message_key row = row_of(key);

                if (!instead(also, count, key) && (row == MESSAGE_KEY_COUNT || message_keys[row].who != MESSAGE_ENGINE))
                        put_line(out, key, value);
        }
        message_end(out);
        if (out->len > MESSAGE_HEAD_MAX)
                return -E2BIG;
        buf_add(out, buf_text(&m->body), m->body.len);
        if (buf_failed(out))
                return -ENOMEM;
        return out->len > MESSAGE_MAX ? -EMSGSIZE : 0;
}

void message_bytes(const struct coppice_message *m, struct buf *out)
{
        const char *key, *value;
        size_t at = 0;

        while (coppice_message_next(m, &at, &key, &value))
                put_line(out, key, value);
        message_end(out);
        buf_add(out, buf_text(&m->body), m->body.len);
}

size_t message_weight(const struct coppice_message *m)
{
        return sizeof *m + m->head.cap + m->body.cap;
}
