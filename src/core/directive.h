/* directive.h - the table of directives as the program sees it; directives.def is the table itself.
 *
 * One row is the whole story of an option: parser, default, bounds, what a reload does with it, who enforces it,
 * help. `show`, verify, the man page lists, completions, JSON schema, fuzz dictionary and tests read these rows.
 */
#ifndef CORE_DIRECTIVE_H
#define CORE_DIRECTIVE_H

#include <stddef.h>

#include "core/types.h"

/* How the text of a value is read, kept and printed. Scalars are kept as one int64, the others as strings. */
enum value_type {
        VT_BOOL,      /* 1 yes true on / 0 no false off */
        VT_INT,       /* decimal, bounds from the row */
        VT_DURATION,  /* time span -> ns; "infinity" -> NSEC_NEVER; a bare number is seconds */
        VT_SIZE,      /* bytes, suffix K M G T (1024); "infinity" -> INT64_MAX */
        VT_PERCENT,   /* "10%" -> hundredths of a percent */
        VT_FACTOR,    /* "2", "1.5" -> thousandths */
        VT_MODE,      /* octal */
        VT_SIGNAL,    /* name or number -> number */
        VT_ENUM,      /* one of the row's names -> index */
        VT_STRING,    /* one text, specifiers expanded */
        VT_PATH,      /* absolute path, normalised; a leading "-" or "~" where the row allows */
        VT_WORDS,     /* list of words, quoting as in systemd; repeated keys append, empty resets */
        VT_UNITS,     /* list of unit names */
        VT_COMMAND,   /* list of command lines (struct command) */
        VT_ENVIRON,   /* list of NAME=VALUE, quoting */
        VT_EXITSET,   /* list of exit codes and signal names */
        VT_LIMIT,     /* soft[:hard] in the row's unit -> "soft hard" as two decimal texts */
        VT_CPUS,      /* list of CPU numbers and ranges */
        VT_CONDITION, /* list: "[|][!]argument" */
        VT_AMOUNT,    /* as VT_SIZE; or "25%" of what the machine has -> hundredths of a percent, below zero */
        VT_WEIGHT,    /* as VT_INT; or "idle" -> 0 */
        VT_LINES,     /* list: a line is one item, in the form of the row */
        VT_FILTER,    /* list of names; a line that begins with "~" takes its names out: each is kept as "~name" */
        VT_TYPE_COUNT
};

enum section { SECTION_UNIT, SECTION_SERVICE, SECTION_SUPERVISOR, SECTION_CHANNEL, SECTION_INSTALL, SECTION_COUNT };
/* The section of its own that a unit of this kind has. */
enum section section_of_kind(enum node_kind kind);

extern const struct strtab section_names; /* "Unit", "Service", ... */

enum change { CHANGE_LIVE, CHANGE_RESTART, CHANGE_START }; /* takes effect at once; by a restart of the service; at its
                                                            * next start, none forced */

/* D_<SECTION>_<Key>, e.g. D_SERVICE_ExecStart */
enum directive {
#define DIRECTIVE(section, key, type, def, min, max, names, change, enforced, help) D_##section##_##key,
#include "core/directives.def"
#undef DIRECTIVE
        D_COUNT,
        D_NONE = D_COUNT
};

struct directive_row {
        enum section section;
        const char *key;
        enum value_type type;
        const char *def;              /* text as one would write it; "" = unset */
        const char *min, *max;        /* text, or "" for no bound; for texts and lists min is the form of an item */
        const struct strtab *names;   /* VT_ENUM */
        enum change change;
        const char *enforced;         /* who makes it true: "plan", "core", "logd", "engine", "shown" ([Install]) */
        const char *help;             /* one or two sentences a user would quote */
};

extern const struct directive_row directive_rows[D_COUNT];

/* Look up by section and key (exact spelling); D_NONE when there is none. */
enum directive directive_find(enum section section, const char *key);

/* Kept as a list (spec_count, spec_item); as one text (spec_str); neither: as a number (spec_int). */
bool directive_is_list(enum directive d);
bool directive_is_text(enum directive d);

/* The nearest key of the section, or NULL. */
const char *directive_nearest(enum section section, const char *key);

#endif
