/* pretend_engine.h - an engine for the control server alone: the real core, a world in which every process starts and
 * obeys at once, and no operating system. What engine.h promises to its callers it keeps, and it watches that they
 * keep their part: nobody who has gone may be answered. */
#ifndef TESTS_PRETEND_ENGINE_H
#define TESTS_PRETEND_ENGINE_H

#include "daemon/control_priv.h"
#include "daemon/engine.h"

/* A tree of a dozen nodes, started. Ends the program when memory is short. */
struct engine *pretend_new(void);
void pretend_free(struct engine *e);
struct control *pretend_control(struct engine *e);

/* A client: returns its end; the server's is a connection of pretend_control(). */
int pretend_connect(struct engine *e, bool mutating, bool inside);

/* What is to be read is read, requests are performed and answered, records published. */
void pretend_turn(struct engine *e);

/* States and wants of all nodes as one number: unchanged when nothing was done. */
uint64_t pretend_state(const struct engine *e);
unsigned pretend_waiting(const struct engine *e); /* requests with somebody to be answered */

#endif
