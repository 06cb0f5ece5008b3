/* left_priv.h - what left.c and left_note.c share: the two files in the runtime directory. */
#ifndef DAEMON_LEFT_PRIV_H
#define DAEMON_LEFT_PRIV_H

#include <limits.h>
#include <stdint.h>

#include "base/buf.h"
#include "daemon/left.h"

#define LEFT_FILE_MAX ((size_t) 64 << 20) /* a hundred thousand services with the longest names that are usual */

/* RUNTIME_DIR/name; returns buf. */
const char *left_path(const struct engine *e, const char *name, char buf[PATH_MAX]);
/* One line of either file. group NULL: a process. */
void left_print(struct buf *out, const char *node, const char *group, pid_t pid, uint64_t born);

#endif
