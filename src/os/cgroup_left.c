/* cgroup_left.c - groups that outlive the daemon that made them (OnDaemonDeath=leave). See cgroup.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/cleanup.h"
#include "os/cgroup_priv.h"

/* --- all but those -------------------------------------------------------------------------------------------- */

struct killing {
        const struct cgroup_left *left;
        char path[PATH_MAX];     /* of the directory that is looked at */
        int ms, killed, result;
};

/* 1: this very group is left; 2: one below it is; 0: neither. */
static int leads_to(const struct killing *k)
{
        size_t len = strlen(k->path);
        int r = 0;

        for (size_t i = 0; k->left && i < k->left->count; i++) {
                if (strncmp(k->left->paths[i], k->path, len) != 0)
                        continue;
                if (k->left->paths[i][len] == '\0')
                        return 1;
                if (k->left->paths[i][len] == '/')
                        r = 2;
        }
        return r;
}

/* 1: somebody was there; 0; -errno. */
static int kill_one(int dir, int ms)
{
        int r = cgroup_dir_populated(dir);

        if (r != 1)
                return r;
        r = cgroup_dir_kill(dir);
        if (r == 0)
                r = cgroup_dir_wait_empty(dir, ms);
        return r < 0 ? r : 1;
}

static int kill_below(void *arg, int parent, const char *name)
{
        struct killing *k = arg;
        size_t len = strlen(k->path);
        autoclose int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int r = 0;

        if (dir < 0 || len + strlen(name) + 2 > sizeof k->path)
                return 0;
        (void) snprintf(k->path + len, sizeof k->path - len, "/%s", name);
        switch (leads_to(k)) {
        case 0: r = kill_one(dir, k->ms); break;
        case 2: r = cgroup_dir_below(dir, kill_below, k); break;
        default: break;
        }
        k->path[len] = '\0';
        if (r < 0)
                k->result = r;
        else
                k->killed += r;
        return 0;
}

/* Only leaves have processes: what is beside a group that is left is below some group above it. */
int cgroup_dir_kill_but(int dir, const char *path, const struct cgroup_left *left, int ms)
{
        struct killing k = { .left = left, .ms = ms };
        int r;

        (void) snprintf(k.path, sizeof k.path, "%s", path);
        if (leads_to(&k) == 0)
                return kill_one(dir, ms);
        r = cgroup_dir_below(dir, kill_below, &k);
        return r < 0 ? r : k.result < 0 ? k.result : k.killed;
}

/* --- one of those --------------------------------------------------------------------------------------------- */

/* What calls itself a group of a daemon of ours: a wrong kill is worse than a missed one. */
static int open_left(const char *path)
{
        struct statfs fs;
        int fd;

        if (path[0] != '/' || strstr(path, "/../") || !strstr(path, "/coppice-"))
                return -EINVAL;
        fd = cgroup_open_dir(AT_FDCWD, path);
        if (fd >= 0 && (fstatfs(fd, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)) {
                (void) close(fd);
                return -EINVAL;
        }
        return fd;
}

int cgroup_left_populated(const char *path)
{
        autoclose int fd = open_left(path);

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        return cgroup_dir_populated(fd);
}

struct listing {
        pid_t *pids;
        int count, max;
};

static int list_one(void *arg, pid_t pid)
{
        struct listing *l = arg;

        if (l->count < l->max)
                l->pids[l->count] = pid;
        l->count++;
        return 0;
}

int cgroup_left_pids(const char *path, pid_t *pids, int max)
{
        struct listing l = { pids, 0, max };
        autoclose int fd = open_left(path);

        if (fd < 0)
                return fd;
        (void) cgroup_dir_each(fd, list_one, &l);
        return l.count;
}

int cgroup_left_kill(const char *path, int ms)
{
        autoclose int fd = open_left(path);

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        return kill_one(fd, ms) < 0 ? -EBUSY : 0;
}

void cgroup_left_remove(const char *path)
{
        char at[PATH_MAX], name[48];
        autoclose int fd = open_left(path);

        if (fd < 0 || cgroup_dir_populated(fd) != 0)
                return;
        (void) cgroup_dir_remove_below(fd);
        (void) snprintf(at, sizeof at, "%s", path);
        for (char *slash; rmdir(at) == 0 && (slash = strrchr(at, '/')) && slash != at; *slash = '\0')
                if (strncmp(slash + 1, "coppice-", 8) == 0) {
                        (void) snprintf(name, sizeof name, "%s", slash + 1);
                        cgroup_v1_sweep(name);
                        return;
                }
}
