/* control.c - a client of the control socket: calls and replies of Varlink, one after another. See coppice.h,
 * parts.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "lib/parts.h"
#include "lib/wire.h"
#include "proto/frame.h"
#include "proto/jtok.h"

#define INTERFACE "io.coppice.Manager."
enum { READ_SIZE = 16 << 10 };

struct coppice_control {
        int fd;                 /* owned */
        pid_t pid;
        int64_t timeout;
        unsigned owed;          /* calls whose last reply has not been read */
        struct frame_reader in;
        struct jdoc doc;        /* the latest reply: its text is in `in` */
        uint32_t params;        /* of it */
        struct buf json;        /* the same as text, when it was asked for */
        char error[64];
};

int coppice_control_open(struct coppice_control **ret, const char *path)
{
        struct coppice_control *k = calloc(1, sizeof *k);
        char tried[256];
        int fd = k ? control_connect(path, tried, sizeof tried) : -ENOMEM;

        if (fd < 0) {
                free(k);
                return fd;
        }
        *k = (struct coppice_control) { .fd = fd, .pid = getpid(), .timeout = COPPICE_FOREVER, .params = JTOK_NONE };
        *ret = k;
        return 0;
}

struct coppice_control *coppice_control_close(struct coppice_control *k)
{
        if (!k)
                return NULL;
        fd_close(&k->fd);
        frame_reader_free(&k->in);
        jtok_free(&k->doc);
        buf_free(&k->json);
        free(k);
        return NULL;
}

int coppice_control_set_timeout(struct coppice_control *k, int64_t usec)
{
        k->timeout = usec < 0 ? COPPICE_FOREVER : usec;
        return 0;
}

int coppice_control_fd(struct coppice_control *k)
{
        return k->pid == getpid() ? k->fd : -ECHILD;
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

/* The others of a list stand together when its first is met; so each pair that is met later has been written. */
static bool is_met(const char *const *params, const char *const *at)
{
        for (; params < at; params += 2)
                if (strcmp(*params, *at) == 0)
                        return true;
        return false;
}

static void write_list(struct json *j, const char *name, const char *key, const char *const *from)
{
        json_open(j, name, '[');
        for (; *from; from += 2)
                if (strcmp(*from, key) == 0)
                        json_str(j, NULL, from[1]);
        json_close(j);
}

static int write_params(struct json *j, const char *const *params)
{
        char name[64];

        json_open(j, "parameters", '{');
        for (const char *const *at = params; at && *at; at += 2) {
                const size_t n = strlen(*at);
                const size_t cut = n > 2 && strcmp(*at + n - 2, "[]") == 0 ? 2 : n > 1 && (*at)[n - 1] == ':' ? 1 : 0;

                if (n - cut == 0 || n - cut >= sizeof name || !at[1])
                        return -EINVAL;
                memcpy(name, *at, n - cut);
                name[n - cut] = '\0';
                if (cut == 0)
                        json_str(j, name, at[1]);
                else if (cut == 1)
                        json_raw(j, name, at[1]);
                else if (!is_met(params, at))
                        write_list(j, name, *at, at);
        }
        json_close(j);
        return 0;
}

static int write_call(const char *method, const char *const *params, unsigned flags, struct buf *out)
{
        struct json j = json_start(out);
        char name[100];
        int r;

        if (strlen(method) >= sizeof name - sizeof INTERFACE)
                return -EINVAL;
        (void) snprintf(name, sizeof name, "%s%s", strchr(method, '.') ? "" : INTERFACE, method);
        json_open(&j, NULL, '{');
        json_str(&j, "method", name);
        r = write_params(&j, params);
        if (r < 0)
                return r;
        if (flags & COPPICE_MORE)
                json_bool(&j, "more", true);
        json_close(&j);
        if (!buf_failed(out) && out->len > FRAME_REQUEST_MAX)
                return -EMSGSIZE;
        buf_addc(out, '\0');
        return buf_failed(out) ? -ENOMEM : 0;
}

/* All of it or nothing: what is on its way half when the time is over would spoil the
 * connection, so that ends with it. */
static int send_all(struct coppice_control *k, const struct buf *bytes, const int *fds, size_t count, int64_t deadline)
{
        size_t at = 0;

        while (at < bytes->len) {
                const struct iovec part = { bytes->data + at, bytes->len - at };
                ssize_t n = wire_send(k->fd, &part, 1, fds, at == 0 ? count : 0);

                if (n > 0) {
                        at += (size_t) n;
                        continue;
                }
                if (n == -EAGAIN)
                        n = wire_wait(k->fd, POLLOUT, deadline);
                if (n < 0 && at > 0 && n != -EINTR)
                        (void) shutdown(k->fd, SHUT_RDWR);
                if (n < 0 && (at == 0 || n != -EINTR))
                        return n == -ECONNRESET ? -EPIPE : (int) n;
        }
        return 0;
}

int coppice_control_start(struct coppice_control *k, const char *method, const char *const *params, unsigned flags,
                          const int *fds, size_t n)
{
        autobuf struct buf bytes = BUF_INIT;
        int r = k->pid == getpid() ? 0 : -ECHILD;

        if (r == 0)
                r = flags & ~(unsigned) COPPICE_MORE ? -EINVAL : write_call(method, params, flags, &bytes);
        if (r == 0)
                r = send_all(k, &bytes, fds, n, wire_deadline(k->timeout));
        k->owed += r == 0;
        return r;
}

/* --- replies ------------------------------------------------------------------------------------------------------ */

static int read_some(struct coppice_control *k, int64_t deadline)
{
        char *at = frame_room(&k->in, READ_SIZE);
        int none;
        size_t no_fds = 0;
        ssize_t n;
        int r;

        if (!at)
                return -ENOMEM;
        for (;;) {
                n = wire_receive(k->fd, at, READ_SIZE, &none, &no_fds);
                if (n > 0) {
                        frame_added(&k->in, (size_t) n);
                        return 0;
                }
                if (n != -EAGAIN)
                        return n == 0 || n == -ECONNRESET ? -EPIPE : (int) n;
                r = wire_wait(k->fd, POLLIN, deadline);
                if (r < 0)
                        return r;
        }
}

/* "Refused" says more in a word of its own. */
static int errno_of(struct coppice_control *k)
{
        static const struct {
                const char *name;
                int code;
        } errors[] = {
                { "NoSuchNode", ENOENT }, { "AmbiguousNode", ENOTUNIQ }, { "BadValue", EINVAL },
                { "InvalidParameter", EINVAL }, { "NotPermitted", EACCES }, { "Failed", EIO }, { "ReloadFailed", EIO },
                { "ShuttingDown", ESHUTDOWN }, { "TooManyConnections", EUSERS }, { "MethodNotFound", ENOSYS },
        };
        const char *word = jget_text(&k->doc, k->params, "result");

        if (strcmp(k->error, "Refused") == 0 && word)
                return result_errno(word) == 0 ? -EIO : result_errno(word);
        for (size_t i = 0; i < ARRAY_LEN(errors); i++)
                if (strcmp(k->error, errors[i].name) == 0)
                        return -errors[i].code;
        return -EPROTO;
}

int coppice_control_next(struct coppice_control *k, int64_t timeout_usec)
{
        const int64_t deadline = wire_deadline(timeout_usec);
        const char *error, *dot;
        size_t len;
        char *text;
        int r = k->pid == getpid() ? 0 : -ECHILD;

        k->params = JTOK_NONE;
        k->error[0] = '\0';
        buf_clear(&k->json);
        while (r == 0 && frame_next(&k->in, &text, &len) == 0)
                r = read_some(k, deadline);
        if (r < 0)
                return r;
        if (jtok_parse(&k->doc, text, len) < 0 || jtok_kind(&k->doc, 0) != JTOK_OBJECT)
                return -EBADMSG;
        k->params = jtok_get(&k->doc, 0, "parameters");
        error = jget_text(&k->doc, 0, "error");
        if (error || !jget_true(&k->doc, 0, "continues"))
                k->owed -= k->owed > 0;
        if (!error)
                return jget_true(&k->doc, 0, "continues");
        dot = strrchr(error, '.');
        (void) snprintf(k->error, sizeof k->error, "%s", dot ? dot + 1 : error);
        return errno_of(k);
}

/* Of calls that were given up the replies come first. */
static int last_reply(struct coppice_control *k)
{
        const int64_t deadline = wire_deadline(k->timeout);
        int r;

        do {
                const int64_t left = deadline > 0 ? deadline - wire_now() : deadline;

                r = coppice_control_next(k, deadline > 0 && left < 0 ? 0 : left);
        } while (r == 1 || (k->owed > 0 && (r == 0 || k->error[0])));
        return r == -EAGAIN ? -ETIMEDOUT : r;
}

int coppice_control_call(struct coppice_control *k, const char *method, const char *const *params)
{
        int r = coppice_control_start(k, method, params, 0, NULL, 0);

        return r < 0 ? r : last_reply(k);
}

const char *coppice_control_error(const struct coppice_control *k)
{
        return k->error;
}

/* --- what a reply says -------------------------------------------------------------------------------------------- */

static uint32_t element(const struct jdoc *d, uint32_t list, const char *number)
{
        char *end;
        unsigned long i = strtoul(number, &end, 10);
        uint32_t t = jtok_first(d, list);

        if (end == number || *end || jtok_kind(d, list) != JTOK_ARRAY)
                return JTOK_NONE;
        while (i-- > 0 && t != JTOK_NONE)
                t = jtok_after(d, list, t);
        return t;
}

static uint32_t find(const struct coppice_control *k, const char *where)
{
        uint32_t t = k->params;

        while (*where && t != JTOK_NONE) {
                const size_t n = strcspn(where, ".");
                char name[100];

                if (n >= sizeof name)
                        return JTOK_NONE;
                memcpy(name, where, n);
                name[n] = '\0';
                t = jtok_kind(&k->doc, t) == JTOK_OBJECT ? jtok_get(&k->doc, t, name) : element(&k->doc, t, name);
                where += n + (where[n] == '.');
        }
        return t;
}

int coppice_control_text(struct coppice_control *k, const char *where, const char **ret)
{
        const uint32_t t = find(k, where);

        if (jtok_kind(&k->doc, t) == JTOK_NULL)
                return -ENOENT;
        if (jtok_kind(&k->doc, t) != JTOK_TEXT)
                return -EINVAL;
        *ret = jtok_text(&k->doc, t);
        return 0;
}

int coppice_control_number(struct coppice_control *k, const char *where, int64_t *ret)
{
        const uint32_t t = find(k, where);

        switch (jtok_kind(&k->doc, t)) {
        case JTOK_NULL: return -ENOENT;
        case JTOK_NUMBER: *ret = jtok_int(&k->doc, t, 0); return 0;
        case JTOK_TRUE: case JTOK_FALSE: *ret = jtok_true(&k->doc, t); return 0;
        default: return -EINVAL;
        }
}

int coppice_control_size(struct coppice_control *k, const char *where)
{
        const uint32_t t = find(k, where);
        const enum jtok_kind kind = jtok_kind(&k->doc, t);

        if (kind == JTOK_NULL)
                return -ENOENT;
        return kind == JTOK_ARRAY || kind == JTOK_OBJECT ? (int) jtok_size(&k->doc, t) : -EINVAL;
}

const char *coppice_control_json(struct coppice_control *k)
{
        if (k->json.len == 0 && k->params != JTOK_NONE)
                jtok_print(&k->doc, k->params, &k->json);
        return buf_failed(&k->json) ? NULL : buf_text(&k->json);
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

static int send_message(struct coppice_control *k, const char *method, const struct coppice_message *m, bool taken)
{
        autobuf struct buf bytes = BUF_INIT, coded = BUF_INIT;
        const char *params[7] = { "message", NULL };
        size_t n = 2;
        int r = message_write(m, NULL, 0, &bytes);

        if (r < 0 || m->fd_count > 0)
                return r < 0 ? r : -EOPNOTSUPP;
        params[1] = bytes.data;
        if (!base64_needless(bytes.data, bytes.len)) {
                base64_encode(bytes.data, bytes.len, &coded);
                if (buf_failed(&coded))
                        return -ENOMEM;
                params[1] = coded.data;
                params[n++] = "base64:";
                params[n++] = "true";
        }
        if (taken) {
                params[n++] = "taken:";
                params[n++] = "true";
        }
        params[n] = NULL;
        return coppice_control_call(k, method, params);
}

int coppice_control_send(struct coppice_control *k, const struct coppice_message *m, enum coppice_until until)
{
        return send_message(k, "Send", m, until == COPPICE_TAKEN);
}

int coppice_control_ask(struct coppice_control *k, const struct coppice_message *m, struct coppice_message **ret_answer)
{
        autobuf struct buf bytes = BUF_INIT;
        int64_t coded = 0;
        const char *text;
        int r = send_message(k, "Ask", m, false);

        if (r == 0)
                r = coppice_control_text(k, "message", &text);
        if (r < 0)
                return r;
        (void) coppice_control_number(k, "base64", &coded);
        if (!coded)
                return message_take(ret_answer, text, strlen(text), NULL, 0);
        r = base64_decode(text, strlen(text), &bytes);
        return r < 0 ? -EBADMSG : message_take(ret_answer, buf_text(&bytes), bytes.len, NULL, 0);
}
