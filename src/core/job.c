/* job.c - what a supervisor does in several steps: start its children, stop them, restart a group.
 *
 * Sequential supervisors work child by child: ask `cursor` to start or stop, wait for its report, go on with the
 * next. Parallel ones ask all at once, those that come after a sibling when that sibling is ready (or, stopping,
 * when it is down), and are through when no child is on its way any more.
 * Used by: supervisor.c.  Uses: machine.h.  Tested by: tests/unit/supervisor.c, tests/unit/order.c */
#include "core/machine.h"
#include "core/order.h"
#include "core/supervisor.h"

node_id first_live(const struct core *c, node_id id)
{
        while (id != NODE_NONE && c->nodes[id]->child == CHILD_GONE)
                id = c->nodes[id]->next;
        return id;
}

node_id last_live(const struct core *c, node_id id)
{
        while (id != NODE_NONE && c->nodes[id]->child == CHILD_GONE)
                id = c->nodes[id]->prev;
        return id;
}

void job_begin(struct core *c, struct node *s, enum job job, node_id cursor, uint64_t cause)
{
        s->super->job = (uint8_t) job;
        s->super->cursor = cursor;
        s->super->issued = false;
        s->super->cause = cause;
        if (job == JOB_START && super_parallel(s)) {
                /* All are known to come before the first one asks what it has to wait for. */
                for (node_id id = cursor; id != NODE_NONE; id = first_live(c, c->nodes[id]->next)) {
                        if (order_yields(c, c->nodes[id], cause))
                                continue;
                        child_set(c, c->nodes[id], CHILD_QUEUED);
                        enter(c, c->nodes[id], STATE_STARTING);
                }
        }
}

/* The job is done or given up. Whoever carried out its request has answered that; else it gets `noproc` here. */
void job_over(struct core *c, struct node *s)
{
        struct super *j = s->super;

        for (node_id id = s->first; j->job != JOB_NONE && j->job != JOB_ONE_START && j->job != JOB_ONE_STOP &&
                                    id != NODE_NONE; id = c->nodes[id]->next)
                c->nodes[id]->child_flags &= (uint16_t) ~CF_HELD;
        j->job = JOB_NONE;
        j->issued = false;
        j->cursor = NODE_NONE;
        if (j->token)
                act_done(c, j->token, RESULT_NOPROC, s->id);
        j->token = 0;
}

static void reply(struct core *c, struct node *s, enum result result, node_id id)
{
        if (s->super->token)
                act_done(c, s->super->token, result, id);
        s->super->token = 0;
}

static void started(struct core *c, struct node *s)
{
        job_over(c, s);
        s->flags |= NF_STARTED;
        s->ready = true;
        s->ready_at = c->now;
        enter(c, s, STATE_RUNNING);
        (void) note(c, s, RULE_SUP_STARTED, s->cause);
        child_started(c, s);
}

/* --- starting ---------------------------------------------------------------------------------------------------- */

/* Why a child is started within this job. */
static uint64_t start_cause(struct core *c, struct node *s, struct node *n)
{
        struct super *j = s->super;

        if (j->job != JOB_GROUP_START || j->leader == n->id)
                return j->cause;
        return note_other(c, n, RULE_GROUP_START, j->cause, j->leader);
}

static bool begin_child(struct core *c, struct node *s, struct node *n)
{
        node_id other = NODE_NONE;
        uint64_t cause;

        if (n->child_flags & CF_HELD)
                return false;
        cause = start_cause(c, s, n);
        if (s->super->job == JOB_START && order_yields(c, n, cause))
                return false;
        s->super->issued = true;
        if (s->super->job != JOB_ONE_START)
                n->child_flags |= CF_RETRY;
        if (order_start(c, n, &other) == ORDER_FAIL)
                order_fail(c, n, other, cause);
        else
                node_start(c, n, cause);
        return true;
}

static void next_start(struct core *c, struct node *s)
{
        s->super->cursor = first_live(c, c->nodes[s->super->cursor]->next);
        s->super->issued = false;
}

/* The start of `cursor` has failed. */
static void start_failed(struct core *c, struct node *s, struct node *n)
{
        struct super *j = s->super;
        enum job job = (enum job) j->job;
        bool isolates = super_isolates(s);

        n->child_flags &= (uint16_t) ~CF_FAILED;
        if (j->job == JOB_START && !isolates) {
                super_fail_start(c, s, n, n->cause);
                return;
        }
        if (j->job == JOB_ONE_START) {
                bool quiet = n->child_flags & CF_QUIET;

                reply(c, s, RESULT_START_FAILED, n->id);
                if (n->last_reason.kind == REASON_DEPENDENCY)
                        n->child_flags |= CF_PULL; /* comes with what it needs, not by itself */
                else if (n->child_flags & CF_RETRY)
                        child_retry_later(c, s, n);
                if (n->child != CHILD_RESTARTING)
                        order_changed(c, n);
                if (j->job == job) /* a significant child that stays down has made it JOB_END */
                        job_over(c, s);
                if (quiet)
                        core_forget(c, n);
                return;
        }
        if (n->last_reason.kind == REASON_DEPENDENCY) {
                n->child_flags |= CF_PULL;
                order_changed(c, n);
        } else {
                child_retry_later(c, s, n);
        }
        if (j->job != job)
                return; /* it was significant, and stays down: the supervisor shuts down */
        if (job == JOB_START || n->child != CHILD_RESTARTING)
                next_start(c, s);
        else
                job_over(c, s); /* the retry takes the group up again */
}

static bool step_start(struct core *c, struct node *s)
{
        struct super *j = s->super;
        struct node *n;

        if (j->cursor == NODE_NONE) {
                if (j->job == JOB_START)
                        started(c, s);
                else
                        job_over(c, s);
                return true;
        }
        n = c->nodes[j->cursor];
        if (!j->issued) {
                bool up = n->child == CHILD_UP || n->child == CHILD_STARTING;

                if (up && j->job == JOB_ONE_START && !(n->child_flags & CF_DEAD) && n->phase != PHASE_NONE)
                        next_start(c, s);
                else if (!begin_child(c, s, n))
                        next_start(c, s);
                return true;
        }
        if (n->child == CHILD_STARTING || n->child == CHILD_QUEUED || n->child == CHILD_STOPPING)
                return false;
        if (n->child_flags & CF_FAILED) {
                start_failed(c, s, n);
        } else if (j->job == JOB_ONE_START) {
                n->child_flags &= (uint16_t) ~CF_QUIET;
                reply(c, s, n->child == CHILD_UP ? RESULT_OK : RESULT_STOPPED, n->id);
                job_over(c, s);
        } else {
                next_start(c, s);
        }
        return true;
}

/* --- stopping ---------------------------------------------------------------------------------------------------- */

static bool group_job(enum job job)
{
        return job == JOB_GROUP_STOP || job == JOB_GROUP_FAIL;
}

static uint64_t stop_cause(struct core *c, struct node *s, struct node *n)
{
        return group_job(s->super->job) ? note_other(c, n, RULE_GROUP_STOP, s->super->cause, s->super->leader) :
                                          s->super->cause;
}

/* A child that is not running needs no stop: only what was planned for it is off. */
static bool runs(const struct node *n)
{
        return n->child == CHILD_STARTING || n->child == CHILD_STOPPING ||
               (n->child == CHILD_UP && !(n->child_flags & CF_DEAD));
}

static void put_down(struct core *c, struct node *s, struct node *n)
{
        bool group = group_job(s->super->job);

        if (n->child != CHILD_DOWN && n->child != CHILD_GONE)
                child_cancel(c, s, n);
        else if (n->state == STATE_BACKOFF || n->state == STATE_STARTING)
                enter(c, n, STATE_INACTIVE); /* had been down while its group was tried again */
        if (group && child_temporary(n) && n->child == CHILD_DOWN) {
                child_set(c, n, CHILD_GONE);
                (void) note(c, n, RULE_DROPPED, s->super->cause);
        }
        if (s->super->job == JOB_GROUP_FAIL && n->id != s->super->leader) {
                enter(c, n, STATE_FAILED);
                (void) note_other(c, n, RULE_INTENSITY_GROUP, s->super->cause, s->super->leader);
        }
}

static void next_stop(struct core *c, struct node *s)
{
        struct super *j = s->super;
        node_id at = j->cursor;

        j->issued = false;
        j->cursor = group_job(j->job) && at == j->from ? NODE_NONE : last_live(c, c->nodes[at]->prev);
}

/* The group is down: wait out the delay, or start it again at once. */
static void group_down(struct core *c, struct node *s)
{
        struct super *j = s->super;
        struct node *leader = node_at(c, j->leader);

        if (j->job == JOB_GROUP_FAIL || !leader) {
                job_over(c, s);
        } else if (j->delay > 0) {
                child_set(c, leader, CHILD_RESTARTING);
                enter(c, leader, STATE_BACKOFF);
                leader->next_start_at = nsec_add(c->now, j->delay);
                timer_update(c, leader);
                job_over(c, s);
        } else {
                uint64_t cause = note_other(c, s, RULE_GROUP_RESTART, j->cause, leader->id);

                job_begin(c, s, JOB_GROUP_START, first_live(c, j->from), cause);
        }
}

static void stops_over(struct core *c, struct node *s)
{
        struct super *j = s->super;
        struct reason r = j->reason;

        switch (j->job) {
        case JOB_ONE_STOP:
                reply(c, s, RESULT_OK, NODE_NONE);
                job_over(c, s);
                break;
        case JOB_GROUP_STOP: case JOB_GROUP_FAIL:
                group_down(c, s);
                break;
        default:
                super_ended(c, s, r);
                break;
        }
}

static bool step_stop(struct core *c, struct node *s)
{
        struct super *j = s->super;
        struct node *n;

        if (j->cursor == NODE_NONE) {
                stops_over(c, s);
                return true;
        }
        n = c->nodes[j->cursor];
        if (!runs(n)) {
                bool one = j->job == JOB_ONE_STOP;

                if (one && (n->child_flags & CF_DROP) && n->child != CHILD_GONE)
                        child_set(c, n, CHILD_GONE);
                if (!one)
                        put_down(c, s, n);
                if (one)
                        j->cursor = NODE_NONE;
                else
                        next_stop(c, s);
                return true;
        }
        if (j->issued || n->child == CHILD_STOPPING)
                return false;
        j->issued = true;
        if (group_job(j->job) && child_temporary(n))
                n->child_flags |= CF_DROP;
        node_stop(c, n, stop_cause(c, s, n));
        return true;
}

/* --- all at once -------------------------------------------------------------------------------------------------- */

/* Children that wait for siblings: may they go on now? */
static bool recheck(struct core *c, struct node *s)
{
        bool moved = false;

        s->super->recheck = false;
        for (node_id id = s->first, next; id != NODE_NONE; id = next) {
                struct node *n = c->nodes[id];
                node_id other = NODE_NONE;

                next = n->next;
                if (!core_has_room(c)) {
                        s->super->recheck = true;
                        core_wake(c, s);
                        return moved;
                }
                if ((n->child_flags & CF_STOP_WAIT) && order_stop(c, n)) {
                        node_stop(c, n, n->cause);
                        moved = true;
                } else if (n->child == CHILD_QUEUED && !n->stuck && s->super->cursor == NODE_NONE &&
                           order_start(c, n, &other) != ORDER_WAIT) {
                        child_attempt(c, s, n, n->child_flags & CF_RETRY, n->cause);
                        moved = true;
                }
        }
        return moved;
}

static bool all_start(struct core *c, struct node *s)
{
        struct super *j = s->super;

        if (j->cursor != NODE_NONE) {
                struct node *n = c->nodes[j->cursor];

                j->cursor = first_live(c, n->next);
                if (n->child == CHILD_QUEUED && !(n->child_flags & CF_HELD))
                        child_attempt(c, s, n, true, j->cause);
                return true;
        }
        if (j->busy[CHILD_QUEUED] + j->busy[CHILD_STARTING] > 0)
                return false;
        started(c, s);
        return true;
}

static bool all_stop(struct core *c, struct node *s)
{
        struct super *j = s->super;

        if (j->cursor != NODE_NONE) {
                struct node *n = c->nodes[j->cursor];

                j->cursor = last_live(c, n->prev);
                if (!runs(n))
                        put_down(c, s, n);
                else if (n->child == CHILD_STOPPING)
                        n->child_flags &= (uint16_t) ~CF_AGAIN;
                else if (order_stop(c, n))
                        node_stop(c, n, j->cause);
                else
                        n->child_flags |= CF_STOP_WAIT;
                return true;
        }
        if (j->busy[CHILD_STOPPING] + j->busy[CHILD_UP] + j->busy[CHILD_STARTING] > 0)
                return false;
        super_ended(c, s, j->reason);
        return true;
}

bool job_step(struct core *c, struct node *s)
{
        if (s->super->recheck && recheck(c, s))
                return true;
        switch (s->super->job) {
        case JOB_START:
                return super_parallel(s) ? all_start(c, s) : step_start(c, s);
        case JOB_GROUP_START: case JOB_ONE_START:
                return step_start(c, s);
        case JOB_END: case JOB_UNWIND:
                return super_parallel(s) ? all_stop(c, s) : step_stop(c, s);
        case JOB_GROUP_STOP: case JOB_GROUP_FAIL: case JOB_ONE_STOP:
                return step_stop(c, s);
        default:
                return false;
        }
}
