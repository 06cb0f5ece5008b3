/* service_run.c - a service that is up: reload, watchdog, and what it says of itself.
 * Used by: machine.c.  Uses: machine.h.  Tested by: tests/unit/service.c */
#include "core/machine.h"
#include "core/resolve.h"
#include "core/service.h"

void service_watch(struct core *c, struct node *n)
{
        n->watchdog_at = n->watchdog_every > 0 && n->state != STATE_STOPPING ? nsec_add(c->now, n->watchdog_every)
                         : NSEC_NEVER;
}

static void reload_over(struct core *c, struct node *n, enum result result)
{
        phase_enter(c, n, PHASE_UP, NSEC_NEVER);
        enter(c, n, STATE_RUNNING);
        if (result == RESULT_OK)
                (void) note(c, n, RULE_RELOADED, n->cause);
        answer(c, n, EVT_RELOAD, result);
}

void reload_command_done(struct core *c, struct node *n, const struct reason *r)
{
        if (!command_ok(c, n, r)) {
                (void) note_full(c, n, RULE_RELOAD_FAILED, n->cause, NODE_NONE, r, 0, 0);
                reload_over(c, n, RESULT_FAILED);
        } else if (n->command_at + 1U < spec_count(n->spec, D_SERVICE_ExecReload)) {
                command_run(c, n, D_SERVICE_ExecReload, (uint16_t) (n->command_at + 1), PHASE_RELOAD);
        } else {
                reload_over(c, n, RESULT_OK);
        }
}

static void begin_reload(struct core *c, struct node *n)
{
        phase_enter(c, n, PHASE_RELOAD, spec_timeout_start(n->spec));
        enter(c, n, STATE_RELOADING);
        (void) note(c, n, RULE_RELOADING, n->cause);
}

void up_reload(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        if (n->state == STATE_STOPPING) {
                answer(c, n, EVT_RELOAD, RESULT_STOPPED);
                return;
        }
        if (n->pid_control || (n->flags & NF_SPAWNING_CTL)) { /* of a reload that was given up and has not ended */
                answer(c, n, EVT_RELOAD, RESULT_BUSY);
                return;
        }
        begin_reload(c, n);
        command_run(c, n, D_SERVICE_ExecReload, 0, PHASE_RELOAD);
}

void up_reloading(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        if (n->state == STATE_STOPPING)
                return;
        n->command = D_NONE; /* its own doing: READY=1 will end it */
        begin_reload(c, n);
}

void reload_ready(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        if (n->command == D_NONE)
                reload_over(c, n, RESULT_OK);
}

/* A reload that takes too long has failed; the service runs on. */
void reload_timeout(struct core *c, struct node *n, const struct event *e)
{
        struct reason r = REASON(REASON_TIMEOUT, 0);

        (void) e;
        if (n->pid_control)
                act(c, n, ACT_SIGNAL)->role = ROLE_CONTROL;
        if (n->pid_control)
                c->actions[c->action_len - 1].arg = 9;
        (void) note_full(c, n, RULE_RELOAD_FAILED, n->cause, NODE_NONE, &r, 0, 0);
        reload_over(c, n, RESULT_FAILED);
}

/* STOPPING=1: it ends by itself, and has TimeoutStopSec= for that, as if it had been asked to. A
 * start or a reload goes on. */
void up_stopping(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        if (n->phase != PHASE_UP || n->state == STATE_STOPPING)
                return;
        n->ready = false;
        n->runtime_at = n->watchdog_at = NSEC_NEVER;
        phase_enter(c, n, PHASE_UP, spec_timeout_stop(n->spec));
        enter(c, n, STATE_STOPPING);
        (void) note(c, n, RULE_SAID_STOPPING, n->cause);
}

void watchdog_ping(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        service_watch(c, n);
}

void watchdog_set(struct core *c, struct node *n, const struct event *e)
{
        n->watchdog_every = e->arg;
        n->flags |= NF_WATCHDOG_OWN;
        if (n->phase == PHASE_UP || n->phase == PHASE_RELOAD)
                service_watch(c, n);
}

void service_bite(struct core *c, struct node *n, enum rule rule)
{
        struct action *a;

        n->cause = 0;
        (void) note_ab(c, n, rule, 0, n->watchdog_every, 0);
        a = act(c, n, ACT_SIGNAL);
        a->role = ROLE_MAIN;
        a->arg = 6; /* SIGABRT: a core dump tells where it hung */
        n->flags |= NF_SIGNALLED;
        service_end_with(c, n, REASON(REASON_WATCHDOG, 0), false);
}

void watchdog_trigger(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        service_bite(c, n, RULE_WATCHDOG_TRIGGER);
}

/* EXTEND_TIMEOUT_USEC: whichever limit runs now ends no sooner than that. */
void extend(struct core *c, struct node *n, const struct event *e)
{
        nsec until = nsec_add(c->now, e->arg);

        if (n->deadline != NSEC_NEVER && n->deadline < until)
                n->deadline = until;
        if (n->runtime_at != NSEC_NEVER && n->runtime_at < until)
                n->runtime_at = until;
        (void) note_ab(c, n, RULE_EXTENDED, n->cause, e->arg, 0);
}

/* Nothing is left of a forking service whose main process is not known. */
void up_empty(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        if (n->pid_main || spec_int(n->spec, D_SERVICE_Type) != TYPE_FORKING)
                return;
        n->cause = 0;
        if (spec_int(n->spec, D_SERVICE_RemainAfterExit)) {
                service_remain(c, n);
                return;
        }
        n->flags |= NF_EMPTY;
        service_ended(c, n, REASON(REASON_NORMAL, 0));
}

/* systemd's manual says that ExecStop= runs however a service that was up has ended; systemd 252 itself runs it only
 * when it has ended well, and it is what files are written for: a restart after a crash waits for no such command. Who
 * has said STOPPING=1 is past it. */
void service_ended(struct core *c, struct node *n, struct reason r)
{
        bool commands = !reason_abnormal(&r) && n->state != STATE_STOPPING && !c->killing &&
                        spec_count(n->spec, D_SERVICE_ExecStop) > 0;

        if (commands)
                (void) note(c, n, RULE_STOP_COMMANDS, n->cause);
        service_end_with(c, n, r, commands);
}
