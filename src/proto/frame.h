/* frame.h - messages of the control protocol cut out of a stream: JSON text, each ended by one NUL byte (Varlink).
 *
 * The reader is incremental and bounded: bytes go in as they come, whole messages come out, and a message longer
 * than the limit is refused before memory for it is taken (FAILURES G5). It knows nothing of sockets.
 *
 * proto/ is bytes on the wire: pure, no system call, fuzzed.
 * May be used by: daemon, ctl, tests.  May use: base, jansson (varlink.c only). */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define FRAME_REQUEST_MAX (64U << 10) /* the longest request, without its NUL */

struct frame_reader {
        struct buf in;   /* bytes not yet handed out, preceded by `start` bytes that were */
        size_t start;    /* the next message begins here */
        size_t scanned;  /* no NUL before this offset */
        size_t max;      /* longest message; 0 = no limit */
};

static inline struct frame_reader frame_reader_make(size_t max)
{
        return (struct frame_reader) { .max = max };
}

void frame_reader_free(struct frame_reader *r); /* messages handed out are gone */

/* Room for n more bytes, to be filled by the caller who then calls frame_added(); NULL when memory is short.
 * Messages handed out before are gone. */
char *frame_room(struct frame_reader *r, size_t n);
void frame_added(struct frame_reader *r, size_t n);

/* The next whole message: 1, with its text (NUL-terminated, writable, borrowed until frame_room()) and length;
 * 0 when there is none yet; -EMSGSIZE when the message under way is too long: the stream cannot be used further. */
int frame_next(struct frame_reader *r, char **ret_text, size_t *ret_len);

/* Bytes that are there but not handed out: whole messages and the beginning of one. */
size_t frame_pending(const struct frame_reader *r);

#endif
