/* pids.c - a process namespace: the steps ENTER and PIDS. See child.h.
 *
 *     watcher    the process init knows: outside; passes signals on, and in the end does as the program did
 *      └─ reaper    number 1 inside: reaps whoever loses his parent; ends with the program, and all else with it
 *          └─ program   number 2: goes on with the plan
 *
 * Two processes rather than one, because number 1 cannot die of a signal from inside, and who waits for us must see
 * the program's end exactly: its exit code or its signal. Neither holds a descriptor, a capability but the one to
 * signal, or a directory.
 *
 * A control command enters the namespace of the main process, where $MAINPID is 2: it has a
 * watcher and needs no reaper.
 *
 * A signal to the watcher is meant for the program; a signal to the whole group has reached the program already.
 * So the reaper passes on only what the watcher marks. */
#include "child/child.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK 0x636f7070 /* in the value of a signal that the watcher passes on */

/* Written by the reaper, read by the watcher once that has ended. */
struct ending {
        int known;
        int status;  /* as from wait(2) */
};

static void set_mask(uint64_t mask)
{
        (void) syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}

/* Its number; what is known of the sender in *ret. */
static int wait_signal(siginfo_t *ret)
{
        static const uint64_t all = ~UINT64_C(0);
        int sig;

        do
                sig = (int) syscall(SYS_rt_sigtimedwait, &all, ret, NULL, sizeof all);
        while (sig < 0);
        return sig;
}

static void close_everything(void)
{
        if (syscall(SYS_close_range, 0U, ~0U, 0U) == 0)
                return;
        for (int fd = 0; fd < 65536; fd++)
                (void) close(fd);
}

/* What is left to a process that only waits. */
static void become_small(void)
{
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = { { 0 } };

        close_everything();
        (void) !chdir("/");
        (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        (void) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (syscall(SYS_capget, &head, data) < 0)
                return;
        data[0].permitted &= 1U << CAP_KILL;
        data[0].effective = data[0].permitted;
        data[1].permitted = data[1].effective = 0;
        data[0].inheritable = data[1].inheritable = 0;
        (void) syscall(SYS_capset, &head, data);
}

/* --- the reaper --------------------------------------------------------------------------------------------------- */

static void reap_all(pid_t program, struct ending *ending)
{
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
                if (pid == program) {
                        ending->status = status;
                        __atomic_store_n(&ending->known, 1, __ATOMIC_RELEASE);
                        _exit(0); /* the kernel ends whoever is left */
                }
}

static _Noreturn void reap(pid_t program, struct ending *ending)
{
        siginfo_t info;

        become_small();
        (void) prctl(PR_SET_NAME, "coppice-reaper", 0, 0, 0);
        for (;;) {
                int sig = wait_signal(&info);

                if (sig == SIGCHLD)
                        reap_all(program, ending);
                /* si_pid is 0 for a sender outside: nobody inside can pretend to be the watcher */
                if (info.si_code == SI_QUEUE && info.si_pid == 0 && info.si_value.sival_int == MARK)
                        (void) kill(program, sig);
        }
}

/* --- the watcher -------------------------------------------------------------------------------------------------- */

static _Noreturn void end_like(int status)
{
        const struct rlimit no_core = { 0, 0 };
        int sig;

        if (WIFEXITED(status))
                _exit(WEXITSTATUS(status));
        sig = WTERMSIG(status);
        (void) setrlimit(RLIMIT_CORE, &no_core); /* the program has left its own */
        child_default_signals();
        (void) kill(getpid(), sig);
        set_mask(0);
        _exit(128 + sig);
}

static void pass_on(pid_t reaper, int sig)
{
        siginfo_t info;

        memset(&info, 0, sizeof info);
        info.si_signo = sig;
        info.si_code = SI_QUEUE;
        info.si_pid = getpid();
        info.si_uid = getuid();
        info.si_value.sival_int = MARK;
        (void) syscall(SYS_rt_sigqueueinfo, reaper, sig, &info);
}

static _Noreturn void watch(pid_t reaper, const struct ending *ending, pid_t parent)
{
        siginfo_t info;
        int status;

        become_small();
        (void) prctl(PR_SET_NAME, "coppice-watcher", 0, 0, 0);
        if (getppid() != parent)
                _exit(128 + SIGKILL); /* died before it was asked to take us along */
        for (;;) {
                int sig = wait_signal(&info);

                if (sig != SIGCHLD) {
                        if (info.si_code != SI_KERNEL) /* a key on the terminal goes to all */
                                pass_on(reaper, sig);
                } else if (waitpid(reaper, &status, WNOHANG) == reaper) {
                        end_like(__atomic_load_n(&ending->known, __ATOMIC_ACQUIRE) ? ending->status : status);
                }
        }
}

static pid_t fork_raw(void)
{
        return (pid_t) syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

/* A session of its own, as without the namespace; but a terminal stays with the session it was given to. */
static void new_session(void)
{
        pid_t group;

        for (int fd = 0; fd < 3; fd++)
                if (ioctl(fd, TIOCGPGRP, &group) == 0)
                        return;
        (void) setsid();
}

/* --- in a namespace that is there already ------------------------------------------------------------------------- */

/* The command's parent is outside; who reaps what it leaves behind is the small init of the main process. */
static _Noreturn void watch_command(pid_t command, pid_t parent)
{
        siginfo_t info;
        int status;

        become_small();
        (void) prctl(PR_SET_NAME, "coppice-watcher", 0, 0, 0);
        if (getppid() != parent)
                _exit(128 + SIGKILL);
        for (;;) {
                int sig = wait_signal(&info);

                if (sig != SIGCHLD) {
                        if (info.si_code != SI_KERNEL)
                                (void) kill(command, sig);
                } else if (waitpid(command, &status, WNOHANG) == command) {
                        end_like(status);
                }
        }
}

int child_enter(struct child *c, const struct plan_step *s, const char *text)
{
        (void) text;
        if (s->a < 0 || (size_t) s->a >= c->job->fd_count)
                return -EBADMSG;
        return syscall(SYS_setns, c->fds[s->a], CLONE_NEWPID) < 0 ? -errno : 0;
}

static int join(struct child *c)
{
        pid_t pid;

        set_mask(~UINT64_C(0));
        pid = fork_raw();
        if (pid > 0)
                watch_command(pid, c->parent);
        if (pid < 0)
                return errno == ENOMEM ? -ESRCH : -errno; /* the main process has ended, and the namespace with it */
        new_session();
        set_mask(0);
        c->parent = 0; /* as seen from inside */
        return 0;
}

/* --- the step ----------------------------------------------------------------------------------------------------- */

int child_pids(struct child *c, const struct plan_step *s, const char *text)
{
        struct ending *ending;
        pid_t pid;

        (void) text;
        if (s->a)
                return join(c);
        ending = mmap(NULL, sizeof *ending, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if ((void *) ending == MAP_FAILED)
                return -errno;
        set_mask(~UINT64_C(0)); /* so that no signal meets a default action while nobody waits */
        pid = fork_raw();
        if (pid > 0)
                watch(pid, ending, c->parent);
        if (pid < 0)
                return -errno;
        pid = fork_raw();
        if (pid > 0)
                reap(pid, ending);
        if (pid < 0) /* told as the failure it is; the watcher ends with our status */
                return -errno;
        new_session();
        set_mask(0);
        c->parent = 1;
        return 0;
}
