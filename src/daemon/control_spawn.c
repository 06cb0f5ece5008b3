/* control_spawn.c - SpawnTransient: a service made of properties, with the client's own descriptors; AttachTransient:
 * to be with one again, after the connection was lost.
 *
 * With "more" the client stays until the end and takes its service with it when it goes (unless `keep`); without, it
 * is told that the service has started and may ask for the result with Await. */
#include <string.h>

#include "daemon/control_priv.h"
#include "daemon/node_json.h"

struct spawning {
        uint64_t serial;
        node_id node;
        bool keep, over;
        char path[NODE_PATH_MAX];
};

/* What was asked for and does not hold is told once it runs. */
static void write_missing(struct call *c, const struct node *n, bool runs, struct json *j)
{
        if (!runs || !n) {
                json_nil(j, "not_enforced");
                return;
        }
        json_open(j, "not_enforced", '[');
        engine_limits_missing(call_engine(c), n->id, json_limit, j);
        json_close(j);
}

static void write_reply(struct call *c, const struct death *d, bool runs, bool continues)
{
        const struct spawning *s = c->state;
        const struct node *n = core_node(call_core(c), s->node);
        struct json *j = call_open(c);

        json_str(j, "node", s->path);
        json_count(j, "main_pid", !d && n && n->pid_main > 0 ? n->pid_main : -1);
        if (d) {
                json_int(j, "exit_code", death_exit_code(d));
                json_death(j, "death", call_engine(c), d);
        } else {
                json_nil(j, "exit_code");
                json_nil(j, "death");
        }
        write_missing(c, n, runs, j);
        call_close(c, continues);
}

/* Why it is not there: the sentence of the step that failed, else the reason. */
static void fail_start(struct call *c, const struct death *d)
{
        const struct spawning *s = c->state;
        char words[NODE_PATH_MAX + 64], text[NODE_PATH_MAX + 1100];

        (void) snprintf(text, sizeof text, "%s%s%s", d->error ? d->error : s->path, d->error ? "" : ": did not start: ",
                        d->error ? "" : reason_words(call_core(c), &d->reason, words, sizeof words));
        call_fail(c, "Failed", "message", text, "hint", NULL);
}

static void note(void *arg, const struct engine_limit *l)
{
        bool *any = arg;

        (void) l;
        *any = true;
}

static void on_started(void *arg, enum result result)
{
        struct call *c = arg;
        struct spawning *s = c->state;
        bool missing = false;

        if (result != RESULT_OK)
                return; /* what did not start has an end as well, with more to say */
        if (!c->in.more) {
                s->keep = true;
                write_reply(c, NULL, true, false);
                return;
        }
        engine_limits_missing(call_engine(c), s->node, note, &missing);
        if (missing) {
                write_reply(c, NULL, true, true);
                conn_work_soon(c->conn); /* it may run for long before there is more to say */
        }
}

static void on_ended(void *arg, const struct transient_end *end)
{
        struct call *c = arg;
        struct spawning *s = c->state;

        s->over = true;
        if (c->in.more)
                write_reply(c, &end->death, false, false);
        else
                fail_start(c, &end->death);
}

static void on_ending(struct call *c, int code)
{
        (void) code;
        call_fail(c, "ShuttingDown", NULL, NULL, NULL, NULL);
}

static void drop(struct call *c)
{
        struct spawning *s = c->state;

        if (s->serial && !s->over)
                engine_transient_leave(call_engine(c), s->serial, !s->keep);
        free(s);
}

static const struct call_ops spawn_ops = { .ending = on_ending, .drop = drop };
static const struct transient_ops transient_ops = { .started = on_started, .ended = on_ended };

static struct spawning *spawning_new(struct call *c, bool keep)
{
        struct spawning *s = calloc(1, sizeof *s);

        if (!s) {
                call_fail(c, "Failed", "message", "out of memory", "hint", NULL);
                return NULL;
        }
        s->keep = keep;
        c->state = s;
        c->ops = &spawn_ops;
        return s;
}

/* The descriptor that parameter `key` names; -1 when absent, -2: the error has been sent. */
static int descriptor(struct call *c, const char *key, int64_t index)
{
        if (index < 0)
                return -1;
        if ((size_t) index < c->fd_count)
                return c->fds[index];
        call_fail(c, "BadValue", "parameter", key, "message", "no such descriptor came with the request");
        return -2;
}

/* Texts of a checked list, borrowed from the call; the array is the caller's. NULL when memory is short. */
static const char **texts_of(json_t *list, size_t *ret_count)
{
        size_t n = json_array_size(list);
        const char **texts = calloc(n + 1, sizeof *texts);

        for (size_t i = 0; texts && i < n; i++)
                texts[i] = json_string_value(json_array_get(list, i));
        *ret_count = n;
        return texts;
}

static void ask(struct call *c, const struct transient_request *q, bool keep)
{
        struct spawning *s = spawning_new(c, keep);
        struct err err = { 0 };
        char line[1100];
        int r;

        if (!s)
                return;
        r = engine_transient(call_engine(c), q, &transient_ops, c, &s->serial, &s->node, &err);
        if (r == -EDQUOT) {
                call_refuse(c, result_name(RESULT_MAX_CHILDREN), err_format(&err, line, sizeof line));
                return;
        }
        if (r < 0) {
                call_fail_err(c, &err);
                return;
        }
        (void) core_path(call_core(c), s->node, s->path, sizeof s->path);
        if (!c->in.more)
                return;
        conn_apart(c->conn); /* TRANSIENTS_MAX bounds them */
        write_reply(c, NULL, false, true);
}

void method_SpawnTransient(struct call *c)
{
        static const char *const names[3] = { "stdin", "stdout", "stderr" };
        const char *supervisor = param_str(&c->in, "supervisor", false);
        struct transient_request q = { .name = param_str(&c->in, "name", false), .supervisor = NODE_NONE,
                                       .unit = param_str(&c->in, "unit", false),
                                       .terminal = param_bool(&c->in, "terminal") };
        json_t *command = param_texts(&c->in, "command", false), *properties = param_texts(&c->in, "properties", false);
        bool keep = param_bool(&c->in, "keep");
        autofree const char **words = texts_of(command, &q.argc), **lines = texts_of(properties, &q.property_count);
        int64_t index[3];

        for (int i = 0; i < 3; i++)
                index[i] = param_int(&c->in, names[i], -1);
        if (!call_params(c) || (supervisor && !call_node(c, supervisor, &q.supervisor)))
                return;
        for (int i = 0; i < 3; i++) {
                q.fds[i] = descriptor(c, names[i], index[i]);
                if (q.fds[i] == -2)
                        return;
        }
        q.command = words;
        q.properties = lines;
        if (!words || !lines)
                call_fail(c, "Failed", "message", "out of memory", "hint", NULL);
        else
                ask(c, &q, keep);
}

/* It has ended while nobody listened: the result is all there is to tell. */
static void tell_end(struct call *c, struct spawning *s, const struct transient_end *end)
{
        s->over = true;
        s->node = NODE_NONE;
        (void) snprintf(s->path, sizeof s->path, "%s", end->path);
        write_reply(c, &end->death, false, false);
}

void method_AttachTransient(struct call *c)
{
        const char *name = param_str(&c->in, "node", true);
        bool keep = param_bool(&c->in, "keep");
        const struct transient_end *end;
        struct spawning *s;
        unsigned matches;

        if (!call_params(c))
                return;
        if (!c->in.more) {
                call_fail(c, SERVICE_INTERFACE ".ExpectedMore", NULL, NULL, NULL, NULL);
                return;
        }
        s = spawning_new(c, keep);
        if (!s)
                return;
        s->node = core_find(call_core(c), NODE_ROOT, name, &matches);
        end = s->node == NODE_NONE ? engine_transient_ended(call_engine(c), name) : NULL;
        if (end) {
                tell_end(c, s, end);
                return;
        }
        if (!call_node(c, name, &s->node))
                return;
        s->serial = engine_transient_listen(call_engine(c), s->node, &transient_ops, c);
        if (!s->serial) {
                call_fail(c, "BadValue", "parameter", "node", "message",
                          "is no transient service, or somebody is with it");
                return;
        }
        (void) core_path(call_core(c), s->node, s->path, sizeof s->path);
        conn_apart(c->conn);
        write_reply(c, NULL, false, true);
}
