/* world.h - what the files of the pretend world share; nobody else includes it. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "sim/sim.h"

enum due_kind {
        DUE_EVENT,   /* tell the core */
        DUE_BIRTH,   /* a process starts (or fails to) */
        DUE_DEATH,   /* a process ends */
        DUE_REPORT,  /* the core learns of an end */
        DUE_NAMED,   /* the daemon that a forking service has left is found */
        DUE_READY,   /* it says READY=1 */
        DUE_PING,    /* WATCHDOG=1 */
};

struct due {
        nsec at;
        uint64_t key;          /* order among equals: a counter, or drawn when shuffled */
        enum due_kind kind;
        int32_t pid;           /* DEATH, REPORT, READY, PING */
        struct event event;    /* EVENT; DEATH and REPORT: its reason */
        struct action action;  /* BIRTH; NAMED: whose it is */
};

struct sim {
        struct core *core;             /* borrowed */
        struct sim_config config;
        struct sim_observer observer;
        nsec now;
        uint64_t random, counter, seen, steps;
        struct due *heap;
        size_t due_count, due_cap;
        struct due *parked;            /* due, but the process is frozen or stopped */
        size_t parked_count, parked_cap;
        struct sim_process *processes;
        size_t process_count, process_cap;
        struct sim_life *lives;
        size_t life_count, life_cap;
        struct sim_habits *habits;     /* by node */
        bool *frozen;                  /* by node */
        size_t habit_count;
        int32_t last_pid;
        uint32_t last_token;
        bool owes_tick;                /* a row of EVENT_MORE has not been ended */
        bool over;
        int code;
};

/* queue.c */
void due_push(struct sim *s, struct due d, nsec delay);
const struct due *due_first(const struct sim *s);
struct due due_pop(struct sim *s);
void due_park(struct sim *s, const struct due *d);
void due_unpark(struct sim *s);        /* what can go on is due now */
void *grow(void *list, size_t *cap, size_t need, size_t size); /* never NULL */

/* process.c */
void birth(struct sim *s, const struct action *a);
void death(struct sim *s, struct due *d);
void report(struct sim *s, struct due *d);
void named(struct sim *s, const struct due *d);
bool held(const struct sim *s, const struct sim_process *p); /* frozen or stopped */
void send_signal(struct sim *s, struct sim_process *p, int sig);
void check_empty(struct sim *s, node_id id, uint32_t incarnation);
struct sim_process *process_by_pid(struct sim *s, int32_t pid);
struct sim_life *life_of(struct sim *s, node_id id, uint32_t incarnation);
bool below_node(const struct sim *s, node_id id, node_id top); /* also true when they are the same */
nsec vary(struct sim *s, nsec usual);  /* a latency: usual, or drawn when shuffled */

/* sim.c */
void step(struct sim *s, const struct event *e);

#endif
