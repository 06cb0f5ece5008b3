/* limits_rest.c - the tasks of all that have no group in v1's pids hierarchy, bounded together: see limits.h.
 *
 * A group of its own there, and entering it, would cost a plain start half as much again. A group that init is in costs
 * it nothing: its children are in it from their first instruction. So one beside the nodes' groups, entered by init
 * when the daemon starts, holds whoever says nothing of TasksMax=. When they have filled it, init leaves it for each
 * fork (init/spawn.c).
 *
 * To move a process, the kernel waits until every processor has been through a grace period: some ten milliseconds in
 * which nothing is done. So a process of its own waits there while the units are read. At the very end it has to be
 * waited for: a service may be bounded until it is gone. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/cgroup_priv.h"
#include "os/fs.h"
#include "os/limits.h"

enum {
        SPARE = 64, /* init, the log writer */
        FEW = 4,    /* what each of very many services may have all the same */
};

/* A hierarchy that pids share with another controller is left alone: its groups would bound more than tasks. */
bool limits_rest_alone(const struct cgroup *c)
{
        for (int i = 0; i < CTL_COUNT; i++)
                if ((enum controller) i != CTL_PIDS && c->v1[i].own >= 0 && c->v1[i].with == c->v1[CTL_PIDS].with)
                        return false;
        return true;
}

static int write_max(struct cgroup *c, int64_t max)
{
        char text[24];
        int r;

        (void) snprintf(text, sizeof text, "%lld", (long long) max);
        r = fs_write_small(c->rest, "pids.max", text);
        if (r == 0)
                c->rest_max = max;
        return r;
}

static int move_init(const struct cgroup *c, int dir)
{
        char text[24];

        (void) snprintf(text, sizeof text, "%d", (int) c->init);
        return fs_write_small(dir, "cgroup.procs", text);
}

/* Without a process for it: now. */
static int enter(struct cgroup *c)
{
        c->mover = fork();
        if (c->mover == 0)
                _exit(-move_init(c, c->rest));
        return c->mover > 0 ? 0 : move_init(c, c->rest);
}

/* 0 when init is where it was to go. */
static int moved(struct cgroup *c)
{
        const pid_t pid = c->mover;
        int status = 0;

        c->mover = 0;
        if (pid <= 0)
                return 0;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

/* The move may have been made all the same. */
static void give_up(struct cgroup *c)
{
        (void) move_init(c, c->v1[CTL_PIDS].own);
        fd_close(&c->rest);
        c->rest_max = -1;
        if (c->v1[CTL_PIDS].root >= 0)
                (void) unlinkat(c->v1[CTL_PIDS].root, CGROUP_REST, AT_REMOVEDIR);
}

int limits_rest_begin(struct cgroup *c)
{
        autoclose int root = -1;
        int r;

        cgroup_control_ask(c);
        if (strcmp(limits_backend(c, CTL_PIDS), "v1") != 0)
                return 0;
        if (!limits_rest_alone(c))
                return -EOPNOTSUPP;
        root = cgroup_v1_open(c, CTL_PIDS, ".", true);
        if (root < 0)
                return root;
        if (mkdirat(root, CGROUP_REST, 0755) < 0 && errno != EEXIST)
                return -errno;
        c->rest = r = cgroup_open_dir(root, CGROUP_REST);
        if (r >= 0)
                r = write_max(c, SPARE);
        if (r == 0)
                r = enter(c);
        if (r < 0)
                give_up(c);
        return r;
}

int limits_rest_begun(struct cgroup *c, int *ret_inside, int *ret_outside)
{
        autoclose int inside = -1, outside = -1;
        int r = moved(c);

        if (c->rest < 0)
                return 0;
        if (r == 0 && ((inside = openat(c->rest, "cgroup.procs", O_WRONLY | O_CLOEXEC)) < 0 ||
                       (outside = openat(c->v1[CTL_PIDS].own, "cgroup.procs", O_WRONLY | O_CLOEXEC)) < 0))
                r = -errno; /* init could not get out when it is full */
        if (r < 0) {
                give_up(c);
                return r;
        }
        *ret_inside = fd_steal(&inside);
        *ret_outside = fd_steal(&outside);
        return 0;
}

bool limits_rest_is(struct cgroup *c)
{
        char text[24];

        if (c->rest >= 0 || c->rest_max < 0 || !c->adopted)
                return c->rest >= 0;
        c->rest_max = -1; /* looked for once */
        limits_adopt(c);
        if (c->v1[CTL_PIDS].root >= 0 && c->v1[CTL_PIDS].with == CTL_PIDS)
                c->rest = cgroup_open_dir(c->v1[CTL_PIDS].root, CGROUP_REST);
        if (c->rest >= 0 && fs_read_small(c->rest, "pids.max", text, sizeof text) > 0)
                c->rest_max = strtoll(text, NULL, 10);
        return c->rest >= 0;
}

int64_t limits_rest_max(struct cgroup *c)
{
        return limits_rest_is(c) ? c->rest_max : -1;
}

void limits_rest_room(struct cgroup *c, int64_t services, int64_t each)
{
        int64_t share = limits_facts(c)->tasks / 3, few = services * FEW, most = share > few ? share : few;
        int64_t tasks = services * each < most ? services * each : most;

        if (tasks < each) /* one that is alone gets what it would have by itself */
                tasks = each;
        if (limits_rest_is(c) && tasks + SPARE > c->rest_max)
                (void) write_max(c, tasks + SPARE);
}

static int move_out(void *arg, pid_t pid)
{
        char text[24];
        int n = snprintf(text, sizeof text, "%d", (int) pid);

        (void) !write(*(const int *) arg, text, (size_t) n); /* ESRCH: gone meanwhile */
        return 0;
}

/* Services are gone: init, and what of us it has started. */
void limits_rest_end(struct cgroup *c)
{
        const struct cgroup_v1 *v = &c->v1[CTL_PIDS];
        autoclose int to = -1, dir = v->root < 0 ? -1 : cgroup_open_dir(v->root, CGROUP_REST);

        (void) moved(c);
        if (dir < 0)
                return;
        to = openat(v->own, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        if (to >= 0)
                (void) cgroup_dir_each_here(dir, move_out, &to);
        fd_close(&c->rest);
}
