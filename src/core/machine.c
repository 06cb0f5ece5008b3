/* machine.c - the service machine on one screen: phase x event -> what is done.
 *
 * Every cell is a function of a few lines; a hole means that the event says nothing in that phase and is ignored.
 * The way up is in service.c, life in service_run.c, the end in service_end.c. tests/unit/service.c lists what is
 * meant to be handled where, and so every hole.
 * Used by: core.c.  Uses: machine.h. */
#include "core/machine.h"
#include "core/service.h"

#define START_COLUMNS                                                                                        \
        [EVT_STOP] = stop_early, [EVT_EXIT] = end_asked_exit, [EVT_TICK] = start_timeout,                    \
        [EVT_EXTEND_TIMEOUT] = extend, [EVT_WATCHDOG_USEC] = watchdog_set, [EVT_OOM] = oom_struck

#define COMMAND_COLUMNS                                                                                      \
        START_COLUMNS, [EVT_SPAWNED] = control_spawned, [EVT_SPAWN_FAILED] = start_spawn_failed,             \
        [EVT_EXITED] = command_exited

#define UP_COLUMNS                                                                                           \
        [EVT_EXIT] = end_asked_exit, [EVT_EXITED] = up_exited, [EVT_SPAWNED] = control_spawned,              \
        [EVT_SPAWN_FAILED] = up_spawn_failed, [EVT_MAINPID] = main_pid, [EVT_WATCHDOG] = watchdog_ping,      \
        [EVT_WATCHDOG_TRIGGER] = watchdog_trigger, [EVT_WATCHDOG_USEC] = watchdog_set,                       \
        [EVT_EXTEND_TIMEOUT] = extend, [EVT_STOPPING] = up_stopping, [EVT_EMPTY] = up_empty,                       \
        [EVT_OOM] = oom_struck

#define END_COLUMNS                                                                                          \
        [EVT_SPAWNED] = end_spawned, [EVT_EMPTY] = end_empty, [EVT_STUCK] = end_stuck,                       \
        [EVT_EXIT] = end_asked_exit

#define SIGNAL_COLUMNS                                                                                       \
        END_COLUMNS, [EVT_EXITED] = end_main_exited, [EVT_SPAWN_FAILED] = end_spawn_failed, [EVT_TICK] = end_timer

#define POST_COLUMNS                                                                                         \
        [EVT_SPAWNED] = post_spawned, [EVT_SPAWN_FAILED] = post_spawn_failed, [EVT_EXITED] = post_exited,    \
        [EVT_TICK] = post_timer

service_fn *const service_table[PHASE_COUNT][EVT_COUNT] = {
        [PHASE_CHECK] = { START_COLUMNS, [EVT_CHECKED] = on_checked },
        [PHASE_IDLE] = { [EVT_STOP] = stop_early, [EVT_EXIT] = end_asked_exit, [EVT_TICK] = idle_over },
        [PHASE_CONDITION] = { COMMAND_COLUMNS },
        [PHASE_PRE] = { COMMAND_COLUMNS },
        [PHASE_MAIN] = { START_COLUMNS, [EVT_SPAWNED] = main_spawned, [EVT_EXECED] = main_execed,
                         [EVT_SPAWN_FAILED] = start_spawn_failed, [EVT_EXITED] = main_exited,
                         [EVT_READY] = main_ready, [EVT_MAINPID] = main_pid },
        [PHASE_POST] = { UP_COLUMNS, [EVT_STOP] = stop_early, [EVT_TICK] = start_timeout },
        [PHASE_UP] = { UP_COLUMNS, [EVT_STOP] = stop_up, [EVT_RELOAD] = up_reload, [EVT_RELOADING] = up_reloading,
                       [EVT_TICK] = up_overdue },
        [PHASE_RELOAD] = { UP_COLUMNS, [EVT_STOP] = stop_up, [EVT_TICK] = reload_timeout,
                           [EVT_READY] = reload_ready },
        /* Who has got the last signal, or was left by his main process, has the time that the unit gives, once. */
        [PHASE_STOP] = { END_COLUMNS, [EVT_EXITED] = stop_exited, [EVT_SPAWN_FAILED] = stop_spawn_failed,
                         [EVT_TICK] = stop_timer, [EVT_EXTEND_TIMEOUT] = extend },
        [PHASE_TERM] = { SIGNAL_COLUMNS, [EVT_EXTEND_TIMEOUT] = extend },
        [PHASE_KILL] = { SIGNAL_COLUMNS },
        [PHASE_EMPTY] = { SIGNAL_COLUMNS },
        [PHASE_REST] = { SIGNAL_COLUMNS },
        [PHASE_STOP_POST] = { POST_COLUMNS, [EVT_EXTEND_TIMEOUT] = extend },
        [PHASE_POST_TERM] = { POST_COLUMNS, [EVT_EMPTY] = post_empty },
        [PHASE_POST_KILL] = { POST_COLUMNS, [EVT_EMPTY] = post_empty, [EVT_STUCK] = end_stuck },
        [PHASE_STUCK] = { [EVT_EXITED] = stuck_gone, [EVT_EMPTY] = stuck_gone },
};

void service_event(struct core *c, struct node *n, const struct event *e)
{
        service_fn *fn = service_table[n->phase][e->kind];

        if (!fn)
                return;
        /* Of a command that KillMode=none left behind; a process is known before its end is. */
        if (e->kind == EVT_EXITED && e->role == ROLE_CONTROL && e->arg && e->arg != n->pid_control)
                return;
        fn(c, n, e);
        timer_update(c, n);
}

/* With its branch or alone: whoever froze it does not expect a sign of life. */
static bool is_frozen(struct core *c, struct node *n)
{
        for (; n; n = parent_of(c, n))
                if (n->frozen)
                        return true;
        return false;
}

/* One of its three times has come. */
void service_tick(struct core *c, struct node *n)
{
        struct event e = { .kind = EVT_TICK, .node = n->id };

        if (n->deadline <= c->now) {
                n->deadline = NSEC_NEVER;
                service_event(c, n, &e);
        } else if (n->watchdog_at <= c->now && is_frozen(c, n)) {
                service_watch(c, n);
        } else if (n->watchdog_at <= c->now) {
                service_bite(c, n, n->flags & NF_WATCHDOG_OWN ? RULE_WATCHDOG_OWN : RULE_WATCHDOG);
        } else if (n->runtime_at <= c->now) {
                n->cause = 0;
                (void) note_ab(c, n, RULE_RUNTIME_MAX, 0, c->now - n->ready_at, 0);
                service_end_with(c, n, REASON(REASON_TIMEOUT, 0), true);
        }
        timer_update(c, n);
}
