/* seccomp.c - the filter of system calls, and what may still be said once it is there. See child.h, os/seccomp.h. */
#include "child/child.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/rights.h"

#ifndef SECCOMP_RET_USER_NOTIF
#define SECCOMP_RET_USER_NOTIF 0x7fc00000U
#endif
#ifndef SECCOMP_FILTER_FLAG_NEW_LISTENER
#define SECCOMP_FILTER_FLAG_NEW_LISTENER (1UL << 3)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

int child_seccomp(struct child *c, const struct plan_step *s, const char *text)
{
        if (s->c <= 0 || s->c > s->text_len || s->c % (int64_t) sizeof(struct sock_filter) != 0)
                return -EBADMSG; /* a plan that was only meant to be explained */
        c->filter = s;
        c->filter_text = text;
        return 0;
}

/* sendmsg and ppoll with the gate in the sixth argument, of which they have only three and five. */
static long gated(const struct child *c, long call, long a, const void *b, long d)
{
        return syscall(call, a, b, d, 0L, 0L, (long) c->gate);
}

/* The socket never blocks (init shares its open file): wait here for room. When the engine is gone nobody
 * listens, and the exit status has to do. */
void child_send(const struct child *c, int to, const void *message, size_t size, int fd)
{
        RIGHTS_ROOM(1) room;
        struct iovec iov = { (void *) (uintptr_t) message, size };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
        struct pollfd p = { .fd = to, .events = POLLOUT };

        rights_put(&m, &room, &fd, fd >= 0);
        while (gated(c, SYS_sendmsg, to, &m, MSG_NOSIGNAL) < 0 &&
               (errno == EAGAIN || errno == EINTR || errno == ETOOMANYREFS))
                (void) gated(c, SYS_ppoll, (long) &p, (const void *) 1UL, 0);
}

/* Nobody can be told: what would have been told now ends the process. Into a copy, for the plan may lie in memory that
 * is only to be read. */
static struct sock_filter *without_listener(const struct sock_filter *program, size_t count)
{
        size_t size = count * sizeof *program;
        struct sock_filter *own = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if ((void *) own == MAP_FAILED)
                return NULL;
        memcpy(own, program, size);
        for (size_t i = 0; i < count; i++)
                if (own[i].code == (BPF_RET | BPF_K) && own[i].k == SECCOMP_RET_USER_NOTIF)
                        own[i].k = SECCOMP_RET_KILL_PROCESS;
        return own;
}

/* A listener's descriptor, or -1 for a filter that has none, or -errno - 1. */
static int install(const struct plan_step *s, const char *text)
{
        struct sock_fprog program = { .len = (unsigned short) ((size_t) s->c / sizeof(struct sock_filter)),
                                      .filter = (struct sock_filter *) (uintptr_t) text };
        unsigned long flags = (unsigned long) s->a;
        long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);

        if (r < 0 && errno == EINVAL && flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) { /* before 5.19 */
                flags &= ~SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
                r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
        }
        if (r >= 0)
                return flags & SECCOMP_FILTER_FLAG_NEW_LISTENER ? (int) r : -1;
        if (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) /* learning is all about being told */
                return -errno - 1;
        /* EBUSY: an outer filter has a listener. EINVAL: before 5.0. ENOSYS: an outer filter knows only prctl. */
        if (errno != EBUSY && errno != EINVAL && errno != ENOSYS && errno != EPERM)
                return -errno - 1;
        program.filter = without_listener(program.filter, program.len);
        if (!program.filter)
                return -ENOMEM - 1;
        flags &= ~SECCOMP_FILTER_FLAG_NEW_LISTENER;
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) == 0 ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0)
                return -1;
        return -errno - 1;
}

int child_filter(struct child *c)
{
        struct init_listener m;
        int fd;

        if (!c->filter)
                return 0;
        fd = install(c->filter, c->filter_text);
        if (fd < -1) {
                c->blame = c->filter;
                return fd + 1;
        }
        c->gate = (uint64_t) c->filter->b;
        if (fd < 0)
                return 0;
        memset(&m, 0, sizeof m);
        m.h = (struct init_header) { INIT_PROTO_VERSION, INIT_LISTENER, sizeof m, 0 };
        m.request = c->job->request;
        m.pid = c->pid;
        m.mode = (unsigned long) c->filter->a & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV ? INIT_LISTENER_LEARNS
                                                                                       : INIT_LISTENER_ENFORCES;
        child_send(c, c->keeper >= 0 ? c->keeper : c->report, &m, sizeof m, fd); /* exec closes our own copy */
        return 0;
}
