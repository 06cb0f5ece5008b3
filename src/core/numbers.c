/* numbers.c - which number a node has, and the index that finds a child by its name.
 *
 * A number that a forgotten node had is used again, the oldest first, so that a tree in which nodes come and go for
 * years takes no more memory than one with as many as there ever were at a time. The new node's lives count on from
 * those of the one before it: what somebody says about (number, incarnation) is about one life and never about another.
 * Whoever holds a bare number has to let go of it when its node is forgotten: inside the core that is done by
 * core_forget() and, for the peers in reasons, here; records are older than the node's `born`.
 * Used by: memory.c, snapshot_load.c.  Uses: machine.h.  Tested by: tests/unit/spawnin.c, tests/sim */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/machine.h"

/* --- numbers of those that are gone ------------------------------------------------------------------------------- */

/* Beyond this a number is given up: request numbers of init have 31 bits for a life. */
#define LIVES_MAX (UINT32_MAX >> 2)

int retired_grow(struct core *c, uint32_t cap)
{
        struct retired *more = malloc(cap * sizeof(*more));

        if (!more)
                return -ENOMEM;
        for (uint32_t i = 0; i < c->retired_len; i++)
                more[i] = c->retired[(c->retired_head + i) & (c->capacity - 1)];
        free(c->retired);
        c->retired = more;
        c->retired_head = 0;
        return 0;
}

void retired_push(struct core *c, node_id id, uint32_t incarnation, bool peer)
{
        uint32_t at = (c->retired_head + c->retired_len++) & (c->capacity - 1);

        c->retired[at] = (struct retired) { .id = id, .incarnation = incarnation, .peer = peer };
}

void retire(struct core *c, const struct node *n)
{
        if (n->incarnation < LIVES_MAX)
                retired_push(c, n->id, n->incarnation, n->peer);
}

node_id core_retired(const struct core *c)
{
        return c->retired_len ? c->retired[c->retired_head].id : NODE_NONE;
}

bool core_retired_peer(const struct core *c)
{
        return c->retired_len && c->retired[c->retired_head].peer;
}

static void forget_peer(struct reason *r, node_id id)
{
        if (r->peer == id)
                r->peer = NODE_NONE;
}

static void forget_peers(struct core *c, node_id id)
{
        for (node_id i = 0; i < c->limit; i++)
                if (c->nodes[i]) {
                        forget_peer(&c->nodes[i]->last_reason, id);
                        forget_peer(&c->nodes[i]->ending, id);
                        forget_peer(&c->nodes[i]->raw, id);
                }
}

void retired_take(struct core *c, struct node *n)
{
        const struct retired *r = &c->retired[c->retired_head];

        n->incarnation = r->incarnation;
        if (r->peer)
                forget_peers(c, n->id);
        c->retired_head = (c->retired_head + 1) & (c->capacity - 1);
        c->retired_len--;
}

/* --- the index of names ------------------------------------------------------------------------------------------- */

/* Where the search for a child of that name begins, in an index of 2 * capacity places (a power of two). */
static uint32_t place_of(const struct core *c, node_id parent, const char *stem, size_t len)
{
        uint32_t hash = 2166136261u ^ parent;

        for (size_t i = 0; i < len; i++)
                hash = (hash ^ (unsigned char) stem[i]) * 16777619u;
        return (hash ^ hash >> 15) & (2 * c->capacity - 1);
}

static uint32_t stem_place(const struct core *c, node_id parent, const char *stem)
{
        return place_of(c, parent, stem, strlen(stem));
}

/* Every node is in it once, so at least half of it is free. */
void index_stem(struct core *c, const struct node *n)
{
        uint32_t i = stem_place(c, n->parent, spec_stem(n->spec));

        while (c->stems[i] != NODE_NONE)
                i = (i + 1) & (2 * c->capacity - 1);
        c->stems[i] = n->id;
}

/* The index for a new capacity; what there was is kept when memory is short. */
int index_grow(struct core *c, uint32_t cap)
{
        node_id *stems = malloc(2 * (size_t) cap * sizeof(*stems));

        if (!stems)
                return -ENOMEM;
        memset(stems, 0xff, 2 * (size_t) cap * sizeof(*stems)); /* NODE_NONE */
        free(c->stems);
        c->stems = stems;
        c->capacity = cap;
        for (node_id id = 0; id < c->limit; id++)
                if (c->nodes[id])
                        index_stem(c, c->nodes[id]);
        return 0;
}

bool index_has(const struct core *c, const struct node *p, const char *stem)
{
        uint32_t i = stem_place(c, p->id, stem);

        for (; c->stems[i] != NODE_NONE; i = (i + 1) & (2 * c->capacity - 1)) {
                const struct node *n = c->nodes[c->stems[i]];

                if (n && n->parent == p->id && n->child != CHILD_GONE && strcmp(spec_stem(n->spec), stem) == 0)
                        return true;
        }
        return false;
}

node_id index_find(const struct core *c, node_id parent, const char *name, size_t len, size_t stem_len, bool *ret_more)
{
        node_id found = NODE_NONE;
        uint32_t i = place_of(c, parent, name, stem_len);

        for (; c->stems[i] != NODE_NONE; i = (i + 1) & (2 * c->capacity - 1)) {
                const struct node *n = c->nodes[c->stems[i]];
                const char *mine = !n ? "" : stem_len == len ? spec_stem(n->spec) : spec_name(n->spec);

                if (!n || n->parent != parent || strncmp(mine, name, len) != 0 || mine[len])
                        continue;
                if (found != NODE_NONE)
                        *ret_more = true;
                found = n->id;
        }
        return found;
}

/* A gap would end searches too early: what stands behind it and belongs before it moves up. */
void index_drop(struct core *c, const struct node *n)
{
        uint32_t mask = 2 * c->capacity - 1, gap = stem_place(c, n->parent, spec_stem(n->spec)), at;

        while (c->stems[gap] != n->id)
                gap = (gap + 1) & mask;
        for (at = (gap + 1) & mask; c->stems[at] != NODE_NONE; at = (at + 1) & mask) {
                const struct node *o = c->nodes[c->stems[at]];
                uint32_t home = stem_place(c, o->parent, spec_stem(o->spec));

                if (((at - home) & mask) < ((at - gap) & mask))
                        continue; /* it stands between its home and the gap: no, behind the gap */
                c->stems[gap] = c->stems[at];
                gap = at;
        }
        c->stems[gap] = NODE_NONE;
}

void core_reindex(struct core *c)
{
        memset(c->stems, 0xff, 2 * (size_t) c->capacity * sizeof(*c->stems));
        for (node_id id = 0; id < c->limit; id++)
                if (c->nodes[id])
                        index_stem(c, c->nodes[id]);
}
