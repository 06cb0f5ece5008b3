/* engine.h - the engine: the one long-lived root of the daemon, and what its parts may ask of each other.
 *
 * The engine is glue. Watchers translate what happens into events, perform.c turns actions into calls of os/;
 * nothing here decides anything. All of it runs in one thread, in turns:
 *
 *      libev calls back -> the callback queues events (engine_post) and returns
 *      before the loop sleeps, one turn: exits first, then the queue, last a due EVT_TICK; each event is given to
 *      core_step() and its actions are performed, which may queue further events (never recursion);
 *      then new records are published, answers are delivered, and what is meant for init is flushed.
 *
 * So a callback never sees the core change under its hands, and a request's answer never arrives before the call
 * that made it has returned.
 *
 * daemon/ may use everything but ctl, sim and logd.  Nothing may use daemon/. */
#ifndef DAEMON_ENGINE_H
#define DAEMON_ENGINE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/initproto.h"
#include "base/log.h"
#include "core/core.h"
#include "core/plan.h"
#include "os/cgroup.h"
#include "os/limits.h"

struct engine;
struct ev_loop;
struct unit_paths;

/* --- reading ------------------------------------------------------------------------------------------------ */

struct ev_loop *engine_loop(const struct engine *e);    /* the loop of the whole daemon; borrowed */
const struct core *engine_core(const struct engine *e); /* read only; it changes in a turn, never in a callback */
const struct options *engine_options(const struct engine *e); /* daemon/options.h */
nsec engine_now(const struct engine *e);                /* CLOCK_MONOTONIC, read now */

/* The wall clock (microseconds since 1970) of a moment on the monotonic clock, by the present offset. */
int64_t engine_wall_usec(const struct engine *e, nsec at);

/* A shutdown has been asked for. */
bool engine_stopping(const struct engine *e);

/* --- requests ----------------------------------------------------------------------------------------------- */

/* How a request ended. Called once, from a turn, never before engine_request() has returned. */
typedef void engine_done_fn(void *arg, uint32_t token, enum result result);

/* Give the core a request (EVT_START ... EVT_SHUTDOWN) at the next turn; event.token is filled in here.
 * Returns the token, 0 when memory is short (nothing was asked then). fn may be NULL: nobody waits. */
uint32_t engine_request(struct engine *e, const struct event *event, engine_done_fn *fn, void *arg);

/* What was asked so far survives the engine's end: before anybody is told that it was taken. */
void engine_write_down(struct engine *e);

/* The one who asked is gone: the request goes on, its answer is dropped. Unknown tokens are fine. */
void engine_request_forget(struct engine *e, uint32_t token);

/* Stop everything within `budget` ns (NSEC_NEVER: --stop-timeout=), then exit. `code` is the exit code, -1 = what
 * ExitCodeFrom= and FAILURES J5 say. Asking again only ever shortens the budget. */
void engine_shutdown(struct engine *e, nsec budget, int code);

/* What is done when everything has stopped; a machine powers off unless told otherwise. -EOPNOTSUPP when we are not
 * PID 1 of a machine, which is the only one that can do more than exit. */
int engine_end(struct engine *e, enum init_end end);

/* --- units ---------------------------------------------------------------------------------------------------- */

enum reload_change { RELOAD_ADDED, RELOAD_REMOVED, RELOAD_LIVE, RELOAD_RESTART, RELOAD_NEXT_START };

/* One difference between the running tree and the files; path is that of the node. `directive` is D_NONE for a
 * node that is added or removed; else there is one call for each directive that differs. */
typedef void engine_change_fn(void *arg, enum reload_change change, const char *path, enum directive directive,
                              const struct spec *before, const struct spec *after);
typedef void engine_problem_fn(void *arg, bool fatal, const struct err *err);

/* Read all units again. All or nothing: with any fatal problem nothing changes and -EINVAL is returned. `dry` only
 * tells what would change (`diff`). Either function may be NULL. -ESHUTDOWN during a shutdown. */
int engine_reload(struct engine *e, bool dry, engine_change_fn *change, engine_problem_fn *problem, void *arg);

struct engine_setting {
        const char *const *assignments; /* "Key=value" each */
        size_t count;
        bool runtime;                   /* until the daemon ends */
        engine_change_fn *change;       /* called for each directive that differs; may be NULL */
        void *arg;
};

/* Change directives of one node that count at once (the others are refused): of a unit in a file by a drop-in,
 * NAME.d/50-set.conf in the first unit directory that can be written, or 51-set.conf below the runtime directory; of
 * one without a file in memory. All or nothing. ret_file gets the path of what was written, nothing for memory. */
int engine_set(struct engine *e, node_id id, const struct engine_setting *what, struct buf *ret_file, struct err *err);

/* Another program takes the engine's place: `path`, NULL for the engine's own file as it is on disk now. It is tried
 * first; fn gets the reason why it cannot, or NULL: then this engine ends very soon. 0, or
 * -errno and fn is not called. */
typedef void engine_reexec_fn(void *arg, const struct err *err);
int engine_reexec(struct engine *e, const char *path, engine_reexec_fn *fn, void *arg, struct err *err);
void engine_reexec_forget(struct engine *e, void *arg);

/* A unit that is known but not in the tree, brought into it for a start by hand: `name` as people type it. It hangs
 * where its Supervisor= says or a Children= lists it, else below root; a template's instance too. 0 and the new node
 * (or the one that is there already); -ENOENT, -EINVAL, -EOPNOTSUPP (masked) as unit_load(); -ESRCH when its supervisor
 * is not in the tree; -ESHUTDOWN. */
int engine_bring(struct engine *e, const char *name, node_id *ret_id, struct err *err);

/* Why a unit is not in the tree; `name` as people type it, or a path that would be its. -ENOENT: there is no such unit
 * either; else a negative number, with err filled. */
int engine_absent(struct engine *e, const char *name, struct err *err);

/* Every unit that is known and not in the tree. 0, or -errno with err filled. why: NULL when there
 * is nothing wrong with it. */
typedef void engine_absent_fn(void *arg, const char *unit, const char *status, const struct err *why);
int engine_absent_each(struct engine *e, engine_absent_fn *fn, void *arg, struct err *err);

/* Before the functions above, or engine_plan() of a node: would they wait for a file system or a name service? Then
 * true, and ready(arg) is called once they need not; it must not ask again. NODE_NONE: the directories of units. */
typedef void engine_ready_fn(void *arg);
bool engine_ask_ahead(struct engine *e, node_id id, engine_ready_fn *ready, void *arg);
void engine_ask_ahead_over(struct engine *e, const void *arg); /* nobody waits with `arg` any more */

/* Its unit file is gone, it only runs until it is stopped (FAILURES H15). */
bool engine_orphaned(const struct engine *e, node_id id);

/* Where units are looked for (unit/unit_set.h), for `cat` and `list --all`. */
const struct unit_paths *engine_unit_paths(const struct engine *e);

/* The plan the next start of a node would use, for `explain`: command `index` of `directive`. */
int engine_plan(struct engine *e, node_id id, enum directive directive, size_t index, struct buf *out,
                struct err *err);

/* Problems of the last load or reload as lines, "" when there were none. */
const char *engine_load_report(const struct engine *e);

/* --- what the daemon knows of a node beyond the core ---------------------------------------------------------- */

/* Whose process has connected (peer.c): one of a service, of none of ours, or of ours without its being known whose. */
struct peer {
        enum { PEER_OUTSIDE, PEER_SERVICE, PEER_STRAY } kind;
        bool unsure;            /* it could not be told; ask again */
        bool held;              /* the kernel says that it is the one that connected, and no later one of its number */
        node_id node;           /* PEER_SERVICE */
        uint32_t incarnation;
};
void engine_peer(struct engine *e, int fd, struct peer *ret);
bool engine_peer_lives(const struct engine *e, const struct peer *p); /* its incarnation is the present one */

/* What its present incarnation, or the last one, has said about itself with sd_notify. */
struct said {
        char *text, *bus_error; /* STATUS=, BUSERROR=; owned by the engine, NULL when not said */
        int error;              /* ERRNO=, 0 when not said */
        int exit_status;        /* EXIT_STATUS= + 1, 0 when not said */
        int access;             /* NOTIFYACCESS= + 1, 0 when not said */
};
const struct said *engine_said(const struct engine *e, node_id id); /* never NULL */
/* Why a start waits for what an earlier daemon has left (OnDaemonDeath=leave), into buf[n]; NULL when it does not. */
const char *engine_left(const struct engine *e, node_id id, char *buf, size_t n);
int engine_usage(struct engine *e, node_id id, struct cgroup_usage *ret);
/* What the kernel has counted for it since the present incarnation began (kills and failed forks), or as it is now; -1
 * each where nothing counts. */
void engine_counters(struct engine *e, node_id id, struct limit_counters *ret);
/* Call fn for each limit of its unit, and TasksMax= by default where that is enforced. */
struct engine_limit {
        const char *directive;  /* "MemoryMax" */
        const char *controller; /* "memory" */
        const char *backend;    /* "v2", "v1"; "-" there is no such controller */
        char requested[100];    /* as the unit would say it */
        char effective[100];    /* what the kernel has; "" = not known now */
        bool enforced;
        char why[200];          /* not enforced: why; else "" */
};
typedef void engine_limit_fn(void *arg, const struct engine_limit *l);
void engine_limits(struct engine *e, node_id id, engine_limit_fn *fn, void *arg);
/* Only those that are said, not a default, and do not hold; costs nothing where one of them would have refused the
 * start (Isolation=strict). */
void engine_limits_missing(struct engine *e, node_id id, engine_limit_fn *fn, void *arg);
/* os/doctor.h of the daemon's own place. */
struct doctor_row;
void engine_doctor(struct engine *e, void (*fn)(void *arg, const struct doctor_row *row), void *arg);
/* Absolute path of its control group, "" when there is none. Returns buf. */
char *engine_cgroup_path(const struct engine *e, node_id id, char *buf, size_t n);
/* Pids of its processes, for display. Returns how many there are. */
size_t engine_pids(struct engine *e, node_id id, pid_t *pids, size_t max);
/* The directory its log lies in, "" when its output is not logged to files. Returns buf. */
char *engine_log_dir(const struct engine *e, node_id id, char *buf, size_t n);
/* of one that has gone, if it has been logged */
char *engine_log_dir_of(const struct engine *e, const char *path, char *buf, size_t n);
/* Empty the pipe of a node (NODE_NONE: of all) into its log, then call fn (once; result 0, or -errno when there is no
 * log writer now). For `logs`, so that what was written before the question is seen. */
void engine_log_flush(struct engine *e, node_id id, void (*fn)(void *arg, int result), void *arg);
void engine_log_flush_forget(struct engine *e, void *arg);

/* --log-level= at run time, for the engine and the log writer. */
void engine_set_log_level(struct engine *e, enum log_level level);

/* The last system call that a filter ended a process of the node for; NULL = none so far. */
struct denial {
        uint32_t incarnation;
        pid_t pid;
        char call[48];          /* "keyctl" */
        char comm[17];          /* of the process */
        char remedy[160];       /* what to write to allow it */
};
const struct denial *engine_denial(const struct engine *e, node_id id);

/* The calls it was seen to use under SystemCallFilterMode=learn, by index (core/syscalls.h); NULL = it never
 * learned. */
const bool *engine_learned(const struct engine *e, node_id id);

/* One past incarnation. */
struct death {
        uint32_t incarnation;
        struct reason reason;
        bool ran;               /* false: its main process never existed; code and what follows are not known */
        int32_t code, status;   /* CLD_*, exit status or signal, of the main process */
        nsec started, ended;
        int64_t utime_usec, stime_usec;
        int64_t maxrss_kb;
        uint64_t minflt, majflt, inblock, oublock;
        int64_t memory_peak, tasks_peak, cpu_usec, throttled_usec, oom_kills; /* of its group; -1 = not counted */
        char *error;            /* owned by the ledger; spawn:...: the whole sentence; NULL otherwise */
        char *tail;             /* owned by the ledger; the last lines written, NULL when there are none (yet) */
        size_t tail_len;
};
size_t engine_death_count(const struct engine *e, node_id id);
const struct death *engine_death(const struct engine *e, node_id id, size_t i); /* 0 = the latest; NULL = no more */

/* The code a shell would know the end by: the exit status, 128 and the signal, 124 for a time that ran out, 137 for
 * memory that did; for what never ran that of reason_exit_code(). */
int death_exit_code(const struct death *d);

/* --- transient services (transient.c) -------------------------------------------------------------------------------
 * A service without a file, under a supervisor for as long as it has something to do: once it is at rest its result
 * goes into a table of the last TRANSIENT_ENDS and its node goes away. */

enum { TRANSIENT_ENDS = 256, TRANSIENTS_MAX = 4096 };
#define TRANSIENT_PLACE "transient" /* below root: made when first asked for */

struct transient_request {
        const char *name;              /* stem or unit name; NULL = one is made up */
        node_id supervisor;            /* NODE_NONE: the built-in place */
        const char *const *command;
        size_t argc;
        const char *const *properties; /* core/transient.h */
        size_t property_count;
        int fds[3];                    /* its descriptors 0 to 2, where it says nothing else; -1 = none */
        bool terminal;                 /* one of them is a terminal, to be the controlling one */

        /* A service asks (mail_spawn.c): */
        const struct event *event;     /* EVT_SPAWN but for the child; NULL = an operator's EVT_START */
        const char *unit;              /* in place of name, command and properties: worker@7.service;
                                        * worker@.service = a free one */
        const struct spec *spawner;    /* whose spec bounds the command's */
};

struct transient_end {
        uint64_t serial;
        char *path;                    /* owned by the table, as are the texts of death */
        struct death death;            /* of its last incarnation; incarnation 0: it had none */
};

/* Called from a turn, `started` (with the answer to the start) before `ended`; after `ended` nothing is called. */
struct transient_ops {
        void (*started)(void *arg, enum result result);
        void (*ended)(void *arg, const struct transient_end *end);
};

/* Make one and ask for its start. Descriptors are copied. -EINVAL, -EEXIST, -ENOENT, -EDQUOT (MaxChildren=), -EPERM
 * (not a spawner's to ask for), -EMFILE, -ESHUTDOWN, -ENOMEM. */
int engine_transient(struct engine *e, const struct transient_request *q, const struct transient_ops *ops, void *arg,
                     uint64_t *ret_serial, node_id *ret_id, struct err *err);

/* Listen to one that runs already, in place of whoever did: `started` is not called. Its serial; 0 when it is none. */
uint64_t engine_transient_listen(struct engine *e, node_id id, const struct transient_ops *ops, void *arg);

/* The one who asked is gone: nothing more is told, and with `stop` the service is stopped. */
void engine_transient_leave(struct engine *e, uint64_t serial, bool stop);

/* Is it in the tree as a transient service now? */
bool engine_is_transient(const struct engine *e, node_id id);

/* The latest of that path, unit name or stem that has ended; NULL when none is remembered. */
const struct transient_end *engine_transient_ended(const struct engine *e, const char *name);

/* --- to the parts themselves ------------------------------------------------------------------------------------ */

/* Queue an event for the next turn. Never fails: memory for it is taken or the daemon says so and goes on. */
void engine_post(struct engine *e, const struct event *event);

#endif
