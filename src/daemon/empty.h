/* empty.h - waiting until no process of an incarnation is left; then EVT_EMPTY is posted.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_EMPTY_H
#define DAEMON_EMPTY_H

#include "daemon/engine.h"
#include "os/nogroup.h"

void empty_start(struct engine *e);              /* once, when there is a loop */
/* ACT_WATCH_EMPTY: EVT_EMPTY is posted once no process of the incarnation is left, at once when that is so already. */
void empty_watch(struct engine *e, node_id id, uint32_t incarnation);
void empty_forget(struct engine *e, node_id id); /* stop waiting; fine when nobody waits */
void empty_process_gone(struct engine *e);       /* init has reaped a process: look again where there is no cgroup */

/* How the processes of a node are recognised without a cgroup. The result borrows mark. */
struct nogroup_id empty_nogroup(const struct engine *e, node_id id, char mark[33]);

#endif
