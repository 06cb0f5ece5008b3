/* unit_lines.c - see unit_lines.h. */
#include "core/unit_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "core/words.h"

enum { REMARKS_MAX = 50 }; /* a file of garbage does not get one remark for each of its lines */

struct reader {
        const struct unit_source *source;
        struct remarks *remarks;
        unsigned errors_before;
        struct unit_lines *out;
        char *start, *end;      /* the logical line so far, inside out->text */
        uint32_t number;        /* of the physical line */
        uint32_t first;         /* of the logical line; 0: none is open */
        uint32_t indent;        /* blanks before the first line's text */
        bool joined, bad;
};

static void complain(struct reader *r, uint32_t line, uint32_t column, const char *what, const char *hint)
{
        remark(r->remarks, DIAG_ERROR, r->source->file, line, column, hint, "%s", what);
}

/* U+202A to U+202E and U+2066 to U+2069 change the order in which the characters around them are shown, so that a line
 * does not say what it seems to say. Right-to-left text itself does not need them. */
static bool reorders_text(const unsigned char *p, size_t len)
{
        return len == 3 && p[0] == 0xe2 && ((p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) ||
                                            (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

/* Check the bytes of one physical line; a remark about the first bad one. */
static bool bytes_ok(struct reader *r, const char *line, size_t n)
{
        const unsigned char *p = (const unsigned char *) line;

        for (size_t i = 0; i < n; ) {
                size_t len = 1;

                if (p[i] >= 0x80) {
                        len = utf8_length(p + i, n - i);
                        if (len == 0) {
                                complain(r, r->number, (uint32_t) i + 1, "not UTF-8",
                                         "save the file as UTF-8, or write \\xHH");
                                return false;
                        }
                        if (reorders_text(p + i, len)) {
                                complain(r, r->number, (uint32_t) i + 1, "a character that reorders the text around it",
                                         "take it out; in a command or list one can write \\uHHHH");
                                return false;
                        }
                } else if ((p[i] < ' ' && p[i] != '\t') || p[i] == 0x7f) {
                        if (p[i] == '\r')
                                complain(r, r->number, (uint32_t) i + 1, "a carriage return",
                                         "convert the line ends: sed -i 's/\\r$//' FILE");
                        else
                                remark(r->remarks, DIAG_ERROR, r->source->file, r->number, (uint32_t) i + 1,
                                       "take it out, or write \\xHH", "a control character (0x%02x)", p[i]);
                        return false;
                }
                i += len;
        }
        return true;
}

static bool blank(char c)
{
        return c == ' ' || c == '\t';
}

static bool key_char(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static int add_line(struct reader *r, const char *key, const char *value, uint32_t value_column)
{
        struct unit_lines *l = r->out;

        if (l->count == l->cap) {
                size_t cap = l->cap ? 2 * l->cap : 16;
                struct unit_line *grown = reallocarray(l->lines, cap, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                l->lines = grown;
                l->cap = cap;
        }
        l->lines[l->count++] = (struct unit_line) {
                .key = key, .value = value, .line = r->first, .column = r->indent + 1, .value_column = value_column,
                .joined = r->joined,
        };
        return 0;
}

static int header(struct reader *r, char *text, size_t n)
{
        if (text[n - 1] != ']' || n < 3 || memchr(text + 1, '[', n - 2) || memchr(text + 1, ']', n - 2)) {
                complain(r, r->first, r->indent + 1, "not a section", "write [Name] and nothing else on the line");
                return 0;
        }
        text[n - 1] = '\0';
        return add_line(r, NULL, text + 1, 0);
}

static int assignment(struct reader *r, char *text, size_t n)
{
        char *eq = memchr(text, '=', n), *end = eq, *value;

        if (!eq) {
                complain(r, r->first, r->indent + 1, "neither [Section], nor Key=Value, nor a comment",
                         "a comment begins with # or ;, a line goes on after a \\ at its end");
                return 0;
        }
        while (end > text && blank(end[-1]))
                end--;
        for (char *p = text; p < end; p++)
                if (!key_char(*p)) {
                        complain(r, r->first, r->indent + 1 + (uint32_t) (p - text), "not a key",
                                 "a key has letters, digits and dashes only");
                        return 0;
                }
        if (end == text) {
                complain(r, r->first, r->indent + 1, "no key before the =", "write Key=Value");
                return 0;
        }
        *end = '\0';
        for (value = eq + 1; blank(*value); value++)
                ;
        return add_line(r, text, value, r->indent + 1 + (uint32_t) (value - text));
}

/* The logical line is complete. */
static int finish_line(struct reader *r)
{
        size_t n;

        while (r->end > r->start && blank(r->end[-1]))
                r->end--;
        n = (size_t) (r->end - r->start);
        *r->end = '\0';
        if (r->bad || n == 0)
                return 0;
        if (n > UNIT_LINE_MAX) {
                remark(r->remarks, DIAG_ERROR, r->source->file, r->first, 0,
                       "split it: a list may be given in several lines",
                       "a line of %zu bytes; at most %d are read", n, UNIT_LINE_MAX);
                return 0;
        }
        return r->start[0] == '[' ? header(r, r->start, n) : assignment(r, r->start, n);
}

static bool goes_on(const char *line, size_t n)
{
        size_t backslashes = 0;

        while (backslashes < n && line[n - 1 - backslashes] == '\\')
                backslashes++;
        return backslashes % 2 == 1;
}

/* One physical line, without its newline. */
static int physical_line(struct reader *r, const char *line, size_t n)
{
        size_t indent = 0;
        bool more;

        while (indent < n && blank(line[indent]))
                indent++;
        if (!bytes_ok(r, line, n)) {
                r->bad = true;
        } else if (indent < n && (line[indent] == '#' || line[indent] == ';')) {
                return 0; /* also between the parts of a continued line */
        }
        if (r->first == 0) {
                if (indent == n)
                        return 0;
                r->first = r->number;
                r->indent = (uint32_t) indent;
                r->start = r->end;
                line += indent;
                n -= indent;
        } else {
                r->joined = true;
        }
        more = goes_on(line, n);
        memcpy(r->end, line, n);
        r->end += n;
        if (more) {
                r->end[-1] = ' '; /* the backslash */
                return 0;
        }
        if (finish_line(r) < 0)
                return -ENOMEM;
        r->end++; /* keep the NUL */
        r->first = 0;
        r->joined = r->bad = false;
        return 0;
}

/* What is written never overtakes what is read: a logical line is no longer than its lines, and its NUL takes the
 * place of a newline (of the last line's missing one: the spare bytes at the end). */
static int read_lines(struct reader *r, const char *text, size_t len)
{
        size_t at = 0;

        while (at < len) {
                const char *newline = memchr(text + at, '\n', len - at);
                size_t n = newline ? (size_t) (newline - text) - at : len - at;

                r->number++;
                if (physical_line(r, text + at, n) < 0)
                        return -ENOMEM;
                if (r->remarks->errors - r->errors_before >= REMARKS_MAX) {
                        complain(r, r->number, 0, "too many mistakes; the rest is not read", "is this a unit file?");
                        return 0;
                }
                at += n + 1;
        }
        if (r->first != 0)
                complain(r, r->number, 0, "the file ends after a \\", "take the \\ at the end of the last line out");
        return 0;
}

int unit_lines_read(const struct unit_source *source, struct remarks *remarks, struct unit_lines *ret)
{
        struct reader r = { .source = source, .remarks = remarks, .errors_before = remarks->errors, .out = ret };
        const char *text = source->text;
        size_t len = source->len;

        *ret = (struct unit_lines) { 0 };
        if (len > UNIT_TEXT_MAX) {
                remark(remarks, DIAG_ERROR, source->file, 0, 0, "is this a unit file?",
                       "larger than %d KiB", UNIT_TEXT_MAX / 1024);
                return 0;
        }
        if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
                complain(&r, 1, 1, "a byte order mark", "save the file as UTF-8 without one");
                text += 3;
                len -= 3;
        }
        ret->text = malloc(len + 2);
        if (!ret->text)
                return -ENOMEM;
        r.end = ret->text;
        return read_lines(&r, text, len);
}

void unit_lines_free(struct unit_lines *l)
{
        free(l->lines);
        free(l->text);
        *l = (struct unit_lines) { 0 };
}
