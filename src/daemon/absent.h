/* absent.h - units on disk that are no part of the tree: why not (engine_absent()), and how one comes
 * in by hand (engine_bring()).
 *
 * Those that were left out when the units were read last are remembered with the remark of that time; what has become
 * of the others is seen when somebody asks.
 * Used by: daemon. */
#ifndef DAEMON_ABSENT_H
#define DAEMON_ABSENT_H

#include "daemon/engine_priv.h"

struct unit_set;

/* Of a set that has just been made the tree. Not called by an engine that goes on after another: that
 * one finds out when asked. */
void absent_note(struct engine *e, const struct unit_set *set);

#endif
