/* limits_watch.c - hear of kills by the kernel: see limits.h.
 *
 * v2: inotify on memory.events of each group. v1: one eventfd for all groups, registered with memory.oom_control; the
 * kernel rings it just before it kills, so the counter may move a moment later and the caller looks again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include "base/cleanup.h"
#include "os/cgroup_priv.h"
#include "os/fs.h"
#include "os/limits.h"

int limits_watch_fd(struct cgroup *c)
{
        if (c->oom_fd >= 0)
                return c->oom_fd;
        cgroup_control_ask(c);
        if (c->v2_offered & CTL_BIT(CTL_MEMORY))
                c->oom_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        else if (c->v1[CTL_MEMORY].own >= 0)
                c->oom_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        return c->oom_fd;
}

static int watch_v2(struct cgroup *c, const char *rel)
{
        char path[PATH_MAX * 2];

        (void) snprintf(path, sizeof path, "%s/%s/memory.events", c->path, rel);
        return inotify_add_watch(c->oom_fd, path, IN_MODIFY);
}

static int watch_v1(struct cgroup *c, const char *rel)
{
        autoclose int dir = cgroup_v1_open(c, CTL_MEMORY, rel, false);
        autoclose int file = dir < 0 ? -1 : openat(dir, "memory.oom_control", O_RDONLY | O_CLOEXEC);
        char text[40];

        if (file < 0)
                return -1;
        (void) snprintf(text, sizeof text, "%d %d", c->oom_fd, file);
        return fs_write_small(dir, "cgroup.event_control", text) < 0 ? -1 : 0;
}

int limits_watch(struct cgroup *c, const char *node, uint64_t cookie)
{
        char rel[PATH_MAX];
        int wd, r = cgroup_relative(node, rel, sizeof rel);

        if (r < 0)
                return r;
        if (limits_watch_fd(c) < 0)
                return -EOPNOTSUPP;
        if (c->oom_count == c->oom_room) {
                size_t room = c->oom_room ? c->oom_room * 2 : 8;
                struct cgroup_oom_watch *more = reallocarray(c->oom_watches, room, sizeof *more);

                if (!more)
                        return -ENOMEM;
                c->oom_watches = more;
                c->oom_room = room;
        }
        wd = c->v2_offered & CTL_BIT(CTL_MEMORY) ? watch_v2(c, rel) : watch_v1(c, rel);
        if (wd < 0)
                return -ENOENT;
        c->oom_watches[c->oom_count++] = (struct cgroup_oom_watch) { .cookie = cookie, .wd = wd };
        return 0;
}

/* The group is about to be removed, and what watches it with it. */
void limits_unwatch(struct cgroup *c, uint64_t cookie)
{
        for (size_t i = 0; i < c->oom_count; i++) {
                if (c->oom_watches[i].cookie != cookie)
                        continue;
                if (c->v2_offered & CTL_BIT(CTL_MEMORY))
                        (void) inotify_rm_watch(c->oom_fd, c->oom_watches[i].wd);
                c->oom_watches[i] = c->oom_watches[--c->oom_count];
                return;
        }
}

static void tell(struct cgroup *c, int wd, void (*fn)(void *arg, uint64_t cookie), void *arg)
{
        for (size_t i = c->oom_count; i-- > 0;)
                if (wd < 0 || c->oom_watches[i].wd == wd)
                        fn(arg, c->oom_watches[i].cookie);
}

void limits_heard(struct cgroup *c, void (*fn)(void *arg, uint64_t cookie), void *arg)
{
        _Alignas(struct inotify_event) char bytes[4096];
        ssize_t n;

        if (c->oom_fd < 0)
                return;
        if (!(c->v2_offered & CTL_BIT(CTL_MEMORY))) {
                if (read(c->oom_fd, bytes, 8) == 8)
                        tell(c, -1, fn, arg);
                return;
        }
        while ((n = read(c->oom_fd, bytes, sizeof bytes)) > 0)
                for (ssize_t at = 0; at < n;) {
                        const struct inotify_event *e = (const struct inotify_event *) (const void *) (bytes + at);

                        if (e->mask & IN_Q_OVERFLOW)
                                tell(c, -1, fn, arg);
                        else if (!(e->mask & IN_IGNORED))
                                tell(c, e->wd, fn, arg);
                        at += (ssize_t) (sizeof *e + e->len);
                }
}

bool limits_watch_late(const struct cgroup *c)
{
        return !(c->v2_offered & CTL_BIT(CTL_MEMORY));
}

void limits_watched(struct cgroup *c, void (*fn)(void *arg, uint64_t cookie), void *arg)
{
        tell(c, -1, fn, arg);
}
