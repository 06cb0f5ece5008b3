/* ready.h - what a process says through a pipe: that it is ready (NotifyFd=), and, by the closing of a pipe at
 * exec, that its program runs.
 *
 * Both functions that make a pipe return 0 with the write end, owned by the caller, in *ret_write; or -errno.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_READY_H
#define DAEMON_READY_H

#include "daemon/engine.h"

/* NotifyFd=: EVT_READY is posted when a newline comes. */
int ready_pipe(struct engine *e, node_id id, int *ret_write);
/* init has answered the request for the main process: what that one has said in the meantime may be read now. */
void ready_answered(struct engine *e, node_id id);

/* EVT_EXECED is posted when exec has closed the pipe of the process that the request asked for. */
int exec_pipe(struct engine *e, node_id id, uint64_t request, int *ret_write);

/* INIT_SPAWNED of that request has been posted: an exec that was noticed before it can be told now. */
void exec_spawned(struct engine *e, node_id id, uint64_t request);

/* Recovery: the read end of such a pipe, which init has kept. Takes fd. */
void ready_resume(struct engine *e, node_id id, int fd);
void exec_resume(struct engine *e, node_id id, int fd);

void ready_forget(struct engine *e, node_id id); /* close both */

#endif
