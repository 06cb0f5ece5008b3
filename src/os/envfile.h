/* envfile.h - EnvironmentFile=: NAME=VALUE lines, systemd's quoting.
 *
 * Blank lines and lines that begin with # or ; are skipped; a value may stand in single or double quotes, may
 * continue over lines inside them or by a backslash at the end; outside of quotes a backslash takes the next
 * character literally and white space at the end is dropped. Names are letters, digits and _, not beginning with
 * a digit. A later line wins.
 *
 * May be used by: daemon, ctl, tests.  May use: base. */
#ifndef OS_ENVFILE_H
#define OS_ENVFILE_H

#include "base/buf.h"
#include "base/err.h"

/* Append the assignments in `text` to out, each with its NUL. -EINVAL with file and line for a line that is none. */
int envfile_parse(const char *text, size_t len, const char *file, struct buf *out, struct err *err);

/* Read a file (regular, at most 1 MiB, without NUL) and parse it. A leading "-" makes a missing file fine. */
int envfile_read(const char *path, struct buf *out, struct err *err);

#endif
