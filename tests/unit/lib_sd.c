/* lib_sd.c - the sd_notify and sd_listen_fds families of libcoppice, against sockets of the test. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/rights.h"
#include "lib/coppice.h"

/* A notification socket without a file; its name is in the environment. */
static int listener(void)
{
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        const int yes = 1;
        char name[40];
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        (void) snprintf(name, sizeof name, "@coppice-test-%d", (int) getpid());
        memcpy(a.sun_path, name, strlen(name));
        a.sun_path[0] = '\0';
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &a, (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(name))), 0);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes), 0);
        assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
        return fd;
}

/* What was said, by whom; the descriptors that came with it are counted and closed. */
static size_t heard(int fd, const char *want, pid_t *ret_pid)
{
        union { struct cmsghdr align; char bytes[256]; } control;
        char text[200] = "";
        struct iovec part = { text, sizeof text - 1 };
        struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
        int fds[8];
        size_t n;

        assert_true(recvmsg(fd, &m, MSG_DONTWAIT) >= 0);
        assert_string_equal(text, want);
        for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
                if (h->cmsg_type == SCM_CREDENTIALS && ret_pid) {
                        struct ucred who;

                        memcpy(&who, CMSG_DATA(h), sizeof who);
                        *ret_pid = who.pid;
                }
        n = rights_take(&m, fds, ARRAY_LEN(fds));
        for (size_t i = 0; i < n; i++)
                (void) close(fds[i]);
        return n;
}

static void what_is_said_is_heard(void **state)
{
        int fd = listener();
        pid_t pid = 0;

        (void) state;
        assert_int_equal(coppice_notify(0, "READY=1"), 1);
        assert_int_equal(heard(fd, "READY=1", &pid), 0);
        assert_int_equal(pid, getpid());
        assert_int_equal(coppice_notifyf(0, "STATUS=%d of %s", 3, "four"), 1);
        assert_int_equal(heard(fd, "STATUS=3 of four", NULL), 0);
        assert_int_equal(coppice_pid_notify_with_fds(0, 0, "FDSTORE=1", (int[]) { 0, 1 }, 2), 1);
        assert_int_equal(heard(fd, "FDSTORE=1", NULL), 2);
        assert_int_equal(coppice_pid_notify_with_fds(0, 0, "FDSTORE=1", NULL, 2), -EINVAL);
        assert_int_equal(coppice_notify(0, NULL), -EINVAL);
        (void) close(fd);
        assert_int_equal(coppice_notify(0, "READY=1"), -ECONNREFUSED);
}

/* Only root may say it in another's name; for others it is their own word all the same. */
static void it_can_be_said_for_another(void **state)
{
        int fd = listener();
        pid_t pid = 0;

        (void) state;
        assert_int_equal(coppice_pid_notify_with_fds(getppid(), 0, "MAINPID=1", (int[]) { 0 }, 1), 1);
        assert_int_equal(heard(fd, "MAINPID=1", &pid), 1);
        assert_true(pid == getppid() || pid == getpid());
        if (geteuid() == 0)
                assert_true(pid == getppid() || getppid() == 0);
        (void) close(fd);
}

static void whom_to_tell_is_in_the_environment(void **state)
{
        char longest[200];
        int fd;

        (void) state;
        memset(longest, '/', sizeof longest);
        longest[sizeof longest - 1] = '\0';
        (void) unsetenv("NOTIFY_SOCKET");
        assert_int_equal(coppice_notify(0, "READY=1"), 0);
        assert_int_equal(coppice_notify_barrier(0, 1), 0);
        (void) setenv("NOTIFY_SOCKET", "", 1);
        assert_int_equal(coppice_notify(0, "READY=1"), 0);
        (void) setenv("NOTIFY_SOCKET", "relative", 1);
        assert_int_equal(coppice_notify(0, "READY=1"), -EAFNOSUPPORT);
        (void) setenv("NOTIFY_SOCKET", longest, 1);
        assert_int_equal(coppice_notify(0, "READY=1"), -E2BIG);
        (void) setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
        assert_int_equal(coppice_notify(0, "READY=1"), -ENOENT);
        fd = listener();
        assert_int_equal(coppice_notify(1, "READY=1"), 1);
        assert_null(getenv("NOTIFY_SOCKET"));
        (void) close(fd);
}

static void a_barrier_waits_until_it_was_read(void **state)
{
        int fd = listener(), status;
        pid_t pid;

        (void) state;
        assert_int_equal(coppice_notify_barrier(0, 2000), -ETIMEDOUT);
        assert_int_equal(heard(fd, "BARRIER=1", NULL), 1);
        pid = fork();
        if (pid == 0)
                _exit(coppice_notify_barrier(0, UINT64_MAX) == 1 ? 0 : 1);
        while (recv(fd, &status, 1, MSG_PEEK) < 0)
                ;
        assert_int_equal(heard(fd, "BARRIER=1", NULL), 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        (void) close(fd);
}

static void the_watchdog_is_for_one_process(void **state)
{
        static const struct {
                const char *usec, *pid;
                int want;
        } rows[] = {
                { NULL, NULL, 0 }, { "5000", NULL, 1 }, { "5000", "self", 1 }, { "5000", "1", 0 }, { "0", NULL, -EINVAL },
                { "", NULL, -EINVAL }, { "-5", NULL, -EINVAL }, { "5s", NULL, -EINVAL }, { "5000", "x", -EINVAL },
                { "99999999999999999999", NULL, -ERANGE },
        };
        char own[20];

        (void) state;
        (void) snprintf(own, sizeof own, "%d", (int) getpid());
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                uint64_t usec = 7;

                (void) unsetenv("WATCHDOG_USEC");
                (void) unsetenv("WATCHDOG_PID");
                if (rows[i].usec)
                        (void) setenv("WATCHDOG_USEC", rows[i].usec, 1);
                if (rows[i].pid)
                        (void) setenv("WATCHDOG_PID", strcmp(rows[i].pid, "self") == 0 ? own : rows[i].pid, 1);
                if (coppice_watchdog_enabled(0, &usec) != rows[i].want || usec != (rows[i].want == 1 ? 5000 : 7))
                        fail_msg("row %zu", i);
        }
        (void) setenv("WATCHDOG_USEC", "5000", 1);
        assert_int_equal(coppice_watchdog_enabled(1, NULL), 1);
        assert_int_equal(coppice_watchdog_enabled(0, NULL), 0);
}

/* --- descriptors ------------------------------------------------------------------------------------------------------------- */

static int names_are(char **names, const char *a, const char *b)
{
        int same = names && strcmp(names[0], a) == 0 && strcmp(names[1], b) == 0 && !names[2];

        for (char **p = names; p && *p; p++)
                free(*p);
        free(names);
        return same;
}

/* In a process of its own, whose descriptors 3 and 4 are what was passed: the number of the step that went wrong. */
static int listens(void)
{
        char own[20], **names = NULL;

        (void) snprintf(own, sizeof own, "%d", (int) getpid());
        if (dup2(0, 3) != 3 || dup2(0, 4) != 4)
                return 1;
        if (coppice_listen_fds(0) != 0 || setenv("LISTEN_FDS", "2", 1) || setenv("LISTEN_PID", "1", 1) || coppice_listen_fds(0) != 0)
                return 2;
        (void) setenv("LISTEN_PID", own, 1);
        if (coppice_listen_fds_with_names(0, &names) != 2 || !names_are(names, "unknown", "unknown"))
                return 3;
        if (!(fcntl(3, F_GETFD) & FD_CLOEXEC) || !(fcntl(4, F_GETFD) & FD_CLOEXEC))
                return 4;
        (void) setenv("LISTEN_FDNAMES", "web:", 1);
        if (coppice_listen_fds_with_names(0, &names) != 2 || !names_are(names, "web", ""))
                return 5;
        (void) setenv("LISTEN_FDNAMES", "one", 1);
        if (coppice_listen_fds_with_names(0, &names) != -EINVAL)
                return 6;
        (void) setenv("LISTEN_FDNAMES", "a:b:c", 1);
        if (coppice_listen_fds_with_names(0, &names) != -EINVAL)
                return 7;
        (void) setenv("LISTEN_FDS", "-1", 1);
        if (coppice_listen_fds(0) != -EINVAL)
                return 8;
        (void) setenv("LISTEN_FDS", "0", 1);
        return coppice_listen_fds(1) == 0 && !getenv("LISTEN_FDS") && !getenv("LISTEN_PID") && !getenv("LISTEN_FDNAMES") ? 0 : 9;
}

static void descriptors_are_passed_by_number(void **state)
{
        int status;
        pid_t pid = fork();

        (void) state;
        if (pid == 0)
                _exit(listens());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_descriptor_is_what_it_is(void **state)
{
        struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
        struct sockaddr_un named = { .sun_family = AF_UNIX, .sun_path = "\0coppice-is" };
        socklen_t n = sizeof any;
        int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), local = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), ends[2];
        uint16_t port;

        (void) state;
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_int_equal(bind(tcp, (struct sockaddr *) &any, sizeof any), 0);
        assert_int_equal(listen(tcp, 1), 0);
        assert_int_equal(getsockname(tcp, (struct sockaddr *) &any, &n), 0);
        port = ntohs(any.sin_port);
        assert_int_equal(coppice_is_socket(tcp, 0, 0, -1), 1);
        assert_int_equal(coppice_is_socket(tcp, AF_INET, SOCK_STREAM, 1), 1);
        assert_int_equal(coppice_is_socket(tcp, AF_INET6, 0, -1), 0);
        assert_int_equal(coppice_is_socket(tcp, 0, SOCK_DGRAM, -1), 0);
        assert_int_equal(coppice_is_socket(tcp, 0, 0, 0), 0);
        assert_int_equal(coppice_is_socket(tcp, -1, 0, 0), -EINVAL);
        assert_int_equal(coppice_is_socket(ends[0], 0, 0, -1), 0);
        assert_int_equal(coppice_is_socket(-1, 0, 0, -1), -EBADF);
        assert_int_equal(coppice_is_socket_inet(tcp, 0, 0, 1, port), 1);
        assert_int_equal(coppice_is_socket_inet(tcp, AF_INET, SOCK_STREAM, 1, (uint16_t) (port + 1)), 0);
        assert_int_equal(coppice_is_socket_inet(local, 0, 0, -1, 0), 0);
        assert_int_equal(coppice_is_socket_inet(tcp, AF_UNIX, 0, -1, 0), -EINVAL);
        assert_int_equal(coppice_is_socket_sockaddr(tcp, SOCK_STREAM, (struct sockaddr *) &any, sizeof any, 1), 1);
        any.sin_addr.s_addr = htonl(INADDR_ANY);
        assert_int_equal(coppice_is_socket_sockaddr(tcp, 0, (struct sockaddr *) &any, sizeof any, -1), 0);
        assert_int_equal(coppice_is_socket_sockaddr(tcp, 0, (struct sockaddr *) &any, 4, -1), -EINVAL);
        assert_int_equal(coppice_is_socket_unix(local, SOCK_DGRAM, 0, NULL, 0), 1);
        assert_int_equal(coppice_is_socket_unix(local, 0, -1, "", 0), 1);
        assert_int_equal(bind(local, (struct sockaddr *) &named, (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 11)), 0);
        assert_int_equal(coppice_is_socket_unix(local, 0, -1, "\0coppice-is", 11), 1);
        assert_int_equal(coppice_is_socket_unix(local, 0, -1, "\0coppice-it", 11), 0);
        assert_int_equal(coppice_is_socket_unix(local, 0, -1, "/coppice-is", 0), 0);
        assert_int_equal(coppice_is_fifo(ends[0], NULL), 1);
        assert_int_equal(coppice_is_fifo(ends[0], "/dev/null"), 0);
        assert_int_equal(coppice_is_fifo(tcp, NULL), 0);
        assert_int_equal(coppice_is_fifo(-1, NULL), -EBADF);
        assert_int_equal(coppice_is_special(ends[0], NULL), 0);
        assert_int_equal(coppice_is_mq(ends[0], NULL), 0);
        for (size_t i = 0; i < 4; i++)
                (void) close((int[]) { tcp, local, ends[0], ends[1] }[i]);
        ends[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_int_equal(coppice_is_special(ends[0], "/dev/null"), 1);
        assert_int_equal(coppice_is_special(ends[0], "/dev/zero"), 0);
        assert_int_equal(coppice_is_special(ends[0], "/nonexistent"), 0);
        (void) close(ends[0]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_said_is_heard),
                cmocka_unit_test(it_can_be_said_for_another),
                cmocka_unit_test(whom_to_tell_is_in_the_environment),
                cmocka_unit_test(a_barrier_waits_until_it_was_read),
                cmocka_unit_test(the_watchdog_is_for_one_process),
                cmocka_unit_test(descriptors_are_passed_by_number),
                cmocka_unit_test(a_descriptor_is_what_it_is),
        };

        return cmocka_run_group_tests_name("libcoppice: sd-daemon", tests, NULL, NULL);
}
