/* tail.c - the last lines of a stream, for `deaths` and `status`: from its file, or from memory when it has none. */
#include <stdlib.h>
#include <string.h>

#include "logd/logd.h"
#include "logd/shape.h"

/* The ring grows with what is written, so that a service that says one line does not cost four KiB. */
static struct ring *ring_grow(struct ring *r, size_t want)
{
        uint32_t cap = r ? r->cap : 256;
        struct ring *grown;

        while (cap < LOG_TAIL_MAX && cap < want)
                cap *= 2;
        if (r && cap == r->cap)
                return r;
        grown = malloc(sizeof *grown + cap);
        if (!grown)
                return r;
        *grown = (struct ring) { .cap = cap };
        if (r) {
                const uint32_t first = r->cap - r->start < r->len ? r->cap - r->start : r->len;

                memcpy(grown->data, r->data + r->start, first);
                memcpy(grown->data + first, r->data, r->len - first);
                grown->len = r->len;
                free(r);
        }
        return grown;
}

void ring_add(struct ring **ring, const char *data, size_t n)
{
        struct ring *r = ring_grow(*ring, (*ring ? (*ring)->len : 0) + n);
        uint32_t len, end, first;

        *ring = r;
        if (!r)
                return;
        if (n > r->cap) {
                data += n - r->cap;
                n = r->cap;
        }
        len = (uint32_t) n;
        end = (r->start + r->len) % r->cap;
        first = r->cap - end < len ? r->cap - end : len;
        memcpy(r->data + end, data, first);
        memcpy(r->data, data + first, len - first);
        r->len += len;
        if (r->len > r->cap) {
                r->start = (r->start + r->len - r->cap) % r->cap;
                r->len = r->cap;
        }
}

/* What was cut at its beginning begins inside a line: away with that, unless it is all there is. */
static size_t whole_lines(char *out, size_t n)
{
        const char *nl = memchr(out, '\n', n);

        if (!nl || nl + 1 == out + n)
                return n;
        n -= (size_t) (nl + 1 - out);
        memmove(out, nl + 1, n);
        return n;
}

static size_t from_ring(const struct ring *r, char *out)
{
        const uint32_t first = r->cap - r->start < r->len ? r->cap - r->start : r->len;

        memcpy(out, r->data + r->start, first);
        memcpy(out + first, r->data, r->len - first);
        return r->len == LOG_TAIL_MAX ? whole_lines(out, r->len) : r->len;
}

/* Stamps and JSON around the lines take room: read enough that LOG_TAIL_MAX of text is left after them. */
static size_t from_store(const struct stream *s, char *out)
{
        enum { WINDOW = 4 * LOG_TAIL_MAX };
        size_t n = store_tail(s->store, out, WINDOW);

        if (s->config.format == LOG_FORMAT_RAW)
                return n;
        if (n == WINDOW)
                n = whole_lines(out, n);
        return s->config.format == LOG_FORMAT_TIME ? unshape_time(out, n) : unshape_json(out, n);
}

size_t tail_read(struct logd *l, struct stream *s, char out[LOG_TAIL_MAX])
{
        size_t n = 0, from;

        stream_drain(l, s);
        l->wall_us = logd_wall_us();
        sink_tell_drops(l, s);
        if (s->ring)
                n = from_ring(s->ring, l->in);
        else if (s->store && !s->store->trouble && store_open(s->store, l->wall_us) == 0)
                n = from_store(s, l->in);
        if (s->held.len > 0) { /* a line whose end has not come yet counts too */
                memcpy(l->in + n, s->held.data, s->held.len);
                n += s->held.len;
        }
        from = shape_last(l->in, n, LOG_TAIL_MAX);
        memcpy(out, l->in + from, n - from);
        return n - from;
}
