/* memfile.c - see memfile.h. */
#include "os/memfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int memfile_make(const char *name)
{
        int fd = memfd_create(name, MFD_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

int memfile_write(int fd, uint64_t at, const void *bytes, size_t n)
{
        const char *p = bytes;

        while (n > 0) {
                ssize_t done = pwrite(fd, p, n, (off_t) at);

                if (done < 0 && errno == EINTR)
                        continue;
                if (done <= 0)
                        return done < 0 ? -errno : -ENOSPC;
                p += done;
                at += (uint64_t) done;
                n -= (size_t) done;
        }
        return 0;
}

void memfile_drop(int fd, uint64_t from, uint64_t to)
{
        if (to > from)
                (void) fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t) from, (off_t) (to - from));
}

int memfile_cut(int fd, uint64_t size)
{
        return ftruncate(fd, (off_t) size) < 0 ? -errno : 0;
}

/* Mappings begin at a page. */
static uint64_t page_of(uint64_t at)
{
        return at & ~((uint64_t) sysconf(_SC_PAGESIZE) - 1);
}

int memfile_map(int fd, uint64_t from, const void **ret, size_t *ret_size)
{
        uint64_t begin = page_of(from);
        struct stat st;
        void *p;

        if (fstat(fd, &st) < 0)
                return -errno;
        *ret = NULL;
        *ret_size = 0;
        if ((uint64_t) st.st_size <= from)
                return 0;
        p = mmap(NULL, (size_t) ((uint64_t) st.st_size - begin), PROT_READ, MAP_SHARED | MAP_POPULATE, fd,
                 (off_t) begin);
        if (p == MAP_FAILED)
                return -errno;
        *ret = (const char *) p + (from - begin);
        *ret_size = (size_t) ((uint64_t) st.st_size - from);
        return 0;
}

void memfile_unmap(const void *bytes, size_t size, uint64_t from)
{
        uint64_t before = from - page_of(from);

        if (bytes)
                (void) munmap((char *) (uintptr_t) bytes - before, size + before);
}
