/* signals.h - what a signal to the daemon means; init has taken it and passes it on.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_SIGNALS_H
#define DAEMON_SIGNALS_H

#include "daemon/engine.h"

/* signals.c lists them. */
void signals_arrived(struct engine *e, const struct init_daemon_signal *s);
/* Of an engine that takes over: what a signal asked for and the engine before could not finish. */
void signals_resume(struct engine *e);
/* This engine ends before it has written down what it was asked for: a request to end is for the next one. */
void signals_give_back(const struct engine *e);

#endif
