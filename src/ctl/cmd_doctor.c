/* cmd_doctor.c - doctor: what can be enforced here, and what of it the units have. */
#include <string.h>

#include "base/json.h"
#include "ctl/ctl.h"
#include "os/doctor.h"

static const struct ctl_option doctor_options[] = {
        { "local", 0, NULL, "Look around without a daemon: what one that is started from here could do." },
        { 0 },
};

struct table {
        struct ctl *c;
        char area[64];
};

static void put_row(struct table *t, const char *area, const char *what, const char *state, const char *text)
{
        struct ctl *c = t->c;
        bool yes = strcmp(state, "yes") == 0, no = strcmp(state, "no") == 0;

        if (strcmp(t->area, area) != 0) {
                if (t->area[0])
                        buf_addc(&c->out, '\n');
                (void) snprintf(t->area, sizeof t->area, "%s", area);
                put_colored(c, COLOR_BOLD, area);
                buf_addc(&c->out, '\n');
        }
        buf_adds(&c->out, "  ");
        put_colored(c, yes ? COLOR_GREEN : no ? COLOR_RED : COLOR_YELLOW, state);
        put_pad(&c->out, strlen(state), 8);
        put_safe(&c->out, what);
        put_pad(&c->out, strlen(what), 24);
        put_safe(&c->out, text);
        buf_addc(&c->out, '\n');
}

static void local_row(void *arg, const struct doctor_row *row)
{
        put_row(arg, row->area, row->what, strtab_text(&doctor_state_names, (int) row->state), row->text);
}

static void look_around(struct ctl *c)
{
        struct table t = { .c = c };
        struct json j = json_start(&c->out);

        if (!c->json) {
                doctor_environment(NULL, local_row, &t);
                return;
        }
        json_open(&j, NULL, '{');
        json_open(&j, "environment", '[');
        doctor_environment(NULL, doctor_json, &j);
        json_close(&j);
        json_nil(&j, "units");
        json_close(&j);
        buf_addc(&c->out, '\n');
}

/* How many limits are not enforced. */
static unsigned put_unit(struct ctl *c, uint32_t u)
{
        const struct jdoc *d = &c->doc;
        uint32_t limits = jtok_get(d, u, "limits");
        unsigned missing = 0;

        put_colored(c, COLOR_BOLD, jget_text(d, u, "node"));
        buf_addc(&c->out, '\n');
        for (uint32_t l = jtok_first(d, limits); l != JTOK_NONE; l = jtok_after(d, limits, l)) {
                const char *why = jget_text(d, l, "why"), *effective = jget_text(d, l, "effective");

                missing += why != NULL;
                buf_adds(&c->out, "  ");
                put_colored(c, why ? COLOR_RED : COLOR_GREEN, why ? "no" : "yes");
                put_pad(&c->out, why ? 2 : 3, 8);
                buf_addf(&c->out, "%s=%s", jget_text(d, l, "directive"), jget_text(d, l, "requested"));
                if (why || effective) {
                        buf_adds(&c->out, why ? ": " : ", in force: ");
                        put_safe(&c->out, why ? why : effective);
                }
                buf_addc(&c->out, '\n');
        }
        return missing;
}

static unsigned put_report(struct ctl *c, uint32_t reply)
{
        const struct jdoc *d = &c->doc;
        uint32_t rows = jtok_get(d, reply, "environment"), units = jtok_get(d, reply, "units");
        struct table t = { .c = c };
        unsigned missing = 0;

        for (uint32_t r = jtok_first(d, rows); r != JTOK_NONE; r = jtok_after(d, rows, r))
                put_row(&t, jget_text(d, r, "area"), jget_text(d, r, "what"), jget_text(d, r, "state"),
                        jget_text(d, r, "text"));
        for (uint32_t u = jtok_first(d, units); u != JTOK_NONE; u = jtok_after(d, units, u)) {
                buf_addc(&c->out, '\n');
                missing += put_unit(c, u);
        }
        return missing;
}

/* The same count without words. */
static unsigned missing_in(const struct jdoc *d, uint32_t reply)
{
        uint32_t units = jtok_get(d, reply, "units");
        unsigned missing = 0;

        for (uint32_t u = jtok_first(d, units); u != JTOK_NONE; u = jtok_after(d, units, u)) {
                uint32_t limits = jtok_get(d, u, "limits");

                for (uint32_t l = jtok_first(d, limits); l != JTOK_NONE; l = jtok_after(d, limits, l))
                        missing += jget_text(d, l, "why") != NULL;
        }
        return missing;
}

static int run_doctor(struct ctl *c)
{
        uint32_t reply;
        unsigned missing;
        int r;

        if (ctl_option(c, "local")) {
                look_around(c);
                return CTL_OK;
        }
        r = ctl_call_text(c, "Doctor", "node", c->argc ? c->argv[0] : NULL, &reply);
        if (r == CTL_NO_DAEMON) /* said on standard error, and the exit status stays */
                look_around(c);
        if (r != CTL_OK)
                return r;
        if (c->json) {
                missing = missing_in(&c->doc, reply);
                ctl_put_json(c, reply);
        } else {
                missing = put_report(c, reply);
        }
        return missing ? CTL_FAILED : CTL_OK;
}

const struct ctl_verb verb_doctor = {
        .name = "doctor", .args = "[NODE]", .help = "Tell what can be enforced here, and what of it the units have.",
        .prose = "First the environment: control groups, each kind of limit, filters, the parts of a sandbox; why not, "
                 "and what to do. Then for each unit (below NODE) that sets limits what was asked and what the kernel "
                 "has. Exit status 1 when a unit has a limit that is not enforced, 7 when no daemon answers: then only "
                 "the environment is told, as with --local.",
        .options = doctor_options, .min_args = 0, .max_args = 1, .complete = COMPLETE_NODES, .run = run_doctor,
};
