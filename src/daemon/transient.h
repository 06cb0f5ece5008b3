/* transient.h - services without a file, inside of the engine; what may be asked of them is in engine.h.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_TRANSIENT_H
#define DAEMON_TRANSIENT_H

#include "daemon/engine.h"

void transient_settle(struct engine *e);             /* at the end of a turn: those that are at rest become results */
void transient_closed(struct engine *e, node_id id); /* an incarnation is over and no other one follows */
void transient_forget(struct engine *e, node_id id); /* the node is gone */
void transient_disown(struct engine *e, node_id id); /* as ledger_disown(), for the results */
void transient_free(struct engine *e);

/* Recovery: find those that an engine before this one was asked for. */
void transient_adopt(struct engine *e);
/* One of them that a service waits for: its start will be answered under that token. False: there is no such one. */
bool transient_expect(struct engine *e, node_id id, uint32_t token, const struct transient_ops *ops, void *arg,
                      uint64_t *ret_serial);
uint32_t transient_token(const struct engine *e, uint64_t serial); /* of the request to start it; 0 when
                                                                    * that was answered */
/* Recovery: a descriptor of init's store, by its name there. False: it is not one of these, and fd is untouched. */
bool transient_resume(struct engine *e, const char *name, int fd);

/* The journal: write the results into a snapshot; read one back, `names` being how many names were made up so far.
 * Takes path and what *d owns; false: no memory, and both stay the caller's. */
void transient_save(struct engine *e);
bool transient_ended_read(struct engine *e, unsigned names, char *path, const struct death *d);

#endif
