/* unit_tree.h - units -> the tree: who is below whom, in which order.
 *
 * A unit hangs below the supervisor that lists it in Children=, else below the one it names in Supervisor=, else
 * below root (unless it is only run when listed). Children come in the order of Children=, then those that joined by
 * Supervisor=, by name. What has no place is left out, after a remark: a unit that two supervisors claim goes to
 * neither, supervisors in a ring hang from nothing, of two units of one stem below one supervisor the second goes.
 * Pure. Used by: unit/unit_set.c, tests.  Tested by: tests/unit/unit_tree.c */
#ifndef CORE_UNIT_TREE_H
#define CORE_UNIT_TREE_H

#include "core/diag.h"
#include "core/spec.h"

struct unit_node {
        struct spec *spec;     /* owned by the set; take a reference to keep it */
        uint32_t parent;       /* index of its supervisor, smaller than its own; UINT32_MAX for the root */
        bool husk;             /* it has errors: what it does not say may be what was wrong */
};

struct unit_candidate {
        struct spec *spec;     /* borrowed */
        bool only_listed;      /* foreign, emergency.service: not below root by itself */
        bool husk;
};

/* candidates: sorted by name, no name twice, "root.supervisor" among them. `known` says what is to be said about a
 * name that is listed but is no candidate ("it has errors", "it is masked"); NULL for an unknown one.
 * 0 and the nodes, parents before children, siblings in order (free() them); -ENOMEM. */
int unit_tree_build(const struct unit_candidate *candidates, size_t n,
                    const char *(*known)(void *arg, const char *name), void *arg, struct remarks *remarks,
                    struct unit_node **ret, size_t *ret_count);

#endif
