/* limits.h - the engine's use of os/limits.h.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_LIMITS_H
#define DAEMON_LIMITS_H

#include "daemon/engine_priv.h"
#include "os/limits.h"

/* Only for nodes that have, or are below, limits. */
struct bound {
        struct limit_problems *problems; /* owned; what is not enforced; NULL = nothing */
        struct limit_counters base;      /* when the incarnation began */
        struct limit_counters last;      /* when they were read last */
        int64_t hits_above;              /* limits_oom_hits_above() when it began */
        int64_t told;                    /* kills that the core knows of */
        nsec killed_at;                  /* when it was told last; 0 = never */
};

/* What is kept of a node; made when it is not there. NULL when memory is short. */
struct bound *limits_bound(struct engine *e, node_id id);

/* Before the first process of an incarnation: make everything that is said true. `group` is its v2 group, -1 for none;
 * `fresh`: that was made just now. With Isolation=strict -errno, stage LIMITS, for what cannot be had. */
int limits_begin(struct engine *e, node_id id, const struct spec *s, const char *path, int group, bool fresh,
                 struct err *err);

/* Before each process: the v1 groups it has to enter. Returns how many, owned by the caller, or -errno. */
int limits_enter(struct engine *e, node_id id, const char *path, int fds[CTL_COUNT], struct err *err);

/* For explain: the v1 controllers whose groups a process of it enters, "memory, pids", into buf[n]; how many. */
int limits_join_names(struct engine *e, node_id id, const struct spec *s, char *buf, size_t n);

/* Delegate=: hand the group to the user it runs as (uid -1: as it is). When the process belongs into a group inside of
 * it, *ret_fd is that one's directory, owned by the caller; else it stays as it is. */
int limits_delegate(struct engine *e, const struct spec *s, const char *path, uid_t uid, gid_t gid, bool control,
                    int *ret_fd, struct err *err);

/* What the counters of the group say about the end of the main process, which the kernel reported as `r`. */
struct reason limits_reason(struct engine *e, node_id id, struct reason r);

/* Its spec is another one now: `before` are the limits (LIMIT_BIT) it had. What runs is bound at once; what cannot be
 * had is logged and kept for status. */
void limits_changed(struct engine *e, node_id id, uint32_t before);
uint32_t limits_had(const struct spec *s); /* for `before`, while the old spec is still there */

/* Counters begin at what they are now; from here on kills are heard of. */
void limits_count_from_now(struct engine *e, node_id id, const char *path, struct bound *b);

void limits_start(struct engine *e); /* hear of kills */
/* No process could be made: say which limit of tasks it was, if it was one of ours (FAILURES D9). */
void limits_explain_fork(struct engine *e, node_id id, struct err *err);
void limits_look(struct engine *e, node_id id); /* before its group is removed */
void limits_end(struct engine *e, node_id id);  /* the incarnation is over */
void limits_free(struct bound *b);              /* NULL is fine */

#endif
