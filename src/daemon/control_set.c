/* control_set.c - Set: directives of one node, changed at once and kept. */
#include <string.h>

#include "daemon/control_priv.h"
#include "daemon/node_json.h"

static void on_change(void *arg, enum reload_change change, const char *path, enum directive directive,
                      const struct spec *before, const struct spec *after)
{
        json_change(arg, change, path, directive, before, after);
}

static const char **texts_of(json_t *list, size_t *ret_count)
{
        size_t n = json_array_size(list);
        const char **texts = calloc(n + 1, sizeof(*texts));

        for (size_t i = 0; texts && i < n; i++)
                texts[i] = json_string_value(json_array_get(list, i));
        *ret_count = n;
        return texts;
}

struct asked {
        struct json *j;
        const char *const *texts;
        size_t count;
};

/* Of what was asked for just now. */
static void put_missing(void *arg, const struct engine_limit *l)
{
        const struct asked *a = arg;
        size_t len = strlen(l->directive);

        for (size_t i = 0; i < a->count && !l->enforced; i++)
                if (strncmp(a->texts[i], l->directive, len) == 0 && a->texts[i][len] == '=') {
                        json_limit(a->j, l);
                        return;
                }
}

static void answer(struct call *c, node_id id, struct asked *asked, const char *changes, const char *file)
{
        asked->j = call_open(c);
        json_raw(asked->j, "changes", changes);
        json_text(asked->j, "file", file);
        json_open(asked->j, "not_enforced", '[');
        engine_limits(call_engine(c), id, put_missing, asked);
        json_close(asked->j);
        call_close(c, false);
}

void method_Set(struct call *c)
{
        const char *name = param_str(&c->in, "node", true);
        json_t *assignments = param_texts(&c->in, "assignments", true);
        autobuf struct buf changes = BUF_INIT, file = BUF_INIT;
        struct json j = json_start(&changes);
        struct engine_setting what = { .runtime = param_bool(&c->in, "runtime"), .change = on_change, .arg = &j };
        autofree const char **texts = NULL;
        struct err err = { 0 };
        node_id id;

        if (!call_params(c) || !call_node(c, name, &id))
                return;
        what.assignments = texts = texts_of(assignments, &what.count);
        if (!texts || engine_stopping(call_engine(c))) {
                call_fail(c, texts ? "ShuttingDown" : "Failed", texts ? NULL : "message", "out of memory", NULL, NULL);
                return;
        }
        json_open(&j, NULL, '[');
        if (engine_set(call_engine(c), id, &what, &file, &err) < 0) {
                call_fail_err(c, &err);
                return;
        }
        json_close(&j);
        answer(c, id, &(struct asked) { NULL, texts, what.count }, buf_text(&changes), buf_text(&file));
}
