/* frame.c - see frame.h. */
#include "proto/frame.h"

#include <errno.h>
#include <string.h>

void frame_reader_free(struct frame_reader *r)
{
        buf_free(&r->in);
        *r = frame_reader_make(r->max);
}

size_t frame_pending(const struct frame_reader *r)
{
        return r->in.len - r->start;
}

char *frame_room(struct frame_reader *r, size_t n)
{
        if (r->start == r->in.len) {
                buf_clear(&r->in);
        } else if (r->start > 0) {
                buf_consume(&r->in, r->start);
        }
        r->scanned = r->scanned > r->start ? r->scanned - r->start : 0;
        r->start = 0;
        return buf_reserve(&r->in, n);
}

void frame_added(struct frame_reader *r, size_t n)
{
        r->in.len += n;
}

int frame_next(struct frame_reader *r, char **ret_text, size_t *ret_len)
{
        char *end;
        size_t from = r->scanned > r->start ? r->scanned : r->start;

        if (from == r->in.len)
                return 0;
        end = memchr(r->in.data + from, 0, r->in.len - from);
        r->scanned = end ? (size_t) (end - r->in.data) + 1 : r->in.len;
        if (r->max && r->scanned - r->start > r->max + (end != NULL))
                return -EMSGSIZE;
        if (!end)
                return 0;
        *ret_text = r->in.data + r->start;
        *ret_len = (size_t) (end - *ret_text);
        r->start = r->scanned;
        return 1;
}
