/* message.c - see message.h. */
#include "proto/message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"

const struct message_key_row message_keys[MESSAGE_KEY_COUNT] = {
#define KEY(id, text, who, help) [MESSAGE_##id] = { text, MESSAGE_##who, help },
#include "proto/message_keys.def"
#undef KEY
};

/* --- what may stand in a head ------------------------------------------------------------------------------------ */

bool message_value_ok(const char *value, size_t n)
{
        const unsigned char *p = (const unsigned char *) value, *end = p + n;

        if (n == 0 || n > MESSAGE_VALUE_MAX)
                return false;
        while (p < end) {
                size_t wide;

                if (*p >= ' ' && *p < 0x7f) {
                        p++;
                        continue;
                }
                wide = *p < 0x80 ? 0 : escape_utf8_length((const char *) p, (size_t) (end - p));
                if (wide == 0)
                        return false;
                p += wide;
        }
        return true;
}

bool message_key_own(const char *key, size_t n)
{
        if (n < 3 || n > MESSAGE_KEY_MAX || key[0] != 'X' || key[1] != '_')
                return false;
        for (size_t i = 2; i < n; i++)
                if (!((key[i] >= 'A' && key[i] <= 'Z') || (key[i] >= '0' && key[i] <= '9') || key[i] == '_'))
                        return false;
        return true;
}

static enum message_key find_key(const char *key, size_t n)
{
        for (int i = 0; i < MESSAGE_KEY_COUNT; i++) {
                const char *text = message_keys[i].text;

                /* The bytes may hold a NUL: strncmp() would end there and call it equal. */
                if (text[0] == key[0] && strlen(text) == n && memcmp(text, key, n) == 0)
                        return (enum message_key) i;
        }
        return MESSAGE_KEY_COUNT;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int bad(const char **ret_problem, int code, const char *text)
{
        *ret_problem = text;
        return code;
}

/* Did that key of the program's own stand in a line before this one? Few have any. */
static bool own_key_before(const struct message *m, const char *line, size_t key_len)
{
        for (const char *p = m->head; p < line;) {
                if (memcmp(p, line, key_len + 1) == 0)
                        return true;
                p = (const char *) memchr(p, '\n', (size_t) (line - p)) + 1;
        }
        return false;
}

static int read_line(struct message *m, const char *line, size_t n, const char **ret_problem)
{
        const char *eq = memchr(line, '=', n);
        size_t key_len = eq ? (size_t) (eq - line) : 0;
        struct message_text value = { eq ? eq + 1 : NULL, eq ? n - key_len - 1 : 0 };
        enum message_key key;

        if (key_len == 0 || key_len > MESSAGE_KEY_MAX)
                return bad(ret_problem, -EBADMSG, "a line of the head is not KEY=VALUE");
        if (!message_value_ok(value.at, value.len))
                return bad(ret_problem, -EBADMSG, "a value is empty, too long, or has bytes that are not text");
        key = find_key(line, key_len);
        if (key == MESSAGE_KEY_COUNT) {
                if (!message_key_own(line, key_len))
                        return bad(ret_problem, -EBADMSG, "an unknown key: one of a program's own begins with X_");
                if (own_key_before(m, line, key_len))
                        return bad(ret_problem, -EBADMSG, "a key stands twice");
                return 0;
        }
        if (m->value[key].at)
                return bad(ret_problem, -EBADMSG, "a key stands twice");
        m->value[key] = value;
        return 0;
}

int message_parse(const char *bytes, size_t n, struct message *ret, const char **ret_problem)
{
        struct message m = { .head = bytes };
        const char *p = bytes, *end = bytes + n;
        int lines = 0;

        if (n > MESSAGE_RECEIVE_MAX)
                return bad(ret_problem, -EMSGSIZE, "the message is longer than 64 KiB");
        for (;;) {
                const char *eol = p < end ? memchr(p, '\n', (size_t) (end - p)) : NULL;
                int r;

                if (!eol)
                        return bad(ret_problem, -EBADMSG, "no empty line ends the head");
                if (eol + 1 - bytes > MESSAGE_HEAD_MAX + MESSAGE_FROM_MAX)
                        return bad(ret_problem, -EMSGSIZE, "the head is longer than 7 KiB");
                if (eol == p)
                        break;
                if (++lines > MESSAGE_LINES_MAX)
                        return bad(ret_problem, -EMSGSIZE, "the head has more than 40 lines");
                r = read_line(&m, p, (size_t) (eol - p), ret_problem);
                if (r < 0)
                        return r;
                p = eol + 1;
        }
        m.head_len = (size_t) (p - bytes);
        m.payload = p + 1;
        m.payload_len = (size_t) (end - p) - 1;
        *ret = m;
        return 0;
}

bool message_is(const struct message *m, enum message_key key, const char *text)
{
        const struct message_text *v = &m->value[key];

        return v->at && strlen(text) == v->len && memcmp(v->at, text, v->len) == 0;
}

char *message_copy(const struct message *m, enum message_key key, char *buf, size_t n)
{
        const struct message_text *v = &m->value[key];

        if (!v->at || v->len >= n)
                return NULL;
        memcpy(buf, v->at, v->len);
        buf[v->len] = '\0';
        return buf;
}

int64_t message_number(const struct message *m, enum message_key key)
{
        const struct message_text *v = &m->value[key];
        int64_t n = 0;

        if (!v->at)
                return -1;
        if (v->len > 18)
                return -2;
        for (size_t i = 0; i < v->len; i++) {
                if (v->at[i] < '0' || v->at[i] > '9')
                        return -2;
                n = n * 10 + (v->at[i] - '0');
        }
        return n;
}

struct message_text message_find(const struct message *m, const char *key)
{
        size_t n = strlen(key);
        const char *p = m->head, *end = m->head + m->head_len;

        while (p < end) {
                const char *eol = memchr(p, '\n', (size_t) (end - p));

                if ((size_t) (eol - p) > n && memcmp(p, key, n) == 0 && p[n] == '=')
                        return (struct message_text) { p + n + 1, (size_t) (eol - p) - n - 1 };
                p = eol + 1;
        }
        return (struct message_text) { NULL, 0 };
}

bool message_topic_reserved(const struct message *m)
{
        static const char *const reserved[] = { "EXIT", "DOWN", "BOUNCE", "DONE", "PRESSURE" };

        for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
                if (message_is(m, MESSAGE_TOPIC, reserved[i]))
                        return true;
        return false;
}

int message_sendable(const struct message *m, const char **ret_problem)
{
        if (m->head_len + 1 + m->payload_len > MESSAGE_MAX)
                return bad(ret_problem, -EMSGSIZE, "the message is longer than 64 KiB");
        if (m->head_len + 1 > MESSAGE_HEAD_MAX)
                return bad(ret_problem, -EMSGSIZE, "the head is longer than 7 KiB");
        for (int i = 0; i < MESSAGE_KEY_COUNT; i++)
                if (m->value[i].at && message_keys[i].who == MESSAGE_ENGINE)
                        return bad(ret_problem, -EPERM, "FROM, RESULT and COUNT are written by coppice alone");
        if (message_topic_reserved(m))
                return bad(ret_problem, -EPERM, "that topic is coppice's own");
        return 0;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void put_line(struct buf *out, const char *key, const char *value, size_t n)
{
        if (!message_value_ok(value, n)) {
                out->failed = true;
                return;
        }
        buf_adds(out, key);
        buf_addc(out, '=');
        buf_add(out, value, n);
        buf_addc(out, '\n');
}

void message_put(struct buf *out, enum message_key key, const char *value)
{
        put_line(out, message_keys[key].text, value, strlen(value));
}

void message_putn(struct buf *out, enum message_key key, const char *value, size_t n)
{
        put_line(out, message_keys[key].text, value, n);
}

void message_put_number(struct buf *out, enum message_key key, int64_t value)
{
        char digits[24];

        (void) snprintf(digits, sizeof digits, "%lld", (long long) value);
        message_put(out, key, digits);
}

void message_put_own(struct buf *out, const char *key, const char *value)
{
        if (message_key_own(key, strlen(key)))
                put_line(out, key, value, strlen(value));
        else
                out->failed = true;
}

void message_end(struct buf *out)
{
        buf_addc(out, '\n');
}
