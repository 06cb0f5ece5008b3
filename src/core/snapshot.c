/* snapshot.c - the core into bytes. See snapshot.h; snapshot_load.c is the way back.
 *
 *      the fields of struct core; for each node: fields, spec, supervisor, windows, relations, story, who waits, and a
 *      supervisor's queue; the timer heap as it stands (its order decides between equal times); the records; links and
 *      names; the numbers that nodes had which are gone
 *
 * Messages have no numbers here: those of a list are written in its order, and get new places in the pool.
 * Used by: the daemon's journal.  Uses: core_state.h.  Tested by: tests/unit/snapshot.c */
#include <string.h>

#include "core/bond_priv.h"
#include "core/snapshot_priv.h"

static void save_messages(const struct core *c, uint32_t first, struct buf *out)
{
        uint64_t n = 0;

        for (uint32_t at = first; at != MSG_NONE; at = c->pool[at].next)
                n++;
        pack_u(out, n);
        for (uint32_t at = first; at != MSG_NONE; at = c->pool[at].next)
                pack_struct(out, &msg_fields, &c->pool[at]);
}

static void save_window(const struct window *w, struct buf *out)
{
        uint32_t second, count;

        pack_u(out, w != NULL);
        if (!w)
                return;
        pack_u(out, window_max(w));
        pack_u(out, window_period(w));
        pack_u(out, window_slot_count(w));
        for (uint32_t i = 0; i < window_slot_count(w); i++) {
                window_slot(w, i, &second, &count);
                pack_u(out, second);
                pack_u(out, count);
        }
}

/* The last record of a node is mostly one of the ring's too. */
static void save_story(const struct core *c, const struct node *n, struct buf *out)
{
        const struct record *r = core_record(c, n->story->seq);
        bool kept = r && memcmp(r, n->story, sizeof(*r)) == 0;

        pack_u(out, kept);
        if (kept)
                pack_u(out, n->story->seq);
        else
                pack_struct(out, &record_fields, n->story);
}

static void save_node(const struct core *c, const struct node *n, struct buf *out)
{
        spec_save(n->spec, out);
        pack_struct(out, &node_fields, n);
        save_window(n->window, out);
        pack_u(out, n->dep_count);
        for (unsigned i = 0; i < n->dep_count; i++)
                pack_struct(out, &dep_fields, &n->deps[i]);
        save_story(c, n, out);
        save_messages(c, n->waiters, out);
        if (!is_super(n))
                return;
        pack_struct(out, &super_fields, n->super);
        save_window(n->super->window, out);
        save_messages(c, n->super->head, out);
}

static void save_records(const struct core *c, struct buf *out)
{
        uint64_t first = c->seq > c->ring_cap ? c->seq - c->ring_cap + 1 : 1;

        pack_u(out, first);
        for (uint64_t seq = first; seq <= c->seq; seq++)
                pack_struct(out, &record_fields, &c->ring[(seq - 1) % c->ring_cap]);
}

static void save_retired(const struct core *c, struct buf *out)
{
        for (uint32_t i = 0; i < c->retired_len; i++) {
                const struct retired *r = &c->retired[(c->retired_head + i) & (c->capacity - 1)];

                pack_u(out, r->id);
                pack_u(out, r->incarnation);
                pack_u(out, r->peer);
        }
}

void core_snapshot(const struct core *c, struct buf *out)
{
        uint64_t count = 0;

        pack_struct(out, &core_fields, c);
        save_records(c, out);
        for (node_id id = 0; id < c->limit; id++)
                count += c->nodes[id] != NULL;
        pack_u(out, count);
        for (node_id id = 0; id < c->limit; id++)
                if (c->nodes[id])
                        save_node(c, c->nodes[id], out);
        for (uint32_t i = 0; i < c->heap_len; i++)
                pack_u(out, c->heap[i]);
        bonds_save(c, out);
        save_retired(c, out);
        emitted_save(c, out);
}

uint32_t core_changes(const struct core *c)
{
        return c->changes;
}
