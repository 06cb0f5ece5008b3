/* control_bond.c - methods about links, monitors and names, on behalf of an operator. */
#include <string.h>

#include "core/bond.h"
#include "daemon/control_priv.h"
#include "daemon/mailroom.h"
#include "daemon/node_json.h"

/* Outlives the call when the client goes away: the request goes on. */
struct bond_call {
        struct call *c;          /* NULL: nobody waits any more */
};

static void drop_bond(struct call *c)
{
        struct bond_call *b = c->state;

        if (b)
                b->c = NULL;
}

static const struct call_ops bond_ops = { .drop = drop_bond };

static void on_decided(void *arg, uint32_t token, enum result result)
{
        struct bond_call *b = arg;
        struct call *c = b->c;

        (void) token;
        free(b);
        if (!c)
                return;
        c->state = NULL;
        if (result != RESULT_OK) {
                call_refuse(c, result_name(result), result_text(result));
                return;
        }
        (void) call_open(c);
        call_close(c, false);
}

static void ask(struct call *c, struct event event, const char *text)
{
        struct bond_call *b = calloc(1, sizeof *b);

        if (b)
                b->c = c;
        c->state = b;
        c->ops = &bond_ops;
        if (b && engine_bond(call_engine(c), &event, text, on_decided, b))
                return;
        free(b);
        c->state = NULL;
        call_fail(c, "Failed", "message", "out of memory", "hint", NULL);
}

static void two_nodes(struct call *c, enum event_kind kind, const char *node, const char *other, const char *text)
{
        struct event e = { .kind = (uint8_t) kind };
        node_id a, b;

        if (!call_node(c, node, &a) || !call_node(c, other, &b))
                return;
        e.node = a;
        e.arg = b;
        ask(c, e, text);
}

void method_Link(struct call *c)
{
        const char *node = param_str(&c->in, "node", true), *other = param_str(&c->in, "other", true);
        bool undo = param_bool(&c->in, "undo");

        if (call_params(c))
                two_nodes(c, undo ? EVT_UNLINK : EVT_LINK, node, other, NULL);
}

void method_Monitor(struct call *c)
{
        const char *node = param_str(&c->in, "node", true), *other = param_str(&c->in, "other", true);
        const char *ref = param_str(&c->in, "ref", false);
        bool undo = param_bool(&c->in, "undo");

        if (!call_params(c))
                return;
        if (ref && strlen(ref) >= BOND_TEXT_MAX)
                call_fail(c, "BadValue", "parameter", "ref", "message", "at most 127 bytes");
        else
                two_nodes(c, undo ? EVT_DEMONITOR : EVT_MONITOR, node, other, ref);
}

static bool good_name(struct call *c, const char *name)
{
        size_t n = strlen(name);

        if (n > 0 && n < BOND_TEXT_MAX && !strpbrk(name, "/ :\n"))
                return true;
        call_fail(c, "BadValue", "parameter", "name", "message", "1 to 127 bytes without slash, blank or colon");
        return false;
}

/* A scope is a supervisor above the node; its own when none is named. */
static bool scope_of(struct call *c, const char *name, node_id node, node_id *ret)
{
        const struct core *core = call_core(c);

        *ret = core_node(core, node)->parent;
        if (name && !call_node(c, name, ret))
                return false;
        if (*ret != NODE_NONE && core_node(core, *ret)->kind == KIND_SUPERVISOR)
                return true;
        call_fail(c, "BadValue", "parameter", "scope", "message", "a scope is a supervisor");
        return false;
}

void method_Register(struct call *c)
{
        const char *name = param_str(&c->in, "name", true), *node = param_str(&c->in, "node", true);
        const char *scope = param_str(&c->in, "scope", false);
        node_id id, where;

        if (call_params(c) && good_name(c, name) && call_node(c, node, &id) && scope_of(c, scope, id, &where))
                ask(c, (struct event) { .kind = EVT_REGISTER, .node = id, .arg = where }, name);
}

void method_Unregister(struct call *c)
{
        const char *name = param_str(&c->in, "name", true), *scope = param_str(&c->in, "scope", false);
        node_id where = NODE_ROOT;

        if (call_params(c) && good_name(c, name) && (!scope || call_node(c, scope, &where)))
                ask(c, (struct event) { .kind = EVT_UNREGISTER, .node = where }, name);
}

void method_Whereis(struct call *c)
{
        const char *name = param_str(&c->in, "name", true), *from = param_str(&c->in, "from", false);
        bool local = param_bool(&c->in, "local");
        node_id scope = NODE_ROOT, id;
        struct json *j;

        if (!call_params(c) || (from && !call_node(c, from, &scope)))
                return;
        if (core_node(call_core(c), scope)->kind != KIND_SUPERVISOR)
                scope = core_node(call_core(c), scope)->parent; /* as that service sees it */
        id = core_whereis(call_core(c), scope, name, !local);
        if (id == NODE_NONE) {
                call_refuse(c, "not-found", "nothing is called so");
                return;
        }
        j = call_open(c);
        json_node_path(j, "path", call_engine(c), id);
        call_close(c, false);
}

static void list_names(struct call *c, struct json *j, node_id scope)
{
        const struct core *core = call_core(c);
        uint32_t at = BOND_NONE;
        const struct bond *b;

        while ((b = core_bond_next(core, scope, &at))) {
                if (b->kind != BOND_NAME || b->a != scope)
                        continue;
                json_open(j, NULL, '{');
                json_str(j, "name", core_text(core, b->ref));
                json_node_path(j, "scope", call_engine(c), scope);
                json_node_path(j, "path", call_engine(c), b->b);
                json_close(j);
        }
}

void method_Registered(struct call *c)
{
        node_id top;
        int depth = 0;
        struct json *j;

        if (!call_under(c, "under", &top))
                return;
        j = call_open(c);
        json_open(j, "names", '[');
        for (node_id id = top; id != NODE_NONE; id = node_after(call_core(c), top, id, &depth))
                if (core_node(call_core(c), id)->kind == KIND_SUPERVISOR)
                        list_names(c, j, id);
        json_close(j);
        call_close(c, false);
}
