/* restart.h - does an ended child come back, and when? Pure functions of the spec and the reason.
 * Used by: supervisor.c.  Uses: spec.h, resolve.h, reason.h.  Tested by: tests/unit/restart.c */
#ifndef CORE_RESTART_H
#define CORE_RESTART_H

#include "core/reason.h"
#include "core/spec.h"

/* An end that counts as clean: exit 0; HUP, INT, TERM, PIPE (but not for a oneshot); SuccessExitStatus=.
 * FIELD 4c. */
bool end_is_clean(const struct spec *s, const struct reason *r);

/* Why restart_decide() says what it says. */
enum verdict_of_restart { STAYS_DOWN, COMES_BACK, STAYS_DOWN_PREVENTED, COMES_BACK_FORCED };

/* Restart= x reason (OTP's table for its three, systemd's for the others; FIELD 4a, 4c), then
 * RestartForceExitStatus=, then RestartPreventExitStatus=, which wins. `reason` has gone through end_is_clean(). */
enum verdict_of_restart restart_decide(const struct spec *s, const struct reason *reason, const struct reason *raw);

/* The wait before attempt number n (0 = the first since it was healthy), without jitter:
 * RestartSec x Factor^n, at most RestartMaxDelaySec. */
nsec restart_delay(const struct spec *s, unsigned n);

/* The same with jitter: `random` is 64 random bits, spread evenly over +- RestartJitter of the delay. */
nsec restart_jitter(const struct spec *s, nsec delay, uint64_t random);

#endif
