/* cgroup_node.c - the groups of nodes. See cgroup.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/cgroup_priv.h"
#include "os/fs.h"

/* The group itself is usually all that is missing; only when its supervisor's is too, those are made first. */
static int make_all(struct cgroup *c, char *rel)
{
        if (mkdirat(c->root, rel, 0755) == 0)
                return 0;
        if (errno != ENOENT)
                return -errno;
        for (char *p = rel; (p = strchr(p, '/')); p++) {
                *p = 0;
                if (mkdirat(c->root, rel, 0755) < 0 && errno != EEXIST) {
                        *p = '/';
                        return -errno;
                }
                *p = '/';
        }
        return mkdirat(c->root, rel, 0755) < 0 ? -errno : 0;
}

int cgroup_make(struct cgroup *c, const char *node, int *ret_fd, struct err *err)
{
        char rel[PATH_MAX];
        int r = c->backend == CGROUP_NONE ? -EOPNOTSUPP : cgroup_relative(node, rel, sizeof rel);

        if (r == 0)
                r = make_all(c, rel);
        if (r == -EEXIST) { /* of an earlier incarnation: a fresh one has fresh counters */
                r = cgroup_remove(c, node);
                if (r == 0)
                        r = make_all(c, rel);
        }
        if (r == -EBUSY) {
                (void) err_set(err, STAGE_CGROUP, EBUSY,
                               "start in %s/%s: processes of the last incarnation are still there", c->path, rel);
                err_hint(err, "they survive SIGKILL: look at cgroup.procs there");
                return r;
        }
        if (r == 0)
                r = cgroup_open_dir(c->root, rel);
        if (r >= 0) {
                *ret_fd = r;
                return 0;
        }
        errno = -r;
        return err_sys(err, STAGE_CGROUP, "make control group for %s", node);
}

int cgroup_reopen(struct cgroup *c, const char *node, int *ret_fd, struct err *err)
{
        char rel[PATH_MAX];
        int r = c->backend == CGROUP_NONE ? -EOPNOTSUPP : cgroup_relative(node, rel, sizeof rel);

        if (r == 0)
                r = cgroup_open_dir(c->root, rel);
        if (r >= 0) {
                *ret_fd = r;
                return 0;
        }
        errno = -r;
        return err_sys(err, STAGE_CGROUP, "open control group of %s", node);
}

int cgroup_remove(struct cgroup *c, const char *node)
{
        char rel[PATH_MAX];
        int r = c->backend == CGROUP_NONE ? -EOPNOTSUPP : cgroup_relative(node, rel, sizeof rel);
        autoclose int fd = -1;

        if (r < 0)
                return r;
        if (unlinkat(c->root, rel, AT_REMOVEDIR) == 0 || errno == ENOENT)
                return 0;
        if (errno != EBUSY)
                return -errno;
        fd = cgroup_open_dir(c->root, rel);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        r = cgroup_dir_populated(fd);
        if (r != 0)
                return r < 0 ? r : -EBUSY;
        (void) cgroup_dir_remove_below(fd); /* groups the service made for itself (FAILURES B9) */
        return unlinkat(c->root, rel, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

/* For the calls of one line below: the group's directory, or why not. */
static int open_node(struct cgroup *c, const char *node)
{
        char rel[PATH_MAX];
        int r = c->backend == CGROUP_NONE ? -EOPNOTSUPP : cgroup_relative(node, rel, sizeof rel);

        return r < 0 ? r : cgroup_open_dir(c->root, rel);
}

static int hand_over(int dir, uid_t uid, gid_t gid)
{
        static const char *const files[] = { "cgroup.procs", "cgroup.threads", "cgroup.subtree_control" };

        if (uid == (uid_t) -1)
                return 0;
        if (fchown(dir, uid, gid) < 0)
                return -errno;
        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
                if (fchownat(dir, files[i], uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
                        return -errno;
        return 0;
}

/* Under the daemon's umask the groups above are for itself alone: let others pass. */
static void open_way(struct cgroup *c, const char *node)
{
        char rel[PATH_MAX];

        if (fchmod(c->root, 0755) < 0 || cgroup_relative(node, rel, sizeof rel) < 0)
                return;
        for (char *slash = strrchr(rel, '/'); slash; slash = strrchr(rel, '/')) {
                *slash = 0;
                if (fchmodat(c->root, rel, 0755, 0) < 0)
                        return;
        }
}

int cgroup_delegate(struct cgroup *c, const char *node, uid_t uid, gid_t gid)
{
        autoclose int fd = open_node(c, node);

        if (uid != (uid_t) -1)
                open_way(c, node);
        return fd < 0 ? fd : hand_over(fd, uid, gid);
}

int cgroup_inner(struct cgroup *c, const char *node, const char *name, uid_t uid, gid_t gid, int *ret_fd)
{
        autoclose int fd = open_node(c, node);
        int inner, r;

        if (fd < 0)
                return fd;
        if (mkdirat(fd, name, 0755) < 0 && errno != EEXIST)
                return -errno;
        inner = cgroup_open_dir(fd, name);
        r = inner < 0 ? inner : hand_over(inner, uid, gid);
        if (r < 0) {
                fd_close(&inner);
                return r;
        }
        *ret_fd = inner;
        return 0;
}

int cgroup_populated(struct cgroup *c, const char *node)
{
        autoclose int fd = open_node(c, node);

        return fd == -ENOENT ? 0 : fd < 0 ? fd : cgroup_dir_populated(fd);
}

int cgroup_kill(struct cgroup *c, const char *node)
{
        autoclose int fd = open_node(c, node);

        return fd == -ENOENT ? 0 : fd < 0 ? fd : cgroup_dir_kill(fd);
}

int cgroup_freeze(struct cgroup *c, const char *node, bool frozen)
{
        autoclose int fd = open_node(c, node);

        return fd < 0 ? fd : fs_write_small(fd, "cgroup.freeze", frozen ? "1" : "0");
}

int cgroup_nudge(struct cgroup *c, const char *node)
{
        autoclose int fd = open_node(c, node);
        char text[8];
        int r = fd < 0 ? fd : fs_read_small(fd, "cgroup.freeze", text, sizeof text);

        if (r < 0 || text[0] == '1')
                return r < 0 ? r : 0;
        r = fs_write_small(fd, "cgroup.freeze", "1");
        return r < 0 ? r : fs_write_small(fd, "cgroup.freeze", "0");
}

/* --- signals and display: the group's processes ---------------------------------------------------------------- */

struct pid_list {
        pid_t *pids;
        size_t max;
        int count;
};

static int add_pid(void *arg, pid_t pid)
{
        struct pid_list *l = arg;

        if ((size_t) l->count < l->max)
                l->pids[l->count] = pid;
        l->count++;
        return 0;
}

int cgroup_pids(struct cgroup *c, const char *node, pid_t *pids, size_t max)
{
        struct pid_list l = { pids, max, 0 };
        autoclose int fd = open_node(c, node);
        int r = fd < 0 ? fd : cgroup_dir_each(fd, add_pid, &l);

        return r < 0 ? (r == -ENOENT ? 0 : r) : l.count;
}
