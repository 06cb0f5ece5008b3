/* link.h - the engine's side of the socket to init: its messages become events of the core.
 * May be used by: the files of daemon/ except the control server.  Uses: os/initlink.h. */
#ifndef DAEMON_LINK_H
#define DAEMON_LINK_H

#include "daemon/engine.h"

/* Take over the socket that init left at INIT_ENGINE_FD. 0, or -errno with err filled. */
int link_open(struct engine *e, struct err *err);

/* Wait until init has said HELLO to this engine and has handed over its store. What comes before was meant for an
 * engine that has ended, and is dealt with. 0, or -errno with err filled: init cannot be talked to. */
int link_greet(struct engine *e, struct err *err);

void link_watch(struct engine *e); /* from now on the loop reads the socket */

/* Read what init has said, a bounded number of messages, and post the events. Without init the engine ends. */
void link_drain(struct engine *e);
/* Send what is queued for init, as far as the socket has room; the loop waits for more room when it has not. */
void link_flush(struct engine *e);

/* A request to init names the process it is about in its 64-bit number, and init's answer repeats the number: */
uint64_t request_make(node_id node, uint32_t incarnation, enum role role);
void request_split(uint64_t request, node_id *node, uint32_t *incarnation, enum role *role);

#endif
