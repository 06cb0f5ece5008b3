/* unit_text.c - see unit_text.h. The guarded reader (unit_lines.c) makes logical lines, inih tells keys from
 * sections, unit_apply.c puts values into the spec. */
#include "core/unit_text.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/unit_apply.h"
#include "core/validate.h"

#if INI_HANDLER_LINENO
#error "this inih calls its handler with a line number: build it without INI_HANDLER_LINENO"
#endif

/* What inih is fed: the lines of one file, by their numbers. */
struct feed {
        struct unit_parse *p;
        const struct unit_lines *lines;
        size_t next;
        int section;             /* of the lines that come; -1: none, ignored */
        bool announced;          /* inih knows the section */
        uint32_t begun[SECTION_COUNT]; /* the line a section began at */
};

static void complain(struct unit_parse *p, enum severity severity, const struct unit_line *line, const char *hint,
                     const char *what, const char *name)
{
        remark(&p->remarks, severity, p->source->file, line->line, line->column, hint, "%s [%.80s]", what, name);
}

/* Does a unit of this kind have this section? */
static bool has_section(enum node_kind kind, enum section section)
{
        switch (section) {
        case SECTION_SERVICE: return kind == KIND_SERVICE;
        case SECTION_SUPERVISOR: return kind == KIND_SUPERVISOR;
        case SECTION_CHANNEL: return kind == KIND_CHANNEL;
        default: return true;
        }
}

static void unknown_section(struct feed *f, const struct unit_line *line)
{
        const char *near = strtab_nearest(section_names.text, (size_t) section_names.count, line->value);
        char hint[80];

        (void) snprintf(hint, sizeof(hint), near ? "did you mean [%s]?" : "there are [Unit], [%s] and [Install]",
                        near ? near : strtab_text(&section_names, (int) section_of_kind(f->p->name.kind)));
        complain(f->p, f->p->source->foreign ? DIAG_WARNING : DIAG_ERROR, line, hint, "unknown section", line->value);
}

static void enter_section(struct feed *f, const struct unit_line *line)
{
        int section = strtab_value(&section_names, line->value);
        char hint[80];

        f->section = -1;
        f->announced = false;
        if (strncmp(line->value, "X-", 2) == 0)
                return;
        if (section < 0) {
                unknown_section(f, line);
                return;
        }
        if (!has_section(f->p->name.kind, (enum section) section)) {
                complain(f->p, DIAG_ERROR, line, "put it into a unit of its own", "a unit of this kind has no",
                         line->value);
                return;
        }
        if (f->begun[section] > 0) {
                (void) snprintf(hint, sizeof(hint), "put its lines under the first, in line %u",
                                (unsigned) f->begun[section]);
                complain(f->p, f->p->source->foreign ? DIAG_WARNING : DIAG_ERROR, line, hint, "a second section",
                         line->value);
        } else {
                f->begun[section] = line->line;
        }
        f->section = section;
}

/* May the line go to inih? Headers, X- keys and keys nobody could have meant are dealt with here. */
static bool wanted(struct feed *f, const struct unit_line *line)
{
        if (!line->key) {
                enter_section(f, line);
                return false;
        }
        if (f->section < 0) {
                if (f->announced)
                        return false;
                f->announced = true; /* once is enough */
                if (line == &f->lines->lines[0])
                        remark(&f->p->remarks, DIAG_ERROR, f->p->source->file, line->line, line->column,
                               "begin the file with [Unit], [Service] or [Supervisor]", "%.60s= before any section",
                               line->key);
                return false;
        }
        if (strncmp(line->key, "X-", 2) == 0)
                return false;
        if (strlen(line->key) > UNIT_KEY_MAX) {
                remark(&f->p->remarks, f->p->source->foreign ? DIAG_WARNING : DIAG_ERROR, f->p->source->file,
                       line->line,
                       line->column, "take it out, or begin it with X- to have it ignored", "unknown key %.60s=",
                       line->key);
                return false;
        }
        return true;
}

/* inih asks for its next line, as fgets() would: "[Section]" or "Key=NUMBER", both far below its limits. */
static char *feed_line(char *to, int size, void *arg)
{
        struct feed *f = arg;

        for (; f->next < f->lines->count; f->next++) {
                const struct unit_line *line = &f->lines->lines[f->next];

                if (!wanted(f, line))
                        continue;
                if (!f->announced) {
                        f->announced = true;
                        (void) snprintf(to, (size_t) size, "[%s]\n", strtab_text(&section_names, f->section));
                        return to;
                }
                (void) snprintf(to, (size_t) size, "%s=%zu\n", line->key, f->next++);
                return to;
        }
        return NULL;
}

/* inih calls. What it says is held against what it was fed: should it ever differ, the unit is refused. */
static int on_assignment(void *arg, const char *section, const char *key, const char *value)
{
        struct feed *f = arg;
        size_t i = strtoul(value, NULL, 10);
        int s = strtab_value(&section_names, section);

        if (i >= f->lines->count || !f->lines->lines[i].key || strcmp(f->lines->lines[i].key, key) != 0 || s < 0)
                return 0;
        unit_apply(f->p, (enum section) s, &f->lines->lines[i]);
        return 1;
}

static int read_source(struct unit_parse *p, const struct unit_source *source)
{
        struct unit_lines lines;
        struct feed feed = { .p = p, .lines = &lines, .section = -1 };
        int r;

        p->source = source;
        memset(p->seen, 0, sizeof(p->seen));
        r = unit_lines_read(source, &p->remarks, &lines);
        if (r == 0 && ini_parse_stream(feed_line, &feed, on_assignment, &feed) != 0)
                remark(&p->remarks, DIAG_ERROR, source->file, 0, 0, "report this as a bug",
                       "the INI library lost a line");
        unit_lines_free(&lines);
        return r;
}

static int read_all(struct unit_parse *p, const struct unit_source *sources, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                p->file = (uint8_t) i;
                if (read_source(p, &sources[i]) < 0)
                        return -ENOMEM;
        }
        return buf_failed(&p->word) || buf_failed(&p->item) ? -ENOMEM : 0;
}

/* It has errors: is it known at least what it says about its place? */
static bool placed(const struct unit_parse *p)
{
        return p->remarks.errors == p->explained && !p->refused[D_UNIT_Supervisor] &&
               !p->refused[D_SUPERVISOR_Children];
}

static int finish(struct unit_parse *p, const struct unit_text *unit, struct spec **ret, struct husk *ret_husk)
{
        const char *files[UNIT_SOURCES_MAX];
        struct spec *s;
        bool clear;

        for (size_t i = 0; i < unit->count; i++)
                files[i] = unit->sources[i].file;
        s = spec_build_finish(&p->build, p->name.kind, unit->name, unit->count > 0 && unit->sources[0].foreign, files,
                              unit->count);
        if (!s)
                return -ENOMEM;
        clear = placed(p);
        if (p->remarks.errors == p->explained) /* else what is missing may be in lines that were not read at all */
                validate_unit(s, p->refused, &p->remarks);
        if (p->remarks.errors == 0) {
                *ret = s;
                return 0;
        }
        if (ret_husk)
                *ret_husk = (struct husk) { s, clear };
        else
                spec_unref(s);
        return -EINVAL;
}

int unit_text_parse(const char *name, const struct unit_source *sources, size_t n, const struct unit_host *host,
                    diag_fn *report, void *arg, struct spec **ret)
{
        return unit_text_read(&(struct unit_text) { name, sources, n, host, report, arg }, ret, NULL);
}

int unit_text_read(const struct unit_text *unit, struct spec **ret, struct husk *ret_husk)
{
        struct unit_parse p = {
                .host = unit->host, .remarks = { .report = unit->report, .arg = unit->arg, .unit = unit->name },
        };
        struct err why = { 0 };
        int r;

        if (unit_name_parse(unit->name, &p.name, &why) < 0) {
                remark_err(&p.remarks, DIAG_ERROR, unit->count ? unit->sources[0].file : "", 0, 0, &why);
                return -EINVAL;
        }
        if (unit->count > UNIT_SOURCES_MAX) {
                remark(&p.remarks, DIAG_ERROR, unit->sources[0].file, 0, 0, "put them together",
                       "more than %d drop-ins", UNIT_SOURCES_MAX - 1);
                return -EINVAL;
        }
        r = read_all(&p, unit->sources, unit->count);
        if (r == 0)
                r = finish(&p, unit, ret, ret_husk);
        spec_build_free(&p.build);
        buf_free(&p.word);
        buf_free(&p.item);
        return r;
}
