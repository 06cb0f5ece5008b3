/* pretend_priv.h - inside of the pretended engine: pretend_engine.c is its life, pretend_facts.c what it says of itself. */
#ifndef TESTS_PRETEND_PRIV_H
#define TESTS_PRETEND_PRIV_H

#include "daemon/options.h"
#include "tests/fuzz/pretend_engine.h"

enum { WAITERS = 4096, QUEUE = 4096, STEPS_PER_TURN = 4096 };

struct waiter {
        uint32_t token;
        engine_done_fn *fn;
        void *arg;
};

struct engine {
        struct ev_loop *loop;
        struct core *core;
        struct options options;
        struct control *control;
        struct event queue[QUEUE];
        size_t queued;
        struct waiter waiters[WAITERS];
        size_t waiting;
        uint32_t token;
        int32_t pid;
        nsec now;
        uint64_t published;
        void (*flushed)(void *arg, int result);
        void *flush_arg;
        bool stopping;
};

void must(bool holds, const char *promise); /* else the program ends */

#endif
