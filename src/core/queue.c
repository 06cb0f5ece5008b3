/* queue.c - the pool of messages, the queues of the supervisors, and those who wait for an answer.
 * Used by: call.c, request.c, child.c, supervisor.c.  Uses: machine.h. */
#include "core/machine.h"

/* --- the pool ---------------------------------------------------------------------------------------------------- */

/* A message may always be had for what children do; requests stop at a limit of their own. */
uint32_t msg_take(struct core *c, bool request)
{
        uint32_t at = c->pool_free;

        if (at == MSG_NONE || (request && (c->requests >= REQUESTS_MAX || c->pool_left <= 2 * c->limit)))
                return MSG_NONE;
        c->pool_free = c->pool[at].next;
        c->pool_left--;
        c->pool[at].next = MSG_NONE;
        c->requests += request;
        return at;
}

void msg_drop(struct core *c, uint32_t at)
{
        uint8_t kind = c->pool[at].kind;

        if (kind == MSG_REQUEST || kind == MSG_WAITER)
                c->requests--;
        c->pool[at].next = c->pool_free;
        c->pool_free = at;
        c->pool_left++;
}

void queue_push(struct core *c, struct node *super, uint32_t at)
{
        struct super *s = super->super;

        if (s->tail == MSG_NONE)
                s->head = at;
        else
                c->pool[s->tail].next = at;
        s->tail = at;
        core_wake(c, super);
}

uint32_t queue_pop(struct core *c, struct node *super)
{
        struct super *s = super->super;
        uint32_t at = s->head;

        if (at == MSG_NONE)
                return MSG_NONE;
        s->head = c->pool[at].next;
        if (s->head == MSG_NONE)
                s->tail = MSG_NONE;
        return at;
}

/* The supervisor has ended: who still waits in its queue is told so. */
void queue_clear(struct core *c, struct node *super)
{
        uint32_t at;

        while ((at = queue_pop(c, super)) != MSG_NONE) {
                struct msg m = c->pool[at];
                struct node *n = node_at(c, m.node);

                msg_drop(c, at);
                if (m.kind != MSG_REQUEST)
                        continue;
                act_done(c, m.token, RESULT_NOPROC, m.node);
                if (n && m.event == EVT_ADDED && n->dynamic && n->phase == PHASE_NONE)
                        core_forget(c, n);
        }
}

/* A call is about a name and finds who bears it now; whatever else is said of one that is gone means nothing. */
void queue_disown(struct core *c, const struct node *super, node_id id)
{
        for (uint32_t at = super->super->head; at != MSG_NONE; at = c->pool[at].next)
                if (c->pool[at].node == id)
                        c->pool[at].node = NODE_NONE;
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

void wait_for(struct core *c, struct node *n, const struct event *e, enum event_kind kind)
{
        uint32_t at;

        if (!e->token)
                return;
        at = msg_take(c, true);
        if (at == MSG_NONE) {
                act_done(c, e->token, RESULT_BUSY, n->id);
                return;
        }
        c->pool[at] = (struct msg) { .kind = MSG_WAITER, .event = (uint8_t) kind, .node = n->id, .token = e->token,
                                     .next = n->waiters };
        n->waiters = at;
}

void answer(struct core *c, struct node *n, enum event_kind kind, enum result result)
{
        uint32_t *link = &n->waiters;

        while (*link != MSG_NONE) {
                uint32_t at = *link;

                if (c->pool[at].event != kind) {
                        link = &c->pool[at].next;
                        continue;
                }
                *link = c->pool[at].next;
                act_done(c, c->pool[at].token, result, n->id);
                msg_drop(c, at);
        }
}

void answer_all(struct core *c, struct node *n, enum result result)
{
        while (n->waiters != MSG_NONE)
                answer(c, n, (enum event_kind) c->pool[n->waiters].event, result);
}
