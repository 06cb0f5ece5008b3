/* buf.h - a growable string of bytes with a sticky error.
 *
 * Every function may be called after an allocation failed: it then does nothing, and buf_failed() tells. So a
 * message is built in a row of calls and checked once. The bytes are always followed by a NUL.
 *
 * May be used by: everything.  May use: libc only. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
        char *data;  /* owned; NULL until the first byte */
        size_t len;  /* bytes used, without the NUL */
        size_t cap;
        bool failed; /* an allocation failed: the content is not to be used */
};

#define BUF_INIT ((struct buf) { 0 })

void buf_free(struct buf *b);                              /* leaves an empty buf behind */
void buf_clear(struct buf *b);                             /* forgets content and error, keeps memory */
void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_addc(struct buf *b, char c);
void buf_adds(struct buf *b, const char *s);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Make room for n more bytes and a NUL and return where they go, or NULL. The caller then adds to len itself, and puts
 * the NUL there when it is to be a string. */
void *buf_reserve(struct buf *b, size_t n);

/* Drop the first n bytes (n <= len). */
void buf_consume(struct buf *b, size_t n);

static inline bool buf_failed(const struct buf *b)
{
        return b->failed;
}

/* The text, "" when empty. Borrowed until the next change. */
const char *buf_text(const struct buf *b);

/* Hand the heap string out (never NULL unless failed); the buf is empty afterwards. */
char *buf_steal(struct buf *b);

#define autobuf __attribute__((cleanup(buf_free)))

#endif
