/* notify.c - what a service says to its supervisor, in the protocol of sd_notify(3): lines in one datagram
 * to the socket that $NOTIFY_SOCKET names. No object: each call makes its socket, so threads and children
 * need no care. See coppice.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/rights.h"
#include "lib/coppice.h"
#include "lib/wire.h"

/* The address; 0: there is none to speak to. Otherwise its length. */
static int address_of(const char *path, struct sockaddr_un *a)
{
        const size_t n = path ? strlen(path) : 0;

        if (n == 0)
                return 0;
        if ((path[0] != '/' && path[0] != '@') || n < 2)
                return -EAFNOSUPPORT;
        if (n > sizeof a->sun_path - (path[0] == '/'))
                return -E2BIG;
        *a = (struct sockaddr_un) { .sun_family = AF_UNIX };
        memcpy(a->sun_path, path, n);
        if (path[0] == '@')
                a->sun_path[0] = '\0';
        return (int) (offsetof(struct sockaddr_un, sun_path) + n + (path[0] == '/'));
}

static int send_whole(int fd, const struct msghdr *m)
{
        ssize_t n;

        do
                n = sendmsg(fd, m, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : 1;
}

/* Behind the descriptors that are in `room` already. */
static void put_sender(struct msghdr *m, char *room, const struct ucred *who)
{
        struct cmsghdr h = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS,
                             .cmsg_len = CMSG_LEN(sizeof *who) };
        char *at = room + m->msg_controllen;

        memset(at, 0, CMSG_SPACE(sizeof *who));
        memcpy(at, &h, sizeof h);
        memcpy(at + CMSG_LEN(0), who, sizeof *who);
        m->msg_control = room;
        m->msg_controllen += CMSG_SPACE(sizeof *who);
}

/* In the name of another process where the kernel lets us, which it says by a refusal. */
static int say(const char *path, pid_t pid, const char *state, const int *fds, unsigned n)
{
        struct ucred who = { .pid = pid, .uid = getuid(), .gid = getgid() };
        struct sockaddr_un a;
        struct iovec part = { (void *) (uintptr_t) state, strlen(state) };
        struct msghdr m = { .msg_name = &a, .msg_iov = &part, .msg_iovlen = 1 };
        RIGHTS_ROOM(WIRE_FDS_MAX + sizeof who) room; /* the credentials fit behind them */
        autoclose int fd = -1;
        int r = address_of(path, &a);

        if (r <= 0)
                return r;
        m.msg_namelen = (socklen_t) r;
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        rights_put(&m, &room, fds, n);
        if (pid != 0 && pid != getpid()) {
                const size_t without = m.msg_controllen;

                put_sender(&m, room.bytes, &who);
                r = send_whole(fd, &m);
                if (r != -EPERM && r != -EINVAL)
                        return r;
                m.msg_controllen = without;
                if (without == 0)
                        m.msg_control = NULL;
        }
        return send_whole(fd, &m);
}

int coppice_pid_notify_with_fds(pid_t pid, int unset, const char *state, const int *fds, unsigned n)
{
        int r = !state || (n > 0 && !fds) ? -EINVAL : n > WIRE_FDS_MAX ? -E2BIG
                : say(getenv("NOTIFY_SOCKET"), pid, state, fds, n);

        if (unset)
                (void) unsetenv("NOTIFY_SOCKET");
        return r;
}

int coppice_pid_notify(pid_t pid, int unset, const char *state)
{
        return coppice_pid_notify_with_fds(pid, unset, state, NULL, 0);
}

int coppice_notify(int unset, const char *state)
{
        return coppice_pid_notify(0, unset, state);
}

static int notify_va(pid_t pid, int unset, const char *format, va_list ap) __attribute__((format(printf, 3, 0)));
static int notify_va(pid_t pid, int unset, const char *format, va_list ap)
{
        autofree char *text = NULL;

        if (vasprintf(&text, format, ap) < 0) {
                text = NULL;
                if (unset)
                        (void) unsetenv("NOTIFY_SOCKET");
                return -ENOMEM;
        }
        return coppice_pid_notify(pid, unset, text);
}

int coppice_notifyf(int unset, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = notify_va(0, unset, format, ap);
        va_end(ap);
        return r;
}

int coppice_pid_notifyf(pid_t pid, int unset, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = notify_va(pid, unset, format, ap);
        va_end(ap);
        return r;
}

/* The reader closes the pipe's end once it has come to this message. */
int coppice_pid_notify_barrier(pid_t pid, int unset, uint64_t timeout_usec)
{
        const int64_t deadline = timeout_usec > INT64_MAX ? -1 : wire_deadline((int64_t) timeout_usec);
        autoclose int ours = -1, theirs = -1;
        int ends[2], r;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        ours = ends[0];
        theirs = ends[1];
        r = coppice_pid_notify_with_fds(pid, unset, "BARRIER=1", &theirs, 1);
        if (r <= 0)
                return r;
        fd_close(&theirs);
        do
                r = wire_wait(ours, 0, deadline);
        while (r == -EINTR);
        return r == -EAGAIN ? -ETIMEDOUT : r < 0 ? r : 1;
}

int coppice_notify_barrier(int unset, uint64_t timeout_usec)
{
        return coppice_pid_notify_barrier(0, unset, timeout_usec);
}

/* --- the watchdog ------------------------------------------------------------------------------------------------- */

/* A positive decimal number and nothing else. */
static int number(const char *text, uint64_t *ret)
{
        char *end;
        unsigned long long n;

        if (*text < '0' || *text > '9')
                return -EINVAL;
        errno = 0;
        n = strtoull(text, &end, 10);
        if (errno || *end)
                return errno ? -errno : -EINVAL;
        *ret = n;
        return n == 0 ? -EINVAL : 0;
}

static int watchdog(uint64_t *ret_usec)
{
        const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
        uint64_t every, whom;
        int r;

        if (!usec)
                return 0;
        r = number(usec, &every);
        if (r < 0 || every == UINT64_MAX)
                return r < 0 ? r : -EINVAL;
        if (pid) {
                r = number(pid, &whom);
                if (r < 0 || whom != (uint64_t) getpid())
                        return r;
        }
        if (ret_usec)
                *ret_usec = every;
        return 1;
}

int coppice_watchdog_enabled(int unset, uint64_t *ret_usec)
{
        int r = watchdog(ret_usec);

        if (unset) {
                (void) unsetenv("WATCHDOG_USEC");
                (void) unsetenv("WATCHDOG_PID");
        }
        return r;
}

int coppice_booted_with_systemd(void)
{
        struct stat st;

        return lstat("/run/systemd/system/", &st) == 0 && S_ISDIR(st.st_mode);
}
