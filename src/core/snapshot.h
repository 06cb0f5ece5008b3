/* snapshot.h - the whole core as bytes, and back.
 *
 * What core_restore() makes of core_snapshot()'s bytes is the same core: fed the same events at the same times it
 * gives the same actions and records, and its own snapshot is the same bytes (a test takes 100,000 steps with both).
 * Between two snapshots a journal of what went in is enough, because a step depends on nothing else.
 *
 * The fields of each struct stand in one table (snapshot_fields.c) which a test holds against the header: a field that
 * is neither saved nor named as left out fails `make check`. See base/pack.h for what another version makes of it.
 *
 * Between steps only; what the last step forgot (ACT_FORGET) is not part of it.
 * Used by: daemon (journal), tests.  Uses: machine.h. */
#ifndef CORE_SNAPSHOT_H
#define CORE_SNAPSHOT_H

#include "base/pack.h"
#include "core/core.h"

/* The names of fields and values that everything below is written with; it must stand before. */
extern const struct pack_schema core_schema;
extern const struct pack_struct event_fields, reason_fields;  /* also for journals */
extern const struct pack_names event_kind_names, stage_names, reason_kind_names, directive_names;

/* Append the core to `out`. The schema is not part of it. */
void core_snapshot(const struct core *c, struct buf *out);

/* `map`: of the schema the bytes were written with. 0; -EBADMSG for bytes that are no core, or one this version cannot
 * take over (err says what); -ENOMEM. */
int core_restore(struct unpack *u, struct pack_map *map, struct core **ret, struct err *err);

/* One spec, with where each value was said. NULL: damaged, or a directive this version does not have. */
void spec_save(const struct spec *s, struct buf *out);
struct spec *spec_load(struct unpack *u, struct pack_map *map);

/* Grows whenever the tree was changed by other means than a step: core_add(), core_set_spec(), core_link(),
 * core_order(). A journal of steps needs a new snapshot then. */
uint32_t core_changes(const struct core *c);

#endif
