/* show.h - every directive of a unit with its value in effect and where it was said, for `show` (with or without a
 * daemon).
 * Used by: daemon, ctl.  Uses: spec.h, resolve.h, base/json. */
#ifndef CORE_SHOW_H
#define CORE_SHOW_H

#include "base/json.h"
#include "core/spec.h"

/* An array of {section, key, value, set, file, line} under `key`, in the order of the table. `isolation` is what
 * Isolation= means where the unit does not say. */
void json_settings(struct json *j, const char *key, const struct spec *s, enum isolation isolation);

#endif
