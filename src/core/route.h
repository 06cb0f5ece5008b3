/* route.h - who may say what to whom: the tree as the tree of authority (DESIGN 1). Pure.
 *
 * MESSAGES cross the boundary of a supervisor when one of the two is below it and the other is not. Each supervisor
 * whose boundary is crossed must allow it (MessagePolicy=):
 *
 *      closed   nothing in, nothing out
 *      above    (default) in from those above: services whose own supervisor is above this one; nothing out
 *      in       in from anybody; nothing out
 *      out      in from above; out to anybody
 *      open     in and out, anybody
 *
 * Siblings cross nothing. An operator (a client of the control socket that may change things) passes everywhere.
 * What answers a message goes back the way the question came: the engine knows which questions are open.
 *
 * CLIENTS of the control socket that are processes of a service are bounded by ControlAccess= (route_control()).
 *
 * ACTS (link, monitor, exit, register for somebody else, spawn ...) reach only what is below the actor's own
 * supervisor: anything else is `not-descendant`.
 * Used by: daemon (mail*.c).  Tested by: tests/unit/mail.c. */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include "core/core.h"

enum message_policy { POLICY_CLOSED, POLICY_ABOVE, POLICY_IN, POLICY_OUT, POLICY_OPEN };
/* message_policy_names: types.h */

/* May a service say something to a node? *ret_by is the supervisor that forbids it (NODE_NONE when it is allowed). */
bool route_message(const struct core *c, node_id from, node_id to, node_id *ret_by);

/* The same for what lies directly below the supervisor `place` without being a node: a channel. */
bool route_into(const struct core *c, node_id from, node_id place, node_id *ret_by);
bool route_out_of(const struct core *c, node_id place, node_id to, node_id *ret_by);

/* May a service act on a node? It must be below the actor's own supervisor; that supervisor itself is not. */
bool route_act(const struct core *c, node_id actor, node_id target);

/* What the processes of a service may do on the control socket: ControlAccess= of its unit, bounded by that of each
 * supervisor above it. Of OWN: to what route_act() allows. */
enum control_access route_control(const struct core *c, node_id actor);

/* Is `id` the node `top`, or below it? */
bool node_within(const struct core *c, node_id id, node_id top);

#endif
