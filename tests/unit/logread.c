/* logread.c - reading back what the log writer has kept: order, last lines, since, following. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/logstore.h"
#include "ctl/logread.h"

struct place {
        char dir[64];
        struct buf told; /* lines, each with '|' behind it */
        int stop_after;  /* lines; 0 = never */
        int writer;      /* reads a line for each that was told; 0 = nobody does */
        int signs;       /* that it was sent */
};

static void sign(struct place *p)
{
        assert_true(send(p->writer, "\n", 1, MSG_NOSIGNAL) == 1 || errno == EPIPE);
        p->signs++;
}

static int collect(void *arg, const char *line, size_t n)
{
        struct place *p = arg;

        buf_add(&p->told, line, n);
        buf_addc(&p->told, '|');
        if (p->writer)
                sign(p);
        return p->stop_after > 0 && --p->stop_after == 0;
}

static void path_of(const struct place *p, const char *name, char path[256])
{
        (void) snprintf(path, 256, "%s/shop/api/%s", p->dir, name);
}

static void put(const struct place *p, const char *name, const char *text)
{
        char path[256];
        FILE *f;

        path_of(p, name, path);
        f = fopen(path, "a");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void put_gz(const struct place *p, const char *name, const char *text)
{
        char path[256];
        gzFile gz;

        path_of(p, name, path);
        gz = gzopen(path, "wb");
        assert_non_null(gz);
        assert_int_equal(gzputs(gz, text), (int) strlen(text));
        assert_int_equal(gzclose(gz), Z_OK);
}

static int set_up(void **state)
{
        struct place *p = calloc(1, sizeof *p);
        char path[256];

        strcpy(p->dir, "/tmp/coppice-logread.XXXXXX");
        if (!mkdtemp(p->dir))
                return -1;
        (void) snprintf(path, sizeof path, "%s/shop", p->dir);
        (void) mkdir(path, 0700);
        path_of(p, "", path);
        (void) mkdir(path, 0700);
        *state = p;
        return 0;
}

static int tear_down(void **state)
{
        struct place *p = *state;
        char command[128];

        (void) snprintf(command, sizeof command, "rm -rf %.60s", p->dir);
        (void) !system(command);
        buf_free(&p->told);
        free(p);
        return 0;
}

static const char *read_all(struct place *p, struct logread_options o)
{
        struct err err = { 0 };

        o.log_dir = p->dir;
        o.path = "/shop/api";
        o.stop_fd = -1;
        buf_clear(&p->told);
        assert_int_equal(logread(&o, collect, p, &err), 0);
        return buf_text(&p->told);
}

static void fill(const struct place *p)
{
        put_gz(p, "@20260101T000000.000000Z.gz", "1\n2\n");
        put(p, "@20260102T000000.000000Z", "3\n");
        put_gz(p, "@20260102T000000.000000Z.gz", "not complete");
        put(p, "@20260103T000000.000000Z", "4\n\n5\n");
        put(p, "foreign", "never\n");
        put(p, "current", "6\n7\nunfinished");
}

static void everything_is_told_in_the_order_it_was_written(void **state)
{
        struct place *p = *state;

        fill(p);
        assert_string_equal(read_all(p, (struct logread_options) { .last = LOGREAD_ALL }),
                            "1|2|3|4||5|6|7|unfinished|");
}

static void the_last_lines_reach_back_over_files(void **state)
{
        static const char *const want[] = { "", "unfinished|", "7|unfinished|", "6|7|unfinished|",
                                            "5|6|7|unfinished|", "|5|6|7|unfinished|", "4||5|6|7|unfinished|",
                                            "3|4||5|6|7|unfinished|", "2|3|4||5|6|7|unfinished|",
                                            "1|2|3|4||5|6|7|unfinished|", "1|2|3|4||5|6|7|unfinished|" };
        struct place *p = *state;

        fill(p);
        for (uint64_t n = 0; n < ARRAY_LEN(want); n++)
                assert_string_equal(read_all(p, (struct logread_options) { .last = n }), want[n]);
}

static void the_last_lines_of_a_file_larger_than_one_read(void **state)
{
        struct place *p = *state;
        FILE *f;
        char path[256];

        path_of(p, "current", path);
        f = fopen(path, "w");
        assert_non_null(f);
        for (int i = 0; i < 100000; i++)
                (void) fprintf(f, "%d\n", i);
        (void) fclose(f);
        assert_string_equal(read_all(p, (struct logread_options) { .last = 2 }), "99998|99999|");
        (void) read_all(p, (struct logread_options) { .last = 50000 });
        assert_memory_equal(buf_text(&p->told), "50000|50001|", 12);
}

static void lines_older_than_the_instant_are_left_out(void **state)
{
        struct place *p = *state;
        const uint64_t since = UINT64_C(1767312000000000); /* 2026-01-02 */

        put(p, "@20260101T000000.000000Z", "2025-12-31T23:59:59.000000Z old file\n");
        put(p, "@20260102T000000.000000Z", "2026-01-01T12:00:00.000000Z old line\n"
                                           "2026-01-02T00:00:00.000000Z just in time\n");
        put(p, "current", "{\"time\":\"2026-01-01T12:00:00.000000Z\",\"message\":\"old\"}\nno stamp\n");
        assert_string_equal(read_all(p, (struct logread_options) { .last = LOGREAD_ALL, .since_us = since }),
                            "2026-01-02T00:00:00.000000Z just in time|no stamp|");
}

static void a_node_without_a_log_is_an_error_that_names_it(void **state)
{
        struct place *p = *state;
        const struct logread_options o = { .log_dir = p->dir, .path = "/nobody", .stop_fd = -1 };
        struct err err = { 0 };

        assert_int_equal(logread(&o, collect, p, &err), -ENOENT);
        assert_non_null(strstr(err.text, "/nobody"));
}

/* logread() waits in here. The first time, and when it has seen the directory, that is the writer's sign to go on. */
static struct place *follower;
int __real_poll(struct pollfd *fds, nfds_t n, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms);

int __wrap_poll(struct pollfd *fds, nfds_t n, int ms)
{
        char dir[128];

        if (follower && follower->told.len == 0) {
                (void) snprintf(dir, sizeof dir, "%s/shop/late", follower->dir);
                if (follower->signs < (access(dir, F_OK) == 0 ? 2 : 1))
                        sign(follower);
        }
        return __real_poll(fds, n, ms);
}

/* Runs the script in the log directory; it reads a line from its standard input for each sign. */
static pid_t writer(struct place *p, const char *script)
{
        int ends[2];
        pid_t pid;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        pid = fork();
        if (pid == 0) {
                if (chdir(p->dir) == 0 && dup2(ends[0], 0) == 0)
                        (void) execl("/bin/sh", "sh", "-ec", script, (char *) NULL);
                _exit(127);
        }
        assert_true(pid > 0);
        p->writer = ends[1];
        follower = p;
        (void) close(ends[0]);
        return pid;
}

static int writer_ends(struct place *p, pid_t pid)
{
        int status = -1;

        (void) close(p->writer);
        p->writer = 0;
        follower = NULL;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return status;
}

/* A child writes while we follow; each step waits until the lines before were told. */
static void following_goes_through_rotation_and_replacement(void **state)
{
        struct place *p = *state;
        const struct logread_options o = { .log_dir = p->dir, .path = "/shop/late", .follow = true, .stop_fd = -1 };
        static const char script[] =
                "s() { read -r _; }; s; mkdir -p shop/late; s; echo 1 >shop/late/current; s; cd shop/late;"
                "echo 2 >>current; mv current @20260101T000000.000000Z; echo 3 >current; s; s;"
                "mv current @20260102T000000.000000Z; gzip @20260102T000000.000000Z; echo 4 >>current;"
                "mv current @20260103T000000.000000Z; echo 5 >current; s; s; rm current; echo 6 >current";
        struct err err = { 0 };
        pid_t pid = writer(p, script);

        p->stop_after = 6;
        (void) alarm(60);
        assert_int_equal(logread(&o, collect, p, &err), 0);
        (void) alarm(0);
        assert_int_equal(writer_ends(p, pid), 0);
        assert_string_equal(buf_text(&p->told), "1|2|3|4|5|6|");
}

static void following_stops_when_the_descriptor_tells(void **state)
{
        struct place *p = *state;
        int ends[2];
        struct err err = { 0 };

        assert_int_equal(pipe(ends), 0);
        const struct logread_options o = { .log_dir = p->dir, .path = "/shop/api", .follow = true,
                                           .stop_fd = ends[0] };

        put(p, "current", "1\n");
        assert_int_equal(close(ends[1]), 0);
        assert_int_equal(logread(&o, collect, p, &err), 0);
        assert_int_equal(close(ends[0]), 0);
        assert_string_equal(buf_text(&p->told), "");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(everything_is_told_in_the_order_it_was_written),
                T(the_last_lines_reach_back_over_files),
                T(the_last_lines_of_a_file_larger_than_one_read),
                T(lines_older_than_the_instant_are_left_out),
                T(a_node_without_a_log_is_an_error_that_names_it),
                T(following_goes_through_rotation_and_replacement),
                T(following_stops_when_the_descriptor_tells),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
