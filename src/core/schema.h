/* schema.h - the table of directives for machines: JSON Schema, fuzz dictionary, editors.
 * Pure. Used by: ctl (`schema`), tests.  Uses: directive.h, base/json. */
#ifndef CORE_SCHEMA_H
#define CORE_SCHEMA_H

#include "base/buf.h"

/* A JSON Schema (draft 2020-12) of a unit as the object {"Unit": {Key: value}, "Service": {...}, ...}: lists are
 * arrays of texts, everything else is the text one would write. Besides the standard words each key has
 * "x-type", "x-default", "x-min", "x-max", "x-change" (live, restart, start) and "x-enforced-by". */
void schema_write(struct buf *out);

/* Words of the language, one a line as "word" in libFuzzer's format. */
void schema_dictionary(struct buf *out);

#endif
