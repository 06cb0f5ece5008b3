/* mailsock.c - see mailsock.h. */
#include "os/mailsock.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/rights.h"
#include "base/shortage.h"

#define EXACT_BYTES (208 << 10)  /* what the kernel allows everybody; it doubles it */
#define LONG_MESSAGE 4096
#define TRIES        64

typedef RIGHTS_ROOM(MAILSOCK_FDS) rights_room;

struct mailsock_reader {
        char *memory;            /* MAILSOCK_BATCH times MAILSOCK_MAX, touched as far as messages reach */
        struct mmsghdr headers[MAILSOCK_BATCH];
        struct iovec parts[MAILSOCK_BATCH];
        rights_room rooms[MAILSOCK_BATCH];
        struct mailsock_in in[MAILSOCK_BATCH];
        bool was_long;
};

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

uint64_t mailsock_inode(int fd)
{
        struct stat st;

        return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? st.st_ino : 0;
}

/* --- receiving ----------------------------------------------------------------------------------------------------- */

int mailsock_reader_new(struct mailsock_reader **ret)
{
        struct mailsock_reader *r = calloc(1, sizeof *r);

        if (!r)
                return -ENOMEM;
        r->memory = mmap(NULL, (size_t) MAILSOCK_BATCH * MAILSOCK_MAX, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (r->memory == MAP_FAILED) {
                free(r);
                return -ENOMEM;
        }
        for (int i = 0; i < MAILSOCK_BATCH; i++) {
                r->in[i].bytes = r->memory + (size_t) i * MAILSOCK_MAX;
                r->parts[i] = (struct iovec) { r->in[i].bytes, MAILSOCK_MAX };
        }
        *ret = r;
        return 0;
}

void mailsock_reader_free(struct mailsock_reader *r)
{
        if (!r)
                return;
        (void) munmap(r->memory, (size_t) MAILSOCK_BATCH * MAILSOCK_MAX);
        free(r);
}

void mailsock_reader_rest(struct mailsock_reader *r)
{
        if (r->was_long)
                (void) madvise(r->memory, (size_t) MAILSOCK_BATCH * MAILSOCK_MAX, MADV_DONTNEED);
        r->was_long = false;
}

/* What passes is tried at once again, not for ever: what could not be moved would be seen only at the next edge. */
static bool again(int error, int *tries)
{
        return error != EAGAIN && error_passes(error) && ++*tries < TRIES;
}

int mailsock_receive(struct mailsock_reader *r, int fd, int max, struct mailsock_in **ret)
{
        int n, tries = 0;

        for (int i = 0; i < max; i++)
                r->headers[i].msg_hdr = (struct msghdr) { .msg_iov = &r->parts[i], .msg_iovlen = 1,
                                                          .msg_control = &r->rooms[i],
                                                          .msg_controllen = sizeof r->rooms[i] };
        do
                n = recvmmsg(fd, r->headers, (unsigned) max, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
        while (n < 0 && again(errno, &tries));
        if (n < 0)
                return error_passes(errno) ? 0 : -errno;
        for (int i = 0; i < n; i++) {
                struct msghdr *h = &r->headers[i].msg_hdr;

                r->in[i].len = r->headers[i].msg_len;
                r->in[i].cut = h->msg_flags & (MSG_TRUNC | MSG_CTRUNC);
                r->was_long = r->was_long || r->in[i].len > LONG_MESSAGE;
                r->in[i].fd_count = (uint8_t) (h->msg_controllen > 0 ? rights_take(h, r->in[i].fds, MAILSOCK_FDS) : 0);
        }
        *ret = r->in;
        return n;
}

/* --- sending -------------------------------------------------------------------------------------------------------- */

static int send_some(int fd, const struct mailsock_out *list, int n)
{
        struct mmsghdr headers[MAILSOCK_BATCH];
        struct iovec parts[MAILSOCK_BATCH][2];
        rights_room rooms[MAILSOCK_BATCH];

        for (int i = 0; i < n; i++) {
                /* const is lost: the kernel only reads. */
                parts[i][0] = (struct iovec) { (void *) (uintptr_t) list[i].a, list[i].a_len };
                parts[i][1] = (struct iovec) { (void *) (uintptr_t) list[i].b, list[i].b_len };
                headers[i] = (struct mmsghdr) { .msg_hdr = { .msg_iov = parts[i], .msg_iovlen = 2 } };
                rights_put(&headers[i].msg_hdr, &rooms[i], list[i].fds, list[i].fd_count);
        }
        n = sendmmsg(fd, headers, (unsigned) n, MSG_DONTWAIT | MSG_NOSIGNAL);
        return n < 0 ? -errno : n;
}

int mailsock_send(int fd, const struct mailsock_out *list, int n, int *ret_error)
{
        int sent = 0, tries = 0;

        *ret_error = 0;
        while (sent < n) {
                int r = send_some(fd, list + sent, n - sent < MAILSOCK_BATCH ? n - sent : MAILSOCK_BATCH);

                if (r < 0 && r != -ETOOMANYREFS && again(-r, &tries))
                        continue;
                if (r < 0) {
                        if (r != -EAGAIN)
                                *ret_error = -r;
                        break;
                }
                sent += r;
        }
        return sent;
}

/* --- what lies there ------------------------------------------------------------------------------------------------- */

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

/* --- readiness ------------------------------------------------------------------------------------------------------- */

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
