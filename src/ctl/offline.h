/* offline.h - units read from files, for the verbs that need no daemon.
 * Used by: ctl.  Uses: unit. */
#ifndef CTL_OFFLINE_H
#define CTL_OFFLINE_H

#include "ctl/ctl.h"
#include "unit/unit_set.h"

/* Does the argument name a unit file rather than a node? A path that ends like a unit and is a file, or the
 * instance of a template that is there. */
bool offline_file(const char *arg);

/* Where units are looked for: in each --units= of c, or the standard places, also for NULL. An exit code; errors have
 * been said. */
int offline_paths(const struct ctl *c, struct unit_paths **ret);

/* Read one file, remarks to standard error. An exit code. */
int offline_load(const char *file, struct spec **ret);

#endif
