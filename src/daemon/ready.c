/* ready.c - what a service says through pipes: NotifyFd= (a newline means ready, as in s6), and the silent one that
 * exec closes. */
#include <fcntl.h>
#include <string.h>

#include "base/shortage.h"
#include "daemon/engine_priv.h"
#include "daemon/journal.h"
#include "daemon/link.h"
#include "daemon/ready.h"

/* The read ends are kept by init too, under "ready:NODE" and "exec:NODE": the next engine reads on. */
static void stored_name(const struct extra *x, const struct ev_io *w, char buf[32])
{
        (void) snprintf(buf, 32, "%s:%u", w == &x->ready ? "ready" : "exec", x->node);
}

static void watch_stop(struct extra *x, struct ev_io *w)
{
        char name[32];

        if (w->fd < 0)
                return;
        stored_name(x, w, name);
        (void) initlink_unstore(x->e->link, name);
        ev_io_stop(x->e->loop, w);
        (void) close(w->fd);
        w->fd = -1;
}

static void watch_start(struct extra *x, struct ev_io *w, void (*cb)(struct ev_loop *, ev_io *, int), int fd)
{
        watch_stop(x, w);
        ev_io_init(w, cb, fd, EV_READ);
        ev_io_start(x->e->loop, w);
}

static int pipe_watched(struct extra *x, struct ev_io *w, void (*cb)(struct ev_loop *, ev_io *, int), int *ret_write)
{
        char name[32];
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        (void) fcntl(fds[0], F_SETFL, O_NONBLOCK); /* only our end */
        watch_start(x, w, cb, fds[0]);
        stored_name(x, w, name);
        (void) initlink_store(x->e->link, name, fds[0]);
        *ret_write = fds[1];
        return 0;
}

/* --- NotifyFd= ---------------------------------------------------------------------------------------------------- */

/* What lies in the pipe, left there; where there is no descriptor for that, taken. */
static ssize_t look(int fd, char *bytes, size_t n, bool *ret_taken)
{
        ssize_t r;
        int copy[2];

        *ret_taken = pipe2(copy, O_CLOEXEC | O_NONBLOCK) < 0;
        if (*ret_taken)
                return read(fd, bytes, n);
        r = tee(fd, copy[1], n, SPLICE_F_NONBLOCK);
        if (r > 0)
                r = read(copy[0], bytes, n);
        (void) close(copy[0]);
        (void) close(copy[1]);
        return r;
}

static void on_ready(struct ev_loop *loop, ev_io *w, int revents)
{
        struct extra *x = container_of(w, struct extra, ready);
        const struct run *run = engine_peek(x->e, x->node);
        char bytes[256];
        bool taken;
        ssize_t n;

        if (watch_renewed(loop, w, revents))
                return;
        if (run->flags & RUN_ASKED) { /* a process can be ready before init's word that it was born has been read */
                ev_io_stop(loop, w);
                return;
        }
        n = look(w->fd, bytes, sizeof(bytes), &taken);
        if (n < 0 && error_passes(errno))
                return;
        if (n > 0 && !memchr(bytes, '\n', (size_t) n)) {
                if (!taken)
                        (void) !read(w->fd, bytes, (size_t) n); /* text before the newline is ignored */
                return;
        }
        if (n > 0)
                engine_post(x->e,
                            &(struct event) { .kind = EVT_READY, .node = x->node, .incarnation = run->incarnation });
        journal_commit(x->e); /* before it is gone from the pipe */
        watch_stop(x, w);
}

void ready_answered(struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        if (run && run->extra && run->extra->ready.fd >= 0)
                ev_io_start(e->loop, &run->extra->ready);
}

int ready_pipe(struct engine *e, node_id id, int *ret_write)
{
        struct extra *x = engine_extra(e, id);

        return x ? pipe_watched(x, &x->ready, on_ready, ret_write) : -ENOMEM;
}

/* --- exec --------------------------------------------------------------------------------------------------------- */

static void tell_executed(struct extra *x)
{
        const struct run *run = engine_peek(x->e, x->node);
        enum role role = x->exec_request & 1 ? ROLE_CONTROL : ROLE_MAIN;

        x->executed = false;
        journal_extra(x->e, x->node);
        if (run->pid[role] == 0)
                return; /* the plan failed, or it has ended already: that is on its way to the core */
        engine_post(x->e, &(struct event) { .kind = EVT_EXECED, .role = (uint8_t) role, .node = x->node,
                                            .incarnation = run->incarnation, .arg = run->pid[role] });
}

/* End of file comes from exec, but also from a child whose plan failed. That one has told so before it ended: what
 * init and the child have said is read first. */
static void on_exec(struct ev_loop *loop, ev_io *w, int revents)
{
        struct extra *x = container_of(w, struct extra, exec);
        const struct run *run = engine_peek(x->e, x->node);
        enum role role = x->exec_request & 1 ? ROLE_CONTROL : ROLE_MAIN;
        struct engine *e = x->e;

        if (watch_renewed(loop, w, revents))
                return;
        x->executed = true;
        journal_extra(e, x->node);
        journal_commit(e);
        watch_stop(x, w);
        link_drain(e);
        if (x->executed && run->pid[role] != 0)
                tell_executed(x);
        /* else INIT_SPAWNED is still to come: exec_spawned() */
}

int exec_pipe(struct engine *e, node_id id, uint64_t request, int *ret_write)
{
        struct extra *x = engine_extra(e, id);

        if (!x)
                return -ENOMEM;
        x->exec_request = request;
        x->executed = false;
        journal_extra(e, id);
        return pipe_watched(x, &x->exec, on_exec, ret_write);
}

/* INIT_SPAWNED has been posted: an exec that was faster than this message can be told now. */
void exec_spawned(struct engine *e, node_id id, uint64_t request)
{
        const struct run *run = engine_peek(e, id);

        if (run && run->extra && run->extra->executed && run->extra->exec_request == request &&
            run->pid[request & 1 ? ROLE_CONTROL : ROLE_MAIN])
                tell_executed(run->extra);
}

void ready_resume(struct engine *e, node_id id, int fd)
{
        struct extra *x = engine_extra(e, id);

        if (x)
                watch_start(x, &x->ready, on_ready, fd);
        else
                (void) close(fd);
}

void exec_resume(struct engine *e, node_id id, int fd)
{
        struct extra *x = engine_extra(e, id);

        if (x)
                watch_start(x, &x->exec, on_exec, fd);
        else
                (void) close(fd);
}

void ready_forget(struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        if (!run || !run->extra)
                return;
        watch_stop(run->extra, &run->extra->ready);
        watch_stop(run->extra, &run->extra->exec);
        run->extra->executed = false;
}
