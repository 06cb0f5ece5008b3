/* cmd_bond.c - link, unlink, trap-exit, monitor, demonitor, register, unregister, whereis, registered, emit: inside of
 * a service for itself, from outside for others. */
#include <string.h>

#include "base/json.h"
#include "ctl/inside.h"

static int tell(struct ctl *c, const char *call, enum message_key key, const char *value, enum message_key key2,
                const char *value2, struct buf *answer)
{
        autobuf struct buf lines = BUF_INIT;

        message_put(&lines, MESSAGE_CALL, call);
        if (value)
                message_put(&lines, key, value);
        if (value2)
                message_put(&lines, key2, value2);
        if (value && key != MESSAGE_VALUE)
                c->about = value;
        return inside_call(c, &lines, answer);
}

static int request(struct ctl *c, const char *method, const struct buf *params)
{
        uint32_t reply;

        return ctl_call(c, method, buf_text(params), false, &reply);
}

/* Two nodes: outside both are named, inside the first is the service itself. */
static int tie(struct ctl *c, const char *method, const char *call, bool undo)
{
        autobuf struct buf params = BUF_INIT, answer = BUF_INIT;
        struct json j = json_start(&params);

        if (c->argc == 1 && inside_fd(c) >= 0)
                return tell(c, call, MESSAGE_NODE, c->argv[0], MESSAGE_NODE, NULL, &answer);
        if (c->argc != 2)
                return ctl_error(CTL_USAGE, "%s NODE OTHER, or %s OTHER inside of a service with Mailbox=yes",
                                 c->verb->name, c->verb->name);
        json_open(&j, NULL, '{');
        json_str(&j, "node", c->argv[0]);
        json_str(&j, "other", c->argv[1]);
        if (undo)
                json_bool(&j, "undo", true);
        if (c->verb->options && ctl_option(c, "ref"))
                json_str(&j, "ref", ctl_option(c, "ref"));
        json_close(&j);
        return request(c, method, &params);
}

static int run_link(struct ctl *c)
{
        return tie(c, "Link", "link", false);
}

static int run_unlink(struct ctl *c)
{
        return tie(c, "Link", "unlink", true);
}

/* Inside the mark is that of the request itself; its DOWN, which may come before the answer, stays in the mailbox. */
static int monitor_inside(struct ctl *c, const char *ref)
{
        autobuf struct buf message = BUF_INIT, answer = BUF_INIT;

        message_put(&message, MESSAGE_CALL, "monitor");
        message_put(&message, MESSAGE_NODE, c->argv[0]);
        message_put(&message, MESSAGE_REF, ref);
        message_end(&message);
        c->about = c->argv[0];
        return inside_call_as(c, ref, &message, &answer);
}

static int run_monitor(struct ctl *c)
{
        if (c->argc == 1 && inside_fd(c) >= 0)
                return monitor_inside(c, ctl_option(c, "ref") ? ctl_option(c, "ref") : c->argv[0]);
        return tie(c, "Monitor", "monitor", false);
}

static int run_demonitor(struct ctl *c)
{
        autobuf struct buf answer = BUF_INIT;

        if (c->argc == 1 && inside_fd(c) >= 0)
                return tell(c, "demonitor", MESSAGE_VALUE, ctl_option(c, "ref") ? ctl_option(c, "ref") : c->argv[0],
                            MESSAGE_NODE, NULL, &answer);
        return tie(c, "Monitor", "demonitor", true);
}

static int run_register(struct ctl *c)
{
        autobuf struct buf params = BUF_INIT, answer = BUF_INIT;
        struct json j = json_start(&params);

        if (inside_fd(c) >= 0 && !ctl_option(c, "scope"))
                return tell(c, "register", MESSAGE_NAME, c->argv[0], MESSAGE_NODE, c->argc > 1 ? c->argv[1] : NULL,
                            &answer);
        if (c->argc != 2)
                return ctl_error(CTL_USAGE,
                                 "register NAME NODE, or register NAME inside of a service with Mailbox=yes");
        json_open(&j, NULL, '{');
        json_str(&j, "name", c->argv[0]);
        json_str(&j, "node", c->argv[1]);
        if (ctl_option(c, "scope"))
                json_str(&j, "scope", ctl_option(c, "scope"));
        json_close(&j);
        return request(c, "Register", &params);
}

static int run_unregister(struct ctl *c)
{
        autobuf struct buf params = BUF_INIT, answer = BUF_INIT;
        struct json j = json_start(&params);

        if (inside_fd(c) >= 0 && !ctl_option(c, "scope"))
                return tell(c, "unregister", MESSAGE_NAME, c->argv[0], MESSAGE_NODE, NULL, &answer);
        json_open(&j, NULL, '{');
        json_str(&j, "name", c->argv[0]);
        if (ctl_option(c, "scope"))
                json_str(&j, "scope", ctl_option(c, "scope"));
        json_close(&j);
        return request(c, "Unregister", &params);
}

static int whereis_inside(struct ctl *c)
{
        autobuf struct buf answer = BUF_INIT;
        struct message m;
        const char *problem;
        int r = tell(c, ctl_option(c, "local") ? "whereis-local" : "whereis", MESSAGE_NAME, c->argv[0], MESSAGE_NODE,
                     NULL, &answer);

        if (r == CTL_OK && message_parse(answer.data, answer.len, &m, &problem) == 0)
                buf_addf(&c->out, "%.*s\n", (int) m.value[MESSAGE_NODE].len, m.value[MESSAGE_NODE].at);
        return r;
}

static int run_whereis(struct ctl *c)
{
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);
        uint32_t reply;
        int r;

        if (inside_fd(c) >= 0 && !ctl_option(c, "from"))
                return whereis_inside(c);
        json_open(&j, NULL, '{');
        json_str(&j, "name", c->argv[0]);
        if (ctl_option(c, "from"))
                json_str(&j, "from", ctl_option(c, "from"));
        if (ctl_option(c, "local"))
                json_bool(&j, "local", true);
        json_close(&j);
        r = ctl_call(c, "Whereis", buf_text(&params), false, &reply);
        if (r != CTL_OK)
                return r;
        if (c->json)
                ctl_put_json(c, reply);
        else
                buf_addf(&c->out, "%s\n", jget_text(&c->doc, reply, "path"));
        return CTL_OK;
}

struct name {
        const char *name, *path, *scope;
        size_t name_len, path_len, scope_len;
};

static void put_name(struct ctl *c, struct json *j, const struct name *n)
{
        if (!c->json) {
                buf_addf(&c->out, "%.*s  %.*s  in %.*s\n", (int) n->name_len, n->name, (int) n->path_len, n->path,
                         (int) n->scope_len, n->scope);
                return;
        }
        json_open(j, NULL, '{');
        json_strn(j, "name", n->name, n->name_len);
        json_strn(j, "path", n->path, n->path_len);
        json_strn(j, "scope", n->scope, n->scope_len);
        json_close(j);
}

/* The names of its own scope: lines "NAME PATH". */
static int registered_inside(struct ctl *c)
{
        autobuf struct buf answer = BUF_INIT;
        const char *self = getenv("COPPICE_NODE"), *slash = self ? strrchr(self, '/') : NULL, *problem;
        struct name n = { .scope = slash && slash > self ? self : "/",
                          .scope_len = slash && slash > self ? (size_t) (slash - self) : 1 };
        struct json j = json_start(&c->out);
        struct message m;
        int r = tell(c, "registered", MESSAGE_NAME, NULL, MESSAGE_NODE, NULL, &answer);

        if (r != CTL_OK || message_parse(answer.data, answer.len, &m, &problem) < 0)
                return r;
        if (c->json)
                json_open(&j, NULL, '[');
        for (const char *p = m.payload, *end = p + m.payload_len, *eol; p < end; p = eol + 1) {
                eol = memchr(p, '\n', (size_t) (end - p));
                n.name = p;
                n.path = eol ? memchr(p, ' ', (size_t) (eol - p)) : NULL;
                if (!n.path)
                        break;
                n.name_len = (size_t) (n.path++ - p);
                n.path_len = (size_t) (eol - n.path);
                put_name(c, &j, &n);
        }
        if (c->json) {
                json_close(&j);
                buf_addc(&c->out, '\n');
        }
        return CTL_OK;
}

static int run_registered(struct ctl *c)
{
        uint32_t reply, names;
        int r;

        if (inside_fd(c) >= 0 && c->argc == 0)
                return registered_inside(c);
        r = c->argc ? ctl_call_text(c, "Registered", "under", c->argv[0], &reply)
            : ctl_call(c, "Registered", NULL, false, &reply);
        if (r != CTL_OK)
                return r;
        names = jtok_get(&c->doc, reply, "names");
        if (c->json) {
                jtok_print(&c->doc, names, &c->out);
                buf_addc(&c->out, '\n');
                return CTL_OK;
        }
        for (uint32_t t = jtok_first(&c->doc, names); t != JTOK_NONE; t = jtok_after(&c->doc, names, t)) {
                put_safe(&c->out, jget_text(&c->doc, t, "name"));
                buf_addf(&c->out, "  %s  in %s\n", jget_text(&c->doc, t, "path"), jget_text(&c->doc, t, "scope"));
        }
        return CTL_OK;
}

static int run_trap_exit(struct ctl *c)
{
        autobuf struct buf answer = BUF_INIT;
        const char *how = c->argc ? c->argv[0] : "yes";

        if (strcmp(how, "yes") != 0 && strcmp(how, "no") != 0)
                return ctl_error(CTL_USAGE, "trap-exit %s: yes or no", how);
        if (inside_fd(c) < 0)
                return ctl_error(CTL_USAGE, "a service traps exits for itself: inside of one with Mailbox=yes, or by "
                                 "TrapExit= of its unit");
        return tell(c, "trap-exit", MESSAGE_VALUE, how, MESSAGE_NODE, NULL, &answer);
}

static int run_emit(struct ctl *c)
{
        autobuf struct buf text = BUF_INIT, answer = BUF_INIT;

        if (inside_fd(c) < 0)
                return ctl_error(CTL_USAGE,
                                 "an event of its own is something a service has: inside of one with Mailbox=yes");
        for (int i = 0; i < c->argc; i++)
                buf_addf(&text, "%s%s", i ? " " : "", c->argv[i]);
        if (text.len > 127)
                return ctl_error(CTL_USAGE, "an event is text of at most 127 bytes");
        return tell(c, "event", MESSAGE_VALUE, buf_text(&text), MESSAGE_NODE, NULL, &answer);
}

static const struct ctl_option ref_option[] = {
        { "ref", 0, "REF", "The mark of this watch, which comes back in DOWN." },
        { 0 },
};
static const struct ctl_option scope_option[] = {
        { "scope", 0, "SUPERVISOR", "Where the name holds; the node's own supervisor if not given." },
        { 0 },
};
static const struct ctl_option where_options[] = {
        { "from", 0, "NODE", "As seen from there." },
        { "local", 0, NULL, "Only in that scope, not above it." },
        { 0 },
};

const struct ctl_verb verb_link = {
        .name = "link", .args = "[NODE] OTHER",
        .help = "Link two services: when one ends, but for normal, so does the other.",
        .prose = "Ends with the first end of either; LinkTo= in a unit is for good. Inside of a service with "
                 "Mailbox=yes one name is enough: the service links itself, to somebody below its own supervisor.",
        .min_args = 1, .max_args = 2, .complete = COMPLETE_NODES, .run = run_link,
};
const struct ctl_verb verb_unlink = {
        .name = "unlink", .args = "[NODE] OTHER", .help = "Take a link back.",
        .min_args = 1, .max_args = 2, .complete = COMPLETE_NODES, .run = run_unlink,
};
const struct ctl_verb verb_monitor = {
        .name = "monitor", .args = "[NODE] OTHER",
        .help = "Have a service watch a node: it gets one DOWN message when that ends.",
        .prose = "Inside of a service with Mailbox=yes one name is enough; its mark is then that name, unless --ref "
                 "says another. The DOWN arrives in the mailbox: receive --topic DOWN.",
        .options = ref_option, .min_args = 1, .max_args = 2, .complete = COMPLETE_NODES, .run = run_monitor,
};
const struct ctl_verb verb_demonitor = {
        .name = "demonitor", .args = "[NODE] OTHER",
        .help = "Watch no longer; a DOWN that has come already is taken out of the mailbox.",
        .options = ref_option, .min_args = 1, .max_args = 2, .complete = COMPLETE_NODES, .run = run_demonitor,
};
const struct ctl_verb verb_trap_exit = {
        .name = "trap-exit", .args = "[yes|no]",
        .help = "Inside of a service: get the ends of those it is linked to as messages.",
        .prose = "Until the service ends or says no. An end of somebody it is linked to, and an exit signal but for "
                 "killed, then comes as a message with TOPIC=EXIT instead of ending it. TrapExit= of the unit is the "
                 "same from the beginning.",
        .max_args = 1, .words = "yes no", .run = run_trap_exit,
};
const struct ctl_verb verb_register = {
        .name = "register", .args = "NAME [NODE]", .help = "Give a node a name that others find it by.",
        .prose = "A name is unique in the scope of a supervisor, is found from everywhere below it, and is gone when "
                 "its holder ends. Inside of a service with Mailbox=yes the node is that service.",
        .options = scope_option, .min_args = 1, .max_args = 2, .run = run_register,
};
const struct ctl_verb verb_unregister = {
        .name = "unregister", .args = "NAME", .help = "Take a registered name away.",
        .options = scope_option, .min_args = 1, .max_args = 1, .run = run_unregister,
};
const struct ctl_verb verb_whereis = {
        .name = "whereis", .args = "NAME", .help = "Tell which node has a registered name.",
        .prose = "It is looked for outward: in the scope of the own supervisor, the one above it, ... of root. Exit "
                 "status 3 when nobody has it.",
        .options = where_options, .min_args = 1, .max_args = 1, .run = run_whereis,
};
const struct ctl_verb verb_registered = {
        .name = "registered", .args = "[NODE]", .help = "List the registered names.",
        .prose = "All of them, or those below a supervisor. Inside of a service with Mailbox=yes those of its own "
                 "supervisor.",
        .max_args = 1, .complete = COMPLETE_NODES, .run = run_registered,
};
const struct ctl_verb verb_emit = {
        .name = "emit", .args = "TEXT...", .help = "Inside of a service: put an event of its own into the records.",
        .prose = "It is shown by events, why and the daemon's log, with the rule \"emitted\" and the sentence \"says: "
                 "TEXT\". At most 127 bytes; the texts of the last 256 such events are kept.",
        .min_args = 1, .max_args = -1, .run = run_emit,
};
