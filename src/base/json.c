/* json.c - see json.h. */
#include "base/json.h"

#include <math.h>
#include <string.h>

#include "base/utf8.h"

static bool plain(unsigned char c)
{
        return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void escape_one(struct buf *b, unsigned char c)
{
        static const char named[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };

        if (c == '"' || c == '\\')
                buf_addf(b, "\\%c", c);
        else if (c < sizeof named && named[c])
                buf_addf(b, "\\%c", named[c]);
        else
                buf_addf(b, "\\u%04x", c);
}

static void quote(struct buf *b, const char *text, size_t n)
{
        const unsigned char *s = (const unsigned char *) text;
        size_t i = 0, run, len;

        buf_addc(b, '"');
        while (i < n) {
                for (run = i; run < n && plain(s[run]); run++)
                        ;
                buf_add(b, s + i, run - i);
                i = run;
                if (i == n)
                        break;
                if (s[i] < 0x80) {
                        escape_one(b, s[i++]);
                        continue;
                }
                len = utf8_length(s + i, n - i);
                if (len)
                        buf_add(b, s + i, len);
                else
                        buf_adds(b, "\xef\xbf\xbd");
                i += len ? len : 1;
        }
        buf_addc(b, '"');
}

static void begin(struct json *j, const char *key)
{
        if (j->comma)
                buf_addc(j->out, ',');
        j->comma = true;
        if (key) {
                quote(j->out, key, strlen(key));
                buf_addc(j->out, ':');
        }
}

void json_open(struct json *j, const char *key, char bracket)
{
        begin(j, key);
        if (j->depth == (int) sizeof j->closers) {
                j->out->failed = true;
                return;
        }
        buf_addc(j->out, bracket);
        j->closers[j->depth++] = bracket == '{' ? '}' : ']';
        j->comma = false;
}

void json_close(struct json *j)
{
        if (j->depth == 0) {
                j->out->failed = true;
                return;
        }
        buf_addc(j->out, j->closers[--j->depth]);
        j->comma = true;
}

void json_strn(struct json *j, const char *key, const char *value, size_t n)
{
        begin(j, key);
        quote(j->out, value, n);
}

void json_str(struct json *j, const char *key, const char *value)
{
        if (value)
                json_strn(j, key, value, strlen(value));
        else
                json_nil(j, key);
}

/* By hand: a list of nodes is mostly numbers and short texts, and printf would take half of its time. */
static void add_digits(struct buf *b, uint64_t value)
{
        char digits[20], *p = digits + sizeof digits;

        do
                *--p = (char) ('0' + value % 10);
        while ((value /= 10) > 0);
        buf_add(b, p, (size_t) (digits + sizeof digits - p));
}

void json_int(struct json *j, const char *key, int64_t value)
{
        begin(j, key);
        if (value < 0)
                buf_addc(j->out, '-');
        add_digits(j->out, value < 0 ? -(uint64_t) value : (uint64_t) value);
}

void json_uint(struct json *j, const char *key, uint64_t value)
{
        begin(j, key);
        add_digits(j->out, value);
}

void json_num(struct json *j, const char *key, double value)
{
        begin(j, key);
        if (isfinite(value))
                buf_addf(j->out, "%.6g", value);
        else
                buf_adds(j->out, "null");
}

void json_bool(struct json *j, const char *key, bool value)
{
        begin(j, key);
        buf_adds(j->out, value ? "true" : "false");
}

void json_nil(struct json *j, const char *key)
{
        begin(j, key);
        buf_adds(j->out, "null");
}

void json_raw(struct json *j, const char *key, const char *json_text)
{
        begin(j, key);
        buf_adds(j->out, json_text);
}
