/* unit_tree.h - units -> the tree: who is below whom, in which order.
 *
 * A unit hangs below the supervisor that lists it in Children=, else below the one it names in Supervisor=, else
 * below root (unless it is only run when listed). Children come in the order of Children=, then those that joined by
 * Supervisor=, by name. What has no place is left out, after a remark: a unit that two supervisors claim goes to
 * neither, supervisors in a ring hang from nothing, of two units of one stem below one supervisor the second goes. A
 * child needs its supervisor: what hangs below one that is absent (it has errors, it is masked) is left out with it.
 * Pure. Used by: unit/unit_set.c, tests. Tested by: tests/unit/unit_tree.c */
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
        const char *absent;    /* a supervisor that cannot run, and why: it only claims what is below it; else NULL */
        bool by_choice;        /* it is absent because it is masked: no error */
};

typedef const char *unit_known_fn(void *arg, const char *name, bool *ret_by_choice);

/* candidates: sorted by name, no name twice, "root.supervisor" among them. `known` says what is to be said about a
 * name that is listed but is no candidate, or an absent one ("it has errors", "it is masked"), and whether that is
 * somebody's choice and no error; NULL for an unknown one.
 * 0 and the nodes, parents before children, siblings in order (free() them); -ENOMEM. */
int unit_tree_build(const struct unit_candidate *candidates, size_t n,
                    unit_known_fn *known, void *arg, struct remarks *remarks,
                    struct unit_node **ret, size_t *ret_count);

#endif
