/* limits.h - make the limits of core/limits.h true for the group of a node, and count what it used.
 *
 * Two backends behind one face. Where a controller belongs to the v2 tree, its files are in the node's own group: the
 * controller is switched on from the daemon's group down to the node's supervisor when it is first needed. Where it is
 * mounted as v1 (a hybrid host, or one without v2 at all), the node gets a second group in that hierarchy, below the
 * group the daemon is in; the freshly forked child writes itself into it before it runs anything (limits_join()), so
 * no process of a service is ever outside. A node that needs nothing of a v1 controller has no group there and lives
 * in that of the nearest supervisor that has one.
 *
 * Moving ourselves: v2 allows no processes in a group whose children have controllers (but in the real root). When
 * that is in the way, the daemon's processes go into a group of their own beside the daemon's root group.
 *
 * May be used by: daemon, ctl (doctor), tests.  May use: base, core/limits.h, kernel interfaces. */
#ifndef OS_LIMITS_H
#define OS_LIMITS_H

#include "core/limits.h"
#include "os/cgroup.h"

/* One limit that could not be had. */
struct limit_problem {
        enum limit limit;
        int error;            /* errno; ENOENT when the kernel or this place does not know it */
        char why[200];        /* "the memory controller is not available: ..." */
};
struct limit_problems {
        size_t count;
        struct limit_problem list[LIMIT_COUNT];
};

/* Shares are shares of these: MemTotal (or the memory limit of the group we are in, if it is smaller) and the smallest
 * of kernel.pid_max, kernel.threads-max and the pids.max above us. Asked once. */
const struct limit_facts *limits_facts(struct cgroup *c);

/* Which controllers can be had at all (CTL_BIT); why not, into buf[n], "" for one that can; where: "v2", "v1", "-". */
unsigned limits_available(struct cgroup *c);
char *limits_why_not(struct cgroup *c, enum controller ctl, char *buf, size_t n);
const char *limits_backend(struct cgroup *c, enum controller ctl);

/* Write those limits of `l` that are in the bits `which` to the node's group, making groups and enabling controllers
 * as needed; `also` are controllers (CTL_BIT) wanted only for counting. What was set before and is not said any more
 * must be in `reset`: it goes back to the kernel's default. A problem is appended for each that failed. The node's v2
 * group must exist (where there is a v2 tree). Returns 0, or -errno when nothing could be tried. */
int limits_apply(struct cgroup *c, const char *node, const struct limits *l, uint32_t which, uint32_t reset,
                 unsigned also, struct limit_problems *ret);

/* The short way for the commonest: TasksMax= of a v2 group of its own, whose directory is `group`. -ENOENT when the
 * controller is not there (yet): limits_apply() then. */
int limits_quick_tasks(int group, int64_t max);

/* The short way for what PrivateDevices= and ProtectClock= of a service imply for the devices of its v2 group, whose
 * directory is `group`; a group that is not `fresh` may have it already. Nothing happens where the kernel takes no
 * programs from us: what else those settings do holds all the same. */
void limits_devices_implied(struct cgroup *c, int group, const struct spec *s, bool fresh);

/* Where pids are counted on v1: one group for all that say nothing of TasksMax=, in which init is and so everybody
 * it starts, until a node's own group is entered. limits_rest_begin(): the first engine makes it and has init enter it,
 * which takes a while; the next ones find it. limits_rest_begun(): waits for that, before anything is started; the two
 * are then cgroup.procs of it and of the group above it, owned by the caller, for init to leave and enter when it is
 * full; else as they were. Both give 0 also where none is needed. limits_rest_room(): let it have room for so many
 * services with so many tasks each, in all a third of what the system allows or a few for each, but never less than one
 * of them may have. limits_rest_max(): the bound as it is, -1 where there is none. limits_rest_alone(): pids has a
 * hierarchy to itself; else limits_rest_begin() gives -EOPNOTSUPP, as the group would bound more than tasks. */
int limits_rest_begin(struct cgroup *c);
int limits_rest_begun(struct cgroup *c, int *ret_inside, int *ret_outside);
bool limits_rest_is(struct cgroup *c);
int64_t limits_rest_max(struct cgroup *c);
bool limits_rest_alone(const struct cgroup *c);
void limits_rest_room(struct cgroup *c, int64_t services, int64_t each);

/* The v1 groups a child of this node has to enter: a descriptor for each, to write "0" to; owned by the caller. At
 * most CTL_COUNT. Returns how many, or -errno. */
int limits_join(struct cgroup *c, const char *node, int fds[CTL_COUNT]);

/* The same for what runs already: move every process of the node's v2 group to those groups. Where there is no v2 tree
 * nobody knows them all: -EOPNOTSUPP. */
int limits_settle(struct cgroup *c, const char *node);

/* Begin a new life: remove the node's v1 groups, so that the next ones count from zero. -EBUSY: somebody is in one. */
int limits_drop(struct cgroup *c, const char *node);

/* What the kernel has made of a limit (rounded to pages, bounded by nothing else) as text into buf[n]; -errno. */
int limits_effective(struct cgroup *c, const char *node, enum limit l, char *buf, size_t n);

/* The next engine: find the v1 groups of the one before. */
void limits_adopt(struct cgroup *c);

/* Counters of a group. -1: not counted here. */
struct limit_counters {
        int64_t oom_kills;        /* processes of the group, and below it, that the kernel killed for want of memory */
        int64_t oom_kills_own;    /* the same without groups below it */
        int64_t oom_group_kills;  /* memory.oom.group struck here */
        int64_t oom_hits;         /* the group's own limit was the reason (v1: it was hit at all) */
        int64_t pids_hits;        /* a fork failed because of its limit of tasks, or one above it */
        int64_t memory, memory_peak; /* bytes */
        int64_t cpu_usec, throttled_usec, throttled;
        int64_t tasks, tasks_peak;
};
int limits_count(struct cgroup *c, const char *node, struct limit_counters *ret);

/* Kills by the kernel. Watched groups are those that count memory; a watch lasts until it is taken back. When
 * limits_watch_fd() is readable, limits_heard() calls fn for the groups whose counters are to be looked at. Where
 * limits_watch_late() the news come before the deed: look again a little later, at all, with limits_watched(). */
int limits_watch_fd(struct cgroup *c); /* -1: nothing can be heard */
int limits_watch(struct cgroup *c, const char *node, uint64_t cookie);
void limits_unwatch(struct cgroup *c, uint64_t cookie);
void limits_heard(struct cgroup *c, void (*fn)(void *arg, uint64_t cookie), void *arg);
bool limits_watch_late(const struct cgroup *c);
void limits_watched(struct cgroup *c, void (*fn)(void *arg, uint64_t cookie), void *arg);

/* How often the groups above the node, up to the daemon's root, ran into a memory limit of their own. */
int64_t limits_oom_hits_above(struct cgroup *c, const char *node);

/* v1: has this group, or one above it, ever been as full as its limit allows? */
bool limits_v1_full(struct cgroup *c, const char *node);

#endif
