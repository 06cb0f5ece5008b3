/* unit_tree.c - see unit_tree.h. */
#include "core/unit_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { NOBODY = -1, CLASH = -2 };

struct place_of {             /* of one candidate */
        int parent;           /* candidate index, NOBODY, or CLASH when two claim it */
        struct origin by;     /* the line that put it there */
};

struct builder {
        const struct unit_candidate *candidates;
        size_t n;
        unit_known_fn *known;
        void *arg;
        struct remarks *remarks;
        struct place_of *places;
        int *joined, *joined_next; /* per supervisor: first that joined by Supervisor= or default, and the next ones */
        struct unit_node *nodes;
        size_t node_count;
        int *queue;                /* candidate of each node */
        bool *placed, *in_ring;
        int root;
};

static int find(const struct builder *b, const char *name)
{
        size_t low = 0, high = b->n;

        while (low < high) {
                size_t middle = (low + high) / 2;
                int c = strcmp(spec_name(b->candidates[middle].spec), name);

                if (c == 0)
                        return (int) middle;
                if (c < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NOBODY;
}

static const struct spec *spec_of(const struct builder *b, int i)
{
        return b->candidates[i].spec;
}

static bool absent(const struct builder *b, int i)
{
        return b->candidates[i].absent != NULL;
}

static void say(struct builder *b, enum severity severity, int unit, struct origin at, const char *hint,
                const char *what, const char *name)
{
        b->remarks->unit = spec_name(spec_of(b, unit));
        remark(b->remarks, severity, at.line ? at.file : spec_file(spec_of(b, unit)), at.line, 0, hint, "%s %s",
               what, name);
}

static void refuse(struct builder *b, int unit, struct origin at, const char *hint, const char *what, const char *name)
{
        say(b, DIAG_ERROR, unit, at, hint, what, name);
}

/* --- who claims whom ---------------------------------------------------------------------------------------------- */

static void claim(struct builder *b, int supervisor, int child, struct origin at)
{
        struct place_of *place = &b->places[child];
        char hint[160];

        if (place->parent == NOBODY) {
                *place = (struct place_of) { .parent = supervisor, .by = at };
                return;
        }
        if (place->parent == supervisor)
                return;
        (void) snprintf(hint, sizeof(hint), "%s:%u lists it too; take it out of one of them", place->by.file,
                        (unsigned) place->by.line);
        refuse(b, supervisor, at, hint, "two supervisors claim", spec_name(spec_of(b, child)));
        place->parent = CLASH;
}

/* It lists a name that nobody can run: nowhere to be found, broken, or masked, which somebody wanted. */
static void cannot_run(struct builder *b, int supervisor, struct origin at, const char *name)
{
        bool by_choice = false;
        const char *why = b->known ? b->known(b->arg, name, &by_choice) : NULL;

        say(b, by_choice ? DIAG_WARNING : DIAG_ERROR, supervisor, at, why ? why : "make the file, or take the name out",
            why ? "Children= names a unit that cannot run:" : "Children= names an unknown unit:", name);
}

static void claim_children(struct builder *b, int supervisor)
{
        const struct spec *s = spec_of(b, supervisor);

        for (size_t i = 0; i < spec_count(s, D_SUPERVISOR_Children); i++) {
                const char *name = spec_item(s, D_SUPERVISOR_Children, i);
                struct origin at = spec_item_origin(s, D_SUPERVISOR_Children, i);
                int child = find(b, name);

                if (child < 0 || absent(b, child))
                        cannot_run(b, supervisor, at, name);
                else if (child == b->root)
                        refuse(b, supervisor, at, "nothing is above root", "Children= names", name);
                else
                        claim(b, supervisor, child, at);
        }
}

/* What only one that is absent lists must not come to hang below root. Its own mistakes have been told. */
static void hold_children(struct builder *b, int supervisor)
{
        const struct spec *s = spec_of(b, supervisor);

        for (size_t i = 0; i < spec_count(s, D_SUPERVISOR_Children); i++) {
                int child = find(b, spec_item(s, D_SUPERVISOR_Children, i));

                if (child >= 0 && child != b->root && b->places[child].parent == NOBODY)
                        b->places[child] = (struct place_of) { .parent = supervisor,
                                                               .by = spec_item_origin(s, D_SUPERVISOR_Children, i) };
        }
}

/* A unit that nobody lists joins where its Supervisor= says. */
static void join(struct builder *b, int unit)
{
        const char *name = spec_str(spec_of(b, unit), D_UNIT_Supervisor), *why;
        struct origin at = spec_origin(spec_of(b, unit), D_UNIT_Supervisor);
        int supervisor = *name ? find(b, name) : NOBODY, parent = b->places[unit].parent;
        bool by_choice = false;

        if (unit == b->root)
                return;
        if (*name && supervisor < 0) {
                why = b->known ? b->known(b->arg, name, &by_choice) : NULL;
                say(b, by_choice ? DIAG_WARNING : DIAG_ERROR, unit, at,
                    why ? why : "make the file, or take the line out",
                    "Supervisor= names a unit that is not there:", name);
                return;
        }
        if (*name && parent >= 0 && parent != supervisor && !absent(b, parent)) {
                claim(b, supervisor, unit, at);
                return;
        }
        if (parent == CLASH || (*name ? parent == supervisor : parent != NOBODY) || b->candidates[unit].only_listed)
                return;
        if (!*name)
                supervisor = b->root;
        b->places[unit] = (struct place_of) { .parent = supervisor, .by = at };
        b->joined_next[unit] = b->joined[supervisor];
        b->joined[supervisor] = unit;
}

/* --- rings -------------------------------------------------------------------------------------------------------- */

/* Supervisors that are below each other never come to hang below root: say so once for each ring, with its path. */
static void report_ring(struct builder *b, int start)
{
        char path[200];
        size_t used = 0;
        int i = start;

        do {
                b->in_ring[i] = true;
                if (used >= sizeof(path) - 1)
                        continue;
                used += (size_t) snprintf(path + used, sizeof(path) - used, "%s -> ", spec_name(spec_of(b, i)));
        } while ((i = b->places[i].parent) != start);
        if (used < sizeof(path) - 1)
                (void) snprintf(path + used, sizeof(path) - used, "%s", spec_name(spec_of(b, start)));
        refuse(b, start, b->places[start].by, "take one of these links out", "supervisors in a ring:", path);
}

static int find_rings(struct builder *b)
{
        autofree unsigned *visit = calloc(b->n, sizeof(unsigned));

        if (!visit)
                return -ENOMEM;
        for (size_t i = 0; i < b->n; i++) {
                unsigned mark = (unsigned) i + 1;
                int at = (int) i;

                while (at >= 0 && visit[at] == 0) {
                        visit[at] = mark;
                        at = b->places[at].parent;
                }
                if (at >= 0 && visit[at] == mark && !b->in_ring[at])
                        report_ring(b, at);
        }
        return 0;
}

/* --- the nodes, from the root down -------------------------------------------------------------------------------- */

static bool stem_is_taken(struct builder *b, uint32_t parent, size_t from, int child)
{
        for (size_t i = from; i < b->node_count; i++)
                if (b->nodes[i].parent == parent &&
                    strcmp(spec_stem(b->nodes[i].spec), spec_stem(spec_of(b, child))) == 0)
                        return true;
        return false;
}

/* Can a unit of the same stem and of another kind be there at all? Names are unique, so only those can clash. */
static bool has_twin(const struct builder *b, int i)
{
        char name[256];

        for (int kind = 0; kind < node_kind_names.count; kind++) {
                if (kind == (int) spec_kind(spec_of(b, i)))
                        continue;
                (void) snprintf(name, sizeof(name), "%s.%s", spec_stem(spec_of(b, i)),
                                strtab_text(&node_kind_names, kind));
                if (find(b, name) >= 0)
                        return true;
        }
        return false;
}

static void place_child(struct builder *b, uint32_t parent, size_t from, int child)
{
        if (b->places[child].parent != b->queue[parent] || b->placed[child] || absent(b, child))
                return;
        if (has_twin(b, child) && stem_is_taken(b, parent, from, child)) {
                refuse(b, child, (struct origin) { .file = "" },
                       "rename one of the two, or put it under another supervisor",
                       "a sibling has the same name without suffix:", spec_stem(spec_of(b, child)));
                return;
        }
        b->placed[child] = true;
        b->queue[b->node_count] = child;
        b->nodes[b->node_count++] = (struct unit_node) { .spec = b->candidates[child].spec, .parent = parent,
                                                         .husk = b->candidates[child].husk };
}

static void place_children(struct builder *b, uint32_t parent)
{
        const struct spec *s = b->nodes[parent].spec;
        size_t from = b->node_count;

        for (size_t i = 0; i < spec_count(s, D_SUPERVISOR_Children); i++) {
                int child = find(b, spec_item(s, D_SUPERVISOR_Children, i));

                if (child >= 0)
                        place_child(b, parent, from, child);
        }
        for (int child = b->joined[b->queue[parent]]; child >= 0; child = b->joined_next[child])
                place_child(b, parent, from, child);
}

static void place_all(struct builder *b)
{
        b->queue[0] = b->root;
        b->placed[b->root] = true;
        b->nodes[b->node_count++] = (struct unit_node) { .spec = b->candidates[b->root].spec, .parent = UINT32_MAX,
                                                         .husk = b->candidates[b->root].husk };
        for (uint32_t i = 0; i < b->node_count; i++)
                if (spec_kind(b->nodes[i].spec) == KIND_SUPERVISOR)
                        place_children(b, i);
}

/* Whoever hangs below a supervisor that has no place itself. Rings have been told, and what is wrong with the
 * absent. */
static void report_stranded(struct builder *b)
{
        for (size_t i = 0; i < b->n; i++) {
                int parent = b->places[i].parent, top = parent;

                if (parent < 0 || b->placed[i] || b->placed[parent] || b->in_ring[i] || absent(b, (int) i))
                        continue;
                while (!absent(b, top) && !b->in_ring[top] && b->places[top].parent >= 0)
                        top = b->places[top].parent;
                say(b, b->candidates[top].by_choice ? DIAG_WARNING : DIAG_ERROR, (int) i, b->places[i].by,
                    absent(b, parent) ? b->candidates[parent].absent : "give that one a place first",
                    "left out together with its supervisor", spec_name(spec_of(b, parent)));
        }
}

static int build(struct builder *b)
{
        for (size_t i = 0; i < b->n; i++) {
                b->places[i].parent = b->joined[i] = b->joined_next[i] = NOBODY;
                b->places[i].by.file = "";
        }
        b->root = find(b, "root.supervisor");
        if (b->root < 0)
                return -EINVAL;
        for (size_t i = 0; i < b->n; i++)
                if (spec_kind(b->candidates[i].spec) == KIND_SUPERVISOR && !absent(b, (int) i))
                        claim_children(b, (int) i);
        for (size_t i = 0; i < b->n; i++)
                if (absent(b, (int) i))
                        hold_children(b, (int) i);
        for (size_t i = b->n; i-- > 0; ) /* backwards, because each goes to the front of its list */
                if (!absent(b, (int) i))
                        join(b, (int) i);
        if (find_rings(b) < 0)
                return -ENOMEM;
        place_all(b);
        report_stranded(b);
        return 0;
}

int unit_tree_build(const struct unit_candidate *candidates, size_t n,
                    unit_known_fn *known, void *arg, struct remarks *remarks,
                    struct unit_node **ret, size_t *ret_count)
{
        autofree struct place_of *places = calloc(n + 1, sizeof(*places));
        autofree int *joined = calloc(n + 1, sizeof(int));
        autofree int *joined_next = calloc(n + 1, sizeof(int));
        autofree int *queue = calloc(n + 1, sizeof(int));
        autofree bool *placed = calloc(n + 1, sizeof(bool));
        autofree bool *in_ring = calloc(n + 1, sizeof(bool));
        autofree struct unit_node *nodes = calloc(n + 1, sizeof(*nodes));
        struct builder b = {
                .candidates = candidates, .n = n, .known = known, .arg = arg, .remarks = remarks, .places = places,
                .joined = joined, .joined_next = joined_next, .nodes = nodes, .queue = queue, .placed = placed,
                .in_ring = in_ring,
        };
        int r;

        if (!places || !joined || !joined_next || !queue || !placed || !in_ring || !nodes)
                return -ENOMEM;
        r = build(&b);
        if (r < 0)
                return r;
        *ret = ptr_steal(nodes);
        *ret_count = b.node_count;
        return 0;
}
