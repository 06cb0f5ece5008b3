/* cmd_why.c - why: the chain of causes of a node's present state. */
#include <string.h>

#include "ctl/ctl.h"

static void put_cause(struct ctl *c, uint32_t t, bool newest)
{
        const struct jdoc *d = &c->doc;
        const char *file = jget_text(d, t, "file"), *text = jget_text(d, t, "text");

        buf_adds(&c->out, newest ? "           " : "  because  ");
        put_color(c, COLOR_DIM);
        put_when(&c->out, jget_text(d, t, "time"), false);
        put_color(c, COLOR_NONE);
        buf_adds(&c->out, "  ");
        put_color(c, newest ? COLOR_BOLD : COLOR_NONE);
        put_safe(&c->out, text);
        put_color(c, COLOR_NONE);
        put_color(c, COLOR_DIM);
        buf_addf(&c->out, "  [%s", jget_text(d, t, "rule"));
        /* else the sentence says it */
        if (file && text && !strstr(text, strrchr(file, '/') ? strrchr(file, '/') + 1 : file))
                buf_addf(&c->out, ", %s:%lld", file, (long long) jget_int(d, t, "line", 0));
        buf_addf(&c->out, ", record %lld]", (long long) jget_int(d, t, "seq", 0));
        put_color(c, COLOR_NONE);
        buf_addc(&c->out, '\n');
}

static void put_chain(struct ctl *c, uint32_t reply)
{
        const struct jdoc *d = &c->doc;
        uint32_t chain = jtok_get(d, reply, "chain");
        const char *state = jget_text(d, reply, "state");
        bool newest = true;

        put_colored(c, COLOR_BOLD, jget_text(d, reply, "path"));
        buf_adds(&c->out, " is ");
        put_colored(c, state_color(state), state);
        buf_adds(&c->out, ":\n");
        if (jget_text(d, reply, "error")) { /* the records know the stage only, this says what and in which line */
                buf_adds(&c->out, "  ");
                put_safe(&c->out, jget_text(d, reply, "error"));
                buf_addc(&c->out, '\n');
        }
        for (uint32_t t = jtok_first(d, chain); t != JTOK_NONE; t = jtok_after(d, chain, t)) {
                put_cause(c, t, newest);
                newest = false;
        }
        if (newest)
                buf_adds(&c->out, "  nothing has happened to it yet\n");
}

static int run_why(struct ctl *c)
{
        uint32_t reply;
        int r = CTL_OK;

        for (int i = 0; i < c->argc && r == CTL_OK; i++) {
                r = ctl_call_text(c, "Why", "node", c->argv[i], &reply);
                if (r == CTL_OK && c->json) {
                        ctl_put_json(c, reply);
                } else if (r == CTL_OK) {
                        put_chain(c, reply);
                }
        }
        return r;
}

const struct ctl_verb verb_why = {
        .name = "why", .args = "NODE...", .help = "Tell why nodes are in the state they are in.",
        .prose = "The newest thing known first, then what led to it, and so on to the first cause: each with its time, "
                 "the name of the rule, and the file and line of the unit that asked for it. Works in every state. "
                 "With --json an object {path, state, chain, error} a line.",
        .min_args = 1, .max_args = -1, .complete = COMPLETE_NODES, .run = run_why,
};
