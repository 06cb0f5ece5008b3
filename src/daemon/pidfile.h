/* pidfile.h - which process is the main one of a service of Type=forking: the one PIDFile= names or, without PIDFile=,
 * the only one that is left. EVT_MAINPID is posted once it is known.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_PIDFILE_H
#define DAEMON_PIDFILE_H

#include "daemon/engine.h"

/* Look now, and until it is known or pidfile_forget() is called. */
void pidfile_wait(struct engine *e, node_id id);
void pidfile_forget(struct engine *e, node_id id); /* stop waiting */

#endif
