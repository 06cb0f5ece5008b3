/* jtok.h - read JSON without building it: one pass makes an array of tokens that point into the text.
 *
 * For coppicectl, where a reply with thousands of nodes must cost a millisecond and start-up nothing: no object
 * per value, one allocation for all tokens, texts are unescaped in place. Measured against jansson on a list of
 * 1,000 nodes: see tests/bench/jtok.c. The engine reads requests with jansson.
 *
 * A token is named by its index; 0 is the top value, JTOK_NONE is "not there" and harmless to ask. */
#ifndef PROTO_JTOK_H
#define PROTO_JTOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum jtok_kind { JTOK_NULL, JTOK_FALSE, JTOK_TRUE, JTOK_NUMBER, JTOK_TEXT, JTOK_ARRAY, JTOK_OBJECT };

struct jtok {
        uint32_t kind;  /* enum jtok_kind */
        uint32_t count; /* ARRAY: elements; OBJECT: members; else length of the text */
        uint32_t at;    /* offset of the text (unescaped, NUL-terminated for TEXT) */
        uint32_t next;  /* index of the token behind this value and all in it */
};

#define JTOK_NONE UINT32_MAX
#define JTOK_DEPTH_MAX 64

struct jdoc {
        char *text;          /* borrowed, rewritten by parsing */
        struct jtok *tokens; /* owned */
        uint32_t count, cap;
};

/* Parse text[len], which must be followed by a NUL; it is changed in place and must outlive the document.
 * -EBADMSG when it is not one JSON value (RFC 8259), -ENOMEM. The same jdoc may be used again. */
int jtok_parse(struct jdoc *d, char *text, size_t len);
void jtok_free(struct jdoc *d);

enum jtok_kind jtok_kind(const struct jdoc *d, uint32_t t); /* JTOK_NULL for JTOK_NONE */
uint32_t jtok_get(const struct jdoc *d, uint32_t object, const char *key); /* JTOK_NONE when not there */
uint32_t jtok_size(const struct jdoc *d, uint32_t t);       /* elements or members; 0 for anything else */

/* First element and the one after it: for (t = jtok_first(d, array); t != JTOK_NONE; t = jtok_after(d, array, t)).
 * In an object these are the keys; a key's value is token t + 1, and jtok_after() goes from value to next key. */
uint32_t jtok_first(const struct jdoc *d, uint32_t t);
uint32_t jtok_after(const struct jdoc *d, uint32_t parent, uint32_t t);

const char *jtok_text(const struct jdoc *d, uint32_t t);          /* NULL unless a text */
int64_t jtok_int(const struct jdoc *d, uint32_t t, int64_t none); /* `none` unless a number */
double jtok_num(const struct jdoc *d, uint32_t t, double none);
bool jtok_true(const struct jdoc *d, uint32_t t);

/* The same by key, for objects. */
const char *jget_text(const struct jdoc *d, uint32_t object, const char *key); /* NULL when null or not there */
int64_t jget_int(const struct jdoc *d, uint32_t object, const char *key, int64_t none);
bool jget_true(const struct jdoc *d, uint32_t object, const char *key);

/* Write a value again as compact JSON, appended to out. */
struct buf;
void jtok_print(const struct jdoc *d, uint32_t t, struct buf *out);

#endif
