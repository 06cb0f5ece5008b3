/* schema.c - see schema.h. */
#include "core/schema.h"

#include <string.h>

#include "base/json.h"
#include "core/directive.h"
#include "core/value.h"

static const char *const type_names[VT_TYPE_COUNT] = {
        [VT_BOOL] = "truth value", [VT_INT] = "number", [VT_DURATION] = "time span", [VT_SIZE] = "size",
        [VT_PERCENT] = "percentage", [VT_FACTOR] = "factor", [VT_MODE] = "octal mode", [VT_SIGNAL] = "signal",
        [VT_ENUM] = "one of", [VT_STRING] = "text", [VT_PATH] = "path", [VT_WORDS] = "list of words",
        [VT_UNITS] = "list of units", [VT_COMMAND] = "list of commands", [VT_ENVIRON] = "list of NAME=VALUE",
        [VT_EXITSET] = "list of exit codes and signals", [VT_LIMIT] = "limit", [VT_CPUS] = "list of processors",
        [VT_CONDITION] = "list of conditions", [VT_AMOUNT] = "amount", [VT_WEIGHT] = "weight",
        [VT_LINES] = "list of lines", [VT_FILTER] = "list of names to add, or after ~ to take out",
};

static const char *value_type_name(int type)
{
        return type >= 0 && type < VT_TYPE_COUNT ? type_names[type] : "?";
}

/* What a text of this type looks like; NULL where a pattern would say nothing. */
static const char *pattern_of(enum value_type type)
{
        switch (type) {
        case VT_BOOL: return "^(1|[Yy][Ee][Ss]|[Yy]|[Tt][Rr][Uu][Ee]|[Tt]|[Oo][Nn]|"
                             "0|[Nn][Oo]|[Nn]|[Ff][Aa][Ll][Ss][Ee]|[Ff]|[Oo][Ff][Ff])$";
        case VT_INT: return "^-?(0|[1-9][0-9]*)$";
        case VT_SIZE: return "^((0|[1-9][0-9]*)[BKMGTPE]?|infinity)$";
        case VT_AMOUNT: return "^((0|[1-9][0-9]*)[BKMGTPE]?|[0-9]+(\\.[0-9]{1,2})?%|infinity)$";
        case VT_WEIGHT: return "^([1-9][0-9]*|idle)$";
        case VT_PERCENT: return "^[0-9]+(\\.[0-9]{1,2})?%$";
        case VT_FACTOR: return "^[0-9]+(\\.[0-9]{1,3})?$";
        case VT_MODE: return "^[0-7]{1,8}$";
        case VT_UNITS: return "^([A-Za-z0-9_]|\\\\x[0-9A-Fa-f]{2})([A-Za-z0-9_.:@-]|\\\\x[0-9A-Fa-f]{2})*$";
        case VT_ENVIRON: return "^[A-Za-z_][A-Za-z0-9_]*=";
        case VT_CPUS: return "^[0-9]+(-[0-9]+)?$";
        default: return NULL;
        }
}

static void write_names(struct json *j, enum directive d)
{
        const struct strtab *names = directive_rows[d].names;

        json_open(j, "enum", '[');
        for (int i = 0; i < names->count; i++)
                if (names->text[i])
                        json_str(j, NULL, names->text[i]);
        for (size_t i = 0; value_alias(d, i); i++)
                json_str(j, NULL, value_alias(d, i));
        json_close(j);
}

static void write_bounds(struct json *j, const struct directive_row *row, enum directive d)
{
        bool form = directive_is_list(d) || directive_is_text(d);

        if (*row->def) {
                json_str(j, "default", row->def);
                json_str(j, "x-default", row->def);
        }
        if (form && *row->min)
                json_str(j, "x-form", row->min);
        if (!form && *row->min)
                json_str(j, "x-min", row->min);
        if (!form && *row->max)
                json_str(j, "x-max", row->max);
}

static void write_directive(struct json *j, enum directive d)
{
        static const char *const changes[] = {
                [CHANGE_LIVE] = "live", [CHANGE_RESTART] = "restart", [CHANGE_START] = "start",
        };
        const struct directive_row *row = &directive_rows[d];
        bool list = directive_is_list(d) && row->type != VT_LIMIT;

        json_open(j, row->key, '{');
        json_str(j, "description", row->help);
        json_str(j, "x-type", value_type_name((int) row->type));
        json_str(j, "x-change", changes[row->change]);
        json_str(j, "x-enforced-by", row->enforced);
        write_bounds(j, row, d);
        if (list) {
                json_str(j, "type", "array");
                json_open(j, "items", '{');
        }
        json_str(j, "type", "string");
        if (row->names)
                write_names(j, d);
        if (pattern_of(row->type) && strcmp(row->min, "any") != 0)
                json_str(j, "pattern", pattern_of(row->type));
        if (list)
                json_close(j);
        json_close(j);
}

static void write_section(struct json *j, enum section section)
{
        json_open(j, strtab_text(&section_names, (int) section), '{');
        json_str(j, "type", "object");
        json_open(j, "properties", '{');
        for (int d = 0; d < D_COUNT; d++)
                if (directive_rows[d].section == section)
                        write_directive(j, (enum directive) d);
        json_close(j);
        json_open(j, "patternProperties", '{');
        json_open(j, "^X-", '{');
        json_close(j);
        json_close(j);
        json_bool(j, "additionalProperties", false);
        json_close(j);
}

void schema_write(struct buf *out)
{
        struct json j = json_start(out);

        json_open(&j, NULL, '{');
        json_str(&j, "$schema", "https://json-schema.org/draft/2020-12/schema");
        json_str(&j, "title", "Coppice unit");
        json_str(&j, "description", "A .service has [Service], a .supervisor has [Supervisor], a .channel has "
                                    "[Channel]; all may have [Unit] and [Install].");
        json_str(&j, "type", "object");
        json_open(&j, "properties", '{');
        for (int s = 0; s < SECTION_COUNT; s++)
                write_section(&j, (enum section) s);
        json_close(&j);
        json_open(&j, "patternProperties", '{');
        json_open(&j, "^X-", '{');
        json_close(&j);
        json_close(&j);
        json_bool(&j, "additionalProperties", false);
        json_close(&j);
}

void schema_dictionary(struct buf *out)
{
        static const char *const words[] = {
                "infinity", "\\\\\\x0a", " ; ", "\\\\x41", "%i", "%%", "X-", "=", "min ", "512M", "soft:hard",
                "SIGTERM", "RTMIN+1", "-@:+!", "|!", "fd:", "append:/", ".service", ".supervisor", ".channel", "@",
                "~", "0-7",
        };

        for (int s = 0; s < SECTION_COUNT; s++)
                buf_addf(out, "\"[%s]\\x0a\"\n", strtab_text(&section_names, s));
        for (int d = 0; d < D_COUNT; d++) {
                const struct directive_row *row = &directive_rows[d];

                buf_addf(out, "\"\\x0a%s=\"\n", row->key);
                for (int i = 0; row->names && i < row->names->count; i++)
                        if (row->names->text[i])
                                buf_addf(out, "\"%s\"\n", row->names->text[i]);
        }
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                buf_addf(out, "\"%s\"\n", words[i]);
}
