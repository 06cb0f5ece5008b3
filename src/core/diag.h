/* diag.h - one remark about a unit file: an err with a severity and a column.
 *
 * Reading units never stops at the first mistake: every remark goes to a callback, which may be NULL.
 * Used by: unit_text, validate, unit, daemon, ctl.  Uses: base/err. */
#ifndef CORE_DIAG_H
#define CORE_DIAG_H

#include "core/types.h"

enum severity { DIAG_WARNING, DIAG_ERROR };

struct diag {
        enum severity severity;
        uint32_t column;     /* 1 = first byte of the line; 0 = the whole line */
        struct err err;      /* unit, file, line, text and hint; stage is LOAD */
};

typedef void diag_fn(void *arg, const struct diag *d); /* *d is borrowed for the call */

/* "web.service:4:12: error: ... (hint)" into out, without a newline. The form compilers use, so editors can jump. */
struct buf;
void diag_print(const struct diag *d, struct buf *out);

/* A place to make remarks: fills a diag and hands it on. */
struct remarks {
        diag_fn *report;     /* may be NULL */
        void *arg;
        const char *unit;    /* borrowed */
        unsigned errors;     /* how many so far */
};

/* `why` has the text and the hint, made with err_set() and err_hint(). */
void remark_err(struct remarks *r, enum severity severity, const char *file, uint32_t line, uint32_t column,
                const struct err *why);
void remark(struct remarks *r, enum severity severity, const char *file, uint32_t line, uint32_t column,
            const char *hint, const char *fmt, ...) __attribute__((format(printf, 7, 8)));

#endif
