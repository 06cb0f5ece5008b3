/* world.h - a world for the recorded vectors: it answers the decision core's actions and writes down what it sees.
 *
 * As small as the format: a worker starts at once or fails at once, and obeys a request to stop at once. What the world
 * does not show (a supervisor has no process) is read from the core's records. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/core.h"

enum { NAME_MAX_LEN = 100 };

struct fail {
        char name[NAME_MAX_LEN + 1];
        json_int_t left;
};

/* An operation that was asked for, by token. */
struct operation {
        const char *name; /* borrowed from the vector */
        bool deferred;    /* answered noproc: logged at the step's end */
};

/* What the world knows of a node, by id. */
struct actor {
        bool alive;      /* worker: a process is there */
        bool started;    /* supervisor: all its children were started in this life */
        bool by_itself;  /* supervisor: it gave up or shut itself down */
        bool twins;      /* supervisor: two of its children have one name: it never starts */
        uint32_t age;    /* the larger the later it was added: numbers are used again */
        char name[NAME_MAX_LEN + 1];
};

struct world {
        struct core *core;
        nsec now;
        struct actor *actors;  /* owned */
        size_t actor_cap;
        struct event *queue;   /* owned; answers that are due, first in first out */
        size_t head, len, cap;
        struct fail *fails;    /* owned */
        size_t fail_count, fail_cap;
        json_t *log;           /* borrowed: observations of this step */
        uint64_t seen;         /* records read so far */
        struct operation *ops; /* owned; by token, 1 the first */
        size_t op_cap;
        uint32_t tokens, ages;
        uint8_t more;          /* EVENT_MORE while a row of simultaneous events is fed */
        bool batch;
        bool failed;           /* out of memory, or a vector that is none: `why` */
        char why[200];
};

/* What is wrong with the vector; the first mistake is kept. */
void world_fail(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The token of one more operation. */
uint32_t world_operation(struct world *w, const char *name);

/* All that the world owns, and itself; the core is not its own. */
void world_free(struct world *w);

/* What is known of a node; grows as needed and lives as long as the world. */
struct actor *world_actor(struct world *w, node_id id);

/* Remembered: what a node's end leaves to log may come after the node is gone. */
const char *world_name(struct world *w, node_id id);

/* One more line of this step's log. */
void world_observe(struct world *w, const char *what, const char *name, const char *tail);

/* The next `count` starts of that name fail. */
void world_set_fails(struct world *w, const char *name, json_int_t count);

/* An operation has been answered: log it, at once or, within a batch, when it is over. */
void world_done(struct world *w, const struct action *a);

/* One event, and what the core does about it; then all that follows from it until nothing is due. */
void world_step(struct world *w, struct event e);
void world_settle(struct world *w);
