/* logstore.h - how a service's output lies on disk: names and stamps, shared by the writer (logd) and the readers
 * (coppicectl logs).
 *
 *     LOGDIR/shop/api/current                        what is written now
 *     LOGDIR/shop/api/@20261121T035812.123456Z       a rotated file; the instant is that of the rotation (last line)
 *     LOGDIR/shop/api/@20261121T035812.123456Z.gz    the same, compressed (or .zst); of both the plain one counts
 *
 * Names sort by age. A node path becomes a directory component by component; a component that would be taken for
 * something else ("current", "..", "@1") gets its first byte written as %XX, and so does every '%', so that two
 * paths never share a directory.
 *
 * May be used by: everything.  May use: libc only. */
#ifndef BASE_LOGSTORE_H
#define BASE_LOGSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_CURRENT "current"

/* "YYYY-MM-DDTHH:MM:SS.uuuuuuZ " before each line in LOG_FORMAT_TIME; the last byte is a space. */
enum { LOG_STAMP_LEN = 28, LOG_ROTATED_MAX = 32 };

/* The directory of a node below the log directory, without slashes at its ends: "/shop/api" -> "shop/api".
 * Returns its length; -EINVAL for a path that names nothing ("", "/"), -ENAMETOOLONG. */
int log_dir_of(const char *path, size_t len, char *buf, size_t cap);

/* Write the stamp of an instant (microseconds since the epoch, UTC), LOG_STAMP_LEN bytes, no NUL. */
void log_stamp(uint64_t us, char out[LOG_STAMP_LEN]);

/* Read a stamp at the start of text[n]; false when there is none. The space is not looked at. */
bool log_stamp_parse(const char *text, size_t n, uint64_t *ret_us);

/* The name of a file rotated at that instant, NUL-terminated. */
void log_rotated_name(uint64_t us, char out[LOG_ROTATED_MAX]);

/* Is this the name of a rotated file, and of what instant? Packed: it ends with .gz or .zst. */
bool log_rotated_parse(const char *name, uint64_t *ret_us, bool *ret_packed);

#endif
