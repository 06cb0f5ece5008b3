/* supervisor.c - what a supervisor decides about a child that has ended.
 *
 * A supervisor is an actor: it has a queue of messages (a child ended, a start is to be tried again, a request) and
 * at most one job, the work that takes several steps (job.c). In SEQUENTIAL mode it takes a message only when it has
 * no job, which is OTP's order of things; in PARALLEL mode (one_for_one) children go their ways independently.
 * The rules are those of OTP 25, see otp/README.md in the documentation of the tests and FIELD 4a.
 * Used by: core.c.  Uses: machine.h, restart.h.  Tested by: tests/unit/supervisor.c, tests/otp-replay.c */
#include "core/machine.h"
#include "core/resolve.h"
#include "core/restart.h"

static enum strategy strategy_of(const struct node *s)
{
        return (enum strategy) spec_int(s->spec, D_SUPERVISOR_Strategy);
}

bool super_parallel(const struct node *s)
{
        return strategy_of(s) == ONE_FOR_ONE && spec_start_mode(s->spec) != START_SEQUENTIAL;
}

bool super_isolates(const struct node *s)
{
        return spec_int(s->spec, D_SUPERVISOR_Escalation) == ISOLATE;
}

bool child_temporary(const struct node *n)
{
        return spec_restart(n->spec) == RESTART_TEMPORARY;
}

void child_set(struct core *c, struct node *n, enum child_status status)
{
        struct node *p = parent_of(c, n);

        if (p) {
                p->super->busy[n->child]--;
                p->super->busy[status]++;
        }
        n->child = (uint8_t) status;
        if (status != CHILD_RESTARTING && n->next_start_at != NSEC_NEVER) {
                n->next_start_at = NSEC_NEVER;
                timer_update(c, n);
        }
}

void node_start(struct core *c, struct node *n, uint64_t cause)
{
        n->child_flags &= (uint16_t) ~(CF_FAILED | CF_DEAD | CF_HELD | CF_STOP_WAIT | CF_DROP | CF_COUNTED);
        n->want = WANT_UP;
        if (n->stuck) { /* child_ended() will start it */
                child_set(c, n, CHILD_QUEUED);
                (void) note_ab(c, n, RULE_REFUSED_STUCK, cause, n->incarnation, 0);
                return;
        }
        child_set(c, n, CHILD_STARTING);
        if (is_super(n))
                super_start(c, n, cause);
        else
                service_start(c, n, cause);
}

void node_stop(struct core *c, struct node *n, uint64_t cause)
{
        child_set(c, n, CHILD_STOPPING);
        n->child_flags &= (uint16_t) ~CF_STOP_WAIT;
        if (is_super(n))
                super_stop(c, n, cause);
        else
                service_stop(c, n, cause);
}

/* --- reports of children ------------------------------------------------------------------------------------- */

void child_started(struct core *c, struct node *n)
{
        struct node *p = parent_of(c, n);

        answer(c, n, EVT_START, RESULT_OK);
        answer(c, n, EVT_RESTART, RESULT_OK);
        n->child_flags &= (uint16_t) ~(CF_PULL | CF_FAILED);
        if (n->child == CHILD_STARTING)
                child_set(c, n, CHILD_UP);
        order_changed(c, n);
        if (p)
                core_wake(c, p);
}

/* FNV-1a. */
uint32_t stem_hash(const char *stem)
{
        uint32_t h = 2166136261U;

        for (; *stem; stem++)
                h = (h ^ (uint8_t) *stem) * 16777619U;
        return h;
}

static void stays_down(struct core *c, struct node *s, struct node *n, enum rule rule);

static void push_exit(struct core *c, struct node *p, struct node *n)
{
        uint32_t at = msg_take(c, false);

        n->child_flags |= CF_DEAD;
        if (at == MSG_NONE)
                return; /* cannot be: there is one for every node */
        c->pool[at] = (struct msg) { .kind = MSG_EXIT, .node = n->id, .incarnation = n->incarnation,
                                     .cause = n->cause, .next = MSG_NONE };
        queue_push(c, p, at);
}

static void push_retry(struct core *c, struct node *p, struct node *n)
{
        uint32_t at = msg_take(c, false);

        if (at == MSG_NONE)
                return;
        c->pool[at] = (struct msg) { .kind = MSG_RETRY, .node = n->id, .cause = n->cause, .next = MSG_NONE,
                                     .token = stem_hash(spec_stem(n->spec)) };
        queue_push(c, p, at);
}

/* It was asked to stop and is down; it may be wanted up again, or not at all any more. */
static void stopped(struct core *c, struct node *p, struct node *n)
{
        bool again = n->child_flags & CF_AGAIN;

        child_set(c, n, n->child_flags & CF_DROP ? CHILD_GONE : CHILD_DOWN);
        n->child_flags &= (uint16_t) ~(CF_DROP | CF_AGAIN);
        enter(c, n, STATE_INACTIVE);
        answer(c, n, EVT_STOP, RESULT_OK);
        if (!again) {
                answer(c, n, EVT_START, RESULT_STOPPED);
                answer(c, n, EVT_RESTART, RESULT_STOPPED);
        }
        order_changed(c, n);
        core_wake(c, p);
        if ((n->child_flags & CF_DELETE) && core_has_life(c, n)) {
                n->child_flags &= (uint16_t) ~CF_DELETE; /* what is left below it must not be lost sight of */
                answer(c, n, EVT_DELETE, RESULT_STUCK);
        } else if (n->child_flags & CF_DELETE) {
                answer(c, n, EVT_DELETE, RESULT_OK);
                core_forget(c, n);
        } else if (again && n->want == WANT_UP) {
                (void) start_now(c, n, n->cause);
        }
}

static void start_ended(struct core *c, struct node *p, struct node *n)
{
        if (n->flags & NF_ASKED) {
                stopped(c, p, n);
        } else if (n->flags & NF_SKIPPED) {
                child_set(c, n, CHILD_DOWN);
                enter(c, n, STATE_INACTIVE);
                answer(c, n, EVT_START, RESULT_CONDITION);
                answer(c, n, EVT_RESTART, RESULT_CONDITION);
                order_changed(c, n);
        } else {
                child_start_failed(c, p, n);
        }
        core_wake(c, p);
}

void child_ended(struct core *c, struct node *n)
{
        struct node *p = parent_of(c, n);

        (void) note_full(c, n, is_super(n) ? RULE_SUP_EXIT : RULE_ENDED, n->cause, NODE_NONE, &n->last_reason,
                         n->incarnation, 0);
        n->child_flags &= (uint16_t) ~CF_STOP_WAIT; /* ended before its turn to be stopped had come */
        switch (n->child) {
        case CHILD_STARTING:
                start_ended(c, p, n);
                break;
        case CHILD_UP:
                if (p->super->job == JOB_END || p->super->job == JOB_UNWIND) {
                        stopped(c, p, n);
                        break;
                }
                enter(c, n, reason_abnormal(&n->last_reason) ? STATE_FAILED : STATE_FINISHED);
                push_exit(c, p, n);
                core_wake(c, p);
                break;
        case CHILD_STOPPING:
                stopped(c, p, n);
                break;
        case CHILD_QUEUED: /* was stuck, and somebody waits for it */
                node_start(c, n, n->cause);
                break;
        default:
                enter(c, n, STATE_INACTIVE);
                order_changed(c, n);
                core_wake(c, p);
                break;
        }
}

/* Its processes cannot be killed. A supervisor that ends does not wait for them. */
void child_stuck(struct core *c, struct node *n)
{
        struct node *p = parent_of(c, n);

        if (p->super->job == JOB_END || p->super->job == JOB_UNWIND)
                child_set(c, n, CHILD_DOWN);
        order_changed(c, n); /* nor do its siblings */
        core_wake(c, p);
}

/* The start failed. The job at hand sees it by itself; a child on its own gets its next attempt here. */
void child_start_failed(struct core *c, struct node *p, struct node *n)
{
        struct super *s = p->super;

        n->child_flags |= CF_FAILED;
        child_set(c, n, CHILD_DOWN);
        enter(c, n, STATE_FAILED);
        answer(c, n, EVT_START, RESULT_START_FAILED);
        answer(c, n, EVT_RESTART, RESULT_START_FAILED);
        core_wake(c, p);
        if (s->issued && s->cursor == n->id)
                return; /* job_step() goes on from here */
        if (s->job == JOB_START && !super_isolates(p)) {
                super_fail_start(c, p, n, n->cause);
        } else if (n->last_reason.kind == REASON_DEPENDENCY) {
                n->child_flags |= CF_PULL;
                order_changed(c, n);
        } else if (n->child_flags & CF_RETRY) {
                child_retry_later(c, p, n);
        } else {
                order_changed(c, n);
        }
}

/* Its start failed: that is an end like another, so Restart= says whether there is a next attempt. If so, it goes to
 * the end of the queue (OTP: try_again_restart). */
void child_retry_later(struct core *c, struct node *p, struct node *n)
{
        if (restart_decide(n->spec, &n->last_reason, &n->last_reason) == STAYS_DOWN) {
                stays_down(c, p, n, RULE_NO_RESTART);
                return;
        }
        child_set(c, n, CHILD_RESTARTING);
        push_retry(c, p, n);
        order_changed(c, n);
}

void child_tick(struct core *c, struct node *n)
{
        struct node *p = parent_of(c, n);

        (void) note_ab(c, n, RULE_BACKOFF_OVER, n->cause, c->now - n->since, 0);
        n->next_start_at = NSEC_NEVER;
        n->child_flags |= CF_COUNTED;
        timer_update(c, n);
        if (n->child == CHILD_RESTARTING && p)
                push_retry(c, p, n);
}

/* Whatever was planned for a child that does not run is off. */
void child_cancel(struct core *c, struct node *s, struct node *n)
{
        (void) s;
        n->child_flags &= (uint16_t) ~(CF_DEAD | CF_COUNTED | CF_AGAIN | CF_STOP_WAIT);
        child_set(c, n, CHILD_DOWN);
        if (n->state == STATE_BACKOFF || n->state == STATE_STARTING)
                enter(c, n, STATE_INACTIVE);
}

/* --- restart or not ------------------------------------------------------------------------------------------- */

static struct window *window_of(struct node *s, struct node *n)
{
        return super_isolates(s) ? n->window : s->super->window;
}

static void auto_shutdown(struct core *c, struct node *s, struct node *n);

static void gave_up(struct core *c, struct node *s, struct node *n, struct window *w)
{
        int64_t would_be = (int64_t) window_max(w) + 1;

        child_set(c, n, child_temporary(n) ? CHILD_GONE : CHILD_DOWN);
        enter(c, n, STATE_FAILED);
        if (!super_isolates(s)) {
                uint64_t cause = note_full(c, s, RULE_INTENSITY, n->cause, n->id, &n->last_reason, would_be,
                                           window_period(w));

                super_end(c, s, REASON(REASON_SHUTDOWN, 0), true, cause);
                return;
        }
        (void) note_full(c, n, RULE_INTENSITY_CHILD, n->cause, NODE_NONE, &n->last_reason, would_be, window_period(w));
        order_ended(c, n);
        order_changed(c, n);
        if (strategy_of(s) != ONE_FOR_ONE) {
                s->super->from = strategy_of(s) == ONE_FOR_ALL ? s->first : n->id;
                s->super->leader = n->id;
                job_begin(c, s, JOB_GROUP_FAIL, last_live(c, s->last), n->cause);
        }
        auto_shutdown(c, s, n);
}

static void note_restart(struct core *c, struct node *n, struct window *w, nsec delay, bool retry)
{
        uint32_t used = window_count(w, c->now);

        if (delay > 0)
                (void) note_ab(c, n, RULE_RESTART_DELAYED, n->cause, delay, used);
        else
                (void) note_ab(c, n, retry ? RULE_RETRY : RULE_RESTART, n->cause, used, window_max(w));
}

static void back_off(struct core *c, struct node *n, nsec delay)
{
        child_set(c, n, CHILD_RESTARTING);
        enter(c, n, STATE_BACKOFF);
        n->next_start_at = nsec_add(c->now, delay);
        timer_update(c, n);
}

/* Start it (and its group) now, or after the delay. */
static void restart_group(struct core *c, struct node *s, struct node *n, nsec delay)
{
        child_set(c, n, CHILD_DOWN);
        s->super->from = strategy_of(s) == ONE_FOR_ALL ? first_live(c, s->first) : n->id;
        s->super->leader = n->id;
        s->super->delay = delay;
        job_begin(c, s, JOB_GROUP_STOP, last_live(c, s->last), n->cause);
}

static void attempt(struct core *c, struct node *s, struct node *n)
{
        if (strategy_of(s) != ONE_FOR_ONE)
                restart_group(c, s, n, 0);
        else
                child_attempt(c, s, n, true, n->cause);
}

static void restart(struct core *c, struct node *s, struct node *n, bool retry)
{
        struct window *w = window_of(s, n);
        nsec delay;

        if (!window_take(w, c->now)) {
                gave_up(c, s, n, w);
                return;
        }
        delay = restart_jitter(n->spec, restart_delay(n->spec, n->backoff), core_random(c));
        if (n->backoff < UINT8_MAX)
                n->backoff++;
        n->restarts++;
        if (delay > 0 && strategy_of(s) == ONE_FOR_ONE)
                back_off(c, n, delay);
        note_restart(c, n, w, delay, retry);
        if (strategy_of(s) != ONE_FOR_ONE)
                restart_group(c, s, n, delay);
        else if (delay <= 0)
                child_attempt(c, s, n, true, n->cause);
}

/* Start one child alone. retry: when that fails there is another attempt. */
void child_attempt(struct core *c, struct node *s, struct node *n, bool retry, uint64_t cause)
{
        node_id other = NODE_NONE;

        n->child_flags = (uint16_t) (retry ? n->child_flags | CF_RETRY : n->child_flags & ~CF_RETRY);
        if (!super_parallel(s)) {
                job_begin(c, s, JOB_ONE_START, n->id, cause);
                return;
        }
        switch (order_start(c, n, &other)) {
        case ORDER_GO:
                node_start(c, n, cause);
                break;
        case ORDER_WAIT:
                n->want = WANT_UP;
                child_set(c, n, CHILD_QUEUED);
                enter(c, n, STATE_STARTING);
                (void) note_other(c, n, RULE_START_WAITS, cause, other);
                break;
        case ORDER_FAIL:
                n->last_reason = REASON(REASON_DEPENDENCY, 0);
                n->last_reason.peer = other;
                (void) note_full(c, n, RULE_DEPENDENCY_FAILED, cause, other, &n->last_reason, 0, 0);
                child_start_failed(c, s, n);
                break;
        }
}

/* --- significant children --------------------------------------------------------------------------------------- */

static bool significant_up(const struct core *c, const struct node *s)
{
        for (node_id id = s->first; id != NODE_NONE; id = c->nodes[id]->next) {
                const struct node *n = c->nodes[id];

                if (n->child != CHILD_DOWN && n->child != CHILD_GONE && spec_significant(n->spec))
                        return true;
        }
        return false;
}

/* A child has ended for good by itself. */
static void auto_shutdown(struct core *c, struct node *s, struct node *n)
{
        enum auto_shutdown mode = (enum auto_shutdown) spec_int(s->spec, D_SUPERVISOR_AutoShutdown);
        uint64_t cause;

        if (mode == AUTO_NEVER || !spec_significant(n->spec))
                return;
        if (mode == AUTO_ALL_SIGNIFICANT && significant_up(c, s))
                return;
        cause = note_full(c, s, RULE_AUTO_SHUTDOWN, n->cause, n->id, &n->last_reason, 0, 0);
        s->super->leader = n->id;
        super_end(c, s, REASON(REASON_SHUTDOWN, 0), false, cause);
}

static void stays_down(struct core *c, struct node *s, struct node *n, enum rule rule)
{
        child_set(c, n, child_temporary(n) ? CHILD_GONE : CHILD_DOWN);
        enter(c, n, reason_abnormal(&n->last_reason) ? STATE_FAILED : STATE_FINISHED);
        (void) note_full(c, n, rule, n->cause, NODE_NONE, &n->last_reason, 0, 0);
        order_ended(c, n);
        order_changed(c, n);
        auto_shutdown(c, s, n);
        if (n->child_flags & CF_DELETE)
                core_forget(c, n);
}

/* --- messages --------------------------------------------------------------------------------------------------- */

static void healthy_again(struct core *c, struct node *n)
{
        if (n->ready_at != NSEC_NEVER && c->now - n->ready_at >= spec_restart_reset(n->spec))
                n->backoff = 0;
}

static void exit_run(struct core *c, struct node *s, struct node *n)
{
        n->child_flags &= (uint16_t) ~CF_DEAD;
        healthy_again(c, n);
        switch (restart_decide(n->spec, &n->last_reason, is_super(n) ? &n->last_reason : &n->raw)) {
        case COMES_BACK_FORCED:
                (void) note_full(c, n, RULE_FORCED, n->cause, NODE_NONE, &n->raw, 0, 0);
                restart(c, s, n, false);
                break;
        case COMES_BACK:
                order_ended(c, n);
                restart(c, s, n, false);
                break;
        case STAYS_DOWN_PREVENTED:
                stays_down(c, s, n, RULE_PREVENTED);
                break;
        case STAYS_DOWN:
                stays_down(c, s, n, RULE_NO_RESTART);
                break;
        }
}

static void retry_run(struct core *c, struct node *s, struct node *n)
{
        if (n->child_flags & CF_COUNTED) {
                n->child_flags &= (uint16_t) ~CF_COUNTED;
                attempt(c, s, n);
        } else if (n->next_start_at == NSEC_NEVER) {
                restart(c, s, n, true);
        }
}

struct node *child_by_hash(const struct core *c, const struct node *s, uint32_t hash)
{
        for (node_id id = s->first; id != NODE_NONE; id = c->nodes[id]->next)
                if (c->nodes[id]->child != CHILD_GONE && stem_hash(spec_stem(c->nodes[id]->spec)) == hash)
                        return c->nodes[id];
        return NULL;
}

void message_run(struct core *c, struct node *s, const struct msg *m)
{
        struct node *n = node_at(c, m->node);

        /* A retry is meant for a name: a child that was deleted and added again meanwhile inherits it, as in OTP. */
        if (m->kind == MSG_RETRY && (!n || n->child == CHILD_GONE))
                n = child_by_hash(c, s, m->token);

        switch (m->kind) {
        case MSG_EXIT:
                if (n && n->child == CHILD_UP && (n->child_flags & CF_DEAD) && n->incarnation == m->incarnation)
                        exit_run(c, s, n);
                break;
        case MSG_RETRY:
                if (n && n->child == CHILD_RESTARTING)
                        retry_run(c, s, n);
                break;
        default:
                request_run(c, s, m);
                break;
        }
}

/* --- the supervisor itself -------------------------------------------------------------------------------------- */

/* significant goes neither with permanent nor with auto_shutdown never (otp/README, fact 19). */
static struct node *bad_child(const struct core *c, const struct node *s)
{
        bool never = spec_int(s->spec, D_SUPERVISOR_AutoShutdown) == AUTO_NEVER;

        for (node_id id = s->first; id != NODE_NONE; id = c->nodes[id]->next) {
                struct node *n = c->nodes[id];

                if (spec_significant(n->spec) && (never || spec_restart(n->spec) == RESTART_PERMANENT))
                        return n;
        }
        return NULL;
}

/* Its initial children are all there again, none of them running (otp/README, fact 15). */
void super_revive(struct core *c, struct node *s)
{
        node_id next;

        for (node_id id = s->first; id != NODE_NONE; id = next) {
                struct node *n = c->nodes[id];

                next = n->next;
                if (n->dynamic) {
                        if (n->phase == PHASE_NONE && !core_has_life(c, n))
                                core_forget(c, n);
                        continue;
                }
                n->child_flags = 0;
                n->backoff = 0;
                if (n->window)
                        window_clear(n->window);
                child_set(c, n, CHILD_DOWN);
        }
}

static void super_begin(struct core *c, struct node *s)
{
        s->phase = PHASE_UP;
        job_begin(c, s, JOB_START, first_live(c, s->first), s->cause);
        core_wake(c, s);
}

void super_start(struct core *c, struct node *s, uint64_t cause)
{
        const struct node *bad;

        super_revive(c, s);
        s->incarnation++;
        s->flags &= NF_CHECK;
        s->started_at = c->now;
        s->ready_at = s->next_start_at = NSEC_NEVER;
        s->super->gave_up = s->super->issued = s->super->recheck = false;
        s->super->job = JOB_NONE;
        window_clear(s->super->window);
        enter(c, s, STATE_STARTING);
        (void) note_ab(c, s, RULE_SUP_STARTING, cause, s->incarnation, 0);
        bad = bad_child(c, s);
        if (bad) {
                (void) note_other(c, s, RULE_BAD_SPEC, s->cause, bad->id);
                s->last_reason = REASON(REASON_SPAWN, 22);
                s->last_reason.stage = STAGE_LOAD;
                super_ended(c, s, s->last_reason);
        } else if (s->flags & NF_CHECK) {
                s->phase = PHASE_CHECK;
                (void) act(c, s, ACT_CHECK);
        } else {
                super_begin(c, s);
        }
}

void super_checked(struct core *c, struct node *s, const struct event *e)
{
        if (s->phase != PHASE_CHECK)
                return;
        if (e->arg == VERDICT_PASS) {
                super_begin(c, s);
                return;
        }
        if (e->arg == VERDICT_SKIP)
                s->flags |= NF_SKIPPED;
        (void) note_ab(c, s, e->arg == VERDICT_SKIP ? RULE_CONDITION_UNMET : RULE_ASSERT_FAILED, s->cause, e->arg2, 0);
        super_ended(c, s, REASON(REASON_CONDITION, 0));
}

/* What is frozen cannot end as it should. */
static void thaw(struct core *c, struct node *s)
{
        if (!s->frozen)
                return;
        s->frozen = false;
        (void) act(c, s, ACT_THAW);
}

void super_end(struct core *c, struct node *s, struct reason r, bool gave_up_now, uint64_t cause)
{
        thaw(c, s);
        enter(c, s, STATE_STOPPING);
        s->ready = false;
        s->super->reason = r;
        s->super->gave_up = gave_up_now;
        s->super->issued = false;
        (void) note(c, s, RULE_SUP_STOPPING, cause);
        job_begin(c, s, JOB_END, last_live(c, s->last), s->cause);
        core_wake(c, s);
}

/* Its own start failed because of one child: stop those that are up (otp/README, fact 16). */
void super_fail_start(struct core *c, struct node *s, struct node *because, uint64_t cause)
{
        thaw(c, s);
        (void) note_full(c, s, RULE_START_GIVEN_UP, cause, because->id, &because->last_reason, 0, 0);
        s->super->leader = because->id;
        s->super->reason = because->last_reason;
        s->super->issued = false;
        job_begin(c, s, JOB_UNWIND, last_live(c, s->last), s->cause);
        core_wake(c, s);
}

/* Asked to end by its own supervisor; whatever it is doing is interrupted. */
void super_stop(struct core *c, struct node *s, uint64_t cause)
{
        if (s->phase == PHASE_NONE)
                return;
        s->flags |= NF_ASKED;
        if (s->phase == PHASE_CHECK)
                super_ended(c, s, REASON(REASON_SHUTDOWN, 0));
        else if (s->super->job == JOB_UNWIND)
                s->super->job = JOB_END; /* already on its way, only the outcome is another one */
        else if (s->super->job != JOB_END)
                super_end(c, s, REASON(REASON_SHUTDOWN, 0), false, cause);
}

/* Who waits for a start below a supervisor that has ended waits in vain, however deep. */
static void answer_below(struct core *c, const struct node *s)
{
        for (node_id id = s->first; id != NODE_NONE; id = c->nodes[id]->next) {
                answer(c, c->nodes[id], EVT_START, RESULT_START_FAILED);
                answer(c, c->nodes[id], EVT_RESTART, RESULT_START_FAILED);
                answer_below(c, c->nodes[id]);
        }
}

void super_ended(struct core *c, struct node *s, struct reason r)
{
        job_over(c, s);
        s->super->job = JOB_NONE;
        queue_clear(c, s);
        answer_below(c, s);
        s->phase = PHASE_NONE;
        s->ready = false;
        s->last_reason = r;
        if (s->parent == NODE_NONE)
                core_root_down(c);
        else
                child_ended(c, s);
}

void super_run(struct core *c, struct node *s)
{
        while (s->phase == PHASE_UP) {
                uint32_t at;
                struct msg m;

                if (!core_has_room(c)) {
                        core_wake(c, s);
                        return;
                }
                if (job_step(c, s))
                        continue;
                if (s->super->job == JOB_END || s->super->job == JOB_UNWIND ||
                    (s->super->job != JOB_NONE && !super_parallel(s)))
                        return;
                at = queue_pop(c, s);
                if (at == MSG_NONE)
                        return;
                m = c->pool[at];
                msg_drop(c, at);
                message_run(c, s, &m);
        }
}
