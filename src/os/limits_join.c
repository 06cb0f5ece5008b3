/* limits_join.c - the groups of v1 hierarchies that a node's processes have to be in: see limits.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/cgroup_priv.h"
#include "os/limits.h"

/* The node's own group for this controller or the nearest above it that has one. */
static int nearest(struct cgroup *c, enum controller ctl, const char *rel, const char *file)
{
        char part[PATH_MAX];
        int fd;

        if (c->v1[ctl].root < 0)
                return -ENOENT;
        (void) snprintf(part, sizeof part, "%s/%s", rel, file);
        for (;;) {
                char *slash;

                fd = openat(c->v1[ctl].root, part, O_WRONLY | O_CLOEXEC);
                if (fd >= 0 || errno != ENOENT)
                        return fd >= 0 ? fd : -errno;
                slash = strrchr(part, '/'); /* before the file */
                *slash = 0;
                slash = strrchr(part, '/');
                if (!slash)
                        break;
                (void) snprintf(slash, sizeof part - (size_t) (slash - part), "/%s", file);
        }
        if (ctl == CTL_PIDS && limits_rest_is(c))
                return -ENOENT; /* where it is anyway it is bounded with the rest */
        fd = openat(c->v1[ctl].root, file, O_WRONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int limits_join(struct cgroup *c, const char *node, int fds[CTL_COUNT])
{
        char rel[PATH_MAX - 16];
        int n = 0, r = cgroup_relative(node, rel, sizeof rel);

        if (r < 0)
                return r;
        for (int i = 0; i < CTL_COUNT; i++) {
                r = nearest(c, (enum controller) i, rel, "tasks");
                if (r == -ENOENT)
                        continue;
                if (r < 0) {
                        while (n > 0)
                                (void) close(fds[--n]);
                        return r;
                }
                fds[n++] = r;
        }
        return n;
}

struct mover {
        int procs[CTL_COUNT], count; /* cgroup.procs of the groups to move to */
        uint64_t sum;                /* of who was seen in this round: the same twice means that all are there */
};

static int move_one(void *arg, pid_t pid)
{
        struct mover *m = arg;
        char text[24];
        int n = snprintf(text, sizeof text, "%d", pid);

        m->sum = m->sum * 31 + (uint64_t) pid;
        for (int i = 0; i < m->count; i++)
                (void) !write(m->procs[i], text, (size_t) n); /* ESRCH: gone meanwhile */
        return 0;
}

/* Whoever is forked by a process that was not moved yet is found in the next round. */
static int move_all(int group, struct mover *m)
{
        uint64_t before = UINT64_MAX;

        for (int round = 0; round < 20; round++) {
                int r;

                m->sum = 0;
                r = cgroup_dir_each(group, move_one, m);
                if (r < 0 || m->sum == before)
                        return r;
                before = m->sum;
        }
        return -EAGAIN;
}

int limits_settle(struct cgroup *c, const char *node)
{
        struct mover m = { .count = 0 };
        char rel[PATH_MAX - 16];
        int r = cgroup_relative(node, rel, sizeof rel);
        autoclose int group = -1;

        if (r < 0)
                return r;
        for (int i = 0; i < CTL_COUNT; i++) {
                int fd = nearest(c, (enum controller) i, rel, "cgroup.procs");

                if (fd >= 0)
                        m.procs[m.count++] = fd;
        }
        if (m.count > 0) {
                group = c->backend == CGROUP_NONE ? -EOPNOTSUPP : cgroup_open_dir(c->root, rel);
                r = group < 0 ? group : move_all(group, &m);
        }
        while (m.count > 0)
                (void) close(m.procs[--m.count]);
        return r;
}

void limits_adopt(struct cgroup *c)
{
        cgroup_control_ask(c);
        for (int i = 0; i < CTL_COUNT; i++)
                if (c->v1[i].with == (enum controller) i && c->v1[i].own >= 0 && c->v1[i].root < 0)
                        (void) cgroup_v1_adopt(c, (enum controller) i);
}

int limits_drop(struct cgroup *c, const char *node)
{
        char rel[PATH_MAX];
        int result = cgroup_relative(node, rel, sizeof rel);

        for (int i = 0; result == 0 && i < CTL_COUNT; i++) {
                int r = cgroup_v1_remove(c, (enum controller) i, rel);

                result = r < 0 ? r : result;
        }
        return result;
}
