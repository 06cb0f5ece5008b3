/* log.c - see log.h. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
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
        mode_t kind; /* of the console: S_IFIFO ..., 0 = not known */
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
        struct stat st;

        state.nonblocking = true;
        state.kind = fstat(STDERR_FILENO, &st) == 0 ? st.st_mode & S_IFMT : 0;
}

static bool has_room(void)
{
        struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

        return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

/* A terminal that says it has room takes so much; what is longer may wait for somebody to press Ctrl-Q. */
static bool write_terminal(const char *text, size_t n)
{
        enum { TAKES = 128 };

        for (size_t part; n > 0; text += part, n -= part) {
                part = n < TAKES ? n : TAKES;
                if (!has_room() || write(STDERR_FILENO, text, part) < 0)
                        return false;
        }
        return true;
}

/* The descriptor itself stays blocking: its file description is shared with whoever started us. So nobody else's write
 * may fill a pipe between our look and our own write: the kernel is asked for one that does not wait (6.4 and
 * later). */
static bool write_pipe(const char *text, size_t n)
{
        struct iovec iov = { (void *) (uintptr_t) text, n };

        if (pwritev2(STDERR_FILENO, &iov, 1, -1, RWF_NOWAIT) >= 0)
                return true;
        if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)
                return false;
        return has_room() && write(STDERR_FILENO, text, n) >= 0;
}

static bool write_now(const char *text, size_t n)
{
        switch (state.kind) {
        case S_IFSOCK: return send(STDERR_FILENO, text, n, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
        case S_IFIFO: return write_pipe(text, n);
        case S_IFCHR: return write_terminal(text, n);
        default: return has_room() && write(STDERR_FILENO, text, n) >= 0;
        }
}

void log_raw(const char *text, size_t n)
{
        (void) (state.nonblocking ? write_now(text, n) : write(STDERR_FILENO, text, n) >= 0);
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
        log_raw(line, used);
        errno = saved;
}

void log_err(enum log_level level, const struct err *err)
{
        char line[700];

        log_msg(level, "%s", err_format(err, line, sizeof line));
}
