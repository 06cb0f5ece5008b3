/* spawn.h - ACT_SPAWN: a process of a node is asked of init, and what is said when it cannot be had.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_SPAWN_H
#define DAEMON_SPAWN_H

#include "daemon/engine.h"

/* Compile the plan and send it to init; the answer comes through link.h. A failure here is reported like one there. */
void spawn(struct engine *e, const struct action *a);

/* A process could not be started: write the log line and note it in the ledger (_told), post EVT_SPAWN_FAILED
 * (_posted), or both (spawn_failed). `error` is an errno. */
void spawn_failed(struct engine *e, node_id node, uint32_t incarnation, enum role role, const struct err *err);
void spawn_failure_told(struct engine *e, node_id node, enum role role, const struct err *err);
void spawn_failure_posted(struct engine *e, node_id node, uint32_t incarnation, enum role role, enum stage stage,
                          int error);

/* The text for COPPICE_INCARNATION_ID and INVOCATION_ID: 32 hex digits and NUL. */
void spawn_mark(const struct engine *e, node_id node, uint32_t incarnation, char buf[33]);

#endif
