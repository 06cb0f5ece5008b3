/* core_state.h - what the core holds between two steps, besides its nodes (node.h): all of it, and nothing is held
 * anywhere else. A field that is added here has a row in snapshot_fields.c.
 *
 * May be used by: core, but not outside of it.  May use: core.h, intensity.h. */
#ifndef CORE_CORE_STATE_H
#define CORE_CORE_STATE_H

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
        NF_WATCHDOG_OWN = 16384, /* the time of its watchdog is its own word, not WatchdogSec= */
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

/* A relation to a sibling (order.h). */
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

#endif
