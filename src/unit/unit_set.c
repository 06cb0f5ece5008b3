/* unit_set.c - every unit on disk (unit_known.c reads them) and the tree they make. See unit_set.h.
 *
 * A unit with errors is no part of the tree. What else is wrong with it and around it is to be told in the same run, so
 * when there are any a second tree is made, of what could be read of them as well, for nothing but its remarks. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/validate.h"
#include "unit/unit_set_priv.h"

static const char *const status_text[] = {
        [UNIT_IN_TREE] = "in-tree", [UNIT_KNOWN] = "known", [UNIT_TEMPLATE] = "template", [UNIT_MASKED] = "masked",
        [UNIT_BROKEN] = "broken", [UNIT_LEFT_OUT] = "left-out",
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

static const char *absence(const struct known *k)
{
        return k->status == UNIT_MASKED ? "it is masked" : "it has errors of its own";
}

static const char *why_absent(void *arg, const char *name, bool *ret_by_choice)
{
        const struct unit_set *set = arg;
        const struct known *k = known_find(set, name);
        struct unit_name n;

        if (unit_name_parse(name, &n, NULL) == 0 && n.is_template)
                return "it is a template: name an instance";
        if (!k || k->spec)
                return NULL;
        *ret_by_choice = k->status == UNIT_MASKED;
        return absence(k);
}

static int compare_nodes(const void *a, const void *b, void *arg)
{
        const struct unit_set *set = arg;

        return strcmp(spec_name(set->nodes[*(const uint32_t *) a].spec),
                      spec_name(set->nodes[*(const uint32_t *) b].spec));
}

static void settle_status(const struct unit_set *set, struct known *k)
{
        bool channel = k->spec && spec_kind(k->spec) == KIND_CHANNEL;

        if (!k->spec || k->status != UNIT_KNOWN || channel)
                return;
        if (unit_set_find(set, k->name) != UINT32_MAX)
                k->status = UNIT_IN_TREE;
        else if (!k->only_listed && !k->for_husks)
                k->status = UNIT_LEFT_OUT;
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
                settle_status(set, &set->known[i]);
        return 0;
}

/* They are leaves: the others keep their order, only indices of parents behind one move up. */
static int part_channels(struct unit_node *nodes, size_t *count, struct unit_node *channels, size_t *channel_count)
{
        autofree uint32_t *moved = calloc(*count + 1, sizeof(*moved));
        size_t kept = 0;

        if (!moved || !channels)
                return -ENOMEM;
        for (size_t i = 0; i < *count; i++) {
                struct unit_node n = nodes[i];

                if (n.parent != UINT32_MAX)
                        n.parent = moved[n.parent];
                moved[i] = (uint32_t) kept;
                if (spec_kind(n.spec) == KIND_CHANNEL)
                        channels[(*channel_count)++] = n;
                else
                        nodes[kept++] = n;
        }
        *count = kept;
        return 0;
}

/* A supervisor that cannot run keeps a place among them for those who need it. */
static struct unit_candidate candidate_of(const struct known *k, bool husks)
{
        bool husk = husks && k->husk.placed;
        struct unit_candidate c = { .spec = husk ? k->husk.spec : k->spec, .husk = husk,
                                    .only_listed = k->only_listed || k->for_husks };

        if (!c.spec && k->husk.spec && spec_kind(k->husk.spec) == KIND_SUPERVISOR) {
                c.spec = k->husk.spec;
                c.absent = absence(k);
                c.by_choice = k->status == UNIT_MASKED;
        }
        return c;
}

/* What a tree is made of; with husks, for the remarks. */
static size_t candidates_of(const struct unit_set *set, bool husks, struct unit_candidate *to)
{
        size_t n = 0;

        for (size_t i = 0; i < set->known_count; i++) {
                to[n] = candidate_of(&set->known[i], husks);
                n += to[n].spec && (husks || !set->known[i].for_husks);
        }
        return n;
}

/* A service that wants the descriptor for itself, or is not there: that pipe is not made. */
static int leave_out_broken(struct unit_set *set)
{
        autofree bool *broken = calloc(set->channel_count + 1, sizeof(*broken));
        size_t kept = 0;

        if (!broken)
                return -ENOMEM;
        validate_channels(set->nodes, set->node_count, set->channels, set->channel_count, why_absent, set,
                          &set->remarks, broken);
        for (size_t i = 0; i < set->channel_count; i++)
                if (!broken[i])
                        set->channels[kept++] = set->channels[i];
        set->channel_count = kept;
        return 0;
}

static int make_tree(struct unit_set *set)
{
        autofree struct unit_candidate *candidates = calloc(set->known_count + 1, sizeof(*candidates));
        int r;

        if (!candidates)
                return -ENOMEM;
        r = unit_tree_build(candidates, candidates_of(set, false, candidates), why_absent, set, &set->remarks,
                            &set->nodes, &set->node_count);
        if (r < 0)
                return r;
        set->channels = calloc(set->node_count + 1, sizeof(*set->channels));
        r = part_channels(set->nodes, &set->node_count, set->channels, &set->channel_count);
        if (r < 0)
                return r;
        validate_tree(set->nodes, set->node_count, why_absent, set, &set->remarks);
        r = leave_out_broken(set);
        return r < 0 ? r : index_nodes(set);
}

/* --- remarks around units with errors ----------------------------------------------------------------------------- */

/* What the tree itself has led to is not told again. */
static void keep_new(void *arg, const struct diag *d)
{
        const struct unit_set *set = arg;

        for (size_t i = 0; i < set->diag_count; i++)
                if (set->diags[i].err.line == d->err.line && strcmp(set->diags[i].err.text, d->err.text) == 0 &&
                    strcmp(set->diags[i].err.file, d->err.file) == 0)
                        return;
        keep_diag(arg, d);
}

static const char *why_no_husk(void *arg, const char *name, bool *ret_by_choice)
{
        const struct known *k = known_find(arg, name);

        return k && k->husk.placed ? NULL : why_absent(arg, name, ret_by_choice);
}

static int tell_more(struct unit_set *set)
{
        struct remarks remarks = { .report = keep_new, .arg = set, .unit = "" };
        autofree struct unit_candidate *candidates = calloc(set->known_count + 1, sizeof(*candidates));
        autofree struct unit_node *nodes = NULL, *channels = NULL;
        size_t count, channel_count = 0;
        bool any = false;
        int r;

        for (size_t i = 0; i < set->known_count; i++)
                any |= set->known[i].husk.placed;
        if (!any || !candidates)
                return candidates ? 0 : -ENOMEM;
        r = unit_tree_build(candidates, candidates_of(set, true, candidates), why_no_husk, set, &remarks, &nodes,
                            &count);
        if (r < 0)
                return r;
        channels = calloc(count + 1, sizeof(*channels));
        r = part_channels(nodes, &count, channels, &channel_count);
        if (r == 0)
                validate_tree(nodes, count, why_no_husk, set, &remarks);
        return r;
}

static int load(struct unit_set *set, const struct unit_paths *p)
{
        int r = unit_index_new(p, &set->remarks, &set->index);

        if (r == 0)
                r = known_read(set);
        if (r == 0)
                r = make_tree(set);
        if (r == 0)
                r = tell_more(set);
        if (r == 0)
                r = known_add_foreign(set);
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
                spec_unref(set->known[i].husk.spec);
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
