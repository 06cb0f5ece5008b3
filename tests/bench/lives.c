/* lives.c - what lives cost: start of N services, crash of one, stop of all; against the least that can be done.
 *
 *     make tests/bench/lives && tests/bench/lives [N [ROUNDS]]
 *
 * Side by side run: a floor (vfork, exec, waitpid, again); where there are control groups to use, a floor that forks each
 * child into one of its own, as we do; and a real coppiced. A crash is SIGKILL of one, each of them in turn, until the
 * replacement says that it runs: ROUNDS times (default 300) with N services (default 1000). A stop is SIGTERM until the
 * supervisor has ended, everybody below it first. Not part of `make check`; alone on the machine it takes 15 s. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/cgroup.h"

#define BEACON "tests/programs/beacon"

struct said { uint64_t nsec; int64_t pid; }; /* what a beacon writes */

struct peer {
        const char *name;
        pid_t pid;
        int file;          /* where its services write, one record a life */
        size_t lives;
        double start_ms, stop_ms;
        double *crash_us;
        size_t crashes;
};

static char dir[PATH_MAX], beacon[PATH_MAX];

static _Noreturn void die(const char *what)
{
        perror(what);
        exit(EXIT_FAILURE);
}

static uint64_t now_nsec(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000000U + (uint64_t) t.tv_nsec;
}

static void put_file(const char *path, const char *text)
{
        FILE *f = fopen(path, "we");

        if (!f || fputs(text, f) < 0 || fclose(f) != 0)
                die(path);
}

/* --- the floor --------------------------------------------------------------------------------------------------- */

static pid_t *children;
static volatile sig_atomic_t ending;

static void on_term(int sig)
{
        (void) sig;
        ending = 1;
}

/* In a group of its own below `groups`, when that is a descriptor. */
static void floor_start(int groups, size_t i)
{
        struct clone_args a = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
        char name[32];
        int fd = -1;

        if (groups >= 0) {
                (void) snprintf(name, sizeof name, "%zu", i);
                (void) mkdirat(groups, name, 0755); /* there already at a restart */
                fd = openat(groups, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (fd < 0)
                        die(name);
                a.cgroup = (unsigned) fd;
        }
        children[i] = groups < 0 ? vfork() : (pid_t) syscall(SYS_clone3, &a, sizeof a);
        if (children[i] == 0) {
                (void) execl(beacon, beacon, (char *) NULL);
                _exit(127);
        }
        if (fd >= 0)
                (void) close(fd);
}

static void floor_ended(int groups, size_t i)
{
        char name[32];

        (void) snprintf(name, sizeof name, "%zu", i);
        if (groups >= 0 && unlinkat(groups, name, AT_REMOVEDIR) < 0)
                die(name);
}

static _Noreturn void floor_run(int groups, size_t n)
{
        struct sigaction sa = { .sa_handler = on_term };
        size_t left = n, i;
        pid_t pid;

        (void) sigaction(SIGTERM, &sa, NULL); /* no SA_RESTART: it interrupts waitpid() */
        children = calloc(n, sizeof *children);
        for (i = 0; children && i < n; i++)
                floor_start(groups, i);
        while (left > 0) {
                pid = waitpid(-1, NULL, 0);
                if (pid < 0 && errno == EINTR)
                        for (i = 0; i < n; i++)
                                (void) kill(children[i], SIGTERM);
                for (i = 0; i < n && pid > 0; i++)
                        if (children[i] == pid && !ending)
                                floor_start(groups, i);
                        else if (children[i] == pid)
                                floor_ended(groups, i), left--;
        }
        _exit(0);
}

/* --- coppiced ---------------------------------------------------------------------------------------------------- */

static void write_units(size_t n, const char *out)
{
        char path[PATH_MAX + 64], text[2 * PATH_MAX + 256];

        (void) snprintf(path, sizeof path, "%s/units", dir);
        (void) mkdir(path, 0700);
        (void) snprintf(path, sizeof path, "%s/units/root.supervisor", dir);
        put_file(path, "[Supervisor]\nStrategy=one_for_one\nMaxRestarts=1000000\nMaxRestartsSec=1s\n");
        (void) snprintf(text, sizeof text, "[Service]\nExecStart=%s\nRestart=permanent\nRestartSec=0\nStandardOutput=append:%s\n",
                        beacon, out);
        for (size_t i = 0; i < n; i++) {
                (void) snprintf(path, sizeof path, "%s/units/s%zu.service", dir, i);
                put_file(path, text);
        }
}

static _Noreturn void coppiced_run(void)
{
        char units[PATH_MAX + 32], run[PATH_MAX + 32], state[PATH_MAX + 32], log[PATH_MAX + 32];

        (void) snprintf(units, sizeof units, "--units=%s/units", dir);
        (void) snprintf(run, sizeof run, "--runtime-dir=%s/run", dir);
        (void) snprintf(state, sizeof state, "--state-dir=%s/state", dir);
        (void) snprintf(log, sizeof log, "--log-dir=%s/log", dir);
        (void) dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        (void) execl("./coppiced", "./coppiced", units, run, state, log, "--isolation=best-effort", (char *) NULL);
        die("./coppiced");
}

/* --- measuring --------------------------------------------------------------------------------------------------- */

static struct said life(const struct peer *p, size_t i)
{
        struct said s;

        if (pread(p->file, &s, sizeof s, (off_t) (i * sizeof s)) != (ssize_t) sizeof s)
                die(p->name);
        return s;
}

/* Until so many have begun in all; sleeps little, and not at the start, where the processor is needed. */
static void await_lives(struct peer *p, size_t wanted)
{
        const uint64_t deadline = now_nsec() + 60U * 1000000000U;
        struct stat st = { .st_size = 0 };

        for (;;) {
                if (fstat(p->file, &st) < 0 || now_nsec() > deadline || waitpid(p->pid, NULL, WNOHANG) != 0)
                        die(p->name);
                if ((size_t) st.st_size >= wanted * sizeof(struct said))
                        break;
                (void) poll(NULL, 0, 1);
        }
        p->lives = wanted;
}

static void start(struct peer *p, int groups, size_t n)
{
        char path[PATH_MAX + 64];
        uint64_t at;

        (void) snprintf(path, sizeof path, "%s/lives of %s", dir, p->name);
        p->file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (p->file < 0)
                die(path);
        if (strcmp(p->name, "coppiced") == 0)
                write_units(n, path);
        at = now_nsec();
        p->pid = fork();
        if (p->pid == 0) {
                (void) dup2(p->file, STDOUT_FILENO);
                if (strcmp(p->name, "coppiced") == 0)
                        coppiced_run();
                floor_run(groups, n);
        }
        await_lives(p, n);
        for (size_t i = 0; i < n; i++)
                if ((double) (life(p, i).nsec - at) / 1e6 > p->start_ms)
                        p->start_ms = (double) (life(p, i).nsec - at) / 1e6;
}

/* The oldest that still lives: every life ends once. */
static void crash(struct peer *p, size_t i)
{
        const pid_t pid = (pid_t) life(p, i).pid;
        const uint64_t at = now_nsec();

        if (kill(pid, SIGKILL) < 0)
                die(p->name);
        await_lives(p, p->lives + 1);
        p->crash_us[p->crashes++] = (double) (life(p, p->lives - 1).nsec - at) / 1e3;
        (void) poll(NULL, 0, 10);
}

static void stop(struct peer *p)
{
        const uint64_t at = now_nsec();
        int status;

        if (kill(p->pid, SIGTERM) < 0 || waitpid(p->pid, &status, 0) != p->pid || status != 0)
                die(p->name);
        p->stop_ms = (double) (now_nsec() - at) / 1e6;
}

static int compare(const void *a, const void *b)
{
        const double x = *(const double *) a, y = *(const double *) b;

        return (x > y) - (x < y);
}

static void report(const struct peer *p, const struct peer *floor)
{
        const size_t n = p->crashes, half = n / 2, last = n * 99 / 100;

        qsort(p->crash_us, n, sizeof *p->crash_us, compare);
        printf("%-18s start %6.1f ms (%.2f)   crash %5.0f us (%.2f), p99 %5.0f (%.2f)   stop %6.1f ms (%.2f)\n", p->name,
               p->start_ms, p->start_ms / floor->start_ms, p->crash_us[half], p->crash_us[half] / floor->crash_us[half],
               p->crash_us[last], p->crash_us[last] / floor->crash_us[last], p->stop_ms, p->stop_ms / floor->stop_ms);
}

static void measure(int groups, size_t n, size_t rounds)
{
        struct peer peers[] = { { .name = "floor" }, { .name = "floor with groups" }, { .name = "coppiced" } };

        for (size_t k = 0; k < ARRAY_LEN(peers); k++) {
                if (k == 1 && groups < 0)
                        continue;
                peers[k].crash_us = calloc(rounds, sizeof(double));
                if (!peers[k].crash_us)
                        die("get memory");
                start(&peers[k], k == 1 ? groups : -1, n);
                (void) poll(NULL, 0, 500);
        }
        for (size_t i = 0; i < rounds; i++)
                for (size_t k = 0; k < ARRAY_LEN(peers); k++)
                        if (peers[k].pid)
                                crash(&peers[k], i);
        for (size_t k = 0; k < ARRAY_LEN(peers); k++)
                if (peers[k].pid) {
                        stop(&peers[k]);
                        report(&peers[k], &peers[0]);
                        (void) fflush(stdout);
                }
        for (size_t k = 0; k < ARRAY_LEN(peers); k++)
                free(peers[k].crash_us);
}

int main(int argc, char *argv[])
{
        const size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000, rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 300;
        char command[PATH_MAX + 32];
        struct cgroup *groups;
        struct err err = { 0 };

        (void) snprintf(dir, sizeof dir, "%s/lives-bench.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (n == 0 || rounds == 0 || !mkdtemp(dir) || !realpath(BEACON, beacon))
                die(BEACON);
        if (cgroup_open(dir, getpid(), &groups, NULL, &err) < 0)
                die("find control groups");
        measure(cgroup_root_fd(groups), n, rounds);
        (void) cgroup_end(groups, 1000);
        cgroup_free(groups);
        (void) snprintf(command, sizeof command, "rm -r '%s'", dir);
        return system(command) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
