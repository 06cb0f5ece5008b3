/* logs.c - the engine's side of coppice-logd: the pipes, the questions, and a new writer when one has died.
 *
 * Both ends of every pipe stay open here (and in init's store), so a service never sees SIGPIPE and nothing in a
 * pipe is lost while no writer is there. Messages wait in a queue of our own: neither side ever waits for the other. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/logproto.h"
#include "base/logstore.h"
#include "base/rights.h"
#include "base/shortage.h"
#include "daemon/engine_priv.h"
#include "daemon/ledger.h"
#include "daemon/logd.h"
#include "daemon/logs.h"

enum { MESSAGES_PER_TURN = 64 }; /* the log writer makes a pipe larger while it is busy */

static uint32_t stream_of(node_id id)
{
        return id + 1; /* 0 means every stream */
}

static struct extra *extra_of(struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        return run ? run->extra : NULL;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static void wait_writable(struct engine *e, bool wanted)
{
        struct logd *l = e->logd;

        if (l->writing == wanted)
                return;
        l->writing = wanted;
        ev_io_stop(e->loop, &l->watch);
        ev_io_set(&l->watch, l->sock, EV_READ | (wanted ? EV_WRITE : 0));
        ev_io_start(e->loop, &l->watch);
}

static int send_bytes(const struct logd *l, const void *bytes, size_t n, int fd)
{
        RIGHTS_ROOM(1) room;
        struct iovec iov = { .iov_base = (void *) (uintptr_t) bytes, .iov_len = n };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

        rights_put(&m, &room, &fd, fd >= 0);
        return sendmsg(l->sock, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static struct log_config config_of(const struct engine *e, const struct spec *s)
{
        nsec age = spec_int(s, D_SERVICE_LogMaxAge);
        int64_t size = spec_int(s, D_SERVICE_LogMaxSize);

        return (struct log_config) {
                .max_size = size == INT64_MAX ? 0 : (uint64_t) size,
                .max_age_us = age == NSEC_NEVER ? 0 : (uint64_t) (age / NSEC_PER_USEC),
                .max_files = (uint32_t) spec_int(s, D_SERVICE_LogMaxFiles),
                .rate_count = (uint64_t) spec_int(s, D_SERVICE_LogRateLimit),
                .rate_unit = LOG_RATE_LINES,
                .sink = e->opt.log_target == TARGET_CONSOLE ? LOG_SINK_STDOUT : LOG_SINK_DIR,
                .format = (uint8_t) spec_int(s, D_SERVICE_LogFormat),     /* enum log_format is that of logproto.h */
                .compress = (uint8_t) spec_int(s, D_SERVICE_LogCompress),
        };
}

static int send_stream(struct engine *e, const struct waiting *w)
{
        _Alignas(struct logmsg_stream) char bytes[sizeof(struct logmsg_stream) + PATH_MAX_NODE];
        struct logmsg_stream *m = (void *) bytes;
        node_id id = w->stream - 1;
        const struct node *node = core_node(e->core, id);
        const struct extra *x = extra_of(e, id);

        if (!node || !x || x->log_in < 0)
                return 0; /* forgotten meanwhile */
        *m = (struct logmsg_stream) { .head = { .kind = w->kind, .stream = w->stream },
                                      .config = config_of(e, node->spec) };
        (void) engine_path(e, id, m->path, PATH_MAX_NODE);
        return send_bytes(e->logd, m, sizeof(*m) + strlen(m->path), w->kind == LOGMSG_ADD ? x->log_in : -1);
}

static int send_one(struct engine *e, const struct waiting *w)
{
        struct logmsg m = { .kind = w->kind, .stream = w->stream, .arg = w->arg };

        if (w->kind == LOGMSG_ADD || w->kind == LOGMSG_UPDATE)
                return send_stream(e, w);
        return send_bytes(e->logd, &m, sizeof(m), -1);
}

static void send_queue(struct engine *e)
{
        struct logd *l = e->logd;
        size_t i = 0;

        if (l->sock < 0)
                return;
        for (int r = 0; i < l->queue_len; i++) {
                r = send_one(e, &l->queue[i]);
                if (r < 0 && error_passes(-r)) /* else it is gone, and all of this will be said to the next */
                        break;
        }
        l->queue_len -= i;
        if (l->queue_len > 0)
                memmove(l->queue, l->queue + i, l->queue_len * sizeof(*l->queue));
        wait_writable(e, l->queue_len > 0);
}

static void ask(struct engine *e, uint32_t kind, uint32_t stream, uint64_t arg)
{
        struct logd *l = e->logd;

        if (l->queue_len == l->queue_cap) {
                size_t cap = l->queue_cap ? l->queue_cap * 2 : 32;
                struct waiting *more = realloc(l->queue, cap * sizeof(*more));

                if (!more) {
                        log_error("out of memory: a message to the log writer is lost");
                        return;
                }
                l->queue = more;
                l->queue_cap = cap;
        }
        l->queue[l->queue_len++] = (struct waiting) { .kind = kind, .stream = stream, .arg = arg };
        if (l->queue_len == 1 && l->sock >= 0)
                send_queue(e);
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

static void flushed(struct engine *e, int result)
{
        struct logd *l = e->logd;
        struct flush_waiter w;

        if (l->flush_count == 0)
                return;
        w = l->flushes[0];
        memmove(l->flushes, l->flushes + 1, --l->flush_count * sizeof(*l->flushes));
        if (w.fn)
                w.fn(w.arg, result);
}

static void on_problem(const struct logmsg_problem *p)
{
        if (p->code == 0)
                log_notice("log writer: over: %.*s", (int) sizeof(p->text), p->text);
        else
                log_warning("log writer: %.*s", (int) sizeof(p->text), p->text);
}

/* 0: of the last of all. */
static void on_flushed(struct engine *e, uint64_t serial)
{
        struct logd *l = e->logd;

        while (l->flush_count > 0 && (serial == 0 || l->flushes[0].serial <= serial))
                flushed(e, 0);
        if (serial == 0 && l->then)
                logd_quit_done(e);
}

static void on_answer(struct engine *e, const char *bytes, size_t n)
{
        struct logmsg m;

        memcpy(&m, bytes, sizeof(m));
        if (m.kind == LOGMSG_TAIL_IS && m.stream > 0)
                ledger_tail(e, m.stream - 1, (uint32_t) m.arg, bytes + sizeof(m), n - sizeof(m));
        else if (m.kind == LOGMSG_FLUSHED)
                on_flushed(e, m.arg);
        else if (m.kind == LOGMSG_PROBLEM && n >= sizeof(struct logmsg_problem))
                on_problem((const struct logmsg_problem *) (const void *) bytes);
        else if (m.kind == LOGMSG_READY)
                e->logd->delay = LOGD_DELAY_FIRST;
}

static void on_socket(struct ev_loop *loop, ev_io *w, int revents)
{
        struct logd *l = container_of(w, struct logd, watch);
        char bytes[LOGMSG_MAX] __attribute__((aligned(8)));

        if (watch_renewed(loop, w, revents))
                return;
        if (revents & EV_WRITE)
                send_queue(l->e);
        for (int i = 0; i < MESSAGES_PER_TURN && l->sock >= 0; i++) {
                ssize_t n = recv(l->sock, bytes, sizeof(bytes), MSG_DONTWAIT);

                if (n < 0 && error_passes(errno))
                        return;
                if (n <= 0) {
                        logd_disconnect(l->e); /* its exit is on the way */
                        return;
                }
                if ((size_t) n >= sizeof(struct logmsg))
                        on_answer(l->e, bytes, (size_t) n);
        }
}

/* --- what logd.c and the rest call -------------------------------------------------------------------------------- */

void logd_quit_done(struct engine *e)
{
        void (*then)(struct engine *) = e->logd->then;

        e->logd->then = NULL;
        if (then)
                then(e);
}

void logd_disconnect(struct engine *e)
{
        struct logd *l = e->logd;

        if (l->sock < 0)
                return;
        ev_io_stop(e->loop, &l->watch);
        (void) initlink_unstore(e->link, "logd");
        fd_close(&l->sock);
        l->writing = false;
        l->queue_len = 0;
        while (l->flush_count > 0)
                flushed(e, -EPIPE);
}

/* A new writer: every stream is told to it again. What waits in the pipes is read first. */
void logd_connect(struct engine *e, int sock)
{
        struct logd *l = e->logd;

        l->sock = sock;
        l->writing = false;
        ev_io_init(&l->watch, on_socket, sock, EV_READ);
        ev_io_start(e->loop, &l->watch);
        for (node_id id = 0; id < e->run_cap; id++)
                if (e->runs[id].extra && e->runs[id].extra->log_in >= 0)
                        ask(e, LOGMSG_ADD, stream_of(id), 0);
        logs_level(e);
}

/* "NODE:PATH", as much of the path as fits: the number finds the node at once, the path tells whether it is still the
 * same. Kept, because a node that is forgotten has no path any more. */
static void store_ends(struct engine *e, node_id id, struct extra *x)
{
        char path[PATH_MAX_NODE], name[INIT_NAME_MAX];

        if (asprintf(&x->log_path, "%u:%.96s", id, engine_path(e, id, path, sizeof(path))) < 0) {
                x->log_path = NULL;
                return;
        }
        (void) snprintf(name, sizeof(name), "log-in:%s", x->log_path);
        (void) initlink_store(e->link, name, x->log_in);
        (void) snprintf(name, sizeof(name), "log-out:%s", x->log_path);
        (void) initlink_store(e->link, name, x->log_out);
}

static void unstore_ends(struct engine *e, struct extra *x)
{
        char name[PATH_MAX_NODE + 16];

        if (!x->log_path)
                return;
        (void) snprintf(name, sizeof(name), "log-in:%s", x->log_path);
        (void) initlink_unstore(e->link, name);
        (void) snprintf(name, sizeof(name), "log-out:%s", x->log_path);
        (void) initlink_unstore(e->link, name);
        free(ptr_steal(x->log_path));
}

int logs_pipe(struct engine *e, node_id id, struct err *err)
{
        struct extra *x = engine_extra(e, id);
        int fds[2];

        if (!x)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        if (x->log_out >= 0)
                return x->log_out;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return err_sys(err, STAGE_RESOURCES, "make the log pipe");
        x->log_in = fds[0];
        x->log_out = fds[1];
        store_ends(e, id, x);
        if (e->logd->sock >= 0)
                ask(e, LOGMSG_ADD, stream_of(id), 0);
        else
                logs_start(e);
        return x->log_out;
}

void logs_begin(struct engine *e, node_id id)
{
        const struct extra *x = extra_of(e, id);

        if (x && x->log_in >= 0 && e->logd->sock >= 0)
                ask(e, LOGMSG_MARK, stream_of(id), 0);
}

void logs_tail(struct engine *e, node_id id, uint32_t incarnation)
{
        const struct extra *x = extra_of(e, id);

        if (x && x->log_in >= 0 && e->logd->sock >= 0)
                ask(e, LOGMSG_TAIL, stream_of(id), incarnation);
}

void logs_changed(struct engine *e, node_id id)
{
        const struct extra *x = extra_of(e, id);

        if (x && x->log_in >= 0 && e->logd->sock >= 0)
                ask(e, LOGMSG_UPDATE, stream_of(id), 0);
}

void logs_forget(struct engine *e, node_id id)
{
        struct extra *x = extra_of(e, id);

        if (!x || x->log_in < 0)
                return;
        if (e->logd->sock >= 0)
                ask(e, LOGMSG_REMOVE, stream_of(id), 0);
        unstore_ends(e, x);
        fd_close(&x->log_in);
        fd_close(&x->log_out);
}

void logs_level(struct engine *e)
{
        if (e->logd->sock >= 0)
                ask(e, LOGMSG_LEVEL, 0, (uint64_t) log_get_level());
}

void engine_set_log_level(struct engine *e, enum log_level level)
{
        log_set_level(level);
        logs_level(e);
}

void logs_quit(struct engine *e, void (*then)(struct engine *e))
{
        e->logd->quitting = true;
        if (e->logd->sock < 0) {
                then(e);
                return;
        }
        e->logd->then = then;
        ask(e, LOGMSG_QUIT, 0, 0);
}

void engine_log_flush(struct engine *e, node_id id, void (*fn)(void *arg, int result), void *arg)
{
        struct logd *l = e->logd;

        (void) id; /* one question for all streams costs logd little and needs no book-keeping */
        if (l->sock < 0 || l->flush_count == FLUSH_WAITERS_MAX) {
                fn(arg, l->sock < 0 ? -EPIPE : -EAGAIN);
                return;
        }
        l->flushes[l->flush_count++] = (struct flush_waiter) { .fn = fn, .arg = arg, .serial = ++l->last_flush };
        ask(e, LOGMSG_FLUSH, 0, l->last_flush);
}

void engine_log_flush_forget(struct engine *e, void *arg)
{
        for (size_t i = 0; i < e->logd->flush_count; i++)
                if (e->logd->flushes[i].arg == arg)
                        e->logd->flushes[i].fn = NULL; /* its place stays: answers come in the order of the questions */
}

char *engine_log_dir_of(const struct engine *e, const char *path, char *buf, size_t n)
{
        char dir[PATH_MAX_NODE * 3];

        buf[0] = '\0';
        if (e->opt.log_target != TARGET_CONSOLE && log_dir_of(path, strlen(path), dir, sizeof(dir)) > 0)
                (void) snprintf(buf, n, "%s/%s", e->opt.log_dir, dir);
        return buf;
}

char *engine_log_dir(const struct engine *e, node_id id, char *buf, size_t n)
{
        const struct run *run = engine_peek(e, id);
        char path[PATH_MAX_NODE];

        buf[0] = '\0';
        if (!run || !run->extra || run->extra->log_in < 0)
                return buf;
        return engine_log_dir_of(e, engine_path(e, id, path, sizeof(path)), buf, n);
}
