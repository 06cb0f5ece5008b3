/* cgroup_priv.h - what the files of cgroup.h share.
 *
 *      cgroup_find.c   where the v2 tree is and which group of it we are in
 *      cgroup.c        the daemon's root group, groups of nodes
 *      cgroup_procs.c  the processes in a group: listing, signals, killing, usage
 *      cgroup_watch.c  emptiness
 */
#ifndef OS_CGROUP_PRIV_H
#define OS_CGROUP_PRIV_H

#include <limits.h>

#include "os/cgroup.h"

struct cgroup_watch_entry {
        uint64_t cookie;
        int wd;          /* of inotify; -1 = none could be had: the safety check finds it */
        bool due;        /* look at it at the next check */
        char *node;      /* owned */
};

struct cgroup {
        enum cgroup_backend backend;
        char why[200];
        int root;                     /* directory of the daemon's root group */
        char *path;                   /* owned: absolute path of it */
        char *proc_path;              /* owned: the same group as /proc/PID/cgroup names it */
        char *note;                   /* owned: RUNTIME_DIR/cgroup */
        int inotify;
        struct cgroup_watch_entry *watches; /* owned; by ascending wd, as inotify gives them */
        size_t watch_count, watch_room;
        int64_t full_check;           /* when all were looked at last, monotonic seconds */
};

/* The group we are in: its directory and how /proc names it. 0; -ENOENT with `why` when there is none to use. */
int cgroup_find_own(enum cgroup_backend *ret, char dir[PATH_MAX], char proc[PATH_MAX], char *why, size_t n);

/* "/shop/api" -> "shop/api", "/" -> "."; names with a dot or a leading _ get a _ before them. -ENAMETOOLONG. */
int cgroup_relative(const char *node, char *buf, size_t n);

/* On an open group directory. */
int cgroup_dir_populated(int dir);            /* 1, 0, -errno */
int cgroup_dir_kill(int dir);
int cgroup_dir_wait_empty(int dir, int ms);   /* 0, -EBUSY */
int cgroup_dir_remove_below(int dir);         /* every group below it, bottom up; 0 or the first error */

/* Call fn for each process of a group and below until it returns non-zero; returns that, 0, or -errno. */
int cgroup_dir_each(int dir, int (*fn)(void *arg, pid_t pid), void *arg);

#endif
