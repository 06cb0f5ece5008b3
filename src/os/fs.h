/* fs.h - small work with files.
 * May be used by: os, daemon, ctl, tests.  May use: base. */
#ifndef OS_FS_H
#define OS_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Make a directory and those above it (which get 0755). One that is there already is fine when it is a directory. */
int fs_mkdir_p(const char *path, mode_t mode, struct err *err);

/* Write a file whole or not at all: temporary name, rename. */
int fs_write_atomic(const char *path, const void *bytes, size_t n, mode_t mode, struct err *err);

/* Append a regular file of at most `max` bytes to out (-EFBIG, -EINVAL for anything but a regular file; files of
 * /proc and /sys count as regular). Never blocks on a FIFO. */
int fs_read(const char *path, size_t max, struct buf *out, struct err *err);

/* Read a small text at `name` below directory `dir` (AT_FDCWD is fine) into buf[n], cut, terminated, without the
 * last newline. Returns its length or -errno. */
int fs_read_small(int dir, const char *name, char *buf, size_t n);
int fs_write_small(int dir, const char *name, const char *text);

/* The pid in a PIDFile=: a regular file, not a link, holding one number > 1 of a living process. When the daemon is
 * root the file must belong to root, or the process must already be known to belong to the service (`trusted`).
 * -EAGAIN when the file is not there or empty yet, -EPERM when it is not to be trusted, -ESRCH for a dead process. */
int fs_pidfile(const char *path, bool trusted, pid_t *ret_pid, struct err *err);

/* The path of another program of ours into buf[n]: beside our own executable (a build tree, an image of one directory),
 * else where it is installed. -errno when it is in neither place. */
int fs_beside(const char *program, char *buf, size_t n);

/* Take the lock of a runtime directory: made with mode 0700 (if missing), RUNTIME_DIR/lock held by a flock until
 * the descriptor is closed. -EWOULDBLOCK when another daemon has it (its pid in the text). (FAILURES G10) */
int fs_lock_dir(const char *dir, mode_t mode, int *ret_fd, struct err *err);

/* Give it up and remove the file. Copies of the descriptor that others have keep nobody out any more. */
void fs_unlock_dir(const char *dir, int *fd);

#endif
