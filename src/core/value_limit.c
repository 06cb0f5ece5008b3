/* value_limit.c - the Limit...= of a process: soft and hard, in the units of each. See value.h. */
#include "core/value.h"

#include <errno.h>
#include <string.h>

int value_refuse(enum directive d, const char *text, struct err *err, const char *what, const char *hint)
{
        (void) err_set(err, STAGE_LOAD, EINVAL, "%s=%.80s: %s", directive_rows[d].key, text, what);
        err_hint(err, "%s", hint);
        return -EINVAL;
}

/* One side of a limit. Spans are rounded up to the row's unit, as systemd does. */
static int limit_side(const char *unit, const char *text, uint64_t *ret)
{
        int64_t v;
        int r;

        if (strcmp(text, "infinity") == 0) {
                *ret = UINT64_MAX;
                return 0;
        }
        if (strcmp(unit, "bytes") == 0) {
                r = value_size(text, &v);
        } else if (strcmp(unit, "seconds") == 0) {
                r = value_span(text, NSEC_PER_SEC, &v);
                v = r < 0 ? 0 : v / NSEC_PER_SEC + (v % NSEC_PER_SEC != 0);
        } else if (strcmp(unit, "usec") == 0) {
                r = value_span(text, NSEC_PER_USEC, &v);
                v = r < 0 ? 0 : v / NSEC_PER_USEC + (v % NSEC_PER_USEC != 0);
        } else if (strcmp(unit, "nice") == 0 && (text[0] == '+' || text[0] == '-')) {
                r = value_decimal(text[0] == '+' || strcmp(text, "-0") == 0 ? text + 1 : text, &v);
                if (r == 0 && (v < -20 || v > 19))
                        return -ERANGE;
                v = 20 - (r < 0 ? 0 : v);
        } else {
                r = value_decimal(text, &v);
                if (r == 0 && strcmp(unit, "nice") == 0 && v > 40)
                        return -ERANGE;
        }
        if (r == 0 && v < 0)
                return -ERANGE;
        if (r == 0)
                *ret = (uint64_t) v;
        return r;
}

static const char *limit_hint(const char *unit)
{
        if (strcmp(unit, "bytes") == 0)
                return "write a size such as 64M, or soft:hard, or infinity";
        if (strcmp(unit, "count") == 0)
                return "write a number, or soft:hard, or infinity";
        if (strcmp(unit, "nice") == 0)
                return "write -20 to +19 with a sign, or 0 to 40, or soft:hard";
        return "write a time span such as 10s, or soft:hard, or infinity";
}

int value_limit(enum directive d, const char *text, uint64_t *ret_soft, uint64_t *ret_hard, struct err *err)
{
        const char *unit = directive_rows[d].min, *colon = strchr(text, ':');
        char first[64] = "";
        size_t n = colon ? (size_t) (colon - text) : strlen(text);
        uint64_t soft, hard;

        if (n >= sizeof(first))
                return value_refuse(d, text, err, "no limit", limit_hint(unit));
        memcpy(first, text, n);
        if (limit_side(unit, first, &soft) < 0 || limit_side(unit, colon ? colon + 1 : first, &hard) < 0)
                return value_refuse(d, text, err, "no limit", limit_hint(unit));
        if (soft > hard)
                return value_refuse(d, text, err, "the soft limit is above the hard one", "write soft:hard");
        *ret_soft = soft;
        *ret_hard = hard;
        return 0;
}
