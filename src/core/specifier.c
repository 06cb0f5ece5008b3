/* specifier.c - the % specifiers: see words.h. What there is: specifiers.def. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strtab.h"
#include "base/utf8.h"
#include "core/words.h"

const struct unit_host unit_host_example = {
#define NAME_SPECIFIER(letter, function, what)
#define HOST_SPECIFIER(letter, field, example, what) .field = example,
#include "core/specifiers.def"
#undef NAME_SPECIFIER
#undef HOST_SPECIFIER
};

/* What a specifier is made of, and where it goes. The put_ functions return false when it is not known, or no text. */
struct made {
        const struct unit_name *name;
        const struct unit_host *host;
        struct buf *out;
};

/* What systemd-escape did to a path: "-" stands for "/", \xHH for a byte. The result has to be printable text, for it
 * goes wherever a text goes. */
static bool add_unescaped(const struct made *m, const char *text, size_t n)
{
        struct buf *out = m->out;
        size_t begin = out->len, wide;

        for (size_t i = 0; i < n; i++) {
                int byte = text[i] == '\\' ? unit_name_escape(text + i, n - i) : -1;

                buf_addc(out, byte >= 0 ? (char) byte : text[i] == '-' ? '/' : text[i]);
                i += byte >= 0 ? 3 : 0;
        }
        for (size_t i = begin; i < out->len; i += wide) {
                wide = utf8_length(out->data + i, out->len - i);
                if (wide == 0 || (wide == 1 && ((unsigned char) out->data[i] < ' ' || out->data[i] == 0x7f)))
                        return false;
        }
        return true;
}

static bool put_full_name(const struct made *m)
{
        buf_addf(m->out, "%s.%s", m->name->stem, strtab_text(&node_kind_names, (int) m->name->kind));
        return true;
}

static bool put_stem(const struct made *m)
{
        buf_adds(m->out, m->name->stem);
        return true;
}

static bool put_prefix(const struct made *m)
{
        buf_adds(m->out, m->name->prefix);
        return true;
}

static bool put_unescaped_prefix(const struct made *m)
{
        return add_unescaped(m, m->name->prefix, strlen(m->name->prefix));
}

static bool put_instance(const struct made *m)
{
        buf_adds(m->out, m->name->instance);
        return true;
}

static bool put_unescaped_instance(const struct made *m)
{
        return add_unescaped(m, m->name->instance, strlen(m->name->instance));
}

static const char *last_of_prefix(const struct made *m)
{
        const char *dash = strrchr(m->name->prefix, '-');

        return dash ? dash + 1 : m->name->prefix;
}

static bool put_last_of_prefix(const struct made *m)
{
        buf_adds(m->out, last_of_prefix(m));
        return true;
}

static bool put_unescaped_last_of_prefix(const struct made *m)
{
        return add_unescaped(m, last_of_prefix(m), strlen(last_of_prefix(m)));
}

static bool put_file(const struct made *m)
{
        buf_addc(m->out, '/');
        return m->name->instance[0] ? put_unescaped_instance(m) : put_unescaped_prefix(m);
}

static bool put_credentials(const struct made *m)
{
        if (!m->host->runtime_dir)
                return false;
        buf_addf(m->out, "%s/credentials/", m->host->runtime_dir);
        return put_full_name(m);
}

static const struct row {
        char letter;
        bool (*put)(const struct made *m);
        size_t field;        /* without `put`: of struct unit_host */
        const char *what;
} rows[] = {
#define NAME_SPECIFIER(letter, function, what) { letter, put_##function, 0, what },
#define HOST_SPECIFIER(letter, field, example, what) { letter, NULL, offsetof(struct unit_host, field), what },
#include "core/specifiers.def"
#undef NAME_SPECIFIER
#undef HOST_SPECIFIER
};

const char *specifier_row(size_t i, char *ret_letter)
{
        if (i >= ARRAY_LEN(rows))
                return NULL;
        *ret_letter = rows[i].letter;
        return rows[i].what;
}

static bool put(const struct row *row, const struct made *m)
{
        const char *text;

        if (row->put)
                return row->put(m);
        text = *(const char *const *) ((const char *) m->host + row->field);
        if (text)
                buf_adds(m->out, text);
        return text;
}

static int refuse_unknown(char letter, struct err *err)
{
        autobuf struct buf all = BUF_INIT;

        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                buf_addf(&all, "%%%c ", rows[i].letter);
        (void) err_set(err, STAGE_LOAD, EINVAL, "unknown specifier %%%.1s", letter ? (char[]) { letter, 0 } : "");
        err_hint(err, "write %%%% for a percent sign; there are %s%%%%", buf_text(&all));
        return -EINVAL;
}

static int specifier(char letter, const struct made *m, struct err *err)
{
        const struct row *row = rows;

        if (letter == '%') {
                buf_addc(m->out, '%');
                return 0;
        }
        while (row < rows + ARRAY_LEN(rows) && row->letter != letter)
                row++;
        if (row == rows + ARRAY_LEN(rows))
                return refuse_unknown(letter, err);
        if (put(row, m))
                return 0;
        if (row->put && letter != 'd') {
                (void) err_set(err, STAGE_LOAD, EINVAL, "what %%%c of %.100s stands for is no text", letter,
                               m->name->stem);
                err_hint(err, "undo the escapes in the program, and give it %%i");
        } else {
                (void) err_set(err, STAGE_LOAD, EINVAL, "what %%%c stands for is not known on this machine", letter);
                err_hint(err, "write the value itself");
        }
        return -EINVAL;
}

int specifiers_expand(const char *text, const struct unit_name *name, const struct unit_host *host, struct buf *out,
                      struct err *err)
{
        struct made m = { .name = name, .host = host, .out = out };

        for (;;) {
                const char *percent = strchr(text, '%');
                int r;

                if (!percent) {
                        buf_adds(out, text);
                        return 0;
                }
                buf_add(out, text, (size_t) (percent - text));
                r = specifier(percent[1], &m, err);
                if (r < 0)
                        return r;
                text = percent + 2;
        }
}
