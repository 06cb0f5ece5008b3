/* route.c - see route.h. */
#include "core/route.h"

static const char *const policy_text[] = {
        [POLICY_CLOSED] = "closed", [POLICY_ABOVE] = "above", [POLICY_IN] = "in", [POLICY_OUT] = "out",
        [POLICY_OPEN] = "open",
};
STRTAB(message_policy_names, policy_text);

bool node_within(const struct core *c, node_id id, node_id top)
{
        const struct node *n = core_node(c, id);

        while (n && n->id != top)
                n = core_node(c, n->parent);
        return n != NULL;
}

static enum message_policy policy_of(const struct node *s)
{
        return (enum message_policy) spec_int(s->spec, D_SUPERVISOR_MessagePolicy);
}

static node_id parent_of(const struct core *c, node_id id)
{
        const struct node *n = core_node(c, id);

        return n ? n->parent : NODE_NONE;
}

/* Out of every supervisor from `place` up to, not including, `common`. */
static bool may_leave(const struct core *c, node_id place, node_id common, node_id *ret_by)
{
        for (node_id s = place; s != common && s != NODE_NONE; s = parent_of(c, s)) {
                enum message_policy p = policy_of(core_node(c, s));

                if (p != POLICY_OUT && p != POLICY_OPEN) {
                        *ret_by = s;
                        return false;
                }
        }
        return true;
}

static bool may_enter(const struct core *c, node_id place, node_id common, bool from_above, node_id *ret_by)
{
        for (node_id s = place; s != common && s != NODE_NONE; s = parent_of(c, s)) {
                enum message_policy p = policy_of(core_node(c, s));

                if (p == POLICY_CLOSED || (!from_above && p != POLICY_IN && p != POLICY_OPEN)) {
                        *ret_by = s;
                        return false;
                }
        }
        return true;
}

/* From one supervisor's room to another's. */
static bool route(const struct core *c, node_id out_of, node_id into, node_id *ret_by)
{
        node_id common = out_of;

        *ret_by = NODE_NONE;
        if (out_of == into)
                return true;
        while (common != NODE_NONE && !node_within(c, into, common))
                common = parent_of(c, common);
        return may_leave(c, out_of, common, ret_by) && may_enter(c, into, common, common == out_of, ret_by);
}

/* The room a node is in; that of root, which is in none, is its own. */
static node_id room_of(const struct core *c, node_id id)
{
        return id == NODE_ROOT ? NODE_ROOT : parent_of(c, id);
}

/* What is said to a supervisor is said to its children: they are in its room. */
bool route_message(const struct core *c, node_id from, node_id to, node_id *ret_by)
{
        const struct node *n = core_node(c, to);

        return route(c, room_of(c, from), n && n->kind == KIND_SUPERVISOR ? to : room_of(c, to), ret_by);
}

bool route_into(const struct core *c, node_id from, node_id place, node_id *ret_by)
{
        return route(c, room_of(c, from), place, ret_by);
}

bool route_out_of(const struct core *c, node_id place, node_id to, node_id *ret_by)
{
        return route(c, place, room_of(c, to), ret_by);
}

bool route_act(const struct core *c, node_id actor, node_id target)
{
        node_id own = parent_of(c, actor);

        return own != NODE_NONE && target != own && node_within(c, target, own);
}

enum control_access route_control(const struct core *c, node_id actor)
{
        const struct node *n = core_node(c, actor);
        int64_t access = n && n->kind == KIND_SERVICE ? spec_int(n->spec, D_SERVICE_ControlAccess) : CONTROL_NONE;

        while (n && (n = core_node(c, n->parent))) {
                int64_t bound = spec_int(n->spec, D_SUPERVISOR_ControlAccess);

                access = bound < access ? bound : access;
        }
        return (enum control_access) access;
}
