/* descriptors.c - steps about descriptors: what the program gets, and nothing else. See child.h. */
#include "child/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int range(unsigned first, unsigned last, unsigned flags)
{
        return syscall(SYS_close_range, first, last, flags) < 0 ? -errno : 0;
}

/* Everything from 3 on ends at exec. It does so already: whatever init opens or receives is close-on-exec, and it
 * closed what it was started with. This is the second lock on the door, and may be missing (FAILURES E12). */
static void mark_all(void)
{
        long max;

        if (range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
                return;
        max = sysconf(_SC_OPEN_MAX);
        for (int fd = 3; fd < max && fd < 65536; fd++)
                (void) fcntl(fd, F_SETFD, FD_CLOEXEC); /* EBADF for most: nothing there, nothing to do */
}

static void insert(int *list, size_t *n, int fd)
{
        size_t i = *n;

        if (fd < 3)
                return;
        for (; i > 0 && list[i - 1] > fd; i--)
                list[i] = list[i - 1];
        list[i] = fd;
        (*n)++;
}

/* Requests of other services may be in flight in init: their descriptors (the ends of pipes whose closing means
 * something) are not for us, not even until exec. */
static void close_others(const struct child_job *job)
{
        int keep[INIT_FDS_MAX + 2];
        size_t n = 0;
        int next = 3;

        insert(keep, &n, job->report);
        insert(keep, &n, job->keeper);
        for (size_t i = 0; i < job->fd_count; i++)
                if (!job->in_cgroup || (int) i != job->cgroup) /* init may have closed it and used the number again */
                        insert(keep, &n, job->fds[i]);
        for (size_t i = 0; i < n; i++) {
                if (keep[i] > next)
                        (void) range((unsigned) next, (unsigned) keep[i] - 1, 0);
                next = keep[i] + 1;
        }
        (void) range((unsigned) next, (unsigned) job->unshare_from - 1, 0);
}

/* init lets us share its table, because copying one with thousands of stored descriptors, and closing them all
 * again at exec, would make a start cost more the more services there are. The copy taken here stops short of
 * the store. It must be the very first thing: until then what we do to a descriptor is done to init's. */
int child_own_descriptors(const struct child_job *job)
{
        const uint64_t one = 1;
        int r;

        if (job->unshare_from == 0)
                return 0;
        r = range((unsigned) job->unshare_from, ~0U, CLOSE_RANGE_UNSHARE);
        if (r < 0)
                return r;
        if (child_needs_fds(job)) {
                __atomic_store_n(job->unshared, 1, __ATOMIC_RELEASE);
                (void) !write(job->wake, &one, sizeof one);
        }
        close_others(job);
        return 0;
}

int child_open(struct child *c, const struct plan_step *s, const char *text)
{
        int fd;

        if (s->a < 0 || s->a >= PLAN_FD_SLOTS)
                return -EBADMSG;
        fd = open(text, (int) s->b | O_CLOEXEC | O_NOCTTY, (mode_t) s->c);
        if (fd < 0)
                return -errno;
        if ((s->flags & PLAN_OPEN_TTY) && ioctl(fd, TIOCSCTTY, 0) < 0)
                return -errno;
        c->slots[s->a] = fd;
        return 0;
}

/* Where the number of a source is kept, NULL when there is no such source. */
static int *source_of(struct child *c, int32_t source)
{
        if (source >= 0)
                return (size_t) source < c->job->fd_count ? &c->fds[source] : NULL;
        if (source <= PLAN_SOURCE_OWN(0))
                return source >= PLAN_SOURCE_OWN(2) ? &c->own[PLAN_SOURCE_OWN(0) - source] : NULL;
        return PLAN_SOURCE_SLOT(0) - source < PLAN_FD_SLOTS ? &c->slots[PLAN_SOURCE_SLOT(0) - source] : NULL;
}

/* Make *fd a number from `floor` on. */
static int lift(int *fd, int floor)
{
        int high;

        if (*fd >= floor)
                return 0;
        high = fcntl(*fd, F_DUPFD_CLOEXEC, floor);
        if (high < 0)
                return -errno;
        *fd = high;
        return 0;
}

static int lift_all(struct child *c, const struct plan_place *list, size_t n, int floor)
{
        int r = lift(&c->report, floor);

        if (r == 0 && c->keeper >= 0)
                r = lift(&c->keeper, floor);
        if (r == 0 && c->proc >= 0) /* opened before us by a user namespace that comes first */
                r = lift(&c->proc, floor);
        for (size_t i = 0; r == 0 && i < n; i++) {
                int *fd = source_of(c, list[i].source);

                r = fd ? lift(fd, floor) : -EBADF;
        }
        return r;
}

/* Two passes, so that 3 -> 4 together with 4 -> 3 comes out right (FAILURES E13): first every source that is not yet
 * above all targets is copied there, then each goes to its place. */
int child_place(struct child *c, const struct plan_step *s, const char *text)
{
        const struct plan_place *list = (const void *) text;
        size_t n = s->text_len / sizeof *list;
        int floor = 3, r;

        for (size_t i = 0; i < n; i++)
                if (list[i].target < 0)
                        return -EBADMSG;
                else if (list[i].target >= floor)
                        floor = list[i].target + 1;
        mark_all();
        r = lift_all(c, list, n, floor);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++)
                if (dup2(*source_of(c, list[i].source), list[i].target) < 0)
                        return -errno;
        /* init raised its own limit; LIMIT steps that follow may set another. */
        if (c->job->nofile.rlim_cur == 0) /* init could not find out */
                return 0;
        return setrlimit(RLIMIT_NOFILE, &c->job->nofile) < 0 ? -errno : 0;
}

/* The session is new (SESSION), so it has no terminal yet; ours has no session either: it was made for this. */
int child_terminal(struct child *c, const struct plan_step *s, const char *text)
{
        (void) c, (void) text;
        return ioctl((int) s->a, TIOCSCTTY, 0) < 0 ? -errno : 0;
}
