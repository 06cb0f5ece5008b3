/* cmd_reload.c - diff: what daemon-reload would change; daemon-reload: read all unit files again. */
#include <string.h>

#include "ctl/ctl.h"

static void put_change(struct ctl *c, uint32_t t)
{
        const struct jdoc *d = &c->doc;
        const char *kind = jget_text(d, t, "kind"), *directive = jget_text(d, t, "directive");
        static const char *const words[][2] = {
                { "added", "+ " }, { "removed", "- " }, { "live", "  " }, { "restart", "  " }, { "next_start", "  " },
        };
        static const char *const when[][2] = {
                { "live", "at once" }, { "restart", "from its next restart" }, { "next_start", "from its next start" },
        };

        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (strcmp(words[i][0], kind) == 0)
                        buf_adds(&c->out, words[i][1]);
        buf_adds(&c->out, jget_text(d, t, "node"));
        if (directive) {
                buf_addf(&c->out, "  %s: ", directive);
                put_safe(&c->out, jget_text(d, t, "before"));
                buf_adds(&c->out, " -> ");
                put_safe(&c->out, jget_text(d, t, "after"));
        }
        for (size_t i = 0; directive && i < ARRAY_LEN(when); i++)
                if (strcmp(when[i][0], kind) == 0)
                        buf_addf(&c->out, "  (%s)", when[i][1]);
        buf_addc(&c->out, '\n');
}

void ctl_put_changes(struct ctl *c, uint32_t changes)
{
        for (uint32_t t = jtok_first(&c->doc, changes); t != JTOK_NONE; t = jtok_after(&c->doc, changes, t))
                put_change(c, t);
}

static bool put_problems(struct ctl *c, uint32_t problems)
{
        const struct jdoc *d = &c->doc;
        bool fatal = false;

        for (uint32_t t = jtok_first(d, problems); t != JTOK_NONE; t = jtok_after(d, problems, t)) {
                const char *file = jget_text(d, t, "file"), *hint = jget_text(d, t, "hint");

                (void) ctl_error(0, "%s%s%s: %s%s%s%s", jget_true(d, t, "fatal") ? "" : "warning: ", file ? file : "",
                                 file ? "" : jget_text(d, t, "unit") ? jget_text(d, t, "unit") : "units",
                                 jget_text(d, t, "text"), hint ? " (" : "", hint ? hint : "", hint ? ")" : "");
                fatal = fatal || jget_true(d, t, "fatal");
        }
        return fatal;
}

static int report(struct ctl *c, const char *method, const char *nothing)
{
        uint32_t reply, changes;
        bool fatal;
        int r = ctl_call(c, method, NULL, false, &reply);

        if (r != CTL_OK)
                return r;
        changes = jtok_get(&c->doc, reply, "changes");
        fatal = put_problems(c, jtok_get(&c->doc, reply, "problems"));
        if (c->json) {
                ctl_put_json(c, reply);
        } else if (!c->quiet) {
                ctl_put_changes(c, changes);
                if (jtok_size(&c->doc, changes) == 0 && !fatal)
                        buf_adds(&c->out, nothing);
        }
        return fatal ? CTL_FAILED : CTL_OK;
}

static int run_diff(struct ctl *c)
{
        return report(c, "Diff", "the running tree is what the unit files say\n");
}

static int run_reload(struct ctl *c)
{
        return report(c, "DaemonReload", "nothing has changed\n");
}

const struct ctl_verb verb_diff = {
        .name = "diff", .args = "", .help = "Tell what daemon-reload would change.",
        .prose = "Nodes that would come (+) or go (-), and each directive that differs, with the value in effect, the "
                 "value in the file, and when it would count. Exit status 1 when the files have errors.",
        .run = run_diff,
};
const struct ctl_verb verb_daemon_reload = {
        .name = "daemon-reload", .args = "", .help = "Read all unit files again, all or nothing.",
        .prose = "With one error in any unit nothing changes and all errors are told. New nodes are added but not "
                 "started; nodes whose file is gone run on until they are stopped. Nothing is restarted.",
        .run = run_reload,
};
