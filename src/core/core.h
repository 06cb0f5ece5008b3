/* core.h - the decision core: the only door.
 *
 *      core_step(core, event, now) -> actions
 *
 * [essay to follow: words, states, guarantees, orders, what survives a restart]
 *
 * Memory is taken when a tree is loaded or grows (core_add), never in a step.
 * Used by: daemon, sim, ctl (simulate), tests.  Uses: base and the rest of core. */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "core/action.h"
#include "core/event.h"
#include "core/node.h"
#include "core/record.h"
#include "core/spec.h"

struct core;

struct core_config {
        uint64_t seed;             /* of the jitter; equal seeds give equal histories */
        uint32_t record_capacity;  /* records kept; 0 = 8192 */
        bool machine;              /* PID 1 of a machine: when root gives up, emergency instead of exit */
};

/* An empty core whose root supervisor is `root` (the core takes its own reference). NULL when memory is short. */
struct core *core_new(const struct core_config *config, struct spec *root);
void core_free(struct core *c);

/* Put a child below a supervisor, behind its other children. Takes memory, starts nothing: EVT_ADDED or EVT_START
 * does. Errors: -ENOMEM, -EEXIST (a sibling of that stem), -EINVAL (parent is no supervisor). */
int core_add(struct core *c, node_id parent, struct spec *spec, bool dynamic, node_id *ret_id, struct err *err);

/* Resolve After=, Requires=, ... between siblings once all nodes are there (and again after a reload).
 * Cycles and unknown names are reported, all of them, through `report`; returns how many. */
int core_link(struct core *c, void (*report)(void *arg, const struct err *), void *arg, struct err *err);

/* A new spec for a node that stays (daemon-reload); live values count at once, others at its next start. */
int core_set_spec(struct core *c, node_id id, struct spec *spec, struct err *err);

/* The one step. The list is valid until the next call. `now` never decreases. */
struct actions core_step(struct core *c, const struct event *event, nsec now);

/* When the next EVT_TICK is due; NSEC_NEVER when nothing is waiting for time to pass. */
nsec core_deadline(const struct core *c);

/* Reading. Nodes are stable in memory until ACT_FORGET of them; NULL for an id that is gone or never was.
 * Only core_path() and core_explain() know a forgotten node until the next step, for the actions that end it. */
const struct node *core_node(const struct core *c, node_id id);
node_id core_node_limit(const struct core *c);               /* ids are below this */
node_id core_first_child(const struct core *c, node_id id);  /* in start order; NODE_NONE at the end */
node_id core_next_sibling(const struct core *c, node_id id);
node_id core_last_child(const struct core *c, node_id id);
node_id core_prev_sibling(const struct core *c, node_id id);

/* "/shop/api" of a node into buf[n]; "/" for root. Returns buf. */
char *core_path(const struct core *c, node_id id, char *buf, size_t n);

/* A path, a unit name or an unambiguous stem -> node; NODE_NONE, with *ret_matches (0, or 2 and more when it was
 * ambiguous). `from` is where a short name is looked up outward from (NODE_ROOT for an operator). */
node_id core_find(const struct core *c, node_id from, const char *name, unsigned *ret_matches);

/* How many events of the supervisor's intensity window count at `now` (its child's own window under isolate). */
uint32_t core_intensity_used(const struct core *c, node_id id, nsec now);

/* Records: the newest sequence number, and one record by its number (NULL when it was overwritten). */
uint64_t core_last_seq(const struct core *c);
const struct record *core_record(const struct core *c, uint64_t seq);

/* The sentence of a record, with names, reasons and the line of the unit that asked:
 * "web: restart in 400 ms, 2 of 5 in 10 s used (Restart=permanent, web.service:7)". Appends to out. */
struct buf;
void core_explain(const struct core *c, const struct record *r, struct buf *out);

/* The chain of causes of a node's present state, newest first, at most max; returns how many. */
size_t core_why(const struct core *c, node_id id, const struct record **ret, size_t max);

#endif
