/* strtab.h - one table per enumeration: number <-> text.
 *
 * A table is a const array indexed by the enumeration, made with designated initialisers; a hole
 * (NULL) is a number without a text. tests/unit/strtab.c round-trips every table that is listed in
 * STRTAB_ALL of the room that owns it.
 *
 * May be used by: everything.  May use: libc only. */
#ifndef BASE_STRTAB_H
#define BASE_STRTAB_H

#include <stddef.h>

struct strtab {
        const char *const *text; /* text[i] is the text of value i, or NULL */
        int count;
};

#define STRTAB(name, array) \
        const struct strtab name = { (array), (int) (sizeof(array) / sizeof((array)[0])) }

/* Text of a value; "?" when the value is outside the table. Never NULL, static storage. */
const char *strtab_text(const struct strtab *t, int value);

/* Value of a text, exact match; -1 when there is none. */
int strtab_value(const struct strtab *t, const char *text);

/* The entry of `words` (count n, NULL entries skipped) with the smallest edit distance to `text`, ignoring
 * case, if it is near enough to be a slip of the pen (at most a third of its length, at least 1); else NULL. */
const char *strtab_nearest(const char *const *words, size_t n, const char *text);

#endif
