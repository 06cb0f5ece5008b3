/* bond.h - links, monitors and registered names: what ties nodes to each other's ends. Pure, part of core_step().
 *
 * The semantics are Erlang's (tests/erlang has a table taken from the original;
 * tests/unit/bond.c holds this against it):
 *
 *   LINK     between two services, at most one for each pair. When one ends, the other gets an exit signal with the
 *            reason: `normal` is ignored; anything else ends it with linked:PATH:REASON; whoever traps exits
 *            (TrapExit=, or at run time) gets an EXIT message instead, for `normal` too. What was killed is `killed` to
 *            those it was linked to, and that can be trapped: so a kill does not run through a chain that nobody stops.
 *   MONITOR  one way, any number of them. When the target ends the watcher gets one DOWN message, at once with `noproc`
 *            when it does not live.
 *   NAME     of a node, within the scope of a supervisor, unique there; found outward. Gone when its holder ends.
 *   SENT     an exit signal that somebody sends: `killed` cannot be trapped; `normal` is ignored unless trapped or sent
 *            to oneself; anything else ends the receiver for that very reason.
 *
 * A node *lives* for this from ACT_OPEN to ACT_CLOSE of an incarnation, a supervisor while it is up.
 *
 * What a unit says (LinkTo=, Monitor=) is a *standing* bond: it holds whenever both live, whoever came first, and is
 * there again for the next incarnation of either. So it never yields `noproc`. What was asked for at run time ends with
 * the first of the two.
 *
 * Signals are queued and handled between an event and the supervisors' decisions, in order, one after another: a chain
 * of links is a loop, not a recursion. Those that end in one instant (EVENT_MORE) have all ended before any is told.
 *
 * Memory: records are taken from a pool. core_bond_reserve() before EVT_LINK, EVT_MONITOR, EVT_REGISTER makes sure of
 * one; standing bonds are counted when their units are loaded.
 * Used by: core.c, service*.c, super.c, memory.c, snapshot*.c; the daemon reads.  Tested by: tests/unit/bond.c */
#ifndef CORE_BOND_H
#define CORE_BOND_H

#include "core/core.h"

enum bond_kind {
        BOND_FREE,
        BOND_LINK,       /* a and b */
        BOND_MONITOR,    /* a watches b */
        BOND_NAME,       /* b has a name in the scope of a */
        BOND_WANT_LINK, BOND_WANT_MONITOR, /* standing ones that wait until b lives */
        BOND_SIGNAL_LINK, BOND_SIGNAL_DOWN, BOND_SIGNAL_SENT, /* on their way to a, from b */
        BOND_KIND_COUNT
};

struct bond {
        uint64_t cause;
        struct reason reason;  /* signals */
        node_id a, b;
        uint32_t next[2];      /* in the lists of a and b; [0] also in the queue of signals and the free list */
        uint32_t ref;          /* a text (core_text()): of a NAME the name, of a MONITOR its watcher's mark; 0 = none */
        uint32_t incarnation;  /* signals: of a, when it was sent */
        uint8_t kind;          /* enum bond_kind */
        uint8_t standing;      /* a unit says so */
        uint8_t pad[6];
};
#define BOND_NONE UINT32_MAX

enum { BOND_TEXT_MAX = 128, BONDS_OF_NODE_MAX = 1000 };

/* A text that events refer to by number (arg2 of EVT_MONITOR, EVT_DEMONITOR, EVT_REGISTER, EVT_UNREGISTER): 0 when
 * memory is short or it is longer than BOND_TEXT_MAX - 1. It stays while a bond uses it or until core_text_release(),
 * which is owed for each core_text_take() once the request was answered. */
uint32_t core_text_take(struct core *c, const char *text);
void core_text_release(struct core *c, uint32_t text);
const char *core_text(const struct core *c, uint32_t text);   /* "" for 0 */

/* What a record of RULE_EMITTED says; NULL when that is not kept any more: the last EMITTED_MAX are. */
enum { EMITTED_MAX = 256 };
const char *core_emitted(const struct core *c, uint64_t seq);

/* Room for one more bond. -ENOMEM. */
int core_bond_reserve(struct core *c);

/* Whom a name means, seen from the supervisor `scope`: there, or with `outward` above it as well. NODE_NONE. */
node_id core_whereis(const struct core *c, node_id scope, const char *name, bool outward);

/* The bonds a node is in, one after another; *at begins as BOND_NONE. NULL at the end. Signals are not among them. */
const struct bond *core_bond_next(const struct core *c, node_id id, uint32_t *at);

/* Does it live, in the sense above? */
bool core_lives(const struct core *c, node_id id);

#endif
