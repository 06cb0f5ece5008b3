/* control_wait.c - methods that wait for something nobody has to be asked for: Await, LogInfo. */
#include <string.h>

#include "daemon/control_priv.h"
#include "daemon/node_json.h"

/* --- Await ------------------------------------------------------------------------------------------------------- */

enum until { UNTIL_STATE, UNTIL_ENDED, UNTIL_READY };

struct awaited {
        node_id node;
        uint32_t incarnation;     /* ENDED: whose end is waited for */
        bool over, reached;
        char *transient;          /* owned; its path, when its result outlives it; else NULL */
};

struct awaiting {
        enum until until;
        int state;                /* UNTIL_STATE */
        bool at_once;
        size_t count;
        struct awaited list[];
};

static bool at_rest(const struct node *n)
{
        return n->state == STATE_INACTIVE || n->state == STATE_FAILED || n->state == STATE_FINISHED;
}

/* Has the wait for this node ended, and in the way that was asked for? */
static void look(const struct engine *e, const struct awaiting *w, struct awaited *a)
{
        const struct node *n = core_node(engine_core(e), a->node);

        if (a->over)
                return;
        if (!n) {
                a->over = true;
                a->reached = w->until == UNTIL_ENDED;
                return;
        }
        switch (w->until) {
        case UNTIL_ENDED:
                a->reached = engine_is_transient(e, n->id) ? false : a->transient ? true :
                             at_rest(n) || n->state == STATE_BACKOFF || n->incarnation != a->incarnation;
                break;
        case UNTIL_READY:
                a->reached = n->ready || n->state == STATE_FINISHED;
                a->over = n->state == STATE_FAILED || (n->state == STATE_INACTIVE && n->want == WANT_DOWN);
                break;
        case UNTIL_STATE:
                a->reached = n->state == w->state;
                break;
        }
        a->over = a->over || a->reached;
}

/* Its result where it has gone already; else the end it had last. */
static const struct death *death_of(struct call *c, const struct awaited *a)
{
        const struct transient_end *end = a->transient ? engine_transient_ended(call_engine(c), a->transient) : NULL;

        if (end && !engine_is_transient(call_engine(c), a->node))
                return &end->death;
        return core_node(call_core(c), a->node) ? engine_death(call_engine(c), a->node, 0) : NULL;
}

static int exit_code_of(const struct awaited *a, const struct reason *reason, const struct death *d)
{
        if (a->transient && d)
                return death_exit_code(d);
        return reason->kind != REASON_NONE ? reason_exit_code(reason) : -1;
}

static void write_awaited(struct call *c, struct json *j, const struct awaited *a)
{
        const struct core *core = call_core(c);
        const struct node *n = core_node(core, a->node);
        const struct death *d = death_of(c, a);
        struct reason reason = a->transient && d ? d->reason : n ? n->last_reason : REASON(REASON_NONE, 0);
        char text[NODE_PATH_MAX + 64];

        json_open(j, NULL, '{');
        json_str(j, "path", n ? core_path(core, a->node, text, sizeof text) : a->transient ? a->transient : "");
        json_str(j, "state", strtab_text(&state_names, n ? n->state : a->transient ? STATE_FINISHED : STATE_INACTIVE));
        json_text(j, "reason", reason.kind != REASON_NONE ? reason_words(core, &reason, text, sizeof text) : NULL);
        json_count(j, "exit_code", exit_code_of(a, &reason, d));
        json_bool(j, "reached", a->reached);
        json_bool(j, "transient", a->transient != NULL);
        if (d)
                json_death(j, "death", call_engine(c), d);
        else
                json_nil(j, "death");
        json_close(j);
}

static void answer_awaited(struct call *c)
{
        struct awaiting *w = c->state;
        struct json *j = call_open(c);

        json_open(j, "nodes", '[');
        for (size_t i = 0; i < w->count; i++)
                write_awaited(c, j, &w->list[i]);
        json_close(j);
        call_close(c, false);
}

static void look_at_all(struct call *c)
{
        struct awaiting *w = c->state;
        bool over = true; /* of an empty list */

        for (size_t i = 0; i < w->count; i++) {
                look(call_engine(c), w, &w->list[i]);
                over = over && w->list[i].over;
        }
        if (over || w->at_once)
                answer_awaited(c);
}

static void await_published(struct call *c, uint64_t first, uint64_t last)
{
        (void) first, (void) last;
        if (!c->done)
                look_at_all(c);
}

static void await_ending(struct call *c, int code)
{
        (void) code;
        answer_awaited(c);
}

static void drop_await(struct call *c)
{
        struct awaiting *w = c->state;

        for (size_t i = 0; i < w->count; i++)
                free(w->list[i].transient);
        free(w);
}

static const struct call_ops await_ops = {
        .published = await_published, .ending = await_ending, .drop = drop_await,
};

/* The node of that name, or the transient service that was called so. False: the error has been sent. */
static bool find_awaited(struct call *c, const char *name, struct awaited *a)
{
        const struct transient_end *end;
        char path[NODE_PATH_MAX];
        unsigned matches;

        a->node = core_find(call_core(c), NODE_ROOT, name, &matches);
        end = a->node == NODE_NONE ? engine_transient_ended(call_engine(c), name) : NULL;
        if (end) {
                a->transient = strdup(end->path);
                return true;
        }
        if (!call_node(c, name, &a->node))
                return false;
        a->incarnation = core_node(call_core(c), a->node)->incarnation;
        if (engine_is_transient(call_engine(c), a->node))
                a->transient = strdup(core_path(call_core(c), a->node, path, sizeof path));
        return true;
}

static bool read_until(const char *word, struct awaiting *w)
{
        if (!word || strcmp(word, "ended") == 0) {
                w->until = UNTIL_ENDED;
        } else if (strcmp(word, "ready") == 0) {
                w->until = UNTIL_READY;
        } else {
                w->until = UNTIL_STATE;
                w->state = strtab_value(&state_names, word);
        }
        return w->state >= 0;
}

void method_Await(struct call *c)
{
        json_t *names = param_texts(&c->in, "nodes", true);
        const char *until = param_str(&c->in, "until", false);
        bool at_once = param_bool(&c->in, "at_once");
        size_t n = json_array_size(names);
        struct awaiting *w;

        if (!call_params(c))
                return;
        if (n == 0 || n > NODES_PER_CALL) {
                call_fail(c, "BadValue", "parameter", "nodes", "message", "name 1 to 1024 nodes");
                return;
        }
        w = calloc(1, sizeof *w + n * sizeof w->list[0]);
        if (!w) {
                call_fail(c, "Failed", "message", "out of memory", "hint", NULL);
                return;
        }
        c->state = w;
        c->ops = &await_ops;
        w->at_once = at_once;
        if (!read_until(until, w)) {
                call_bad_word(c, "until", until, strtab_nearest(state_names.text, (size_t) state_names.count, until),
                              "ended, ready or the name of a state");
                return;
        }
        for (size_t i = 0; i < n; i++) {
                if (!find_awaited(c, json_string_value(json_array_get(names, i)), &w->list[i]))
                        return;
                w->count++;
        }
        look_at_all(c);
}

/* --- LogInfo ----------------------------------------------------------------------------------------------------- */

struct log_question {
        node_id node;
};

static void on_flushed(void *arg, int result)
{
        struct call *c = arg;
        const struct log_question *q = c->state;
        char text[NODE_PATH_MAX + 256];
        struct json *j = call_open(c);
        bool there = core_node(call_core(c), q->node) != NULL;

        json_str(j, "path", there ? core_path(call_core(c), q->node, text, sizeof text) : "");
        json_text(j, "directory", there ? engine_log_dir(call_engine(c), q->node, text, sizeof text) : "");
        json_bool(j, "flushed", result == 0);
        json_tail(j, engine_death(call_engine(c), q->node, 0));
        call_close(c, false);
}

static void drop_log(struct call *c)
{
        engine_log_flush_forget(call_engine(c), c);
        free(c->state);
}

static const struct call_ops log_ops = { .drop = drop_log };

/* A transient service that has ended: its node is gone, what it wrote is not. */
static void log_of_ended(struct call *c, const struct transient_end *end)
{
        char text[NODE_PATH_MAX + 256];
        struct json *j = call_open(c);

        json_str(j, "path", end->path);
        json_text(j, "directory", engine_log_dir_of(call_engine(c), end->path, text, sizeof text));
        json_bool(j, "flushed", true);
        json_tail(j, &end->death);
        call_close(c, false);
}

void method_LogInfo(struct call *c)
{
        const char *name = param_str(&c->in, "node", true);
        const struct transient_end *end;
        struct log_question *q;
        unsigned matches;
        node_id id;

        if (!call_params(c))
                return;
        id = core_find(call_core(c), NODE_ROOT, name, &matches);
        end = id == NODE_NONE ? engine_transient_ended(call_engine(c), name) : NULL;
        if (end) {
                log_of_ended(c, end);
                return;
        }
        if (!call_node(c, name, &id))
                return;
        if (core_node(call_core(c), id)->kind == KIND_SUPERVISOR) {
                call_fail(c, "BadValue", "parameter", name, "message",
                          "a supervisor writes nothing itself; name a service below it");
                return;
        }
        q = malloc(sizeof *q);
        if (!q) {
                call_fail(c, "Failed", "message", "out of memory", "hint", NULL);
                return;
        }
        q->node = id;
        c->state = q;
        c->ops = &log_ops;
        engine_log_flush(call_engine(c), id, on_flushed, c);
}
