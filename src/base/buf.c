/* buf.c - see buf.h. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_free(struct buf *b)
{
        free(b->data);
        *b = BUF_INIT;
}

void buf_clear(struct buf *b)
{
        b->len = 0;
        b->failed = false;
        if (b->data)
                b->data[0] = '\0';
}

void *buf_reserve(struct buf *b, size_t n)
{
        size_t need, cap = b->cap ? b->cap : 64;
        char *grown;

        if (b->failed)
                return NULL;
        if (__builtin_add_overflow(b->len, n, &need) || __builtin_add_overflow(need, 1, &need))
                goto fail;
        if (need <= b->cap)
                return b->data + b->len;
        while (cap < need)
                if (__builtin_mul_overflow(cap, 2, &cap))
                        goto fail;
        grown = realloc(b->data, cap);
        if (!grown)
                goto fail;
        b->data = grown;
        b->cap = cap;
        return b->data + b->len;
fail:
        b->failed = true;
        return NULL;
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
        char *at = buf_reserve(b, n);

        if (!at)
                return;
        if (n)
                memcpy(at, bytes, n);
        b->len += n;
        b->data[b->len] = '\0';
}

void buf_addc(struct buf *b, char c)
{
        buf_add(b, &c, 1);
}

void buf_adds(struct buf *b, const char *s)
{
        buf_add(b, s, strlen(s));
}

/* Into the room there is; only what does not fit is formatted again. */
void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
        const size_t room = b->cap - b->len;
        va_list again;
        int n;

        if (b->failed)
                return;
        va_copy(again, ap);
        n = vsnprintf(room ? b->data + b->len : NULL, room, fmt, again);
        va_end(again);
        if (n >= 0 && (size_t) n >= room && buf_reserve(b, (size_t) n))
                n = vsnprintf(b->data + b->len, (size_t) n + 1, fmt, ap);
        if (n < 0)
                b->failed = true;
        if (!b->failed)
                b->len += (size_t) n;
        else if (room)
                b->data[b->len] = '\0';
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        buf_vaddf(b, fmt, ap);
        va_end(ap);
}

void buf_consume(struct buf *b, size_t n)
{
        memmove(b->data, b->data + n, b->len - n + 1);
        b->len -= n;
}

const char *buf_text(const struct buf *b)
{
        return b->data ? b->data : "";
}

char *buf_steal(struct buf *b)
{
        char *s = b->data;

        if (b->failed) {
                buf_free(b);
                return NULL;
        }
        if (!s)
                s = calloc(1, 1);
        *b = BUF_INIT;
        return s;
}
