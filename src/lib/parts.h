/* parts.h - what the files of the library share and programs do not see.
 *
 * A message is kept in the form in which it is asked for: its head as KEY NUL VALUE NUL ..., so that a value is a C
 * string, its body followed by a NUL. It becomes bytes when it is sent, and exactly the bytes it came as when it is
 * given back.
 *
 * Everything an object owns hangs from it: there is no other state. What comes is read into `room`, becomes a message
 * and either goes to the caller or is put aside in `saved`, which is a queue in the order of arrival.
 *
 * May be used by: lib, ctl, tests.  May use: base, proto. */
#ifndef LIB_PARTS_H
#define LIB_PARTS_H

#include <stdbool.h>

#include "base/buf.h"
#include "lib/coppice.h"
#include "proto/message.h"

struct coppice_message {
        struct coppice_message *next; /* in the queue of what is put aside */
        struct buf head;              /* KEY NUL VALUE NUL ... */
        struct buf body;
        int fds[COPPICE_FDS_MAX];     /* owned; -1: taken */
        size_t fd_count;
};

struct coppice {
        int fd;                       /* borrowed: the mailbox */
        pid_t pid;                    /* whose object this is: a child of it may only free it */
        int watch, signal;            /* coppice_fd(): an epoll of the mailbox and of an eventfd; -1:
                                       * nobody has asked */
        int64_t timeout;
        char mark[20];                /* begins every REF of this object's requests: "c" and 16 digits */
        uint64_t last_ref;
        struct coppice_message *saved, **saved_end;
        size_t saved_count, saved_bytes, saved_max, saved_bytes_max;
        char *room;                   /* owned: where a datagram is read to; NULL until the first */
        char refusal[32];
};

/* --- msg.c --- */
/* A message of bytes as they came; takes the descriptors over when it succeeds. -EBADMSG, -EMSGSIZE, -ENOMEM. */
int message_take(struct coppice_message **ret, const char *bytes, size_t n, const int *fds, size_t fd_count);
/* The bytes of it, with `also` lines of the library in place of lines of the same key. */
struct line {
        enum message_key key;
        const char *value;
};
int message_write(const struct coppice_message *m, const struct line *also, size_t count, struct buf *out);
/* The bytes as they came. */
void message_bytes(const struct coppice_message *m, struct buf *out);
size_t message_weight(const struct coppice_message *m);
const char *message_line(const struct coppice_message *m, enum message_key key); /* NULL: not there */
bool message_says(const struct coppice_message *m, enum message_key key, const char *value);

/* --- mailbox.c --- */
/* Every public function begins with this: -ECHILD in a child of the one who opened it. */
int mailbox_mine(struct coppice *c);
/* A new REF; `kind` is one letter: 'c' for what the library waits for itself (a late one is dropped), others for what
 * programs see. */
void mailbox_ref(struct coppice *c, char kind, char ret[COPPICE_REF_SIZE]);
int mailbox_refused(struct coppice *c, const char *word);

/* --- receive.c --- */
/* Put aside what lies in the mailbox, one message: 0, -EAGAIN, -ENOBUFS: no room, ... */
int receive_aside(struct coppice *c);
/* As coppice_receive_match(), but `old` says whether to look at what is put aside already, and
 * `restart` to go on after a signal. */
enum receive_how { RECEIVE_NEW = 1, RECEIVE_RESTART = 2 };
int receive_wait(struct coppice *c, coppice_match_fn *match, void *arg, int64_t deadline, unsigned how,
                 struct coppice_message **ret);
/* Throw away what is put aside and matches; returns how many. */
size_t receive_forget(struct coppice *c, coppice_match_fn *match, void *arg);
/* Keep the descriptor of coppice_fd() in step with what is put aside. */
void receive_signal(struct coppice *c);
bool receive_has_room(const struct coppice *c);

/* --- send.c --- */
int send_bytes(struct coppice *c, const struct buf *bytes, const int *fds, size_t fd_count, int64_t deadline);
int send_lines(struct coppice *c, const struct coppice_message *m, const struct line *also, size_t count,
               int64_t deadline);

/* --- call.c --- */
/* Wait for what answers `ref`: DONE and BOUNCE of coppice become their errno. With `foreign` an answer of anybody is
 * one, and a signal ends the wait. */
int call_wait(struct coppice *c, const char *ref, int64_t deadline, bool foreign, struct coppice_message **ret);

/* Send lines, and those of m unless it is NULL, with a REF of that kind; wait for the answer. ret_ref, which
 * is written in any case, and ret may be NULL. */
int call_request(struct coppice *c, const struct coppice_message *m, const struct line *lines, size_t count, char kind,
                 char ret_ref[COPPICE_REF_SIZE], struct coppice_message **ret);
bool call_is_down(const struct coppice_message *m, const char *ref);

/* --- channel.c --- */
/* Is the channel of CHANNEL=PATH meant by that name? It may be the end of the path, with or without ".channel". */
bool channel_is_called(const char *path, const char *name);

/* --- connect.c --- */
/* A connection to the control socket at `path`, NULL: see coppice_control_open(). Where that was is written to tried[n]
 * in any case. The descriptor or -errno. */
int control_connect(const char *path, char *tried, size_t n);

/* --- results.c --- */
/* The errno, negative, of a word in RESULT= or REASON=; 0 for "ok". -EIO: it is not known. */
int result_errno(const char *word);

#endif
