/* exit.h - the end of the daemon.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_EXIT_H
#define DAEMON_EXIT_H

#include "daemon/engine.h"

/* The core has stopped everything: have the logs flushed, for a bounded time, then leave the loop. `code` is the exit
 * code unless another one was asked for already. */
void exit_finish(struct engine *e, int code);

/* End whoever is in the daemon's own groups and remove them. For a boot that fails, too: init knows v2 only. */
void exit_groups(struct engine *e);

/* After the loop: release everything, remove what lies on disk, tell init. Waits for nobody but init. */
void exit_clean(struct engine *e);

#endif
