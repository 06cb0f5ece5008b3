/* ledger.h - the last incarnations of each node: why they ended, what they used, what they wrote last (struct death of
 * engine.h).
 *
 * What is known of an end is gathered while it happens, in any order, and becomes an entry with ledger_close().
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_LEDGER_H
#define DAEMON_LEDGER_H

#include "daemon/run.h"

/* What is known of the present incarnation. */
void ledger_started(struct engine *e, node_id id);  /* a main process was made; an incarnation can
                                                     * have several in turn */
void ledger_exited(struct engine *e, node_id id, const struct init_exit *x); /* its main process has ended */
void ledger_used(struct engine *e, node_id id, const struct limit_counters *used);
void ledger_failed(struct engine *e, node_id id, const struct err *err); /* it could not be started; NULL: it
                                                                          * could, after all */
/* Is that the failure that was noted? `line` as err_format() writes it; NULL: is none noted? */
bool ledger_error_is(const struct engine *e, node_id id, const char *line);

/* ACT_CLOSE: what is known becomes an entry, and the last lines are asked for. */
void ledger_close(struct engine *e, node_id id, uint32_t incarnation, const struct reason *reason);
/* The last n bytes it wrote, as the log writer has told; copied. */
void ledger_tail(struct engine *e, node_id id, uint32_t incarnation, const char *text, size_t n);

void ledger_free(struct extra *x); /* all entries of a node that is forgotten */
/* The number of a node that has gone is about to be given to another: reasons must not name it any more. */
void ledger_disown(struct engine *e, node_id id);

/* Read back from the journal: an entry; what is known of the present incarnation (NULL: nothing yet). Both take what *d
 * owns. */
void ledger_restore(struct engine *e, node_id id, struct death *d);
void ledger_restore_now(struct engine *e, node_id id, struct death *d);

/* A copy with texts of its own: 0 or -ENOMEM. And the end of one. */
int death_copy(struct death *to, const struct death *from);
void death_done(struct death *d);

#endif
