/* initlink.h - the engine's end of the socket to init (base/initproto.h).
 *
 * Nothing here blocks. What the socket does not take at once is queued, in order, with copies of its descriptors;
 * while initlink_pending() the caller watches the descriptor for writing too and calls initlink_flush().
 *
 * os/ does every system call of the engine and decides nothing; it never logs.
 * May be used by: daemon, tests.  May use: base, core's types, kernel interfaces. */
#ifndef OS_INITLINK_H
#define OS_INITLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/initproto.h"

struct initlink;

/* Take over descriptor `fd` (INIT_ENGINE_FD): checks that it is a SEQPACKET socket, makes it non-blocking and
 * close-on-exec. -ENOTSOCK with a hint when the engine was not started by coppiced. */
int initlink_open(int fd, struct initlink **ret, struct err *err);
void initlink_free(struct initlink *l); /* closes; NULL is fine */

int initlink_fd(const struct initlink *l);      /* to be watched; borrowed */

/* The process that made the pair, which is init: also when it has died meanwhile and our parent is
 * somebody else. 0 = not known. */
pid_t initlink_init(const struct initlink *l);
bool initlink_pending(const struct initlink *l); /* something waits for room in the socket */
int initlink_flush(struct initlink *l);          /* 0, or -errno when the socket is dead */

/* One message from init. The fixed part is valid until the next call. */
struct initlink_msg {
        uint64_t mark;              /* of its bytes: no other message near it has the same */
        enum init_kind kind;
        union {
                const struct init_hello *hello;
                const struct init_name *stored;
                const struct init_failed *failed;       /* STORE_FAILED, SIGNAL_FAILED */
                const struct init_spawned *spawned;
                const struct init_spawn_failed *spawn_failed;
                const struct init_listener *listener;
                const struct init_exited *exited;
                const struct init_daemon_signal *daemon_signal;
        };
        int fd;                                         /* STORED, LISTENER: owned by the caller; else -1 */
};

/* Look at the next message: 1 and the message, 0 when there is none now, -ECONNRESET when init is gone, -EPROTO for a
 * message that this engine does not understand (it was dropped). It stays in the socket until initlink_take(): an
 * engine that ends in between leaves it to the next one. INIT_STORED is taken at once, with its descriptor; that of
 * INIT_LISTENER is a copy. */
int initlink_look(struct initlink *l, struct initlink_msg *ret);
void initlink_take(struct initlink *l);

/* Both at once. */
int initlink_receive(struct initlink *l, struct initlink_msg *ret);

/* All of these queue when the socket is full and fail only for want of memory, descriptors or a dead socket.
 * fds are borrowed. `cgroup` is an index into fds or -1. A plan above INIT_INLINE_MAX goes through a memfd. */
int initlink_spawn(struct initlink *l, uint64_t request, const void *plan, size_t size, const int *fds, size_t n,
                   int cgroup, struct err *err);
int initlink_signal(struct initlink *l, pid_t pid, int sig, unsigned flags);
int initlink_store(struct initlink *l, const char *name, int fd); /* -ENAMETOOLONG */
int initlink_unstore(struct initlink *l, const char *name);
int initlink_reexec(struct initlink *l);
int initlink_booted(struct initlink *l);
int initlink_goodbye(struct initlink *l, int code, enum init_end end);

/* The failure of a spawn as an error: stage, "verb object: cause", file, line and a hint where there is one. */
void initlink_spawn_error(const struct init_spawn_failed *m, struct err *err);

#endif
