/* cmd_tree.c - tree: the supervision tree with state, strategy, how much of the limit is used, memory, last reason. */
#include <string.h>

#include "ctl/ctl.h"

/* The branch lines are drawn from the depth alone: a node is its parent's last child when no later node has its
 * depth before one of a smaller depth comes. */
struct row {
        uint32_t token;
        int depth;
        bool last;
};

static void mark_last(struct row *rows, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                size_t k = i + 1;

                while (k < n && rows[k].depth > rows[i].depth)
                        k++;
                rows[i].last = k == n || rows[k].depth < rows[i].depth;
        }
}

static void put_branches(struct ctl *c, const struct row *rows, size_t at, int top)
{
        bool open[64] = { false };
        int depth = rows[at].depth - top;

        for (size_t i = 0; i <= at; i++)
                if (rows[i].depth - top >= 0 && rows[i].depth - top < 64)
                        open[rows[i].depth - top] = !rows[i].last;
        put_color(c, COLOR_DIM);
        for (int k = 1; k < depth && k < 64; k++)
                buf_adds(&c->out, open[k] ? "|  " : "   ");
        if (depth > 0)
                buf_adds(&c->out, rows[at].last ? "`- " : "|- ");
        put_color(c, COLOR_NONE);
}

static void put_sup(struct ctl *c, uint32_t t)
{
        buf_addf(&c->out, "  [%s, ", jget_text(&c->doc, t, "strategy"));
        put_intensity(c, jtok_get(&c->doc, t, "intensity"));
        buf_addc(&c->out, ']');
}

static void put_life(struct ctl *c, uint32_t t)
{
        const struct jdoc *d = &c->doc;
        int64_t restarts = jget_int(d, t, "restarts", 0), pid = jget_int(d, t, "main_pid", 0), since;

        if (pid > 0)
                buf_addf(&c->out, "  pid %lld", (long long) pid);
        if (stamp_read(jget_text(d, t, "since"), &since) && wall_usec() > since) {
                buf_adds(&c->out, "  ");
                put_span(&c->out, wall_usec() - since);
        }
        if (restarts > 0)
                buf_addf(&c->out, "  %lld restart%s", (long long) restarts, restarts == 1 ? "" : "s");
        if (strcmp(jget_text(d, t, "type"), "service") == 0 && restarts > 0 &&
            jtok_kind(d, jtok_get(d, t, "intensity")) == JTOK_OBJECT) {
                buf_adds(&c->out, " (");
                put_intensity(c, jtok_get(d, t, "intensity"));
                buf_addc(&c->out, ')');
        }
}

static void put_row(struct ctl *c, uint32_t t, bool top)
{
        const struct jdoc *d = &c->doc;
        const char *path = jget_text(d, t, "path"), *state = jget_text(d, t, "state");
        const char *reason = jget_text(d, t, "last_reason"), *slash = strrchr(path, '/');
        int64_t memory = jget_int(d, t, "memory", -1);

        put_colored(c, state_color(state), state_glyph(c, state));
        buf_addc(&c->out, ' ');
        put_colored(c, COLOR_BOLD, top || !slash ? path : slash + 1);
        buf_adds(&c->out, "  ");
        put_colored(c, state_color(state), state);
        if (jget_true(d, t, "frozen"))
                buf_adds(&c->out, ", frozen");
        if (jget_text(d, t, "strategy"))
                put_sup(c, t);
        put_life(c, t);
        if (memory > 0) {
                buf_adds(&c->out, "  ");
                put_size(&c->out, memory);
        }
        if (reason)
                buf_addf(&c->out, "  last: %s", reason);
        buf_addc(&c->out, '\n');
}

static int put_tree(struct ctl *c, uint32_t nodes)
{
        uint32_t count = jtok_size(&c->doc, nodes), n = 0;
        autofree struct row *rows = calloc(count ? count : 1, sizeof *rows);

        if (!rows)
                return ctl_error(CTL_FAILED, "out of memory");
        for (uint32_t t = jtok_first(&c->doc, nodes); t != JTOK_NONE; t = jtok_after(&c->doc, nodes, t))
                rows[n++] = (struct row) { .token = t, .depth = (int) jget_int(&c->doc, t, "depth", 0) };
        mark_last(rows, n);
        for (uint32_t i = 0; i < n; i++) {
                put_branches(c, rows, i, rows[0].depth);
                put_row(c, rows[i].token, i == 0);
        }
        return CTL_OK;
}

static int run_tree(struct ctl *c)
{
        uint32_t reply;
        int r = ctl_call_text(c, "Tree", "under", c->argc ? c->argv[0] : NULL, &reply);

        if (r != CTL_OK)
                return r;
        if (!c->json)
                return put_tree(c, jtok_get(&c->doc, reply, "nodes"));
        jtok_print(&c->doc, jtok_get(&c->doc, reply, "nodes"), &c->out);
        buf_addc(&c->out, '\n');
        return CTL_OK;
}

const struct ctl_verb verb_tree = {
        .name = "tree", .args = "[NODE]", .help = "Show the supervision tree.",
        .prose = "Of each node its state; of a supervisor its strategy and how many restarts of its limit are used "
                 "(\"2/5 in 10 s\"); of a service its process, for how long it has been in this state, restarts, memory, "
                 "and why it ended last. With --json an array in the order of the tree, each with its depth.",
        .max_args = 1, .complete = COMPLETE_NODES, .run = run_tree,
};
