/* logd_throughput.c - how fast coppice-logd takes a service's output, against the floor.
 *
 *     make tests/bench/logd_throughput && tests/bench/logd_throughput [DIR [MIB [PROGRAM]]]
 *
 * DIR (default /dev/shm) holds the files, MIB (default 512) is written in lines of 100 bytes, PROGRAM (default
 * ./coppice-logd) is measured. The floor is the least that can be done: one process, a pipe of 1 MiB, reads of
 * 256 KiB, memchr, one clock reading and one write a read. Not part of `make check`. */
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
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/logproto.h"
#include "base/logstore.h"

enum { LINE = 100 };

static double now(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static void die(const char *what)
{
        perror(what);
        exit(1);
}

static pid_t writer(const int ends[2], size_t total, size_t chunk)
{
        const pid_t pid = fork();
        char *lines;

        if (pid != 0)
                return pid;
        (void) close(ends[0]);
        lines = malloc(chunk);
        if (!lines)
                _exit(1);
        memset(lines, 'x', chunk);
        for (size_t i = LINE - 1; i < chunk; i += LINE)
                lines[i] = '\n';
        for (size_t left = total; left > 0;) {
                const ssize_t n = write(ends[1], lines, left < chunk ? left : chunk);

                if (n <= 0)
                        _exit(1);
                left -= (size_t) n;
        }
        _exit(0);
}

/* --- the floor ---------------------------------------------------------------------------------- */

static size_t stamp_all(char *out, const char *in, size_t n)
{
        char stamp[LOG_STAMP_LEN + 1] = "2026-11-21T03:58:12.000000Z ";
        char *to = out;

        for (const char *at = in; at < in + n;) {
                const char *nl = memchr(at, '\n', (size_t) (in + n - at));
                const size_t len = (size_t) ((nl ? nl + 1 : in + n) - at);

                memcpy(to, stamp, LOG_STAMP_LEN);
                memcpy(to + LOG_STAMP_LEN, at, len);
                to += LOG_STAMP_LEN + len;
                at += len;
        }
        return (size_t) (to - out);
}

static void floor_drain(int from, int file, bool stamps)
{
        static char in[1 << 18], out[1 << 19];
        struct timespec t;
        ssize_t n;

        while ((n = read(from, in, sizeof in)) > 0) {
                size_t len = (size_t) n;

                (void) clock_gettime(CLOCK_REALTIME, &t);
                if (stamps)
                        len = stamp_all(out, in, len);
                if (write(file, stamps ? out : in, len) != (ssize_t) len)
                        die("write");
        }
}

static double run_floor(const char *dir, size_t total, size_t chunk, bool stamps)
{
        char path[512];
        int ends[2], file;
        double start;

        (void) snprintf(path, sizeof path, "%s/floor", dir);
        file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (file < 0 || pipe(ends) < 0)
                die(path);
        (void) fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
        start = now();
        (void) writer(ends, total, chunk);
        (void) close(ends[1]);
        floor_drain(ends[0], file, stamps);
        start = now() - start;
        (void) wait(NULL);
        (void) close(ends[0]);
        (void) close(file);
        (void) unlink(path);
        return (double) total / 1e6 / start;
}

/* --- coppice-logd ------------------------------------------------------------------------------- */

static pid_t start_logd(const char *program, const char *dir, int *control)
{
        char arg[64], dirarg[512];
        int pair[2];
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
                die("socketpair");
        (void) snprintf(arg, sizeof arg, "--control=%d", pair[1]);
        (void) snprintf(dirarg, sizeof dirarg, "--log-dir=%s", dir);
        pid = fork();
        if (pid == 0) {
                (void) close(pair[0]);
                (void) execl(program, program, arg, dirarg, (char *) NULL);
                _exit(127);
        }
        (void) close(pair[1]);
        *control = pair[0];
        return pid;
}

static void add_stream(int control, int fd, uint8_t format)
{
        union {
                struct logmsg_stream m;
                char bytes[256];
        } u = { .m = { .head = { .kind = LOGMSG_ADD, .stream = 1 }, .config = { .format = format } } };
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(sizeof(int))];
        } room = { 0 };
        struct iovec iov = { &u, sizeof u.m + 4 };
        struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof room };
        struct cmsghdr *c = CMSG_FIRSTHDR(&h);

        memcpy(u.m.path, "/spw", 4);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
        if (sendmsg(control, &h, 0) < 0)
                die("sendmsg");
}

static double run_logd(const char *program, const char *dir, size_t total, size_t chunk, bool stamps, long *ret_rss)
{
        const size_t want = total + (stamps ? total / LINE * LOG_STAMP_LEN : 0);
        char path[600], command[700];
        struct stat s = { 0 };
        struct rusage ru;
        int ends[2], control;
        pid_t logd;
        double start;

        if (pipe(ends) < 0)
                die("pipe");
        logd = start_logd(program, dir, &control);
        add_stream(control, ends[0], stamps ? LOG_FORMAT_TIME : LOG_FORMAT_RAW);
        (void) snprintf(path, sizeof path, "%s/spw/current", dir);
        start = now();
        (void) writer(ends, total, chunk);
        while (s.st_size < (off_t) want) {
                (void) poll(NULL, 0, 2);
                if (stat(path, &s) < 0)
                        s.st_size = 0;
        }
        start = now() - start;
        (void) close(control);
        while (wait4(logd, NULL, 0, &ru) != logd)
                ;
        (void) wait(NULL);
        *ret_rss = ru.ru_maxrss;
        (void) snprintf(command, sizeof command, "rm -r '%s/spw'", dir);
        if (s.st_size != (off_t) want || system(command) != 0)
                die("wrong size");
        (void) close(ends[0]);
        (void) close(ends[1]);
        return (double) total / 1e6 / start;
}

int main(int argc, char **argv)
{
        static const struct {
                const char *name;
                size_t chunk, divide;
                bool stamps;
        } rows[] = {
                { "raw, 64 KiB writes", 65500, 1, false },
                { "stamped, 64 KiB writes", 65500, 1, true },
                { "raw, 100 byte writes", LINE, 8, false },
                { "stamped, 100 byte writes", LINE, 8, true },
        };
        const size_t mib = argc > 2 ? strtoul(argv[2], NULL, 10) : 512;
        char dir[256];

        (void) snprintf(dir, sizeof dir, "%s/logd-bench.XXXXXX", argc > 1 ? argv[1] : "/dev/shm");
        if (!mkdtemp(dir))
                die(dir);
        for (int round = 0; round < 3; round++) /* the first touches memory and is told like the others */
                for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                        const size_t total = (mib << 20) / rows[i].divide / LINE * LINE;
                        long rss = 0;
                        const double least = run_floor(dir, total, rows[i].chunk, rows[i].stamps);
                        const double ours = run_logd(argc > 3 ? argv[3] : "./coppice-logd", dir, total, rows[i].chunk,
                                                     rows[i].stamps, &rss);

                        printf("%-26s floor %5.0f MB/s  logd %5.0f MB/s  ratio %.2f  max RSS %ld KiB\n",
                               rows[i].name, least, ours, ours / least, rss);
                        (void) fflush(stdout);
                }
        return rmdir(dir);
}
