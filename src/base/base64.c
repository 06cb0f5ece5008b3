/* base64.c - see base64.h. */
#include "base/base64.h"

#include <errno.h>
#include <string.h>

#include "base/escape.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *bytes, size_t n, struct buf *out)
{
        const unsigned char *p = bytes;

        for (; n > 0; p += 3) {
                size_t have = n < 3 ? n : 3;
                unsigned v = (unsigned) p[0] << 16 | (have > 1 ? (unsigned) p[1] << 8 : 0) | (have > 2 ? p[2] : 0U);

                buf_addc(out, letters[v >> 18]);
                buf_addc(out, letters[v >> 12 & 63]);
                buf_addc(out, have > 1 ? letters[v >> 6 & 63] : '=');
                buf_addc(out, have > 2 ? letters[v & 63] : '=');
                n -= have;
        }
}

static int value(char c)
{
        const char *at = c ? strchr(letters, c) : NULL;

        return at ? (int) (at - letters) : -1;
}

/* One group; how many bytes it stands for, -EINVAL. */
static int decode_group(const char *text, bool last, struct buf *out)
{
        int pad = text[3] != '=' ? 0 : text[2] != '=' ? 1 : 2;
        unsigned v = 0;

        if (pad && !last)
                return -EINVAL;
        for (int i = 0; i < 4; i++) {
                int d = i >= 4 - pad ? 0 : value(text[i]);

                if (d < 0)
                        return -EINVAL;
                v = v << 6 | (unsigned) d;
        }
        if ((pad == 1 && (v & 0xff)) || (pad == 2 && (v & 0xffff)))
                return -EINVAL; /* bits that nobody asked for */
        for (int i = 0; i < 3 - pad; i++)
                buf_addc(out, (char) (v >> (16 - 8 * i) & 0xff));
        return 3 - pad;
}

int base64_decode(const char *text, size_t n, struct buf *out)
{
        if (n % 4)
                return -EINVAL;
        for (size_t i = 0; i < n; i += 4)
                if (decode_group(text + i, i + 4 == n, out) < 0)
                        return -EINVAL;
        return 0;
}

bool base64_needless(const char *bytes, size_t n)
{
        while (n > 0) {
                size_t len = *bytes ? escape_utf8_length(bytes, n) : 0;

                if (len == 0)
                        return false;
                bytes += len;
                n -= len;
        }
        return true;
}
