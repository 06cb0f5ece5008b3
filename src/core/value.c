/* value.c - numbers, spans, sizes: see value.h. Texts and items of lists are in value_item.c. */
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

static int octal(const char *text, int64_t *ret)
{
        int64_t v = 0;

        if (!*text || strspn(text, "01234567") != strlen(text))
                return -EINVAL;
        if (strlen(text) > 8)
                return -ERANGE;
        for (; *text; text++)
                v = v * 8 + (*text - '0');
        *ret = v;
        return 0;
}

static int percent(const char *text, int64_t *ret)
{
        char number[32];
        size_t n = strlen(text);

        if (n < 2 || n > sizeof(number) || text[n - 1] != '%')
                return -EINVAL;
        memcpy(number, text, n - 1);
        number[n - 1] = '\0';
        return value_fraction(number, 2, ret);
}

/* A number with a sign or a blank before it, or leading zeros, is no signal, whatever signal_number() makes of it. */
static int signal_value(const char *text, int64_t *ret)
{
        int64_t number;
        int sig;

        if (is_digit(text[0]) && value_decimal(text, &number) < 0)
                return -EINVAL;
        if (!is_digit(text[0]) && (text[0] < 'A' || text[0] > 'Z'))
                return -EINVAL;
        sig = signal_number(text);
        if (sig < 1)
                return -EINVAL;
        *ret = sig;
        return 0;
}

/* Second names of values: systemd's words for ours. */
static const struct {
        const struct strtab *names;
        const char *text;
        int value;
} aliases[] = {
        { &restart_names, "always", RESTART_PERMANENT },
        { &restart_names, "on-failure", RESTART_TRANSIENT },
        { &restart_names, "no", RESTART_TEMPORARY },
        { &log_compress_names, "none", LOG_PLAIN },
};

const char *value_alias(enum directive d, size_t i)
{
        for (size_t k = 0; k < sizeof(aliases) / sizeof(aliases[0]); k++)
                if (aliases[k].names == directive_rows[d].names && i-- == 0)
                        return aliases[k].text;
        return NULL;
}

static int enumerated(const struct strtab *names, const char *text, int64_t *ret)
{
        int v = strtab_value(names, text);

        for (size_t i = 0; v < 0 && i < sizeof(aliases) / sizeof(aliases[0]); i++)
                if (aliases[i].names == names && strcmp(aliases[i].text, text) == 0)
                        v = aliases[i].value;
        if (v < 0)
                return -EINVAL;
        *ret = v;
        return 0;
}

/* Without regard to bounds. */
static int parse_plain(enum directive d, const char *text, int64_t *ret)
{
        const struct directive_row *row = &directive_rows[d];

        switch (row->type) {
        case VT_BOOL: return value_bool(text, ret);
        case VT_INT: return value_decimal(text, ret);
        case VT_DURATION: return value_span(text, NSEC_PER_SEC, ret);
        case VT_SIZE: return value_size(text, ret);
        case VT_PERCENT: return percent(text, ret);
        case VT_FACTOR: return value_fraction(text, 3, ret);
        case VT_MODE: return octal(text, ret);
        case VT_SIGNAL: return signal_value(text, ret);
        case VT_ENUM: return enumerated(row->names, text, ret);
        default: return -EINVAL;
        }
}

static bool zero_is_infinity(enum directive d)
{
        return strcmp(directive_rows[d].min, "0=infinity") == 0;
}

static bool below(enum directive d, int64_t v)
{
        const char *min = zero_is_infinity(d) ? "0" : directive_rows[d].min;
        int64_t bound;

        return *min && parse_plain(d, min, &bound) == 0 && v < bound;
}

static bool above(enum directive d, int64_t v)
{
        int64_t bound;

        return *directive_rows[d].max && parse_plain(d, directive_rows[d].max, &bound) == 0 && v > bound;
}

void value_print_range(enum directive d, struct buf *out)
{
        const struct directive_row *row = &directive_rows[d];

        if (zero_is_infinity(d))
                buf_adds(out, "0 stands for infinity");
        else if (*row->min && *row->max)
                buf_addf(out, "%s to %s", row->min, row->max);
        else if (*row->min)
                buf_addf(out, "at least %s", row->min);
        else if (*row->max)
                buf_addf(out, "at most %s", row->max);
}

static void list_names(const struct strtab *names, struct buf *out)
{
        const char *sep = "";

        for (int i = 0; i < names->count; i++) {
                if (!names->text[i])
                        continue;
                buf_addf(out, "%s%s", sep, names->text[i]);
                sep = ", ";
        }
}

static const char *type_noun(enum value_type t)
{
        switch (t) {
        case VT_BOOL: return "no truth value";
        case VT_INT: return "no number";
        case VT_DURATION: return "no time span";
        case VT_SIZE: return "no size";
        case VT_PERCENT: return "no percentage";
        case VT_FACTOR: return "no factor";
        case VT_MODE: return "no octal mode";
        case VT_SIGNAL: return "no signal";
        default: return "not one of the values";
        }
}

static const char *type_example(enum value_type t)
{
        switch (t) {
        case VT_BOOL: return "yes or no";
        case VT_INT: return "a decimal number";
        case VT_DURATION: return "a number with a unit, such as 500ms, 90s or 1min 30s, or infinity";
        case VT_SIZE: return "bytes, or a number with K, M, G or T, such as 512M, or infinity";
        case VT_PERCENT: return "a number with a percent sign, such as 10%";
        case VT_FACTOR: return "a number such as 2 or 1.5";
        case VT_MODE: return "octal digits, such as 0755";
        case VT_SIGNAL: return "a name such as SIGTERM, or a number";
        default: return "";
        }
}

static int refuse(enum directive d, const char *text, int code, const char *what, struct err *err)
{
        const struct directive_row *row = &directive_rows[d];
        autobuf struct buf hint = BUF_INIT, range = BUF_INIT;
        const char *nearest = NULL;

        (void) err_set(err, STAGE_LOAD, -code, "%s=%.60s: %s", row->key, text, what);
        value_print_range(d, &range);
        if (row->type == VT_ENUM) {
                nearest = strtab_nearest(row->names->text, (size_t) row->names->count, text);
                if (nearest)
                        buf_addf(&hint, "did you mean %s? ", nearest);
                buf_adds(&hint, "one of ");
                list_names(row->names, &hint);
        } else if (code == -EINVAL) {
                buf_addf(&hint, "write %s%s%s", type_example(row->type), range.len ? "; " : "", buf_text(&range));
        } else {
                buf_adds(&hint, range.len ? buf_text(&range) : "write a smaller number");
        }
        err_hint(err, "%s", buf_text(&hint));
        return code;
}

int value_parse(enum directive d, const char *text, int64_t *ret, struct err *err)
{
        int64_t v;
        int r = parse_plain(d, text, &v);

        if (r == -EINVAL)
                return refuse(d, text, -EINVAL, type_noun(directive_rows[d].type), err);
        if (r < 0 || above(d, v))
                return refuse(d, text, -ERANGE, "too large", err);
        if (below(d, v))
                return refuse(d, text, -ERANGE, "too small", err);
        if (v == 0 && zero_is_infinity(d))
                v = NSEC_NEVER;
        *ret = v;
        return 0;
}

int64_t value_default(enum directive d)
{
        int64_t v;

        if (!*directive_rows[d].def || parse_plain(d, directive_rows[d].def, &v) < 0)
                return SPEC_UNSET;
        return v;
}

static void print_fraction(int64_t v, int64_t scale, struct buf *out)
{
        int64_t rest = v % scale;

        buf_addf(out, "%lld", (long long) (v / scale));
        if (rest > 0)
                buf_addc(out, '.');
        for (; rest > 0; rest %= scale) {
                scale /= 10;
                buf_addc(out, (char) ('0' + rest / scale));
        }
}

void value_print(enum directive d, int64_t v, struct buf *out)
{
        const struct directive_row *row = &directive_rows[d];
        const char *name;

        if (v == SPEC_UNSET)
                return;
        switch (row->type) {
        case VT_BOOL:
                buf_adds(out, v ? "yes" : "no");
                break;
        case VT_DURATION:
                value_print_span(v, out);
                break;
        case VT_SIZE:
                value_print_size(v, out);
                break;
        case VT_PERCENT:
                print_fraction(v, 100, out);
                buf_addc(out, '%');
                break;
        case VT_FACTOR:
                print_fraction(v, 1000, out);
                break;
        case VT_MODE:
                buf_addf(out, "%04llo", (unsigned long long) v);
                break;
        case VT_SIGNAL:
                name = signal_name((int) v);
                if (name)
                        buf_addf(out, "SIG%s", name);
                else
                        buf_addf(out, "%lld", (long long) v);
                break;
        case VT_ENUM:
                buf_adds(out, strtab_text(row->names, (int) v));
                break;
        default:
                buf_addf(out, "%lld", (long long) v);
                break;
        }
}
