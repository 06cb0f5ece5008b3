/* seccomp.c - listeners: which call, of whom, and what becomes of it. See seccomp.h. */
#include "os/seccomp_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"


uint64_t seccomp_secret(void)
{
        uint64_t n = 0;

        while (n == 0)
                if (getrandom(&n, sizeof(n), 0) < 0 && errno != EINTR)
                        return 0;
        return n;
}

bool seccomp_privileged(void)
{
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = { { 0 } };

        return syscall(SYS_capget, &head, data) == 0 && data[0].effective & 1U << CAP_SYS_ADMIN;
}

/* The kernel may know more fields than our headers: it fills as much as it has. */
union notice {
        struct seccomp_notif n;
        char room[1024];
};
union verdict {
        struct seccomp_notif_resp r;
        char room[512];
};

/* "Tgid:", "Name:" and "NStgid:" (its numbers from our namespace inward) of a thread. */
static void identify(pid_t thread, struct seccomp_call *ret)
{
        char path[40], text[1024];
        autoclose int fd = -1;
        int inner, deeper;
        const char *line;
        ssize_t n;

        ret->pid = thread;
        (void) snprintf(path, sizeof(path), "/proc/%d/status", (int) thread);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return;
        text[n] = '\0';
        (void) sscanf(text, "Name:\t%16[^\n]", ret->comm);
        line = strstr(text, "\nTgid:\t");
        if (line)
                ret->pid = (pid_t) strtol(line + 7, NULL, 10);
        line = strstr(text, "\nNStgid:\t");
        if (line && sscanf(line + 9, "%*d%d%d", &inner, &deeper) == 1)
                ret->inner = (pid_t) inner;
}

static void put_name(struct seccomp_call *c)
{
        autofree char *theirs = NULL;
        const char *name = c->arch == FILTER_ARCH_NATIVE ? syscall_by_number(c->number) : NULL;

        if (c->arch != FILTER_ARCH_NATIVE)
                name = theirs = seccomp_syscall_resolve_num_arch(seccomp_token_of(c->arch), c->number);
        if (name)
                (void) snprintf(c->name, sizeof(c->name), "%s", name);
        else
                (void) snprintf(c->name, sizeof(c->name), "%d", c->number);
}

int seccomp_next(int listener, bool who, struct seccomp_call *ret)
{
        struct pollfd p = { .fd = listener, .events = POLLIN };
        union notice u;

        /* RECV waits when there is nothing, even on a descriptor that must not: ask first. */
        if (poll(&p, 1, 0) <= 0)
                return 0;
        if (!(p.revents & POLLIN))
                return p.revents & (POLLHUP | POLLERR | POLLNVAL) ? -ENOTCONN : 0;
        memset(&u, 0, sizeof(u));
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &u) < 0)
                return errno == ENOENT || errno == EINTR ? 0 : -errno;
        *ret = (struct seccomp_call) { .id = u.n.id, .number = u.n.data.nr };
        ret->arch = seccomp_arch_of(u.n.data.arch, u.n.data.nr);
        if (u.n.pid && who)
                identify((pid_t) u.n.pid, ret);
        put_name(ret);
        return 1;
}

static int answer(int listener, uint64_t id, int error, uint32_t flags)
{
        union verdict u;

        memset(&u, 0, sizeof(u));
        u.r.id = id;
        u.r.error = error;
        u.r.flags = flags;
        return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &u) < 0 ? -errno : 0;
}

int seccomp_continue(int listener, const struct seccomp_call *call)
{
        return answer(listener, call->id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

/* As long as the call waits, its thread lives and its pid is its own: so the pidfd is opened first, then looked whether
 * it still waits, then killed. */
int seccomp_kill(int listener, const struct seccomp_call *call)
{
        uint64_t id = call->id;
        autoclose int pidfd = call->pid > 0 ? (int) syscall(SYS_pidfd_open, call->pid, 0) : -1;

        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0)
                return -ENOENT;
        if (pidfd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0)
                return 1;
        if (pidfd < 0 && call->pid > 0 && kill(call->pid, SIGKILL) == 0) /* before pidfds */
                return 1;
        return answer(listener, id, -EPERM, 0);
}
