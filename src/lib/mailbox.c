/* mailbox.c - the object that stands for a mailbox: made, set up, freed. See coppice.h, parts.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/parts.h"
#include "lib/wire.h"

#define TIMEOUT_USEC  INT64_C(10000000)
enum { SAVED_MAX = 1000, SAVED_BYTES_MAX = 8 << 20 };

/* No two objects anywhere in one service may use the same REF: they share a mailbox. */
static void make_mark(struct coppice *c)
{
        uint64_t number;

        if (getrandom(&number, sizeof number, GRND_NONBLOCK) != (ssize_t) sizeof number)
                number = (uint64_t) wire_now() << 22 ^ (uint64_t) getpid() ^ (uint64_t) (uintptr_t) c << 40;
        (void) snprintf(c->mark, sizeof c->mark, "c%016llx", (unsigned long long) number);
}

static int check_socket(int fd)
{
        int value;
        socklen_t n = sizeof value;

        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &n) < 0)
                return -errno;
        if (value != SOCK_SEQPACKET)
                return -EPROTOTYPE;
        n = sizeof value;
        return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &n) < 0 ? -errno : value == AF_UNIX ? 0 : -EPROTOTYPE;
}

int coppice_open_fd(struct coppice **ret, int fd, unsigned flags)
{
        struct coppice *c;
        int r = check_socket(fd);

        if (r < 0)
                return r;
        if (flags & ~(unsigned) COPPICE_PRIVATE)
                return -EINVAL;
        if (flags & COPPICE_PRIVATE && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
                return -errno;
        c = calloc(1, sizeof *c);
        if (!c)
                return -ENOMEM;
        *c = (struct coppice) { .fd = fd, .pid = getpid(), .watch = -1, .signal = -1, .timeout = TIMEOUT_USEC,
                                .saved_max = SAVED_MAX, .saved_bytes_max = SAVED_BYTES_MAX };
        c->saved_end = &c->saved;
        make_mark(c);
        *ret = c;
        return 0;
}

int coppice_open(struct coppice **ret, unsigned flags)
{
        const char *text = getenv("COPPICE_MAILBOX");
        char *end;
        long fd;

        if (!text || !*text)
                return -ENXIO;
        fd = strtol(text, &end, 10);
        return *end || fd < 3 || fd > 1 << 20 ? -EBADF : coppice_open_fd(ret, (int) fd, flags);
}

struct coppice *coppice_close(struct coppice *c)
{
        if (!c)
                return NULL;
        if (c->pid == getpid())
                (void) coppice_give_back(c);
        while (c->saved) {
                struct coppice_message *m = c->saved;

                c->saved = m->next;
                (void) coppice_message_free(m);
        }
        wire_close((int[]) { c->watch, c->signal }, 2);
        free(c->room);
        free(c);
        return NULL;
}

int mailbox_mine(struct coppice *c)
{
        if (c->pid != getpid())
                return -ECHILD;
        c->refusal[0] = '\0';
        return 0;
}

void mailbox_ref(struct coppice *c, char kind, char ret[COPPICE_REF_SIZE])
{
        (void) snprintf(ret, COPPICE_REF_SIZE, "%c%s-%llu", kind, c->mark + 1, (unsigned long long) ++c->last_ref);
}

int mailbox_refused(struct coppice *c, const char *word)
{
        (void) snprintf(c->refusal, sizeof c->refusal, "%s", word);
        return result_errno(word);
}

/* A set of two: the mailbox, and an eventfd that is readable while something is put aside. */
int coppice_fd(struct coppice *c)
{
        struct epoll_event in = { .events = EPOLLIN };
        int r = mailbox_mine(c);

        if (r < 0 || c->watch >= 0)
                return r < 0 ? r : c->watch;
        c->watch = epoll_create1(EPOLL_CLOEXEC);
        c->signal = eventfd(c->saved != NULL, EFD_CLOEXEC | EFD_NONBLOCK);
        if (c->watch >= 0 && c->signal >= 0 && epoll_ctl(c->watch, EPOLL_CTL_ADD, c->fd, &in) == 0 &&
            epoll_ctl(c->watch, EPOLL_CTL_ADD, c->signal, &in) == 0)
                return c->watch;
        r = -errno;
        wire_close((int[]) { c->watch, c->signal }, 2);
        c->watch = c->signal = -1;
        return r;
}

int coppice_set_timeout(struct coppice *c, int64_t usec)
{
        c->timeout = usec < 0 ? COPPICE_FOREVER : usec;
        return mailbox_mine(c);
}

int coppice_set_saved_max(struct coppice *c, size_t messages, size_t bytes)
{
        if (messages == 0 || bytes == 0)
                return -EINVAL;
        c->saved_max = messages;
        c->saved_bytes_max = bytes;
        return mailbox_mine(c);
}

const char *coppice_self(void)
{
        return getenv("COPPICE_NODE");
}

const char *coppice_refusal(const struct coppice *c)
{
        return c->refusal;
}
