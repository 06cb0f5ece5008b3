/* seccomp.h - filters of system calls, as the rest of the engine uses them: the program for a start, and which call
 * ended a process. How it is done is in seccomp_priv.h.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_SECCOMP_H
#define DAEMON_SECCOMP_H

#include "daemon/engine.h"

struct buf;
struct unpack;

/* The compiled filter of a node for its next process. When it has one, *ret is filled (borrowed until the node is
 * forgotten) and *ret_any set. 0, or -errno with err filled. */
int seccomp_gather(struct engine *e, node_id id, const struct spec *s, struct plan_filter *ret, bool *ret_any,
                   struct err *err);
/* Does the unit ask for a filter that cannot be installed here, and go without it by Isolation=best-effort? */
bool seccomp_left_out(const struct engine *e, const struct spec *s);

/* A process has sent the listener of its filter. Takes fd. */
void seccomp_listen(struct engine *e, const struct init_listener *m, int fd);

/* Was the end of this process the work of its filter? Also true when the process passed on, as its exit status, that of
 * a child which the filter ended. *ret is what the kernel said; true replaces it by a reason that names the call. */
bool seccomp_ended(const struct engine *e, node_id id, pid_t pid, struct reason *ret);

void seccomp_close(struct engine *e, node_id id, uint32_t incarnation); /* nobody of the incarnation is left */
void seccomp_forget(struct engine *e, node_id id);

/* The journal: write and read what the filter of a node, which must have one, has stopped. */
void seccomp_save(const struct engine *e, node_id id, struct buf *out);
void seccomp_guard_load(struct engine *e, node_id id, struct unpack *u);
/* Recovery: a listener of init's store, by its name there. False: it is not one, and fd is untouched. */
bool seccomp_resume(struct engine *e, const char *name, int fd);
/* Recovery: have a call made again that the engine before took from its listener and did not decide. */
void seccomp_again(struct engine *e, node_id id);

#endif
