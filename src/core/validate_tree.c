/* validate_tree.c - rules between siblings: see validate.h.
 *
 * The siblings of a supervisor are looked at as a graph: an edge from a to b says "a starts before b". It comes from
 * After= and Before=, also from those between units further down (branches.h), and in a supervisor that starts its
 * children one after another from their order as well. */
#include "core/validate.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "core/branches.h"
#include "core/resolve.h"

struct edge {
        uint32_t from, to;     /* ranks among the siblings: from waits for to */
        enum directive d;      /* why; D_NONE: the order of the children */
        uint32_t item;         /* of the unit that says it */
        const struct spec *said;
};

struct family {
        const struct unit_node *nodes;
        const struct branch_orders *branches;
        const struct spec *supervisor;
        struct remarks *remarks;
        unit_known_fn *known;
        void *arg;
        const uint32_t *members;       /* node indices, in start order */
        size_t count;
        uint32_t *by_name;             /* ranks sorted by name */
        struct edge *edges;
        size_t edge_count, edge_cap;
        uint32_t *first;               /* edges of rank i: first[i] to first[i + 1] */
        bool sequential, failed, husk; /* husk: the supervisor has errors */
};

static const struct spec *spec_of(const struct family *f, uint32_t rank)
{
        return f->nodes[f->members[rank]].spec;
}

static uint32_t find_sibling(const struct family *f, const char *name)
{
        size_t low = 0, high = f->count;

        while (low < high) {
                size_t middle = (low + high) / 2;
                int c = strcmp(spec_name(spec_of(f, f->by_name[middle])), name);

                if (c == 0)
                        return f->by_name[middle];
                if (c < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return UINT32_MAX;
}

static void add_edge(struct family *f, struct edge e)
{
        if (f->edge_count == f->edge_cap) {
                size_t cap = f->edge_cap ? 2 * f->edge_cap : 64;
                struct edge *grown = reallocarray(f->edges, cap, sizeof(*grown));

                if (!grown) {
                        f->failed = true;
                        return;
                }
                f->edges = grown;
                f->edge_cap = cap;
        }
        f->edges[f->edge_count++] = e;
}

/* A name that is no sibling: what needs it can never start; an order with nobody is most likely a slip of the pen. */
static void unknown_sibling(struct family *f, const struct spec *s, enum directive d, size_t item)
{
        bool needs = d == D_UNIT_Requires || d == D_UNIT_BindsTo, orders = d == D_UNIT_After || d == D_UNIT_Before;
        bool elsewhere = branch_orders_node(f->branches, spec_item(s, d, item)) != UINT32_MAX;
        struct origin at = spec_item_origin(s, d, item);
        bool by_choice = false;
        const char *why = f->known && !elsewhere ? f->known(f->arg, spec_item(s, d, item), &by_choice) : NULL;

        if (spec_foreign(s) || (orders && (elsewhere || by_choice)))
                return;
        f->remarks->unit = spec_name(s);
        remark(f->remarks, needs && !by_choice ? DIAG_ERROR : DIAG_WARNING, at.file, at.line, 0,
               elsewhere ? "it hangs below another supervisor; between branches only After= and Before= count" :
               why ? why : "siblings are the units below the same supervisor",
               "%s=%s: there is no such sibling", directive_rows[d].key, spec_item(s, d, item));
}

static void look_at(struct family *f, uint32_t rank, enum directive d)
{
        const struct spec *s = spec_of(f, rank);

        for (size_t i = 0; i < spec_count(s, d); i++) {
                uint32_t other = find_sibling(f, spec_item(s, d, i));

                if (other == UINT32_MAX)
                        unknown_sibling(f, s, d, i);
                else if (d == D_UNIT_After)
                        add_edge(f, (struct edge) { .from = rank, .to = other, .d = d, .item = (uint32_t) i,
                                                    .said = s });
                else if (d == D_UNIT_Before)
                        add_edge(f, (struct edge) { .from = other, .to = rank, .d = d, .item = (uint32_t) i,
                                                    .said = s });
        }
}

static void check_conflicts(struct family *f, const struct spec *s)
{
        for (size_t i = 0; i < spec_count(s, D_UNIT_Conflicts); i++)
                for (size_t k = 0; k < spec_count(s, D_UNIT_Requires); k++) {
                        const char *name = spec_item(s, D_UNIT_Conflicts, i);
                        struct origin at = spec_item_origin(s, D_UNIT_Conflicts, i);

                        if (strcmp(name, spec_item(s, D_UNIT_Requires, k)) != 0)
                                continue;
                        f->remarks->unit = spec_name(s);
                        remark(f->remarks, DIAG_ERROR, at.file, at.line, 0, "take one of the two out",
                               "%s is both in Conflicts= and in Requires=", name);
                }
}

/* OTP refuses a significant child whose supervisor never looks at it. */
static void check_significance(struct family *f, const struct spec *s)
{
        enum directive d = spec_kind(s) == KIND_SERVICE ? D_SERVICE_Significant : D_SUPERVISOR_Significant;
        struct origin at = spec_origin(s, d);

        if (f->husk || !spec_significant(s) || spec_int(f->supervisor, D_SUPERVISOR_AutoShutdown) != AUTO_NEVER)
                return;
        f->remarks->unit = spec_name(s);
        remark(f->remarks, DIAG_ERROR, at.file, at.line, 0, "write AutoShutdown= there, or take Significant= out",
               "Significant= means nothing below %s, which has AutoShutdown=never", spec_name(f->supervisor));
}

static void check_exit_code_from(struct family *f)
{
        const char *name = spec_str(f->supervisor, D_SUPERVISOR_ExitCodeFrom);
        struct origin at = spec_origin(f->supervisor, D_SUPERVISOR_ExitCodeFrom);

        if (!*name || find_sibling(f, name) != UINT32_MAX)
                return;
        f->remarks->unit = spec_name(f->supervisor);
        remark(f->remarks, DIAG_ERROR, at.file, at.line, 0, "name a child of this supervisor",
               "ExitCodeFrom=%s: there is no such child", name);
}

static void collect(struct family *f)
{
        static const enum directive lists[] = {
                D_UNIT_After, D_UNIT_Before, D_UNIT_Requires, D_UNIT_Wants, D_UNIT_BindsTo, D_UNIT_PartOf,
                D_UNIT_Conflicts,
        };

        for (uint32_t rank = 0; rank < f->count; rank++) {
                for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
                        look_at(f, rank, lists[i]);
                if (f->sequential && rank > 0)
                        add_edge(f, (struct edge) { .from = rank, .to = rank - 1, .d = D_NONE });
                check_conflicts(f, spec_of(f, rank));
                check_significance(f, spec_of(f, rank));
        }
}

/* What units further down say: the members of a family stand together, so an index gives the rank. */
static void collect_branches(struct family *f)
{
        const struct branch_orders *b = f->branches;
        uint32_t first = f->members[0], parent = f->nodes[first].parent;
        size_t low = 0, high = b->count;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (b->list[middle].parent < parent)
                        low = middle + 1;
                else
                        high = middle;
        }
        for (; low < b->count && b->list[low].parent == parent; low++) {
                const struct branch_order *o = &b->list[low];

                add_edge(f, (struct edge) { .from = o->from - first, .to = o->to - first, .d = o->d, .item = o->item,
                                            .said = o->said });
        }
}

static int compare_edges(const void *a, const void *b)
{
        const struct edge *x = a, *y = b;

        return x->from < y->from ? -1 : x->from > y->from;
}

/* --- cycles ------------------------------------------------------------------------------------------------------- */

struct search {
        struct family *f;
        uint8_t *colour;     /* 0 new, 1 on the path, 2 done */
        uint32_t *path;      /* edges from the start to here */
        uint32_t *next;      /* per rank: the edge to look at next */
};

/* The path ends with an edge back to where its last part began. */
static void report_cycle(struct search *x, size_t depth)
{
        struct family *f = x->f;
        uint32_t target = f->edges[x->path[depth - 1]].to;
        autobuf struct buf text = BUF_INIT;
        struct origin at = { .file = "" };
        size_t i = depth;

        while (i > 0 && f->edges[x->path[i - 1]].from != target)
                i--;
        i = i > 0 ? i - 1 : 0;
        f->remarks->unit = spec_name(spec_of(f, target));
        for (; i < depth; i++) {
                const struct edge *e = &f->edges[x->path[i]];

                buf_addf(&text, "%s -> ", spec_name(spec_of(f, e->from)));
                if (e->d != D_NONE && at.line == 0)
                        at = spec_item_origin(e->said, e->d, e->item);
        }
        buf_adds(&text, spec_name(spec_of(f, target)));
        remark(f->remarks, DIAG_ERROR, at.file, at.line, 0,
               f->sequential ? "take one After= or Before= out, or change the order of the children"
                             : "take one After= or Before= out",
               "each waits for the next: %s", buf_text(&text));
}

/* Depth first, without recursion: ten thousand units may wait for each other in one long line. */
static void search_from(struct search *x, uint32_t start)
{
        struct family *f = x->f;
        uint32_t rank = start;
        size_t depth = 0;

        x->colour[rank] = 1;
        for (;;) {
                if (x->next[rank] < f->first[rank + 1]) {
                        uint32_t edge = x->next[rank]++, to = f->edges[edge].to;

                        x->path[depth] = edge;
                        if (x->colour[to] == 1) {
                                report_cycle(x, depth + 1);
                        } else if (x->colour[to] == 0) {
                                x->colour[to] = 1;
                                depth++;
                                rank = to;
                        }
                        continue;
                }
                x->colour[rank] = 2;
                if (depth == 0)
                        return;
                rank = f->edges[x->path[--depth]].from;
        }
}

static void find_cycles(struct family *f)
{
        autofree uint8_t *colour = calloc(f->count + 1, 1);
        autofree uint32_t *path = calloc(f->count + 1, sizeof(uint32_t));
        autofree uint32_t *next = calloc(f->count + 1, sizeof(uint32_t));
        autofree uint32_t *first = calloc(f->count + 2, sizeof(uint32_t));
        struct search x = { .f = f, .colour = colour, .path = path, .next = next };

        if (!colour || !path || !next || !first || f->edge_count == 0)
                return;
        qsort(f->edges, f->edge_count, sizeof(*f->edges), compare_edges);
        for (size_t i = 0; i < f->edge_count; i++)
                first[f->edges[i].from + 1]++;
        for (size_t i = 1; i <= f->count; i++)
                first[i] += first[i - 1];
        memcpy(next, first, f->count * sizeof(uint32_t));
        f->first = first;
        for (uint32_t rank = 0; rank < f->count; rank++)
                if (colour[rank] == 0)
                        search_from(&x, rank);
}

/* --- families ----------------------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b, void *arg)
{
        const struct family *f = arg;

        return strcmp(spec_name(spec_of(f, *(const uint32_t *) a)), spec_name(spec_of(f, *(const uint32_t *) b)));
}

static void validate_family(struct family *f)
{
        autofree uint32_t *by_name = calloc(f->count + 1, sizeof(uint32_t));

        if (!by_name)
                return;
        for (uint32_t i = 0; i < f->count; i++)
                by_name[i] = i;
        qsort_r(by_name, f->count, sizeof(*by_name), compare_names, f);
        f->by_name = by_name;
        check_exit_code_from(f);
        collect(f);
        collect_branches(f);
        if (!f->failed)
                find_cycles(f);
        free(f->edges);
}

void validate_tree(const struct unit_node *nodes, size_t n, unit_known_fn *known, void *arg, struct remarks *remarks)
{
        autofree uint32_t *members = calloc(n + 1, sizeof(uint32_t));
        struct branch_orders branches;

        if (!members || branch_orders_find(nodes, n, &branches) < 0)
                return;
        for (size_t i = 1; i < n; ) { /* the children of one supervisor stand together */
                struct family f = { .nodes = nodes, .branches = &branches, .remarks = remarks, .members = members,
                                    .known = known, .arg = arg };
                uint32_t parent = nodes[i].parent;

                for (; i < n && nodes[i].parent == parent; i++)
                        members[f.count++] = (uint32_t) i;
                f.supervisor = nodes[parent].spec;
                f.husk = nodes[parent].husk;
                f.sequential = spec_start_mode(f.supervisor) == START_SEQUENTIAL;
                validate_family(&f);
        }
        branch_orders_free(&branches);
}
