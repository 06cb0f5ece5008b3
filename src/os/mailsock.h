/* mailsock.h - the sockets of mailboxes: a SEQPACKET pair for each incarnation, one end the service's, one ours.
 *
 * We keep a copy of the service's end as well. Through it we can ask the kernel how much of what we sent is unread,
 * and take back what nobody read: so a message is never in a place where it can be lost unseen.
 *
 * Readiness comes from a set of its own (an epoll descriptor that the loop watches as one): a service with a mailbox
 * costs no watcher, and "somebody has read" is reported by edges, which libev does not know.
 * May be used by: daemon, tests.  May use: base, proto's sizes (by value), kernel interfaces. */
#ifndef OS_MAILSOCK_H
#define OS_MAILSOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
        MAILSOCK_BATCH = 32,      /* messages moved with one system call */
        MAILSOCK_FDS = 16,        /* descriptors beside a message; with more it is refused */
        MAILSOCK_MAX = 68 << 10,  /* no message is longer */
};

/* Ours does not block. Both are close-on-exec. */
int mailsock_pair(int *ret_ours, int *ret_theirs);

struct mailsock_in {
        char *bytes;              /* borrowed until the next receive */
        uint32_t len;
        bool cut;                 /* it was longer than MAILSOCK_MAX, or had too many descriptors: the rest is lost */
        int fds[MAILSOCK_FDS];    /* owned by the caller */
        uint8_t fd_count;
};

struct mailsock_reader;           /* buffers for one batch */
int mailsock_reader_new(struct mailsock_reader **ret);
void mailsock_reader_free(struct mailsock_reader *r);

/* Up to `max` (at most MAILSOCK_BATCH) messages that are there: their number, 0 when there is none, -errno. */
int mailsock_receive(struct mailsock_reader *r, int fd, int max, struct mailsock_in **ret);

/* After a batch of long messages: memory that was touched goes back. */
void mailsock_reader_rest(struct mailsock_reader *r);

struct mailsock_out {
        const void *a, *b;        /* the message is a followed by b */
        uint32_t a_len, b_len;
        const int *fds;           /* borrowed */
        uint8_t fd_count;
};

/* Send in order. How many went out: fewer than n when there is no room (the caller waits for it) or, with *ret_error set,
 * when the next one cannot be sent at all (ETOOMANYREFS: too many descriptors under way). */
int mailsock_send(int fd, const struct mailsock_out *list, int n, int *ret_error);

/* Bytes that were sent through the other end and lie unread at this one. */
int64_t mailsock_unread(int theirs);

/* Throw away the oldest unread message: 1, or 0 when there is none. */
int mailsock_drop(int theirs);

/* Report reading progress early (`on`): while somebody waits to hear that a certain message was read. */
void mailsock_exact(int ours, bool on);

/* The number by which the kernel knows the socket; 0 when fd is none. */
uint64_t mailsock_inode(int fd);

/* --- readiness ----------------------------------------------------------------------------------------------------- */

enum { MAILSOCK_IN = 1, MAILSOCK_OUT = 2 };
struct mailsock_event {
        void *arg;
        unsigned what;            /* MAILSOCK_IN, MAILSOCK_OUT */
};

int mailset_new(void);            /* a descriptor, or -errno */
/* Watch fd for `what`: IN as long as something is there; OUT once now and then at each time the other side has read. */
int mailset_add(int set, int fd, unsigned what, void *arg);
int mailset_change(int set, int fd, unsigned what, void *arg);
void mailset_remove(int set, int fd);
int mailset_wait(int set, struct mailsock_event *events, int max); /* never blocks */

#endif
