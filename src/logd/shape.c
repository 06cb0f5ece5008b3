/* shape.c - see shape.h. */
#include "logd/shape.h"

#include <string.h>

#include "base/escape.h"
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
                if (!inside)
                        memcpy(to, stamp, LOG_STAMP_LEN); /* a constant length: two moves instead of a call */
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

                /* The quote that ends the value is not the one that begins it. */
                if (value && (size_t) (text + next - value) >= sizeof key - 1 + 3 &&
                    memcmp(text + next - 3, "\"}\n", 3) == 0) {
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

void shape_console(struct buf *out, const char *node, const char *line, size_t n)
{
        buf_adds(out, node[0] == '/' && node[1] ? node + 1 : node);
        buf_add(out, ": ", 2);
        if (n > 0 && line[n - 1] == '\r')
                n--;
        escape_text(out, line, n);
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
