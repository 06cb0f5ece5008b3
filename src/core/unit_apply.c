/* unit_apply.c - see unit_apply.h. */
#include "core/unit_apply.h"

#include <errno.h>
#include <string.h>

#include "core/value.h"
#include "core/words.h"

void unit_complain(struct unit_parse *p, enum severity severity, const struct unit_line *line, const char *at,
                   const struct err *why)
{
        uint32_t column = line->column;

        if (at)
                column = line->value_column + (line->joined ? 0 : (uint32_t) (at - line->value));
        remark_err(&p->remarks, severity, p->source->file, line->line, column, why);
}

static struct place here(const struct unit_parse *p, const struct unit_line *line)
{
        return (struct place) { .file = p->file, .line = line->line };
}

/* --- keys that are not in the table ------------------------------------------------------------------------------- */

/* What people will look for, and what to say then. */
static const struct {
        const char *key, *hint;
} elsewhere[] = {
#define ELSEWHERE(key, hint) { #key, hint },
#include "core/elsewhere.def"
#undef ELSEWHERE
};

/* What systemd has and this version has not. */
static const char *const not_yet[] = {
        "Sockets", "FileDescriptorStoreMax", "WatchdogSignal", "RootDirectoryStartOnly",
        "IOSchedulingClass", "CPUSchedulingPolicy",
};

/* What is left out for good. To go on without them would be to run something else than was asked for, so in a file
 * of systemd's too they are errors. */
static const struct {
        const char *key, *why, *hint;
} out_of_scope[] = {
#define IMAGE "file system images are out of scope"
        { "RootImage", IMAGE, "mount the image and name the directory in RootDirectory=" },
        { "RootImageOptions", IMAGE, "mount the image and name the directory in RootDirectory=" },
        { "RootHash", IMAGE, "mount the image and name the directory in RootDirectory=" },
        { "RootVerity", IMAGE, "mount the image and name the directory in RootDirectory=" },
        { "MountImages", IMAGE, "mount the image and show it with BindPaths=" },
        { "ExtensionImages", IMAGE, "mount the image and show it with BindPaths=" },
        { "ExtensionDirectories", "system extensions are out of scope", "show the directories with BindPaths=" },
#undef IMAGE
#define SESSION "login sessions are out of scope"
        { "PAMName", SESSION, "run the service from a session manager that opens one" },
        { "UtmpIdentifier", SESSION, "let the program that opens the session write utmp" },
        { "UtmpMode", SESSION, "let the program that opens the session write utmp" },
#undef SESSION
        { "LoadCredentialEncrypted", "nothing here holds the key to decrypt credentials",
          "decrypt it in ExecStartPre=, or write LoadCredential= with a file that only root may read" },
        { "SetCredentialEncrypted", "nothing here holds the key to decrypt credentials",
          "write LoadCredential= with a file that only root may read" },
};

static bool refused_key(struct unit_parse *p, enum section section, const struct unit_line *line)
{
        struct err why = { 0 };

        for (size_t i = 0; i < sizeof(out_of_scope) / sizeof(out_of_scope[0]); i++)
                if (section == SECTION_SERVICE && strcmp(out_of_scope[i].key, line->key) == 0) {
                        (void) err_set(&why, STAGE_LOAD, EINVAL, "%s= is not supported: %s", line->key,
                                       out_of_scope[i].why);
                        err_hint(&why, "%s", out_of_scope[i].hint);
                        unit_complain(p, DIAG_ERROR, line, NULL, &why);
                        return true;
                }
        return false;
}

/* The section a key belongs to, when it is not this one. */
static const char *other_section(enum section section, const char *key)
{
        for (int s = 0; s < SECTION_COUNT; s++)
                if (s != (int) section && directive_find((enum section) s, key) != D_NONE)
                        return strtab_text(&section_names, s);
        return NULL;
}

static void unknown_key(struct unit_parse *p, enum section section, const struct unit_line *line)
{
        const char *other = other_section(section, line->key), *near;
        struct err why = { 0 };

        (void) err_set(&why, STAGE_LOAD, EINVAL, "unknown key %s= in [%s]", line->key,
                       strtab_text(&section_names, (int) section));
        for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
                if (strcmp(elsewhere[i].key, line->key) == 0)
                        err_hint(&why, "%s", elsewhere[i].hint);
        for (size_t i = 0; i < sizeof(not_yet) / sizeof(not_yet[0]); i++)
                if (strcmp(not_yet[i], line->key) == 0)
                        err_hint(&why, "this version does not support it: take it out, or write X-%s=", line->key);
        if (other)
                err_hint(&why, "it belongs in [%s]", other);
        near = directive_nearest(section, line->key);
        if (near)
                err_hint(&why, "did you mean %s=?", near);
        err_hint(&why, "take it out, or begin it with X- to have it ignored");
        unit_complain(p, p->source->foreign ? DIAG_WARNING : DIAG_ERROR, line, NULL, &why);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

/* Specifiers of `text` expanded into p->word. */
static int expand(struct unit_parse *p, const struct unit_line *line, const char *text, const char *at)
{
        struct err why = { 0 };

        buf_clear(&p->word);
        if (specifiers_expand(text, &p->name, p->host, &p->word, &why) == 0)
                return 0;
        unit_complain(p, DIAG_ERROR, line, at, &why);
        return -EINVAL;
}

/* A PIDFile= may be relative: to %t, as in systemd. */
static void anchor_pid_file(struct unit_parse *p)
{
        autobuf struct buf relative = BUF_INIT;

        if (buf_text(&p->word)[0] == '/' || !p->host->runtime_dir)
                return;
        buf_adds(&relative, buf_text(&p->word));
        buf_clear(&p->word);
        buf_addf(&p->word, "%s/%s", p->host->runtime_dir, buf_text(&relative));
}

static void apply_text(struct unit_parse *p, enum directive d, const struct unit_line *line)
{
        struct err why = { 0 };

        if (expand(p, line, line->value, line->value) < 0)
                return;
        if (d == D_SERVICE_PIDFile)
                anchor_pid_file(p);
        buf_clear(&p->item);
        if (value_item(d, buf_text(&p->word), &p->item, &why) < 0) {
                unit_complain(p, DIAG_ERROR, line, line->value, &why);
                return;
        }
        if (d == D_SERVICE_RootDirectory && strcmp(buf_text(&p->item), "/") == 0)
                spec_build_drop(&p->build, d); /* none but what there is */
        else
                spec_build_text(&p->build, d, here(p, line), buf_text(&p->item));
}

static void apply_number(struct unit_parse *p, enum directive d, const struct unit_line *line)
{
        struct err why = { 0 };
        int64_t v;

        if (value_parse(d, line->value, &v, &why) < 0)
                unit_complain(p, DIAG_ERROR, line, line->value, &why);
        else
                spec_build_number(&p->build, d, here(p, line), v);
}

static void apply_limit(struct unit_parse *p, enum directive d, const struct unit_line *line)
{
        autobuf struct buf soft_text = BUF_INIT, hard_text = BUF_INIT;
        struct err why = { 0 };
        uint64_t soft, hard;

        if (value_limit(d, line->value, &soft, &hard, &why) < 0) {
                unit_complain(p, DIAG_ERROR, line, line->value, &why);
                return;
        }
        spec_build_drop(&p->build, d);
        buf_addf(&soft_text, "%llu", (unsigned long long) soft);
        buf_addf(&hard_text, "%llu", (unsigned long long) hard);
        spec_build_item(&p->build, d, here(p, line), buf_text(&soft_text), soft_text.len);
        spec_build_item(&p->build, d, here(p, line), buf_text(&hard_text), hard_text.len);
}

/* Units that only systemd has. */
static bool is_systemd_unit(const char *name)
{
        static const char *const suffixes[] = {
                ".target", ".socket", ".mount", ".path", ".timer", ".slice", ".device", ".swap", ".automount", ".scope",
        };
        const char *dot = strrchr(name, '.');

        for (size_t i = 0; dot && i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
                if (strcmp(dot, suffixes[i]) == 0)
                        return true;
        return false;
}

/* May this name be left out of the list (after a warning in our own units)? */
static bool skip_unit(struct unit_parse *p, enum directive d, const struct unit_line *line, const char *at,
                      const char *name)
{
        struct unit_name parsed;
        struct err why = { 0 };

        if (directive_rows[d].section == SECTION_SUPERVISOR || directive_rows[d].section == SECTION_INSTALL)
                return false;
        if (p->source->foreign)
                return unit_name_parse(name, &parsed, NULL) < 0 || parsed.is_template;
        if (!is_systemd_unit(name))
                return false;
        (void) err_set(&why, STAGE_LOAD, EINVAL, "%s=%.80s has no effect", directive_rows[d].key, name);
        err_hint(&why, "there are services and supervisors here, no other units; take it out");
        unit_complain(p, DIAG_WARNING, line, at, &why);
        return true;
}

/* A name that nobody here knows: in a file that was written for systemd it is left out, as there. */
static enum severity severity_of(const struct unit_parse *p, enum directive d)
{
        return directive_rows[d].type == VT_FILTER && p->source->foreign ? DIAG_WARNING : DIAG_ERROR;
}

/* Check and keep what is in p->word. */
static void add_item(struct unit_parse *p, enum directive d, const struct unit_line *line, const char *at)
{
        struct err why = { 0 };

        if (directive_rows[d].type == VT_UNITS && skip_unit(p, d, line, at, buf_text(&p->word)))
                return;
        buf_clear(&p->item);
        if (value_item(d, buf_text(&p->word), &p->item, &why) < 0)
                unit_complain(p, severity_of(p, d), line, at, &why);
        else
                spec_build_item(&p->build, d, here(p, line), buf_text(&p->item), p->item.len);
}

/* "~" before the first word is meant for all of the line: not these. */
static bool inverts(enum directive d, const char *value)
{
        return value[0] == '~' && strcmp(directive_rows[d].min, "cap") == 0;
}

/* Words with systemd's quoting; specifiers are looked at word by word, after the quotes are gone. */
static void apply_quoted_words(struct unit_parse *p, enum directive d, const struct unit_line *line)
{
        autobuf struct buf raw = BUF_INIT;
        bool inverted = inverts(d, line->value);
        struct words words = WORDS(line->value + inverted);
        struct err why = { 0 };
        int r;

        for (;;) {
                const char *at;

                buf_clear(&raw);
                at = words.p + strspn(words.p, " \t");
                if (inverted && *at != '~')
                        buf_addc(&raw, '~');
                r = words_next(&words, &raw, &why);
                if (r <= 0)
                        break;
                if (expand(p, line, buf_text(&raw), at) == 0)
                        add_item(p, d, line, at);
        }
        if (r < 0)
                unit_complain(p, DIAG_ERROR, line, line->value, &why);
        if (words.odd_escapes > 0) {
                (void) err_set(&why, STAGE_LOAD, EINVAL, "a backslash that begins no known escape is kept as it is");
                err_hint(&why, "write \\\\ for a backslash");
                unit_complain(p, DIAG_WARNING, line, line->value, &why);
        }
}

/* Names, codes and numbers: no quotes, only blanks (and, for processors, commas) between them. */
static void apply_bare_words(struct unit_parse *p, enum directive d, const struct unit_line *line)
{
        const char *separators = directive_rows[d].type == VT_CPUS ? " \t," : " \t";
        bool specifiers = directive_rows[d].type == VT_UNITS;
        autobuf struct buf raw = BUF_INIT;
        const char *at = line->value;

        while (*(at += strspn(at, separators))) {
                size_t n = strcspn(at, separators);

                buf_clear(&raw);
                buf_add(&raw, at, n);
                buf_clear(&p->word);
                buf_add(&p->word, at, n);
                if (!specifiers || expand(p, line, buf_text(&raw), at) == 0)
                        add_item(p, d, line, at);
                at += n;
        }
}

/* Names; the "~" before the first holds for all of the line. */
static void apply_filter(struct unit_parse *p, enum directive d, const struct unit_line *line)
{
        bool out = *line->value == '~';
        const char *at = line->value + out;

        while (*(at += strspn(at, " \t"))) {
                size_t n = strcspn(at, " \t");

                buf_clear(&p->word);
                if (out)
                        buf_addc(&p->word, '~');
                buf_add(&p->word, at, n);
                add_item(p, d, line, at);
                at += n;
        }
}

/* The whole line is one item. */
static void apply_line(struct unit_parse *p, enum directive d, const struct unit_line *line)
{
        if (expand(p, line, line->value, line->value) == 0)
                add_item(p, d, line, line->value);
}

static void apply_value(struct unit_parse *p, enum directive d, const struct unit_line *line)
{
        switch (directive_rows[d].type) {
        case VT_STRING: case VT_PATH:
                apply_text(p, d, line);
                break;
        case VT_LIMIT:
                apply_limit(p, d, line);
                break;
        case VT_COMMAND:
                unit_apply_command(p, d, line);
                break;
        case VT_CONDITION: case VT_LINES:
                apply_line(p, d, line);
                break;
        case VT_UNITS: case VT_EXITSET: case VT_CPUS:
                apply_bare_words(p, d, line);
                break;
        case VT_FILTER:
                apply_filter(p, d, line);
                break;
        case VT_WORDS:
                if (d == D_SERVICE_EnvironmentFile) {
                        apply_line(p, d, line);
                        break;
                }
                apply_quoted_words(p, d, line);
                break;
        case VT_ENVIRON:
                apply_quoted_words(p, d, line);
                break;
        default:
                apply_number(p, d, line);
                break;
        }
}

/* An empty value takes back what was said; for one Condition (or Assert) it takes back all of them, as in systemd. */
static void reset(struct unit_parse *p, enum directive d, const struct unit_line *line)
{
        const char *key = directive_rows[d].key;
        size_t n = strncmp(key, "Condition", 9) == 0 ? 9 : 6;

        if (directive_rows[d].type != VT_CONDITION) {
                spec_build_drop(&p->build, d);
                if (d == D_SERVICE_CapabilityBoundingSet) /* systemd: none at all, not "as if unset" */
                        spec_build_item(&p->build, d, here(p, line), "none", 4);
                return;
        }
        for (int other = 0; other < D_COUNT; other++)
                if (directive_rows[other].type == VT_CONDITION && strncmp(directive_rows[other].key, key, n) == 0)
                        spec_build_drop(&p->build, (enum directive) other);
}

/* Lists grow over repeated keys; that a scalar is set twice in one file is nobody's intention. */
static void note_repetition(struct unit_parse *p, enum directive d, const struct unit_line *line)
{
        bool list = directive_is_list(d) && directive_rows[d].type != VT_LIMIT;
        struct err why = { 0 };

        if (!list && p->seen[d] > 0 && *line->value) {
                (void) err_set(&why, STAGE_LOAD, EINVAL, "%s= was set in line %u already; this line counts",
                               directive_rows[d].key, (unsigned) p->seen[d]);
                err_hint(&why, "take one of the two out");
                unit_complain(p, DIAG_WARNING, line, NULL, &why);
        }
        p->seen[d] = *line->value ? line->line : 0;
}

static void assign(struct unit_parse *p, enum directive d, const struct unit_line *line)
{
        note_repetition(p, d, line);
        if (inverts(d, line->value) && !line->value[1]) /* "~" alone: all but none */
                spec_build_drop(&p->build, d);
        else if (*line->value)
                apply_value(p, d, line);
        else
                reset(p, d, line);
}

static void apply(struct unit_parse *p, enum section section, const struct unit_line *line)
{
        enum directive d;

        if (strncmp(line->key, "X-", 2) == 0)
                return;
        d = directive_find(section, line->key);
        if (d != D_NONE) {
                assign(p, d, line);
        } else if (section == SECTION_SERVICE && strcmp(line->key, "TimeoutSec") == 0) {
                /* systemd's short form for both */
                assign(p, D_SERVICE_TimeoutStartSec, line);
                assign(p, D_SERVICE_TimeoutStopSec, line);
        } else if (!refused_key(p, section, line)) {
                unknown_key(p, section, line);
        }
}

/* Without its key nobody knows what a line was meant to be: whatever a unit must have may be in it. */
static void doubt_all(struct unit_parse *p)
{
        static const enum directive needed[] = {
                D_SERVICE_ExecStart, D_SERVICE_Type, D_SERVICE_PIDFile, D_SERVICE_Mailbox, D_SERVICE_Restart,
                D_SUPERVISOR_Restart, D_CHANNEL_Type, D_CHANNEL_To,
        };

        for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
                p->refused[needed[i]] = true;
}

void unit_apply(struct unit_parse *p, enum section section, const struct unit_line *line)
{
        enum directive d = directive_find(section, line->key);
        unsigned before = p->remarks.errors;
        const char *near;

        apply(p, section, line);
        if (p->remarks.errors == before)
                return;
        p->explained += p->remarks.errors - before;
        near = d == D_NONE ? directive_nearest(section, line->key) : NULL;
        if (near)
                d = directive_find(section, near);
        if (d == D_NONE)
                doubt_all(p);
        else
                p->refused[d] = true;
}
