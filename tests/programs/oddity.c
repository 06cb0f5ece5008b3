/* oddity.c - processes in states that are rare, for the tests.
 *
 *      oddity leaderless         the first thread ends, another one goes on: the process is shown as a zombie and lives
 *      oddity may-trace          exit status 0 when a process that is no child can be traced here
 *      oddity hold PID           traces PID until its own standard input ends: when PID dies meanwhile, its parent does
 *                                not get to know; says "held" when it has begun and "died" when PID has *      oddity --check-state      what an engine is asked that is to take over: never answers
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *go_on(void *arg)
{
        (void) arg;
        for (;;)
                (void) pause();
        return NULL;
}

static int leaderless(void)
{
        pthread_t thread;

        if (pthread_create(&thread, NULL, go_on, NULL) != 0)
                return 1;
        (void) syscall(SYS_exit, 0); /* this thread alone */
        return 1;
}

static int hold(pid_t pid)
{
        siginfo_t info;
        char byte;

        if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
                return 1;
        (void) puts("held");
        (void) fflush(stdout);
        if (waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT) < 0) /* looked at, not taken */
                return 1;
        (void) puts("died");
        (void) fflush(stdout);
        return read(0, &byte, 1) < 0;
}

/* The two are siblings: whoever may trace only what it has forked may not. */
static int may_trace(void)
{
        int status = 1;
        pid_t traced = fork(), tracer;

        if (traced == 0)
                for (;;)
                        (void) pause();
        tracer = traced > 0 ? fork() : -1;
        if (tracer == 0)
                _exit(ptrace(PTRACE_SEIZE, traced, 0, 0) < 0);
        if (tracer > 0)
                (void) waitpid(tracer, &status, 0);
        if (traced > 0) {
                (void) kill(traced, SIGKILL);
                (void) waitpid(traced, NULL, 0);
        }
        return status != 0;
}

int main(int argc, char **argv)
{
        if (argc == 2 && strcmp(argv[1], "may-trace") == 0)
                return may_trace();
        if (argc == 2 && strcmp(argv[1], "leaderless") == 0)
                return leaderless();
        if (argc == 3 && strcmp(argv[1], "hold") == 0)
                return hold((pid_t) atoi(argv[2]));
        if (argc == 2 && strcmp(argv[1], "--check-state") == 0)
                (void) go_on(NULL);
        return 2;
}
