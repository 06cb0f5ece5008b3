/* cmd_await.c - await: wait until nodes have ended, are ready, or are in a state. */
#include <string.h>

#include "base/json.h"
#include "ctl/ctl.h"

enum { OPT_CHECK, OPT_TRY, EXIT_NOT_YET = 75 };
static const struct ctl_option options[] = {
        [OPT_CHECK] = { "check", 0, NULL, "Exit status 1 when the end was not clean." },
        [OPT_TRY] = { "try", 0, NULL, "Do not wait: exit status 75 when it is not so yet." },
        { 0 },
};

static bool is_until(const char *word)
{
        return strcmp(word, "ended") == 0 || strcmp(word, "ready") == 0 || strtab_value(&state_names, word) >= 0;
}

static void put_node(struct ctl *c, uint32_t t)
{
        const struct jdoc *d = &c->doc;
        const char *reason = jget_text(d, t, "reason"), *state = jget_text(d, t, "state");

        buf_addf(&c->out, "%s ", jget_text(d, t, "path"));
        put_colored(c, state_color(state), state);
        if (reason)
                buf_addf(&c->out, ", last end %s", reason);
        buf_addc(&c->out, '\n');
}

static int judge(const struct ctl *c, uint32_t t, const char *until)
{
        const struct jdoc *d = &c->doc;

        if (!jget_true(d, t, "reached") && c->value[OPT_TRY])
                return EXIT_NOT_YET;
        if (!jget_true(d, t, "reached"))
                return ctl_error(CTL_FAILED, "%s: is %s and will not be %s", jget_text(d, t, "path"),
                                 jget_text(d, t, "state"), until);
        if (jget_true(d, t, "transient") && c->argc == 1 && strcmp(until, "ended") == 0)
                return (int) jget_int(d, t, "exit_code", CTL_FAILED); /* as `run` */
        return c->value[OPT_CHECK] && jget_int(d, t, "exit_code", 0) != 0 ? CTL_FAILED : CTL_OK;
}

static int run_await(struct ctl *c)
{
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);
        const char *until = "ended";
        uint32_t reply, nodes;
        int r, worst = CTL_OK;

        if (c->argc > 1 && is_until(c->argv[c->argc - 1]))
                until = c->argv[--c->argc];
        ctl_nodes_params(c, &j, 0);
        json_str(&j, "until", until);
        json_bool(&j, "at_once", c->value[OPT_TRY] != NULL);
        json_close(&j);
        if (!c->value[OPT_TRY])
                ctl_await_daemon(c);
        r = ctl_call(c, "Await", buf_text(&params), false, &reply);
        if (r != CTL_OK)
                return c->timed_out && strcmp(until, "ended") == 0 ? EXIT_NOT_YET : r;
        nodes = jtok_get(&c->doc, reply, "nodes");
        for (uint32_t t = jtok_first(&c->doc, nodes); t != JTOK_NONE; t = jtok_after(&c->doc, nodes, t)) {
                r = judge(c, t, until);
                worst = r > worst ? r : worst;
                if (!c->json && !c->quiet)
                        put_node(c, t);
        }
        if (c->json) {
                ctl_put_json(c, nodes);
        }
        return worst;
}

const struct ctl_verb verb_await = {
        .name = "await", .args = "NODE... [ended|ready|STATE]",
        .help = "Wait until nodes have ended, are ready, or are in a state.",
        .prose = "Without a last word, or with \"ended\": until the present incarnation of each has ended; why is "
                 "told, and with --check an end that was not clean gives exit status 1. With \"ready\": until each is "
                 "started and ready; 1 when it has failed or was stopped instead. Otherwise until each is in that "
                 "state. Returns at once when it is so already; --timeout bounds the wait, and with it a daemon that "
                 "does not answer yet is waited for as well. A wait for an end that is not there in time, or at all "
                 "with --try, gives exit status 75.\n"
                 "The end of one service that run or spawn has started gives its exit status as run would have, also "
                 "after it has ended: the last 256 results are kept.",
        .options = options, .min_args = 1, .max_args = -1, .complete = COMPLETE_NODES,
        .words = "ended ready inactive starting running reloading stopping backoff failed finished", .run = run_await,
};
