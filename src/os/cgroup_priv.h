/* cgroup_priv.h - what the files of cgroup.h share.
 *
 *      cgroup_find.c   where the v2 tree is and which group of it we are in
 *      cgroup.c        names of groups, the daemon's root group
 *      cgroup_node.c   groups of nodes
 *      cgroup_procs.c  the processes in a group: listing, signals, killing, usage
 *      cgroup_watch.c  emptiness
 *      cgroup_v1.c     the hierarchies of v1, for limits only
 *      cgroup_control.c  switching controllers of the v2 tree on
 *      limits*.c       limits and counters, os/limits.h
 */
#ifndef OS_CGROUP_PRIV_H
#define OS_CGROUP_PRIV_H

#include <limits.h>

#include "core/limits.h"
#include "os/cgroup.h"

struct cgroup_watch_entry {
        uint64_t cookie;
        int wd;          /* of inotify; -1 = none could be had: the safety check finds it */
        bool due;        /* look at it at the next check */
        char *node;      /* owned */
};

struct cgroup_oom_watch {
        uint64_t cookie;
        int wd;
};

/* One hierarchy of v1. */
struct cgroup_v1 {
        int own;                      /* the group we are in; -1 = not mounted, or out of reach */
        int root;                     /* the daemon's group below it, made when first needed; -1 = not yet */
        char *path;                   /* owned: absolute path of `own` */
        int error;                    /* errno why it cannot be had; 0 = it can, as far as is known */
        enum controller with;         /* the first controller of the same hierarchy: that one has the groups */
};

struct cgroup {
        enum cgroup_backend backend;
        char why[200];
        int root;                     /* directory of the daemon's root group */
        char *path;                   /* owned: absolute path of it */
        char name[48];                /* "coppice-PID", its last part, in v1 hierarchies too */
        char *own;                    /* owned: absolute path of the group it is in */
        pid_t init;
        bool adopted;                 /* from an engine before: groups of our name are ours */
        bool asked;                   /* what follows has been found out: cgroup_control_ask() */
        unsigned v2_offered;          /* CTL_BIT: controllers of the v2 tree that our own group may hand on */
        unsigned v2_ours;             /* ... those that we have switched on there ourselves */
        unsigned v2_enabled;          /* ... and those that the daemon's root group has */
        int v2_error[CTL_COUNT];      /* errno why one could not be enabled */
        struct cgroup_v1 v1[CTL_COUNT];
        int oom_fd;                   /* limits_watch.c; -1 = not made */
        struct cgroup_oom_watch *oom_watches; /* owned */
        size_t oom_count, oom_room;
        char *moved;                  /* owned: the group our own processes were moved to; NULL = not moved */
        int rest;                     /* limits_rest.c: the group of those that have none; -1 = not opened, or none */
        pid_t mover;                  /* limits_rest.c: moves init there; 0 = nobody */
        int64_t rest_max;             /* its pids.max; 0 = not known yet, -1 = there is none */
        int device_programs[4];       /* limits_device.c: by what is implied; -1 = not made */
        int bpf_works;                /* does the kernel take a program for devices? 1, -1; 0 = not asked */
        struct limit_facts facts;     /* memory 0 = not asked yet */
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

int cgroup_open_dir(int at, const char *name); /* -errno; never follows a link at the end */
/* A group whose absolute path stands in a file of the runtime directory: only we can write that, yet a wrong kill is
 * worse than a missed one. -EINVAL when it is none of a daemon of ours, or not of cgroup v2; else as above. */
int cgroup_open_noted(const char *path);
/* Lock the root group of a daemon that should be dead, as long as fd is open. -EWOULDBLOCK: it belongs to one that
 * lives; with `patient` what dies at this moment is waited for. */
int cgroup_lock_left(int fd, bool patient);
struct cgroup *cgroup_new(const char *runtime_dir, pid_t init); /* nothing found yet; NULL when memory is short */
int cgroup_make_one(int at, const char *name); /* the daemon's own group, locked; -EEXIST: another daemon's */

/* --- controllers ---------------------------------------------------------------------------------------------- */

/* Find out which controllers there are and where; asks once. */
void cgroup_control_ask(struct cgroup *c);

/* Have controllers (CTL_BIT, of the v2 tree) in the groups below the one at `rel` (NULL: in the daemon's root group
 * itself), and in all above that. Returns those
 * that are on; c->v2_error tells of the others. */
unsigned cgroup_control_enable(struct cgroup *c, const char *rel, unsigned controllers);
void cgroup_control_end(struct cgroup *c); /* remove what was made for it */

/* The hierarchies of v1: /proc/self/mountinfo and /proc/self/cgroup. */
bool cgroup_v1_find(struct cgroup *c); /* false: not all could be looked at; may be called again */
/* The node's group, and those above it, as a directory owned by the caller; `make` or -ENOENT. */
int cgroup_v1_open(struct cgroup *c, enum controller ctl, const char *rel, bool make);
int cgroup_v1_adopt(struct cgroup *c, enum controller ctl); /* the daemon's group of the engine before us; -ENOENT */
int cgroup_v1_remove(struct cgroup *c, enum controller ctl, const char *rel);
int cgroup_v1_end(struct cgroup *c, int ms); /* remove the daemon's groups and those below, waiting up to ms */
void cgroup_v1_free(struct cgroup *c);
void cgroup_v1_sweep(const char *name);    /* what a dead daemon left whose groups had this name */

/* limits_rest.c: no node's group can have this name. limits_rest_end(): let nobody be in it any more. */
#define CGROUP_REST "rest.tasks"
void limits_rest_end(struct cgroup *c);

/* Those of the io controller, into the group `dir` (limits_io.c). */
int limits_io(int dir, bool v1, const struct limits *l, enum limit limit, bool none);
const char *limits_io_weight_file(int dir, bool v1); /* NULL: no scheduler here weighs */

/* Devices: by a program on the v2 group, or by a v1 group (limits_device.c). */
bool limits_bpf_works(struct cgroup *c);
int limits_devices_v2(int group, const struct limits *l);
int limits_devices_v1(int group, const struct limits *l);

/* mountinfo: the type of the file system of a line, NULL when it is none; its root, where it is mounted, its options.
 * Changes the line. cgroup_below(): the part of a group's path behind the root of a mount; NULL when it is not
 * below. */
const char *cgroup_mount_split(char *line, char **ret_root, char **ret_point, char **ret_options);
const char *cgroup_below(const char *group, const char *root);

/* On an open group directory. */
int cgroup_dir_populated(int dir);            /* 1, 0, -errno */
int cgroup_dir_kill(int dir);
int cgroup_dir_wait_empty(int dir, int ms);   /* 0, -EBUSY */
/* SIGKILL to all below this directory, whose absolute path is `path`, but in the groups of `left` (NULL: none); waits
 * ms for each to be empty. How many groups had somebody, or -errno. */
int cgroup_dir_kill_but(int dir, const char *path, const struct cgroup_left *left, int ms);
/* Call fn for each group directly below until it returns non-zero; returns that, 0, or -errno. */
int cgroup_dir_below(int dir, int (*fn)(void *arg, int parent, const char *name), void *arg);
int cgroup_dir_remove_below(int dir);         /* every group below it, bottom up; 0 or the first error */

/* Call fn for each process of a group and below until it returns non-zero; returns that, 0, or -errno. */
int cgroup_dir_each(int dir, int (*fn)(void *arg, pid_t pid), void *arg);
int cgroup_dir_each_here(int dir, int (*fn)(void *arg, pid_t pid), void *arg); /* not below */

/* A file of a group, "" when it cannot be read; and the number behind `key` at the beginning of one of its lines (of
 * the text, for ""), -1 when it is not there. */
#define CGROUP_TEXT 4096
void cgroup_text(int dir, const char *file, char text[static CGROUP_TEXT]);
int64_t cgroup_number_of(const char *text, const char *key);
int64_t cgroup_number(int dir, const char *file, const char *key);

#endif
