/* order.h - relations between siblings: who starts after whom, who comes and goes with whom.
 * May be used by: the files of the core that decide.  May use: core_state.h. */
#ifndef CORE_ORDER_H
#define CORE_ORDER_H

#include "core/core_state.h"

enum order { ORDER_GO, ORDER_WAIT, ORDER_FAIL };
/* May it start now? WAIT: a sibling that it comes After= is on its way. FAIL: one that it needs is down for good; in
 * *ret_other, NODE_NONE when there is no such sibling. */
enum order order_start(const struct core *c, const struct node *n, node_id *ret_other);
/* ORDER_FAIL: note why, and that its start has failed. other: whom it requires; NODE_NONE:
 * somebody who is not there. */
void order_fail(struct core *c, struct node *n, node_id other, uint64_t cause);
bool link_missing(const struct core *c, const struct node *n, enum directive *ret_d, size_t *ret_item); /* link.c */
bool order_stop(const struct core *c, const struct node *n); /* nobody that comes after it is still there */
void order_changed(struct core *c, struct node *n);          /* n is ready, failed or down: look at
                                                              * its siblings again */
bool order_pull(struct core *c, struct node *n);             /* n starts: what it requires and wants, conflicts */
/* n, about to start with its supervisor, conflicts with a sibling that starts before it: it
 * stays down, and is told so. */
bool order_yields(struct core *c, struct node *n, uint64_t cause);
void order_stopped(struct core *c, struct node *n, bool again); /* n is stopped by request */
void order_ended(struct core *c, struct node *n);            /* n ended: what is bound to it */
void order_drop(struct core *c, struct node *n);             /* n is forgotten */

#endif
