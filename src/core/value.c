/* value.c - numbers, spans, sizes: see value.h. What a directive makes of them is value_row.c, texts and items of
 * lists are value_item.c. */
#include "core/value.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "core/reason.h"
#include "core/spec.h"

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

/* The digits at *p, which moves behind them. -EINVAL when there is none, -ERANGE when they are too many. */
static int digits(const char **p, int64_t *ret)
{
        int64_t v = 0;

        if (!is_digit(**p))
                return -EINVAL;
        for (; is_digit(**p); (*p)++)
                if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, **p - '0', &v))
                        return -ERANGE;
        *ret = v;
        return 0;
}

int value_decimal(const char *text, int64_t *ret)
{
        bool negative = text[0] == '-';
        const char *p = text + negative;
        int64_t v;
        int r;

        if (p[0] == '0' && (p[1] || negative))  /* 007 is no number, nor is -0 */
                return -EINVAL;
        r = digits(&p, &v);
        if (r < 0)
                return r;
        if (*p)
                return -EINVAL;
        *ret = negative ? -v : v;
        return 0;
}

int value_fraction(const char *text, int places, int64_t *ret)
{
        const char *p = text;
        int64_t v;
        int r;

        if (p[0] == '0' && is_digit(p[1]))
                return -EINVAL;
        r = digits(&p, &v);
        if (r < 0)
                return r;
        if (*p == '.' && !is_digit(*++p))
                return -EINVAL;
        for (int i = 0; i < places; i++) {
                int digit = is_digit(*p) ? *p++ - '0' : 0;

                if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v))
                        return -ERANGE;
        }
        if (*p)
                return -EINVAL;
        *ret = v;
        return 0;
}

static const struct {
        const char *name;
        nsec ns;
} span_units[] = {
        { "ns", 1 }, { "nsec", 1 },
        { "us", NSEC_PER_USEC }, { "usec", NSEC_PER_USEC }, { "\xc2\xb5s", NSEC_PER_USEC },
        { "ms", NSEC_PER_MSEC }, { "msec", NSEC_PER_MSEC },
        { "s", NSEC_PER_SEC }, { "sec", NSEC_PER_SEC }, { "second", NSEC_PER_SEC }, { "seconds", NSEC_PER_SEC },
        { "m", 60 * NSEC_PER_SEC }, { "min", 60 * NSEC_PER_SEC }, { "minute", 60 * NSEC_PER_SEC },
        { "minutes", 60 * NSEC_PER_SEC },
        { "h", 3600 * NSEC_PER_SEC }, { "hr", 3600 * NSEC_PER_SEC }, { "hour", 3600 * NSEC_PER_SEC },
        { "hours", 3600 * NSEC_PER_SEC },
        { "d", 86400 * NSEC_PER_SEC }, { "day", 86400 * NSEC_PER_SEC }, { "days", 86400 * NSEC_PER_SEC },
        { "w", 604800 * NSEC_PER_SEC }, { "week", 604800 * NSEC_PER_SEC }, { "weeks", 604800 * NSEC_PER_SEC },
        { "M", 2629800 * NSEC_PER_SEC }, { "month", 2629800 * NSEC_PER_SEC }, { "months", 2629800 * NSEC_PER_SEC },
        { "y", 31557600 * NSEC_PER_SEC }, { "year", 31557600 * NSEC_PER_SEC }, { "years", 31557600 * NSEC_PER_SEC },
};

/* The unit at *p, which moves behind it; `bare` when there is none, 0 when it is unknown. */
static nsec span_unit(const char **p, nsec bare)
{
        size_t n = strcspn(*p, " \t0123456789.");

        if (n == 0)
                return bare;
        for (size_t i = 0; i < sizeof(span_units) / sizeof(span_units[0]); i++)
                if (strlen(span_units[i].name) == n && memcmp(span_units[i].name, *p, n) == 0) {
                        *p += n;
                        return span_units[i].ns;
                }
        return 0;
}

/* "1.5" of a span, as a fraction of 10^9; then blanks and the unit. */
static int span_part(const char **p, nsec bare, nsec *total)
{
        int64_t whole, part = 0, scale = NSEC_PER_SEC;
        nsec unit, sum;
        int r;

        r = digits(p, &whole);
        if (r < 0)
                return r;
        if (**p == '.') {
                if (!is_digit(*++*p))
                        return -EINVAL;
                for (; is_digit(**p); (*p)++) {
                        if (scale == 1)
                                return -EINVAL;  /* finer than this nobody means */
                        scale /= 10;
                        part += (**p - '0') * scale;
                }
        }
        *p += strspn(*p, " \t");
        unit = span_unit(p, bare);
        if (unit == 0)
                return -EINVAL;
        /* part * unit / 10^9, in two steps so that nothing overflows */
        part = part * (unit / NSEC_PER_SEC) + part * (unit % NSEC_PER_SEC) / NSEC_PER_SEC;
        if (__builtin_mul_overflow(whole, unit, &sum) || __builtin_add_overflow(sum, part, &sum) ||
            __builtin_add_overflow(sum, *total, &sum) || sum == NSEC_NEVER)
                return -ERANGE;
        *total = sum;
        return 0;
}

int value_span(const char *text, nsec unit, nsec *ret)
{
        const char *p = text;
        nsec total = 0;

        if (strcmp(text, "infinity") == 0) {
                *ret = NSEC_NEVER;
                return 0;
        }
        if (!*p)
                return -EINVAL;
        while (*p) {
                int r = span_part(&p, unit, &total);

                if (r < 0)
                        return r;
                p += strspn(p, " \t");
        }
        if (p[-1] == ' ' || p[-1] == '\t')
                return -EINVAL;
        *ret = total;
        return 0;
}

void value_print_span(nsec span, struct buf *out)
{
        static const struct {
                const char *name;
                nsec ns;
        } steps[] = {
                { "w", 604800 * NSEC_PER_SEC }, { "d", 86400 * NSEC_PER_SEC }, { "h", 3600 * NSEC_PER_SEC },
                { "min", 60 * NSEC_PER_SEC }, { "s", NSEC_PER_SEC }, { "ms", NSEC_PER_MSEC },
                { "us", NSEC_PER_USEC }, { "ns", 1 },
        };
        const char *space = "";

        if (span == NSEC_NEVER) {
                buf_adds(out, "infinity");
                return;
        }
        if (span <= 0)
                buf_adds(out, "0");
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && span > 0; i++) {
                if (span < steps[i].ns)
                        continue;
                buf_addf(out, "%s%lld%s", space, (long long) (span / steps[i].ns), steps[i].name);
                span %= steps[i].ns;
                space = " ";
        }
}

static const char size_suffixes[] = "BKMGTPE";

int value_size(const char *text, int64_t *ret)
{
        const char *p = text, *suffix;
        int64_t v;
        int r;

        if (strcmp(text, "infinity") == 0) {
                *ret = INT64_MAX;
                return 0;
        }
        if (p[0] == '0' && is_digit(p[1]))
                return -EINVAL;
        r = digits(&p, &v);
        if (r < 0)
                return r;
        if (*p) {
                suffix = strchr(size_suffixes, *p);
                if (!suffix || p[1])
                        return -EINVAL;
                if (__builtin_mul_overflow(v, INT64_C(1) << (10 * (suffix - size_suffixes)), &v))
                        return -ERANGE;
        }
        if (v == INT64_MAX)
                return -ERANGE;
        *ret = v;
        return 0;
}

void value_print_size(int64_t size, struct buf *out)
{
        int i = 0;

        if (size == INT64_MAX) {
                buf_adds(out, "infinity");
                return;
        }
        while (i < 6 && size > 0 && size % 1024 == 0) {
                size /= 1024;
                i++;
        }
        buf_addf(out, "%lld", (long long) size);
        if (i > 0)
                buf_addc(out, size_suffixes[i]);
}

int value_bool(const char *text, int64_t *ret)
{
        static const char *const words[] = { "0", "1", "no", "yes", "false", "true", "off", "on", "n", "y", "f", "t" };

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                if (strcasecmp(text, words[i]) == 0) {
                        *ret = (int64_t) (i & 1);
                        return 0;
                }
        return -EINVAL;
}
