/* cmd_spawn.c - spawn: a command, or the instance of a template, as a service in the background: an operator's, or
 * inside of a service that service's child. */
#include <string.h>

#include "ctl/inside.h"
#include "ctl/wish.h"

enum { OPT_LINK = WISH_OPTIONS, OPT_MONITOR, OPT_REF, OPT_UNIT };

static const struct ctl_option options[] = {
        WISH_COMMON_OPTIONS,
        [OPT_LINK] = { "link", 0, NULL, "Inside of a service: link it to its child from the first moment." },
        [OPT_MONITOR] = { "monitor", 0, NULL, "Inside of a service: have it watch its child from the first moment." },
        [OPT_REF] = { "ref", 0, "REF", "The mark of that watch, which comes back in DOWN." },
        [OPT_UNIT] = { "unit", 0, "UNIT",
                       "An instance of a template (worker@7, or worker@ for a free number) instead of a command." },
        { 0 },
};

static int put_node(struct ctl *c, const char *path, size_t n)
{
        buf_add(&c->out, path, n);
        buf_addc(&c->out, '\n');
        return CTL_OK;
}

/* --- inside ------------------------------------------------------------------------------------------------------- */

/* The payload of CALL=spawn: a line for each property, an empty one, the words of the command with their NULs. */
static int put_payload(struct ctl *c, struct buf *out)
{
        struct wish w;
        int r = wish_collect(c, false, &w);

        for (const char *p = w.properties.data; r == CTL_OK && p && p < w.properties.data + w.properties.len;
             p += strlen(p) + 1)
                if (strpbrk(p, "\n"))
                        r = ctl_error(CTL_USAGE, "%.40s...: a property is one line", p);
                else
                        buf_addf(out, "%s\n", p);
        buf_addc(out, '\n');
        for (int i = 0; r == CTL_OK && i < c->argc; i++) {
                const char *word = i ? c->argv[i] : w.program;

                buf_add(out, word, strlen(word) + 1);
        }
        wish_done(&w);
        return r;
}

static void put_head(struct ctl *c, const char *ref, struct buf *out)
{
        const char *unit = ctl_option(c, "unit"), *name = unit ? unit : ctl_option(c, "name");

        message_put(out, MESSAGE_CALL, "spawn");
        message_put(out, MESSAGE_REF, ref);
        if (name)
                message_put(out, MESSAGE_NAME, name);
        if (ctl_option(c, "supervisor"))
                message_put(out, MESSAGE_NODE, ctl_option(c, "supervisor"));
        if (c->value[OPT_LINK] || c->value[OPT_MONITOR])
                message_put(out, MESSAGE_VALUE,
                            !c->value[OPT_MONITOR] ? "link" : c->value[OPT_LINK] ? "link,monitor" : "monitor");
        message_end(out);
}

static int spawn_inside(struct ctl *c)
{
        autobuf struct buf message = BUF_INIT, answer = BUF_INIT;
        char made_up[40];
        const char *ref = ctl_option(c, "ref") ? ctl_option(c, "ref") : inside_ref(made_up);
        struct message m;
        const char *problem;
        int r = CTL_OK;

        put_head(c, ref, &message);
        if (!ctl_option(c, "unit"))
                r = put_payload(c, &message);
        if (r == CTL_OK)
                r = inside_call_as(c, ref, &message, &answer);
        if (r != CTL_OK || message_parse(answer.data, answer.len, &m, &problem) < 0)
                return r;
        if (c->json)
                return message_show(c, answer.data, answer.len, false);
        return put_node(c, m.value[MESSAGE_NODE].at, m.value[MESSAGE_NODE].len);
}

/* --- an operator's ------------------------------------------------------------------------------------------------ */

static int spawn_outside(struct ctl *c)
{
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);
        struct wish w;
        uint32_t reply;
        int r = wish_collect(c, false, &w);

        json_open(&j, NULL, '{');
        if (ctl_option(c, "unit"))
                json_str(&j, "unit", ctl_option(c, "unit"));
        if (ctl_option(c, "unit") && ctl_option(c, "supervisor"))
                json_str(&j, "supervisor", ctl_option(c, "supervisor"));
        if (!ctl_option(c, "unit"))
                wish_write(&w, &j);
        json_close(&j);
        wish_done(&w);
        if (r == CTL_OK)
                r = ctl_call(c, "SpawnTransient", buf_text(&params), false, &reply);
        if (r != CTL_OK)
                return r;
        if (!c->quiet)
                (void) wish_say_missing(c, jget_text(&c->doc, reply, "node"), reply);
        if (!c->json)
                return put_node(c, jget_text(&c->doc, reply, "node"), strlen(jget_text(&c->doc, reply, "node")));
        ctl_put_json(c, reply);
        return CTL_OK;
}

static int run_spawn(struct ctl *c)
{
        bool inside = inside_fd(c) >= 0;

        if ((c->argc > 0) == (ctl_option(c, "unit") != NULL))
                return ctl_error(CTL_USAGE, "spawn a command, or with --unit an instance of a template");
        if (inside)
                return spawn_inside(c);
        if (c->value[OPT_LINK] || c->value[OPT_MONITOR] || c->value[OPT_REF])
                return ctl_error(CTL_USAGE, "--link and --monitor tie a service to its child: inside of a service with "
                                 "Mailbox=yes");
        return spawn_outside(c);
}

const struct ctl_verb verb_spawn = {
        .name = "spawn", .args = "[--] COMMAND [ARGUMENT...] | --unit UNIT",
        .help = "Run a command as a service in the background.",
        .prose = "Prints the path of its node once it has started. What it writes is logged as of any service; await "
                 "NODE waits for its end and tells its result, also when it has ended already: the last 256 results "
                 "are kept.\n"
                 "Inside of a service with Mailbox=yes it becomes a child of that service's own supervisor, or of one "
                 "below that (--supervisor), whose AllowSpawn= has to allow it. It then runs with the user, sandbox "
                 "and limits of the service that spawns it, which properties can only make narrower. With --link or "
                 "--monitor there is no moment at which it could end unnoticed.",
        .options = options, .min_args = 0, .max_args = -1, .complete = COMPLETE_FILES, .command = true,
        .run = run_spawn,
};
