/* spec.c - specs: defaults, what is set and where, comparison, size. */
#include "core/resolve.h"
#include "core/spec_build.h"
#include "tests/unit/units.h"

static void a_spec_that_says_nothing_has_every_default(void **state)
{
        struct spec *s = spec_new_default(KIND_SERVICE, "a@1.service");

        (void) state;
        assert_string_equal(spec_name(s), "a@1.service");
        assert_string_equal(spec_stem(s), "a@1");
        assert_string_equal(spec_file(s), "");
        assert_int_equal(spec_drop_in_count(s), 0);
        assert_false(spec_has(s, D_SERVICE_RestartSec));
        assert_int_equal(spec_int(s, D_SERVICE_RestartSec), 100 * NSEC_PER_MSEC);
        assert_int_equal(spec_int(s, D_SERVICE_Nice), SPEC_UNSET);
        assert_string_equal(spec_str(s, D_SERVICE_StandardOutput), "log");
        assert_string_equal(spec_str(s, D_SERVICE_User), "");
        assert_int_equal(spec_count(s, D_SERVICE_ExecStart), 0);
        assert_string_equal(spec_item(s, D_SERVICE_Environment, 5), "");
        assert_int_equal(spec_command(s, D_SERVICE_ExecStart, 0).argc, 0);
        assert_int_equal(spec_origin(s, D_SERVICE_Nice).line, 0);
        assert_string_equal(spec_origin(s, D_SERVICE_Nice).file, "");
        spec_unref(s);
        spec_unref(NULL);
}

static void defaults_that_depend_on_other_values_are_resolved(void **state)
{
        static const struct {
                const char *text;
                bool foreign;
                enum restart restart;
                nsec start;
                enum notify_access access;
        } rows[] = {
                { "", false, RESTART_PERMANENT, 90 * NSEC_PER_SEC, NOTIFY_NONE },
                { "", true, RESTART_TEMPORARY, 90 * NSEC_PER_SEC, NOTIFY_NONE },
                { "Type=oneshot", false, RESTART_TEMPORARY, NSEC_NEVER, NOTIFY_NONE },
                { "Type=oneshot\nRestart=on-failure\nTimeoutStartSec=5", false, RESTART_TRANSIENT, 5 * NSEC_PER_SEC,
                  NOTIFY_NONE },
                { "Type=notify", false, RESTART_PERMANENT, 90 * NSEC_PER_SEC, NOTIFY_MAIN },
                { "WatchdogSec=3\nRestart=always", true, RESTART_PERMANENT, 90 * NSEC_PER_SEC, NOTIFY_MAIN },
                { "Type=notify\nNotifyAccess=all", false, RESTART_PERMANENT, 90 * NSEC_PER_SEC, NOTIFY_ALL },
                { "TimeoutSec=7", false, RESTART_PERMANENT, 7 * NSEC_PER_SEC, NOTIFY_NONE },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct heard h = { 0 };
                struct buf text = BUF_INIT;
                struct spec *s;

                buf_addf(&text, "[Service]\nExecStart=/x\n%s\n", rows[i].text);
                s = parse_text("a.service", buf_text(&text), text.len, rows[i].foreign, &h);
                assert_non_null(s);
                assert_int_equal(spec_restart(s), rows[i].restart);
                assert_int_equal(spec_timeout_start(s), rows[i].start);
                assert_int_equal(spec_notify_access(s), rows[i].access);
                spec_unref(s);
                buf_free(&text);
                buf_free(&h.text);
        }
}

static void supervisors_answer_the_common_questions_too(void **state)
{
        struct spec *s = parse_good("a.supervisor", "[Supervisor]\nStrategy=rest_for_one\nRestart=transient\n"
                                                    "Significant=yes\nRestartSec=1min\n");

        (void) state;
        assert_int_equal(spec_restart(s), RESTART_TRANSIENT);
        assert_true(spec_significant(s));
        assert_int_equal(spec_restart_sec(s), 60 * NSEC_PER_SEC);
        assert_int_equal(spec_restart_max_delay(s), 60 * NSEC_PER_SEC); /* never below RestartSec= */
        assert_int_equal(spec_restart_factor(s), 2000);
        assert_int_equal(spec_restart_jitter(s), 1000);
        assert_int_equal(spec_restart_reset(s), 60 * NSEC_PER_SEC);
        assert_int_equal(spec_timeout_stop(s), NSEC_NEVER);
        assert_int_equal(spec_timeout_start(s), NSEC_NEVER);
        assert_int_equal(spec_start_mode(s), START_SEQUENTIAL);
        spec_unref(s);
}

#define BASE "[Service]\nExecStart=/bin/x a b\n"

static void differences_say_what_a_change_asks_for(void **state)
{
        static const struct {
                const char *a, *b;
                int change;
        } rows[] = {
                { BASE, BASE, -1 },
                { BASE "Nice=1\n", "[Service]\nNice=1\nExecStart=/bin/x a b\n", -1 },
                { BASE, BASE "RestartSec=100ms\n", -1 },                   /* said, but the default */
                { BASE, BASE "RestartSec=1s\n", CHANGE_LIVE },
                { BASE, "[Service]\nExecStart=/bin/x a c\n", CHANGE_RESTART },
                { BASE, "[Service]\nExecStart=/bin/x \"a b\"\n", CHANGE_RESTART },
                { BASE, "[Service]\nExecStart=-/bin/x a b\n", CHANGE_RESTART },
                { BASE, "[Unit]\nAfter=y.service\n" BASE, CHANGE_START },
                { BASE "Environment=A=1 B=2\n", BASE "Environment=A=1\nEnvironment=B=2\n", -1 },
                { BASE "Environment=A=1\n", BASE "Environment=A=2\nRestartSec=9\n", CHANGE_RESTART },
                { "[Service]\nType=oneshot\nExecStart=/x\n", "[Service]\nType=oneshot\nExecStart=/x\nRestart=no\n", CHANGE_LIVE },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct spec *a = parse_good("a.service", rows[i].a), *b = parse_good("a.service", rows[i].b);

                assert_int_equal(spec_diff(a, b), rows[i].change);
                assert_int_equal(spec_diff(b, a), rows[i].change);
                assert_int_equal(spec_diff(a, a), -1);
                spec_unref(a);
                spec_unref(b);
        }
}

static void a_unit_of_four_lines_costs_less_than_300_bytes(void **state)
{
        struct spec *s = parse_good("svc01234.service", "[Unit]\nDescription=Service number 1234\n[Service]\n"
                                                        "ExecStart=/usr/bin/sleep 100000\nRestart=on-failure\nUser=nobody\n");

        (void) state;
        assert_true(spec_bytes(s) < 300);
        spec_unref(s);
}

static void ten_thousand_children_are_kept_in_order(void **state)
{
        struct buf text = BUF_INIT, printed = BUF_INIT;
        struct spec *s, *again;
        char name[32];

        (void) state;
        buf_adds(&text, "[Supervisor]");
        for (int i = 0; i < 10000; i++)
                buf_addf(&text, "%ss%d.service", i % 1000 ? " " : "\nChildren=", i);
        s = parse_good("a.supervisor", buf_text(&text));
        assert_int_equal(spec_count(s, D_SUPERVISOR_Children), 10000);
        for (int i = 0; i < 10000; i++) {
                (void) snprintf(name, sizeof(name), "s%d.service", i);
                assert_string_equal(spec_item(s, D_SUPERVISOR_Children, (size_t) i), name);
                assert_int_equal(spec_item_origin(s, D_SUPERVISOR_Children, (size_t) i).line, 2 + i / 1000);
        }
        unit_text_print(s, false, &printed);
        again = parse_good("a.supervisor", buf_text(&printed));
        assert_int_equal(spec_diff(s, again), -1);
        spec_unref(s);
        spec_unref(again);
        buf_free(&text);
        buf_free(&printed);
}

static void references_are_counted(void **state)
{
        struct spec *s = spec_new_default(KIND_SUPERVISOR, "root.supervisor");

        (void) state;
        assert_ptr_equal(spec_ref(s), s);
        spec_unref(s);
        assert_string_equal(spec_stem(s), "root");
        spec_unref(s);
}

static void show_prints_every_value_in_effect(void **state)
{
        struct spec *s = parse_good("a.service", "[Unit]\nDescription=100%% \\\\\n[Service]\nType=oneshot\nExecStart=/x\n");
        struct buf text = BUF_INIT;

        (void) state;
        unit_text_print(s, true, &text);
        assert_contains(buf_text(&text), "[Unit]\nDescription=100%% \\\\\n");
        assert_contains(buf_text(&text), "\nRestart=temporary\n");
        assert_contains(buf_text(&text), "\nTimeoutStartSec=infinity\n");
        assert_contains(buf_text(&text), "\nNotifyAccess=none\n");
        assert_contains(buf_text(&text), "\nStandardError=inherit\n");
        assert_null(strstr(buf_text(&text), "Nice="));
        buf_free(&text);
        spec_unref(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_spec_that_says_nothing_has_every_default),
                cmocka_unit_test(defaults_that_depend_on_other_values_are_resolved),
                cmocka_unit_test(supervisors_answer_the_common_questions_too),
                cmocka_unit_test(differences_say_what_a_change_asks_for),
                cmocka_unit_test(a_unit_of_four_lines_costs_less_than_300_bytes),
                cmocka_unit_test(ten_thousand_children_are_kept_in_order),
                cmocka_unit_test(references_are_counted),
                cmocka_unit_test(show_prints_every_value_in_effect),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
