/* otp_oracle.c - supervisors as processes with queues. See otp_oracle.h.
 *
 * Two facts carry the whole algorithm. A supervisor handles one message at a time, and stopping or starting a
 * child happens inside that handling, at once. A child that is found dead when it is to be stopped has its exit
 * message taken out of the queue, so it is neither logged as stopped nor restarted later. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "otp_oracle.h"

enum restart_type { PERMANENT, TRANSIENT, TEMPORARY };
enum strategy { ONE_FOR_ONE, ONE_FOR_ALL, REST_FOR_ONE };
enum shutdown_rule { NEVER, ANY, ALL };
enum pid_state { UNDEFINED, ALIVE, RESTARTING };
enum { MAX_CHILDREN = 64, MAX_QUEUE = 256, MAX_NAMES = 256, MAX_WINDOW = 64, MAX_BATCH = 64 };

struct process {
        const json_t *spec;
        struct supervisor *parent;   /* NULL for the root */
        struct supervisor *inner;    /* NULL for a worker */
        struct process *all_next;    /* every process ever made, for the end */
        bool alive;
};

struct child {
        const json_t *spec;
        struct process *pid;         /* ALIVE, also while its exit message waits in the queue */
        enum pid_state state;
};

enum message_kind { EXIT, TRY_AGAIN, OPERATION };

struct message {
        enum message_kind kind;
        const struct process *from;  /* EXIT */
        const char *reason;          /* EXIT */
        const char *name;            /* TRY_AGAIN: the child's */
        const json_t *op;            /* OPERATION */
        bool *answered;
};

struct supervisor {
        struct process *self;
        enum strategy strategy;
        enum shutdown_rule auto_shutdown;
        int64_t intensity, period;
        struct child children[MAX_CHILDREN]; /* in start order */
        size_t count;
        int64_t window[MAX_WINDOW];          /* whole seconds of restarts, newest first */
        size_t restarts;
        struct message queue[MAX_QUEUE];
        size_t head, tail;
};

struct world {
        struct process *all, *root;
        struct { const char *name; int64_t left; } fails[MAX_NAMES];
        size_t fail_count;
        int64_t now_ms;
        json_t *seen;                        /* observations of this step; borrowed */
};

static const char *text(const json_t *o, const char *key)
{
        const char *s = json_string_value(json_object_get(o, key));

        return s ? s : "";
}

static const char *name_of(const json_t *spec)
{
        return text(spec, "name");
}

static enum restart_type restart_type(const json_t *spec)
{
        const char *r = text(spec, "restart");

        return strcmp(r, "temporary") == 0 ? TEMPORARY : strcmp(r, "transient") == 0 ? TRANSIENT : PERMANENT;
}

static bool significant(const json_t *spec)
{
        return json_is_true(json_object_get(spec, "significant"));
}

__attribute__((format(printf, 2, 3))) static void observe(struct world *w, const char *fmt, ...)
{
        char line[200];
        va_list ap;

        va_start(ap, fmt);
        (void) vsnprintf(line, sizeof(line), fmt, ap);
        va_end(ap);
        json_array_append_new(w->seen, json_string(line));
}

static void set_fails(struct world *w, const char *name, int64_t n)
{
        for (size_t i = 0; i < w->fail_count; i++)
                if (strcmp(w->fails[i].name, name) == 0) {
                        w->fails[i].left = n;
                        return;
                }
        if (w->fail_count < MAX_NAMES) {
                w->fails[w->fail_count].name = name;
                w->fails[w->fail_count++].left = n;
        }
}

static bool told_to_fail(struct world *w, const char *name)
{
        for (size_t i = 0; i < w->fail_count; i++)
                if (strcmp(w->fails[i].name, name) == 0 && w->fails[i].left > 0) {
                        w->fails[i].left--;
                        return true;
                }
        return false;
}

/* Significant= is refused with permanent and under auto_shutdown never. */
static bool bad_combination(const json_t *child, enum shutdown_rule rule)
{
        return significant(child) && (restart_type(child) == PERMANENT || rule == NEVER);
}

static enum shutdown_rule shutdown_rule(const json_t *spec)
{
        const char *s = text(spec, "auto_shutdown");

        return strcmp(s, "any_significant") == 0 ? ANY : strcmp(s, "all_significant") == 0 ? ALL : NEVER;
}

static bool specs_are_valid(const json_t *sup)
{
        const json_t *list = json_object_get(sup, "children"), *c, *d;
        enum shutdown_rule rule = shutdown_rule(sup);
        size_t i, j;

        json_array_foreach(list, i, c) {
                if (bad_combination(c, rule))
                        return false;
                json_array_foreach(list, j, d)
                        if (j < i && strcmp(name_of(c), name_of(d)) == 0)
                                return false;
        }
        return true;
}

static struct process *start(struct world *w, const json_t *spec, struct supervisor *parent);

static void stop_children(struct world *w, struct supervisor *s);

/* Stop one child. No word about one that is dead already: its exit message, if any, no longer concerns anybody,
 * because nobody holds its pid. */
static void stop(struct world *w, struct process *p)
{
        if (!p || !p->alive)
                return;
        if (p->inner)
                stop_children(w, p->inner);
        p->alive = false;
        observe(w, "stop %s", name_of(p->spec));
}

static void stop_child(struct world *w, struct child *c)
{
        if (c->state == ALIVE)
                stop(w, c->pid);
        c->pid = NULL;
        c->state = UNDEFINED;
}

static void stop_children(struct world *w, struct supervisor *s)
{
        for (size_t i = s->count; i-- > 0;)
                stop_child(w, &s->children[i]);
}

static bool start_child(struct world *w, struct supervisor *s, struct child *c)
{
        c->pid = start(w, c->spec, s);
        c->state = c->pid ? ALIVE : UNDEFINED;
        return c->pid != NULL;
}

static void remove_child(struct supervisor *s, size_t i)
{
        s->count--;
        memmove(&s->children[i], &s->children[i + 1], (s->count - i) * sizeof(s->children[0]));
}

static bool init(struct world *w, struct supervisor *s, const json_t *spec)
{
        const char *strategy = text(spec, "strategy");
        const json_t *c;
        size_t i;

        s->strategy = strcmp(strategy, "one_for_all") == 0 ? ONE_FOR_ALL :
                      strcmp(strategy, "rest_for_one") == 0 ? REST_FOR_ONE : ONE_FOR_ONE;
        s->auto_shutdown = shutdown_rule(spec);
        s->intensity = json_integer_value(json_object_get(spec, "intensity"));
        s->period = json_integer_value(json_object_get(spec, "period_s"));
        if (!specs_are_valid(spec))
                return false;
        json_array_foreach(json_object_get(spec, "children"), i, c)
                if (s->count < MAX_CHILDREN)
                        s->children[s->count++].spec = c;
        for (i = 0; i < s->count; i++)
                if (!start_child(w, s, &s->children[i])) {
                        stop_children(w, s);
                        return false;
                }
        return true;
}

static struct process *start(struct world *w, const json_t *spec, struct supervisor *parent)
{
        struct process *p;
        bool ok = !told_to_fail(w, name_of(spec));

        p = calloc(1, sizeof(*p));
        if (!p)
                abort();
        *p = (struct process) { .spec = spec, .parent = parent, .all_next = w->all };
        w->all = p;
        if (json_object_get(spec, "strategy")) {
                p->inner = calloc(1, sizeof(*p->inner));
                if (!p->inner)
                        abort();
                p->inner->self = p;
                ok = ok && init(w, p->inner, spec);
        }
        observe(w, "%s %s", ok ? "start" : "start_failed", name_of(spec));
        p->alive = ok;
        return ok ? p : NULL;
}

static void send(struct supervisor *s, struct message m)
{
        if (s->tail < MAX_QUEUE)
                s->queue[s->tail++] = m;
}

/* May one more restart happen now? Seconds are whole; the edge of the period counts. */
static bool add_restart(struct world *w, struct supervisor *s)
{
        int64_t now = w->now_ms / 1000;
        size_t kept = 0;

        while (kept < s->restarts && s->window[kept] >= now - s->period)
                kept++;
        if (kept == MAX_WINDOW)
                kept--;
        memmove(&s->window[1], &s->window[0], kept * sizeof(s->window[0]));
        s->window[0] = now;
        s->restarts = kept + 1;
        return (int64_t) s->restarts <= s->intensity;
}

static struct child *find(struct supervisor *s, const char *name)
{
        for (size_t i = 0; i < s->count; i++)
                if (strcmp(name_of(s->children[i].spec), name) == 0)
                        return &s->children[i];
        return NULL;
}

/* The child is down for good: a temporary one is forgotten, the others keep their place. */
static void child_down(struct supervisor *s, struct child *c)
{
        c->pid = NULL;
        c->state = UNDEFINED;
        if (restart_type(c->spec) == TEMPORARY)
                remove_child(s, (size_t) (c - s->children));
}

static void try_again(struct supervisor *s, struct child *c)
{
        c->pid = NULL;
        c->state = RESTARTING;
        send(s, (struct message) { .kind = TRY_AGAIN, .name = name_of(c->spec) });
}

/* rest_for_one from the child's place, one_for_all from the first: stop in reverse, drop the temporary ones, start
 * in order; the first that fails will be tried again later and ends the attempt. */
static void restart_group(struct world *w, struct supervisor *s, struct child *c)
{
        size_t first = s->strategy == ONE_FOR_ALL ? 0 : (size_t) (c - s->children);

        /* The one that died has no pid any more, whatever its state said. */
        c->pid = NULL;
        c->state = UNDEFINED;
        for (size_t i = s->count; i-- > first;) {
                stop_child(w, &s->children[i]);
                if (restart_type(s->children[i].spec) == TEMPORARY)
                        remove_child(s, i);
        }
        for (size_t i = first; i < s->count; i++)
                if (!start_child(w, s, &s->children[i])) {
                        try_again(s, &s->children[i]);
                        return;
                }
}

/* False: the supervisor gives up. */
static bool restart(struct world *w, struct supervisor *s, struct child *c)
{
        if (!add_restart(w, s)) {
                child_down(s, c);
                return false;
        }
        if (s->strategy != ONE_FOR_ONE)
                restart_group(w, s, c);
        else if (!start_child(w, s, c))
                try_again(s, c);
        return true;
}

static bool auto_shutdown(struct supervisor *s, bool trigger)
{
        if (!trigger || s->auto_shutdown == NEVER)
                return false;
        if (s->auto_shutdown == ANY)
                return true;
        for (size_t i = 0; i < s->count; i++)
                if (significant(s->children[i].spec) && s->children[i].state != UNDEFINED)
                        return false;
        return true;
}

static bool on_exit_message(struct world *w, struct supervisor *s, const struct message *m)
{
        bool clean = strcmp(m->reason, "normal") == 0 || strcmp(m->reason, "shutdown") == 0;

        for (size_t i = 0; i < s->count; i++) {
                struct child *c = &s->children[i];
                enum restart_type type = restart_type(c->spec);
                bool trigger = significant(c->spec);

                if (c->state != ALIVE || c->pid != m->from)
                        continue;
                if (type == PERMANENT || (type == TRANSIENT && !clean))
                        return restart(w, s, c);
                child_down(s, c);
                return !auto_shutdown(s, trigger);
        }
        return true;
}

static const char *op_start(struct world *w, struct supervisor *s, const json_t *spec)
{
        struct child *c = find(s, name_of(spec));
        struct child fresh = { .spec = spec };

        if (bad_combination(spec, s->auto_shutdown))
                return "error:bad_combination";
        if (c)
                return c->state == ALIVE ? "error:already_started" : "error:already_present";
        if (!start_child(w, s, &fresh))
                return "error:start_failed";
        if (s->count < MAX_CHILDREN)
                s->children[s->count++] = fresh;
        return "ok";
}

static const char *op_on_child(struct world *w, struct supervisor *s, const char *op, const char *name)
{
        struct child *c = find(s, name);

        if (!c)
                return "error:not_found";
        if (strcmp(op, "terminate_child") == 0) {
                stop_child(w, c);
                child_down(s, c);
                return "ok";
        }
        if (c->state != UNDEFINED)
                return c->state == ALIVE ? "error:running" : "error:restarting";
        if (strcmp(op, "restart_child") == 0)
                return start_child(w, s, c) ? "ok" : "error:start_failed";
        remove_child(s, (size_t) (c - s->children));
        return "ok";
}

static void on_operation(struct world *w, struct supervisor *s, const struct message *m)
{
        const char *op = text(m->op, "op");
        const char *result = strcmp(op, "start_child") == 0 ? op_start(w, s, json_object_get(m->op, "child")) :
                             op_on_child(w, s, op, text(m->op, "who"));

        observe(w, "result %s %s", op, result);
        *m->answered = true;
}

static bool handle(struct world *w, struct supervisor *s, const struct message *m)
{
        struct child *c;

        switch (m->kind) {
        case EXIT:
                return on_exit_message(w, s, m);
        case TRY_AGAIN:
                c = find(s, m->name);
                return !c || c->state != RESTARTING || restart(w, s, c);
        default:
                on_operation(w, s, m);
                return true;
        }
}

/* Handle messages until none is left. A supervisor that ends tells its parent, which then runs. */
static void run(struct world *w, struct supervisor *s)
{
        while (s && s->head < s->tail) {
                struct message m = s->queue[s->head++];

                if (handle(w, s, &m))
                        continue;
                stop_children(w, s);
                s->self->alive = false;
                observe(w, "sup_exit %s shutdown", name_of(s->self->spec));
                if (s->self->parent)
                        send(s->self->parent,
                             (struct message) { .kind = EXIT, .from = s->self, .reason = "shutdown" });
                s = s->self->parent;
        }
        if (s)
                s->head = s->tail = 0;
}

static struct process *running(struct world *w, const char *name)
{
        for (struct process *p = w->all; p; p = p->all_next)
                if (p->alive && strcmp(name_of(p->spec), name) == 0)
                        return p;
        return NULL;
}

/* The worker ends by itself now; its supervisor will find out from its queue. Returns that supervisor. */
static struct supervisor *end_worker(struct world *w, const char *name, const char *reason)
{
        struct process *p = running(w, name);

        if (!p || p->inner)
                return NULL;
        p->alive = false;
        send(p->parent, (struct message) { .kind = EXIT, .from = p, .reason = reason });
        return p->parent;
}

static void step_exit_many(struct world *w, const json_t *step)
{
        struct supervisor *s = NULL;
        const json_t *who;
        size_t i;

        json_array_foreach(json_object_get(step, "who"), i, who) {
                struct supervisor *of = end_worker(w, json_string_value(who), text(step, "reason"));

                s = of ? of : s;
        }
        run(w, s);
}

/* One operation, or a batch of exits and operations, put before one supervisor. */
static void step_queue(struct world *w, const char *sup, const json_t *const *items, size_t n)
{
        struct process *p = running(w, sup);
        bool answered[MAX_BATCH] = { false };

        for (size_t i = 0; i < n && i < MAX_BATCH; i++) {
                if (strcmp(text(items[i], "op"), "exit") == 0) {
                        (void) end_worker(w, text(items[i], "who"), text(items[i], "reason"));
                        answered[i] = true;
                } else if (p && p->inner) {
                        send(p->inner, (struct message) { .kind = OPERATION, .op = items[i],
                                                          .answered = &answered[i] });
                }
        }
        run(w, p ? p->inner : NULL);
        for (size_t i = 0; i < n && i < MAX_BATCH; i++)
                if (!answered[i])
                        observe(w, "result %s error:noproc", text(items[i], "op"));
}

static void do_step(struct world *w, const json_t *step)
{
        const char *op = text(step, "op");
        const json_t *items[MAX_BATCH], *item;
        size_t i, n = 0;

        w->now_ms = json_integer_value(json_object_get(step, "at_ms"));
        if (strcmp(op, "exit") == 0) {
                run(w, end_worker(w, text(step, "who"), text(step, "reason")));
        } else if (strcmp(op, "exit_many") == 0) {
                step_exit_many(w, step);
        } else if (strcmp(op, "fail_starts") == 0) {
                set_fails(w, text(step, "who"), json_integer_value(json_object_get(step, "count")));
        } else if (strcmp(op, "shutdown") == 0) {
                stop(w, w->root);
        } else if (strcmp(op, "batch") == 0) {
                json_array_foreach(json_object_get(step, "items"), i, item)
                        if (n < MAX_BATCH)
                                items[n++] = item;
                step_queue(w, text(step, "sup"), items, n);
        } else {
                step_queue(w, text(step, "sup"), &step, 1);
        }
}

static void free_world(struct world *w)
{
        for (struct process *p = w->all, *next; p; p = next) {
                next = p->all_next;
                free(p->inner);
                free(p);
        }
}

json_t *oracle_run(const json_t *vector)
{
        struct world w = { 0 };
        json_t *result = json_array();
        json_t *fails = json_object_get(vector, "fail_starts");
        const json_t *tree = json_object_get(vector, "tree"), *step;
        const char *name;
        json_t *count;
        size_t i;

        if (!json_is_object(tree) || !result) {
                fprintf(stderr, "%s: a vector without a tree\n", text(vector, "id"));
                json_decref(result);
                return NULL;
        }
        json_object_foreach(fails, name, count)
                set_fails(&w, name, json_integer_value(count));
        json_array_append_new(result, w.seen = json_array());
        w.root = start(&w, tree, NULL);
        json_array_foreach(json_object_get(vector, "script"), i, step) {
                json_array_append_new(result, w.seen = json_array());
                do_step(&w, step);
        }
        free_world(&w);
        return result;
}
