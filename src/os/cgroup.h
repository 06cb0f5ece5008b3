/* cgroup.h - the v2 tree as far as it is ours: one root group for the daemon, one leaf for each incarnation.
 *
 * Tracking and killing only; limits come with the controllers. On a hybrid host the tree is the one mounted
 * without controllers (/sys/fs/cgroup/unified), which does both just as well.
 *
 * Paths here are paths of nodes ("/shop/api"); cgroup.c turns them into directory names (a name with a dot gets a
 * "_" before it, so that no unit can be called cgroup.procs). With backend NONE every call but
 * cgroup_open/free/backend answers -EOPNOTSUPP: the caller uses nogroup.h.
 *
 * May be used by: daemon, tests.  May use: base, kernel interfaces. */
#ifndef OS_CGROUP_H
#define OS_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/pack.h"

enum cgroup_backend { CGROUP_NONE, CGROUP_HYBRID, CGROUP_V2 };
extern const struct strtab cgroup_backend_names; /* "none", "hybrid", "v2" */

struct cgroup;

/* Find a usable tree, make the daemon's root group below the group we are in, remember its path in
 * RUNTIME_DIR/cgroup. `init` gives it its name. No controllers are enabled, so that the daemon may stay where it is.
 * Before that, what a dead daemon of this runtime directory left behind is killed and removed; *ret_swept says how
 * many groups had processes (NULL is fine).
 * Returns 0 also when there is nothing to use: backend NONE, and `why` of cgroup_why(); an error when a lack of
 * descriptors or memory keeps it from finding that out. */
int cgroup_open(const char *runtime_dir, pid_t init, struct cgroup **ret, unsigned *ret_swept, struct err *err);
/* The same without making anything: for questions about what could be had. Only cgroup_backend(), cgroup_why() and
 * os/limits.h's questions work on it. -ENOMEM. */
int cgroup_look(struct cgroup **ret);
/* For the next engine: what cgroup_open() has found and made, as bytes; and to go on with it, nothing being swept. */
void cgroup_save(const struct cgroup *c, struct buf *out);
/* saved NULL: what RUNTIME_DIR/cgroup says has to do. The engine before removes the root group as its last act but one:
 * `use` makes it again and opens it; without `use` what was saved is only read, and the groups are as with
 * cgroup_look(). */
int cgroup_adopt(struct unpack *saved, bool use, const char *runtime_dir, pid_t init, struct cgroup **ret,
                 struct err *err);

/* Groups, by absolute path, that are not ended with the daemon they are of (OnDaemonDeath=leave). */
struct cgroup_left {
        const char *const *paths;
        size_t count;
};

/* Before cgroup_open() of a daemon that follows one that was killed: what that one has left is ended and removed here,
 * but for these. *ret_swept as of cgroup_open(). */
int cgroup_sweep_but(const char *runtime_dir, const struct cgroup_left *left, unsigned *ret_swept, struct err *err);
/* At the end of an engine whose init is gone: SIGKILL to all but these; nothing is removed. */
void cgroup_end_but(struct cgroup *c, const struct cgroup_left *left, int ms);
/* Of one of them, by absolute path: is anybody in it (1, 0, -errno); up to max of its processes, and how many there
 * are; SIGKILL to all of them; remove it when it is empty, and the groups above it up to the one of its daemon. */
int cgroup_left_populated(const char *path);
/* Has another daemon that lives taken the groups of its daemon over? `patient`: "yes" takes a
 * second, for one that is dying. */
bool cgroup_left_is_anothers(const char *path, bool patient);
int cgroup_left_pids(const char *path, pid_t *pids, int max);
int cgroup_left_kill(const char *path, int ms);
void cgroup_left_remove(const char *path);

void cgroup_free(struct cgroup *c);  /* closes; removes nothing */
enum cgroup_backend cgroup_backend(const struct cgroup *c);
const char *cgroup_why(const struct cgroup *c);       /* why there is none; "" otherwise */
const char *cgroup_root_path(const struct cgroup *c); /* absolute path of the daemon's root group; "" for NONE */
int cgroup_root_fd(const struct cgroup *c);           /* borrowed; -1 for NONE. Goes into the fd store */

/* Absolute path of a node's group into buf[n]. */
char *cgroup_node_path(const struct cgroup *c, const char *node, char *buf, size_t n);

/* Make the group of a node and those above it; a leaf left by an earlier incarnation is used again when nobody is
 * in it, else -EBUSY. *ret_fd is its directory, owned by the caller (for CLONE_INTO_CGROUP). */
int cgroup_make(struct cgroup *c, const char *node, int *ret_fd, struct err *err);

/* The directory of a group that cgroup_make() has made, whoever is in it by now: for a further process of the same
 * incarnation. -ENOENT when it is gone. */
int cgroup_reopen(struct cgroup *c, const char *node, int *ret_fd, struct err *err);

/* Hand the group to a user: the directory and the files that moving processes and controllers takes. uid -1: leave
 * them as they are. A group `name` inside of it, made when it is not there, likewise handed over; *ret_fd is the
 * caller's. */
int cgroup_delegate(struct cgroup *c, const char *node, uid_t uid, gid_t gid);
int cgroup_inner(struct cgroup *c, const char *node, const char *name, uid_t uid, gid_t gid, int *ret_fd);

/* Remove the group and any that the service made below it. 0 removed or not there; -EBUSY somebody is in it. The
 * usual case costs one rmdir, which is also the cheapest question whether it is empty. */
int cgroup_remove(struct cgroup *c, const char *node);

/* Is nobody in the group and no group below it, so that the next incarnation can be born into it as it is? 1, 0 when
 * it is populated, -ENOTEMPTY when only the groups below it remain, -errno. */
int cgroup_idle(struct cgroup *c, const char *node);

int cgroup_populated(struct cgroup *c, const char *node); /* 1, 0 (also when it is not there), -errno */

/* SIGKILL to everything in the group and below, those being forked included. Kernels before 5.14 have no
 * cgroup.kill: freeze, signal each, thaw; then the caller repeats it until the group is empty. */
int cgroup_kill(struct cgroup *c, const char *node);

/* `sig` to every process in the group and below, each held by a pidfd and checked to be still in the group before
 * it is signalled. except: a pid to leave out, 0 = none. Returns how many got it, or -errno. */
int cgroup_signal(struct cgroup *c, const char *node, int sig, pid_t except);

/* Is `pid` the only process of the group, with no group below it? 1, 0 (also when that cannot be told). Cheaper than a
 * cgroup_signal() that has nobody to signal. */
int cgroup_alone(struct cgroup *c, const char *node, pid_t pid);

/* `sig` to one process, if it is in the node's group or below; -ESRCH otherwise. */
int cgroup_signal_one(struct cgroup *c, const char *node, pid_t pid, int sig);

/* Freeze a group and all below it, or let it go on. 0 or -errno. */
int cgroup_freeze(struct cgroup *c, const char *node, bool frozen);

/* Have every process of it begin the system call anew that it waits in, as far as calls can be interrupted at all, by
 * freezing it for a moment. Nothing happens to a group that is frozen: it will when it thaws. */
int cgroup_nudge(struct cgroup *c, const char *node);

/* The node a process belongs to: its path ("/shop/api", possibly with groups the service made below it) into
 * buf[n]. -ESRCH when it is in none of ours or gone; -EAGAIN when that cannot be told now (error_means_gone()). */
int cgroup_node_of(struct cgroup *c, pid_t pid, char *buf, size_t n);

/* Processes of the group and below, for display only (pids may recycle): up to max, returns how many there are. */
int cgroup_pids(struct cgroup *c, const char *node, pid_t *pids, size_t max);

struct cgroup_usage {
        int64_t memory;    /* bytes; -1 = not known. Without a memory controller the sum of the resident sizes */
        int64_t cpu_usec;  /* -1 = not known */
        int64_t tasks;     /* processes (threads with a pids controller); -1 = not known */
};
int cgroup_usage(struct cgroup *c, const char *node, struct cgroup_usage *ret);

/* Emptiness. Watches are by group, end by themselves once told, and carry the caller's cookie. A group that is
 * empty already is told by the next cgroup_check(). Never relies on the number of notifications: the caller runs
 * cgroup_check() when cgroup_watch_fd() is readable, and once a second while cgroup_watching() > 0 (the kernel
 * coalesces notifications, FAILURES B7). */
int cgroup_watch_fd(const struct cgroup *c); /* -1 for NONE */
int cgroup_watch(struct cgroup *c, const char *node, uint64_t cookie);
void cgroup_unwatch(struct cgroup *c, uint64_t cookie);
size_t cgroup_watching(const struct cgroup *c);
void cgroup_check(struct cgroup *c, void (*empty)(void *arg, uint64_t cookie), void *arg);

/* The end: kill whatever is left below the root group, wait at most `ms` for it to be gone, remove every group of
 * ours in every hierarchy and RUNTIME_DIR/cgroup. 0; -EBUSY when processes survive SIGKILL. What those of v1 are
 * called: cgroup_name(). */
int cgroup_end(struct cgroup *c, int ms);
const char *cgroup_name(const struct cgroup *c);

#endif
