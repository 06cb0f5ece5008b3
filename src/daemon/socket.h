/* socket.h - the runtime directory: its lock, and the control socket in it.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_SOCKET_H
#define DAEMON_SOCKET_H

#include "daemon/engine.h"

/* Take the lock. -EWOULDBLOCK with err filled: another daemon has it. Else 0, even when there is no directory to lock:
 * that is told of, and tried again, with the socket. */
int socket_lock(struct engine *e, struct err *err);
/* Listen; tried again from time to time while that cannot be. 0 or -ENOMEM. */
int socket_start(struct engine *e);
void socket_again(struct engine *e); /* SIGUSR1: make it anew */
void socket_stop(struct engine *e);

#endif
