/* wire.h - bytes and descriptors through a socket, and waiting for it: the system calls of the library, each of which
 * returns -errno and knows a deadline. Nothing here blocks but wire_wait(). Not part of what programs see. */
#ifndef LIB_WIRE_H
#define LIB_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define WIRE_FDS_MAX 253 /* what the kernel takes at once */

/* CLOCK_MONOTONIC, usec. */
int64_t wire_now(void);
/* The moment at which a limit ends: -1 never; 0 does not wait at all. */
int64_t wire_deadline(int64_t timeout_usec);

/* Wait until `fd` is ready for any of `events`; returns which, or -ETIMEDOUT (-EAGAIN with a deadline of 0), -EINTR. */
int wire_wait(int fd, short events, int64_t deadline);

/* One attempt, whole or not at all on a datagram socket: the bytes that went, or -EAGAIN ... The
 * descriptors go with the first byte. */
ssize_t wire_send(int fd, const struct iovec *parts, size_t count, const int *fds, size_t fd_count);

/* One attempt: bytes, 0 at the end, or -EAGAIN ... At most *fd_count descriptors, close-on-exec, are put into fds and
 * counted there, more are closed; -EMSGSIZE when the bytes did not fit: they are gone. */
ssize_t wire_receive(int fd, void *bytes, size_t room, int *fds, size_t *fd_count);

/* Close descriptors that came with a message. */
void wire_close(const int *fds, size_t n);

#endif
