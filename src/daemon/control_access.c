/* control_access.c - what a client may do: by its user, and by the service it is a process of (ControlAccess=). */
#include "core/route.h"
#include "daemon/control_priv.h"
#include "daemon/node_json.h"

enum control_access conn_access(const struct conn *k)
{
        const struct engine *e = k->control->engine;
        enum control_access by_user = k->admin ? CONTROL_ALL : CONTROL_READ, by_unit = CONTROL_NONE;

        if (k->peer.kind == PEER_OUTSIDE)
                return by_user;
        if (k->peer.kind == PEER_SERVICE && engine_peer_lives(e, &k->peer))
                by_unit = route_control(engine_core(e), k->peer.node);
        return by_unit < by_user ? by_unit : by_user;
}

static bool refuse(struct call *c)
{
        const struct conn *k = c->conn;
        char path[NODE_PATH_MAX];
        struct json *j = call_open_error(c, "NotPermitted");

        json_str(j, "method", method_rows[c->method].name);
        json_uint(j, "uid", k->uid);
        if (k->peer.kind == PEER_SERVICE && core_node(call_core(c), k->peer.node))
                json_str(j, "node", core_path(call_core(c), k->peer.node, path, sizeof path));
        if (k->peer.kind != PEER_OUTSIDE)
                json_str(j, "access", strtab_text(&control_access_names, (int) conn_access(k)));
        call_close(c, false);
        return false;
}

/* What could not be told when he connected is asked again with each call: it is not "no" for as long as he stays. Where
 * the number is all there is to ask by, it may be another's by now: then it makes nobody a stranger with all rights. */
static void ask_again(struct conn *k)
{
        const bool outside = k->peer.kind == PEER_OUTSIDE;

        if (!k->peer.unsure)
                return;
        engine_peer(k->control->engine, k->fd, &k->peer);
        if (!outside && k->peer.kind == PEER_OUTSIDE && !k->peer.held)
                k->peer = (struct peer) { .kind = PEER_STRAY, .unsure = true };
}

bool call_permitted(struct call *c)
{
        static const enum control_access needed[] = {
                [METHOD_ANYONE] = CONTROL_READ, [METHOD_OWN] = CONTROL_OWN, [METHOD_MUTATING] = CONTROL_ALL,
        };

        ask_again(c->conn);
        return conn_access(c->conn) >= needed[method_rows[c->method].access] || refuse(c);
}

bool call_may_act(struct call *c, node_id id)
{
        return conn_access(c->conn) == CONTROL_ALL || route_act(call_core(c), c->conn->peer.node, id) || refuse(c);
}
