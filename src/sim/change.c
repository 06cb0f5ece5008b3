/* change.c - a unit that is changed or added while everything runs. See play.h. */
#include "sim/play.h"

#include <stdio.h>
#include <string.h>

/* KEY=VALUE... as the text of a drop-in: each key stands in the section that has it. */
static void add_assignments(struct buf *text, enum node_kind kind, uint32_t argc, char **argv)
{
        enum section own = kind == KIND_SERVICE ? SECTION_SERVICE : SECTION_SUPERVISOR;

        for (int pass = 0; pass < 2; pass++) {
                buf_addf(text, "[%s]\n", strtab_text(&section_names, pass ? (int) own : (int) SECTION_UNIT));
                for (uint32_t i = 0; i < argc; i++) {
                        char key[80];

                        (void) snprintf(key, sizeof(key), "%.*s", (int) strcspn(argv[i], "="), argv[i]);
                        if ((directive_find(SECTION_UNIT, key) != D_NONE) == !pass)
                                buf_addf(text, "%s\n", argv[i]);
                }
        }
}

struct first_mistake {
        struct err err;
        bool any;
};

static void keep_first(void *arg, const struct diag *d)
{
        struct first_mistake *m = arg;

        if (d->severity == DIAG_ERROR && !m->any)
                *m = (struct first_mistake) { d->err, true };
}

/* `base` is the unit as it is now, NULL for a new one. */
static int make_spec(struct play *p, const char *name, const struct spec *base, enum node_kind kind, uint32_t argc,
                     char **argv, struct spec **ret)
{
        autobuf struct buf now = BUF_INIT, more = BUF_INIT;
        struct first_mistake mistake = { 0 };
        struct unit_source sources[2] = { 0 };
        size_t n = 0;
        int r;

        if (base)
                unit_text_print(base, false, &now);
        add_assignments(&more, kind, argc, argv);
        if (base)
                sources[n++] = (struct unit_source) { .file = name, .text = buf_text(&now), .len = now.len };
        sources[n++] = (struct unit_source) { .file = p->script->file, .text = buf_text(&more), .len = more.len };
        r = unit_text_parse(name, sources, n, &unit_host_example, keep_first, &mistake, ret);
        if (r < 0)
                return play_fail(p, -r, "the unit would not be valid:", mistake.err.text, mistake.err.hint);
        return 0;
}

static void ignore_remark(void *arg, const struct err *e)
{
        (void) arg;
        (void) e;
}

int play_change(struct play *p, node_id id, uint32_t argc, char **argv)
{
        const struct node *n = core_node(p->story.core, id);
        struct spec *spec;
        int r = make_spec(p, spec_name(n->spec), n->spec, spec_kind(n->spec), argc - 1, argv + 1, &spec);

        if (r < 0)
                return r;
        story_step(&p->story, sim_now(p->sim), p->step);
        r = core_set_spec(p->story.core, id, spec, p->err);
        spec_unref(spec);
        if (r >= 0)
                r = core_link(p->story.core, ignore_remark, NULL, p->err);
        return r;
}

int play_add(struct play *p, uint32_t argc, char **argv)
{
        struct unit_name name;
        struct spec *spec;
        node_id parent, id;
        int r = play_find(p, argv[1], &parent);

        if (r < 0 || (r = unit_name_parse(argv[0], &name, p->err)) < 0)
                return r;
        r = make_spec(p, argv[0], NULL, name.kind, argc - 2, argv + 2, &spec);
        if (r < 0)
                return r;
        story_step(&p->story, sim_now(p->sim), p->step);
        r = core_add(p->story.core, parent, spec, true, &id, p->err);
        spec_unref(spec);
        if (r >= 0)
                r = core_link(p->story.core, ignore_remark, NULL, p->err);
        if (r < 0)
                return r;
        (void) sim_request(p->sim, EVT_ADDED, id, 0, NULL);
        return 0;
}
