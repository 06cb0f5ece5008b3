/* strtab.c - see strtab.h. */
#include "base/strtab.h"

#include <ctype.h>
#include <string.h>

enum { NEAREST_MAX = 63 }; /* longer words are compared by their first 63 characters */

const char *strtab_text(const struct strtab *t, int value)
{
        if (value < 0 || value >= t->count || !t->text[value])
                return "?";
        return t->text[value];
}

int strtab_value(const struct strtab *t, const char *text)
{
        for (int i = 0; i < t->count; i++)
                if (t->text[i] && strcmp(t->text[i], text) == 0)
                        return i;
        return -1;
}

static size_t min3(size_t a, size_t b, size_t c)
{
        size_t m = a < b ? a : b;

        return m < c ? m : c;
}

static int differ(char a, char b)
{
        return tolower((unsigned char) a) != tolower((unsigned char) b);
}

/* Levenshtein distance, case ignored; two neighbours that have changed places count once. Three rows at a time. */
static size_t edit_distance(const char *a, const char *b)
{
        size_t rows[3][NEAREST_MAX + 1], *before = rows[0], *last = rows[1], *row = rows[2], *free_row;
        size_t alen = strnlen(a, NEAREST_MAX), blen = strnlen(b, NEAREST_MAX);

        for (size_t j = 0; j <= blen; j++)
                last[j] = j;
        for (size_t i = 1; i <= alen; i++) {
                row[0] = i;
                for (size_t j = 1; j <= blen; j++) {
                        row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (size_t) differ(a[i - 1], b[j - 1]));
                        if (i > 1 && j > 1 && !differ(a[i - 1], b[j - 2]) && !differ(a[i - 2], b[j - 1]) &&
                            before[j - 2] + 1 < row[j])
                                row[j] = before[j - 2] + 1;
                }
                free_row = before;
                before = last;
                last = row;
                row = free_row;
        }
        return last[blen];
}

const char *strtab_nearest(const char *const *words, size_t n, const char *text)
{
        const char *best = NULL;
        size_t best_distance = (size_t) -1;

        for (size_t i = 0; i < n; i++) {
                size_t d, limit;

                if (!words[i])
                        continue;
                d = edit_distance(words[i], text);
                limit = strnlen(words[i], NEAREST_MAX) / 3;
                if (d <= (limit ? limit : 1) && d < best_distance) {
                        best = words[i];
                        best_distance = d;
                }
        }
        return best;
}
