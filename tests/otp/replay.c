/* otp-replay - the decision core against vectors recorded from Erlang/OTP's supervisor (tests/otp/FORMAT.md).
 *
 *      otp-replay < vectors > actual          one {"id":...,"actual":[[...],...]} a line
 *      otp-replay --check < vectors           compare with "expect" instead; exit 1 when one differs
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/core.h"
#include "core/spec_build.h"
#include "tests/otp/world.h"

/* --- specs and tree ------------------------------------------------------------------------------------------------- */

static const char *text(const json_t *o, const char *key)
{
        const char *s = json_string_value(json_object_get(o, key));

        return s ? s : "";
}

static struct spec *make_spec(const json_t *child)
{
        bool super = json_object_get(child, "strategy") != NULL;
        struct place at = { 0 };
        struct spec_build b = { 0 };
        const char *files[] = { "vector" };
        struct spec *spec;
        char name[NAME_MAX_LEN + 16];
        int restart = strtab_value(&restart_names, text(child, "restart"));

        (void) snprintf(name, sizeof(name), "%.*s.%s", NAME_MAX_LEN, text(child, "name"), super ? "supervisor" : "service");
        if (super) {
                spec_build_number(&b, D_SUPERVISOR_Strategy, at, strtab_value(&strategy_names, text(child, "strategy")));
                spec_build_number(&b, D_SUPERVISOR_AutoShutdown, at,
                                  strtab_value(&auto_shutdown_names, text(child, "auto_shutdown")));
                spec_build_number(&b, D_SUPERVISOR_MaxRestarts, at,
                                  json_integer_value(json_object_get(child, "intensity")));
                spec_build_number(&b, D_SUPERVISOR_MaxRestartsSec, at,
                                  json_integer_value(json_object_get(child, "period_s")) * NSEC_PER_SEC);
                spec_build_number(&b, D_SUPERVISOR_StartMode, at, START_SEQUENTIAL);
                spec_build_item(&b, D_UNIT_AssertPathExists, at, "/", 1); /* so that its start can be made to fail */
        }
        spec_build_number(&b, super ? D_SUPERVISOR_Restart : D_SERVICE_Restart, at, restart < 0 ? 0 : restart);
        spec_build_number(&b, super ? D_SUPERVISOR_RestartSec : D_SERVICE_RestartSec, at, 0);
        spec_build_number(&b, super ? D_SUPERVISOR_RestartMaxDelaySec : D_SERVICE_RestartMaxDelaySec, at, 0);
        spec_build_number(&b, super ? D_SUPERVISOR_Significant : D_SERVICE_Significant, at,
                          json_is_true(json_object_get(child, "significant")));
        if (!super)
                spec_build_item(&b, D_SERVICE_ExecStart, at, "\0\1\0/w\0/w\0", 10);
        spec = spec_build_finish(&b, super ? KIND_SUPERVISOR : KIND_SERVICE, name, false, files, 1);
        spec_build_free(&b);
        return spec;
}

static bool add_children(struct world *w, const json_t *super, node_id id);

static node_id add_child(struct world *w, const json_t *child, node_id parent, bool dynamic)
{
        struct spec *spec = make_spec(child);
        node_id id = NODE_NONE;
        bool again = dynamic && !w->batch; /* what is still to be told of a batch goes by number */
        struct err err;
        int r = !spec ? -EINVAL : again ? core_add_again(w->core, parent, spec, dynamic, &id, &err) :
                                          core_add(w->core, parent, spec, dynamic, &id, &err);

        if (id != NODE_NONE)
                *world_actor(w, id) = (struct actor) { .age = ++w->ages };
        if (r < 0)
                world_actor(w, parent)->twins = true;
        else if (json_object_get(child, "strategy"))
                (void) add_children(w, child, id);
        if (id != NODE_NONE)
                (void) world_name(w, id);
        spec_unref(spec);
        return id;
}

static bool add_children(struct world *w, const json_t *super, node_id id)
{
        size_t i;
        json_t *child;

        json_array_foreach(json_object_get(super, "children"), i, child)
                (void) add_child(w, child, id, false);
        return !w->failed;
}

enum sought { A_WORKER_THAT_RUNS, A_SUPERVISOR, A_CHILD };

/* The youngest node of that name; A_CHILD: of `parent`. */
static node_id find(struct world *w, const char *name, enum sought what, node_id parent)
{
        node_id found = NODE_NONE;

        for (node_id id = 0; id < core_node_limit(w->core); id++) {
                const struct node *n = core_node(w->core, id);

                if (!n || strcmp(spec_stem(n->spec), name) != 0)
                        continue;
                if ((what == A_CHILD && n->parent == parent) ||
                    (what == A_SUPERVISOR && n->kind == KIND_SUPERVISOR) ||
                    (what == A_WORKER_THAT_RUNS && id < w->actor_cap && w->actors[id].alive))
                        found = found != NODE_NONE && world_actor(w, id)->age < world_actor(w, found)->age ? found : id;
        }
        return found;
}

/* --- steps ------------------------------------------------------------------------------------------------------------ */

static struct reason reason_named(const char *name)
{
        if (strcmp(name, "normal") == 0)
                return REASON(REASON_NORMAL, 0);
        if (strcmp(name, "shutdown") == 0)
                return REASON(REASON_SHUTDOWN, 0);
        if (strcmp(name, "killed") == 0)
                return REASON(REASON_SIGNAL, 9);
        return REASON(REASON_EXIT, 1);
}

static void worker_exit(struct world *w, const char *who, const char *reason)
{
        node_id id = find(w, who, A_WORKER_THAT_RUNS, NODE_NONE);

        if (id == NODE_NONE)
                return;
        world_actor(w, id)->alive = false;
        world_step(w, (struct event) { .kind = EVT_EXITED, .node = id, .role = ROLE_MAIN, .reason = reason_named(reason) });
        world_settle(w);
}

static const struct {
        const char *op;
        enum event_kind kind;
} operations[] = {
        { "terminate_child", EVT_STOP }, { "restart_child", EVT_START },
        { "delete_child", EVT_DELETE },  { "start_child", EVT_ADDED },
};

/* A name the supervisor does not know is a call like any other: it needs something to stand for it. */
static node_id stand_in(struct world *w, const char *who, node_id sup)
{
        json_t *child = json_pack("{s:s,s:s}", "name", who, "restart", "permanent");
        node_id id = add_child(w, child, sup, true);

        json_decref(child);
        return id;
}

static void operation(struct world *w, const char *sup_name, const json_t *item)
{
        node_id sup = find(w, sup_name, A_SUPERVISOR, NODE_NONE), id = NODE_NONE;
        const char *op = text(item, "op");
        struct event e = { .flags = REQ_STRICT };

        for (size_t i = 0; i < ARRAY_LEN(operations); i++)
                if (strcmp(operations[i].op, op) == 0)
                        e.kind = (uint8_t) operations[i].kind;
        if (e.kind == EVT_NONE || ++w->tokens >= TOKENS_MAX) {
                w->failed = true;
                return;
        }
        w->ops[w->tokens] = op;
        e.token = w->tokens;
        if (sup == NODE_NONE) { /* a supervisor that was added, and is gone for good */
                world_done(w, &(struct action) { .token = e.token, .result = RESULT_NOPROC });
                return;
        }
        if (e.kind == EVT_ADDED) {
                id = add_child(w, json_object_get(item, "child"), sup, true);
        } else {
                id = find(w, text(item, "who"), A_CHILD, sup);
                if (id == NODE_NONE)
                        id = stand_in(w, text(item, "who"), sup);
        }
        e.node = id;
        world_step(w, e);
        world_settle(w);
}

static void batch(struct world *w, const char *sup, const json_t *items)
{
        size_t i;
        json_t *item;
        uint32_t first = w->tokens + 1;

        w->batch = true;
        w->more = EVENT_MORE;
        json_array_foreach(items, i, item) {
                if (strcmp(text(item, "op"), "exit") == 0)
                        worker_exit(w, text(item, "who"), text(item, "reason"));
                else
                        operation(w, sup, item);
        }
        w->more = 0;
        world_step(w, (struct event) { .kind = EVT_TICK });
        world_settle(w);
        w->batch = false;
        for (uint32_t t = first; t <= w->tokens && t < TOKENS_MAX; t++)
                if (w->deferred[t])
                        world_observe(w, "result ", w->ops[t], " error:noproc");
}

static void exit_many(struct world *w, const json_t *who, const char *reason)
{
        size_t i;
        json_t *name;

        w->more = EVENT_MORE;
        json_array_foreach(who, i, name)
                worker_exit(w, json_string_value(name), reason);
        w->more = 0;
        world_step(w, (struct event) { .kind = EVT_TICK });
        world_settle(w);
}

static void run_step(struct world *w, const json_t *s)
{
        const char *op = text(s, "op");

        w->now = json_integer_value(json_object_get(s, "at_ms")) * NSEC_PER_MSEC;
        if (strcmp(op, "exit") == 0) {
                worker_exit(w, text(s, "who"), text(s, "reason"));
        } else if (strcmp(op, "exit_many") == 0) {
                exit_many(w, json_object_get(s, "who"), text(s, "reason"));
        } else if (strcmp(op, "fail_starts") == 0) {
                world_set_fails(w, text(s, "who"), json_integer_value(json_object_get(s, "count")));
        } else if (strcmp(op, "shutdown") == 0) {
                world_step(w, (struct event) { .kind = EVT_SHUTDOWN, .arg = 3600 * NSEC_PER_SEC });
                world_settle(w);
        } else if (strcmp(op, "batch") == 0) {
                batch(w, text(s, "sup"), json_object_get(s, "items"));
        } else {
                operation(w, text(s, "sup"), s);
        }
}

/* --- one vector --------------------------------------------------------------------------------------------------------- */

static void begin_step(struct world *w, json_t *actual)
{
        w->log = json_array();
        if (json_array_append_new(actual, w->log) < 0)
                w->failed = true;
}

static void play(struct world *w, const json_t *vector, json_t *actual)
{
        const char *name;
        json_t *count, *s;
        size_t i;

        json_object_foreach(json_object_get(vector, "fail_starts"), name, count)
                world_set_fails(w, name, json_integer_value(count));
        begin_step(w, actual);
        world_step(w, (struct event) { .kind = EVT_START, .node = NODE_ROOT });
        world_settle(w);
        json_array_foreach(json_object_get(vector, "script"), i, s) {
                begin_step(w, actual);
                run_step(w, s);
        }
}

/* The vector's observations; NULL when it is not a vector. Owned by the caller. */
static json_t *replay(const json_t *vector)
{
        struct world *w = calloc(1, sizeof(*w));
        struct core_config config = { .seed = 1, .record_capacity = 256 };
        json_t *tree = json_object_get(vector, "tree"), *actual = json_array();
        struct spec *root = json_is_object(tree) ? make_spec(tree) : NULL;

        if (!w || !root || !actual) {
                free(w);
                spec_unref(root);
                json_decref(actual);
                return NULL;
        }
        w->core = core_new(&config, root);
        if (w->core && add_children(w, tree, NODE_ROOT))
                play(w, vector, actual);
        if (!w->core || w->failed) {
                json_decref(actual);
                actual = NULL;
        }
        core_free(w->core);
        spec_unref(root);
        free(w->actors);
        free(w->queue);
        free(w);
        return actual;
}

/* --- lines ---------------------------------------------------------------------------------------------------------------- */

static unsigned long differing, total;

static void check(const json_t *vector, const json_t *actual)
{
        const json_t *expect = json_object_get(vector, "expect");
        char *got, *want;
        size_t i = 0;

        total++;
        if (json_equal(expect, actual))
                return;
        differing++;
        while (i < json_array_size(expect) && json_equal(json_array_get(expect, i), json_array_get(actual, i)))
                i++;
        want = json_dumps(json_array_get(expect, i), JSON_COMPACT);
        got = json_dumps(json_array_get(actual, i), JSON_COMPACT);
        if (differing <= 5)
                fprintf(stderr, "%s: step %zu\n  expected %s\n  actual   %s\n", text(vector, "id"), i,
                        want ? want : "(nothing)", got ? got : "(nothing)");
        free(want);
        free(got);
}

static bool answer_line(const json_t *vector, json_t *actual, bool checking)
{
        autofree char *line = NULL;
        json_t *out;

        if (checking) {
                check(vector, actual);
                return true;
        }
        out = json_pack("{s:O,s:O}", "id", json_object_get(vector, "id"), "actual", actual);
        line = json_dumps(out, JSON_COMPACT);
        json_decref(out);
        return line && puts(line) >= 0;
}

int main(int argc, char **argv)
{
        bool checking = argc > 1 && strcmp(argv[1], "--check") == 0;
        autofree char *line = NULL;
        size_t cap = 0;
        unsigned long number = 0;
        ssize_t len;

        while ((len = getline(&line, &cap, stdin)) > 0) {
                json_t *vector, *actual;
                bool ok;

                number++;
                if (strspn(line, " \t\r\n") == (size_t) len)
                        continue;
                vector = json_loadb(line, (size_t) len, 0, NULL);
                actual = vector ? replay(vector) : NULL;
                ok = actual && answer_line(vector, actual, checking);
                json_decref(actual);
                json_decref(vector);
                if (!ok) {
                        fprintf(stderr, "otp-replay: line %lu: not a vector\n", number);
                        return 2;
                }
        }
        if (checking)
                printf("%lu vectors, %lu differ\n", total, differing);
        return differing > 0 || (checking && total == 0);
}
