/* memory.c - all memory of the core: taken here, when a tree is loaded or grows, and never in a step.
 * Used by: core.c, request.c.  Uses: machine.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/bond_priv.h"
#include "core/machine.h"
#include "core/resolve.h"
#include "core/supervisor.h"

enum { RECORDS_DEFAULT = 8192, MESSAGES_SPARE = 256 };

/* --- memory ------------------------------------------------------------------------------------------------------- */

void node_free(struct node *n)
{
        if (!n)
                return;
        spec_unref(n->spec);
        free(n->deps);
        window_free(n->window);
        if (n->super)
                window_free(n->super->window);
        free(n->super);
        free(n->story);
        free(n);
}

/* What the last step forgot: its actions have been performed by now. */
void core_bury(struct core *c)
{
        while (c->buried) {
                struct node *n = c->buried;

                c->buried = n->buried;
                node_free(n);
        }
}

/* Does its start ask the engine something first? Whether conditions hold; what others than files may know of its user,
 * and whether its files answer; whether a life that an earlier daemon has left goes on. */
static bool has_check(const struct spec *s)
{
        static const enum directive asking[] = { D_SERVICE_User, D_SERVICE_Group, D_SERVICE_SupplementaryGroups,
                                                 D_SERVICE_DynamicUser, D_SERVICE_EnvironmentFile,
                                                 D_SERVICE_OnDaemonDeath };

        for (size_t i = 0; spec_kind(s) == KIND_SERVICE && i < sizeof(asking) / sizeof(asking[0]); i++)
                if (spec_has(s, asking[i]))
                        return true;
        for (int d = D_UNIT_ConditionPathExists; d <= D_UNIT_AssertGroup; d++)
                if (spec_has(s, (enum directive) d))
                        return true;
        return false;
}

struct node *node_make(struct spec *spec)
{
        struct node *n = calloc(1, sizeof(*n));

        if (!n)
                return NULL;
        n->spec = spec_ref(spec);
        n->kind = (uint8_t) spec_kind(spec);
        n->parent = n->prev = n->next = n->first = n->last = NODE_NONE;
        n->deadline = n->runtime_at = n->watchdog_at = n->next_start_at = n->started_at = n->ready_at = NSEC_NEVER;
        n->last_reason = n->ending = n->raw = REASON(REASON_NONE, 0);
        n->heap_at = UINT32_MAX;
        n->waiters = MSG_NONE;
        n->bonds = BOND_NONE;
        n->flags = has_check(spec) ? NF_CHECK : 0;
        n->story = calloc(1, sizeof(*n->story));
        if (is_super(n))
                n->super = calloc(1, sizeof(*n->super));
        if (!n->story || (is_super(n) && !n->super)) {
                node_free(n);
                return NULL;
        }
        if (n->super) {
                n->super->head = n->super->tail = MSG_NONE;
                n->super->cursor = n->super->from = n->super->leader = n->super->next_woken = NODE_NONE;
        }
        return n;
}

static struct window *window_for(const struct node *s)
{
        return window_new((uint32_t) spec_int(s->spec, D_SUPERVISOR_MaxRestarts),
                          spec_int(s->spec, D_SUPERVISOR_MaxRestartsSec));
}

/* The window a node needs: a supervisor its own; a child of an isolating one, too. Counts are carried over. */
static int window_fit(struct node *n, const struct node *owner, nsec now)
{
        struct window *w = window_for(owner);

        if (!w)
                return -ENOMEM;
        if (n->window)
                window_copy(w, n->window, now);
        window_free(n->window);
        n->window = w;
        return 0;
}

/* A supervisor under an isolating one has two windows to keep: its own and the one its parent counts it in. */
static int windows_fit(struct core *c, struct node *n)
{
        const struct node *p = parent_of(c, n);
        int rc = 0;

        if (is_super(n)) {
                struct window *w = window_for(n);

                if (!w)
                        return -ENOMEM;
                if (n->super->window)
                        window_copy(w, n->super->window, c->now);
                window_free(n->super->window);
                n->super->window = w;
        }
        if (p && super_isolates(p))
                rc = window_fit(n, p, c->now);
        for (node_id id = n->first; id != NODE_NONE && rc == 0; id = c->nodes[id]->next)
                if (is_super(n) && super_isolates(n))
                        rc = window_fit(c->nodes[id], n, c->now);
        return rc;
}

static int grow_pool(struct core *c, uint32_t cap)
{
        struct msg *grown = realloc(c->pool, cap * sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        c->pool = grown;
        for (uint32_t i = c->pool_cap; i < cap; i++) {
                c->pool[i] = (struct msg) { .next = c->pool_free };
                c->pool_free = i;
        }
        c->pool_left += cap - c->pool_cap;
        c->pool_cap = cap;
        return 0;
}

/* --- growing ------------------------------------------------------------------------------------------------------ */

static int grow(struct core *c)
{
        uint32_t cap = c->capacity ? c->capacity * 2 : 16;
        struct node **nodes;
        node_id *heap;
        int rc;

        if (c->limit < c->capacity)
                return 0;
        nodes = realloc(c->nodes, cap * sizeof(struct node *));
        if (!nodes)
                return -ENOMEM;
        c->nodes = nodes;
        heap = realloc(c->heap, cap * sizeof(*heap));
        if (!heap)
                return -ENOMEM;
        c->heap = heap;
        rc = retired_grow(c, cap);
        if (rc == 0)
                rc = index_grow(c, cap);
        return rc < 0 ? rc : grow_pool(c, 2 * cap + MESSAGES_SPARE);
}

/* `again`: with the number of one that is gone, which core_retired() told; its lives count on from there. */
static int place(struct core *c, struct node *n, node_id parent, bool again)
{
        struct node *p = node_at(c, parent);
        int rc = again ? 0 : grow(c);

        if (rc < 0)
                return rc;
        n->id = again ? core_retired(c) : c->limit;
        n->parent = parent;
        n->born = c->seq;
        c->nodes[n->id] = n;
        rc = windows_fit(c, n);
        if (rc < 0) {
                c->nodes[n->id] = NULL;
                return rc;
        }
        if (again)
                retired_take(c, n);
        else
                c->limit++;
        index_stem(c, n);
        if (!p)
                return 0;
        n->prev = p->last;
        if (p->last != NODE_NONE)
                c->nodes[p->last]->next = n->id;
        else
                p->first = n->id;
        p->last = n->id;
        p->super->busy[n->child]++;
        p->super->dynamic += n->dynamic;
        return 0;
}

struct core *core_new(const struct core_config *config, struct spec *root)
{
        struct core *c = calloc(1, sizeof(*c));
        struct node *n = NULL;

        if (!c)
                return NULL;
        c->config = *config;
        c->random = config->seed;
        c->pool_free = MSG_NONE;
        c->work_head = c->work_tail = NODE_NONE;
        c->shutdown_at = NSEC_NEVER;
        c->ring_cap = config->record_capacity ? config->record_capacity : RECORDS_DEFAULT;
        c->ring = calloc(c->ring_cap, sizeof(*c->ring));
        c->actions = malloc((ACTIONS_MAX + ACTIONS_RESERVE) * sizeof(*c->actions));
        n = node_make(root);
        if (bonds_new(c) < 0 || !c->ring || !c->actions || !n || place(c, n, NODE_NONE, false) < 0) {
                node_free(n);
                core_free(c);
                return NULL;
        }
        return c;
}

/* All memory that a core of these sizes has, and nothing in it: what core_new() and core_add() would have taken. */
struct core *core_make(const struct core *head)
{
        struct core *c = malloc(sizeof(*c));

        if (!c)
                return NULL;
        *c = *head;
        c->nodes = calloc(c->capacity, sizeof(struct node *));
        c->heap = calloc(c->capacity, sizeof(*c->heap));
        c->stems = malloc(2 * (size_t) c->capacity * sizeof(*c->stems));
        c->retired = calloc(c->capacity, sizeof(*c->retired));
        c->ring = calloc(c->ring_cap, sizeof(*c->ring));
        c->actions = malloc((ACTIONS_MAX + ACTIONS_RESERVE) * sizeof(*c->actions));
        c->pool = NULL;
        c->pool_cap = c->pool_left = c->requests = c->action_len = c->retired_len = c->emitted = 0;
        c->pool_free = MSG_NONE;
        c->buried = NULL;
        c->bonds = NULL;
        if (bonds_new(c) < 0 || !c->nodes || !c->heap || !c->stems || !c->retired || !c->ring || !c->actions ||
            grow_pool(c, head->pool_cap) < 0) {
                if (!c->nodes)
                        c->limit = 0;
                core_free(c);
                return NULL;
        }
        return c;
}

void core_free(struct core *c)
{
        if (!c)
                return;
        core_bury(c);
        for (node_id id = 0; id < c->limit; id++)
                node_free(c->nodes[id]);
        free(c->nodes);
        free(c->heap);
        free(c->stems);
        free(c->retired);
        free(c->pool);
        bonds_free(c);
        free(c->ring);
        free(c->actions);
        free(c);
}

static int full(const struct node *p, const struct spec *spec, struct err *err)
{
        struct origin o = spec_origin(p->spec, D_SUPERVISOR_MaxChildren);

        (void) err_set(err, STAGE_LOAD, EDQUOT,
                       "add %s: %s has %u children already that came at run time, which is its MaxChildren=",
                       spec_name(spec), spec_name(p->spec), p->super->dynamic);
        if (err && o.line)
                err_where(err, o.file, o.line);
        if (err)
                err_hint(err, "wait until one of them ends, or allow more");
        return -EDQUOT;
}

static int add(struct core *c, node_id parent, struct spec *spec, bool dynamic, bool again, node_id *ret_id,
               struct err *err)
{
        struct node *p = node_at(c, parent), *n;

        if (spec_kind(spec) == KIND_CHANNEL)
                return err_set(err, STAGE_LOAD, EINVAL, "add %s: a channel is not started or stopped", spec_name(spec));
        if (!p || !is_super(p))
                return err_set(err, STAGE_LOAD, EINVAL, "add %s: its parent is no supervisor", spec_name(spec));
        if (!dynamic && index_has(c, p, spec_stem(spec)))
                return err_set(err, STAGE_LOAD, EEXIST, "add %s: its supervisor has a child of that name",
                               spec_name(spec));
        if (dynamic && p->super->dynamic >= spec_max_children(p->spec))
                return full(p, spec, err);
        n = node_make(spec);
        if (n && bonds_promise(c, spec) < 0) {
                node_free(n);
                n = NULL;
        }
        if (n) {
                n->dynamic = dynamic;
                n->child = dynamic ? CHILD_GONE : CHILD_DOWN; /* a dynamic one is a child once EVT_ADDED says so */
        }
        if (!n || place(c, n, parent, again) < 0) {
                node_free(n);
                return err_set(err, STAGE_LOAD, ENOMEM, "add %s: out of memory", spec_name(spec));
        }
        *ret_id = n->id;
        c->changes++;
        return 0;
}

int core_add(struct core *c, node_id parent, struct spec *spec, bool dynamic, node_id *ret_id, struct err *err)
{
        return add(c, parent, spec, dynamic, false, ret_id, err);
}

int core_add_again(struct core *c, node_id parent, struct spec *spec, bool dynamic, node_id *ret_id, struct err *err)
{
        return add(c, parent, spec, dynamic, core_retired(c) != NODE_NONE, ret_id, err);
}

int core_set_spec(struct core *c, node_id id, struct spec *spec, struct err *err)
{
        struct node *n = node_at(c, id);
        struct spec *old;

        if (!n || spec_kind(spec) != (enum node_kind) n->kind)
                return err_set(err, STAGE_LOAD, EINVAL, "change %s: no such node", spec_name(spec));
        c->changes++;
        old = n->spec;
        n->spec = spec_ref(spec);
        if (windows_fit(c, n) < 0 || bonds_promise(c, spec) < 0) {
                spec_unref(n->spec);
                n->spec = old;
                return err_set(err, STAGE_LOAD, ENOMEM, "change %s: out of memory", spec_name(spec));
        }
        n->flags = (uint16_t) ((n->flags & ~NF_CHECK) | (has_check(spec) ? NF_CHECK : 0));
        spec_unref(old);
        return 0;
}
