/* cleanup.h - ownership by attribute: what a function owns is freed when it leaves scope.
 * May be used by: everything.  May use: libc only. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_freep(void *p)
{
        free(*(void **) p);
}

static inline void cleanup_closep(int *fd)
{
        int saved = errno;

        if (*fd >= 0)
                (void) close(*fd);
        errno = saved;
}

static inline void cleanup_fclosep(FILE **f)
{
        if (*f)
                (void) fclose(*f);
}

#define autofree   __attribute__((cleanup(cleanup_freep)))
#define autoclose  __attribute__((cleanup(cleanup_closep)))
#define autofclose __attribute__((cleanup(cleanup_fclosep)))

/* Hand a descriptor out of an autoclose variable: returns it and leaves -1 behind. */
static inline int fd_steal(int *fd)
{
        int stolen = *fd;

        *fd = -1;
        return stolen;
}

/* Close a descriptor and forget it; errno is kept. -1 is fine. */
static inline void fd_close(int *fd)
{
        cleanup_closep(fd);
        *fd = -1;
}

/* Hand a heap pointer out of an autofree variable. */
#define ptr_steal(p) ({ __typeof__(p) _stolen = (p); (p) = NULL; _stolen; })

#define container_of(ptr, type, member) ((type *) (void *) ((char *) (ptr) - offsetof(type, member)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
