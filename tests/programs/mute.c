/* mute.c - keep init from saying that it has started a process, for as long as a command runs.
 *
 *      mute INIT BEGIN COMMAND
 *
 * Runs BEGIN, which has INIT start a process; INIT goes on until it has forked and is about to send a message. There it is
 * held until COMMAND has ended. Both are lines for a shell. The exit status is COMMAND's; 1 when INIT cannot be traced. */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int shell(const char *command)
{
        int status = system(command);

        return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static bool forks(uint64_t call)
{
        switch (call) {
        case SYS_clone:
        case SYS_clone3:
#ifdef SYS_fork
        case SYS_fork:
        case SYS_vfork:
#endif
                return true;
        default:
                return false;
        }
}

/* On to the next entry into a system call or return from one; what else stops it is handed on. */
static bool next_stop(pid_t pid, struct __ptrace_syscall_info *ret)
{
        int status, sig = 0;

        do {
                if (ptrace(PTRACE_SYSCALL, pid, 0, sig) < 0 || waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
                        return false;
                sig = status >> 16 ? 0 : WSTOPSIG(status);
        } while (WSTOPSIG(status) != (SIGTRAP | 0x80));
        return ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(*ret), ret) > 0;
}

static bool about_to_tell(pid_t pid)
{
        struct __ptrace_syscall_info info;
        bool forking = false, forked = false;

        while (next_stop(pid, &info))
                if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
                        forked = forked || (forking && info.exit.rval > 0);
                } else {
                        forking = forks(info.entry.nr);
                        if (forked && info.entry.nr == SYS_sendmsg)
                                return true;
                }
        return false;
}

int main(int argc, char **argv)
{
        pid_t pid = argc == 4 ? (pid_t) atoi(argv[1]) : 0;
        int status;

        if (pid <= 1 || ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 ||
            waitpid(pid, &status, __WALL) != pid || shell(argv[2]) != 0 || !about_to_tell(pid)) {
                perror("mute");
                return 1;
        }
        status = shell(argv[3]);
        (void) ptrace(PTRACE_DETACH, pid, 0, 0);
        return status;
}
