/* snapshot_load.c - bytes into a core. See snapshot.h and snapshot.c.
 *
 * The bytes have a checksum, yet nothing in them is believed: whatever the rest of the core uses as an index or a link
 * is looked at before the core is handed out, so that damaged bytes end in an error and not in a crash.
 * Used by: the daemon's recovery.  Uses: machine.h.  Tested by: tests/unit/snapshot.c */
#include <errno.h>
#include <stdlib.h>

#include "core/bond_priv.h"
#include "core/machine.h"
#include "core/snapshot_priv.h"

enum { NODES_MAX = 1 << 22, RECORDS_MAX = 1 << 22 };

struct loader {
        struct unpack *u;
        struct pack_map *map;
        struct core *c;
        uint32_t retired;    /* so many numbers are nobody's, */
        uint32_t emitted;    /* and so many texts are kept */
        bool memory;         /* it was memory that was short */
};

static bool failed(const struct loader *l)
{
        return l->u->bad || l->memory;
}

static bool damaged(struct loader *l)
{
        l->u->bad = true;
        return false;
}

/* The messages of a list, into the pool behind each other. Returns the first; *ret_last too. */
static uint32_t load_messages(struct loader *l, uint32_t *ret_last)
{
        struct core *c = l->c;
        uint32_t first = MSG_NONE, *link = &first;
        uint64_t n = unpack_max(l->u, c->pool_cap);

        *ret_last = MSG_NONE;
        for (uint64_t i = 0; i < n && !failed(l); i++) {
                uint32_t at = c->pool_free;
                struct msg *m;

                if (at == MSG_NONE) {
                        (void) damaged(l);
                        break;
                }
                m = &c->pool[at];
                c->pool_free = m->next;
                c->pool_left--;
                *m = (struct msg) { .next = MSG_NONE };
                unpack_struct(l->u, l->map, &msg_fields, m);
                c->requests += m->kind == MSG_REQUEST || m->kind == MSG_WAITER;
                *link = at;
                link = &m->next;
                *ret_last = at;
        }
        return first;
}

static struct window *load_window(struct loader *l)
{
        uint32_t max, period, n;
        struct window *w;

        if (!unpack_max(l->u, 1))
                return NULL;
        max = (uint32_t) unpack_max(l->u, UINT32_MAX);
        period = (uint32_t) unpack_max(l->u, UINT32_MAX - 1);
        n = (uint32_t) unpack_max(l->u, max);
        if (failed(l) || n > (uint64_t) period + 1) {
                (void) damaged(l);
                return NULL;
        }
        w = window_new(max, period * NSEC_PER_SEC);
        l->memory |= !w;
        for (uint32_t i = 0; w && i < n && !failed(l); i++) {
                uint32_t second = (uint32_t) unpack_max(l->u, UINT32_MAX);

                window_put(w, second, (uint32_t) unpack_max(l->u, UINT32_MAX));
        }
        return w;
}

static void load_deps(struct loader *l, struct node *n)
{
        uint64_t count = unpack_max(l->u, UINT16_MAX);

        if (count == 0 || failed(l))
                return;
        n->deps = calloc(count, sizeof(*n->deps));
        l->memory |= !n->deps;
        for (; n->deps && n->dep_count < count && !failed(l); n->dep_count++)
                unpack_struct(l->u, l->map, &dep_fields, &n->deps[n->dep_count]);
}

static void load_story(struct loader *l, struct node *n)
{
        const struct record *r;

        if (!unpack_max(l->u, 1)) {
                unpack_struct(l->u, l->map, &record_fields, n->story);
                return;
        }
        r = core_record(l->c, unpack_u(l->u));
        if (r)
                *n->story = *r;
        else
                (void) damaged(l);
}

static void load_super(struct loader *l, struct node *n)
{
        struct super *s = n->super;

        unpack_struct(l->u, l->map, &super_fields, s);
        window_free(s->window);
        s->window = load_window(l);
        s->head = load_messages(l, &s->tail);
        if (!s->window)
                (void) damaged(l);
}

/* A node is made by core.c's own hand, then gets what was saved. */
static bool load_node(struct loader *l)
{
        struct spec *spec = spec_load(l->u, l->map);
        struct node *n = spec ? node_make(spec) : NULL;
        uint32_t last;

        l->memory |= spec && !n;
        spec_unref(spec);
        if (!n)
                return false;
        unpack_struct(l->u, l->map, &node_fields, n);
        if (failed(l) || n->id >= l->c->limit || l->c->nodes[n->id] || n->kind != (uint8_t) spec_kind(n->spec)) {
                node_free(n);
                return damaged(l);
        }
        l->c->nodes[n->id] = n;
        n->window = load_window(l);
        load_deps(l, n);
        load_story(l, n);
        n->waiters = load_messages(l, &last);
        if (is_super(n))
                load_super(l, n);
        return !failed(l);
}

static void load_records(struct loader *l)
{
        struct core *c = l->c;
        uint64_t first = unpack_u(l->u);

        if (first == 0 || first > c->seq + 1 || c->seq + 1 - first > c->ring_cap) {
                (void) damaged(l);
                return;
        }
        for (uint64_t seq = first; seq <= c->seq && !failed(l); seq++)
                unpack_struct(l->u, l->map, &record_fields, &c->ring[(seq - 1) % c->ring_cap]);
}

/* --- does it hang together? --------------------------------------------------------------------------------------- */

static bool is_node(const struct core *c, node_id id)
{
        return id < c->limit && c->nodes[id];
}

static bool is_sibling(const struct core *c, const struct node *n, node_id id)
{
        return id == NODE_NONE || (is_node(c, id) && c->nodes[id]->parent == n->parent && id != n->id);
}

static bool none_or_child(const struct core *c, const struct node *n, node_id id)
{
        return id == NODE_NONE || (is_node(c, id) && c->nodes[id]->parent == n->id);
}

/* What no job uses may be left over from the last one, about a node that is gone. */
static bool sound_super(const struct core *c, const struct node *n)
{
        const struct super *s = n->super;
        bool group = s->job == JOB_GROUP_STOP || s->job == JOB_GROUP_START || s->job == JOB_GROUP_FAIL;

        return s->job < JOB_COUNT && (s->job == JOB_NONE || none_or_child(c, n, s->cursor)) &&
               (!group || none_or_child(c, n, s->from));
}

/* Children in one chain of the length they have: no circle, nobody left out. */
static bool sound_children(const struct core *c, const struct node *n)
{
        node_id before = NODE_NONE;
        uint32_t steps = 0;

        for (node_id id = n->first; id != NODE_NONE; id = c->nodes[id]->next) {
                if (!is_node(c, id) || c->nodes[id]->parent != n->id || c->nodes[id]->prev != before ||
                    ++steps > c->limit)
                        return false;
                before = id;
        }
        return n->last == before;
}

/* No circle of parents. Each was looked at, or is, for being a node. */
static bool ends_at_root(const struct core *c, const struct node *n)
{
        uint32_t steps = 0;
        node_id id = n->parent;

        while (id != NODE_ROOT && is_node(c, id) && ++steps <= c->limit)
                id = c->nodes[id]->parent;
        return id == NODE_ROOT;
}

static bool sound_node(const struct core *c, const struct node *n)
{
        bool root = n->id == NODE_ROOT;

        if (root != (n->parent == NODE_NONE) || n->state >= STATE_COUNT || n->phase >= PHASE_COUNT ||
            n->child >= CHILD_STATUS_COUNT || n->want > WANT_UP)
                return false;
        if (!root && (!is_node(c, n->parent) || !is_super(c->nodes[n->parent]) || !ends_at_root(c, n)))
                return false;
        if (!is_sibling(c, n, n->prev) || !is_sibling(c, n, n->next) || !sound_children(c, n))
                return false;
        /* Relations may name who is gone: order.c asks each time. */
        return is_super(n) ? sound_super(c, n) : n->first == NODE_NONE;
}

/* The work list names each woken supervisor once. */
static bool sound_work(const struct core *c)
{
        node_id last = NODE_NONE;
        uint32_t steps = 0;

        for (node_id id = c->work_head; id != NODE_NONE; id = c->nodes[id]->super->next_woken) {
                if (!is_node(c, id) || !is_super(c->nodes[id]) || !c->nodes[id]->super->woken || ++steps > c->limit)
                        return false;
                last = id;
        }
        return c->work_tail == last;
}

static bool sound_heap(const struct core *c)
{
        for (uint32_t i = 0; i < c->heap_len; i++)
                if (!is_node(c, c->heap[i]) || c->nodes[c->heap[i]]->heap_at != i)
                        return false;
        for (node_id id = 0; id < c->limit; id++)
                if (c->nodes[id] && c->nodes[id]->heap_at != UINT32_MAX && c->nodes[id]->heap_at >= c->heap_len)
                        return false;
        return true;
}

/* Every node hangs in the chain of its parent: as many are reached as there are. */
static bool sound_tree(const struct core *c)
{
        uint32_t nodes = 0, reached = 1;

        for (node_id id = 0; id < c->limit; id++) {
                if (!c->nodes[id])
                        continue;
                nodes++;
                if (!sound_node(c, c->nodes[id]))
                        return false;
                for (node_id child = c->nodes[id]->first; child != NODE_NONE; child = c->nodes[child]->next)
                        reached++;
        }
        return nodes == reached && is_node(c, NODE_ROOT) && is_super(c->nodes[NODE_ROOT]);
}

/* Numbers that are nobody's, each once. */
static bool load_retired(struct loader *l)
{
        struct core *c = l->c;
        uint8_t *seen = calloc(c->limit, 1);

        l->memory |= !seen;
        for (uint32_t i = 0; i < l->retired && !failed(l); i++) {
                node_id id = (node_id) unpack_max(l->u, c->limit - 1);
                uint32_t incarnation = (uint32_t) unpack_max(l->u, UINT32_MAX);
                bool peer = unpack_max(l->u, 1);

                if (failed(l) || c->nodes[id] || seen[id]++)
                        (void) damaged(l);
                else
                        retired_push(c, id, incarnation, peer);
        }
        free(seen);
        return !failed(l);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void count_children(struct core *c)
{
        for (node_id id = 1; id < c->limit; id++)
                if (c->nodes[id]) {
                        struct super *s = c->nodes[c->nodes[id]->parent]->super;

                        s->busy[c->nodes[id]->child]++;
                        s->dynamic += c->nodes[id]->dynamic;
                }
}

static struct core *load_head(struct loader *l)
{
        struct core head = { .config = { 0 } };
        struct core *c;

        unpack_struct(l->u, l->map, &core_fields, &head);
        if (failed(l) || head.limit == 0 || head.limit > head.capacity || head.capacity > NODES_MAX ||
            (head.capacity & (head.capacity - 1)) != 0 || head.ring_cap == 0 || head.ring_cap > RECORDS_MAX ||
            head.heap_len > head.limit || head.retired_len > head.limit || head.pool_cap > 4 * NODES_MAX) {
                (void) damaged(l);
                return NULL;
        }
        l->retired = head.retired_len;
        l->emitted = head.emitted;
        c = core_make(&head);
        l->memory |= !c;
        return c;
}

static void load_all(struct loader *l)
{
        uint64_t count;

        l->c = load_head(l);
        if (!l->c)
                return;
        load_records(l);
        count = unpack_max(l->u, l->c->limit);
        for (uint64_t i = 0; i < count && load_node(l); i++)
                ;
        for (uint32_t i = 0; i < l->c->heap_len && !failed(l); i++)
                l->c->heap[i] = (node_id) unpack_max(l->u, l->c->limit - 1);
        if (!failed(l) && !bonds_load(l->c, l->u, l->map))
                (void) damaged(l);
        if (!failed(l))
                (void) load_retired(l);
        if (!failed(l) && !emitted_load(l->c, l->u, l->emitted))
                (void) damaged(l);
        if (failed(l) || !sound_tree(l->c) || !sound_heap(l->c) || !sound_work(l->c)) {
                (void) damaged(l);
                return;
        }
        count_children(l->c);
        core_reindex(l->c);
}

int core_restore(struct unpack *u, struct pack_map *map, struct core **ret, struct err *err)
{
        struct loader l = { .u = u, .map = map };

        load_all(&l);
        if (!failed(&l)) {
                *ret = l.c;
                return 0;
        }
        core_free(l.c);
        if (l.memory)
                return err_set(err, STAGE_NONE, ENOMEM, "restore the saved state: out of memory");
        if (pack_map_problem(map)[0] != '\0')
                return err_set(err, STAGE_NONE, EBADMSG, "restore the saved state: %s", pack_map_problem(map));
        return err_set(err, STAGE_NONE, EBADMSG, "restore the saved state: it is damaged");
}
