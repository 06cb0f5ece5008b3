/* diag.c - see diag.h. */
#include "core/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

void remark_err(struct remarks *r, enum severity severity, const char *file, uint32_t line, uint32_t column,
                const struct err *why)
{
        struct diag d = { .severity = severity, .column = column, .err = *why };

        d.err.stage = STAGE_LOAD;
        d.err.code = EINVAL;
        err_unit(&d.err, r->unit);
        err_where(&d.err, file, line);
        r->errors += severity == DIAG_ERROR;
        if (r->report)
                r->report(r->arg, &d);
}

void remark(struct remarks *r, enum severity severity, const char *file, uint32_t line, uint32_t column,
            const char *hint, const char *fmt, ...)
{
        struct err why = { 0 };
        va_list ap;

        va_start(ap, fmt);
        (void) vsnprintf(why.text, sizeof(why.text), fmt, ap);
        va_end(ap);
        (void) snprintf(why.hint, sizeof(why.hint), "%s", hint);
        remark_err(r, severity, file, line, column, &why);
}

/* Is the line in a file of another unit, and the text does not say so? Then it has to be said which one is meant. */
static bool said_elsewhere(const struct err *e)
{
        size_t n = strcspn(e->unit, "@"), dot = strcspn(e->unit, ".");

        if (n > dot)
                n = strlen(e->unit);
        for (const char *at = e->file; n > 0 && *at; at++)
                if ((at == e->file || at[-1] == '/') && strncmp(at, e->unit, n) == 0)
                        return false;
        return n > 0 && e->file[0] && !strstr(e->text, e->unit);
}

void diag_print(const struct diag *d, struct buf *out)
{
        const struct err *e = &d->err;

        buf_adds(out, e->file[0] ? e->file : e->unit);
        if (e->line > 0)
                buf_addf(out, ":%u", (unsigned) e->line);
        if (e->line > 0 && d->column > 0)
                buf_addf(out, ":%u", (unsigned) d->column);
        buf_addf(out, "%s%s: %s%s%s", out->len ? ": " : "", d->severity == DIAG_ERROR ? "error" : "warning",
                 said_elsewhere(e) ? e->unit : "", said_elsewhere(e) ? ": " : "", e->text);
        if (e->hint[0])
                buf_addf(out, " (%s)", e->hint);
}
