/* control.h - the control server: Varlink on a Unix socket. Its methods ask the engine (daemon/engine.h). */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include "daemon/engine.h"

struct control;

/* Serve on a listening socket that is bound already (control.c of the engine binds it when that becomes possible,
 * FAILURES J11). Takes the descriptor over. */
int control_new(struct engine *e, int listen_fd, struct control **ret, struct err *err);
void control_free(struct control *c); /* closes every connection; NULL is fine */

/* New records are there: core_record(first) ... core_record(last). Called at the end of a turn. */
void control_published(struct control *c, uint64_t first, uint64_t last);

/* The daemon is about to exit with this code: answer what still waits, write what can be written at once. */
void control_ending(struct control *c, int code);

#endif
