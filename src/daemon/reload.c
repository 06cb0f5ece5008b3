/* reload.c - the unit files against the running tree: first all of the differences, then, when there is no error
 * anywhere, all of the changes (FAILURES H12, H13). A node is the same node when its path and kind are. */
#include <string.h>

#include "daemon/absent.h"
#include "daemon/engine_priv.h"
#include "daemon/journal.h"
#include "daemon/limits.h"
#include "daemon/load.h"
#include "daemon/logs.h"
#include "daemon/mail.h"
#include "daemon/touch.h"
#include "unit/unit_set.h"

struct reload {
        struct engine *e;
        struct unit_set *set;
        node_id *ids;                 /* owned; of each unit in the set; NODE_NONE = to be added */
        uint8_t *fresh;               /* owned; of each unit: it was added just now */
        engine_change_fn *change;
        engine_problem_fn *problem;
        void *arg;
        bool failed;
};

static void problem(struct reload *r, bool fatal, const struct err *err)
{
        r->failed |= fatal;
        if (r->problem)
                r->problem(r->arg, fatal, err);
        load_note(r->e, fatal, err);
}

static void check_units(struct reload *r)
{
        for (size_t i = 0; i < unit_set_diag_count(r->set); i++) {
                const struct diag *d = unit_set_diag(r->set, i);

                problem(r, d->severity == DIAG_ERROR, &d->err);
        }
}

static node_id child_named(const struct engine *e, node_id parent, const struct spec *s)
{
        for (node_id id = core_first_child(e->core, parent); id != NODE_NONE; id = core_next_sibling(e->core, id)) {
                const struct spec *there = core_node(e->core, id)->spec;

                if (spec_kind(there) == spec_kind(s) && strcmp(spec_name(there), spec_name(s)) == 0)
                        return id;
        }
        return NODE_NONE;
}

static void match(struct reload *r)
{
        r->ids[0] = NODE_ROOT;
        for (size_t i = 1; i < unit_set_count(r->set); i++) {
                const struct unit_node *n = unit_set_node(r->set, i);
                node_id parent = r->ids[n->parent];

                r->ids[i] = parent == NODE_NONE ? NODE_NONE : child_named(r->e, parent, n->spec);
        }
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

static void tell_added(struct reload *r, size_t i)
{
        char path[PATH_MAX_NODE];
        const struct unit_node *n = unit_set_node(r->set, i);
        autobuf struct buf text = BUF_INIT;
        size_t up = i;

        if (!r->change)
                return;
        while (r->ids[up] == NODE_NONE) { /* those of its supervisors that are new too have no path in the core yet */
                autobuf struct buf longer = BUF_INIT;

                buf_addf(&longer, "/%s%s", spec_stem(unit_set_node(r->set, up)->spec), buf_text(&text));
                buf_free(&text);
                text = longer;
                longer = BUF_INIT;
                up = unit_set_node(r->set, up)->parent;
        }
        (void) engine_path(r->e, r->ids[up], path, sizeof(path));
        if (strcmp(path, "/") == 0)
                path[0] = '\0';
        strncat(path, buf_text(&text), sizeof(path) - strlen(path) - 1);
        r->change(r->arg, RELOAD_ADDED, path, D_NONE, NULL, n->spec);
}

static enum reload_change change_of(enum directive d)
{
        switch (directive_rows[d].change) {
        case CHANGE_LIVE: return RELOAD_LIVE;
        case CHANGE_RESTART: return RELOAD_RESTART;
        default: return RELOAD_NEXT_START;
        }
}

static void tell_changed(struct reload *r, node_id id, const struct spec *before, const struct spec *after)
{
        char path[PATH_MAX_NODE];

        if (!r->change)
                return;
        (void) engine_path(r->e, id, path, sizeof(path));
        for (int d = 0; d < D_COUNT; d++)
                if (!spec_same(before, after, (enum directive) d))
                        r->change(r->arg, change_of((enum directive) d), path, (enum directive) d, before, after);
}

/* --- what is gone ------------------------------------------------------------------------------------------------- */

/* Marks which nodes stay, so that the search for those that do not is linear. */
static uint8_t *staying(const struct reload *r)
{
        uint8_t *stays = calloc(core_node_limit(r->e->core) + 1, 1);

        if (stays)
                for (size_t i = 0; i < unit_set_count(r->set); i++)
                        if (r->ids[i] != NODE_NONE)
                                stays[r->ids[i]] = 1;
        return stays;
}

static bool gone(const struct reload *r, const uint8_t *stays, node_id id)
{
        const struct node *node = core_node(r->e->core, id);

        return node && !stays[id] && !node->dynamic && id != r->e->command_node;
}

static bool runs(const struct reload *r, node_id id)
{
        enum state s = (enum state) core_node(r->e->core, id)->state;

        return s != STATE_INACTIVE && s != STATE_FAILED && s != STATE_FINISHED && s != STATE_BACKOFF;
}

/* Does it do something whose file is gone? A supervisor does when some service below it does. */
static bool lives_on(const struct reload *r, node_id id)
{
        const struct node *n = core_node(r->e->core, id);

        if (n->kind == KIND_SERVICE)
                return runs(r, id) && unit_set_find(r->set, spec_name(n->spec)) == UINT32_MAX;
        for (node_id child = core_first_child(r->e->core, id); child != NODE_NONE;
             child = core_next_sibling(r->e->core, child))
                if (lives_on(r, child))
                        return true;
        return false;
}

/* A node whose file is gone runs on until it is stopped (FAILURES H15), unless the unit has moved in the tree. */
static void remove_one(struct reload *r, node_id id)
{
        if (lives_on(r, id))
                engine_run(r->e, id)->flags |= RUN_ORPHANED;
        else
                engine_post(r->e, &(struct event) { .kind = EVT_DELETE, .node = id });
}

/* --- doing -------------------------------------------------------------------------------------------------------- */

static int tell(struct reload *r, struct err *err)
{
        autofree uint8_t *stays = staying(r);
        char path[PATH_MAX_NODE];

        if (!stays)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        for (size_t i = 0; i < unit_set_count(r->set); i++) {
                const struct spec *after = unit_set_node(r->set, i)->spec;

                if (r->ids[i] == NODE_NONE)
                        tell_added(r, i);
                else if (i > 0 || !r->e->opt.command)
                        tell_changed(r, r->ids[i], core_node(r->e->core, r->ids[i])->spec, after);
        }
        for (node_id id = 1; r->change && id < core_node_limit(r->e->core); id++)
                if (gone(r, stays, id))
                        r->change(r->arg, RELOAD_REMOVED, engine_path(r->e, id, path, sizeof(path)), D_NONE,
                                  core_node(r->e->core, id)->spec, NULL);
        return 0;
}

int reload_one(struct engine *e, node_id id, struct spec *after, struct err *err)
{
        const struct spec *spec = core_node(e->core, id)->spec;
        uint32_t had = limits_had(spec);
        int result = spec_diff(spec, after) < 0 ? 0 : core_set_spec(e->core, id, after, err);

        if (result < 0)
                return result;
        logs_changed(e, id);
        mail_changed(e, id);
        limits_changed(e, id, had);
        return 0;
}

static int change_one(struct reload *r, size_t i, struct err *err)
{
        node_id id = r->ids[i];
        struct spec *after = unit_set_node(r->set, i)->spec;
        int result;

        engine_run(r->e, id)->flags &= ~(unsigned) RUN_ORPHANED;
        if (i == 0)
                after = load_root(r->e, after);
        if (!after)
                return err_set(err, STAGE_LOAD, EINVAL, "build the root supervisor");
        result = reload_one(r->e, id, after, err);
        if (i == 0)
                spec_unref(after);
        return result;
}

static int apply(struct reload *r, struct err *err)
{
        autofree uint8_t *stays = staying(r);

        if (!stays)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        for (node_id id = 1; id < core_node_limit(r->e->core); id++)
                if (gone(r, stays, id))
                        remove_one(r, id);
        for (size_t i = 0; i < unit_set_count(r->set); i++) {
                const struct unit_node *n = unit_set_node(r->set, i);
                int result;

                if (r->ids[i] != NODE_NONE) {
                        result = change_one(r, i, err);
                } else {
                        r->fresh[i] = 1;
                        result = journal_add_unit(r->e, r->ids[n->parent], n->spec, &r->ids[i], err);
                        if (result == 0 && !r->fresh[n->parent]) /* what is below it starts with it */
                                engine_post(r->e, &(struct event) { .kind = EVT_ADDED, .node = r->ids[i] });
                }
                if (result < 0)
                        return result;
        }
        return 0;
}

/* The children of one supervisor stand together in the set. */
static void put_in_order(struct reload *r)
{
        for (size_t i = 1; i < unit_set_count(r->set); ) {
                uint32_t parent = unit_set_node(r->set, i)->parent;
                size_t first = i;
                struct err err = { 0 };

                while (i < unit_set_count(r->set) && unit_set_node(r->set, i)->parent == parent)
                        i++;
                if (core_order(r->e->core, r->ids[parent], r->ids + first, i - first) != -EBUSY)
                        continue;
                (void) err_set(&err, STAGE_LOAD, EBUSY, "put the children in their new order: some are being started, "
                               "stopped or restarted now");
                err_unit(&err, spec_name(unit_set_node(r->set, parent)->spec));
                err_hint(&err, "they keep the old one until another daemon-reload");
                problem(r, false, &err);
        }
}

static int run_reload(struct reload *r, bool dry, struct err *err)
{
        int result;

        check_units(r);
        if (r->failed)
                return err_set(err, STAGE_LOAD, EINVAL, "nothing was changed: some units have errors");
        match(r);
        result = tell(r, err);
        if (result < 0 || dry)
                return result;
        absent_note(r->e, r->set);
        result = apply(r, err);
        if (result == 0)
                put_in_order(r);
        channels_load(r->e, r->set, r->ids);
        (void) core_link(r->e->core, NULL, NULL, NULL); /* each problem was told when the units were read */
        return result;
}

int engine_reload(struct engine *e, bool dry, engine_change_fn *change, engine_problem_fn *problem_fn, void *arg)
{
        struct reload r = { .e = e, .change = change, .problem = problem_fn, .arg = arg };
        struct err err = { 0 };
        int result;

        if (e->stopping)
                return -ESHUTDOWN;
        buf_clear(&e->load_report);
        result = touch_units(e, &err);
        if (result == 0)
                result = unit_set_load(e->paths, &r.set, &err);
        if (result == 0) {
                r.ids = calloc(unit_set_count(r.set) + 1, sizeof(*r.ids));
                r.fresh = calloc(unit_set_count(r.set) + 1, 1);
                result = r.ids && r.fresh ? run_reload(&r, dry, &err) : -ENOMEM;
        }
        if (result < 0 && result != -EINVAL)
                problem(&r, true, &err);
        if (!dry)
                log_notice("daemon-reload: %s", result == -ETIMEDOUT ? "nothing was changed, the units cannot be read" :
                           result < 0 ? "nothing was changed, the units have errors" : "done");
        free(r.ids);
        free(r.fresh);
        if (r.set)
                unit_set_free(r.set);
        return result;
}

bool engine_orphaned(const struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        return run && run->flags & RUN_ORPHANED;
}
