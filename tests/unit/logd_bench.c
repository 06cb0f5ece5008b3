/* logd_bench.c - starts the real coppice-logd and speaks its protocol. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tests/unit/logd_bench.h"

void bench_tell(struct bench *b, enum logmsg_kind kind, uint32_t stream)
{
        const struct logmsg m = { .kind = kind, .stream = stream, .arg = 77 };

        assert_int_equal(send(b->control, &m, sizeof m, 0), sizeof m);
}

size_t bench_hear(struct bench *b, enum logmsg_kind kind, union message *m)
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

void bench_flush(struct bench *b)
{
        union message m;

        bench_tell(b, LOGMSG_FLUSH, 0);
        (void) bench_hear(b, LOGMSG_FLUSHED, &m);
        assert_int_equal(m.head.arg, 77);
}

void bench_stream(const struct bench *b, enum logmsg_kind kind, const char *path, const struct log_config *config,
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

void bench_begin(struct bench *b, const char *path, const struct log_config *config)
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
        (void) bench_hear(b, LOGMSG_READY, &m);
        if (path)
                bench_stream(b, LOGMSG_ADD, path, config, b->in);
}

void bench_end(struct bench *b)
{
        union message m;
        int status;

        bench_tell(b, LOGMSG_QUIT, 0);
        (void) bench_hear(b, LOGMSG_FLUSHED, &m);
        assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
        assert_int_equal(status, 0);
        b->pid = 0;
        fd_close(&b->control);
        fd_close(&b->console);
}

void bench_say(const struct bench *b, const char *text)
{
        assert_int_equal(write(b->out, text, strlen(text)), strlen(text));
}

void bench_read(const struct bench *b, const char *name, char *text, size_t cap)
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

void bench_expect(const struct bench *b, const char *name, const char *want)
{
        char text[4096];

        bench_read(b, name, text, sizeof text);
        assert_string_equal(text, want);
}

int bench_set_up(void **state)
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

int bench_tear_down(void **state)
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

int bench_rotated(const struct bench *b, const char *name, char newest[LOG_ROTATED_MAX + 4], int *ret_gz)
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
