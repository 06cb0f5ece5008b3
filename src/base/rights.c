/* rights.c - see rights.h. */
#include "base/rights.h"

#include <string.h>
#include <unistd.h>

void rights_put(struct msghdr *m, void *room, const int *fds, size_t n)
{
        struct cmsghdr *c = room;

        if (n == 0)
                return;
        memset(room, 0, CMSG_SPACE(sizeof(int) * n)); /* what pads it goes to the kernel too */
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * n);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
        m->msg_control = room;
        m->msg_controllen = CMSG_SPACE(sizeof(int) * n);
}

size_t rights_take(struct msghdr *m, int *fds, size_t max)
{
        size_t count = 0;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
                size_t n = c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS
                           ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;

                for (size_t i = 0; i < n; i++) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
                        if (count < max)
                                fds[count++] = fd;
                        else
                                (void) close(fd);
                }
        }
        return count;
}
