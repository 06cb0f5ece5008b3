/* rate.h - LogRateLimit=: a bucket of tokens, one a line or a byte. Pure: time is an argument.
 * Used by: stream.c.  Uses: base/logproto.  Tested by: tests/unit/logd_rate.c */
#ifndef LOGD_RATE_H
#define LOGD_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/logproto.h"

struct rate {
        uint64_t tokens;  /* times the interval in us, so that a refill needs no division */
        uint64_t last_us;
        uint64_t dropped_lines, dropped_bytes; /* since the last marker */
        uint64_t tell_us; /* when the marker is due at the latest; 0 = nothing was dropped since the last */
        bool started;
};

static inline uint64_t rate_interval(const struct log_config *c)
{
        return c->rate_interval_us ? c->rate_interval_us : 1000000;
}

static inline bool rate_limited(const struct log_config *c)
{
        return c->rate_count > 0;
}

/* May a line of `bytes` bytes pass now? Takes its tokens when it may. A line dearer than the whole bucket passes
 * when the bucket is full. `now_us` is monotonic; a step back counts as no time. */
bool rate_admit(struct rate *r, const struct log_config *c, uint64_t now_us, uint64_t bytes);

#endif
