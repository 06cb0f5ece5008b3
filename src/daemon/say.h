/* say.h - the engine's own lines in the log about services, so many a second and no more (FAILURES C12).
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_SAY_H
#define DAEMON_SAY_H

#include "daemon/engine.h"

/* A warning; dropped and counted when there were too many this second. */
void say_err(struct engine *e, const struct err *err);
/* init has reaped a process that none of us started: a service left it behind (FAILURES A19). */
void say_orphan(struct engine *e, const struct init_exit *x);
/* Records of the core from number `first` to `last`: those that are worth a line. */
void say_records(struct engine *e, uint64_t first, uint64_t last);

#endif
