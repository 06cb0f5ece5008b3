/* shape.c - see shape.h. */
#include "logd/shape.h"

#include <string.h>

#include "base/json.h"

/* --- time ------------------------------------------------------------------------------------- */

size_t shape_time(bool *midline, const char stamp[LOG_STAMP_LEN], const char *in, size_t n, char *out, size_t cap,
                  size_t *ret_len, uint64_t *lines)
{
        const char *const end = in + n;
        const char *at = in;
        char *to = out;
        uint64_t count = 0;
        bool inside = *midline;

        while (at < end) {
                const char *nl = memchr(at, '\n', (size_t) (end - at));
                size_t len = (size_t) ((nl ? nl + 1 : end) - at);
                const size_t head = inside ? 0 : LOG_STAMP_LEN;
                const size_t room = cap - (size_t) (to - out);

                if (head + len > room) {
                        if (to != out || room <= head)
                                break;
                        len = room - head; /* a line longer than the whole buffer: its first part */
                        nl = NULL;
                }
                memcpy(to, stamp, head);
                memcpy(to + head, at, len);
                to += head + len;
                at += len;
                inside = !nl;
                count += nl != NULL;
        }
        *midline = inside;
        *lines += count;
        *ret_len = (size_t) (to - out);
        return (size_t) (at - in);
}

size_t unshape_time(char *text, size_t n)
{
        size_t to = 0;

        for (size_t at = 0; at < n;) {
                const char *nl = memchr(text + at, '\n', n - at);
                const size_t next = nl ? (size_t) (nl + 1 - text) : n;
                uint64_t us;

                if (next - at >= LOG_STAMP_LEN && log_stamp_parse(text + at, next - at, &us))
                        at += LOG_STAMP_LEN;
                memmove(text + to, text + at, next - at);
                to += next - at;
                at = next;
        }
        return to;
}

/* --- JSON ------------------------------------------------------------------------------------- */

void shape_json(struct buf *out, const char stamp[LOG_STAMP_LEN], const char *node, const char *line, size_t n,
                bool partial)
{
        struct json j = json_start(out);

        json_open(&j, NULL, '{');
        json_strn(&j, "time", stamp, LOG_STAMP_LEN - 1);
        json_str(&j, "node", node);
        if (partial)
                json_bool(&j, "partial", true);
        json_strn(&j, "message", line, n);
        json_close(&j);
        buf_addc(out, '\n');
}

static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A \uXXXX escape of ours: only control characters are written so. Returns bytes taken, 0 if it is none. */
static size_t read_u(const char *text, size_t n, char *ret)
{
        int value = 0;

        if (n < 6)
                return 0;
        for (int i = 2; i < 6; i++) {
                const int digit = hex_value(text[i]);

                if (digit < 0)
                        return 0;
                value = value * 16 + digit;
        }
        if (value > 0x7f)
                return 0;
        *ret = (char) value;
        return 6;
}

static size_t unescape(char *out, const char *text, size_t n)
{
        static const char from[] = "nrtbf\"\\/", into[] = "\n\r\t\b\f\"\\/";
        size_t to = 0;

        for (size_t at = 0; at < n;) {
                const char *known = NULL;
                size_t taken = 0;

                if (text[at] == '\\' && at + 1 < n) {
                        if (text[at + 1] == 'u')
                                taken = read_u(text + at, n - at, &out[to]);
                        else if (text[at + 1] && (known = strchr(from, text[at + 1])) != NULL)
                                taken = 2;
                }
                if (known)
                        out[to] = into[known - from];
                else if (taken == 0)
                        out[to] = text[at];
                to++;
                at += taken ? taken : 1;
        }
        return to;
}

size_t unshape_json(char *text, size_t n)
{
        static const char key[] = "\"message\":\"", cut[] = "\"partial\":true,";
        size_t to = 0;

        for (size_t at = 0; at < n;) {
                const char *nl = memchr(text + at, '\n', n - at);
                const size_t next = nl ? (size_t) (nl + 1 - text) : n;
                const char *value = memmem(text + at, next - at, key, sizeof key - 1);

                if (value && next - at >= 3 && memcmp(text + next - 3, "\"}\n", 3) == 0) {
                        const bool partial = memmem(text + at, (size_t) (value - (text + at)), cut,
                                                    sizeof cut - 1) != NULL;

                        value += sizeof key - 1;
                        to += unescape(text + to, value, (size_t) (text + next - 3 - value));
                        if (!partial)
                                text[to++] = '\n';
                } else {
                        memmove(text + to, text + at, next - at);
                        to += next - at;
                }
                at = next;
        }
        return to;
}

/* --- console ---------------------------------------------------------------------------------- */

/* Length of the well-formed UTF-8 sequence at s[n] (no surrogates, no overlong forms, at most U+10FFFF); 0 if none. */
static size_t utf8_len(const unsigned char *s, size_t n)
{
        const unsigned char c = s[0];
        const size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

        if (len == 0 || len > n)
                return 0;
        for (size_t i = 1; i < len; i++)
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
        if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) || (c == 0xf0 && s[1] < 0x90) ||
            (c == 0xf4 && s[1] > 0x8f) || (c == 0xc2 && s[1] < 0xa0)) /* the last: C1 controls */
                return 0;
        return len;
}

/* Length of a colour sequence ESC [ digits and ; ... m, 0 if there is none. */
static size_t colour_len(const char *s, size_t n)
{
        size_t i = 2;

        if (n < 3 || s[0] != '\033' || s[1] != '[')
                return 0;
        while (i < n && i < 32 && ((s[i] >= '0' && s[i] <= '9') || s[i] == ';'))
                i++;
        return i < n && s[i] == 'm' ? i + 1 : 0;
}

static size_t plain_len(const char *s, size_t n)
{
        const unsigned char c = (unsigned char) s[0];

        if (c == '\033')
                return colour_len(s, n);
        if ((c < 0x20 && c != '\t') || c == 0x7f)
                return 0;
        return utf8_len((const unsigned char *) s, n);
}

void shape_console(struct buf *out, const char *node, const char *line, size_t n)
{
        buf_adds(out, node[0] == '/' && node[1] ? node + 1 : node);
        buf_add(out, ": ", 2);
        if (n > 0 && line[n - 1] == '\r')
                n--;
        for (size_t at = 0, from = 0; at <= n;) {
                const size_t len = at < n ? plain_len(line + at, n - at) : 0;

                if (len > 0) {
                        at += len;
                        continue;
                }
                buf_add(out, line + from, at - from);
                if (at < n)
                        buf_addf(out, "\\x%02x", (unsigned) (unsigned char) line[at]);
                from = ++at;
        }
        buf_addc(out, '\n');
}

/* --- tail ------------------------------------------------------------------------------------- */

size_t shape_last(const char *text, size_t n, size_t max)
{
        const char *nl;

        if (n <= max)
                return 0;
        nl = memchr(text + (n - max - 1), '\n', max); /* one byte earlier: a line may begin exactly there */
        return nl ? (size_t) (nl + 1 - text) : n - max;
}
