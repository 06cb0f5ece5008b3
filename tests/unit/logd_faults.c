/* logd_faults.c - the real coppice-logd under floods, on full disks, when it is killed or told nonsense. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tests/unit/logd_bench.h"

static void F3_current_is_made_again_when_it_was_taken_away_or_replaced(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { 0 };
        char dir[128], current[160], aside[192], secret[128];
        struct stat s;

        (void) snprintf(dir, sizeof dir, "%s/log/web", b->dir);
        (void) snprintf(current, sizeof current, "%s/current", dir);
        (void) snprintf(aside, sizeof aside, "%s/elsewhere", dir);
        (void) snprintf(secret, sizeof secret, "%s/secret", b->dir);
        for (int what = 0; what < 4; what++) {
                bench_begin(b, "/web", &c);
                if (what == 0) {
                        bench_say(b, "before\n");
                        bench_flush(b);
                        assert_int_equal(rename(current, aside), 0);
                } else {
                        assert_int_equal(unlink(current), 0);
                        if (what == 1)
                                assert_int_equal(symlink(secret, current), 0);
                        else if (what == 2)
                                assert_int_equal(mkdir(current, 0700), 0);
                        else
                                assert_int_equal(mkfifo(current, 0600), 0);
                }
                /* A file of ours that is moved is found out within a second of writing. */
                for (int i = 0; i < 300 && !(lstat(current, &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0); i++) {
                        bench_say(b, "after\n");
                        bench_flush(b);
                        (void) poll(NULL, 0, 10);
                }
                assert_true(lstat(current, &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0);
                assert_int_equal(access(secret, F_OK), -1);
                bench_end(b);
        }
}

static void F2_a_full_disk_neither_stops_the_service_nor_is_it_forgotten(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { 0 };
        const struct rlimit none = { 7, RLIM_INFINITY }, all = { RLIM_INFINITY, RLIM_INFINITY };
        union message m;
        char path[128], text[512];
        struct stat s;

        if (geteuid() != 0)
                skip();
        (void) snprintf(path, sizeof path, "%s/log", b->dir);
        assert_int_equal(mkdir(path, 0700), 0);
        bench_begin(b, "/web", &c);
        bench_say(b, "before\n");
        bench_flush(b);
        /* A file size limit is a full disk that needs no file system of its own. */
        assert_int_equal(prlimit(b->pid, RLIMIT_FSIZE, &none, NULL), 0);
        bench_say(b, "lost\n");
        (void) bench_hear(b, LOGMSG_PROBLEM, &m);
        assert_int_equal(m.problem.code, EFBIG);
        assert_non_null(strstr(m.problem.text, "web/current"));
        bench_tell(b, LOGMSG_TAIL, 1); /* memory stands in for the file */
        assert_int_equal(bench_hear(b, LOGMSG_TAIL_IS, &m), sizeof m.head + 5);
        assert_int_equal(prlimit(b->pid, RLIMIT_FSIZE, &all, NULL), 0);
        (void) snprintf(path, sizeof path, "%s/log/web/current", b->dir);
        for (int i = 0; i < 500 && stat(path, &s) == 0 && s.st_size == 7; i++) {
                bench_say(b, "x\n");
                bench_flush(b);
                (void) poll(NULL, 0, 10);
        }
        assert_int_equal(b->problem, 0);
        bench_read(b, "web/current", text, sizeof text);
        assert_memory_equal(text, "before\ncoppice-logd: ", 21);
        assert_non_null(strstr(text, "bytes lost"));
        bench_end(b);
}

/* Kill it in the middle of a stream again and again; the pipe keeps what it had not read, no byte of it is missing
 * or doubled, and the line it stood in is not stamped twice. */
static void F7_its_death_loses_nothing_that_is_in_the_pipe(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .format = LOG_FORMAT_TIME };
        char want[256] = "", text[512], *at = text;

        for (int i = 0; i < 4; i++) {
                static const char *const parts[] = { "one\ntw", "o\nthr", "ee\n", "four\n" };

                bench_begin(b, "/web", &c);
                bench_say(b, parts[i]);
                bench_flush(b);
                assert_int_equal(kill(b->pid, SIGKILL), 0);
                assert_int_equal(waitpid(b->pid, NULL, 0), b->pid);
                b->pid = 0;
                fd_close(&b->control);
                fd_close(&b->console);
                bench_say(b, "between\n"); /* nobody reads: waits in the pipe, no SIGPIPE */
                strcat(strcat(want, parts[i]), "between\n");
        }
        bench_begin(b, "/web", &c);
        bench_end(b);
        bench_read(b, "web/current", text, sizeof text);
        for (char *line = want, *nl; (nl = strchr(line, '\n')) != NULL; line = nl + 1) {
                assert_int_equal(at[10], 'T');
                assert_int_equal(at[26], 'Z');
                assert_memory_equal(at + LOG_STAMP_LEN, line, (size_t) (nl + 1 - line));
                at += LOG_STAMP_LEN + (nl + 1 - line);
        }
        assert_int_equal(*at, '\0');
}

static void J18_a_console_that_takes_nothing_stalls_neither_service_nor_control(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .sink = LOG_SINK_STDOUT };
        static char lines[64000];
        union message m;
        uint64_t dropped = 0;

        bench_begin(b, "/web", &c);
        memset(lines, 'x', sizeof lines);
        for (size_t i = 99; i < sizeof lines; i += 100)
                lines[i] = '\n';
        /* More than pipe, buffer and console together hold: goes through only because lines are dropped at last. */
        for (int i = 0; i < 40; i++)
                assert_int_equal(write(b->out, lines, sizeof lines), sizeof lines);
        while (dropped == 0) {
                bench_tell(b, LOGMSG_COUNT, 1);
                (void) bench_hear(b, LOGMSG_COUNTERS, &m);
                dropped = m.counters.dropped_lines;
        }
        bench_tell(b, LOGMSG_QUIT, 0); /* and leaves in time */
        (void) bench_hear(b, LOGMSG_FLUSHED, &m);
        assert_int_equal(waitpid(b->pid, NULL, 0), b->pid);
        b->pid = 0;
}

static long rss_kib(pid_t pid)
{
        char path[64];
        autofclose FILE *f = NULL;
        long size, resident = 0;

        (void) snprintf(path, sizeof path, "/proc/%d/statm", (int) pid);
        f = fopen(path, "r");
        assert_non_null(f);
        assert_int_equal(fscanf(f, "%ld %ld", &size, &resident), 2);
        return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void F1_a_flood_costs_a_bounded_amount_of_memory(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .format = LOG_FORMAT_TIME, .max_size = 1 << 20, .max_files = 2 };
        autofree char *lines = malloc(1 << 20);
        const char *san = getenv("ASAN_OPTIONS");
        long before, after;

        bench_begin(b, "/web", &c);
        bench_say(b, "hello\n");
        bench_flush(b);
        before = rss_kib(b->pid);
        memset(lines, 'y', 1 << 20);
        for (int i = 1; i < 1 << 20; i += 2)
                lines[i] = '\n'; /* as `yes` does */
        for (int i = 0; i < 32; i++)
                assert_int_equal(write(b->out, lines, 1 << 20), 1 << 20);
        after = rss_kib(b->pid);
        if (!san && after - before > 1024)
                fail_msg("%ld KiB before the flood, %ld KiB in it", before, after);
        bench_flush(b);
        bench_end(b);
}

static void messages_of_the_wrong_form_change_nothing(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { 0 }, bad = { .format = 9 };
        union message m;

        bench_begin(b, "/web", &c);
        assert_int_equal(send(b->control, "x", 1, 0), 1);
        (void) bench_hear(b, LOGMSG_PROBLEM, &m);
        assert_int_equal(m.problem.code, EPROTO);
        bench_stream(b, LOGMSG_UPDATE, "/web", &bad, -1);
        (void) bench_hear(b, LOGMSG_PROBLEM, &m);
        assert_int_equal(m.problem.code, EPROTO);
        bench_stream(b, LOGMSG_ADD, "/web", &c, -1);
        (void) bench_hear(b, LOGMSG_PROBLEM, &m);
        assert_int_equal(m.problem.code, EPROTO);
        bench_tell(b, (enum logmsg_kind) 4711, 1);
        (void) bench_hear(b, LOGMSG_PROBLEM, &m);
        assert_int_equal(m.problem.code, EPROTO);
        bench_say(b, "fine\n");
        bench_flush(b);
        bench_expect(b, "web/current", "fine\n");
        bench_end(b);
}

static void the_end_of_the_engine_is_the_end_of_it_after_everything_is_written(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { 0 };
        int status;

        bench_begin(b, "/web", &c);
        bench_say(b, "last\n");
        fd_close(&b->control);
        assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
        b->pid = 0;
        assert_int_equal(status, 0);
        bench_expect(b, "web/current", "last\n");
}

#define T(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(F3_current_is_made_again_when_it_was_taken_away_or_replaced),
                T(F2_a_full_disk_neither_stops_the_service_nor_is_it_forgotten),
                T(F7_its_death_loses_nothing_that_is_in_the_pipe),
                T(J18_a_console_that_takes_nothing_stalls_neither_service_nor_control),
                T(F1_a_flood_costs_a_bounded_amount_of_memory),
                T(messages_of_the_wrong_form_change_nothing),
                T(the_end_of_the_engine_is_the_end_of_it_after_everything_is_written),
        };

        (void) signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
