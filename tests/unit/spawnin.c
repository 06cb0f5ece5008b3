/* spawnin.c - services that spawn: how a child is tied to its spawner, what it may be, how many there may be; and numbers of
 * nodes that are used again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/bond.h"
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
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
