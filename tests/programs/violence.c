/* violence.c - kill the engine of a running daemon at chosen moments and look whether the services noticed.
 *
 *      violence steps INIT CTL CGROUP [MAX]   at each system call of a restart in turn, to the MAXth at most
 *      violence random INIT CTL CGROUP N SEED N times, after random mishaps, at random instants
 *      violence calls INIT CTL CGROUP FIFO REASON [MAX]  as steps, to the MAXth at most; but a service ends because it reads from FIFO and then does
 *                                             what its filter forbids, and that has to be told as REASON
 *      violence requests INIT CTL CGROUP UNITS STRIDE   at every STRIDE-th system call of each kind of request
 *      violence during INIT CTL CGROUP N COMMAND   once, at the Nth system call while a shell runs COMMAND, which must succeed all
 *                                             the same; 3 = it was at rest before
 *      violence end INIT CTL CGROUP N         once, at the Nth system call after SIGTERM has come; 3 = it had ended before
 *
 * INIT is the pid of coppiced, CTL the path of coppicectl, CGROUP the daemon's root group or "" for none. All services
 * of the tree must be running; each restarts at once and for ever. After each kill and what befell the services before
 * it, these hold (FAILURES M3):
 *   - every service runs again, and its main process is the one that status names;
 *   - one whose process we killed has another process and one restart more than before;
 *   - of all others nothing has changed;
 *   - in the group of each service there is one process. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/programs/violence.h"

struct violence v;

static uint64_t next_random(void)
{
        v.random ^= v.random << 13;
        v.random ^= v.random >> 7;
        v.random ^= v.random << 17;
        return v.random;
}

/* Open for writing is possible from the moment on that it is open for reading. */
static void wake(void)
{
        const long long deadline = now_ms() + PATIENCE_MS;
        int fd;

        while ((fd = open(v.fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0 && now_ms() < deadline)
                wait_usec(200);
        if (fd < 0 || write(fd, "x\n", 2) != 2)
                printf("# nobody reads from %s\n", v.fifo);
        (void) close(fd);
}

static void hit(struct service *s)
{
        if (s->hit)
                return;
        s->hit = true;
        if (v.fifo)
                wake();
        else if (s->pid > 1) /* 0: it has ended by itself meanwhile */
                (void) kill(s->pid, SIGKILL);
}

/* --- at each system call -------------------------------------------------------------------------------------------- */

static bool is_asked(void)
{
        siginfo_t ended = { 0 };

        return v.asks > 0 && waitid(P_PID, (id_t) v.asks, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0;
}

int kill_after(pid_t pid, unsigned n, void (*begin)(void *arg), void *arg)
{
        unsigned stops = 0;
        int status;

        if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 ||
            waitpid(pid, &status, __WALL) != pid)
                return -1;
        begin(arg);
        while (stops < 2 * n) { /* entry and exit are a stop each */
                const long long last = now_ms() + PATIENCE_MS;
                long long deadline = now_ms() + v.rest_ms;
                pid_t r = 0;

                if (ptrace(PTRACE_SYSCALL, pid, 0, 0) < 0)
                        return -1;
                while (r == 0 && now_ms() < deadline) {
                        r = waitpid(pid, &status, __WALL | WNOHANG);
                        if (r == 0 && is_asked() && now_ms() < last)
                                deadline = now_ms() + v.rest_ms;
                        if (r == 0)
                                wait_usec(50);
                }
                if (r == 0) { /* it waits for something to happen */
                        (void) ptrace(PTRACE_INTERRUPT, pid, 0, 0);
                        (void) waitpid(pid, &status, __WALL);
                        (void) ptrace(PTRACE_DETACH, pid, 0, 0);
                        return 0;
                }
                if (!WIFSTOPPED(status))
                        return -1;
                stops += WSTOPSIG(status) == (SIGTRAP | 0x80);
        }
        (void) kill(pid, SIGKILL);
        v.kills++;
        (void) waitpid(pid, &status, __WALL);
        return 1;
}

static void hit_it(void *service)
{
        hit(service);
}

static int steps(void)
{
        struct look l;
        int rests = 0;

        if (!look(&l) || !settle(&l))
                return 1;
        for (int which = 0; which < l.count; which++) {
                unsigned n = 1;

                for (rests = 0; rests < 2 && (!v.steps_max || n <= v.steps_max); n++) {
                        pid_t pid = wait_for_engine();
                        int r = kill_after(pid, n, hit_it, &l.list[which]);

                        if (r < 0) {
                                printf("# the engine cannot be traced: %s\n", strerror(errno));
                                return 1;
                        }
                        rests += r == 0;
                        if (!settle(&l)) {
                                printf("# %s, killed at system call %u\n", l.list[which].path, n);
                                return 1;
                        }
                }
                printf("# %s: %u system calls\n", l.list[which].path, n - 1);
                (void) fflush(stdout);
        }
        printf("# %u kills\n", v.kills);
        return 0;
}

/* --- on the way out --------------------------------------------------------------------------------------------------- */

static void end_it(void *arg)
{
        (void) arg;
        (void) kill(v.init, SIGTERM);
}

/* It rests when it waits for services and for the log writer, so rest says nothing here. */
static int at_the_end(unsigned n)
{
        v.rest_ms = PATIENCE_MS;
        return kill_after(wait_for_engine(), n, end_it, NULL) > 0 ? 0 : 3;
}

/* --- at random ------------------------------------------------------------------------------------------------------ */

static int at_random(unsigned n)
{
        struct look l;

        if (!look(&l) || !settle(&l))
                return 1;
        while (v.kills < n) {
                unsigned mishaps = (unsigned) (next_random() % 4), again = (unsigned) (next_random() % 3);

                for (unsigned i = 0; i < mishaps; i++)
                        hit(&l.list[next_random() % (unsigned) l.count]);
                for (unsigned i = 0; i <= again; i++) { /* sometimes before it has come up again */
                        pid_t pid;

                        wait_usec((long) (next_random() % 6000));
                        pid = engine();
                        if (pid > 0 && kill(pid, SIGKILL) == 0)
                                v.kills++;
                }
                if (!settle(&l))
                        return 1;
        }
        printf("# %u kills\n", v.kills);
        return 0;
}

int main(int argc, char **argv)
{
        if (argc < 5)
                return 2;
        v.init = (pid_t) atoi(argv[2]);
        v.ctl = argv[3];
        v.cgroup = argv[4];
        v.rest_ms = 60;
        if (strcmp(argv[1], "steps") == 0) {
                v.steps_max = argc > 5 ? (unsigned) atoi(argv[5]) : 0;
                return steps();
        }
        if (strcmp(argv[1], "end") == 0 && argc > 5)
                return at_the_end((unsigned) atoi(argv[5]));
        if (argc < 7)
                return 2;
        if (strcmp(argv[1], "during") == 0)
                return during(argv[6], (unsigned) atoi(argv[5]));
        if (strcmp(argv[1], "calls") == 0) {
                v.fifo = argv[5];
                v.reason = argv[6];
                v.steps_max = argc > 7 ? (unsigned) atoi(argv[7]) : 0;
                return steps();
        }
        if (strcmp(argv[1], "requests") == 0)
                return requests(argv[5], (unsigned) atoi(argv[6]));
        v.random = strtoull(argv[6], NULL, 0) * UINT64_C(0x9e3779b97f4a7c15) + 1;
        return at_random((unsigned) atoi(argv[5]));
}
