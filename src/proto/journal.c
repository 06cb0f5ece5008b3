/* journal.c - see journal.h. */
#include "proto/journal.h"

#include <errno.h>
#include <string.h>

static const char magic[8] = { 'c', 'o', 'p', 'p', 'i', 'c', 'e', '\n' };

/* A multiplication a word: fast enough that a snapshot of ten thousand services is not felt. */
static uint64_t mix(uint64_t h, uint64_t word)
{
        h = (h ^ word) * UINT64_C(0x9fb21c651e98df25);
        return h ^ h >> 32;
}

static uint64_t sum_of(uint64_t seed, const void *bytes, size_t n)
{
        const char *at = bytes;
        uint64_t h = mix(seed ^ UINT64_C(0x243f6a8885a308d3), n), word;

        for (; n >= sizeof(word); n -= sizeof(word), at += sizeof(word)) {
                memcpy(&word, at, sizeof(word));
                h = mix(h, word);
        }
        word = 0;
        if (n > 0)
                memcpy(&word, at, n);
        return mix(h, word);
}

void journal_head_make(struct journal_head *h, uint64_t begin)
{
        memset(h, 0, sizeof(*h));
        memcpy(h->magic, magic, sizeof(magic));
        h->version = JOURNAL_VERSION;
        h->begin = begin;
        h->sum = sum_of(0, h, offsetof(struct journal_head, sum));
}

int journal_head_check(const struct journal_head *h)
{
        if (memcmp(h->magic, magic, sizeof(magic)) != 0)
                return -ENOMSG;
        if (h->version != JOURNAL_VERSION)
                return -EPROTONOSUPPORT;
        return h->sum == sum_of(0, h, offsetof(struct journal_head, sum)) ? 0 : -EBADMSG;
}

/* --- frames ------------------------------------------------------------------------------------------------------ */

static uint64_t frame_sum(const struct journal_frame *f, uint64_t place, const void *payload)
{
        return sum_of(mix(place, (uint64_t) f->kind << 32 | f->size), payload, f->size);
}

void journal_frame_begin(struct buf *frame)
{
        static const struct journal_frame empty;

        buf_clear(frame);
        buf_add(frame, &empty, sizeof(empty));
}

bool journal_frame_empty(const struct buf *frame)
{
        return frame->len <= sizeof(struct journal_frame);
}

void journal_frame_end(struct buf *frame, enum journal_kind kind, uint64_t place)
{
        struct journal_frame f = { .kind = kind };

        if (buf_failed(frame))
                return;
        f.size = (uint32_t) (frame->len - sizeof(f));
        f.sum = frame_sum(&f, place, frame->data + sizeof(f));
        memcpy(frame->data, &f, sizeof(f));
}

int64_t journal_frame_read(const void *bytes, size_t n, uint64_t place, enum journal_kind *ret_kind,
                           const void **ret_payload, size_t *ret_size)
{
        const char *payload;
        struct journal_frame f;

        if (n == 0)
                return 0;
        if (n < sizeof(f))
                return -EBADMSG;
        payload = (const char *) bytes + sizeof(f);
        memcpy(&f, bytes, sizeof(f));
        if (f.size > n - sizeof(f) || (f.kind != JOURNAL_SNAPSHOT && f.kind != JOURNAL_ENTRIES) ||
            f.sum != frame_sum(&f, place, payload))
                return -EBADMSG;
        *ret_kind = (enum journal_kind) f.kind;
        *ret_payload = payload;
        *ret_size = f.size;
        return (int64_t) (sizeof(f) + f.size);
}
