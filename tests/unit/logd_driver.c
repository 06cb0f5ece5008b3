/* logd_driver.c - what the real coppice-logd stores: bytes, lines, rotation, limits. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tests/unit/logd_bench.h"

static void raw_bytes_are_kept_as_they_are(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .format = LOG_FORMAT_RAW };
        char text[64];

        bench_begin(b, "/shop/api", &c);
        assert_int_equal(write(b->out, "a\0b\033\xff\nend", 9), 9);
        bench_flush(b);
        bench_read(b, "shop/api/current", text, sizeof text);
        assert_memory_equal(text, "a\0b\033\xff\nend", 10);
        bench_end(b);
}

static void F6_an_unfinished_last_line_is_kept_in_every_format(void **state)
{
        struct bench *b = *state;

        for (uint8_t format = LOG_FORMAT_RAW; format <= LOG_FORMAT_JSON; format++) {
                const struct log_config c = { .format = format };
                char path[16], file[32], text[256];

                (void) snprintf(path, sizeof path, "/f%u", format);
                (void) snprintf(file, sizeof file, "f%u/current", format);
                bench_begin(b, path, &c);
                bench_say(b, "whole\nunfinished");
                bench_end(b);
                bench_read(b, file, text, sizeof text);
                assert_non_null(strstr(text, "whole"));
                assert_non_null(strstr(text, "unfinished"));
        }
}

static void a_mark_ends_the_line_of_the_incarnation_before(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .format = LOG_FORMAT_TIME };
        union message m;
        char text[256];
        size_t n;

        bench_begin(b, "/web", &c);
        bench_say(b, "first life\nfirst de");
        bench_tell(b, LOGMSG_MARK, 1);
        bench_tell(b, LOGMSG_TAIL, 1);
        assert_int_equal(bench_hear(b, LOGMSG_TAIL_IS, &m), sizeof m.head);
        bench_say(b, "second life\n");
        bench_tell(b, LOGMSG_TAIL, 1);
        n = bench_hear(b, LOGMSG_TAIL_IS, &m);
        assert_int_equal(n, sizeof m.head + 12);
        assert_memory_equal(m.bytes + sizeof m.head, "second life\n", 12);
        bench_end(b);
        bench_read(b, "web/current", text, sizeof text);
        assert_non_null(strstr(text, "Z first de\n"));
        assert_non_null(strstr(text, "Z second life\n"));
}

static void the_tail_is_the_last_whole_lines_as_the_service_wrote_them(void **state)
{
        static const struct log_config rows[] = { { .format = LOG_FORMAT_RAW },  { .format = LOG_FORMAT_TIME },
                                                  { .format = LOG_FORMAT_JSON }, { .sink = LOG_SINK_STDOUT },
                                                  { .format = LOG_FORMAT_TIME, .max_size = 3000 } };
        struct bench *b = *state;

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                union message m;
                char path[16];
                const char *text = m.bytes + sizeof m.head;
                size_t n;

                (void) snprintf(path, sizeof path, "/t%zu", i);
                bench_begin(b, path, &rows[i]);
                for (int k = 0; k < 1000; k++) {
                        char line[32];

                        (void) snprintf(line, sizeof line, "line %d \"x\\\"\n", k);
                        bench_say(b, line);
                }
                bench_tell(b, LOGMSG_TAIL, 1);
                n = bench_hear(b, LOGMSG_TAIL_IS, &m) - sizeof m.head;
                assert_true(n > 900 && n <= LOG_TAIL_MAX);
                assert_memory_equal(text, "line ", 5);
                assert_memory_equal(text + n - 14, "line 999 \"x\\\"\n", 14);
                bench_end(b);
        }
}

static void rotation_happens_where_a_line_ends_and_loses_nothing(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .max_size = 1000 };
        char newest[LOG_ROTATED_MAX + 4], file[64], text[2048];
        union message m;
        int gz;

        bench_begin(b, "/web", &c);
        for (int i = 0; i < 250; i++)
                bench_say(b, "123456789\n");
        bench_flush(b);
        bench_tell(b, LOGMSG_COUNT, 1);
        (void) bench_hear(b, LOGMSG_COUNTERS, &m);
        assert_int_equal(m.counters.rotations, 2);
        assert_int_equal(m.counters.bytes, 2500);
        assert_int_equal(m.counters.dropped_bytes, 0);
        assert_int_equal(bench_rotated(b, "web", newest, &gz), 2);
        (void) snprintf(file, sizeof file, "web/%s", newest);
        bench_read(b, file, text, sizeof text);
        assert_int_equal(strlen(text), 1000);
        bench_read(b, "web/current", text, sizeof text);
        assert_int_equal(strlen(text), 500);
        bench_end(b);
}

static void rotated_files_are_compressed_and_the_oldest_deleted(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .max_size = 1000, .max_files = 3, .compress = LOG_COMPRESS_GZIP };
        char newest[LOG_ROTATED_MAX + 4];
        int n = 0, gz = 0;

        bench_begin(b, "/web", &c);
        for (int i = 0; i < 1005; i++)
                bench_say(b, "123456789\n");
        bench_flush(b);
        for (int i = 0; i < 1000 && !(n == 3 && gz == 3); i++) {
                n = bench_rotated(b, "web", newest, &gz);
                (void) poll(NULL, 0, 10); /* the child has no way to tell us */
        }
        assert_int_equal(n, 3);
        assert_int_equal(gz, 3);
        bench_end(b);
}

static void a_line_longer_than_a_file_may_be_is_cut_in_the_end(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .max_size = 1000 };
        char newest[LOG_ROTATED_MAX + 4];
        autofree char *text = malloc(50000);
        int gz;

        bench_begin(b, "/web", &c);
        memset(text, 'x', 50000);
        assert_int_equal(write(b->out, text, 50000), 50000);
        bench_flush(b);
        assert_true(bench_rotated(b, "web", newest, &gz) >= 3);
        bench_end(b);
}

static void a_rate_limit_drops_counts_and_tells(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .rate_count = 3, .rate_interval_us = UINT64_C(3600000000),
                                      .rate_unit = LOG_RATE_LINES };
        union message m;

        bench_begin(b, "/web", &c);
        bench_say(b, "1\n2\n3\n4\n5\n6\n");
        bench_tell(b, LOGMSG_MARK, 1);
        bench_tell(b, LOGMSG_COUNT, 1);
        (void) bench_hear(b, LOGMSG_COUNTERS, &m);
        assert_int_equal(m.counters.dropped_lines, 3);
        assert_int_equal(m.counters.dropped_bytes, 6);
        bench_expect(b, "web/current", "1\n2\n3\ncoppice-logd: 3 lines (6 bytes) dropped by LogRateLimit=\n");
        bench_end(b);
}

static void the_count_of_what_was_dropped_comes_without_another_line(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .sink = LOG_SINK_STDOUT, .rate_count = 2, .rate_interval_us = 50000, .rate_burst = 1,
                                      .rate_unit = LOG_RATE_LINES };
        char text[512] = "";
        size_t len = 0;

        bench_begin(b, "/web", &c);
        bench_say(b, "1\n2\n3\n");
        while (!strstr(text, "dropped")) { /* nothing else will be said: it comes, or the test never ends */
                const ssize_t n = read(b->console, text + len, sizeof text - 1 - len);

                assert_true(n > 0);
                len += (size_t) n;
                text[len] = '\0';
        }
        assert_non_null(strstr(text, "2 lines (4 bytes) dropped by LogRateLimit="));
        bench_end(b);
}

static void console_lines_carry_their_service(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .sink = LOG_SINK_STDOUT };
        char text[128] = "";
        size_t used = 0;

        bench_begin(b, "/shop/api", &c);
        bench_say(b, "hello\nwor");
        bench_say(b, "ld\n");
        while (used < 32) {
                const ssize_t n = read(b->console, text + used, sizeof text - used - 1);

                assert_true(n > 0);
                used += (size_t) n;
        }
        assert_string_equal(text, "shop/api: hello\nshop/api: world\n");
        bench_end(b);
}

static void removing_a_stream_stores_what_is_left_in_its_pipe(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { 0 };
        union message m;

        bench_begin(b, "/web", &c);
        bench_say(b, "last words");
        bench_tell(b, LOGMSG_REMOVE, 1);
        (void) bench_hear(b, LOGMSG_REMOVED, &m);
        bench_expect(b, "web/current", "last words");
        bench_tell(b, LOGMSG_COUNT, 1);
        (void) bench_hear(b, LOGMSG_PROBLEM, &m);
        assert_int_equal(m.problem.code, ENOENT);
        bench_end(b);
}

static void an_update_changes_format_and_place_from_then_on(void **state)
{
        struct bench *b = *state;
        const struct log_config raw = { 0 }, json = { .format = LOG_FORMAT_JSON };
        char text[256];

        bench_begin(b, "/web", &raw);
        bench_say(b, "old\n");
        bench_stream(b, LOGMSG_UPDATE, "/shop/web", &json, -1);
        bench_flush(b);
        bench_say(b, "new\n");
        bench_flush(b);
        bench_expect(b, "web/current", "old\n");
        bench_read(b, "shop/web/current", text, sizeof text);
        assert_non_null(strstr(text, "\"message\":\"new\"}\n"));
        bench_end(b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(raw_bytes_are_kept_as_they_are),
                T(F6_an_unfinished_last_line_is_kept_in_every_format),
                T(a_mark_ends_the_line_of_the_incarnation_before),
                T(the_tail_is_the_last_whole_lines_as_the_service_wrote_them),
                T(rotation_happens_where_a_line_ends_and_loses_nothing),
                T(rotated_files_are_compressed_and_the_oldest_deleted),
                T(a_line_longer_than_a_file_may_be_is_cut_in_the_end),
                T(a_rate_limit_drops_counts_and_tells),
                T(the_count_of_what_was_dropped_comes_without_another_line),
                T(console_lines_carry_their_service),
                T(removing_a_stream_stores_what_is_left_in_its_pipe),
                T(an_update_changes_format_and_place_from_then_on),
        };

        (void) signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
