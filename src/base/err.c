/* err.c - see err.h. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
        const char *name;
        int status;
        const char *what;
} stages[STAGE_COUNT] = {
#define STAGE(id, name, status, what) [STAGE_##id] = { name, status, what },
#include "base/stages.def"
#undef STAGE
};

const char *stage_name(enum stage s)
{
        return (unsigned) s < STAGE_COUNT ? stages[s].name : "?";
}

const char *stage_what(enum stage s)
{
        return (unsigned) s < STAGE_COUNT ? stages[s].what : "?";
}

int stage_exit_status(enum stage s)
{
        return (unsigned) s < STAGE_COUNT ? stages[s].status : 0;
}

int stage_from_name(const char *name)
{
        for (int i = 0; i < STAGE_COUNT; i++)
                if (strcmp(stages[i].name, name) == 0)
                        return i;
        return -1;
}

const char *errno_name(int code)
{
        const char *name = strerrorname_np(code);

        return name ? name : "E?";
}

static void start(struct err *err, enum stage stage, int code)
{
        *err = (struct err) { .code = code, .stage = stage };
}

int err_sys(struct err *err, enum stage stage, const char *fmt, ...)
{
        int code = errno ? errno : EIO;
        size_t used;
        va_list ap;
        int n;

        if (!err)
                return -code;
        start(err, stage, code);
        va_start(ap, fmt);
        n = vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
        used = n < 0 ? 0 : (size_t) n;
        if (used < sizeof err->text)
                (void) snprintf(err->text + used, sizeof err->text - used, ": %s", strerrordesc_np(code));
        return -code;
}

int err_set(struct err *err, enum stage stage, int code, const char *fmt, ...)
{
        va_list ap;

        if (!err)
                return -code;
        start(err, stage, code);
        va_start(ap, fmt);
        (void) vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
        return -code;
}

void err_unit(struct err *err, const char *unit)
{
        if (err && !err->unit[0])
                (void) snprintf(err->unit, sizeof err->unit, "%s", unit);
}

void err_where(struct err *err, const char *file, uint32_t line)
{
        size_t len;

        if (!err || err->file[0] || !file)
                return;
        len = strlen(file);
        if (len >= sizeof err->file)
                file += len - sizeof err->file + 1;
        (void) snprintf(err->file, sizeof err->file, "%s", file);
        err->line = line;
}

void err_hint(struct err *err, const char *fmt, ...)
{
        va_list ap;

        if (!err || err->hint[0])
                return;
        va_start(ap, fmt);
        (void) vsnprintf(err->hint, sizeof err->hint, fmt, ap);
        va_end(ap);
}

char *err_format(const struct err *err, char *buf, size_t n)
{
        char where[sizeof err->file + sizeof err->hint + 32] = "";
        char line[16] = "";
        const char *stage = err->stage == STAGE_LOAD ? "" : stage_name(err->stage);

        if (err->line && err->file[0])
                (void) snprintf(line, sizeof line, ":%u", err->line);
        if (err->file[0] || err->hint[0])
                (void) snprintf(where, sizeof where, " (%s%s%s%s)", err->file, line,
                                err->file[0] && err->hint[0] ? "; " : "", err->hint);
        (void) snprintf(buf, n, "%s%s%s%s%s%s", err->unit, err->unit[0] ? ": " : "", stage,
                        stage[0] ? ": " : "", err->text, where);
        return buf;
}
