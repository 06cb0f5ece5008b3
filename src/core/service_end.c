/* service_end.c - the end of an incarnation, step by step:
 *
 *      ExecStop=  ->  KillSignal= (and SIGCONT)  ->  the processes we started are gone  ->  KillSignal= to what they
 *      left  ->  nothing is left  ->  ExecStopPost=  ->  what that left is killed  ->  ACT_CLOSE; its supervisor hears
 *
 * Either KillSignal= is followed by FinalKillSignal= when TimeoutStopSec= is over. A main process that ends by itself
 * enters where the processes we started are gone, or when it was up and ended well at ExecStop=. Whoever reaches the
 * end of a step without the processes being gone is STUCK: all is kept, no incarnation begins (FAILURES B4, B5).
 *
 * The second KillSignal= is for those who missed the first: a signal to a child that a shell has just forked runs into
 * the shell's handler, which exec then forgets. And nobody else tells a helper that its main process has gone.
 * Used by: service.c.  Uses: machine.h.  Tested by: tests/unit/service.c */
#include "core/bond_priv.h"
#include "core/limits.h"
#include "core/machine.h"
#include "core/resolve.h"
#include "core/restart.h"
#include "core/service.h"
#include "core/supervisor.h"

enum { SIGNAL_HUP = 1, SIGNAL_KILL = 9, SIGNAL_TERM = 15, SIGNAL_CONT = 18 };

static enum kill_mode kill_mode(const struct node *n)
{
        return (enum kill_mode) spec_int(n->spec, D_SERVICE_KillMode);
}

/* Does the end of the service include the processes its main process left? */
static bool whole_group(const struct node *n)
{
        return kill_mode(n) == KILL_CONTROL_GROUP || kill_mode(n) == KILL_MIXED;
}

static bool process_left(const struct node *n)
{
        return n->pid_main || n->pid_control || (n->flags & (NF_SPAWNING | NF_SPAWNING_CTL));
}

static void send(struct core *c, struct node *n, enum role role, int64_t sig)
{
        struct action *a = act(c, n, ACT_SIGNAL);

        a->role = (uint8_t) role;
        a->arg = sig;
}

/* To the processes the mode names: all, or only those we started. */
static void send_by_mode(struct core *c, struct node *n, bool all, int64_t sig)
{
        if (all) {
                send(c, n, ROLE_ALL, sig);
                return;
        }
        if (n->pid_main)
                send(c, n, ROLE_MAIN, sig);
        if (n->pid_control)
                send(c, n, ROLE_CONTROL, sig);
}

static void close_incarnation(struct core *c, struct node *n)
{
        if (n->flags & NF_OPENED) {
                act(c, n, ACT_CLOSE)->reason = n->ending;
                bonds_died(c, n, &n->ending);
        }
        n->phase = PHASE_NONE;
        n->deadline = n->runtime_at = n->watchdog_at = NSEC_NEVER;
        n->pid_main = n->pid_control = 0;
        n->ready = n->stuck = false;
        n->last_reason = n->ending;
        timer_update(c, n);
        child_ended(c, n);
}

/* --- ExecStopPost= and what comes after it --------------------------------------------------------------------- */

static void clean_up(struct core *c, struct node *n)
{
        size_t commands = spec_count(n->spec, D_SERVICE_ExecStopPost);

        if (commands && (n->flags & NF_OPENED) && !c->killing) {
                phase_enter(c, n, PHASE_STOP_POST, spec_timeout_stop(n->spec));
                command_run(c, n, D_SERVICE_ExecStopPost, 0, PHASE_STOP_POST);
        } else {
                close_incarnation(c, n);
        }
}

/* The commands are done: is anything left? The answer is there before the timer is. */
static void post_watch(struct core *c, struct node *n)
{
        if (!whole_group(n)) {
                close_incarnation(c, n);
                return;
        }
        phase_enter(c, n, PHASE_POST_TERM, 0);
        (void) act(c, n, ACT_WATCH_EMPTY);
}

static void post_ended(struct core *c, struct node *n, const struct reason *r)
{
        n->pid_control = 0;
        n->flags &= (uint16_t) ~NF_SPAWNING_CTL;
        if (reason_abnormal(r))
                (void) note_full(c, n, RULE_COMMAND_FAILED, n->cause, NODE_NONE, r, n->command, n->command_at);
        if (n->phase == PHASE_STOP_POST && n->command_at + 1U < spec_count(n->spec, D_SERVICE_ExecStopPost))
                command_run(c, n, D_SERVICE_ExecStopPost, (uint16_t) (n->command_at + 1), PHASE_STOP_POST);
        else if (n->phase == PHASE_STOP_POST)
                post_watch(c, n);
        else if (n->phase == PHASE_POST_KILL)
                (void) act(c, n, ACT_WATCH_EMPTY);
}

void post_exited(struct core *c, struct node *n, const struct event *e)
{
        if (e->role == ROLE_CONTROL)
                post_ended(c, n, &e->reason);
}

void post_spawn_failed(struct core *c, struct node *n, const struct event *e)
{
        if (e->role == ROLE_CONTROL)
                post_ended(c, n, &e->reason);
}

void post_spawned(struct core *c, struct node *n, const struct event *e)
{
        n->flags &= (uint16_t) ~NF_SPAWNING_CTL;
        n->pid_control = (int32_t) e->arg;
        if (n->phase == PHASE_POST_KILL)
                (void) act(c, n, ACT_KILL);
}

void post_empty(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        if (!process_left(n))
                close_incarnation(c, n);
}

static void become_stuck(struct core *c, struct node *n)
{
        phase_enter(c, n, PHASE_STUCK, NSEC_NEVER);
        n->stuck = true;
        enter(c, n, STATE_STOPPING);
        (void) note(c, n, RULE_STUCK, n->cause);
        answer(c, n, EVT_STOP, RESULT_STUCK);
        answer(c, n, EVT_RESTART, RESULT_STUCK);
        child_stuck(c, n);
}

void post_timer(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        if (n->phase == PHASE_POST_KILL) {
                become_stuck(c, n);
                return;
        }
        if (n->phase == PHASE_STOP_POST)
                (void) note_ab(c, n, RULE_STOP_TIMEOUT, n->cause, spec_timeout_stop(n->spec), 0);
        (void) act(c, n, ACT_KILL);
        if (!process_left(n) && n->phase == PHASE_STOP_POST)
                (void) act(c, n, ACT_WATCH_EMPTY);
        phase_enter(c, n, PHASE_POST_KILL, STUCK_SEC * NSEC_PER_SEC);
}

/* --- until nothing is left --------------------------------------------------------------------------------------- */

static void nothing_left(struct core *c, struct node *n)
{
        if (n->stuck) /* and stays so until it is closed: its supervisor may have ended without it */
                (void) note(c, n, RULE_UNSTUCK, n->cause);
        clean_up(c, n);
}

/* The processes we started are gone; wait for the others, if they count. */
static void started_ones_gone(struct core *c, struct node *n)
{
        if (!whole_group(n) || (n->flags & NF_EMPTY) || !(n->flags & NF_OPENED)) {
                nothing_left(c, n);
                return;
        }
        /* Whoever was killed already keeps the time he has; else the timer fires right behind the answer. */
        phase_enter(c, n, PHASE_EMPTY, n->flags & NF_KILLED ? -1 : 0);
        (void) act(c, n, ACT_WATCH_EMPTY);
}

static void final_signal(struct core *c, struct node *n)
{
        int64_t sig = spec_int(n->spec, D_SERVICE_FinalKillSignal);

        if (n->ending.kind == REASON_KILLED || (n->flags & NF_KILLED))
                sig = SIGNAL_KILL;
        if (sig == SIGNAL_KILL && (whole_group(n) || n->ending.kind == REASON_KILLED))
                (void) act(c, n, ACT_KILL);
        else
                send_by_mode(c, n, whole_group(n), sig);
        n->flags |= NF_KILLED;
        phase_enter(c, n, process_left(n) ? PHASE_KILL : PHASE_EMPTY, STUCK_SEC * NSEC_PER_SEC);
}

/* The time of the first signal is used up. */
static void escalate(struct core *c, struct node *n)
{
        nsec waited = spec_timeout_stop(n->spec);

        if (n->ending.kind == REASON_SHUTDOWN)
                n->ending = REASON(REASON_STOP_TIMEOUT, 0);
        if (!spec_int(n->spec, D_SERVICE_SendSIGKILL) && !c->killing) {
                (void) note_ab(c, n, RULE_NOT_KILLED, n->cause, waited, 0);
                become_stuck(c, n);
                return;
        }
        (void) note_ab(c, n, RULE_STOP_TIMEOUT, n->cause, waited, 0);
        final_signal(c, n);
}

/* KillSignal= and what goes with it. `rule` says to whom it is for the first or the second time. */
static void ask_to_end(struct core *c, struct node *n, bool all, enum rule rule)
{
        int64_t sig = spec_int(n->spec, D_SERVICE_KillSignal);

        send_by_mode(c, n, all, sig);
        if (spec_int(n->spec, D_SERVICE_SendSIGHUP))
                send_by_mode(c, n, all, SIGNAL_HUP);
        (void) note_ab(c, n, rule, n->cause, sig, 0);
        n->flags |= NF_SIGNALLED;
}

static void first_signal(struct core *c, struct node *n)
{
        bool all = kill_mode(n) == KILL_CONTROL_GROUP;

        if (!(n->flags & NF_SIGNALLED))
                ask_to_end(c, n, all, RULE_STOP_SIGNAL);
        send_by_mode(c, n, all, SIGNAL_CONT);
}

/* Signal what runs; a process that is just being made gets its signal when its number is known. */
static void terminate(struct core *c, struct node *n)
{
        phase_enter(c, n, PHASE_TERM, spec_timeout_stop(n->spec));
        if (n->flags & (NF_SPAWNING | NF_SPAWNING_CTL)) {
                n->flags |= NF_STOP_WAITS;
        } else if (kill_mode(n) == KILL_NONE) {
                n->pid_main = n->pid_control = 0;
                nothing_left(c, n);
        } else if (!process_left(n)) {
                started_ones_gone(c, n);
        } else {
                first_signal(c, n);
        }
}

/* In KillMode=mixed nothing but FinalKillSignal= is for those who are not the main process. But where it may be one of
 * them, because nobody said which, none of them was asked yet. */
static bool asks_only_main(const struct node *n)
{
        return kill_mode(n) == KILL_MIXED && (n->flags & NF_SIGNALLED || spec_has(n->spec, D_SERVICE_PIDFile) ||
                                              spec_int(n->spec, D_SERVICE_Type) != TYPE_FORKING);
}

/* The processes we started are gone and others are left. */
static void leftovers(struct core *c, struct node *n)
{
        bool may_kill = spec_int(n->spec, D_SERVICE_SendSIGKILL) || c->killing, only_main = asks_only_main(n);

        (void) note(c, n, RULE_LEFTOVERS, n->cause);
        if (only_main && may_kill) {
                (void) note(c, n, RULE_REST_KILLED, n->cause);
                final_signal(c, n);
                return;
        }
        phase_enter(c, n, PHASE_REST, spec_timeout_stop(n->spec));
        if (only_main)
                return;
        ask_to_end(c, n, true, RULE_REST_SIGNAL);
        send(c, n, ROLE_ALL, SIGNAL_CONT);
}

void end_timer(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        if (n->flags & NF_KILLED && n->ending.kind != REASON_KILLED && n->command != D_NONE &&
            spec_int(n->spec, D_SERVICE_FinalKillSignal) != SIGNAL_KILL) {
                n->command = D_NONE; /* its own final signal did not help: now the real one, once */
                final_signal(c, n);
        } else if (n->flags & NF_KILLED) {
                become_stuck(c, n);
        } else if ((n->phase == PHASE_EMPTY || n->phase == PHASE_REST) && !whole_group(n)) {
                nothing_left(c, n); /* KillMode= was changed meanwhile */
        } else if (n->phase == PHASE_EMPTY) {
                leftovers(c, n);
        } else {
                escalate(c, n);
        }
}

void end_stuck(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        become_stuck(c, n);
}

void end_empty(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        n->flags |= NF_EMPTY;
        if (!process_left(n) && n->phase != PHASE_STOP)
                nothing_left(c, n);
}

/* A process asked to stop ended in a way that was not asked for: the truth is kept (FAILURES C9). */
static void truth(struct node *n, const struct reason *r)
{
        n->raw = *r;
        if (n->ending.kind != REASON_SHUTDOWN || end_is_clean(n->spec, r) || (n->flags & NF_KILLED))
                return;
        if (r->kind == REASON_SIGNAL && r->code == spec_int(n->spec, D_SERVICE_KillSignal))
                return;
        n->ending = *r;
}

static void forget_process(struct core *c, struct node *n, const struct event *e)
{
        if (e->role == ROLE_CONTROL) {
                n->pid_control = 0;
                n->flags &= (uint16_t) ~NF_SPAWNING_CTL;
                return;
        }
        if (e->kind == EVT_EXITED && e->arg && n->pid_main && e->arg != n->pid_main)
                return; /* of a process that was replaced by another main process */
        n->pid_main = 0;
        n->flags &= (uint16_t) ~NF_SPAWNING;
        truth(n, &e->reason);
        (void) note_full(c, n, e->kind == EVT_SPAWN_FAILED ? RULE_SPAWN_FAILED : RULE_EXITED, n->cause, NODE_NONE,
                         &e->reason, e->arg, 0);
}

void end_main_exited(struct core *c, struct node *n, const struct event *e)
{
        forget_process(c, n, e);
        if (!process_left(n) && n->phase != PHASE_EMPTY && n->phase != PHASE_REST)
                started_ones_gone(c, n);
}

void end_spawn_failed(struct core *c, struct node *n, const struct event *e)
{
        n->flags &= (uint16_t) ~NF_STOP_WAITS;
        end_main_exited(c, n, e);
}

void end_spawned(struct core *c, struct node *n, const struct event *e)
{
        n->flags &= (uint16_t) ~(e->role == ROLE_MAIN ? NF_SPAWNING : NF_SPAWNING_CTL);
        if (e->role == ROLE_MAIN)
                n->pid_main = (int32_t) e->arg;
        else
                n->pid_control = (int32_t) e->arg;
        if (n->flags & NF_KILLED) {
                final_signal(c, n);
        } else if (n->phase == PHASE_STOP && e->role == ROLE_CONTROL && n->command != D_SERVICE_ExecStop) {
                send(c, n, ROLE_CONTROL, SIGNAL_TERM);
        } else if (n->phase == PHASE_TERM && (n->flags & NF_STOP_WAITS)) {
                n->flags &= (uint16_t) ~NF_STOP_WAITS;
                terminate(c, n);
        }
}

void stuck_gone(struct core *c, struct node *n, const struct event *e)
{
        if (e->kind == EVT_EXITED)
                forget_process(c, n, e);
        else
                n->flags |= NF_EMPTY;
        if (process_left(n))
                return;
        if ((n->flags & NF_EMPTY) || !whole_group(n))
                nothing_left(c, n);
        else
                (void) act(c, n, ACT_WATCH_EMPTY);
}

/* --- ExecStop= --------------------------------------------------------------------------------------------------- */

static void stop_command_over(struct core *c, struct node *n, const struct reason *r)
{
        bool reload = n->command != D_SERVICE_ExecStop, ok = reload || command_ok(c, n, r); /* it stood in the way */
        uint16_t next = reload ? 0 : (uint16_t) (n->command_at + 1);

        n->pid_control = 0;
        n->flags &= (uint16_t) ~NF_SPAWNING_CTL;
        if (!ok && n->ending.kind == REASON_NORMAL) /* as in systemd: it ended well, and did not stop well */
                n->ending = *r;
        if (next < spec_count(n->spec, D_SERVICE_ExecStop) && (ok || n->ending.kind == REASON_SHUTDOWN))
                command_run(c, n, D_SERVICE_ExecStop, next, PHASE_STOP);
        else
                terminate(c, n);
}

void stop_exited(struct core *c, struct node *n, const struct event *e)
{
        if (e->role == ROLE_CONTROL)
                stop_command_over(c, n, &e->reason);
        else
                forget_process(c, n, e); /* the command did it; it may have more to do */
}

void stop_spawn_failed(struct core *c, struct node *n, const struct event *e)
{
        stop_exited(c, n, e);
}

/* ExecStop= takes too long: it is ended together with the service. */
void stop_timer(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        (void) note_ab(c, n, RULE_STOP_TIMEOUT, n->cause, spec_timeout_stop(n->spec), 0);
        if (n->ending.kind == REASON_NORMAL)
                n->ending = REASON(REASON_STOP_TIMEOUT, 0);
        terminate(c, n);
}

/* --- the ways in ------------------------------------------------------------------------------------------------- */

static void begin_end(struct core *c, struct node *n, struct reason r)
{
        if (n->ending.kind == REASON_NONE)
                n->ending = r;
        n->ready = false;
        n->runtime_at = n->watchdog_at = NSEC_NEVER;
        enter(c, n, STATE_STOPPING);
        if (n->frozen) {
                n->frozen = false;
                (void) act(c, n, ACT_THAW);
        }
        answer(c, n, EVT_RELOAD, RESULT_STOPPED);
}

void service_end_with(struct core *c, struct node *n, struct reason r, bool commands)
{
        bool opened = n->flags & NF_OPENED;

        begin_end(c, n, r);
        if (!opened) {
                close_incarnation(c, n);
        } else if (commands && (n->flags & NF_STARTED) && spec_count(n->spec, D_SERVICE_ExecStop) && !c->killing) {
                phase_enter(c, n, PHASE_STOP, spec_timeout_stop(n->spec));
                if (n->pid_control) /* ExecReload= runs: there is one control process at a time */
                        send(c, n, ROLE_CONTROL, SIGNAL_TERM);
                else if (!(n->flags & NF_SPAWNING_CTL))
                        command_run(c, n, D_SERVICE_ExecStop, 0, PHASE_STOP);
        } else {
                terminate(c, n);
        }
}

void service_kill_now(struct core *c, struct node *n, struct reason r)
{
        begin_end(c, n, r);
        n->ending = r;
        if (!(n->flags & NF_OPENED))
                close_incarnation(c, n);
        else
                final_signal(c, n);
        if (n->phase == PHASE_EMPTY)
                (void) act(c, n, ACT_WATCH_EMPTY);
}

/* It has said that it stops, and is still there. */
void up_overdue(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        begin_end(c, n, REASON(REASON_STOP_TIMEOUT, 0));
        escalate(c, n);
}

/* The kernel took one of its processes. That of the main process is told by EVT_EXITED as well, in any order. */
void oom_struck(struct core *c, struct node *n, const struct event *e)
{
        enum oom_policy policy = spec_oom_policy(n->spec);

        (void) note_full(c, n, RULE_OUT_OF_MEMORY, 0, NODE_NONE, &e->reason, 0, 0);
        if (policy == OOM_STOP) {
                service_end_with(c, n, e->reason, false);
        } else if (policy == OOM_KILL) {
                n->flags |= NF_KILLED;
                service_kill_now(c, n, e->reason);
        }
}

/* `exit NODE REASON`: its end counts as its own doing. */
void end_asked_exit(struct core *c, struct node *n, const struct event *e)
{
        (void) note_full(c, n, RULE_ASKED_EXIT, 0, NODE_NONE, &e->reason, 0, 0);
        if (e->reason.kind == REASON_KILLED)
                service_kill_now(c, n, e->reason);
        else if (n->phase < PHASE_STOP)
                service_end_with(c, n, e->reason, false);
}
