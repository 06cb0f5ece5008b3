/* wire.c - see wire.h. */
#include "lib/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/rights.h"

#define USEC_PER_SEC INT64_C(1000000)

int64_t wire_now(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

int64_t wire_deadline(int64_t timeout_usec)
{
        int64_t end;

        if (timeout_usec <= 0)
                return timeout_usec < 0 ? -1 : 0;
        return __builtin_add_overflow(wire_now(), timeout_usec, &end) ? -1 : end;
}

int wire_wait(int fd, short events, int64_t deadline)
{
        struct pollfd p = { .fd = fd, .events = events };
        int64_t left = deadline > 0 ? deadline - wire_now() : 0;
        struct timespec t;
        int r;

        if (left < 0)
                left = 0;
        t = (struct timespec) { left / USEC_PER_SEC, left % USEC_PER_SEC * 1000 };
        r = ppoll(&p, 1, deadline < 0 ? NULL : &t, NULL);
        if (r < 0)
                return -errno;
        if (r == 0)
                return deadline == 0 ? -EAGAIN : -ETIMEDOUT;
        return p.revents & POLLNVAL ? -EBADF : p.revents;
}

ssize_t wire_send(int fd, const struct iovec *parts, size_t count, const int *fds, size_t fd_count)
{
        RIGHTS_ROOM(WIRE_FDS_MAX) room;
        struct msghdr m = { .msg_iov = (struct iovec *) (uintptr_t) parts, .msg_iovlen = count };
        ssize_t n;

        if (fd_count > WIRE_FDS_MAX)
                return -E2BIG;
        rights_put(&m, &room, fds, fd_count);
        do
                n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

void wire_close(const int *fds, size_t n)
{
        int saved = errno;

        for (size_t i = 0; i < n; i++)
                if (fds[i] >= 0)
                        (void) close(fds[i]);
        errno = saved;
}

ssize_t wire_receive(int fd, void *bytes, size_t room, int *fds, size_t *fd_count)
{
        RIGHTS_ROOM(WIRE_FDS_MAX) control;
        struct iovec part = { bytes, room };
        struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                            .msg_controllen = sizeof control };
        const size_t max = *fd_count;
        ssize_t n;

        do
                n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        *fd_count = rights_take(&m, fds, max);
        if (!(m.msg_flags & (MSG_CTRUNC | MSG_TRUNC)))
                return n;
        wire_close(fds, *fd_count);
        *fd_count = 0;
        return -EMSGSIZE;
}
