/* unit_lines.h - the guarded reader: bytes of a unit file -> logical lines that are safe to work with.
 *
 * It stands before inih because of what that does as Debian builds it (FAILURES 0.1, shown by the canary in
 * tests/unit/unit_text.c): a line of 200 bytes is cut and its tail becomes a new key, text behind a NUL is lost,
 * section names are cut at 49 bytes, " ;" ends a value, an indented line continues the one before, a BOM is skipped.
 * So bytes are checked here, continuations joined, comments dropped, lines counted and keys and sections held
 * against what a key can look like; inih is then fed one short line "Key=NUMBER" for each logical line, where NUMBER
 * says which one it is. Nothing a file contains reaches inih except keys of at most 48 letters.
 * Pure. Used by: unit_text.c only. */
#ifndef CORE_UNIT_LINES_H
#define CORE_UNIT_LINES_H

#include "core/unit_text.h"

enum { UNIT_KEY_MAX = 48 };

struct unit_line {
        const char *key;      /* NULL: a section header, whose name is `value` */
        const char *value;    /* no blanks around it */
        uint32_t line;        /* of its first line */
        uint32_t column;      /* of the key, or of the header */
        uint32_t value_column;
        bool joined;          /* made of several lines: columns inside the value mean nothing */
};

struct unit_lines {
        struct unit_line *lines; /* owned */
        size_t count, cap;
        char *text;              /* owned: what the lines point into */
};

/* 0 or -ENOMEM; lines with mistakes are left out, after a remark. */
int unit_lines_read(const struct unit_source *source, struct remarks *remarks, struct unit_lines *ret);
void unit_lines_free(struct unit_lines *l);

#endif
