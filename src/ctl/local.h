/* local.h - a daemon of one's own for one run, for `run --local`.
 *
 * A keeper process starts coppiced in a directory that nobody else can enter, ends it when we say so or are gone in
 * whatever way, and removes the directory.
 * Used by: cmd_run.c.  Uses: ctl.h. */
#ifndef CTL_LOCAL_H
#define CTL_LOCAL_H

#include <sys/types.h>

#include "ctl/ctl.h"

struct local {
        pid_t keeper;
        int leash;          /* owned; closed by us: end it; closed by the keeper: it has ended */
        char dir[64];
        char socket[96];
};

/* Start it, and have c talk to it. An exit code; said on standard error. Comes before anything that blocks signals. */
int local_start(struct local *l, struct ctl *c);

/* End it and wait until nothing of it is left. Harmless when it was not started ({ .leash = -1 }). */
void local_stop(struct local *l);

#endif
