/* shape.h - what a service wrote -> what is stored: stamps, JSON objects, console lines, and back. Pure.
 * Used by: stream.c, tail.c.  Uses: base/buf, base/json, base/logstore.  Tested by: tests/unit/logd_shape.c */
#ifndef LOGD_SHAPE_H
#define LOGD_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/logstore.h"

/* A line longer than this is stored in pieces by the formats that must hold a whole line (JSON, console). */
enum { SHAPE_LINE_MAX = 8192 };

/* Put a stamp before every line of in[n]. *midline tells whether the stream stands inside a line (its stamp is
 * written already) and is kept up to date; *lines counts newlines.
 * Returns how many bytes of `in` were taken, *ret_len how many were written to out[cap]; less than n are taken only
 * when `out` is full. */
size_t shape_time(bool *midline, const char stamp[LOG_STAMP_LEN], const char *in, size_t n, char *out, size_t cap,
                  size_t *ret_len, uint64_t *lines);

/* One line (without its newline) as one JSON object: {"time","node","message"} and "partial":true for a piece that
 * is not the end of its line. */
void shape_json(struct buf *out, const char stamp[LOG_STAMP_LEN], const char *node, const char *line, size_t n,
                bool partial);

/* One line for a human's console: "name: " before it, control bytes and bytes that are not UTF-8 as \xNN so that a
 * service cannot take over the terminal; tabs and colours (ESC [ ... m) pass. */
void shape_console(struct buf *out, const char *node, const char *line, size_t n);

/* Take the stamps out of text[n] in place. Returns the new length. */
size_t unshape_time(char *text, size_t n);

/* Turn lines of JSON objects made by shape_json() back into their messages, in place. A line that is none stays. */
size_t unshape_json(char *text, size_t n);

/* The last lines of text[n] that fit in `max` bytes: returns where they begin. A line longer than that is cut. */
size_t shape_last(const char *text, size_t n, size_t max);

#endif
