/* cmd_ask.c - the verbs that ask the daemon to do something to nodes: start, stop, restart, reload, kill, exit,
 * reset-failed, freeze, thaw. */
#include <string.h>

#include "base/json.h"
#include "ctl/inside.h"

/* What a result means to the caller. Asking for what is so already is no failure. */
static int code_of(const char *result)
{
        static const char *const fine[] = { "ok", "running", "already_started", "already_present", "condition" };

        for (size_t i = 0; result && i < ARRAY_LEN(fine); i++)
                if (strcmp(result, fine[i]) == 0)
                        return CTL_OK;
        return result && (strcmp(result, "not_running") == 0 || strcmp(result, "not_found") == 0)
               ? CTL_NOT_FOUND : CTL_FAILED;
}

/* No failure, and yet not what was asked for. */
static void put_skipped(struct ctl *c, uint32_t outcome)
{
        put_safe(&c->out, jget_text(&c->doc, outcome, "node"));
        buf_adds(&c->out, ": ");
        put_safe(&c->out, jget_text(&c->doc, outcome, "text"));
        buf_addc(&c->out, '\n');
}

static int say_outcomes(struct ctl *c, uint32_t outcomes)
{
        const struct jdoc *d = &c->doc;
        int worst = CTL_OK, code;

        for (uint32_t t = jtok_first(d, outcomes); t != JTOK_NONE; t = jtok_after(d, outcomes, t)) {
                code = code_of(jget_text(d, t, "result"));
                if (code != CTL_OK)
                        (void) ctl_error(code, "%s: %s", jget_text(d, t, "node"), jget_text(d, t, "text"));
                else if (!c->json && strcmp(jget_text(d, t, "result"), "condition") == 0)
                        put_skipped(c, t);
                if (code != CTL_OK && worst != CTL_FAILED)
                        worst = code;
        }
        if (c->json) {
                jtok_print(d, outcomes, &c->out);
                buf_addc(&c->out, '\n');
        }
        return worst;
}

static int call_outcomes(struct ctl *c, const char *method, struct buf *params)
{
        uint32_t reply;
        int r = ctl_call(c, method, buf_text(params), false, &reply);

        return r == CTL_OK ? say_outcomes(c, jtok_get(&c->doc, reply, "outcomes")) : r;
}

static int ask(struct ctl *c, const char *method)
{
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);

        ctl_nodes_params(c, &j, 0);
        if (c->verb->waits && c->no_block)
                json_bool(&j, "no_block", true);
        json_close(&j);
        return call_outcomes(c, method, &params);
}

static int run_start(struct ctl *c)
{
        return ask(c, "Start");
}

static int run_stop(struct ctl *c)
{
        return ask(c, "Stop");
}

static int run_restart(struct ctl *c)
{
        return ask(c, "Restart");
}

static int run_reload(struct ctl *c)
{
        return ask(c, "Reload");
}

static int run_freeze(struct ctl *c)
{
        return ask(c, "Freeze");
}

static int run_thaw(struct ctl *c)
{
        return ask(c, "Thaw");
}

static int run_reset(struct ctl *c)
{
        return ask(c, "ResetFailed");
}

static const struct ctl_option kill_options[] = {
        { "signal", 's', "SIGNAL", "The signal, by name or number; TERM if none is given." },
        { "whom", 0, "main|control|all", "Which processes; all of them if not given." },
        { 0 },
};

static int run_kill(struct ctl *c)
{
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);

        ctl_nodes_params(c, &j, 0);
        if (ctl_option(c, "signal"))
                json_str(&j, "signal", ctl_option(c, "signal"));
        if (ctl_option(c, "whom"))
                json_str(&j, "whom", ctl_option(c, "whom"));
        json_close(&j);
        return call_outcomes(c, "Kill", &params);
}

/* An exit signal of this service's own, to itself or to somebody below its supervisor. */
static int exit_inside(struct ctl *c)
{
        const char *node = c->argc > 1 ? c->argv[0] : getenv("COPPICE_NODE");
        autobuf struct buf lines = BUF_INIT, answer = BUF_INIT;

        if (!node)
                return ctl_error(CTL_USAGE, "exit NODE REASON: there is no $COPPICE_NODE");
        message_put(&lines, MESSAGE_CALL, "exit");
        message_put(&lines, MESSAGE_NODE, node);
        message_put(&lines, MESSAGE_REASON, c->argv[c->argc - 1]);
        c->about = node;
        return inside_call(c, &lines, &answer);
}

static int run_exit(struct ctl *c)
{
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);

        if (inside_fd(c) >= 0)
                return exit_inside(c);
        if (c->argc != 2)
                return ctl_error(CTL_USAGE, "exit NODE REASON, or exit REASON inside of a service with Mailbox=yes");
        json_open(&j, NULL, '{');
        json_str(&j, "node", c->argv[0]);
        json_str(&j, "reason", c->argv[1]);
        if (c->no_block)
                json_bool(&j, "no_block", true);
        json_close(&j);
        return call_outcomes(c, "Exit", &params);
}

const struct ctl_verb verb_start = {
        .name = "start", .args = "NODE...", .help = "Start nodes and wait until they are ready.",
        .prose = "A unit that is on disk but not in the tree is brought into it. Of a supervisor all children are "
                 "started. What runs already is left as it is. When a start fails, the reason is told.",
        .min_args = 1, .max_args = -1, .complete = COMPLETE_NODES, .waits = true, .run = run_start,
};
const struct ctl_verb verb_stop = {
        .name = "stop", .args = "NODE...", .help = "Stop nodes and wait until nothing of them is left.",
        .prose = "Children are stopped in the reverse of the order of their start. A stopped node stays down until it "
                 "is started again. The end of the root, /, is that of the daemon; where it is PID 1 of a machine "
                 "emergency.service starts then. To end everything in good order use shutdown.",
        .min_args = 1, .max_args = -1, .complete = COMPLETE_NODES, .waits = true, .run = run_stop,
};
const struct ctl_verb verb_restart = {
        .name = "restart", .args = "NODE...", .help = "Stop nodes if they run, then start them.",
        .prose = "Does not count as a failure: the restart limit is not touched.",
        .min_args = 1, .max_args = -1, .complete = COMPLETE_NODES, .waits = true, .run = run_restart,
};
const struct ctl_verb verb_reload = {
        .name = "reload", .args = "NODE...", .help = "Have services read their configuration again (ExecReload=).",
        .prose = "This is about the service's own configuration; daemon-reload is about unit files.",
        .min_args = 1, .max_args = -1, .complete = COMPLETE_NODES, .waits = true, .run = run_reload,
};
const struct ctl_verb verb_kill = {
        .name = "kill", .args = "NODE...", .help = "Send a signal to the processes of nodes.",
        .prose = "A supervisor stands for every service below it. Nothing else is changed: when the service ends of "
                 "it, it is restarted as after any other end. To end a service for good use stop.",
        .options = kill_options, .min_args = 1, .max_args = -1, .complete = COMPLETE_NODES, .run = run_kill,
};
const struct ctl_verb verb_exit = {
        .name = "exit", .args = "[NODE] REASON", .help = "End the present incarnation of a node for a given reason.",
        .prose = "As if it had failed by itself, so one sees what the tree makes of it. A REASON is one of the words "
                 "that status and why use: normal, shutdown, killed (or kill), exit:3, signal:SEGV, out_of_memory, "
                 "timeout, watchdog, ...\n"
                 "Inside of a service with Mailbox=yes it is an exit signal of that service, as of CALL=exit in "
                 "coppice.mailbox(7): to a service below its own supervisor, or without NODE to itself. One that traps "
                 "exits gets a message instead, normal does nothing to others, killed cannot be trapped.",
        .min_args = 1, .max_args = 2, .complete = COMPLETE_NODES,
        .words = "normal shutdown killed out_of_memory timeout watchdog exit:1 signal:SEGV", .waits = true,
        .run = run_exit,
};
const struct ctl_verb verb_reset_failed = {
        .name = "reset-failed", .args = "[NODE...]", .help = "Forget failures, the restart count and the backoff.",
        .prose = "A failed node becomes inactive. Without a node all that have failed.",
        .max_args = -1, .complete = COMPLETE_NODES, .run = run_reset,
};
const struct ctl_verb verb_freeze = {
        .name = "freeze", .args = "NODE...", .help = "Suspend all processes of nodes.",
        .prose = "What is being stopped is refused. The watchdog of what is frozen waits for thaw.",
        .min_args = 1, .max_args = -1, .complete = COMPLETE_NODES, .run = run_freeze,
};
const struct ctl_verb verb_thaw = {
        .name = "thaw", .args = "NODE...", .help = "Let frozen processes run again.",
        .min_args = 1, .max_args = -1, .complete = COMPLETE_NODES, .run = run_thaw,
};
