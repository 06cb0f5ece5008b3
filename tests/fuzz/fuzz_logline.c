/* fuzz_logline.c - any bytes as what a service writes (FAILURES F3, F5): stamped, they come back unchanged, in whatever pieces
 * they came; as JSON each line is one object that says the same; a console gets nothing that moves its cursor.
 *
 * The first byte is the size of the pieces. */
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "logd/shape.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char stamp[LOG_STAMP_LEN + 1] = "2026-11-21T03:58:12.123456Z ";

static void check_stamped(const char *text, size_t n, size_t piece)
{
        size_t cap = n + (n + 1) * LOG_STAMP_LEN + 64, len = 0, newlines = 0;
        char *out = malloc(cap);
        uint64_t lines = 0;
        bool midline = false;

        MUST(out);
        for (size_t at = 0, put; at < n; len += put) {
                size_t part = n - at < piece ? n - at : piece;
                size_t taken = shape_time(&midline, stamp, text + at, part, out + len, cap - len, &put, &lines);

                MUST(taken == part && put <= cap - len);
                at += taken;
        }
        for (size_t i = 0; i < n; i++)
                newlines += text[i] == '\n';
        MUST(lines == newlines);
        MUST(n == 0 || midline == (text[n - 1] != '\n'));
        MUST(unshape_time(out, len) == n && memcmp(out, text, n) == 0);
        MUST(shape_last(text, n, piece) <= n && n - shape_last(text, n, piece) <= piece);
        free(out);
}

static bool is_utf8(const char *text, size_t n)
{
        for (size_t len; n > 0; text += len, n -= len) {
                len = utf8_length(text, n);
                if (len == 0)
                        return false;
        }
        return true;
}

static void check_line(const char *line, size_t n)
{
        struct buf out = BUF_INIT;
        json_t *object;
        size_t len;

        shape_json(&out, stamp, "/web", line, n, false);
        MUST(!buf_failed(&out) && out.len > 0 && out.data[out.len - 1] == '\n' && memchr(out.data, '\n', out.len) == out.data + out.len - 1);
        object = json_loadb(out.data, out.len, JSON_ALLOW_NUL, NULL);
        MUST(json_is_string(json_object_get(object, "message")));
        json_decref(object);
        len = unshape_json(out.data, out.len);
        MUST(len > 0 && out.data[len - 1] == '\n' && len <= out.len);
        if (is_utf8(line, n))
                MUST(len == n + 1 && memcmp(out.data, line, n) == 0);
        buf_clear(&out);
        shape_console(&out, "/web", line, n);
        MUST(!buf_failed(&out) && is_utf8(out.data, out.len));
        for (size_t i = 0; i + 1 < out.len; i++)
                MUST((unsigned char) out.data[i] >= ' ' || out.data[i] == '\t' || (out.data[i] == '\033' && out.data[i + 1] == '['));
        buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text, *again;

        if (size < 1)
                return 0;
        text = malloc(size);
        again = malloc(size);
        MUST(text && again);
        memcpy(text, data + 1, size - 1);
        check_stamped(text, size - 1, data[0] + 1U);
        for (size_t at = 0, n; at < size - 1; at += n + 1) {
                const char *eol = memchr(text + at, '\n', size - 1 - at);

                n = eol ? (size_t) (eol - (text + at)) : size - 1 - at;
                check_line(text + at, n);
        }
        memcpy(again, text, size - 1);
        MUST(unshape_json(again, size - 1) <= size - 1); /* lines that are none of ours */
        memcpy(again, text, size - 1);
        MUST(unshape_time(again, size - 1) <= size - 1);
        free(text);
        free(again);
        return 0;
}
