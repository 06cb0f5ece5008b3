/* client.c - coppicectl's end of the control socket: connect, call, wait, and put errors into words. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/json.h"
#include "base/rights.h"
#include "ctl/ctl.h"
#include "lib/parts.h"
#include "proto/methods.h"

enum {
        PATIENCE_MS = 5000, /* how long to ask again when there are too many others */
        LOOK_MS = 20,       /* between two looks whether there is a daemon by now */
        LOOKS_AGAIN = 3,    /* so many engines may end soon after they were asked a question; who has waited */
        LONG_MS = 1000,     /* ... for so long is none of those it could be the fault of */
};

/* --- connecting --------------------------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int cannot_connect(const char *path, int code)
{
        if (code == EACCES || code == EPERM)
                return ctl_error(CTL_DENIED, "%s: permission denied: you are not the user the daemon runs as", path);
        if (code == ENOENT || code == ECONNREFUSED || code == ENOTDIR)
                return ctl_error(CTL_NO_DAEMON,
                                 "no daemon at %s: is coppiced running? (--socket, $COPPICE_SOCKET)", path);
        return ctl_error(CTL_NO_DAEMON, "connect to %s: %s", path, strerror(code));
}

static int ctl_connect(struct ctl *c)
{
        char path[256];
        int fd;

        if (c->fd >= 0)
                return CTL_OK;
        fd = control_connect(c->socket, path, sizeof path);
        if (fd < 0)
                return cannot_connect(path, -fd);
        c->fd = fd;
        return CTL_OK;
}

/* --- calling ------------------------------------------------------------------------------------------------------ */

static void write_request(struct buf *out, const char *method, const char *params, const char *how)
{
        struct json j = json_start(out);
        char name[64];

        (void) snprintf(name, sizeof name, MANAGER_INTERFACE ".%s", method);
        json_open(&j, NULL, '{');
        json_str(&j, "method", name);
        if (params)
                json_raw(&j, "parameters", params);
        if (how)
                json_bool(&j, how, true);
        json_close(&j);
        buf_addc(out, '\0');
}

/* The descriptors go with the first byte. */
static ssize_t send_some(int fd, const char *bytes, size_t size, const int *fds, size_t count)
{
        RIGHTS_ROOM(8) room;
        struct iovec iov = { (void *) (uintptr_t) bytes, size };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

        rights_put(&m, &room, fds, count);
        return sendmsg(fd, &m, MSG_NOSIGNAL);
}

/* Our request has not been read: asking again does nothing twice. The kernel says "reset" only to whom has sent what
 * the other side never read. */
static int turned_away(struct ctl *c)
{
        c->turned_away = true;
        return CTL_NO_DAEMON;
}

/* The connection has ended before there was an answer. When an engine has, the next one listens on the same socket:
 * what only looks asks that one. */
static int lost(struct ctl *c, bool reset)
{
        if (c->lost_is_fine || (reset && c->retry))
                return turned_away(c);
        if (c->looks >= 0 && now_ms() - c->asked_ms >= LONG_MS)
                c->looks = LOOKS_AGAIN;
        if (c->looks > 0) {
                c->looks--;
                return turned_away(c);
        }
        return ctl_error(CTL_NO_DAEMON, "the daemon closed the connection; %s", c->verb->waits ?
                         "whether it has done what was asked for is not known: see coppicectl status, why"
                         : "it has not answered");
}

static int send_call(struct ctl *c, const char *method, const char *params, bool more, const int *fds, size_t count)
{
        autobuf struct buf request = BUF_INIT;
        ssize_t n;
        size_t at = 0;

        write_request(&request, method, params, more ? "more" : NULL);
        if (buf_failed(&request))
                return ctl_error(CTL_FAILED, "out of memory");
        if (request.len > FRAME_REQUEST_MAX)
                return ctl_error(CTL_USAGE, "too much for one request: at most %u bytes", FRAME_REQUEST_MAX);
        for (; at < request.len; at += (size_t) n) {
                n = send_some(c->fd, request.data + at, request.len - at, fds, at == 0 ? count : 0);
                if (n < 0 && c->retry)
                        return turned_away(c);
                if (n < 0 && errno == EPIPE)
                        break; /* turned away at the door: why is still to be read */
                if (n < 0)
                        return ctl_error(CTL_NO_DAEMON, "the daemon closed the connection: %s", strerror(errno));
        }
        return CTL_OK;
}

/* What follows for as long as it is read ends when nobody reads it any more, not with the next line. The signal may be
 * ignored, as it is below what supervises services. */
static int nobody_reads(void)
{
        (void) raise(SIGPIPE);
        return ctl_error(CTL_FAILED, "write to standard output: %s", strerror(EPIPE));
}

/* Wait for bytes, the end of the time, or that of who reads what follows. */
static int wait_readable(struct ctl *c)
{
        struct pollfd p[] = { { .fd = c->fd, .events = POLLIN }, { .fd = c->follows ? STDOUT_FILENO : -1 } };
        const bool limited = c->deadline_ms >= 0;
        int64_t left = -1;
        int r;

        do {
                if (limited)
                        left = c->deadline_ms - now_ms();
                r = left > 0 || !limited ? poll(p, ARRAY_LEN(p), left > 1 << 30 ? 1 << 30 : (int) left) : 0;
        } while (r < 0 && errno == EINTR);
        if (p[1].revents & POLLERR)
                return nobody_reads();
        c->timed_out = limited && r <= 0;
        return !c->timed_out ? CTL_OK : ctl_error(CTL_FAILED, "no answer within %lld ms%s", (long long) c->timeout_ms,
                                                  c->over_with_us ? "" : "; what was asked for may go on");
}

static ssize_t receive(struct ctl *c, size_t room)
{
        char *at = frame_room(&c->in, room);
        ssize_t n;

        if (!at)
                return -ENOMEM;
        do
                n = recv(c->fd, at, room, 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        frame_added(&c->in, (size_t) n);
        return n;
}

static int next_frame(struct ctl *c, char **ret, size_t *ret_len)
{
        size_t room = 16 << 10;
        ssize_t n;
        int r;

        while (frame_next(&c->in, ret, ret_len) == 0) {
                if (c->deadline_ms >= 0 || c->follows) {
                        r = wait_readable(c);
                        if (r != CTL_OK)
                                return r;
                }
                n = receive(c, room);
                if (n == 0 || n == -ECONNRESET)
                        return lost(c, n < 0);
                if (n < 0)
                        return ctl_error(CTL_NO_DAEMON, "read from the daemon: %s", strerror((int) -n));
                room = 128 << 10; /* a long answer: fewer calls for the rest */
        }
        return CTL_OK;
}

/* --- errors in words ---------------------------------------------------------------------------------------------- */

static void list_texts(const struct jdoc *d, uint32_t array, struct buf *out)
{
        for (uint32_t t = jtok_first(d, array); t != JTOK_NONE; t = jtok_after(d, array, t)) {
                buf_adds(out, out->len ? ", " : "");
                buf_adds(out, jtok_text(d, t) ? jtok_text(d, t) : "?");
        }
}

static void say_problem(const struct jdoc *d, uint32_t t)
{
        struct err e = { .line = (uint32_t) jget_int(d, t, "line", 0) };
        const char *unit = jget_text(d, t, "unit"), *file = jget_text(d, t, "file"), *hint = jget_text(d, t, "hint");
        char text[700];

        (void) err_set(&e, STAGE_NONE, EINVAL, "%s", jget_text(d, t, "text") ? jget_text(d, t, "text") : "");
        err_unit(&e, unit ? unit : "");
        err_where(&e, file ? file : "", (uint32_t) jget_int(d, t, "line", 0));
        if (hint)
                err_hint(&e, "%s", hint);
        (void) ctl_error(0, "%s%s", jget_true(d, t, "fatal") ? "" : "warning: ", err_format(&e, text, sizeof text));
}

static int fail_reload(const struct jdoc *d, uint32_t params)
{
        uint32_t problems = jtok_get(d, params, "problems");

        for (uint32_t t = jtok_first(d, problems); t != JTOK_NONE; t = jtok_after(d, problems, t))
                say_problem(d, t);
        return ctl_error(CTL_FAILED, "nothing was changed");
}

static int fail_ambiguous(const struct jdoc *d, uint32_t params)
{
        autobuf struct buf list = BUF_INIT;

        list_texts(d, jtok_get(d, params, "candidates"), &list);
        return ctl_error(CTL_USAGE, "%s: more than one node is called so: %s", jget_text(d, params, "node"),
                         buf_text(&list));
}

static const char *or_empty(const char *text)
{
        return text ? text : "";
}

/* We are a process of a service. */
static int denied_by_unit(const struct ctl *c, const char *node, const char *access)
{
        if (!node)
                return ctl_error(CTL_DENIED, "%s: not permitted: the daemon cannot tell which of its services this "
                                 "process belongs to", c->verb->name);
        if (strcmp(access, "own") == 0)
                return ctl_error(CTL_DENIED,
                                 "%s: not permitted: to processes of %s only for what is below its own supervisor "
                                 "(ControlAccess=own, see coppice.service(5))", c->verb->name, node);
        return ctl_error(CTL_DENIED, "%s: not permitted to processes of %s (ControlAccess=%s of its unit or of a "
                         "supervisor above it, see coppice.service(5))", c->verb->name, node, access);
}

/* "... (file:line; hint)", as err_format() has it. */
static int fail_with_hint(const char *message, const char *hint)
{
        size_t n = strlen(message);

        if (!hint)
                return ctl_error(CTL_FAILED, "%s", message);
        return n > 0 && message[n - 1] == ')' ? ctl_error(CTL_FAILED, "%.*s; %s)", (int) n - 1, message, hint) :
                                                ctl_error(CTL_FAILED, "%s (%s)", message, hint);
}

static int say_error(struct ctl *c, const char *error)
{
        const struct jdoc *d = &c->doc;
        uint32_t p = jtok_get(d, 0, "parameters");
        const char *name = strrchr(error, '.') ? strrchr(error, '.') + 1 : error;
        const char *extra = jget_text(d, p, "nearest");

        if (strcmp(name, "NoSuchNode") == 0 && jget_text(d, p, "message"))
                return ctl_error(CTL_NOT_FOUND, "%s: no such node: %s", or_empty(jget_text(d, p, "node")),
                                 jget_text(d, p, "message"));
        if (strcmp(name, "NoSuchNode") == 0)
                return ctl_error(CTL_NOT_FOUND, "%s: no such node%s%s%s", or_empty(jget_text(d, p, "node")),
                                 extra ? " (did you mean " : "", or_empty(extra), extra ? "?)" : "");
        if (strcmp(name, "AmbiguousNode") == 0)
                return fail_ambiguous(d, p);
        if (strcmp(name, "NotPermitted") == 0 && jget_text(d, p, "access"))
                return denied_by_unit(c, jget_text(d, p, "node"), jget_text(d, p, "access"));
        if (strcmp(name, "NotPermitted") == 0)
                return ctl_error(CTL_DENIED,
                                 "%s: not permitted: only the daemon's user, root and members of its control group may "
                                 "do that", c->verb->name);
        if (strcmp(name, "BadValue") == 0)
                return ctl_error(CTL_USAGE, "%s: %s", or_empty(jget_text(d, p, "parameter")),
                                 or_empty(jget_text(d, p, "message")));
        if (strcmp(name, "ReloadFailed") == 0)
                return fail_reload(d, p);
        if (strcmp(name, "Refused") == 0) {
                extra = or_empty(jget_text(d, p, "result"));
                return ctl_error(strcmp(extra, "not-found") == 0 || strcmp(extra, "noproc") == 0 ||
                                 strcmp(extra, "not_found") == 0 || strcmp(extra, "empty") == 0 ||
                                 strcmp(extra, "not_running") == 0 ? CTL_NOT_FOUND : CTL_FAILED,
                                 "%s: %s", c->about ? c->about : c->argc ? c->argv[0] : c->verb->name,
                                 or_empty(jget_text(d, p, "message")));
        }
        if (strcmp(name, "ShuttingDown") == 0)
                return ctl_error(CTL_FAILED, "the daemon is shutting down");
        if (strcmp(name, "Failed") == 0) {
                extra = jget_text(d, p, "hint");
                return fail_with_hint(or_empty(jget_text(d, p, "message")), extra);
        }
        if (strcmp(name, "TooManyConnections") == 0 && c->retry)
                return turned_away(c);
        if (strcmp(name, "TooManyConnections") == 0)
                return ctl_error(CTL_FAILED, "the daemon has too many connections already");
        if (strcmp(name, "MethodNotFound") == 0)
                return ctl_error(CTL_FAILED,
                                 "the daemon does not know this: it is older than coppicectl (see coppicectl version)");
        return ctl_error(CTL_FAILED, "the daemon answers %s %s", error, or_empty(jget_text(d, p, "parameter")));
}

int ctl_next(struct ctl *c, uint32_t *ret)
{
        const char *error;
        char *text;
        size_t len;
        int r = next_frame(c, &text, &len);

        if (r != CTL_OK)
                return r;
        if (jtok_parse(&c->doc, text, len) < 0)
                return ctl_error(CTL_FAILED, "the daemon's answer is not JSON");
        error = jget_text(&c->doc, 0, "error");
        if (error)
                return say_error(c, error);
        *ret = jtok_get(&c->doc, 0, "parameters");
        return CTL_OK;
}

bool ctl_continues(const struct ctl *c)
{
        return jget_true(&c->doc, 0, "continues");
}

static int try_call(struct ctl *c, const char *method, const char *params, bool more, const int *fds, size_t count,
                    uint32_t *ret)
{
        int r = ctl_connect(c);

        if (r == CTL_OK)
                r = send_call(c, method, params, more, fds, count);
        return r == CTL_OK ? ctl_next(c, ret) : r;
}

static bool only_looks(const char *method)
{
        char name[64];
        enum method m;

        (void) snprintf(name, sizeof name, MANAGER_INTERFACE ".%s", method);
        m = method_find(name);
        return m != M_NONE && method_rows[m].access == METHOD_ANYONE;
}

/* When the daemon has no place for us just now, others are being served: ours comes. */
int ctl_call_fds(struct ctl *c, const char *method, const char *params, bool more, const int *fds, size_t count,
                 uint32_t *ret)
{
        int64_t until = now_ms() + (c->timeout_ms >= 0 && c->timeout_ms < PATIENCE_MS ? c->timeout_ms : PATIENCE_MS);
        int r;

        c->deadline_ms = c->timeout_ms < 0 ? -1 : now_ms() + c->timeout_ms;
        c->looks = only_looks(method) ? LOOKS_AGAIN : -1;
        for (int pause = 4;; pause = pause < 250 ? pause * 2 : pause) {
                c->retry = now_ms() < until;
                c->turned_away = false;
                c->asked_ms = now_ms();
                r = try_call(c, method, params, more, fds, count, ret);
                c->retry = false;
                if (!c->turned_away) {
                        c->looks = -1;
                        return r;
                }
                fd_close(&c->fd);
                frame_reader_free(&c->in);
                (void) poll(NULL, 0, pause + (int) (getpid() % pause)); /* not all at the same moment */
        }
}

int ctl_call(struct ctl *c, const char *method, const char *params, bool more, uint32_t *ret)
{
        return ctl_call_fds(c, method, params, more, NULL, 0, ret);
}

void ctl_await_daemon(struct ctl *c)
{
        const int64_t until = now_ms() + c->timeout_ms;
        char path[256];

        if (c->fd >= 0 || c->timeout_ms < 0)
                return;
        for (;;) {
                c->fd = control_connect(c->socket, path, sizeof path);
                if ((c->fd != -ENOENT && c->fd != -ECONNREFUSED) || now_ms() >= until)
                        break;
                (void) poll(NULL, 0, LOOK_MS);
        }
        c->fd = c->fd < 0 ? -1 : c->fd;
        c->timeout_ms = until > now_ms() ? until - now_ms() : 0;
}

bool ctl_reconnect(struct ctl *c)
{
        char path[256];

        fd_close(&c->fd);
        frame_reader_free(&c->in);
        c->fd = control_connect(c->socket, path, sizeof path);
        return c->fd >= 0;
}

void ctl_tell(const struct ctl *c, const char *method, const char *params)
{
        struct ctl other = { .verb = c->verb, .socket = c->socket, .fd = -1 };
        autobuf struct buf request = BUF_INIT;

        write_request(&request, method, params, "oneway");
        if (ctl_connect(&other) == CTL_OK)
                (void) send_some(other.fd, request.data, request.len, NULL, 0);
        fd_close(&other.fd);
}

int ctl_call_text(struct ctl *c, const char *method, const char *key, const char *value, uint32_t *ret)
{
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);

        json_open(&j, NULL, '{');
        if (value)
                json_str(&j, key, value);
        json_close(&j);
        return ctl_call(c, method, buf_text(&params), false, ret);
}

int ctl_wait_end(struct ctl *c)
{
        ssize_t n = 1;
        int r;

        while (n > 0) {
                if (c->deadline_ms >= 0) {
                        r = wait_readable(c);
                        if (r != CTL_OK)
                                return r;
                }
                n = receive(c, 4096);
        }
        return CTL_OK;
}

void ctl_put_json(struct ctl *c, uint32_t t)
{
        jtok_print(&c->doc, t, &c->out);
        buf_addc(&c->out, '\n');
}

void ctl_nodes_params(const struct ctl *c, struct json *j, int from)
{
        json_open(j, NULL, '{');
        json_open(j, "nodes", '[');
        for (int i = from; i < c->argc; i++)
                json_str(j, NULL, c->argv[i]);
        json_close(j);
}
