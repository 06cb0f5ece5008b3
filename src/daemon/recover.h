/* recover.h - an engine that takes over from one that has ended, by whatever means.
 *
 *      recover_load()     the journal: snapshot, then everything since, in its order; nothing is done in the world
 *      link_start()       what init and its children said and nobody dealt with; then HELLO, and the descriptors
 *      recover_resume()   the world: watches are made again, what the last step asked for is done as far as it was not
 *
 * After that the engine is in its turns like any other.
 * May be used by: main.c, link.c.  May use: journal.h. */
#ifndef DAEMON_RECOVER_H
#define DAEMON_RECOVER_H

#include "daemon/journal.h"

/* init has put a journal at INIT_JOURNAL_FD: an engine before us has ended. Returns it, close-on-exec, or -1. */
int recover_journal(void);

/* Fill *e from it; what follows the last whole frame is cut off. 0; -ENOMSG, -EPROTONOSUPPORT, -EBADMSG;
 * -EAGAIN, or what error_lacks() knows: the next engine may find what this one does not. */
int recover_load(struct engine *e, int journal, struct err *err);

/* coppice-engine --check-state: load the state, say what it is or why not; the exit status. Touches nothing. */
int recover_check(struct engine *e);

/* INIT_CHECK_ARGUMENT: there is nothing to load; write down such a nothing, and read it. 0 or -errno, err says why. */
int recover_check_alone(struct engine *e, struct err *err);

/* ACT_OPEN of the last step: what it notes is needed to understand what init says. */
void recover_opened(struct engine *e);

/* One of the descriptors of init's store; owned. */
void recover_stored(struct engine *e, const char *name, int fd);

/* The first thing after HELLO and all of the store. */
void recover_resume(struct engine *e);

#endif
