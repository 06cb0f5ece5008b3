/* sandbox.h - inside of the engine: what a sandboxed process needs outside of it. What the sandbox is made of is in
 * core/sandbox.h, who builds it in child/.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include "daemon/engine_priv.h"

struct sandbox_paths {
        char dir[PATH_MAX_NODE], file[PATH_MAX_NODE];
};
/* Is it known which parts of its sandbox can be had? A lack of descriptors is no reason to go without one. */
int sandbox_known(const struct spec *s, struct err *err);
void sandbox_facts(const struct engine *e, const struct spec *s, struct sandbox_paths *paths, struct plan_sandbox *ret);
int sandbox_prepare(const struct engine *e, const struct spec *s, struct err *err); /* what the mounts need to exist */
void sandbox_end(const struct engine *e); /* the daemon ends: takes that away again */
void sandbox_limits(struct engine *e, const struct spec *s, engine_limit_fn *fn, void *arg); /* what it goes without */
void sandbox_say_missing(const struct spec *s, const struct plan_facts *f); /* into the log */
bool sandbox_watched(const struct engine *e, node_id id); /* its main process is in a process namespace */
bool sandbox_is_program(pid_t pid);                       /* this is that process */
int sandbox_dynamic_user(struct engine *e, node_id id, const struct spec *s, struct user *ret, struct err *err);
void sandbox_remove_credentials(struct engine *e, node_id id);

/* Directories behind PrivateTmp= (private_tmp.c). */
void private_tmp_note(struct engine *e);  /* before one is made: what they are called, for the next daemon
                                           * should we be killed */
void private_tmp_remove(struct engine *e, node_id id, uint32_t incarnation);
void private_tmp_end(struct engine *e);
void private_tmp_sweep(struct engine *e); /* what a killed daemon of this runtime directory has left */

#endif
