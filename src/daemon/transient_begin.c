/* transient_begin.c - a service without a file, or the instance of a template, comes into the tree: for run and spawn
 * of an operator, and for a service that spawns (mail_spawn.c). See engine.h. */
#include <fcntl.h>
#include <string.h>

#include "core/transient.h"
#include "daemon/journal.h"
#include "daemon/touch.h"
#include "daemon/transient_priv.h"
#include "unit/unit_set.h"

/* One_for_one, and what is over its limit is left alone: nobody in there has anything to do with his neighbour. */
static struct spec *place_spec(void)
{
        static const char text[] = "[Unit]\nDescription=Services started by run and spawn\n"
                                   "[Supervisor]\nEscalation=isolate\n";
        struct unit_source source = { .file = "", .text = text, .len = sizeof(text) - 1 };
        struct spec *s;

        return unit_text_parse(TRANSIENT_PLACE ".supervisor", &source, 1, &unit_host_example, NULL, NULL, &s) < 0
               ? NULL : s;
}

static int built_in_place(struct engine *e, node_id *ret, struct err *err)
{
        node_id id = core_find(e->core, NODE_ROOT, "/" TRANSIENT_PLACE, NULL);
        struct spec *s;
        int r;

        if (id == NODE_NONE) {
                s = place_spec();
                if (!s)
                        return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
                r = core_add(e->core, NODE_ROOT, s, true, &id, err);
                spec_unref(s);
                if (r < 0)
                        return r;
        }
        *ret = id;
        return 0;
}

/* A supervisor that starts forgets whatever was added before: so it has to be up first. An empty one is so at once. */
static int bring_up(struct engine *e, node_id id, bool ours, struct err *err)
{
        const struct node *n = core_node(e->core, id);
        char path[PATH_MAX_NODE];

        (void) engine_path(e, id, path, sizeof(path));
        if (ours && n->phase == PHASE_NONE)
                engine_step(e, &(struct event) { .kind = EVT_START, .node = id });
        n = core_node(e->core, id);
        if (n && n->kind != KIND_SUPERVISOR)
                return err_set(err, STAGE_LOAD, EINVAL, "%.150s is a service, not a supervisor", path);
        if (!n || n->phase == PHASE_NONE || n->state == STATE_STOPPING) {
                (void) err_set(err, STAGE_LOAD, ENOENT, "%.150s is not running", path);
                err_hint(err, "start it, or choose another with --supervisor");
                return -ENOENT;
        }
        return 0;
}

static bool taken(const struct engine *e, node_id parent, const char *stem)
{
        for (node_id id = core_first_child(e->core, parent); id != NODE_NONE; id = core_next_sibling(e->core, id))
                if (strcmp(spec_stem(core_node(e->core, id)->spec), stem) == 0)
                        return true;
        return false;
}

/* Length without ".service". */
static size_t stem_length(const char *name)
{
        size_t n = strlen(name);

        return n > 8 && strcmp(name + n - 8, ".service") == 0 ? n - 8 : n;
}

/* "worker@", with or without suffix: an instance that is free. */
static int choose_instance(struct engine *e, const char *unit, node_id parent, char *buf, size_t n, struct err *err)
{
        char stem[256];

        do
                (void) snprintf(stem, sizeof(stem), "%.*s%u", (int) stem_length(unit), unit, ++e->transients->names);
        while (taken(e, parent, stem));
        if (snprintf(buf, n, "%s.service", stem) >= (int) n)
                return err_set(err, STAGE_LOAD, EINVAL, "%.60s...: the name is too long", unit);
        return 0;
}

/* "NAME.service" into buf: as asked for, or the next free run-N. */
static int choose_name(struct engine *e, const struct transient_request *q, node_id parent, char *buf, size_t n,
                       struct err *err)
{
        const char *asked = q->unit ? q->unit : q->name;
        char stem[32];
        int used;

        if (q->unit && (!strchr(q->unit, '@') || q->argc || q->property_count))
                return err_set(err, STAGE_LOAD, EINVAL, "%.60s: %s", q->unit, strchr(q->unit, '@') ?
                               "goes with no command and no properties" : "is no instance of a template");
        if (q->unit && q->unit[stem_length(q->unit) - 1] == '@')
                return choose_instance(e, q->unit, parent, buf, n, err);
        if (!asked) {
                do
                        (void) snprintf(stem, sizeof(stem), "run-%u", ++e->transients->names);
                while (taken(e, parent, stem));
                (void) snprintf(buf, n, "%s.service", stem);
                return 0;
        }
        used = snprintf(buf, n, "%.*s.service", (int) stem_length(asked), asked);
        if (used < 0 || (size_t) used >= n)
                return err_set(err, STAGE_LOAD, EINVAL, "%.60s...: the name is too long", asked);
        buf[strlen(buf) - strlen(".service")] = '\0';
        if (taken(e, parent, buf))
                return err_set(err, STAGE_LOAD, EEXIST, "%s: there is a node of that name already", buf);
        buf[strlen(buf)] = '.';
        return 0;
}

static void report_warning(void *arg, const struct diag *d)
{
        (void) arg;
        log_err(LOG_LEVEL_WARNING, &d->err);
}

static int copy_given(struct engine *e, node_id id, const struct transient_request *q, struct err *err)
{
        struct extra *x = engine_extra(e, id);

        if (!x)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        x->given_terminal = q->terminal;
        for (int i = 0; i < 3; i++) {
                if (q->fds[i] < 0)
                        continue;
                x->given[i] = fcntl(q->fds[i], F_DUPFD_CLOEXEC, 3);
                if (x->given[i] < 0)
                        return err_sys(err, STAGE_RESOURCES, "copy descriptor %d", i);
                transient_keep_given(x, i);
        }
        return 0;
}

/* Linking looks at the whole tree: only for those that name a sibling. */
static bool relates(const struct spec *s)
{
        static const enum directive words[] = { D_UNIT_After, D_UNIT_Before, D_UNIT_Requires, D_UNIT_Wants,
                                                D_UNIT_BindsTo, D_UNIT_PartOf, D_UNIT_Conflicts };

        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (spec_count(s, words[i]) > 0)
                        return true;
        return false;
}

static uint32_t ask_start(struct engine *e, node_id id, const struct event *spawn)
{
        struct event event = spawn ? *spawn : (struct event) { .kind = EVT_START, .node = id };

        if (spawn)
                event.arg = id;
        return engine_request(e, &event, transient_started, e);
}

/* The node is there: from here on it is in the list, or deleted again. */
static int begin(struct engine *e, node_id id, const struct transient_request *q, struct transient *tr, struct err *err)
{
        char path[PATH_MAX_NODE];
        int r = copy_given(e, id, q, err);

        if (r == 0)
                tr->path = strdup(engine_path(e, id, path, sizeof(path)));
        if (r == 0 && tr->path)
                tr->token = ask_start(e, id, q->event);
        if (r == 0 && !tr->token)
                r = err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        if (r < 0) {
                free(tr->path);
                engine_post(e, &(struct event) { .kind = EVT_DELETE, .node = id });
                return r;
        }
        tr->node = id;
        tr->serial = ++e->transients->serial;
        e->transients->list[e->transients->count++] = *tr;
        if (relates(core_node(e->core, id)->spec))
                (void) core_link(e->core, NULL, NULL, NULL);
        return 0;
}

static int make_spec(struct engine *e, const struct transient_request *q, const char *name, struct spec **ret,
                     struct err *err)
{
        struct transient_unit unit = { .name = name, .command = q->command, .argc = q->argc,
                                       .properties = q->properties, .count = q->property_count, .spawner = q->spawner };

        if (q->unit) {
                int r = touch_units(e, err);

                return r < 0 ? r : unit_load(e->paths, name, report_warning, NULL, ret, err);
        }
        return transient_parse(&unit, unit_paths_host(e->paths), report_warning, NULL, ret, err);
}

int engine_transient(struct engine *e, const struct transient_request *q, const struct transient_ops *ops, void *arg,
                     uint64_t *ret_serial, node_id *ret_id, struct err *err)
{
        struct transient tr = { .ops = ops, .arg = arg };
        node_id parent = q->supervisor;
        char name[256];
        struct spec *spec;
        int r;

        if (e->stopping)
                return err_set(err, STAGE_LOAD, ESHUTDOWN, "everything is being stopped");
        r = transient_room(e, err);
        if (r == 0 && parent == NODE_NONE)
                r = built_in_place(e, &parent, err);
        if (r == 0)
                r = bring_up(e, parent, q->supervisor == NODE_NONE, err);
        if (r == 0)
                r = choose_name(e, q, parent, name, sizeof(name), err);
        if (r == 0)
                r = make_spec(e, q, name, &spec, err);
        if (r < 0)
                return r;
        r = journal_add(e, parent, spec, ret_id, err);
        spec_unref(spec);
        if (r == 0)
                r = begin(e, *ret_id, q, &tr, err);
        if (r == 0)
                *ret_serial = tr.serial;
        return r;
}
