/* bond_priv.h - what the files about bonds share, and what the rest of the core calls. */
#ifndef CORE_BOND_PRIV_H
#define CORE_BOND_PRIV_H

#include "core/bond.h"
#include "core/machine.h"

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
int bonds_new(struct core *c);
void bonds_free(struct core *c);
int bonds_promise(struct core *c, const struct spec *s); /* a spec that came into the tree */
void bonds_promise_back(struct core *c, const struct spec *s); /* ... that leaves it */
struct bond *bond_take(struct core *c, enum bond_kind kind, bool standing); /* NULL: none left */
void bond_give(struct core *c, struct bond *d);
void bond_tie(struct core *c, struct bond *d, node_id a, node_id b, uint32_t ref);
void bond_drop(struct core *c, struct bond *d);
struct bond *bond_step(const struct core *c, const struct node *n, uint32_t *at);
struct bond *bond_between(const struct core *c, const struct node *n, node_id other, enum bond_kind kind);
unsigned bond_count(const struct core *c, const struct node *n);
bool bond_signal(struct core *c, enum bond_kind kind, const struct node *to, node_id from, const struct reason *r,
                 uint32_t ref, uint64_t cause);
bool node_lives(const struct node *n);

void bonds_born(struct core *c, struct node *n);
void bonds_died(struct core *c, struct node *n, const struct reason *r);
void bonds_sweep(struct core *c); /* at the beginning of a step: texts that nobody uses */
void bonds_forget(struct core *c, struct node *n);

void bond_tell(struct core *c, struct bond *d, const struct node *gone, const struct reason *r);

/* --- bond_spawn.c --- */
void bond_spawn(struct core *c, struct node *n, const struct event *e); /* n: who spawns; NULL: he is gone */
/* false: it is none */
bool bond_promise_ended(struct core *c, struct bond *d, const struct node *n, const struct reason *r);
void bond_promises_unborn(struct core *c, struct node *n);
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
