/* core.h - the decision core: the only door.
 *
 *      core_step(core, event, now) -> actions
 *
 * Everything the daemon decides is decided here, by a function of what was so far and what happened now. No system
 * call, no clock, no allocation inside a step, nothing that differs between two runs: fed the same events, the core
 * gives the same actions, in the daemon, in `coppicectl simulate`, and in a test. Whoever holds the events holds the
 * state.
 *
 * WORDS. A *node* is a place in the tree: a *service* (a leaf that runs a process) or a *supervisor* (an inner node
 * that has children and no process). An *incarnation* is one life of a service, with a number that only grows. An
 * *event* is something that happened, an *action* something to be done; an action that can fail is answered by an
 * event either way. A *record* is a sentence about what happened or was decided, with the number of the record that
 * caused it. What a person asked for is *want* (up, down); what is, is *state*. They differ while the core works,
 * and after it has given up.
 *
 * STATES. A service is
 *
 *      inactive    not started yet, stopped by request, or skipped by a condition
 *      starting    on its way up: conditions, ExecStartPre=, the main process, readiness, ExecStartPost=; or waiting
 *                  for a sibling it comes After=
 *      running     started; `reloading` while it reads its configuration again
 *      stopping    on its way down, for whatever reason
 *      backoff     ended or failed to start, and will be tried again at next_start_at
 *      failed      ended badly, and will not be restarted by anybody but a person
 *      finished    ended well, and is not to be restarted
 *
 * A supervisor has the same states; it is `running` when all its children have been started. Inside `starting` and
 * `stopping` a service walks through phases (node.h); the table phase x event is machine.c.
 *
 * START. A supervisor starts its children in their order. One_for_all and rest_for_one wait for each to be ready
 * before the next; one_for_one starts all at once, except that a child waits for the siblings it comes After= as
 * long as these are on their way, and fails with dependency:PATH when one it Requires= is down for good. A child is
 * started when its Type= says so, never before. The first child of a declared supervisor that fails to start fails
 * the supervisor: those already started are stopped in reverse order. Under Escalation=isolate a failed start is an
 * end like any other.
 *
 * STOP. Always the exact reverse of the start order: one_for_all and rest_for_one wait for each child to be gone
 * before they stop the one before it; one_for_one tells all at once, the last child first, except that whoever comes
 * After= a sibling is gone before that sibling is told. The end of a service is a ladder:
 *
 *      ExecStop=  ->  KillSignal= and SIGCONT  ->  the main process is gone  ->  both again to what it left  ->
 *      nothing is left  ->  ExecStopPost=  ->  what that left is killed  ->  ACT_CLOSE
 *
 * with FinalKillSignal= TimeoutStopSec= after either KillSignal=; in KillMode=mixed it comes in place of the second.
 *
 * Nothing is started in a place that is not empty, unless KillMode= says to leave it so. Processes that survive
 * SIGKILL make their node *stuck*: it keeps its place, is not started again, and holds up neither its siblings' stop
 * nor a shutdown.
 *
 * RESTART. When a child ends by itself, Restart= and its reason say whether it comes back. Its supervisor counts the
 * restart first: one more than MaxRestarts= in MaxRestartsSec= and it gives up, and nothing is restarted any more.
 * Giving up means, under Escalation=escalate, to stop all children and end with `shutdown`, so that the next
 * supervisor decides; under isolate each child has a window of its own and is left `failed` when it is over its
 * limit. A start that fails within a restart is tried again and counted again, until it works or the limit is
 * reached. RestartSec= and its growth put time between the attempts; they change neither the count nor the order.
 * With RestartSec=0 and StartMode=sequential all this is Erlang/OTP's supervisor to the letter; tests/otp has four
 * thousand recorded histories of the original, and the core reproduces each.
 *
 * ROOT. When the root supervisor ends, the daemon's work is done: ACT_EXIT with the code of the child that
 * ExitCodeFrom= names, else of the significant child that ended it, else 70, or 0 when a shutdown was asked for; on
 * a machine ACT_EMERGENCY instead. EVT_SHUTDOWN has one budget for everything: when it is used up what is left is
 * killed, and two seconds later the core exits whatever survived.
 *
 * REQUESTS. Each request with a token is answered by exactly one ACT_DONE. `start` is answered when the node is
 * ready or has failed, `stop` when it is down. A stop takes effect at once, whatever its supervisor is busy with,
 * and interrupts a start (FAILURES B11); neither a stop nor a restart that was asked for counts as a failure. What is
 * started by hand brings up the supervisors above it and the siblings it requires or wants, and is forgiven its
 * failures so far. Strict requests (REQ_STRICT) are OTP's calls instead: they queue behind what the supervisor has
 * to do, and their answers are OTP's.
 *
 * WHAT SURVIVES A RESTART. Of a service: its number of incarnations, restarts and backoff, its last reason, its
 * records. Of a supervisor that is restarted: its initial children are all there again, also those that had ended,
 * were stopped or deleted; those added at run time are gone; its window is empty. Of neither: pids, readiness,
 * what was frozen.
 *
 * GUARANTEES, each of them an invariant of tests/sim:
 *   - at most one incarnation of a node lives, and it is closed before the next one opens;
 *   - every process that was spawned is waited for; no signal goes to one that has ended;
 *   - no child outlives its supervisor, unless it is stuck;
 *   - never more than MaxRestarts= restarts in a window; every restart has a record that leads to a first cause;
 *   - an event about an incarnation that is over, or a node that is gone, changes nothing;
 *   - a step is short: it emits a bounded number of actions, and core_deadline() asks for the rest at once;
 *   - a supervisor that waits still answers: nothing here blocks, ever.
 *
 * Memory is taken when a tree is loaded or grows (core_new, core_add, core_link, core_set_spec), never in a step.
 * May be used by: daemon, sim, ctl (simulate), tests.  May use: base and the rest of core. */
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
 * does. Errors: -ENOMEM, -EEXIST (a sibling of that stem), -EINVAL (parent is no supervisor), -EDQUOT
 * (MaxChildren=). */
int core_add(struct core *c, node_id parent, struct spec *spec, bool dynamic, node_id *ret_id, struct err *err);

/* The same with the number of a node that is gone if there is one: of core_retired(). Only while no event about that
 * one is still on its way in. core_retired_peer(): some reason outside the core may name it. */
int core_add_again(struct core *c, node_id parent, struct spec *spec, bool dynamic, node_id *ret_id, struct err *err);
node_id core_retired(const struct core *c);
bool core_retired_peer(const struct core *c);

/* Resolve After=, Requires=, ... between siblings, and After= and Before= between branches, once all nodes
 * are there (and again after a reload). Cycles and unknown names are reported, all of them, through
 * `report`; returns how many. */
int core_link(struct core *c, void (*report)(void *arg, const struct err *), void *arg, struct err *err);

/* A new spec for a node that stays (daemon-reload); live values count at once, others at its next start. */
int core_set_spec(struct core *c, node_id id, struct spec *spec, struct err *err);

/* Put the children of a supervisor in this order (daemon-reload); those not named follow, in the order
 * they had. Nothing is started or stopped. -EBUSY while the supervisor starts, stops or restarts some
 * of them in the old order. */
int core_order(struct core *c, node_id parent, const node_id *ids, size_t n);

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

/* "/shop/api" of a node into buf[n]; "/" for root. Returns buf. Of one that is too long the end: ".../api". */
char *core_path(const struct core *c, node_id id, char *buf, size_t n);
bool core_path_is_cut(const char *path);

/* The same, however long it is, behind what is in out. */
struct buf;
void core_path_add(const struct core *c, node_id id, struct buf *out);

/* A path, a unit name or an unambiguous stem -> node; NODE_NONE, with *ret_matches (0, or 2 and more when it was
 * ambiguous). `from` is where a short name is looked up outward from (NODE_ROOT for an operator). */
node_id core_find(const struct core *c, node_id from, const char *name, unsigned *ret_matches);

/* The same for a message: only outward. A path from root, else the name (or relative path) of a child of `super`, of
 * the supervisor above it, ... of root. NODE_NONE when there is none. */
node_id core_outward(const struct core *c, node_id super, const char *name);

/* It has ended, and nothing that is under way would start it again: no restart is due, neither of it
 * nor of a supervisor above it. True for a node that is gone, and for a oneshot kept up by
 * RemainAfterExit= whose process has ended. */
bool core_settled(const struct core *c, node_id id);

/* How many events of the supervisor's intensity window count at `now` (its child's own window under isolate). */
uint32_t core_intensity_used(const struct core *c, node_id id, nsec now);

/* Records: the newest sequence number, and one record by its number (NULL when it was overwritten). */
uint64_t core_last_seq(const struct core *c);
const struct record *core_record(const struct core *c, uint64_t seq);

/* A node that a record names, as long as it is still the one that was meant; else NODE_NONE. */
node_id core_meant(const struct core *c, const struct record *r, node_id id);

/* The sentence of a record, with names, reasons and the line of the unit that asked:
 * "web: restart in 400 ms, 2 of 5 in 10 s used (Restart=permanent, web.service:7)". Appends to out. */
struct buf;
void core_explain(const struct core *c, const struct record *r, struct buf *out);

/* The line of a unit that the sentence quotes; line 0 when it quotes none, or a default. */
struct origin core_quotes(const struct core *c, const struct record *r);

/* The chain of causes of a node's present state, newest first, at most max; returns how many. */
size_t core_why(const struct core *c, node_id id, const struct record **ret, size_t max);

#endif
