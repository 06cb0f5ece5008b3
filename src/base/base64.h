/* base64.h - bytes that JSON cannot hold (RFC 4648, with padding).
 * May be used by: everything.  May use: base/buf. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

/* Append the text of n bytes to `out`. */
void base64_encode(const void *bytes, size_t n, struct buf *out);

/* Strict: whole groups of four, padding only at the end, nothing between. 0 or -EINVAL. */
int base64_decode(const char *text, size_t n, struct buf *out);

/* Text that goes into JSON as it is: UTF-8 without NUL. */
bool base64_needless(const char *bytes, size_t n);

#endif
