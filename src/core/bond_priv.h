/* bond_priv.h - what the files about bonds share, and what the rest of the core calls. */
#ifndef CORE_BOND_PRIV_H
#define CORE_BOND_PRIV_H

#include "core/bond.h"
#include "core/core_state.h"

struct unpack;
struct pack_map;

struct bond_text {
        char *text;            /* owned; NULL = free */
        uint32_t refs;
};

struct bonds {
        struct bond *pool;     /* owned */
        uint32_t cap, used;
        uint32_t free;         /* list of free records */
        uint32_t promised;     /* records that standing bonds may need in all, */
        uint32_t standing;     /* and those they have now */
        uint32_t first, last;  /* signals on their way */
        struct bond_text *texts; /* owned */
        uint32_t text_count;
        struct emitted {
                uint64_t seq;  /* of its record; 0 = none */
                uint32_t text;
        } emitted[EMITTED_MAX];
        bool garbage;          /* some text is used no more; the actions of the last step may still name it */
};

/* --- bond.c --- */
int bonds_new(struct core *c);                           /* -ENOMEM */
void bonds_free(struct core *c);
int bonds_promise(struct core *c, const struct spec *s); /* room for the standing bonds of a spec that comes; -ENOMEM */
void bonds_promise_back(struct core *c, const struct spec *s); /* ... of one that leaves */
/* A record out of the pool, and back. NULL: none is left. */
struct bond *bond_take(struct core *c, enum bond_kind kind, bool standing);
void bond_give(struct core *c, struct bond *d);
/* Put a record that was taken into the lists of its two nodes; take it out of them and give it back. */
void bond_tie(struct core *c, struct bond *d, node_id a, node_id b, uint32_t ref);
void bond_drop(struct core *c, struct bond *d);
/* As core_bond_next(); the first of a kind between two nodes, whichever way; how many a node is in. */
struct bond *bond_step(const struct core *c, const struct node *n, uint32_t *at);
struct bond *bond_between(const struct core *c, const struct node *n, node_id other, enum bond_kind kind);
unsigned bond_count(const struct core *c, const struct node *n);
/* Send a signal; bonds_pump() delivers it. False: no record is left. */
bool bond_signal(struct core *c, enum bond_kind kind, const struct node *to, node_id from, const struct reason *r,
                 uint32_t ref, uint64_t cause);
bool node_lives(const struct node *n); /* bond.h says what that means */

void bonds_born(struct core *c, struct node *n); /* it lives from now on: wishes that this fulfils become bonds */
void bonds_died(struct core *c, struct node *n, const struct reason *r); /* it does not: tell all that are tied to it */
void bonds_sweep(struct core *c); /* at the beginning of a step: texts that nobody uses */
void bonds_forget(struct core *c, struct node *n); /* it leaves the tree: nothing ties anybody to it */

/* `gone` has ended for r: the bond becomes the signal that says so to the other node. */
void bond_tell(struct core *c, struct bond *d, const struct node *gone, const struct reason *r);

/* --- bond_spawn.c --- a promise is the bond of a child that was asked for and is not born yet */
void bond_spawn(struct core *c, struct node *n, const struct event *e); /* EVT_SPAWN; n NULL: who asked for it is
                                                                         * gone */
/* One of the two has ended before the birth: tell the other. False: d is no promise. */
bool bond_promise_ended(struct core *c, struct bond *d, const struct node *n, const struct reason *r);
void bond_promises_unborn(struct core *c, struct node *n); /* it will not be born: all that were promised it hear so */
/* A link's signal to a child that is about to be born: does it take its start back? And that, done. */
bool bond_reaches_unborn(const struct node *n, const struct bond *d);
void bond_unborn_ends(struct core *c, struct node *n, const struct bond *d);

/* --- bond_event.c --- */
void bond_event(struct core *c, const struct event *e);
bool bonds_pump(struct core *c); /* handle signals as far as there is room; true: some were */

/* --- emit.c --- */
enum result bond_emit(struct core *c, struct node *n, const struct event *e);
void emitted_save(const struct core *c, struct buf *out);
bool emitted_load(struct core *c, struct unpack *u, uint32_t count); /* false: damaged */

/* --- bond_save.c --- */
void bonds_save(const struct core *c, struct buf *out);
bool bonds_load(struct core *c, struct unpack *u, struct pack_map *map); /* false: damaged, or no memory */

#endif
