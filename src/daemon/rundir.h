/* rundir.h - RuntimeDirectory=, StateDirectory= and their kin: where they are, and the removal of the former.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_RUNDIR_H
#define DAEMON_RUNDIR_H

#include "daemon/engine.h"

/* Below which directory those of a kind are made: "runtime", "state", "cache", "logs", "configuration". NULL when
 * the user has none. Borrowed. */
const char *rundir_root(const struct engine *e, const char *kind);

void rundir_remove(struct engine *e, node_id id);    /* RuntimeDirectory= of an incarnation that is over */

/* Remove what is below the directory `name` of `parent`, and, at a depth above 0, the directory itself. Each removed
 * entry takes one from *budget; it stops once that is negative. Links are removed, not followed. */
void rundir_remove_below(int parent, const char *name, int depth, int *budget);

#endif
