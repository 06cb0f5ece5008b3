/* branches.h - After= and Before= between units that are no siblings: they order the two branches, the children of the
 * nearest supervisor that both units are below. The whole branch of the one waits for the whole branch of the other.
 * Pure. Used by: validate_tree.c.  Tested by: tests/unit/validate.c */
#ifndef CORE_BRANCHES_H
#define CORE_BRANCHES_H

#include "core/unit_tree.h"

struct branch_order {
        uint32_t parent;        /* index of the supervisor of both */
        uint32_t from, to;      /* indices of its children: from waits for to */
        const struct spec *said;/* borrowed: the unit that says so, in this item of that directive */
        enum directive d;
        uint32_t item;
};

struct branch_orders {
        const struct unit_node *nodes;
        uint32_t *by_name;      /* owned: all indices, sorted by name */
        size_t node_count;
        struct branch_order *list; /* owned; sorted by parent */
        size_t count, cap;
};

/* All of a tree as unit_tree_build() made it. 0 or -ENOMEM. */
int branch_orders_find(const struct unit_node *nodes, size_t n, struct branch_orders *ret);
void branch_orders_free(struct branch_orders *o);

/* Where in the tree a unit of that name is; UINT32_MAX when it is nowhere. */
uint32_t branch_orders_node(const struct branch_orders *o, const char *name);

#endif
