/* console.c - see console.h. */
#include "logd/console.h"

#include "base/shortage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static enum console_kind kind_of(int fd)
{
        struct stat s;

        if (fstat(fd, &s) < 0)
                return CONSOLE_FILE;
        return S_ISFIFO(s.st_mode) ? CONSOLE_PIPE : S_ISCHR(s.st_mode) ? CONSOLE_TTY :
               S_ISSOCK(s.st_mode) ? CONSOLE_SOCKET : CONSOLE_FILE;
}

/* O_NONBLOCK belongs to the open file description, which we share with whoever started the daemon: so a description
 * of our own is made. Where that is not allowed (another user's pipe) small writes behind a poll do as well. */
void console_open(struct console *c, int fd)
{
        char path[32];

        *c = (struct console) { .fd = fd, .kind = kind_of(fd) };
        if (c->kind != CONSOLE_PIPE && c->kind != CONSOLE_TTY)
                return;
        (void) snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return;
        c->fd = fd;
        c->own = c->nonblocking = true;
}

void console_close(struct console *c)
{
        if (c->own)
                (void) close(c->fd);
        buf_free(&c->waiting);
}

/* One write that does not wait. Returns bytes taken, 0 when there is no room, -1 when the console is gone. */
static ssize_t write_some(const struct console *c, const char *data, size_t n)
{
        static const size_t safe[] = { [CONSOLE_PIPE] = 4096, [CONSOLE_TTY] = 128 }; /* fits once poll said so */
        struct pollfd p = { .fd = c->fd, .events = POLLOUT };
        ssize_t w;

        if (c->kind == CONSOLE_SOCKET) {
                w = send(c->fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        } else if (c->kind == CONSOLE_FILE || c->nonblocking) {
                w = write(c->fd, data, n);
        } else {
                if (poll(&p, 1, 0) <= 0)
                        return 0;
                w = write(c->fd, data, n < safe[c->kind] ? n : safe[c->kind]);
        }
        if (w >= 0)
                return w;
        return error_passes(errno) ? 0 : -1;
}

void console_flush(struct console *c, uint64_t now_us)
{
        size_t done = 0;

        while (done < c->waiting.len) {
                const ssize_t w = write_some(c, c->waiting.data + done, c->waiting.len - done);

                if (w == 0)
                        break;
                c->taken_us = now_us;
                done = w < 0 ? c->waiting.len : done + (size_t) w; /* nobody will ever read it: forget it */
        }
        if (done == c->waiting.len)
                buf_clear(&c->waiting);
        else if (done > 0)
                buf_consume(&c->waiting, done);
        if (c->waiting.len == 0)
                c->taken_us = now_us;
}

enum console_state console_state(const struct console *c, uint64_t now_us)
{
        if (c->waiting.len < CONSOLE_MAX)
                return CONSOLE_READY;
        return now_us - c->taken_us >= CONSOLE_PATIENCE_US ? CONSOLE_STALLED : CONSOLE_FULL;
}

bool console_put(struct console *c, const char *line, size_t n, uint64_t now_us)
{
        if (c->waiting.len == 0)
                c->taken_us = now_us;
        if (c->waiting.len >= 16 * (size_t) CONSOLE_MAX ||
            (c->waiting.len >= CONSOLE_MAX && console_state(c, now_us) == CONSOLE_STALLED)) {
                c->dropped++;
                return false;
        }
        if (c->dropped > 0) {
                buf_addf(&c->waiting, "coppice-logd: %llu lines dropped: the console took nothing\n",
                         (unsigned long long) c->dropped);
                c->dropped = 0;
        }
        buf_add(&c->waiting, line, n);
        if (!buf_failed(&c->waiting))
                return true;
        buf_free(&c->waiting);
        c->dropped++;
        return false;
}
