/* load.h - unit files become the tree: at the start (load.c), when they are read again (reload.c), one directive at a
 * time (set.c). What may be asked of that from outside is in engine.h.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_LOAD_H
#define DAEMON_LOAD_H

#include "daemon/engine.h"

/* Find out where units are looked for; then read them and build the tree. All: 0, or -errno with err filled. What is
 * wrong with single units is logged and kept for engine_load_report(). */
int load_paths(struct engine *e, struct err *err);
int load_first(struct engine *e, struct err *err);
int load_dirs(const struct engine *e, struct err *err); /* can the directories of --units be read? */
void load_note(struct engine *e, bool fatal, const struct err *err); /* one such remark */

/* The spec of root: with a command line it ends when the command does. A new reference; NULL: no memory. */
struct spec *load_root(struct engine *e, struct spec *root);

/* A node that stays gets another spec (borrowed); what is live counts at once. 0, or -errno with err filled. */
int reload_one(struct engine *e, node_id id, struct spec *after, struct err *err);

/* The directory for drop-ins of `set --runtime`, into buf[n]. Returns buf. */
const char *set_dir(const struct engine *e, char *buf, size_t n);

#endif
