/* engine_priv.h - the inside of the engine: its state, and how its files drive the turns.
 *
 * Each file of the engine has a header of its own with what the others may call; this one is for those that look into
 * struct engine itself. What everybody may ask of the engine is in engine.h.
 * May be used by: the files of daemon/ except the control server, which keeps to engine.h. */
#ifndef DAEMON_ENGINE_PRIV_H
#define DAEMON_ENGINE_PRIV_H

#include <ev.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "core/diag.h"
#include "core/resolve.h"
#include "daemon/control.h"
#include "daemon/engine.h"
#include "daemon/options.h"
#include "daemon/pids.h"
#include "daemon/run.h"
#include "daemon/watch.h"
#include "os/initlink.h"
#include "os/kernel.h"
#include "os/user.h"

struct request {
        uint32_t token;
        engine_done_fn *fn;
        void *arg;
};

struct answer {
        uint32_t token;
        uint8_t result;
};

struct engine {
        /* What was said when the daemon was started, and what it works with. */
        struct options opt;
        uint64_t init_start;          /* nogroup_birth() of init; 0 = not known */
        struct ev_loop *loop;
        struct core *core;
        struct unit_paths *paths;     /* owned */
        struct buf load_report;       /* engine_load_report() */
        struct absent *absent;        /* owned; NULL = not known; absent.h */
        node_id command_node;         /* main.service of the command line, which no file describes; else NODE_NONE */

        /* The turn, and the socket to init. */
        struct initlink *link;
        struct ev_io link_watch;
        bool link_writing;            /* something waits for room in the socket, which link_watch tells of */
        struct ev_prepare turn;       /* runs engine_turn() before every sleep */
        struct ev_timer tick;         /* goes off at core_deadline(), */
        nsec tick_at;                 /* which is this */

        struct event *queue;          /* owned; ring */
        size_t queue_cap, queue_head, queue_len;
        struct request *requests;     /* owned; who waits for an answer of the core */
        size_t request_count, request_cap;
        struct answer *answers;       /* owned; delivered at the end of the turn */
        size_t answer_count, answer_cap;
        uint32_t last_token;
        uint64_t published;           /* sequence number of the last record that was published */

        /* Nodes and their processes. */
        struct run *runs;             /* owned; by node id */
        size_t run_cap;
        struct pid_map pids;
        struct buf plan;              /* scratch of every spawn */
        uint64_t boot_mark;           /* first half of every INVOCATION_ID */
        bool tmp_noted;               /* private_tmp.c: what its directories are called has been written to disk */

        struct cgroup *cgroup;
        struct ev_io oom_watch;       /* limits.c: the kernel has killed somebody for want of memory */
        struct ev_timer oom_timer;    /* looks again for a moment after that, */
        unsigned oom_rounds;          /* so many times already */
        struct ev_io empty_watch;     /* cgroup.events */
        struct ev_timer empty_timer;  /* runs only while some group or session is waited for to become empty */
        size_t probing;               /* how many nodes have RUN_PROBE */

        struct filter_program *filters; /* owned; seccomp.c: those in use, by their settings */

        /* Notifications. Those that are held wait until init has told of the process that sent them. */
        int notify_fd;
        struct ev_io notify_watch;
        char *notify_path;            /* owned */
        struct early *early;          /* owned; notify.c: those that are held */
        unsigned unsure;              /* how many of them wait because it could not be told who the sender is: */
        struct ev_timer unsure_timer; /* asks again */

        /* Who is talked to: clients, the log writer, services by mail and pipes. */
        int lock_fd;
        char *control_path;           /* owned */
        struct control *control;
        struct ev_timer socket_timer; /* runs only while there is no socket yet (FAILURES J11) */
        struct logd *logd;
        struct mailroom *mail;        /* owned; mail_priv.h */
        struct pipes *pipes;          /* owned; pipe_priv.h; NULL until there is one */
        uint32_t store_serial;        /* the latest number in a name of init's store */

        nsec said_since;              /* say.c: when the present second began, */
        unsigned said, said_final;    /* how many lines were written in it, those of what is final apart, */
        unsigned unsaid;              /* and how many were left out */
        struct reach *reach;          /* owned; NULL until a unit names a path (touch.c) */
        struct ev_timer reach_timer;
        struct checks *checks;        /* owned; NULL until a start has to ask; check.c */
        nsec orphan_said;             /* when the last line about a reaped orphan was written, */
        unsigned orphans;             /* and how many were reaped since */

        /* The journal, and the engine before and after this one. */
        struct journal *journal;      /* owned; NULL = there is none */
        struct trial *trial;          /* owned; reexec.c: a program that may take our place */
        bool leaving;                 /* it does: this engine ends as soon as nothing waits to be sent */
        struct action *redo;          /* owned; recovered: actions of the last step, which may not
                                       * have been performed */
        size_t redo_count;
        bool performed;               /* recovered: they have been, but not all that they ask of init had been sent */
        bool only_look;               /* --check-state: nothing outside this process may be touched */
        int lacking;                  /* errno: why a descriptor of init's store could not be taken, when that is a lack
                                       * of something; 0 = none */
        const struct actions *doing;  /* those of the present step; NULL = none are being performed */
        uint32_t doing_at, doing_base; /* how many of them have been; how many before the latest snapshot */
        uint64_t journal_begin, journal_end; /* recovered: where the journal begins, and where to go on writing */
        struct survivor *survivors;   /* owned; adopt.c: services that run and that the journal knows nothing of */
        size_t survivor_count;
        struct left *left;            /* owned; left.c; NULL: no earlier daemon has left anybody */
        bool init_gone;               /* coppiced was killed: what is left to do is to end */
        int kept_control;             /* recovered: the listening socket; else -1 */
        bool socket_due;              /* ... is not to be used: SIGUSR1 has come; its path may lead nowhere */
        uint64_t last_mark;           /* of the last message of init that was dealt with */

        struct transients *transients; /* owned; NULL until there is one */
        struct mail_spawn *spawns;    /* owned; mail_spawn.c: who waits for a child to start */

        /* The end. */
        int signals_seen;             /* TERM, INT, QUIT so far */
        int stop_signal;              /* the last of them that this engine has got, 0 = none */
        bool reload_due;              /* HUP has come; the reload waits for the file systems of the units */
        enum init_end end;            /* what init does when all has ended; EXIT unless PID 1 of a machine */
        int exit_code;                /* asked for with a shutdown; -1 = none */
        bool stopping, finishing, done; /* the tree is being stopped; it has been, logs are flushed; leave the loop */
        struct ev_timer finish_timer;
};

/* Make the loop run a turn before each sleep. Called once. */
void engine_start_turns(struct engine *e);
/* Take the oldest event of the queue, which must not be empty: when a journal is read, its step has been taken
 * already. */
struct event engine_queue_pop(struct engine *e);
/* Give the core an event at once, before those in the queue: only from a callback, never while actions are
 * performed. */
void engine_step(struct engine *e, const struct event *event);
/* Note the answer to a request; whoever asked hears of it at the end of the turn. */
void engine_answer(struct engine *e, uint32_t token, enum result result);
/* Recovery: have fn called with the answer to a request that an engine before this one took. False: no memory. */
bool engine_expect(struct engine *e, uint32_t token, engine_done_fn *fn, void *arg);

/* The path of a node, "/shop/web", into buf[n]. Returns buf. */
char *engine_path(const struct engine *e, node_id id, char *buf, size_t n);
#define PATH_MAX_NODE 1024

#endif
