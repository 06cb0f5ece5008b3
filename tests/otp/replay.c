/* otp-replay - the decision core against vectors recorded from Erlang/OTP's supervisor (tests/otp/FORMAT.md).
 *
 *      otp-replay < vectors > actual          one {"id":...,"actual":[[...],...]} a line
 *      otp-replay --check < vectors           compare with "expect" instead; exit 1 when one differs
 *
 * The world here is as small as the format: a worker starts at once or fails at once, and obeys a request to stop at
 * once. What the world does not show (a supervisor has no process) is read from the core's records. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "core/core.h"
#include "core/spec_build.h"

enum { NAME_MAX_LEN = 100, FAILS_MAX = 256, TOKENS_MAX = 512 };

struct fail {
        char name[NAME_MAX_LEN];
        json_int_t left;
};

/* What the world knows of a node, by id. */
struct actor {
        bool alive;      /* worker: a process is there */
        bool started;    /* supervisor: all its children were started in this life */
        bool by_itself;  /* supervisor: it gave up or shut itself down */
        bool twins;      /* supervisor: two of its children have one name: it never starts */
        char name[NAME_MAX_LEN + 1];
};

struct world {
        struct core *core;
        nsec now;
        struct actor *actors;  /* owned */
        size_t actor_cap;
        struct event *queue;   /* owned; answers that are due, first in first out */
        size_t head, len, cap;
        struct fail fails[FAILS_MAX];
        size_t fail_count;
        json_t *log;           /* borrowed: observations of this step */
        uint64_t seen;         /* records read so far */
        const char *ops[TOKENS_MAX]; /* by token: the operation's name */
        bool deferred[TOKENS_MAX];   /* answered noproc: logged at the step's end */
        uint32_t tokens;
        uint8_t more;          /* EVENT_MORE while a row of simultaneous events is fed */
        bool batch;
        bool failed;           /* out of memory, or a vector that is none */
};

static void observe(struct world *w, const char *what, const char *name, const char *tail)
{
        autobuf struct buf b = BUF_INIT;

        buf_addf(&b, "%s%s%s", what, name, tail);
        if (buf_failed(&b) || json_array_append_new(w->log, json_string(buf_text(&b))) < 0)
                w->failed = true;
}

static struct actor *actor(struct world *w, node_id id)
{
        if (id >= w->actor_cap) {
                size_t cap = id + 64U;
                struct actor *grown = realloc(w->actors, cap * sizeof(*grown));

                if (!grown)
                        abort();
                memset(grown + w->actor_cap, 0, (cap - w->actor_cap) * sizeof(*grown));
                w->actors = grown;
                w->actor_cap = cap;
        }
        return &w->actors[id];
}

/* Remembered: what a node's end leaves to log may come after the node is gone. */
static const char *name_of(struct world *w, node_id id)
{
        struct actor *a = actor(w, id);
        const struct node *n = core_node(w->core, id);

        if (!a->name[0] && n)
                (void) snprintf(a->name, sizeof(a->name), "%s", spec_stem(n->spec));
        return a->name;
}

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
        struct err err;

        if (!spec || core_add(w->core, parent, spec, dynamic, &id, &err) < 0)
                actor(w, parent)->twins = true;
        else if (json_object_get(child, "strategy"))
                (void) add_children(w, child, id);
        if (id != NODE_NONE)
                (void) name_of(w, id);
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
static node_id find(const struct world *w, const char *name, enum sought what, node_id parent)
{
        node_id found = NODE_NONE;

        for (node_id id = 0; id < core_node_limit(w->core); id++) {
                const struct node *n = core_node(w->core, id);

                if (!n || strcmp(spec_stem(n->spec), name) != 0)
                        continue;
                if ((what == A_CHILD && n->parent == parent) ||
                    (what == A_SUPERVISOR && n->kind == KIND_SUPERVISOR) ||
                    (what == A_WORKER_THAT_RUNS && id < w->actor_cap && w->actors[id].alive))
                        found = id;
        }
        return found;
}

/* --- the world's answers ---------------------------------------------------------------------------------------------- */

static void push(struct world *w, struct event e)
{
        if (w->len == w->cap) {
                size_t cap = w->cap ? 2 * w->cap : 64;
                struct event *grown = realloc(w->queue, cap * sizeof(*grown));

                if (!grown)
                        abort();
                w->queue = grown;
                w->cap = cap;
        }
        w->queue[w->len++] = e;
}

static bool must_fail(struct world *w, const char *name)
{
        for (size_t i = 0; i < w->fail_count; i++) {
                if (strcmp(w->fails[i].name, name) == 0 && w->fails[i].left > 0) {
                        w->fails[i].left--;
                        return true;
                }
        }
        return false;
}

static void set_fails(struct world *w, const char *name, json_int_t count)
{
        size_t i = 0;

        while (i < w->fail_count && strcmp(w->fails[i].name, name) != 0)
                i++;
        if (i == FAILS_MAX) {
                w->failed = true;
                return;
        }
        if (i == w->fail_count)
                w->fail_count++;
        (void) snprintf(w->fails[i].name, sizeof(w->fails[i].name), "%s", name);
        w->fails[i].left = count;
}

static struct event about(const struct action *a, enum event_kind kind)
{
        return (struct event) { .kind = (uint8_t) kind, .node = a->node, .incarnation = a->incarnation,
                                .role = a->role };
}

static void spawn(struct world *w, const struct action *a)
{
        struct event e = about(a, EVT_SPAWNED);

        if (must_fail(w, name_of(w, a->node))) {
                e.kind = EVT_SPAWN_FAILED;
                e.reason = REASON(REASON_SPAWN, ENOENT);
                e.reason.stage = STAGE_EXEC;
                observe(w, "start_failed ", name_of(w, a->node), "");
        } else {
                e.arg = 1000 + a->node;
                actor(w, a->node)->alive = true;
                observe(w, "start ", name_of(w, a->node), "");
        }
        push(w, e);
}

static void end_asked(struct world *w, const struct action *a)
{
        struct event e = about(a, EVT_EXITED);

        if (!actor(w, a->node)->alive)
                return;
        actor(w, a->node)->alive = false;
        observe(w, "stop ", name_of(w, a->node), "");
        e.role = ROLE_MAIN;
        e.reason = REASON(REASON_SIGNAL, 15);
        push(w, e);
}

static void done(struct world *w, const struct action *a)
{
        char tail[64];

        if (a->token >= TOKENS_MAX || !w->ops[a->token])
                return;
        if (w->batch && a->result == RESULT_NOPROC) {
                w->deferred[a->token] = true;
                return;
        }
        (void) snprintf(tail, sizeof(tail), " %s%s", a->result == RESULT_OK ? "" : "error:", result_name(a->result));
        observe(w, "result ", w->ops[a->token], tail);
}

static void perform(struct world *w, const struct action *a)
{
        struct event e;

        switch (a->kind) {
        case ACT_CHECK:
                e = about(a, EVT_CHECKED);
                e.arg = actor(w, a->node)->twins || must_fail(w, name_of(w, a->node)) ? VERDICT_FAIL : VERDICT_PASS;
                push(w, e);
                break;
        case ACT_SPAWN:
                spawn(w, a);
                break;
        case ACT_SIGNAL: case ACT_KILL:
                end_asked(w, a);
                break;
        case ACT_WATCH_EMPTY:
                push(w, about(a, EVT_EMPTY));
                break;
        case ACT_DONE:
                done(w, a);
                break;
        default:
                break;
        }
}

/* Supervisors have no process: their lives are read from the records. */
static void read_record(struct world *w, const struct record *r)
{
        struct actor *s;

        (void) name_of(w, r->node);
        if (r->rule == RULE_SUP_STARTING) {
                actor(w, r->node)->started = actor(w, r->node)->by_itself = false;
        } else if (r->rule == RULE_SUP_STARTED) {
                actor(w, r->node)->started = true;
                observe(w, "start ", name_of(w, r->node), "");
        } else if (r->rule == RULE_INTENSITY || r->rule == RULE_AUTO_SHUTDOWN) {
                actor(w, r->node)->by_itself = true;
        } else if (r->rule == RULE_SUP_EXIT) {
                s = actor(w, r->node);
                if (!s->started)
                        observe(w, "start_failed ", name_of(w, r->node), "");
                else if (s->by_itself)
                        observe(w, "sup_exit ", name_of(w, r->node), " shutdown");
                else
                        observe(w, "stop ", name_of(w, r->node), "");
        }
}

static void read_records(struct world *w, uint64_t until)
{
        while (w->seen < until) {
                const struct record *r = core_record(w->core, ++w->seen);

                if (r)
                        read_record(w, r);
        }
}

static void step(struct world *w, struct event e)
{
        struct actions acts;

        e.flags |= w->more;
        acts = core_step(w->core, &e, w->now);
        for (uint32_t i = 0; i < acts.count; i++) {
                bool is_done = acts.list[i].kind == ACT_DONE;

                read_records(w, is_done ? (uint64_t) acts.list[i].arg : acts.list[i].cause);
                perform(w, &acts.list[i]);
        }
        read_records(w, core_last_seq(w->core));
}

static void settle(struct world *w)
{
        for (;;) {
                if (w->head < w->len)
                        step(w, w->queue[w->head++]);
                else if (!w->more && core_deadline(w->core) <= w->now)
                        step(w, (struct event) { .kind = EVT_TICK });
                else
                        break;
        }
        w->head = w->len = 0;
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
        actor(w, id)->alive = false;
        step(w, (struct event) { .kind = EVT_EXITED, .node = id, .role = ROLE_MAIN, .reason = reason_named(reason) });
        settle(w);
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
                done(w, &(struct action) { .token = e.token, .result = RESULT_NOPROC });
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
        step(w, e);
        settle(w);
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
        step(w, (struct event) { .kind = EVT_TICK });
        settle(w);
        w->batch = false;
        for (uint32_t t = first; t <= w->tokens && t < TOKENS_MAX; t++)
                if (w->deferred[t])
                        observe(w, "result ", w->ops[t], " error:noproc");
}

static void exit_many(struct world *w, const json_t *who, const char *reason)
{
        size_t i;
        json_t *name;

        w->more = EVENT_MORE;
        json_array_foreach(who, i, name)
                worker_exit(w, json_string_value(name), reason);
        w->more = 0;
        step(w, (struct event) { .kind = EVT_TICK });
        settle(w);
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
                set_fails(w, text(s, "who"), json_integer_value(json_object_get(s, "count")));
        } else if (strcmp(op, "shutdown") == 0) {
                step(w, (struct event) { .kind = EVT_SHUTDOWN, .arg = 3600 * NSEC_PER_SEC });
                settle(w);
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
                set_fails(w, name, json_integer_value(count));
        begin_step(w, actual);
        step(w, (struct event) { .kind = EVT_START, .node = NODE_ROOT });
        settle(w);
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
