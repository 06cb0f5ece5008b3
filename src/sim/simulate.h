/* simulate.h - play a script in the pretend world and tell the story. The whole of `coppicectl simulate` but for
 * its options; also how the seeded tests replay what they found.
 *
 * May be used by: ctl, tests.  May use: core, unit, base. */
#ifndef SIM_SIMULATE_H
#define SIM_SIMULATE_H

#include "sim/script.h"
#include "sim/sim.h"
#include "unit/unit_set.h"

struct simulate_options {
        struct sim_config config;
        const struct sim_observer *observer; /* sees everything too; NULL for none */
        bool lenient;            /* a line that cannot be played is left out */
        void (*finish)(void *arg, struct sim *s); /* instead of letting the world go on at the end; NULL for none */
        bool json;               /* a JSON object a line, instead of words */
        bool machine;            /* as PID 1 of a machine: root never exits */
        void (*line)(void *arg, const char *text); /* each line of the story, without a newline */
        void *arg;
};

struct simulate_result {
        unsigned unmet;          /* expectations that were not met */
        bool over;               /* the daemon has exited ... */
        int code;                /* ... with this code */
        nsec end;                /* when the story ends */
};

/* A tree of its own from what was read from disk. Relations that cannot be (cycles, unknown names) go to `report`.
 * The core is the caller's: core_free(). */
int simulate_tree(const struct unit_set *set, const struct core_config *config, diag_fn *report, void *arg,
                  struct core **ret, struct err *err);

/* Start the tree and play the script. After the last line the world goes on until nothing is on its way any more,
 * a minute at most. 0, or a negative errno when a line cannot be played (err names it). */
int simulate_play(struct core *core, const struct script *script, const struct simulate_options *o,
                  struct simulate_result *ret, struct err *err);

#endif
