/* hungry.c - a program that takes more than it is given.
 *
 *      hungry touch SIZE            take SIZE bytes of memory, write to each page, wait for a signal
 *      hungry child SIZE            the same in a child; exit 137 when it was killed, 0 when not
 *      hungry worker SIZE FILE      the same, but go on when it was killed, having written "killed" to FILE
 *      hungry many N SIZE           N children of SIZE bytes each; exit 137 as soon as one was killed
 *      hungry forks N FILE          make N children that wait; write how many there are to FILE; wait
 *      hungry fail N                make N children that wait; exit 3 when that is not possible
 *      hungry bomb                  fork for ever, every process
 *      hungry spin                  use a processor
 *
 * SIZE in MiB. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void wait_for_ever(void)
{
        for (;;)
                (void) pause();
}

static void touch(const char *size)
{
        size_t n = strtoul(size, NULL, 10) << 20;
        volatile char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                exit(2);
        for (size_t i = 0; i < n; i += 4096)
                p[i] = 1;
}

static void write_file(const char *path, const char *text)
{
        FILE *f = fopen(path, "we");

        if (!f || fputs(text, f) < 0 || fclose(f) != 0)
                exit(2);
}

static pid_t touching_child(const char *size)
{
        pid_t pid = fork();

        if (pid == 0) {
                touch(size);
                _exit(0);
        }
        return pid;
}

static int many(int n, const char *size)
{
        int status;

        for (int i = 0; i < n; i++)
                (void) touching_child(size);
        while (wait(&status) > 0)
                if (WIFSIGNALED(status))
                        return 128 + WTERMSIG(status);
        return 0;
}

/* How many children that wait there are when it ends, at most n. */
static int forks(int n)
{
        int made = 0;

        for (; made < n; made++) {
                pid_t pid = fork();

                if (pid < 0)
                        break;
                if (pid == 0)
                        wait_for_ever();
        }
        return made;
}

int main(int argc, char **argv)
{
        const char *mode = argc > 1 ? argv[1] : "";
        char text[32];

        if (strcmp(mode, "touch") == 0 && argc == 3) {
                touch(argv[2]);
                wait_for_ever();
        } else if (strcmp(mode, "child") == 0 && argc == 3) {
                return many(1, argv[2]);
        } else if (strcmp(mode, "worker") == 0 && argc == 4) {
                if (many(1, argv[2]) == 128 + SIGKILL)
                        write_file(argv[3], "killed\n");
                wait_for_ever();
        } else if (strcmp(mode, "many") == 0 && argc == 4) {
                return many(atoi(argv[2]), argv[3]);
        } else if (strcmp(mode, "forks") == 0 && argc == 4) {
                (void) snprintf(text, sizeof text, "%d\n", forks(atoi(argv[2])));
                write_file(argv[3], text);
                wait_for_ever();
        } else if (strcmp(mode, "fail") == 0 && argc == 3) {
                return forks(atoi(argv[2])) == atoi(argv[2]) ? 0 : 3;
        } else if (strcmp(mode, "bomb") == 0) {
                for (;;)
                        (void) fork();
        } else if (strcmp(mode, "spin") == 0) {
                for (volatile unsigned long i = 0;; i++)
                        ;
        }
        return 2;
}
