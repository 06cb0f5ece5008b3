/* envfile.c - see envfile.h. */
#include "os/envfile.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "os/fs.h"

#define FILE_MAX (1U << 20)

struct reader {
        const char *p, *end;
        uint32_t line;
};

static bool at_end(const struct reader *r)
{
        return r->p == r->end;
}

static char take(struct reader *r)
{
        if (*r->p == '\n')
                r->line++;
        return *r->p++;
}

static void skip_line(struct reader *r)
{
        while (!at_end(r) && take(r) != '\n')
                ;
}

static void skip_blank(struct reader *r)
{
        while (!at_end(r) && isspace((unsigned char) *r->p))
                (void) take(r);
}

/* In double quotes a backslash is one unless it stands before " \ ` $ (taken literally) or the end of the line. */
static bool quoted(struct reader *r, char quote, struct buf *out)
{
        while (!at_end(r)) {
                char c = take(r);

                if (c == quote)
                        return true;
                if (c == '\\' && quote == '"' && !at_end(r)) {
                        char next = take(r);

                        if (next == '\n')
                                continue;
                        if (!strchr("\"\\`$", next))
                                buf_addc(out, '\\');
                        c = next;
                }
                buf_addc(out, c);
        }
        return false;
}

/* Up to the end of the line; `keep` is where white space at the end must not be cut any more. */
static bool value(struct reader *r, struct buf *out)
{
        size_t keep = out->len;

        while (!at_end(r) && (*r->p == ' ' || *r->p == '\t'))
                r->p++;
        while (!at_end(r)) {
                char c = take(r);

                if (c == '\n')
                        break;
                if (c == '"' || c == '\'') {
                        if (!quoted(r, c, out))
                                return false;
                        keep = out->len;
                } else if (c == '\\') {
                        if (at_end(r))
                                break;
                        c = take(r);
                        if (c != '\n') {
                                buf_addc(out, c);
                                keep = out->len;
                        }
                } else if (c != '\r') {
                        buf_addc(out, c);
                        if (c != ' ' && c != '\t')
                                keep = out->len;
                }
        }
        if (!buf_failed(out))
                out->len = keep;
        return true;
}

static bool name(struct reader *r, struct buf *out)
{
        const char *start = r->p;

        while (!at_end(r) && (isalnum((unsigned char) *r->p) || *r->p == '_'))
                r->p++;
        if (r->p == start || isdigit((unsigned char) *start))
                return false;
        buf_add(out, start, (size_t) (r->p - start));
        while (!at_end(r) && (*r->p == ' ' || *r->p == '\t'))
                r->p++;
        return !at_end(r) && *r->p == '=';
}

int envfile_parse(const char *text, size_t len, const char *file, struct buf *out, struct err *err)
{
        struct reader r = { text, text + len, 1 };

        for (;;) {
                uint32_t line;
                bool good;

                skip_blank(&r);
                if (at_end(&r))
                        break;
                line = r.line;
                if (*r.p == '#' || *r.p == ';') {
                        skip_line(&r);
                        continue;
                }
                good = name(&r, out);
                if (good) {
                        buf_addc(out, take(&r));
                        good = value(&r, out);
                }
                if (!good) {
                        (void) err_set(err, STAGE_ENVIRONMENT, EINVAL, "read %s: line %u is no NAME=VALUE", file, line);
                        err_where(err, file, line);
                        return -EINVAL;
                }
                buf_addc(out, 0);
        }
        return buf_failed(out) ? err_set(err, STAGE_ENVIRONMENT, ENOMEM, "read %s: out of memory", file) : 0;
}

int envfile_read(const char *path, struct buf *out, struct err *err)
{
        autobuf struct buf text = BUF_INIT;
        bool optional = path[0] == '-';
        struct err why = { 0 };
        int r;

        path += optional;
        r = fs_read(path, FILE_MAX, &text, &why);
        if (r == -ENOENT && optional)
                return 0;
        if (r < 0) {
                why.stage = STAGE_ENVIRONMENT;
                if (r == -ENOENT)
                        err_hint(&why, "create it, or write EnvironmentFile=-%s", path);
                if (err)
                        *err = why;
                return r;
        }
        if (text.len && memchr(text.data, 0, text.len))
                return err_set(err, STAGE_ENVIRONMENT, EINVAL, "read %s: it has a NUL byte", path);
        return envfile_parse(buf_text(&text), text.len, path, out, err);
}
