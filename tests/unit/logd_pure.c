/* logd_pure.c - what the log writer computes without touching the system: names, stamps, shapes, rates. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/logstore.h"
#include "logd/rate.h"
#include "logd/shape.h"

#define STAMP "2026-11-21T03:58:12.123456Z "

static const uint64_t INSTANT = UINT64_C(1795233492123456);

/* --- names and stamps ----------------------------------------------------------------------------- */

static void two_paths_never_share_a_directory(void **state)
{
        static const struct {
                const char *path, *dir;
        } rows[] = {
                { "/web", "web" },
                { "/shop/api", "shop/api" },
                { "/shop//api/", "shop/api" },
                { "/a/current", "a/%63urrent" },
                { "/a/currently", "a/currently" },
                { "/@1", "%401" },
                { "/worker@1", "worker@1" },
                { "/..", "%2e." },
                { "/./x", "%2e/x" },
                { "/.x", ".x" },
                { "/%2e.", "%252e." },
        };

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char dir[64];

                assert_int_equal(log_dir_of(rows[i].path, strlen(rows[i].path), dir, sizeof dir),
                                 strlen(rows[i].dir));
                assert_string_equal(dir, rows[i].dir);
        }
}

static void a_path_that_names_nothing_or_too_much_is_refused(void **state)
{
        char dir[8];

        (void) state;
        assert_int_equal(log_dir_of("", 0, dir, sizeof dir), -EINVAL);
        assert_int_equal(log_dir_of("/", 1, dir, sizeof dir), -EINVAL);
        assert_int_equal(log_dir_of("/12345678", 9, dir, sizeof dir), -ENAMETOOLONG);
        assert_int_equal(log_dir_of("/1234567", 8, dir, sizeof dir), 7);
}

static void stamps_and_rotated_names_come_back_as_the_instant_they_were_made_from(void **state)
{
        static const struct {
                uint64_t us;
                const char *stamp, *name;
        } rows[] = {
                { 0, "1970-01-01T00:00:00.000000Z ", "@19700101T000000.000000Z" },
                { UINT64_C(951782399999999), "2000-02-28T23:59:59.999999Z ", "@20000228T235959.999999Z" },
                { UINT64_C(951782400000000), "2000-02-29T00:00:00.000000Z ", "@20000229T000000.000000Z" },
                { UINT64_C(4107542400000001), "2100-03-01T00:00:00.000001Z ", "@21000301T000000.000001Z" },
                { INSTANT, STAMP, "@20261121T035812.123456Z" },
        };

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char stamp[LOG_STAMP_LEN], name[LOG_ROTATED_MAX];
                uint64_t us = 1;
                bool gz = true;

                log_stamp(rows[i].us, stamp);
                assert_memory_equal(stamp, rows[i].stamp, LOG_STAMP_LEN);
                assert_true(log_stamp_parse(stamp, sizeof stamp, &us));
                assert_int_equal(us, rows[i].us);
                log_rotated_name(rows[i].us, name);
                assert_string_equal(name, rows[i].name);
                assert_true(log_rotated_parse(name, &us, &gz));
                assert_int_equal(us, rows[i].us);
                assert_false(gz);
                strcat(name, ".gz");
                assert_true(log_rotated_parse(name, &us, &gz));
                assert_true(gz);
        }
}

static void foreign_names_are_not_taken_for_rotated_files(void **state)
{
        static const char *const names[] = { "current", "@", "@20261121T035812.123456Z.gzz", "@20261321T035812.123456Z",
                                             "@20261121T035812.12345Z", "20261121T035812.123456Z", "tmp-gzip" };
        uint64_t us;
        bool gz;

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                assert_false(log_rotated_parse(names[i], &us, &gz));
}

/* --- shapes ----------------------------------------------------------------------------------------- */

static void every_line_gets_one_stamp_however_it_is_cut(void **state)
{
        static const char text[] = "one\n\ntwo\nthr";
        static const char want[] = STAMP "one\n" STAMP "\n" STAMP "two\n" STAMP "thr";

        (void) state;
        for (size_t cut = 0; cut < sizeof text; cut++) {
                char out[256];
                bool midline = false;
                uint64_t lines = 0;
                size_t a, b;

                assert_int_equal(shape_time(&midline, STAMP, text, cut, out, sizeof out, &a, &lines), cut);
                assert_int_equal(shape_time(&midline, STAMP, text + cut, sizeof text - 1 - cut, out + a,
                                            sizeof out - a, &b, &lines),
                                 sizeof text - 1 - cut);
                assert_int_equal(a + b, sizeof want - 1);
                assert_memory_equal(out, want, sizeof want - 1);
                assert_int_equal(lines, 3);
                assert_true(midline);
                assert_int_equal(unshape_time(out, a + b), sizeof text - 1);
                assert_memory_equal(out, text, sizeof text - 1);
        }
}

static void a_line_longer_than_the_buffer_is_stamped_once(void **state)
{
        char in[1000], out[128], all[2000];
        bool midline = false;
        uint64_t lines = 0;
        size_t at = 0, total = 0;

        (void) state;
        memset(in, 'x', sizeof in);
        in[999] = '\n';
        while (at < sizeof in) {
                size_t len;

                at += shape_time(&midline, STAMP, in + at, sizeof in - at, out, sizeof out, &len, &lines);
                assert_true(len > 0);
                memcpy(all + total, out, len);
                total += len;
        }
        assert_int_equal(total, sizeof in + LOG_STAMP_LEN);
        assert_memory_equal(all + LOG_STAMP_LEN, in, sizeof in);
        assert_int_equal(lines, 1);
        assert_false(midline);
}

static void F5_bytes_of_any_kind_become_valid_json_and_come_back(void **state)
{
        static const char line[] = "tab\t nul\0 esc\033[31m quote\" back\\ \303\274";
        autobuf struct buf b = BUF_INIT;
        size_t n;

        (void) state;
        shape_json(&b, STAMP, "/web", line, sizeof line - 1, false);
        assert_null(memchr(b.data, '\0', b.len));
        assert_null(memchr(b.data, '\033', b.len));
        assert_int_equal(strncmp(b.data, "{\"time\":\"2026-11-21T03:58:12.123456Z\",\"node\":\"/web\"", 50), 0);
        n = unshape_json(b.data, b.len);
        assert_int_equal(n, sizeof line);
        assert_memory_equal(b.data, line, sizeof line - 1);
        assert_int_equal(b.data[n - 1], '\n');
}

static void pieces_of_a_long_json_line_are_told_apart_and_joined_again(void **state)
{
        autobuf struct buf b = BUF_INIT;
        size_t n;

        (void) state;
        shape_json(&b, STAMP, "/web", "one ", 4, true);
        shape_json(&b, STAMP, "/web", "line", 4, false);
        assert_non_null(strstr(buf_text(&b), "\"partial\":true"));
        n = unshape_json(b.data, b.len);
        assert_int_equal(n, 9);
        assert_memory_equal(b.data, "one line\n", 9);
}

static void F5_a_service_cannot_take_over_the_console(void **state)
{
        static const struct {
                const char *line, *shown;
                size_t len;
        } rows[] = {
                { "plain", "shop/api: plain\n", 5 },
                { "", "shop/api: \n", 0 },
                { "a\tb\r", "shop/api: a\tb\n", 4 },
                { "\033[1;31mred\033[0m", "shop/api: \033[1;31mred\033[0m\n", 14 },
                { "\033[2Jgone\a", "shop/api: \\x1b[2Jgone\\x07\n", 9 },
                { "\033]0;title\a", "shop/api: \\x1b]0;title\\x07\n", 10 },
                { "n\0l", "shop/api: n\\x00l\n", 3 },
                { "\xff\xc0\xaf", "shop/api: \\xff\\xc0\\xaf\n", 3 },
                { "\303\274\303", "shop/api: \303\274\\xc3\n", 3 },
                { "\xc2\x9b" "2J", "shop/api: \\xc2\\x9b2J\n", 4 },
        };

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                autobuf struct buf b = BUF_INIT;

                shape_console(&b, "/shop/api", rows[i].line, rows[i].len);
                assert_string_equal(buf_text(&b), rows[i].shown);
        }
}

static void the_last_lines_are_whole_lines(void **state)
{
        static const struct {
                const char *text;
                size_t max, from;
        } rows[] = {
                { "a\nb\nc\n", 10, 0 }, { "a\nb\nc\n", 6, 0 }, { "a\nb\nc\n", 4, 2 }, { "a\nb\nc\n", 3, 4 },
                { "abcdefgh", 3, 5 },    { "abc\nd", 1, 4 },
        };

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                assert_int_equal(shape_last(rows[i].text, strlen(rows[i].text), rows[i].max), rows[i].from);
}

/* --- rates ------------------------------------------------------------------------------------------ */

static void a_rate_of_lines_lets_the_burst_and_then_the_rate_through(void **state)
{
        const struct log_config c = { .rate_count = 10, .rate_burst = 3, .rate_unit = LOG_RATE_LINES };
        struct rate r = { 0 };
        unsigned passed = 0;

        (void) state;
        for (int i = 0; i < 10; i++)
                passed += rate_admit(&r, &c, 1000000, 100);
        assert_int_equal(passed, 3);
        for (uint64_t t = 1000000; t < 2000000; t += 1000)
                passed += rate_admit(&r, &c, t, 100);
        assert_int_equal(passed, 12);
        assert_true(rate_admit(&r, &c, 100000000, 100));
}

static void a_rate_of_bytes_counts_bytes_and_passes_a_huge_line_from_a_full_bucket(void **state)
{
        const struct log_config c = { .rate_count = 1000, .rate_unit = LOG_RATE_BYTES };
        struct rate r = { 0 };

        (void) state;
        assert_true(rate_admit(&r, &c, 5, 5000));
        assert_false(rate_admit(&r, &c, 5, 1));
        assert_true(rate_admit(&r, &c, 100005, 100));
        assert_false(rate_admit(&r, &c, 100005, 1));
        assert_false(rate_admit(&r, &c, 3, 1)); /* a step back is no time */
        assert_true(rate_admit(&r, &c, 10000000, 5000));
}

static void extreme_limits_neither_overflow_nor_starve(void **state)
{
        const struct log_config c = { .rate_count = UINT64_MAX, .rate_interval_us = UINT64_MAX,
                                      .rate_unit = LOG_RATE_BYTES };
        struct rate r = { 0 };

        (void) state;
        assert_true(rate_admit(&r, &c, 0, UINT64_MAX));
        assert_true(rate_admit(&r, &c, UINT64_MAX, 1));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(two_paths_never_share_a_directory),
                cmocka_unit_test(a_path_that_names_nothing_or_too_much_is_refused),
                cmocka_unit_test(stamps_and_rotated_names_come_back_as_the_instant_they_were_made_from),
                cmocka_unit_test(foreign_names_are_not_taken_for_rotated_files),
                cmocka_unit_test(every_line_gets_one_stamp_however_it_is_cut),
                cmocka_unit_test(a_line_longer_than_the_buffer_is_stamped_once),
                cmocka_unit_test(F5_bytes_of_any_kind_become_valid_json_and_come_back),
                cmocka_unit_test(pieces_of_a_long_json_line_are_told_apart_and_joined_again),
                cmocka_unit_test(F5_a_service_cannot_take_over_the_console),
                cmocka_unit_test(the_last_lines_are_whole_lines),
                cmocka_unit_test(a_rate_of_lines_lets_the_burst_and_then_the_rate_through),
                cmocka_unit_test(a_rate_of_bytes_counts_bytes_and_passes_a_huge_line_from_a_full_bucket),
                cmocka_unit_test(extreme_limits_neither_overflow_nor_starve),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
