/* json.h - write JSON as a stream into a buf: no tree, one pass, escapes as RFC 8259 asks.
 *
 * Parsing is jansson's work; writing is ours because a list of ten thousand nodes must not build ten thousand
 * objects first. Commas are placed by the writer. Bytes that are not UTF-8 become U+FFFD. Nesting is at most 32.
 *
 *     struct json j = json_start(&buf);
 *     json_open(&j, NULL, '{');
 *     json_str(&j, "path", "/web");  json_int(&j, "pid", 17);
 *     json_close(&j);
 *
 * `key` is NULL inside an array and at the top.
 * May be used by: proto, daemon, ctl, sim.  May use: base/buf. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

struct json {
        struct buf *out;      /* borrowed */
        char closers[32];
        int depth;
        bool comma;           /* the next value needs one before it */
};

static inline struct json json_start(struct buf *out)
{
        return (struct json) { .out = out };
}

void json_open(struct json *j, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *j);
void json_str(struct json *j, const char *key, const char *value); /* NULL value writes null */
void json_strn(struct json *j, const char *key, const char *value, size_t n);
void json_int(struct json *j, const char *key, int64_t value);
void json_uint(struct json *j, const char *key, uint64_t value);
void json_num(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, bool value);
void json_nil(struct json *j, const char *key);  /* null; jansson has taken json_null */
void json_raw(struct json *j, const char *key, const char *json_text); /* trusted JSON, copied as it is */

#endif
