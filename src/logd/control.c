/* control.c - what the engine asks for, and what it is told. See base/logproto.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/logstore.h"
#include "base/shortage.h"
#include "base/rights.h"
#include "logd/logd.h"

union message {
        struct logmsg head;
        struct logmsg_stream stream;
        char bytes[LOGMSG_MAX];
};

/* --- telling ------------------------------------------------------------------------------------ */

/* Nobody waits for us, nor we for them. False: there was no room. */
static bool send_bytes(const struct logd *l, const void *bytes, size_t n)
{
        return send(l->control, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || !error_passes(errno);
}

void control_send(struct logd *l, enum logmsg_kind kind, uint32_t stream, uint64_t arg)
{
        const struct logmsg m = { .kind = kind, .stream = stream, .arg = arg };

        if (!send_bytes(l, &m, sizeof m) && kind == LOGMSG_FLUSHED) {
                l->owes = true;
                l->owed = arg;
        }
}

void control_pay(struct logd *l)
{
        if (!l->owes)
                return;
        l->owes = false;
        control_send(l, LOGMSG_FLUSHED, 0, l->owed);
}

void control_problem(struct logd *l, const struct stream *s, int code, const char *verb)
{
        struct logmsg_problem m = { .head = { .kind = LOGMSG_PROBLEM, .stream = s ? s->id : 0 }, .code = code };

        (void) snprintf(m.text, sizeof m.text, "%s %s%s/" LOG_CURRENT "%s%s", verb, l->log_dir ? l->log_dir : "",
                        s ? s->path : "", code ? ": " : "", code ? strerror(code) : "");
        if (l->engine_gone)
                log_warning("%s%s", m.text, code ? "" : ": writing again");
        (void) send_bytes(l, &m, sizeof m);
}

static void send_counters(struct logd *l, const struct stream *s, uint64_t arg)
{
        const struct logmsg_counters m = {
                .head = { .kind = LOGMSG_COUNTERS, .stream = s->id, .arg = arg },
                .bytes = s->bytes,
                .lines = s->lines,
                .dropped_bytes = s->dropped_bytes,
                .dropped_lines = s->dropped_lines,
                .rotations = s->store ? s->store->rotations : 0,
        };

        (void) send_bytes(l, &m, sizeof m);
}

static void send_tail(struct logd *l, struct stream *s, uint64_t arg)
{
        struct {
                struct logmsg head;
                char text[LOG_TAIL_MAX];
        } m = { .head = { .kind = LOGMSG_TAIL_IS, .stream = s->id, .arg = arg } };

        (void) send_bytes(l, &m, sizeof m.head + tail_read(l, s, m.text));
}

/* --- hearing ------------------------------------------------------------------------------------ */

static void complain(struct logd *l, const struct logmsg *m, int code)
{
        struct logmsg_problem p = { .head = { .kind = LOGMSG_PROBLEM, .stream = m->stream }, .code = code };

        (void) snprintf(p.text, sizeof p.text, "message %u for stream %u: %s", m->kind, m->stream, strerror(code));
        (void) send_bytes(l, &p, sizeof p);
}

static bool sound(const struct logmsg_stream *m, size_t path_len)
{
        const struct log_config *c = &m->config;

        return m->head.stream > 0 && path_len > 0 && path_len <= LOG_PATH_MAX &&
               !memchr(m->path, '\0', path_len) && c->sink <= LOG_SINK_STDERR && c->format <= LOG_FORMAT_JSON &&
               c->compress <= LOG_COMPRESS_ZSTD && c->rate_unit <= LOG_RATE_LINES;
}

static int add(struct logd *l, const struct logmsg_stream *m, size_t path_len, int *fd)
{
        struct stream *old = stream_find(l, m->head.stream);

        if (*fd < 0 || !sound(m, path_len))
                return -EPROTO;
        if (old)
                stream_remove(l, old);
        return stream_add(l, m->head.stream, fd_steal(fd), &m->config, m->path, path_len) ? 0 : -ENOMEM;
}

static void flush_all(struct logd *l)
{
        for (size_t i = 0; i < l->count; i++)
                stream_drain(l, l->streams[i]);
        for (int i = 0; i < 2; i++)
                console_flush(&l->console[i], l->now_us);
}

static int rotate(struct logd *l, uint32_t id)
{
        for (size_t i = 0; i < l->count; i++) {
                struct stream *s = l->streams[i];

                if ((id && s->id != id) || s->config.sink != LOG_SINK_DIR)
                        continue;
                stream_drain(l, s);
                if (!s->store || s->store->size == 0)
                        continue;
                if (s->store->midline) {
                        s->store->rotate_now = true;
                } else if (store_rotate(s->store, logd_wall_us()) == 0) {
                        s->tidy = true;
                        tidy_start(l);
                }
        }
        return 0;
}

/* Messages about one stream that is there. */
static int about(struct logd *l, struct stream *s, const union message *m, size_t n)
{
        const size_t path_len = n > sizeof m->stream ? n - sizeof m->stream : 0;

        switch (m->head.kind) {
        case LOGMSG_UPDATE:
                return sound(&m->stream, path_len) ?
                               stream_update(l, s, &m->stream.config, m->stream.path, path_len) : -EPROTO;
        case LOGMSG_REMOVE:
                stream_remove(l, s);
                control_send(l, LOGMSG_REMOVED, m->head.stream, m->head.arg);
                return 0;
        case LOGMSG_MARK:
                stream_mark(l, s);
                return 0;
        case LOGMSG_TAIL:
                send_tail(l, s, m->head.arg);
                return 0;
        case LOGMSG_COUNT:
                send_counters(l, s, m->head.arg);
                return 0;
        default:
                return -EPROTO;
        }
}

static int obey(struct logd *l, const union message *m, size_t n, int *fd)
{
        struct stream *s;

        switch (m->head.kind) {
        case LOGMSG_ADD:
                return add(l, &m->stream, n > sizeof m->stream ? n - sizeof m->stream : 0, fd);
        case LOGMSG_ROTATE:
                return rotate(l, m->head.stream);
        case LOGMSG_FLUSH:
                flush_all(l);
                control_send(l, LOGMSG_FLUSHED, 0, m->head.arg);
                return 0;
        case LOGMSG_QUIT:
                l->quitting = true;
                return 0;
        case LOGMSG_LEVEL:
                if (m->head.arg >= LOG_LEVEL_COUNT)
                        return -EPROTO;
                log_set_level((enum log_level) m->head.arg);
                return 0;
        default:
                s = stream_find(l, m->head.stream);
                return s ? about(l, s, m, n) : -ENOENT;
        }
}

/* One descriptor at most is expected; MSG_CMSG_CLOEXEC keeps it out of the child of tidy.c. */
static ssize_t receive(const struct logd *l, union message *m, int *fd)
{
        RIGHTS_ROOM(1) room;
        struct iovec iov = { .iov_base = m, .iov_len = sizeof *m };
        struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof room };
        const ssize_t n = recvmsg(l->control, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

        *fd = -1;
        if (n >= 0)
                (void) rights_take(&h, fd, 1);
        return n;
}

void control_receive(struct logd *l)
{
        union message m;

        /* Bounded, so that a busy engine cannot keep the pipes waiting. */
        for (int i = 0; i < 64 && !l->quitting; i++) {
                autoclose int fd = -1;
                const ssize_t n = receive(l, &m, &fd);
                int r;

                if (n < 0 && error_passes(errno))
                        return;
                if (n <= 0) {
                        l->quitting = l->engine_gone = true;
                        return;
                }
                r = (size_t) n < sizeof m.head ? -EPROTO : obey(l, &m, (size_t) n, &fd);
                if (r < 0)
                        complain(l, &m.head, -r);
        }
}
