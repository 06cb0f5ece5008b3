/* witness.h - who watches the core and the pretend world, and what must always be true of them.
 *
 * Each invariant is a function whose name, and the text beside it, is the sentence it holds to. invariants.c has
 * those about what the core does, invariants_state.c those about what its nodes say.
 * Used by: trees.c, shrink.c. */
#ifndef TESTS_SIM_WITNESS_H
#define TESTS_SIM_WITNESS_H

#include "sim/sim.h"

enum { WITNESS_NODES = 256, WITNESS_TOKENS = 4096, WITNESS_WINDOW = 64 };

/* What the witness remembers of a node. */
struct seen {
        uint32_t incarnation;     /* the last that was opened */
        bool open;
        bool asked_to_stop;       /* a signal or ExecStop= in this life */
        bool told;                /* all of this life got a signal since its main process ended */
        bool killed;              /* ... or were killed */
        bool forgotten;
        bool was_stopping;        /* before this step: what it was then ... */
        uint32_t was_incarnation; /* ... and which life of a supervisor it was */
        int64_t restarts[WITNESS_WINDOW]; /* whole seconds of the last restarts that a supervisor decided */
        uint32_t restart_count;
        struct spec *spec;        /* under which they were counted; owned */
};

struct witness {
        struct core *core;
        struct seen nodes[WITNESS_NODES];
        uint8_t token[WITNESS_TOKENS]; /* 0 unknown, 1 asked, 2 answered */
        uint32_t asked, answered;
        uint64_t last_seq;
        nsec last_record_at;
        nsec at;                  /* of the last step ... */
        unsigned steps_at;        /* ... and how many steps fell on it */
        nsec shutdown_at;         /* NSEC_NEVER: none was asked for */
        nsec shutdown_budget;
        bool restoring;           /* all faults have ended and their time is over */
        bool over;
        uint8_t mutant;           /* enum mutant */
        uint64_t hash;            /* of all actions: equal seeds, equal hashes */
        unsigned allocations;     /* seen inside a step */
        const char *broken;       /* the sentence that does not hold; NULL while all do */
        char detail[300];
        uint64_t held[40];        /* how often each invariant was held against something */
};

/* One step: what went in and what came out. `a` is NULL when only states are looked at. */
struct moment {
        struct sim *sim;
        const struct event *event;
        const struct actions *actions;
};

struct invariant {
        const char *sentence;
        bool (*holds)(struct witness *w, const struct moment *m);
};
extern const struct invariant action_invariants[], state_invariants[], final_invariants[];

void witness_init(struct witness *w, struct core *core);
void witness_free(struct witness *w);
struct sim_observer witness_observer(struct witness *w);
void witness_final(struct witness *w, struct sim *s);  /* the invariants of the end */
size_t invariant_count(void);
/* Say what is wrong; returns false, so that an invariant ends with it. */
bool broken(struct witness *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *path_of(const struct witness *w, node_id id);

/* --- a mistake on purpose, to see whether it is found (mutants.c) --- */
enum mutant {
        MUTANT_NONE, MUTANT_DOUBLE_OPEN, MUTANT_LOST_CLOSE, MUTANT_DOUBLE_CLOSE, MUTANT_LOST_ANSWER,
        MUTANT_DOUBLE_ANSWER, MUTANT_SIGNAL_DEAD, MUTANT_SPAWN_CLOSED, MUTANT_LOST_EXIT, MUTANT_ALLOCATE,
        MUTANT_LOST_WATCH, MUTANT_LOST_SIGNAL, MUTANT_COUNT
};
extern const char *const mutant_names[MUTANT_COUNT];
void mutate(enum mutant mutant, struct actions *a);

/* --- malloc.c: allocations while a step runs --- */
void allocations_watch(bool on);
unsigned allocations_seen(void);

#endif
