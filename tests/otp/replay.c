/* otp-replay - the decision core against vectors recorded from Erlang/OTP's supervisor (tests/otp/FORMAT.md).
 *
 *      otp-replay < vectors > actual          one {"id":...,"actual":[[...],...]} a line
 *      otp-replay --check < vectors           compare with "expect" instead; exit 1 when one differs
 *
 * A line that is not a vector is said what is wrong with, the others are answered; the exit status is 2 then.
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

/* One of the words of a table; a key that is not there is `missing`, or a mistake if that is negative. */
static int word(struct world *w, const json_t *o, const char *key, const struct strtab *table, int missing)
{
        const json_t *v = json_object_get(o, key);
        int value = json_is_string(v) ? strtab_value(table, json_string_value(v)) : v ? -1 : missing;

        if (value < 0)
                world_fail(w, "%s: %s \"%.40s\" is none that there is", text(o, "name"), key, text(o, key));
        return value < 0 ? 0 : value;
}

/* As nanoseconds, if `unit` is what one of them is. */
static json_int_t number(struct world *w, const json_t *o, const char *key, json_int_t min, json_int_t unit)
{
        const json_t *v = json_object_get(o, key);

        if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > INT64_MAX / 2 / unit) {
                world_fail(w, "%s is not a whole number from %" JSON_INTEGER_FORMAT " on", key, min);
                return min * unit;
        }
        return json_integer_value(v) * unit;
}

/* A name, as the format has it; "" and a mistake when it is none. */
static const char *name_of(struct world *w, const json_t *o, const char *key)
{
        const char *s = text(o, key);
        size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

        if (n == 0 || s[n] || n > NAME_MAX_LEN)
                world_fail(w, "%s \"%.40s\" is not a name of 1 to %d of A-Z a-z 0-9 _", key, s, NAME_MAX_LEN);
        return n <= NAME_MAX_LEN ? s : "";
}

static struct spec *make_spec(struct world *w, const json_t *child)
{
        bool super = json_object_get(child, "strategy") != NULL;
        struct place at = { 0 };
        struct spec_build b = { 0 };
        const char *files[] = { "vector" };
        struct spec *spec;
        char name[NAME_MAX_LEN + 16];
        int restart = word(w, child, "restart", &restart_names, RESTART_PERMANENT);

        (void) snprintf(name, sizeof(name), "%s.%s", name_of(w, child, "name"), super ? "supervisor" : "service");
        if (super) {
                spec_build_number(&b, D_SUPERVISOR_Strategy, at, word(w, child, "strategy", &strategy_names, -1));
                spec_build_number(&b, D_SUPERVISOR_AutoShutdown, at,
                                  word(w, child, "auto_shutdown", &auto_shutdown_names, AUTO_NEVER));
                spec_build_number(&b, D_SUPERVISOR_MaxRestarts, at, number(w, child, "intensity", 0, 1));
                spec_build_number(&b, D_SUPERVISOR_MaxRestartsSec, at, number(w, child, "period_s", 1, NSEC_PER_SEC));
                spec_build_number(&b, D_SUPERVISOR_StartMode, at, START_SEQUENTIAL);
                spec_build_item(&b, D_UNIT_AssertPathExists, at, "/", 1); /* so that its start can be made to fail */
        }
        spec_build_number(&b, super ? D_SUPERVISOR_Restart : D_SERVICE_Restart, at, restart);
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
        struct spec *spec = make_spec(w, child);
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

        if (strcmp(reason, "crash") != 0 && reason_named(reason).kind == REASON_EXIT)
                world_fail(w, "\"%.40s\" is no reason to exit: normal, shutdown, crash or killed", reason);
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
        if (e.kind == EVT_NONE)
                world_fail(w, "\"%.40s\" is no operation", op);
        else if (!*sup_name)
                world_fail(w, "%s without the name of its supervisor", op);
        else
                (void) name_of(w, e.kind == EVT_ADDED ? json_object_get(item, "child") : item,
                               e.kind == EVT_ADDED ? "name" : "who");
        if (w->failed)
                return;
        e.token = world_operation(w, op);
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
                        worker_exit(w, name_of(w, item, "who"), text(item, "reason"));
                else
                        operation(w, sup, item);
        }
        w->more = 0;
        world_step(w, (struct event) { .kind = EVT_TICK });
        world_settle(w);
        w->batch = false;
        for (uint32_t t = first; t <= w->tokens; t++)
                if (w->ops[t].deferred)
                        world_observe(w, "result ", w->ops[t].name, " error:noproc");
}

static void exit_many(struct world *w, const json_t *who, const char *reason)
{
        size_t i;
        json_t *name;

        w->more = EVENT_MORE;
        json_array_foreach(who, i, name)
                worker_exit(w, json_is_string(name) ? json_string_value(name) : "", reason);
        w->more = 0;
        world_step(w, (struct event) { .kind = EVT_TICK });
        world_settle(w);
}

static void run_step(struct world *w, const json_t *s)
{
        const char *op = text(s, "op");
        nsec at = number(w, s, "at_ms", 0, NSEC_PER_MSEC);

        if (at < w->now)
                world_fail(w, "at_ms runs backwards");
        w->now = at;
        if (strcmp(op, "exit") == 0) {
                worker_exit(w, name_of(w, s, "who"), text(s, "reason"));
        } else if (strcmp(op, "exit_many") == 0) {
                exit_many(w, json_object_get(s, "who"), text(s, "reason"));
        } else if (strcmp(op, "fail_starts") == 0) {
                world_set_fails(w, name_of(w, s, "who"), number(w, s, "count", 0, 1));
        } else if (strcmp(op, "shutdown") == 0) {
                world_step(w, (struct event) { .kind = EVT_SHUTDOWN, .arg = 3600 * NSEC_PER_SEC });
                world_settle(w);
        } else if (strcmp(op, "batch") == 0) {
                batch(w, name_of(w, s, "sup"), json_object_get(s, "items"));
        } else {
                operation(w, text(s, "sup"), s);
        }
}

/* --- one vector --------------------------------------------------------------------------------------------------------- */

static void begin_step(struct world *w, json_t *actual)
{
        w->log = json_array();
        if (json_array_append_new(actual, w->log) < 0)
                world_fail(w, "out of memory");
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
                bool sound = !w->failed;

                begin_step(w, actual);
                run_step(w, s);
                if (w->failed) {
                        if (sound)
                                fprintf(stderr, "otp-replay: %s: step %zu of the script:\n", text(vector, "id"), i + 1);
                        return;
                }
        }
}

static uint32_t count_nodes(const json_t *super)
{
        uint32_t n = 1;
        size_t i;
        json_t *child;

        json_array_foreach(json_object_get(super, "children"), i, child)
                n += count_nodes(child);
        return n;
}

/* The vector's observations; NULL and the reason in w->why when it is not a vector. Owned by the caller. */
static json_t *replay(struct world *w, const json_t *vector)
{
        json_t *tree = json_object_get(vector, "tree"), *script = json_object_get(vector, "script");
        json_t *actual = json_array();
        uint32_t nodes = count_nodes(tree) + (uint32_t) json_array_size(script);
        struct core_config config = { .seed = 1, .record_capacity = 256 + 8 * nodes }; /* all those of a step */
        struct spec *root = NULL;

        if (!json_is_object(tree) || !json_object_get(tree, "strategy") || !json_is_array(script))
                world_fail(w, "not a vector: there is no \"tree\" of supervisors, or no \"script\"");
        else
                root = make_spec(w, tree);
        w->core = root ? core_new(&config, root) : NULL;
        if (!w->core)
                world_fail(w, "out of memory");
        else if (add_children(w, tree, NODE_ROOT))
                play(w, vector, actual);
        core_free(w->core);
        spec_unref(root);
        if (!w->failed)
                return actual;
        json_decref(actual);
        return NULL;
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

/* Says what is wrong with the line, if anything is. */
static bool do_line(const char *line, size_t len, unsigned long number, bool checking)
{
        struct world *w = calloc(1, sizeof(*w));
        json_error_t error;
        json_t *vector = json_loadb(line, len, 0, &error), *actual = NULL;
        bool ok = false;

        if (!w)
                return false;
        if (!vector)
                world_fail(w, "not JSON: %s, at byte %d", error.text, error.position);
        else
                actual = replay(w, vector);
        ok = actual && answer_line(vector, actual, checking);
        if (!ok)
                fprintf(stderr, "otp-replay: line %lu: %s\n", number, w->failed ? w->why : "cannot be answered");
        json_decref(actual);
        json_decref(vector);
        world_free(w);
        return ok;
}

int main(int argc, char **argv)
{
        bool checking = argc > 1 && strcmp(argv[1], "--check") == 0;
        autofree char *line = NULL;
        size_t cap = 0;
        unsigned long number = 0, bad = 0;
        ssize_t len;

        while ((len = getline(&line, &cap, stdin)) > 0) {
                number++;
                if (strspn(line, " \t\r\n") != (size_t) len && !do_line(line, (size_t) len, number, checking))
                        bad++;
        }
        if (checking)
                printf("%lu vectors, %lu differ\n", total, differing);
        if (bad > 0)
                return 2;
        return differing > 0 || (checking && total == 0);
}
