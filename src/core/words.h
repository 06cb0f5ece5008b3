/* words.h - splitting a value into words (words.c), and the % specifiers in them (specifier.c).
 * Pure. Used by: unit_text, and whoever splits a line as units do (EnvironmentFile=, simulate scripts).
 * Source of the rules: systemd.syntax(7) "Quoting", systemd.unit(5) "Specifiers". */
#ifndef CORE_WORDS_H
#define CORE_WORDS_H

#include "base/buf.h"
#include "core/unit_text.h"

/* Words are separated by blanks. '...' and "..." keep blanks together, anywhere in a word. Outside and inside of
 * quotes \a \b \f \n \r \t \v \\ \" \' \s (space) \xHH \NNN \uHHHH \UHHHHHHHH stand for a character; any other
 * backslash is kept as it is and counted in odd_escapes. */
struct words {
        const char *p;         /* what is left of the line; borrowed */
        unsigned odd_escapes;
        bool quoted;           /* the last word had quotes or escapes: a lone ; was meant as it is */
};
#define WORDS(line) ((struct words) { .p = (line) })

/* The next word is appended to `out`. 1 there was one, 0 the line has ended,
 * -EINVAL: a quote is not closed, or an escape stands for NUL or for no character. */
int words_next(struct words *w, struct buf *out, struct err *err);

/* Append the word so that words_next() reads the same back; % is doubled when `specifiers`. */
void words_quote(const char *word, bool specifiers, struct buf *out);

/* Append `text` with each %x replaced. -EINVAL: unknown, not known here, or no text. */
int specifiers_expand(const char *text, const struct unit_name *name, const struct unit_host *host, struct buf *out,
                      struct err *err);

/* The i-th specifier and what it stands for, as the manual says it; NULL behind the last one. */
const char *specifier_row(size_t i, char *ret_letter);

#endif
