/* otp_random.c - random supervision trees and schedules as vectors, with the oracle's answer. See otp_oracle.h. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "otp_oracle.h"
#include "random.h"

enum { MAX_NODES = 45, MAX_DEPTH = 5, MAX_STEPS = 26, MAX_DYNAMIC = 6 };

struct gen {
        uint64_t state;
        struct { char name[16]; int parent; bool is_sup; } nodes[MAX_NODES + MAX_DYNAMIC];
        int count, sups, workers, dynamic;
        bool busy;                 /* a schedule in which much happens within one window */
        int64_t now;
};

static const char *const reasons[] = { "crash", "crash", "killed", "normal", "shutdown" };

/* A child's own words. Now and then a combination that must be refused. */
static void add_child_keys(struct gen *g, json_t *o, const char *auto_shutdown)
{
        static const char *const restarts[] = { "permanent", "permanent", "transient", "temporary" };
        const char *restart = pick(&g->state, restarts, 4);
        bool may = strcmp(auto_shutdown, "never") != 0 && strcmp(restart, "permanent") != 0;
        bool significant = may ? percent(&g->state, 45) : below(&g->state, 300) == 0;

        json_object_set_new(o, "restart", json_string(restart));
        json_object_set_new(o, "significant", json_boolean(significant));
}

static int new_node(struct gen *g, int parent, bool is_sup, const char *prefix, int number)
{
        int n = g->count++;

        g->nodes[n].parent = parent;
        g->nodes[n].is_sup = is_sup;
        (void) snprintf(g->nodes[n].name, sizeof(g->nodes[n].name), "%s%d", prefix, number);
        return n;
}

static json_t *make_sup(struct gen *g, int self, int depth, int want)
{
        static const char *const strategies[] = { "one_for_one", "one_for_all", "rest_for_one" };
        static const char *const rules[] = { "never", "never", "any_significant", "all_significant" };
        const char *rule = pick(&g->state, rules, 4);
        json_t *o = json_object(), *list = json_array();
        int children = 1 + below(&g->state, want);

        json_object_set_new(o, "name", json_string(g->nodes[self].name));
        json_object_set_new(o, "strategy", json_string(pick(&g->state, strategies, 3)));
        json_object_set_new(o, "intensity", json_integer(below(&g->state, 8) ? 1 + below(&g->state, 4) : 0));
        json_object_set_new(o, "period_s", json_integer(1 + below(&g->state, 10)));
        json_object_set_new(o, "auto_shutdown", json_string(rule));
        json_object_set_new(o, "children", list);
        for (int i = 0; i < children && g->count < MAX_NODES; i++) {
                bool is_sup = depth < MAX_DEPTH && percent(&g->state, 35);
                int n = is_sup ? new_node(g, self, true, "s", ++g->sups) :
                                 new_node(g, self, false, "w", ++g->workers);
                json_t *c = is_sup ? make_sup(g, n, depth + 1, 4) : json_object();

                json_object_set_new(c, "name", json_string(g->nodes[n].name));
                add_child_keys(g, c, rule);
                json_array_append_new(list, c);
        }
        return o;
}

static int some_node(struct gen *g, bool is_sup)
{
        for (int tries = 0; tries < 60; tries++) {
                int n = below(&g->state, g->count);

                if (g->nodes[n].is_sup == is_sup)
                        return n;
        }
        return is_sup ? 0 : -1;
}

static int some_child(struct gen *g, int sup, bool worker)
{
        for (int tries = 0; tries < 60; tries++) {
                int n = below(&g->state, g->count);

                if (g->nodes[n].parent == sup && (!worker || !g->nodes[n].is_sup))
                        return n;
        }
        return -1;
}

static json_t *named(const char *op)
{
        json_t *o = json_object();

        json_object_set_new(o, "op", json_string(op));
        return o;
}

static void set_who(struct gen *g, json_t *o, int n)
{
        json_object_set_new(o, "who", json_string(n < 0 ? "nobody" : g->nodes[n].name));
}

static json_t *make_exit(struct gen *g, int who)
{
        json_t *o = named("exit");

        set_who(g, o, who);
        json_object_set_new(o, "reason", json_string(pick(&g->state, reasons, 5)));
        return o;
}

/* A new worker, a small new branch, or a worker that this supervisor has (or had) already. */
static json_t *make_start_child(struct gen *g, int sup)
{
        json_t *o = named("start_child"), *c;
        int known = some_child(g, sup, true);
        bool fresh = g->dynamic < MAX_DYNAMIC - 1 && (known < 0 || percent(&g->state, 60));

        if (!fresh && known < 0) { /* nobody to add again */
                json_decref(o);
                o = named("delete_child");
                set_who(g, o, -1);
                return o;
        }

        if (fresh) {
                bool is_sup = percent(&g->state, 15);
                int n = new_node(g, sup, is_sup, is_sup ? "e" : "d", ++g->dynamic);

                c = is_sup ? make_sup(g, n, MAX_DEPTH, 1) : json_object();
                json_object_set_new(c, "name", json_string(g->nodes[n].name));
        } else {
                c = json_object();
                json_object_set_new(c, "name", json_string(g->nodes[known].name));
        }
        add_child_keys(g, c, percent(&g->state, 60) ? "never" : "any_significant");
        json_object_set_new(o, "child", c);
        return o;
}

static json_t *make_operation(struct gen *g, int sup)
{
        static const char *const ops[] = { "terminate_child", "terminate_child", "restart_child", "restart_child",
                                           "delete_child" };
        json_t *o;

        if (percent(&g->state, 25))
                return make_start_child(g, sup);
        o = named(pick(&g->state, ops, 5));
        set_who(g, o, some_child(g, sup, false));
        return o;
}

static json_t *make_exit_many(struct gen *g)
{
        int sup = some_node(g, true), n = 2 + below(&g->state, 4);
        json_t *o = named("exit_many"), *who = json_array();

        for (int i = 0; i < n; i++) {
                int c = some_child(g, sup, true);

                if (c >= 0)
                        json_array_append_new(who, json_string(g->nodes[c].name));
        }
        json_object_set_new(o, "who", who);
        json_object_set_new(o, "reason", json_string(pick(&g->state, reasons, 5)));
        return o;
}

static json_t *make_batch(struct gen *g)
{
        int sup = some_node(g, true), n = 2 + below(&g->state, 5);
        json_t *o = named("batch"), *items = json_array();

        json_object_set_new(o, "sup", json_string(g->nodes[sup].name));
        for (int i = 0; i < n; i++)
                json_array_append_new(items, percent(&g->state, 50) ? make_exit(g, some_child(g, sup, true)) :
                                                              make_operation(g, sup));
        json_object_set_new(o, "items", items);
        return o;
}

static json_t *make_fail_starts(struct gen *g)
{
        json_t *o = named("fail_starts");

        set_who(g, o, below(&g->state, g->count));
        json_object_set_new(o, "count", json_integer(below(&g->state, 5)));
        return o;
}

/* Steps fall on and around the edges of whole seconds, where windows are decided. */
static void pass_time(struct gen *g)
{
        static const int64_t leaps[] = { 0, 0, 1, 999, 1000, 1001, 2000, 4999, 5000, 5999, 6000, 10999 };

        if (percent(&g->state, g->busy ? 60 : 20))
                g->now += below(&g->state, 3) ? 0 : below(&g->state, 1000);
        else if (percent(&g->state, 50))
                g->now += leaps[below(&g->state, 12)];
        else
                g->now += 1000 - g->now % 1000 - below(&g->state, 2) + 1000 * below(&g->state, g->busy ? 3 : 8);
}

static json_t *make_step(struct gen *g)
{
        int r = below(&g->state, 100), sup;
        json_t *o;

        if (r < 50)
                return make_exit(g, some_node(g, false));
        if (r < 60)
                return make_exit_many(g);
        if (r < 72)
                return make_fail_starts(g);
        if (r < 84)
                return make_batch(g);
        if (r < 99) {
                sup = some_node(g, true);
                o = make_operation(g, sup);
                json_object_set_new(o, "sup", json_string(g->nodes[sup].name));
                return o;
        }
        return named("shutdown");
}

json_t *oracle_random_vector(uint64_t seed, unsigned number)
{
        struct gen g = { .state = seed * UINT64_C(0x2545f4914f6cdd1d) + number };
        json_t *v = json_object(), *script = json_array(), *fails, *expect;
        char id[64];
        int steps;

        (void) snprintf(id, sizeof(id), "oracle-%llu-%06u", (unsigned long long) seed, number);
        json_object_set_new(v, "id", json_string(id));
        json_object_set_new(v, "tags", json_array());
        (void) new_node(&g, -1, true, "root", 0);
        (void) snprintf(g.nodes[0].name, sizeof(g.nodes[0].name), "root");
        g.busy = percent(&g.state, 70);
        json_object_set_new(v, "tree", make_sup(&g, 0, 1, 2 + below(&g.state, 6)));
        if (percent(&g.state, 3)) {
                fails = json_object();
                json_object_set_new(fails, g.nodes[below(&g.state, g.count)].name, json_integer(1 + below(&g.state, 3)));
                json_object_set_new(v, "fail_starts", fails);
        }
        steps = 1 + below(&g.state, MAX_STEPS - 1);
        for (int i = 0; i < steps; i++) {
                json_t *step;

                pass_time(&g);
                step = make_step(&g);
                json_object_set_new(step, "at_ms", json_integer(g.now));
                json_array_append_new(script, step);
        }
        json_object_set_new(v, "script", script);
        expect = oracle_run(v);
        json_object_set_new(v, "expect", expect ? expect : json_array());
        return v;
}
