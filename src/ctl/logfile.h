/* logfile.h - read a finished log file, plain or compressed, as the text it has.
 * Used by: logread.c.  Uses: zlib, zstd where it was built in.  Tested by: tests/unit/logread.c */
#ifndef CTL_LOGFILE_H
#define CTL_LOGFILE_H

#include <stddef.h>
#include <sys/types.h>

struct logfile;

/* Takes the descriptor. NULL when memory is short, or when it is compressed in a way this build cannot read. */
struct logfile *logfile_open(int fd);
ssize_t logfile_read(struct logfile *f, char *data, size_t n); /* 0 at the end and where it is damaged */
void logfile_close(struct logfile *f);                         /* NULL is fine */

#endif
