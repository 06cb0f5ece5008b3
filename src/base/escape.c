/* escape.c - see escape.h. */
#include "base/escape.h"

#include "base/utf8.h"

size_t escape_utf8_length(const char *text, size_t n)
{
        const bool c1_control = (unsigned char) text[0] == 0xc2 && n > 1 && (unsigned char) text[1] < 0xa0;

        return c1_control ? 0 : utf8_length(text, n);
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
        return escape_utf8_length(s, n);
}

void escape_text(struct buf *out, const char *text, size_t n)
{
        size_t from = 0;

        for (size_t at = 0; at < n;) {
                const size_t len = plain_len(text + at, n - at);

                if (len > 0) {
                        at += len;
                        continue;
                }
                buf_add(out, text + from, at - from);
                buf_addf(out, "\\x%02x", (unsigned) (unsigned char) text[at]);
                from = ++at;
        }
        buf_add(out, text + from, n - from);
}
