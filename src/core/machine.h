/* machine.h - what the files of the core share; nobody else includes it.
 *
 *      core.c        core_step(), actions, the work list   memory.c       whatever is allocated
 *      numbers.c     numbers that are used again; the index of names
 *      tree.c        names, siblings, lookup               record.c       what happened and why
 *      timer.c       who waits for time to pass            link.c         names of siblings -> relations
 *      request.c     a person's start, stop, ...           call.c         OTP's calls
 *      queue.c       messages and waiting answers          child.c        what a supervisor hears of a child
 *      supervisor.c  ... and what it decides               super.c        its own start and end
 *      job.c         what it does in several steps         order.c        relations between siblings
 *      bond*.c       links, monitors, names                emit.c         what services say
 *      machine.c     one service: phase x event            service*.c     the cells of that table
 *
 * The layers inside: a service reports to its supervisor (child_*), a supervisor drives its children (node_*);
 * neither calls the other's insides. Reports only note and wake: decisions are made in core_pump(), one supervisor
 * after another, so that nothing recurses through the tree. */
#ifndef CORE_MACHINE_H
#define CORE_MACHINE_H

#include "core/core.h"
#include "core/intensity.h"

/* What a supervisor thinks of a child (OTP: its pid, `undefined` or `restarting`). */
enum child_status {
        CHILD_DOWN,        /* not running, its spec is kept */
        CHILD_QUEUED,      /* to be started when what it comes after is ready */
        CHILD_STARTING,
        CHILD_UP,          /* started, as far as the supervisor has heard */
        CHILD_STOPPING,    /* asked to stop */
        CHILD_RESTARTING,  /* waits for its next attempt */
        CHILD_GONE,        /* a temporary one that ended, or a deleted one: no spec as far as OTP is concerned */
        CHILD_STATUS_COUNT
};

enum node_flags {
        NF_CHECK = 1,          /* its unit has conditions or assertions */
        NF_OPENED = 2,         /* ACT_OPEN was emitted for this incarnation */
        NF_SPAWNING = 4,       /* the answer to an ACT_SPAWN of ROLE_MAIN is due */
        NF_SPAWNING_CTL = 8,   /* the same for ROLE_CONTROL */
        NF_SIGNALLED = 16,     /* KillSignal= was sent in this stop */
        NF_KILLED = 32,        /* the final signal was sent */
        NF_STARTED = 64,       /* this incarnation was reported as started */
        NF_ASKED = 128,        /* it ends because it was asked to, not by itself */
        NF_SKIPPED = 256,      /* a condition was not met */
        NF_EMPTY = 512,        /* nothing is left of the incarnation as far as the world told */
        NF_STOP_WAITS = 1024,  /* stop as soon as the spawn in flight has been answered */
        NF_TRAP = 4096,        /* exit signals become messages */
        NF_MISSING = 8192,     /* what it requires is no sibling: link_missing() says which */
        NF_ENDED_FAST = 2048,  /* the main process ended while something else was waited for */
};

enum child_flags {
        CF_DEAD = 1,        /* has ended, its EXIT is in the queue */
        CF_RETRY = 2,       /* when this start fails there will be another attempt */
        CF_FAILED = 4,      /* its last start failed */
        CF_HELD = 8,        /* stopped by request while a job ran: that job does not start it */
        CF_AGAIN = 16,      /* to be started once it is down (restart) */
        CF_PULL = 32,       /* down on account of a sibling: comes back with it */
        CF_STOP_WAIT = 64,  /* parallel stop: waits until those after it are down */
        CF_DELETE = 128,    /* to be forgotten once it is down */
        CF_COUNTED = 256,   /* the attempt after this backoff has been counted already */
        CF_DROP = 512,      /* temporary, stopped by its supervisor: GONE once it is down */
        CF_PULLED = 2048,   /* what it needs was queued before it; its own turn comes now */
        CF_QUIET = 1024,    /* strict request: a failed start leaves no spec (start_child) */
};

enum msg_kind { MSG_EXIT, MSG_RETRY, MSG_REQUEST, MSG_TRY, MSG_WAITER };

struct msg {
        uint64_t cause;
        uint32_t next;        /* in the queue, the node's list of waiters, or the free list */
        node_id node;
        uint32_t token;       /* REQUEST, WAITER; RETRY: hash of the stem */
        uint32_t incarnation; /* EXIT; REQUEST: hash of the stem */
        uint8_t kind;         /* enum msg_kind */
        uint8_t event;        /* REQUEST, WAITER: enum event_kind */
        uint8_t flags;        /* REQ_* */
        uint8_t spare;
};
#define MSG_NONE UINT32_MAX

enum job {
        JOB_NONE,
        JOB_START,      /* start all children: its own start */
        JOB_UNWIND,     /* its own start failed: stop what was started */
        JOB_GROUP_STOP, /* a group restart: stop from the last back to `from` */
        JOB_GROUP_START,/* ... then start from `from` to the last */
        JOB_GROUP_FAIL, /* isolate: the group is over its limit: stop it and leave it */
        JOB_ONE_START,  /* start `cursor` */
        JOB_ONE_STOP,   /* stop `cursor` */
        JOB_END,        /* stop all children: its own end */
        JOB_COUNT
};

struct super {
        uint32_t head, tail;   /* queue of messages */
        node_id next_woken;    /* in the work list */
        node_id cursor;        /* the child the job is at; NODE_NONE = past the end */
        node_id from, leader;  /* group: its first child, and the one that caused it */
        uint32_t token;        /* of the request the job carries out */
        uint32_t busy[CHILD_STATUS_COUNT]; /* how many children have that status */
        uint32_t dynamic;      /* ... and how many were added at run time */
        uint64_t cause;
        nsec delay;            /* GROUP_STOP: wait this long before GROUP_START */
        struct window *window; /* owned; its intensity */
        struct reason reason;  /* END, UNWIND: what it ends with */
        uint8_t job;           /* enum job */
        uint8_t event;         /* of the request */
        uint8_t flags;         /* REQ_* of the request */
        bool woken;            /* in the work list */
        bool issued;           /* the job has asked `cursor` to start or stop and waits for the report */
        bool gave_up;          /* END: over its intensity */
        bool recheck;          /* a sibling changed: children that wait for siblings may go on */
};

/* The number of a node that is gone, for another one. */
struct retired {
        node_id id;
        uint32_t incarnation;  /* of its last life */
        bool peer;             /* some reason may still name it */
};

struct bonds; /* bond_priv.h */

struct core {
        struct core_config config;
        struct bonds *bonds;         /* owned: links, monitors, names */
        struct node **nodes;         /* by id; NULL = forgotten */
        node_id limit, capacity;
        node_id *stems;              /* index of children by parent and stem, 2 * capacity places; memory.c */
        struct retired *retired;     /* owned: a ring of `capacity` places */
        uint32_t retired_head, retired_len;
        struct node *buried;         /* forgotten in this step, still readable until the next */
        node_id *heap;
        uint32_t heap_len;
        struct action *actions;
        uint32_t action_len;
        struct record *ring;
        uint32_t ring_cap;
        uint64_t seq;
        struct msg *pool;
        uint32_t pool_cap, pool_free, pool_left, requests;
        node_id work_head, work_tail;
        uint64_t random;
        nsec now;
        nsec shutdown_at;            /* NSEC_NEVER = no shutdown */
        uint64_t shutdown_cause;
        uint32_t shutdown_token;
        uint8_t event;               /* kind of the event in hand */
        bool hold;                   /* EVENT_MORE: no decisions yet */
        bool killing;                /* the time for the shutdown is used up */
        uint32_t emitted;            /* texts of RULE_EMITTED that are kept (emit.c) */
        uint32_t changes;            /* of the tree by other means than a step: core_changes() */
        bool over;                   /* ACT_EXIT was emitted */
};

enum {
        ACTIONS_MAX = 2048,     /* a step emits no more; what is left to do waits for the next one */
        REQUESTS_MAX = 4096,    /* requests that wait; more are answered `busy` */
        ACTIONS_RESERVE = REQUESTS_MAX + 256, /* room that one decision may need: it may answer all who wait */
        STUCK_SEC = 5,          /* from SIGKILL to STUCK */
        SHUTDOWN_STUCK_SEC = 2, /* from the kill at the end of a shutdown to the exit */
        IDLE_SEC = 5,           /* Type=idle waits no longer */
        SIGNAL_SEC = 5,         /* an end by a signal is put down to a request of that signal for so long */
};

/* --- memory.c --- */
void core_bury(struct core *c);                     /* free what the last step forgot */
struct node *node_make(struct spec *spec);          /* in no tree yet; NULL when memory is short */
void node_free(struct node *n);
struct core *core_make(const struct core *head);    /* memory for its sizes, no nodes; NULL when it is short */
bool core_has_life(const struct core *c, const struct node *n); /* is anything of it or below it there? */

/* --- numbers.c --- numbers of nodes that are gone, oldest first, to be given to new ones; and the index of names */
int retired_grow(struct core *c, uint32_t cap);     /* room for so many; -ENOMEM and nothing has changed */
void retired_push(struct core *c, node_id id, uint32_t incarnation, bool peer); /* a new last one */
void retire(struct core *c, const struct node *n);  /* its number may be given to another node from now on */
void retired_take(struct core *c, struct node *n);  /* n gets the first */
int index_grow(struct core *c, uint32_t cap);       /* for a new capacity; -ENOMEM: what there was is kept */
void index_stem(struct core *c, const struct node *n);
void index_drop(struct core *c, const struct node *n);
bool index_has(const struct core *c, const struct node *p, const char *stem); /* a child that is not GONE */
void core_reindex(struct core *c);                  /* the index of names, from the nodes */

/* --- core.c --- */
static inline struct node *node_at(const struct core *c, node_id id)
{
        return id < c->limit ? c->nodes[id] : NULL;
}
static inline struct node *parent_of(const struct core *c, const struct node *n)
{
        return n->parent == NODE_NONE ? NULL : c->nodes[n->parent];
}
/* The supervisor of whatever is not root. */
static inline struct node *super_of(const struct core *c, const struct node *n)
{
        return c->nodes[n->parent];
}
static inline bool is_super(const struct node *n)
{
        return n->kind == KIND_SUPERVISOR;
}
/* Add an action about a node, caused by the node's newest record; the caller fills in the rest at once. */
struct action *act(struct core *c, struct node *n, enum action_kind kind);
void act_done(struct core *c, uint32_t token, enum result result, node_id id); /* answer a request; token 0: nobody */
bool core_has_room(const struct core *c);         /* for the actions of one more decision; asked before each */
void core_wake(struct core *c, struct node *super); /* have super_run() called for it before the step is over */
uint64_t core_random(struct core *c);             /* the same numbers for the same seed */
void core_forget(struct core *c, struct node *n); /* unlink, ACT_FORGET, free; no children, nothing running */
void core_root_down(struct core *c);              /* root has ended: start it again, or ACT_EXIT, or ACT_EMERGENCY */
void core_root_gone(struct core *c);              /* shutdown of a tree that does not run */

const struct node *node_or_buried(const struct core *c, node_id id); /* tree.c; also one forgotten in this step */

/* --- record.c --- the number of the new record; it also becomes n->cause */
uint64_t note(struct core *c, struct node *n, enum rule rule, uint64_t cause);
uint64_t note_ab(struct core *c, struct node *n, enum rule rule, uint64_t cause, int64_t a, int64_t b);
uint64_t note_other(struct core *c, struct node *n, enum rule rule, uint64_t cause, node_id other);
uint64_t note_full(struct core *c, struct node *n, enum rule rule, uint64_t cause, node_id other,
                   const struct reason *r, int64_t a, int64_t b);
/* Enter a state; the next record of the node says from which. */
void enter(struct core *c, struct node *n, enum state state);

/* --- timer.c --- */
void timer_update(struct core *c, struct node *n); /* after deadline, runtime_at or watchdog_at changed */
void timer_remove(struct core *c, struct node *n);
nsec timer_first(const struct core *c);            /* when the first one is due; NSEC_NEVER */
node_id timer_due(const struct core *c);           /* the node whose time has come; NODE_NONE */
nsec nsec_add(nsec a, nsec b);                     /* saturates at NSEC_NEVER */

/* --- queue.c --- the pool of messages, the queue of each supervisor, and who waits for an answer. A message is known
 * by its place in the pool; MSG_NONE: there is none. */
uint32_t msg_take(struct core *c, bool request);   /* what children do always finds room, a request may not: MSG_NONE */
void msg_drop(struct core *c, uint32_t at);        /* back into the pool */
void queue_push(struct core *c, struct node *super, uint32_t at); /* as the last; wakes the supervisor */
uint32_t queue_pop(struct core *c, struct node *super);           /* the first; the caller's to drop */
void queue_clear(struct core *c, struct node *super);             /* it has ended: requests get `noproc` */
/* The number of a child that is gone is about to be given to another node: messages about it name it no more. */
void queue_disown(struct core *c, const struct node *super, node_id id);
/* Answer the event's request once answer() is called for this node and kind; `busy` at once when too many wait. */
void wait_for(struct core *c, struct node *n, const struct event *e, enum event_kind kind);
void answer(struct core *c, struct node *n, enum event_kind kind, enum result result);
void answer_all(struct core *c, struct node *n, enum result result); /* of whatever kind */

/* --- request.c --- what a person asks for: takes effect at once */
void request_event(struct core *c, const struct event *e);   /* EVT_START ... EVT_SHUTDOWN; strict ones go to call.c */
enum result start_now(struct core *c, struct node *n, uint64_t cause); /* OK: it is up, or on its way; else why not */
void try_start(struct core *c, struct node *s, struct node *n, uint64_t cause); /* ... its turn in the queue has come */
void request_stop(struct core *c, struct node *n, uint64_t cause); /* as if a person had asked for it */

/* --- call.c --- OTP's calls (REQ_STRICT): they queue behind what the supervisor has to do */
bool child_is_pid(const struct node *n);                     /* would OTP's which_children show a pid? */
/* Another child of that name which is not GONE; NULL. */
struct node *child_namesake(const struct core *c, const struct node *s, const struct node *n);
void call_queue(struct core *c, struct node *n, const struct event *e, uint64_t cause);
void request_run(struct core *c, struct node *super, const struct msg *m); /* its turn has come */

/* --- service.c, service_run.c, service_end.c --- one service */
typedef void service_fn(struct core *c, struct node *n, const struct event *e);
extern service_fn *const service_table[PHASE_COUNT][EVT_COUNT];
void service_event(struct core *c, struct node *n, const struct event *e); /* the cell of its phase, if there is one */
void service_start(struct core *c, struct node *n, uint64_t cause);        /* a new incarnation begins */
void service_stop(struct core *c, struct node *n, uint64_t cause);         /* asked to end; no matter when it is down */
void service_tick(struct core *c, struct node *n);                         /* one of its three times has come */
/* Run command number `at` of the list `d`, and be in that phase meanwhile. */
void command_run(struct core *c, struct node *n, enum directive d, uint16_t at, enum phase phase);
/* `timeout`: ns from now; NSEC_NEVER = none; -1 = the running one goes on (a start has one for all its phases). */
void phase_enter(struct core *c, struct node *n, enum phase phase, nsec timeout);
/* Begin the ladder at the end of a service, for reason r, with ExecStop= when `commands`; or begin at its last step. */
void service_end_with(struct core *c, struct node *n, struct reason r, bool commands);
void service_kill_now(struct core *c, struct node *n, struct reason r);

void service_watch(struct core *c, struct node *n);  /* its watchdog's time begins anew */
void service_bite(struct core *c, struct node *n, enum rule rule); /* ... is over: SIGABRT, reason `watchdog` */
bool command_ok(struct core *c, struct node *n, const struct reason *r); /* did it end well, or is it forgiven ("-")? */
void reload_command_done(struct core *c, struct node *n, const struct reason *r); /* the next one, or the answer */

/* The cells of the table, by what has happened. start_*: on the way up; up_*: running; stop_*: ExecStop=; end_*: after
 * the signal; post_*: ExecStopPost=. */
service_fn command_exited, control_spawned, extend, idle_over, main_execed, main_exited, main_pid,
        main_ready, main_spawned, on_checked, reload_ready, reload_timeout, start_spawn_failed,
        start_timeout, stop_early, stop_up, up_empty, up_exited, up_overdue, up_reload, up_reloading, up_spawn_failed,
        up_stopping, watchdog_ping, watchdog_set, watchdog_trigger, end_main_exited, end_spawned,
        end_spawn_failed, end_empty, end_timer, end_stuck, end_asked_exit, post_exited, post_spawned,
        post_spawn_failed, post_timer, post_empty, oom_struck, stuck_gone, stop_exited, stop_spawn_failed, stop_timer;

/* --- child.c --- between a supervisor and one child, whatever its kind: down go orders, up come reports, which wake
 * the supervisor */
void node_start(struct core *c, struct node *n, uint64_t cause);
void node_stop(struct core *c, struct node *n, uint64_t cause); /* as asked by its supervisor */
void child_started(struct core *c, struct node *n);
void child_ended(struct core *c, struct node *n);  /* the incarnation is over, n->last_reason says why */
void child_stuck(struct core *c, struct node *n);  /* its processes survive SIGKILL: nobody waits for them */
void child_set(struct core *c, struct node *n, enum child_status status);
void child_start_failed(struct core *c, struct node *s, struct node *n); /* a child on its own gets its next attempt */
void child_tick(struct core *c, struct node *n);   /* its backoff is over */
void child_cancel(struct core *c, struct node *s, struct node *n); /* not running, whatever was planned for it */
void child_retry_later(struct core *c, struct node *s, struct node *n); /* its start failed within a job */
uint32_t stem_hash(const char *stem);

/* --- super.c --- a supervisor's own start and end */
void super_start(struct core *c, struct node *s, uint64_t cause);
void super_stand(struct core *c, struct node *s, uint64_t cause); /* up with no child started */
void super_checked(struct core *c, struct node *s, const struct event *e); /* EVT_CHECKED */
void super_stop(struct core *c, struct node *s, uint64_t cause);  /* asked to end; interrupts whatever it is doing */
/* Stop all children, last first, then end with r. `gave_up`: over its intensity. */
void super_end(struct core *c, struct node *s, struct reason r, bool gave_up, uint64_t cause);
void super_ended(struct core *c, struct node *s, struct reason r); /* no child is left: tell the one above */
/* Its start failed because of one child: stop those that are up, then end with that child's reason. */
void super_fail_start(struct core *c, struct node *s, struct node *because, uint64_t cause);
void super_run(struct core *c, struct node *s);    /* from core_pump(): go on as far as possible */
void super_oom(struct core *c, struct node *n, const struct event *e); /* OOMPolicy= of those above n */

/* --- supervisor.c --- what it decides about its children */
bool super_parallel(const struct node *s);         /* does it start and stop its children all at once? */
bool super_isolates(const struct node *s);         /* Escalation=isolate: has each child a window of its own? */
/* Start one child alone. `retry`: when that fails there is another attempt. */
void child_attempt(struct core *c, struct node *s, struct node *n, bool retry, uint64_t cause);
bool child_temporary(const struct node *n);        /* Restart=temporary: it never comes back, its spec is dropped */
void child_stays_down(struct core *c, struct node *s, struct node *n, enum rule rule); /* it is not restarted */
struct node *child_by_hash(const struct core *c, const struct node *s, uint32_t hash); /* not GONE; or NULL */
void message_run(struct core *c, struct node *s, const struct msg *m); /* the next one of its queue */

/* --- job.c --- */
/* Begin with the child `cursor`; whatever job there was is replaced. */
void job_begin(struct core *c, struct node *s, enum job job, node_id cursor, uint64_t cause);
bool job_step(struct core *c, struct node *s);     /* true: something moved; false: waits, or no job */
void job_over(struct core *c, struct node *s);     /* done, or given up */
node_id first_live(const struct core *c, node_id id);     /* this one or the next that is not GONE */
node_id last_live(const struct core *c, node_id id);

/* --- order.c --- */
enum dep_kind {
        DEP_AFTER = 1, DEP_BEFORE = 2,            /* I come after it; it comes after me */
        DEP_REQUIRES = 4, DEP_REQUIRED = 8,
        DEP_WANTS = 16,
        DEP_BINDS = 32, DEP_BOUND = 64,
        DEP_PART = 128, DEP_WHOLE = 256,          /* I am part of it; it is part of me */
        DEP_CONFLICTS = 512,
};
struct dep {
        node_id other;
        uint32_t kinds;
};
enum order { ORDER_GO, ORDER_WAIT, ORDER_FAIL };
/* May it start now? WAIT: a sibling that it comes After= is on its way. FAIL: one that it needs is down for good; in
 * *ret_other, NODE_NONE when there is no such sibling. */
enum order order_start(const struct core *c, const struct node *n, node_id *ret_other);
/* ORDER_FAIL: note why, and that its start has failed. other: whom it requires; NODE_NONE:
 * somebody who is not there. */
void order_fail(struct core *c, struct node *n, node_id other, uint64_t cause);
bool link_missing(const struct core *c, const struct node *n, enum directive *ret_d, size_t *ret_item); /* link.c */
bool order_stop(const struct core *c, const struct node *n); /* nobody that comes after it is still there */
void order_changed(struct core *c, struct node *n);          /* n is ready, failed or down: look at
                                                              * its siblings again */
bool order_pull(struct core *c, struct node *n);             /* n starts: what it requires and wants, conflicts */
/* n, about to start with its supervisor, conflicts with a sibling that starts before it: it
 * stays down, and is told so. */
bool order_yields(struct core *c, struct node *n, uint64_t cause);
void order_stopped(struct core *c, struct node *n, bool again); /* n is stopped by request */
void order_ended(struct core *c, struct node *n);            /* n ended: what is bound to it */
void order_drop(struct core *c, struct node *n);             /* n is forgotten */

#endif
