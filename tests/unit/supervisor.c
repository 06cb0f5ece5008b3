/* Supervisors: strategies, intensity, escalation, requests, shutdown. OTP's own cases are in tests/otp; here is what
 * OTP has no word for, and what people see. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core_rows.h"

#define ROWS(...) ((const struct row[]) { __VA_ARGS__, { 0 } })
#define UNITS(...) ((const struct unit_row[]) { __VA_ARGS__, { 0 } })
#define NOW "[Service]\nExecStart=/w\nRestartSec=0\n"
#define SOON "[Service]\nExecStart=/w\nRestartSec=1s\nRestartJitter=0%\n"

#define A_DIES { "exited a exit:1", "watch a" }

static void one_for_one_starts_all_at_once_and_stops_them_in_reverse(void **state)
{
        (void) state;
        rows_play(UNITS({ "/", "a.service", NOW }, { "/", "b.service", NOW }), ROWS(
                { "boot", "open a; spawn a ExecStart; open b; spawn b ExecStart" },
                { "spawned b", "", "a=starting b=running /=starting" },
                { "spawned a", "", "/=running" },
                { "shutdown 9s", "signal b all TERM; signal a all TERM", "/=stopping" },
                { "exited a", "watch a" },
                { "empty a", "close a shutdown" },
                { "exited b", "watch b" },
                { "empty b", "close b shutdown; exit 0" }));
}

#define GROUP(strategy)                                                                                      \
        { "", "root.supervisor", "[Supervisor]\nEscalation=escalate\nStrategy=" strategy "\n" },             \
        { "/", "a.service", NOW }, { "/", "b.service", NOW }, { "/", "c.service", NOW }

#define GROUP_UP                                                                                             \
        { "boot", "open a; spawn a ExecStart" },                                                             \
        { "spawned a", "open b; spawn b ExecStart", "a=running b=starting" },                                \
        { "spawned b", "open c; spawn c ExecStart" },                                                        \
        { "spawned c", "", "/=running" }

static void C2_one_for_all_stops_the_others_in_reverse_and_starts_all_in_order(void **state)
{
        (void) state;
        rows_play(UNITS(GROUP("one_for_all")), ROWS(
                GROUP_UP,
                { "exited b exit:1", "watch b" },
                { "empty b", "close b exit:1; signal c all TERM" },
                { "exited c", "watch c" },
                { "empty c", "close c shutdown; signal a all TERM" },
                { "exited a", "watch a" },
                { "empty a", "close a shutdown; open a; spawn a ExecStart" },
                { "spawned a", "open b; spawn b ExecStart" },
                { "spawned b", "open c; spawn c ExecStart" },
                { "spawned c", "", "a=running b=running c=running" }));
}

static void C3_rest_for_one_leaves_the_earlier_ones_alone(void **state)
{
        (void) state;
        rows_play(UNITS(GROUP("rest_for_one")), ROWS(
                GROUP_UP,
                { "exited b exit:1", "watch b" },
                { "empty b", "close b exit:1; signal c all TERM" },
                { "exited c", "watch c" },
                { "empty c", "close c shutdown; open b; spawn b ExecStart", "a=running" },
                { "spawned b", "open c; spawn c ExecStart" },
                { "spawned c", "" }));
}

static void a_group_waits_out_the_delay_between_stop_and_start(void **state)
{
        (void) state;
        rows_play(UNITS({ "", "root.supervisor", "[Supervisor]\nStrategy=one_for_all\n" },
                        { "/", "a.service", SOON }, { "/", "b.service", SOON }), ROWS(
                { "boot", "open a; spawn a ExecStart" },
                { "spawned a", "open b; spawn b ExecStart" },
                { "spawned b", "" },
                A_DIES,
                { "empty a", "close a exit:1; signal b all TERM" },
                { "exited b", "watch b" },
                { "empty b", "close b shutdown", "a=backoff b=inactive" },
                { "+1s tick", "open a; spawn a ExecStart" },
                { "spawned a", "open b; spawn b ExecStart" }));
}

static void C5_C6_giving_up_goes_up_to_the_root_and_into_the_exit_code(void **state)
{
        (void) state;
        rows_play(UNITS({ "", "root.supervisor", "[Supervisor]\nMaxRestarts=0\nEscalation=escalate\n" },
                        { "/", "in.supervisor", "[Supervisor]\nMaxRestarts=1\n" },
                        { "/in", "a.service", NOW }, { "/in", "b.service", NOW }, { "/", "z.service", NOW }), ROWS(
                { "boot", "open z; spawn z ExecStart; open a; spawn a ExecStart; open b; spawn b ExecStart" },
                { "spawned a", "" }, { "spawned b", "" }, { "spawned z", "", "/=running in=running" },
                A_DIES,
                { "empty a", "close a exit:1; open a; spawn a ExecStart" },
                { "spawned a", "" },
                A_DIES,
                { "empty a", "close a exit:1; signal b all TERM", "in=stopping a=failed" },
                { "exited b", "watch b" },
                { "empty b", "close b shutdown; signal z all TERM", "in=failed /=stopping" },
                { "exited z", "watch z" },
                { "empty z", "close z shutdown; exit 70" }));
}

static void under_isolate_a_child_over_its_limit_is_left_failed_and_the_others_live(void **state)
{
        (void) state;
        rows_play(UNITS({ "", "root.supervisor", "[Supervisor]\nMaxRestarts=1\nEscalation=isolate\n" },
                        { "/", "a.service", NOW }, { "/", "b.service", NOW }), ROWS(
                { "boot", "open a; spawn a ExecStart; open b; spawn b ExecStart" },
                { "spawned a", "" }, { "spawned b", "" },
                A_DIES, { "empty a", "close a exit:1; open a; spawn a ExecStart" }, { "spawned a", "" },
                A_DIES, { "empty a", "close a exit:1", "a=failed b=running" },
                { "exited b exit:1", "watch b" },
                { "empty b", "close b exit:1; open b; spawn b ExecStart" },
                { "spawned b", "" },
                { "reset_failed a", "done ok", "a=inactive" },
                { "start a", "open a; spawn a ExecStart" },
                { "spawned a", "done ok", "a=running" }));
}

static void C7_a_start_that_keeps_failing_is_counted_and_blocks_nothing(void **state)
{
        (void) state;
        rows_play(UNITS({ "", "root.supervisor", "[Supervisor]\nMaxRestarts=2\nEscalation=isolate\n" },
                        { "/", "a.service", NOW }, { "/", "b.service", NOW }), ROWS(
                { "boot", "open a; spawn a ExecStart; open b; spawn b ExecStart" },
                { "spawned b", "", "b=running" },
                { "spawn_failed a", "watch a" },
                { "empty a", "close a spawn:EXEC:ENOENT; open a; spawn a ExecStart" },
                { "spawn_failed a", "watch a" },
                { "empty a", "close a spawn:EXEC:ENOENT; open a; spawn a ExecStart" },
                { "stop b", "signal b all TERM" },
                { "exited b", "watch b" },
                { "empty b", "close b shutdown; done ok" },
                { "spawn_failed a", "watch a" },
                { "empty a", "close a spawn:EXEC:ENOENT", "a=failed" }));
}

static void H20_a_failed_start_of_a_declared_supervisor_fails_it_after_stopping_what_it_had_started(void **state)
{
        (void) state;
        rows_play(UNITS({ "/", "in.supervisor", "[Supervisor]\nRestart=temporary\n" },
                        { "/in", "a.service", NOW }, { "/in", "b.service", NOW }), ROWS(
                { "boot", "open a; spawn a ExecStart; open b; spawn b ExecStart" },
                { "spawned a", "" },
                { "spawn_failed b", "watch b" },
                { "empty b", "close b spawn:EXEC:ENOENT; signal a all TERM" },
                { "exited a", "watch a" },
                { "empty a", "close a shutdown", "in=failed /=running" }));
}

static void C10_a_start_of_what_waits_for_its_next_attempt_starts_it_now(void **state)
{
        (void) state;
        rows_play(UNITS({ "/", "a.service", SOON }), ROWS(
                { "boot", "open a; spawn a ExecStart" }, { "spawned a", "" }, A_DIES,
                { "empty a", "close a exit:1", "a=backoff" },
                { "start a", "open a; spawn a ExecStart" },
                { "+1s tick", "" },
                { "spawned a", "done ok", "a=running" }));
}

static void a_stop_ends_the_wait_for_the_next_attempt(void **state)
{
        (void) state;
        rows_play(UNITS({ "/", "a.service", SOON }), ROWS(
                { "boot", "open a; spawn a ExecStart" }, { "spawned a", "" }, A_DIES,
                { "empty a", "close a exit:1", "a=backoff" },
                { "stop a", "done ok", "a=inactive" },
                { "+1h tick", "", "a=inactive" }));
}

static void a_restart_is_no_failure(void **state)
{
        (void) state;
        rows_play(UNITS({ "", "root.supervisor", "[Supervisor]\nMaxRestarts=0\nEscalation=escalate\n" },
                        { "/", "a.service", NOW }), ROWS(
                { "boot", "open a; spawn a ExecStart" }, { "spawned a", "" },
                { "restart a", "signal a all TERM" },
                { "exited a signal:TERM", "watch a" },
                { "empty a", "close a shutdown; open a; spawn a ExecStart" },
                { "spawned a", "done ok", "a=running" },
                { "restart a", "signal a all TERM" },
                { "exited a signal:TERM", "watch a" },
                { "empty a", "close a shutdown; open a; spawn a ExecStart" },
                { "spawned a", "done ok", "a=running" }));
}

static void a_restart_of_a_branch_stops_and_starts_all_of_it(void **state)
{
        (void) state;
        rows_play(UNITS({ "/", "in.supervisor", "[Supervisor]\n" }, { "/in", "a.service", NOW }), ROWS(
                { "boot", "open a; spawn a ExecStart" }, { "spawned a", "", "in=running" },
                { "restart in", "signal a all TERM", "in=stopping" },
                { "exited a", "watch a" },
                { "empty a", "close a shutdown; open a; spawn a ExecStart", "in=starting" },
                { "spawned a", "done ok", "in=running" },
                { "stop in", "signal a all TERM" },
                { "exited a", "watch a" },
                { "empty a", "close a shutdown; done ok", "in=inactive" },
                { "start a", "open a; spawn a ExecStart" },
                { "spawned a", "done ok", "in=running" }));
}

static void C8_two_deaths_at_once_are_one_restart_of_the_group(void **state)
{
        struct rows r = rows_begin(UNITS({ "", "root.supervisor", "[Supervisor]\nStrategy=one_for_all\nMaxRestarts=1\n" },
                                         { "/", "a.service", NOW }, { "/", "b.service", NOW }));
        struct event died = { .kind = EVT_EXITED, .flags = EVENT_MORE, .reason = REASON(REASON_SIGNAL, 9) };
        struct event empty = { .kind = EVT_EMPTY, .flags = EVENT_MORE };

        (void) state;
        rows_run(&r, ROWS({ "boot", "open a; spawn a ExecStart" }, { "spawned a", "open b; spawn b ExecStart" },
                          { "spawned b", "" }));
        for (node_id id = 1; id <= 2; id++) {
                died.node = empty.node = id;
                (void) core_step(r.core, &died, r.now);
                (void) core_step(r.core, &empty, r.now);
        }
        rows_run(&r, ROWS({ "tick", "open a; spawn a ExecStart" }, { "spawned a", "open b; spawn b ExecStart" },
                          { "spawned b", "", "/=running" }));
        assert_int_equal(core_intensity_used(r.core, NODE_ROOT, r.now), 1);
        rows_end(&r);
}

static void B11_a_shutdown_interrupts_starts_and_ends_within_its_budget(void **state)
{
        (void) state;
        rows_play(UNITS({ "", "root.supervisor", "[Supervisor]\nStrategy=rest_for_one\n" },
                        { "/", "a.service", "[Service]\nExecStart=/w\nTimeoutStopSec=1h\n" },
                        { "/", "b.service", "[Service]\nType=notify\nExecStart=/w\n" }), ROWS(
                { "boot", "open a; spawn a ExecStart" },
                { "spawned a", "open b; spawn b ExecStart" },
                { "spawned b", "" },
                { "shutdown 9s", "signal b all TERM" },
                { "start a", "done shutting_down" },
                { "exited b", "watch b" },
                { "empty b", "close b shutdown; signal a all TERM" },
                { "+8s shutdown 500ms", "" },
                { "+400ms tick", "" },
                { "+100ms tick", "kill /" },
                { "exited a signal:KILL", "watch a" },
                { "empty a", "close a signal:KILL; exit 0" }));
}

static void B4_a_shutdown_goes_on_when_something_survives_sigkill(void **state)
{
        (void) state;
        rows_play(UNITS({ "/", "a.service", NOW }), ROWS(
                { "boot", "open a; spawn a ExecStart" }, { "spawned a", "" },
                { "shutdown 3s", "signal a all TERM" },
                { "+3s tick", "kill /" },
                { "+2s tick", "exit 0" },
                { "exited a", "watch a" }));
}

static void the_exit_code_is_that_of_the_child_it_is_taken_from(void **state)
{
        (void) state;
        rows_play(UNITS({ "", "root.supervisor", "[Supervisor]\nExitCodeFrom=a.service\nAutoShutdown=any_significant\n" },
                        { "/", "a.service", "[Service]\nExecStart=/w\nRestart=temporary\nSignificant=yes\n" },
                        { "/", "b.service", NOW }), ROWS(
                { "boot", "open a; spawn a ExecStart; open b; spawn b ExecStart" },
                { "spawned a", "" }, { "spawned b", "" },
                { "exited a exit:42", "watch a" },
                { "empty a", "close a exit:42; signal b all TERM" },
                { "exited b", "watch b" },
                { "empty b", "close b shutdown; exit 42" }));
        rows_play(UNITS({ "", "root.supervisor", "[Supervisor]\nExitCodeFrom=a.service\nAutoShutdown=any_significant\n" },
                        { "/", "a.service", "[Service]\nType=oneshot\nExecStart=-/w\nRestart=temporary\nSignificant=yes\n" }),
                  ROWS({ "boot", "open a; spawn a ExecStart" }, { "spawned a", "" },
                       { "exited a signal:SEGV", "watch a" }, /* forgiven by "-" */
                       { "empty a", "close a normal; exit 0" }));
}

static void a_machine_does_not_exit_when_root_gives_up(void **state)
{
        struct core_config config = { .seed = 1, .machine = true };
        struct spec *root = spec_new_default(KIND_SUPERVISOR, "root.supervisor");
        struct core *c = core_new(&config, root);
        struct event boot = { .kind = EVT_START }, end = { .kind = EVT_EXIT, .reason = REASON(REASON_EXIT, 1) };
        struct actions acts;

        (void) state;
        (void) core_step(c, &boot, 0);
        acts = core_step(c, &end, 0);
        assert_int_equal(acts.count, 1);
        assert_int_equal(acts.list[0].kind, ACT_EMERGENCY);
        spec_unref(root);
        core_free(c);
}

static void a_machine_that_gave_up_comes_back_with_the_one_child_that_is_asked_for(void **state)
{
        struct core_config config = { .seed = 1, .machine = true };
        struct spec *root = spec_new_default(KIND_SUPERVISOR, "root.supervisor"), *child;
        struct core *c = core_new(&config, root);
        struct event boot = { .kind = EVT_START }, end = { .kind = EVT_EXIT, .reason = REASON(REASON_EXIT, 1) };
        struct event alone = { .kind = EVT_START, .flags = REQ_ALONE };
        struct actions acts;
        node_id other;

        (void) state;
        child = spec_new_default(KIND_SERVICE, "other.service");
        assert_int_equal(core_add(c, NODE_ROOT, child, false, &other, NULL), 0);
        spec_unref(child);
        (void) core_step(c, &boot, 0);
        (void) core_step(c, &(struct event) { .kind = EVT_SPAWN_FAILED, .node = other, .incarnation = 1,
                                              .reason = REASON(REASON_SPAWN, 2) }, 0);
        (void) core_step(c, &end, 0);
        acts = core_step(c, &(struct event) { .kind = EVT_EMPTY, .node = other, .incarnation = 1 }, 0);
        assert_int_equal(acts.list[acts.count - 1].kind, ACT_EMERGENCY);
        child = spec_new_default(KIND_SERVICE, "emergency.service");
        assert_int_equal(core_add(c, NODE_ROOT, child, true, &alone.node, NULL), 0);
        spec_unref(child);
        acts = core_step(c, &alone, 0);
        assert_int_equal(acts.count, 1);
        assert_int_equal(acts.list[0].kind, ACT_OPEN);
        assert_int_equal(acts.list[0].node, alone.node);
        assert_int_equal(core_node(c, other)->phase, 0);
        spec_unref(root);
        core_free(c);
}

static void a_deleted_node_is_stopped_and_forgotten(void **state)
{
        struct rows r = rows_begin(UNITS({ "/", "in.supervisor", "[Supervisor]\n" }, { "/in", "a.service", NOW }));

        (void) state;
        rows_run(&r, ROWS({ "boot", "open a; spawn a ExecStart" }, { "spawned a", "" },
                          { "delete in", "signal a all TERM" },
                          { "exited a", "watch a" },
                          { "empty a", "close a shutdown; done ok; forget a; forget in" }));
        rows_feed(&r, "tick");
        assert_null(core_node(r.core, 1));
        assert_null(core_node(r.core, 2));
        rows_end(&r);
}

static void why_leads_back_to_the_first_cause(void **state)
{
        struct rows r = rows_begin(UNITS({ "", "root.supervisor", "[Supervisor]\nStrategy=one_for_all\n" },
                                         { "/", "a.service", NOW }, { "/", "b.service", NOW }));
        char *why;

        (void) state;
        rows_run(&r, ROWS({ "boot", "open a; spawn a ExecStart" }, { "spawned a", "open b; spawn b ExecStart" },
                          { "spawned b", "" },
                          { "exited a signal:SEGV", "watch a" },
                          { "empty a", "close a signal:SEGV; signal b all TERM" },
                          { "exited b", "watch b" },
                          { "empty b", "close b shutdown; open a; spawn a ExecStart" },
                          { "spawned a", "open b; spawn b ExecStart" }, { "spawned b", "" }));
        why = rows_why(&r, "b");
        assert_string_equal(why,
                "/b: started\n"
                "/b: incarnation 2 starts\n"
                "/b: started again because /a ended (Strategy=one_for_all, root.supervisor:2)\n"
                "/: restarts the children from /a on (Strategy=one_for_all, root.supervisor:2)\n"
                "/a: restart at once, 1 of 5 used (Restart=permanent, the default)\n"
                "/a: incarnation 1 ended: signal:SEGV\n"
                "/a: process 100 ended: signal:SEGV\n");
        free(why);
        rows_end(&r);
}

static void equal_seeds_give_equal_histories(void **state)
{
        nsec next[2];

        (void) state;
        for (int i = 0; i < 2; i++) {
                struct rows r = rows_begin(UNITS({ "/", "a.service", "[Service]\nExecStart=/w\n" }));

                rows_run(&r, ROWS({ "boot", "open a; spawn a ExecStart" }, { "spawned a", "" }, A_DIES,
                                  { "empty a", "close a exit:1" }));
                next[i] = core_deadline(r.core);
                assert_true(next[i] >= 90 * NSEC_PER_MSEC && next[i] <= 110 * NSEC_PER_MSEC);
                rows_end(&r);
        }
        assert_true(next[0] == next[1]);
}

/* The world's part for ten thousand: every spawn and every signal is answered at once. */
static unsigned answer_all(struct core *c, const struct action *list, uint32_t count, struct event *out)
{
        unsigned n = 0;

        for (uint32_t i = 0; i < count; i++) {
                struct event e = { .node = list[i].node, .incarnation = list[i].incarnation };

                if (list[i].kind == ACT_SPAWN) {
                        e.kind = EVT_SPAWNED;
                        e.arg = 1000 + list[i].node;
                } else if (list[i].kind == ACT_SIGNAL && list[i].arg == 15) {
                        e.kind = EVT_EXITED;
                        e.arg = 1000 + list[i].node;
                        e.reason = REASON(REASON_SIGNAL, 15);
                } else if (list[i].kind == ACT_WATCH_EMPTY) {
                        e.kind = EVT_EMPTY;
                } else {
                        continue;
                }
                out[n++] = e;
        }
        (void) c;
        return n;
}

static void C11_ten_thousand_children_start_and_stop_in_bounded_steps(void **state)
{
        enum { MANY = 10000, QUEUE = 1 << 16 };
        struct core_config config = { .seed = 1 };
        struct spec *root = spec_new_default(KIND_SUPERVISOR, "root.supervisor");
        struct core *c = core_new(&config, root);
        struct event *queue = calloc(QUEUE, sizeof(*queue));
        unsigned head = 0, tail = 0, largest = 0;

        (void) state;
        for (int i = 0; i < MANY; i++) {
                char name[32];
                struct spec *s;
                node_id id;

                (void) snprintf(name, sizeof(name), "w%d.service", i);
                s = spec_new_default(KIND_SERVICE, name);
                assert_int_equal(core_add(c, NODE_ROOT, s, false, &id, NULL), 0);
                spec_unref(s);
        }
        queue[tail++] = (struct event) { .kind = EVT_START };
        for (int round = 0; round < 2; round++) {
                while (head < tail || core_deadline(c) <= 0) {
                        struct event e = head < tail ? queue[head++] : (struct event) { .kind = EVT_TICK };
                        struct actions acts = core_step(c, &e, 0);

                        largest = acts.count > largest ? acts.count : largest;
                        if (head == tail)
                                head = tail = 0;
                        assert_true(tail + acts.count < QUEUE);
                        tail += answer_all(c, acts.list, acts.count, queue + tail);
                }
                assert_int_equal(core_node(c, NODE_ROOT)->state, round ? STATE_INACTIVE : STATE_RUNNING);
                queue[tail++] = (struct event) { .kind = EVT_SHUTDOWN, .arg = NSEC_PER_SEC };
        }
        assert_in_range(largest, 2000, 2048 + 256);
        free(queue);
        spec_unref(root);
        core_free(c);
}

static void children_are_put_in_order_but_not_while_their_supervisor_works_on_them(void **state)
{
        struct rows r = rows_begin((const struct unit_row[]) {
                { "", "root.supervisor", "[Supervisor]\nStartMode=sequential\n" },
                { "/", "a.service", "[Service]\nType=exec\nExecStart=/w\n" }, { "/", "b.service", "[Service]\nExecStart=/w\n" },
                { "/", "c.service", "[Service]\nExecStart=/w\n" }, { "/", "d.service", "[Service]\nExecStart=/w\n" }, { 0 } });
        node_id id[4], order[3];

        (void) state;
        for (unsigned i = 0; i < 4; i++)
                id[i] = core_find(r.core, NODE_ROOT, (const char *[]) { "/a", "/b", "/c", "/d" }[i], NULL);
        memcpy(order, (node_id[]) { id[3], id[1], id[0] }, sizeof(order));
        assert_int_equal(core_order(r.core, NODE_ROOT, order, 3), 0);
        assert_int_equal(core_first_child(r.core, NODE_ROOT), id[3]);
        assert_int_equal(core_next_sibling(r.core, id[3]), id[1]);
        assert_int_equal(core_next_sibling(r.core, id[1]), id[0]);
        assert_int_equal(core_next_sibling(r.core, id[0]), id[2]);
        assert_int_equal(core_last_child(r.core, NODE_ROOT), id[2]);
        assert_int_equal(core_next_sibling(r.core, id[2]), NODE_NONE);
        assert_int_equal(core_order(r.core, id[0], order, 3), -EINVAL);
        rows_feed(&r, "boot");
        assert_int_equal(core_order(r.core, NODE_ROOT, order, 3), 0); /* as it is already */
        assert_int_equal(core_order(r.core, NODE_ROOT, id, 4), -EBUSY);
        assert_int_equal(core_first_child(r.core, NODE_ROOT), id[3]);
        rows_end(&r);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(children_are_put_in_order_but_not_while_their_supervisor_works_on_them),
                cmocka_unit_test(one_for_one_starts_all_at_once_and_stops_them_in_reverse),
                cmocka_unit_test(C2_one_for_all_stops_the_others_in_reverse_and_starts_all_in_order),
                cmocka_unit_test(C3_rest_for_one_leaves_the_earlier_ones_alone),
                cmocka_unit_test(a_group_waits_out_the_delay_between_stop_and_start),
                cmocka_unit_test(C5_C6_giving_up_goes_up_to_the_root_and_into_the_exit_code),
                cmocka_unit_test(under_isolate_a_child_over_its_limit_is_left_failed_and_the_others_live),
                cmocka_unit_test(C7_a_start_that_keeps_failing_is_counted_and_blocks_nothing),
                cmocka_unit_test(H20_a_failed_start_of_a_declared_supervisor_fails_it_after_stopping_what_it_had_started),
                cmocka_unit_test(C10_a_start_of_what_waits_for_its_next_attempt_starts_it_now),
                cmocka_unit_test(a_stop_ends_the_wait_for_the_next_attempt),
                cmocka_unit_test(a_restart_is_no_failure),
                cmocka_unit_test(a_restart_of_a_branch_stops_and_starts_all_of_it),
                cmocka_unit_test(C8_two_deaths_at_once_are_one_restart_of_the_group),
                cmocka_unit_test(B11_a_shutdown_interrupts_starts_and_ends_within_its_budget),
                cmocka_unit_test(B4_a_shutdown_goes_on_when_something_survives_sigkill),
                cmocka_unit_test(the_exit_code_is_that_of_the_child_it_is_taken_from),
                cmocka_unit_test(a_machine_does_not_exit_when_root_gives_up),
                cmocka_unit_test(a_machine_that_gave_up_comes_back_with_the_one_child_that_is_asked_for),
                cmocka_unit_test(a_deleted_node_is_stopped_and_forgotten),
                cmocka_unit_test(why_leads_back_to_the_first_cause),
                cmocka_unit_test(equal_seeds_give_equal_histories),
                cmocka_unit_test(C11_ten_thousand_children_start_and_stop_in_bounded_steps),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
