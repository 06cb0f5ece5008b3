/* bond_spawn.c - EVT_SPAWN: a service has a child started, and is tied to it from its first moment (Erlang: spawn_link,
 * spawn_monitor).
 *
 * The bond is made in the step that starts the child, as a wish (BOND_WANT_LINK, BOND_WANT_MONITOR) that is no standing
 * one. At the child's birth it becomes a link or a monitor. Until then it is as good as that: a child that cannot be
 * born sends its spawner the DOWN or the exit signal all the same, and a spawner that ends badly takes the child's
 * start back. So there is no moment in which one of the two could end and the other not hear of it.
 * Used by: bond.c, bond_event.c.  Uses: bond_priv.h, machine.h.  Tested by: tests/unit/spawnin.c */
#include "core/bond_priv.h"
#include "core/machine.h"
#include "core/supervisor.h"

static bool is_promise(const struct bond *d)
{
        return !d->standing && (d->kind == BOND_WANT_LINK || d->kind == BOND_WANT_MONITOR);
}

static bool tie(struct core *c, struct node *n, struct node *child, int64_t arg2)
{
        unsigned how = (unsigned) (arg2 >> 32);
        struct bond *link = how & SPAWN_LINK ? bond_take(c, BOND_WANT_LINK, false) : NULL;
        struct bond *watch = how & SPAWN_MONITOR ? bond_take(c, BOND_WANT_MONITOR, false) : NULL;
        bool enough = (link || !(how & SPAWN_LINK)) && (watch || !(how & SPAWN_MONITOR));

        if (!enough && link)
                bond_give(c, link);
        if (!enough && watch)
                bond_give(c, watch);
        if (enough && link)
                bond_tie(c, link, n->id, child->id, 0);
        if (enough && watch)
                bond_tie(c, watch, n->id, child->id, (uint32_t) arg2);
        return enough;
}

static enum result begin(struct core *c, struct node *n, struct node *child, const struct event *e)
{
        const struct node *s = child ? parent_of(c, child) : NULL;
        enum result result;

        if (!s || is_super(child))
                return RESULT_NOT_FOUND;
        if (is_super(n) || !node_lives(n) || n->ending.kind != REASON_NONE)
                return RESULT_NOT_RUNNING;
        if (s->phase != PHASE_UP)
                return RESULT_NOPROC;
        if (bond_count(c, n) >= BONDS_OF_NODE_MAX || !tie(c, n, child, e->arg2))
                return RESULT_BUSY;
        child->spawned = true;
        result = start_now(c, child, note_other(c, child, RULE_ASKED_SPAWN, n->cause, n->id));
        if (result != RESULT_OK)
                while (child->bonds != BOND_NONE) /* it was never to be */
                        bond_drop(c, &c->bonds->pool[child->bonds]);
        return result;
}

void bond_spawn(struct core *c, struct node *n, const struct event *e)
{
        struct node *child = node_at(c, (node_id) e->arg);
        enum result result = n ? begin(c, n, child, e) : RESULT_NOT_RUNNING;

        if (result == RESULT_OK)
                wait_for(c, child, e, EVT_START);
        else
                act_done(c, e->token, result, (node_id) e->arg);
}

/* Which life of `to` a signal is meant for: of one that is to be started, the one it is about to get. */
static uint32_t addressee(const struct node *to)
{
        return to->incarnation + (!node_lives(to) && to->phase == PHASE_NONE);
}

/* One of the two of a promise has ended, or will never live. */
bool bond_promise_ended(struct core *c, struct bond *d, const struct node *n, const struct reason *r)
{
        if (!is_promise(d))
                return false;
        if (d->kind == BOND_WANT_MONITOR && d->a == n->id) {
                bond_drop(c, d);
                return true;
        }
        d->kind = d->kind == BOND_WANT_LINK ? BOND_LINK : BOND_MONITOR;
        bond_tell(c, d, n, r);
        d->incarnation = addressee(c->nodes[d->a]);
        return true;
}

/* The child of n is forgotten without having lived. */
void bond_promises_unborn(struct core *c, struct node *n)
{
        struct reason r = n->last_reason.kind != REASON_NONE ? n->last_reason : REASON(REASON_NOPROC, 0);
        uint32_t at = BOND_NONE;
        struct bond *d;

        while ((d = bond_step(c, n, &at)))
                if (is_promise(d) && d->b == n->id) {
                        (void) bond_promise_ended(c, d, n, &r);
                        at = BOND_NONE; /* the list has changed: from its beginning */
                }
}

/* A link's signal to one that is on its way to life but not there yet. */
bool bond_reaches_unborn(const struct node *n, const struct bond *d)
{
        bool waits = n->phase == PHASE_NONE && n->incarnation + 1 == d->incarnation;
        bool begins = n->phase != PHASE_NONE && !node_lives(n) && n->incarnation == d->incarnation;

        return d->kind == BOND_SIGNAL_LINK && (waits || begins) && n->want == WANT_UP && !is_super(n) &&
               d->reason.kind != REASON_NORMAL;
}

void bond_unborn_ends(struct core *c, struct node *n, const struct bond *d)
{
        request_stop(c, n, note_full(c, n, RULE_LINK_ENDS, d->cause, d->b, &d->reason, 0, 0));
}
