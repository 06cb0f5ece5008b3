/* perform.h - the actions that a step of the core asks for, done.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_PERFORM_H
#define DAEMON_PERFORM_H

#include "daemon/engine.h"

/* Perform the actions of a step, in their order. An action that fails becomes an event for the core. */
void perform(struct engine *e, const struct actions *actions);

/* ACT_OPEN alone: a new incarnation begins. A recovered engine does this before it reads what init says of it. */
void perform_open(struct engine *e, const struct action *a);

/* Send SIGKILL to every process of a node and of all nodes below it. */
void perform_kill(struct engine *e, node_id id);

#endif
