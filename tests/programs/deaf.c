/* deaf.c - a service one of whose processes loses the first TERM, as a child of a shell may before it has called exec.
 *
 *      deaf LOG GATE
 *
 * Its main process ends after TERM, once somebody has written to the FIFO GATE; its helper ends at the second TERM. LOG
 * gets a line for each of "up", "lost", "main" and "heard". */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void note(int log, const char *line)
{
        if (write(log, line, strlen(line)) < 0)
                _exit(1);
}

/* TERM is blocked: one that came before this call is found here. */
static void wait_for_term(const sigset_t *term)
{
        int sig;

        if (sigwait(term, &sig) != 0)
                _exit(1);
}

static int helper(int log, const sigset_t *term)
{
        wait_for_term(term);
        note(log, "lost\n");
        wait_for_term(term);
        note(log, "heard\n");
        return 0;
}

int main(int argc, char **argv)
{
        int log = argc == 3 ? open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666) : -1, gate;
        sigset_t term;
        pid_t pid;
        char c;

        if (log < 0) {
                (void) fprintf(stderr, "usage: deaf LOG GATE\n");
                return 2;
        }
        (void) sigemptyset(&term);
        (void) sigaddset(&term, SIGTERM);
        (void) sigprocmask(SIG_BLOCK, &term, NULL);
        pid = fork();
        if (pid == 0)
                return helper(log, &term);
        note(log, "up\n");
        wait_for_term(&term);
        gate = open(argv[2], O_RDONLY | O_CLOEXEC);
        if (pid < 0 || gate < 0 || read(gate, &c, 1) != 1)
                return 1;
        note(log, "main\n");
        return 0;
}
