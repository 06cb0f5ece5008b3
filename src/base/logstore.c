/* logstore.c - see logstore.h. */
#include "base/logstore.h"

#include <errno.h>
#include <string.h>

enum { US_PER_SEC = 1000000, SEC_PER_DAY = 86400 };

/* --- directories ------------------------------------------------------------------------------ */

static bool needs_escape(const char *part, size_t len)
{
        return part[0] == '@' || (len == 7 && memcmp(part, LOG_CURRENT, 7) == 0) ||
               (len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.');
}

static bool put(char *buf, size_t cap, size_t *used, char c, bool escape)
{
        static const char hex[] = "0123456789abcdef";
        const size_t n = escape ? 3 : 1;

        if (*used + n >= cap)
                return false;
        if (escape) {
                buf[(*used)++] = '%';
                buf[(*used)++] = hex[(unsigned char) c >> 4];
                c = hex[(unsigned char) c & 15];
        }
        buf[(*used)++] = c;
        return true;
}

int log_dir_of(const char *path, size_t len, char *buf, size_t cap)
{
        size_t used = 0;

        for (size_t at = 0; at < len;) {
                const char *part = path + at;
                const char *slash = memchr(part, '/', len - at);
                const size_t n = slash ? (size_t) (slash - part) : len - at;

                at += n + 1;
                if (n == 0)
                        continue;
                if (used > 0 && !put(buf, cap, &used, '/', false))
                        return -ENAMETOOLONG;
                for (size_t i = 0; i < n; i++) {
                        const bool escape = (i == 0 && needs_escape(part, n)) || part[i] == '%' || part[i] == '\0';

                        if (!put(buf, cap, &used, part[i], escape))
                                return -ENAMETOOLONG;
                }
        }
        if (used == 0)
                return -EINVAL;
        buf[used] = '\0';
        return (int) used;
}

/* --- instants --------------------------------------------------------------------------------- */

struct civil {
        unsigned year, month, day, hour, minute, second, us;
};

/* Days are counted in eras of 400 years that begin on 1 March, so that the leap day comes last in a year. */
static void civil_from_us(uint64_t us, struct civil *c)
{
        const uint64_t seconds = us / US_PER_SEC;
        const unsigned of_day = (unsigned) (seconds % SEC_PER_DAY);
        const uint64_t day = seconds / SEC_PER_DAY + 719468;
        const unsigned of_era = (unsigned) (day % 146097);
        const unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
        const unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
        const unsigned shifted = (5 * of_year + 2) / 153;

        c->month = shifted < 10 ? shifted + 3 : shifted - 9;
        c->day = of_year - (153 * shifted + 2) / 5 + 1;
        c->year = (unsigned) (day / 146097) * 400 + year + (c->month <= 2);
        c->hour = of_day / 3600;
        c->minute = of_day / 60 % 60;
        c->second = of_day % 60;
        c->us = (unsigned) (us % US_PER_SEC);
}

static uint64_t us_from_civil(const struct civil *c)
{
        const unsigned year = c->year - (c->month <= 2);
        const unsigned shifted = c->month > 2 ? c->month - 3 : c->month + 9;
        const unsigned of_year = (153 * shifted + 2) / 5 + c->day - 1;
        const unsigned of_era = year % 400 * 365 + year % 400 / 4 - year % 400 / 100 + of_year;
        const uint64_t day = (uint64_t) (year / 400) * 146097 + of_era - 719468;

        return (day * SEC_PER_DAY + c->hour * 3600u + c->minute * 60u + c->second) * US_PER_SEC + c->us;
}

static char *digits(char *out, unsigned value, unsigned n)
{
        for (unsigned i = n; i-- > 0; value /= 10)
                out[i] = (char) ('0' + value % 10);
        return out + n;
}

static const char *read_digits(const char *text, unsigned n, unsigned *ret)
{
        unsigned value = 0;

        for (unsigned i = 0; text && i < n; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return NULL;
                value = value * 10 + (unsigned) (text[i] - '0');
        }
        *ret = value;
        return text ? text + n : NULL;
}

static const char *read_char(const char *text, char c)
{
        return text && *text == c ? text + 1 : NULL;
}

/* `dash` and `colon` are the separators inside date and time; NUL for none. */
static char *civil_write(char *out, const struct civil *c, char dash, char colon)
{
        out = digits(out, c->year, 4);
        if (dash)
                *out++ = dash;
        out = digits(out, c->month, 2);
        if (dash)
                *out++ = dash;
        out = digits(out, c->day, 2);
        *out++ = 'T';
        out = digits(out, c->hour, 2);
        if (colon)
                *out++ = colon;
        out = digits(out, c->minute, 2);
        if (colon)
                *out++ = colon;
        out = digits(out, c->second, 2);
        *out++ = '.';
        out = digits(out, c->us, 6);
        *out++ = 'Z';
        return out;
}

static const char *civil_read(const char *text, struct civil *c, char dash, char colon)
{
        text = read_digits(text, 4, &c->year);
        text = dash ? read_char(text, dash) : text;
        text = read_digits(text, 2, &c->month);
        text = dash ? read_char(text, dash) : text;
        text = read_digits(text, 2, &c->day);
        text = read_char(text, 'T');
        text = read_digits(text, 2, &c->hour);
        text = colon ? read_char(text, colon) : text;
        text = read_digits(text, 2, &c->minute);
        text = colon ? read_char(text, colon) : text;
        text = read_digits(text, 2, &c->second);
        text = read_char(text, '.');
        text = read_digits(text, 6, &c->us);
        text = read_char(text, 'Z');
        if (!text || c->year < 1970 || c->month < 1 || c->month > 12 || c->day < 1 || c->day > 31 || c->hour > 23 ||
            c->minute > 59 || c->second > 60)
                return NULL;
        return text;
}

void log_stamp(uint64_t us, char out[LOG_STAMP_LEN])
{
        struct civil c;

        civil_from_us(us, &c);
        *civil_write(out, &c, '-', ':') = ' ';
}

bool log_stamp_parse(const char *text, size_t n, uint64_t *ret_us)
{
        struct civil c;

        if (n < LOG_STAMP_LEN - 1 || !civil_read(text, &c, '-', ':'))
                return false;
        *ret_us = us_from_civil(&c);
        return true;
}

void log_rotated_name(uint64_t us, char out[LOG_ROTATED_MAX])
{
        struct civil c;

        civil_from_us(us, &c);
        out[0] = '@';
        *civil_write(out + 1, &c, 0, 0) = '\0';
}

bool log_rotated_parse(const char *name, uint64_t *ret_us, bool *ret_packed)
{
        struct civil c;
        const char *rest;

        if (name[0] != '@' || !(rest = civil_read(name + 1, &c, 0, 0)))
                return false;
        if (*rest != '\0' && strcmp(rest, ".gz") != 0 && strcmp(rest, ".zst") != 0)
                return false;
        *ret_us = us_from_civil(&c);
        *ret_packed = *rest != '\0';
        return true;
}
