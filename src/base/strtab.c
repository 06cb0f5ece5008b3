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

/* Levenshtein distance, case ignored, one row at a time. */
static size_t edit_distance(const char *a, const char *b)
{
        size_t row[NEAREST_MAX + 1];
        size_t alen = strnlen(a, NEAREST_MAX), blen = strnlen(b, NEAREST_MAX);

        for (size_t j = 0; j <= blen; j++)
                row[j] = j;
        for (size_t i = 1; i <= alen; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= blen; j++) {
                        size_t above = row[j];
                        int differ = tolower((unsigned char) a[i - 1]) != tolower((unsigned char) b[j - 1]);

                        row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (size_t) differ);
                        diagonal = above;
                }
        }
        return row[blen];
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
