/* transient.c - see transient.h: the properties are laid out as the text of a unit, a line each, and parsed. */
#include "core/transient.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/spawnable.h"
#include "core/words.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

enum { COMMAND_LINE = 0xffff };   /* in `of`: the line holds the command, or a default of ours */

struct layout {
        const struct transient_unit *t;
        struct buf text;
        uint16_t of[TRANSIENT_PROPERTIES_MAX + 8]; /* line -> property, from 0 */
        uint32_t lines;
        uint32_t before, inherited; /* behind so many lines there are so many that are not counted in `lines` */
        diag_fn *report;
        void *arg;
        struct err *err;
        bool failed;
};

static void name_property(struct err *err, const struct transient_unit *t, size_t i)
{
        char who[sizeof err->unit];

        if (!err)
                return;
        (void) snprintf(who, sizeof who, "property %zu (%.40s%s)", i + 1, t->properties[i],
                        strlen(t->properties[i]) > 40 ? "..." : "");
        err->unit[0] = err->file[0] = '\0';
        err->line = 0;
        err_unit(err, who);
}

static int refuse(const struct transient_unit *t, size_t i, struct err *err, const char *what)
{
        struct err why = { 0 };

        (void) err_set(&why, STAGE_LOAD, EINVAL, "%s", what);
        err_hint(&why, "write it as a line of a unit file, such as LimitNOFILE=1024");
        name_property(&why, t, i);
        if (err)
                *err = why;
        return -EINVAL;
}

/* One line and nothing that could begin another one, a section or a comment. */
static int check_property(const struct transient_unit *t, size_t i, struct err *err)
{
        const char *text = t->properties[i];
        size_t key = strspn(text, LETTERS "0123456789");

        if (key == 0 || !strchr(LETTERS, text[0]) || text[key + strspn(text + key, " \t")] != '=')
                return refuse(t, i, err, "is no assignment");
        if (strpbrk(text, "\n\r"))
                return refuse(t, i, err, "is more than one line");
        if (t->spawner && spawnable_property(text, err) < 0) {
                name_property(err, t, i);
                return -EPERM;
        }
        return 0;
}

static bool has_key(const char *property, const char *key)
{
        size_t n = strlen(key);

        return strncmp(property, key, n) == 0 && property[n + strspn(property + n, " \t")] == '=';
}

static bool says(const struct transient_unit *t, const char *key)
{
        for (size_t i = 0; i < t->count; i++)
                if (has_key(t->properties[i], key))
                        return true;
        return false;
}

static enum section section_of(const char *property)
{
        char key[64];
        size_t n = strspn(property, LETTERS "0123456789");

        (void) snprintf(key, sizeof key, "%.*s", n < sizeof key ? (int) n : 0, property);
        if (directive_find(SECTION_SERVICE, key) == D_NONE && directive_find(SECTION_UNIT, key) != D_NONE)
                return SECTION_UNIT;
        return SECTION_SERVICE; /* unknown ones too: the parser knows the nearest spelling */
}

static void add_line(struct layout *l, uint16_t of, const char *line)
{
        size_t n = strlen(line);

        l->of[++l->lines] = of;
        buf_adds(&l->text, line);
        if (n > 0 && line[n - 1] == '\\')
                buf_addc(&l->text, ' '); /* it must not reach for the next line */
        buf_addc(&l->text, '\n');
}

static void add_section(struct layout *l, enum section section)
{
        for (size_t i = 0; i < l->t->count; i++)
                if (section_of(l->t->properties[i]) == section)
                        add_line(l, (uint16_t) i, l->t->properties[i]);
}

/* argv[0] is what was typed; the program is found by whoever asks, or by the fixed path at exec. */
static void add_command(struct layout *l)
{
        autobuf struct buf line = BUF_INIT, program = BUF_INIT;

        if (l->t->argc == 0)
                return;
        buf_addf(&program, "@:%s", l->t->command[0]);
        buf_adds(&line, "ExecStart=");
        words_quote(buf_text(&program), true, &line);
        for (size_t i = 0; i < l->t->argc; i++) {
                buf_addc(&line, ' ');
                words_quote(l->t->command[i], true, &line);
        }
        add_line(l, COMMAND_LINE, buf_text(&line));
        l->text.failed |= buf_failed(&line) || buf_failed(&program);
}

static bool said(void *arg, const char *key)
{
        return says(arg, key);
}

/* What the spawner's unit says, which may be many lines. */
static void add_inherited(struct layout *l)
{
        autobuf struct buf lines = BUF_INIT;

        spawnable_lines(l->t->spawner, said, (void *) (uintptr_t) l->t, &lines);
        buf_add(&l->text, lines.data, lines.len);
        l->text.failed |= buf_failed(&lines);
        for (size_t i = 0; i < lines.len; i++)
                l->inherited += lines.data[i] == '\n';
}

/* The line of a property, 0-based; COMMAND_LINE for one that is ours. */
static uint16_t property_of(const struct layout *l, uint32_t line)
{
        if (line > l->before && line <= l->before + l->inherited)
                return COMMAND_LINE;
        if (line > l->before)
                line -= l->inherited;
        return line > 0 && line <= l->lines ? l->of[line] : (uint16_t) COMMAND_LINE;
}

static void lay_out(struct layout *l)
{
        add_line(l, COMMAND_LINE, "[Unit]");
        add_section(l, SECTION_UNIT);
        add_line(l, COMMAND_LINE, "[Service]");
        l->before = l->lines;
        if (l->t->spawner)
                add_inherited(l);
        if (!says(l->t, "Type"))
                add_line(l, COMMAND_LINE, "Type=exec");
        if (!says(l->t, "Restart"))
                add_line(l, COMMAND_LINE, "Restart=temporary");
        add_command(l);
        add_section(l, SECTION_SERVICE);
}

/* A remark about a line is one about the property in it. */
static void on_remark(void *arg, const struct diag *d)
{
        struct layout *l = arg;
        struct diag told = *d;
        uint16_t property = property_of(l, d->err.line);

        if (property != COMMAND_LINE) {
                name_property(&told.err, l->t, property);
        } else {
                told.err.file[0] = '\0';
                told.err.line = 0;
        }
        told.column = 0;
        if (d->severity == DIAG_ERROR && !l->failed && l->err)
                *l->err = told.err;
        l->failed |= d->severity == DIAG_ERROR;
        if (d->severity != DIAG_ERROR && l->report)
                l->report(l->arg, &told);
}

int transient_parse(const struct transient_unit *t, const struct unit_host *host, diag_fn *report, void *arg,
                    struct spec **ret, struct err *err)
{
        struct layout l = { .t = t, .text = BUF_INIT, .report = report, .arg = arg, .err = err };
        struct unit_source source = { .file = "" };
        int r = 0;

        if (t->count > TRANSIENT_PROPERTIES_MAX)
                return err_set(err, STAGE_LOAD, EINVAL, "more than %d properties", TRANSIENT_PROPERTIES_MAX);
        if (t->argc > 0 && t->command[0][strspn(t->command[0], "-@:+!")] != t->command[0][0])
                return err_set(err, STAGE_LOAD, EINVAL, "%s: a program's name does not begin like a prefix",
                               t->command[0]);
        for (size_t i = 0; i < t->count && r == 0; i++)
                r = check_property(t, i, err);
        if (r < 0)
                return r;
        lay_out(&l);
        source.text = buf_text(&l.text);
        source.len = l.text.len;
        r = buf_failed(&l.text) ? -ENOMEM : unit_text_parse(t->name, &source, 1, host, on_remark, &l, ret);
        buf_free(&l.text);
        if (r == 0 && t->spawner && spawnable_check(t->spawner, *ret, err) < 0) {
                spec_unref(*ret);
                return -EPERM;
        }
        if (r < 0 && !l.failed)
                return err_set(err, STAGE_LOAD, -r, "make %s: %s", t->name, strerror(-r));
        return r;
}
