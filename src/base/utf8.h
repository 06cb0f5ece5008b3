/* utf8.h - what counts as a character, for everybody who looks at bytes of unknown origin.
 * May be used by: everything.  May use: libc only. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length of the well-formed sequence at text[n], n > 0, as RFC 3629 has it: no surrogates, no overlong forms, at most
 * U+10FFFF; 0 when there is none. A byte of ASCII is one, whatever it is. */
size_t utf8_length(const void *text, size_t n);

/* Write the character c, at most U+10FFFF, to out, which has room for 4 bytes; returns how many it took. */
size_t utf8_put(char *out, uint32_t c);

#endif
