/* action.h - everything the core can ask for. The daemon performs a step's actions in order and reports back with
 * events; an action that fails is reported as an event too (EVT_SPAWN_FAILED), never ignored. */
#ifndef CORE_ACTION_H
#define CORE_ACTION_H

#include "core/directive.h"
#include "core/reason.h"

enum action_kind {
        ACT_CHECK,        /* evaluate Condition*= and Assert*= of the node -> EVT_CHECKED */
        ACT_OPEN,         /* an incarnation begins: make what it needs (cgroup leaf, log pipe) when first used */
        ACT_SPAWN,        /* run command `index` of `directive` as `role` -> EVT_SPAWNED or EVT_SPAWN_FAILED */
        ACT_SIGNAL,       /* send `arg` to `role` (ALL = every process of the incarnation) */
        ACT_KILL,         /* SIGKILL everything of the incarnation, or below the supervisor; race-free where possible */
        ACT_WATCH_EMPTY,  /* -> EVT_EMPTY once no process of the incarnation is left (at once if so already) */
        ACT_CLOSE,        /* the incarnation is over for `reason`: ledger, remove its cgroup, directories */
        ACT_FREEZE, ACT_THAW,
        ACT_FORGET,       /* the node is deleted: drop what the daemon keeps for it and for its id */
        ACT_DONE,         /* request `token` ended with `result` */
        ACT_EXIT,         /* the daemon's work is done: exit with code `arg` */
        ACT_DELIVER,      /* a message for the mailbox of the node: role = enum deliver, arg = whom it is about, reason,
                           * token = text of the monitor (core_text()), 0 = none */
        ACT_EMERGENCY,    /* root gave up on a machine: start emergency.service, stay alive */
        ACT_COUNT
};
extern const struct strtab action_names;

enum deliver { DELIVER_EXIT, DELIVER_DOWN };

enum result {
#define RESULT(id, name, text) RESULT_##id,
#include "core/results.def"
#undef RESULT
        RESULT_COUNT
};
/* "start-failed", as the control protocol has it; and a sentence for people. */
const char *result_name(enum result r);
const char *result_text(enum result r);

struct action {
        uint8_t kind;         /* enum action_kind */
        uint8_t role;         /* SPAWN, SIGNAL */
        uint8_t result;       /* DONE: enum result */
        uint8_t confirm_exec; /* SPAWN: EVT_EXECED is wanted when exec has succeeded */
        node_id node;
        uint32_t incarnation;
        uint32_t token;       /* DONE */
        uint16_t directive;   /* SPAWN: which list of commands */
        uint16_t index;       /* SPAWN: which command of it */
        int64_t arg;          /* SIGNAL: number; EXIT: code; DONE: number of the newest record when it was decided */
        struct reason reason; /* CLOSE; SPAWN of ExecStopPost=: why it ended so far */
        uint64_t cause;       /* sequence number of the record that explains it */
};

struct actions {
        const struct action *list; /* valid until the next step */
        uint32_t count;
};

#endif
