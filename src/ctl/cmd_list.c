/* cmd_list.c - list: all nodes, a line each. Replies are printed as they come; a thousand nodes are two
 * milliseconds. */
#include <string.h>

#include "base/json.h"
#include "ctl/ctl.h"

enum { OPT_NAMES, OPT_STATE, OPT_ALL };
static const struct ctl_option options[] = {
        [OPT_NAMES] = { "names", 0, NULL, "Only the paths, for scripts and completion." },
        [OPT_STATE] = { "state", 0, "STATE,...", "Only nodes in these states." },
        [OPT_ALL] = { "all", 'a', NULL, "Also the units on disk that are no nodes, and why." },
        { 0 },
};

/* Columns as wide as usual names need; a longer one pushes its line to the right and no other. */
enum { PATH_WIDTH = 32, STATE_WIDTH = 10, PID_WIDTH = 8, SINCE_WIDTH = 14 };

static void put_column(struct buf *out, const char *text, size_t width)
{
        size_t n = strlen(text);

        buf_add(out, text, n);
        for (; n < width; n++)
                buf_addc(out, ' ');
        buf_addc(out, ' ');
}

static void put_heading(struct ctl *c)
{
        put_color(c, COLOR_DIM);
        put_column(&c->out, "NODE", PATH_WIDTH);
        put_column(&c->out, "STATE", STATE_WIDTH);
        put_column(&c->out, "PID", PID_WIDTH);
        put_column(&c->out, "FOR", SINCE_WIDTH);
        buf_adds(&c->out, "RESTARTS LAST END");
        put_color(c, COLOR_NONE);
        buf_addc(&c->out, '\n');
}

static void put_since(struct buf *out, const char *stamp, int64_t now)
{
        size_t before = out->len;
        int64_t at;

        if (stamp_read(stamp, &at))
                put_span(out, now > at ? now - at : 0);
        else
                buf_addc(out, '-');
        for (size_t n = out->len - before; n < SINCE_WIDTH; n++)
                buf_addc(out, ' ');
        buf_addc(out, ' ');
}

static void put_number(struct buf *out, int64_t v, size_t width)
{
        char text[24];
        char *p = text + sizeof text - 1;

        *p = '\0';
        for (; v > 0 || !*p; v /= 10)
                *--p = (char) ('0' + v % 10);
        put_column(out, p, width);
}

/* One pass over the members: this is the line that is written thousands of times. */
static void put_node(struct ctl *c, uint32_t node, int64_t now)
{
        const struct jdoc *d = &c->doc;
        const char *path = "", *state = "", *since = NULL, *reason = NULL;
        int64_t pid = 0, restarts = 0;

        for (uint32_t k = jtok_first(d, node); k != JTOK_NONE; k = jtok_after(d, node, k)) {
                const char *key = d->text + d->tokens[k].at;

                if (strcmp(key, "path") == 0)
                        path = jtok_text(d, k + 1);
                else if (strcmp(key, "state") == 0)
                        state = jtok_text(d, k + 1);
                else if (strcmp(key, "since") == 0)
                        since = jtok_text(d, k + 1);
                else if (strcmp(key, "last_reason") == 0)
                        reason = jtok_text(d, k + 1);
                else if (strcmp(key, "main_pid") == 0)
                        pid = jtok_int(d, k + 1, 0);
                else if (strcmp(key, "restarts") == 0)
                        restarts = jtok_int(d, k + 1, 0);
        }
        put_column(&c->out, path ? path : "", PATH_WIDTH);
        if (c->color)
                put_color(c, state_color(state));
        put_column(&c->out, state ? state : "", STATE_WIDTH);
        put_color(c, COLOR_NONE);
        if (pid > 0)
                put_number(&c->out, pid, PID_WIDTH);
        else
                put_column(&c->out, "-", PID_WIDTH);
        put_since(&c->out, since, now);
        if (reason) {
                put_number(&c->out, restarts, 8);
                buf_adds(&c->out, reason);
        } else {
                buf_addf(&c->out, "%lld", (long long) restarts);
        }
        buf_addc(&c->out, '\n');
}

static void put_nodes(struct ctl *c, uint32_t nodes, bool *some)
{
        const struct jdoc *d = &c->doc;
        int64_t now = wall_usec();

        for (uint32_t t = jtok_first(d, nodes); t != JTOK_NONE; t = jtok_after(d, nodes, t)) {
                if (c->json) {
                        buf_adds(&c->out, *some ? ",\n " : "[");
                        jtok_print(d, t, &c->out);
                } else if (c->value[OPT_NAMES]) {
                        buf_adds(&c->out, jget_text(d, t, "path"));
                        buf_addc(&c->out, '\n');
                } else {
                        if (!*some)
                                put_heading(c);
                        put_node(c, t, now);
                }
                *some = true;
        }
}

/* In place of a path they have a name without a slash. */
static void put_unit(struct ctl *c, uint32_t unit, bool some)
{
        const struct jdoc *d = &c->doc;
        const char *message = jget_text(d, unit, "message");

        if (c->json) {
                buf_adds(&c->out, some ? ",\n " : "[");
                jtok_print(d, unit, &c->out);
                return;
        }
        if (c->value[OPT_NAMES]) {
                buf_addf(&c->out, "%s\n", jget_text(d, unit, "unit"));
                return;
        }
        put_column(&c->out, jget_text(d, unit, "unit"), PATH_WIDTH);
        buf_adds(&c->out, jget_text(d, unit, "status"));
        if (message) {
                buf_adds(&c->out, ": ");
                put_safe(&c->out, message);
        }
        buf_addc(&c->out, '\n');
}

static int list_units(struct ctl *c, bool *some)
{
        uint32_t reply, units;
        int r = ctl_call(c, "Units", "{}", false, &reply);

        if (r != CTL_OK)
                return r;
        units = jtok_get(&c->doc, reply, "units");
        if (!c->json && !c->value[OPT_NAMES] && jtok_first(&c->doc, units) != JTOK_NONE) {
                put_color(c, COLOR_DIM);
                buf_adds(&c->out, "\n");
                put_column(&c->out, "NOT IN THE TREE", PATH_WIDTH);
                buf_adds(&c->out, "WHY");
                put_color(c, COLOR_NONE);
                buf_addc(&c->out, '\n');
        }
        for (uint32_t t = jtok_first(&c->doc, units); t != JTOK_NONE; t = jtok_after(&c->doc, units, t)) {
                put_unit(c, t, *some);
                *some = true;
        }
        return CTL_OK;
}

static void write_params(const struct ctl *c, struct buf *params)
{
        struct json j = json_start(params);
        const char *states = c->value[OPT_STATE], *end;

        json_open(&j, NULL, '{');
        if (c->argc > 0)
                json_str(&j, "under", c->argv[0]);
        if (states) {
                json_open(&j, "states", '[');
                for (; *states; states = *end ? end + 1 : end) {
                        end = states + strcspn(states, ",");
                        json_strn(&j, NULL, states, (size_t) (end - states));
                }
                json_close(&j);
        }
        json_close(&j);
}

static int run_list(struct ctl *c)
{
        autobuf struct buf params = BUF_INIT;
        bool some = false;
        uint32_t reply;
        int r;

        write_params(c, &params);
        r = ctl_call(c, "List", buf_text(&params), true, &reply);
        while (r == CTL_OK) {
                put_nodes(c, jtok_get(&c->doc, reply, "nodes"), &some);
                if (!ctl_continues(c))
                        break;
                r = ctl_next(c, &reply);
        }
        if (r == CTL_OK && c->value[OPT_ALL])
                r = list_units(c, &some);
        if (r == CTL_OK && c->json)
                buf_adds(&c->out, some ? "]\n" : "[]\n");
        return r;
}

const struct ctl_verb verb_list = {
        .name = "list", .args = "[NODE]", .help = "List nodes, a line each.",
        .prose = "In the order of the tree; with a node only what is below it. With --json an array. With --all the "
                 "units that are on disk and not in the tree follow: masked, with errors, left out together with a "
                 "supervisor that has some, new since the last daemon-reload, templates, and those known from "
                 "systemd's directories.",
        .options = options, .max_args = 1, .complete = COMPLETE_NODES, .run = run_list,
};
