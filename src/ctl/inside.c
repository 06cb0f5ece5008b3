/* inside.c - see inside.h. */
#include "ctl/inside.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "base/json.h"
#include "lib/parts.h"

int inside_fd(const struct ctl *c)
{
        const char *text = c->socket ? NULL : getenv("COPPICE_MAILBOX");
        char *end;
        long fd;

        if (!text || !*text)
                return -1;
        fd = strtol(text, &end, 10);
        return *end || fd < 3 || fd > 1 << 20 ? -1 : (int) fd;
}

const char *inside_ref(char buf[40])
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        (void) snprintf(buf, 40, "ctl-%d-%lld", (int) getpid(), (long long) t.tv_sec * 1000000000 + t.tv_nsec);
        return buf;
}

/* For one operation: what it leaves unread is given back at its end. */
static int open_box(struct ctl *c, struct coppice **ret)
{
        int r = coppice_open_fd(ret, inside_fd(c), 0);

        if (r < 0)
                return ctl_error(CTL_FAILED, "$COPPICE_MAILBOX: %s", strerror(-r));
        (void) coppice_set_timeout(*ret, c->timeout_ms < 0 ? COPPICE_FOREVER
                                   : c->timeout_ms > 1000 ? c->timeout_ms * 1000 : 1000000);
        (void) coppice_set_saved_max(*ret, SIZE_MAX, SIZE_MAX);
        return CTL_OK;
}

int inside_send(struct ctl *c, const struct buf *message)
{
        struct coppice *box;
        int r = open_box(c, &box);

        if (r != CTL_OK)
                return r;
        r = send_bytes(box, message, NULL, 0, COPPICE_FOREVER);
        (void) coppice_close(box);
        return r < 0 ? ctl_error(CTL_FAILED, "send through $COPPICE_MAILBOX: %s", strerror(-r)) : CTL_OK;
}

struct matching {
        inside_match_fn *match;
        void *arg;
        struct buf *bytes;
};

static int fits(const struct coppice_message *message, void *arg)
{
        const struct matching *a = arg;
        const char *problem;
        struct message m;

        buf_clear(a->bytes);
        message_bytes(message, a->bytes);
        return !buf_failed(a->bytes) && message_parse(a->bytes->data, a->bytes->len, &m, &problem) == 0 &&
               a->match(&m, a->arg);
}

int inside_receive(struct ctl *c, inside_match_fn *match, void *arg, struct buf *out)
{
        struct matching a = { match, arg, out };
        struct coppice_message *m = NULL;
        struct coppice *box;
        int r = open_box(c, &box);

        if (r != CTL_OK)
                return r;
        do
                r = coppice_receive_match(box, fits, &a,
                                          c->timeout_ms < 0 ? COPPICE_FOREVER : c->timeout_ms * 1000, &m);
        while (r == -EBADMSG);
        (void) coppice_message_free(m);
        (void) coppice_close(box);
        if (r < 0 && r != -ETIMEDOUT && r != -EAGAIN)
                return ctl_error(CTL_FAILED, "read from $COPPICE_MAILBOX: %s", strerror(-r));
        return r < 0 ? CTL_NOT_FOUND : CTL_OK;
}

static bool is_done(const struct message *m, void *arg)
{
        return message_is(m, MESSAGE_FROM, "coppice") && message_is(m, MESSAGE_REF, arg) &&
               (message_is(m, MESSAGE_TOPIC, "DONE") || message_is(m, MESSAGE_TOPIC, "BOUNCE"));
}

int inside_call_as(struct ctl *c, const char *ref, const struct buf *message, struct buf *out)
{
        struct message m;
        const char *problem;
        int r;

        if (buf_failed(message))
                return ctl_error(CTL_USAGE,
                                 "a message cannot hold that: values are text of 1 to 1024 bytes in one line");
        r = inside_send(c, message);
        if (r == CTL_OK)
                r = inside_receive(c, is_done, (void *) (uintptr_t) ref, out);
        if (r == CTL_NOT_FOUND)
                return ctl_error(CTL_FAILED, "no answer within %lld ms", (long long) c->timeout_ms);
        if (r != CTL_OK || message_parse(out->data, out->len, &m, &problem) < 0 || message_is(&m, MESSAGE_RESULT, "ok"))
                return r;
        (void) ctl_error(0, "%s%s%.*s", c->about ? c->about : "", c->about ? ": " : "", (int) m.payload_len, m.payload);
        return message_is(&m, MESSAGE_RESULT, "not-found") || message_is(&m, MESSAGE_RESULT, "noproc") ? CTL_NOT_FOUND :
               message_is(&m, MESSAGE_RESULT, "not-descendant") || message_is(&m, MESSAGE_RESULT, "forbidden") ||
               message_is(&m, MESSAGE_RESULT, "not-allowed") ? CTL_DENIED : CTL_FAILED;
}

int inside_call(struct ctl *c, const struct buf *lines, struct buf *out)
{
        autobuf struct buf message = BUF_INIT;
        char ref[40];

        message_put(&message, MESSAGE_REF, inside_ref(ref));
        buf_add(&message, lines->data, lines->len);
        if (!memmem(lines->data, lines->len, "\n\n", 2))
                message_end(&message);
        message.failed |= buf_failed(lines);
        return inside_call_as(c, ref, &message, out);
}

/* --- showing ------------------------------------------------------------------------------------------------------ */

static void show_json(struct ctl *c, const struct message *m)
{
        struct json j = json_start(&c->out);
        bool text = base64_needless(m->payload, m->payload_len);
        autobuf struct buf coded = BUF_INIT;
        char key[MESSAGE_KEY_MAX + 1];

        json_open(&j, NULL, '{');
        json_open(&j, "head", '{');
        for (const char *p = m->head, *eol; p < m->head + m->head_len; p = eol + 1) {
                const char *eq = memchr(p, '=', m->head_len);

                eol = memchr(p, '\n', (size_t) (m->head + m->head_len - p));
                (void) snprintf(key, sizeof key, "%.*s", (int) (eq - p), p);
                json_strn(&j, key, eq + 1, (size_t) (eol - eq - 1));
        }
        json_close(&j);
        if (!text)
                base64_encode(m->payload, m->payload_len, &coded);
        json_strn(&j, text ? "payload" : "payload_base64", text ? m->payload : coded.data,
                  text ? m->payload_len : coded.len);
        json_close(&j);
        buf_addc(&c->out, '\n');
}

int message_show(struct ctl *c, const char *bytes, size_t n, bool payload_only)
{
        struct message m;
        const char *problem;

        if (message_parse(bytes, n, &m, &problem) < 0)
                return ctl_error(CTL_FAILED, "not a message: %s", problem);
        if (c->json) {
                show_json(c, &m);
                return CTL_OK;
        }
        if (!payload_only) {
                buf_add(&c->out, m.head, m.head_len);
                buf_addc(&c->out, '\n');
        }
        buf_add(&c->out, m.payload, m.payload_len);
        if (m.payload_len && m.payload[m.payload_len - 1] != '\n' && (!payload_only || isatty(STDOUT_FILENO)))
                buf_addc(&c->out, '\n');
        return CTL_OK;
}
