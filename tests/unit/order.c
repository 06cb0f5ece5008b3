/* Relations between siblings: rows of {event} -> {actions}. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/unit_text.h"
#include "tests/unit/core_rows.h"

#define ROWS(...) ((const struct row[]) { __VA_ARGS__, { 0 } })
#define UNITS(...) ((const struct unit_row[]) { __VA_ARGS__, { 0 } })
#define RUN "[Service]\nExecStart=/w\nRestartSec=1s\nRestartJitter=0%\n"
#define DB { "/", "db.service", RUN }
#define APP(relation) { "/", "app.service", "[Unit]\n" relation "\n" RUN }

static void after_waits_for_readiness_and_stops_first(void **state)
{
        (void) state;
        rows_play(UNITS(APP("After=db.service"), DB), ROWS(
                { "boot", "open db; spawn db ExecStart", "app=starting" },
                { "spawned db", "open app; spawn app ExecStart" },
                { "spawned app", "", "/=running" },
                { "shutdown 9s", "signal app all TERM", "db=running" },
                { "exited app", "watch app" },
                { "empty app", "close app shutdown; signal db all TERM" },
                { "exited db", "watch db" },
                { "empty db", "close db shutdown; exit 0" }));
}

static void before_is_after_seen_from_the_other_side(void **state)
{
        (void) state;
        rows_play(UNITS({ "/", "app.service", RUN }, { "/", "db.service", "[Unit]\nBefore=app.service\n" RUN }), ROWS(
                { "boot", "open db; spawn db ExecStart" },
                { "spawned db", "open app; spawn app ExecStart" }));
}

static void after_alone_goes_on_when_the_other_has_failed(void **state)
{
        (void) state;
        rows_play(UNITS(APP("After=db.service"), DB), ROWS(
                { "boot", "open db; spawn db ExecStart" },
                { "spawn_failed db", "watch db" },
                { "empty db", "close db spawn:EXEC:ENOENT; open app; spawn app ExecStart", "db=backoff" }));
}

static void requires_with_after_waits_for_the_next_attempt_of_the_other(void **state)
{
        (void) state;
        rows_play(UNITS(APP("After=db.service\nRequires=db.service"), DB), ROWS(
                { "boot", "open db; spawn db ExecStart" },
                { "spawn_failed db", "watch db" },
                { "empty db", "close db spawn:EXEC:ENOENT", "db=backoff app=starting" },
                { "+1s tick", "open db; spawn db ExecStart" },
                { "spawned db", "open app; spawn app ExecStart" }));
}

static void what_is_required_and_fails_for_good_fails_who_requires_it_and_brings_it_back_later(void **state)
{
        (void) state;
        rows_play(UNITS(APP("After=db.service\nRequires=db.service"),
                        { "/", "db.service", "[Service]\nExecStart=/w\nRestart=no\n" }), ROWS(
                { "boot", "open db; spawn db ExecStart" },
                { "spawn_failed db", "watch db" },
                { "empty db", "close db spawn:EXEC:ENOENT", "db=failed app=failed /=running" },
                { "start db", "open db; spawn db ExecStart" },
                { "spawned db", "done ok; open app; spawn app ExecStart" },
                { "spawned app", "", "app=running" }));
}

static void what_requires_a_sibling_that_is_not_there_is_not_started_and_says_so(void **state)
{
        static const struct { const char *relation, *says; } rows[] = {
                { "Requires=bd.service", "Requires=bd.service: there is no such sibling (app.service:2)" },
                { "Requires=db.service\nBindsTo=db.service bd.service", "BindsTo=bd.service: there is no such sibling (app.service:3)" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char unit[128], *why;
                struct rows r;

                (void) snprintf(unit, sizeof(unit), "[Unit]\n%s\n%s", rows[i].relation, RUN);
                r = rows_begin(UNITS({ "/", "app.service", unit }, DB));
                rows_run(&r, ROWS({ "boot", "open db; spawn db ExecStart", "app=failed" },
                                  { "spawned db", "", "/=running app=failed" },
                                  { "start app", "done start_failed", "app=failed" }));
                why = rows_why(&r, "app");
                if (!strstr(why, rows[i].says))
                        fail_msg("why says: %s", why);
                assert_int_equal(core_node(r.core, core_find(r.core, NODE_ROOT, "app", NULL))->last_reason.kind, REASON_DEPENDENCY);
                free(why);
                rows_end(&r);
        }
}

/* Below root/a nobody is called db: between branches only the order counts. */
static void who_is_required_must_be_a_sibling(void **state)
{
        (void) state;
        rows_play(UNITS({ "/", "a.supervisor", "[Supervisor]\nEscalation=isolate\n" },
                        { "/a", "app.service", "[Unit]\nRequires=db.service\n" RUN }, DB), ROWS(
                { "boot", "open db; spawn db ExecStart", "app=failed" }));
}

static void a_supervisor_that_escalates_does_not_start_without_what_a_child_requires(void **state)
{
        (void) state;
        rows_play(UNITS({ "/", "a.supervisor", "[Supervisor]\nRestart=temporary\n" }, { "/a", "db.service", RUN },
                        { "/a", "app.service", "[Unit]\nRequires=bd.service\n" RUN }), ROWS(
                { "boot", "open db; spawn db ExecStart", "app=failed" }));
}

static void a_path_without_room_says_that_its_beginning_is_missing(void **state)
{
        struct rows r = rows_begin(UNITS({ "/", "long-name.supervisor", "[Supervisor]\n" }, { "/long-name", "inner.supervisor", "[Supervisor]\n" },
                                         { "/long-name/inner", "app.service", RUN }));
        node_id id = core_find(r.core, NODE_ROOT, "app", NULL);
        struct buf whole = BUF_INIT;
        char path[64];

        (void) state;
        assert_string_equal(core_path(r.core, id, path, 21), "/long-name/inner/app");
        assert_false(core_path_is_cut(path));
        assert_string_equal(core_path(r.core, id, path, 20), ".../inner/app");
        assert_true(core_path_is_cut(path));
        assert_string_equal(core_path(r.core, id, path, 13), ".../app");
        assert_string_equal(core_path(r.core, id, path, 6), "...");
        assert_string_equal(core_path(r.core, NODE_ROOT, path, 5), "/");
        buf_adds(&whole, "what stood here before, longer than the path that takes its place");
        whole.len = 0;
        core_path_add(r.core, id, &whole);
        core_path_add(r.core, NODE_ROOT, &whole);
        assert_string_equal(buf_text(&whole), "/long-name/inner/app/");
        buf_free(&whole);
        rows_end(&r);
}

static void a_target_of_systemd_may_be_required(void **state)
{
        (void) state;
        rows_play(UNITS(APP("Requires=network.target\nBindsTo=dev-sda.device")), ROWS({ "boot", "open app; spawn app ExecStart" }));
}

/* Its Requires= may name what only systemd has. */
static void a_unit_written_for_systemd_starts_without_what_it_requires(void **state)
{
        static const char text[] = "[Unit]\nRequires=nowhere.service\n" RUN;
        struct unit_source source = { .file = "app.service", .text = text, .len = sizeof(text) - 1, .foreign = true };
        struct rows r = rows_begin(UNITS(DB));
        struct spec *spec = NULL;
        node_id id;

        (void) state;
        assert_int_equal(unit_text_parse("app.service", &source, 1, &unit_host_example, NULL, NULL, &spec), 0);
        assert_int_equal(core_add(r.core, NODE_ROOT, spec, false, &id, NULL), 0);
        spec_unref(spec);
        assert_int_equal(core_link(r.core, NULL, NULL, NULL), 1);
        rows_run(&r, ROWS({ "boot", "open db; spawn db ExecStart; open app; spawn app ExecStart" }));
        rows_end(&r);
}

static void starting_brings_what_is_required_and_wanted(void **state)
{
        (void) state;
        rows_play(UNITS(APP("After=db.service\nRequires=db.service\nWants=log.service"), DB, { "/", "log.service", RUN }), ROWS(
                { "boot", "open db; spawn db ExecStart; open log; spawn log ExecStart" },
                { "spawned db", "open app; spawn app ExecStart" }, { "spawned app", "" }, { "spawned log", "" },
                { "stop db", "signal app all TERM" },
                { "exited app", "watch app" },
                { "empty app", "close app shutdown; signal db all TERM" },
                { "exited db", "watch db" },
                { "empty db", "close db shutdown; done ok", "app=inactive db=inactive" },
                { "stop log", "signal log all TERM" },
                { "exited log", "watch log" }, { "empty log", "close log shutdown; done ok" },
                { "start app", "open db; spawn db ExecStart; open log; spawn log ExecStart", "app=starting" },
                { "spawned db", "open app; spawn app ExecStart" },
                { "spawned app", "done ok", "app=running" }));
}

static void binds_to_ends_with_the_other_and_comes_back_with_it(void **state)
{
        (void) state;
        rows_play(UNITS(APP("After=db.service\nBindsTo=db.service"), DB), ROWS(
                { "boot", "open db; spawn db ExecStart" },
                { "spawned db", "open app; spawn app ExecStart" }, { "spawned app", "" },
                { "exited db exit:1", "watch db" },
                { "empty db", "close db exit:1; signal app all TERM", "db=backoff" },
                { "exited app", "watch app" },
                { "empty app", "close app shutdown", "app=inactive" },
                { "+1s tick", "open db; spawn db ExecStart" },
                { "spawned db", "open app; spawn app ExecStart" }));
}

static void requires_alone_does_not_end_with_a_crash_of_the_other(void **state)
{
        (void) state;
        rows_play(UNITS(APP("After=db.service\nRequires=db.service"), DB), ROWS(
                { "boot", "open db; spawn db ExecStart" },
                { "spawned db", "open app; spawn app ExecStart" }, { "spawned app", "" },
                { "exited db exit:1", "watch db" },
                { "empty db", "close db exit:1", "app=running" }));
}

static void a_part_is_stopped_and_restarted_with_the_whole(void **state)
{
        (void) state;
        rows_play(UNITS(APP("PartOf=db.service"), DB), ROWS(
                { "boot", "open app; spawn app ExecStart; open db; spawn db ExecStart" },
                { "spawned db", "" }, { "spawned app", "" },
                { "restart db", "signal app all TERM; signal db all TERM" },
                { "exited app", "watch app" },
                { "empty app", "close app shutdown; open app; spawn app ExecStart" },
                { "exited db", "watch db" },
                { "empty db", "close db shutdown; open db; spawn db ExecStart" },
                { "spawned app", "" }, { "spawned db", "done ok" },
                { "stop db", "signal app all TERM; signal db all TERM" }));
}

static void a_conflict_ends_the_other(void **state)
{
        (void) state;
        rows_play(UNITS(DB, APP("Conflicts=db.service")), ROWS(
                { "boot", "open db; spawn db ExecStart", "app=inactive" },
                { "spawned db", "", "/=running" },
                { "start app", "signal db all TERM; open app; spawn app ExecStart" },
                { "exited db", "watch db" }, { "empty db", "close db shutdown", "db=inactive" }));
}

static void of_two_in_conflict_the_first_starts_with_its_supervisor(void **state)
{
        (void) state;
        rows_play(UNITS(APP("Conflicts=db.service"), DB), ROWS(
                { "boot", "open app; spawn app ExecStart", "db=inactive" },
                { "spawned app", "", "/=running" },
                { "start db", "signal app all TERM; open db; spawn db ExecStart" }));
}

/* --- names and circles ---------------------------------------------------------------------------------------------- */

static void count(void *arg, const struct err *err)
{
        (void) err;
        ++*(int *) arg;
}

static int problems(const struct unit_row *units)
{
        struct rows r = rows_begin(units);
        struct err err;
        int seen = 0, n = core_link(r.core, count, &seen, &err);

        rows_end(&r);
        assert_int_equal(n, seen);
        return n;
}

static void a_circle_is_reported_once_and_cut(void **state)
{
        (void) state;
        assert_int_equal(problems(UNITS({ "/", "a.service", "[Unit]\nAfter=b.service\n" RUN },
                                        { "/", "b.service", "[Unit]\nAfter=c.service\n" RUN },
                                        { "/", "c.service", "[Unit]\nAfter=a.service\n" RUN })), 1);
        rows_play(UNITS({ "/", "a.service", "[Unit]\nAfter=b.service\n" RUN },
                        { "/", "b.service", "[Unit]\nAfter=a.service\n" RUN }), ROWS(
                { "boot", "open b; spawn b ExecStart" },
                { "spawned b", "open a; spawn a ExecStart" }));
}

static void names_of_nobody_are_reported_and_targets_of_systemd_are_not(void **state)
{
        (void) state;
        assert_int_equal(problems(UNITS(APP("After=nobody.service"))), 1);
        assert_int_equal(problems(UNITS(APP("After=network.target"))), 0);
        assert_int_equal(problems(UNITS({ "/", "in.supervisor", "[Supervisor]\n" }, { "/in", "db.service", RUN },
                                        APP("After=db.service\nWants=db.service"))), 1);
}

static void after_between_branches_orders_the_branches(void **state)
{
        (void) state;
        rows_play(UNITS({ "/", "front.supervisor", "[Supervisor]\n" },
                        { "/front", "app.service", "[Unit]\nAfter=db.service\n" RUN },
                        { "/front", "other.service", RUN },
                        { "/", "back.supervisor", "[Supervisor]\n" },
                        { "/back", "in.supervisor", "[Supervisor]\n" }, { "/back/in", "db.service", RUN }), ROWS(
                { "boot", "open db; spawn db ExecStart", "front=starting other=inactive" },
                { "spawned db", "open app; spawn app ExecStart; open other; spawn other ExecStart", "back=running" },
                { "spawned app", "" }, { "spawned other", "", "/=running" },
                { "shutdown 9s", "signal other all TERM; signal app all TERM", "db=running" },
                { "exited app", "watch app" }, { "empty app", "close app shutdown" },
                { "exited other", "watch other" }, { "empty other", "close other shutdown; signal db all TERM" }));
        assert_int_equal(problems(UNITS(
                { "/", "a.supervisor", "[Supervisor]\n" }, { "/a", "x.service", "[Unit]\nAfter=y.service\n" RUN },
                { "/", "b.supervisor", "[Supervisor]\n" }, { "/b", "y.service", "[Unit]\nAfter=x.service\n" RUN })), 1);
        assert_int_equal(problems(UNITS({ "/", "a.supervisor", "[Supervisor]\n" },
                                        { "/a", "x.service", "[Unit]\nAfter=a.supervisor\n" RUN })), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(after_waits_for_readiness_and_stops_first),
                cmocka_unit_test(after_between_branches_orders_the_branches),
                cmocka_unit_test(before_is_after_seen_from_the_other_side),
                cmocka_unit_test(after_alone_goes_on_when_the_other_has_failed),
                cmocka_unit_test(requires_with_after_waits_for_the_next_attempt_of_the_other),
                cmocka_unit_test(what_is_required_and_fails_for_good_fails_who_requires_it_and_brings_it_back_later),
                cmocka_unit_test(what_requires_a_sibling_that_is_not_there_is_not_started_and_says_so),
                cmocka_unit_test(who_is_required_must_be_a_sibling),
                cmocka_unit_test(a_supervisor_that_escalates_does_not_start_without_what_a_child_requires),
                cmocka_unit_test(a_path_without_room_says_that_its_beginning_is_missing),
                cmocka_unit_test(a_target_of_systemd_may_be_required),
                cmocka_unit_test(a_unit_written_for_systemd_starts_without_what_it_requires),
                cmocka_unit_test(starting_brings_what_is_required_and_wanted),
                cmocka_unit_test(binds_to_ends_with_the_other_and_comes_back_with_it),
                cmocka_unit_test(requires_alone_does_not_end_with_a_crash_of_the_other),
                cmocka_unit_test(a_part_is_stopped_and_restarted_with_the_whole),
                cmocka_unit_test(a_conflict_ends_the_other),
                cmocka_unit_test(of_two_in_conflict_the_first_starts_with_its_supervisor),
                cmocka_unit_test(a_circle_is_reported_once_and_cut),
                cmocka_unit_test(names_of_nobody_are_reported_and_targets_of_systemd_are_not),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
