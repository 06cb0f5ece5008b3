/* local.c - see local.h. */
#include "ctl/local.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

enum { START_MS = 20000, LOOK_MS = 2 };

/* --- the daemon --------------------------------------------------------------------------------------------------- */

/* Beside us in a build tree and in images of one directory, else where it was installed. */
static void run_coppiced(const char *dir)
{
        static const char *const parts[] = { "units", "run", "logs", "state" };
        static char level[] = "--log-level=error", target[] = "--log-target=file", name[] = "coppiced";
        char beside[4096], options[4][96];
        char *argv[] = { name, options[0], options[1], options[2], options[3], target, level, NULL };
        ssize_t n = readlink("/proc/self/exe", beside, sizeof beside - sizeof "/coppiced");
        char *slash;

        (void) snprintf(options[0], sizeof options[0], "--units=%s/%s", dir, parts[0]);
        (void) snprintf(options[1], sizeof options[1], "--runtime-dir=%s/%s", dir, parts[1]);
        (void) snprintf(options[2], sizeof options[2], "--log-dir=%s/%s", dir, parts[2]);
        (void) snprintf(options[3], sizeof options[3], "--state-dir=%s/%s", dir, parts[3]);
        beside[n > 0 ? n : 0] = '\0';
        slash = strrchr(beside, '/');
        if (slash) {
                memcpy(slash, "/coppiced", sizeof "/coppiced");
                (void) execv(beside, argv);
        }
        (void) execv(SBINDIR "/coppiced", argv);
        (void) execvp(name, argv);
        (void) ctl_error(0, "execute %s or " SBINDIR "/coppiced: %s", beside, strerror(errno));
}

static void to_null(void)
{
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (null >= 0)
                (void) dup2(null, STDIN_FILENO);
        (void) dup2(STDERR_FILENO, STDOUT_FILENO); /* what it says is no output of the command */
        if (null > STDERR_FILENO)
                (void) close(null);
}

static pid_t start_daemon(const char *dir)
{
        pid_t keeper = getpid(), pid = fork();
        sigset_t none;

        if (pid != 0)
                return pid;
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
        if (getppid() == keeper)
                run_coppiced(dir);
        _exit(127);
}

/* --- the keeper --------------------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
        (void) st, (void) kind, (void) where;
        (void) remove(path);
        return 0;
}

static void on_child(int sig)
{
        (void) sig; /* only to interrupt the wait */
}

static bool gone(pid_t pid, int options)
{
        pid_t r;

        do
                r = waitpid(pid, NULL, options);
        while (r < 0 && errno == EINTR);
        return r != 0;
}

/* Until the other end of the leash is let go, or the daemon has ended. */
static void hold(int leash, pid_t daemon)
{
        struct sigaction action = { .sa_handler = on_child };
        sigset_t blocked, waiting;
        struct pollfd p = { .fd = leash, .events = POLLIN };

        (void) sigemptyset(&blocked);
        (void) sigaddset(&blocked, SIGCHLD);
        (void) sigprocmask(SIG_BLOCK, &blocked, &waiting);
        (void) sigaction(SIGCHLD, &action, NULL);
        (void) sigdelset(&waiting, SIGCHLD);
        while (!gone(daemon, WNOHANG))
                if (ppoll(&p, 1, NULL, &waiting) > 0) {
                        (void) kill(daemon, SIGTERM);
                        (void) gone(daemon, 0);
                        return;
                }
}

/* A session of its own: Ctrl-C at the terminal is for whoever runs the command, not for whoever tidies up. */
static _Noreturn void keep(const char *dir, int leash)
{
        pid_t daemon;

        (void) setsid();
        to_null();
        daemon = start_daemon(dir);
        if (daemon > 0)
                hold(leash, daemon);
        (void) nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        _exit(daemon > 0 ? 0 : 1);
}

/* --- us ----------------------------------------------------------------------------------------------------------- */

static bool answers(const struct local *l)
{
        struct sockaddr_un addr = { .sun_family = AF_UNIX };
        autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        memcpy(addr.sun_path, l->socket, strlen(l->socket));
        return fd >= 0 && connect(fd, (const struct sockaddr *) &addr, sizeof addr) == 0;
}

/* The socket is there when the daemon is ready; nothing tells us, so look. The leash says when it never will be. */
static int wait_ready(const struct local *l)
{
        struct pollfd p = { .fd = l->leash, .events = POLLIN };

        for (int ms = 0; ms < START_MS; ms += LOOK_MS) {
                if (answers(l))
                        return CTL_OK;
                if (poll(&p, 1, LOOK_MS) > 0)
                        return ctl_error(CTL_NO_DAEMON, "a daemon for this run could not be started");
        }
        return ctl_error(CTL_NO_DAEMON, "a daemon for this run does not answer");
}

static int make_dir(struct local *l)
{
        const char *tmp = getenv("TMPDIR");
        char units[sizeof l->dir + 8];

        if (!tmp || tmp[0] != '/' || strlen(tmp) > 32)
                tmp = "/tmp";
        (void) snprintf(l->dir, sizeof l->dir, "%s/coppice-run.XXXXXX", tmp);
        if (!mkdtemp(l->dir))
                return ctl_error(CTL_FAILED, "make a directory in %s: %s", tmp, strerror(errno));
        (void) snprintf(l->socket, sizeof l->socket, "%s/run/control", l->dir);
        (void) snprintf(units, sizeof units, "%s/units", l->dir);
        (void) mkdir(units, 0700);
        return CTL_OK;
}

int local_start(struct local *l, struct ctl *c)
{
        int ends[2], r = make_dir(l);

        if (r != CTL_OK)
                return r;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return ctl_error(CTL_FAILED, "make a pair of sockets: %s", strerror(errno));
        l->keeper = fork();
        if (l->keeper == 0) {
                (void) close(ends[0]);
                keep(l->dir, ends[1]);
        }
        (void) close(ends[1]);
        l->leash = ends[0];
        if (l->keeper < 0)
                return ctl_error(CTL_FAILED, "make a process: %s", strerror(errno));
        c->socket = l->socket;
        return wait_ready(l);
}

void local_stop(struct local *l)
{
        if (l->leash < 0)
                return;
        fd_close(&l->leash);
        if (l->keeper > 0)
                (void) gone(l->keeper, 0);
}
