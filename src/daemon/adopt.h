/* adopt.h - an engine without a usable journal takes over the services that run (adopt.c says how).
 *
 * A service that was found running stands in for the start that the core asks for: nothing is spawned, the core is told
 * that the process exists.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_ADOPT_H
#define DAEMON_ADOPT_H

#include "daemon/engine.h"

/* Look among the children of init; once, before the first turn. -EAGAIN: memory or descriptors
 * are short. */
int adopt_find(struct engine *e, struct err *err);
/* A process that belongs to nobody we know of has ended: nothing is taken for it any more. */
void adopt_exited(struct engine *e, pid_t pid);
void adopt_forget(struct engine *e, node_id id); /* the node is no more */

/* For the journal: all of them as entries; one of those (-ENOMEM). */
void adopt_save(struct engine *e);
int adopt_read(struct engine *e, node_id id, pid_t pid, uint64_t born, uint32_t incarnation);

bool adopt_has(const struct engine *e, node_id id); /* was a process of that node found? */

/* ACT_SPAWN of a node that may have been found. True: what runs counts as started. False: start it. */
bool adopt_spawn(struct engine *e, const struct action *a, const struct spec *spec);

#endif
