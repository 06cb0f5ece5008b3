/* mail.c - boxes as rows: what is offered, what is read, what is counted; and who may say what to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mail.h"
#include "core/route.h"
#include "tests/unit/core_rows.h"

/* --- boxes --------------------------------------------------------------------------------------------------------------- */

static struct mail *letter(uint32_t len)
{
        char bytes[64] = "";

        assert_true(len <= sizeof(bytes));
        memset(bytes, 'x', len);
        return mail_new(bytes, len, NULL, 0);
}

static void empty(struct box *b)
{
        while (b->head)
                mail_free(box_remove(b, BOX_LOST));
        box_free(b);
}

static void F9_what_comes_to_a_full_box_goes_by_its_policy_and_is_counted(void **state)
{
        static const struct {
                enum overflow policy;
                uint32_t waiting;        /* of a capacity of 3 */
                enum box_verdict want;
                uint64_t rejected, dropped;
        } rows[] = {
                { OVERFLOW_BLOCK, 2, BOX_ACCEPT, 0, 0 },       { OVERFLOW_BLOCK, 3, BOX_WAIT, 0, 0 },
                { OVERFLOW_REJECT, 2, BOX_ACCEPT, 0, 0 },      { OVERFLOW_REJECT, 3, BOX_REJECT, 1, 0 },
                { OVERFLOW_DROP_OLDEST, 2, BOX_ACCEPT, 0, 0 }, { OVERFLOW_DROP_OLDEST, 3, BOX_MAKE_ROOM, 0, 0 },
                { OVERFLOW_DROP_NEWEST, 2, BOX_ACCEPT, 0, 0 }, { OVERFLOW_DROP_NEWEST, 3, BOX_DROP, 0, 1 },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct box b;

                box_init(&b, &(struct box_limits) { .messages = 3, .bytes = 1000, .overflow = (uint8_t) rows[i].policy });
                for (uint32_t k = 0; k < rows[i].waiting; k++)
                        box_hold(&b, letter(10));
                if (box_offer(&b, 10) != rows[i].want || b.rejected != rows[i].rejected || b.dropped != rows[i].dropped)
                        fail_msg("row %zu", i);
                assert_int_equal(b.accepted, rows[i].waiting);
                empty(&b);
        }
}

static void bytes_are_bounded_as_messages_are(void **state)
{
        struct box b;

        (void) state;
        box_init(&b, &(struct box_limits) { .messages = 100, .bytes = 50, .overflow = OVERFLOW_REJECT });
        assert_int_equal(box_offer(&b, 50), BOX_ACCEPT);
        assert_int_equal(box_offer(&b, 51), BOX_TOO_LONG);
        box_hold(&b, letter(30));
        assert_int_equal(box_offer(&b, 20), BOX_ACCEPT);
        assert_int_equal(box_offer(&b, 21), BOX_REJECT);
        assert_int_equal(b.rejected, 2);
        empty(&b);
}

/* The kernel says how many bytes are unread; from the lengths follows how many messages that are. */
static void what_was_read_is_known_by_the_bytes_that_are_left(void **state)
{
        static const struct {
                uint64_t unread;
                uint32_t taken, left;
        } rows[] = { { 60, 0, 3 }, { 50, 1, 2 }, { 30, 1, 1 }, { 0, 1, 0 }, { 0, 0, 0 } };
        struct box b;

        (void) state;
        box_init(&b, &(struct box_limits) { .messages = 100, .bytes = 1000 });
        assert_int_equal(box_reserve(&b, 3), 0);
        for (uint32_t len = 10; len <= 30; len += 10)
                box_pass(&b, len, 0);
        assert_int_equal(box_first(&b), 1);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                assert_int_equal(box_unread(&b, rows[i].unread), rows[i].taken);
                assert_int_equal(box_count(&b), rows[i].left);
        }
        assert_int_equal(b.taken, 3);
        assert_int_equal(box_first(&b), 4);
        empty(&b);
}

static void what_could_not_be_passed_is_held_in_its_order(void **state)
{
        struct box b;
        uint32_t want = 11;

        (void) state;
        box_init(&b, &(struct box_limits) { .messages = 100, .bytes = 1000 });
        assert_int_equal(box_reserve(&b, 5), 0);
        for (uint32_t len = 10; len < 15; len++)
                box_pass(&b, len, 0);
        for (uint32_t left = 4; left > 0; left--)
                box_not_passed(&b, letter(15 - left), left);
        assert_int_equal(b.passed_count, 1);
        assert_int_equal(b.passed_bytes, 10);
        assert_int_equal(b.held, 4);
        assert_int_equal(b.accepted, 5);
        for (const struct mail *m = b.head; m; m = m->next)
                assert_int_equal(m->len, want++);
        empty(&b);
}

/* So no more of them come than could be taken back. */
static void descriptors_are_counted_wherever_their_messages_wait_until_these_are_read(void **state)
{
        struct mail *m = letter(20);
        struct box b;

        (void) state;
        box_init(&b, &(struct box_limits) { .messages = 100, .bytes = 1000 });
        assert_int_equal(box_reserve(&b, 40), 0);
        box_pass(&b, 10, 16);
        box_pass(&b, 10, 0);
        assert_int_equal(b.passed_fds, 16);
        m->fds = malloc(2 * sizeof(int));
        m->fd_count = 2;
        box_hold(&b, m);
        mail_free(box_held_passed(&b));
        assert_int_equal(b.passed_fds, 18);
        box_pass(&b, 10, 5);
        box_not_passed(&b, letter(10), 1);
        assert_int_equal(b.passed_fds, 18);
        assert_int_equal(box_reserve(&b, 100), 0);
        assert_int_equal(b.passed_fds, 18);
        (void) box_unread(&b, 30);
        assert_int_equal(b.passed_fds, 2);
        box_keep_passed(&b, 1);
        assert_int_equal(b.passed_fds, 2);
        (void) box_unread(&b, 0);
        assert_int_equal(b.passed_fds, 0);
        empty(&b);
}

static void what_comes_back_comes_back_in_order_before_what_is_held(void **state)
{
        uint32_t want = 9;
        struct box b;

        (void) state;
        box_init(&b, &(struct box_limits) { .messages = 100, .bytes = 1000 });
        assert_int_equal(box_reserve(&b, 2), 0);
        box_pass(&b, 10, 0);
        box_pass(&b, 11, 0);
        box_hold(&b, letter(12));
        for (uint32_t i = 0; i < 2; i++) { /* as mail_came_back() does */
                box_keep_passed(&b, b.passed_count - 1);
                box_put(&b, letter(10 + i), i);
        }
        assert_int_equal(b.passed_count, 0);
        b.taken = 1;
        box_return(&b, letter(9));
        assert_int_equal(b.taken, 0);
        for (const struct mail *m = b.head; m; m = m->next)
                assert_int_equal(m->len, want++);
        assert_int_equal(want, 13);
        empty(&b);
}

static void a_box_can_be_put_together_again(void **state)
{
        struct box b;
        uint32_t want = 10;

        (void) state;
        box_init(&b, &(struct box_limits) { .messages = 7, .bytes = 1000, .overflow = OVERFLOW_REJECT, .keep = true });
        for (uint32_t len = 1; len < 5; len++)
                assert_int_equal(box_add_passed(&b, len), 0);
        box_keep_passed(&b, 2);
        assert_int_equal(b.passed_bytes, 7);
        assert_int_equal(b.news, 0);
        box_put(&b, letter(12), UINT32_MAX);
        box_put(&b, letter(10), 0);
        box_put(&b, letter(11), 1);
        box_put(&b, letter(13), 3);
        assert_int_equal(b.held, 4);
        assert_int_equal(b.accepted + b.last + b.taken, 0);
        for (const struct mail *m = b.head; m; m = m->next)
                assert_int_equal(m->len, want++);
        mail_free(box_cut(&b, 3));
        mail_free(box_cut(&b, 1));
        assert_null(box_cut(&b, 2));
        assert_int_equal(b.head->len, 10);
        assert_int_equal(b.tail->len, 12);
        assert_int_equal(b.held_bytes, 22);
        empty(&b);
}

/* --- who may say what to whom -------------------------------------------------------------------------------------------- */

#define ONE "[Service]\nExecStart=/x\n"

static void a_boundary_is_crossed_as_its_policy_says(void **state)
{
        static const struct unit_row units[] = {
                { "/", "top.service", ONE },
                { "/", "above.supervisor", "[Supervisor]\n" }, { "/above", "a.service", ONE }, { "/above", "b.service", ONE },
                { "/above", "deep.supervisor", "[Supervisor]\n" }, { "/above/deep", "d.service", ONE },
                { "/", "open.supervisor", "[Supervisor]\nMessagePolicy=open\n" }, { "/open", "o.service", ONE },
                { "/", "out.supervisor", "[Supervisor]\nMessagePolicy=out\n" }, { "/out", "u.service", ONE },
                { "/", "in.supervisor", "[Supervisor]\nMessagePolicy=in\n" }, { "/in", "i.service", ONE },
                { "/", "shut.supervisor", "[Supervisor]\nMessagePolicy=closed\n" }, { "/shut", "s.service", ONE }, { 0 },
        };
        static const struct {
                const char *from, *to, *by; /* by: who forbids it; NULL = it passes */
        } rows[] = {
                { "/above/a", "/above/b", NULL },       { "/above/a", "/above/a", NULL },
                { "/above/a", "/top", "/above" },       { "/top", "/above/a", NULL },
                { "/top", "/above/deep/d", NULL },      { "/above/a", "/above/deep/d", NULL },
                { "/above/deep/d", "/above/a", "/above/deep" }, { "/above/deep/d", "/top", "/above/deep" },
                { "/open/o", "/top", NULL },            { "/open/o", "/above/a", "/above" },
                { "/open/o", "/in/i", NULL },           { "/above/a", "/open/o", "/above" },
                { "/out/u", "/in/i", NULL },            { "/in/i", "/out/u", "/in" },
                { "/out/u", "/open/o", NULL },          { "/open/o", "/out/u", "/out" },
                { "/top", "/out/u", NULL },             { "/top", "/in/i", NULL },
                { "/top", "/shut/s", "/shut" },         { "/shut/s", "/top", "/shut" },
                { "/top", "/above", NULL },             { "/above/a", "/above/deep", NULL },
                { "/top", "/shut", "/shut" },           { "/shut/s", "/shut", NULL }, /* a supervisor: its children */
        };
        struct rows r = rows_begin(units);

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                node_id from = core_find(r.core, NODE_ROOT, rows[i].from, NULL), to = core_find(r.core, NODE_ROOT, rows[i].to, NULL);
                node_id want = rows[i].by ? core_find(r.core, NODE_ROOT, rows[i].by, NULL) : NODE_NONE, by;

                if (route_message(r.core, from, to, &by) != (want == NODE_NONE) || by != want)
                        fail_msg("%s -> %s", rows[i].from, rows[i].to);
        }
        rows_end(&r);
}

static void who_acts_acts_below_his_own_supervisor(void **state)
{
        static const struct unit_row units[] = {
                { "/", "top.service", ONE }, { "/", "app.supervisor", "[Supervisor]\n" }, { "/app", "a.service", ONE },
                { "/app", "b.service", ONE }, { "/app", "sub.supervisor", "[Supervisor]\n" }, { "/app/sub", "c.service", ONE }, { 0 },
        };
        static const struct {
                const char *actor, *target;
                bool may;
        } rows[] = {
                { "/app/a", "/app/b", true },   { "/app/a", "/app/a", true },  { "/app/a", "/app/sub", true },
                { "/app/a", "/app/sub/c", true }, { "/app/a", "/app", false }, { "/app/a", "/top", false },
                { "/app/sub/c", "/app/a", false }, { "/app/sub/c", "/app/sub", false }, { "/top", "/app/sub/c", true },
                { "/top", "/", false },
        };
        struct rows r = rows_begin(units);

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (route_act(r.core, core_find(r.core, NODE_ROOT, rows[i].actor, NULL),
                              core_find(r.core, NODE_ROOT, rows[i].target, NULL)) != rows[i].may)
                        fail_msg("%s on %s", rows[i].actor, rows[i].target);
        rows_end(&r);
}

static void ControlAccess_is_the_units_word_bounded_by_those_of_all_supervisors_above(void **state)
{
        static const struct unit_row units[] = {
                { "/", "top.service", ONE "ControlAccess=all\n" }, { "/", "said.service", ONE "ControlAccess=none\n" },
                { "/", "app.supervisor", "[Supervisor]\nControlAccess=own\n" }, { "/app", "a.service", ONE "ControlAccess=all\n" },
                { "/app", "b.service", ONE }, { "/app", "sub.supervisor", "[Supervisor]\nControlAccess=all\n" },
                { "/app/sub", "c.service", ONE "ControlAccess=all\n" }, { 0 },
        };
        static const struct {
                const char *actor;
                enum control_access want;
        } rows[] = {
                { "/top", CONTROL_ALL }, { "/said", CONTROL_NONE }, { "/app/a", CONTROL_OWN }, { "/app/b", CONTROL_READ },
                { "/app/sub/c", CONTROL_OWN }, { "/app", CONTROL_NONE }, { "/", CONTROL_NONE },
        };
        struct rows r = rows_begin(units);

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (route_control(r.core, core_find(r.core, NODE_ROOT, rows[i].actor, NULL)) != rows[i].want)
                        fail_msg("%s", rows[i].actor);
        rows_end(&r);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(F9_what_comes_to_a_full_box_goes_by_its_policy_and_is_counted),
                cmocka_unit_test(bytes_are_bounded_as_messages_are),
                cmocka_unit_test(what_was_read_is_known_by_the_bytes_that_are_left),
                cmocka_unit_test(what_could_not_be_passed_is_held_in_its_order),
                cmocka_unit_test(descriptors_are_counted_wherever_their_messages_wait_until_these_are_read),
                cmocka_unit_test(what_comes_back_comes_back_in_order_before_what_is_held),
                cmocka_unit_test(a_box_can_be_put_together_again),
                cmocka_unit_test(a_boundary_is_crossed_as_its_policy_says),
                cmocka_unit_test(who_acts_acts_below_his_own_supervisor),
                cmocka_unit_test(ControlAccess_is_the_units_word_bounded_by_those_of_all_supervisors_above),
        };

        return cmocka_run_group_tests_name("mail", tests, NULL, NULL);
}
