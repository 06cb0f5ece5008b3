/* cgroup.c - names of groups, and the daemon's root group. See cgroup.h. */
#include "os/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/shortage.h"
#include "base/strtab.h"
#include "os/cgroup_priv.h"
#include "os/fs.h"

#define SWEEP_MS 5000

enum { LOCK_TRIES = 100, LOCK_PAUSE_MS = 10 };

static const char *const backend_texts[] = {
        [CGROUP_NONE] = "none", [CGROUP_HYBRID] = "hybrid", [CGROUP_V2] = "v2",
};
STRTAB(cgroup_backend_names, backend_texts);

/* --- names --------------------------------------------------------------------------------------------------- */

/* Files of a v1 group whose names have no dot. */
static bool is_file_of_v1(const char *name, size_t len)
{
        static const char *const files[] = { "tasks", "notify_on_release", "release_agent" };

        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
                if (strlen(files[i]) == len && memcmp(files[i], name, len) == 0)
                        return true;
        return false;
}

int cgroup_relative(const char *node, char *buf, size_t n)
{
        size_t at = 0;

        while (*node) {
                size_t len;

                node += strspn(node, "/");
                len = strcspn(node, "/");
                if (len == 0)
                        break;
                if (at + len + 3 > n)
                        return -ENAMETOOLONG;
                if (at)
                        buf[at++] = '/';
                if (node[0] == '_' || memchr(node, '.', len) || is_file_of_v1(node, len))
                        buf[at++] = '_';
                memcpy(buf + at, node, len);
                at += len;
                node += len;
        }
        if (at == 0)
                buf[at++] = '.';
        buf[at] = 0;
        return 0;
}

char *cgroup_node_path(const struct cgroup *c, const char *node, char *buf, size_t n)
{
        char rel[PATH_MAX];

        if (c->backend == CGROUP_NONE || cgroup_relative(node, rel, sizeof rel) < 0)
                (void) snprintf(buf, n, "%s", "");
        else if (strcmp(rel, ".") == 0)
                (void) snprintf(buf, n, "%s", c->path);
        else
                (void) snprintf(buf, n, "%s/%s", c->path, rel);
        return buf;
}

/* The way back: what /proc says below our root group, without the marks of cgroup_relative(). */
static void to_node(const char *rest, char *buf, size_t n)
{
        size_t at = 0;

        for (const char *p = rest; *p && at + 1 < n; p++)
                if (*p != '_' || p == rest || p[-1] != '/')
                        buf[at++] = *p;
        if (at == 0 && n > 1)
                buf[at++] = '/';
        buf[at] = 0;
}

int cgroup_node_of(struct cgroup *c, pid_t pid, char *buf, size_t n)
{
        char path[40], text[PATH_MAX + 512];
        size_t len;
        char *line;
        int r;

        if (c->backend == CGROUP_NONE)
                return -EOPNOTSUPP;
        (void) snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
        r = fs_read_small(AT_FDCWD, path, text, sizeof text);
        if (r < 0)
                return error_means_gone(-r) ? -ESRCH : -EAGAIN;
        line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
        if (!line)
                return -ESRCH;
        line = strchr(line, '/');
        if (!line)
                return -ESRCH;
        line[strcspn(line, "\n")] = 0;
        len = strlen(c->proc_path);
        if (strncmp(line, c->proc_path, len) != 0 || (line[len] && line[len] != '/'))
                return -ESRCH;
        to_node(line + len, buf, n);
        return 0;
}

/* --- the root group ---------------------------------------------------------------------------------------- */

enum cgroup_backend cgroup_backend(const struct cgroup *c)
{
        return c->backend;
}

const char *cgroup_why(const struct cgroup *c)
{
        return c->why;
}

const char *cgroup_root_path(const struct cgroup *c)
{
        return c->backend == CGROUP_NONE ? "" : c->path;
}

const char *cgroup_name(const struct cgroup *c)
{
        return c->name;
}

int cgroup_root_fd(const struct cgroup *c)
{
        return c->root;
}

int cgroup_open_dir(int at, const char *name)
{
        int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

int cgroup_open_noted(const char *path)
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

/* A group named in RUNTIME_DIR/cgroup: the root group of a daemon of ours, nothing below it. */
static int open_leftover(const char *path)
{
        const char *name = strrchr(path, '/');

        return name && strncmp(name, "/coppice-", 9) == 0 ? cgroup_open_noted(path) : -EINVAL;
}

/* Whatever the note says: a daemon that lives holds a lock. Those who held it for the dead one held the lock of the
 * runtime directory too, which is ours now; but they lose the two one after the other, and that is waited for. */
int cgroup_lock_left(int fd, bool patient)
{
        for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
                if (errno != EWOULDBLOCK)
                        return 0; /* no locks here: the name has to do */
                if (!patient || i >= LOCK_TRIES)
                        return -EWOULDBLOCK;
                (void) poll(NULL, 0, LOCK_PAUSE_MS);
        }
        return 0;
}

/* What a dead daemon of this runtime directory left behind (FAILURES J9): nothing may be started beside it. */
static int sweep(const char *note, const struct cgroup_left *left, unsigned *ret_swept, struct err *err)
{
        autoclose int fd = -1;
        char path[PATH_MAX] = "";
        int r;

        r = fs_read_small(AT_FDCWD, note, path, sizeof path);
        if (r > 0)
                r = fd = open_leftover(path);
        if (error_lacks(-r))
                return err_set(err, STAGE_CGROUP, -r, "look for what an earlier coppiced has left (%s): %s", note,
                               strerrordesc_np(-r));
        if (r == -ENOENT && path[0]) /* a daemon's group it named: looked at by open_leftover() */
                cgroup_v1_sweep(strrchr(path, '/') + 1); /* init has removed that of v2, and knows no others */
        if (fd < 0 || cgroup_lock_left(fd, true) < 0) /* it was empty, and a living one has taken it over */
                return 0;
        if (cgroup_dir_populated(fd) == 1) {
                r = cgroup_dir_kill_but(fd, path, left, SWEEP_MS);
                if (ret_swept && r > 0)
                        *ret_swept += (unsigned) r;
                if (r < 0) {
                        r = err_set(err, STAGE_CGROUP, r == -EMFILE || r == -ENFILE || r == -ENOMEM ? -r : EBUSY,
                                    "end what an earlier coppiced left in %s: %s", path, strerrordesc_np(-r));
                        err_hint(err, "its processes are listed in cgroup.procs there and below");
                        return r;
                }
        }
        (void) cgroup_dir_remove_below(fd);
        (void) rmdir(path);
        cgroup_v1_sweep(strrchr(path, '/') + 1);
        return 0;
}

/* A group of this name is there already: of a daemon that lives (in another pid namespace), or left by one whose
 * runtime directory is gone too. Whoever lives holds a lock on his; an empty one without is ours now. */
static int take_over(int at, const char *name)
{
        autoclose int fd = cgroup_open_dir(at, name);

        if (fd < 0)
                return fd;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0 || cgroup_dir_populated(fd) != 0)
                return -EEXIST;
        (void) cgroup_dir_remove_below(fd);
        return fd_steal(&fd);
}

int cgroup_make_one(int at, const char *name)
{
        int fd;

        if (mkdirat(at, name, 0755) < 0)
                return errno == EEXIST ? take_over(at, name) : -errno;
        fd = cgroup_open_dir(at, name);
        if (fd >= 0)
                (void) flock(fd, LOCK_EX | LOCK_NB); /* held as long as this descriptor, or init's copy, is open */
        return fd;
}

int cgroup_sweep_but(const char *runtime_dir, const struct cgroup_left *left, unsigned *ret_swept, struct err *err)
{
        char note[PATH_MAX];
        int r;

        (void) snprintf(note, sizeof note, "%s/cgroup", runtime_dir);
        r = sweep(note, left, ret_swept, err);
        if (r == 0)
                (void) unlink(note); /* of what is left the caller takes care */
        return r;
}

static int make_root(struct cgroup *c, const char *own, const char *proc, pid_t init)
{
        autoclose int at = cgroup_open_dir(AT_FDCWD, own);
        char name[48];
        int r = at < 0 ? at : -EEXIST;

        if (at >= 0 && faccessat(at, "cgroup.procs", W_OK, AT_EACCESS) < 0)
                r = -errno;
        for (int i = 0; r == -EEXIST && i < 1000; i++) {
                (void) snprintf(name, sizeof name, i ? "coppice-%d-%d" : "coppice-%d", init, i);
                r = cgroup_make_one(at, name);
        }
        if (r < 0)
                return r;
        c->root = r;
        (void) snprintf(c->name, sizeof c->name, "%s", name);
        c->own = strdup(own);
        if (asprintf(&c->path, "%s/%s", own, name) < 0)
                c->path = NULL;
        if (asprintf(&c->proc_path, "%s/%s", strcmp(proc, "/") == 0 ? "" : proc, name) < 0)
                c->proc_path = NULL;
        return c->path && c->proc_path && c->own ? 0 : -ENOMEM;
}

static void abandon(struct cgroup *c)
{
        if (c->path)
                (void) rmdir(c->path);
        fd_close(&c->root);
        c->backend = CGROUP_NONE;
}

/* runtime_dir: NULL for one that makes nothing. */
struct cgroup *cgroup_new(const char *runtime_dir, pid_t init)
{
        struct cgroup *c = calloc(1, sizeof *c);

        if (!c || (runtime_dir && asprintf(&c->note, "%s/cgroup", runtime_dir) < 0)) {
                free(c);
                return NULL;
        }
        c->root = c->inotify = c->oom_fd = c->rest = -1;
        for (size_t i = 0; i < ARRAY_LEN(c->device_programs); i++)
                c->device_programs[i] = -1;
        c->init = init;
        (void) snprintf(c->name, sizeof c->name, "coppice-%d", init);
        for (int i = 0; i < CTL_COUNT; i++)
                c->v1[i] = (struct cgroup_v1) { .own = -1, .root = -1, .with = (enum controller) i };
        return c;
}

int cgroup_look(struct cgroup **ret)
{
        struct cgroup *c = cgroup_new(NULL, getpid());
        char own[PATH_MAX], proc[PATH_MAX];

        if (!c)
                return -ENOMEM;
        *ret = c;
        if (cgroup_find_own(&c->backend, own, proc, c->why, sizeof c->why) < 0)
                return 0;
        c->own = strdup(own);
        if (!c->own || access(own, W_OK) < 0) {
                (void) snprintf(c->why, sizeof c->why, "no group can be made in %.120s: %s", own,
                                strerrordesc_np(c->own ? errno : ENOMEM));
                c->backend = CGROUP_NONE;
        }
        return 0;
}

int cgroup_open(const char *runtime_dir, pid_t init, struct cgroup **ret, unsigned *ret_swept, struct err *err)
{
        struct cgroup *c = cgroup_new(runtime_dir, init);
        char own[PATH_MAX], proc[PATH_MAX];
        int r;

        if (!c) {
                errno = ENOMEM;
                return err_sys(err, STAGE_CGROUP, "get memory for control groups");
        }
        if (ret_swept)
                *ret_swept = 0;
        r = sweep(c->note, NULL, ret_swept, err);
        if (r < 0) {
                cgroup_free(c);
                return r;
        }
        r = cgroup_find_own(&c->backend, own, proc, c->why, sizeof c->why);
        if (r == 0) {
                r = make_root(c, own, proc, init);
                if (r < 0) {
                        (void) snprintf(c->why, sizeof c->why, "no group can be made in %.120s: %s", own,
                                        strerrordesc_np(-r));
                        abandon(c);
                }
        }
        if (error_lacks(-r)) { /* without groups services would be tracked otherwise for all of our life */
                r = err_set(err, STAGE_CGROUP, -r, "find out which control groups there are: %s", c->why);
                cgroup_free(c);
                return r;
        }
        *ret = c;
        if (r < 0)
                return 0;
        c->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK); /* without it the safety check does all the work */
        (void) fs_write_atomic(c->note, c->path, strlen(c->path), 0600, NULL);
        return 0;
}

void cgroup_free(struct cgroup *c)
{
        if (!c)
                return;
        for (size_t i = 0; i < c->watch_count; i++)
                free(c->watches[i].node);
        free(c->watches);
        fd_close(&c->root);
        fd_close(&c->inotify);
        fd_close(&c->oom_fd);
        fd_close(&c->rest);
        for (size_t i = 0; i < ARRAY_LEN(c->device_programs); i++)
                fd_close(&c->device_programs[i]);
        free(c->oom_watches);
        cgroup_v1_free(c);
        free(c->path);
        free(c->own);
        free(c->moved);
        free(c->proc_path);
        free(c->note);
        free(c);
}

static int end_v2(struct cgroup *c, int ms)
{
        int r = cgroup_dir_populated(c->root);

        if (r == 1) {
                (void) cgroup_dir_kill(c->root);
                r = cgroup_dir_wait_empty(c->root, ms);
        }
        if (r < 0)
                return r;
        (void) cgroup_dir_remove_below(c->root);
        if (rmdir(c->path) < 0 && errno != ENOENT)
                return -errno;
        cgroup_control_end(c);
        (void) unlink(c->note);
        return 0;
}

void cgroup_end_but(struct cgroup *c, const struct cgroup_left *left, int ms)
{
        if (c->backend != CGROUP_NONE)
                (void) cgroup_dir_kill_but(c->root, c->path, left, ms);
}

int cgroup_end(struct cgroup *c, int ms)
{
        int r = c->backend == CGROUP_NONE ? 0 : end_v2(c, ms), of_v1 = cgroup_v1_end(c, ms);

        return r < 0 ? r : of_v1;
}
