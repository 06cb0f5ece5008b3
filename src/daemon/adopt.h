/* adopt.h - an engine without a usable journal takes over the services that run (adopt.c says how).
 *
 * A service that was found running stands in for the start that the core asks for: nothing is spawned, the core is told
 * that the process exists.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_ADOPT_H
#define DAEMON_ADOPT_H

#include "daemon/engine.h"

void adopt_find(struct engine *e);                         /* look among the children of init; once,
                                                            * before the first turn */
bool adopt_has(const struct engine *e, node_id id);        /* was a process of that node found? */

/* ACT_SPAWN of a node that may have been found. True: what runs counts as started. False: start it. */
bool adopt_spawn(struct engine *e, const struct action *a, const struct spec *spec);

#endif
