/* value.h - text <-> value, strictly.
 *
 * "Strictly" (FAILURES H7): the whole text is the value, no sign where none belongs, no leading zeros, no hex, no
 * exponent, nothing that overflows; what is refused says what would be accepted. print(parse(x)) may look different
 * from x, but parse(print(v)) == v for every v.
 *
 * Pure. Used by: spec, unit_text, ctl (time spans on the command line).
 * Tested by: tests/unit/value.c, tests/fuzz/fuzz_value.c */
#ifndef CORE_VALUE_H
#define CORE_VALUE_H

#include "base/buf.h"
#include "core/directive.h"

/* --- primitives: 0, -EINVAL (is none) or -ERANGE (too large) ----------------------------------------------------- */

/* Decimal integer: "0", "17", "-5". */
int value_decimal(const char *text, int64_t *ret);

/* Time span in ns: "90", "1.5s", "1min 30s", "infinity". A bare number counts in `unit` ns. Units as in
 * systemd.time(7): ns us ms s min h d w M y and their longer spellings; M is 30.4375 days, y 365.25. */
int value_span(const char *text, nsec unit, nsec *ret);
void value_print_span(nsec span, struct buf *out);

/* Bytes: "4096", "512M", "infinity" (INT64_MAX); suffix K M G T P E, each 1024 times the one before. */
int value_size(const char *text, int64_t *ret);
void value_print_size(int64_t size, struct buf *out);

/* Decimal fraction scaled to an integer: value_fraction("1.5", 3) is 1500; at most `digits` behind the point. */
int value_fraction(const char *text, int digits, int64_t *ret);

/* A size, or a share from 0% to 100% as hundredths of a percent below zero: "12.5%" is -1250. */
int value_amount(const char *text, int64_t *ret);

int value_bool(const char *text, int64_t *ret); /* 1 yes y true t on, 0 no n false f off; case ignored */

/* Exit status by name or number ("3", "TEMPFAIL", "EXEC"); -EINVAL when it is none. And a signal: "SIGTERM", "TERM". */
int value_exit_status(const char *text);

/* --- by directive: err says key, value, what is wrong; the hint what is accepted --------------------------------- */

/* A number: VT_BOOL INT DURATION SIZE PERCENT FACTOR MODE SIGNAL ENUM AMOUNT WEIGHT. 0 or -EINVAL, -ERANGE. */
int value_parse(enum directive d, const char *text, int64_t *ret, struct err *err);
void value_print(enum directive d, int64_t value, struct buf *out);

/* The default as a number; SPEC_UNSET when there is none. */
int64_t value_default(enum directive d);

/* VT_ENUM: further words that are understood, systemd's for ours ("always"); NULL behind the last. */
const char *value_alias(enum directive d, size_t i);

/* "-20 to 19", "at least 1ms"; "" when the row has no bounds. */
void value_print_range(enum directive d, struct buf *out);

/* One text, or one item of a list, words split and specifiers expanded already: checks the row's form and appends
 * the normal form (paths without double slashes, StandardOutput=journal as log ...). 0 or -EINVAL. */
int value_item(enum directive d, const char *text, struct buf *out, struct err *err);

/* The forms of directives_sandbox.def; 1 when the row's form is none of them. value_sandbox.c */
int value_tmpfs_options(enum directive d, const char *item, const char *list, struct err *err); /* of the item */
int value_sandbox_item(enum directive d, const char *text, struct buf *out, struct err *err);

/* Is this word of the options of TemporaryFileSystem=, n bytes, one of the mount itself? Then it is set or cleared in
 * *set (PLAN_ATTR_*, PLAN_TMPFS_*); the others are handed to the file system. value_tmpfs.c */
bool value_tmpfs_attribute(const char *word, size_t n, int64_t *set);

/* Append an absolute path with runs of slashes, "." parts and a trailing slash taken out. -EINVAL when it is not
 * absolute or climbs with "..": where that leads depends on links, so nobody can tell by reading the unit. */
int value_path(const char *path, struct buf *out);

/* VT_LIMIT: soft and hard as numbers of the row's unit, UINT64_MAX for infinity. 0 or -EINVAL. */
int value_limit(enum directive d, const char *text, uint64_t *ret_soft, uint64_t *ret_hard, struct err *err);

/* For the files value_*.c: -EINVAL, with "Key=text: what (hint)". */
int value_refuse(enum directive d, const char *text, struct err *err, const char *what, const char *hint);

#endif
