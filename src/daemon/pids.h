/* pids.h - every living process that the daemon started or was told of, by its pid.
 *
 * An entry lives from init's word that the process exists until init has reaped it: while it is here, the kernel cannot
 * have given the pid to somebody else.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_PIDS_H
#define DAEMON_PIDS_H

#include "daemon/engine.h"

enum pid_kind {
        PID_MAIN = ROLE_MAIN,
        PID_CONTROL = ROLE_CONTROL,
        PID_LOGD,      /* the log writer */
        PID_UNRUN,     /* a step of its plan failed; the failure is logged, the core is told once the
                        * process has ended */
        PID_FORMER,    /* was the main process until the service named another one with MAINPID= */
};

struct pid_entry {
        pid_t pid;
        node_id node;          /* NODE_NONE for the log writer */
        uint32_t incarnation;
        uint32_t kind : 4;     /* enum pid_kind */
        uint32_t role : 4;     /* PID_UNRUN: which process of the node it was to be */
        uint32_t stage : 8;    /* PID_UNRUN: the step that failed */
        uint32_t error : 16;   /* PID_UNRUN: errno of that step */
};

struct pid_map {
        struct pid_entry *slots; /* owned; open addressing, pid 0 = free */
        size_t cap, used;
};

/* Add an entry, or replace the one of the same pid. 0 or -ENOMEM (the map is unchanged then). */
int pid_map_put(struct pid_map *m, struct pid_entry entry);
/* NULL when the pid is not known. The pointer is valid until the next put or drop. */
struct pid_entry *pid_map_get(const struct pid_map *m, pid_t pid);
void pid_map_drop(struct pid_map *m, pid_t pid); /* an unknown pid is fine */
void pid_map_free(struct pid_map *m);

/* The same for the map of the engine; the change is also written into the journal. */
int engine_knows(struct engine *e, struct pid_entry entry);
void engine_unknows(struct engine *e, pid_t pid);

#endif
