/* service.h - one service: service.c (up), service_run.c (life), service_end.c (down), machine.c (phase x event). A
 * service reports to its supervisor by child_*() of supervisor.h and knows nothing else of it.
 * May be used by: the files of the core that decide.  May use: core_state.h. */
#ifndef CORE_SERVICE_H
#define CORE_SERVICE_H

#include "core/core_state.h"

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
/* It was up and has ended by itself, for reason r. */
void service_ended(struct core *c, struct node *n, struct reason r);
void service_kill_now(struct core *c, struct node *n, struct reason r);

void service_watch(struct core *c, struct node *n);  /* its watchdog's time begins anew */
void service_bite(struct core *c, struct node *n, enum rule rule); /* ... is over: SIGABRT, reason `watchdog` */
void service_remain(struct core *c, struct node *n);  /* nothing of it runs, and it counts as active */
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

#endif
