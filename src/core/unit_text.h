/* unit_text.h - the text of a unit and its drop-ins -> a spec, and every remark there is to make.
 *
 * The syntax is systemd's (systemd.syntax(7)): sections, Key=Value, lists accumulate over repeated keys and over
 * drop-ins, an empty value takes back what was said before, a line that begins with # or ; is a comment, "\" at the
 * end of a line goes on in the next, leading and trailing white space does not count. Nothing follows a value: a
 * "#" or ";" inside one is part of it, and an indented line is a line of its own.
 *
 * Stricter than systemd, because a line that is silently ignored is a limit that is silently not enforced:
 * an unknown key or section, a value out of range, a section that comes twice in one file are errors in our own
 * units. In a foreign file (one that was written for systemd) unknown keys, unknown sections and sections that
 * come twice are warnings. A scalar that is set twice in one file is a warning that names both lines, the later
 * one counts; in a drop-in it is the way to change a value and no remark is made.
 *
 * Pure: bytes in, spec out. Files are read by unit/unit_file.c.
 * Tested by: tests/unit/unit_text.c, tests/fuzz/fuzz_unit_text.c */
#ifndef CORE_UNIT_TEXT_H
#define CORE_UNIT_TEXT_H

#include "core/diag.h"
#include "core/spec.h"

enum {
        UNIT_TEXT_MAX = 256 * 1024, /* bytes of one file */
        UNIT_LINE_MAX = 64 * 1024,  /* bytes of one line, continuations joined */
        UNIT_SOURCES_MAX = 255,     /* the main file and its drop-ins */
};

struct unit_source {
        const char *file;    /* for messages and origins */
        const char *text;    /* need not end with NUL */
        size_t len;
        bool foreign;        /* from one of systemd's directories */
};

/* What the % specifiers stand for; a NULL text makes its specifier an error. */
struct unit_host {
#define NAME_SPECIFIER(letter, function, what)
#define HOST_SPECIFIER(letter, field, example, what) const char *field;
#include "core/specifiers.def"
#undef NAME_SPECIFIER
#undef HOST_SPECIFIER
};

/* The standard places of a system daemon, nothing known about the machine: for tests. */
extern const struct unit_host unit_host_example;

/* Read a unit. `name` is its full name, "worker@3.service" for an instance; sources[0] is the main file, drop-ins
 * follow in the order they apply. 0 and a spec with one reference; -EINVAL when there was an error (all of them
 * have gone to `report`), -ENOMEM. The rules between the keys of one unit (validate.h) are checked too. */
int unit_text_parse(const char *name, const struct unit_source *sources, size_t n, const struct unit_host *host,
                    diag_fn *report, void *arg, struct spec **ret);

/* What unit_text_parse() is given, in one. */
struct unit_text {
        const char *name;
        const struct unit_source *sources;
        size_t count;
        const struct unit_host *host;
        diag_fn *report;     /* may be NULL */
        void *arg;
};

/* What is left of a unit with errors. */
struct husk {
        struct spec *spec;   /* without the values that were refused; NULL: nothing. One reference */
        bool placed;         /* it is clear at least where in the tree it belongs, so that further mistakes can be found
                              * with it; else it may lack lines that were not understood */
};

/* The same as unit_text_parse(); of a unit with errors *ret_husk is filled, which may be NULL. */
int unit_text_read(const struct unit_text *unit, struct spec **ret, struct husk *ret_husk);

/* A spec as the text of a unit that parses to the same spec: what is set, or with `all` every value in effect. */
void unit_text_print(const struct spec *s, bool all, struct buf *out);

/* The line of one directive that is said in it, or the lines. */
void unit_text_print_one(const struct spec *s, enum directive d, struct buf *out);

/* That text for other eyes: without the values of SetCredential=. */
void unit_text_hide(const struct buf *text, struct buf *out);

/* --- names (FAILURES H10) ---
 * PREFIX.service, PREFIX@INSTANCE.service, PREFIX@.service (a template), PREFIX.supervisor. A prefix is 1 to 128
 * characters of [A-Za-z0-9_.:-], an instance 1 to 64 of [A-Za-z0-9_.-]; neither begins with a dot or a dash. Both may
 * have systemd's escapes \xHH, which count as the four characters they are: nobody undoes them but %I and its kin. */
struct unit_name {
        enum node_kind kind;
        bool is_template;    /* "worker@.service": has no instance and never runs */
        char stem[200];      /* "worker@3" */
        char prefix[130];    /* "worker" */
        char instance[66];   /* "3"; "" when it has none */
};
int unit_name_parse(const char *name, struct unit_name *ret, struct err *err);

/* The byte that the escape \xHH at text[0..n) stands for; -1: it is none. */
int unit_name_escape(const char *text, size_t n);

#endif
