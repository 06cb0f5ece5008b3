/* mailsock.c - see mailsock.h; what is moved is in maildesk.c. */
#include "os/mailsock.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define EXACT_BYTES (208 << 10)  /* what the kernel allows everybody; it doubles it */

int mailsock_pair(int *ret_ours, int *ret_theirs)
{
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0) {
                int r = -errno;

                (void) close(pair[0]);
                (void) close(pair[1]);
                return r;
        }
        *ret_ours = pair[0];
        *ret_theirs = pair[1];
        return 0;
}

/* --- what lies there ---------------------------------------------------------------------------------------------- */

int64_t mailsock_unread(int theirs)
{
        int bytes = 0;

        return ioctl(theirs, SIOCINQ, &bytes) < 0 ? 0 : bytes;
}

/* A byte is enough: the rest of a datagram, and its descriptors, go with it. */
int mailsock_drop(int theirs)
{
        char byte;

        return recv(theirs, &byte, 1, MSG_DONTWAIT) > 0;
}

/* The kernel reports room when a quarter of the buffer's size is in use: a bigger one means it does so earlier. */
void mailsock_exact(int ours, bool on)
{
        int size = on ? EXACT_BYTES : EXACT_BYTES / 2;

        (void) setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

/* --- readiness ---------------------------------------------------------------------------------------------------- */

int mailset_new(void)
{
        int fd = epoll_create1(EPOLL_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static struct epoll_event event_of(unsigned what, void *arg)
{
        /* Reading is done until nothing is there or we do not want more; then the edge is asked for again. */
        return (struct epoll_event) { .events = (what & MAILSOCK_IN ? EPOLLIN : 0U) |
                                                (what & MAILSOCK_OUT ? EPOLLOUT | EPOLLET : 0U),
                                      .data.ptr = arg };
}

int mailset_add(int set, int fd, unsigned what, void *arg)
{
        struct epoll_event e = event_of(what, arg);

        return epoll_ctl(set, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

int mailset_change(int set, int fd, unsigned what, void *arg)
{
        struct epoll_event e = event_of(what, arg);

        return epoll_ctl(set, EPOLL_CTL_MOD, fd, &e) < 0 ? -errno : 0;
}

void mailset_remove(int set, int fd)
{
        (void) epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL);
}

int mailset_wait(int set, struct mailsock_event *events, int max)
{
        struct epoll_event got[64];
        int n = epoll_wait(set, got, max < 64 ? max : 64, 0);

        for (int i = 0; i < n; i++)
                events[i] = (struct mailsock_event) {
                        got[i].data.ptr,
                        (got[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? MAILSOCK_IN : 0U) |
                                (got[i].events & EPOLLOUT ? MAILSOCK_OUT : 0U),
                };
        return n < 0 ? 0 : n;
}
