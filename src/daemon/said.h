/* said.h - what a service has said about itself with sd_notify, as far as it is kept (struct said of engine.h).
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_SAID_H
#define DAEMON_SAID_H

#include "daemon/engine.h"

struct notify_fields;

/* Keep STATUS=, ERRNO=, BUSERROR=, EXIT_STATUS= and NOTIFYACCESS= of a message that was found to be the node's. */
void said_take(struct engine *e, node_id id, const struct notify_fields *f);
void said_clear(struct said *s); /* a new incarnation has said nothing yet */

/* Whose notifications are believed now: what the incarnation said with NOTIFYACCESS= comes before NotifyAccess= of its
 * unit. */
enum notify_access said_access(const struct engine *e, node_id id, const struct spec *s);

#endif
