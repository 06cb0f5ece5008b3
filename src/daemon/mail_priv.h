/* mail_priv.h - inside of the mail room: mailboxes of services, who waits where, what goes in and out.
 *
 * A *postbox* is what the engine keeps for a service with Mailbox=yes: its place as a receiver (a box of core/mail.h
 * and the two ends of the socket) and as a sender (what it has sent that could not go on yet). It lives as long as
 * its node; the socket as long as an incarnation.
 *
 * The path of a message: the sender's socket is readable -> mail_in.c reads a batch and handles one message after
 * another: mail_send() finds out who is meant and whether that is allowed -> mail_put() offers it to the receiver's
 * box -> it joins the outgoing batch, which one system call writes into the receiver's socket; or is held; or its
 * sender waits, and nothing more is read from him until there is room. Nobody else notices.
 *
 * A message is never copied on the way: what the receiver gets is "FROM=...\n", two pieces, and the bytes as sent.
 *
 * What an engine that is killed leaves behind is complete at every instruction:
 *   - both ends of each socket are in init's store as "mail:PATH" (ours) and "mailbox:PATH" (the service's),
 *     descriptors that wait with a message as "mailfd:ID:N";
 *   - what waits here, counts, and who waits for what, is in the journal (mail_log.c), bodies too;
 *   - what is on its way from one to the other lies on the desk (os/mailsock.h), which init keeps as "mail-desk".
 * So a batch that was read is one transaction: its effects are journal entries, of which nothing is written before it
 * is dealt with as a whole; what it sends straight on is noted by the kernel on the desk; everything else that is to be
 * sent is held, written down, and only then sent (mail_push(), at the end of the turn). mail_replay.c puts it together
 * again, mail_resume.c deals with what lies on the desk.
 *
 * Used by: mail*.c.  The control server has mailroom.h, the rest of the engine mail.h. */
#ifndef DAEMON_MAIL_PRIV_H
#define DAEMON_MAIL_PRIV_H

#include "core/mail.h"
#include "core/route.h"
#include "daemon/mailroom.h"
#include "daemon/engine_priv.h"
#include "os/mailsock.h"
#include "proto/message.h"

struct postbox;

/* A message on its way: head and body are one after the other what the receiver gets. */
struct parcel {
        const char *head, *body;    /* borrowed */
        uint32_t head_len, body_len;
        int *fds;                   /* borrowed from whoever owns fd_count */
        uint8_t *fd_count;          /* set to 0 when the descriptors are taken over; NULL = there are none */
        struct mail *whole;         /* whose body it is, if it waited before; NULL */
        struct postbox *origin;     /* it is the first of that one's input (or waits in that channel); NULL */
        uint8_t source;             /* its number in the batch that is being read, from 1; 0 = it is in none */
};

/* Somebody who waits until a box has room. `done` is called once, from mail_pump() or when the receiver ends; the
 * waiter has left the list by then and is the callee's to free. */
struct waiter {
        struct waiter *next;
        struct postbox *to;
        struct postbox *from;       /* the service that waits; NULL = a client */
        struct mail *mail;          /* owned unless it has got into the box */
        bool in_box;
        void (*done)(struct waiter *w, enum mail_result r);
        void *arg;
};

/* SYNC=taken: tell the sender when message `number` of this box has been read. */
struct notice {
        struct notice *next;
        uint64_t number, serial;    /* serial: in the journal; 0 = it is not */
        void (*tell)(struct notice *n, enum mail_result r); /* frees it */
        struct engine *e;
        node_id sender;             /* by number: it may be forgotten meanwhile */
        void *arg;
        struct buf question;        /* owned: the head of the message */
};

/* Lists of postboxes in the room. */
enum postbox_list {
        LIST_READY,                 /* may go on sending */
        LIST_DUE,                   /* something is to be sent to it, or room has come, perhaps */
        LIST_NOTE,                  /* counts have changed */
        LIST_STUCK,                 /* the next message cannot be sent now: for mail_try_later() */
        LISTS
};

struct postbox {
        struct mailroom *room;
        struct postbox *after[LISTS];
        bool in_list[LISTS];
        node_id node;
        uint32_t incarnation;       /* whose socket it is */
        int ours, theirs;           /* -1: no incarnation lives */
        char *from;                 /* owned: "FROM=/path\n" */
        uint32_t from_len;
        unsigned watched;           /* what the set reports */

        /* as a receiver */
        struct box box;
        struct waiter *first, *last;
        struct notice *notices, *last_notice;
        uint32_t back;              /* of what is held, the first so many have come back; more are to come */

        /* as a sender */
        struct mail *input, *last_input; /* read, to be handled after `waits` */
        uint64_t input_bytes;
        struct waiter *waits;       /* its own place in somebody's list of waiters; NULL = none */
        struct channel *channel;    /* it is the box of a channel: nobody's */
        bool wanted;                /* a channel waits for room in it */
        bool choked;                /* does not read its answers: nothing is taken from it until it does */
        uint64_t sent, bounced;
        uint32_t later, later_bytes; /* messages of its own that wait for their time */

        /* the last TO= that was looked up */
        char to_text[80];
        node_id to_node;
        uint32_t to_changes, to_names;
};

/* MAIL_FDS_MAX: descriptors that may wait with messages in one place (a box, what is to be sent on,
 * what waits for its time). */
enum { MAIL_BATCH = MAILSOCK_BATCH, MAIL_FDS_MAX = 256, MAIL_ROUND = 64 };
enum { SENT_STRAIGHT = 1, SENT_HELD }; /* what a slot of the desk was used for */

/* An answer to a question may go back where its sender could not go by himself: at most this many are remembered, a
 * newer one takes the place of an older. */
enum { TICKETS = 1021 };
struct ticket {
        uint32_t asker;             /* node, or number of a client */
        node_id asked;
        uint32_t ref;               /* hash */
        bool client, valid;
};

/* A message that waits for its time. */
struct later {
        struct later *next;
        struct mailroom *room;
        uint64_t serial;
        node_id from;
        nsec at;
        struct ev_timer timer;
        struct mail *mail;          /* owned: the bytes as they were sent, without FROM */
};

/* A request to the core: answered when it has decided. */
struct asking {
        struct asking *next;
        struct engine *e;
        node_id from;               /* by number: it may be gone by then, and its number another's */
        uint32_t incarnation;
        struct buf question;        /* owned: the head of the message */
        uint32_t token, text;       /* text: taken; 0 = none */
};

struct client {
        struct client *next;
        uint32_t number;
        mail_heard_fn *heard;
        void *arg;
};

struct mailroom {
        struct engine *e;
        int set;                    /* readiness of all sockets */
        struct ev_io watch;
        struct mailsock_desk *desk;
        unsigned slots_used;        /* of the desk, since what was sent was written down */
        struct desk_done {
                uint64_t read;      /* serial of the tray of what is read, */
                uint64_t read_at;   /* ... dealt with up to this message */
                uint64_t back, sent; /* serials: of what came back; of what was sent */
        } done, noted;              /* as it is; as it was written down */
        bool channels_due;          /* some are to be looked at */
        bool replaying;             /* nothing is written down, or told to anybody */
        struct postbox *first[LISTS], *last[LISTS];
        struct postbox *round[MAIL_ROUND]; /* who is being dealt with; NULL: it has gone */
        int round_count;
        struct ev_timer again;      /* something was left over */
        struct ev_timer stuck;      /* somebody is on LIST_STUCK */
        struct ev_timer unclaimed;  /* channel_hold.c: what clients of an engine before this one held */
        struct channel *channels;   /* channel.h */
        struct tap *taps;           /* channel_tap.c; their clients' */
        struct client *clients;
        uint32_t last_client, last_channel;
        uint64_t last_serial;       /* of laters, notices, pullers, kept descriptors */
        struct later *later;        /* mail_later.c */
        struct asking *asking;
        struct ticket tickets[TICKETS];
        uint32_t names;             /* counts changes of registered names */

        struct postbox *batch_to;   /* whom the outgoing batch is for */
        struct mailsock_out batch[MAIL_BATCH];
        struct parcel batch_parcel[MAIL_BATCH];
        int batch_count;
};

/* --- mail.c --- */
struct postbox *postbox_of(const struct engine *e, node_id id);       /* NULL: it has none (yet) */
struct postbox *postbox_make(struct engine *e, node_id id);           /* -> NULL when memory is short */
bool postbox_reachable(const struct postbox *p);                      /* lives, or will and keeps its messages */
/* Offer a message. OK: it is on its way or held. WAIT: nothing has happened, the caller may mail_wait(). */
enum mail_result mail_put(struct postbox *to, struct parcel *p);
/* A message of coppice's own: never refused for want of room. */
void mail_put_own(struct postbox *to, struct buf *bytes);
/* A message that its service has read and gives back: it becomes the first again. */
enum mail_result mail_return(struct postbox *p, const char *bytes, uint32_t len, struct parcel *came_with);
/* A DOWN with that REF that came already is taken out of the box. */
void mail_take_out(struct postbox *p, const struct message_text *ref);
enum mail_result mail_put_forced(struct postbox *to, struct parcel *p); /* though there is no room: he asked for it */
/* Something is to be done about it at the end of the turn: */
void mail_due(struct postbox *p);
void mail_try_later(struct postbox *p);                               /* ... or in a moment: nothing tells when */
bool mail_let_in(struct postbox *p);                                  /* those who wait, as far as there
                                                                       * is room; some were */
void mail_refuse_waiters(struct postbox *p, enum mail_result r);
void mail_lose_all(struct postbox *p);                                /* what is held, and who waits */
/* Wait for room: copies the message. `arg` is for `done`. NULL when memory is short. */
struct waiter *mail_wait(struct postbox *to, struct parcel *p, void (*done)(struct waiter *, enum mail_result),
                         void *arg);
void waiter_leave(struct waiter *w);                                  /* takes it out of its list; does not free it */
void waiter_free(struct waiter *w);
bool mail_fds_fit(const struct mail *list, unsigned more);            /* beside those that wait with these messages */
struct mail *mail_pack(struct parcel *p);                             /* a copy that takes over the descriptors */
void mail_drop(struct mail *m);                                       /* closes its descriptors */
struct box_limits mail_limits(const struct spec *s);                  /* mail_life.c */
void mail_withdraw(struct postbox *p);                                /* its sockets out of init's store; mail_life.c */
void mail_settle(struct postbox *p);                                  /* what has been read? who may come in? */
void mail_pass_on(struct postbox *p);                                 /* what is held, into the socket:
                                                                       * it is written down */
void mail_take_back(struct postbox *p);                               /* what lies unread in the socket is held again */
void mail_came_back(struct postbox *p, struct mailsock_in *in);       /* ... one of them */
void mail_all_back(struct postbox *p);                                /* ... that was all */
void mail_keep_fds(struct mailroom *r, struct mail *m);               /* init gets a copy of its descriptors */
void mail_flush(struct mailroom *r);                                  /* write the outgoing batch */
void mail_sync(struct postbox *p);                                    /* learn what has been read */
void mail_watch(struct postbox *p);                                   /* bring the set up to date */
void mail_tell_notices(struct postbox *p, enum mail_result r);         /* those whose message has left the box */
void notice_add(struct postbox *p, struct notice *n);

/* --- mail_room.c --- */
void list_add(struct postbox *p, enum postbox_list which);
void lists_leave(struct postbox *p);                                  /* all of them, and the round that is
                                                                       * under way: it goes */
struct postbox *list_pop(struct mailroom *r, enum postbox_list which);
void mail_commit(struct mailroom *r);                                 /* everything up to now is in the journal */

/* --- mail_log.c: what changes, as entries of the journal --- */
uint64_t mlog_serial(struct mailroom *r);
void mlog_changed(struct postbox *p);                                 /* its counts */
void mlog_put(struct postbox *p, struct mail *m, uint32_t i, bool back); /* m is the i-th held; UINT32_MAX: the last */
void mlog_moved(struct postbox *to, const struct parcel *p);          /* ... and was the first where it comes from */
void mlog_cut(struct postbox *p, uint32_t i, uint32_t n);             /* the i-th held and so many in all are not */
void mlog_all_back(struct postbox *p);
void mlog_wait(struct waiter *w);
void mlog_let_in(struct waiter *w);                                   /* its message is the last held where it waited */
void mlog_unwait(struct postbox *from);
void mlog_input(struct postbox *p, struct mail *m);
void mlog_input_done(struct postbox *p);
void mlog_later(struct later *l);
void mlog_later_gone(const struct later *l);
void mlog_notice(const struct postbox *p, const struct notice *n);
void mlog_noticed(const struct postbox *p, const struct notice *n);
void mlog_ticket(struct mailroom *r, const struct ticket *t);
void mlog_asking(struct mailroom *r, const struct asking *a);
void mlog_asked(struct mailroom *r, uint32_t token);
void mlog_clients(struct mailroom *r);

/* --- mail_in.c --- */
void mail_readable(struct postbox *p);
void mail_queue(struct postbox *p, struct mail *m);                   /* behind what it has sent
                                                                       * already; takes m over */
struct mail *mail_unqueue(struct postbox *p);                         /* the first of that, the caller's; NULL */
void mail_ready(struct postbox *p);                                   /* it may go on: put it in the list */
void mail_go_on(struct mailroom *r);                                  /* let those in the list go on */
void mail_last_words(struct postbox *p);                              /* read all it has sent before
                                                                       * its socket closes */
/* Tell the sender what became of his message: with REF a DONE (`more`: further lines), else nothing when it went well
 * and a BOUNCE when not. */
void mail_tell(struct postbox *from, const struct message *m, enum mail_result r, const struct buf *more);
/* What comes beside its capacity, of which coppice has the most to say, is not read: whoever has so much of it lying
 * there is not read from (mail_choke()), and nobody may make it more. */
bool mail_overflows(const struct postbox *p);
void mail_choke(struct postbox *p);
/* A message that was sent straight into its receiver's socket: what else belongs to that. */
void mail_went(struct postbox *from, struct postbox *to, const struct message *m);
void mail_waits(struct waiter *w, enum mail_result r);                /* `done` of a service's waiter */
void mail_was_taken(struct notice *n, enum mail_result r);            /* `tell` of a service's notice */
/* The postbox of a service with Mailbox=yes, made when it is not there yet; NULL: it has none. */
struct postbox *mail_box_for(struct engine *e, node_id id);
/* Send on what `from` has said; the message is parsed. Takes care of everything, telling included. */
void mail_send(struct postbox *from, const struct message *m, struct parcel *p);

/* --- mail_find.c --- */
/* Whom a TO= means, seen from where the sender is: outward. */
enum mail_result mail_find(struct mailroom *r, struct postbox *sender, const struct message_text *to, node_id *ret);
/* TO=client:N. NOT_FOUND: it is not for a client. */
enum mail_result mail_to_client(struct postbox *from, const struct message *m, struct parcel *p);
/* Tickets: `asker` has asked `asked` with the REF of m; an answer with that REF may pass, once. */
void ticket_give(struct mailroom *r, uint32_t asker, bool client, node_id asked, const struct message *m);
void ticket_make(struct mailroom *r, node_id asker, node_id asked, const struct message *m);
void tickets_forget(struct mailroom *r, node_id id);
bool ticket_use(struct mailroom *r, node_id asker, node_id asked, const struct message *m);

/* --- mail_call.c --- */
void mail_call(struct postbox *from, const struct message *m, struct parcel *p);
void asking_resume(struct asking *a);                                 /* it is in the room's list; a
                                                                       * token of the core's */
void asking_free(struct asking *a);

/* --- mail_spawn.c --- */
/* CALL=spawn. WAIT: the answer comes later; else *why may have a sentence. */
enum mail_result mail_spawn(struct postbox *from, const struct message *m, const struct parcel *p, struct buf *why);

/* --- mail_later.c --- */
enum mail_result later_add(struct postbox *from, struct parcel *p, int64_t usec);
unsigned later_cancel(struct postbox *from, const struct message_text *ref); /* how many of that REF there were */
void later_forget(struct postbox *from);
void later_arm(struct later *l);
void later_drop(struct later *l);                                     /* without a word */

#endif
