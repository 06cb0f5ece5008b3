/* directive.c - the rows of directives.def and how to find one.
 * Used by: everything that reads or prints units.  Tested by: tests/unit/directives.c */
#include "core/directive.h"

#include <string.h>

const struct directive_row directive_rows[D_COUNT] = {
#define DIRECTIVE(s, k, t, d, lo, hi, n, c, e, h)                                                              \
        [D_##s##_##k] = { SECTION_##s, #k, VT_##t, d, lo, hi, n, CHANGE_##c, e, h },
#include "core/directives.def"
#undef DIRECTIVE
};

/* The rows of a section are contiguous; these are the first of each, and the end. */
static const int first_row[SECTION_COUNT + 1] = {
        [SECTION_UNIT] = D_UNIT_Description,
        [SECTION_SERVICE] = D_SERVICE_Type,
        [SECTION_SUPERVISOR] = D_SUPERVISOR_Strategy,
        [SECTION_CHANNEL] = D_CHANNEL_Type,
        [SECTION_INSTALL] = D_INSTALL_WantedBy,
        [SECTION_COUNT] = D_COUNT,
};

enum directive directive_find(enum section section, const char *key)
{
        for (int d = first_row[section]; d < first_row[section + 1]; d++)
                if (directive_rows[d].key[0] == key[0] && strcmp(directive_rows[d].key, key) == 0)
                        return (enum directive) d;
        return D_NONE;
}

const char *directive_nearest(enum section section, const char *key)
{
        const char *words[D_COUNT];
        size_t n = 0;

        for (int d = first_row[section]; d < first_row[section + 1]; d++)
                words[n++] = directive_rows[d].key;
        return strtab_nearest(words, n, key);
}

bool directive_is_list(enum directive d)
{
        switch (directive_rows[d].type) {
        case VT_WORDS: case VT_UNITS: case VT_COMMAND: case VT_ENVIRON: case VT_EXITSET: case VT_LIMIT:
        case VT_CPUS: case VT_CONDITION: case VT_LINES: case VT_FILTER:
                return true;
        default:
                return false;
        }
}

bool directive_is_text(enum directive d)
{
        return directive_rows[d].type == VT_STRING || directive_rows[d].type == VT_PATH;
}
