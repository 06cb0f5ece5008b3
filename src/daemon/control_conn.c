/* control_conn.c - one connection: bytes in, requests cut out and dispatched, replies out.
 *
 * A closed connection's struct lives until the next control_sweep(): whoever is on the stack may still look at it
 * and sees `dead`. */
#include <string.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/rights.h"
#include "base/shortage.h"
#include "daemon/control_priv.h"
#include "daemon/mailroom.h"

size_t conn_unread(const struct conn *k)
{
        return k->out.len - k->out_at;
}

static void close_all(int *fds, size_t *count)
{
        while (*count > 0)
                fd_close(&fds[--*count]);
}

static void end_call(struct conn *k)
{
        if (!k->busy)
                return;
        k->busy = false;
        call_ahead_over(&k->call);
        if (k->call.ops && k->call.ops->drop)
                k->call.ops->drop(&k->call);
        close_all(k->call.fds, &k->call.fd_count);
        varlink_call_free(&k->call.in);
        k->call = (struct call) { .conn = k };
}

void conn_apart(struct conn *k)
{
        if (k->apart)
                return;
        k->apart = true;
        k->control->count--;
        k->control->reserved -= k->reserved;
        k->reserved = false;
}

void conn_close(struct conn *k)
{
        struct control *s = k->control;
        struct ev_loop *loop = engine_loop(s->engine);

        if (k->dead)
                return;
        k->dead = true;
        end_call(k);
        if (k->holds)
                engine_channel_let_go(s->engine, k);
        close_all(k->fds, &k->fd_count);
        ev_io_stop(loop, &k->read);
        ev_io_stop(loop, &k->write);
        ev_timer_stop(loop, &k->partial);
        ev_timer_stop(loop, &k->again);
        fd_close(&k->fd);
        s->on_spare -= k->on_spare;
        control_spare(s);
        if (k->prev)
                k->prev->next = k->next;
        else
                s->conns = k->next;
        if (k->next)
                k->next->prev = k->prev;
        conn_apart(k);
        k->next = s->dead;
        s->dead = k;
}

void conn_free(struct conn *k)
{
        frame_reader_free(&k->in);
        buf_free(&k->out);
        free(k);
}

/* --- out ------------------------------------------------------------------------------------------------------- */

static void conn_send(struct conn *k)
{
        struct ev_loop *loop = engine_loop(k->control->engine);
        ssize_t n;

        if (conn_unread(k) > 0)
                engine_write_down(k->control->engine);
        while (conn_unread(k) > 0) {
                n = send(k->fd, k->out.data + k->out_at, conn_unread(k), MSG_DONTWAIT | MSG_NOSIGNAL);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && error_passes(errno)) {
                        ev_io_start(loop, &k->write);
                        return;
                }
                if (n < 0) {
                        conn_close(k);
                        return;
                }
                k->out_at += (size_t) n;
        }
        ev_io_stop(loop, &k->write);
        k->out_at = 0;
        if (k->out.cap > OUT_PAUSE)
                buf_free(&k->out); /* one big answer is no reason to keep its memory */
        else
                buf_clear(&k->out);
}

/* --- calls ----------------------------------------------------------------------------------------------------- */

struct engine *call_engine(const struct call *c)
{
        return c->conn->control->engine;
}

const struct core *call_core(const struct call *c)
{
        return engine_core(call_engine(c));
}

static struct json *open_reply(struct call *c, const char *error)
{
        c->mark = c->conn->out.len;
        c->j = varlink_reply_open(&c->conn->out, error);
        return &c->j;
}

struct json *call_open(struct call *c)
{
        return open_reply(c, NULL);
}

struct json *call_open_error(struct call *c, const char *error)
{
        char name[96];

        (void) snprintf(name, sizeof name, MANAGER_INTERFACE ".%s", error);
        return open_reply(c, strchr(error, '.') ? error : name); /* ours unless it says whose it is */
}

void call_close(struct call *c, bool continues)
{
        struct conn *k = c->conn;

        varlink_reply_close(&c->j, continues);
        if (c->in.oneway && !buf_failed(&k->out))
                k->out.len = c->mark;
        c->done = !continues;
        if (!c->done || k->working)
                return;
        k->outside = true;
        conn_work(k);
        k->outside = false;
}

void call_fail(struct call *c, const char *error, const char *key, const char *value, const char *key2,
               const char *value2)
{
        struct json *j = call_open_error(c, error);

        if (key)
                json_str(j, key, value);
        if (key && key2)
                json_str(j, key2, value2);
        call_close(c, false);
}

void call_fail_err(struct call *c, const struct err *err)
{
        char text[700];
        struct err plain = *err;

        plain.hint[0] = '\0';
        call_fail(c, "Failed", "message", err_format(&plain, text, sizeof text), "hint",
                  err->hint[0] ? err->hint : NULL);
}

bool call_params(struct call *c)
{
        if (params_done(&c->in))
                return true;
        call_fail(c, SERVICE_INTERFACE ".InvalidParameter", "parameter", c->in.bad, NULL, NULL);
        return false;
}

static void get_info(struct call *c)
{
        struct json *j;

        if (!call_params(c))
                return;
        j = call_open(c);
        json_str(j, "vendor", "Coppice");
        json_str(j, "product", "coppiced");
        json_str(j, "version", PACKAGE_VERSION);
        json_str(j, "url", PACKAGE_BUGREPORT);
        json_open(j, "interfaces", '[');
        json_str(j, NULL, SERVICE_INTERFACE);
        json_str(j, NULL, MANAGER_INTERFACE);
        json_close(j);
        call_close(c, false);
}

static void get_interface(struct call *c)
{
        const char *name = param_str(&c->in, "interface", true), *text;

        if (!call_params(c))
                return;
        text = interface_text(name);
        if (!text) {
                call_fail(c, SERVICE_INTERFACE ".InterfaceNotFound", "interface", name, NULL, NULL);
                return;
        }
        json_str(call_open(c), "description", text);
        call_close(c, false);
}

static void not_found(struct call *c)
{
        const char *dot = strrchr(c->in.method, '.');
        size_t n = dot ? (size_t) (dot - c->in.method) : 0;
        char interface[128];

        (void) snprintf(interface, sizeof interface, "%.*s", n < sizeof interface ? (int) n : 0, c->in.method);
        if (interface_text(interface))
                call_fail(c, SERVICE_INTERFACE ".MethodNotFound", "method", c->in.method, NULL, NULL);
        else
                call_fail(c, SERVICE_INTERFACE ".InterfaceNotFound", "interface", interface, NULL, NULL);
}

static void begin(struct call *c)
{
        static void (*const methods[M_COUNT])(struct call *) = {
#define METHOD(name, access, replies, text) [M_##name] = method_##name,
#include "proto/methods.def"
#undef METHOD
        };

        c->begins = false;
        methods[c->method](c);
}

static void dispatch(struct call *c)
{
        c->method = method_find(c->in.method);
        if (c->fd_count > 0 && c->method != M_SpawnTransient) {
                conn_close(c->conn); /* descriptors nobody asked for (G8) */
                return;
        }
        if (c->method != M_NONE && (!call_permitted(c) || call_asks_ahead(c)))
                return; /* before a look at the parameters (G6) */
        if (c->method != M_NONE)
                begin(c);
        else if (strcmp(c->in.method, SERVICE_INTERFACE ".GetInfo") == 0)
                get_info(c);
        else if (strcmp(c->in.method, SERVICE_INTERFACE ".GetInterfaceDescription") == 0)
                get_interface(c);
        else
                not_found(c);
}

/* --- in -------------------------------------------------------------------------------------------------------- */

/* The next request; false when there is none that can be taken now, or the connection is closed. */
static bool take_request(struct conn *k)
{
        char *text;
        size_t len;
        int r = frame_next(&k->in, &text, &len);

        if (r == 0)
                return false;
        k->call = (struct call) { .conn = k };
        if (r < 0 || conn_unread(k) > OUT_MAX || varlink_call_parse(&k->call.in, text, len) < 0) {
                conn_close(k);
                return false;
        }
        k->busy = true;
        memcpy(k->call.fds, k->fds, sizeof k->fds);
        k->call.fd_count = k->fd_count;
        k->fd_count = 0;
        dispatch(&k->call);
        return true;
}

static bool progress(struct conn *k)
{
        if (k->dead)
                return false;
        if (k->busy && k->call.done) {
                end_call(k);
                return true;
        }
        if (k->busy && k->call.begins && !k->outside) {
                begin(&k->call);
                return true;
        }
        if (k->busy)
                return false;
        return !k->outside && take_request(k);
}

/* A request has begun and nothing else goes on: then its rest must come soon. The timer is not set again by each
 * byte, so a byte a second does not hold a place for ever. */
static void watch_partial(struct conn *k)
{
        struct ev_loop *loop = engine_loop(k->control->engine);
        bool partial = !k->busy && frame_pending(&k->in) > 0 && !ev_is_active(&k->again);

        if (!partial) {
                ev_timer_stop(loop, &k->partial);
        } else if (!ev_is_active(&k->partial)) {
                ev_timer_set(&k->partial, PARTIAL_SEC, 0.);
                ev_timer_start(loop, &k->partial);
        }
}

static void settle(struct conn *k)
{
        struct ev_loop *loop = engine_loop(k->control->engine);

        if (buf_failed(&k->out)) {
                conn_close(k);
                return;
        }
        if (k->finished && !k->busy && conn_unread(k) == 0 && !ev_is_active(&k->again)) {
                conn_close(k);
                return;
        }
        if (k->finished || frame_pending(&k->in) >= IN_PAUSE)
                ev_io_stop(loop, &k->read);
        else
                ev_io_start(loop, &k->read);
        watch_partial(k);
}

void conn_work_soon(struct conn *k)
{
        if (ev_is_active(&k->again))
                return;
        ev_timer_set(&k->again, 0., 0.);
        ev_timer_start(engine_loop(k->control->engine), &k->again);
}

static bool can_produce(const struct conn *k)
{
        return !k->dead && k->busy && !k->call.done && k->call.ops && k->call.ops->produce &&
               conn_unread(k) < OUT_PAUSE;
}

void conn_work(struct conn *k)
{
        int left = 2 * CALLS_PER_TURN; /* a request and its end are one step each */
        bool more = false, held = conn_unread(k) > 0; /* held: perhaps so much that a stream waits for that alone */

        if (k->dead)
                return;
        k->working = true;
        do {
                while (left > 0 && progress(k))
                        left--;
                more = can_produce(k) && k->call.ops->produce(&k->call);
        } while (!k->dead && k->busy && k->call.done && left > 0);
        if (!k->dead)
                conn_send(k);
        if (!k->dead && k->outside && !k->busy && frame_pending(&k->in) > 0)
                conn_work_soon(k);
        if (!k->dead && (left == 0 || ((more || (held && can_produce(k))) && conn_unread(k) == 0)))
                conn_work_soon(k); /* others first; unread output wakes us by itself */
        if (!k->dead)
                settle(k);
        k->working = false;
}

/* Descriptors belong to the request they come with, so there may be no other on its way or being answered. They are
 * kept until it is whole; dispatch() closes the connection when its method takes none (G8). False: too many, or at the
 * wrong moment; none is kept then. */
static bool take_descriptors(struct conn *k, struct msghdr *m)
{
        int fds[FDS_AT_ONCE];
        size_t n = rights_take(m, fds, FDS_AT_ONCE);
        bool fine = !(m->msg_flags & MSG_CTRUNC) && (n == 0 || (!k->busy && k->fd_count + n <= FDS_PER_CALL));
        bool keep = fine && conn_access(k) == CONTROL_ALL; /* who may call nothing that takes some is told
                                                            * so, without them */

        for (size_t i = 0; i < n; i++)
                if (keep)
                        k->fds[k->fd_count++] = fds[i];
                else
                        (void) close(fds[i]);
        return fine;
}

static ssize_t receive(struct conn *k)
{
        RIGHTS_ROOM(FDS_AT_ONCE) room;
        enum { CHUNK = 8192 };
        struct iovec iov = { frame_room(&k->in, CHUNK), CHUNK };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof room };
        ssize_t n;

        if (!iov.iov_base)
                return -ENOMEM;
        n = recvmsg(k->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0)
                return -errno;
        if (!take_descriptors(k, &m))
                return -EPROTO;
        frame_added(&k->in, (size_t) n);
        return n;
}

/* The client sends no more. Has it gone altogether, or does it only wait for its answers? */
static bool hung_up(int fd)
{
        struct pollfd p = { .fd = fd, .events = 0 };

        return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR));
}

static void on_read(struct ev_loop *loop, ev_io *w, int revents)
{
        struct conn *k = container_of(w, struct conn, read);
        ssize_t n;

        if (watch_renewed(loop, w, revents))
                return;
        control_sweep(k->control);
        n = receive(k);
        if (n < 0 && error_passes((int) -n))
                return;
        if (n < 0 || (n == 0 && (frame_pending(&k->in) == 0 || k->busy) && hung_up(k->fd))) {
                conn_close(k);
                return;
        }
        if (n == 0)
                k->finished = true;
        conn_work(k);
}

static void on_write(struct ev_loop *loop, ev_io *w, int revents)
{
        struct conn *k = container_of(w, struct conn, write);

        if (watch_renewed(loop, w, revents))
                return;
        control_sweep(k->control);
        conn_work(k);
}

static void on_partial(struct ev_loop *loop, ev_timer *w, int revents)
{
        (void) loop, (void) revents;
        conn_close(container_of(w, struct conn, partial));
}

static void on_again(struct ev_loop *loop, ev_timer *w, int revents)
{
        struct conn *k = container_of(w, struct conn, again);

        (void) loop, (void) revents;
        control_sweep(k->control);
        conn_work(k);
}

struct conn *conn_new(struct control *s, int fd, uid_t uid, bool admin, const struct peer *peer)
{
        struct conn *k = calloc(1, sizeof *k);

        if (!k)
                return NULL;
        k->control = s;
        k->fd = fd;
        k->uid = uid;
        k->admin = admin;
        k->peer = *peer;
        k->in = frame_reader_make(FRAME_REQUEST_MAX);
        k->call.conn = k;
        ev_io_init(&k->read, on_read, fd, EV_READ);
        ev_io_init(&k->write, on_write, fd, EV_WRITE);
        ev_timer_init(&k->partial, on_partial, PARTIAL_SEC, 0.);
        ev_timer_init(&k->again, on_again, 0., 0.);
        k->next = s->conns;
        if (k->next)
                k->next->prev = k;
        s->conns = k;
        s->count++;
        ev_io_start(engine_loop(s->engine), &k->read);
        return k;
}
