/* unit_known.c - every unit there is on disk, read. See unit_set_priv.h.
 *
 * Own units are all read; a name that only a Children= or Supervisor= asks for (an instance of a template, a unit of
 * systemd's) is read in a further wave, until nobody asks for anything new. What only units with errors ask for comes
 * last: it is read to tell what else is wrong. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit/unit_set_priv.h"

static struct known *find_among(const struct unit_set *set, size_t sorted, const char *name)
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

struct known *known_find(const struct unit_set *set, const char *name)
{
        return find_among(set, set->known_count, name);
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

/* Of a supervisor that nothing could be read of the name, at least: others may say that they hang below it. */
static int stand_in(struct unit_set *set, const char *name, struct spec **ret)
{
        static const char text[] = "[Supervisor]\n";
        struct unit_source source = { .file = name, .text = text, .len = sizeof(text) - 1 };
        struct unit_name n;

        if (unit_name_parse(name, &n, NULL) < 0 || n.kind != KIND_SUPERVISOR)
                return 0;
        return unit_text_parse(name, &source, 1, &set->index.paths->host, NULL, NULL, ret);
}

/* Read one unit and keep what became of it. -ENOENT is passed on: nothing is known then. */
static int read_one(struct unit_set *set, const char *name, bool only_listed, bool for_husks)
{
        struct known k = { .only_listed = only_listed, .for_husks = for_husks };
        int r = unit_read(&set->index, name, &set->remarks, &k.spec, &k.husk);

        if (r == -ENOMEM || r == -ENOENT)
                return r;
        k.status = r == 0 ? UNIT_KNOWN : r == -EOPNOTSUPP ? UNIT_MASKED : UNIT_BROKEN;
        r = k.spec || k.husk.spec ? 0 : stand_in(set, name, &k.husk.spec);
        if (r == 0)
                r = add_known(set, name, k);
        if (r < 0) {
                spec_unref(k.spec);
                spec_unref(k.husk.spec);
        }
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
                        r = read_one(set, name, strcmp(name, "emergency.service") == 0, false);
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

        if (known_find(set, name) || unit_name_parse(name, &n, NULL) < 0 || n.is_template)
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
static int answer(struct unit_set *set, struct wave *w, bool for_husks)
{
        if (w->count)
                qsort(w->names, w->count, sizeof(*w->names), compare_texts);
        for (size_t i = 0; i < w->count; i++) {
                const struct unit_entry *e = unit_index_find(&set->index, w->names[i]);

                if (i > 0 && strcmp(w->names[i - 1], w->names[i]) == 0)
                        continue;
                if (read_one(set, w->names[i], e && set->index.paths->dirs[e->dir].foreign, for_husks) == -ENOMEM)
                        return -ENOMEM;
        }
        if (set->known_count)
                qsort(set->known, set->known_count, sizeof(*set->known), compare_known);
        return 0;
}

/* Further waves, until one brings nothing new. */
static int more_waves(struct unit_set *set, bool for_husks)
{
        size_t before;

        do {
                struct wave w = { 0 };
                int r = 0;

                before = set->known_count;
                for (size_t i = 0; i < before && r == 0; i++) {
                        const struct known *k = &set->known[i];

                        r = ask_all(set, &w, for_husks && k->husk.placed ? k->husk.spec : k->spec);
                }
                if (r == 0)
                        r = answer(set, &w, for_husks);
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
        struct known *k = known_find(set, "root.supervisor");
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

int known_read(struct unit_set *set)
{
        int r = first_wave(set);

        if (r == 0)
                r = implicit_root(set);
        if (r == 0)
                r = more_waves(set, false);
        return r < 0 ? r : more_waves(set, true);
}

int known_add_foreign(struct unit_set *set)
{
        const struct unit_index *ix = &set->index;
        size_t sorted = set->known_count;

        for (size_t i = 0; i < ix->count; i++) {
                const char *name = unit_index_name(ix, &ix->entries[i]);

                if (!is_main_entry(ix, i) || find_among(set, sorted, name))
                        continue;
                if (add_known(set, name, (struct known) { .status = UNIT_KNOWN, .only_listed = true }) < 0)
                        return -ENOMEM;
        }
        if (set->known_count)
                qsort(set->known, set->known_count, sizeof(*set->known), compare_known);
        return 0;
}
