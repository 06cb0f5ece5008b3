/* main.c - start: put in order what we were born with, then start the engine. See init.h. */
#include "init/init.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/slice.h"
#include "child/child.h"

#define EXIT_STARTUP 111 /* nothing was started (FAILURES J5) */

static char engine_beside[4096]; /* found before the first fork: later /proc or the file may be gone */

/* Descriptors 0 to 2 exist, so that nothing we open later is mistaken for standard output; whatever else our
 * parent forgot to close is closed here, once, instead of in every child (FAILURES E11, E13). */
static void sanitise_descriptors(void)
{
        int fd;

        for (int i = 0; i <= 2; i++)
                if (fcntl(i, F_GETFD) < 0) {
                        fd = open("/dev/null", O_RDWR);
                        if (fd < 0)
                                fd = open("/", O_PATH);
                        if (fd >= 0 && fd != i) {
                                (void) dup2(fd, i);
                                (void) close(fd);
                        }
                }
        if (syscall(SYS_close_range, 3, ~0U, 0) < 0)
                for (fd = 3; fd < 4096; fd++)
                        (void) close(fd);
}

/* Everything but what the hardware raises and what a terminal stops us with. SIGPIPE too: blocked, it is
 * harmless, and unlike an ignored one nobody inherits it. */
static void block_signals(sigset_t *set)
{
        static const int open_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS,
                                            SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT };

        (void) sigfillset(set);
        for (size_t i = 0; i < sizeof open_signals / sizeof open_signals[0]; i++)
                (void) sigdelset(set, open_signals[i]);
        (void) sigprocmask(SIG_SETMASK, set, NULL);
}

static void child_defaults(const struct init *in)
{
        sigset_t none;

        child_default_signals();
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        if (in->nofile.rlim_cur) /* else it is not known */
                (void) setrlimit(RLIMIT_NOFILE, &in->nofile);
}

/* slash: the last one of our own path, inside engine_beside; NULL when there is none. */
static void put_engine_name(char *slash)
{
        static const char name[] = "/coppice-engine";

        if (slash && (size_t) (slash - engine_beside) + sizeof name <= sizeof engine_beside)
                memcpy(slash, name, sizeof name);
        else
                engine_beside[0] = 0;
}

/* The engine lies beside us in a build tree and in images of one directory, else in PKGLIBEXECDIR. */
static void find_engine(const char *argv0)
{
        ssize_t n = readlink("/proc/self/exe", engine_beside, sizeof engine_beside - 1);
        const char *name = argv0;

        if (n <= 0) { /* no /proc (FAILURES J12) */
                if (getauxval(AT_EXECFN))
                        name = (const char *) getauxval(AT_EXECFN);
                n = (ssize_t) strnlen(name ? name : "", sizeof engine_beside - 1);
                if (n > 0)
                        memcpy(engine_beside, name, (size_t) n);
        }
        engine_beside[n] = 0;
        put_engine_name(strrchr(engine_beside, '/'));
}

/* The engine's descriptors lie where it looks for them; whatever else we have is closed by its exec. */
static int place_descriptors(const struct init *in, int journal)
{
        int sock = fcntl(in->theirs, F_DUPFD_CLOEXEC, INIT_JOURNAL_FD + 1);

        if (journal >= 0)
                journal = fcntl(journal, F_DUPFD_CLOEXEC, INIT_JOURNAL_FD + 1);
        if (sock < 0 || dup2(sock, INIT_ENGINE_FD) < 0)
                return -1;
        return journal >= 0 && dup2(journal, INIT_JOURNAL_FD) < 0 ? -1 : 0;
}

/* It has nothing but its arguments. Of one that has not worked before nobody wants to read the same again and again. */
static void run_alone(bool quiet)
{
        const int null = quiet ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (null >= 0 && dup2(null, 1) >= 0)
                (void) dup2(null, 2);
}

static _Noreturn void run_engine(const struct init *in, bool check, int given, int journal, int outside)
{
        static char name[] = "coppice-engine", check_argument[] = INIT_CHECK_ARGUMENT;
        static const char *const env_free[] = { NULL };
        char *const *env = environ ? environ : (char *const *) (uintptr_t) env_free;
        char *argv[256], unborn[24];
        int argc = 0, error;

        argv[argc++] = name;
        if (check)
                argv[argc++] = check_argument;
        for (char *const *a = in->argv[0] ? in->argv + 1 : in->argv; *a && argc < 255; a++)
                argv[argc++] = *a;
        argv[argc] = NULL;
        child_defaults(in);
        /* As the first engine, which was there before the bounds: services that have used up their tasks take none from
         * it and from what it starts. */
        if (outside >= 0)
                (void) !write(outside, "0", 1);
        /* A session of its own: Ctrl-C and signals to our process group reach the engine through us, once. */
        (void) setsid();
        if (given >= 0)
                given = fcntl(given, F_DUPFD_CLOEXEC, INIT_JOURNAL_FD + 1);
        (void) child_digits(unborn, in->unborn);
        if (in->booted && setenv(INIT_UNBORN, unborn, 1) == 0)
                env = environ;
        if (check) {
                run_alone(!check_speaks(in));
        } else if (place_descriptors(in, journal) < 0) {
                log_error("give the engine its descriptors: %s", strerror(errno));
                _exit(EXIT_STARTUP);
        }
        if (given >= 0)
                (void) syscall(SYS_execveat, given, "", argv, env, AT_EMPTY_PATH);
        if (engine_beside[0])
                (void) execve(engine_beside, argv, env);
        (void) execve(PKGLIBEXECDIR "/coppice-engine", argv, env);
        error = errno;
        log_error("execute %s or %s: %s", engine_beside, PKGLIBEXECDIR "/coppice-engine", strerror(error));
        _exit(in->booted ? INIT_ENGINE_ABSENT : EXIT_STARTUP);
}

int start_engine(struct init *in)
{
        /* Looked up here: a child does not inherit the table of the store. */
        const int given = store_find(&in->store, INIT_STORE_ENGINE);
        const int journal = store_find(&in->store, INIT_STORE_JOURNAL);
        const int outside = store_find(&in->store, INIT_STORE_OUTSIDE);
        const bool check = check_due(in);
        int error, back;
        pid_t pid = fork();

        if (pid < 0) {
                error = errno;
                back = bounds_leave(in, error);
                if (back < 0)
                        return -error;
                pid = fork();
                error = errno;
                if (pid != 0)
                        bounds_enter(in, back);
        }
        if (pid < 0)
                return -error;
        if (pid == 0)
                run_engine(in, check, given, journal, outside);
        in->engine_since = now_ms();
        if (check) {
                in->check = pid;
                return 0;
        }
        in->engine = pid;
        in->engines++;
        in->checked = false;
        in->hello_due = true;
        in->store.handed_out = UINT32_MAX; /* until it has been greeted */
        return 0;
}

static int make_pair(struct init *in)
{
        const int size = 4 << 20;
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return -errno;
        for (int i = 0; i < 2; i++) /* as root beyond the system's limit, else up to it */
                if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
                        (void) setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        in->sock = pair[0];
        in->theirs = pair[1];
        return 0;
}

/* The killer of processes that use too much memory should look elsewhere first (FAILURES D8); not allowed to everybody.
 * The engine inherits it, services get back what we were started with. */
static void less_likely_killed(struct init *in)
{
        static const char spared[] = "-900";
        char text[16];
        int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return;
        n = read(fd, text, sizeof text - 1);
        if (n > 0) {
                text[n] = 0;
                in->oom_before = atoi(text);
                if (in->oom_before > atoi(spared))
                        in->oom_lowered = pwrite(fd, spared, sizeof spared - 1, 0) > 0;
        }
        (void) close(fd);
}

/* The C library has the kernel write the number of the processor into each thread's memory whenever it changes: in us
 * and in each child that is a page copied for nothing. Nobody here asks for it. */
static void forget_processor(void)
{
#if defined RSEQ_SIG && defined __has_builtin
#if __has_builtin(__builtin_thread_pointer)
        if (__rseq_size > 0)
                (void) syscall(SYS_rseq, (char *) __builtin_thread_pointer() + __rseq_offset, 32, 1, RSEQ_SIG);
#endif
#endif
}

static int prepare(struct init *in)
{
        struct rlimit raised;
        sigset_t set;

        in->self = getpid();
        in->pid1 = in->self == 1;
        /* The keys of whoever started us are not for services (FAILURES E17); not to have any is fine. */
        (void) syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
        if (!in->pid1 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
                return -errno;
        /* Descriptors of ten thousand services end up in our store. */
        if (getrlimit(RLIMIT_NOFILE, &in->nofile) == 0) {
                raised = (struct rlimit) { in->nofile.rlim_max, in->nofile.rlim_max };
                (void) setrlimit(RLIMIT_NOFILE, &raised);
        }
        less_likely_killed(in);
        forget_processor();
        block_signals(&set);
        last_install_crash_handlers();
        in->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        in->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (in->signals < 0 || in->wake < 0)
                return -errno;
        in->landed = mmap(NULL, sizeof(uint32_t) * FLIGHT_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                          -1, 0);
        if ((void *) in->landed == MAP_FAILED)
                return -errno;
        spawn_probe(in);
        listeners_open(&in->listeners, in->use_shared_table); /* both are of 5.9 */
        slice_short();
        return make_pair(in);
}

int main(int argc, char *argv[])
{
        static struct init in = { .sock = -1, .theirs = -1 };
        int r;

        (void) argc;
        /* First thing of all: a SIGCHLD that is ignored would let the kernel throw statuses away (FAILURES A4). */
        child_default_signals();
        sanitise_descriptors();
        log_open("coppiced");
        log_nonblocking();
        in.argv = argv;
        find_engine(argv[0]);
        engine_patience(&in);
        r = prepare(&in);
        if (r == 0)
                r = start_engine(&in);
        if (r < 0) {
                log_error("start: %s", strerror(-r));
                return EXIT_STARTUP;
        }
        loop_run(&in);
}
