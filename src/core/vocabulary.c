/* vocabulary.c - the texts of events, actions, results, phases and rules. */
#include "core/core.h"

static const char *const event_text[] = {
        [EVT_NONE] = "none", [EVT_TICK] = "tick",
        [EVT_START] = "start", [EVT_STOP] = "stop", [EVT_RESTART] = "restart", [EVT_RELOAD] = "reload",
        [EVT_SIGNAL] = "signal", [EVT_EXIT] = "exit", [EVT_RESET_FAILED] = "reset_failed",
        [EVT_FREEZE] = "freeze", [EVT_THAW] = "thaw", [EVT_DELETE] = "delete", [EVT_ADDED] = "added",
        [EVT_SHUTDOWN] = "shutdown", [EVT_LINK] = "link", [EVT_UNLINK] = "unlink", [EVT_MONITOR] = "monitor",
        [EVT_DEMONITOR] = "demonitor", [EVT_REGISTER] = "register", [EVT_UNREGISTER] = "unregister",
        [EVT_TRAP_EXIT] = "trap_exit", [EVT_EXIT_SIGNAL] = "exit_signal", [EVT_SPAWN] = "spawn", [EVT_EMIT] = "emit",
        [EVT_CHECKED] = "checked", [EVT_SPAWNED] = "spawned", [EVT_EXECED] = "execed",
        [EVT_SPAWN_FAILED] = "spawn_failed", [EVT_EXITED] = "exited", [EVT_EMPTY] = "empty",
        [EVT_STUCK] = "stuck",
        [EVT_READY] = "ready", [EVT_RELOADING] = "reloading", [EVT_STOPPING] = "stopping",
        [EVT_MAINPID] = "mainpid", [EVT_WATCHDOG] = "watchdog", [EVT_WATCHDOG_TRIGGER] = "watchdog_trigger",
        [EVT_WATCHDOG_USEC] = "watchdog_usec", [EVT_EXTEND_TIMEOUT] = "extend_timeout",
        [EVT_OOM] = "oom",
};
_Static_assert(sizeof(event_text) / sizeof(event_text[0]) == EVT_COUNT, "every event has a name");
STRTAB(event_names, event_text);

static const char *const action_text[] = {
        [ACT_CHECK] = "check", [ACT_OPEN] = "open", [ACT_SPAWN] = "spawn", [ACT_SIGNAL] = "signal",
        [ACT_KILL] = "kill", [ACT_WATCH_EMPTY] = "watch_empty", [ACT_CLOSE] = "close", [ACT_FREEZE] = "freeze",
        [ACT_THAW] = "thaw", [ACT_FORGET] = "forget", [ACT_DONE] = "done", [ACT_EXIT] = "exit",
        [ACT_DELIVER] = "deliver", [ACT_EMERGENCY] = "emergency",
};
_Static_assert(sizeof(action_text) / sizeof(action_text[0]) == ACT_COUNT, "every action has a name");
STRTAB(action_names, action_text);

static const char *const want_text[] = { [WANT_DOWN] = "down", [WANT_UP] = "up" };
STRTAB(want_names, want_text);

static const char *const phase_text[] = {
        [PHASE_NONE] = "none", [PHASE_CHECK] = "check", [PHASE_IDLE] = "idle", [PHASE_CONDITION] = "condition",
        [PHASE_PRE] = "pre", [PHASE_MAIN] = "main", [PHASE_POST] = "post", [PHASE_UP] = "up",
        [PHASE_RELOAD] = "reload", [PHASE_STOP] = "stop", [PHASE_TERM] = "term", [PHASE_KILL] = "kill",
        [PHASE_EMPTY] = "empty", [PHASE_REST] = "rest", [PHASE_STOP_POST] = "stop_post",
        [PHASE_POST_TERM] = "post_term", [PHASE_POST_KILL] = "post_kill", [PHASE_STUCK] = "stuck",
};
_Static_assert(sizeof(phase_text) / sizeof(phase_text[0]) == PHASE_COUNT, "every phase has a name");
STRTAB(phase_names, phase_text);

static const struct {
        const char *name, *text;
} results[RESULT_COUNT] = {
#define RESULT(id, n, t) [RESULT_##id] = { n, t },
#include "core/results.def"
#undef RESULT
};

const char *result_name(enum result r)
{
        return (unsigned) r < RESULT_COUNT ? results[r].name : "?";
}

const char *result_text(enum result r)
{
        return (unsigned) r < RESULT_COUNT ? results[r].text : "?";
}

const struct rule_row rule_rows[RULE_COUNT] = {
#define RULE(id, n, d, t) [RULE_##id] = { n, d, t },
#include "core/rules.def"
#undef RULE
};
