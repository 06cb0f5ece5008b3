/* node.h - a place in the tree, as everybody outside core may read it.
 *
 * A node is made by core_add() and lives until ACT_FORGET; its address does not change. After that its number may be
 * that of another node, whose incarnations go on counting: (id, incarnation) is one life for ever, the bare id is not.
 * Only core/ writes it: the rest of the program gets `const struct node *` from core_node(). Strategy, intensity and
 * whatever else a unit says are read from node->spec. What lies under "the core's own" is nobody else's business.
 *
 * Used by: core, daemon, sim, ctl (simulate).  Uses: spec.h, reason.h. */
#ifndef CORE_NODE_H
#define CORE_NODE_H

#include "core/reason.h"
#include "core/spec.h"

enum want { WANT_DOWN, WANT_UP };
extern const struct strtab want_names; /* "down", "up" */

/* Where a service is on its way: the rows of the table in machine.c. A supervisor
 * is in NONE, CHECK or UP. */
enum phase {
        PHASE_NONE,       /* no incarnation */
        PHASE_CHECK,      /* Condition*= and Assert*= are being evaluated */
        PHASE_IDLE,       /* Type=idle: waits until no sibling is starting */
        PHASE_CONDITION,  /* ExecCondition= runs */
        PHASE_PRE,        /* ExecStartPre= runs */
        PHASE_MAIN,       /* ExecStart= was asked for, or (oneshot) runs, or has not said yet that it is ready */
        PHASE_POST,       /* ExecStartPost= runs */
        PHASE_UP,         /* started: runs, or has ended and RemainAfterExit= keeps it */
        PHASE_RELOAD,     /* ExecReload= runs, or the service said RELOADING=1 */
        PHASE_STOP,       /* ExecStop= runs */
        PHASE_TERM,       /* KillSignal= was sent */
        PHASE_KILL,       /* FinalKillSignal= was sent */
        PHASE_EMPTY,      /* the main process has ended: are others left? Also: those were killed */
        PHASE_REST,       /* ... there are, they got KillSignal= (again) */
        PHASE_STOP_POST,  /* ExecStopPost= runs */
        PHASE_POST_TERM,  /* ... has ended: did it leave anything? */
        PHASE_POST_KILL,  /* ... and that was killed */
        PHASE_STUCK,      /* processes survive SIGKILL */
        PHASE_COUNT
};
extern const struct strtab phase_names;

struct dep;    /* core_state.h */
struct window; /* intensity.h */

struct node {
        /* --- what status shows ------------------------------------------------------------------------------ */
        struct spec *spec;         /* what the unit says now */
        node_id id, parent;        /* parent of root: NODE_NONE */
        node_id prev, next;        /* siblings in start order; NODE_NONE at the ends */
        node_id first, last;       /* children in start order */
        uint8_t kind;              /* enum node_kind */
        uint8_t state;             /* enum state */
        uint8_t want;              /* enum want */
        uint8_t phase;             /* enum phase */
        bool ready;                /* started, and (notify) said so */
        bool frozen;
        bool stuck;                /* processes survive SIGKILL: no new incarnation before they are gone */
        bool dynamic;              /* added at run time, not by a unit of the tree */
        int32_t pid_main;          /* 0 = none */
        int32_t pid_control;       /* of the command of Exec*= that runs beside or instead of main; 0 = none */
        uint32_t incarnation;      /* number of the present or the last life. Lives count on from those of a node that
                                    * had this number before and is gone, so see started_at for whether it ever lived */
        uint32_t restarts;         /* automatic restarts since it was loaded, or since reset-failed */
        struct reason last_reason; /* why the last incarnation ended; REASON_NONE before the first end */
        nsec since;                /* when `state` was entered */
        nsec started_at;           /* when the present or last incarnation began; NSEC_NEVER = never lived */
        nsec ready_at;             /* when it was started; NSEC_NEVER = not yet in this life */
        nsec next_start_at;        /* BACKOFF: when the next attempt is due; else NSEC_NEVER */

        /* --- the core's own --------------------------------------------------------------------------------- */
        nsec deadline;             /* of the phase, of the backoff */
        nsec runtime_at;           /* RuntimeMaxSec= */
        nsec watchdog_at;          /* WatchdogSec= */
        nsec watchdog_every;       /* 0 = off */
        uint64_t cause;            /* record that explains what goes on now */
        uint64_t last_seq;         /* newest record about this node */
        uint64_t born;             /* records up to this number are not about it, but about who had its number before */
        struct reason ending;      /* why the incarnation ends, as far as is known; REASON_NONE while it lives */
        struct reason raw;         /* how its main process ended, before SuccessExitStatus= was applied */
        uint32_t heap_at;          /* place in the timer heap; UINT32_MAX = not in it */
        uint32_t spec_since;       /* first incarnation that runs the present spec */
        uint32_t bonds;            /* links, monitors, names: a list in the pool of bonds */
        uint32_t waiters;          /* requests that wait for it: a list in the message pool */
        uint16_t command;          /* enum directive of the command that runs */
        uint16_t command_at;       /* which of it */
        uint16_t flags;            /* NF_* of core_state.h */
        uint16_t child_flags;      /* CF_* of core_state.h */
        uint8_t child;             /* enum child_status: what its supervisor thinks of it */
        uint8_t backoff;           /* how often the delay has grown */
        bool peer;                 /* some reason names it */
        bool spawned;              /* a service had it started: it goes when it has ended */
        uint16_t dep_count;
        struct dep *deps;          /* owned; relations to siblings, both directions */
        struct window *window;     /* owned; child of an isolating supervisor: its own intensity */
        struct super *super;       /* owned; supervisor only: queue and job */
        struct node *buried;       /* forgotten in this step: the next of them */
        struct record *story;      /* owned; the last record that tells of its state: an old one still answers `why` */
};

#endif
