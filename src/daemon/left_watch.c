/* left_watch.c - when has what an earlier daemon left ended? See left_priv.h. */
#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "daemon/engine_priv.h"
#include "daemon/left_priv.h"
#include "os/kernel.h"

#define LOOK_UNWATCHED .25
#define LOOK_GROUPS    1.

struct left_watch {
        struct ev_io io;
        struct left *f;
};

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
        (void) loop;
        (void) revents;
        left_look(container_of(w, struct left, timer));
}

/* Those of whom nobody tells us, and groups, of whom we may be told late when there are many (FAILURES B7). */
void left_watch_again(struct left *f)
{
        double after = 0;

        for (size_t i = 0; i < f->count; i++) {
                const struct left_one *l = &f->list[i];

                if (l->watch || !left_waits(f, l))
                        continue;
                if (l->wd < 0)
                        after = LOOK_UNWATCHED;
                else if (after == 0)
                        after = LOOK_GROUPS;
        }
        ev_timer_stop(f->e->loop, &f->timer);
        if (after == 0)
                return;
        ev_now_update(f->e->loop);
        ev_timer_init(&f->timer, on_timer, after, 0.);
        ev_timer_start(f->e->loop, &f->timer);
}

/* --- a process ------------------------------------------------------------------------------------------------ */

static void on_end(struct ev_loop *loop, ev_io *w, int revents)
{
        struct left_watch *watch = container_of(w, struct left_watch, io);
        struct left *f = watch->f;

        if (watch_renewed(loop, w, revents))
                return;
        for (size_t i = 0; i < f->count; i++)
                if (f->list[i].watch == watch) { /* it has no more to tell, whether that can be seen now or not */
                        left_unwatch(f, &f->list[i]);
                        break;
                }
        left_look(f);
}

static void watch_process(struct left *f, struct left_one *l)
{
        int fd = kernel_pidfd_open(l->pid);

        l->watch = fd >= 0 ? calloc(1, sizeof(*l->watch)) : NULL;
        if (!l->watch) {
                fd_close(&fd);
                return;
        }
        l->watch->f = f;
        ev_io_init(&l->watch->io, on_end, fd, EV_READ);
        ev_io_start(f->e->loop, &l->watch->io);
        if (!left_lives(l)) /* it is perhaps another one of its number that is watched */
                left_unwatch(f, l);
}

/* --- a group -------------------------------------------------------------------------------------------------- */

static void on_change(struct ev_loop *loop, ev_io *w, int revents)
{
        char events[4096] __attribute__((aligned(8)));

        if (watch_renewed(loop, w, revents))
                return;
        while (read(w->fd, events, sizeof(events)) > 0)
                ;
        left_look(container_of(w, struct left, changes));
}

static bool can_notice(struct left *f)
{
        int fd;

        if (ev_is_active(&f->changes))
                return true;
        fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (fd < 0)
                return false;
        ev_io_init(&f->changes, on_change, fd, EV_READ);
        ev_io_start(f->e->loop, &f->changes);
        return true;
}

static void watch_group(struct left *f, struct left_one *l)
{
        char path[PATH_MAX];

        if (snprintf(path, sizeof(path), "%s/cgroup.events", l->group) < (int) sizeof(path) && can_notice(f))
                l->wd = inotify_add_watch(f->changes.fd, path, IN_MODIFY);
}

/* --- either --------------------------------------------------------------------------------------------------- */

void left_watch(struct left *f, struct left_one *l)
{
        if (l->group && l->wd < 0)
                watch_group(f, l);
        else if (!l->group && !l->watch)
                watch_process(f, l);
        left_watch_again(f);
}

void left_unwatch(struct left *f, struct left_one *l)
{
        if (l->wd >= 0)
                (void) inotify_rm_watch(f->changes.fd, l->wd); /* EINVAL: the group is gone, and the watch with it */
        l->wd = -1;
        if (!l->watch)
                return;
        ev_io_stop(f->e->loop, &l->watch->io);
        (void) close(l->watch->io.fd);
        free(ptr_steal(l->watch));
}

void left_watch_free(struct left *f)
{
        ev_timer_stop(f->e->loop, &f->timer);
        if (!ev_is_active(&f->changes))
                return;
        ev_io_stop(f->e->loop, &f->changes);
        (void) close(f->changes.fd);
}
