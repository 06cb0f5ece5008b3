/* inside.c - see inside.h. */
#include "ctl/inside.h"

#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/rights.h"

struct kept {
        struct kept *before;
        size_t len;
        int fds[MESSAGE_FDS_MAX];
        size_t fd_count;
        char bytes[];
};

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

static int64_t now_ms(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const char *inside_ref(char buf[40])
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        (void) snprintf(buf, 40, "ctl-%d-%lld", (int) getpid(), (long long) t.tv_sec * 1000000000 + t.tv_nsec);
        return buf;
}

static int send_parts(struct ctl *c, const char *a, size_t a_len, const char *b, size_t b_len, const int *fds, size_t n)
{
        RIGHTS_ROOM(MESSAGE_FDS_MAX) room;
        struct iovec parts[2] = { { (void *) (uintptr_t) a, a_len }, { (void *) (uintptr_t) b, b_len } };
        struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };
        ssize_t r;

        rights_put(&m, &room, fds, n);
        do
                r = sendmsg(inside_fd(c), &m, MSG_NOSIGNAL);
        while (r < 0 && errno == EINTR);
        return r < 0 ? ctl_error(CTL_FAILED, "send through $COPPICE_MAILBOX: %s", strerror(errno)) : CTL_OK;
}

int inside_send(struct ctl *c, const struct buf *message)
{
        return send_parts(c, message->data, message->len, "", 0, NULL, 0);
}

/* --- receiving ---------------------------------------------------------------------------------------------------------- */

static int wait_for_one(struct ctl *c, int64_t deadline)
{
        struct pollfd p = { .fd = inside_fd(c), .events = POLLIN };
        int64_t left = deadline < 0 ? -1 : deadline - now_ms();
        int r;

        if (deadline >= 0 && left < 0)
                left = 0;
        do
                r = poll(&p, 1, left > 1 << 30 ? 1 << 30 : (int) left);
        while (r < 0 && errno == EINTR);
        return r > 0 ? CTL_OK : CTL_NOT_FOUND;
}

static struct kept *take(struct ctl *c)
{
        struct kept *k = malloc(sizeof *k + MESSAGE_RECEIVE_MAX);
        RIGHTS_ROOM(MESSAGE_FDS_MAX) room;
        struct iovec part;
        struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof room };
        ssize_t n;

        if (!k)
                return NULL;
        part = (struct iovec) { k->bytes, MESSAGE_RECEIVE_MAX };
        n = recvmsg(inside_fd(c), &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n <= 0) {
                free(k);
                return NULL;
        }
        k->len = (size_t) n;
        k->fd_count = rights_take(&m, k->fds, MESSAGE_FDS_MAX);
        return k;
}

static void close_all(const struct kept *k)
{
        for (size_t i = 0; i < k->fd_count; i++)
                (void) close(k->fds[i]);
}

/* Until the engine has read what we sent: whoever receives next shall find it in its place again. */
static void wait_until_read(struct ctl *c)
{
        int unread = 0;

        for (int i = 0; i < 1000 && ioctl(inside_fd(c), SIOCOUTQ, &unread) == 0 && unread > 0; i++)
                (void) poll(NULL, 0, 1);
}

/* The newest first: each goes before what was given back already. */
static void give_back(struct ctl *c, struct kept *k)
{
        static const char call[] = "CALL=return\n\n";
        bool some = k != NULL;

        while (k) {
                struct kept *before = k->before;

                (void) send_parts(c, call, sizeof call - 1, k->bytes, k->len, k->fds, k->fd_count);
                close_all(k);
                free(k);
                k = before;
        }
        if (some)
                wait_until_read(c);
}

int inside_receive(struct ctl *c, inside_match_fn *match, void *arg, struct buf *out)
{
        int64_t deadline = c->timeout_ms < 0 ? -1 : now_ms() + c->timeout_ms;
        struct kept *kept = NULL, *k;
        int r;

        for (;;) {
                struct message m;
                const char *problem;

                r = wait_for_one(c, deadline);
                if (r != CTL_OK)
                        break;
                k = take(c);
                if (!k)
                        continue; /* the service was faster */
                if (message_parse(k->bytes, k->len, &m, &problem) == 0 && match(&m, arg)) {
                        buf_add(out, k->bytes, k->len);
                        close_all(k);
                        free(k);
                        break;
                }
                k->before = kept;
                kept = k;
        }
        give_back(c, kept);
        return r;
}

static bool is_done(const struct message *m, void *arg)
{
        return message_is(m, MESSAGE_FROM, "coppice") && message_is(m, MESSAGE_REF, arg) &&
               (message_is(m, MESSAGE_TOPIC, "DONE") || message_is(m, MESSAGE_TOPIC, "BOUNCE"));
}

int inside_call(struct ctl *c, const struct buf *lines, struct buf *out)
{
        autobuf struct buf message = BUF_INIT;
        struct message m;
        const char *problem;
        char ref[40];
        int r;

        message_put(&message, MESSAGE_REF, inside_ref(ref));
        buf_add(&message, lines->data, lines->len);
        if (!memmem(lines->data, lines->len, "\n\n", 2))
                message_end(&message);
        if (buf_failed(lines) || buf_failed(&message))
                return ctl_error(CTL_USAGE, "a message cannot hold that: values are text of 1 to 1024 bytes in one line");
        r = inside_send(c, &message);
        if (r == CTL_OK)
                r = inside_receive(c, is_done, ref, out);
        if (r == CTL_NOT_FOUND)
                return ctl_error(CTL_FAILED, "no answer within %lld ms", (long long) c->timeout_ms);
        if (r != CTL_OK || message_parse(out->data, out->len, &m, &problem) < 0 || message_is(&m, MESSAGE_RESULT, "ok"))
                return r;
        (void) ctl_error(0, "%.*s", (int) m.payload_len, m.payload);
        return message_is(&m, MESSAGE_RESULT, "not-found") || message_is(&m, MESSAGE_RESULT, "noproc") ? CTL_NOT_FOUND :
               message_is(&m, MESSAGE_RESULT, "not-descendant") || message_is(&m, MESSAGE_RESULT, "forbidden") ? CTL_DENIED : CTL_FAILED;
}

/* --- showing -------------------------------------------------------------------------------------------------------------- */

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
        json_strn(&j, text ? "payload" : "payload_base64", text ? m->payload : coded.data, text ? m->payload_len : coded.len);
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
