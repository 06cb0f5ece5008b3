/* cgroup_left.c - groups that outlive the daemon that made them (OnDaemonDeath=leave). See cgroup.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


#include "base/cleanup.h"
#include "os/cgroup_priv.h"

/* --- all but those -------------------------------------------------------------------------------------------- */

/* The same walk twice: SIGKILL to all, then a look whether they have ended, against one deadline for all. */
struct killing {
        const struct cgroup_left *left;
        char path[PATH_MAX];     /* of the directory that is looked at */
        bool waits;              /* the second time */
        int64_t until;           /* monotonic, ms */
        int killed, result;
};

static int64_t now_ms(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

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
static int kill_one(const struct killing *k, int dir)
{
        int r = cgroup_dir_populated(dir);

        if (r != 1)
                return r;
        if (k->waits) {
                int64_t ms = k->until - now_ms();

                r = cgroup_dir_wait_empty(dir, ms > 0 ? (int) ms : 0);
        } else {
                r = cgroup_dir_kill(dir);
        }
        return r < 0 ? r : 1;
}

static int kill_below(void *arg, int parent, const char *name)
{
        struct killing *k = arg;
        size_t len = strlen(k->path);
        autoclose int dir = cgroup_open_dir(parent, name);
        int r = 0;

        if (dir < 0 || len + strlen(name) + 2 > sizeof k->path) {
                if (dir != -ENOENT)
                        k->result = dir < 0 ? dir : -ENAMETOOLONG;
                return 0;
        }
        (void) snprintf(k->path + len, sizeof k->path - len, "/%s", name);
        switch (leads_to(k)) {
        case 0: r = kill_one(k, dir); break;
        case 2: r = cgroup_dir_below(dir, kill_below, k); break;
        default: break;
        }
        k->path[len] = '\0';
        if (r < 0)
                k->result = r;
        else if (!k->waits)
                k->killed += r;
        return 0;
}

static int walk(struct killing *k, int dir)
{
        int r;

        if (leads_to(k) == 0) {
                r = kill_one(k, dir);
                if (!k->waits && r > 0)
                        k->killed = r;
        } else {
                r = cgroup_dir_below(dir, kill_below, k);
        }
        return r < 0 ? r : 0;
}

/* Only leaves have processes: what is beside a group that is left is below some group above it. */
int cgroup_dir_kill_but(int dir, const char *path, const struct cgroup_left *left, int ms)
{
        struct killing k = { .left = left, .until = now_ms() + ms };
        int r;

        (void) snprintf(k.path, sizeof k.path, "%s", path);
        r = walk(&k, dir);
        k.waits = true;
        if (r == 0)
                r = walk(&k, dir);
        return r < 0 ? r : k.result < 0 ? k.result : k.killed;
}

/* --- one of those --------------------------------------------------------------------------------------------- */

int cgroup_left_populated(const char *path)
{
        autoclose int fd = cgroup_open_noted(path);

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
        autoclose int fd = cgroup_open_noted(path);

        if (fd < 0)
                return fd;
        (void) cgroup_dir_each(fd, list_one, &l);
        return l.count;
}

int cgroup_left_kill(const char *path, int ms)
{
        autoclose int fd = cgroup_open_noted(path);

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        return cgroup_dir_kill(fd) < 0 || cgroup_dir_wait_empty(fd, ms) < 0 ? -EBUSY : 0;
}

/* The group of a daemon, coppice-PID or coppice-PID-N, and not that of a unit whose name begins alike. */
static bool is_daemons(const char *name)
{
        static const char digits[] = "0123456789";
        size_t n;

        if (strncmp(name, "coppice-", 8) != 0)
                return false;
        name += 8;
        n = strspn(name, digits);
        if (n > 0 && name[n] == '-' && name[n + 1]) {
                name += n + 1;
                n = strspn(name, digits);
        }
        return n > 0 && name[n] == '\0';
}

bool cgroup_left_is_anothers(const char *path, bool patient)
{
        char at[PATH_MAX];
        char *slash;

        (void) snprintf(at, sizeof at, "%s", path);
        while ((slash = strrchr(at, '/')) && slash != at && !is_daemons(slash + 1))
                *slash = '\0';
        if (slash && slash != at) {
                autoclose int fd = cgroup_open_noted(at);

                return fd >= 0 && cgroup_lock_left(fd, patient) < 0;
        }
        return false;
}

void cgroup_left_remove(const char *path)
{
        char at[PATH_MAX], name[48];
        autoclose int fd = cgroup_open_noted(path);

        if (fd < 0 || cgroup_dir_populated(fd) != 0)
                return;
        (void) cgroup_dir_remove_below(fd);
        (void) snprintf(at, sizeof at, "%s", path);
        for (char *slash; rmdir(at) == 0 && (slash = strrchr(at, '/')) && slash != at; *slash = '\0')
                if (is_daemons(slash + 1)) {
                        (void) snprintf(name, sizeof name, "%s", slash + 1);
                        cgroup_v1_sweep(name);
                        return;
                }
}
