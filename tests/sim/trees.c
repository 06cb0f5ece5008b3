/* trees.c - throw random mishaps at random trees and look on.
 *
 *     trees [--events N] [--seconds N] [--seed S] [--break NAME] [--print]
 *
 *   --events N    until the core has taken N steps (default 10^6); every run has the next seed
 *   --seconds N   at most so long, even if fewer events were played
 *   --seed S      the first seed (default 1). A failure prints its own: `trees --seed S --events 1` replays it.
 *   --break NAME  make a mistake on purpose (see mutants in witness.c): the invariants must find it
 *   --print       tell the story of the first seed and stop
 *
 * Prints TAP, an invariant a line. A failure is cut down to the fewest lines and units that still fail and printed
 * as units and a script for `coppicectl simulate`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "scenario.h"

struct options {
        uint64_t events, seed;
        time_t seconds;
        enum mutant mutant;
        bool print;
};

enum { STORY_MAX = 200 };

static void show_line(void *arg, const char *text)
{
        static unsigned lines;

        (void) arg;
        lines++;
        if (lines <= STORY_MAX)
                printf("# %s\n", text);
        else if (lines == STORY_MAX + 1)
                printf("# ... (--print tells all)\n");
}

static void show_every_line(void *arg, const char *text)
{
        (void) arg;
        printf("# %s\n", text);
}

static void report(uint64_t seed, const struct outcome *o, enum mutant mutant)
{
        static struct scenario s;

        scenario_random(&s, seed);
        printf("# seed %llu: %s: %s\n", (unsigned long long) seed, o->broken, o->detail);
        fflush(stdout);
        scenario_shrink(&s, o->broken, mutant);
        scenario_print(&s);
        printf("# its story:\n");
        (void) scenario_run(&s, mutant, show_line);
        fflush(stdout);
}

static const char *sentence(size_t i)
{
        const struct invariant *lists[] = { action_invariants, state_invariants, final_invariants };

        for (size_t l = 0; l < 3; l++) {
                for (size_t k = 0; lists[l][k].sentence; k++)
                        if (i-- == 0)
                                return lists[l][k].sentence;
        }
        return i == 0 ? "once faults stop, the tree comes to rest within its time" : "equal seeds give equal histories";
}

/* A result for each invariant: so many times held, or where it broke. */
static int conclude(const struct outcome *broken, const uint64_t *held, uint64_t steps, uint64_t runs)
{
        size_t n = invariant_count();
        uint64_t rarest = held[0];

        for (size_t i = 0; i < n; i++) {
                bool bad = broken->broken && strcmp(broken->broken, sentence(i)) == 0;

                printf("%s %zu - %s\n", bad ? "not ok" : "ok", i + 1, sentence(i));
        }
        printf("1..%zu\n# %llu events in %llu trees", n, (unsigned long long) steps, (unsigned long long) runs);
        for (size_t i = 1; i + 2 < n; i++)
                rarest = held[i] < rarest ? held[i] : rarest;
        printf("; the rarest invariant was held %llu times\n", (unsigned long long) rarest);
        return broken->broken != NULL;
}

static int parse(int argc, char **argv, struct options *o)
{
        for (int i = 1; i < argc; i++) {
                const char *value = i + 1 < argc ? argv[i + 1] : NULL;

                if (strcmp(argv[i], "--print") == 0) {
                        o->print = true;
                        continue;
                }
                if (!value)
                        return -1;
                i++;
                if (strcmp(argv[i - 1], "--events") == 0) {
                        o->events = strtoull(value, NULL, 0);
                } else if (strcmp(argv[i - 1], "--seed") == 0) {
                        o->seed = strtoull(value, NULL, 0);
                } else if (strcmp(argv[i - 1], "--seconds") == 0) {
                        o->seconds = (time_t) strtoll(value, NULL, 0);
                } else if (strcmp(argv[i - 1], "--break") == 0) {
                        for (int m = 0; m < MUTANT_COUNT; m++)
                                if (strcmp(mutant_names[m], value) == 0)
                                        o->mutant = (enum mutant) m;
                        if (!o->mutant)
                                return -1;
                } else {
                        return -1;
                }
        }
        return 0;
}

static struct outcome play(const struct options *o, uint64_t seed, uint64_t run)
{
        static struct scenario s;
        struct outcome first, second;

        scenario_random(&s, seed);
        first = scenario_run(&s, o->mutant, NULL);
        if (first.broken || run % 16)
                return first;
        second = scenario_run(&s, o->mutant, NULL);
        if (second.hash != first.hash || second.steps != first.steps) {
                first.broken = sentence(invariant_count() - 1);
                (void) snprintf(first.detail, sizeof(first.detail), "the second run took other actions");
        }
        return first;
}

int main(int argc, char **argv)
{
        struct options o = { .events = 1000000, .seed = 1, .seconds = 600 };
        struct outcome last = { 0 };
        uint64_t steps = 0, runs = 0, held[40] = { 0 };
        time_t end;

        if (parse(argc, argv, &o) < 0) {
                fprintf(stderr, "usage: trees [--events N] [--seconds N] [--seed S] [--break NAME] [--print]\n");
                return 2;
        }
        if (o.print) {
                static struct scenario s;

                scenario_random(&s, o.seed);
                scenario_print(&s);
                last = scenario_run(&s, o.mutant, show_every_line);
                printf("# %s %s\n", last.broken ? last.broken : "all is well", last.detail);
                return last.broken != NULL;
        }
        for (end = time(NULL) + o.seconds; steps < o.events && time(NULL) < end && !last.broken; runs++) {
                last = play(&o, o.seed + runs, runs);
                steps += last.steps;
                for (size_t i = 0; i + 2 < invariant_count(); i++)
                        held[i] += last.held[i];
                if (last.broken)
                        report(o.seed + runs, &last, o.mutant);
        }
        return conclude(&last, held, steps, runs);
}
