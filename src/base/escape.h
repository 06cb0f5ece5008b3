/* escape.h - text of unknown origin made fit for a terminal.
 * May be used by: everything.  May use: base/buf. */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include "base/buf.h"

/* Append text[n], control bytes and bytes that are not UTF-8 as \xNN, so that it cannot act on a terminal. Tabs and
 * colours (ESC [ digits and ; m) pass as they are. */
void escape_text(struct buf *out, const char *text, size_t n);

/* utf8_length(), but 0 also for the control characters U+0080 to U+009F. */
size_t escape_utf8_length(const char *text, size_t n);

#endif
