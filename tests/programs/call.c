/* call.c - make system calls by name and tell what they answered, for tests of filters.
 *
 *      call [-t] [-f] [-32 NUMBER] [-outside WORD,WORD...] NAME[,ARGUMENT...]...
 *
 * One line each: "keyctl ok" or "keyctl EPERM". Arguments are numbers; "fd" stands for a descriptor of /dev/null, "map"
 * for a page of memory, "path" for a file below $W that is made. -t: from a second thread; -f: from a child, which is
 * waited for ("child SIGKILL"); -32: the call of that number of i386. -sys raises SIGSYS by itself.
 * -outside: every call that has a number here and is in none of these groups, each from a child of its own; says how many
 * children were killed and names those that were not. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "core/syscalls.h"

/* In a build with sanitizers: looking for leaks at the end takes system calls that filters forbid, and then never ends. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
        return "detect_leaks=0";
}

static char **rest;
static int rest_count;

static long argument(const char *text)
{
        static char path[300];

        if (strcmp(text, "fd") == 0)
                return open("/dev/null", O_RDWR | O_CLOEXEC);
        if (strcmp(text, "map") == 0)
                return (long) mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (strcmp(text, "path") == 0) {
                (void) snprintf(path, sizeof path, "%s/file-%d", getenv("W") ? getenv("W") : "/tmp", (int) getpid());
                return (long) path;
        }
        return strtol(text, NULL, 0);
}

static void one(const char *what)
{
        char copy[300];
        char *words[7] = { NULL }, *save = NULL;
        long args[6] = { 0 }, r;
        int index;

        (void) snprintf(copy, sizeof copy, "%s", what);
        words[0] = strtok_r(copy, ",", &save);
        for (int i = 1; words[0] && i < 7 && (words[i] = strtok_r(NULL, ",", &save)); i++)
                args[i - 1] = argument(words[i]);
        index = words[0] ? syscall_find(words[0]) : -1;
        if (index < 0 || syscall_number((size_t) index) < 0) {
                if (!words[0] || words[0][0] < '0' || words[0][0] > '9') {
                        printf("%s unknown\n", what);
                        return;
                }
                r = syscall(strtol(words[0], NULL, 0), args[0], args[1], args[2], args[3], args[4], args[5]);
        } else {
                r = syscall(syscall_number((size_t) index), args[0], args[1], args[2], args[3], args[4], args[5]);
        }
        printf("%s %s\n", words[0], r < 0 && r >= -4095 ? errno_name(errno) : "ok");
        (void) fflush(stdout);
}

static void *all(void *arg)
{
        for (int i = 0; i < rest_count; i++)
                one(rest[i]);
        return arg;
}

static void in_child(void)
{
        int status = 0;
        pid_t pid = fork();

        if (pid == 0) {
                (void) all(NULL);
                _exit(0);
        }
        (void) waitpid(pid, &status, 0);
        if (WIFSIGNALED(status))
                printf("child SIG%s\n", sigabbrev_np(WTERMSIG(status)));
        else
                printf("child %d\n", WEXITSTATUS(status));
        (void) fflush(stdout);
}

static void i386_call(long number)
{
#if defined(__x86_64__)
        long r;

        __asm__ volatile("int $0x80" : "=a"(r) : "a"(number), "b"(0), "c"(0), "d"(0) : "memory");
        printf("i386 %ld %s\n", number, r < 0 ? errno_name((int) -r) : "ok");
#else
        printf("i386 %ld ENOSYS\n", number);
#endif
        (void) fflush(stdout);
}

static bool inside[SYSCALLS_MAX];

static void mark(void *arg, size_t index)
{
        (void) arg;
        inside[index] = true;
}

static void outside(char *words)
{
        char *save = NULL;
        int killed = 0;

        for (char *w = strtok_r(words, ",", &save); w; w = strtok_r(NULL, ",", &save))
                (void) syscall_each(w, mark, NULL);
        for (size_t i = 0; i < syscall_count(); i++) {
                int status = 0, number = syscall_number(i);
                pid_t pid = inside[i] || number < 0 ? 0 : fork();

                if (inside[i] || number < 0)
                        continue;
                if (pid == 0) {
                        (void) syscall(number, -1, -1, -1, -1, -1, -1);
                        _exit(0);
                }
                (void) waitpid(pid, &status, 0);
                if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGSYS))
                        killed++;
                else
                        printf("%s was not ended\n", syscall_name(i));
        }
        printf("killed %d\n", killed);
        (void) fflush(stdout);
}

int main(int argc, char **argv)
{
        bool thread = false, child = false;
        pthread_t t;
        int at = 1;

        for (; at < argc && argv[at][0] == '-'; at++) {
                thread |= strcmp(argv[at], "-t") == 0;
                child |= strcmp(argv[at], "-f") == 0;
                if (strcmp(argv[at], "-sys") == 0)
                        (void) raise(SIGSYS);
                if (strcmp(argv[at], "-outside") == 0 && at + 1 < argc)
                        outside(argv[++at]);
                else if (strcmp(argv[at], "-32") == 0 && at + 1 < argc)
                        i386_call(strtol(argv[++at], NULL, 0));
        }
        rest = argv + at;
        rest_count = argc - at;
        if (child)
                in_child();
        else if (!thread)
                (void) all(NULL);
        else if (pthread_create(&t, NULL, all, NULL) == 0)
                (void) pthread_join(t, NULL);
        printf("end\n");
        return 0;
}
