/* control_priv.h - inside of the control server: connections, the call each is busy with, what methods may use.
 *
 * A connection has one call at a time, as Varlink asks: requests behind it wait in its buffer. A method either
 * answers before it returns (call_close() or call_fail()) or sets c->ops and answers later; ops then tell what to
 * do when records come, when there is room in the output again, and when the client has gone.
 *
 * Nothing here ever waits for a client: output is queued, a stream stops producing while OUT_PAUSE bytes lie there,
 * and whoever asks on with OUT_MAX bytes unread is cut (FAILURES G3).
 *
 * Used by: control*.c, node_json.c, the fuzz target (through control.h and a made-up engine). */
#ifndef DAEMON_CONTROL_PRIV_H
#define DAEMON_CONTROL_PRIV_H

#include <ev.h>

#include "base/cleanup.h"
#include "daemon/control.h"
#include "daemon/watch.h"
#include "proto/frame.h"
#include "proto/methods.h"
#include "proto/varlink.h"

enum {
        CONN_MAX = 60,            /* connections of everybody, */
        CONN_RESERVED = 4,        /* and these beside them for the daemon's user and root (G1) */
        CONN_PER_UID = 16,
        CONN_SPARE = 4,           /* descriptors kept back: for an administrator's connection, and to answer it (G9) */
        CALLS_PER_TURN = 32,      /* requests of one connection before others have their turn (G11) */
        OUT_PAUSE = 64 << 10,     /* a stream waits while so much lies unread */
        OUT_MAX = 256 << 10,      /* no further request is taken with more than this unread (G3) */
        IN_PAUSE = 2 << 16,       /* so much may wait behind a call */
        NODES_PER_CALL = 1024,    /* nodes named in one request */
        FDS_PER_CALL = 8,         /* descriptors that travel with one request */
        FDS_AT_ONCE = 16,         /* ... and with one of its parts: room to see that there are too many */
};
#define PARTIAL_SEC 5.0           /* the rest of a request that has begun must come within this (G2) */

struct call;
struct call_ops {
        void (*published)(struct call *c, uint64_t first, uint64_t last); /* new records; NULL = not interested */
        bool (*produce)(struct call *c);   /* there is room: write more; true = there is more yet. NULL = no stream */
        void (*ending)(struct call *c, int code); /* the daemon ends: answer now; NULL = the connection just closes */
        void (*drop)(struct call *c);      /* the call is over, or its client gone: free c->state, forget requests */
};

struct call {
        struct conn *conn;
        enum method method;
        struct varlink_call in;
        int fds[FDS_PER_CALL];       /* owned; came with the request, closed with the call; -1 = taken */
        size_t fd_count;
        const struct call_ops *ops;  /* set by a method that answers later */
        void *state;                 /* owned by the method */
        struct json j;               /* the reply being written */
        size_t mark;                 /* where it began */
        bool ahead;                  /* its method waits for what it would have to wait for: control_ahead.c */
        bool begins;                 /* ... no more */
        bool done;                   /* the last reply has been written */
};

struct conn {
        struct conn *prev, *next;
        struct control *control;
        int fd;
        uid_t uid;
        bool admin;                  /* its user may call mutating methods; see conn_access() */
        struct peer peer;            /* whose process it is */
        bool apart;                  /* stays for as long as a service: counts for nobody's limit */
        bool on_spare;               /* let in when there were no descriptors left */
        bool reserved;               /* sits on one of the administrator's own places */
        bool busy;                   /* has a call */
        bool working;                /* conn_work() is on the stack */
        bool outside;                /* ... for an answer that came by itself: perhaps amid a step, so no
                                      * new request begins */
        bool finished;               /* the client has closed its sending side */
        bool holds;                  /* messages of channels, perhaps */
        bool dead;                   /* closed; freed by the next control_sweep() */
        struct call call;
        struct frame_reader in;
        int fds[FDS_PER_CALL];       /* owned; descriptors of the request that is coming in */
        size_t fd_count;
        struct buf out;
        size_t out_at;               /* bytes of it already sent */
        ev_io read, write;
        ev_timer partial, again;
};

struct control {
        struct engine *engine;
        int listen_fd;
        int spare[CONN_SPARE];       /* owned: descriptors for when there are no others; -1 = given up */
        unsigned on_spare;           /* connections for which they were given up */
        gid_t group;                 /* members may call mutating methods; (gid_t) -1 = no group */
        uid_t own_uid, overflow_uid;
        ev_io accept;
        ev_timer accept_again;       /* only while there are no descriptors */
        struct conn *conns, *dead;
        unsigned count, reserved;
};

/* control.c */
void control_spare(struct control *s);        /* keep descriptors back again, unless somebody still needs them */
void control_sweep(struct control *s);        /* free closed connections; only at the start of a callback */

/* control_conn.c */
struct conn *conn_new(struct control *s, int fd, uid_t uid, bool admin, const struct peer *peer);
void conn_close(struct conn *k);              /* at once; the struct stays until the sweep */
void conn_free(struct conn *k);
void conn_work_soon(struct conn *k);          /* from the loop */
void conn_work(struct conn *k);               /* take requests, produce, send: whatever is possible now */
void conn_apart(struct conn *k);              /* its call is bounded by something else: free its place */
size_t conn_unread(const struct conn *k);     /* bytes the client has not taken yet */

/* control_ahead.c: has something to be asked before the method can go to work without waiting?
 * Then c->begins is set later. */
bool call_asks_ahead(struct call *c);
void call_ahead_over(struct call *c);

/* control_access.c: what a client may do (ControlAccess=). It is looked up for each call: a reload counts at once. */
enum control_access conn_access(const struct conn *k);
bool call_permitted(struct call *c);          /* its method, at all; else the error has been sent */
bool call_may_act(struct call *c, node_id id); /* ... on that node */

/* For methods. */
struct engine *call_engine(const struct call *c);
const struct core *call_core(const struct call *c);
struct json *call_open(struct call *c);                    /* begin a reply: returns the writer of its parameters */
struct json *call_open_error(struct call *c, const char *error); /* the same of an error of io.coppice.Manager */
void call_close(struct call *c, bool continues);           /* end it; without `continues` the call is done */
/* End the call with an error of io.coppice.Manager: up to two texts, key and value each; NULL ends the list early.
 * A NULL value writes null. */
void call_fail(struct call *c, const char *error, const char *key, const char *value, const char *key2,
               const char *value2);
/* BadValue: "WORD: SENTENCE (did you mean NEAR?)"; near may be NULL. */
void call_bad_word(struct call *c, const char *key, const char *word, const char *near, const char *sentence);
void json_message(struct json *j, const char *bytes, size_t n); /* message, base64 */
void call_message(struct call *c, const char *bytes, size_t n); /* the reply {message, base64}; control_mail.c */
/* What a client says to hold a message by (NULL: nothing); false and the error has been sent. control_channel.c */
struct channel_claim;
bool call_claim(struct call *c, const char *word, struct channel_claim *ret);
/* Refused, of a channel; control_channel.c. `result` is an enum mail_result; the sentence begins
 * with the name if `named`. */
void call_refuse_channel(struct call *c, const char *name, int result, bool named);
void call_refuse(struct call *c, const char *result, const char *sentence); /* Refused; control_mail.c */
void call_fail_err(struct call *c, const struct err *err); /* Failed, with the text of err */
/* No parameter is left over and all were good; else the error has been sent. */
bool call_params(struct call *c);
/* The node of that name, or false and the error has been sent. */
bool call_node(struct call *c, const char *name, node_id *ret);
/* The node the parameter `key` names; absent gives root. */
bool call_under(struct call *c, const char *key, node_id *ret);

/* The methods, one for each row of methods.def. */
#define METHOD(name, access, replies, text) void method_##name(struct call *c);
#include "proto/methods.def"
#undef METHOD

#endif
