/* loglines.h - the last lines of a log directory, for status and logs.
 * Used by: ctl.  Uses: ctl/logread. */
#ifndef CTL_LOGLINES_H
#define CTL_LOGLINES_H

#include "ctl/ctl.h"

/* Append the last n lines kept in `dir`, each behind `indent`. What cannot be read is left out silently. */
void loglines_add(struct ctl *c, const char *dir, uint64_t n, const char *indent);

#endif
