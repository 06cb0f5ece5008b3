/* memory.c - linked into the engine or the log writer in place of what gives memory (ld --wrap): one allocation fails.
 *
 * The file `point` beside the program has "PROGRAM SITE TIME": in that program the SITE-th place that asks for memory, in the order in
 * which they are first come by, gets none the TIME-th time it asks. The file is removed by who has read it, so that the
 * next engine has all it wants. How many places there are is left in point.sites, and point.hit when one has failed. Places
 * that are first come by when there is a file point.over do not count. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLACES_MAX = 4096 };

static struct {
        bool on;
        int site, time;
        int count;               /* places seen */
        int times;               /* the place in question was come by so often */
        bool hit;
        const void *places[PLACES_MAX];
        char path[256];
} m;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t n);

static void leave(const char *what, int value)
{
        char path[300], text[16];
        int fd;

        (void) snprintf(path, sizeof(path), "%s.%s", m.path, what);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                return;
        (void) !write(fd, text, (size_t) snprintf(text, sizeof(text), "%d\n", value));
        (void) close(fd);
}

__attribute__((constructor)) static void begin(void)
{
        ssize_t n = readlink("/proc/self/exe", m.path, sizeof(m.path) - 16);
        char *slash = n > 0 ? strrchr(m.path, '/') : NULL, program[64];
        FILE *f;

        if (!slash)
                return;
        memcpy(slash, "/point", sizeof("/point"));
        f = fopen(m.path, "re");
        if (!f)
                return;
        m.on = fscanf(f, "%63s %d %d", program, &m.site, &m.time) == 3 && strcmp(program, program_invocation_short_name) == 0;
        (void) fclose(f);
        if (!m.on)
                return;
        (void) unlink(m.path);
}

static bool over(void)
{
        char path[300];

        (void) snprintf(path, sizeof(path), "%s.over", m.path);
        return access(path, F_OK) == 0;
}

static bool refused(const void *place)
{
        int i = 0;

        if (!m.on || m.hit)
                return false;
        while (i < m.count && m.places[i] != place)
                i++;
        if (i == m.count && m.count < PLACES_MAX) {
                if (over()) {
                        m.on = false;
                        return false;
                }
                m.places[m.count++] = place;
                leave("sites", m.count);
        }
        if (i != m.site || m.times++ != m.time)
                return false;
        m.hit = true;
        leave("hit", i);
        errno = ENOMEM;
        return true;
}

#define HERE __builtin_return_address(0)

void *__wrap_malloc(size_t n) { return refused(HERE) ? NULL : __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t size) { return refused(HERE) ? NULL : __real_calloc(n, size); }
void *__wrap_realloc(void *p, size_t n) { return refused(HERE) ? NULL : __real_realloc(p, n); }
void *__wrap_reallocarray(void *p, size_t n, size_t size) { return refused(HERE) ? NULL : __real_reallocarray(p, n, size); }
char *__wrap_strdup(const char *text) { return refused(HERE) ? NULL : __real_strdup(text); }
char *__wrap_strndup(const char *text, size_t n) { return refused(HERE) ? NULL : __real_strndup(text, n); }
