/* child.c - what a supervisor hears from its children, and what it does to one of them.
 *
 * A report only notes and wakes: the decision is made when the supervisor's turn has come (supervisor.c).
 * Used by: service.c, super.c (reports); job.c, request.c.  Uses: machine.h.  Tested by: tests/unit/supervisor.c */
#include "core/machine.h"
#include "core/order.h"
#include "core/resolve.h"
#include "core/restart.h"
#include "core/service.h"
#include "core/supervisor.h"

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
        struct node *p = super_of(c, n);

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
                if (super_parallel(p)) { /* with the others, in their order */
                        enter(c, n, STATE_STARTING);
                        p->super->recheck = true;
                        core_wake(c, p);
                } else {
                        node_start(c, n, n->cause);
                }
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
        struct node *p = super_of(c, n);

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
                child_stays_down(c, p, n, RULE_NO_RESTART);
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
