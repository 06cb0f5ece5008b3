/* inside.h - coppicectl inside of a service: it speaks through the mailbox it has inherited ($COPPICE_MAILBOX), so with
 * that service's own identity, and needs neither the control socket nor any right of its own. --socket turns that off.
 *
 * The mailbox is shared with the service. Whatever is read here and was not asked for is given back in its order
 * (CALL=return), so the service gets it; but an answer that the service reads first is not seen here. */
#ifndef CTL_INSIDE_H
#define CTL_INSIDE_H

#include "ctl/ctl.h"
#include "proto/message.h"

int inside_fd(const struct ctl *c); /* -1: not inside */

/* Send the bytes of a message. */
int inside_send(struct ctl *c, const struct buf *message);

/* Wait (--timeout) for a message that `match` accepts and put its bytes into out. CTL_NOT_FOUND: none came. */
typedef bool inside_match_fn(const struct message *m, void *arg);
int inside_receive(struct ctl *c, inside_match_fn *match, void *arg, struct buf *out);

/* Send `lines` (a head without its end and without REF), wait for the DONE and put its bytes into out. The error, if
 * any, has been said. */
int inside_call(struct ctl *c, const struct buf *lines, struct buf *out);

/* The same for a message that is whole and has that REF. */
int inside_call_as(struct ctl *c, const char *ref, const struct buf *message, struct buf *out);

/* A mark that no other answer has. */
const char *inside_ref(char buf[40]);

/* For people or as JSON. */
int message_show(struct ctl *c, const char *bytes, size_t n, bool payload_only);

#endif
