/* notify.h - the socket of sd_notify: what services say becomes events, once it is known who said it.
 *
 * A notification can come before init's word that its sender exists has been read. It is then held ("early") until that
 * word is there; held ones are in the journal too, without their descriptors.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include "daemon/engine.h"

void notify_start(struct engine *e);    /* make the socket; without one the log says what cannot be had */
void notify_stop(struct engine *e);
void notify_drain(struct engine *e);    /* read what has come; always before exits are read from init */
void notify_retry(struct engine *e);    /* init has told of a process: what was held may count now */

/* Held notifications: call fn for each, hold one again that was in the journal, forget the first that came from `pid`
 * (0: all). The text is borrowed. */
void notify_each_early(struct engine *e, void (*fn)(struct engine *e, pid_t pid, const char *text, size_t len));
void notify_resume_early(struct engine *e, pid_t pid, const char *text, size_t len);
void notify_forget_early(struct engine *e, pid_t pid);

/* MAINPID= or a PID file has named a process. May it not become the node's main process, because it is one of another
 * node, of the daemon itself, or a control process? */
bool notify_is_anothers(const struct engine *e, node_id id, pid_t pid);
/* It is the main process from now on; the caller has made sure that it may be. */
void notify_main_pid(struct engine *e, node_id id, pid_t pid);

#endif
