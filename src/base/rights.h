/* rights.h - descriptors that travel with a message of a Unix socket (SCM_RIGHTS).
 *
 *      RIGHTS_ROOM(2) room;
 *      struct msghdr m = { ... };
 *      rights_put(&m, &room, fds, 2);          then sendmsg()
 *
 * May be used by: all.  May use: libc. Async-signal-safe: the child between fork and exec uses it too. */
#ifndef BASE_RIGHTS_H
#define BASE_RIGHTS_H

#include <stddef.h>
#include <sys/socket.h>

/* Memory for the control part of a message with at most n descriptors, aligned as the kernel's head wants it. */
#define RIGHTS_ROOM(n) union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int) * (n))]; }

/* Let fds[n] go with the message (borrowed; the receiver gets copies). `room` is for at least n and has to stay until
 * the message is sent. Nothing happens for n = 0. */
void rights_put(struct msghdr *m, void *room, const int *fds, size_t n);

/* The descriptors that came with a received message into fds[max], owned by the caller; returns how many. What
 * is beyond `max` is closed. */
size_t rights_take(struct msghdr *m, int *fds, size_t max);

#endif
