/* cmd_status.c - status: everything known of a node, for people. */
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/loglines.h"

static void label(struct ctl *c, const char *name)
{
        put_pad(&c->out, strlen(name), 11);
        put_color(c, COLOR_DIM);
        buf_addf(&c->out, "%s: ", name);
        put_color(c, COLOR_NONE);
}

static void end_line(struct ctl *c)
{
        buf_addc(&c->out, '\n');
}

static void put_head(struct ctl *c, uint32_t s)
{
        const struct jdoc *d = &c->doc;
        const char *state = jget_text(d, s, "state"), *text = jget_text(d, s, "description");

        put_colored(c, state_color(state), state_glyph(c, state));
        buf_addc(&c->out, ' ');
        put_colored(c, COLOR_BOLD, jget_text(d, s, "path"));
        if (text) {
                buf_adds(&c->out, " - ");
                put_safe(&c->out, text);
        }
        end_line(c);
}

static void put_state(struct ctl *c, uint32_t s)
{
        const struct jdoc *d = &c->doc;
        const char *state = jget_text(d, s, "state"), *want = jget_text(d, s, "want");
        const char *reason = jget_text(d, s, "last_reason"), *next = jget_text(d, s, "next_start_at");
        bool up = state && (strcmp(state, "running") == 0 || strcmp(state, "reloading") == 0);

        label(c, "State");
        put_colored(c, state_color(state), state ? state : "?");
        if (jget_true(d, s, "frozen"))
                buf_adds(&c->out, ", frozen");
        if (up && !jget_true(d, s, "ready"))
                buf_adds(&c->out, ", not ready");
        if (jget_text(d, s, "since")) {
                buf_adds(&c->out, " since ");
                put_when(&c->out, jget_text(d, s, "since"), true);
        }
        if (!up && want)
                buf_addf(&c->out, ", wanted %s", want);
        end_line(c);
        if (next) {
                label(c, "Next start");
                put_when(&c->out, next, true);
                end_line(c);
        }
        if (reason) {
                label(c, "Last end");
                buf_adds(&c->out, reason);
                end_line(c);
        }
}

static void put_each(struct ctl *c, const char *name, uint32_t list)
{
        for (uint32_t t = jtok_first(&c->doc, list); t != JTOK_NONE; t = jtok_after(&c->doc, list, t)) {
                label(c, name);
                put_safe(&c->out, jtok_text(&c->doc, t));
                end_line(c);
        }
}

static void put_unit(struct ctl *c, uint32_t s)
{
        const struct jdoc *d = &c->doc;
        const char *file = jget_text(d, s, "file");

        label(c, "Unit");
        put_safe(&c->out, jget_text(d, s, "unit"));
        if (file)
                buf_addf(&c->out, " (%s)", file);
        if (jget_true(d, s, "orphaned"))
                buf_adds(&c->out, "; is no longer there: this runs until it is stopped");
        end_line(c);
        put_each(c, "Drop-in", jtok_get(d, s, "drop_ins"));
        put_each(c, "Docs", jtok_get(d, s, "documentation"));
}

static void put_supervision(struct ctl *c, uint32_t s)
{
        const struct jdoc *d = &c->doc;
        uint32_t intensity = jtok_get(d, s, "intensity");
        const char *strategy = jget_text(d, s, "strategy");

        label(c, "Restart");
        buf_addf(&c->out, "%s, %lld restart%s", jget_text(d, s, "restart"), (long long) jget_int(d, s, "restarts", 0),
                 jget_int(d, s, "restarts", 0) == 1 ? "" : "s");
        if (jtok_kind(d, intensity) == JTOK_OBJECT) {
                buf_adds(&c->out, "; limit ");
                put_intensity(c, intensity);
        }
        end_line(c);
        if (strategy) {
                label(c, "Strategy");
                buf_addf(&c->out, "%s, %s", strategy, jget_text(d, s, "escalation"));
                buf_addf(&c->out, ", %u children", jtok_size(d, jtok_get(d, s, "children")));
                end_line(c);
        }
}

static void put_process(struct ctl *c, uint32_t s)
{
        const struct jdoc *d = &c->doc;
        int64_t pid = jget_int(d, s, "main_pid", 0), n = jget_int(d, s, "incarnation", 0);
        const char *type = jget_text(d, s, "service_type");

        if (type) {
                label(c, "Process");
                if (pid > 0)
                        buf_addf(&c->out, "%lld, ", (long long) pid);
                else
                        buf_adds(&c->out, "none, ");
                buf_addf(&c->out, "type %s, incarnation %lld", type, (long long) n);
                end_line(c);
        }
}

/* What it told of itself with sd_notify. */
static void put_said(struct ctl *c, uint32_t s)
{
        const struct jdoc *d = &c->doc;
        const char *text = jget_text(d, s, "status_text"), *bus = jget_text(d, s, "status_bus_error"), *sep = "";
        int64_t errnum = jget_int(d, s, "status_errno", 0), status = jget_int(d, s, "status_exit", -1);

        if (!text && !errnum && !bus && status < 0)
                return;
        label(c, "Says");
        if (text) {
                put_safe(&c->out, text);
                sep = ": ";
        }
        if (errnum) {
                buf_addf(&c->out, "%s%s", sep, errno_name((int) errnum));
                sep = ", ";
        }
        if (bus) {
                buf_adds(&c->out, sep);
                put_safe(&c->out, bus);
                sep = ", ";
        }
        if (status >= 0)
                buf_addf(&c->out, "%sexit status %lld", sep, (long long) status);
        end_line(c);
}

static void put_peak(struct ctl *c, uint32_t s)
{
        int64_t peak = jget_int(&c->doc, s, "memory_peak", -1);

        if (peak < 0)
                return;
        buf_adds(&c->out, " (at most ");
        put_size(&c->out, peak);
        buf_addc(&c->out, ')');
}

static void put_held(struct ctl *c, uint32_t s)
{
        int64_t held = jget_int(&c->doc, s, "throttled_usec", -1);

        if (held <= 0)
                return;
        buf_adds(&c->out, " (held back for ");
        put_span(&c->out, held);
        buf_addc(&c->out, ')');
}

/* What bounds it; first what was asked for, then what the kernel made of it if that reads differently. */
static void put_limits(struct ctl *c, uint32_t s)
{
        const struct jdoc *d = &c->doc;
        uint32_t limits = jtok_get(d, s, "limits");

        for (uint32_t l = jtok_first(d, limits); l != JTOK_NONE; l = jtok_after(d, limits, l)) {
                const char *effective = jget_text(d, l, "effective"), *why = jget_text(d, l, "why");

                if (l == jtok_first(d, limits))
                        label(c, "Limits");
                else
                        buf_adds(&c->out, "             ");
                buf_addf(&c->out, "%s=%s", jget_text(d, l, "directive"), jget_text(d, l, "requested"));
                if (why) {
                        put_colored(c, COLOR_RED, " not enforced: ");
                        put_safe(&c->out, why);
                } else if (effective && strcmp(effective, jget_text(d, l, "requested")) != 0) {
                        buf_adds(&c->out, " (");
                        put_safe(&c->out, effective);
                        buf_addc(&c->out, ')');
                }
                end_line(c);
        }
}

static void put_usage(struct ctl *c, uint32_t s)
{
        const struct jdoc *d = &c->doc;
        int64_t memory = jget_int(d, s, "memory", -1), cpu = jget_int(d, s, "cpu_usec", -1),
                tasks = jget_int(d, s, "tasks", -1);

        if (memory >= 0 || cpu >= 0 || tasks >= 0) {
                label(c, "Uses");
                if (memory >= 0) {
                        put_size(&c->out, memory);
                        buf_adds(&c->out, " of memory");
                        put_peak(c, s);
                }
                if (cpu >= 0) {
                        buf_adds(&c->out, memory >= 0 ? ", " : "");
                        put_span(&c->out, cpu);
                        buf_adds(&c->out, " of processor time");
                        put_held(c, s);
                }
                if (tasks >= 0)
                        buf_addf(&c->out, "%s%lld task%s", memory >= 0 || cpu >= 0 ? ", " : "", (long long) tasks,
                                 tasks == 1 ? "" : "s");
                end_line(c);
        }
        if (jget_text(d, s, "cgroup")) {
                label(c, "Cgroup");
                buf_adds(&c->out, jget_text(d, s, "cgroup"));
                end_line(c);
        }
}

/* "Channel: writes /media with stdout, 4096 of 65536 bytes queued, full" */
static void put_pipes(struct ctl *c, uint32_t s)
{
        const struct jdoc *d = &c->doc;
        uint32_t list = jtok_get(d, s, "channels");

        for (uint32_t t = list == JTOK_NONE ? JTOK_NONE : jtok_first(d, list); t != JTOK_NONE;
             t = jtok_after(d, list, t)) {
                label(c, "Channel");
                buf_addf(&c->out, "%ss %s with %s", jget_text(d, t, "end"), jget_text(d, t, "channel"),
                         jget_text(d, t, "descriptor"));
                if (jget_int(d, t, "capacity", -1) >= 0)
                        buf_addf(&c->out, ", %lld of %lld bytes queued%s", (long long) jget_int(d, t, "queued", 0),
                                 (long long) jget_int(d, t, "capacity", 0), jget_true(d, t, "full") ? ", full" : "");
                end_line(c);
        }
}

static void put_mailbox(struct ctl *c, uint32_t s)
{
        static const struct {
                const char *key, *text;
        } counts[] = { { "dropped", "dropped" }, { "rejected", "rejected" }, { "lost", "lost" },
                       { "blocked", "senders wait" }, { "sent", "sent" }, { "bounced", "came back or were refused" } };
        const struct jdoc *d = &c->doc;
        uint32_t m = jtok_get(d, s, "mailbox");

        if (m == JTOK_NONE || jtok_kind(d, m) != JTOK_OBJECT)
                return;
        label(c, "Mailbox");
        buf_addf(&c->out, "%lld of %lld waiting, %lld taken", (long long) jget_int(d, m, "waiting", 0),
                 (long long) jget_int(d, m, "capacity", 0), (long long) jget_int(d, m, "taken", 0));
        for (size_t i = 0; i < ARRAY_LEN(counts); i++)
                if (jget_int(d, m, counts[i].key, 0) > 0)
                        buf_addf(&c->out, ", %lld %s", (long long) jget_int(d, m, counts[i].key, 0), counts[i].text);
        if (jget_true(d, m, "sender_waits"))
                buf_adds(&c->out, ", waits to send");
        end_line(c);
}

/* What it is tied to: one line for each sort there is. */
static void put_ties(struct ctl *c, uint32_t s)
{
        static const struct {
                const char *key, *label;
        } sorts[] = { { "links", "Linked to" }, { "watches", "Watches" }, { "names", "Names" } };
        const struct jdoc *d = &c->doc;

        for (size_t i = 0; i < ARRAY_LEN(sorts); i++) {
                uint32_t list = jtok_get(d, s, sorts[i].key),
                        first = list == JTOK_NONE ? JTOK_NONE : jtok_first(d, list);

                if (first == JTOK_NONE)
                        continue;
                label(c, sorts[i].label);
                for (uint32_t t = first; t != JTOK_NONE; t = jtok_after(d, list, t)) {
                        buf_adds(&c->out, t == first ? "" : ", ");
                        put_safe(&c->out, jtok_text(d, t));
                }
                end_line(c);
        }
}

static void put_log(struct ctl *c, uint32_t s)
{
        enum { LAST = 10 };
        const char *dir = jget_text(&c->doc, s, "log");

        if (!dir)
                return;
        label(c, "Log");
        buf_addf(&c->out, "%s\n", dir);
        loglines_add(c, dir, LAST, "            ");
}

/* What a filter ended it for, and how to allow that. */
static void put_denied(struct ctl *c, uint32_t s)
{
        const struct jdoc *d = &c->doc;
        uint32_t denied = jtok_get(d, s, "denied");

        if (!jget_text(d, denied, "call"))
                return;
        label(c, "Denied");
        buf_addf(&c->out, "system call %s of ", jget_text(d, denied, "call"));
        put_safe(&c->out, jget_text(d, denied, "program"));
        buf_addf(&c->out, "[%lld], incarnation %lld; %s", (long long) jget_int(d, denied, "pid", 0),
                 (long long) jget_int(d, denied, "incarnation", 0), jget_text(d, denied, "remedy"));
        end_line(c);
}

static void put_status(struct ctl *c, uint32_t s)
{
        const char *because = jget_text(&c->doc, s, "because");

        put_head(c, s);
        put_state(c, s);
        if (because) {
                label(c, "Because");
                put_safe(&c->out, because);
                end_line(c);
        }
        put_denied(c, s);
        put_unit(c, s);
        put_supervision(c, s);
        put_process(c, s);
        put_said(c, s);
        put_usage(c, s);
        put_limits(c, s);
        put_mailbox(c, s);
        put_pipes(c, s);
        put_ties(c, s);
        put_log(c, s);
}

/* As systemctl does: a node that does not run is 3, for scripts that only look at that. */
static int running(const char *state)
{
        static const char *const at_rest[] = { "inactive", "failed", "finished" };

        for (size_t i = 0; state && i < ARRAY_LEN(at_rest); i++)
                if (strcmp(state, at_rest[i]) == 0)
                        return CTL_NOT_FOUND;
        return CTL_OK;
}

static int show_one(struct ctl *c, const char *node)
{
        uint32_t reply, s;
        int r = ctl_call_text(c, "Status", "node", node, &reply);

        if (r != CTL_OK)
                return r;
        s = jtok_get(&c->doc, reply, "status");
        if (c->json) {
                jtok_print(&c->doc, s, &c->out);
                return CTL_OK;
        }
        r = running(jget_text(&c->doc, s, "state"));
        if (!c->quiet)
                put_status(c, s);
        return r;
}

static int run_status(struct ctl *c)
{
        int worst = CTL_OK, r;
        size_t before;

        if (c->argc == 0) {
                r = show_one(c, "/");
                if (c->json && c->out.len)
                        buf_addc(&c->out, '\n');
                return r;
        }
        if (c->json && c->argc > 1)
                buf_addc(&c->out, '[');
        for (int i = 0; i < c->argc; i++) {
                if (i > 0)
                        buf_adds(&c->out, c->json ? ",\n " : "\n");
                before = c->out.len;
                r = show_one(c, c->argv[i]);
                if (c->json && c->out.len == before)
                        buf_adds(&c->out, c->argc > 1 ? "null" : ""); /* the place of one that is not there */
                worst = r > worst ? r : worst;
                if (r == CTL_NO_DAEMON)
                        return r;
        }
        if (c->json)
                buf_adds(&c->out, c->argc > 1 ? "]\n" : c->out.len ? "\n" : "");
        return worst;
}

const struct ctl_verb verb_status = {
        .name = "status", .args = "[NODE...]",
        .help = "Tell everything known of nodes, with the last lines of their logs.",
        .prose = "State and since when, why it is in that state, the unit's files, how it is restarted and how much of "
                 "the limit is used, its process, what it uses, and the last ten lines of its log. Without a node the "
                 "root.\n"
                 "Exit status 3 when a node does not run (inactive, failed, finished), 0 otherwise; with --json 0 for "
                 "every node that exists. With --json one node is an object, several are an array.",
        .max_args = -1, .complete = COMPLETE_NODES, .run = run_status,
};
