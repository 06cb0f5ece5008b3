/* initproto.h - what init and the engine say to each other over their SEQPACKET socket pair.
 *
 * One datagram is one message: a fixed struct that begins with a header, then (INIT_SPAWN only) the plan bytes.
 * Descriptors travel as SCM_RIGHTS of the same datagram. Both ends are built from one tree, yet an engine may be
 * replaced while init stays: a header of another version or an impossible size is refused, never guessed at.
 *
 * The engine finds its end at descriptor INIT_ENGINE_FD, its own arguments are those of coppiced, and the first
 * thing it reads is INIT_HELLO followed by one INIT_STORED for each descriptor in the store.
 *
 * When an engine ends, the next one gets the same socket: init keeps a copy of the engine's end. So what init and the
 * children said and nobody read is still there, in front of the new HELLO, and what the last engine asked for is done
 * before that HELLO is sent. An engine that was started after another one therefore reads, in this order:
 *   - what was left unread, INIT_STORED and INIT_HELLO of engines before it included (they are not meant for it);
 *   - INIT_HELLO that names its own pid: every request of its predecessors has been answered before;
 *   - its INIT_STOREDs, and among them and after them whatever happens.
 * It takes nothing from the socket before the journal knows about it (it looks first), so the message in front may be
 * one that was dealt with already: `serial` grows by one with each message of init's; a child's has none, but there is
 * only one of each request and pid.
 * The journal's descriptor is not among the INIT_STOREDs only: it lies ready at INIT_JOURNAL_FD, because it is needed
 * to understand what comes before HELLO.
 *
 * Order, for one spawn request:
 *   - INIT_SPAWNED (from init) or INIT_SPAWN_FAILED with pid 0 (init could not fork: nothing else follows);
 *   - INIT_SPAWN_FAILED with a pid comes from the child itself, through the same socket. It may overtake
 *     INIT_SPAWNED of its request, but always comes before INIT_EXITED of that pid;
 *   - INIT_EXITED of a pid always comes after INIT_SPAWNED of it. A pid is never reused before that.
 * INIT_EXITED also tells of orphans the engine never asked for: every process that init reaped.
 *
 * May be used by: init, child, os, tests.  May use: libc only. */
#ifndef BASE_INITPROTO_H
#define BASE_INITPROTO_H

#include <stdint.h>

#define INIT_PROTO_VERSION 2
#define INIT_ENGINE_FD     3            /* where the engine finds its end of the pair */
#define INIT_JOURNAL_FD    4            /* where a later engine finds what is stored as INIT_STORE_JOURNAL */
#define INIT_INLINE_MAX    (64 * 1024)  /* plans up to this size lie in the datagram, larger ones in a memfd */
#define INIT_FDS_MAX       128          /* descriptors in one message */
#define INIT_NAME_MAX      120          /* name of a stored descriptor, NUL included */
#define INIT_EXITS_MAX     32           /* processes in one INIT_EXITED */

/* In the environment of every engine after the first that came up: how many before it have ended, one after the other,
 * without having said BOOTED. */
#define INIT_UNBORN "COPPICE_ENGINES_UNBORN"

/* Exit status of an engine that could not take over for lack of descriptors, memory or the like. As a SIGKILL it says
 * little of the state that it was to take over. */
#define INIT_ENGINE_LACKS 75

/* Exit status where there was no program of the engine to run, or a library of it was missing: the dynamic loader's. It
 * says nothing of the state, however often it comes: a package may be being replaced. */
#define INIT_ENGINE_ABSENT 127

/* So many engines in a row that ended by themselves before BOOTED, and the next one does without the saved state.
 * Before that, init runs the program with this in front of its arguments, and neither socket nor journal; when that
 * does not end with this status, the program is to blame and not the state, which is kept (src/init/check.c). */
#define INIT_UNBORN_MAX 5
#define INIT_CHECK_ARGUMENT "--check-self"
#define INIT_ENGINE_SOUND 42

/* Stored descriptors that init itself makes use of. */
#define INIT_STORE_JOURNAL "journal"
#define INIT_STORE_ENGINE  "engine"       /* the program of the next engine, in place of the one beside coppiced */
#define INIT_STORE_CGROUP  "cgroup-root"  /* killed and removed at the end */
#define INIT_STORE_OUTSIDE "tasks-outside" /* cgroup.procs of where init may fork when it may not where it is */
#define INIT_STORE_INSIDE  "tasks-inside" /* ... and of the one where it is */

enum init_kind {
        /* engine -> init */
        INIT_SPAWN = 1,     /* struct init_spawn, plan, descriptors */
        INIT_SIGNAL,        /* struct init_signal */
        INIT_STORE,         /* struct init_name, one descriptor: deposit it, in place of one of that name */
        INIT_UNSTORE,       /* struct init_name: close and forget; unknown names are fine */
        INIT_BOOTED,        /* struct init_code: the control socket is bound; from now on init outlives the engine */
        INIT_REEXEC,        /* struct init_code: this engine ends now, on purpose; start the next one at once */
        INIT_GOODBYE,       /* struct init_code: everything is stopped; end what is left and exit with the code */
        /* init -> engine */
        INIT_HELLO = 32,    /* struct init_hello */
        INIT_STORED,        /* struct init_name, one descriptor: a copy of a stored one */
        INIT_STORE_FAILED,  /* struct init_failed: the store is full; the descriptor was not kept */
        INIT_SPAWNED,       /* struct init_spawned */
        INIT_SPAWN_FAILED,  /* struct init_spawn_failed */
        INIT_SIGNAL_FAILED, /* struct init_failed */
        INIT_EXITED,        /* struct init_exited */
        INIT_LISTENER,      /* struct init_listener, one descriptor; first from the child to init. Where init
                             * cannot know when to close it, from the child itself to the engine, as a
                             * SPAWN_FAILED with a pid */
        INIT_DAEMON_SIGNAL, /* struct init_daemon_signal: somebody sent this signal to the daemon */
};

struct init_header {
        uint16_t version; /* INIT_PROTO_VERSION */
        uint16_t kind;    /* enum init_kind */
        uint32_t size;    /* of the whole datagram, plan included */
        uint64_t serial;  /* from init: of the message; 0 from the engine and from children */
};

struct init_spawn {
        struct init_header h;
        uint64_t request;      /* comes back in the answers */
        uint32_t plan_size;
        int16_t cgroup;        /* index of the descriptor that is the cgroup to be born into, -1 = none */
        int16_t plan_fd;       /* index of the memfd that holds the plan, -1 = it follows this struct */
};

enum {
        INIT_SIGNAL_GROUP = 1, /* to the process group that pid leads */
        INIT_SIGNAL_CONT = 2,  /* and SIGCONT right behind it, so that a stopped process gets it too */
};

struct init_signal {
        struct init_header h;
        int32_t pid;           /* must be an unreaped child of init, else INIT_SIGNAL_FAILED with ESRCH */
        int32_t sig;
        uint32_t flags;
        uint32_t pad;
};

struct init_name {
        struct init_header h;
        char name[INIT_NAME_MAX];
};

/* What init does once everything has ended; anything but EXIT only as PID 1 of a machine. */
enum init_end { INIT_END_EXIT, INIT_END_HALT, INIT_END_POWEROFF, INIT_END_REBOOT };

struct init_code {
        struct init_header h;
        int32_t code;
        int32_t end;           /* GOODBYE: enum init_end */
};

enum {
        INIT_HELLO_PID1 = 1,      /* init is PID 1 (of its namespace) */
        INIT_HELLO_RECOVERED = 2, /* an engine before this one has died */
};

struct init_hello {
        struct init_header h;
        int32_t pid;           /* of init */
        uint32_t flags;
        uint32_t stored;       /* how many INIT_STORED follow */
        uint32_t engines;      /* which engine this is: 1, 2 ... */
        int32_t engine;        /* its pid */
        uint32_t failures;     /* engines in a row that did not live long */
};

struct init_spawned {
        struct init_header h;
        uint64_t request;
        int32_t pid;
        int32_t in_cgroup;     /* 1 = born in its cgroup, 0 = the child joins it itself */
};

struct init_spawn_failed {
        struct init_header h;
        uint64_t request;
        int32_t pid;           /* 0: there never was a process */
        int32_t error;         /* errno */
        uint16_t stage;        /* enum stage */
        uint16_t step;         /* index of the plan step */
        uint32_t line;         /* the unit's line behind the step, 0 = none */
        char file[120];
        char object[160];      /* what the step was about: "/usr/bin/nope", "NOFILE"; "" when it needs no object */
};

/* What is done with a call that the filter does not let pass. That is the filter's: what the unit says by the time of
 * the call may be another thing. */
enum init_listener_mode {
        INIT_LISTENER_UNSAID,   /* by an older init: go by the unit */
        INIT_LISTENER_ENFORCES,
        INIT_LISTENER_LEARNS,
};

/* The child has installed its filter; the descriptor is told of calls that the filter does not let pass. init
 * keeps it until that happens for the first time; then it is the engine's, which deposits a copy as it does with
 * all that must not die with it. */
struct init_listener {
        struct init_header h;
        uint64_t request;
        int32_t pid;
        int32_t mode;          /* enum init_listener_mode */
};

struct init_failed {
        struct init_header h;
        int32_t pid;           /* SIGNAL_FAILED */
        int32_t sig;
        int32_t error;         /* errno */
        int32_t pad;
        char name[INIT_NAME_MAX]; /* STORE_FAILED */
};

struct init_exit {
        int32_t pid;
        int32_t code;          /* CLD_EXITED, CLD_KILLED, CLD_DUMPED */
        int32_t status;        /* exit status or signal */
        uint32_t maxrss_kb;
        uint64_t utime_usec, stime_usec; /* of it and the children it waited for */
        uint64_t minflt, majflt;
        uint64_t inblock, oublock;
};

struct init_exited {
        struct init_header h;
        uint32_t count;
        uint32_t pad;
        struct init_exit list[INIT_EXITS_MAX]; /* only `count` of them are sent */
};

struct init_daemon_signal {
        struct init_header h;
        int32_t sig;
        int32_t pid;           /* who sent it; 0 when from outside the pid namespace */
        uint32_t uid;
        uint32_t pad;
};

#endif
