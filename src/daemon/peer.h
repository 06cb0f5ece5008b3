/* peer.h - inside of the engine: whose process is that?
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_PEER_H
#define DAEMON_PEER_H

#include "daemon/engine_priv.h"

/* The node whose control group a process is in, or in a group that its service made below. Without control groups what
 * the process says of itself in its environment: a hint that nobody may be given rights for. NODE_NONE; *ret_again (may
 * be NULL): it cannot be told at this moment. */
node_id peer_place(const struct engine *e, pid_t pid, bool *ret_again);

/* Once /proc may be there: when was init born? */
void peer_start(struct engine *e);

#endif
