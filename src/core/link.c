/* link.c - core_link(): the names in After=, Requires= and the others become relations between siblings, each kept
 * at both ends. After= and Before= between units that are no siblings order the branches they are in. What names
 * nobody, and what runs in a circle, is reported and left out.
 * Used by: the daemon, simulate, tests (through core.h).  Uses: core_state.h, order of order.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/core_state.h"
#include "core/order.h"

static const struct {
        enum directive directive;
        uint32_t mine, theirs;
} relations[] = {
        { D_UNIT_After, DEP_AFTER, DEP_BEFORE },       { D_UNIT_Before, DEP_BEFORE, DEP_AFTER },
        { D_UNIT_Requires, DEP_REQUIRES, DEP_REQUIRED }, { D_UNIT_Wants, DEP_WANTS, 0 },
        { D_UNIT_BindsTo, DEP_BINDS, DEP_BOUND },      { D_UNIT_PartOf, DEP_PART, DEP_WHOLE },
        { D_UNIT_Conflicts, DEP_CONFLICTS, DEP_CONFLICTS },
};

struct linker {
        struct core *c;
        void (*report)(void *arg, const struct err *);
        void *arg;
        int problems;
};

static void complain(struct linker *l, const struct node *n, enum directive d, size_t item, bool elsewhere)
{
        struct err err = { 0 };
        struct origin o = spec_item_origin(n->spec, d, item);

        l->problems++;
        (void) err_set(&err, STAGE_DEPENDENCY, ENOENT, elsewhere ? "%s is not a sibling" : "there is no sibling %s",
                       spec_item(n->spec, d, item));
        err_unit(&err, spec_name(n->spec));
        err_where(&err, o.file, o.line);
        err_hint(&err, elsewhere ? "between branches only After= and Before= count" :
                                   "correct the name, or add the unit to Children=");
        if (l->report)
                l->report(l->arg, &err);
}

static int relate(struct node *n, node_id other, uint32_t kinds)
{
        struct dep *grown;

        if (!kinds)
                return 0;
        for (unsigned i = 0; i < n->dep_count; i++) {
                if (n->deps[i].other == other) {
                        n->deps[i].kinds |= kinds;
                        return 0;
                }
        }
        grown = n->dep_count < UINT16_MAX ? realloc(n->deps, (n->dep_count + 1U) * sizeof(*grown)) : NULL;
        if (!grown)
                return -ENOMEM;
        n->deps = grown;
        n->deps[n->dep_count++] = (struct dep) { .other = other, .kinds = kinds };
        return 0;
}

/* A dropped child counts when there is no other of that name: its supervisor may bring it back. */
static struct node *sibling_named(const struct core *c, const struct node *n, const char *name)
{
        struct node *gone = NULL;

        for (node_id id = core_first_child(c, n->parent); id != NODE_NONE; id = c->nodes[id]->next) {
                struct node *o = c->nodes[id];

                if (strcmp(spec_name(o->spec), name) != 0 && strcmp(spec_stem(o->spec), name) != 0)
                        continue;
                if (o->child != CHILD_GONE)
                        return o;
                gone = o;
        }
        return gone;
}

static bool has_suffix(const char *name, const char *suffix)
{
        size_t n = strlen(name), k = strlen(suffix);

        return n > k && strcmp(name + n - k, suffix) == 0;
}

/* Names that mean nothing here and are no mistake: systemd's targets and mounts ... */
static bool other_kind(const char *name)
{
        return !has_suffix(name, ".service") && !has_suffix(name, ".supervisor") && strchr(name, '.');
}

static bool needs(enum directive d)
{
        return d == D_UNIT_Requires || d == D_UNIT_BindsTo;
}

/* ... and mere wishes. */
static bool may_be_missing(const struct node *n, enum directive d)
{
        return spec_foreign(n->spec) && !needs(d);
}

/* Whom n names with item of d, as far as n needs it and it is no sibling. A unit written for systemd starts without. */
static bool missing(const struct core *c, const struct node *n, enum directive d, size_t item)
{
        const char *name = spec_item(n->spec, d, item);

        return needs(d) && !spec_foreign(n->spec) && !other_kind(name) && !sibling_named(c, n, name);
}

bool link_missing(const struct core *c, const struct node *n, enum directive *ret_d, size_t *ret_item)
{
        for (size_t r = 0; r < sizeof(relations) / sizeof(relations[0]); r++) {
                size_t count = spec_count(n->spec, relations[r].directive);

                for (size_t i = 0; i < count; i++) {
                        if (!missing(c, n, relations[r].directive, i))
                                continue;
                        *ret_d = relations[r].directive;
                        *ret_item = i;
                        return true;
                }
        }
        return false;
}

static unsigned depth_of(const struct core *c, const struct node *n)
{
        unsigned depth = 0;

        for (; n->parent != NODE_NONE; n = c->nodes[n->parent])
                depth++;
        return depth;
}

/* Up to the two that are siblings. False when one is above the other: a supervisor and what is below it. */
static bool climb(const struct core *c, struct node **a, struct node **b)
{
        unsigned x = depth_of(c, *a), y = depth_of(c, *b);

        for (; x > y; x--)
                *a = c->nodes[(*a)->parent];
        for (; y > x; y--)
                *b = c->nodes[(*b)->parent];
        while (*a != *b && (*a)->parent != (*b)->parent) {
                *a = c->nodes[(*a)->parent];
                *b = c->nodes[(*b)->parent];
        }
        return *a != *b;
}

static int both_ways(struct node *n, struct node *o, size_t r)
{
        int rc = relate(n, o->id, relations[r].mine);

        return rc < 0 ? rc : relate(o, n->id, relations[r].theirs);
}

static int link_elsewhere(struct linker *l, struct node *n, struct node *o, size_t r, size_t item)
{
        enum directive d = relations[r].directive;

        if (d != D_UNIT_After && d != D_UNIT_Before)
                complain(l, n, d, item, true);
        else if (climb(l->c, &n, &o))
                return both_ways(n, o, r);
        return 0;
}

static int link_item(struct linker *l, struct node *n, size_t r, size_t item)
{
        enum directive d = relations[r].directive;
        const char *name = spec_item(n->spec, d, item);
        struct node *o = sibling_named(l->c, n, name);
        node_id elsewhere;

        if (o)
                return o == n ? 0 : both_ways(n, o, r);
        if (other_kind(name))
                return 0;
        if (missing(l->c, n, d, item))
                n->flags |= NF_MISSING;
        elsewhere = core_find(l->c, n->parent, name, NULL);
        if (elsewhere != NODE_NONE)
                return link_elsewhere(l, n, l->c->nodes[elsewhere], r, item);
        if (!may_be_missing(n, d))
                complain(l, n, d, item, false);
        return 0;
}

static int link_node(struct linker *l, struct node *n)
{
        for (size_t r = 0; r < sizeof(relations) / sizeof(relations[0]); r++) {
                size_t count = spec_count(n->spec, relations[r].directive);

                for (size_t i = 0; i < count; i++) {
                        int rc = link_item(l, n, r, i);

                        if (rc < 0)
                                return rc;
                }
        }
        return 0;
}

/* --- circles ------------------------------------------------------------------------------------------------------ */

static struct dep *dep_on(struct node *n, node_id other)
{
        for (unsigned i = 0; i < n->dep_count; i++)
                if (n->deps[i].other == other)
                        return &n->deps[i];
        return NULL;
}

static void cut(struct linker *l, struct node *n, struct node *o)
{
        char a[80], b[80];
        struct err err = { 0 };
        struct dep *mine = dep_on(n, o->id), *theirs = dep_on(o, n->id);

        if (mine)
                mine->kinds &= (uint32_t) ~DEP_AFTER;
        if (theirs)
                theirs->kinds &= (uint32_t) ~DEP_BEFORE;
        l->problems++;
        (void) err_set(&err, STAGE_DEPENDENCY, ELOOP,
                       "%s comes after %s, which comes after it in turn; the first is ignored",
                       core_path(l->c, n->id, a, sizeof(a)), core_path(l->c, o->id, b, sizeof(b)));
        err_unit(&err, spec_name(n->spec));
        err_hint(&err, "take one After= or Before= out of the circle");
        if (l->report)
                l->report(l->arg, &err);
}

enum { WHITE, GREY, BLACK };

/* Depth first along After=, with a stack of our own: mark[] is the colour, from[] the way back, at[] the next edge. */
static void cut_circles(struct linker *l, uint8_t *mark, node_id *from, uint16_t *at, node_id start)
{
        node_id id = start;

        if (mark[id] != WHITE)
                return;
        mark[id] = GREY;
        from[id] = NODE_NONE;
        at[id] = 0;
        while (id != NODE_NONE) {
                struct node *n = l->c->nodes[id], *o;

                if (at[id] >= n->dep_count) {
                        mark[id] = BLACK;
                        id = from[id];
                        continue;
                }
                o = l->c->nodes[n->deps[at[id]].other];
                if (!(n->deps[at[id]++].kinds & DEP_AFTER) || mark[o->id] == BLACK)
                        continue;
                if (mark[o->id] == GREY) {
                        cut(l, n, o);
                        continue;
                }
                mark[o->id] = GREY;
                from[o->id] = id;
                at[o->id] = 0;
                id = o->id;
        }
}

static int find_circles(struct linker *l)
{
        uint32_t n = l->c->limit;
        uint8_t *mark = calloc(n, sizeof(*mark));
        node_id *from = calloc(n, sizeof(*from));
        uint16_t *at = calloc(n, sizeof(*at));
        int rc = mark && from && at ? 0 : -ENOMEM;

        for (node_id id = 0; rc == 0 && id < n; id++)
                if (l->c->nodes[id])
                        cut_circles(l, mark, from, at, id);
        free(mark);
        free(from);
        free(at);
        return rc;
}

int core_link(struct core *c, void (*report)(void *arg, const struct err *), void *arg, struct err *err)
{
        struct linker l = { .c = c, .report = report, .arg = arg };
        int rc = 0;

        c->changes++;
        for (node_id id = 0; id < c->limit; id++) {
                if (!c->nodes[id])
                        continue;
                c->nodes[id]->flags &= (uint16_t) ~NF_MISSING;
                free(c->nodes[id]->deps);
                c->nodes[id]->deps = NULL;
                c->nodes[id]->dep_count = 0;
        }
        for (node_id id = 1; id < c->limit && rc == 0; id++)
                if (c->nodes[id] && c->nodes[id]->parent != NODE_NONE)
                        rc = link_node(&l, c->nodes[id]);
        if (rc == 0)
                rc = find_circles(&l);
        if (rc < 0)
                return err_set(err, STAGE_DEPENDENCY, ENOMEM, "out of memory");
        return l.problems;
}
