/* absent.c - see absent.h. */
#include <string.h>

#include "daemon/absent.h"
#include "daemon/engine_priv.h"
#include "daemon/load.h"
#include "daemon/touch.h"
#include "unit/unit_set.h"

struct left_out {
        char *name;            /* owned */
        struct err why;
};

struct absent {
        size_t count;
        struct left_out list[];
};

/* What was said about a unit when it was left out; of two that claim it the remark is about one of these. */
static const struct err *said_of(const struct unit_set *set, const char *name)
{
        const struct err *named = NULL;

        for (size_t i = 0; i < unit_set_diag_count(set); i++) {
                const struct diag *d = unit_set_diag(set, i);

                if (strcmp(d->err.unit, name) == 0)
                        return &d->err;
                if (!named && strstr(d->err.text, name))
                        named = &d->err;
        }
        return named;
}

static void absent_free(struct engine *e)
{
        for (size_t i = 0; e->absent && i < e->absent->count; i++)
                free(e->absent->list[i].name);
        free(e->absent);
        e->absent = NULL;
}

void absent_note(struct engine *e, const struct unit_set *set)
{
        enum unit_status status;
        size_t n = 0, known = unit_set_known_count(set);

        absent_free(e);
        for (size_t i = 0; i < known; i++) {
                (void) unit_set_known(set, i, &status);
                n += status == UNIT_LEFT_OUT;
        }
        e->absent = calloc(1, sizeof(*e->absent) + n * sizeof(e->absent->list[0]));
        for (size_t i = 0; e->absent && i < known; i++) {
                const char *name = unit_set_known(set, i, &status);
                struct left_out *l = &e->absent->list[e->absent->count];
                const struct err *why = status == UNIT_LEFT_OUT ? said_of(set, name) : NULL;

                if (!why || !(l->name = strdup(name)))
                        continue;
                l->why = *why;
                e->absent->count++;
        }
}

/* NULL: it was not left out. */
static const struct err *left_out(struct engine *e, const char *unit)
{
        struct unit_set *set;

        if (!e->absent && unit_set_load(e->paths, &set, NULL) == 0) {
                absent_note(e, set);
                unit_set_free(set);
        }
        for (size_t i = 0; e->absent && i < e->absent->count; i++)
                if (strcmp(e->absent->list[i].name, unit) == 0)
                        return &e->absent->list[i].why;
        return NULL;
}

/* A unit as it is on disk now, if it could be in the tree. */
static int look_up(struct engine *e, const char *name, struct spec **ret, struct err *err)
{
        const struct err *why;
        char full[256];
        int r = touch_units(e, err);

        if (r == 0)
                r = unit_resolve(e->paths, name, full, sizeof(full), err);
        if (r < 0)
                return r;
        why = left_out(e, full);
        if (why) {
                *err = *why;
                return -EINVAL;
        }
        return unit_load(e->paths, full, NULL, NULL, ret, err);
}

static void why_not_yet(const struct spec *s, struct err *err)
{
        const char *name = spec_name(s);

        if (spec_foreign(s)) {
                (void) err_set(err, STAGE_LOAD, ENOENT, "%s was written for systemd and is not in the tree", name);
                err_hint(err, "list it in Children= of a supervisor, or start it by hand");
        } else if (strchr(name, '@')) {
                (void) err_set(err, STAGE_LOAD, ENOENT, "no supervisor lists %s", name);
                err_hint(err, "write it into Children=, or start it by hand");
        } else if (strcmp(name, "emergency.service") == 0) {
                (void) err_set(err, STAGE_LOAD, ENOENT, "%s starts when the root supervisor gives up", name);
        } else {
                (void) err_set(err, STAGE_LOAD, ENOENT, "%s is not in the tree yet", name);
                err_hint(err, "coppicectl daemon-reload takes it in");
        }
}

int engine_absent(struct engine *e, const char *name, struct err *err)
{
        const char *slash = strrchr(name, '/');
        struct err quiet = { 0 };
        struct spec *s;
        int r = look_up(e, slash ? slash + 1 : name, &s, &quiet);

        if (r == 0) {
                why_not_yet(s, &quiet);
                spec_unref(s);
                r = -EINVAL;
        }
        *err = quiet;
        return r;
}

int engine_absent_each(struct engine *e, engine_absent_fn *fn, void *arg, struct err *err)
{
        struct unit_set *set;
        int r = touch_units(e, err);

        if (r == 0)
                r = unit_set_load(e->paths, &set, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < unit_set_known_count(set); i++) {
                enum unit_status status;
                const char *name = unit_set_known(set, i, &status);
                bool wrong = status == UNIT_BROKEN || status == UNIT_LEFT_OUT;

                if (core_find(e->core, NODE_ROOT, name, NULL) == NODE_NONE)
                        fn(arg, name, status == UNIT_IN_TREE ? "new" : strtab_text(&unit_status_names, (int) status),
                           wrong ? said_of(set, name) : NULL);
        }
        unit_set_free(set);
        return 0;
}

/* --- by hand ------------------------------------------------------------------------------------------------------ */

/* The supervisor in the tree that lists it: its file is newer than the last daemon-reload. */
static node_id lister_of(const struct engine *e, const char *unit)
{
        for (node_id id = 0; id < core_node_limit(e->core); id++) {
                const struct node *n = core_node(e->core, id);

                if (!n || n->kind != KIND_SUPERVISOR)
                        continue;
                for (size_t i = 0; i < spec_count(n->spec, D_SUPERVISOR_Children); i++)
                        if (strcmp(spec_item(n->spec, D_SUPERVISOR_Children, i), unit) == 0)
                                return id;
        }
        return NODE_ROOT;
}

static node_id supervisor_of(struct engine *e, const struct spec *s, struct err *err)
{
        const char *name = spec_str(s, D_UNIT_Supervisor);
        node_id id = *name ? core_find(e->core, NODE_ROOT, name, NULL) : lister_of(e, spec_name(s));

        if (id != NODE_NONE)
                return id;
        (void) err_set(err, STAGE_LOAD, ESRCH, "start %s: its supervisor %s is not in the tree", spec_name(s), name);
        err_where(err, spec_origin(s, D_UNIT_Supervisor).file, spec_origin(s, D_UNIT_Supervisor).line);
        err_hint(err, "coppicectl status %s says why", name);
        return NODE_NONE;
}

static int bring(struct engine *e, struct spec *s, node_id *ret_id, struct err *err)
{
        node_id parent;

        if (spec_kind(s) != KIND_SERVICE) {
                (void) err_set(err, STAGE_LOAD, EINVAL, "%s is not in the tree yet", spec_name(s));
                err_hint(err, "coppicectl daemon-reload takes it in, with what is below it");
                return -EINVAL;
        }
        parent = supervisor_of(e, s, err);
        return parent == NODE_NONE ? -ESRCH : core_add(e->core, parent, s, true, ret_id, err);
}

/* Each problem was told when the units were read; new is only which part of a circle does not count. */
static void on_link_problem(void *arg, const struct err *err)
{
        if (err->code == ELOOP)
                load_note(arg, true, err);
}

int engine_bring(struct engine *e, const char *name, node_id *ret_id, struct err *err)
{
        struct spec *s;
        int r;

        if (e->stopping)
                return err_set(err, STAGE_LOAD, ESHUTDOWN, "load %s: everything is being stopped", name);
        *ret_id = core_find(e->core, NODE_ROOT, name, NULL);
        if (*ret_id != NODE_NONE)
                return 0;
        r = look_up(e, name, &s, err);
        if (r < 0)
                return r;
        r = bring(e, s, ret_id, err);
        spec_unref(s);
        if (r == 0)
                (void) core_link(e->core, on_link_problem, e, NULL);
        return r;
}
