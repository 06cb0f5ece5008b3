/* notify.c - see notify.h. */
#include "os/notify.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/rights.h"
#include "base/shortage.h"

int notify_open(const char *path, int *ret_fd, struct err *err)
{
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        autoclose int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        const int yes = 1, size = 8 << 20;
        mode_t old;
        int r;

        if (strlen(path) >= sizeof a.sun_path)
                return err_set(err, STAGE_RESOURCES, ENAMETOOLONG, "bind %s: longer than %zu bytes", path,
                               sizeof a.sun_path - 1);
        memcpy(a.sun_path, path, strlen(path) + 1);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) < 0)
                return err_sys(err, STAGE_RESOURCES, "make the notification socket");
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
                (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        (void) unlink(path);
        old = umask(0111); /* born with its final mode: no moment in which it had another */
        r = bind(fd, (const struct sockaddr *) &a, sizeof a) < 0 ? -errno : 0;
        (void) umask(old);
        if (r < 0) {
                errno = -r;
                return err_sys(err, STAGE_RESOURCES, "bind %s", path);
        }
        *ret_fd = fd_steal(&fd);
        return 0;
}

/* --- the text ------------------------------------------------------------------------------------------------ */

static bool number(const char *v, size_t n, int64_t max, int64_t *ret)
{
        int64_t x = 0;

        if (n == 0 || n > 19)
                return false;
        for (size_t i = 0; i < n; i++) {
                if (v[i] < '0' || v[i] > '9' || x > (max - (v[i] - '0')) / 10)
                        return false;
                x = x * 10 + (v[i] - '0');
        }
        *ret = x;
        return true;
}

static bool usec(const char *v, size_t n, int64_t *ret_nsec)
{
        int64_t x = 0;

        if (!number(v, n, INT64_MAX / 1000, &x))
                return false;
        *ret_nsec = x * 1000;
        return true;
}

static bool small(const char *v, size_t n, int32_t *ret)
{
        int64_t x = 0;

        if (!number(v, n, INT32_MAX, &x))
                return false;
        *ret = (int32_t) x;
        return true;
}

/* A process, not init. What does not count leaves what an earlier line has said. */
static bool process(const char *v, size_t n, pid_t *ret)
{
        int32_t pid = 0;

        if (!small(v, n, &pid) || pid <= 1)
                return false;
        *ret = pid;
        return true;
}

/* STATUS= is shown on terminals: no control characters, and no half character at the end. */
static void keep_status(const char *v, size_t n, char *out, size_t room)
{
        if (n >= room) {
                n = room - 1;
                while (n > 0 && ((unsigned char) v[n] & 0xc0) == 0x80)
                        n--;
        }
        for (size_t i = 0; i < n; i++)
                out[i] = (unsigned char) v[i] < 0x20 || v[i] == 0x7f ? '?' : v[i];
        out[n] = 0;
}

static bool keep_fdname(const char *v, size_t n, char *out)
{
        if (n == 0 || n >= NOTIFY_NAME_MAX)
                return false;
        for (size_t i = 0; i < n; i++)
                if (v[i] <= ' ' || v[i] >= 0x7f || v[i] == ':')
                        return false;
        memcpy(out, v, n);
        out[n] = 0;
        return true;
}

static bool is(const char *v, size_t n, const char *text)
{
        return strlen(text) == n && memcmp(v, text, n) == 0;
}

/* "org.freedesktop.DBus.Error.TimedOut": letters, digits and _ between dots. */
static bool keep_bus_error(const char *v, size_t n, char *out)
{
        if (n == 0 || n >= NOTIFY_NAME_MAX)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.", v[i]))
                        return false;
        memcpy(out, v, n);
        out[n] = 0;
        return true;
}

static bool keep_access(const char *v, size_t n, enum notify_access *ret)
{
        static const char *const names[] = {
                [NOTIFY_NONE] = "none", [NOTIFY_MAIN] = "main", [NOTIFY_EXEC] = "exec", [NOTIFY_ALL] = "all",
        };

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (is(v, n, names[i])) {
                        *ret = (enum notify_access) i;
                        return true;
                }
        return false;
}

static uint32_t field(const char *key, size_t len, const char *v, size_t n, struct notify_fields *f)
{
        if (is(key, len, "READY"))
                return is(v, n, "1") ? NOTIFY_READY : 0;
        if (is(key, len, "RELOADING"))
                return is(v, n, "1") ? NOTIFY_RELOADING : 0;
        if (is(key, len, "STOPPING"))
                return is(v, n, "1") ? NOTIFY_STOPPING : 0;
        if (is(key, len, "WATCHDOG"))
                return is(v, n, "1") ? NOTIFY_WATCHDOG : is(v, n, "trigger") ? NOTIFY_WATCHDOG_TRIGGER : 0;
        if (is(key, len, "BARRIER"))
                return is(v, n, "1") ? NOTIFY_BARRIER : 0;
        if (is(key, len, "FDSTORE"))
                return is(v, n, "1") ? NOTIFY_FDSTORE : 0;
        if (is(key, len, "FDPOLL"))
                return is(v, n, "0") ? NOTIFY_FDPOLL_OFF : 0;
        if (is(key, len, "FDSTOREREMOVE"))
                return is(v, n, "1") ? NOTIFY_FDSTORE_REMOVE : 0;
        if (is(key, len, "FDNAME"))
                return (void) keep_fdname(v, n, f->fdname), 0;
        if (is(key, len, "STATUS"))
                return keep_status(v, n, f->status, sizeof f->status), NOTIFY_STATUS;
        if (is(key, len, "ERRNO"))
                return small(v, n, &f->error) ? NOTIFY_ERRNO : 0;
        if (is(key, len, "BUSERROR"))
                return keep_bus_error(v, n, f->bus_error) ? NOTIFY_BUSERROR : 0;
        if (is(key, len, "NOTIFYACCESS"))
                return keep_access(v, n, &f->access) ? NOTIFY_ACCESS : 0;
        if (is(key, len, "EXIT_STATUS"))
                return small(v, n, &f->exit_status) ? NOTIFY_EXIT_STATUS : 0;
        if (is(key, len, "MAINPID"))
                return process(v, n, &f->main_pid) ? NOTIFY_MAINPID : 0;
        if (is(key, len, "WATCHDOG_USEC"))
                return usec(v, n, &f->watchdog_nsec) ? NOTIFY_WATCHDOG_USEC : 0;
        if (is(key, len, "EXTEND_TIMEOUT_USEC"))
                return usec(v, n, &f->extend_nsec) ? NOTIFY_EXTEND : 0;
        if (is(key, len, "MONOTONIC_USEC"))
                return usec(v, n, &f->monotonic_nsec) ? NOTIFY_MONOTONIC : 0;
        return 0;
}

void notify_parse(const char *text, size_t len, struct notify_fields *ret)
{
        const char *end = text + len;

        *ret = (struct notify_fields) { .fdname = "stored" };
        while (text < end) {
                const char *eol = memchr(text, '\n', (size_t) (end - text));
                const char *stop = eol ? eol : end;
                const char *eq = memchr(text, '=', (size_t) (stop - text));

                if (eq)
                        ret->has |= field(text, (size_t) (eq - text), eq + 1, (size_t) (stop - eq - 1), ret);
                text = stop + 1;
        }
}

/* --- the socket ---------------------------------------------------------------------------------------------- */

static bool take_control(struct msghdr *m, struct notify_msg *msg)
{
        bool known = false;

        msg->fd_count = (int) rights_take(m, msg->fds, NOTIFY_FDS_MAX);
        for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
                if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
                        struct ucred u;

                        memcpy(&u, CMSG_DATA(c), sizeof u);
                        msg->pid = u.pid;
                        msg->uid = u.uid;
                        msg->gid = u.gid;
                        known = u.pid > 0; /* 0: from outside our pid namespace */
                }
        }
        return known;
}

static int fetch(int fd, int flags, struct notify_msg *ret)
{
        union { struct cmsghdr head;
                char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * NOTIFY_FDS_MAX)]; } control;
        struct iovec iov = { ret->text, sizeof ret->text };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
                            .msg_controllen = sizeof control };
        ssize_t n;

        do
                n = recvmsg(fd, &m, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return error_passes(errno) ? 0 : -errno;
        ret->len = (size_t) n;
        if (!take_control(&m, ret) || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || memchr(ret->text, 0, (size_t) n)) {
                notify_done(ret);
                return -EBADMSG;
        }
        notify_parse(ret->text, (size_t) n, &ret->f);
        return 1;
}

int notify_receive(int fd, struct notify_msg *ret)
{
        return fetch(fd, 0, ret);
}

int notify_look(int fd, struct notify_msg *ret)
{
        int r = fetch(fd, MSG_PEEK, ret);

        if (r == -EBADMSG)
                notify_take(fd);
        return r;
}

void notify_take(int fd)
{
        char byte;

        while (recv(fd, &byte, 0, MSG_DONTWAIT) < 0 && errno == EINTR)
                ;
}

void notify_done(struct notify_msg *m)
{
        for (int i = 0; i < m->fd_count; i++)
                fd_close(&m->fds[i]);
        m->fd_count = 0;
}
