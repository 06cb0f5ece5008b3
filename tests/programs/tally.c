/* tally.c - a life that is counted and over at once. The lives of all are counted in the file "tally" of the working
 * directory; those from a certain one on, which stands there too, write their pid into the pipe "rests" and stay. Without
 * the start of a C library, which would take longer than a life. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct tally { int64_t lives, rest_from; };

_Noreturn void _start(void);

/* The pipe has a reader and room. */
static void rest(void)
{
        int64_t pid = syscall(SYS_getpid);
        long pipe = syscall(SYS_openat, AT_FDCWD, "rests", O_WRONLY);

        (void) syscall(SYS_write, pipe, &pid, sizeof pid);
        for (;;)
                (void) syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

void _start(void)
{
        long file = syscall(SYS_openat, AT_FDCWD, "tally", O_RDWR);
        struct tally *t = (void *) syscall(SYS_mmap, NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0L);

        if (file >= 0 && __atomic_add_fetch(&t->lives, 1, __ATOMIC_SEQ_CST) >= __atomic_load_n(&t->rest_from, __ATOMIC_SEQ_CST))
                rest();
        _exit(0);
}
