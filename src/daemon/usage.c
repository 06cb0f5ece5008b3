/* usage.c - what a node uses now, for status. */
#include "daemon/empty.h"
#include "daemon/engine_priv.h"
#include "os/doctor.h"

void engine_doctor(struct engine *e, void (*fn)(void *arg, const struct doctor_row *row), void *arg)
{
        doctor_environment(e->cgroup, fn, arg);
}

char *engine_cgroup_path(const struct engine *e, node_id id, char *buf, size_t n)
{
        const struct run *run = engine_peek(e, id);
        char path[PATH_MAX_NODE];
        const struct node *node = core_node(e->core, id);

        buf[0] = '\0';
        if (!node || cgroup_backend(e->cgroup) == CGROUP_NONE)
                return buf;
        if (node->kind == KIND_SERVICE && !(run && run->flags & RUN_GROUP))
                return buf;
        return cgroup_node_path(e->cgroup, engine_path(e, id, path, sizeof(path)), buf, n);
}

static size_t scattered_pids(struct engine *e, node_id id, pid_t *pids, size_t max)
{
        const struct run *run = engine_peek(e, id);
        char mark[33];
        struct nogroup_id who;
        int n;

        if (!run || !run->leader)
                return 0;
        who = empty_nogroup(e, id, mark);
        n = nogroup_pids(&who, pids, max);
        return n < 0 ? 0 : (size_t) n;
}

size_t engine_pids(struct engine *e, node_id id, pid_t *pids, size_t max)
{
        char path[PATH_MAX_NODE];
        int n;

        if (cgroup_backend(e->cgroup) == CGROUP_NONE)
                return scattered_pids(e, id, pids, max);
        n = cgroup_pids(e->cgroup, engine_path(e, id, path, sizeof(path)), pids, max);
        return n < 0 ? 0 : (size_t) n;
}

int engine_usage(struct engine *e, node_id id, struct cgroup_usage *ret)
{
        char path[PATH_MAX_NODE];
        pid_t none[1];

        if (cgroup_backend(e->cgroup) != CGROUP_NONE)
                return cgroup_usage(e->cgroup, engine_path(e, id, path, sizeof(path)), ret);
        *ret = (struct cgroup_usage) { .memory = -1, .cpu_usec = -1,
                                       .tasks = (int64_t) scattered_pids(e, id, none, 0) };
        return 0;
}
