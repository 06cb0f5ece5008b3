/* learned.h - the system calls a service was seen to use, kept on disk: one name a line in STATE/learned/+shop+web.
 *
 * A line is written the first time a call is seen, so an engine that ends loses nothing, and the files can be read and
 * removed by anybody who may.
 * May be used by: daemon, tests.  May use: base, core/syscalls.h. */
#ifndef OS_LEARNED_H
#define OS_LEARNED_H

#include "base/err.h"
#include "core/syscalls.h"

/* Open the file of a node, making it; with `afresh` it is emptied. Marks what it has in `used`. Returns a descriptor
 * for learned_add(), or -errno. */
int learned_open(const char *state_dir, const char *path, bool afresh, bool used[SYSCALLS_MAX], struct err *err);

/* Note a call. 0 or -errno. */
int learned_add(int fd, const char *name);

#endif
