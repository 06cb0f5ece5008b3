/* logs.h - what services write: their pipes to the log writer (coppice-logd), and the writer itself, as the rest of the
 * engine uses them. How the writer is kept running is in logd.h.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_LOGS_H
#define DAEMON_LOGS_H

#include "daemon/engine.h"

int logs_init(struct engine *e);                    /* 0 or -ENOMEM */
void logs_free(struct engine *e);
/* Start the writer unless it runs or is about to. 0, or -errno: it is tried again later. */
int logs_start(struct engine *e);
void logs_level(struct engine *e);                  /* --log-level= has changed: tell the writer */
/* Have everything flushed and the writer ended, then call: at once when there is none. */
void logs_quit(struct engine *e, void (*then)(struct engine *e));

/* What init says of the writer's process. */
void logs_spawned(struct engine *e, pid_t pid);
void logs_exited(struct engine *e, const struct init_exit *x);
void logs_failed(struct engine *e, const struct err *err);

/* The descriptor that the processes of a node write their output to, made when first asked for; borrowed.
 * Or -errno with err filled. */
int logs_pipe(struct engine *e, node_id id, struct err *err);
void logs_begin(struct engine *e, node_id id);      /* an incarnation begins: lines from now on are its */
void logs_tail(struct engine *e, node_id id, uint32_t incarnation); /* ask for its last lines; see ledger_tail() */
void logs_changed(struct engine *e, node_id id);    /* its spec is another one now */
void logs_forget(struct engine *e, node_id id);     /* the node is gone */

#endif
