/* call.c - strict requests: the calls of OTP's supervisor, with OTP's answers (tests/otp/FORMAT.md).
 *
 * A call stands in the supervisor's queue behind what is there already. It names a child; what has taken that
 * child's place by the time the call's turn has come is what it is about.
 * Used by: request.c, supervisor.c.  Uses: machine.h.  Tested by: tests/otp/replay.c */
#include <string.h>

#include "core/machine.h"
#include "core/resolve.h"
#include "core/supervisor.h"

/* --- strict: OTP's calls ------------------------------------------------------------------------------------------ */

bool child_is_pid(const struct node *n)
{
        return n->child == CHILD_UP || n->child == CHILD_STARTING || n->child == CHILD_STOPPING;
}

static void strict_start(struct core *c, struct node *s, struct node *n, const struct msg *m)
{
        if (n->child == CHILD_GONE) {
                act_done(c, m->token, RESULT_NOT_FOUND, n->id);
        } else if (n->child == CHILD_RESTARTING) {
                act_done(c, m->token, RESULT_RESTARTING, n->id);
        } else if (n->child != CHILD_DOWN) {
                act_done(c, m->token, RESULT_RUNNING, n->id);
        } else {
                n->child_flags &= (uint16_t) ~CF_RETRY;
                job_begin(c, s, JOB_ONE_START, n->id, m->cause);
                s->super->token = m->token;
        }
}

static void strict_stop(struct core *c, struct node *s, struct node *n, const struct msg *m)
{
        if (n->child == CHILD_GONE) {
                act_done(c, m->token, RESULT_NOT_FOUND, n->id);
                return;
        }
        n->want = WANT_DOWN;
        if (child_temporary(n))
                n->child_flags |= CF_DROP;
        if (child_is_pid(n) && !(n->child_flags & CF_DEAD)) {
                job_begin(c, s, JOB_ONE_STOP, n->id, m->cause);
                s->super->token = m->token;
                return;
        }
        child_cancel(c, s, n);
        if (n->child_flags & CF_DROP)
                child_set(c, n, CHILD_GONE);
        act_done(c, m->token, RESULT_OK, n->id);
}

static void strict_delete(struct core *c, struct node *s, struct node *n, const struct msg *m)
{
        enum result result = RESULT_OK;

        (void) s;
        if (n->child == CHILD_GONE)
                result = RESULT_NOT_FOUND;
        else if (n->child == CHILD_RESTARTING)
                result = RESULT_RESTARTING;
        else if (n->child != CHILD_DOWN)
                result = RESULT_RUNNING;
        act_done(c, m->token, result, n->id);
        if (result != RESULT_OK)
                return;
        if (n->dynamic)
                core_forget(c, n);
        else
                child_set(c, n, CHILD_GONE); /* comes back when its supervisor starts again */
}

struct node *child_namesake(const struct core *c, const struct node *s, const struct node *n)
{
        for (node_id id = s->first; id != NODE_NONE; id = c->nodes[id]->next) {
                struct node *other = c->nodes[id];

                if (other != n && other->child != CHILD_GONE &&
                    strcmp(spec_stem(other->spec), spec_stem(n->spec)) == 0)
                        return other;
        }
        return NULL;
}

static bool bad_combination(const struct node *s, const struct node *n)
{
        return spec_significant(n->spec) && (spec_restart(n->spec) == RESTART_PERMANENT ||
                                             spec_int(s->spec, D_SUPERVISOR_AutoShutdown) == AUTO_NEVER);
}

/* start_child: the node is there, but not yet a child. */
static void added(struct core *c, struct node *s, struct node *n, const struct msg *m)
{
        const struct node *other = child_namesake(c, s, n);
        enum result result = RESULT_OK;

        if (n->child != CHILD_GONE && n->child != CHILD_DOWN)
                result = RESULT_ALREADY_STARTED;
        else if (bad_combination(s, n))
                result = RESULT_BAD_COMBINATION;
        else if (other)
                result = child_is_pid(other) ? RESULT_ALREADY_STARTED : RESULT_ALREADY_PRESENT;
        if (result != RESULT_OK) {
                act_done(c, m->token, result, n->id);
                if (n->dynamic && n->child == CHILD_GONE)
                        core_forget(c, n);
                return;
        }
        child_set(c, n, CHILD_DOWN);
        (void) note(c, n, RULE_ADDED, m->cause);
        if (m->flags & REQ_STRICT) {
                n->child_flags = (uint16_t) ((n->child_flags & ~CF_RETRY) | CF_QUIET);
                job_begin(c, s, JOB_ONE_START, n->id, n->cause);
                s->super->token = m->token;
        } else {
                struct event e = { .kind = EVT_START, .node = n->id, .token = m->token };

                wait_for(c, n, &e, EVT_START);
                child_attempt(c, s, n, true, n->cause);
        }
}

void request_run(struct core *c, struct node *s, const struct msg *m)
{
        struct node *n = node_at(c, m->node);

        /* A call names a child, it does not hold on to one: what took the place of a child that is gone is meant. */
        if (m->kind == MSG_REQUEST && m->event != EVT_ADDED && (!n || n->child == CHILD_GONE)) {
                struct node *now = child_by_hash(c, s, m->incarnation);

                n = now ? now : n;
        }
        if (!n) {
                act_done(c, m->token, RESULT_NOT_FOUND, m->node);
                return;
        }
        if (m->kind == MSG_TRY) {
                try_start(c, s, n, m->cause);
                return;
        }
        switch (m->event) {
        case EVT_START: strict_start(c, s, n, m); break;
        case EVT_STOP: strict_stop(c, s, n, m); break;
        case EVT_DELETE: strict_delete(c, s, n, m); break;
        case EVT_ADDED: added(c, s, n, m); break;
        default: act_done(c, m->token, RESULT_NOT_SUPPORTED, n->id); break;
        }
}

/* Behind whatever the supervisor has to do already. */
void call_queue(struct core *c, struct node *n, const struct event *e, uint64_t cause)
{
        struct node *s = parent_of(c, n);
        uint32_t at = MSG_NONE;

        if (s && s->phase != PHASE_NONE)
                at = msg_take(c, true);
        if (at == MSG_NONE) {
                act_done(c, e->token, s && s->phase != PHASE_NONE ? RESULT_BUSY : RESULT_NOPROC, n->id);
                if (e->kind == EVT_ADDED && n->dynamic && n->child == CHILD_GONE)
                        core_forget(c, n);
                return;
        }
        c->pool[at] = (struct msg) { .kind = MSG_REQUEST, .event = e->kind, .flags = e->flags, .node = n->id,
                                     .token = e->token, .cause = cause, .next = MSG_NONE,
                                     .incarnation = stem_hash(spec_stem(n->spec)) };
        queue_push(c, s, at);
}
