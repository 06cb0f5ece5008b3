/* left_watch.c - when has what an earlier daemon left ended? See left_priv.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
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
        struct left_one *one;
};

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
        (void) loop;
        (void) revents;
        left_look(container_of(w, struct left, timer));
}

/* Those of whom nobody tells us, and groups, of whom we may be told late when there are many (FAILURES B7). */
void left_remind(struct left *f, const struct left_one *l)
{
        const double after = l->wd < 0 ? LOOK_UNWATCHED : LOOK_GROUPS;

        if (l->watch || (ev_is_active(&f->timer) && ev_timer_remaining(f->e->loop, &f->timer) <= after))
                return;
        ev_timer_stop(f->e->loop, &f->timer);
        ev_now_update(f->e->loop);
        ev_timer_init(&f->timer, on_timer, after, 0.);
        ev_timer_start(f->e->loop, &f->timer);
}

void left_watch_again(struct left *f)
{
        for (size_t i = 0; i < f->count; i++)
                if (!f->list[i]->watch && left_waits(f, f->list[i]))
                        left_remind(f, f->list[i]);
}

/* --- a process ------------------------------------------------------------------------------------------------ */

static void on_end(struct ev_loop *loop, ev_io *w, int revents)
{
        struct left_watch *watch = container_of(w, struct left_watch, io);
        struct left *f = watch->f;
        struct left_one *l = watch->one;

        if (watch_renewed(loop, w, revents))
                return;
        left_unwatch(f, l); /* it has no more to tell, whether that can be seen now or not */
        left_look_at(f, l);
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
        l->watch->one = l;
        ev_io_init(&l->watch->io, on_end, fd, EV_READ);
        ev_io_start(f->e->loop, &l->watch->io);
        if (!left_lives(l)) /* it is perhaps another one of its number that is watched */
                left_unwatch(f, l);
}

/* --- a group -------------------------------------------------------------------------------------------------- */

/* True: there were more than the kernel has noted. */
static bool take_changes(struct left *f, const char *at, ssize_t n)
{
        const struct inotify_event *c;
        bool more = false;

        for (; n >= (ssize_t) sizeof(*c); at += sizeof(*c) + c->len, n -= (ssize_t) (sizeof(*c) + c->len)) {
                c = (const void *) at;
                if (c->mask & IN_Q_OVERFLOW)
                        more = true;
                else if (c->wd >= 0 && (size_t) c->wd < f->wd_cap && f->by_wd[c->wd])
                        left_look_at(f, f->by_wd[c->wd]);
        }
        return more;
}

static void on_change(struct ev_loop *loop, ev_io *w, int revents)
{
        char events[4096] __attribute__((aligned(8)));
        struct left *f = container_of(w, struct left, changes);
        bool more = false;
        ssize_t n;

        if (watch_renewed(loop, w, revents))
                return;
        while ((n = read(w->fd, events, sizeof(events))) > 0)
                more |= take_changes(f, events, n);
        if (more)
                left_look(f);
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

static bool has_room(struct left *f, size_t wd)
{
        const size_t cap = wd < f->wd_cap ? f->wd_cap : (wd + 1) * 2;
        struct left_one **more = cap == f->wd_cap ? f->by_wd : reallocarray(f->by_wd, cap, sizeof(struct left_one *));

        if (!more)
                return false;
        memset(more + f->wd_cap, 0, (cap - f->wd_cap) * sizeof(struct left_one *));
        f->by_wd = more;
        f->wd_cap = cap;
        return true;
}

static void watch_group(struct left *f, struct left_one *l)
{
        char path[PATH_MAX];

        if (snprintf(path, sizeof(path), "%s/cgroup.events", l->group) < (int) sizeof(path) && can_notice(f))
                l->wd = inotify_add_watch(f->changes.fd, path, IN_MODIFY);
        if (l->wd < 0)
                return;
        if (has_room(f, (size_t) l->wd))
                f->by_wd[l->wd] = l;
        else
                left_unwatch(f, l);
}

/* --- either --------------------------------------------------------------------------------------------------- */

void left_watch(struct left *f, struct left_one *l)
{
        if (l->group && l->wd < 0)
                watch_group(f, l);
        else if (!l->group && !l->watch)
                watch_process(f, l);
        left_remind(f, l);
}

void left_unwatch(struct left *f, struct left_one *l)
{
        if (l->wd >= 0 && (size_t) l->wd < f->wd_cap)
                f->by_wd[l->wd] = NULL;
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
        free(ptr_steal(f->by_wd));
        f->wd_cap = 0;
        if (!ev_is_active(&f->changes))
                return;
        ev_io_stop(f->e->loop, &f->changes);
        (void) close(f->changes.fd);
}
