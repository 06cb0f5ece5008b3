/* replay.c - run a fuzz target without libFuzzer: every file of its corpus, then as many inputs again made from them
 * by cutting, joining and flipping, always the same ones. `make check` runs this; --enable-fuzzing links libFuzzer
 * instead.
 *
 *     fuzz_unit_text [--runs N] [--seed N] [FILE...]      FILE: only these, as they are */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILES_MAX = 256, SIZE_MAX_REPLAYED = 65536 };

struct input {
        uint8_t *data;
        size_t size;
};

struct corpus {
        struct input files[FILES_MAX];
        size_t count;
};

static int read_file(const char *path, struct input *ret)
{
        autofclose FILE *f = fopen(path, "rb");
        struct input in = { .data = malloc(1 << 20) };

        if (!f || !in.data) {
                free(in.data);
                return -1;
        }
        in.size = fread(in.data, 1, 1 << 20, f);
        *ret = in;
        return 0;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* In the order of the names, so that a seed means the same everywhere. */
static int read_dir(const char *path, struct corpus *c)
{
        char *names[FILES_MAX];
        size_t n = 0;
        const struct dirent *de;
        DIR *d = opendir(path);

        if (!d)
                return -1;
        while ((de = readdir(d)) && n < FILES_MAX)
                if (de->d_name[0] != '.')
                        names[n++] = strdup(de->d_name);
        (void) closedir(d);
        qsort(names, n, sizeof(*names), compare_names);
        for (size_t i = 0; i < n; i++) {
                char full[8192];

                (void) snprintf(full, sizeof(full), "%s/%s", path, names[i]);
                if (read_file(full, &c->files[c->count]) == 0)
                        c->count++;
                free(names[i]);
        }
        return 0;
}

static uint64_t state;

static size_t random_below(size_t n)
{
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return n ? (size_t) (state % n) : 0;
}

/* A piece of one file, or of another, or a flipped byte. */
static size_t mutate(const struct corpus *c, uint8_t *out)
{
        const struct input *base = &c->files[random_below(c->count)];
        size_t size = base->size < SIZE_MAX_REPLAYED / 2 ? base->size : SIZE_MAX_REPLAYED / 2;

        memcpy(out, base->data, size);
        for (size_t i = 1 + random_below(4); i > 0; i--) {
                const struct input *other = &c->files[random_below(c->count)];
                size_t from = random_below(other->size), n = random_below(other->size - from < 64 ? other->size - from : 64);
                size_t at = random_below(size);

                switch (random_below(4)) {
                case 0: /* put a piece in */
                        memmove(out + at + n, out + at, size - at);
                        memcpy(out + at, other->data + from, n);
                        size += n;
                        break;
                case 1: /* take a piece out */
                        n = random_below(size - at < 32 ? size - at : 32);
                        memmove(out + at, out + at + n, size - at - n);
                        size -= n;
                        break;
                case 2:
                        if (size)
                                out[at] ^= (uint8_t) (1U << random_below(8));
                        break;
                default:
                        if (size)
                                out[at] = (uint8_t) random_below(256);
                        break;
                }
        }
        return size;
}

int main(int argc, char **argv)
{
        static uint8_t scratch[SIZE_MAX_REPLAYED];
        const char *source = getenv("COPPICE_SOURCE");
        struct corpus *c = calloc(1, sizeof(*c));
        unsigned long runs = 20000;
        char dir[4096];
        bool given = false;

        state = UINT64_C(88172645463325252);
        if (!c)
                return 99;
        for (int i = 1; i < argc; i++) {
                if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc) {
                        runs = strtoul(argv[++i], NULL, 10);
                } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
                        state ^= strtoull(argv[++i], NULL, 10) * UINT64_C(2654435761);
                } else if (c->count < FILES_MAX && read_file(argv[i], &c->files[c->count]) == 0) {
                        c->count++;
                        given = true;
                }
        }
        (void) snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s", source ? source : ".", FUZZ_NAME);
        if (!given && (read_dir(dir, c) < 0 || c->count == 0)) {
                (void) printf("1..1\nnot ok 1 - no corpus in %s\n", dir);
                return 1;
        }
        (void) printf("1..2\n");
        for (size_t i = 0; i < c->count; i++)
                (void) LLVMFuzzerTestOneInput(c->files[i].data, c->files[i].size);
        (void) printf("ok 1 - %zu files of the corpus of %s\n", c->count, FUZZ_NAME);
        for (unsigned long i = 0; !given && i < runs; i++) {
                size_t n = mutate(c, scratch);
                uint8_t *exact = malloc(n + 1); /* so that a sanitizer sees one byte too far */

                if (!exact)
                        return 99;
                memcpy(exact, scratch, n);
                (void) LLVMFuzzerTestOneInput(exact, n);
                free(exact);
        }
        (void) printf("ok 2 - %lu inputs made from them\n", given ? 0 : runs);
        for (size_t i = 0; i < c->count; i++)
                free(c->files[i].data);
        free(c);
        return 0;
}
