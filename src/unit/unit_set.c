/* unit_set.c - every unit on disk and the tree they make. See unit_set.h.
 *
 * Own units are all read; a name that only a Children= or Supervisor= asks for (an instance of a template, a unit of
 * systemd's) is read in a further wave, until nobody asks for anything new. */
#include "unit/unit_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/validate.h"
#include "unit/unit_dirs.h"

struct known {
        char *name;            /* owned by the set's list of names */
        struct spec *spec;     /* owned; NULL when it is not to be had */
        enum unit_status status;
        bool only_listed;
};

struct unit_set {
        struct known *known;   /* sorted by name */
        size_t known_count, known_cap;
        struct unit_node *nodes;
        size_t node_count;
        struct unit_node *channels;
        size_t channel_count;
        uint32_t *by_name;     /* nodes sorted by name */
        struct diag *diags;
        size_t diag_count, diag_cap;
        struct remarks remarks;
        struct unit_index index;
        bool failed;           /* a remark could not be kept */
};

static const char *const status_text[] = {
        [UNIT_IN_TREE] = "in-tree", [UNIT_KNOWN] = "known", [UNIT_TEMPLATE] = "template", [UNIT_MASKED] = "masked",
        [UNIT_BROKEN] = "broken",
};
STRTAB(unit_status_names, status_text);

static void keep_diag(void *arg, const struct diag *d)
{
        struct unit_set *set = arg;

        if (set->diag_count == set->diag_cap) {
                size_t cap = set->diag_cap ? 2 * set->diag_cap : 16;
                struct diag *grown = reallocarray(set->diags, cap, sizeof(*grown));

                if (!grown) {
                        set->failed = true;
                        return;
                }
                set->diags = grown;
                set->diag_cap = cap;
        }
        set->diags[set->diag_count++] = *d;
}

static struct known *find_known(const struct unit_set *set, size_t sorted, const char *name)
{
        size_t low = 0, high = sorted;

        while (low < high) {
                size_t middle = (low + high) / 2;
                int c = strcmp(set->known[middle].name, name);

                if (c == 0)
                        return &set->known[middle];
                if (c < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

static int add_known(struct unit_set *set, const char *name, struct known k)
{
        if (set->known_count == set->known_cap) {
                size_t cap = set->known_cap ? 2 * set->known_cap : 256;
                struct known *grown = reallocarray(set->known, cap, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                set->known = grown;
                set->known_cap = cap;
        }
        k.name = strdup(name);
        if (!k.name)
                return -ENOMEM;
        set->known[set->known_count++] = k;
        return 0;
}

static int compare_known(const void *a, const void *b)
{
        const struct known *x = a, *y = b;

        return strcmp(x->name, y->name);
}

/* Read one unit and keep what became of it. -ENOENT is passed on: nothing is known then. */
static int read_one(struct unit_set *set, const char *name, bool only_listed)
{
        struct known k = { .only_listed = only_listed };
        int r = unit_read(&set->index, name, &set->remarks, &k.spec);

        if (r == -ENOMEM || r == -ENOENT)
                return r;
        k.status = r == 0 ? UNIT_KNOWN : r == -EOPNOTSUPP ? UNIT_MASKED : UNIT_BROKEN;
        r = add_known(set, name, k);
        if (r < 0)
                spec_unref(k.spec);
        return r;
}

/* The name of an entry that has not been dealt with: not a drop-in directory, not shadowed by an earlier directory. */
static bool is_main_entry(const struct unit_index *ix, size_t i)
{
        if (ix->entries[i].drop_ins)
                return false;
        while (i > 0 && strcmp(unit_index_name(ix, &ix->entries[i - 1]), unit_index_name(ix, &ix->entries[i])) == 0)
                if (!ix->entries[--i].drop_ins)
                        return false;
        return true;
}

static int first_wave(struct unit_set *set)
{
        const struct unit_index *ix = &set->index;

        for (size_t i = 0; i < ix->count; i++) {
                const char *name = unit_index_name(ix, &ix->entries[i]);
                const struct unit_dir *dir = &ix->paths->dirs[ix->entries[i].dir];
                struct unit_name n;
                int r;

                if (!is_main_entry(ix, i) || unit_name_parse(name, &n, NULL) < 0)
                        continue;
                if (n.is_template)
                        r = add_known(set, name, (struct known) { .status = UNIT_TEMPLATE, .only_listed = true });
                else if (dir->foreign)
                        continue;
                else
                        r = read_one(set, name, strcmp(name, "emergency.service") == 0);
                if (r == -ENOMEM)
                        return r;
        }
        return 0;
}

/* The names a wave asks for; borrowed from specs. */
struct wave {
        const char **names;
        size_t count, cap;
};

static int ask_for(struct unit_set *set, struct wave *w, const char *name)
{
        struct unit_name n;

        if (find_known(set, set->known_count, name) || unit_name_parse(name, &n, NULL) < 0 || n.is_template)
                return 0;
        if (w->count == w->cap) {
                size_t cap = w->cap ? 2 * w->cap : 16;
                const char **grown = reallocarray(w->names, cap, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                w->names = grown;
                w->cap = cap;
        }
        w->names[w->count++] = name;
        return 0;
}

/* Whom does this unit ask for? */
static int ask_all(struct unit_set *set, struct wave *w, const struct spec *s)
{
        int r = 0;

        if (!s)
                return 0;
        for (size_t k = 0; k < spec_count(s, D_SUPERVISOR_Children) && r == 0; k++)
                r = ask_for(set, w, spec_item(s, D_SUPERVISOR_Children, k));
        if (r == 0 && spec_has(s, D_UNIT_Supervisor))
                r = ask_for(set, w, spec_str(s, D_UNIT_Supervisor));
        return r;
}

static int compare_texts(const void *a, const void *b)
{
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Read what was asked for, each once. */
static int answer(struct unit_set *set, struct wave *w)
{
        if (w->count)
                qsort(w->names, w->count, sizeof(*w->names), compare_texts);
        for (size_t i = 0; i < w->count; i++) {
                const struct unit_entry *e = unit_index_find(&set->index, w->names[i]);

                if (i > 0 && strcmp(w->names[i - 1], w->names[i]) == 0)
                        continue;
                if (read_one(set, w->names[i], e && set->index.paths->dirs[e->dir].foreign) == -ENOMEM)
                        return -ENOMEM;
        }
        if (set->known_count)
                qsort(set->known, set->known_count, sizeof(*set->known), compare_known);
        return 0;
}

/* Further waves, until one brings nothing new. */
static int more_waves(struct unit_set *set)
{
        size_t before;

        do {
                struct wave w = { 0 };
                int r = 0;

                before = set->known_count;
                for (size_t i = 0; i < before && r == 0; i++)
                        r = ask_all(set, &w, set->known[i].spec);
                if (r == 0)
                        r = answer(set, &w);
                free(w.names);
                if (r < 0)
                        return r;
        } while (set->known_count > before);
        return 0;
}

/* The supervisor above everything, when no file (or a broken one) says what it is. */
static int implicit_root(struct unit_set *set)
{
        static const char text[] = "[Supervisor]\nEscalation=isolate\n";
        struct unit_source source = { .file = "", .text = text, .len = sizeof(text) - 1 };
        struct known *k = find_known(set, set->known_count, "root.supervisor");
        struct spec *root = NULL;
        int r;

        if (k && k->spec)
                return 0;
        r = unit_text_parse("root.supervisor", &source, 1, &set->index.paths->host, NULL, NULL, &root);
        if (r < 0)
                return r;
        if (k) {
                k->spec = root;
                return 0;
        }
        r = add_known(set, "root.supervisor", (struct known) { .spec = root, .status = UNIT_KNOWN });
        if (r < 0)
                spec_unref(root);
        else
                qsort(set->known, set->known_count, sizeof(*set->known), compare_known);
        return r;
}

static const char *why_absent(void *arg, const char *name)
{
        const struct unit_set *set = arg;
        const struct known *k = find_known(set, set->known_count, name);
        struct unit_name n;

        if (unit_name_parse(name, &n, NULL) == 0 && n.is_template)
                return "it is a template: name an instance";
        if (!k || k->spec)
                return NULL;
        return k->status == UNIT_MASKED ? "it is masked" : "it has errors of its own";
}

static int compare_nodes(const void *a, const void *b, void *arg)
{
        const struct unit_set *set = arg;

        return strcmp(spec_name(set->nodes[*(const uint32_t *) a].spec),
                      spec_name(set->nodes[*(const uint32_t *) b].spec));
}

static int index_nodes(struct unit_set *set)
{
        set->by_name = calloc(set->node_count + 1, sizeof(uint32_t));
        if (!set->by_name)
                return -ENOMEM;
        for (size_t i = 0; i < set->node_count; i++)
                set->by_name[i] = (uint32_t) i;
        qsort_r(set->by_name, set->node_count, sizeof(uint32_t), compare_nodes, set);
        for (size_t i = 0; i < set->known_count; i++)
                if (set->known[i].spec && unit_set_find(set, set->known[i].name) != UINT32_MAX &&
                    set->known[i].status == UNIT_KNOWN)
                        set->known[i].status = UNIT_IN_TREE;
        return 0;
}

/* They are leaves: the others keep their order, only indices of parents behind one move up. */
static int part_channels(struct unit_set *set)
{
        autofree uint32_t *moved = calloc(set->node_count + 1, sizeof(*moved));
        size_t kept = 0;

        set->channels = calloc(set->node_count + 1, sizeof(*set->channels));
        if (!moved || !set->channels)
                return -ENOMEM;
        for (size_t i = 0; i < set->node_count; i++) {
                struct unit_node n = set->nodes[i];

                if (n.parent != UINT32_MAX)
                        n.parent = moved[n.parent];
                moved[i] = (uint32_t) kept;
                if (spec_kind(n.spec) == KIND_CHANNEL)
                        set->channels[set->channel_count++] = n;
                else
                        set->nodes[kept++] = n;
        }
        set->node_count = kept;
        return 0;
}

static int make_tree(struct unit_set *set)
{
        autofree struct unit_candidate *candidates = calloc(set->known_count + 1, sizeof(*candidates));
        size_t n = 0;
        int r;

        if (!candidates)
                return -ENOMEM;
        for (size_t i = 0; i < set->known_count; i++)
                if (set->known[i].spec)
                        candidates[n++] = (struct unit_candidate) {
                                .spec = set->known[i].spec, .only_listed = set->known[i].only_listed,
                        };
        r = unit_tree_build(candidates, n, why_absent, set, &set->remarks, &set->nodes, &set->node_count);
        if (r < 0)
                return r;
        r = part_channels(set);
        if (r < 0)
                return r;
        validate_tree(set->nodes, set->node_count, &set->remarks);
        return index_nodes(set);
}

/* Names that only systemd's directories have: known, and read when they are needed. */
static int add_foreign_names(struct unit_set *set)
{
        const struct unit_index *ix = &set->index;
        size_t sorted = set->known_count;

        for (size_t i = 0; i < ix->count; i++) {
                const char *name = unit_index_name(ix, &ix->entries[i]);

                if (!is_main_entry(ix, i) || find_known(set, sorted, name))
                        continue;
                if (add_known(set, name, (struct known) { .status = UNIT_KNOWN, .only_listed = true }) < 0)
                        return -ENOMEM;
        }
        if (set->known_count)
                qsort(set->known, set->known_count, sizeof(*set->known), compare_known);
        return 0;
}

static int load(struct unit_set *set, const struct unit_paths *p)
{
        int r = unit_index_new(p, &set->remarks, &set->index);

        if (r == 0)
                r = first_wave(set);
        if (r == 0)
                r = implicit_root(set);
        if (r == 0)
                r = more_waves(set);
        if (r == 0)
                r = make_tree(set);
        if (r == 0)
                r = add_foreign_names(set);
        return r < 0 ? r : set->failed ? -ENOMEM : 0;
}

int unit_set_load(const struct unit_paths *p, struct unit_set **ret, struct err *err)
{
        struct unit_set *set = calloc(1, sizeof(*set));

        if (!set)
                return err_set(err, STAGE_LOAD, ENOMEM, "no memory to read the units");
        set->remarks = (struct remarks) { .report = keep_diag, .arg = set, .unit = "" };
        if (load(set, p) < 0) {
                unit_set_free(set);
                return err_set(err, STAGE_LOAD, ENOMEM, "no memory to read the units");
        }
        unit_index_free(&set->index);
        *ret = set;
        return 0;
}

void unit_set_free(struct unit_set *set)
{
        if (!set)
                return;
        if (set->index.paths)
                unit_index_free(&set->index);
        for (size_t i = 0; i < set->known_count; i++) {
                spec_unref(set->known[i].spec);
                free(set->known[i].name);
        }
        free(set->known);
        free(set->nodes);
        free(set->by_name);
        free(set->channels);
        free(set->diags);
        free(set);
}

size_t unit_set_count(const struct unit_set *set)
{
        return set->node_count;
}

size_t unit_set_channel_count(const struct unit_set *set)
{
        return set->channel_count;
}

const struct unit_node *unit_set_channel(const struct unit_set *set, size_t i)
{
        return i < set->channel_count ? &set->channels[i] : NULL;
}

const struct unit_node *unit_set_node(const struct unit_set *set, size_t i)
{
        return &set->nodes[i];
}

uint32_t unit_set_find(const struct unit_set *set, const char *name)
{
        size_t low = 0, high = set->node_count;

        while (low < high) {
                size_t middle = (low + high) / 2;
                int c = strcmp(spec_name(set->nodes[set->by_name[middle]].spec), name);

                if (c == 0)
                        return set->by_name[middle];
                if (c < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return UINT32_MAX;
}

size_t unit_set_diag_count(const struct unit_set *set)
{
        return set->diag_count;
}

const struct diag *unit_set_diag(const struct unit_set *set, size_t i)
{
        return &set->diags[i];
}

size_t unit_set_errors(const struct unit_set *set)
{
        size_t n = 0;

        for (size_t i = 0; i < set->diag_count; i++)
                n += set->diags[i].severity == DIAG_ERROR;
        return n;
}

size_t unit_set_known_count(const struct unit_set *set)
{
        return set->known_count;
}

const char *unit_set_known(const struct unit_set *set, size_t i, enum unit_status *ret_status)
{
        *ret_status = set->known[i].status;
        return set->known[i].name;
}
