/* tree.c - from the units on disk to a core that has not started yet. */
#include "sim/simulate.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

struct relay {
        diag_fn *report;
        void *arg;
};

static void pass_on(void *arg, const struct err *e)
{
        const struct relay *r = arg;

        if (r->report && e->code == ELOOP) /* the others were told when the units were read */
                r->report(r->arg, &(struct diag) { .severity = DIAG_WARNING, .err = *e });
}

int simulate_tree(const struct unit_set *set, const struct core_config *config, diag_fn *report, void *arg,
                  struct core **ret, struct err *err)
{
        size_t count = unit_set_count(set);
        autofree node_id *ids = calloc(count ? count : 1, sizeof(*ids));
        struct relay relay = { report, arg };
        struct core *c = core_new(config, unit_set_node(set, 0)->spec);
        int r = 0;

        if (!ids || !c) {
                if (c)
                        core_free(c);
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        }
        ids[0] = NODE_ROOT;
        for (size_t i = 1; i < count && r >= 0; i++) {
                const struct unit_node *n = unit_set_node(set, i);

                r = core_add(c, ids[n->parent], n->spec, false, &ids[i], err);
        }
        if (r >= 0)
                r = core_link(c, pass_on, &relay, err);
        if (r < 0) {
                core_free(c);
                return r;
        }
        *ret = c;
        return 0;
}
