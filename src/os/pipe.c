/* pipe.c - see pipe.h. */
#include "os/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int pipe_resize(int fd, int64_t capacity)
{
        if (capacity > INT_MAX)
                return -EINVAL;
        return fcntl(fd, F_SETPIPE_SZ, (int) capacity) < 0 ? -errno : 0;
}

int pipe_make(int64_t capacity, int *ret_read, int *ret_write, int *ret_refused)
{
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        *ret_refused = capacity > 0 ? -pipe_resize(fds[1], capacity) : 0;
        *ret_read = fds[0];
        *ret_write = fds[1];
        return 0;
}

/* A pipe without a name does not wait in open() for its other end. Without /proc the open file is shared. */
int pipe_copy(int fd, bool writes, bool packets)
{
        char path[40];
        int copy;

        (void) snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        copy = open(path, (writes ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
        if (copy < 0)
                copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (copy < 0)
                return -errno;
        if (writes && packets && fcntl(copy, F_SETFL, O_DIRECT) < 0) {
                int r = -errno;

                (void) close(copy);
                return r;
        }
        return copy;
}

void pipe_look(int read_end, int write_end, struct pipe_facts *ret)
{
        struct pollfd in = { .fd = read_end, .events = POLLIN }, out = { .fd = write_end, .events = POLLOUT };
        int queued = 0, size;

        *ret = (struct pipe_facts) { 0 };
        if (ioctl(read_end, FIONREAD, &queued) == 0)
                ret->queued = queued;
        size = fcntl(read_end, F_GETPIPE_SZ);
        ret->capacity = size > 0 ? size : 0;
        ret->drained = poll(&in, 1, 0) == 1 && (in.revents & POLLHUP) && !(in.revents & POLLIN);
        ret->full = write_end >= 0 && poll(&out, 1, 0) == 0;
}
