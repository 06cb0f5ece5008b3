/* bond_save.c - links, monitors and names in a snapshot of the core. The pool is written as it stands, so that whatever
 * follows is decided in the same order. See snapshot.h.
 * Used by: snapshot.c, snapshot_load.c.  Uses: bond_priv.h.  Tested by: tests/unit/bond.c, tests/unit/snapshot.c */
#include <stdlib.h>

#include "core/bond_priv.h"
#include "core/snapshot_priv.h"

enum { POOL_MAX = 1 << 22 };

/* In place of the number of its users: a text that only the actions of the last step still name. They may be
 * performed after this was loaded. */
#define LAST_WORDS UINT32_MAX

static void save_index(struct buf *out, uint32_t i)
{
        pack_u(out, ((uint64_t) i + 1) & UINT32_MAX);
}

void bonds_save(const struct core *c, struct buf *out)
{
        const struct bonds *b = c->bonds;

        pack_u(out, b->cap);
        pack_u(out, b->promised);
        save_index(out, b->free);
        save_index(out, b->first);
        save_index(out, b->last);
        pack_u(out, b->text_count);
        for (uint32_t i = 0; i < b->text_count; i++) {
                pack_u(out, b->texts[i].refs || !b->texts[i].text ? b->texts[i].refs : LAST_WORDS);
                if (b->texts[i].text)
                        pack_text(out, b->texts[i].text);
        }
        for (uint32_t i = 0; i < b->cap; i++) {
                pack_struct(out, &bond_fields, &b->pool[i]);
                save_index(out, b->pool[i].next[0]);
                save_index(out, b->pool[i].next[1]);
        }
}

static uint32_t load_index(struct unpack *u, uint32_t cap)
{
        return (uint32_t) unpack_max(u, cap) - 1;
}

static bool load_texts(struct bonds *b, struct unpack *u)
{
        uint32_t n = (uint32_t) unpack_max(u, POOL_MAX);

        b->texts = calloc(n + 1, sizeof(*b->texts));
        if (!b->texts)
                return false;
        for (b->text_count = 0; b->text_count < n && !u->bad; b->text_count++) {
                struct bond_text *t = &b->texts[b->text_count];

                t->refs = (uint32_t) unpack_max(u, UINT32_MAX);
                t->text = t->refs ? unpack_dup(u) : NULL;
                if (t->refs && !t->text)
                        return false;
                b->garbage |= t->refs == LAST_WORDS;
                t->refs = t->refs == LAST_WORDS ? 0 : t->refs;
        }
        return !u->bad;
}

static bool is_signal(const struct bond *d)
{
        return d->kind == BOND_SIGNAL_LINK || d->kind == BOND_SIGNAL_DOWN || d->kind == BOND_SIGNAL_SENT;
}

/* A chain by next[0] in which every record is of one sort; ends, and where it should. */
static bool sound_chain(const struct bonds *b, uint32_t first, bool free_ones, uint32_t *ret_last)
{
        uint32_t steps = 0;

        *ret_last = BOND_NONE;
        for (uint32_t at = first; at != BOND_NONE; at = b->pool[at].next[0]) {
                if (++steps > b->cap || (free_ones ? b->pool[at].kind != BOND_FREE : !is_signal(&b->pool[at])))
                        return false;
                *ret_last = at;
        }
        return true;
}

static bool sound_list(const struct core *c, const struct node *n)
{
        const struct bonds *b = c->bonds;
        uint32_t steps = 0;

        for (uint32_t at = n->bonds; at != BOND_NONE; at = b->pool[at].next[b->pool[at].a == n->id ? 0 : 1]) {
                const struct bond *d;

                if (at >= b->cap || ++steps > b->cap)
                        return false;
                d = &b->pool[at];
                if (d->kind == BOND_FREE || is_signal(d) || d->a == d->b || (d->a != n->id && d->b != n->id) ||
                    !node_at(c, d->a) || !node_at(c, d->b))
                        return false;
        }
        return true;
}

static bool sound(const struct core *c)
{
        const struct bonds *b = c->bonds;
        uint32_t last;

        if (!sound_chain(b, b->free, true, &last) || !sound_chain(b, b->first, false, &last) || last != b->last)
                return false;
        for (node_id id = 0; id < c->limit; id++)
                if (c->nodes[id] && !sound_list(c, c->nodes[id]))
                        return false;
        return b->promised >= b->standing && b->cap - b->used >= b->promised - b->standing;
}

static bool load_pool(struct bonds *b, struct unpack *u, struct pack_map *map)
{
        for (uint32_t i = 0; i < b->cap && !u->bad; i++) {
                struct bond *d = &b->pool[i];

                unpack_struct(u, map, &bond_fields, d);
                d->next[0] = load_index(u, b->cap);
                d->next[1] = load_index(u, b->cap);
                if (d->kind >= BOND_KIND_COUNT || d->standing > 1 || d->ref > b->text_count)
                        return false;
                b->used += d->kind != BOND_FREE;
                b->standing += d->standing;
        }
        return !u->bad;
}

bool bonds_load(struct core *c, struct unpack *u, struct pack_map *map)
{
        struct bonds *b = c->bonds;

        b->cap = (uint32_t) unpack_max(u, POOL_MAX);
        b->promised = (uint32_t) unpack_max(u, b->cap);
        b->free = load_index(u, b->cap);
        b->first = load_index(u, b->cap);
        b->last = load_index(u, b->cap);
        if (u->bad)
                return false;
        b->pool = calloc(b->cap ? b->cap : 1, sizeof(*b->pool));
        return b->pool && load_texts(b, u) && load_pool(b, u, map) && sound(c);
}
