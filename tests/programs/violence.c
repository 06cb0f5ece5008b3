/* violence.c - kill the engine of a running daemon at chosen moments and look whether the services noticed.
 *
 *      violence steps INIT CTL CGROUP         at each system call of a restart in turn
 *      violence random INIT CTL CGROUP N SEED N times, after random mishaps, at random instants
 *      violence calls INIT CTL CGROUP FIFO REASON  as steps; but a service ends because it reads from FIFO and then does
 *                                             what its filter forbids, and that has to be told as REASON
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
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SERVICES_MAX = 64, PATIENCE_MS = 20000 };

struct service {
        char path[128];
        int pid;
        unsigned restarts;
        bool running;
        bool hit;              /* its process was killed by us since the last look */
        char reason[64];       /* of the end of the process before */
};

struct look {
        struct service list[SERVICES_MAX];
        int count;
};

static struct {
        pid_t init;
        const char *ctl, *cgroup;
        const char *fifo, *reason; /* NULL: services are killed by a signal */
        unsigned kills;
        uint64_t random;
} v;

static uint64_t next_random(void)
{
        v.random ^= v.random << 13;
        v.random ^= v.random >> 7;
        v.random ^= v.random << 17;
        return v.random;
}

static long long now_ms(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (long long) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void wait_usec(long usec)
{
        const struct timespec t = { usec / 1000000, usec % 1000000 * 1000 };

        (void) ppoll(NULL, 0, &t, NULL);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static void take(struct look *l, const json_t *n)
{
        const json_t *pid = json_object_get(n, "main_pid");
        struct service *s = &l->list[l->count];

        if (strcmp(json_string_value(json_object_get(n, "type")), "service") != 0 || l->count == SERVICES_MAX)
                return;
        *s = (struct service) { .pid = (int) json_integer_value(pid) };
        (void) snprintf(s->path, sizeof(s->path), "%s", json_string_value(json_object_get(n, "path")));
        s->restarts = (unsigned) json_integer_value(json_object_get(n, "restarts"));
        (void) snprintf(s->reason, sizeof(s->reason), "%s", json_string_value(json_object_get(n, "last_reason")));
        s->running = strcmp(json_string_value(json_object_get(n, "state")), "running") == 0;
        l->count++;
}

/* False: nobody answers now. */
static bool look(struct look *ret)
{
        char command[300];
        json_t *all, *nodes;
        FILE *f;

        ret->count = 0;
        (void) snprintf(command, sizeof(command), "%s --timeout 5s list --json 2>/dev/null", v.ctl);
        f = popen(command, "re");
        if (!f)
                return false;
        all = json_loadf(f, 0, NULL);
        if (pclose(f) != 0 || !all) {
                json_decref(all);
                return false;
        }
        nodes = json_is_array(all) ? all : json_object_get(all, "nodes");
        for (size_t i = 0; i < json_array_size(nodes); i++)
                take(ret, json_array_get(nodes, i));
        json_decref(all);
        return ret->count > 0;
}

static int processes_in(const char *path)
{
        char file[400], line[64];
        int n = 0;
        FILE *f;

        (void) snprintf(file, sizeof(file), "%s%s/cgroup.procs", v.cgroup, path);
        f = fopen(file, "re");
        if (!f)
                return -1;
        while (fgets(line, sizeof(line), f))
                n++;
        (void) fclose(f);
        return n;
}

/* NULL when `now` is what must have become of `before`. */
static const char *differs(const struct service *before, const struct service *now)
{
        const unsigned more = before->hit ? 1 : 0;

        if (!now->running)
                return "does not run";
        if (now->restarts != before->restarts + more)
                return "has another number of restarts";
        if (before->hit == (now->pid == before->pid))
                return before->hit ? "has the process that was killed" : "has another process";
        if (before->hit && v.reason && strcmp(now->reason, v.reason) != 0)
                return "has ended for another reason";
        if (kill(now->pid, 0) < 0)
                return "has a process that does not exist";
        if (v.cgroup[0] && processes_in(now->path) != 1)
                return "has not one process in its group";
        return NULL;
}

static bool agree(const struct look *before, const struct look *now, char *why, size_t n)
{
        (void) snprintf(why, n, "there are %d services, not %d", now->count, before->count);
        if (now->count != before->count)
                return false;
        for (int i = 0; i < now->count; i++) {
                const char *what = differs(&before->list[i], &now->list[i]);

                if (!what)
                        continue;
                (void) snprintf(why, n, "%s %s (pid %d, restarts %u; before %d, %u%s)", now->list[i].path,
                                what, now->list[i].pid, now->list[i].restarts, before->list[i].pid,
                                before->list[i].restarts, before->list[i].hit ? ", hit" : "");
                return false;
        }
        return true;
}

/* Until all is as it must be; then that is the new state. */
static bool settle(struct look *l)
{
        const long long deadline = now_ms() + PATIENCE_MS;
        char why[400] = "nobody answers";
        struct look now;

        while (now_ms() < deadline) {
                if (look(&now) && agree(l, &now, why, sizeof(why))) {
                        *l = now;
                        return true;
                }
                wait_usec(1000);
        }
        printf("# after %u kills: %s\n", v.kills, why);
        return false;
}

static pid_t engine(void)
{
        char path[64], text[4096], comm[64];
        size_t n;
        FILE *f;

        (void) snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int) v.init, (int) v.init);
        f = fopen(path, "re");
        n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
        if (f)
                (void) fclose(f);
        text[n] = '\0';
        for (char *at = text, *end; *at; at = end + strspn(end, " ")) {
                long pid = strtol(at, &end, 10);

                if (end == at)
                        break;
                (void) snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
                f = fopen(path, "re");
                if (f && fgets(comm, sizeof(comm), f) && strncmp(comm, "coppice-engine", 14) == 0) {
                        (void) fclose(f);
                        return (pid_t) pid;
                }
                if (f)
                        (void) fclose(f);
        }
        return -1;
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
        else
                (void) kill(s->pid, SIGKILL);
}

/* --- at each system call -------------------------------------------------------------------------------------------- */

/* Let the engine do n system calls from now, then kill it. 0 when it came to rest before. */
static int kill_after(pid_t pid, unsigned n, struct service *victim)
{
        unsigned stops = 0;
        int status;

        if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 ||
            waitpid(pid, &status, __WALL) != pid)
                return -1;
        hit(victim);
        while (stops < 2 * n) { /* entry and exit are a stop each */
                const long long deadline = now_ms() + 60;
                pid_t r = 0;

                if (ptrace(PTRACE_SYSCALL, pid, 0, 0) < 0)
                        return -1;
                while (r == 0 && now_ms() < deadline) {
                        r = waitpid(pid, &status, __WALL | WNOHANG);
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

static int steps(void)
{
        struct look l;
        int rests = 0;

        if (!look(&l) || !settle(&l))
                return 1;
        for (int which = 0; which < l.count; which++) {
                unsigned n = 1;

                for (rests = 0; rests < 2; n++) {
                        pid_t pid = engine();
                        int r = kill_after(pid, n, &l.list[which]);

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
        if (strcmp(argv[1], "steps") == 0)
                return steps();
        if (argc < 7)
                return 2;
        if (strcmp(argv[1], "calls") == 0) {
                v.fifo = argv[5];
                v.reason = argv[6];
                return steps();
        }
        v.random = strtoull(argv[6], NULL, 0) * UINT64_C(0x9e3779b97f4a7c15) + 1;
        return at_random((unsigned) atoi(argv[5]));
}
