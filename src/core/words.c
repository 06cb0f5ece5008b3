/* words.c - see words.h. */
#include "core/words.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"

static int digit_value(char c, unsigned base)
{
        int v = -1;

        if (c >= '0' && c <= '9')
                v = c - '0';
        else if (c >= 'a' && c <= 'f')
                v = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
                v = c - 'A' + 10;
        return v >= 0 && v < (int) base ? v : -1;
}

/* n digits at p as a number; -1 when one of them is none. */
static int64_t fixed_digits(const char *p, int n, unsigned base)
{
        int64_t v = 0;

        for (int i = 0; i < n; i++) {
                int digit = digit_value(p[i], base);

                if (digit < 0)
                        return -1;
                v = v * base + digit;
        }
        return v;
}

/* \xHH and \NNN are bytes, \u and \U characters. Length of the escape behind the backslash, 0 when it is none,
 * -EINVAL when it stands for NUL, a surrogate or nothing at all. */
static int numeric_escape(const char *p, struct buf *out)
{
        static const struct {
                char letter;
                int digits;
        } forms[] = { { 'x', 2 }, { 'u', 4 }, { 'U', 8 } };
        char utf8[4];
        int64_t v;

        for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
                if (p[0] != forms[i].letter)
                        continue;
                v = fixed_digits(p + 1, forms[i].digits, 16);
                if (v < 0)
                        return 0;
                if (v == 0 || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
                        return -EINVAL;
                if (forms[i].digits == 2)
                        buf_addc(out, (char) v);
                else
                        buf_add(out, utf8, utf8_put(utf8, (uint32_t) v));
                return 1 + forms[i].digits;
        }
        v = fixed_digits(p, 3, 8);
        if (v < 0)
                return 0;
        if (v == 0 || v > 255)
                return -EINVAL;
        buf_addc(out, (char) v);
        return 3;
}

/* w->p is at a backslash. */
static int escape(struct words *w, struct buf *out, struct err *err)
{
        static const char letters[] = "abfnrtv\\\"'s", means[] = "\a\b\f\n\r\t\v\\\"' ";
        const char *p = w->p + 1;
        const char *letter = *p ? strchr(letters, *p) : NULL;
        int n = 1;

        if (letter) {
                buf_addc(out, means[letter - letters]);
        } else {
                n = *p ? numeric_escape(p, out) : 0;
                if (n < 0) {
                        (void) err_set(err, STAGE_LOAD, EINVAL, "the escape \\%.10s stands for no character", p);
                        err_hint(err, "write \\\\ for a backslash");
                        return n;
                }
                if (n == 0) {
                        w->odd_escapes++;
                        buf_addc(out, '\\');
                }
        }
        w->p = p + n;
        return 0;
}

static bool blank(char c)
{
        return c == ' ' || c == '\t' || c == '\n';
}

int words_next(struct words *w, struct buf *out, struct err *err)
{
        char quote = 0;

        while (blank(*w->p))
                w->p++;
        w->quoted = false;
        if (!*w->p)
                return 0;
        while (*w->p && (quote || !blank(*w->p))) {
                char c = *w->p;

                if (c == '\\') {
                        int r = escape(w, out, err);

                        if (r < 0)
                                return r;
                        w->quoted = true;
                        continue;
                }
                w->p++;
                if (quote ? c == quote : c == '"' || c == '\'') {
                        quote = quote ? 0 : c;
                        w->quoted = true;
                        continue;
                }
                buf_addc(out, c);
        }
        if (quote) {
                (void) err_set(err, STAGE_LOAD, EINVAL, "a quote (%c) is not closed", quote);
                err_hint(err, "close it, or write \\%c for the character itself", quote);
                return -EINVAL;
        }
        return 1;
}

void words_quote(const char *word, bool specifiers, struct buf *out)
{
        bool plain = *word && !strpbrk(word, " \t\n\r\a\b\f\v\"'\\;#");

        if (!plain)
                buf_addc(out, '"');
        for (size_t n = strlen(word); n > 0; word++, n--) {
                unsigned char c = (unsigned char) *word;
                size_t wide = c >= 0x80 ? utf8_length(word, n) : 0;

                if (c == '"' || c == '\\')
                        buf_addf(out, "\\%c", c);
                else if (c == '\n')
                        buf_adds(out, "\\n");
                else if (wide > 0)
                        buf_add(out, word, wide);
                else if (c < ' ' || c >= 0x7f)
                        buf_addf(out, "\\x%02x", c);
                else if (c == '%' && specifiers)
                        buf_adds(out, "%%");
                else
                        buf_addc(out, (char) c);
                if (wide > 0) {
                        word += wide - 1;
                        n -= wide - 1;
                }
        }
        if (!plain)
                buf_addc(out, '"');
}
