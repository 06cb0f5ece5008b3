/* filter_cover.h - a set of calls as the words of SystemCallFilter=. Pure. Used by: ctl. Tested by:
 * tests/unit/filter.c */
#ifndef CORE_FILTER_COVER_H
#define CORE_FILTER_COVER_H

#include "base/buf.h"
#include "core/syscalls.h"

/* Groups and calls that allow every call of `used`, and little else: a group stands for its members where that saves
 * more words than it lets in calls that were not used (ten of these weigh as much as one word). What @default allows is
 * left out. Groups first, then calls, a blank between them. Returns how many calls it allows beyond those used. */
size_t filter_cover(const bool used[SYSCALLS_MAX], struct buf *out);

/* The same beginning with `group` ("@system-service"). */
size_t filter_cover_from(const char *group, const bool used[SYSCALLS_MAX], struct buf *out);

#endif
