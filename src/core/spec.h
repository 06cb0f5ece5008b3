/* spec.h - a parsed, validated unit: an immutable bag of typed values.
 *
 * A spec keeps only what the unit says; everything else is the table's default. So ten thousand small units cost
 * little, and "what was said, and where" is never lost: every value knows its file and line.
 *
 * A spec is made by unit_text.c (see unit_text.h), is reference-counted by its owners, and never changes.
 * Lookups are O(log n) over the few values that are set; defaults are parsed once per process run.
 */
#ifndef CORE_SPEC_H
#define CORE_SPEC_H

#include "core/directive.h"

struct spec; /* opaque; sizes and layout in spec.c */

struct origin {
        const char *file;   /* borrowed from the spec; "" for a default */
        uint32_t line;      /* 0 for a default */
};

/* A spec is shared and never changes: each holder has a reference, and the last one frees it. spec_ref() returns s. */
struct spec *spec_ref(struct spec *s);
void spec_unref(struct spec *s);                 /* NULL is fine */

/* A spec that says nothing: every value is its default. NULL when memory is short. Owned by the caller. */
struct spec *spec_new_default(enum node_kind kind, const char *name);

const char *spec_name(const struct spec *s);     /* "web.service", "worker@3.service", "root.supervisor" */
const char *spec_stem(const struct spec *s);     /* "web", "worker@3", "root": what a path is made of */
enum node_kind spec_kind(const struct spec *s);
bool spec_foreign(const struct spec *s);         /* came from a systemd directory: other defaults, lenient */
const char *spec_file(const struct spec *s);     /* its main file, "" for an implicit or transient one */
size_t spec_drop_in_count(const struct spec *s);
const char *spec_drop_in(const struct spec *s, size_t i);

bool spec_has(const struct spec *s, enum directive d);           /* said in a file (not just a default) */
struct origin spec_origin(const struct spec *s, enum directive d); /* of the last assignment */

/* Does it say any directive from `first` to `last`, both included? */
bool spec_has_any(const struct spec *s, enum directive first, enum directive last);

/* Scalars: VT_BOOL INT DURATION SIZE PERCENT FACTOR MODE SIGNAL ENUM AMOUNT WEIGHT. The default when not
 * set; SPEC_UNSET when there is no default either (Nice=, OOMScoreAdjust=, NotifyFd=, NotifyAccess=,
 * Isolation=, StartMode=). Where a default depends on other values, ask resolve.h instead:
 * spec_restart(), spec_timeout_start() ... */
#define SPEC_UNSET INT64_MIN
int64_t spec_int(const struct spec *s, enum directive d);

/* VT_STRING and VT_PATH: "" when unset. Borrowed from the spec. */
const char *spec_str(const struct spec *s, enum directive d);

/* Lists (all other types): the items in order, as texts. VT_COMMAND items are read with spec_command().
 *   VT_EXITSET  "69" an exit code; "SEGV", "RTMIN+3" a signal, without SIG
 *   VT_LIMIT    two items, soft and hard, decimal in the unit of setrlimit(2); infinity is 18446744073709551615
 *   VT_LINES    a whole line, in the form of its row
 *   VT_CPUS     "3" or "0-7";  VT_CONDITION "[|][!]argument";  VT_ENVIRON "NAME=VALUE"
 *   VT_FILTER   "name" or "~name" */
size_t spec_count(const struct spec *s, enum directive d);
const char *spec_item(const struct spec *s, enum directive d, size_t i);
struct origin spec_item_origin(const struct spec *s, enum directive d, size_t i);

/* One command line, prefixes taken off, split into words; variables are not yet expanded. */
enum command_flags {
        CMD_IGNORE_FAILURE = 1,  /* "-": a failure counts as success */
        CMD_ARGV0 = 2,           /* "@": the second word is argv[0] */
        CMD_NO_ENV = 4,          /* ":": no variable expansion */
        CMD_FULL_PRIVILEGES = 8, /* "+": runs without User=, capabilities and sandbox */
        CMD_NO_SETUID = 16,      /* "!": as "+" but only the ids (and capabilities) are kept */
};
struct command {
        unsigned flags;
        const char *path;        /* what is executed; absolute, or a name to be looked up in the fixed path */
        size_t argc;             /* argv[0] included */
        const char *args;        /* argc texts one after the other, each with its NUL */
        struct origin origin;
};
struct command spec_command(const struct spec *s, enum directive d, size_t i);

/* Print the value in effect as it would be written in a unit, "" for unset (commands are joined by " ; ", conditions
 * and environment files by newlines). A whole unit: unit_text_print() in unit_text.h. */
struct buf;
void spec_print(const struct spec *s, enum directive d, struct buf *out);

/* Is this directive's value the same in both? And the strongest change among all that differ (-1: none differ). */
bool spec_same(const struct spec *a, const struct spec *b, enum directive d);
int spec_diff(const struct spec *a, const struct spec *b);

/* What is said in it, in a fixed order, i below spec_said_count(); and the bytes of an item, which may hold NULs
 * (VT_COMMAND). For spec_save.c. */
size_t spec_said_count(const struct spec *s);
enum directive spec_said(const struct spec *s, size_t i);
const char *spec_item_bytes(const struct spec *s, enum directive d, size_t i, size_t *ret_len);

/* Bytes of memory that the spec holds; for tests. */
size_t spec_bytes(const struct spec *s);

#endif
