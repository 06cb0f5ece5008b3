/* service.c - one service on its way up, and how its main process ends: cells of the table in machine.c. Life is
 * service_run.c, the way down service_end.c.
 * Used by: core.c, supervisor.c.  Uses: machine.h, service.h.  Tested by: tests/unit/service.c */
#include "core/bond_priv.h"
#include "core/machine.h"
#include "core/resolve.h"
#include "core/restart.h"
#include "core/service.h"
#include "core/supervisor.h"

static const struct {
        enum directive list;
        enum phase phase;
} stages[] = {
        { D_SERVICE_ExecCondition, PHASE_CONDITION },
        { D_SERVICE_ExecStartPre, PHASE_PRE },
        { D_SERVICE_ExecStart, PHASE_MAIN },
        { D_SERVICE_ExecStartPost, PHASE_POST },
};
enum { STAGES = sizeof(stages) / sizeof(stages[0]), STAGE_AT_MAIN = 2, STAGE_AT_POST = 3 };

static enum service_type type_of(const struct node *n)
{
        return (enum service_type) spec_int(n->spec, D_SERVICE_Type);
}

/* Is there a word from the service to wait for? */
static bool wants_ready(const struct node *n)
{
        enum service_type type = type_of(n);

        return type == TYPE_NOTIFY ||
               (spec_int(n->spec, D_SERVICE_NotifyFd) != SPEC_UNSET && type != TYPE_ONESHOT && type != TYPE_FORKING);
}

/* timeout: ns from now; NSEC_NEVER = none; -1 = the running one goes on (a start has one for all its phases). */
void phase_enter(struct core *c, struct node *n, enum phase phase, nsec timeout)
{
        n->phase = (uint8_t) phase;
        if (timeout >= 0)
                n->deadline = nsec_add(c->now, timeout);
}

/* Has the start to wait for the program to run? With PrivatePIDs= always: before that nobody could enter its process
 * namespace, or would take the number of the program there. */
static bool started_by_exec(const struct node *n)
{
        enum service_type type = type_of(n);

        return !wants_ready(n) && (type == TYPE_EXEC || ((type == TYPE_SIMPLE || type == TYPE_IDLE) &&
                                                         spec_int(n->spec, D_SERVICE_PrivatePIDs) > 0));
}

void command_run(struct core *c, struct node *n, enum directive d, uint16_t at, enum phase phase)
{
        bool main_one = d == D_SERVICE_ExecStart;
        struct action *a = act(c, n, ACT_SPAWN);

        a->role = main_one ? ROLE_MAIN : ROLE_CONTROL;
        a->directive = (uint16_t) d;
        a->index = at;
        a->confirm_exec = main_one && (type_of(n) == TYPE_EXEC || started_by_exec(n));
        a->reason = n->ending;
        n->command = (uint16_t) d;
        n->command_at = at;
        n->flags |= main_one ? NF_SPAWNING : NF_SPAWNING_CTL;
        n->flags &= (uint16_t) ~NF_EMPTY;
        n->phase = (uint8_t) phase;
}

/* --- up ------------------------------------------------------------------------------------------------------- */

static void report_started(struct core *c, struct node *n)
{
        n->flags |= NF_STARTED;
        n->ready = true;
        n->ready_at = c->now;
        enter(c, n, STATE_RUNNING);
        (void) note_ab(c, n, RULE_READY, n->cause, n->pid_main, 0);
        child_started(c, n);
}

static void go_up(struct core *c, struct node *n)
{
        enum service_type type = type_of(n);

        phase_enter(c, n, PHASE_UP, NSEC_NEVER);
        n->runtime_at = nsec_add(c->now, spec_int(n->spec, D_SERVICE_RuntimeMaxSec));
        service_watch(c, n);
        report_started(c, n);
        if (type == TYPE_ONESHOT && !spec_int(n->spec, D_SERVICE_RemainAfterExit)) {
                (void) note(c, n, RULE_ONESHOT_DONE, n->cause);
                service_ended(c, n, REASON(REASON_NORMAL, 0));
        } else if (type == TYPE_FORKING && n->pid_main == 0) {
                (void) act(c, n, ACT_WATCH_EMPTY); /* no main process is known: it lives while anything is left */
        }
}

/* Run the next command of a start from stage `at`, command `index` on; behind the last one the service is up. */
static void go_on(struct core *c, struct node *n, size_t stage, size_t index)
{
        for (; stage < STAGES; stage++, index = 0) {
                if (index < spec_count(n->spec, stages[stage].list)) {
                        command_run(c, n, stages[stage].list, (uint16_t) index, stages[stage].phase);
                        return;
                }
        }
        go_up(c, n);
}

static void begin_commands(struct core *c, struct node *n)
{
        phase_enter(c, n, PHASE_PRE, spec_timeout_start(n->spec));
        (void) act(c, n, ACT_OPEN);
        n->flags |= NF_OPENED;
        bonds_born(c, n);
        go_on(c, n, 0, 0);
}

static bool sibling_starts(const struct core *c, const struct node *n)
{
        const struct node *p = parent_of(c, n);

        return p && p->super->busy[CHILD_STARTING] + p->super->busy[CHILD_QUEUED] > 1;
}

static void begin(struct core *c, struct node *n)
{
        if (type_of(n) == TYPE_IDLE && sibling_starts(c, n))
                phase_enter(c, n, PHASE_IDLE, IDLE_SEC * NSEC_PER_SEC);
        else
                begin_commands(c, n);
}

void service_start(struct core *c, struct node *n, uint64_t cause)
{
        n->incarnation++;
        n->flags &= NF_CHECK | NF_MISSING;
        if (spec_int(n->spec, D_SERVICE_TrapExit))
                n->flags |= NF_TRAP;
        n->ending = n->raw = REASON(REASON_NONE, 0);
        n->pid_main = n->pid_control = 0;
        n->started_at = c->now;
        n->ready_at = n->next_start_at = NSEC_NEVER;
        n->runtime_at = n->watchdog_at = NSEC_NEVER;
        n->watchdog_every = spec_int(n->spec, D_SERVICE_WatchdogSec);
        enter(c, n, STATE_STARTING);
        (void) note_ab(c, n, RULE_STARTING, cause, n->incarnation, 0);
        if (n->flags & NF_CHECK) {
                phase_enter(c, n, PHASE_CHECK, spec_timeout_start(n->spec));
                (void) act(c, n, ACT_CHECK);
        } else {
                begin(c, n);
        }
        timer_update(c, n);
}

void on_checked(struct core *c, struct node *n, const struct event *e)
{
        if (e->arg == VERDICT_PASS) {
                begin(c, n);
                return;
        }
        if (e->arg == VERDICT_SKIP)
                n->flags |= NF_SKIPPED;
        (void) note_ab(c, n, e->arg == VERDICT_SKIP ? RULE_CONDITION_UNMET : RULE_ASSERT_FAILED, n->cause,
                       (e->arg2 >> 32) - 1, e->arg2 & INT32_MAX);
        service_end_with(c, n, REASON(REASON_CONDITION, 0), false);
}

void idle_over(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        begin_commands(c, n);
}

/* --- the commands before and after ---------------------------------------------------------------------------- */

void control_spawned(struct core *c, struct node *n, const struct event *e)
{
        (void) c;
        n->flags &= (uint16_t) ~(e->role == ROLE_MAIN ? NF_SPAWNING : NF_SPAWNING_CTL);
        if (e->role == ROLE_MAIN)
                n->pid_main = (int32_t) e->arg;
        else
                n->pid_control = (int32_t) e->arg;
}

static bool forgiven(const struct node *n)
{
        return spec_command(n->spec, n->command, n->command_at).flags & CMD_IGNORE_FAILURE;
}

/* Did the control command do its work? Says so when it did not. */
bool command_ok(struct core *c, struct node *n, const struct reason *r)
{
        if (!reason_abnormal(r))
                return true;
        (void) note_full(c, n, forgiven(n) ? RULE_COMMAND_FORGIVEN : RULE_COMMAND_FAILED, n->cause, NODE_NONE, r,
                         n->command, n->command_at);
        return forgiven(n);
}

static void condition_done(struct core *c, struct node *n, const struct reason *r)
{
        bool quiet = r->kind == REASON_EXIT && r->code >= 1 && r->code <= 254;

        if (!reason_abnormal(r) || (!quiet && forgiven(n))) {
                go_on(c, n, 0, n->command_at + 1U);
                return;
        }
        (void) note_full(c, n, RULE_EXEC_CONDITION, n->cause, NODE_NONE, r, 0, 0);
        if (quiet)
                n->flags |= NF_SKIPPED;
        service_end_with(c, n, quiet ? REASON(REASON_CONDITION, 0) : *r, false);
}

static void pre_done(struct core *c, struct node *n, const struct reason *r)
{
        if (command_ok(c, n, r))
                go_on(c, n, 1, n->command_at + 1U);
        else
                service_end_with(c, n, *r, false);
}

static void post_done(struct core *c, struct node *n, const struct reason *r)
{
        if (command_ok(c, n, r))
                go_on(c, n, STAGE_AT_POST, n->command_at + 1U);
        else
                service_end_with(c, n, *r, false);
}

static void control_ended(struct core *c, struct node *n, const struct reason *r)
{
        n->pid_control = 0;
        n->flags &= (uint16_t) ~NF_SPAWNING_CTL;
        switch (n->phase) {
        case PHASE_CONDITION: condition_done(c, n, r); break;
        case PHASE_PRE: pre_done(c, n, r); break;
        case PHASE_POST: post_done(c, n, r); break;
        default: reload_command_done(c, n, r); break;
        }
}

void command_exited(struct core *c, struct node *n, const struct event *e)
{
        if (e->role == ROLE_CONTROL)
                control_ended(c, n, &e->reason);
}

/* --- the main process ----------------------------------------------------------------------------------------- */

static void main_started(struct core *c, struct node *n)
{
        go_on(c, n, STAGE_AT_POST, 0);
}

void main_spawned(struct core *c, struct node *n, const struct event *e)
{
        enum service_type type = type_of(n);

        control_spawned(c, n, e);
        if (e->role == ROLE_MAIN && (type == TYPE_SIMPLE || type == TYPE_IDLE) && !wants_ready(n) &&
            !started_by_exec(n))
                main_started(c, n);
}

void main_execed(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        if (!wants_ready(n)) /* it only comes to who has asked for it, perhaps with another spec */
                main_started(c, n);
}

void main_ready(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        if (wants_ready(n))
                main_started(c, n);
}

void main_pid(struct core *c, struct node *n, const struct event *e)
{
        bool forked = n->phase == PHASE_MAIN && type_of(n) == TYPE_FORKING && (n->flags & NF_ENDED_FAST);

        if (e->arg == 0 && !forked)
                return;
        n->pid_main = (int32_t) e->arg;
        (void) note_ab(c, n, e->arg ? RULE_MAIN_PID : RULE_NO_MAIN_PID, n->cause, e->arg, 0);
        if (forked)
                main_started(c, n);
}

/* The end of a main process as the incarnation's reason: what counts as clean is `normal`. */
static struct reason judged(const struct node *n, const struct reason *r)
{
        if (end_is_clean(n->spec, r))
                return r->kind == REASON_SHUTDOWN ? *r : REASON(REASON_NORMAL, 0);
        return *r;
}

static void main_gone(struct core *c, struct node *n, const struct event *e)
{
        n->raw = e->reason;
        n->pid_main = 0;
        n->flags &= (uint16_t) ~NF_SPAWNING;
        (void) note_full(c, n, e->kind == EVT_SPAWN_FAILED ? RULE_SPAWN_FAILED : RULE_EXITED, n->cause, NODE_NONE,
                         &e->reason, e->arg, 0);
}

void service_remain(struct core *c, struct node *n)
{
        (void) note(c, n, RULE_REMAINS, n->cause);
        if (n->phase != PHASE_UP || n->state != STATE_STOPPING)
                return;
        phase_enter(c, n, PHASE_UP, NSEC_NEVER); /* it had said that it would end */
        n->ready = true;
        enter(c, n, STATE_RUNNING);
}

/* The request that sent the signal it ended by: the newest word about it or about a branch it is in, a moment ago. */
static uint64_t asked_signal(const struct core *c, const struct node *n, const struct reason *r)
{
        if (r->kind != REASON_SIGNAL)
                return 0;
        for (; n; n = parent_of(c, n)) {
                const struct record *last = core_record(c, n->last_seq);

                if (last && last->rule == RULE_ASKED_SIGNAL && last->a == r->code &&
                    c->now - last->at <= SIGNAL_SEC * NSEC_PER_SEC)
                        return last->seq;
        }
        return 0;
}

/* It ended although it should run on. */
static void up_main_exited(struct core *c, struct node *n, const struct event *e)
{
        struct reason r = judged(n, &e->reason);

        n->cause = asked_signal(c, n, &e->reason); /* 0: nobody asked for it: a first cause */
        main_gone(c, n, e);
        if (!(n->flags & NF_STARTED))
                report_started(c, n);
        if (!reason_abnormal(&r) && spec_int(n->spec, D_SERVICE_RemainAfterExit) && e->kind == EVT_EXITED) {
                if (n->phase == PHASE_UP)
                        service_remain(c, n);
                return;
        }
        service_ended(c, n, r);
}

static void oneshot_exited(struct core *c, struct node *n, const struct event *e)
{
        struct reason r = judged(n, &e->reason);

        main_gone(c, n, e);
        if (reason_abnormal(&r) && !forgiven(n))
                service_end_with(c, n, r, false);
        else
                go_on(c, n, STAGE_AT_MAIN, n->command_at + 1U);
}

static void forking_exited(struct core *c, struct node *n, const struct event *e)
{
        struct reason r = judged(n, &e->reason);
        int32_t daemon = n->pid_main != (int32_t) e->arg ? n->pid_main : 0;

        main_gone(c, n, e);
        n->pid_main = daemon;
        if (reason_abnormal(&r))
                service_end_with(c, n, r, false);
        else if (daemon)
                main_started(c, n);
        else
                n->flags |= NF_ENDED_FAST; /* EVT_MAINPID will name the daemon it left */
}

void main_exited(struct core *c, struct node *n, const struct event *e)
{
        struct reason r = judged(n, &e->reason);
        enum service_type type = type_of(n);

        if (e->role == ROLE_CONTROL)
                return;
        if (type == TYPE_ONESHOT) {
                oneshot_exited(c, n, e);
        } else if (type == TYPE_FORKING) {
                forking_exited(c, n, e);
        } else if (wants_ready(n)) {
                main_gone(c, n, e);
                (void) note_full(c, n, RULE_READY_LOST, n->cause, NODE_NONE, &r, 0, 0);
                service_end_with(c, n, reason_abnormal(&r) ? r : REASON(REASON_PROTOCOL, 0), false);
        } else {
                up_main_exited(c, n, e);
        }
}

/* Of a process that was replaced by another main process (MAINPID=). */
static bool stale_main(const struct node *n, const struct event *e)
{
        return e->kind == EVT_EXITED && e->arg && n->pid_main && e->arg != n->pid_main;
}

void up_exited(struct core *c, struct node *n, const struct event *e)
{
        if (e->role == ROLE_CONTROL) {
                if (n->phase != PHASE_UP)
                        control_ended(c, n, &e->reason);
                else
                        n->pid_control = 0; /* of a reload that had been given up */
        } else if (!stale_main(n, e)) {
                up_main_exited(c, n, e);
        }
}

void start_spawn_failed(struct core *c, struct node *n, const struct event *e)
{
        if (e->role == ROLE_CONTROL) {
                control_ended(c, n, &e->reason);
                return;
        }
        main_gone(c, n, e);
        service_end_with(c, n, e->reason, false);
}

void up_spawn_failed(struct core *c, struct node *n, const struct event *e)
{
        if (e->role == ROLE_CONTROL)
                control_ended(c, n, &e->reason);
        else
                up_main_exited(c, n, e);
}

/* What a start that takes too long has been waiting for. */
static enum late late_for(const struct node *n)
{
        const int64_t type = spec_int(n->spec, D_SERVICE_Type);

        if (n->phase == PHASE_CHECK)
                return LATE_CHECK;
        if (n->phase != PHASE_MAIN || type == TYPE_ONESHOT)
                return LATE_COMMAND;
        if (spec_int(n->spec, D_SERVICE_NotifyFd) != SPEC_UNSET)
                return LATE_NOTIFY_FD;
        if (type == TYPE_FORKING)
                return n->flags & NF_ENDED_FAST ? LATE_PID_FILE : LATE_UNKNOWN;
        return type == TYPE_NOTIFY ? LATE_READY : LATE_UNKNOWN;
}

void start_timeout(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        (void) note_ab(c, n, RULE_START_TIMEOUT, n->cause, c->now - n->started_at, late_for(n));
        service_end_with(c, n, REASON(REASON_START_TIMEOUT, 0), false);
}

/* --- asked to end --------------------------------------------------------------------------------------------- */

void stop_early(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        service_end_with(c, n, REASON(REASON_SHUTDOWN, 0), false);
}

void stop_up(struct core *c, struct node *n, const struct event *e)
{
        (void) e;
        service_end_with(c, n, REASON(REASON_SHUTDOWN, 0), true);
}

void service_stop(struct core *c, struct node *n, uint64_t cause)
{
        struct event e = { .kind = EVT_STOP, .node = n->id };

        if (n->phase == PHASE_NONE)
                return;
        n->flags |= NF_ASKED;
        if (n->phase < PHASE_STOP)
                (void) note(c, n, RULE_STOPPING, cause);
        service_event(c, n, &e);
}
