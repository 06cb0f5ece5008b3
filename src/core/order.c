/* order.c - relations between siblings: After, Before, Requires, Wants, BindsTo, PartOf, Conflicts.
 *
 * Each relation is kept at both ends, so a node sees at once who waits for it. They hold between children of one
 * supervisor; an order between units further down is one between the branches they are in (link.c).
 *
 *      start    waits for what it comes After= and what is itself on its way; fails when something it Requires= is
 *               not up and not coming; asked for by a person it brings what it requires and wants, and ends what
 *               it conflicts with
 *      stop     those that come after it first; by a person it takes along what requires it and its parts
 *      end      takes along what is bound to it
 *      ready    brings back what was stopped on its account
 *
 * Used by: request.c, supervisor.c, job.c.  Uses: machine.h.  Tested by: tests/unit/order.c */
#include "core/machine.h"
#include "core/order.h"
#include "core/supervisor.h"

#include <stdlib.h>

static bool there(const struct node *n)
{
        return n->child == CHILD_STARTING || n->child == CHILD_STOPPING ||
               (n->child == CHILD_UP && !(n->child_flags & CF_DEAD));
}

static bool up(const struct node *n)
{
        return n->child == CHILD_UP ? !(n->child_flags & CF_DEAD) :
                                      n->state == STATE_FINISHED && n->child != CHILD_QUEUED;
}

static bool on_its_way(const struct node *n)
{
        return n->child == CHILD_QUEUED || n->child == CHILD_STARTING;
}

enum order order_start(const struct core *c, const struct node *n, node_id *ret_other)
{
        enum order result = ORDER_GO;

        if (n->flags & NF_MISSING) {
                *ret_other = NODE_NONE;
                return ORDER_FAIL;
        }
        for (unsigned i = 0; i < n->dep_count; i++) {
                const struct dep *d = &n->deps[i];
                const struct node *o = node_at(c, d->other);
                bool needs = d->kinds & (DEP_REQUIRES | DEP_BINDS);
                bool coming;

                if (!o || (!needs && !(d->kinds & DEP_AFTER)))
                        continue;
                /* What failed and will be tried again is still coming for whoever needs it. */
                coming = on_its_way(o) || (needs && (o->child == CHILD_RESTARTING ||
                                                     (o->child == CHILD_UP && (o->child_flags & CF_DEAD)) ||
                                                     (o->child_flags & CF_AGAIN)));
                if (needs && !up(o) && !coming && !(o->flags & NF_SKIPPED)) {
                        *ret_other = o->id;
                        return ORDER_FAIL;
                }
                if (coming && (d->kinds & DEP_AFTER) && result == ORDER_GO) {
                        *ret_other = o->id;
                        result = ORDER_WAIT;
                }
        }
        return result;
}

void order_fail(struct core *c, struct node *n, node_id other, uint64_t cause)
{
        enum directive d = D_UNIT_Requires;
        size_t item = 0;

        n->want = WANT_UP; /* it comes with what it needs: CF_PULL */
        n->last_reason = REASON(REASON_DEPENDENCY, other == NODE_NONE);
        n->last_reason.peer = other;
        if (other != NODE_NONE)
                c->nodes[other]->peer = true;
        if (other == NODE_NONE) {
                (void) link_missing(c, n, &d, &item);
                (void) note_full(c, n, RULE_DEPENDENCY_MISSING, cause, other, &n->last_reason, (int64_t) d,
                                 (int64_t) item);
        } else {
                (void) note_full(c, n, RULE_DEPENDENCY_FAILED, cause, other, &n->last_reason, 0, 0);
        }
        child_start_failed(c, super_of(c, n), n);
}

bool order_stop(const struct core *c, const struct node *n)
{
        const struct node *p = super_of(c, n);
        bool all = p->super->job == JOB_END || p->super->job == JOB_UNWIND;

        for (unsigned i = 0; i < n->dep_count; i++) {
                const struct node *o = node_at(c, n->deps[i].other);

                if (o && (n->deps[i].kinds & DEP_BEFORE) && !o->stuck &&
                    (o->child == CHILD_STOPPING || (all && there(o)) || (o->child_flags & CF_STOP_WAIT)))
                        return false;
        }
        return true;
}

/* Let a child start as soon as its turn has come. */
static void queue_start(struct core *c, struct node *n)
{
        struct node *p = super_of(c, n);

        if (!super_parallel(p)) {
                (void) start_now(c, n, n->cause);
                return;
        }
        child_set(c, n, CHILD_QUEUED);
        enter(c, n, STATE_STARTING);
        n->want = WANT_UP;
        n->child_flags |= CF_RETRY;
        p->super->recheck = true;
        core_wake(c, p);
}

void order_changed(struct core *c, struct node *n)
{
        struct node *p = parent_of(c, n);

        if (!p || p->phase != PHASE_UP)
                return;
        for (unsigned i = 0; i < n->dep_count; i++) {
                struct node *o = node_at(c, n->deps[i].other);

                if (!o)
                        continue;
                if (o->child == CHILD_QUEUED || (o->child_flags & CF_STOP_WAIT)) {
                        p->super->recheck = true;
                        core_wake(c, p);
                }
                if ((n->deps[i].kinds & (DEP_REQUIRED | DEP_BOUND)) && (o->child_flags & CF_PULL) && up(n) &&
                    o->child == CHILD_DOWN && o->want == WANT_UP && p->super->job != JOB_END &&
                    p->super->job != JOB_UNWIND) {
                        o->child_flags &= (uint16_t) ~CF_PULL;
                        (void) note_other(c, o, RULE_PULLED_BACK, n->cause, n->id);
                        queue_start(c, o);
                }
        }
}

/* Stop a sibling on account of `because`. */
static void stop_for(struct core *c, struct node *o, enum rule rule, struct node *because, uint16_t flags)
{
        uint64_t cause;

        if (!there(o) && o->child != CHILD_QUEUED && o->child != CHILD_RESTARTING)
                return;
        if (o->child == CHILD_STOPPING || (!there(o) && (flags & CF_AGAIN))) /* which is still to come, comes */
                return;
        cause = note_other(c, o, rule, because->cause, because->id);
        o->child_flags = (uint16_t) ((o->child_flags & ~(CF_AGAIN | CF_PULL)) | flags);
        if (!there(o)) {
                child_cancel(c, parent_of(c, o), o);
                o->child_flags = (uint16_t) ((o->child_flags & ~CF_AGAIN) | (flags & CF_PULL));
                enter(c, o, STATE_INACTIVE);
                order_changed(c, o); /* who waits for it waits no more */
                return;
        }
        order_stopped(c, o, false);
        if (order_stop(c, o))
                node_stop(c, o, cause);
        else
                o->child_flags |= CF_STOP_WAIT;
}

void order_stopped(struct core *c, struct node *n, bool again)
{
        for (unsigned i = 0; i < n->dep_count; i++) {
                struct node *o = node_at(c, n->deps[i].other);
                uint32_t kinds = n->deps[i].kinds;

                if (!o)
                        continue;
                if (kinds & (DEP_REQUIRED | DEP_BOUND))
                        stop_for(c, o, RULE_REQUIRED_STOPPED, n, CF_PULL);
                else if (kinds & DEP_WHOLE)
                        stop_for(c, o, again ? RULE_PART_RESTARTED : RULE_PART_STOPPED, n, again ? CF_AGAIN : 0);
        }
}

void order_ended(struct core *c, struct node *n)
{
        for (unsigned i = 0; i < n->dep_count; i++) {
                struct node *o = node_at(c, n->deps[i].other);

                if (o && (n->deps[i].kinds & DEP_BOUND) && n->state != STATE_FINISHED)
                        stop_for(c, o, RULE_BOUND_ENDED, n, CF_PULL);
        }
}

bool order_yields(struct core *c, struct node *n, uint64_t cause)
{
        for (unsigned i = 0; i < n->dep_count; i++) {
                const struct node *o = node_at(c, n->deps[i].other);

                if (o && (n->deps[i].kinds & DEP_CONFLICTS) && (there(o) || o->child == CHILD_QUEUED)) {
                        n->want = WANT_DOWN;
                        (void) note_other(c, n, RULE_YIELDS, cause, o->id);
                        return true;
                }
        }
        return false;
}

bool order_pull(struct core *c, struct node *n)
{
        bool pulled = false;

        for (unsigned i = 0; i < n->dep_count; i++) {
                struct node *o = node_at(c, n->deps[i].other);
                uint32_t kinds = n->deps[i].kinds;

                if (!o)
                        continue;
                if (kinds & DEP_CONFLICTS) {
                        if (there(o))
                                o->want = WANT_DOWN;
                        stop_for(c, o, RULE_CONFLICT, n, 0);
                }
                if (!(kinds & (DEP_REQUIRES | DEP_BINDS | DEP_WANTS)) || o->stuck || up(o) ||
                    (o->child != CHILD_DOWN && o->child != CHILD_GONE))
                        continue;
                (void) note_other(c, o, RULE_DEPENDENCY_STARTS, n->cause, n->id);
                if (super_parallel(parent_of(c, o)))
                        (void) order_pull(c, o);
                queue_start(c, o);
                pulled = true;
        }
        return pulled;
}

void order_drop(struct core *c, struct node *n)
{
        for (unsigned i = 0; i < n->dep_count; i++) {
                struct node *o = node_at(c, n->deps[i].other);

                for (unsigned k = 0; o && k < o->dep_count; k++)
                        if (o->deps[k].other == n->id)
                                o->deps[k--] = o->deps[--o->dep_count];
        }
        free(n->deps);
        n->deps = NULL;
        n->dep_count = 0;
}
