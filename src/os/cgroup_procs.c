/* cgroup_procs.c - the processes in a group. See cgroup.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/cleanup.h"
#include "os/cgroup_priv.h"
#include "os/fs.h"
#include "os/kernel.h"

#define DEPTH_MAX 64

/* --- walking ------------------------------------------------------------------------------------------------- */

static void cleanup_dirp(DIR **d)
{
        if (*d)
                (void) closedir(*d);
}

/* The groups below one, by name; `dir` stays open. fn gets the parent's directory and the name. */
int cgroup_dir_below(int dir, int (*fn)(void *arg, int parent, const char *name), void *arg)
{
        __attribute__((cleanup(cleanup_dirp))) DIR *d = NULL;
        int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const struct dirent *e;
        int r = 0;

        d = fd < 0 ? NULL : fdopendir(fd);
        if (!d) {
                r = -errno;
                fd_close(&fd);
                return r;
        }
        while (r == 0 && (e = readdir(d)))
                if (e->d_type == DT_DIR && e->d_name[0] != '.')
                        r = fn(arg, dir, e->d_name);
        return r;
}

static int remove_one(void *arg, int parent, const char *name)
{
        int *left = arg; /* levels we still go down */
        int fd;

        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return 0;
        if (*left > 0) {
                (*left)--;
                (void) cgroup_dir_below(fd, remove_one, left);
                (*left)++;
        }
        (void) close(fd);
        (void) unlinkat(parent, name, AT_REMOVEDIR);
        return 0;
}

int cgroup_dir_remove_below(int dir)
{
        int left = DEPTH_MAX;

        return cgroup_dir_below(dir, remove_one, &left);
}

struct walk {
        int (*fn)(void *arg, pid_t pid);
        void *arg;
        int left;
};

static int each_here(int dir, const struct walk *w)
{
        autoclose int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
        char text[4096];
        long pid = 0;
        int r = 0;
        ssize_t n;

        if (fd < 0)
                return -errno;
        while (r == 0 && (n = read(fd, text, sizeof text)) > 0)
                for (ssize_t i = 0; r == 0 && i < n; i++)
                        if (text[i] != '\n') {
                                pid = pid * 10 + (text[i] - '0');
                        } else {
                                if (pid > 0) /* 0: a process that our pid namespace cannot see */
                                        r = w->fn(w->arg, (pid_t) pid);
                                pid = 0;
                        }
        return r;
}

int cgroup_dir_each_here(int dir, int (*fn)(void *arg, pid_t pid), void *arg)
{
        struct walk w = { fn, arg, 0 };

        return each_here(dir, &w);
}

/* The link count of a group's directory is 2 and one for each group below it. */
static bool nothing_below(int dir)
{
        struct stat st;

        return fstat(dir, &st) == 0 && st.st_nlink == 2;
}

static int each_in(void *arg, int parent, const char *name)
{
        struct walk *w = arg;
        autoclose int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int r;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        r = each_here(fd, w);
        if (r == -ENOENT || r == -ENODEV)
                return 0; /* removed under our hands: nobody was in it */
        if (r == 0 && w->left > 0 && !nothing_below(fd)) {
                w->left--;
                r = cgroup_dir_below(fd, each_in, w);
                w->left++;
        }
        return r;
}

int cgroup_dir_each(int dir, int (*fn)(void *arg, pid_t pid), void *arg)
{
        struct walk w = { fn, arg, DEPTH_MAX };

        return each_in(&w, dir, ".");
}

/* --- emptiness and killing ----------------------------------------------------------------------------------- */

int cgroup_dir_populated(int dir)
{
        char text[256];
        int n = fs_read_small(dir, "cgroup.events", text, sizeof text);
        const char *p;

        if (n == -ENOENT || n == -ENODEV)
                return 0;
        if (n < 0)
                return n;
        p = strstr(text, "populated ");
        return p && p[10] == '1';
}

static int64_t now_ms(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* cgroup.events wakes poll with POLLPRI when it changes; after each read it is armed again. Looked at every 100 ms
 * anyway, because changes are told with a delay when there are many (FAILURES B7). */
int cgroup_dir_wait_empty(int dir, int ms)
{
        autoclose int fd = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
        int64_t deadline = now_ms() + ms;
        char text[256];

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        for (;;) {
                struct pollfd p = { .fd = fd, .events = POLLPRI };
                ssize_t n = pread(fd, text, sizeof text - 1, 0);
                int64_t left = deadline - now_ms();

                if (n < 0)
                        return errno == ENODEV ? 0 : -errno;
                text[n] = 0;
                if (strstr(text, "populated 0"))
                        return 0;
                if (left <= 0)
                        return -EBUSY;
                if (cgroup_dir_kill(dir) < 0) /* once more: kernels without cgroup.kill miss the newly born */
                        return -EIO;
                (void) poll(&p, 1, left < 100 ? (int) left : 100);
        }
}

static int kill_pid(void *arg, pid_t pid)
{
        (void) arg;
        (void) kill(pid, SIGKILL);
        return 0;
}

/* Frozen, the group cannot fork, so the list is complete and no pid in it can be reused while we go through it;
 * whatever happens it is thawed again, for a frozen process only dies of SIGKILL and we may have missed one. */
static int kill_by_list(int dir)
{
        bool frozen = fs_write_small(dir, "cgroup.freeze", "1") == 0;
        int r = cgroup_dir_each(dir, kill_pid, NULL);

        if (frozen)
                (void) fs_write_small(dir, "cgroup.freeze", "0");
        return r;
}

int cgroup_dir_kill(int dir)
{
        int r = fs_write_small(dir, "cgroup.kill", "1");

        if (r == -ENODEV)
                return 0;
        return r == -ENOENT || r == -EOPNOTSUPP ? kill_by_list(dir) : r;
}

/* --- signals ------------------------------------------------------------------------------------------------- */

struct signalling {
        struct cgroup *c;
        const char *node;
        size_t node_len;
        int dir;                 /* its group; -1: that of one process, which nobody has listed */
        int sig;
        pid_t except;
        int count;
};

static int is_it(void *arg, pid_t pid)
{
        const pid_t *wanted = arg;

        return pid == *wanted;
}

/* Is it still in the group it was listed in (or one below)? Where the process does not say so, the list does, read once
 * more: whoever is in it now and is held since before is the one. */
static bool belongs(const struct signalling *s, pid_t pid)
{
        char found[PATH_MAX];
        int r = cgroup_node_of(s->c, pid, found, sizeof found);

        if (r == -EAGAIN && s->dir >= 0)
                return cgroup_dir_each(s->dir, is_it, &pid) == 1;
        if (r < 0)
                return false;
        if (s->node_len <= 1) /* "/" */
                return true;
        return strncmp(found, s->node, s->node_len) == 0 &&
               (found[s->node_len] == 0 || found[s->node_len] == '/');
}

/* Hold, look, signal: the pid may have been recycled between the listing and the hold, not after it. */
static int signal_pid(void *arg, pid_t pid)
{
        struct signalling *s = arg;
        autoclose int pidfd = -1;
        int r;

        if (pid == s->except)
                return 0;
        pidfd = kernel_pidfd_open(pid);
        if (pidfd == -ESRCH || !belongs(s, pid))
                return 0;
        r = pidfd >= 0 ? kernel_pidfd_signal(pidfd, s->sig) : kill(pid, s->sig) < 0 ? -errno : 0;
        s->count += r == 0;
        return 0;
}

int cgroup_alone(struct cgroup *c, const char *node, pid_t pid)
{
        char rel[PATH_MAX + 16], wanted[32], text[64];
        struct stat st;
        int n, length;

        if (cgroup_backend(c) == CGROUP_NONE || cgroup_relative(node, rel, PATH_MAX) < 0 ||
            fstatat(c->root, rel, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_nlink != 2)
                return 0;
        strcat(rel, "/cgroup.procs");
        n = fs_read_small(c->root, rel, text, sizeof text);
        length = snprintf(wanted, sizeof wanted, "%d", (int) pid);
        return n == length && strcmp(text, wanted) == 0;
}

int cgroup_idle(struct cgroup *c, const char *node)
{
        char rel[PATH_MAX + 32], text[64];
        struct stat st;
        size_t length;
        int r = cgroup_backend(c) == CGROUP_NONE ? -EOPNOTSUPP : cgroup_relative(node, rel, PATH_MAX);

        if (r < 0)
                return r;
        length = strlen(rel);
        strcpy(rel + length, "/cgroup.events");
        r = fs_read_small(c->root, rel, text, sizeof text);
        if (r < 0)
                return r;
        if (!strstr(text, "populated 0"))
                return 0;
        rel[length] = 0;
        if (fstatat(c->root, rel, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (st.st_nlink != 2)
                return -ENOTEMPTY;
        if (!c->v2_enabled)
                return 1;
        strcpy(rel + length, "/cgroup.subtree_control"); /* whoever handed controllers on can hold no process now */
        return fs_read_small(c->root, rel, text, sizeof text) == 0 ? 1 : -ENOTEMPTY;
}

int cgroup_signal(struct cgroup *c, const char *node, int sig, pid_t except)
{
        struct signalling s = { c, node, strlen(node), -1, sig, except, 0 };
        char rel[PATH_MAX];
        autoclose int fd = -1;
        int r = cgroup_backend(c) == CGROUP_NONE ? -EOPNOTSUPP : cgroup_relative(node, rel, sizeof rel);

        if (r < 0)
                return r;
        fd = openat(c->root, rel, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        s.dir = fd;
        r = cgroup_dir_each(fd, signal_pid, &s);
        return r < 0 ? r : s.count;
}

int cgroup_signal_one(struct cgroup *c, const char *node, pid_t pid, int sig)
{
        struct signalling s = { c, node, strlen(node), -1, sig, 0, 0 };

        if (cgroup_backend(c) == CGROUP_NONE)
                return -EOPNOTSUPP;
        (void) signal_pid(&s, pid);
        return s.count ? 0 : -ESRCH;
}

/* --- usage --------------------------------------------------------------------------------------------------- */

void cgroup_text(int dir, const char *file, char text[static CGROUP_TEXT])
{
        if (fs_read_small(dir, file, text, CGROUP_TEXT) < 0)
                text[0] = '\0';
}

int64_t cgroup_number_of(const char *text, const char *key)
{
        const size_t len = strlen(key);

        for (const char *line = text, *eol; line; line = eol ? eol + 1 : NULL) {
                eol = strchr(line, '\n');
                if (strncmp(line, key, len) == 0 && line[len] >= '0' && line[len] <= '9')
                        return strtoll(line + len, NULL, 10);
        }
        return -1;
}

int64_t cgroup_number(int dir, const char *file, const char *key)
{
        char text[CGROUP_TEXT];

        cgroup_text(dir, file, text);
        return cgroup_number_of(text, key);
}

struct sums {
        int64_t pages, count;
};

static int add_process(void *arg, pid_t pid)
{
        struct sums *s = arg;
        char path[40], text[128];
        const char *resident;

        (void) snprintf(path, sizeof path, "/proc/%d/statm", pid);
        s->count++;
        if (fs_read_small(AT_FDCWD, path, text, sizeof text) > 0 && (resident = strchr(text, ' ')))
                s->pages += strtoll(resident, NULL, 10);
        return 0;
}

int cgroup_usage(struct cgroup *c, const char *node, struct cgroup_usage *ret)
{
        struct sums sums = { 0, 0 };
        char rel[PATH_MAX];
        autoclose int fd = -1;
        int r = cgroup_backend(c) == CGROUP_NONE ? -EOPNOTSUPP : cgroup_relative(node, rel, sizeof rel);

        if (r < 0)
                return r;
        fd = openat(c->root, rel, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        ret->cpu_usec = cgroup_number(fd, "cpu.stat", "usage_usec ");
        ret->memory = cgroup_number(fd, "memory.current", "");
        ret->tasks = cgroup_number(fd, "pids.current", "");
        if (ret->memory >= 0 && ret->tasks >= 0)
                return 0;
        r = cgroup_dir_each(fd, add_process, &sums);
        if (ret->memory < 0 && r == 0)
                ret->memory = sums.pages * sysconf(_SC_PAGESIZE);
        if (ret->tasks < 0 && r == 0)
                ret->tasks = sums.count;
        return 0;
}
