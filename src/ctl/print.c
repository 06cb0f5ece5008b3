/* print.c - colours, columns, spans, sizes and times for people. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "base/logstore.h"
#include "ctl/ctl.h"

void put_color(struct ctl *c, enum ctl_color color)
{
        static const char *const codes[] = {
                [COLOR_NONE] = "\033[0m",   [COLOR_BOLD] = "\033[1m",    [COLOR_DIM] = "\033[2m",
                [COLOR_RED] = "\033[31m",
                [COLOR_GREEN] = "\033[32m", [COLOR_YELLOW] = "\033[33m", [COLOR_BLUE] = "\033[34m",
        };

        if (c->color)
                buf_adds(&c->out, codes[color]);
}

void put_colored(struct ctl *c, enum ctl_color color, const char *text)
{
        put_color(c, color);
        buf_adds(&c->out, text);
        put_color(c, COLOR_NONE);
}

static const struct {
        const char *state, *glyph, *plain;
        enum ctl_color color;
} looks[] = {
        { "running", "\u25cf", "*", COLOR_GREEN },    { "starting", "\u25d0", "+", COLOR_BLUE },
        { "reloading", "\u21bb", "@", COLOR_BLUE },   { "stopping", "\u25d1", "-", COLOR_YELLOW },
        { "backoff", "\u25cc", "~", COLOR_YELLOW },   { "failed", "\u00d7", "x", COLOR_RED },
        { "finished", "\u2713", "v", COLOR_DIM },     { "inactive", "\u25cb", "o", COLOR_DIM },
};

enum ctl_color state_color(const char *state)
{
        for (size_t i = 0; state && i < ARRAY_LEN(looks); i++)
                if (strcmp(looks[i].state, state) == 0)
                        return looks[i].color;
        return COLOR_NONE;
}

/* Is the terminal's (or the reader's) text UTF-8? Asked of the environment: a locale would cost start-up time. */
static bool utf8(void)
{
        const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
        const char *value;

        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                value = getenv(names[i]);
                if (value && *value)
                        return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
        }
        return false;
}

const char *state_glyph(const struct ctl *c, const char *state)
{
        bool fancy = utf8();

        (void) c;
        for (size_t i = 0; state && i < ARRAY_LEN(looks); i++)
                if (strcmp(looks[i].state, state) == 0)
                        return fancy ? looks[i].glyph : looks[i].plain;
        return "?";
}

void put_span(struct buf *out, int64_t usec)
{
        static const struct {
                int64_t usec;
                const char *name;
        } units[] = {
                { INT64_C(86400000000), "d" }, { INT64_C(3600000000), "h" }, { 60000000, "min" }, { 1000000, "s" },
                { 1000, "ms" },
        };

        for (size_t i = 0; i < ARRAY_LEN(units); i++) {
                if (usec < units[i].usec)
                        continue;
                buf_addf(out, "%lld %s", (long long) (usec / units[i].usec), units[i].name);
                if (i + 2 < ARRAY_LEN(units) && usec % units[i].usec >= units[i + 1].usec)
                        buf_addf(out, " %lld %s", (long long) (usec % units[i].usec / units[i + 1].usec),
                                 units[i + 1].name);
                return;
        }
        buf_addf(out, "%lld us", (long long) usec);
}

void put_size(struct buf *out, int64_t bytes)
{
        static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
        double v = (double) bytes;
        size_t u = 0;

        while (v >= 1024 && u + 1 < ARRAY_LEN(units)) {
                v /= 1024;
                u++;
        }
        if (u == 0)
                buf_addf(out, "%lld B", (long long) bytes);
        else
                buf_addf(out, v < 10 ? "%.1f %s" : "%.0f %s", v, units[u]);
}

int64_t wall_usec(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_REALTIME, &t);
        return (int64_t) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

bool stamp_read(const char *stamp, int64_t *ret_usec)
{
        uint64_t us;

        if (!stamp || !log_stamp_parse(stamp, strlen(stamp), &us))
                return false;
        *ret_usec = (int64_t) us;
        return true;
}

void put_when(struct buf *out, const char *stamp, bool ago)
{
        int64_t at, age;
        char text[64];
        struct tm tm;
        time_t seconds;

        if (!stamp_read(stamp, &at)) {
                buf_adds(out, "-");
                return;
        }
        seconds = (time_t) (at / 1000000);
        if (localtime_r(&seconds, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm) > 0)
                buf_addf(out, "%s.%03d", text, (int) (at % 1000000 / 1000));
        if (!ago)
                return;
        age = wall_usec() - at;
        buf_adds(out, age < 0 ? " (in " : " (");
        put_span(out, age < 0 ? -age : age);
        buf_adds(out, age < 0 ? ")" : " ago)");
}

void put_pad(struct buf *out, size_t used, size_t width)
{
        buf_addf(out, "%*s", used < width ? (int) (width - used) : 0, "");
}

void put_safe(struct buf *out, const char *text)
{
        if (text)
                escape_text(out, text, strlen(text));
}

void put_intensity(struct ctl *c, uint32_t intensity)
{
        const struct jdoc *d = &c->doc;
        double window = jtok_num(d, jtok_get(d, intensity, "window_sec"), 0);

        if (jtok_kind(d, intensity) != JTOK_OBJECT)
                return;
        buf_addf(&c->out, "%lld/%lld in ", (long long) jget_int(d, intensity, "used", 0),
                 (long long) jget_int(d, intensity, "max", 0));
        put_span(&c->out, (int64_t) (window * 1e6));
}
