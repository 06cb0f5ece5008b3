/* check.h - conditions, and what a start asks others for: EVT_CHECKED comes when the answers are there.
 * Used by: perform.c, reconcile.c, exit.c. */
#ifndef DAEMON_CHECK_H
#define DAEMON_CHECK_H

#include "daemon/engine_priv.h"

/* ACT_CHECK: evaluate the conditions and assertions of a node, and look up what its start must ask others for. */
void check(struct engine *e, node_id id, uint32_t incarnation);

/* After recovery: of everybody who waits for an answer that the engine before has not given. */
void check_again(struct engine *e);
void check_free(struct engine *e);

#endif
