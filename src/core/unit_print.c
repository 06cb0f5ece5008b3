/* unit_print.c - a spec back into text: spec_print() of spec.h and unit_text_print() of unit_text.h. */
#include <string.h>

#include "core/limits.h"
#include "core/reason.h"
#include "core/resolve.h"
#include "core/unit_text.h"
#include "core/value.h"
#include "core/words.h"

enum { LINE_SOON_FULL = 4096 }; /* lists go on in a line of their own from here */

/* A whole-line text: % doubled, and a backslash at the end kept from reaching for the next line. */
static void print_line(const char *text, struct buf *out)
{
        size_t backslashes = 0;

        for (const char *p = text; *p; p++) {
                backslashes = *p == '\\' ? backslashes + 1 : 0;
                buf_add(out, p, 1);
                if (*p == '%')
                        buf_addc(out, '%');
        }
        if (backslashes % 2 == 1)
                buf_addc(out, ' ');
}

static void print_command(const struct spec *s, enum directive d, size_t i, struct buf *out)
{
        static const struct {
                unsigned flag;
                char prefix;
        } prefixes[] = {
                { CMD_IGNORE_FAILURE, '-' }, { CMD_ARGV0, '@' }, { CMD_NO_ENV, ':' }, { CMD_FULL_PRIVILEGES, '+' },
                { CMD_NO_SETUID, '!' },
        };
        struct command c = spec_command(s, d, i);
        autobuf struct buf program = BUF_INIT;
        const char *arg = c.args;

        for (size_t k = 0; k < sizeof(prefixes) / sizeof(prefixes[0]); k++)
                if (c.flags & prefixes[k].flag)
                        buf_addc(&program, prefixes[k].prefix);
        buf_adds(&program, c.path);
        words_quote(buf_text(&program), true, out);
        for (size_t k = 0; k < c.argc; k++, arg += strlen(arg) + 1) {
                if (k == 0 && !(c.flags & CMD_ARGV0))
                        continue; /* argv[0] is the program */
                buf_addc(out, ' ');
                words_quote(arg, true, out);
        }
}

static void print_item(const struct spec *s, enum directive d, size_t i, struct buf *out)
{
        const char *item = spec_item(s, d, i);

        switch (directive_rows[d].type) {
        case VT_COMMAND:
                print_command(s, d, i, out);
                break;
        case VT_CONDITION:
                print_line(item, out);
                break;
        case VT_EXITSET:
                buf_addf(out, "%s%s", item[0] >= '0' && item[0] <= '9' ? "" : "SIG", item);
                break;
        case VT_LIMIT:
                buf_adds(out, strcmp(item, "18446744073709551615") == 0 ? "infinity" : item);
                break;
        case VT_WORDS:
                if (d == D_SERVICE_EnvironmentFile) {
                        print_line(item, out);
                        break;
                }
                words_quote(item, true, out);
                break;
        case VT_ENVIRON:
                words_quote(item, true, out);
                break;
        default:
                print_line(item, out);
                break;
        }
}

/* The items of a filter are of two kinds, and a line is of one. */
static bool turns(const struct spec *s, enum directive d, size_t i)
{
        return directive_rows[d].type == VT_FILTER && i > 0 &&
               (spec_item(s, d, i)[0] == '~') != (spec_item(s, d, i - 1)[0] == '~');
}

/* One item of a list; `first` of its line. */
static void print_item_of_line(const struct spec *s, enum directive d, size_t i, bool first, struct buf *out)
{
        const char *item = spec_item(s, d, i);

        if (directive_rows[d].type == VT_FILTER)
                buf_adds(out, !first && item[0] == '~' ? item + 1 : item);
        else
                print_item(s, d, i, out);
}

/* Has an item to stand in a line of its own? */
static bool one_a_line(enum directive d)
{
        return directive_rows[d].type == VT_COMMAND || directive_rows[d].type == VT_CONDITION ||
               directive_rows[d].type == VT_LINES ||
               d == D_SERVICE_EnvironmentFile;
}

static void print_list(const struct spec *s, enum directive d, struct buf *out)
{
        size_t n = spec_count(s, d);

        if (directive_rows[d].type == VT_LIMIT && n == 2) {
                print_item(s, d, 0, out);
                if (strcmp(spec_item(s, d, 0), spec_item(s, d, 1)) == 0)
                        return;
                buf_addc(out, ':');
                print_item(s, d, 1, out);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                bool line = one_a_line(d) || turns(s, d, i);

                if (i > 0)
                        buf_adds(out, directive_rows[d].type == VT_COMMAND ? " ; " : line ? "\n" : " ");
                print_item_of_line(s, d, i, i == 0 || line, out);
        }
}

/* What counts, where the table's default does not tell. */
static int64_t effective(const struct spec *s, enum directive d)
{
        switch (d) {
        case D_SERVICE_Restart: return (int64_t) spec_restart(s);
        case D_SERVICE_TimeoutStartSec: return spec_timeout_start(s);
        case D_SERVICE_NotifyAccess: return (int64_t) spec_notify_access(s);
        case D_SERVICE_OOMPolicy: case D_SUPERVISOR_OOMPolicy: return (int64_t) spec_oom_policy(s);
        case D_SUPERVISOR_StartMode: return (int64_t) spec_start_mode(s);
        default: return spec_int(s, d);
        }
}

/* SetCredential= as it is shown: the names without what is to be kept secret. */
static bool is_secret(enum directive d)
{
        return strcmp(directive_rows[d].min, "credset") == 0;
}

static void print_names(const struct spec *s, enum directive d, struct buf *out)
{
        for (size_t i = 0; i < spec_count(s, d); i++) {
                const char *item = spec_item(s, d, i);

                buf_addf(out, "%s%.*s", i ? "\n" : "", (int) strcspn(item, ":"), item);
        }
}

void spec_print(const struct spec *s, enum directive d, struct buf *out)
{
        if (is_secret(d))
                print_names(s, d, out);
        else if (directive_is_list(d))
                print_list(s, d, out);
        else if (directive_is_text(d))
                print_line(spec_str(s, d), out);
        else
                value_print(d, effective(s, d), out);
}

/* "~" at the beginning of a line is meant for all of it. */
static bool changes_sense(const struct spec *s, enum directive d, size_t i)
{
        return strcmp(directive_rows[d].min, "cap") == 0 &&
               (spec_item(s, d, i)[0] == '~') != (spec_item(s, d, i - 1)[0] == '~');
}

void unit_text_print_one(const struct spec *s, enum directive d, struct buf *out)
{
        const char *key = directive_rows[d].key;
        size_t begin = out->len;

        if (!directive_is_list(d) || directive_rows[d].type == VT_LIMIT) {
                buf_addf(out, "%s=", key);
                spec_print(s, d, out);
                buf_addc(out, '\n');
                return;
        }
        for (size_t i = 0; i < spec_count(s, d); i++) {
                bool full = i > 0 && (one_a_line(d) || out->len - begin > LINE_SOON_FULL || turns(s, d, i) ||
                                      changes_sense(s, d, i));

                if (full)
                        buf_addc(out, '\n');
                if (i == 0 || full) {
                        begin = out->len;
                        buf_addf(out, "%s=", key);
                } else {
                        buf_addc(out, ' ');
                }
                print_item_of_line(s, d, i, i == 0 || full, out);
        }
        buf_addc(out, '\n');
}

/* Is there something to print? */
static bool has_value(const struct spec *s, enum directive d, bool all)
{
        if (spec_has(s, d))
                return true;
        if (!all || directive_is_list(d))
                return false;
        return directive_is_text(d) ? *spec_str(s, d) != '\0' : effective(s, d) != SPEC_UNSET;
}

static bool of_kind(const struct spec *s, enum directive d)
{
        enum section section = directive_rows[d].section;

        return section == SECTION_UNIT || section == SECTION_INSTALL ||
               section == section_of_kind(spec_kind(s));
}

void unit_text_print(const struct spec *s, bool all, struct buf *out)
{
        int section = -1;

        for (int i = 0; i < D_COUNT; i++) {
                enum directive d = (enum directive) i;

                if (!of_kind(s, d) || !has_value(s, d, all))
                        continue;
                if (section != (int) directive_rows[d].section) {
                        buf_addf(out, "%s[%s]\n", section < 0 ? "" : "\n",
                                 strtab_text(&section_names, (int) directive_rows[d].section));
                        section = (int) directive_rows[d].section;
                }
                unit_text_print_one(s, d, out);
        }
}

void unit_text_hide(const struct buf *text, struct buf *out)
{
        static const char key[] = "SetCredential=";

        for (const char *line = buf_text(text), *end; *line; line = end + (*end == '\n')) {
                size_t n, colon = strcspn(line, ":\n");

                end = strchrnul(line, '\n');
                n = (size_t) (end - line);
                if (strncmp(line, key, sizeof(key) - 1) == 0 && line[colon] == ':') {
                        buf_add(out, line, colon + 1);
                        buf_adds(out, "...");
                } else {
                        buf_add(out, line, n);
                }
                if (*end)
                        buf_addc(out, '\n');
        }
}
