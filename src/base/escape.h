/* escape.h - text of unknown origin made fit for a terminal.
 * May be used by: everything.  May use: base/buf. */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include "base/buf.h"

/* Append text[n], control bytes and bytes that are not UTF-8 as \xNN, so that it cannot act on a terminal. Tabs and
 * colours (ESC [ digits and ; m) pass as they are. */
void escape_text(struct buf *out, const char *text, size_t n);

/* Length of the well-formed UTF-8 sequence at text[n], n > 0: no surrogates, no overlong forms, no C1 controls, at most
 * U+10FFFF; 0 when there is none. A byte of ASCII is one, whatever it is. */
size_t escape_utf8_length(const char *text, size_t n);

#endif
