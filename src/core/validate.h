/* validate.h - rules between the keys of one unit, and between the units of a tree.
 * What can be seen in one key alone is value.h's work. Every refusal says the line and the way out.
 * Pure. Used by: unit_text, unit/.  Tested by: tests/unit/validate.c */
#ifndef CORE_VALIDATE_H
#define CORE_VALIDATE_H

#include "core/unit_tree.h"

/* One unit. Rules whose breach systemd shrugs off are warnings in foreign files. refused[D_COUNT]: directives that have had
 * their remark already; rules that need to know their values are left out. */
void validate_unit(const struct spec *s, const bool *refused, struct remarks *remarks);

/* The part of it about SystemCallFilter= (filter_check.c). */
void validate_filter(const struct spec *s, struct remarks *remarks);

/* A tree as unit_tree_build() made it: names in After=, Requires= ... that are no siblings, Conflicts= against
 * Requires=, and cycles of After= and Before= (FAILURES H1), each with its path. */
void validate_tree(const struct unit_node *nodes, size_t n, struct remarks *remarks);

#endif
