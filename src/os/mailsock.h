/* mailsock.h - the sockets of mailboxes: a SEQPACKET pair for each incarnation, one end the service's, one ours.
 *
 * We keep a copy of the service's end as well. Through it we can ask the kernel how much of what we sent is unread,
 * and take back what nobody read: so a message is never in a place where it can be lost unseen.
 *
 * Whoever moves messages may be killed between taking one out of a socket and being able to say so. So that nothing is
 * lost or done twice, that is done on a *desk*: memory that outlives the process (a memfd somebody keeps). What is
 * received lies there from the first moment, and the kernel itself notes, message by message, in its reply to
 * recvmmsg() and sendmmsg(), which ones were received and which ones sent: an end by SIGKILL comes before or after such
 * a note, never instead of it. The desk has two *trays* for what comes in and some *slots* for what goes out; each use
 * has a serial number, and whoever keeps a journal writes down which one has been dealt with.
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
        bool stripped;            /* found on the desk of another process: its descriptors went with that */
        int fds[MAILSOCK_FDS];    /* owned by the caller */
        uint8_t fd_count;
};

enum mailsock_tray { MAILSOCK_READ, MAILSOCK_TAKE, MAILSOCK_TRAYS };
enum { MAILSOCK_SLOTS = 34 };     /* one more than what one batch can need */

struct mailsock_desk;
/* A new one; *ret_fd is its memory, to be kept by somebody who lives longer: owned by the caller, -1 when only private
 * memory could be had. */
int mailsock_desk_new(int *ret_fd, struct mailsock_desk **ret);
/* The one that another process has left behind. -EBADMSG: of another version. fd stays the caller's. */
int mailsock_desk_open(int fd, struct mailsock_desk **ret);
void mailsock_desk_free(struct mailsock_desk *d);
/* After a batch of long messages: memory that was touched goes back. What is in the trays must have been dealt with. */
bool mailsock_desk_is_long(const struct mailsock_desk *d);
void mailsock_desk_rest(struct mailsock_desk *d);

/* Up to `max` (at most MAILSOCK_BATCH) messages that are there: their number, 0 when there is none, -errno. What was in
 * the tray is gone, so it must have been dealt with. `who` is for mailsock_found(). */
int mailsock_receive(struct mailsock_desk *d, enum mailsock_tray tray, uint64_t who, int fd, int max,
                     struct mailsock_in **ret);
uint64_t mailsock_received(const struct mailsock_desk *d, enum mailsock_tray tray); /* serial of the latest receive */

/* What the tray holds, whoever has received it: the number of messages. */
int mailsock_found(struct mailsock_desk *d, enum mailsock_tray tray, uint64_t *ret_who, struct mailsock_in **ret);

struct mailsock_out {
        const void *a, *b;        /* the message is a followed by b */
        uint32_t a_len, b_len;
        const int *fds;           /* borrowed */
        uint8_t fd_count, source; /* source: for mailsock_sent() */
};

/* Send at most MAILSOCK_BATCH in order, noting it in a slot. How many went out: fewer than n when there is no room
 * (the caller waits for it) or, with *ret_error set, when the next one could not be sent: for now when error_passes()
 * (ETOOMANYREFS: too many descriptors under way; memory was short also after some tries), else at all. */
int mailsock_send(struct mailsock_desk *d, unsigned slot, uint64_t who, uint32_t kind, int fd,
                  const struct mailsock_out *list, int n, int *ret_error);

/* What a slot says of the last time it was used. */
struct mailsock_sent {
        uint64_t serial, who;     /* serial 0: never */
        uint32_t kind;
        int count;                /* so many of them were sent */
        uint32_t lens[MAILSOCK_BATCH];
        uint8_t sources[MAILSOCK_BATCH];
};
void mailsock_sent(const struct mailsock_desk *d, unsigned slot, struct mailsock_sent *ret);
uint64_t mailsock_last_sent(const struct mailsock_desk *d); /* serial of the latest send */

/* Bytes that were sent through the other end and lie unread at this one. */
int64_t mailsock_unread(int theirs);

/* Throw away the oldest unread message: 1, or 0 when there is none. */
int mailsock_drop(int theirs);

/* Report reading progress early (`on`): while somebody waits to hear that a certain message was read. */
void mailsock_exact(int ours, bool on);

/* --- readiness ---------------------------------------------------------------------------------------------------- */

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
