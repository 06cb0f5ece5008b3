/* control_doctor.c - Doctor: what this place allows, and for each unit what it asked for and what it got. */
#include "core/limits.h"
#include "daemon/control_priv.h"
#include "daemon/node_json.h"
#include "os/doctor.h"

static void note_missing(void *arg, const struct engine_limit *l)
{
        *(bool *) arg |= !l->enforced;
}

/* Who asked for limits, and who goes without something of its sandbox. */
static bool worth_telling(struct call *c, const struct node *n)
{
        bool missing = false;

        if (!limits_any(n->spec))
                engine_limits(call_engine(c), n->id, note_missing, &missing);
        return missing || limits_any(n->spec);
}

static void write_unit(struct call *c, struct json *j, const struct node *n)
{
        if (!worth_telling(c, n))
                return;
        json_open(j, NULL, '{');
        json_path(j, "node", call_core(c), n->id);
        json_limits(j, "limits", call_engine(c), n->id);
        json_close(j);
}

void method_Doctor(struct call *c)
{
        const struct core *core = call_core(c);
        node_id top = NODE_ROOT;
        int depth = 0;
        struct json *j;

        if (!call_under(c, "node", &top))
                return;
        j = call_open(c);
        json_open(j, "environment", '[');
        engine_doctor(call_engine(c), doctor_json, j);
        json_close(j);
        json_open(j, "units", '[');
        for (node_id id = top; id != NODE_NONE; id = node_after(core, top, id, &depth))
                write_unit(c, j, core_node(core, id));
        json_close(j);
        call_close(c, false);
}
