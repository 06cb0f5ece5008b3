/* listeners.c - the listeners of filters of system calls, until the first call that is not let pass. See init.h.
 *
 * Nearly all programs never make such a call. So the engine is not troubled with their listeners: the child that has
 * installed its filter leaves the listener with us, through the engine's end of the pair, of which we have a copy. We
 * wait for two things: somebody makes a forbidden call, then the engine is given the listener and from there on it is
 * the engine's; or the last process under the filter has ended, then it is closed.
 *
 * Kernels before 5.9 do not tell of the latter. There children hand their listeners to the engine itself. */
#include "init/init.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"

enum { EVENTS = 16 };

static void forget(struct listeners *l, uint32_t at)
{
        /* Closing does not do that: a child about to execute may have a copy. */
        (void) epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->kept[at].fd, NULL);
        (void) close(l->kept[at].fd);
        l->kept[at] = (struct kept) { .fd = -1, .next = l->unused };
        l->unused = at;
}

static int grow(struct listeners *l)
{
        const uint32_t room = l->room ? l->room * 2 : 1024;
        struct kept *p = table_resize(l->kept, l->room * sizeof *p, room * sizeof *p);

        if (!p)
                return -ENOMEM;
        l->kept = p;
        for (uint32_t i = room; i-- > l->room;) {
                p[i] = (struct kept) { .fd = -1, .next = l->unused };
                l->unused = i;
        }
        l->room = room;
        return 0;
}

void listeners_open(struct listeners *l, bool told_of_ends)
{
        l->unused = UINT32_MAX;
        l->epoll = told_of_ends ? epoll_create1(EPOLL_CLOEXEC) : -1;
}

void listener_keep(struct listeners *l, const struct init_listener *m, int fd)
{
        struct epoll_event ev = { .events = EPOLLIN };
        int r = fd < 0 ? -EMFILE : l->unused == UINT32_MAX ? grow(l) : 0;
        struct kept *k;

        if (r == 0) {
                k = &l->kept[l->unused];
                ev.data.u32 = l->unused;
                fd = move_high(fd);
                r = epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
        }
        if (r < 0) { /* nobody listens: what it forbids gets ENOSYS */
                log_error("keep the listener of the filter of process %d: %s", (int) m->pid, strerror(-r));
                if (fd >= 0)
                        (void) close(fd);
                return;
        }
        l->unused = k->next;
        *k = (struct kept) { .request = m->request, .pid = m->pid, .mode = m->mode, .fd = fd };
}

/* False when there is no room for it now. */
static bool hand_over(struct init *in, uint32_t at)
{
        const struct kept *k = &in->listeners.kept[at];
        struct init_listener m = { .h = { INIT_PROTO_VERSION, INIT_LISTENER, sizeof m, in->serial + 1 },
                                   .request = k->request, .pid = k->pid, .mode = k->mode };
        const int r = transmit(in, &m, sizeof m, k->fd);

        if (r > 0)
                return false;
        if (r < 0) /* not to be had at all: what is forbidden gets ENOSYS */
                log_error("hand over the listener of the filter of process %d: %s", (int) k->pid, strerror(errno));
        in->serial++;
        forget(&in->listeners, at);
        return true;
}

void listeners_turn(struct init *in)
{
        struct epoll_event ev[EVENTS];
        int n = epoll_wait(in->listeners.epoll, ev, EVENTS, 0);

        for (int i = 0; i < n; i++) {
                if (!(ev[i].events & EPOLLIN))
                        forget(&in->listeners, ev[i].data.u32);
                else if (!in->listeners.wait && !hand_over(in, ev[i].data.u32))
                        in->listeners.wait = true;
        }
}
