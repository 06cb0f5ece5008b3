/* bond.c - links, monitors, exit signals and names: every row of the table taken from Erlang, then what is ours: standing
 * bonds of units, restarts, chains, bounds, and the whole of it in a snapshot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/bond.h"
#include "core/snapshot.h"
#include "tests/unit/core_rows.h"

#define SERVICE "[Service]\nExecStart=/x\nMailbox=yes\nRestart=no\n"

static const struct unit_row plain[] = {
        { "/", "a.service", SERVICE }, { "/", "m.service", SERVICE }, { "/", "b.service", SERVICE }, { 0 },
};

/* --- the table of Erlang ------------------------------------------------------------------------------------------------ */

static struct reason bare(const struct reason *r)
{
        return r->kind == REASON_LINKED ? (struct reason) { .kind = r->linked_kind, .code = r->code } : *r;
}

/* In Erlang's words. */
static const char *word(const struct reason *linked)
{
        struct reason r = bare(linked);

        switch (r.kind) {
        case REASON_NORMAL: return "normal";
        case REASON_SHUTDOWN: return "shutdown";
        case REASON_KILLED: return "killed";
        case REASON_NOPROC: return "noproc";
        case REASON_EXIT: return r.code == 3 ? "boom" : "another exit";
        default: return "another reason";
        }
}

/* An event; what b hears of it is added to `heard`. */
static void feed(struct rows *r, struct buf *heard, const char *event)
{
        struct actions acts = rows_step(r, event);
        node_id b = core_find(r->core, NODE_ROOT, "b", NULL);

        for (uint32_t i = 0; i < acts.count; i++)
                if (acts.list[i].kind == ACT_DELIVER && acts.list[i].node == b)
                        buf_addf(heard, " %s:%s", acts.list[i].role == DELIVER_EXIT ? "EXIT" : "DOWN", word(&acts.list[i].reason));
}

static void start_all(struct rows *r)
{
        static const char *const way[] = { "boot", "spawned a", "spawned m", "spawned b" };

        for (size_t i = 0; i < 4; i++)
                rows_feed(r, way[i]);
}

static void a_ends(struct rows *r, struct buf *heard, const char *reason)
{
        if (strcmp(reason, "shutdown") == 0) {
                feed(r, heard, "stop a");
                feed(r, heard, "exited a signal:TERM");
        } else if (strcmp(reason, "killed") == 0) {
                feed(r, heard, "exit a killed");
                feed(r, heard, "exited a signal:KILL");
        } else {
                feed(r, heard, strcmp(reason, "normal") == 0 ? "exited a" : "exited a exit:3");
        }
        feed(r, heard, "empty a");
}

static void send_signal(struct rows *r, struct buf *heard, const char *from, const char *reason)
{
        char event[80];

        (void) snprintf(event, sizeof(event), "exit_signal b %s %s", from, strcmp(reason, "boom") == 0 ? "exit:3" : reason);
        feed(r, heard, event);
}

static void play_linked(struct rows *r, struct buf *heard, const char *scenario, const char *reason)
{
        feed(r, heard, strcmp(scenario, "linked_by") == 0 ? "link a b" : "link b a");
        if (strcmp(scenario, "linked_twice") == 0)
                feed(r, heard, "link a b");
        if (strcmp(scenario, "unlinked") == 0)
                feed(r, heard, "unlink a b");
        a_ends(r, heard, reason);
}

static void play_chain(struct rows *r, struct buf *heard, const char *reason)
{
        feed(r, heard, "link m a");
        feed(r, heard, "link m b");
        a_ends(r, heard, reason);
        if (core_node(r->core, core_find(r->core, NODE_ROOT, "m", NULL))->state == STATE_STOPPING) {
                feed(r, heard, "exited m signal:TERM");
                feed(r, heard, "empty m");
        }
}

static void play_monitor(struct rows *r, struct buf *heard, const char *scenario, const char *reason)
{
        feed(r, heard, strcmp(scenario, "watched") == 0 ? "monitor a b one" : "monitor b a one");
        if (strcmp(scenario, "monitor_twice") == 0)
                feed(r, heard, "monitor b a two");
        if (strcmp(scenario, "demonitor") == 0)
                feed(r, heard, "demonitor b one");
        a_ends(r, heard, reason);
}

static const char *answer_of(struct rows *r, const char *event)
{
        struct actions acts = rows_step(r, event);

        for (uint32_t i = 0; i < acts.count; i++)
                if (acts.list[i].kind == ACT_DONE)
                        return acts.list[i].result == RESULT_OK ? "ok" : acts.list[i].result == RESULT_ALREADY_PRESENT ? "exists" : "other";
        return "nothing";
}

static bool is(const struct rows *r, const char *name, const char *node)
{
        node_id id = core_whereis(r->core, NODE_ROOT, name, true);

        return node ? id == core_find(r->core, NODE_ROOT, node, NULL) : id == NODE_NONE;
}

/* The rows about names say their outcome in place of a fate. */
static const char *play_name(struct rows *r, const char *scenario)
{
        assert_string_equal(answer_of(r, "register a n"), "ok");
        assert_true(is(r, "n", "a"));
        if (strcmp(scenario, "register_twice") == 0)
                return answer_of(r, "register b n");
        if (strcmp(scenario, "register_other") == 0)
                return strcmp(answer_of(r, "register b m"), "ok") == 0 && is(r, "n", "a") && is(r, "m", "b") ? "ok" : "wrong";
        if (strcmp(scenario, "unregister") == 0)
                (void) answer_of(r, "unregister / n");
        else
                a_ends(r, &(struct buf) { 0 }, "normal");
        return is(r, "n", NULL) ? "gone" : "there";
}

static bool begins(const char *text, const char *with)
{
        return strncmp(text, with, strlen(with)) == 0;
}

static void play(struct rows *r, struct buf *out, const char *scenario, const char *trap, const char *reason)
{
        autobuf struct buf heard = BUF_INIT;
        const struct node *b;

        start_all(r);
        if (strcmp(trap, "on") == 0)
                feed(r, &heard, "trap b on");
        if (begins(scenario, "register") || begins(scenario, "whereis") || begins(scenario, "unregister")) {
                buf_adds(out, play_name(r, scenario));
                return;
        }
        if (strcmp(scenario, "chain") == 0) {
                play_chain(r, &heard, reason);
        } else if (strcmp(scenario, "link_noproc") == 0 || strcmp(scenario, "monitor_noproc") == 0) {
                a_ends(r, &heard, "boom");
                feed(r, &heard, scenario[0] == 'l' ? "link b a" : "monitor b a one");
        } else if (begins(scenario, "link") || begins(scenario, "unlink")) {
                play_linked(r, &heard, scenario, reason);
        } else if (begins(scenario, "sent")) {
                send_signal(r, &heard, strcmp(scenario, "sent") == 0 ? "a" : "b", reason);
        } else {
                play_monitor(r, &heard, scenario, reason);
        }
        b = core_node(r->core, core_find(r->core, NODE_ROOT, "b", NULL));
        if (b->ending.kind == REASON_NONE)
                buf_addf(out, "lives%s", buf_text(&heard));
        else
                buf_addf(out, "ends:%s%s", word(&b->ending), buf_text(&heard));
}

static void every_row_of_the_table_taken_from_erlang_holds(void **state)
{
        const char *dir = getenv("COPPICE_SOURCE") ? getenv("COPPICE_SOURCE") : ".";
        char path[4096], line[200], scenario[40], trap[10], reason[20], want[120];
        unsigned rows = 0;
        FILE *f;

        (void) state;
        (void) snprintf(path, sizeof(path), "%s/tests/erlang/bonds.table", dir);
        f = fopen(path, "re");
        assert_non_null(f);
        while (fgets(line, sizeof(line), f)) {
                autobuf struct buf out = BUF_INIT;
                struct rows r = rows_begin(plain);

                assert_int_equal(sscanf(line, "%39s %9s %19s = %119[^\n]", scenario, trap, reason, want), 4);
                play(&r, &out, scenario, trap, reason);
                if (strcmp(buf_text(&out), want) != 0)
                        fail_msg("%s %s %s\n  Erlang: %s\n  Coppice: %s", scenario, trap, reason, want, buf_text(&out));
                rows_end(&r);
                rows++;
        }
        (void) fclose(f);
        assert_true(rows >= 96);
}

/* --- what is ours ------------------------------------------------------------------------------------------------------------ */

static void a_linked_service_ends_with_its_peer_and_says_why(void **state)
{
        static const struct row rows[] = {
                { "boot", "open a; spawn a ExecStart; open m; spawn m ExecStart; open b; spawn b ExecStart" },
                { "spawned a", "" }, { "spawned m", "" }, { "spawned b", "" },
                { "link a b", "done ok" },
                { "exited a signal:SEGV", "watch a" },
                { "empty a", "close a signal:SEGV; signal b all TERM" , "a=failed b=stopping m=running" },
                { "exited b signal:TERM", "watch b" },
                { "empty b", "close b linked:/a:signal:SEGV", "b=failed m=running" },
                { 0 },
        };
        struct rows r = rows_begin(plain);
        char *why;

        (void) state;
        rows_run(&r, rows);
        why = rows_why(&r, "b");
        assert_non_null(strstr(why, "ends with /a, to which it is linked: signal:SEGV"));
        free(why);
        rows_end(&r);
}

#define BACK "[Service]\nExecStart=/x\nMailbox=yes\nRestartSec=0\n"

static void a_standing_link_is_there_again_for_the_next_incarnations(void **state)
{
        static const struct unit_row units[] = {
                { "/", "a.service", BACK "LinkTo=b.service\n" }, { "/", "b.service", BACK }, { 0 },
        };
        static const struct row rows[] = {
                { "boot", "open a; spawn a ExecStart; open b; spawn b ExecStart" },
                { "spawned a", "" }, { "spawned b", "" },
                /* The one that is linked to ends: the other goes with it, and both come back linked. */
                { "exited b exit:1", "watch b" },
                { "empty b", "close b exit:1; signal a all TERM; open b; spawn b ExecStart" },
                { "spawned b", "" },
                { "exited a signal:TERM", "watch a" },
                { "empty a", "close a linked:/b:exit:1; open a; spawn a ExecStart", "a=starting b=running" },
                { "spawned a", "", "a=running b=running" },
                /* Now the other way round. */
                { "+20s exited a exit:2", "watch a" },
                { "empty a", "close a exit:2; signal b all TERM; open a; spawn a ExecStart" },
                { "exited b signal:TERM", "watch b" },
                { "empty b", "close b linked:/a:exit:2; open b; spawn b ExecStart" },
                { 0 },
        };

        (void) state;
        rows_play(units, rows);
}

static void a_link_of_run_time_is_not_there_again(void **state)
{
        static const struct unit_row units[] = { { "/", "a.service", BACK }, { "/", "b.service", BACK "TrapExit=yes\n" }, { 0 } };
        static const struct row rows[] = {
                { "boot", "open a; spawn a ExecStart; open b; spawn b ExecStart" },
                { "spawned a", "" }, { "spawned b", "" },
                { "link a b", "done ok" }, { "monitor b a mark", "done ok" },
                { "exited a exit:1", "watch a" },
                { "empty a", "close a exit:1; deliver b EXIT a exit:1; deliver b DOWN a exit:1 mark; open a; spawn a ExecStart" },
                { "spawned a", "" },
                { "exited a exit:1", "watch a" },
                { "empty a", "close a exit:1; open a; spawn a ExecStart" },
                { 0 },
        };

        (void) state;
        rows_play(units, rows);
}

static void a_standing_monitor_tells_each_end_exactly_once(void **state)
{
        static const struct unit_row units[] = {
                { "/", "w.service", BACK "Monitor=a.service sub.supervisor\n" }, { "/", "a.service", BACK },
                { "/", "sub.supervisor", "[Supervisor]\n" }, { "/sub", "c.service", BACK }, { 0 },
        };
        static const struct row rows[] = {
                { "boot", "open w; spawn w ExecStart; open a; spawn a ExecStart; open c; spawn c ExecStart" },
                { "spawned w", "" }, { "spawned a", "" }, { "spawned c", "" },
                { "exited a exit:1", "watch a" },
                { "empty a", "close a exit:1; deliver w DOWN a exit:1; open a; spawn a ExecStart" },
                { "spawned a", "" },
                { "exited a exit:2", "watch a" },
                { "empty a", "close a exit:2; deliver w DOWN a exit:2; open a; spawn a ExecStart" },
                { "stop sub", "signal c all TERM" },
                { "exited c signal:TERM", "watch c" },
                { "empty c", "close c shutdown; done ok; deliver w DOWN sub shutdown", "sub=inactive" },
                { 0 },
        };

        (void) state;
        rows_play(units, rows);
}

/* C8 for links: two that end in one instant have both ended for their own reasons. */
static void those_that_end_at_once_keep_their_own_reasons(void **state)
{
        struct rows r = rows_begin(plain);
        struct event e;
        struct actions acts;
        bool b_closed = false;

        (void) state;
        start_all(&r);
        rows_feed(&r, "link a b");
        e = (struct event) { .kind = EVT_EXITED, .flags = EVENT_MORE, .node = core_find(r.core, NODE_ROOT, "a", NULL),
                             .reason = REASON(REASON_EXIT, 1) };
        (void) core_step(r.core, &e, r.now);
        e.node = core_find(r.core, NODE_ROOT, "b", NULL);
        e.reason = REASON(REASON_EXIT, 2);
        (void) core_step(r.core, &e, r.now);
        rows_feed(&r, "empty a");
        acts = rows_step(&r, "empty b");
        for (uint32_t i = 0; i < acts.count; i++)
                if (acts.list[i].kind == ACT_CLOSE) {
                        assert_int_equal(acts.list[i].reason.kind, REASON_EXIT);
                        assert_int_equal(acts.list[i].reason.code, 2);
                        b_closed = true;
                }
        assert_true(b_closed);
        rows_end(&r);
}

static void names_are_found_outward_and_end_with_their_holder(void **state)
{
        static const struct unit_row units[] = {
                { "/", "top.service", SERVICE }, { "/", "sub.supervisor", "[Supervisor]\n" }, { "/sub", "c.service", SERVICE }, { 0 },
        };
        struct rows r = rows_begin(units);
        node_id top, sub, c;

        (void) state;
        for (size_t i = 0; i < 3; i++)
                rows_feed(&r, (const char *[]) { "boot", "spawned top", "spawned c" }[i]);
        top = core_find(r.core, NODE_ROOT, "top", NULL);
        sub = core_find(r.core, NODE_ROOT, "sub", NULL);
        c = core_find(r.core, NODE_ROOT, "/sub/c", NULL);
        assert_string_equal(answer_of(&r, "register top store"), "ok");
        assert_int_equal(core_whereis(r.core, sub, "store", true), top);
        assert_int_equal(core_whereis(r.core, sub, "store", false), NODE_NONE);
        assert_string_equal(answer_of(&r, "register /sub/c store"), "ok"); /* another scope: the nearer one counts */
        assert_int_equal(core_whereis(r.core, sub, "store", true), c);
        assert_int_equal(core_whereis(r.core, NODE_ROOT, "store", true), top);
        rows_feed(&r, "exited c exit:1");
        rows_feed(&r, "empty c");
        assert_int_equal(core_whereis(r.core, sub, "store", true), top);
        assert_string_equal(answer_of(&r, "register /sub/c store"), "other"); /* it does not live */
        rows_end(&r);
}

static void a_service_has_at_most_a_thousand_bonds(void **state)
{
        struct rows r = rows_begin(plain);
        char event[60];

        (void) state;
        start_all(&r);
        for (int i = 0; i < BONDS_OF_NODE_MAX; i++) {
                (void) snprintf(event, sizeof(event), "monitor b a m%d", i);
                if (strcmp(answer_of(&r, event), "ok") != 0)
                        fail_msg("%s", event);
        }
        assert_string_equal(answer_of(&r, "monitor b a more"), "other");
        assert_string_equal(answer_of(&r, "link m b"), "other");
        rows_end(&r);
}

static void snapshot(const struct core *c, struct buf *out)
{
        pack_schema(out, &core_schema);
        core_snapshot(c, out);
}

static struct core *restored(const struct buf *bytes)
{
        struct unpack u = unpack_begin(bytes->data, bytes->len);
        struct err err = { 0 };
        struct pack_map *map = unpack_schema(&u, &core_schema, &err);
        struct core *c = NULL;

        assert_non_null(map);
        assert_int_equal(core_restore(&u, map, &c, &err), 0);
        pack_map_free(map);
        return c;
}

static void all_of_it_survives_in_a_snapshot(void **state)
{
        static const struct unit_row units[] = {
                { "/", "a.service", BACK "LinkTo=b.service\n" }, { "/", "b.service", BACK "Monitor=m.service\nTrapExit=yes\n" },
                { "/", "m.service", BACK }, { 0 },
        };
        autobuf struct buf before = BUF_INIT, after = BUF_INIT;
        autobuf struct buf heard = BUF_INIT;
        struct rows r = rows_begin(units);
        struct core *old;

        (void) state;
        start_all(&r);
        rows_feed(&r, "monitor b a mark");
        rows_feed(&r, "register m known");
        snapshot(r.core, &before);
        old = r.core;
        r.core = restored(&before);
        snapshot(r.core, &after);
        assert_int_equal(before.len, after.len);
        assert_memory_equal(before.data, after.data, before.len);
        assert_true(is(&r, "known", "m"));
        a_ends(&r, &heard, "boom");
        assert_string_equal(buf_text(&heard), " EXIT:boom DOWN:boom");
        core_free(old);
        rows_end(&r);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_row_of_the_table_taken_from_erlang_holds),
                cmocka_unit_test(a_linked_service_ends_with_its_peer_and_says_why),
                cmocka_unit_test(a_standing_link_is_there_again_for_the_next_incarnations),
                cmocka_unit_test(a_link_of_run_time_is_not_there_again),
                cmocka_unit_test(a_standing_monitor_tells_each_end_exactly_once),
                cmocka_unit_test(those_that_end_at_once_keep_their_own_reasons),
                cmocka_unit_test(names_are_found_outward_and_end_with_their_holder),
                cmocka_unit_test(a_service_has_at_most_a_thousand_bonds),
                cmocka_unit_test(all_of_it_survives_in_a_snapshot),
        };

        return cmocka_run_group_tests_name("bond", tests, NULL, NULL);
}
