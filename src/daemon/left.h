/* left.h - services that outlive the daemon (OnDaemonDeath=leave): which have been started, and which an earlier one
 * has left.
 *
 * What is left is not taken over: nobody could tell how it ends. It is known by name, shown, never ended, and a service
 * of that name is not started beside it: its start waits in PHASE_CHECK until nobody is left.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_LEFT_H
#define DAEMON_LEFT_H

#include "daemon/engine.h"
#include "os/cgroup.h"

/* --- an earlier daemon's -------------------------------------------------------------------------------------- */

/* Of the first engine, before it makes groups: end what a daemon that was killed has left, but not what it was to
 * leave. */
int left_begin(struct engine *e, unsigned *ret_swept, struct err *err);
/* The units have been read: tell who is left; whom a unit does not want to be left any more is ended. */
void left_meet(struct engine *e);
/* Of any later engine. An error only for a lack of descriptors or memory. */
int left_resume(struct engine *e);

/* Does somebody live in the name of this node, or can that not be told? Then check() is called when nobody does any
 * more, and TimeoutStartSec= does not run until then. */
bool left_holds(struct engine *e, node_id id);

/* --- this daemon's -------------------------------------------------------------------------------------------- */

/* Note that its main process is about to be started (pid 0) or which one it is: without control groups the pid is what
 * tells. A service that is not to be left is taken out of the note instead. */
void left_note(struct engine *e, node_id id, pid_t pid);
/* The same of a process that init says it has started: it may have been reaped meanwhile, and its number be another's,
 * who is no child of init then. */
void left_note_child(struct engine *e, node_id id, pid_t pid);

/* The end. init_gone: coppiced was killed; whoever was to be left is. False: nobody was, all groups may go. */
bool left_end(struct engine *e, bool init_gone);
void left_free(struct engine *e);

#endif
