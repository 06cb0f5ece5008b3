/* capability.h - names of capabilities, and what a unit says about them. Pure.
 * Used by: value, plan, ctl.  Uses: spec. */
#ifndef CORE_CAPABILITY_H
#define CORE_CAPABILITY_H

#include "base/buf.h"
#include "core/spec.h"

#define CAPABILITY_ALL UINT64_MAX /* those of later kernels too */

/* "CAP_NET_ADMIN", with or without CAP_, in any case -> 12; -EINVAL when there is none of that name. */
int capability_number(const char *name);
const char *capability_name(int number); /* "CAP_NET_ADMIN"; NULL beyond the last we know */

/* The mask of a list of items "CAP_X", "~CAP_X", "none", "~none": the first decides whether to begin with nothing or
 * with everything, the others add or, with "~", take away. `unset` when there are no items. */
uint64_t capability_mask(const struct spec *s, enum directive d, uint64_t unset);

/* "CAP_CHOWN CAP_KILL", "none", "all", or "all but CAP_X" when that is shorter. */
void capability_print(uint64_t mask, struct buf *out);

/* SecureBits=: "noroot" -> its bit; 0 when there is none of that name. */
unsigned securebit_from_name(const char *name);
unsigned securebits_mask(const struct spec *s);
void securebits_print(unsigned mask, struct buf *out);

#endif
