/* control_ask.c - methods that ask the core for something and answer when it has happened: Start, Stop, Restart,
 * Reload, Kill, Exit, ResetFailed, Freeze, Thaw, Shutdown.
 *
 * The names are all resolved before anything is asked, so a mistyped one changes nothing. A client that goes away
 * takes back nothing: its request runs on, only the answer has nowhere to go (FAILURES G7). */
#include <string.h>

#include "core/route.h"
#include "daemon/control_priv.h"
#include "daemon/node_json.h"

struct asked {
        node_id node;
        uint32_t token;          /* 0 = answered */
        enum result result;
};

struct asking {
        size_t count, open;      /* open: answers still to come */
        struct asked list[];
};

static bool fail_memory(struct call *c)
{
        call_fail(c, "Failed", "message", "out of memory", "hint", NULL);
        return false;
}

/* What only follows from a start that has failed: the clearing away, and what its supervisor makes of it. */
static bool aftermath(const struct record *r)
{
        switch (r->rule) {
        case RULE_ENDED: case RULE_NO_RESTART: case RULE_RESTART: case RULE_RESTART_DELAYED: case RULE_RETRY:
        case RULE_DROPPED: case RULE_STOP_SIGNAL: case RULE_STOP_TIMEOUT: case RULE_LEFTOVERS: case RULE_REST_SIGNAL:
        case RULE_REST_KILLED:
                return true;
        default:
                return false;
        }
}

/* The record of the cause: a process that ended because it got a signal from us is none. */
static const struct record *first_to_tell(const struct record **chain, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                bool cleared = i + 1 < n && (chain[i + 1]->rule == RULE_STOP_SIGNAL ||
                                             chain[i + 1]->rule == RULE_STOP_TIMEOUT);

                if (!aftermath(chain[i]) && !(chain[i]->rule == RULE_EXITED && cleared))
                        return chain[i];
        }
        return n ? chain[0] : NULL;
}

/* Why it did not start: the whole sentence of the step that failed, else what led to the end. */
static void add_because(const struct call *c, const struct node *n, struct buf *out)
{
        const struct death *d = engine_death(call_engine(c), n->id, 0);
        const struct record *chain[8], *r;

        if (d && d->error && d->incarnation == n->incarnation) {
                buf_addf(out, ": %s", d->error);
                return;
        }
        r = first_to_tell(chain, core_why(call_core(c), n->id, chain, sizeof chain / sizeof chain[0]));
        if (r) {
                buf_adds(out, ": ");
                core_explain(call_core(c), r, out);
        }
}

static void write_outcome(struct call *c, struct json *j, const struct asked *a)
{
        const struct core *core = call_core(c);
        const struct node *n = core_node(core, a->node);
        autobuf struct buf text = BUF_INIT;
        char path[NODE_PATH_MAX];

        buf_adds(&text, result_text(a->result));
        if (n && (a->result == RESULT_START_FAILED || a->result == RESULT_CONDITION || a->result == RESULT_FAILED))
                add_because(c, n, &text);
        json_open(j, NULL, '{');
        json_str(j, "node", n ? core_path(core, a->node, path, sizeof path) : "");
        json_str(j, "result", result_name(a->result));
        json_str(j, "text", buf_text(&text));
        json_str(j, "state", strtab_text(&state_names, n ? n->state : STATE_INACTIVE));
        json_close(j);
}

static void answer(struct call *c)
{
        struct asking *q = c->state;
        struct json *j = call_open(c);

        json_open(j, "outcomes", '[');
        for (size_t i = 0; i < q->count; i++)
                write_outcome(c, j, &q->list[i]);
        json_close(j);
        call_close(c, false);
}

static void on_done(void *arg, uint32_t token, enum result result)
{
        struct call *c = arg;
        struct asking *q = c->state;

        for (size_t i = 0; i < q->count; i++)
                if (q->list[i].token == token) {
                        q->list[i].token = 0;
                        q->list[i].result = result;
                        q->open--;
                        break;
                }
        if (q->open == 0)
                answer(c);
}

static void on_ending(struct call *c, int code)
{
        (void) code;
        answer(c);
}

static void drop_asking(struct call *c)
{
        struct asking *q = c->state;

        for (size_t i = 0; i < q->count; i++)
                if (q->list[i].token)
                        engine_request_forget(call_engine(c), q->list[i].token);
        free(q);
}

static const struct call_ops asking_ops = { .ending = on_ending, .drop = drop_asking };

static struct asking *asking_new(struct call *c, size_t n)
{
        struct asking *q;

        if (n == 0 || n > NODES_PER_CALL) {
                call_fail(c, "BadValue", "parameter", "nodes", "message", "name 1 to 1024 nodes");
                return NULL;
        }
        q = calloc(1, sizeof *q + n * sizeof q->list[0]);
        if (!q) {
                (void) fail_memory(c);
                return NULL;
        }
        c->state = q;
        c->ops = &asking_ops;
        return q;
}

/* What is not in the tree but on disk may be started by hand: it is brought into the tree first. */
static bool find_or_bring(struct call *c, const char *name, node_id *ret)
{
        struct err err = { 0 };
        unsigned matches = 0;
        int r;

        *ret = core_find(call_core(c), NODE_ROOT, name, &matches);
        if (*ret != NODE_NONE)
                return true;
        if (matches > 1 || name[0] == '/')
                return call_node(c, name, ret);
        r = engine_bring(call_engine(c), name, ret, &err);
        if (r >= 0)
                return true;
        if (r == -ENOENT)
                return call_node(c, name, ret); /* says so, with the nearest name */
        call_fail_err(c, &err);
        return false;
}

static bool find_all(struct call *c, json_t *names)
{
        /* Who has the say only below his own supervisor does not choose which units come there. */
        bool brings = (c->method == M_Start || c->method == M_Restart) && conn_access(c->conn) == CONTROL_ALL;
        struct asking *q = asking_new(c, json_array_size(names));
        const char *name;

        if (!q)
                return false;
        for (size_t i = 0; i < json_array_size(names); i++) {
                name = json_string_value(json_array_get(names, i));
                if (!(brings ? find_or_bring : call_node)(c, name, &q->list[i].node) ||
                    !call_may_act(c, q->list[i].node))
                        return false;
                q->count++;
        }
        return true;
}

/* Give each node the event; the call is answered when all are done, at once without waiting. */
static void ask(struct call *c, struct event event, bool wait)
{
        struct asking *q = c->state;

        for (size_t i = 0; i < q->count; i++) {
                event.node = q->list[i].node;
                q->list[i].token = engine_request(call_engine(c), &event, wait ? on_done : NULL, c);
                if (!q->list[i].token)
                        q->list[i].result = RESULT_BUSY;
                if (!wait)
                        q->list[i].token = 0;
                q->open += q->list[i].token != 0;
        }
        if (q->open == 0)
                answer(c);
}

static void ask_nodes(struct call *c, enum event_kind kind)
{
        json_t *names = param_texts(&c->in, "nodes", true);
        bool no_block = param_bool(&c->in, "no_block");

        if (call_params(c) && find_all(c, names))
                ask(c, (struct event) { .kind = (uint8_t) kind }, !no_block);
}

void method_Start(struct call *c)
{
        ask_nodes(c, EVT_START);
}

void method_Stop(struct call *c)
{
        ask_nodes(c, EVT_STOP);
}

void method_Restart(struct call *c)
{
        ask_nodes(c, EVT_RESTART);
}

void method_Reload(struct call *c)
{
        ask_nodes(c, EVT_RELOAD);
}

static void ask_simple(struct call *c, enum event_kind kind)
{
        json_t *names = param_texts(&c->in, "nodes", true);

        if (call_params(c) && find_all(c, names))
                ask(c, (struct event) { .kind = (uint8_t) kind }, true);
}

void method_Freeze(struct call *c)
{
        ask_simple(c, EVT_FREEZE);
}

void method_Thaw(struct call *c)
{
        ask_simple(c, EVT_THAW);
}

void method_Kill(struct call *c)
{
        json_t *names = param_texts(&c->in, "nodes", true);
        const char *signal = param_str(&c->in, "signal", false);
        const char *whom = param_str(&c->in, "whom", false);
        static const char *const roles[] = { [ROLE_MAIN] = "main", [ROLE_CONTROL] = "control", [ROLE_ALL] = "all" };
        static STRTAB(role_words, roles);
        int role = strtab_value(&role_words, whom ? whom : "all");
        int number = signal_number(signal ? signal : "TERM");

        if (!call_params(c))
                return;
        if (number <= 0)
                call_bad_word(c, "signal", signal, signal_nearest(signal),
                              "no such signal; a name such as HUP, or a number");
        else if (role < 0)
                call_bad_word(c, "whom", whom, strtab_nearest(roles, ARRAY_LEN(roles), whom), "main, control or all");
        else if (find_all(c, names))
                ask(c, (struct event) { .kind = EVT_SIGNAL, .role = (uint8_t) role, .arg = number }, true);
}

void method_Exit(struct call *c)
{
        const char *name = param_str(&c->in, "node", true);
        const char *text = param_str(&c->in, "reason", true);
        bool no_block = param_bool(&c->in, "no_block");
        struct event event = { .kind = EVT_EXIT };
        struct asking *q;
        node_id id;

        if (!call_params(c))
                return;
        if (reason_parse(text, &event.reason) < 0) {
                call_bad_word(c, "reason", text, NULL,
                              "a reason is normal, shutdown, killed, exit:N, signal:NAME, ... (see coppicectl exit "
                              "--help)");
                return;
        }
        if (!call_node(c, name, &id) || !call_may_act(c, id))
                return;
        q = asking_new(c, 1);
        if (!q)
                return;
        q->list[0].node = id;
        q->count = 1;
        ask(c, event, !no_block);
}

/* Those that the client may act on. */
static bool all_failed(struct call *c)
{
        const bool all = conn_access(c->conn) == CONTROL_ALL;
        const struct core *core = call_core(c);
        struct asking *q;
        int depth = 0;
        size_t n = 0;
        node_id id;

        for (id = NODE_ROOT; id != NODE_NONE; id = node_after(core, NODE_ROOT, id, &depth))
                n++;
        q = calloc(1, sizeof *q + n * sizeof q->list[0]);
        if (!q)
                return fail_memory(c);
        c->state = q;
        c->ops = &asking_ops;
        for (id = NODE_ROOT; id != NODE_NONE; id = node_after(core, NODE_ROOT, id, &depth))
                if ((core_node(core, id)->state == STATE_FAILED || id == NODE_ROOT) &&
                    (all || route_act(core, c->conn->peer.node, id)))
                        q->list[q->count++].node = id;
        return true;
}

void method_ResetFailed(struct call *c)
{
        json_t *names = param_texts(&c->in, "nodes", false);

        if (!call_params(c))
                return;
        if (json_array_size(names) ? find_all(c, names) : all_failed(c))
                ask(c, (struct event) { .kind = EVT_RESET_FAILED }, true);
}

static const char *const end_texts[] = {
        [INIT_END_EXIT] = "exit", [INIT_END_HALT] = "halt", [INIT_END_POWEROFF] = "poweroff",
        [INIT_END_REBOOT] = "reboot",
};
static STRTAB(end_names, end_texts);

void method_Shutdown(struct call *c)
{
        bool said = param_has(&c->in, "timeout_usec");
        int64_t usec = param_int(&c->in, "timeout_usec", 0);
        const char *how = param_str(&c->in, "end", false);
        int end = strtab_value(&end_names, how ? how : "exit");
        const struct core *core = call_core(c);
        int depth = 0, left = 0;
        struct json *j;

        if (!call_params(c))
                return;
        if (usec < 0 || usec > NSEC_NEVER / 2000) {
                call_fail(c, "BadValue", "parameter", "timeout_usec", "message", "a time span in microseconds");
                return;
        }
        if (end < 0 || engine_end(call_engine(c), (enum init_end) end) < 0) {
                call_bad_word(c, "end", how ? how : "exit",
                              strtab_nearest(end_texts, ARRAY_LEN(end_texts), how ? how : "exit"),
                              "exit; or halt, poweroff or reboot when the daemon is PID 1 of a machine");
                return;
        }
        for (node_id id = NODE_ROOT; id != NODE_NONE; id = node_after(core, NODE_ROOT, id, &depth))
                left += core_node(core, id)->pid_main > 0;
        engine_shutdown(call_engine(c), said ? usec * NSEC_PER_USEC : NSEC_NEVER, -1);
        j = call_open(c);
        json_int(j, "nodes", left);
        call_close(c, false);
}
