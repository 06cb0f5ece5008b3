/* cmd_tree.c - tree: the supervision tree with state, strategy, how much of the limit is used, memory, last reason. */
#include <string.h>

#include "base/json.h"
#include "ctl/ctl.h"

/* A node's line is made when its reply comes; the branches before it only when all are there: a node is its parent's
 * last child when no later node has its depth before one of a smaller depth comes. */
struct row {
        int depth;
        bool last;
        size_t at;               /* where its line begins */
};
struct rows {
        struct row *list;        /* owned */
        size_t count, cap;
        struct buf lines;
};

static void mark_last(struct row *rows, size_t n)
{
        struct row *open[64] = { NULL }; /* the latest row of each depth */

        for (size_t i = 0; i < n; i++) {
                int depth = rows[i].depth < 64 ? rows[i].depth : 63;

                if (open[depth])
                        open[depth]->last = false;
                rows[i].last = true;
                open[depth] = &rows[i];
                for (int k = depth + 1; k < 64; k++)
                        open[k] = NULL; /* what comes deeper has another parent */
        }
}

/* `open[d]`: the row of depth d above this one has siblings yet to come. */
static void put_branches(struct ctl *c, const struct row *row, int top, bool open[64])
{
        int depth = row->depth - top;

        if (depth < 64)
                open[depth] = !row->last;
        put_color(c, COLOR_DIM);
        for (int k = 1; k < depth && k < 64; k++)
                buf_adds(&c->out, open[k] ? "|  " : "   ");
        if (depth > 0)
                buf_adds(&c->out, row->last ? "`- " : "|- ");
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

/* The line goes to c->out as all output does and is moved from there. */
static bool add_row(struct ctl *c, struct rows *rows, uint32_t t)
{
        struct row *grown;
        size_t before = c->out.len;

        if (rows->count == rows->cap) {
                rows->cap = rows->cap ? rows->cap * 2 : 64;
                grown = reallocarray(rows->list, rows->cap, sizeof *grown);
                if (!grown)
                        return false;
                rows->list = grown;
        }
        rows->list[rows->count] = (struct row) { .depth = (int) jget_int(&c->doc, t, "depth", 0),
                                                 .at = rows->lines.len };
        put_row(c, t, rows->count++ == 0);
        buf_add(&rows->lines, c->out.data + before, c->out.len - before);
        c->out.len = before;
        return !buf_failed(&rows->lines) && !buf_failed(&c->out);
}

static int add_nodes(struct ctl *c, struct rows *rows, uint32_t nodes)
{
        for (uint32_t t = jtok_first(&c->doc, nodes); t != JTOK_NONE; t = jtok_after(&c->doc, nodes, t)) {
                if (c->json) {
                        buf_adds(&c->out, rows->count++ ? ",\n " : "[");
                        jtok_print(&c->doc, t, &c->out);
                } else if (!add_row(c, rows, t)) {
                        return ctl_error(CTL_FAILED, "out of memory");
                }
        }
        return CTL_OK;
}

static void put_rows(struct ctl *c, struct rows *rows)
{
        bool open[64] = { false };
        size_t end;

        mark_last(rows->list, rows->count);
        for (size_t i = 0; i < rows->count; i++) {
                end = i + 1 < rows->count ? rows->list[i + 1].at : rows->lines.len;
                put_branches(c, &rows->list[i], rows->list[0].depth, open);
                buf_add(&c->out, rows->lines.data + rows->list[i].at, end - rows->list[i].at);
        }
}

static int run_tree(struct ctl *c)
{
        autobuf struct buf params = BUF_INIT;
        struct json j = json_start(&params);
        struct rows rows = { .lines = BUF_INIT };
        uint32_t reply;
        int r;

        json_open(&j, NULL, '{');
        if (c->argc > 0)
                json_str(&j, "under", c->argv[0]);
        json_close(&j);
        r = ctl_call(c, "Tree", buf_text(&params), true, &reply);
        while (r == CTL_OK) {
                r = add_nodes(c, &rows, jtok_get(&c->doc, reply, "nodes"));
                if (r != CTL_OK || !ctl_continues(c))
                        break;
                r = ctl_next(c, &reply);
        }
        if (r == CTL_OK && c->json)
                buf_adds(&c->out, rows.count ? "]\n" : "[]\n");
        else if (r == CTL_OK)
                put_rows(c, &rows);
        free(rows.list);
        buf_free(&rows.lines);
        return r;
}

const struct ctl_verb verb_tree = {
        .name = "tree", .args = "[NODE]", .help = "Show the supervision tree.",
        .prose = "Of each node its state; of a supervisor its strategy and how many restarts of its limit are used "
                 "(\"2/5 in 10 s\"); of a service its process, for how long it has been in this state, restarts, "
                 "memory, and why it ended last. With --json an array in the order of the tree, each with its depth.",
        .max_args = 1, .complete = COMPLETE_NODES, .run = run_tree,
};
