/* main.c - every fallible system call of the daemon fails in turn, with each plausible error (FAILURES M4; I2 to I5, F2, G9).
 *
 *      faults [--all] [--part I/N] [--only POINT] [--keep] [--list] [--each] PROGRAM...
 *      PROGRAM: init, engine, logd, child; next: the engine that takes over from one that was killed; engine-memory,
 *      logd-memory, next-memory: allocations fail instead; for these coppiced has to lie in tests/faults/memory of the build,
 *      and only the places and --part, --all and --only are as below.
 *
 * Without --all each place in a program that makes a call fails the first time it is reached, once, with the first of its
 * errors; with it, also the second and the last time, with every error, and for a while as well as once. --part takes
 * one of N shares of these points: a point is always in the same share, whatever else a run of the same programs has met.
 * --only takes one, --keep leaves its files where they are, and --each says what became of each. */
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"

enum { MEASURES = 3 };

struct run {
        struct world world;
        bool all, keep, list, each;
        int only;                  /* of the points, this one; -1 = all */
        unsigned part, parts;
        unsigned point;            /* counted through */
        unsigned count[VERDICT_COUNT];
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
        (void) st;
        (void) kind;
        (void) at;
        return remove(path);
}

static enum verdict one_life(struct run *r)
{
        struct trace *t = r->world.trace;
        enum verdict v;

        t->hit = t->ended = t->target_ended = t->over = false;
        t->failed = t->left = t->site_count = 0;
        t->init = t->target = 0;
        t->broken[0] = '\0';
        (void) snprintf(r->world.dir, sizeof(r->world.dir), "/tmp/coppice-faults.XXXXXX");
        if (!mkdtemp(r->world.dir) || chmod(r->world.dir, 0755) < 0) {
                (void) snprintf(r->world.why, sizeof(r->world.why), "no room for the run: %s", strerror(errno));
                return VERDICT_WRONG;
        }
        v = world_run(&r->world);
        if (!r->keep || (v < VERDICT_REFUSED && r->only < 0))
                (void) nftw(r->world.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        return v;
}

/* By what the point is, not by its number: no two runs find the same number of places. */
static unsigned part_of(const struct run *r, const struct site *site, uint32_t which, int error, bool lasting)
{
        const uint32_t words[] = { (uint32_t) site->call, site->frames[0], site->frames[1], site->frames[2], site->frames[3],
                                   which < 2 ? which : 2, (uint32_t) error, lasting };
        uint32_t h = 2166136261U;

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                for (int k = 0; k < 32; k += 8)
                        h = (h ^ ((words[i] >> k) & 0xff)) * 16777619U;
        return (h ^ h >> 16) % r->parts;
}

static void fail_at(struct run *r, enum program program, const struct site *site, uint32_t which, int error, bool lasting)
{
        struct trace *t = r->world.trace;
        enum verdict v;

        r->point++;
        if (part_of(r, site, which, error, lasting) != r->part || (r->only >= 0 && (unsigned) r->only != r->point - 1))
                return;
        t->program = program;
        t->wanted = *site;
        t->which = which;
        t->error = error;
        t->lasting = lasting;
        v = r->list ? VERDICT_MISSED : one_life(r);
        r->count[v]++;
        if (v != VERDICT_WRONG && !r->list && r->only < 0 && !r->each)
                return;
        printf("# %s, point %u: %s: %s %s, time %u, ", program_names[program], r->point - 1, verdict_names[v], strerrorname_np(error),
               lasting ? "for a while" : "once", which + 1);
        site_print(stdout, site);
        printf(": %s%s%s\n", r->world.why, r->keep ? "; see " : "", r->keep ? r->world.dir : "");
        (void) fflush(stdout);
}

static void fail_site(struct run *r, enum program program, const struct site *site)
{
        const uint32_t when[] = { 0, 1, site->times - 1 };

        for (int e = 0; site->errors[e] && (e == 0 || r->all); e++)
                for (int k = 0; k < (r->all ? 3 : 1); k++) {
                        if (k > 0 && (when[k] <= when[k - 1] || when[k] >= site->times))
                                continue;
                        fail_at(r, program, site, when[k], site->errors[e], false);
                        if (r->all)
                                fail_at(r, program, site, when[k], site->errors[e], true);
                }
}

static bool summary(const struct run *r, enum program program, unsigned places)
{
        printf("# %s: %u places, %u points:", program_names[program], places, r->point);
        for (int i = 0; i < VERDICT_COUNT; i++)
                printf(" %s %u", verdict_names[i], r->count[i]);
        printf("\n");
        (void) fflush(stdout);
        return r->count[VERDICT_WRONG] == 0;
}

/* What one life has met goes to what others have: no two meet the same. */
static uint32_t gather(struct site *sites, uint32_t count, const struct trace *t)
{
        for (uint32_t i = 0; i < t->site_count; i++) {
                const struct site *s = &t->sites[i];
                uint32_t k = 0;

                while (k < count && !(sites[k].call == s->call && memcmp(sites[k].frames, s->frames, sizeof(s->frames)) == 0))
                        k++;
                if (k == SITES_MAX)
                        continue;
                if (k == count)
                        sites[count++] = *s;
                if (sites[k].times < s->times)
                        sites[k].times = s->times;
        }
        return count;
}

static bool fail_program(struct run *r, enum program program)
{
        static struct site sites[SITES_MAX];
        struct trace *t = r->world.trace;
        uint32_t count = 0;

        t->program = program;
        t->wanted = (struct site) { .call = -1 };
        r->world.measured = false;
        memset(r->world.fds, 0, sizeof(r->world.fds));
        for (int i = 0; i < MEASURES; i++) {
                if (one_life(r) >= VERDICT_AGAIN) {
                        printf("# %s, nothing fails: %s\n", program_names[program], r->world.why);
                        return false;
                }
                count = gather(sites, count, t);
        }
        r->world.measured = true;
        memset(r->count, 0, sizeof(r->count));
        r->point = 0;
        for (uint32_t i = 0; i < count; i++)
                fail_site(r, program, &sites[i]);
        return summary(r, program, count);
}

/* --- memory -------------------------------------------------------------------------------------------------------- */

/* The number that memory.c has left in a file, -1 when there is none. */
static int left_in(const struct run *r, const char *what)
{
        char path[300];
        int n = -1;
        FILE *f;

        (void) snprintf(path, sizeof(path), "%s/point.%s", r->world.daemon, what);
        f = fopen(path, "re");
        if (f && fscanf(f, "%d", &n) != 1)
                n = -1;
        if (f)
                (void) fclose(f);
        (void) unlink(path);
        return n;
}

/* For the next engine the file has its name when that one is to come: see world.c. */
static enum verdict memory_life(struct run *r, enum program program, int site, int time)
{
        char path[300];
        enum verdict v;
        FILE *f;

        (void) left_in(r, "over");
        (void) snprintf(path, sizeof(path), "%s/point%s", r->world.daemon, program == PROGRAM_NEXT_MEMORY ? ".later" : "");
        f = fopen(path, "we");
        if (!f)
                return VERDICT_WRONG;
        (void) fprintf(f, "%s %d %d\n", program == PROGRAM_LOGD_MEMORY ? "coppice-logd" : "coppice-engine", site, time);
        (void) fclose(f);
        r->world.trace->program = program;
        r->world.trace->wanted = (struct site) { .call = -1 };
        r->world.trace->error = ENOMEM;
        v = one_life(r);
        return left_in(r, "hit") < 0 && site >= 0 && v < VERDICT_AGAIN ? VERDICT_MISSED : v;
}

/* Each place that asks for memory is refused it the first time, with --all the second and third time as well. */
static bool fail_memory(struct run *r, enum program program)
{
        int sites = 0;

        memset(r->count, 0, sizeof(r->count));
        memset(r->world.fds, 0, sizeof(r->world.fds));
        r->world.measured = false;
        for (int i = 0; i < MEASURES; i++)
                if (memory_life(r, program, -1, 0) >= VERDICT_AGAIN || (sites = left_in(r, "sites")) <= 0) {
                        printf("# %s, nothing fails: %s\n", program_names[program], r->world.why);
                        return false;
                }
        r->world.measured = true;
        r->point = 0;
        for (int site = 0; site < sites; site++)
                for (int time = 0; time < (r->all ? 3 : 1); time++) {
                        enum verdict v;

                        if (r->point++ % r->parts != r->part || (r->only >= 0 && (unsigned) r->only != r->point - 1))
                                continue;
                        v = memory_life(r, program, site, time);
                        r->count[v]++;
                        if (v == VERDICT_WRONG || r->only >= 0)
                                printf("# %s, point %u: %s: place %d, time %d: %s%s%s\n", program_names[program], r->point - 1, verdict_names[v], site,
                                       time + 1, r->world.why, r->keep ? "; see " : "", r->keep ? r->world.dir : "");
                        (void) fflush(stdout);
                }
        return summary(r, program, (unsigned) sites);
}

static int usage(void)
{
        (void) fprintf(stderr, "usage: faults [--all] [--part I/N] [--keep] [--list] [--each] [--only POINT] init|engine|logd|next|child|engine-memory|logd-memory|next-memory...\n");
        return 2;
}

static bool by_name(struct run *r, const char *name)
{
        static char daemon[280];

        (void) snprintf(daemon, sizeof(daemon), "%s/tests/faults/memory", r->world.build);
        for (int p = 0; p < PROGRAM_END; p++) {
                if (strcmp(name, program_names[p]) != 0)
                        continue;
                r->world.daemon = p < PROGRAM_COUNT ? r->world.build : daemon;
                if (p < PROGRAM_COUNT)
                        return fail_program(r, (enum program) p);
                return fail_memory(r, (enum program) p);
        }
        return usage() == 0;
}

int main(int argc, char **argv)
{
        struct run r = { .parts = 1, .only = -1, .world = { .build = getenv("COPPICE_BUILD") } };
        bool fine = true;
        int i = 1;

        for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
                if (strcmp(argv[i], "--all") == 0)
                        r.all = true;
                else if (strcmp(argv[i], "--keep") == 0)
                        r.keep = true;
                else if (strcmp(argv[i], "--list") == 0)
                        r.list = true;
                else if (strcmp(argv[i], "--each") == 0)
                        r.each = true;
                else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
                        r.only = atoi(argv[++i]);
                else if (strcmp(argv[i], "--possible") == 0)
                        return trace_possible() ? 0 : 1;
                else if (strcmp(argv[i], "--part") != 0 || i + 1 >= argc || sscanf(argv[++i], "%u/%u", &r.part, &r.parts) != 2 || !r.parts)
                        return usage();
        }
        if (i == argc || !r.world.build)
                return usage();
        r.world.trace = mmap(NULL, sizeof(*r.world.trace), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (r.world.trace == MAP_FAILED)
                return 1;
        (void) setenv("COPPICE_ENGINE_PAUSE_MAX_MS", "1", 1);
        (void) setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* that traces, too, and there can be one only */
        for (; i < argc; i++)
                fine = by_name(&r, argv[i]) && fine;
        return fine ? 0 : 1;
}
