/* branches.c - see branches.h. */
#include "core/branches.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_names(const void *a, const void *b, void *arg)
{
        const struct unit_node *nodes = arg;

        return strcmp(spec_name(nodes[*(const uint32_t *) a].spec), spec_name(nodes[*(const uint32_t *) b].spec));
}

uint32_t branch_orders_node(const struct branch_orders *o, const char *name)
{
        size_t low = 0, high = o->node_count;

        while (low < high) {
                size_t middle = (low + high) / 2;
                int c = strcmp(spec_name(o->nodes[o->by_name[middle]].spec), name);

                if (c == 0)
                        return o->by_name[middle];
                if (c < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return UINT32_MAX;
}

/* Up to the two that have one parent. A parent's index is smaller than its child's, so the larger one climbs. False
 * when one is above the other. */
static bool climb(const struct unit_node *nodes, uint32_t *a, uint32_t *b)
{
        while (*a != *b && *a != 0 && *b != 0 && nodes[*a].parent != nodes[*b].parent) {
                if (*a > *b)
                        *a = nodes[*a].parent;
                else
                        *b = nodes[*b].parent;
        }
        return *a != *b && *a != 0 && *b != 0;
}

static int add(struct branch_orders *o, struct branch_order order)
{
        if (o->count == o->cap) {
                size_t cap = o->cap ? 2 * o->cap : 16;
                struct branch_order *grown = reallocarray(o->list, cap, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                o->list = grown;
                o->cap = cap;
        }
        o->list[o->count++] = order;
        return 0;
}

static int look_at(struct branch_orders *o, uint32_t node, enum directive d)
{
        const struct spec *s = o->nodes[node].spec;

        for (size_t i = 0; i < spec_count(s, d); i++) {
                uint32_t a = node, b = branch_orders_node(o, spec_item(s, d, i));
                struct branch_order order = { .said = s, .d = d, .item = (uint32_t) i };

                if (b == UINT32_MAX || o->nodes[a].parent == o->nodes[b].parent || !climb(o->nodes, &a, &b))
                        continue;
                order.parent = o->nodes[a].parent;
                order.from = d == D_UNIT_After ? a : b;
                order.to = d == D_UNIT_After ? b : a;
                if (add(o, order) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int compare_parents(const void *a, const void *b)
{
        const struct branch_order *x = a, *y = b;

        return x->parent < y->parent ? -1 : x->parent > y->parent;
}

int branch_orders_find(const struct unit_node *nodes, size_t n, struct branch_orders *ret)
{
        struct branch_orders o = { .nodes = nodes, .node_count = n, .by_name = calloc(n + 1, sizeof(uint32_t)) };
        int r = o.by_name ? 0 : -ENOMEM;

        for (size_t i = 0; r == 0 && i < n; i++)
                o.by_name[i] = (uint32_t) i;
        if (r == 0 && n > 0)
                qsort_r(o.by_name, n, sizeof(uint32_t), compare_names, (void *) (uintptr_t) nodes);
        for (uint32_t i = 1; r == 0 && i < n; i++) {
                r = look_at(&o, i, D_UNIT_After);
                if (r == 0)
                        r = look_at(&o, i, D_UNIT_Before);
        }
        if (r < 0) {
                branch_orders_free(&o);
                return r;
        }
        if (o.count > 0)
                qsort(o.list, o.count, sizeof(*o.list), compare_parents);
        *ret = o;
        return 0;
}

void branch_orders_free(struct branch_orders *o)
{
        free(o->by_name);
        free(o->list);
}
