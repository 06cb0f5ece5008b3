/* pipe.h - kernel pipes whose ends we keep, and copies of them for processes.
 *
 * The flags of an open file (O_NONBLOCK, O_DIRECT) are shared by everybody who has it by inheritance. So each process
 * gets an open file of its own, made through /proc: what one life of a service sets does not reach the next.
 * May be used by: daemon, tests.  May use: base, kernel interfaces. */
#ifndef OS_PIPE_H
#define OS_PIPE_H

#include <stdbool.h>
#include <stdint.h>

/* Both ends close-on-exec. `capacity` bytes are asked for, <= 0 leaves it to the kernel; that it cannot be had is no
 * failure: *ret_refused gets the errno then, else 0. -errno when there is no pipe. */
int pipe_make(int64_t capacity, int *ret_read, int *ret_write, int *ret_refused);

/* Change it later: 0, -EPERM (more than fs.pipe-max-size, or than the user may have), -EBUSY (more lies in it). */
int pipe_resize(int fd, int64_t capacity);

/* A copy for a process. `packets`: each of its writes is to be read by one read. -errno. */
int pipe_copy(int fd, bool writes, bool packets);

struct pipe_facts {
        int64_t queued;     /* bytes in it */
        int64_t capacity;   /* bytes it may hold, as the kernel says */
        bool drained;       /* nothing in it, and nobody can write */
        bool full;          /* a write would block; known as long as the write end is ours */
};
void pipe_look(int read_end, int write_end, struct pipe_facts *ret); /* write_end -1: it is closed */

#endif
