/* journal.h - the bytes of the journal: where the state of the engine lies while the engine is not there.
 *
 *      head | ... snapshot frame | frame | frame | ...
 *
 * A file in memory (memfd) that init keeps. It only ever grows at its end; the head says where the latest snapshot
 * begins, and what lies before that has been given back to the system. A frame is what went in between two moments: it
 * is written by one call and counts whole or not at all, so an engine may be killed at any instruction. Each has its
 * length and a checksum over its bytes and its place; the first that does not hold is the end (FAILURES H17).
 *
 * Pure. What the payloads mean is daemon/journal.c's business.
 * May be used by: daemon, tests.  May use: base. */
#ifndef PROTO_JOURNAL_H
#define PROTO_JOURNAL_H

#include "base/buf.h"

#define JOURNAL_VERSION 1 /* another one is refused: for changes that names cannot map (base/pack.h) */

enum journal_kind { JOURNAL_SNAPSHOT = 1, JOURNAL_ENTRIES };

struct journal_head {
        char magic[8];       /* "coppice\n" */
        uint32_t version;
        uint32_t pad;
        uint64_t begin;      /* where the snapshot frame lies; 0 = there is none */
        uint64_t sum;        /* of what is before it */
};

struct journal_frame {
        uint32_t size;       /* of the payload */
        uint32_t kind;       /* enum journal_kind */
        uint64_t sum;        /* of size, kind, place and payload */
};

/* The head of a new journal whose first frame is at `begin`, bytes from its start. */
void journal_head_make(struct journal_head *h, uint64_t begin);

/* 0; -ENOMSG: not a journal; -EPROTONOSUPPORT: of another version (h->version says which); -EBADMSG: damaged. */
int journal_head_check(const struct journal_head *h);

/* A frame is built in a buffer that begins with room for its head. */
void journal_frame_begin(struct buf *frame);
bool journal_frame_empty(const struct buf *frame);
void journal_frame_end(struct buf *frame, enum journal_kind kind, uint64_t place);

/* The frame at `place` of a file of which `bytes` are those from there on. Returns how many bytes it takes and its
 * payload (borrowed), 0 at the end, -EBADMSG when something lies there that is no whole frame. */
int64_t journal_frame_read(const void *bytes, size_t n, uint64_t place, enum journal_kind *ret_kind,
                           const void **ret_payload, size_t *ret_size);

#endif
