/* coppice.h - libcoppice: for programs that coppice runs, and for clients of its control socket. The manual is
 * coppice(3); the protocol beneath is coppice.mailbox(7) and io.coppice.Manager(7), which need no library.
 *
 *      struct coppice *c;
 *      struct coppice_message *m;
 *
 *      if (coppice_open(&c, 0) < 0)            // a service with Mailbox=yes
 *              return EXIT_FAILURE;
 *      coppice_notify(0, "READY=1");
 *      while (coppice_receive(c, COPPICE_FOREVER, &m) == 0) {
 *              coppice_reply(c, m, coppice_message_body(m, NULL), coppice_message_size(m));
 *              m = coppice_message_free(m);
 *      }
 *
 * Every function that can fail returns 0, or a count where it says so, or a negative errno; ret_ arguments are written
 * on success only. Nothing is printed, nothing exits or aborts, no signal is touched, SIGPIPE does not come.
 *
 * WAITING. What may wait has a limit in microseconds: an argument, or else that of coppice_set_timeout(), which is ten
 * seconds in the beginning. COPPICE_FOREVER has no end, 0 does not wait. When it is over: -ETIMEDOUT; with 0, -EAGAIN.
 * A signal handler that runs meanwhile ends the wait with -EINTR, whatever SA_RESTART says, so that a program that was
 * told to stop can; only the short wait for the answer to a request that has been sent goes on.
 *
 * EVENT LOOPS. coppice_fd() is readable when coppice_receive(c, 0, &m) would give a message, also one that has been put
 * aside. Requests without waiting: send a message with CALL= and a REF= of your own (coppice_send()); the answer is a
 * message with TOPIC=DONE and that REF.
 *
 * THREADS. There is no state outside of the objects. One object is for one thread at a time; different objects do not
 * know each other. Several `struct coppice` of one process share one mailbox: each message goes to one of them.
 * coppice_notify() and its family may be called from any thread at any time, as long as nobody changes the environment.
 *
 * FORK. A child inherits the mailbox: it speaks as the same service. Objects are not inherited: in a child
 * every function returns -ECHILD for an object of the parent, but coppice_close(), which frees it. The child
 * opens its own; whatever one of the two reads the other does not see. COPPICE_PRIVATE keeps the mailbox
 * from programs that are executed.
 *
 * A program is linked with `pkg-config --cflags --libs coppice`. May be used by: ctl, programs. May use: base,
 * proto. */
#ifndef COPPICE_H
#define COPPICE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define COPPICE_API __attribute__((visibility("default")))
#define COPPICE_CHECKED __attribute__((warn_unused_result))

#define COPPICE_FOREVER ((int64_t) -1)

enum {
        COPPICE_REF_SIZE = 48,          /* room for a mark that the library makes up, its NUL included */
        COPPICE_PATH_SIZE = 1025,       /* room for any path or name */
        COPPICE_FDS_MAX = 16,           /* descriptors in one message */
        COPPICE_MESSAGE_MAX = 65536,    /* bytes of a message, its head included */
};

struct coppice;         /* a mailbox: what a service speaks through */
struct coppice_message; /* a message: head, body, descriptors */

/* --- coppice_open(3): the mailbox of a service -------------------------------------------------------------------- */

enum {
        COPPICE_PRIVATE = 1, /* programs that this one executes do not get the mailbox */
};

/* The mailbox this process has inherited, $COPPICE_MAILBOX. -ENXIO: it has none (Mailbox=no, or not run by coppice).
 * -EBADF, -ENOTSOCK, -EPROTOTYPE: what the variable names is no mailbox. -EINVAL: unknown flags. */
COPPICE_API COPPICE_CHECKED int coppice_open(struct coppice **ret, unsigned flags);

/* The same with the descriptor of a mailbox, which stays the caller's and must outlive the object. */
COPPICE_API COPPICE_CHECKED int coppice_open_fd(struct coppice **ret, int fd, unsigned flags);

/* Gives back what has been put aside, see coppice_give_back(), and frees. The descriptor stays open. NULL is fine.
 * Returns NULL: c = coppice_close(c). */
COPPICE_API struct coppice *coppice_close(struct coppice *c);

/* For poll(2) and its like, POLLIN; do not read from it. It is the object's, made when first asked for. */
COPPICE_API int coppice_fd(struct coppice *c);

/* How long requests and sends wait. */
COPPICE_API int coppice_set_timeout(struct coppice *c, int64_t usec);

/* How much may be put aside by selective receives and by waits for answers: 1,000 messages and 8 MiB in the beginning.
 * Beyond that those fail with -ENOBUFS, and what has not been read stays in the mailbox.
 * -EINVAL: nothing is not enough. */
COPPICE_API int coppice_set_saved_max(struct coppice *c, size_t messages, size_t bytes);

/* The path of this service ("/shop/api"): $COPPICE_NODE, NULL when it is not there. */
COPPICE_API const char *coppice_self(void);

/* Why the last request of this object was refused: the word ("not-descendant"), "" when none was. Borrowed until the
 * next call. The errno of each word is in coppice(3). */
COPPICE_API const char *coppice_refusal(const struct coppice *c);

/* --- coppice_message(3): messages --------------------------------------------------------------------------------- */

/* An empty message; `to` is its TO=, NULL: none yet. */
COPPICE_API COPPICE_CHECKED int coppice_message_new(struct coppice_message **ret, const char *to);

/* Frees it and closes the descriptors that nobody has taken. NULL is fine. Returns NULL. */
COPPICE_API struct coppice_message *coppice_message_free(struct coppice_message *m);

/* Set a line of the head, NULL removes it. -EINVAL: no key of coppice.mailbox(7) and no X_ of one's own, or no value: 1
 * to 1,024 bytes of text in one line. -EPERM: only coppice writes that. -E2BIG: more than 40 lines or 7 KiB. */
COPPICE_API int coppice_message_set(struct coppice_message *m, const char *key, const char *value);

/* The value of a line, NULL when there is none. Borrowed until the message changes. */
COPPICE_API const char *coppice_message_get(const struct coppice_message *m, const char *key);

/* Does that line say exactly this? Returns 1 or 0. */
COPPICE_API int coppice_message_is(const struct coppice_message *m, const char *key, const char *value);

/* The lines one after another: *at is 0 at first. Returns 1, or 0 when there are no more. */
COPPICE_API int coppice_message_next(const struct coppice_message *m, size_t *at, const char **ret_key,
                                     const char **ret_value);

/* The body, a copy is taken. -EMSGSIZE: too long. */
COPPICE_API int coppice_message_set_body(struct coppice_message *m, const void *bytes, size_t n);

/* The body, always followed by a NUL that does not count. `ret_size` may be NULL. Borrowed. */
COPPICE_API const char *coppice_message_body(const struct coppice_message *m, size_t *ret_size);
COPPICE_API size_t coppice_message_size(const struct coppice_message *m);

/* Let a descriptor travel along: a duplicate is taken, the caller keeps his. -E2BIG: there are 16. */
COPPICE_API int coppice_message_add_fd(struct coppice_message *m, int fd);
COPPICE_API size_t coppice_message_fds(const struct coppice_message *m);
/* Take number i (0 is the first) out of a message that has come: the caller closes it. It is close-on-exec. -ENOENT:
 * there is none, or it has been taken. */
COPPICE_API COPPICE_CHECKED int coppice_message_take_fd(struct coppice_message *m, size_t i);

/* --- coppice_send(3): send messages ------------------------------------------------------------------------------- */

/* Send; the message stays the caller's and can be sent again. Returns when coppice has been handed it: what cannot be
 * delivered comes back later as TOPIC=BOUNCE. While the mailbox of somebody before it is full (MailboxOverflow=block)
 * this waits, and puts aside what arrives meanwhile, so that two who send to each other do not wait for ever. With
 * TIMEOUT_USEC=0 in its head the message is refused instead, as full. */
COPPICE_API int coppice_send(struct coppice *c, const struct coppice_message *m);
COPPICE_API int coppice_try_send(struct coppice *c, const struct coppice_message *m); /* -EAGAIN instead of waiting. */

/* The same in one call: `topic` may be NULL, `body` when n is 0. */
COPPICE_API int coppice_tell(struct coppice *c, const char *to, const char *topic, const void *body, size_t n);

/* Send and wait until it lies in the mailbox of its receiver, or until he has read it. Fails with the errno of the
 * word for which it was refused. What answers it is dropped, unless the message has a REF of its own. */
enum coppice_until { COPPICE_DELIVERED, COPPICE_TAKEN };
COPPICE_API int coppice_send_sync(struct coppice *c, const struct coppice_message *m, enum coppice_until until,
                                  int64_t timeout_usec);

/* To every other child of a supervisor that has a mailbox, whatever TO= says; nobody is waited for. Returns how
 * many. */
COPPICE_API int coppice_broadcast(struct coppice *c, const char *supervisor, const struct coppice_message *m);

/* Have it sent later, to whomever; without TO= to oneself. `ret_ref` may be NULL, else it is the REF that the message
 * then carries, its own if it has one, and that coppice_cancel() wants. */
COPPICE_API int coppice_schedule(struct coppice *c, const struct coppice_message *m, uint64_t usec,
                                 char ret_ref[COPPICE_REF_SIZE]);
COPPICE_API int coppice_cancel(struct coppice *c, const char *ref); /* Returns how many; -ENOENT: it has been sent. */

/* --- coppice_ask(3): question and answer -------------------------------------------------------------------------- */

/* Send a question and wait for the answer: the next message with the same REF, which is made here unless it is said.
 * What else arrives is put aside. An answer that comes after the end of the time is dropped. */
COPPICE_API COPPICE_CHECKED int coppice_ask(struct coppice *c, const struct coppice_message *m, int64_t timeout_usec,
                                            struct coppice_message **ret_answer);

/* Answer: to REPLY_TO or FROM of the question, with its REF. -EINVAL: it has no FROM. */
COPPICE_API int coppice_reply(struct coppice *c, const struct coppice_message *question, const void *body, size_t n);
COPPICE_API int coppice_reply_with(struct coppice *c, const struct coppice_message *question,
                                   struct coppice_message *answer);

/* --- coppice_receive(3): receive messages ------------------------------------------------------------------------- */

/* The next message, the caller frees it; what was put aside comes first. -EPIPE: there will be none any more.
 * -EBADMSG: one that is not well formed was thrown away. */
COPPICE_API COPPICE_CHECKED int coppice_receive(struct coppice *c, int64_t timeout_usec, struct coppice_message **ret);
/* -EAGAIN: there is none. */
COPPICE_API COPPICE_CHECKED int coppice_try_receive(struct coppice *c, struct coppice_message **ret);

/* The first message that `match` says something other than 0 to. The others are put aside in their
 * order. `match` must not use c. */
typedef int coppice_match_fn(const struct coppice_message *m, void *arg);
COPPICE_API COPPICE_CHECKED int coppice_receive_match(struct coppice *c, coppice_match_fn *match, void *arg,
                                                      int64_t timeout_usec, struct coppice_message **ret);
/* The first that has this line: coppice_receive_key(c, "TOPIC", "EXIT", ...). */
COPPICE_API COPPICE_CHECKED int coppice_receive_key(struct coppice *c, const char *key, const char *value,
                                                    int64_t timeout_usec, struct coppice_message **ret);

/* Put a message aside again, in front of all others; it is the object's from then on. */
COPPICE_API int coppice_put_back(struct coppice *c, struct coppice_message *m);

/* Give what is put aside back to coppice, as if it had not been read: for another process of this service, or with
 * MailboxKeep=yes for the next one. Returns when coppice has it. */
COPPICE_API int coppice_give_back(struct coppice *c);

/* --- coppice_link(3): end together, watch, end others ------------------------------------------------------------- */

/* These reach what is below one's own supervisor, by path, name or unit; other things are -EPERM. When one of two
 * linked services ends, but for the reason "normal", so does the other. */
COPPICE_API int coppice_link(struct coppice *c, const char *node);         /* -ESRCH: it does not live. */
COPPICE_API int coppice_unlink(struct coppice *c, const char *node);
COPPICE_API int coppice_trap_exits(struct coppice *c, int on);             /* The ends of those one is linked to
                                                                            * come as TOPIC=EXIT. */

/* One TOPIC=DOWN with this REF when the node ends, at once with REASON=noproc when it does not live. */
COPPICE_API int coppice_monitor(struct coppice *c, const char *node, char ret_ref[COPPICE_REF_SIZE]);
/* After this there is no DOWN of that REF any more, wherever it was. -ENOENT: nothing is watched by it any more. */
COPPICE_API int coppice_demonitor(struct coppice *c, const char *ref);

/* An exit signal: NULL is the service itself. `reason` is a word as in coppicectl exit:
 * "normal", "shutdown", "exit:3" ... */
COPPICE_API int coppice_exit(struct coppice *c, const char *node, const char *reason);
COPPICE_API int coppice_kill(struct coppice *c, const char *node);         /* Cannot be trapped; others see "killed". */

/* --- coppice_register(3): names ----------------------------------------------------------------------------------- */

/* A name in the scope of one's own supervisor, for a node below it or (NULL) oneself; gone when
 * its holder ends. -EEXIST. */
COPPICE_API int coppice_register(struct coppice *c, const char *name, const char *node);
COPPICE_API int coppice_unregister(struct coppice *c, const char *name);
/* Who has that name: looked for outward, up to root; or in one's own scope alone. -ENOENT. */
COPPICE_API int coppice_whereis(struct coppice *c, const char *name, char ret_path[COPPICE_PATH_SIZE]);
COPPICE_API int coppice_whereis_local(struct coppice *c, const char *name, char ret_path[COPPICE_PATH_SIZE]);
/* The names of one's own scope, one call of fn for each; a value other than 0 ends it and is returned. */
typedef int coppice_name_fn(const char *name, const char *path, void *arg);
COPPICE_API int coppice_registered(struct coppice *c, coppice_name_fn *fn, void *arg);

/* --- coppice_emit(3): events of one's own ------------------------------------------------------------------------- */

/* At most 127 bytes of text among the records of this service, with the rule "emitted": coppicectl events, why and the
 * daemon's log show it. -EINVAL: it is empty, longer, or not one line of text. */
COPPICE_API int coppice_emit(struct coppice *c, const char *text);

/* --- coppice_channel(3): channels --------------------------------------------------------------------------------- */

/* A channel below one's own supervisor. `settings` are lines KEY=VALUE as in [Channel] of coppice.channel(5), or NULL.
 * One sends into it with coppice_send(), TO= the channel. */
COPPICE_API int coppice_channel_create(struct coppice *c, const char *name, const char *settings);
COPPICE_API int coppice_channel_close(struct coppice *c, const char *name);
/* Ask a channel for its oldest message. -EPIPE: it is closed and empty. */
COPPICE_API COPPICE_CHECKED int coppice_channel_receive(struct coppice *c, const char *name, int64_t timeout_usec,
                                                        struct coppice_message **ret);
COPPICE_API COPPICE_CHECKED int coppice_channel_try_receive(struct coppice *c, const char *name,
                                                            struct coppice_message **ret);
/* The same for several, a list that ends with NULL, at most 64: a message of the first of them that has one. Which
 * it was says its CHANNEL=. */
COPPICE_API COPPICE_CHECKED int coppice_channel_select(struct coppice *c, const char *const *names,
                                                       int64_t timeout_usec, struct coppice_message **ret);
/* Done with a message of a channel with Acknowledge=yes: it is not delivered again. 0 also when it needs no such
 * word. */
COPPICE_API int coppice_channel_ack(struct coppice *c, const struct coppice_message *m);

/* --- coppice_call(3): any request, also one that the library does not know yet ------------------------------------ */

/* Send a message with CALL= and wait for its DONE; `ret_answer` may be NULL. Fails as RESULT= says. */
COPPICE_API int coppice_call(struct coppice *c, const struct coppice_message *m, struct coppice_message **ret_answer);
/* Is coppice there? */
COPPICE_API int coppice_ping(struct coppice *c);

/* --- coppice_spawn(3): services that start services --------------------------------------------------------------- */

/* What is to be started. Set all to zero first ({ 0 }), then what is wanted. */
struct coppice_child {
        const char *const *argv;       /* the program and its arguments, NULL at the end; NULL: an
                                        * instance of a template */
        const char *name;              /* of the node, NULL: one is made up; of a template: worker@7, or worker@
                                        * for a free number */
        const char *supervisor;        /* below which; NULL: one's own */
        const char *const *properties; /* lines "Key=value" as in a unit file, NULL at the end; or NULL */
        const int *fds;                /* the child's descriptors 0, 1 and 2, as many as there are */
        size_t fd_count;
        const void *reserved[4];
};

/* Start a child below one's own supervisor, as far as that lets one (AllowSpawn=, MaxChildren=), and tell its path
 * when it has started. With _link it is linked to this service from its first moment, with _monitor watched: no end
 * can be missed. `ret_path` may be NULL. -EACCES, -EDQUOT, -EEXIST ..., -EIO when it could not be started. The rules
 * are in coppice.mailbox(7). */
COPPICE_API int coppice_spawn(struct coppice *c, const struct coppice_child *what, char ret_path[COPPICE_PATH_SIZE]);
COPPICE_API int coppice_spawn_link(struct coppice *c, const struct coppice_child *what,
                                   char ret_path[COPPICE_PATH_SIZE]);
COPPICE_API int coppice_spawn_monitor(struct coppice *c, const struct coppice_child *what,
                                      char ret_path[COPPICE_PATH_SIZE], char ret_ref[COPPICE_REF_SIZE]);
/* Both at once. */
COPPICE_API int coppice_spawn_link_monitor(struct coppice *c, const struct coppice_child *what,
                                           char ret_path[COPPICE_PATH_SIZE], char ret_ref[COPPICE_REF_SIZE]);

/* Wait for the end of who is watched by that REF, of coppice_monitor() or one of the spawns: its reason, "exit:3".
 * `ret_reason` may be NULL. */
COPPICE_API int coppice_await(struct coppice *c, const char *ref, int64_t timeout_usec,
                              char ret_reason[COPPICE_PATH_SIZE]);
/* -EAGAIN: it lives. */
COPPICE_API int coppice_try_await(struct coppice *c, const char *ref, char ret_reason[COPPICE_PATH_SIZE]);

/* --- coppice_control(3): clients of the control socket, who are operators ----------------------------------------- */

/* Varlink, io.coppice.Manager(7), without a JSON library. One object is one connection; when the daemon
 * goes (-EPIPE) open another. */
struct coppice_control;

/* The socket at `path`; NULL: $COPPICE_SOCKET, else where a daemon of this user, then that of the system is
 * expected. */
COPPICE_API COPPICE_CHECKED int coppice_control_open(struct coppice_control **ret, const char *path);
COPPICE_API struct coppice_control *coppice_control_close(struct coppice_control *k);
/* How long a call waits; the wait for a service to stop counts too: without end in the beginning. */
COPPICE_API int coppice_control_set_timeout(struct coppice_control *k, int64_t usec);

/* Call a method ("Status") and wait for its reply. `params` are pairs of a key and a value that end with NULL, or NULL:
 *      "node", "/web"          a text
 *      "nodes[]", "/web"       one more of a list of texts
 *      "no_block:", "true"     JSON as it is: a number, true, a list
 * An error of the daemon is -ENOENT (NoSuchNode), -ENOTUNIQ (AmbiguousNode), -EINVAL (BadValue), -EACCES
 * (NotPermitted), -ESHUTDOWN (ShuttingDown), -EUSERS (TooManyConnections), -ENOSYS (MethodNotFound), the errno of its
 * word (Refused), -EIO (Failed, ReloadFailed), -EPROTO (any other); the next function has its name. */
COPPICE_API int coppice_control_call(struct coppice_control *k, const char *method, const char *const *params);
/* The name of the error, "" when there was none. */
COPPICE_API const char *coppice_control_error(const struct coppice_control *k);

/* What the latest reply says, or error, at a place such as "nodes.0.path". Borrowed until the next reply. -ENOENT:
 * nothing or null is there; -EINVAL: something else. true is 1. */
COPPICE_API int coppice_control_text(struct coppice_control *k, const char *where, const char **ret);
COPPICE_API int coppice_control_number(struct coppice_control *k, const char *where, int64_t *ret);
/* How many are in a list or object. */
COPPICE_API int coppice_control_size(struct coppice_control *k, const char *where);
/* All of it, as JSON; NULL: no memory. */
COPPICE_API const char *coppice_control_json(struct coppice_control *k);

/* The same in two parts: for event loops, for replies without end ("Events" with COPPICE_MORE), with descriptors. When
 * the descriptor is readable, call next with 0 until it says -EAGAIN. It returns 1 when there are more replies to come
 * to that call, 0 for the last. */
enum { COPPICE_MORE = 1 };
COPPICE_API int coppice_control_start(struct coppice_control *k, const char *method, const char *const *params,
                                      unsigned flags, const int *fds, size_t n);
COPPICE_API int coppice_control_next(struct coppice_control *k, int64_t timeout_usec);
COPPICE_API int coppice_control_fd(struct coppice_control *k);

/* Messages of an operator: no MessagePolicy= stops them. */
COPPICE_API int coppice_control_send(struct coppice_control *k, const struct coppice_message *m,
                                     enum coppice_until until);
COPPICE_API COPPICE_CHECKED int coppice_control_ask(struct coppice_control *k, const struct coppice_message *m,
                                                    struct coppice_message **ret_answer);

/* --- coppice_notify(3): tell the supervisor, as sd_notify(3) does ------------------------------------------------- */

/* Lines as of sd_notify: "READY=1", "STATUS=...", "WATCHDOG=1" ... 1: sent; 0: nobody wants to hear it
 * ($NOTIFY_SOCKET is not there). `unset`: take the variable out of the environment. Needs no object, works
 * in threads and after fork. */
COPPICE_API int coppice_notify(int unset, const char *state);
COPPICE_API int coppice_notifyf(int unset, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As if process `pid` (0: this one) said it: needs the right to, else it is this process all the same. */
COPPICE_API int coppice_pid_notify(pid_t pid, int unset, const char *state);
COPPICE_API int coppice_pid_notifyf(pid_t pid, int unset, const char *format,
                                    ...) __attribute__((format(printf, 3, 4)));
/* With descriptors, for FDSTORE=1: at most 253. */
COPPICE_API int coppice_pid_notify_with_fds(pid_t pid, int unset, const char *state, const int *fds, unsigned n);
/* Wait until all that was said before has been read. 1; 0: no $NOTIFY_SOCKET; -ETIMEDOUT. UINT64_MAX: for ever. */
COPPICE_API int coppice_notify_barrier(int unset, uint64_t timeout_usec);
COPPICE_API int coppice_pid_notify_barrier(pid_t pid, int unset, uint64_t timeout_usec);
/* Does the supervisor want WATCHDOG=1 of this process? 1 and how often (`ret_usec` may be NULL), 0: no. */
COPPICE_API int coppice_watchdog_enabled(int unset, uint64_t *ret_usec);
/* Was the machine booted with systemd? 1 or 0, as of sd_booted(3): never so below coppice as PID 1. */
COPPICE_API int coppice_booted_with_systemd(void);

/* --- coppice_listen_fds(3): descriptors that were passed, as sd_listen_fds(3) has it ------------------------------ */

#define COPPICE_LISTEN_FDS_START 3
/* How many there are from descriptor 3 on; they are made close-on-exec. */
COPPICE_API int coppice_listen_fds(int unset);
/* The same with their names: *ret_names is a list that ends with NULL, one free() for it and one for each name;
 * without names each is "unknown". Not written when there are none. */
COPPICE_API int coppice_listen_fds_with_names(int unset, char ***ret_names);
/* What is that descriptor? 1: so it is; 0: not. Where a thing to compare is NULL, 0 or negative, anything is right. */
COPPICE_API int coppice_is_fifo(int fd, const char *path);
COPPICE_API int coppice_is_special(int fd, const char *path);
COPPICE_API int coppice_is_socket(int fd, int family, int type, int listening);
COPPICE_API int coppice_is_socket_inet(int fd, int family, int type, int listening, uint16_t port);
struct sockaddr;
COPPICE_API int coppice_is_socket_sockaddr(int fd, int type, const struct sockaddr *address, unsigned length,
                                           int listening);
COPPICE_API int coppice_is_socket_unix(int fd, int type, int listening, const char *path, size_t length);
COPPICE_API int coppice_is_mq(int fd, const char *path);

#ifdef __cplusplus
}
#endif
#endif
