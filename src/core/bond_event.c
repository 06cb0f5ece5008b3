/* bond_event.c - links, monitors and names: requests, and what signals do. See bond.h. */
#include "core/bond_priv.h"
#include "core/machine.h"
#include "core/service.h"

/* --- requests ----------------------------------------------------------------------------------------------------- */

static enum result ask_link(struct core *c, struct node *n, const struct event *e)
{
        struct node *other = node_at(c, (node_id) e->arg);
        struct bond *d;

        if (!other)
                return RESULT_NOT_FOUND;
        if (is_super(n) || is_super(other))
                return RESULT_NOT_SUPPORTED;
        if (!node_lives(n))
                return RESULT_NOT_RUNNING;
        if (n == other || bond_between(c, n, other->id, BOND_LINK))
                return RESULT_OK;
        if (!node_lives(other)) {
                if (n->flags & NF_TRAP) /* as Erlang has it: who traps exits gets it as one */
                        (void) bond_signal(c, BOND_SIGNAL_LINK, n, other->id, &REASON(REASON_NOPROC, 0), 0, 0);
                return RESULT_NOPROC;
        }
        d = bond_count(c, n) < BONDS_OF_NODE_MAX && bond_count(c, other) < BONDS_OF_NODE_MAX
            ? bond_take(c, BOND_LINK, false) : NULL;
        if (!d)
                return RESULT_BUSY;
        bond_tie(c, d, n->id, other->id, 0);
        (void) note_other(c, n, RULE_LINKED, 0, other->id);
        return RESULT_OK;
}

static enum result ask_unlink(struct core *c, struct node *n, const struct event *e)
{
        struct bond *d = bond_between(c, n, (node_id) e->arg, BOND_LINK);

        if (d) {
                bond_drop(c, d);
                (void) note_other(c, n, RULE_UNLINKED, 0, (node_id) e->arg);
        }
        return RESULT_OK;
}

static enum result ask_monitor(struct core *c, struct node *n, const struct event *e)
{
        struct node *other = node_at(c, (node_id) e->arg);
        struct bond *d;

        if (!other)
                return RESULT_NOT_FOUND;
        if (is_super(n) || !spec_int(n->spec, D_SERVICE_Mailbox))
                return RESULT_NOT_SUPPORTED;
        if (!node_lives(n))
                return RESULT_NOT_RUNNING;
        if (n == other)
                return RESULT_OK;
        if (!node_lives(other))
                return bond_signal(c, BOND_SIGNAL_DOWN, n, other->id, &REASON(REASON_NOPROC, 0), (uint32_t) e->arg2,
                                   0) ? RESULT_OK : RESULT_BUSY;
        d = bond_count(c, n) < BONDS_OF_NODE_MAX && bond_count(c, other) < BONDS_OF_NODE_MAX
            ? bond_take(c, BOND_MONITOR, false) : NULL;
        if (!d)
                return RESULT_BUSY;
        bond_tie(c, d, n->id, other->id, (uint32_t) e->arg2);
        (void) note_other(c, n, RULE_MONITORS, 0, other->id);
        return RESULT_OK;
}

/* Of that mark, or with none of that target. A DOWN that is on its way does not arrive. A mark that is used up already
 * is no mistake, as in Erlang: its DOWN may have crossed the request. */
static enum result ask_demonitor(struct core *c, struct node *n, const struct event *e)
{
        uint32_t ref = (uint32_t) e->arg2, at = BOND_NONE, before = BOND_NONE;
        enum result result = ref ? RESULT_OK : RESULT_NOT_FOUND;
        struct bond *d;

        while ((d = bond_step(c, n, &at))) {
                bool watch = d->kind == BOND_MONITOR || (d->kind == BOND_WANT_MONITOR && !d->standing);

                if (!watch || d->a != n->id || (ref ? d->ref != ref : d->b != (node_id) e->arg))
                        continue;
                bond_drop(c, d);
                result = RESULT_OK;
                at = BOND_NONE; /* the list has changed: from its beginning */
        }
        for (at = c->bonds->first; at != BOND_NONE;) {
                d = &c->bonds->pool[at];
                if (d->kind == BOND_SIGNAL_DOWN && d->a == n->id && (ref ? d->ref == ref : d->b == (node_id) e->arg)) {
                        d->incarnation = 0; /* for nobody */
                        result = RESULT_OK;
                }
                before = at;
                at = c->bonds->pool[before].next[0];
        }
        return result;
}

static struct bond *named(const struct core *c, const struct node *scope, uint32_t text)
{
        uint32_t at = BOND_NONE;
        struct bond *d;

        while ((d = bond_step(c, scope, &at)))
                if (d->kind == BOND_NAME && d->a == scope->id && d->ref == text)
                        return d;
        return NULL;
}

static enum result ask_register(struct core *c, struct node *n, const struct event *e)
{
        const struct node *scope = node_at(c, (node_id) e->arg);
        struct bond *d;

        if (!scope || !is_super(scope) || !e->arg2)
                return RESULT_NOT_FOUND;
        if (n == scope)
                return RESULT_NOT_SUPPORTED;
        if (!node_lives(n))
                return RESULT_NOT_RUNNING;
        if (named(c, scope, (uint32_t) e->arg2))
                return RESULT_ALREADY_PRESENT;
        d = bond_count(c, n) < BONDS_OF_NODE_MAX ? bond_take(c, BOND_NAME, false) : NULL;
        if (!d)
                return RESULT_BUSY;
        bond_tie(c, d, scope->id, n->id, (uint32_t) e->arg2);
        return RESULT_OK;
}

static enum result ask_unregister(struct core *c, const struct node *scope, const struct event *e)
{
        struct bond *d = e->arg2 ? named(c, scope, (uint32_t) e->arg2) : NULL;

        if (!d)
                return RESULT_NOT_FOUND;
        bond_drop(c, d);
        return RESULT_OK;
}

static enum result ask_trap(struct node *n, const struct event *e)
{
        if (is_super(n) || !spec_int(n->spec, D_SERVICE_Mailbox))
                return RESULT_NOT_SUPPORTED;
        if (!node_lives(n))
                return RESULT_NOT_RUNNING;
        n->flags = (uint16_t) (e->arg ? n->flags | NF_TRAP : n->flags & ~NF_TRAP);
        return RESULT_OK;
}

static enum result ask_exit_signal(struct core *c, struct node *n, const struct event *e)
{
        if (is_super(n))
                return RESULT_NOT_SUPPORTED;
        if (!node_lives(n))
                return RESULT_NOPROC;
        return bond_signal(c, BOND_SIGNAL_SENT, n, (node_id) e->arg, &e->reason, 0, 0) ? RESULT_OK : RESULT_BUSY;
}

void bond_event(struct core *c, const struct event *e)
{
        struct node *n = node_at(c, e->node);
        enum result result = RESULT_NOT_FOUND;

        if (n && e->incarnation && e->incarnation != n->incarnation)
                n = NULL; /* it was said by one who is gone */
        if (e->kind == EVT_SPAWN) {
                bond_spawn(c, n, e);
                return;
        }
        if (n) {
                switch (e->kind) {
                case EVT_LINK: result = ask_link(c, n, e); break;
                case EVT_UNLINK: result = ask_unlink(c, n, e); break;
                case EVT_MONITOR: result = ask_monitor(c, n, e); break;
                case EVT_DEMONITOR: result = ask_demonitor(c, n, e); break;
                case EVT_REGISTER: result = ask_register(c, n, e); break;
                case EVT_UNREGISTER: result = ask_unregister(c, n, e); break;
                case EVT_TRAP_EXIT: result = ask_trap(n, e); break;
                case EVT_EMIT: result = bond_emit(c, n, e); break;
                default: result = ask_exit_signal(c, n, e); break;
                }
        }
        act_done(c, e->token, result, e->node);
}

/* --- signals ------------------------------------------------------------------------------------------------------ */

static void deliver(struct core *c, struct node *to, enum deliver what, const struct bond *d)
{
        struct action *a = act(c, to, ACT_DELIVER);

        a->role = (uint8_t) what;
        a->arg = d->b;
        a->token = d->ref;
        a->reason = d->reason;
        a->cause = d->cause;
}

/* The reason of one whose peer has ended: a chain of links names the nearest peer and the first reason. */
static struct reason linked(const struct core *c, const struct bond *d)
{
        struct reason r = { .kind = REASON_LINKED, .linked_kind = d->reason.kind, .stage = d->reason.stage,
                            .code = d->reason.code, .peer = d->b };

        if (node_at(c, d->b))
                c->nodes[d->b]->peer = true;
        if (d->reason.kind == REASON_LINKED)
                r.linked_kind = d->reason.linked_kind;
        return r;
}

static void end(struct core *c, struct node *n, const struct bond *d, struct reason r)
{
        if (n->phase >= PHASE_STOP)
                return; /* on its way already, for a reason of its own */
        (void) note_full(c, n, d->kind == BOND_SIGNAL_LINK ? RULE_LINK_ENDS : RULE_EXIT_SIGNAL, d->cause, d->b,
                         &d->reason, 0, 0);
        if (d->kind == BOND_SIGNAL_SENT && r.kind == REASON_KILLED)
                service_kill_now(c, n, r);
        else
                service_end_with(c, n, r, false);
        timer_update(c, n);
}

static bool untrappable(const struct bond *d)
{
        return d->kind == BOND_SIGNAL_SENT && d->reason.kind == REASON_KILLED;
}

static bool says_normal(const struct reason *r)
{
        return r->kind == REASON_NORMAL || (r->kind == REASON_LINKED && r->linked_kind == REASON_NORMAL);
}

static void arrive(struct core *c, struct node *n, const struct bond *d)
{
        if (d->kind == BOND_SIGNAL_DOWN) {
                deliver(c, n, DELIVER_DOWN, d);
        } else if ((n->flags & NF_TRAP) && !untrappable(d)) {
                (void) note_full(c, n, RULE_TRAPPED, d->cause, d->b, &d->reason, 0, 0);
                deliver(c, n, DELIVER_EXIT, d);
        } else if (!says_normal(&d->reason) || (d->kind == BOND_SIGNAL_SENT && d->b == n->id)) {
                end(c, n, d, d->kind == BOND_SIGNAL_LINK ? linked(c, d) : d->reason);
        }
}

bool bonds_pump(struct core *c)
{
        struct bonds *b = c->bonds;
        bool some = false;

        while (b->first != BOND_NONE && core_has_room(c)) {
                struct bond d = b->pool[b->first];
                struct bond *record = &b->pool[b->first];
                struct node *n = node_at(c, d.a);

                b->first = d.next[0];
                if (b->first == BOND_NONE)
                        b->last = BOND_NONE;
                some = true;
                if (n && node_lives(n) && n->incarnation == d.incarnation)
                        arrive(c, n, &d);
                else if (n && bond_reaches_unborn(n, &d))
                        bond_unborn_ends(c, n, &d);
                bond_give(c, record); /* last: the text it refers to is part of the action */
        }
        return some;
}
