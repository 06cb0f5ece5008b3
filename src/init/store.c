/* store.c - descriptors that outlive an engine, by name. See init.h.
 *
 * The table is one anonymous mapping that children do not inherit, so it adds nothing to the cost of a fork. */
#include "init/init.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint32_t hash_of(const char *name)
{
        uint32_t h = 2166136261U; /* FNV-1a */

        while (*name)
                h = (h ^ (unsigned char) *name++) * 16777619U;
        return h;
}

static uint32_t find(const struct store *s, const char *name)
{
        uint32_t h = hash_of(name);

        for (uint32_t i = 0; i < s->count; i++)
                if (s->hashes[i] == h && strcmp(s->entries[i].name, name) == 0)
                        return i;
        return UINT32_MAX;
}

void *table_resize(void *old, size_t old_size, size_t size)
{
        void *p = old ? mremap(old, old_size, size, MREMAP_MAYMOVE)
                      : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                return NULL;
        (void) madvise(p, size, MADV_DONTFORK);
        return p;
}

static int grow(struct store *s)
{
        uint32_t room = s->room ? s->room * 2 : 1024; /* whole pages of hashes */
        void *p;

        p = table_resize(s->hashes, s->room * sizeof *s->hashes, room * sizeof *s->hashes);
        if (!p)
                return -ENOMEM;
        s->hashes = p;
        p = table_resize(s->entries, s->room * sizeof *s->entries, room * sizeof *s->entries);
        if (!p) {
                if (s->room) /* shrinking to whole pages does not fail */
                        s->hashes = table_resize(s->hashes, room * sizeof *s->hashes, s->room * sizeof *s->hashes);
                return -ENOMEM;
        }
        s->entries = p;
        s->room = room;
        return 0;
}

int move_high(int fd)
{
        int high = fcntl(fd, F_DUPFD_CLOEXEC, STORE_BASE);

        if (high < 0)
                return fd;
        (void) close(fd);
        return high;
}

int store_put(struct store *s, const char *name, int fd)
{
        uint32_t i = find(s, name);

        if (i != UINT32_MAX) {
                (void) close(s->entries[i].fd);
                s->entries[i].fd = move_high(fd);
                return 0;
        }
        if (s->count == s->room && grow(s) < 0) {
                (void) close(fd);
                return -ENOMEM;
        }
        i = s->count++;
        s->hashes[i] = hash_of(name);
        s->entries[i].fd = move_high(fd);
        memcpy(s->entries[i].name, name, strlen(name) + 1);
        return 0;
}

void store_drop(struct store *s, const char *name)
{
        uint32_t i = find(s, name), last = s->count - 1;

        if (i == UINT32_MAX)
                return;
        (void) close(s->entries[i].fd);
        s->entries[i] = s->entries[last];
        s->hashes[i] = s->hashes[last];
        s->count--;
}

int store_find(const struct store *s, const char *name)
{
        uint32_t i = find(s, name);

        return i == UINT32_MAX ? -1 : s->entries[i].fd;
}
