/* mailroom.h - messages, as the control server may ask for them: on behalf of a client, who is an operator. */
#ifndef DAEMON_MAILROOM_H
#define DAEMON_MAILROOM_H

#include "core/mail.h"
#include "daemon/engine.h"

/* What is said to a client (TO=client:N): the bytes of the message. Called from a callback or a turn. */
typedef void mail_heard_fn(void *arg, const char *bytes, size_t n);

/* A client can be answered from now on: its number, 0 when memory is short. */
uint32_t engine_client_join(struct engine *e, mail_heard_fn *heard, void *arg);
void engine_client_leave(struct engine *e, uint32_t number);

/* Send a message as client `number`; the bytes are those of a message without FROM. `done` is called once, perhaps
 * before this returns, with what became of it: OK means delivered; a broadcast counts those it reached. Returns a
 * handle to forget it by, NULL when it is over already. */
struct sending;
enum {
        MAIL_SEND_TAKEN = 1, /* done once it was read, not once it is delivered */
        MAIL_SEND_TRY = 2,   /* FULL instead of waiting for room */
};
typedef void mail_sent_fn(void *arg, enum mail_result r, unsigned count);
struct sending *engine_mail_send(struct engine *e, uint32_t number, const char *bytes, size_t n, unsigned flags,
                                 mail_sent_fn *done, void *arg);
void engine_mail_forget(struct engine *e, struct sending *s); /* takes the message back if it still waits */

/* A request about links, monitors or names (EVT_LINK ... EVT_EXIT_SIGNAL); `text` becomes arg2 unless it is NULL or
 * empty. fn is called once, from a turn, also when the client has gone by then: arg must know. False: no memory. */
bool engine_bond(struct engine *e, struct event *event, const char *text, engine_done_fn *fn, void *arg);

/* --- channels (coppice.channel(5)) --- */

/* `settings` are lines Key=VALUE of [Channel]. */
enum mail_result engine_channel_create(struct engine *e, node_id place, const char *name, const char *settings,
                                       struct err *err);
enum mail_result engine_channel_close(struct engine *e, const char *name);

/* One pipe of a channel of Type=pipe; a number below zero is not known. */
struct pipe_facts_told {
        int64_t queued, capacity;  /* bytes in it, bytes it may hold by what the kernel says */
        int64_t asked;             /* Capacity=, 0 = it was not said */
        int refused;               /* errno why that could not be had, else 0 */
        unsigned run, runs;        /* number of the newest; how many are not read to their end */
        bool full, ended;          /* a write would wait; its writers have finished */
        int64_t copied_queued;     /* Deliver=all: bytes that have been copied for readers and not been read */
        unsigned copied_full;      /* ... and how many of these have so many that the copying waits for them */
};

struct channel_facts {
        const struct pipe_facts_told *pipe; /* NULL: Type=message */
        const char *path;
        const struct spec *spec;
        bool closed, from_unit;
        uint32_t waiting;
        uint64_t bytes, accepted, delivered, dropped, rejected, acked, redelivered;
        unsigned blocked, readers_waiting, unacked;
};
typedef void engine_channel_fn(void *arg, const struct channel_facts *f);
void engine_channels(struct engine *e, engine_channel_fn *fn, void *arg);

/* The ends of pipes that the main process of a service has, or will have at its next start. */
struct pipe_end_told {
        const char *channel, *descriptor; /* "/media", "stdout" */
        bool writes;
        struct pipe_facts_told pipe;
};
typedef void engine_pipe_end_fn(void *arg, const struct pipe_end_told *t);
void engine_pipe_ends(struct engine *e, node_id id, engine_pipe_end_fn *fn, void *arg);
/* Who writes to whom by a pipe; who sends to whom by a channel that says both. */
typedef void engine_pipe_edge_fn(void *arg, const char *channel, node_id from, node_id to);
void engine_pipe_edges(struct engine *e, engine_pipe_edge_fn *fn, void *arg);
void engine_channel_edges(struct engine *e, engine_pipe_edge_fn *fn, void *arg);

/* How a client has a message for certain. With a claim, a word of the client's own making, what it is sent is held, and
 * gone only after engine_channel_taken(); who asks with a claim that holds a message is sent that one. It is back in
 * its channel, in front of all others, when the holder lets go of it, or when an engine has gone and no client of the
 * next one has asked for it by that word within CHANNEL_CLAIM_SEC. Without a word (NULL) it is gone when it is sent. */
enum { CHANNEL_CLAIM_MAX = 47, CHANNEL_CLAIM_SEC = 3, CHANNEL_CLAIMS_MAX = 16 };
struct channel_claim {
        const char *word;    /* 1 to CHANNEL_CLAIM_MAX bytes, or NULL */
        const void *holder;  /* whose it is: only compared */
};
/* false: its holder has CHANNEL_CLAIMS_MAX */
bool engine_channel_may_claim(struct engine *e, const struct channel_claim *claim);
bool engine_channel_taken(struct engine *e, const char *word);              /* was anything held for it? */
void engine_channel_let_go(struct engine *e, const void *holder);           /* of all it holds */

/* Take the oldest message out of a channel. `heard` is called once, perhaps before this returns: with the bytes, or
 * with NULL and an enum mail_result in n. A handle to forget it by, NULL when it is over. */
struct puller;
struct puller *engine_channel_receive(struct engine *e, const char *name, bool wait, const struct channel_claim *claim,
                                      mail_heard_fn *heard, void *arg);
void engine_channel_forget(struct puller *p);

/* The same with several channels: the first message that is in any of them, the earlier named one first; its head
 * begins with CHANNEL=PATH. Returns a number to forget it by, 0 when it is over. *ret_at, which must last as long as
 * this function does, is which of them an error is about, before `heard` is called. */
enum { CHANNEL_SELECT_MAX = 64 };
uint64_t engine_channel_select(struct engine *e, const char *const *names, size_t n, bool wait,
                               const struct channel_claim *claim, mail_heard_fn *heard, void *arg, size_t *ret_at);
void engine_channel_forget_group(struct engine *e, uint64_t group);

/* What waits in a channel, oldest first, until fn says false; nothing is taken. */
typedef bool engine_peek_fn(void *arg, const struct mail *m);
enum mail_result engine_channel_peek(struct engine *e, const char *name, engine_peek_fn *fn, void *arg);

/* Watch what comes into a channel, from now on. `news` is called when there is something to be taken with
 * engine_tap_next(), or when it is over: the channel has gone, or so much was not taken that it was cut. */
struct tap;
typedef void mail_news_fn(void *arg);
struct tap *engine_channel_tap(struct engine *e, const char *name, mail_news_fn *news, void *arg,
                               enum mail_result *ret);
struct mail *engine_tap_next(struct tap *t);                       /* owned by the caller; NULL = nothing now */
bool engine_tap_over(const struct tap *t, uint64_t *ret_missed);   /* 0: not cut */
void engine_tap_free(struct tap *t);

/* For status. False when the node has no mailbox. */
struct mail_facts {
        uint32_t waiting, capacity;
        uint64_t bytes, accepted, taken, dropped, rejected, lost, sent, bounced;
        unsigned blocked;          /* senders that wait for room in it */
        bool sender_waits;         /* it is one of those itself, elsewhere */
};
bool engine_mail_facts(struct engine *e, node_id id, struct mail_facts *ret);

#endif
