/* ready.c - what a service says through pipes: NotifyFd= (a newline means ready, as in s6), and the silent one that
 * exec closes. */
#include <fcntl.h>
#include <string.h>

#include "daemon/parts.h"

static void watch_stop(struct engine *e, struct ev_io *w)
{
        if (w->fd < 0 || !ev_is_active(w))
                return;
        ev_io_stop(e->loop, w);
        (void) close(w->fd);
        w->fd = -1;
}

static int pipe_watched(struct engine *e, struct ev_io *w, void (*cb)(struct ev_loop *, ev_io *, int), int *ret_write)
{
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        (void) fcntl(fds[0], F_SETFL, O_NONBLOCK); /* only our end */
        watch_stop(e, w);
        ev_io_init(w, cb, fds[0], EV_READ);
        ev_io_start(e->loop, w);
        *ret_write = fds[1];
        return 0;
}

/* --- NotifyFd= ---------------------------------------------------------------------------------------------------- */

static void on_ready(struct ev_loop *loop, ev_io *w, int revents)
{
        struct extra *x = container_of(w, struct extra, ready);
        const struct run *run = engine_peek(x->e, x->node);
        char bytes[256];
        ssize_t n = read(w->fd, bytes, sizeof(bytes));

        (void) loop;
        (void) revents;
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n > 0 && !memchr(bytes, '\n', (size_t) n))
                return; /* text before the newline is ignored */
        if (n > 0)
                engine_post(x->e, &(struct event) { .kind = EVT_READY, .node = x->node, .incarnation = run->incarnation });
        watch_stop(x->e, w);
}

int ready_pipe(struct engine *e, node_id id, int *ret_write)
{
        struct extra *x = engine_extra(e, id);

        return x ? pipe_watched(e, &x->ready, on_ready, ret_write) : -ENOMEM;
}

/* --- exec ------------------------------------------------------------------------------------------------------------ */

static void tell_executed(struct extra *x)
{
        const struct run *run = engine_peek(x->e, x->node);
        enum role role = x->exec_request & 1 ? ROLE_CONTROL : ROLE_MAIN;

        x->executed = false;
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

        (void) loop;
        (void) revents;
        watch_stop(e, w);
        x->executed = true;
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
        return pipe_watched(e, &x->exec, on_exec, ret_write);
}

/* INIT_SPAWNED has been posted: an exec that was faster than this message can be told now. */
void exec_spawned(struct engine *e, node_id id, uint64_t request)
{
        const struct run *run = engine_peek(e, id);

        if (run && run->extra && run->extra->executed && run->extra->exec_request == request)
                tell_executed(run->extra);
}

void ready_forget(struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        if (!run || !run->extra)
                return;
        watch_stop(e, &run->extra->ready);
        watch_stop(e, &run->extra->exec);
        run->extra->executed = false;
}
