/* spec_build.h - how a spec comes to be: assignments in the order they are read, then one finished block.
 * Used by: unit_text.c and spec.c only. */
#ifndef CORE_SPEC_BUILD_H
#define CORE_SPEC_BUILD_H

#include "base/buf.h"
#include "core/spec.h"

/* Where a value was said: an index into the files, and a line. */
struct place {
        uint8_t file;
        uint32_t line;
};

struct build_value {          /* one assignment to a scalar or a text, or one item of a list */
        uint16_t directive;
        bool dropped;         /* a later assignment took its place */
        struct place place;
        int64_t number;       /* scalars */
        uint32_t text, len;   /* the others: bytes in spec_build.bytes, followed by NUL */
};

struct spec_build {
        struct build_value *values; /* owned */
        size_t count, cap;
        struct buf bytes;
        bool failed;                /* out of memory: finish returns NULL */
};

void spec_build_free(struct spec_build *b); /* what it owns; begin with a zeroed one */

/* Scalars and texts take the place of what was said before; items add to it. */
void spec_build_number(struct spec_build *b, enum directive d, struct place at, int64_t v);
void spec_build_text(struct spec_build *b, enum directive d, struct place at, const char *text);
void spec_build_item(struct spec_build *b, enum directive d, struct place at, const void *bytes, size_t len);
void spec_build_drop(struct spec_build *b, enum directive d);

/* The spec; NULL when memory is short. files[0] is the main file; b can be freed afterwards. */
struct spec *spec_build_finish(const struct spec_build *b, enum node_kind kind, const char *name, bool foreign,
                               const char *const *files, size_t file_count);

/* A command as an item: flags (1 byte), argc (2 bytes, low first), path and argc words, each with its NUL; the path
 * is left out when it is the first word. */
#define COMMAND_PATH_IS_ARGV0 0x80

#endif
