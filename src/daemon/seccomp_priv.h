/* seccomp_priv.h - what the two files about filters of system calls share.
 *
 *      seccomp.c         programs, made once and shared by all who ask for the same; what a node has
 *      seccomp_listen.c  who made a call that its filter did not let pass
 */
#ifndef DAEMON_SECCOMP_PRIV_H
#define DAEMON_SECCOMP_PRIV_H

#include "core/filter.h"
#include "daemon/engine_priv.h"
#include "os/seccomp.h"

struct filter_program {
        struct filter_program *next;
        unsigned users;            /* nodes */
        uint64_t hash;             /* of the key */
        char *key;                 /* owned; filter_key() */
        struct buf bytes;
        uint64_t gate;
        unsigned flags;
};

struct listener {
        struct listener *next;
        struct engine *e;
        node_id node;
        uint32_t incarnation;
        pid_t pid;                 /* of the process as init knows it: the watcher, with PrivatePIDs= */
        bool learns;
        uint64_t heard;            /* the number of the last call taken; the kernel counts up; 0 = none yet */
        struct ev_io watch;
        char *init_name;           /* owned; its copy in init's store */
};

/* What a node with a filter has. */
struct guard {
        struct filter_program *program;
        struct listener *listeners;
        pid_t ended;               /* the last process that was ended for a call, 0 = none */
        int code;                  /* of the reason: which call */
        nsec ended_at;             /* when that was, by the engine's clock; 0 = by an engine before this one */
        bool *learned;             /* owned; [SYSCALLS_MAX] by index; NULL = has never learned */
        int notes;                 /* the file of it; -1 = none can be written */
        struct denial denial;      /* the same for people; incarnation 0 = none yet */
        pid_t hearing;             /* calls are being taken from the listener of this process; 0 = none */
        uint64_t heard;            /* ... and this was the number of the last one before; 0 = it is the first time */
};

/* NULL when a node has none; made, NULL when memory is short. */
struct guard *guard_peek(const struct engine *e, node_id id);
struct guard *guard_of(struct engine *e, node_id id);

bool program_learns(const struct filter_program *p); /* SystemCallFilterMode=learn */
/* Get ready to note the calls a node makes, beside those noted before, or `afresh` without them. -ENOMEM. */
int learn_begin(struct engine *e, node_id id, struct guard *g, bool afresh, struct err *err);

/* Nobody listens any more: close it, here and in init's store, and free it. */
void listener_end(struct listener *l);

#endif
