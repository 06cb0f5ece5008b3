/* supervisor.c - what a supervisor decides about a child that has ended.
 *
 * A supervisor is an actor: it has a queue of messages (a child ended, a start is to be tried again, a request) and
 * at most one job, the work that takes several steps (job.c). In SEQUENTIAL mode it takes a message only when it has
 * no job, which is OTP's order of things; in PARALLEL mode (one_for_one) children go their ways independently.
 * The rules are those of OTP 25, see otp/README.md in the documentation of the tests and FIELD 4a.
 * Used by: core.c.  Uses: machine.h, restart.h.  Tested by: tests/unit/supervisor.c, tests/otp-replay.c */
#include "core/machine.h"
#include "core/order.h"
#include "core/resolve.h"
#include "core/restart.h"
#include "core/supervisor.h"

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
                order_fail(c, n, other, cause);
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

void child_stays_down(struct core *c, struct node *s, struct node *n, enum rule rule)
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
                child_stays_down(c, s, n, RULE_PREVENTED);
                break;
        case STAYS_DOWN:
                child_stays_down(c, s, n, RULE_NO_RESTART);
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
