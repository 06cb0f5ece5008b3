/* logread.h - read what coppice-logd has kept of one service: rotated files (plain and compressed), then `current`, in
 * the order in which it was written; the last lines of it; and what is written from now on.
 *
 * A line may hold anything; before it goes to a terminal it goes through escape_text() of base/escape.h.
 *
 * For `coppicectl logs [-f] [-n N] [--since]`. It reads files only and asks no daemon; who may read is decided by
 * the modes of the log directory. It follows a file through rotation, deletion and replacement.
 *
 *     struct logread_options o = { .log_dir = dir, .path = "/shop/api", .last = 10, .follow = true, .stop_fd = -1 };
 *     r = logread(&o, print_line, NULL, &err);
 *
 * Used by: ctl's verb logs.  Uses: base, logfile.h.  Tested by: tests/unit/logread.c */
#ifndef CTL_LOGREAD_H
#define CTL_LOGREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define LOGREAD_ALL UINT64_MAX

struct logread_options {
        const char *log_dir;
        const char *path;   /* the node, "/shop/api" */
        uint64_t last;      /* so many lines at most, LOGREAD_ALL for every one, 0 for none (with follow) */
        uint64_t since_us;  /* only lines written at this instant (wall clock, us) or later; 0 = all. Lines without a
                             * stamp of their own go by the file they are in: a rotated one counts if it was rotated
                             * at or after the instant */
        bool follow;        /* go on with what is written from now on, until fn says stop */
        int stop_fd;        /* with follow: return 0 as soon as this descriptor has anything to tell (readable, closed
                             * by its reader); -1 = none. A signalfd, or standard output for its POLLERR */
};

/* One line as it is stored (with its stamp or as a JSON object), without its newline; borrowed for the call. Returns
 * 0 to go on, anything else to stop. */
typedef int logread_fn(void *arg, const char *line, size_t n);

/* 0 when everything was told (or a stop was asked for); -ENOENT with err when nothing is kept of that node and
 * follow is not set; -errno with err when the files cannot be read. */
int logread(const struct logread_options *options, logread_fn *fn, void *arg, struct err *err);

#endif
