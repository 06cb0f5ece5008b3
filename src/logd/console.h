/* console.h - the daemon's standard output and error as a sink that may stall (Ctrl-S, a full pipe) but never stalls
 * us.
 *
 * Lines wait in a buffer of bounded size. While it is full the streams behind it are not read, so that a slow reader
 * loses nothing; after CONSOLE_PATIENCE_US without a byte taken the console counts as stalled and lines are dropped
 * and counted until it takes bytes again (FAILURES J18).
 *
 * Used by: stream.c, loop.c.  Uses: base.  Tested by: tests/unit/logd_driver.c */
#ifndef LOGD_CONSOLE_H
#define LOGD_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { CONSOLE_MAX = 64 * 1024, CONSOLE_PATIENCE_US = 1000000 };

enum console_kind { CONSOLE_FILE, CONSOLE_PIPE, CONSOLE_TTY, CONSOLE_SOCKET };

struct console {
        int fd;                /* 1 or 2, or our own non-blocking copy of it */
        bool own;              /* fd is to be closed */
        bool nonblocking;
        enum console_kind kind;
        struct buf waiting;    /* whole lines, apart from a first one that is partly out */
        uint64_t taken_us;     /* when a byte was last taken, or the buffer last was empty; monotonic */
        uint64_t dropped;      /* lines not told yet */
};

enum console_state { CONSOLE_READY, CONSOLE_FULL, CONSOLE_STALLED };

/* Write to fd, which is borrowed: a pipe or a terminal is opened anew, so that not to wait is our own choice and not
 * that of everybody who has it open. */
void console_open(struct console *c, int fd);
void console_close(struct console *c); /* what still waits in it is dropped */

/* Write what can be written without waiting. */
void console_flush(struct console *c, uint64_t now_us);

/* May more be put in? FULL: not now, try later. STALLED: put it in, it is dropped and counted. */
enum console_state console_state(const struct console *c, uint64_t now_us);

/* Queue one line (with its newline). Returns false when it was dropped. */
bool console_put(struct console *c, const char *line, size_t n, uint64_t now_us);

#endif
