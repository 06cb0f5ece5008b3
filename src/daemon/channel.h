/* channel.h - inside of the mail room: channels of Type=message (coppice.channel(5)).
 *
 * A channel is a postbox that no service owns: what comes waits in its box, senders wait for room in it as they do for
 * room in a mailbox. channel_pump() moves what waits to readers: first to those who asked for a message, else into the
 * mailboxes of the services in To=. It is called whenever something may have changed for it: a message came, a reader
 * was born, has read, has acknowledged, or has ended. */
#ifndef DAEMON_CHANNEL_H
#define DAEMON_CHANNEL_H

#include "daemon/mail_priv.h"

struct unacked {
        struct unacked *next;
        uint64_t number;
        node_id reader;             /* NODE_NONE: a client */
        char claim[CHANNEL_CLAIM_MAX + 1]; /* of a client */
        const void *holder;         /* that client; NULL: of an engine before this one */
        struct mail *mail;          /* owned */
};

/* Somebody who asked for one message. */
struct puller {
        struct puller *next;
        struct channel *channel;
        node_id reader;             /* NODE_NONE: a client */
        uint64_t serial;            /* of a service's, in the journal */
        uint64_t group;             /* one of several of which one is to be served; 0 = it stands alone */
        nsec until;                 /* NSEC_NEVER: for ever */
        struct buf question;        /* owned: the head of the request of a service */
        mail_heard_fn *heard;       /* of a client: the message, or NULL when the channel has been closed */
        char claim[CHANNEL_CLAIM_MAX + 1]; /* of a client; "" = none */
        const void *holder;
        void *arg;
        struct ev_timer timer;
};

struct channel {
        struct channel *next;
        struct mailroom *room;
        struct postbox box;
        uint32_t id;                /* in the journal */
        bool due;                   /* channels_go_on() is to look at it */
        char *path;                 /* owned: "/shop/jobs" */
        node_id place;              /* the supervisor it hangs below */
        struct spec *spec;          /* owned */
        bool from_unit;
        bool closed;                /* takes no more; goes when it is empty */
        bool pumping;
        bool stays;                 /* channels_load(): its unit is still there */
        struct puller *pullers;
        unsigned taps;              /* of the room's, watch it */
        struct unacked *unacked;    /* oldest first */
        uint64_t last_number, delivered, acked, redelivered;
};

struct channel *channel_find(struct mailroom *r, node_id scope, const char *name); /* outward; NULL */
enum mail_result channel_missing(struct mailroom *r, node_id scope, const char *name); /* why: NOT_FOUND, IS_PIPE */
enum mail_result channel_add(struct mailroom *r, node_id place, struct spec *s, bool from_unit);
void channel_set_spec(struct channel *ch, struct spec *s);
void channel_close(struct channel *ch);
void channel_free(struct channel *ch);
void channel_pump(struct channel *ch);                        /* at the end of the turn: */
void channels_go_on(struct mailroom *r);
enum mail_result channel_put(struct channel *ch, struct parcel *p); /* as mail_put() */

/* May that service send into it, take from it? OK or FORBIDDEN, CLOSED. */
enum mail_result channel_may_send(const struct channel *ch, node_id from);
enum mail_result channel_may_take(const struct channel *ch, node_id reader);

/* What one service can have waiting, and all those below a supervisor can make at run time (BUSY with more). A channel
 * of Capacity=10000 costs at most ten times its CapacityBytes=, were all messages empty. */
enum { CHANNEL_PULLERS_MAX = 100, CHANNELS_MADE_MAX = 100, CHANNELS_MADE_CAPACITY = 10000,
       CHANNELS_MADE_BYTES = 64 << 20 };

/* A service asks for a message: usec < 0 waits for ever, 0 not at all. WAIT: it will be told. */
enum mail_result channel_pull(struct channel *ch, struct postbox *reader, const struct message *m, int64_t usec,
                              uint64_t group);
enum mail_result channel_ack(struct channel *ch, node_id reader, int64_t number);

struct puller *channel_add_puller(struct channel *ch);        /* of a client; NULL: no memory */
void channel_move(struct channel *ch);                        /* at once; never while a batch is read */
/* As it was in an engine before this one: the reader's question, and until when. */
struct puller *channel_resume_puller(struct channel *ch, uint64_t serial, node_id reader, nsec until,
                                     const void *question, size_t n);
void channel_arm(struct channel *ch);
struct channel *channel_of_id(struct mailroom *r, uint32_t id);
struct channel *channel_new(struct mailroom *r, node_id place, struct spec *s, const char *path);
void channel_drop_puller(struct puller *p);
void channel_served(struct puller *p);                        /* it has its message, or will have none */
void channel_send_away(struct puller *p, enum mail_result r); /* it will have none, and hears why */

/* CHANNEL= of a request, seen from the sender; NULL. CALL=channel-create: below the sender's own supervisor. */
struct channel *channel_named(struct postbox *from, const struct message *m);
enum mail_result channel_make(struct postbox *from, const struct message *m);

/* mail_log.c */
void mlog_channel(struct channel *ch);
void mlog_channel_gone(const struct channel *ch);
void mlog_given(struct channel *ch, const struct unacked *u); /* its oldest message is that one now */
void mlog_claimed(const struct channel *ch, const struct unacked *u); /* ... and is a client's */
void mlog_acked(struct channel *ch, uint64_t number);
void mlog_not_given(struct channel *ch, uint64_t number);     /* it is the first that waits again */
void mlog_puller(const struct puller *p);
void mlog_puller_gone(const struct puller *p);

/* CALL=channel-close where CHANNEL= is a pipe, with the same rule. */
enum mail_result channel_close_pipe(struct postbox *from, const struct message *m);

/* Its oldest message has left it: for u, which becomes the channel's, or for good (NULL). */
void channel_gone(struct channel *ch, struct unacked *u);
/* Those of the unacknowledged for which `is` holds stand in front again, in their old order. */
typedef bool unacked_is_fn(const struct unacked *u, const void *arg);
void channel_take_back(struct channel *ch, unacked_is_fn *is, const void *arg);

/* channel_hold.c */
/* its oldest; p is gone after that */
void channel_to_client(struct channel *ch, struct puller *p, const struct mail *m);
void channel_claim_by(struct puller *p, const struct channel_claim *claim);
/* Is a message held for that claim already? Then it is told, and its holder is the one of the claim. */
bool channel_claimed(struct mailroom *r, const struct channel_claim *claim, bool named, mail_heard_fn *heard,
                     void *arg);
void channels_wait_for_claims(struct mailroom *r);             /* after an engine before this one */

/* channel_tap.c */
void channel_tapped(struct channel *ch, const struct mail *m); /* it has come in */
void channel_untap(struct channel *ch);                        /* it goes */
void channels_tell_taps(struct mailroom *r);

void channels_drop_group(struct mailroom *r, uint64_t group);  /* whoever of it is left */
enum mail_result channel_select(struct postbox *reader, const struct message *m, int64_t usec, struct buf *why);

/* Something happened to a service that may be a reader. */
void channels_reader_changed(struct mailroom *r);
void channels_reader_ended(struct mailroom *r, node_id reader);

#endif
