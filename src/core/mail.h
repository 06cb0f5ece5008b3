/* mail.h - what waits between a sender and a receiver: the counting half of mailboxes and channels. Pure.
 *
 * A *box* holds messages in order. It knows two places they can be in: *passed* ones lie in the receiver's socket,
 * where only their lengths are ours to know; *held* ones lie here, behind those. Both together are what the receiver
 * has not read yet, and that is what is bounded. The engine moves the bytes and says how many of those it passed are
 * still unread (SIOCINQ), so the counts are exact and a receiver costs nothing while he keeps up.
 *
 * Each message has a number in its box, 1, 2, 3 ...; `box_first()` is that of the oldest one unread. A message
 * leaves a box in one of three ways, and each is counted: taken (read), dropped (by the overflow policy), lost (the
 * receiver ended and nothing says to keep them).
 *
 * Everything in here is plain data; the engine writes down what changes (daemon/mail_log.c), and one that takes over
 * puts it together again with the functions at the end.
 * Used by: daemon (mail*.c).  Tested by: tests/unit/mail.c.  May use: base. */
#ifndef CORE_MAIL_H
#define CORE_MAIL_H

#include "core/types.h"

/* MailboxOverflow=, Overflow=: what a message does that comes when there is no room. */
enum overflow {
        OVERFLOW_BLOCK,        /* its sender waits */
        OVERFLOW_REJECT,       /* its sender is told */
        OVERFLOW_DROP_OLDEST,  /* the oldest one makes room */
        OVERFLOW_DROP_NEWEST,  /* it is dropped itself */
};
/* overflow_names: types.h */

/* How a message or a request ended. */
enum mail_result {
#define MAIL(id, word, text) MAIL_##id,
#include "core/mail_results.def"
#undef MAIL
        MAIL_RESULT_COUNT
};
const char *mail_word(enum mail_result r);     /* "not-found" */
const char *mail_sentence(enum mail_result r);

/* One message that is held: the bytes as the receiver gets them. */
struct mail {
        struct mail *next;
        uint32_t len;
        uint8_t fd_count;
        bool due;              /* AFTER_USEC= has passed */
        uint64_t id;           /* 0, or by what its descriptors are known to who keeps copies of them: */
        void *keeper;          /* NULL = nobody */
        int *fds;              /* owned descriptors that travel along; NULL = none */
        char bytes[];
};

/* A copy of n bytes, put together from two pieces; takes over what *fds points at. NULL when memory is short. */
struct mail *mail_new(const void *a, size_t a_len, const void *b, size_t b_len);
void mail_free(struct mail *m); /* the descriptors must have been closed or given away; NULL is fine */

struct box_limits {
        uint32_t messages;     /* at least 1 */
        uint64_t bytes;
        uint8_t overflow;      /* enum overflow */
        bool keep;             /* unread messages outlive the incarnation that did not read them */
};

/* Of a message in a socket: its length and how many descriptors are with it. */
struct passed {
        unsigned len : 27, fds : 5;
};

struct box {
        struct box_limits limits;
        struct mail *head, *tail;   /* held, oldest first */
        uint32_t held;
        uint64_t held_bytes;
        struct passed *passed;      /* owned ring: those in the receiver's socket, oldest first */
        uint32_t passed_cap, passed_at, passed_count;
        uint64_t passed_bytes;
        uint32_t passed_fds;        /* descriptors that are with these */
        uint32_t news;              /* of these, how many have not been written down */
        uint64_t last;              /* number of the newest message that was accepted */
        uint64_t accepted, taken, dropped, rejected, lost;
};

void box_init(struct box *b, const struct box_limits *limits); /* empty; limits are copied */
void box_free(struct box *b);   /* must hold nothing */

static inline uint32_t box_count(const struct box *b)
{
        return b->held + b->passed_count;
}
static inline uint64_t box_bytes(const struct box *b)
{
        return b->held_bytes + b->passed_bytes;
}
static inline uint64_t box_first(const struct box *b)
{
        return b->last - box_count(b) + 1;
}

/* May a message of that length come in? Nothing is changed but the counts of what was refused. */
enum box_verdict {
        BOX_ACCEPT,     /* there is room: box_pass() or box_hold() it */
        BOX_WAIT,       /* its sender waits and offers it again */
        BOX_REJECT,     /* refused; counted */
        BOX_DROP,       /* dropped; counted */
        BOX_MAKE_ROOM,  /* drop the oldest first (box_drop_oldest()), then offer it again */
        BOX_TOO_LONG,   /* longer than the whole box: refused whatever the policy; counted */
};
enum box_verdict box_offer(struct box *b, uint32_t len);

/* Is there room, by what is known now? Before a "no" is believed the engine asks the kernel and calls box_unread(). */
bool box_has_room(const struct box *b, uint32_t len);

/* A message was written into the receiver's socket: nothing may be held before it. -ENOMEM beforehand, from
 * box_reserve(), which makes room for n more lengths. */
int box_reserve(struct box *b, uint32_t n);
void box_pass(struct box *b, uint32_t len, uint8_t fds);

/* A message is kept here, behind the others. Takes it over. */
void box_hold(struct box *b, struct mail *m);

/* The newest ones that were said to be passed have not gone into the socket after all: this one, the oldest of those
 * `left` that did not, is held instead. Called for each of them in order, left counting down to 1. */
void box_not_passed(struct box *b, struct mail *m, uint32_t left);

/* The oldest held one has gone into the socket: takes it out of what is held and notes its length. Returns it. */
struct mail *box_held_passed(struct box *b);

/* So many bytes of what was passed are unread now: the rest has been taken. Returns how many messages that were. */
uint32_t box_unread(struct box *b, uint64_t bytes);

/* One that was read already is given back: it becomes the oldest again. Only when nothing lies in the socket. */
void box_return(struct box *b, struct mail *m);

/* The oldest one in the socket was thrown away to make room. */
void box_passed_dropped(struct box *b);

/* The oldest of those held, taken out of the box. How it leaves is counted. NULL when none is held. */
enum box_end { BOX_TAKEN, BOX_DROPPED, BOX_LOST };
struct mail *box_remove(struct box *b, enum box_end how);

/* The i-th of those held, without counting anything; NULL when there are not so many. */
struct mail *box_cut(struct box *b, uint32_t i);

/* Putting it together again: without counting anything. The i-th of those held is to be m (behind all: UINT32_MAX). */
void box_put(struct box *b, struct mail *m, uint32_t i);
int box_add_passed(struct box *b, uint32_t len); /* -ENOMEM. How many descriptors are with it is not known: none */
uint32_t box_passed_len(const struct box *b, uint32_t i); /* of the i-th oldest */
void box_keep_passed(struct box *b, uint32_t count); /* only the newest so many are left */

#endif
