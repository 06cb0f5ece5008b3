/* malloc.c - does a step of the core take memory? The linker sends every allocation of the program's own objects
 * here (-Wl,--wrap=...); those the C library makes for itself do not count. */
#include <stdlib.h>

#include "witness.h"

static bool watching;
static unsigned count;

void allocations_watch(bool on)
{
        watching = on;
        if (on)
                count = 0;
}

unsigned allocations_seen(void)
{
        return count;
}

#define WRAP(type, name, params, args) \
        type __real_##name params; \
        type __wrap_##name params; \
        type __wrap_##name params \
        { \
                count += watching; \
                return __real_##name args; \
        }

WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, (void *p, size_t n), (p, n))
WRAP(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
WRAP(char *, strdup, (const char *s), (s))
WRAP(char *, strndup, (const char *s, size_t n), (s, n))
