/* intensity.h - how many restarts within the window, counted as OTP counts.
 *
 * Times are cut to whole seconds first: a restart at t counts at `now` while floor(now) - floor(t) <= period
 * (otp/README, fact 1). Restarts of one second share a slot, so a window needs at most min(max, period + 1) slots.
 * Used by: supervisor.c.  Uses: types.h.  Tested by: tests/unit/intensity.c */
#ifndef CORE_INTENSITY_H
#define CORE_INTENSITY_H

#include "core/types.h"

struct window;

/* A window that allows `max` restarts within `period` (rounded up to whole seconds). NULL when memory is short. */
struct window *window_new(uint32_t max, nsec period);
void window_free(struct window *w);
void window_clear(struct window *w);

/* Carry the counts of one window over into another of a different size (daemon-reload). */
void window_copy(struct window *to, const struct window *from, nsec now);

uint32_t window_count(const struct window *w, nsec now); /* restarts that count at `now` */
uint32_t window_max(const struct window *w);    /* ... and how many may */
uint32_t window_period(const struct window *w); /* seconds */

/* One more restart: true and counted when it is allowed, false when it would be number max + 1. */
bool window_take(struct window *w, nsec now);

/* For snapshots: the slots in use, oldest first, and one more behind them. */
uint32_t window_slot_count(const struct window *w);
void window_slot(const struct window *w, uint32_t i, uint32_t *ret_second, uint32_t *ret_count);
void window_put(struct window *w, uint32_t second, uint32_t count);

#endif
