/* unit_apply.h - one assignment of a unit file into the spec that is being built.
 * Used by: unit_text.c only. */
#ifndef CORE_UNIT_APPLY_H
#define CORE_UNIT_APPLY_H

#include "core/spec_build.h"
#include "core/unit_lines.h"

struct unit_parse {
        struct unit_name name;
        const struct unit_host *host;
        struct remarks remarks;
        struct spec_build build;
        const struct unit_source *source;  /* the file being read */
        uint8_t file;                      /* its index */
        uint32_t seen[D_COUNT];            /* scalars: the line of this file that set it, 0 = none */
        unsigned explained;                /* errors that `refused` accounts for */
        bool refused[D_COUNT];             /* what was said of it, or meant to be, has not been taken */
        struct buf word, item;             /* scratch */
};

/* Take over one line, or remark why not. */
void unit_apply(struct unit_parse *p, enum section section, const struct unit_line *line);

/* VT_COMMAND: value may hold several commands separated by " ; ". */
void unit_apply_command(struct unit_parse *p, enum directive d, const struct unit_line *line);

/* Remarks about a line; `at` points into its value, or is NULL for the key. */
void unit_complain(struct unit_parse *p, enum severity severity, const struct unit_line *line, const char *at,
                   const struct err *why);

#endif
