/* cmd_deaths.c - deaths: how the past incarnations of a node ended. */
#include <string.h>

#include "ctl/ctl.h"

/* What all its processes together used, where that was counted. */
static void put_group(struct ctl *c, uint32_t t)
{
        const struct jdoc *d = &c->doc;
        int64_t memory = jget_int(d, t, "memory_peak", -1), tasks = jget_int(d, t, "tasks_peak", -1);
        int64_t cpu = jget_int(d, t, "cpu_usec", -1), waited = jget_int(d, t, "throttled_usec", -1);
        int64_t kills = jget_int(d, t, "oom_kills", -1);
        const char *sep = "      its group ";

        if (memory >= 0) {
                buf_adds(&c->out, sep);
                put_size(&c->out, memory);
                buf_adds(&c->out, " of memory at most");
                sep = ", ";
        }
        if (tasks >= 0) {
                buf_addf(&c->out, "%s%lld task%s at most", sep, (long long) tasks, tasks == 1 ? "" : "s");
                sep = ", ";
        }
        if (cpu >= 0 && sep[0] == ',') {
                buf_adds(&c->out, sep);
                put_span(&c->out, cpu);
                buf_adds(&c->out, " of processor time");
        }
        if (waited > 0) {
                buf_adds(&c->out, sep);
                buf_adds(&c->out, "held back for ");
                put_span(&c->out, waited);
                sep = ", ";
        }
        if (kills > 0) {
                buf_addf(&c->out, "%s%lld killed for want of memory", sep, (long long) kills);
                sep = ", ";
        }
        if (sep[0] == ',')
                buf_addc(&c->out, '\n');
}

static void put_rusage(struct ctl *c, uint32_t t)
{
        const struct jdoc *d = &c->doc;

        buf_adds(&c->out, "      used ");
        put_span(&c->out, jget_int(d, t, "user_usec", 0));
        buf_adds(&c->out, " user, ");
        put_span(&c->out, jget_int(d, t, "system_usec", 0));
        buf_adds(&c->out, " system, ");
        put_size(&c->out, jget_int(d, t, "max_rss", 0));
        buf_adds(&c->out, " of memory at most\n");
        put_group(c, t);
}

/* People want to know how it ended; the log has the rest. */
static void put_tail(struct ctl *c, uint32_t tail)
{
        enum { LINES_MAX = 20 };
        const struct jdoc *d = &c->doc;
        uint32_t l = jtok_first(d, tail);
        int more = -LINES_MAX;

        for (uint32_t i = l; i != JTOK_NONE; i = jtok_after(d, tail, i))
                more++;
        if (more > 0)
                buf_addf(&c->out, "      (%d lines more before these, with --json)\n", more);
        for (; l != JTOK_NONE; l = jtok_after(d, tail, l)) {
                if (more-- > 0)
                        continue;
                put_colored(c, COLOR_DIM, "      | ");
                put_safe(&c->out, jtok_text(d, l));
                buf_addc(&c->out, '\n');
        }
}

static void put_death(struct ctl *c, uint32_t t)
{
        const struct jdoc *d = &c->doc;
        const char *code = jget_text(d, t, "code"), *error = jget_text(d, t, "error");
        uint32_t tail = jtok_get(d, t, "tail");

        buf_addf(&c->out, "#%lld  ", (long long) jget_int(d, t, "incarnation", 0));
        put_when(&c->out, jget_text(d, t, "ended_at"), true);
        buf_adds(&c->out, "  ");
        put_colored(c, COLOR_BOLD, jget_text(d, t, "reason"));
        if (code) {
                buf_addf(&c->out, "  (%s, status %lld, after ", code, (long long) jget_int(d, t, "status", 0));
                put_span(&c->out, jget_int(d, t, "lasted_usec", 0));
                buf_addc(&c->out, ')');
        }
        buf_addc(&c->out, '\n');
        if (code)
                put_rusage(c, t);
        if (error) {
                buf_adds(&c->out, "      ");
                put_safe(&c->out, error);
                buf_addc(&c->out, '\n');
        }
        put_tail(c, tail);
}

static int run_deaths(struct ctl *c)
{
        uint32_t reply, deaths;
        int r = ctl_call_text(c, "Deaths", "node", c->argv[0], &reply);

        if (r != CTL_OK)
                return r;
        deaths = jtok_get(&c->doc, reply, "deaths");
        if (c->json) {
                ctl_put_json(c, deaths);
                return CTL_OK;
        }
        for (uint32_t t = jtok_first(&c->doc, deaths); t != JTOK_NONE; t = jtok_after(&c->doc, deaths, t))
                put_death(c, t);
        if (jtok_size(&c->doc, deaths) == 0 && !c->quiet)
                buf_addf(&c->out, "%s: no incarnation has ended yet\n", jget_text(&c->doc, reply, "path"));
        return CTL_OK;
}

const struct ctl_verb verb_deaths = {
        .name = "deaths", .args = "NODE", .help = "Tell how the last 20 incarnations of a node ended.",
        .prose = "The latest first: when and why, exit status or signal, how long it lived, what it used, and the last "
                 "lines it wrote (20 of them; with --json, an array, all that are kept).",
        .min_args = 1, .max_args = 1, .complete = COMPLETE_NODES, .run = run_deaths,
};
