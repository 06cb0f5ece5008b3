/* process.c - steps that change the process itself. See child.h. */
#include "child/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int child_session(struct child *c, const struct plan_step *s, const char *text)
{
        (void) c, (void) s, (void) text;
        return setsid() < 0 ? -errno : 0;
}

void child_default_signals(void)
{
        static const uint64_t nothing[4]; /* the kernel's struct sigaction: SIG_DFL, no flags, empty mask */

        for (int sig = 1; sig < NSIG; sig++) /* KILL and STOP refuse, and need nothing */
                (void) syscall(SYS_rt_sigaction, sig, nothing, NULL, sizeof(uint64_t));
}

/* Handlers do not survive exec, but SIG_IGN and the mask do (FAILURES A5), and init blocks nearly everything.
 * clone3 has reset the handlers of init, and init ignores nothing: then only the mask is left to do. */
int child_signals(struct child *c, const struct plan_step *s, const char *text)
{
        sigset_t none;

        (void) s, (void) text;
        if (!c->job->handlers_clear)
                child_default_signals();
        (void) sigemptyset(&none);
        return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

int child_cgroup(struct child *c, const struct plan_step *s, const char *text)
{
        int fd, r = 0;

        (void) s, (void) text;
        if (c->job->in_cgroup)
                return 0;
        if (c->job->cgroup < 0)
                return -EBADMSG;
        fd = openat(c->job->fds[c->job->cgroup], "cgroup.procs", O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (write(fd, "0", 1) < 0)
                r = -errno;
        (void) close(fd);
        return r;
}

/* Into the `tasks` files of v1, of which "0" names the writer: alone in its process, the kernel need not stop the
 * world for it, as it must for cgroup.procs. */
int child_join(struct child *c, const struct plan_step *s, const char *text)
{
        (void) text;
        for (int64_t i = s->a; i < s->a + s->b; i++) {
                if (i < 0 || i >= (int64_t) c->job->fd_count)
                        return -EBADMSG;
                if (write(c->job->fds[i], "0", 1) < 0)
                        return -errno;
        }
        return 0;
}

int child_limit(struct child *c, const struct plan_step *s, const char *text)
{
        struct rlimit limit = { (rlim_t) s->b, (rlim_t) s->c }; /* -1 is RLIM_INFINITY */

        (void) c, (void) text;
        return setrlimit((__rlimit_resource_t) s->a, &limit) < 0 ? -errno : 0;
}

int child_nice(struct child *c, const struct plan_step *s, const char *text)
{
        (void) c, (void) text;
        return setpriority(PRIO_PROCESS, 0, (int) s->a) < 0 ? -errno : 0;
}

static const char oom_file[] = "/proc/self/oom_score_adj";

int child_write_oom(int64_t value)
{
        char digits[24];
        size_t len = child_digits(digits, value);
        int fd, r = 0;

        fd = open(oom_file, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (write(fd, digits, len) < 0)
                r = -errno;
        (void) close(fd);
        return r;
}

int child_oom(struct child *c, const struct plan_step *s, const char *text)
{
        (void) text;
        c->object = oom_file;
        return child_write_oom(s->a);
}

int child_affinity(struct child *c, const struct plan_step *s, const char *text)
{
        (void) c;
        return syscall(SYS_sched_setaffinity, 0, (size_t) s->text_len, text) < 0 ? -errno : 0;
}

/* From here to exec nobody of the same uid may look into this process, which still holds what the program shall
 * not have (FAILURES E19). exec sets it back. Comes after the steps that write to /proc/self. */
int child_undumpable(struct child *c, const struct plan_step *s, const char *text)
{
        (void) c, (void) s, (void) text;
        return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

int child_umask(struct child *c, const struct plan_step *s, const char *text)
{
        (void) c, (void) text;
        (void) umask((mode_t) s->a);
        return 0;
}

/* After the ids: setresuid erases it. Should init have died before, the signal was missed: then go the same way
 * (FAILURES E10). */
int child_deathsig(struct child *c, const struct plan_step *s, const char *text)
{
        (void) text;
        if (prctl(PR_SET_PDEATHSIG, (unsigned long) s->a, 0, 0, 0) < 0)
                return -errno;
        if (getppid() != c->parent)
                _exit(128 + SIGKILL);
        return 0;
}

int child_no_new_privs(struct child *c, const struct plan_step *s, const char *text)
{
        (void) c, (void) s, (void) text;
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}
