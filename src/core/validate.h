/* validate.h - rules between the keys of one unit, and between the units of a tree.
 * What can be seen in one key alone is value.h's work. Every refusal says the line and the way out.
 * Pure. Used by: unit_text, unit/.  Tested by: tests/unit/validate.c */
#ifndef CORE_VALIDATE_H
#define CORE_VALIDATE_H

#include "core/unit_tree.h"

/* One unit. Rules whose breach systemd shrugs off are warnings in foreign files. refused[D_COUNT]: directives that have
 * had their remark already; rules that need to know their values are left out. */
void validate_unit(const struct spec *s, const bool *refused, struct remarks *remarks);

/* The part of it about SystemCallFilter= (filter_check.c). */
void validate_filter(const struct spec *s, struct remarks *remarks);
void validate_left_filter(const struct spec *s, struct remarks *remarks); /* of a unit with OnDaemonDeath=leave */

/* The part of it about channels (validate_channels.c). */
void validate_channel(const struct spec *s, const bool *refused, struct remarks *remarks);

/* Channels against the services they join: names that are no services, descriptors that something else
 * wants, pipes in a ring (FAILURES F16). ret_broken[i]: channel i has an error, or joins what is masked.
 * `known` as for unit_tree_build(). */
void validate_channels(const struct unit_node *nodes, size_t n, const struct unit_node *channels, size_t count,
                       unit_known_fn *known, void *arg, struct remarks *remarks, bool *ret_broken);

/* A tree as unit_tree_build() made it: names in After=, Requires= ... that are no siblings, Conflicts= against
 * Requires=, and cycles of After= and Before= (FAILURES H1), each with its path. `known` may be NULL. */
void validate_tree(const struct unit_node *nodes, size_t n, unit_known_fn *known, void *arg, struct remarks *remarks);

#endif
