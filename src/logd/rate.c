/* rate.c - see rate.h. */
#include "logd/rate.h"

static uint64_t times(uint64_t a, uint64_t b)
{
        uint64_t product;

        return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX / 4 : product;
}

bool rate_admit(struct rate *r, const struct log_config *c, uint64_t now_us, uint64_t bytes)
{
        const uint64_t interval = rate_interval(c);
        const uint64_t full = times(c->rate_burst ? c->rate_burst : c->rate_count, interval);
        uint64_t cost = times(c->rate_unit == LOG_RATE_LINES ? 1 : bytes, interval);

        if (!r->started) {
                r->started = true;
                r->tokens = full;
                r->last_us = now_us;
        }
        if (now_us > r->last_us) {
                const uint64_t gained = times(now_us - r->last_us, c->rate_count);

                r->tokens = gained >= full || r->tokens >= full - gained ? full : r->tokens + gained;
                r->last_us = now_us;
        }
        if (r->tokens > full) /* the limit was lowered meanwhile */
                r->tokens = full;
        if (cost > full)
                cost = full;
        if (cost > r->tokens)
                return false;
        r->tokens -= cost;
        return true;
}
