/* err.h - the one error object.
 *
 * Contract, for every function that takes a `struct err *`:
 *   - it returns 0 (or a useful non-negative number) on success and leaves *err alone;
 *   - it returns -errno on failure, having filled *err exactly once;
 *   - it never logs and never exits: only daemon/, init/, logd/ and ctl/ speak.
 * A message reads "verb object: cause". err_format() puts the unit and the stage before it and the line that
 * asked and the way out behind it:
 *
 *     web: EXEC: execute /usr/bin/nope: No such file or directory (web.service:4; install it or correct ExecStart=)
 *
 * The object is of fixed size and allocates nothing, so it is safe after fork and when memory is short.
 *
 * May be used by: everything.  May use: libc only. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>
#include <stdint.h>

enum stage {
#define STAGE(id, name, status, what) STAGE_##id,
#include "base/stages.def"
#undef STAGE
        STAGE_COUNT
};

struct err {
        int code;         /* errno, positive; 0 = no error */
        enum stage stage;
        uint32_t line;    /* 0 = no line is to blame */
        char unit[72];    /* node or unit, "" when it has none */
        char file[120];   /* the file of `line`; tail kept when too long */
        char text[240];   /* "verb object: cause" */
        char hint[160];   /* the way out, "" when there is none to tell */
};

const char *stage_name(enum stage s);   /* "EXEC" */
const char *stage_what(enum stage s);   /* "execute the program" */
int stage_exit_status(enum stage s);    /* systemd's number, 0 when it has none */
int stage_from_name(const char *name);  /* -1 when unknown */

/* Fill from errno: text becomes "fmt...: strerror". Returns -errno (-EIO if errno was 0). err may be NULL. */
int err_sys(struct err *err, enum stage stage, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Fill from a code of our own (positive errno); the text is complete as given. Returns -code. err may be NULL. */
int err_set(struct err *err, enum stage stage, int code, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));

/* Add who and where to an error on its way up; what is there already stays. */
void err_unit(struct err *err, const char *unit);
void err_where(struct err *err, const char *file, uint32_t line);
void err_hint(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The whole error as one line into buf[n]; always terminated. Returns buf. */
char *err_format(const struct err *err, char *buf, size_t n);

/* errno as its symbol, "ENOENT"; "E?" when unknown. Static storage, async-signal-safe. */
const char *errno_name(int code);

#endif
