/* log.c - see log.h. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strtab.h"

static const char *const level_names[LOG_LEVEL_COUNT] = {
        [LOG_LEVEL_ERROR] = "error",   [LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_NOTICE] = "notice",
        [LOG_LEVEL_INFO] = "info",     [LOG_LEVEL_DEBUG] = "debug",
};
static STRTAB(levels, level_names);

static struct {
        const char *program;
        enum log_level level;
        bool nonblocking;
        unsigned long dropped;
} state = { .program = "coppice", .level = LOG_LEVEL_NOTICE };

void log_open(const char *program)
{
        state.program = program;
}

void log_set_level(enum log_level level)
{
        state.level = level;
}

enum log_level log_get_level(void)
{
        return state.level;
}

int log_level_from_name(const char *name)
{
        return strtab_value(&levels, name);
}

const char *log_level_nearest(const char *name)
{
        return strtab_nearest(level_names, ARRAY_LEN(level_names), name);
}

const char *log_level_name(enum log_level level)
{
        return strtab_text(&levels, (int) level);
}

void log_nonblocking(void)
{
        state.nonblocking = true;
}

unsigned long log_dropped(void)
{
        return state.dropped;
}

/* The descriptor itself stays blocking: its file description is shared with whoever started us. */
static bool may_write(void)
{
        struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

        return !state.nonblocking || (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT));
}

void log_msg(enum log_level level, const char *fmt, ...)
{
        char line[1024];
        size_t used;
        va_list ap;
        int n, saved = errno;

        if (level > state.level)
                return;
        n = snprintf(line, sizeof line, "%s: %s", state.program,
                     level == LOG_LEVEL_ERROR ? "error: " : level == LOG_LEVEL_WARNING ? "warning: " : "");
        used = n < 0 ? 0 : (size_t) n;
        va_start(ap, fmt);
        n = vsnprintf(line + used, sizeof line - used - 1, fmt, ap);
        va_end(ap);
        used = strnlen(line, sizeof line - 2);
        line[used++] = '\n';
        if (!may_write() || write(STDERR_FILENO, line, used) < 0)
                state.dropped++;
        errno = saved;
}

void log_err(enum log_level level, const struct err *err)
{
        char line[700];

        log_msg(level, "%s", err_format(err, line, sizeof line));
}
