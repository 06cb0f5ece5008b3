/* logd_driver.c - the real coppice-logd, driven over its protocol. Needs $COPPICE_BUILD or runs beside the build. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
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
#include "base/logproto.h"
#include "base/logstore.h"

struct bench {
        char dir[64];
        pid_t pid;
        int control;
        int console; /* read end of logd's standard output */
        int out;     /* write end of stream 1, */
        int in;      /* and its read end, kept like the engine keeps it */
        int problem; /* code of the last report */
};

union message {
        struct logmsg head;
        struct logmsg_stream stream;
        struct logmsg_counters counters;
        struct logmsg_problem problem;
        char bytes[LOGMSG_MAX];
};

/* --- driving it ------------------------------------------------------------------------------------- */

static void tell(struct bench *b, enum logmsg_kind kind, uint32_t stream)
{
        const struct logmsg m = { .kind = kind, .stream = stream, .arg = 77 };

        assert_int_equal(send(b->control, &m, sizeof m, 0), sizeof m);
}

/* The next message of that kind; others on the way are dropped. Returns its length. */
static size_t hear(struct bench *b, enum logmsg_kind kind, union message *m)
{
        for (;;) {
                struct pollfd p = { .fd = b->control, .events = POLLIN };
                ssize_t n;

                assert_int_equal(poll(&p, 1, 10000), 1);
                n = recv(b->control, m, sizeof *m, 0);
                assert_true(n > 0);
                if (m->head.kind == LOGMSG_PROBLEM)
                        b->problem = m->problem.code;
                if (m->head.kind == kind)
                        return (size_t) n;
        }
}

static void flush(struct bench *b)
{
        union message m;

        tell(b, LOGMSG_FLUSH, 0);
        (void) hear(b, LOGMSG_FLUSHED, &m);
        assert_int_equal(m.head.arg, 77);
}

static void say_stream(const struct bench *b, enum logmsg_kind kind, const char *path, const struct log_config *config,
                       int fd)
{
        union message m = { .stream = { .head = { .kind = kind, .stream = 1 }, .config = *config } };
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(sizeof(int))];
        } room = { 0 };
        struct iovec iov = { &m, sizeof m.stream + strlen(path) };
        struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

        memcpy(m.bytes + sizeof m.stream, path, strlen(path));
        if (fd >= 0) {
                h.msg_control = &room;
                h.msg_controllen = sizeof room;
                struct cmsghdr *c = CMSG_FIRSTHDR(&h);

                c->cmsg_level = SOL_SOCKET;
                c->cmsg_type = SCM_RIGHTS;
                c->cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(c), &fd, sizeof fd);
        }
        assert_true(sendmsg(b->control, &h, 0) > 0);
}

static void begin(struct bench *b, const char *path, const struct log_config *config)
{
        char program[512], control[32], dir[128];
        const char *build = getenv("COPPICE_BUILD");
        int pair[2], console[2];
        union message m;

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        assert_int_equal(pipe2(console, O_CLOEXEC), 0);
        (void) snprintf(program, sizeof program, "%s/coppice-logd", build ? build : ".");
        (void) snprintf(control, sizeof control, "--control=%d", pair[1]);
        (void) snprintf(dir, sizeof dir, "--log-dir=%s/log", b->dir);
        b->pid = fork();
        if (b->pid == 0) {
                (void) dup2(console[1], 1);
                (void) fcntl(pair[1], F_SETFD, 0);
                (void) execl(program, program, control, dir, (char *) NULL);
                _exit(127);
        }
        (void) close(pair[1]);
        (void) close(console[1]);
        b->control = pair[0];
        b->console = console[0];
        (void) hear(b, LOGMSG_READY, &m);
        if (path)
                say_stream(b, LOGMSG_ADD, path, config, b->in);
}

static void end(struct bench *b)
{
        union message m;
        int status;

        tell(b, LOGMSG_QUIT, 0);
        (void) hear(b, LOGMSG_FLUSHED, &m);
        assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
        assert_int_equal(status, 0);
        b->pid = 0;
        fd_close(&b->control);
        fd_close(&b->console);
}

static void say(const struct bench *b, const char *text)
{
        assert_int_equal(write(b->out, text, strlen(text)), strlen(text));
}

static void read_file(const struct bench *b, const char *name, char *text, size_t cap)
{
        char path[256];
        autoclose int fd = -1;
        ssize_t n;

        (void) snprintf(path, sizeof path, "%s/log/%s", b->dir, name);
        fd = open(path, O_RDONLY);
        assert_true(fd >= 0);
        n = read(fd, text, cap - 1);
        assert_true(n >= 0);
        text[n] = '\0';
}

static void expect_file(const struct bench *b, const char *name, const char *want)
{
        char text[4096];

        read_file(b, name, text, sizeof text);
        assert_string_equal(text, want);
}

static int set_up(void **state)
{
        struct bench *b = calloc(1, sizeof *b);
        int ends[2];

        if (!b)
                return -1;
        strcpy(b->dir, "/tmp/coppice-logd.XXXXXX");
        if (!mkdtemp(b->dir) || pipe2(ends, O_CLOEXEC) < 0)
                return -1;
        b->in = ends[0];
        b->out = ends[1];
        b->control = b->console = -1;
        *state = b;
        return 0;
}

static int tear_down(void **state)
{
        struct bench *b = *state;
        char command[256];

        if (b->pid > 0) {
                (void) kill(b->pid, SIGKILL);
                (void) waitpid(b->pid, NULL, 0);
        }
        fd_close(&b->control);
        fd_close(&b->console);
        fd_close(&b->in);
        fd_close(&b->out);
        (void) snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", b->dir, b->dir);
        (void) !system(command);
        free(b);
        return 0;
}

/* Rotated files of a service, newest last; returns their number. Waits until `done` says so (10 s at most). */
static int rotated(const struct bench *b, const char *name, char newest[LOG_ROTATED_MAX + 4], int *ret_gz)
{
        char path[256];
        DIR *d;
        struct dirent *e;
        uint64_t us;
        bool gz;
        int n = 0;

        (void) snprintf(path, sizeof path, "%s/log/%s", b->dir, name);
        d = opendir(path);
        *ret_gz = 0;
        newest[0] = '\0';
        while (d && (e = readdir(d)) != NULL)
                if (log_rotated_parse(e->d_name, &us, &gz)) {
                        n++;
                        *ret_gz += gz;
                        if (strcmp(e->d_name, newest) > 0)
                                memcpy(newest, e->d_name, strlen(e->d_name) + 1);
                }
        if (d)
                (void) closedir(d);
        return n;
}

/* --- the tests -------------------------------------------------------------------------------------- */

static void raw_bytes_are_kept_as_they_are(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .format = LOG_FORMAT_RAW };
        char text[64];

        begin(b, "/shop/api", &c);
        assert_int_equal(write(b->out, "a\0b\033\xff\nend", 9), 9);
        flush(b);
        read_file(b, "shop/api/current", text, sizeof text);
        assert_memory_equal(text, "a\0b\033\xff\nend", 10);
        end(b);
}

static void F6_an_unfinished_last_line_is_kept_in_every_format(void **state)
{
        struct bench *b = *state;

        for (uint8_t format = LOG_FORMAT_RAW; format <= LOG_FORMAT_JSON; format++) {
                const struct log_config c = { .format = format };
                char path[16], file[32], text[256];

                (void) snprintf(path, sizeof path, "/f%u", format);
                (void) snprintf(file, sizeof file, "f%u/current", format);
                begin(b, path, &c);
                say(b, "whole\nunfinished");
                end(b);
                read_file(b, file, text, sizeof text);
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

        begin(b, "/web", &c);
        say(b, "first life\nfirst de");
        tell(b, LOGMSG_MARK, 1);
        tell(b, LOGMSG_TAIL, 1);
        assert_int_equal(hear(b, LOGMSG_TAIL_IS, &m), sizeof m.head);
        say(b, "second life\n");
        tell(b, LOGMSG_TAIL, 1);
        n = hear(b, LOGMSG_TAIL_IS, &m);
        assert_int_equal(n, sizeof m.head + 12);
        assert_memory_equal(m.bytes + sizeof m.head, "second life\n", 12);
        end(b);
        read_file(b, "web/current", text, sizeof text);
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
                begin(b, path, &rows[i]);
                for (int k = 0; k < 1000; k++) {
                        char line[32];

                        (void) snprintf(line, sizeof line, "line %d \"x\\\"\n", k);
                        say(b, line);
                }
                tell(b, LOGMSG_TAIL, 1);
                n = hear(b, LOGMSG_TAIL_IS, &m) - sizeof m.head;
                assert_true(n > 900 && n <= LOG_TAIL_MAX);
                assert_memory_equal(text, "line ", 5);
                assert_memory_equal(text + n - 14, "line 999 \"x\\\"\n", 14);
                end(b);
        }
}

static void rotation_happens_where_a_line_ends_and_loses_nothing(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .max_size = 1000 };
        char newest[LOG_ROTATED_MAX + 4], file[64], text[2048];
        union message m;
        int gz;

        begin(b, "/web", &c);
        for (int i = 0; i < 250; i++)
                say(b, "123456789\n");
        flush(b);
        tell(b, LOGMSG_COUNT, 1);
        (void) hear(b, LOGMSG_COUNTERS, &m);
        assert_int_equal(m.counters.rotations, 2);
        assert_int_equal(m.counters.bytes, 2500);
        assert_int_equal(m.counters.dropped_bytes, 0);
        assert_int_equal(rotated(b, "web", newest, &gz), 2);
        (void) snprintf(file, sizeof file, "web/%s", newest);
        read_file(b, file, text, sizeof text);
        assert_int_equal(strlen(text), 1000);
        read_file(b, "web/current", text, sizeof text);
        assert_int_equal(strlen(text), 500);
        end(b);
}

static void rotated_files_are_compressed_and_the_oldest_deleted(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .max_size = 1000, .max_files = 3, .compress = LOG_COMPRESS_GZIP };
        char newest[LOG_ROTATED_MAX + 4];
        int n = 0, gz = 0;

        begin(b, "/web", &c);
        for (int i = 0; i < 1005; i++)
                say(b, "123456789\n");
        flush(b);
        for (int i = 0; i < 1000 && !(n == 3 && gz == 3); i++) {
                n = rotated(b, "web", newest, &gz);
                (void) poll(NULL, 0, 10); /* the child has no way to tell us */
        }
        assert_int_equal(n, 3);
        assert_int_equal(gz, 3);
        end(b);
}

static void a_line_longer_than_a_file_may_be_is_cut_in_the_end(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .max_size = 1000 };
        char newest[LOG_ROTATED_MAX + 4];
        autofree char *text = malloc(50000);
        int gz;

        begin(b, "/web", &c);
        memset(text, 'x', 50000);
        assert_int_equal(write(b->out, text, 50000), 50000);
        flush(b);
        assert_true(rotated(b, "web", newest, &gz) >= 3);
        end(b);
}

static void a_rate_limit_drops_counts_and_tells(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .rate_count = 3, .rate_interval_us = UINT64_C(3600000000),
                                      .rate_unit = LOG_RATE_LINES };
        union message m;

        begin(b, "/web", &c);
        say(b, "1\n2\n3\n4\n5\n6\n");
        tell(b, LOGMSG_MARK, 1);
        tell(b, LOGMSG_COUNT, 1);
        (void) hear(b, LOGMSG_COUNTERS, &m);
        assert_int_equal(m.counters.dropped_lines, 3);
        assert_int_equal(m.counters.dropped_bytes, 6);
        expect_file(b, "web/current", "1\n2\n3\ncoppice-logd: 3 lines (6 bytes) dropped by LogRateLimit=\n");
        end(b);
}

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
                begin(b, "/web", &c);
                if (what == 0) {
                        say(b, "before\n");
                        flush(b);
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
                        say(b, "after\n");
                        flush(b);
                        (void) poll(NULL, 0, 10);
                }
                assert_true(lstat(current, &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0);
                assert_int_equal(access(secret, F_OK), -1);
                end(b);
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
        begin(b, "/web", &c);
        say(b, "before\n");
        flush(b);
        /* A file size limit is a full disk that needs no file system of its own. */
        assert_int_equal(prlimit(b->pid, RLIMIT_FSIZE, &none, NULL), 0);
        say(b, "lost\n");
        (void) hear(b, LOGMSG_PROBLEM, &m);
        assert_int_equal(m.problem.code, EFBIG);
        assert_non_null(strstr(m.problem.text, "web/current"));
        tell(b, LOGMSG_TAIL, 1); /* memory stands in for the file */
        assert_int_equal(hear(b, LOGMSG_TAIL_IS, &m), sizeof m.head + 5);
        assert_int_equal(prlimit(b->pid, RLIMIT_FSIZE, &all, NULL), 0);
        (void) snprintf(path, sizeof path, "%s/log/web/current", b->dir);
        for (int i = 0; i < 500 && stat(path, &s) == 0 && s.st_size == 7; i++) {
                say(b, "x\n");
                flush(b);
                (void) poll(NULL, 0, 10);
        }
        assert_int_equal(b->problem, 0);
        read_file(b, "web/current", text, sizeof text);
        assert_memory_equal(text, "before\ncoppice-logd: ", 21);
        assert_non_null(strstr(text, "bytes lost"));
        end(b);
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

                begin(b, "/web", &c);
                say(b, parts[i]);
                flush(b);
                assert_int_equal(kill(b->pid, SIGKILL), 0);
                assert_int_equal(waitpid(b->pid, NULL, 0), b->pid);
                b->pid = 0;
                fd_close(&b->control);
                fd_close(&b->console);
                say(b, "between\n"); /* nobody reads: waits in the pipe, no SIGPIPE */
                strcat(strcat(want, parts[i]), "between\n");
        }
        begin(b, "/web", &c);
        end(b);
        read_file(b, "web/current", text, sizeof text);
        for (char *line = want, *nl; (nl = strchr(line, '\n')) != NULL; line = nl + 1) {
                assert_int_equal(at[10], 'T');
                assert_int_equal(at[26], 'Z');
                assert_memory_equal(at + LOG_STAMP_LEN, line, (size_t) (nl + 1 - line));
                at += LOG_STAMP_LEN + (nl + 1 - line);
        }
        assert_int_equal(*at, '\0');
}

static void console_lines_carry_their_service(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .sink = LOG_SINK_STDOUT };
        char text[128] = "";
        size_t used = 0;

        begin(b, "/shop/api", &c);
        say(b, "hello\nwor");
        say(b, "ld\n");
        while (used < 32) {
                const ssize_t n = read(b->console, text + used, sizeof text - used - 1);

                assert_true(n > 0);
                used += (size_t) n;
        }
        assert_string_equal(text, "shop/api: hello\nshop/api: world\n");
        end(b);
}

static void J18_a_console_that_takes_nothing_stalls_neither_service_nor_control(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { .sink = LOG_SINK_STDOUT };
        static char lines[64000];
        union message m;
        uint64_t dropped = 0;

        begin(b, "/web", &c);
        memset(lines, 'x', sizeof lines);
        for (size_t i = 99; i < sizeof lines; i += 100)
                lines[i] = '\n';
        /* More than pipe, buffer and console together hold: goes through only because lines are dropped at last. */
        for (int i = 0; i < 40; i++)
                assert_int_equal(write(b->out, lines, sizeof lines), sizeof lines);
        while (dropped == 0) {
                tell(b, LOGMSG_COUNT, 1);
                (void) hear(b, LOGMSG_COUNTERS, &m);
                dropped = m.counters.dropped_lines;
        }
        tell(b, LOGMSG_QUIT, 0); /* and leaves in time */
        (void) hear(b, LOGMSG_FLUSHED, &m);
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

        begin(b, "/web", &c);
        say(b, "hello\n");
        flush(b);
        before = rss_kib(b->pid);
        memset(lines, 'y', 1 << 20);
        for (int i = 1; i < 1 << 20; i += 2)
                lines[i] = '\n'; /* as `yes` does */
        for (int i = 0; i < 32; i++)
                assert_int_equal(write(b->out, lines, 1 << 20), 1 << 20);
        after = rss_kib(b->pid);
        if (!san && after - before > 1024)
                fail_msg("%ld KiB before the flood, %ld KiB in it", before, after);
        flush(b);
        end(b);
}

static void removing_a_stream_stores_what_is_left_in_its_pipe(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { 0 };
        union message m;

        begin(b, "/web", &c);
        say(b, "last words");
        tell(b, LOGMSG_REMOVE, 1);
        (void) hear(b, LOGMSG_REMOVED, &m);
        expect_file(b, "web/current", "last words");
        tell(b, LOGMSG_COUNT, 1);
        (void) hear(b, LOGMSG_PROBLEM, &m);
        assert_int_equal(m.problem.code, ENOENT);
        end(b);
}

static void an_update_changes_format_and_place_from_then_on(void **state)
{
        struct bench *b = *state;
        const struct log_config raw = { 0 }, json = { .format = LOG_FORMAT_JSON };
        char text[256];

        begin(b, "/web", &raw);
        say(b, "old\n");
        say_stream(b, LOGMSG_UPDATE, "/shop/web", &json, -1);
        flush(b);
        say(b, "new\n");
        flush(b);
        expect_file(b, "web/current", "old\n");
        read_file(b, "shop/web/current", text, sizeof text);
        assert_non_null(strstr(text, "\"message\":\"new\"}\n"));
        end(b);
}

static void messages_of_the_wrong_form_change_nothing(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { 0 }, bad = { .format = 9 };
        union message m;

        begin(b, "/web", &c);
        assert_int_equal(send(b->control, "x", 1, 0), 1);
        (void) hear(b, LOGMSG_PROBLEM, &m);
        assert_int_equal(m.problem.code, EPROTO);
        say_stream(b, LOGMSG_UPDATE, "/web", &bad, -1);
        (void) hear(b, LOGMSG_PROBLEM, &m);
        assert_int_equal(m.problem.code, EPROTO);
        say_stream(b, LOGMSG_ADD, "/web", &c, -1);
        (void) hear(b, LOGMSG_PROBLEM, &m);
        assert_int_equal(m.problem.code, EPROTO);
        tell(b, (enum logmsg_kind) 4711, 1);
        (void) hear(b, LOGMSG_PROBLEM, &m);
        assert_int_equal(m.problem.code, EPROTO);
        say(b, "fine\n");
        flush(b);
        expect_file(b, "web/current", "fine\n");
        end(b);
}

static void the_end_of_the_engine_is_the_end_of_it_after_everything_is_written(void **state)
{
        struct bench *b = *state;
        const struct log_config c = { 0 };
        int status;

        begin(b, "/web", &c);
        say(b, "last\n");
        fd_close(&b->control);
        assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
        b->pid = 0;
        assert_int_equal(status, 0);
        expect_file(b, "web/current", "last\n");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
                T(F3_current_is_made_again_when_it_was_taken_away_or_replaced),
                T(F2_a_full_disk_neither_stops_the_service_nor_is_it_forgotten),
                T(F7_its_death_loses_nothing_that_is_in_the_pipe),
                T(console_lines_carry_their_service),
                T(J18_a_console_that_takes_nothing_stalls_neither_service_nor_control),
                T(F1_a_flood_costs_a_bounded_amount_of_memory),
                T(removing_a_stream_stores_what_is_left_in_its_pipe),
                T(an_update_changes_format_and_place_from_then_on),
                T(messages_of_the_wrong_form_change_nothing),
                T(the_end_of_the_engine_is_the_end_of_it_after_everything_is_written),
        };

        (void) signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
