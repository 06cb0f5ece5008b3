/* mail_bench.c - what a message costs: from service to service through the engine, against a bare relay process that
 * reads from one SEQPACKET socket and writes to another. tests/bench/mail runs it.
 *
 *     bare-send N, bare-ask N       without coppice: prints messages or round trips a second
 *     receive N OUT, send TO N      inside of services: the receiver writes messages a second to OUT
 *     echo, ask TO N OUT            ... and round trips */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD = 100, ROOM = 66636 };

static char bytes[ROOM];

static double now(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static void fail(const char *what)
{
        perror(what);
        exit(1);
}

static int box(void)
{
        const char *fd = getenv("COPPICE_MAILBOX");

        return fd ? atoi(fd) : -1;
}

static size_t make(char *out, const char *head)
{
        size_t n = (size_t) snprintf(out, 4096, "%s\n", head);

        memset(out + n, 'x', PAYLOAD);
        return n + PAYLOAD;
}

static void write_rate(const char *path, long n, double seconds)
{
        FILE *f = path ? fopen(path, "we") : stdout;

        if (!f)
                fail(path);
        (void) fprintf(f, "%.0f\n", (double) n / seconds);
        if (path)
                (void) fclose(f);
}

static void send_all(int fd, const char *message, size_t len, long n)
{
        for (long i = 0; i < n; i++)
                if (send(fd, message, len, 0) < 0)
                        fail("send");
}

static double receive_all(int fd, long n)
{
        double begin = 0;

        for (long i = 0; i < n; i++) {
                if (recv(fd, bytes, sizeof bytes, 0) <= 0)
                        fail("recv");
                if (i == 0)
                        begin = now();
        }
        return now() - begin;
}

static void pair(int fds[2])
{
        if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) < 0)
                fail("socketpair");
}

static void relay(int from, int to, long n)
{
        for (long i = 0; i < n; i++) {
                ssize_t len = recv(from, bytes, sizeof bytes, 0);

                if (len <= 0 || send(to, bytes, (size_t) len, 0) < 0)
                        fail("relay");
        }
        _exit(0);
}

static void bare_send(long n)
{
        int in[2], out[2];
        char message[8192];
        size_t len = make(message, "TO=/receiver\n");
        double seconds;

        pair(in);
        pair(out);
        if (fork() == 0)
                relay(in[1], out[0], n);
        if (fork() == 0) {
                send_all(in[0], message, len, n);
                _exit(0);
        }
        seconds = receive_all(out[1], n);
        while (wait(NULL) > 0)
                ;
        write_rate(NULL, n, seconds);
}

/* a <-> relay <-> b, one message under way at a time. */
static void bare_ask(long n)
{
        int a[2], b[2];
        char message[8192];
        size_t len = make(message, "TO=/echo\nREF=1\n");
        double begin;

        pair(a);
        pair(b);
        if (fork() == 0)
                for (long i = 0;; i++) {
                        ssize_t k = recv(i % 2 ? b[0] : a[1], bytes, sizeof bytes, 0);

                        if (i == 2 * n || k <= 0 || send(i % 2 ? a[1] : b[0], bytes, (size_t) k, 0) < 0 || i == 2 * n - 1)
                                _exit(0);
                }
        if (fork() == 0)
                relay(b[1], b[1], n);
        begin = now();
        for (long i = 0; i < n; i++)
                if (send(a[0], message, len, 0) < 0 || recv(a[0], bytes, sizeof bytes, 0) <= 0)
                        fail("ask");
        write_rate(NULL, n, now() - begin);
        while (wait(NULL) > 0)
                ;
}

/* Answers whoever asks, by the lines FROM= and REF=. */
static void echo(void)
{
        char answer[8192];

        for (;;) {
                ssize_t len = recv(box(), bytes, sizeof bytes - 1, 0);
                char *from, *ref;

                if (len <= 0)
                        fail("recv");
                bytes[len] = '\0';
                from = strstr(bytes, "FROM=");
                ref = strstr(bytes, "REF=");
                if (!from || !ref)
                        continue;
                (void) snprintf(answer, sizeof answer, "TO=%.*s\nREF=%.*s\n", (int) strcspn(from + 5, "\n"), from + 5,
                                (int) strcspn(ref + 4, "\n"), ref + 4);
                len = (ssize_t) make(bytes, answer);
                if (send(box(), bytes, (size_t) len, 0) < 0)
                        fail("send");
        }
}

static void ask(const char *to, long n, const char *out)
{
        char head[200], message[8192];
        double begin;
        size_t len;

        (void) snprintf(head, sizeof head, "TO=%s\nREF=1\n", to);
        len = make(message, head);
        for (long i = 0; i < 100; i++)
                if (send(box(), message, len, 0) < 0 || recv(box(), bytes, sizeof bytes, 0) <= 0)
                        fail("ask");
        begin = now();
        for (long i = 0; i < n; i++)
                if (send(box(), message, len, 0) < 0 || recv(box(), bytes, sizeof bytes, 0) <= 0)
                        fail("ask");
        write_rate(out, n, now() - begin);
}

int main(int argc, char **argv)
{
        const char *mode = argc > 1 ? argv[1] : "";
        char head[200], message[8192];

        if (strcmp(mode, "bare-send") == 0 && argc == 3) {
                bare_send(atol(argv[2]));
        } else if (strcmp(mode, "bare-ask") == 0 && argc == 3) {
                bare_ask(atol(argv[2]));
        } else if (strcmp(mode, "receive") == 0 && argc == 4) {
                write_rate(argv[3], atol(argv[2]), receive_all(box(), atol(argv[2])));
                (void) pause();
        } else if (strcmp(mode, "send") == 0 && argc == 4) {
                (void) snprintf(head, sizeof head, "TO=%s\n", argv[2]);
                send_all(box(), message, make(message, head), atol(argv[3]));
                (void) pause();
        } else if (strcmp(mode, "echo") == 0) {
                echo();
        } else if (strcmp(mode, "ask") == 0 && argc == 5) {
                ask(argv[2], atol(argv[3]), argv[4]);
                (void) pause();
        } else {
                (void) fprintf(stderr, "mail_bench: see the top of tests/bench/mail_bench.c\n");
                return 2;
        }
        return 0;
}
