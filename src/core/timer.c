/* timer.c - the nodes that wait for time to pass, as a binary heap over their earliest time. */
#include "core/machine.h"

#define NOT_IN_HEAP UINT32_MAX

nsec nsec_add(nsec a, nsec b)
{
        nsec sum;

        if (a == NSEC_NEVER || b == NSEC_NEVER || __builtin_add_overflow(a, b, &sum))
                return NSEC_NEVER;
        return sum;
}

static nsec due(const struct node *n)
{
        nsec at = n->deadline;

        if (n->runtime_at < at)
                at = n->runtime_at;
        if (n->watchdog_at < at)
                at = n->watchdog_at;
        if (n->next_start_at < at)
                at = n->next_start_at;
        return at;
}

static nsec due_at(const struct core *c, uint32_t i)
{
        return due(c->nodes[c->heap[i]]);
}

static void put(struct core *c, uint32_t i, node_id id)
{
        c->heap[i] = id;
        c->nodes[id]->heap_at = i;
}

static void swap(struct core *c, uint32_t i, uint32_t j)
{
        node_id at_i = c->heap[i];

        put(c, i, c->heap[j]);
        put(c, j, at_i);
}

static void sift(struct core *c, uint32_t i)
{
        while (i > 0 && due_at(c, i) < due_at(c, (i - 1) / 2)) {
                swap(c, i, (i - 1) / 2);
                i = (i - 1) / 2;
        }
        for (;;) {
                uint32_t least = i, left = 2 * i + 1;

                for (uint32_t child = left; child < left + 2 && child < c->heap_len; child++)
                        if (due_at(c, child) < due_at(c, least))
                                least = child;
                if (least == i)
                        return;
                swap(c, i, least);
                i = least;
        }
}

void timer_remove(struct core *c, struct node *n)
{
        uint32_t i = n->heap_at;

        if (i == NOT_IN_HEAP)
                return;
        c->heap_len--;
        if (i != c->heap_len) {
                put(c, i, c->heap[c->heap_len]);
                sift(c, i);
        }
        n->heap_at = NOT_IN_HEAP;
}

void timer_update(struct core *c, struct node *n)
{
        if (due(n) == NSEC_NEVER) {
                timer_remove(c, n);
                return;
        }
        if (n->heap_at == NOT_IN_HEAP)
                put(c, c->heap_len++, n->id);
        sift(c, n->heap_at);
}

nsec timer_first(const struct core *c)
{
        return c->heap_len ? due_at(c, 0) : NSEC_NEVER;
}

node_id timer_due(const struct core *c)
{
        return c->heap_len && due_at(c, 0) <= c->now ? c->heap[0] : NODE_NONE;
}
