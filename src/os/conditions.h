/* conditions.h - Condition*= and Assert*= of a unit against this machine.
 *
 * May be used by: daemon, ctl, tests.  May use: base, core's spec, kernel interfaces. */
#ifndef OS_CONDITIONS_H
#define OS_CONDITIONS_H

#include "core/event.h"
#include "core/spec.h"

struct condition_result {
        enum verdict verdict;      /* PASS, SKIP (a condition), FAIL (an assertion) */
        enum directive directive;  /* the one that was not met; D_NONE when all were */
        const char *argument;      /* its text, borrowed from the spec; NULL when all were met */
        size_t item;               /* which of the directive's */
        struct origin origin;      /* its line */
};

/* As systemd.unit(5): every plain one must hold, and of all "|" ones of the unit at least one ("!" negates);
 * conditions and assertions each for themselves. Assertions are looked at first. Never fails: what cannot
 * be found out does not hold. */
struct reach; /* of whom names are asked: nss.h; may be NULL */
struct condition_result conditions_check(struct reach *reach, const struct spec *s);

/* One of them: 1 holds, 0 does not. `argument` without "|" and "!". Exposed for its tests. */
int condition_test(struct reach *reach, enum directive d, const char *argument);

#endif
