/* compose.h - messages made of words and options: for send, ask and channel send. */
#ifndef CTL_COMPOSE_H
#define CTL_COMPOSE_H

#include "ctl/ctl.h"

/* A line of the head for each --head=X_KEY=VALUE. The error has been said. */
int compose_own_lines(struct ctl *c, struct buf *out);

/* Behind a head that is ended: the arguments from `first` on, with blanks between them, or standard input for a single
 * "-". The whole is then known to be of a size and of a sort that can be sent. */
int compose_payload(struct ctl *c, int first, struct buf *out);

/* Have the daemon send it. `flag` is one more parameter that is true, or NULL. */
int compose_call(struct ctl *c, const char *method, const struct buf *message, const char *flag, uint32_t *ret);

#endif
