/* loop.c - wait, read requests, send answers. See init.h.
 *
 * The one rule against loss: take something in (a request, a zombie, a pending signal) only while there is room to
 * answer for it. */
#include "init/init.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rights.h"
#include "base/shortage.h"

#define FULL_LOOK_MS 250 /* how often an engine that does not read is looked at: has it ended? */
#define GOODBYE_MS 5000 /* an engine that has said goodbye and does not go is killed */
#define TERMS_MAX  3    /* so many requests to end while there is no engine are enough */
#define EXIT_INTERNAL 70 /* FAILURES J5 */

bool queue_has_room(const struct init *in)
{
        return in->queue_count <= QUEUE_MAX / 2 && in->store.handed_out >= in->store.count;
}

void close_pair(struct init *in)
{
        if (in->sock >= 0)
                (void) close(in->sock);
        if (in->theirs >= 0)
                (void) close(in->theirs);
        in->sock = in->theirs = -1;
        in->queue_count = 0;
        in->store.handed_out = UINT32_MAX;
        in->told = 0; /* who knows whether it was heard: the next one is told */
}

int transmit(struct init *in, const void *bytes, size_t len, int fd)
{
        RIGHTS_ROOM(1) room;
        struct iovec iov = { (void *) (uintptr_t) bytes, len };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

        rights_put(&m, &room, &fd, fd >= 0);
        while (sendmsg(in->sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
                if (errno == EINTR)
                        continue;
                return error_passes(errno) ? 1 : -1;
        }
        return 0;
}

void post(struct init *in, struct init_header *m)
{
        int r = 1;

        if (in->sock < 0)
                return;
        m->serial = ++in->serial;
        if (in->queue_count == 0)
                r = transmit(in, m, m->size, -1);
        if (r == 1) { /* queue_has_room() was asked before, so there is room */
                memcpy(&in->queue[(in->queue_first + in->queue_count) % QUEUE_MAX], m, m->size);
                in->queue_count++;
        }
}

/* Not before everything that engines before it asked for has been answered. True when there is nothing to say. */
static bool greet(struct init *in)
{
        struct init_hello hello = {
                .h = { INIT_PROTO_VERSION, INIT_HELLO, sizeof hello, in->serial + 1 },
                .pid = in->self,
                .flags = (in->pid1 ? INIT_HELLO_PID1 : 0) | (in->booted ? INIT_HELLO_RECOVERED : 0),
                .stored = in->store.count,
                .engines = in->engines,
                .engine = in->engine,
                .failures = in->failures,
        };

        if (!in->hello_due)
                return true;
        if (in->draining || in->engine == 0 || transmit(in, &hello, sizeof hello, -1) != 0)
                return false;
        in->serial++;
        in->hello_due = false;
        in->store.handed_out = 0;
        return true;
}

/* Give the new engine its descriptors back; true when it has them all. */
static bool hand_out_store(struct init *in)
{
        struct store *s = &in->store;

        while (s->handed_out < s->count) {
                const struct stored *e = &s->entries[s->handed_out];
                struct init_name m = { .h = { INIT_PROTO_VERSION, INIT_STORED, sizeof m, in->serial + 1 } };

                memcpy(m.name, e->name, sizeof m.name);
                if (transmit(in, &m, sizeof m, e->fd) != 0)
                        return false;
                in->serial++;
                s->handed_out++;
        }
        s->handed_out = UINT32_MAX; /* for this engine: what it deposits itself it knows */
        return true;
}

static bool send_queue(struct init *in)
{
        while (in->queue_count) {
                const struct init_header *m = &in->queue[in->queue_first].h;

                if (transmit(in, m, m->size, -1) == 1)
                        return false;
                in->queue_first = (in->queue_first + 1) % QUEUE_MAX;
                in->queue_count--;
        }
        return true;
}

static void flush(struct init *in)
{
        if (send_queue(in) && greet(in))
                (void) hand_out_store(in);
}

static void store_request(struct init *in, struct init_name *m, int fd)
{
        struct init_failed answer = { .h = { INIT_PROTO_VERSION, INIT_STORE_FAILED, sizeof answer, 0 } };
        int r;

        m->name[sizeof m->name - 1] = 0;
        r = fd < 0 ? -EMFILE : store_put(&in->store, m->name, fd);
        if (r == 0)
                return;
        answer.error = -r;
        memcpy(answer.name, m->name, sizeof answer.name);
        post(in, &answer.h);
}

/* ------------------------------------------------------------------------------------------------------------
 * THE LINE OF NO RETURN. Until the engine has said BOOTED (it has its socket, somebody can reach it), any failure
 * ends us with the engine's own exit code: a typing error on the command line must not leave a daemon behind.
 * From here on services depend on us. Nothing below may exit except through last.c, after everything that runs
 * under us has ended: no error is worth more than being there to reap.
 * ------------------------------------------------------------------------------------------------------------ */
static void cross_the_line(struct init *in)
{
        in->booted = in->up = true;
        in->terms = in->unborn = in->struck = 0;
}

static void dispatch(struct init *in, char *bytes, size_t n, int *fds, int count)
{
        struct init_header h;

        memcpy(&h, bytes, n < sizeof h ? n : sizeof h);
        if (n < sizeof h || h.version != INIT_PROTO_VERSION || h.size != n) {
                log_warning("engine: a message of %zu bytes that is none of version %d", n, INIT_PROTO_VERSION);
        } else if (h.kind == INIT_SPAWN && n >= sizeof(struct init_spawn)) {
                spawn_request(in, (const void *) bytes, n, fds, count);
                return; /* it closes the descriptors when the child has them */
        } else if (h.kind == INIT_SIGNAL && n == sizeof(struct init_signal)) {
                signal_request(in, (const void *) bytes);
        } else if (h.kind == INIT_STORE && n == sizeof(struct init_name)) {
                store_request(in, (void *) bytes, count > 0 ? fds[0] : -1);
                if (count > 0)
                        fds[0] = -1;
        } else if (h.kind == INIT_UNSTORE && n == sizeof(struct init_name)) {
                store_drop(&in->store, ((const struct init_name *) (const void *) bytes)->name);
        } else if (h.kind == INIT_LISTENER && n == sizeof(struct init_listener)) {
                listener_keep(&in->listeners, (const void *) bytes, count > 0 ? fds[0] : -1);
                if (count > 0)
                        fds[0] = -1;
        } else if (h.kind == INIT_BOOTED && n == sizeof(struct init_code)) {
                cross_the_line(in);
        } else if (h.kind == INIT_REEXEC && n == sizeof(struct init_code)) {
                in->reexec = true;
        } else if (h.kind == INIT_GOODBYE && n == sizeof(struct init_code)) {
                in->goodbye = true;
                in->exit_code = ((const struct init_code *) (const void *) bytes)->code;
                in->end = ((const struct init_code *) (const void *) bytes)->end;
        } else {
                log_warning("engine: an unknown message, kind %u", h.kind);
        }
        for (int i = 0; i < count; i++)
                if (fds[i] >= 0)
                        (void) close(fds[i]);
}

/* The buffer is static: a child reads its plan from its own copy of it, so the fork itself is the copy. Each page that
 * is written to between two forks is a page fault, so what is written is together. */
static bool read_request(struct init *in)
{
        static struct {
                /* aligned as a struct cmsghdr, too */
                _Alignas(4096) char control[CMSG_SPACE(sizeof(int) * INIT_FDS_MAX)];
                _Alignas(16) char bytes[sizeof(struct init_spawn) + INIT_INLINE_MAX];
        } in_memory;
        char *const bytes = in_memory.bytes;
        struct iovec iov = { bytes, sizeof in_memory.bytes };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = in_memory.control,
                            .msg_controllen = sizeof in_memory.control };
        int fds[INIT_FDS_MAX];
        ssize_t n = recvmsg(in->sock, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        int count;

        if (n <= 0) {
                if (n < 0 && errno == EAGAIN)
                        in->draining = false; /* nobody has asked for more; a new engine only does after HELLO */
                return n < 0 && errno == EINTR;
        }
        count = (int) rights_take(&m, fds, INIT_FDS_MAX);
        if (m.msg_flags & MSG_CTRUNC) { /* our own limit of descriptors: a spawn without them would be another one */
                for (int i = 0; i < count; i++)
                        (void) close(fds[i]);
                count = -EMFILE;
        }
        dispatch(in, bytes, (size_t) n, fds, count);
        return true;
}

void read_last_words(struct init *in)
{
        while (queue_has_room(in) && read_request(in))
                ;
}

/* Nobody has been there to hear it for a while: who insists is obeyed without an engine. An engine that gives back what
 * it cannot keep does not insist. */
static void heard_by_nobody(struct init *in, int sig, pid_t from)
{
        if (!in->booted || in->up || (sig != SIGTERM && sig != SIGINT && sig != SIGQUIT && sig != SIGRTMIN + 3))
                return;
        if (from == in->engine || from == in->former)
                return;
        in->retry_at = now_ms();
        if (++in->terms < TERMS_MAX)
                return;
        log_error("asked to end for the %uth time, and no engine comes up: ending every service", in->terms);
        last_goodbye(in, EXIT_INTERNAL);
}

static void forward_signal(struct init *in, const struct signalfd_siginfo *si)
{
        struct init_daemon_signal m = {
                .h = { INIT_PROTO_VERSION, INIT_DAEMON_SIGNAL, sizeof m, 0 },
                .sig = (int32_t) si->ssi_signo, .pid = (int32_t) si->ssi_pid, .uid = si->ssi_uid,
        };

        post(in, &m.h);
        heard_by_nobody(in, (int) si->ssi_signo, (pid_t) si->ssi_pid);
}

/* Children may die in any number: one pending SIGCHLD stands for all of them (FAILURES A2). */
static void read_signals(struct init *in)
{
        struct signalfd_siginfo si;

        while (queue_has_room(in) && read(in->signals, &si, sizeof si) == (ssize_t) sizeof si) {
                switch (si.ssi_signo) {
                case SIGCHLD:
                        in->reap_due = true;
                        in->likely = (pid_t) si.ssi_pid;
                        break;
                case SIGPIPE:
                case SIGWINCH:
                case SIGURG:
                        break;
                default:
                        forward_signal(in, &si);
                }
        }
}

static int wait_ms(const struct init *in)
{
        if (in->engine == 0)
                return engine_wait_ms(in);
        if (!queue_has_room(in))
                return FULL_LOOK_MS;
        if (in->reap_due)
                return reap_wait_ms(in);
        return in->goodbye ? GOODBYE_MS : -1;
}

static void turn(struct init *in)
{
        bool room = queue_has_room(in);
        bool busy = in->queue_count || in->store.handed_out < in->store.count || (in->hello_due && !in->draining);
        bool waiting = busy || in->listeners.wait;
        struct pollfd p[4] = {
                { .fd = in->signals, .events = room ? POLLIN : 0 },
                { .fd = in->wake, .events = POLLIN },
                { .fd = in->sock, .events = (short) ((room ? POLLIN : 0) | (waiting ? POLLOUT : 0)) },
                { .fd = in->engine > 0 && !waiting ? in->listeners.epoll : -1, .events = POLLIN },
        };
        uint64_t count;
        int n = poll(p, 4, wait_ms(in));

        if (n == 0 && in->goodbye && !in->reap_due && in->engine > 0)
                (void) kill(in->engine, SIGKILL);
        if (p[1].revents) {
                (void) !read(in->wake, &count, sizeof count);
                spawn_collect(in);
        }
        if (p[2].revents & POLLOUT) {
                in->listeners.wait = false;
                flush(in);
        }
        if (in->draining)
                read_last_words(in);
        /* Requests first: a crowd of exits must not keep a start waiting, nor the other way round. */
        if (p[2].revents & POLLIN)
                for (int i = 0; i < 16 && queue_has_room(in) && read_request(in); i++)
                        ;
        if (p[0].revents)
                read_signals(in);
        if (p[3].revents && in->queue_count == 0)
                listeners_turn(in);
        if (!queue_has_room(in)) /* then no signal is read either */
                reap_engine(in);
        else if (in->reap_due)
                reap(in);
        engine_again(in);
}

_Noreturn void loop_run(struct init *in)
{
        in->reap_due = true; /* as PID 1 we may have been born with children */
        for (;;)
                turn(in);
}
