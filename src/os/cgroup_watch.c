/* cgroup_watch.c - tell when a group is empty. See cgroup.h.
 *
 * One inotify descriptor for all groups. A notification only says where to look; what counts is `populated` as read
 * afterwards. All groups are looked at again once a second, told or not. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>

#include "base/cleanup.h"
#include "os/cgroup_priv.h"

int cgroup_watch_fd(const struct cgroup *c)
{
        return c->inotify;
}

size_t cgroup_watching(const struct cgroup *c)
{
        return c->watch_count;
}

static int arm(struct cgroup *c, const char *node)
{
        char path[PATH_MAX];
        size_t len;

        (void) cgroup_node_path(c, node, path, sizeof path - 16);
        len = strlen(path);
        (void) snprintf(path + len, sizeof path - len, "/cgroup.events");
        return inotify_add_watch(c->inotify, path, IN_MODIFY);
}

int cgroup_watch(struct cgroup *c, const char *node, uint64_t cookie)
{
        struct cgroup_watch_entry *e;

        if (c->backend == CGROUP_NONE)
                return -EOPNOTSUPP;
        if (c->watch_count == c->watch_room) {
                size_t room = c->watch_room ? c->watch_room * 2 : 16;

                e = reallocarray(c->watches, room, sizeof *e);
                if (!e)
                        return -ENOMEM;
                c->watches = e;
                c->watch_room = room;
        }
        e = &c->watches[c->watch_count];
        *e = (struct cgroup_watch_entry) { .cookie = cookie, .wd = -1, .due = true, .node = strdup(node) };
        if (!e->node)
                return -ENOMEM;
        c->watch_count++;
        if (c->inotify >= 0)
                e->wd = arm(c, node); /* failed (ENOSPC, gone): then only the safety check sees it */
        return 0;
}

static void drop(struct cgroup *c, size_t i)
{
        struct cgroup_watch_entry *e = &c->watches[i];

        if (e->wd >= 0)
                (void) inotify_rm_watch(c->inotify, e->wd); /* EINVAL: the group is gone, and the watch with it */
        free(e->node);
        memmove(e, e + 1, (c->watch_count - i - 1) * sizeof *e);
        c->watch_count--;
}

void cgroup_unwatch(struct cgroup *c, uint64_t cookie)
{
        for (size_t i = c->watch_count; i-- > 0;)
                if (c->watches[i].cookie == cookie)
                        drop(c, i);
}

static void mark(struct cgroup *c, int wd)
{
        size_t low = 0, high = c->watch_count;

        while (low < high) {
                size_t mid = low + (high - low) / 2;

                if (c->watches[mid].wd < wd)
                        low = mid + 1;
                else
                        high = mid;
        }
        if (low < c->watch_count && c->watches[low].wd == wd)
                c->watches[low].due = true;
        else /* not where it should be: some have no wd, so look at all */
                c->full_check = 0;
}

static void read_notifications(struct cgroup *c)
{
        _Alignas(struct inotify_event) char bytes[4096];
        ssize_t n;

        while (c->inotify >= 0 && (n = read(c->inotify, bytes, sizeof bytes)) > 0)
                for (ssize_t at = 0; at < n;) {
                        const struct inotify_event *e = (const void *) (bytes + at);

                        if (!(e->mask & IN_IGNORED))
                                mark(c, e->wd);
                        if (e->mask & IN_Q_OVERFLOW)
                                c->full_check = 0;
                        at += (ssize_t) (sizeof *e + e->len);
                }
}

static void mark_all_when_due(struct cgroup *c)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
        if (c->full_check && t.tv_sec < c->full_check + 1)
                return;
        c->full_check = t.tv_sec;
        for (size_t i = 0; i < c->watch_count; i++)
                c->watches[i].due = true;
}

/* The callback may watch and unwatch: so first take a handful out, then tell of them. */
static size_t take_empty(struct cgroup *c, uint64_t *cookies, size_t max)
{
        size_t n = 0;

        for (size_t i = 0; i < c->watch_count && n < max; i++) {
                struct cgroup_watch_entry *e = &c->watches[i];

                if (!e->due)
                        continue;
                e->due = false;
                if (cgroup_populated(c, e->node) == 1)
                        continue;
                cookies[n++] = e->cookie;
                drop(c, i--);
        }
        return n;
}

void cgroup_check(struct cgroup *c, void (*empty)(void *arg, uint64_t cookie), void *arg)
{
        uint64_t cookies[64];
        size_t n;

        read_notifications(c);
        mark_all_when_due(c);
        do {
                n = take_empty(c, cookies, ARRAY_LEN(cookies));
                for (size_t i = 0; i < n; i++)
                        empty(arg, cookies[i]);
        } while (n == ARRAY_LEN(cookies));
}
