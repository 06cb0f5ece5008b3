/* cmd_graph.c - graph: nodes and what lies between them, for dot, mermaid or programs. */
#include <string.h>

#include "ctl/ctl.h"

enum { OPT_DOT, OPT_MERMAID };
static const struct ctl_option options[] = {
        [OPT_DOT] = { "dot", 0, NULL, "For Graphviz: coppicectl graph --dot | dot -Tsvg. The default." },
        [OPT_MERMAID] = { "mermaid", 0, NULL, "For Mermaid, which many web pages draw." },
        { 0 },
};

static const char *dot_color(const char *state)
{
        static const char *const colors[] = {
                [COLOR_NONE] = "gray", [COLOR_DIM] = "gray", [COLOR_RED] = "red3", [COLOR_GREEN] = "green4",
                [COLOR_YELLOW] = "orange3", [COLOR_BLUE] = "blue3", [COLOR_BOLD] = "black",
        };

        return colors[state_color(state)];
}

/* A name stands for itself, but a label is made of it, and there a backslash begins something. */
static void put_dot_label(struct ctl *c, const char *path)
{
        if (!strchr(path, '\\'))
                return;
        buf_adds(&c->out, ", label=\"");
        for (; *path; path++)
                buf_adds(&c->out, *path == '\\' ? "\\\\" : (char[]) { *path, 0 });
        buf_addc(&c->out, '"');
}

static void put_dot(struct ctl *c, uint32_t nodes, uint32_t edges)
{
        const struct jdoc *d = &c->doc;
        const char *kind;

        buf_adds(&c->out, "digraph coppice {\n        node [shape=box, fontname=sans];\n");
        for (uint32_t t = jtok_first(d, nodes); t != JTOK_NONE; t = jtok_after(d, nodes, t)) {
                buf_addf(&c->out, "        \"%s\" [color=%s%s, tooltip=\"%s\"", jget_text(d, t, "path"),
                         dot_color(jget_text(d, t, "state")),
                         strcmp(jget_text(d, t, "type"), "supervisor") == 0 ? ", shape=ellipse" : "",
                         jget_text(d, t, "state"));
                put_dot_label(c, jget_text(d, t, "path"));
                buf_adds(&c->out, "];\n");
        }
        for (uint32_t t = jtok_first(d, edges); t != JTOK_NONE; t = jtok_after(d, edges, t)) {
                kind = jget_text(d, t, "kind");
                buf_addf(&c->out, "        \"%s\" -> \"%s\"", jget_text(d, t, "from"), jget_text(d, t, "to"));
                buf_addf(&c->out, strcmp(kind, "child") == 0 ? ";\n" : " [style=dashed, constraint=false, label=%s];\n",
                         kind);
        }
        buf_adds(&c->out, "}\n");
}

/* Mermaid's names are n0, n1 ... in the order of the nodes. */
static uint32_t number_of(const struct ctl *c, uint32_t nodes, const char *path)
{
        uint32_t n = 0;

        for (uint32_t t = jtok_first(&c->doc, nodes); t != JTOK_NONE; t = jtok_after(&c->doc, nodes, t), n++)
                if (strcmp(jget_text(&c->doc, t, "path"), path) == 0)
                        return n;
        return n;
}

static void put_mermaid(struct ctl *c, uint32_t nodes, uint32_t edges)
{
        const struct jdoc *d = &c->doc;
        uint32_t n = 0, from, to, count = jtok_size(d, nodes);
        const char *kind;

        buf_adds(&c->out, "flowchart TD\n");
        for (uint32_t t = jtok_first(d, nodes); t != JTOK_NONE; t = jtok_after(d, nodes, t), n++) {
                bool sup = strcmp(jget_text(d, t, "type"), "supervisor") == 0;

                buf_addf(&c->out, "    n%u%s\"%s (%s)\"%s\n", n, sup ? "([" : "[", jget_text(d, t, "path"),
                         jget_text(d, t, "state"), sup ? "])" : "]");
        }
        for (uint32_t t = jtok_first(d, edges); t != JTOK_NONE; t = jtok_after(d, edges, t)) {
                kind = jget_text(d, t, "kind");
                from = number_of(c, nodes, jget_text(d, t, "from"));
                to = number_of(c, nodes, jget_text(d, t, "to"));
                if (from == count || to == count)
                        continue; /* leads out of the branch */
                if (strcmp(kind, "child") == 0)
                        buf_addf(&c->out, "    n%u --> n%u\n", from, to);
                else
                        buf_addf(&c->out, "    n%u -. %s .-> n%u\n", from, kind, to);
        }
}

static int run_graph(struct ctl *c)
{
        uint32_t reply, nodes, edges;
        int r = ctl_call_text(c, "Graph", "under", c->argc ? c->argv[0] : NULL, &reply);

        if (r != CTL_OK)
                return r;
        nodes = jtok_get(&c->doc, reply, "nodes");
        edges = jtok_get(&c->doc, reply, "edges");
        if (c->json) {
                ctl_put_json(c, reply);
        } else if (c->value[OPT_MERMAID]) {
                put_mermaid(c, nodes, edges);
        } else {
                put_dot(c, nodes, edges);
        }
        return CTL_OK;
}

const struct ctl_verb verb_graph = {
        .name = "graph", .args = "[NODE]", .help = "Draw the tree and the relations between its nodes.",
        .prose = "Solid lines lead from supervisors to children, dashed ones tell After=, Requires= and the like, "
                 "links and monitors, and who writes to whom by a pipe or a channel. With --json an object {nodes, "
                 "edges}.",
        .options = options, .max_args = 1, .complete = COMPLETE_NODES, .run = run_graph,
};
