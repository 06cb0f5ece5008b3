/* directives.c - the table holds what it promises, row by row: default, smallest and largest value, one step beyond
 * each, names, and the machine-readable forms made from it. */
#include <jansson.h>

#include "core/schema.h"
#include "core/value.h"
#include "tests/unit/units.h"

static bool is_number(int d)
{
        return !directive_is_list((enum directive) d) && !directive_is_text((enum directive) d);
}

static int64_t must_parse(int d, const char *text)
{
        struct err err = { 0 };
        int64_t v = 0;

        if (value_parse((enum directive) d, text, &v, &err) < 0)
                print_error("%s\n", err.text);
        assert_int_equal(err.code, 0);
        return v;
}

static void every_default_is_a_value_and_survives_the_round_trip(void **state)
{
        (void) state;
        for (int d = 0; d < D_COUNT; d++) {
                const struct directive_row *row = &directive_rows[d];
                struct buf text = BUF_INIT, item = BUF_INIT;

                if (!*row->def)
                        continue;
                if (is_number(d)) {
                        value_print((enum directive) d, value_default((enum directive) d), &text);
                        assert_int_equal(must_parse(d, row->def), must_parse(d, buf_text(&text)));
                        assert_int_equal(must_parse(d, row->def), value_default((enum directive) d));
                } else {
                        assert_int_equal(value_item((enum directive) d, row->def, &item, NULL), 0);
                        assert_string_equal(buf_text(&item), row->def);
                }
                buf_free(&text);
                buf_free(&item);
        }
}

/* A bound is accepted, one step beyond it is refused with the range in the hint. */
static void check_bound(int d, const char *bound, int64_t step)
{
        struct buf beyond = BUF_INIT;
        struct err err = { 0 };
        int64_t v;

        if (!*bound)
                return;
        v = must_parse(d, bound);
        if (v == 0 && step < 0 && directive_rows[d].type != VT_INT)
                return; /* below nothing there is no text */
        value_print((enum directive) d, v + step, &beyond);
        assert_int_not_equal(value_parse((enum directive) d, buf_text(&beyond), &v, &err), 0);
        assert_contains(err.text, directive_rows[d].key);
        assert_true(err.hint[0] != '\0');
        buf_free(&beyond);
}

static void bounds_are_accepted_and_one_step_beyond_them_is_not(void **state)
{
        unsigned rows = 0;

        (void) state;
        for (int d = 0; d < D_COUNT; d++) {
                if (!is_number(d) || strcmp(directive_rows[d].min, "0=infinity") == 0)
                        continue;
                check_bound(d, directive_rows[d].min, -1);
                check_bound(d, directive_rows[d].max, 1);
                rows += *directive_rows[d].min || *directive_rows[d].max;
        }
        assert_true(rows > 10);
}

static void zero_stands_for_infinity_where_the_row_says_so(void **state)
{
        (void) state;
        assert_int_equal(must_parse(D_SERVICE_TimeoutStopSec, "0"), NSEC_NEVER);
        assert_int_equal(must_parse(D_SERVICE_TimeoutStartSec, "0s"), NSEC_NEVER);
        assert_int_equal(must_parse(D_SERVICE_RestartSec, "0"), 0);
}

static void every_name_of_an_enumeration_is_its_value(void **state)
{
        (void) state;
        for (int d = 0; d < D_COUNT; d++) {
                const struct strtab *names = directive_rows[d].names;

                assert_int_equal(directive_rows[d].type == VT_ENUM, names != NULL);
                for (int i = 0; names && i < names->count; i++)
                        if (names->text[i])
                                assert_int_equal(must_parse(d, names->text[i]), i);
                for (size_t i = 0; names && value_alias((enum directive) d, i); i++)
                        (void) must_parse(d, value_alias((enum directive) d, i));
        }
        assert_int_equal(must_parse(D_SERVICE_Restart, "always"), RESTART_PERMANENT);
        assert_int_equal(must_parse(D_SERVICE_Restart, "on-failure"), RESTART_TRANSIENT);
        assert_int_equal(must_parse(D_SERVICE_Restart, "no"), RESTART_TEMPORARY);
}

static void every_row_is_found_by_section_and_key_and_explains_itself(void **state)
{
        static const char *const enforcers[] = { "plan", "core", "engine", "logd", "shown" };

        (void) state;
        for (int d = 0; d < D_COUNT; d++) {
                const struct directive_row *row = &directive_rows[d];
                bool known = false;

                assert_int_equal(directive_find(row->section, row->key), d);
                assert_true(d == 0 || row->section >= directive_rows[d - 1].section);
                for (size_t i = 0; i < sizeof(enforcers) / sizeof(enforcers[0]); i++)
                        known |= strcmp(row->enforced, enforcers[i]) == 0;
                assert_true(known);
                assert_true(strlen(row->help) > 15 && row->help[strlen(row->help) - 1] == '.');
        }
        assert_int_equal(directive_find(SECTION_UNIT, "ExecStart"), D_NONE);
        assert_string_equal(directive_nearest(SECTION_SERVICE, "ExecStrat"), "ExecStart");
}

/* A typical value of each directive, by type and form. */
static const char *sample(int d)
{
        const struct directive_row *row = &directive_rows[d];

        if (*row->def)
                return row->def;
        switch (row->type) {
        case VT_COMMAND: return "-/bin/echo \"a b\" $X ; @/bin/sh sh -c 'x %% y' \\; z";
        case VT_ENVIRON: return "A=1 \"B=x y\" C=";
        case VT_EXITSET: return "3 TEMPFAIL SIGUSR1 200";
        case VT_LIMIT: return strcmp(row->min, "nice") == 0 ? "-5" : "10:20";
        case VT_CPUS: return "0 2-5,7";
        case VT_UNITS:
                if (d == D_SUPERVISOR_AllowSpawn)
                        return "command my\\x2djob@.service";
                if (row->section == SECTION_CHANNEL)
                        return d == D_CHANNEL_To ? "c@1.service:7 d.service:fd:more" : "b.service:stderr c@1.service:7 d.service:fd:more";
                if (d == D_SERVICE_LinkTo)
                        return "b.service c@1.service";
                return "b.service c@1.service d.supervisor";
        case VT_CONDITION: return "|!/etc/x";
        case VT_ENUM: return row->names->text[row->names->count - 1];
        case VT_INT: return row->max;
        case VT_BOOL: return "yes";
        case VT_AMOUNT: return "12.5%";
        case VT_WEIGHT: return "idle";
        case VT_PERCENT: return "150%";
        case VT_FILTER:
                return strcmp(row->min, "family") == 0 ? "AF_UNIX AF_INET6" : strcmp(row->min, "namespace") == 0 ? "~net user"
                       : "@system-service keyctl:EPERM";
        default: break;
        }
        if (strcmp(row->min, "user") == 0) return "www-data";
        if (strcmp(row->min, "iobytes") == 0) return "/dev/sd a  10M";
        if (strcmp(row->min, "iocount") == 0) return "/srv 100";
        if (strcmp(row->min, "device") == 0) return "/dev/null rw";
        if (strcmp(row->min, "delegate") == 0) return "memory cpu";
        if (strcmp(row->min, "groupname") == 0) return "inner";
        if (strcmp(row->min, "uri") == 0) return "man:x(1) https://example.org/";
        if (strcmp(row->min, "supervisor") == 0) return "shop.supervisor";
        if (strcmp(row->min, "unit") == 0) return "b.service";
        if (strcmp(row->min, "arch") == 0) return "native x86";
        if (strcmp(row->min, "cwd") == 0) return "-/srv//x/";
        if (strcmp(row->min, "path") == 0 || strcmp(row->min, "envfile") == 0) return "/srv/x";
        if (strcmp(row->min, "dirname") == 0) return "a b/c";
        if (strcmp(row->min, "envname") == 0 || strcmp(row->min, "envremove") == 0) return "A B_2";
        if (strcmp(row->min, "cap") == 0) return "~CAP_CHOWN kill";
        if (strcmp(row->min, "securebit") == 0) return "noroot keep-caps-locked";
        if (strcmp(row->min, "mount") == 0) return "/srv -/a//b/ -+/c +/d";
        if (strcmp(row->min, "llpath") == 0) return "/srv -/a//b/ none";
        if (strcmp(row->min, "port") == 0) return "80 none 65535";
        if (strcmp(row->min, "credload") == 0) return "key tls:/etc/tls.key db:other";
        if (strcmp(row->min, "credset") == 0) return "motto:one word\\nmore words ";
        if (strcmp(row->min, "bind") == 0) return "/a /b:/c -/d:/e:norbind";
        if (strcmp(row->min, "tmpfs") == 0) return "/var:ro,size=1M /x";
        return "some text %% more";
}

/* What a pipe has and a queue of messages has not, and the other way round. */
static const char *channel_for(int d)
{
        switch (d) {
        case D_CHANNEL_CapacityBytes: case D_CHANNEL_Overflow: case D_CHANNEL_Acknowledge:
                return "[Channel]\nType=message\nTo=b.service\n";
        case D_CHANNEL_From:
                return "[Channel]\nTo=x.service\n";
        case D_CHANNEL_To:
                return "[Channel]\nFrom=x.service\n";
        default:
                return "[Channel]\nFrom=x.service\nTo=b.service\n";
        }
}

static struct spec *one_line_unit(int d, const char *value)
{
        const struct directive_row *row = &directive_rows[d];
        const char *section = strtab_text(&section_names, (int) row->section);
        bool supervisor = row->section == SECTION_SUPERVISOR, channel = row->section == SECTION_CHANNEL;
        struct unit_source sources[2] = { { .file = "main" }, { .file = "drop-in" } };
        struct heard h = { 0 };
        struct buf text = BUF_INIT;
        struct spec *s = NULL;

        sources[0].text = channel ? channel_for(d) : supervisor ? "[Supervisor]\n" : "[Service]\nExecStart=/bin/x\nType=oneshot\nRestart=no\n";
        sources[0].len = strlen(sources[0].text);
        buf_addf(&text, "[%s]\n%s=%s\n", section, row->key, value);
        if (d == D_SERVICE_Monitor || d == D_SERVICE_TrapExit)
                buf_adds(&text, "Mailbox=yes\n");
        if (d == D_SERVICE_NotifyFd)
                buf_adds(&text, "Type=notify\n");
        if (d == D_SERVICE_PIDFile)
                buf_adds(&text, "Type=forking\n");
        if (d == D_SERVICE_Restart)
                buf_adds(&text, "Type=exec\n");
        if (d == D_SUPERVISOR_StartMode || d == D_SUPERVISOR_Restart)
                buf_adds(&text, d == D_SUPERVISOR_Restart ? "Restart=transient\n" : "Strategy=one_for_all\n");
        sources[1].text = buf_text(&text);
        sources[1].len = text.len;
        if (unit_text_parse(channel ? "a.channel" : supervisor ? "a.supervisor" : "a.service", sources, 2, &unit_host_example, hear, &h, &s) < 0)
                print_error("%s%s", buf_text(&text), buf_text(&h.text));
        assert_non_null(s);
        buf_free(&h.text);
        buf_free(&text);
        return s;
}

static void every_directive_is_read_kept_printed_and_read_again_the_same(void **state)
{
        (void) state;
        for (int d = 0; d < D_COUNT; d++) {
                struct spec *s = one_line_unit(d, sample(d)), *again;
                struct buf text = BUF_INIT;

                assert_true(spec_has(s, (enum directive) d));
                assert_string_equal(spec_origin(s, (enum directive) d).file, "drop-in");
                unit_text_print(s, false, &text);
                again = parse_good(spec_name(s), buf_text(&text));
                for (int other = 0; other < D_COUNT; other++)
                        if (!spec_same(s, again, (enum directive) other))
                                fail_msg("%s= differs after printing:\n%s", directive_rows[other].key, buf_text(&text));
                assert_int_equal(spec_diff(s, again), -1);
                spec_unref(s);
                spec_unref(again);
                buf_free(&text);
        }
}

static void an_empty_value_takes_back_what_was_said(void **state)
{
        (void) state;
        for (int d = 0; d < D_COUNT; d++) {
                const struct directive_row *row = &directive_rows[d];
                struct buf text = BUF_INIT;
                struct spec *s;

                if (row->section != SECTION_UNIT && row->section != SECTION_INSTALL)
                        continue;
                buf_addf(&text, "[Service]\nExecStart=/x\n[%s]\n%s=%s\n%s=\n",
                         strtab_text(&section_names, (int) row->section), row->key, sample(d), row->key);
                s = parse_good("a.service", buf_text(&text));
                assert_false(spec_has(s, (enum directive) d));
                spec_unref(s);
                buf_free(&text);
        }
}

static void the_schema_is_json_and_has_every_row(void **state)
{
        struct buf text = BUF_INIT;
        json_error_t error;
        json_t *schema;

        (void) state;
        schema_write(&text);
        schema = json_loads(buf_text(&text), JSON_REJECT_DUPLICATES, &error);
        assert_non_null(schema);
        for (int d = 0; d < D_COUNT; d++) {
                const json_t *o = json_object_get(schema, "properties");

                o = json_object_get(o, strtab_text(&section_names, (int) directive_rows[d].section));
                o = json_object_get(json_object_get(o, "properties"), directive_rows[d].key);
                assert_string_equal(json_string_value(json_object_get(o, "description")), directive_rows[d].help);
        }
        json_decref(schema);
        buf_free(&text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_default_is_a_value_and_survives_the_round_trip),
                cmocka_unit_test(bounds_are_accepted_and_one_step_beyond_them_is_not),
                cmocka_unit_test(zero_stands_for_infinity_where_the_row_says_so),
                cmocka_unit_test(every_name_of_an_enumeration_is_its_value),
                cmocka_unit_test(every_row_is_found_by_section_and_key_and_explains_itself),
                cmocka_unit_test(every_directive_is_read_kept_printed_and_read_again_the_same),
                cmocka_unit_test(an_empty_value_takes_back_what_was_said),
                cmocka_unit_test(the_schema_is_json_and_has_every_row),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
