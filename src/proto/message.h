/* message.h - a message: what services, coppice and its clients say to each other (coppice.mailbox(7)).
 *
 *      TO=/shop/stock\n          head: lines KEY=VALUE, each ended by a newline
 *      TOPIC=reserve\n
 *      \n                        an empty line ends it
 *      any bytes                 payload, to the end of the datagram
 *
 * One datagram of a SEQPACKET socket is one message, so there are no lengths and nothing can get out of step.
 * Descriptors travel beside the bytes (SCM_RIGHTS). The head is strict: a key is one of message_keys.def or begins
 * with X_, stands once, and has a value of 1 to 1,024 bytes of UTF-8 without control characters.
 *
 * Pure, no allocation while reading, fuzzed (tests/fuzz/fuzz_message.c). Tested by: tests/unit/message.c.
 * May be used by: daemon, ctl, lib, tests.  May use: base. */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
        MESSAGE_MAX = 64 << 10,    /* bytes of a whole message as it is sent */
        MESSAGE_HEAD_MAX = 7 << 10, /* ... of its head as it is sent, the empty line included */
        MESSAGE_LINES_MAX = 40,
        MESSAGE_KEY_MAX = 32,      /* bytes of a key */
        MESSAGE_VALUE_MAX = 1024,  /* ... of a value */
        MESSAGE_FROM_MAX = 1100,   /* what coppice puts before it: "FROM=...\n" and what a channel adds */
        MESSAGE_RECEIVE_MAX = MESSAGE_MAX + MESSAGE_FROM_MAX, /* room a receiver should have */
};

enum message_writer { MESSAGE_SENDER, MESSAGE_ENGINE, MESSAGE_BOTH };

enum message_key {
#define KEY(id, text, who, help) MESSAGE_##id,
#include "proto/message_keys.def"
#undef KEY
        MESSAGE_KEY_COUNT
};

struct message_key_row {
        const char *text;         /* "REPLY_TO" */
        enum message_writer who;
        const char *help;
};
extern const struct message_key_row message_keys[MESSAGE_KEY_COUNT];

struct message_text {
        const char *at;           /* borrowed, not terminated; NULL = the key is not there */
        size_t len;
};

struct message {
        struct message_text value[MESSAGE_KEY_COUNT];
        const char *head;         /* borrowed: the bytes that were parsed */
        size_t head_len;          /* of the lines, without the empty one */
        const char *payload;
        size_t payload_len;
};

/* Read a message as it arrives at a receiver; `bytes` stays the caller's and must outlive ret. 0; -EMSGSIZE when it or
 * its head is too long, -EBADMSG for anything else, each with a sentence for people in *ret_problem (static). */
int message_parse(const char *bytes, size_t n, struct message *ret, const char **ret_problem);

/* May a service or a client send it? -EMSGSIZE: longer than what may be sent. -EPERM: it has a key or a topic that only
 * coppice writes. */
int message_sendable(const struct message *m, const char **ret_problem);

static inline bool message_has(const struct message *m, enum message_key key)
{
        return m->value[key].at != NULL;
}

/* Is the value exactly this text? False when the key is not there. */
bool message_is(const struct message *m, enum message_key key, const char *text);

/* The value as a terminated string in buf[n]; NULL when the key is not there or buf is too small. */
char *message_copy(const struct message *m, enum message_key key, char *buf, size_t n);

/* A decimal number without sign, at most 18 digits; -1 when the key is not there, -2 when it is no such number. */
int64_t message_number(const struct message *m, enum message_key key);

/* The value of any key, X_ ones too; not there: a text with at == NULL. */
struct message_text message_find(const struct message *m, const char *key);

/* Writing: lines in any order, then message_end() and the payload behind it. A value that a head cannot hold sets
 * the buf's error, as want of memory does: check once at the end. */
void message_put(struct buf *out, enum message_key key, const char *value);
void message_putn(struct buf *out, enum message_key key, const char *value, size_t n);
void message_put_number(struct buf *out, enum message_key key, int64_t value);
void message_put_own(struct buf *out, const char *key, const char *value); /* X_...: false keys set the error */
void message_end(struct buf *out);

/* May value[n] stand in a head? */
bool message_value_ok(const char *value, size_t n);
/* X_ and 1 to 30 of A-Z 0-9 _ */
bool message_key_own(const char *key, size_t n);
/* A topic that only coppice sends. */
bool message_topic_reserved(const struct message *m);

#endif
