/* memfile.h - a file that lives in memory and only grows: the journal's (proto/journal.h says what is in it).
 *
 * Written with pwrite and not through a mapping: what is in it cannot be damaged by a stray pointer of ours, and a
 * system without memory left answers with an error instead of a signal.
 * May be used by: daemon, tests.  May use: base. */
#ifndef OS_MEMFILE_H
#define OS_MEMFILE_H

#include <stddef.h>
#include <stdint.h>

/* A new one, owned by the caller; -errno. */
int memfile_make(const char *name);

/* All n bytes at `at`: 0 or -errno; never some of them and success. */
int memfile_write(int fd, uint64_t at, const void *bytes, size_t n);

/* What lies in [from, to) is not needed any more: its memory goes back, its place stays. */
void memfile_drop(int fd, uint64_t from, uint64_t to);

/* Cut it off at `size`. */
int memfile_cut(int fd, uint64_t size);

/* Look at it from `from` to its end, read only; memfile_unmap() when done. *ret_size 0: nothing there. -errno. */
int memfile_map(int fd, uint64_t from, const void **ret, size_t *ret_size);
void memfile_unmap(const void *bytes, size_t size, uint64_t from);

#endif
