/* main.c - coppice-tee: what comes in at descriptor 0 goes out at descriptors 10, 11, 12 ... (as many as there are),
 * whole and in order at each: the copies of a channel with Deliver=all. All of them are pipes.
 *
 * Bytes are not looked at: tee(2) makes a second reference to the pages at the head of the input, splice(2) moves it
 * on. tee() can only copy from the head, and a fuller output takes less of it; so what is there goes to each output by
 * way of an empty pipe of our own, the stage, which has room for all of it, and leaves the input when every output has
 * it. An output that is full makes the others wait, but not before they are one stage ahead.
 *
 * How much has left the input and how much has gone to each output is counted in shared memory, which coppice stores
 * (FDSTORE=1): when we are killed and started again we go on where we were. But for the instant between a call and the
 * count of it no reader gets anything twice, and none misses anything.
 *
 * May use: lib.  Nothing may use it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/coppice.h"

enum { FIRST = 10, OUTPUTS_MAX = 32 };

/* Counted from the first byte that ever came. The head of the input is at `taken`; no output is behind it. */
struct progress {
        uint32_t magic;
        uint32_t outputs;
        uint64_t taken;
        uint64_t given[OUTPUTS_MAX];
};
#define MAGIC UINT32_C(0x65657401)

struct tee {
        struct progress *p;
        unsigned outputs;
        int stage[2];                  /* empty between two outputs */
        int nowhere;
};

static _Noreturn void fail(const char *what)
{
        (void) fprintf(stderr, "coppice-tee: %s: %s\n", what, strerror(errno));
        exit(1);
}

/* --- what was done before ----------------------------------------------------------------------------------------- */

static int stored_progress(void)
{
        char **names = NULL;
        int n = coppice_listen_fds_with_names(1, &names), found = -1;

        for (int i = 0; i < n; i++) {
                if (found < 0 && names && strcmp(names[i], "progress") == 0)
                        found = COPPICE_LISTEN_FDS_START + i;
                if (names)
                        free(names[i]);
        }
        if (n > 0)
                free(names);
        return found;
}

/* Without a place to keep it we go on all the same. */
static int new_progress(void)
{
        int fd = memfd_create("coppice-tee", MFD_CLOEXEC);

        if (fd < 0 || ftruncate(fd, sizeof(struct progress)) < 0)
                fail("make memory");
        (void) coppice_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=progress\nFDPOLL=0", &fd, 1);
        return fd;
}

static struct progress *map_progress(unsigned outputs)
{
        int fd = stored_progress();
        struct progress *p;

        if (fd < 0)
                fd = new_progress();
        p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED)
                fail("map memory");
        if (p->magic != MAGIC || p->outputs != outputs)
                *p = (struct progress) { .magic = MAGIC, .outputs = outputs };
        return p;
}

/* --- copying ------------------------------------------------------------------------------------------------------ */

/* Exactly n bytes, waiting for room; `count` grows with them. */
static void move(int from, int to, uint64_t n, uint64_t *count)
{
        while (n > 0) {
                ssize_t r = splice(from, NULL, to, NULL, n, SPLICE_F_MOVE);

                if (r < 0 && errno == EINTR)
                        continue;
                if (r <= 0)
                        fail("move");
                n -= (uint64_t) r;
                if (count)
                        __atomic_fetch_add(count, (uint64_t) r, __ATOMIC_RELAXED);
        }
}

/* The head of the input to the stage: at most `max` bytes; waits for some, 0 is the end of the input. */
static uint64_t copy_head(const struct tee *t, uint64_t max)
{
        ssize_t r;

        do
                r = tee(STDIN_FILENO, t->stage[1], max, 0);
        while (r < 0 && errno == EINTR);
        if (r < 0)
                fail("tee");
        return (uint64_t) r;
}

/* What every output has leaves the input. */
static bool let_go(const struct tee *t)
{
        uint64_t all = UINT64_MAX;

        for (unsigned i = 0; i < t->outputs; i++)
                if (t->p->given[i] < all)
                        all = t->p->given[i];
        if (all <= t->p->taken)
                return false;
        move(STDIN_FILENO, t->nowhere, all - t->p->taken, &t->p->taken);
        return true;
}

/* False at the end of the input. An output may have some of it already, from before we were started. */
static bool copy_some(const struct tee *t)
{
        struct progress *p = t->p;
        uint64_t n = copy_head(t, INT_MAX);
        bool staged = true;

        for (unsigned i = 0; i < t->outputs && n > 0; i++) {
                if (p->given[i] >= p->taken + n)
                        continue;
                if (!staged && copy_head(t, n) != n)
                        fail("copy the head of the input again");
                move(t->stage[0], t->nowhere, p->given[i] - p->taken, NULL);
                move(t->stage[0], FIRST + (int) i, p->taken + n - p->given[i], &p->given[i]);
                staged = false;
        }
        return n > 0;
}

/* As many places as the input has, so that all of it can be at the stage at once. */
static void open_stage(struct tee *t)
{
        int size = fcntl(STDIN_FILENO, F_GETPIPE_SZ);

        t->nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (size < 0 || t->nowhere < 0 || pipe2(t->stage, O_CLOEXEC) < 0)
                fail("open the input");
        (void) fcntl(t->stage[1], F_SETPIPE_SZ, size); /* smaller is slower, no more */
}

int main(void)
{
        struct tee t = { .outputs = 0 };

        (void) prctl(PR_SET_NAME, "coppice-tee"); /* started by a descriptor it would have the number's name */
        while (t.outputs < OUTPUTS_MAX && fcntl(FIRST + (int) t.outputs, F_GETFD) >= 0)
                t.outputs++;
        open_stage(&t);
        t.p = map_progress(t.outputs);
        while (let_go(&t) || copy_some(&t))
                ;
        return 0;
}
