/* control_ahead.c - a request that reads unit files, or describes a start, first waits for those who may not
 * answer: a file system of another machine, a name service. It waits by itself; everybody else is answered
 * meanwhile (FAILURES A17). */
#include <string.h>

#include "daemon/control_priv.h"

/* A name of no node: there may be a unit of that name. */
static bool unknown(const struct call *c, const json_t *name)
{
        return json_is_string(name) && core_find(call_core(c), NODE_ROOT, json_string_value(name), NULL) == NODE_NONE;
}

static bool any_unknown(const struct call *c)
{
        static const char *const keys[] = { "node", "nodes", "under", "supervisor", "scope", "from", "other" };

        for (size_t k = 0; c->in.params && k < ARRAY_LEN(keys); k++) {
                const json_t *v = json_object_get(c->in.params, keys[k]);

                if (unknown(c, v))
                        return true;
                for (size_t i = 0; i < json_array_size(v) && i < NODES_PER_CALL; i++)
                        if (unknown(c, json_array_get(v, i)))
                                return true;
        }
        return false;
}

/* Whose commands it will look at; else NODE_NONE. */
static node_id described(const struct call *c)
{
        const char *name = c->method == M_Explain ? json_string_value(json_object_get(c->in.params, "node")) : NULL;

        return name ? core_find(call_core(c), NODE_ROOT, name, NULL) : NODE_NONE;
}

static void ready(void *arg)
{
        struct call *c = arg;

        c->ahead = false;
        c->begins = true;
        conn_work_soon(c->conn);
}

bool call_asks_ahead(struct call *c)
{
        bool units = c->method == M_DaemonReload || c->method == M_Diff || c->method == M_Units || c->method == M_Set ||
                     (c->method == M_SpawnTransient && json_is_string(json_object_get(c->in.params, "unit")));
        node_id id = described(c);

        if (!units && id == NODE_NONE && !any_unknown(c))
                return false;
        /* What is ready at once is called back before the flag is set: it is looked at first. */
        c->ahead = engine_ask_ahead(call_engine(c), id, ready, c) && !c->begins;
        return c->ahead || c->begins;
}

void call_ahead_over(struct call *c)
{
        if (c->ahead)
                engine_ask_ahead_over(call_engine(c), c);
        c->ahead = c->begins = false;
}
