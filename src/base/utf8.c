/* utf8.c - see utf8.h. */
#include "base/utf8.h"

size_t utf8_length(const void *text, size_t n)
{
        const unsigned char *s = text;
        const unsigned char c = s[0];
        const size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

        if (len == 0 || len > n)
                return 0;
        for (size_t i = 1; i < len; i++)
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
        if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) || (c == 0xf0 && s[1] < 0x90) ||
            (c == 0xf4 && s[1] > 0x8f))
                return 0;
        return len;
}

size_t utf8_put(char *out, uint32_t c)
{
        const size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

        for (size_t i = len - 1; i > 0; i--, c >>= 6)
                out[i] = (char) (0x80 | (c & 0x3f));
        out[0] = (char) (lead[len] | c);
        return len;
}
