/* record.c - what happened and why: the ring of records, and the way back along their causes. */
#include "core/machine.h"

void enter(struct core *c, struct node *n, enum state state)
{
        if (n->state == state)
                return;
        n->state = (uint8_t) state;
        n->since = c->now;
}

void enter_first(struct core *c, struct node *n)
{
        if (n->since == 0)
                n->since = c->now;
        for (node_id id = n->first; id != NODE_NONE; id = c->nodes[id]->next)
                enter_first(c, c->nodes[id]);
}

/* Was this only asked, and the node stays what it is? Whatever comes of it has a record of its own. */
static bool changes_nothing(const struct node *n, enum rule rule)
{
        switch (rule) {
        case RULE_ASKED_SIGNAL: case RULE_ASKED_RELOAD: case RULE_FROZEN: case RULE_THAWED: return true;
        case RULE_ASKED_START: return n->state == STATE_RUNNING;
        case RULE_ASKED_RESET: return n->state != STATE_FAILED;
        default: return false;
        }
}

/* The story of a node, which `why` begins with, is the last record that tells why it is what it is. */
uint64_t note_full(struct core *c, struct node *n, enum rule rule, uint64_t cause, node_id other,
                   const struct reason *r, int64_t a, int64_t b)
{
        struct record *rec = &c->ring[c->seq % c->ring_cap];
        uint8_t from = n->story->seq ? n->story->to : (uint8_t) STATE_INACTIVE;

        *rec = (struct record) {
                .seq = ++c->seq, .at = c->now, .cause = cause, .node = n->id, .other = other,
                .incarnation = n->incarnation, .rule = (uint8_t) rule, .from = from, .to = n->state,
                .event = c->event, .reason = r ? *r : REASON(REASON_NONE, 0), .a = a, .b = b,
        };
        if (n->story->seq == 0 || !changes_nothing(n, rule))
                *n->story = *rec;
        n->last_seq = n->cause = rec->seq;
        return rec->seq;
}

uint64_t note(struct core *c, struct node *n, enum rule rule, uint64_t cause)
{
        return note_full(c, n, rule, cause, NODE_NONE, NULL, 0, 0);
}

uint64_t note_ab(struct core *c, struct node *n, enum rule rule, uint64_t cause, int64_t a, int64_t b)
{
        return note_full(c, n, rule, cause, NODE_NONE, NULL, a, b);
}

uint64_t note_other(struct core *c, struct node *n, enum rule rule, uint64_t cause, node_id other)
{
        return note_full(c, n, rule, cause, other, NULL, 0, 0);
}

uint64_t core_last_seq(const struct core *c)
{
        return c->seq;
}

const struct record *core_record(const struct core *c, uint64_t seq)
{
        const struct record *r;

        if (seq == 0 || seq > c->seq)
                return NULL;
        r = &c->ring[(seq - 1) % c->ring_cap];
        return r->seq == seq ? r : NULL;
}

size_t core_why(const struct core *c, node_id id, const struct record **ret, size_t max)
{
        const struct node *n = core_node(c, id);
        size_t count = 0;
        const struct record *r;

        if (!n || n->last_seq == 0)
                return 0;
        for (r = n->story; r && count < max; r = core_record(c, r->cause))
                ret[count++] = r;
        return count;
}
