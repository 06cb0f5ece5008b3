/* scenario.h - one random tree and what befalls it, as text: units, and a script of `coppicectl simulate`. So a
 * failure can be cut down piece by piece and printed in words that a person can replay.
 * Used by: trees.c, shrink.c. */
#ifndef TESTS_SIM_SCENARIO_H
#define TESTS_SIM_SCENARIO_H

#include "witness.h"

enum { SCENARIO_NODES = 40, SCENARIO_LINES = 80, SCENARIO_KEYS = 16 };

struct scenario_node {
        char name[24];                        /* "w3.service" */
        int parent;                           /* index; the root's own is -1 */
        char keys[SCENARIO_KEYS][64];         /* "Key=Value" */
        bool keep_key[SCENARIO_KEYS];
        int key_count;
        bool keep;
};

struct scenario {
        uint64_t seed;                        /* of the world's order and latencies */
        struct scenario_node nodes[SCENARIO_NODES];
        int node_count;
        char lines[SCENARIO_LINES][200];
        bool keep_line[SCENARIO_LINES];
        int line_count;
};

void scenario_random(struct scenario *s, uint64_t seed);

/* Play it. Returns the sentence that does not hold (detail in `detail`), NULL when all do. */
struct outcome {
        const char *broken;
        char detail[300];
        uint64_t steps, hash;
        uint64_t held[40];
};
struct outcome scenario_run(const struct scenario *s, enum mutant mutant, void (*line)(void *, const char *));

/* The smallest part of it that still breaks the same sentence. */
void scenario_shrink(struct scenario *s, const char *sentence, enum mutant mutant);
void scenario_print(const struct scenario *s);

#endif
