/* cmd_set.c - set: change directives of a node at once, and keep them. */
#include "base/json.h"
#include "ctl/wish.h"

static const struct ctl_option set_options[] = {
        { "runtime", 0, NULL, "Keep it only as long as the runtime directory: until the next boot." },
        { 0 },
};

static void put_params(struct ctl *c, struct buf *params)
{
        struct json j = json_start(params);

        json_open(&j, NULL, '{');
        json_str(&j, "node", c->argv[0]);
        json_open(&j, "assignments", '[');
        for (int i = 1; i < c->argc; i++)
                json_str(&j, NULL, c->argv[i]);
        json_close(&j);
        if (ctl_option(c, "runtime"))
                json_bool(&j, "runtime", true);
        json_close(&j);
}

static int run_set(struct ctl *c)
{
        autobuf struct buf params = BUF_INIT;
        uint32_t reply;
        int r;

        put_params(c, &params);
        r = ctl_call(c, "Set", buf_text(&params), false, &reply);
        if (r != CTL_OK)
                return r;
        r = wish_say_missing(c, c->argv[0], reply) ? CTL_FAILED : CTL_OK;
        if (c->json)
                ctl_put_json(c, reply);
        if (c->json || c->quiet)
                return r;
        ctl_put_changes(c, jtok_get(&c->doc, reply, "changes"));
        if (jget_text(&c->doc, reply, "file"))
                buf_addf(&c->out, "kept in %s\n", jget_text(&c->doc, reply, "file"));
        else
                buf_addf(&c->out, "kept in memory: %s has no file\n", c->argv[0]);
        return r;
}

const struct ctl_verb verb_set = {
        .name = "set", .args = "NODE KEY=VALUE...", .help = "Change directives of a node at once, and keep them.",
        .prose = "Limits and whatever else counts at once: MemoryMax=1G, CPUQuota=50%, TasksMax=100, RestartSec=5s. An "
                 "empty value takes the directive back. What is set is kept in a drop-in, 50-set.conf in the first "
                 "unit directory that can be written, or with --runtime below the runtime directory; a node that was "
                 "made by run or spawn is changed in memory. Removing the file and daemon-reload undo it.\n"
                 "Exit status 1 as well when a limit cannot be had here; why is told. Unless the unit says "
                 "Isolation=best-effort its next start will be refused.",
        .options = set_options, .min_args = 2, .max_args = -1, .complete = COMPLETE_NODES, .run = run_set,
};
