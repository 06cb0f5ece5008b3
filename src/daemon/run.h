/* run.h - what the engine keeps for each node beyond what the core knows of it.
 *
 * struct run is there for every node, so it is small; struct extra only for a node that needs something of it. What is
 * in either and has to survive the engine is written into the journal (journal_fields.c; tests/sim/snapshot-fields.sh
 * asks for each field whether it is).
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_RUN_H
#define DAEMON_RUN_H

#include <ev.h>

#include "daemon/engine.h"

/* A descriptor that a service has deposited with FDSTORE=1 (store.h). */
struct stored_fd {
        int fd;                /* owned; init keeps another copy under init_name */
        char *name;            /* owned: FDNAME= */
        char *init_name;       /* owned: its name in init's store */
        bool poll;             /* FDPOLL=: closed when the other side hangs up */
        struct ev_io watch;
        struct engine *e;
        node_id node;
};

enum { DEATHS_MAX = 20 }; /* past incarnations that are remembered of a node */

/* Only for nodes that need it: most services have none of this. */
struct extra {
        struct engine *e;
        node_id node;
        struct said said;

        struct ev_io ready;    /* NotifyFd=: read end */
        struct ev_io exec;     /* closed by the exec of the process that `exec_request` asked for */
        uint64_t exec_request;
        bool executed;         /* the exec was seen before INIT_SPAWNED was read */

        int log_in, log_out;   /* the pipe to the log writer: read end, write end; -1 = none */
        char *log_path;        /* owned: path of the node, part of the pipe's name in init's store */

        struct stored_fd **fds; /* owned */
        size_t fd_count;

        struct identity *identity; /* owned; identity.h: as whom the incarnation runs; NULL = not said, or not known */
        uid_t dynamic;         /* DynamicUser=: the number it runs as, 0 = none yet */
        struct guard *guard;   /* owned; seccomp.c: its filter, and who listens to it; NULL = it has none */

        struct ev_io pidfile;  /* inotify of the directory of PIDFile= */
        struct ev_timer pidfile_again; /* whose the process is that it names could not be told */
        struct postbox *postbox; /* owned by mail.c; NULL without Mailbox= */

        int given[3];          /* owned; transient.c: descriptors 0 to 2 from whoever asked for it; -1 = none */
        bool given_terminal;   /* one of them is to be its controlling terminal */

        struct death *deaths;  /* owned; a ring once it has DEATHS_MAX entries, newest at death_next - 1 */
        uint32_t death_count, death_cap, death_next;
        struct bound *bound;   /* owned; limits.h */
        struct death *now;     /* owned; what is known so far of the end of the present incarnation */
};

/* Flags of a node. They are written into the journal as they are: a bit keeps its meaning for ever. */
enum {
        RUN_GROUP = 1 << 0,    /* its cgroup has been made */
        RUN_DIRS = 1 << 1,     /* RuntimeDirectory= may have been made */
        RUN_WATCHED = 1 << 2,  /* the engine waits for its cgroup to become empty (empty.h) */
        RUN_PROBE = 1 << 3,    /* the same without a cgroup: /proc is searched again whenever a process ends */
        RUN_NAMED = 1 << 4,    /* the service named its main process itself: it need not be a child of init */
        RUN_ORPHANED = 1 << 5, /* its unit file is gone: it is deleted once it has been stopped (FAILURES H15) */
        RUN_KILLED = 1 << 6,   /* SIGKILL was sent to all of it; again until it is empty, where that is not atomic */
        RUN_CLEAN = 1 << 7,    /* its cgroup was found empty and no process was born into it since */
        RUN_BOUNDED = 1 << 8,  /* its limits have been written (a supervisor: for good) */
        RUN_COUNTED = 1 << 9,  /* its group counts usage: the counters are read before the group is removed */
        RUN_TMP = 1 << 10,     /* directories of PrivateTmp= may have been made */
        RUN_CREDS = 1 << 11,   /* a directory for credentials may have been made */
        RUN_DIRTY = 1 << 12,   /* this record may differ from its copy in the journal (journal.c) */
        RUN_ASKED = 1 << 13,   /* init has not answered yet whether the main process could be made */
        RUN_ASKED_CONTROL = RUN_ASKED << 1, /* the same for a control command: RUN_ASKED << role */
        RUN_END = 1 << 15,
};
_Static_assert(RUN_GROUP + RUN_DIRS + RUN_WATCHED + RUN_PROBE + RUN_NAMED + RUN_ORPHANED + RUN_KILLED + RUN_CLEAN +
               RUN_BOUNDED + RUN_COUNTED + RUN_TMP + RUN_CREDS + RUN_DIRTY + RUN_ASKED + RUN_ASKED_CONTROL
               == RUN_END - 1, "each flag has a bit of its own, none is left out");

struct run {
        pid_t pid[2];          /* ROLE_MAIN, ROLE_CONTROL; 0 = none */
        pid_t leader;          /* the latest process that leads a session of the incarnation */
        uint32_t incarnation;
        uint32_t flags;        /* RUN_* */
        nsec started;          /* when its main process was */
        struct extra *extra;   /* owned; NULL for most */
};

/* The record of a node, for changing it; makes room, so earlier pointers are void. Ends the engine when memory is
 * short: the next one goes on from the journal. */
struct run *engine_run(struct engine *e, node_id id);
/* The record of a node, for reading; NULL when there is none yet. */
const struct run *engine_peek(const struct engine *e, node_id id);
/* The extra record of a node, made when it is not there; NULL when memory is short. */
struct extra *engine_extra(struct engine *e, node_id id);
/* The node has left the tree: release everything that is kept for it. */
void engine_forget(struct engine *e, node_id id);

#endif
