/* store.h - the descriptors that a service has deposited (FDSTORE=1) and gets back at its next start.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_STORE_H
#define DAEMON_STORE_H

#include "daemon/run.h"

/* Keep descriptors under a name, `poll`: each only until its other side hangs up. Those that are kept, now owned by the
 * store, are set to -1 in fds[]; the rest stays the caller's. */
void store_take(struct engine *e, node_id id, const char *name, bool poll, int *fds, int count);
void store_remove(struct engine *e, node_id id, const char *name); /* FDSTOREREMOVE=1 */
int store_find(const struct engine *e, node_id id, const char *name); /* borrowed; -1 = none of that name */

void store_sweep(struct extra *x);              /* before they are handed out: close those whose other
                                                 * side has hung up */
void store_forget(struct engine *e, node_id id); /* the service was stopped: close all of its own */

/* Recovery: a descriptor of init's store, by its name there. True: it was one of these and is owned by this store now.
 * False: it is not, or there is no memory; fd is untouched. */
bool store_resume(struct engine *e, const char *init_name, int fd);

#endif
