/* super.c - a supervisor's own life: its start, its end, its turn.
 * Used by: child.c, request.c, core.c.  Uses: machine.h.  Tested by: tests/unit/supervisor.c, tests/otp/replay.c */
#include "core/bond_priv.h"
#include "core/limits.h"
#include "core/machine.h"
#include "core/resolve.h"
#include "core/supervisor.h"

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
static void super_revive(struct core *c, struct node *s)
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
        bonds_born(c, s);
        job_begin(c, s, JOB_START, first_live(c, s->first), s->cause);
        core_wake(c, s);
}

static void life_begins(struct core *c, struct node *s, uint64_t cause)
{
        s->incarnation++;
        s->flags &= NF_CHECK | NF_MISSING;
        s->started_at = c->now;
        s->ready_at = s->next_start_at = NSEC_NEVER;
        s->super->gave_up = s->super->issued = s->super->recheck = false;
        s->super->job = JOB_NONE;
        window_clear(s->super->window);
        enter(c, s, STATE_STARTING);
        (void) note_ab(c, s, RULE_SUP_STARTING, cause, s->incarnation, 0);
}

/* Up, with every child down that was: whoever asked starts what it wants. */
void super_stand(struct core *c, struct node *s, uint64_t cause)
{
        life_begins(c, s, cause);
        s->phase = PHASE_UP;
        job_begin(c, s, JOB_START, NODE_NONE, s->cause);
        core_wake(c, s);
}

void super_start(struct core *c, struct node *s, uint64_t cause)
{
        const struct node *bad;

        super_revive(c, s);
        life_begins(c, s, cause);
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
        (void) note_ab(c, s, e->arg == VERDICT_SKIP ? RULE_CONDITION_UNMET : RULE_ASSERT_FAILED, s->cause,
                       (e->arg2 >> 32) - 1, e->arg2 & INT32_MAX);
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

/* Of the supervisors above, the nearest that wants more than to let its children see to it ends as a whole. */
void super_oom(struct core *c, struct node *n, const struct event *e)
{
        struct node *s = is_super(n) ? n : parent_of(c, n);

        while (s && spec_oom_policy(s->spec) == OOM_CONTINUE)
                s = parent_of(c, s);
        if (!s || s->phase != PHASE_UP || s->super->job == JOB_END || s->super->job == JOB_UNWIND)
                return;
        if (spec_oom_policy(s->spec) == OOM_KILL)
                (void) act(c, s, ACT_KILL);
        super_end(c, s, e->reason, false,
                  note_full(c, s, RULE_OOM_BRANCH, n->cause, n == s ? NODE_NONE : n->id, &e->reason, 0, 0));
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
        if (node_lives(s))
                bonds_died(c, s, &r);
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
