/* last.c - the end: whatever runs below us ends before we do. See init.h. */
#include "init/init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "child/child.h"

#define PID_MAX_USUAL (32 << 10)
#define PID_MAX_LIMIT (4 << 20) /* of 64-bit kernels; others stop far below */
#define END_SEC       5    /* what survives SIGKILL longer than this hangs in the kernel */

/* --- a crash of our own ------------------------------------------------------------------------------------ */

static void on_crash(int sig)
{
        char text[64] = "coppiced: init crashed by signal ";
        size_t len = strlen(text);

        len += child_digits(text + len, sig); /* nothing here may take a lock or memory */
        text[len++] = '\n';
        log_raw(text, len);
        if (getpid() == 1)
                _exit(255); /* a signal we raise ourselves would be ignored: the kernel spares PID 1 */
        (void) signal(sig, SIG_DFL);
        (void) raise(sig);
}

void last_install_crash_handlers(void)
{
        static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS };
        struct sigaction sa = { .sa_handler = on_crash, .sa_flags = (int) SA_NODEFER };

        for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
                (void) sigaction(crashes[i], &sa, NULL);
}

/* --- directories without the heap ---------------------------------------------------------------------------- */

/* Call fn for each name in a directory (fd is closed) until it returns false. */
static void each_entry(int fd, bool (*fn)(void *arg, const char *name), void *arg)
{
        _Alignas(struct dirent64) char bytes[4096];
        bool go = fd >= 0;
        long n;

        while (go && (n = syscall(SYS_getdents64, fd, bytes, sizeof bytes)) > 0)
                for (long at = 0; at < n && go;) {
                        const struct dirent64 *d = (const void *) (bytes + at);

                        at += d->d_reclen;
                        go = fn(arg, d->d_name);
                }
        if (fd >= 0)
                (void) close(fd);
}

struct removal { int at; int depth; };

static bool remove_group(void *arg, const char *name)
{
        const struct removal *r = arg;
        struct removal below = { -1, r->depth + 1 };

        if (name[0] == '.' || r->depth > 32)
                return true;
        below.at = openat(r->at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below.at < 0)
                return true; /* a file of the group's */
        each_entry(dup(below.at), remove_group, &below);
        (void) close(below.at);
        (void) unlinkat(r->at, name, AT_REMOVEDIR);
        return true;
}

static void remove_groups(int root)
{
        struct removal r = { root, 0 };
        char link[40], path[PATH_MAX];
        ssize_t n;

        (void) lseek(root, 0, SEEK_SET);
        each_entry(openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), remove_group, &r);
        (void) snprintf(link, sizeof link, "/proc/self/fd/%d", root);
        n = readlink(link, path, sizeof path - 1);
        if (n > 0) {
                path[n] = 0;
                (void) rmdir(path);
        }
}

/* --- killing ----------------------------------------------------------------------------------------------- */

static void write_kill(int root)
{
        int fd = openat(root, "cgroup.kill", O_WRONLY | O_CLOEXEC);

        if (fd >= 0) {
                (void) !write(fd, "1", 1);
                (void) close(fd);
        }
}

static pid_t parent_of(const char *pid)
{
        char path[300], text[512];
        const char *end;
        ssize_t n;
        int fd;

        (void) snprintf(path, sizeof path, "/proc/%s/stat", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -1;
        n = read(fd, text, sizeof text - 1);
        (void) close(fd);
        if (n <= 0)
                return -1;
        text[n] = 0;
        end = strrchr(text, ')'); /* the name before it may hold anything */
        return end && strlen(end) > 4 ? (pid_t) strtol(end + 4, NULL, 10) : -1;
}

static bool kill_if_child(void *arg, const char *name)
{
        const struct init *in = arg;

        /* Ours, and only we reap: the pid cannot become another's between the look and the kill. */
        if (name[0] >= '1' && name[0] <= '9' && parent_of(name) == in->self)
                (void) kill((pid_t) strtol(name, NULL, 10), SIGKILL);
        return true;
}

static bool kill_numbers(pid_t from, pid_t to)
{
        bool found = false;
        siginfo_t si;

        for (pid_t pid = from; pid <= to; pid++)
                if (waitid(P_PID, (id_t) pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0) {
                        (void) kill(pid, SIGKILL);
                        found = true;
                }
        return found;
}

/* Without /proc nobody lists our children, but of any number waitid tells whether it is one. The small numbers, which
 * is where they are on most machines, take milliseconds; all of them a second or so, at the end of a life better than
 * leaving somebody behind. */
static void kill_by_number(void)
{
        if (!kill_numbers(2, PID_MAX_USUAL))
                (void) kill_numbers(PID_MAX_USUAL + 1, PID_MAX_LIMIT);
}

/* Children of those who die become ours (subreaper), so killing children again and again reaches all. */
static void kill_children(struct init *in)
{
        if (in->pid1)
                (void) kill(-1, SIGKILL);
        else if (access("/proc/self/stat", R_OK) == 0)
                each_entry(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), kill_if_child, in);
        else
                kill_by_number();
}

/* Reap what has ended; true while there are children. */
static bool reap_silently(void)
{
        siginfo_t si;

        for (;;) {
                si.si_pid = 0;
                if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG) < 0)
                        return errno != ECHILD;
                if (si.si_pid == 0)
                        return true;
        }
}

static time_t seconds(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec;
}

static void last_end_all(struct init *in)
{
        int root = store_find(&in->store, INIT_STORE_CGROUP);
        time_t deadline = seconds() + END_SEC;
        struct signalfd_siginfo si;
        struct pollfd p = { .fd = in->signals, .events = POLLIN };

        close_pair(in);
        while (reap_silently() && seconds() < deadline) {
                if (root >= 0)
                        write_kill(root);
                kill_children(in);
                /* Woken by the next SIGCHLD; now and then without, for children that became ours meanwhile. */
                if (reap_silently())
                        (void) poll(&p, 1, 50);
                while (read(in->signals, &si, sizeof si) > 0)
                        ;
        }
        if (reap_silently())
                log_error("processes survive SIGKILL; leaving them");
        if (root >= 0)
                remove_groups(root);
}

/* On a machine nobody is there to take our exit code, and the kernel panics when we go. */
static void end_machine(int end)
{
        static const unsigned commands[] = { [INIT_END_HALT] = RB_HALT_SYSTEM, [INIT_END_POWEROFF] = RB_POWER_OFF,
                                        [INIT_END_REBOOT] = RB_AUTOBOOT };

        if (end <= INIT_END_EXIT || end > INIT_END_REBOOT)
                return;
        sync();
        if (reboot((int) commands[end]) < 0)
                log_error("reboot: %s", strerror(errno));
}

_Noreturn void last_goodbye(struct init *in, int exit_code)
{
        last_end_all(in);
        if (in->pid1 && in->goodbye)
                end_machine(in->end);
        exit(exit_code);
}
