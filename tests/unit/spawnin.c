/* spawnin.c - services that spawn: how a child is tied to its spawner, what it may be, how many there may be; and numbers of
 * nodes that are used again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <malloc.h>

#include <cmocka.h>

#include "core/bond.h"
#include "core/snapshot.h"
#include "core/spawnable.h"
#include "core/transient.h"
#include "tests/unit/core_rows.h"

#define SERVICE "[Service]\nExecStart=/x\nMailbox=yes\nRestart=no\n"

static const struct unit_row pair[] = {
        { "/", "a.service", SERVICE }, { "/", "b.service", SERVICE "KillMode=process\n" }, { 0 },
};

static void play(const struct unit_row *units, const struct row *rows)
{
        struct rows r = rows_begin(units);

        rows_feed(&r, "boot");
        rows_feed(&r, "spawned a");
        rows_feed(&r, "spawned b");
        rows_run(&r, rows);
        rows_end(&r);
}

/* --- spawner and child --------------------------------------------------------------------------------------------- */

static void a_child_starts_and_its_spawner_is_told(void **state)
{
        static const struct row rows[] = {
                { "beget a w", "open w; spawn w ExecStart" },
                { "spawned w", "done ok", "w=running" },
                { "exited a exit:3", "watch a", "w=running" },
                { 0 },
        };

        (void) state;
        play(pair, rows);
}

static void a_linked_child_ends_with_its_spawner(void **state)
{
        static const struct row rows[] = {
                { "beget a w link", "open w; spawn w ExecStart" },
                { "spawned w", "done ok" },
                { "exited a exit:3", "watch a" },
                { "empty a", "close a exit:3; signal w all TERM" },
                { "exited w signal:TERM", "watch w" },
                { "empty w", "close w linked:/a:exit:3" },
                { 0 },
        };

        (void) state;
        play(pair, rows);
}

static void a_spawner_ends_with_its_linked_child_which_never_said_that_it_started(void **state)
{
        static const struct row rows[] = {
                { "beget a w link", "open w; spawn w ExecStart" },
                { "spawn_failed w", "watch w" },
                { "empty w", "close w spawn:EXEC:ENOENT; done start_failed; signal a all TERM" },
                { 0 },
        };

        (void) state;
        play(pair, rows);
}

static void one_that_traps_exits_is_told_of_its_child_and_lives(void **state)
{
        static const struct row rows[] = {
                { "trap a on", "done ok" },
                { "beget a w link,monitor mark", "open w; spawn w ExecStart" },
                { "spawned w", "done ok" },
                { "exited w exit:3", "watch w" },
                { "empty w", "close w exit:3; deliver a EXIT w exit:3; deliver a DOWN w exit:3 mark" },
                { 0 },
        };

        (void) state;
        play(pair, rows);
}

static void a_link_to_a_child_that_ends_normally_does_nothing(void **state)
{
        static const struct row rows[] = {
                { "beget a w link", "open w; spawn w ExecStart" },
                { "spawned w", "done ok" },
                { "exited w", "watch w" },
                { "empty w", "close w normal", "a=running" },
                { 0 },
        };

        (void) state;
        play(pair, rows);
}

static void a_child_that_is_never_born_is_down_all_the_same(void **state)
{
        static const struct row rows[] = {
                { "beget a cautious link,monitor mark", "check cautious" },
                { "checked cautious fail", "done start_failed" },
                { "delete cautious", "done ok; forget cautious; signal a all TERM; deliver a DOWN cautious condition mark" },
                { 0 },
        };

        (void) state;
        play(pair, rows);
}

static void a_child_does_not_begin_when_the_one_it_is_linked_to_has_ended(void **state)
{
        static const struct row rows[] = {
                { "beget a cautious link", "check cautious" },
                { "exited a exit:3", "watch a" },
                { "empty a", "close a exit:3; done stopped", "cautious=inactive" },
                { "checked cautious pass", "", "cautious=inactive" },
                { 0 },
        };

        (void) state;
        play(pair, rows);
}

static void a_child_begins_when_its_spawner_has_ended_well_meanwhile(void **state)
{
        static const struct row rows[] = {
                { "beget a cautious link", "check cautious" },
                { "exited a", "watch a" },
                { "empty a", "close a normal" },
                { "checked cautious pass", "open cautious; spawn cautious ExecStart" },
                { 0 },
        };

        (void) state;
        play(pair, rows);
}

static void who_is_on_his_way_down_spawns_nothing(void **state)
{
        static const struct row rows[] = {
                { "stop a", "signal a all TERM" },
                { "beget a w link", "done not_running", "w=inactive" },
                { 0 },
        };

        (void) state;
        play(pair, rows);
}

/* --- what it may be ---------------------------------------------------------------------------------------------------- */

/* The spec of `true` spawned by a unit of these lines, with these properties; NULL when it is refused, with *why. */
static struct spec *child_of(const char *lines, const char *const *properties, struct err *why)
{
        static const char *const command[] = { "true" };
        struct unit_source source = { .file = "a.service", .text = lines, .len = strlen(lines) };
        struct transient_unit t = { .name = "w.service", .command = command, .argc = 1, .properties = properties };
        struct spec *spawner = NULL, *child = NULL;

        assert_int_equal(unit_text_parse("a.service", &source, 1, &unit_host_example, NULL, NULL, &spawner), 0);
        while (properties[t.count])
                t.count++;
        t.spawner = spawner;
        *why = (struct err) { 0 };
        if (transient_parse(&t, &unit_host_example, NULL, NULL, &child, why) < 0)
                child = NULL;
        spec_unref(spawner);
        return child;
}

static void what_bounds_a_service_bounds_what_it_spawns(void **state)
{
        static const char *const bounds[] = {
                "User=nobody", "Group=nogroup", "SupplementaryGroups=adm", "NoNewPrivileges=yes", "CapabilityBoundingSet=CAP_CHOWN",
                "AmbientCapabilities=", "SecureBits=noroot", "RootDirectory=/srv", "ProtectSystem=strict", "ProtectHome=yes",
                "ReadOnlyPaths=/a /b", "ReadWritePaths=/c", "InaccessiblePaths=/d", "TemporaryFileSystem=/e:ro", "BindPaths=/f:/g",
                "PrivateTmp=yes", "PrivateDevices=yes", "PrivateNetwork=yes", "PrivateUsers=yes", "PrivatePIDs=yes",
                "SystemCallFilter=@system-service", "SystemCallFilter=~@mount", "SystemCallErrorNumber=EPERM",
                "SystemCallArchitectures=native", "RestrictAddressFamilies=AF_UNIX", "LandlockRead=/usr", "LandlockWrite=/tmp",
                "MemoryMax=64M", "TasksMax=5", "CPUQuota=10%", "LimitNOFILE=64", "LimitNPROC=3:4", "Nice=5", "OOMScoreAdjust=500",
                "UMask=0077", "SetCredential=key:a %% b", "Environment=A=\"x y\" B=%%h", "PassEnvironment=LANG",
                "WorkingDirectory=/srv", "RuntimeMaxSec=1min", "LoadCredential=key:/k", "DeviceAllow=/dev/null rw",
                "Isolation=best-effort", "LogRateLimit=100", "CPUAffinity=0-1", "StateDirectory=x",
        };
        static const char *const none[] = { NULL };

        (void) state;
        for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
                char lines[200];
                struct unit_source source = { .file = "b.service" };
                struct spec *said = NULL, *child;
                struct err why;

                (void) snprintf(lines, sizeof(lines), "[Service]\nExecStart=/x\n%s\n", bounds[i]);
                source.text = lines;
                source.len = strlen(lines);
                assert_int_equal(unit_text_parse("b.service", &source, 1, &unit_host_example, NULL, NULL, &said), 0);
                child = child_of(lines, none, &why);
                if (!child)
                        fail_msg("%s: %s", bounds[i], why.text);
                for (int d = 0; d < D_COUNT; d++)
                        if (strncmp(bounds[i], directive_rows[d].key, strcspn(bounds[i], "=")) == 0 &&
                            !directive_rows[d].key[strcspn(bounds[i], "=")] && directive_rows[d].section == SECTION_SERVICE &&
                            !spec_same(said, child, (enum directive) d))
                                fail_msg("%s is lost", bounds[i]);
                spec_unref(said);
                spec_unref(child);
        }
}

static void a_spawner_asks_for_less_and_gets_no_more(void **state)
{
        static const struct {
                const char *lines, *property;
                bool fine;
        } rows[] = {
                { "MemoryMax=64M", "MemoryMax=32M", true },   { "MemoryMax=64M", "MemoryMax=65M", false },
                { "MemoryMax=64M", "MemoryMax=infinity", false }, { "MemoryMax=64M", "MemoryMax=1%", false },
                { "MemoryMax=10%", "MemoryMax=5%", true },    { "MemoryMax=10%", "MemoryMax=11%", false },
                { "", "MemoryMax=1G", true },                 { "", "TasksMax=512", true },
                { "", "TasksMax=513", false },                { "", "TasksMax=infinity", false },
                { "RuntimeMaxSec=10", "RuntimeMaxSec=9", true }, { "RuntimeMaxSec=10", "RuntimeMaxSec=infinity", false },
                { "TimeoutStopSec=1", "TimeoutStopSec=infinity", false }, { "", "TimeoutStopSec=11s", false },
                { "", "PrivateNetwork=yes", true },           { "PrivateNetwork=yes", "PrivateNetwork=no", false },
                { "NoNewPrivileges=yes", "NoNewPrivileges=no", false }, { "", "NoNewPrivileges=no", false },
                { "InaccessiblePaths=/a", "InaccessiblePaths=/b", true }, { "InaccessiblePaths=/a", "InaccessiblePaths=", false },
                { "", "User=root", false },                   { "User=nobody", "User=nobody", false },
                { "", "ReadOnlyPaths=/x", false },            { "", "LimitNOFILE=1", false },
                { "", "AmbientCapabilities=CAP_SYS_ADMIN", false }, { "", "ExecStartPre=+/x", false },
                { "", "ExecStart=/x", false },                { "", "LinkTo=b.service", false },
                { "", "Supervisor=other", false },            { "", "PIDFile=/x", false },
                { "", "StandardOutput=file:/etc/passwd", false }, { "", "SystemCallFilter=@system-service", false },
                { "", "Isolation=best-effort", false },       { "", "Delegate=yes", false },
                { "", "Restart=permanent", true },            { "", "Environment=A=1", true },
                { "", "Mailbox=yes", true },                  { "", "MailboxCapacityBytes=1G", false },
                { "", "PassEnvironment=SECRET", false },      { "", "LoadCredential=x:/etc/shadow", false },
                { "", "BindPaths=/", false },                 { "", "KillMode=none", false },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *const properties[] = { rows[i].property, NULL };
                char lines[200];
                struct err why;
                struct spec *child;

                (void) snprintf(lines, sizeof(lines), "[Service]\nExecStart=/x\n%s\n", rows[i].lines);
                child = child_of(lines, properties, &why);
                if ((child != NULL) != rows[i].fine)
                        fail_msg("%s with %s: %s", rows[i].lines, rows[i].property, child ? "was let through" : why.text);
                spec_unref(child);
        }
}

static void a_supervisor_has_as_many_children_as_it_says(void **state)
{
        static const struct unit_row units[] = {
                { "/", "s.supervisor", "[Supervisor]\nMaxChildren=2\n" }, { "/s", "a.service", SERVICE }, { 0 },
        };
        struct rows r = rows_begin(units);
        node_id s = core_find(r.core, NODE_ROOT, "/s", NULL), id;
        struct err err = { 0 };

        (void) state;
        for (int i = 0; i < 3; i++) {
                struct spec *spec = spec_new_default(KIND_SERVICE, i == 0 ? "x.service" : i == 1 ? "y.service" : "z.service");

                assert_int_equal(core_add(r.core, s, spec, true, &id, &err), i < 2 ? 0 : -EDQUOT);
                spec_unref(spec);
        }
        assert_non_null(strstr(err.text, "s.supervisor has 2 children"));
        rows_end(&r);
}

/* --- numbers that are used again ----------------------------------------------------------------------------------------- */

static void one_run(struct rows *r, const char *name)
{
        char text[80];
        struct unit_source source = { .file = "", .text = "[Service]\nExecStart=/x\nRestart=temporary\nLinkTo=a.service\n" };
        struct spec *spec = NULL;
        node_id id;

        source.len = strlen(source.text);
        (void) snprintf(text, sizeof(text), "%s.service", name);
        assert_int_equal(unit_text_parse(text, &source, 1, &unit_host_example, NULL, NULL, &spec), 0);
        assert_int_equal(core_add_again(r->core, NODE_ROOT, spec, true, &id, NULL), 0);
        spec_unref(spec);
        for (const char *const *event = (const char *const[]) { "start", "spawned", "exited", "empty", "delete", NULL }; *event; event++) {
                (void) snprintf(text, sizeof(text), "%s %s", *event, name);
                rows_feed(r, text);
        }
        assert_null(core_node(r->core, id));
}

/* A crash and the restart it brings, a restart that is asked for, a stop, a start. The intensity window never fills. */
static const struct row crash_restart_stop_start[] = {
        { "+1s exited b exit:3", "watch b" },
        { "empty b", "close b exit:3", "b=backoff" },
        { "+1m tick", "open b; spawn b ExecStart" },
        { "spawned b", "", "b=running" },
        { "restart b", "signal b all TERM" },
        { "exited b signal:TERM", "watch b" },
        { "empty b", "close b shutdown; open b; spawn b ExecStart" },
        { "spawned b", "done ok", "b=running" },
        { "stop b", "signal b all TERM" },
        { "exited b signal:TERM", "watch b" },
        { "empty b", "close b shutdown; done ok", "b=inactive" },
        { "start b", "open b; spawn b ExecStart" },
        { "spawned b", "done ok", "b=running" },
        { 0 },
};

static const struct unit_row crashing[] = {
        { "/", "a.service", SERVICE }, { "/", "b.service", "[Service]\nExecStart=/x\nMailbox=yes\nRestart=permanent\n" }, { 0 },
};

static size_t bytes_in_use(void)
{
        struct mallinfo2 m = mallinfo2();

        return m.uordblks + m.hblkhd;
}

/* COPPICE_CYCLES makes it longer. What the core holds, in bytes, is the same at the end as after the first of its cycles,
 * in which rings fill and arrays grow. */
static void a_hundred_thousand_cycles_take_no_more_memory_than_a_few_hundred(void **state)
{
        enum { WARM = 300, CYCLES = 100000 };
        const char *said = getenv("COPPICE_CYCLES");
        unsigned long cycles = said ? strtoul(said, NULL, 10) : 0;
        struct rows r = rows_begin(crashing);
        size_t before = 0;
        node_id limit = 0, b = core_find(r.core, NODE_ROOT, "b", NULL);
        char name[32];

        (void) state;
        cycles = cycles > CYCLES ? cycles : CYCLES;
        rows_feed(&r, "boot");
        rows_feed(&r, "spawned a");
        rows_feed(&r, "spawned b");
        for (unsigned long i = 0; i < cycles; i++) {
                rows_run(&r, crash_restart_stop_start);
                if (i % 10 == 0) { /* a unit is read from its text, which takes the longest of all */
                        (void) snprintf(name, sizeof(name), "run-%09lu", i);
                        one_run(&r, name);
                }
                if (i == WARM) {
                        before = bytes_in_use();
                        limit = core_node_limit(r.core);
                }
        }
        rows_feed(&r, "tick");
        assert_int_equal(core_node_limit(r.core), limit);
        assert_int_equal(core_node(r.core, b)->incarnation, 3 * cycles + 1);
        assert_true(bytes_in_use() <= before + 4096);
        rows_end(&r);
}

static void what_is_said_of_a_life_that_is_over_does_not_reach_who_has_its_number_now(void **state)
{
        struct rows r = rows_begin(pair);
        struct buf text = BUF_INIT;
        struct event stale = { .kind = EVT_EXITED, .reason = REASON(REASON_EXIT, 3) };
        uint64_t seq;

        (void) state;
        rows_feed(&r, "boot");
        rows_feed(&r, "spawned a");
        rows_feed(&r, "spawned b");
        rows_feed(&r, "beget a w");
        rows_feed(&r, "spawned w");
        stale.node = core_find(r.core, NODE_ROOT, "w", NULL);
        stale.incarnation = core_node(r.core, stale.node)->incarnation;
        stale.arg = core_node(r.core, stale.node)->pid_main;
        seq = core_last_seq(r.core);
        rows_feed(&r, "exited w exit:3");
        rows_feed(&r, "empty w");
        rows_feed(&r, "delete w");
        rows_feed(&r, "beget a v");
        assert_int_equal(core_find(r.core, NODE_ROOT, "v", NULL), stale.node);
        rows_feed(&r, "spawned v");
        (void) core_step(r.core, &stale, r.now);
        assert_int_equal(core_node(r.core, stale.node)->state, STATE_RUNNING);
        assert_true(core_node(r.core, stale.node)->incarnation > stale.incarnation);
        core_explain(r.core, core_record(r.core, seq), &text);
        assert_null(strstr(buf_text(&text), "/v"));
        buf_free(&text);
        rows_end(&r);
}

static void numbers_that_are_free_are_in_a_snapshot(void **state)
{
        struct rows r = rows_begin(pair);
        struct core *copy = NULL;
        struct buf bytes = BUF_INIT;
        struct err err = { 0 };
        struct unpack u;
        struct pack_map *map;

        (void) state;
        rows_feed(&r, "boot");
        one_run(&r, "x");
        one_run(&r, "y");
        rows_feed(&r, "tick");
        pack_schema(&bytes, &core_schema);
        core_snapshot(r.core, &bytes);
        u = unpack_begin(bytes.data, bytes.len);
        map = unpack_schema(&u, &core_schema, &err);
        assert_non_null(map);
        assert_int_equal(core_restore(&u, map, &copy, &err), 0);
        assert_int_equal(core_retired(copy), core_retired(r.core));
        assert_int_not_equal(core_retired(copy), NODE_NONE);
        core_free(copy);
        pack_map_free(map);
        buf_free(&bytes);
        rows_end(&r);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_child_starts_and_its_spawner_is_told),
                cmocka_unit_test(a_linked_child_ends_with_its_spawner),
                cmocka_unit_test(a_spawner_ends_with_its_linked_child_which_never_said_that_it_started),
                cmocka_unit_test(one_that_traps_exits_is_told_of_its_child_and_lives),
                cmocka_unit_test(a_link_to_a_child_that_ends_normally_does_nothing),
                cmocka_unit_test(a_child_that_is_never_born_is_down_all_the_same),
                cmocka_unit_test(a_child_does_not_begin_when_the_one_it_is_linked_to_has_ended),
                cmocka_unit_test(a_child_begins_when_its_spawner_has_ended_well_meanwhile),
                cmocka_unit_test(who_is_on_his_way_down_spawns_nothing),
                cmocka_unit_test(what_bounds_a_service_bounds_what_it_spawns),
                cmocka_unit_test(a_spawner_asks_for_less_and_gets_no_more),
                cmocka_unit_test(a_supervisor_has_as_many_children_as_it_says),
                { "I9: a hundred thousand cycles take no more memory than a few hundred",
                  a_hundred_thousand_cycles_take_no_more_memory_than_a_few_hundred, NULL, NULL, NULL },
                cmocka_unit_test(what_is_said_of_a_life_that_is_over_does_not_reach_who_has_its_number_now),
                cmocka_unit_test(numbers_that_are_free_are_in_a_snapshot),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
