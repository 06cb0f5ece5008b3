/* machine.h - what the files of the core that decide share; nobody else includes it. The state they work on is
 * core_state.h.
 *
 *      core.c        core_step(), actions, the work list   memory.c       whatever is allocated
 *      numbers.c     numbers used again; index of names    children.c     other places, and out of the tree
 *      tree.c        names, siblings, lookup               record.c       what happened and why
 *      timer.c       who waits for time to pass            link.c         names of siblings -> relations
 *      request.c     a person's start, stop, ...           call.c         OTP's calls
 *      queue.c       messages and waiting answers          child.c        what a supervisor hears of a child
 *      supervisor.c  ... and what it decides               super.c        its own start and end
 *      job.c         what it does in several steps         order.c        relations between siblings
 *      bond*.c       links, monitors, names                emit.c         what services say
 *      machine.c     one service: phase x event            service*.c     the cells of that table
 *
 * The layers inside: a service reports to its supervisor (child_*), a supervisor drives its children (node_*);
 * neither calls the other's insides. Reports only note and wake: decisions are made in core_pump(), one supervisor
 * after another, so that nothing recurses through the tree. */
#ifndef CORE_MACHINE_H
#define CORE_MACHINE_H

#include "core/core_state.h"

/* --- memory.c --- */
void core_bury(struct core *c);                     /* free what the last step forgot */
struct node *node_make(struct spec *spec);          /* in no tree yet; NULL when memory is short */
void node_free(struct node *n);
struct core *core_make(const struct core *head);    /* memory for its sizes, no nodes; NULL when it is short */

/* --- children.c --- */
bool core_has_life(const struct core *c, const struct node *n); /* is anything of it or below it there? */
void core_forget(struct core *c, struct node *n); /* it and what is below it; nothing of that may run */

/* --- numbers.c --- numbers of nodes that are gone, oldest first, to be given to new ones; and the index of names */
int retired_grow(struct core *c, uint32_t cap);     /* room for so many; -ENOMEM and nothing has changed */
void retired_push(struct core *c, node_id id, uint32_t incarnation, bool peer); /* a new last one */
void retire(struct core *c, const struct node *n);  /* its number may be given to another node from now on */
void retired_take(struct core *c, struct node *n);  /* n gets the first */
int index_grow(struct core *c, uint32_t cap);       /* for a new capacity; -ENOMEM: what there was is kept */
void index_stem(struct core *c, const struct node *n);
void index_drop(struct core *c, const struct node *n);
bool index_has(const struct core *c, const struct node *p, const char *stem); /* a child that is not GONE */
/* A child by the first `len` bytes of `name`: by its stem, or where stem_len is less by its unit's name, whose stem is
 * that long. NODE_NONE when there is none; *ret_more is set when there is more than this one. */
node_id index_find(const struct core *c, node_id parent, const char *name, size_t len, size_t stem_len, bool *ret_more);
void core_reindex(struct core *c);                  /* the index of names, from the nodes */

/* --- core.c --- */
/* Add an action about a node, caused by the node's newest record; the caller fills in the rest at once. */
struct action *act(struct core *c, struct node *n, enum action_kind kind);
void act_done(struct core *c, uint32_t token, enum result result, node_id id); /* answer a request; token 0: nobody */
bool core_has_room(const struct core *c);         /* for the actions of one more decision; asked before each */
void core_wake(struct core *c, struct node *super); /* have super_run() called for it before the step is over */
uint64_t core_random(struct core *c);             /* the same numbers for the same seed */
void core_root_down(struct core *c);              /* root has ended: start it again, or ACT_EXIT, or ACT_EMERGENCY */
void core_root_gone(struct core *c);              /* shutdown of a tree that does not run */

const struct node *node_or_buried(const struct core *c, node_id id); /* tree.c; also one forgotten in this step */

/* --- record.c --- the number of the new record; it also becomes n->cause */
uint64_t note(struct core *c, struct node *n, enum rule rule, uint64_t cause);
uint64_t note_ab(struct core *c, struct node *n, enum rule rule, uint64_t cause, int64_t a, int64_t b);
uint64_t note_other(struct core *c, struct node *n, enum rule rule, uint64_t cause, node_id other);
uint64_t note_full(struct core *c, struct node *n, enum rule rule, uint64_t cause, node_id other,
                   const struct reason *r, int64_t a, int64_t b);
/* Enter a state; the next record of the node says from which. */
void enter(struct core *c, struct node *n, enum state state);
void enter_first(struct core *c, struct node *n); /* what was never in another state is in this one since now */

/* --- timer.c --- */
void timer_update(struct core *c, struct node *n); /* after deadline, runtime_at or watchdog_at changed */
void timer_remove(struct core *c, struct node *n);
nsec timer_first(const struct core *c);            /* when the first one is due; NSEC_NEVER */
node_id timer_due(const struct core *c);           /* the node whose time has come; NODE_NONE */
nsec nsec_add(nsec a, nsec b);                     /* saturates at NSEC_NEVER */

/* --- queue.c --- the pool of messages, the queue of each supervisor, and who waits for an answer. A message is known
 * by its place in the pool; MSG_NONE: there is none. */
uint32_t msg_take(struct core *c, bool request);   /* what children do always finds room, a request may not: MSG_NONE */
void msg_drop(struct core *c, uint32_t at);        /* back into the pool */
void queue_push(struct core *c, struct node *super, uint32_t at); /* as the last; wakes the supervisor */
uint32_t queue_pop(struct core *c, struct node *super);           /* the first; the caller's to drop */
void queue_clear(struct core *c, struct node *super);             /* it has ended: requests get `noproc` */
/* The number of a child that is gone is about to be given to another node: messages about it name it no more. */
void queue_disown(struct core *c, const struct node *super, node_id id);
/* Answer the event's request once answer() is called for this node and kind; `busy` at once when too many wait. */
void wait_for(struct core *c, struct node *n, const struct event *e, enum event_kind kind);
void answer(struct core *c, struct node *n, enum event_kind kind, enum result result);
void answer_all(struct core *c, struct node *n, enum result result); /* of whatever kind */

#endif
