/* control_read.c - methods that look at nodes: List, Tree, Status, Show, Cat, Graph, Version. */
#include <string.h>
#include <sys/resource.h>

#include "core/bond.h"
#include "core/route.h"
#include "core/show.h"
#include "core/unit_text.h"
#include "daemon/control_priv.h"
#include "daemon/mailroom.h"
#include "daemon/node_json.h"
#include "daemon/options.h"

/* --- List and Tree: a walk that can pause ------------------------------------------------------------------------ */

enum { CHUNK = 32 << 10 }; /* bytes of one reply of a stream */

struct listing {
        uint32_t states;         /* bit i: state i is wanted */
        size_t count, at;
        node_id nodes[];         /* as they were when the call came; what is gone since is left out */
};

static size_t collect(const struct core *c, node_id top, bool with_top, node_id *nodes)
{
        size_t n = 0;
        int depth = 0;
        node_id id = with_top ? top : node_after(c, top, top, &depth);

        for (; id != NODE_NONE; id = node_after(c, top, id, &depth)) {
                if (nodes)
                        nodes[n] = id;
                n++;
        }
        return n;
}

static struct listing *listing_new(const struct core *c, node_id top, bool with_top)
{
        size_t n = collect(c, top, with_top, NULL);
        struct listing *l = malloc(sizeof *l + n * sizeof l->nodes[0]);

        if (!l)
                return NULL;
        *l = (struct listing) { .states = UINT32_MAX, .count = collect(c, top, with_top, l->nodes) };
        return l;
}

/* Write nodes until `limit` bytes are there. */
static void write_nodes(struct call *c, struct json *j, struct listing *l, size_t limit)
{
        const struct node *n;

        json_open(j, "nodes", '[');
        for (; l->at < l->count && c->conn->out.len - c->mark < limit && !buf_failed(&c->conn->out); l->at++) {
                n = core_node(call_core(c), l->nodes[l->at]);
                if (!n || !(l->states & (UINT32_C(1) << n->state)))
                        continue;
                if (c->method == M_List)
                        json_node(j, NULL, call_engine(c), n);
                else
                        json_status(j, NULL, call_engine(c), n);
        }
        json_close(j);
}

static bool produce_nodes(struct call *c)
{
        struct listing *l = c->state;

        write_nodes(c, call_open(c), l, CHUNK);
        call_close(c, l->at < l->count);
        return l->at < l->count;
}

static void drop_listing(struct call *c)
{
        free(c->state);
}

static const struct call_ops listing_ops = { .produce = produce_nodes, .drop = drop_listing };

/* What is known of a node is partly asked of the kernel: a big tree in one go would hold up the loop. */
enum { TREE_AT_ONCE = 256 };

static void answer_nodes(struct call *c, struct listing *l)
{
        c->state = l;
        c->ops = &listing_ops;
        if (!c->in.more && c->method == M_Tree && l->count > TREE_AT_ONCE) {
                call_fail(c, SERVICE_INTERFACE ".ExpectedMore", NULL, NULL, NULL, NULL);
                return;
        }
        if (c->in.more)
                return; /* conn_work() produces */
        write_nodes(c, call_open(c), l, SIZE_MAX);
        call_close(c, false);
}

static bool read_states(struct call *c, json_t *names, uint32_t *ret)
{
        uint32_t set = names ? 0 : UINT32_MAX;

        for (size_t i = 0; i < json_array_size(names); i++) {
                const char *name = json_string_value(json_array_get(names, i));
                int state = strtab_value(&state_names, name);

                if (state < 0) {
                        call_bad_word(c, "states", name, strtab_nearest(state_names.text, (size_t) state_names.count,
                                                                        name), "no such state");
                        return false;
                }
                set |= UINT32_C(1) << state;
        }
        *ret = set;
        return true;
}

void method_List(struct call *c)
{
        json_t *names = param_texts(&c->in, "states", false);
        uint32_t states;
        struct listing *l;
        node_id top;

        if (!call_under(c, "under", &top) || !read_states(c, names, &states))
                return;
        l = listing_new(call_core(c), top, true);
        if (!l) {
                call_fail(c, "Failed", "message", "out of memory", "hint", NULL);
                return;
        }
        l->states = states;
        answer_nodes(c, l);
}

void method_Tree(struct call *c)
{
        struct listing *l;
        node_id top;

        if (!call_under(c, "under", &top))
                return;
        l = listing_new(call_core(c), top, true);
        if (l)
                answer_nodes(c, l);
        else
                call_fail(c, "Failed", "message", "out of memory", "hint", NULL);
}

/* The node of the parameter "node", all parameters checked; NULL: the error has been sent. */
static const struct node *the_node(struct call *c)
{
        const char *name = param_str(&c->in, "node", true);
        node_id id;

        if (!call_params(c) || !call_node(c, name, &id))
                return NULL;
        return core_node(call_core(c), id);
}

void method_Status(struct call *c)
{
        const struct node *n = the_node(c);

        if (!n)
                return;
        json_status(call_open(c), "status", call_engine(c), n);
        call_close(c, false);
}

static void write_file_names(struct json *j, const struct spec *s)
{
        json_str(j, "unit", spec_name(s));
        json_text(j, "file", spec_file(s));
        json_open(j, "drop_ins", '[');
        for (size_t i = 0; i < spec_drop_in_count(s); i++)
                json_str(j, NULL, spec_drop_in(s, i));
        json_close(j);
}

void method_Show(struct call *c)
{
        const struct node *n = the_node(c);
        struct json *j;

        if (!n)
                return;
        j = call_open(c);
        write_file_names(j, n->spec);
        json_settings(j, "settings", n->spec, engine_options(call_engine(c))->isolation);
        call_close(c, false);
}

static void write_text(struct json *j, const struct spec *s)
{
        autobuf struct buf text = BUF_INIT, shown = BUF_INIT;

        unit_text_print(s, false, &text);
        unit_text_hide(&text, &shown);
        json_str(j, "text", buf_text(&shown));
}

void method_Cat(struct call *c)
{
        const struct node *n = the_node(c);
        struct json *j;

        if (!n)
                return;
        j = call_open(c);
        json_str(j, "unit", spec_name(n->spec));
        json_open(j, "files", '[');
        if (spec_file(n->spec)[0])
                json_str(j, NULL, spec_file(n->spec));
        for (size_t i = 0; i < spec_drop_in_count(n->spec); i++)
                json_str(j, NULL, spec_drop_in(n->spec, i));
        json_close(j);
        write_text(j, n->spec);
        call_close(c, false);
}

/* --- Graph ------------------------------------------------------------------------------------------------------- */

static void write_edge(struct json *j, const char *from, const char *to, const char *kind)
{
        json_open(j, NULL, '{');
        json_str(j, "from", from);
        json_str(j, "to", to);
        json_str(j, "kind", kind);
        json_close(j);
}

static const struct {
        enum directive directive;
        const char *kind;
} edge_kinds[] = {
        { D_UNIT_After, "after" },       { D_UNIT_Before, "before" }, { D_UNIT_Requires, "requires" },
        { D_UNIT_Wants, "wants" },       { D_UNIT_BindsTo, "bindsto" }, { D_UNIT_PartOf, "partof" },
        { D_UNIT_Conflicts, "conflicts" },
};

static void write_edges(struct call *c, struct json *j, const struct node *n)
{
        const struct core *core = call_core(c);
        char from[NODE_PATH_MAX], to[NODE_PATH_MAX];
        node_id id;

        (void) core_path(core, n->id, from, sizeof from);
        for (id = core_first_child(core, n->id); id != NODE_NONE; id = core_next_sibling(core, id))
                write_edge(j, from, core_path(core, id, to, sizeof to), "child");
        for (size_t k = 0; k < ARRAY_LEN(edge_kinds); k++)
                for (size_t i = 0; i < spec_count(n->spec, edge_kinds[k].directive); i++) {
                        id = core_find(core, n->parent, spec_item(n->spec, edge_kinds[k].directive, i),
                                       &(unsigned) { 0 });
                        if (id != NODE_NONE)
                                write_edge(j, from, core_path(core, id, to, sizeof to), edge_kinds[k].kind);
                }
}

static void write_bonds(struct call *c, struct json *j, node_id n)
{
        const struct core *core = call_core(c);
        char from[NODE_PATH_MAX], to[NODE_PATH_MAX];
        uint32_t at = BOND_NONE;
        const struct bond *b;

        while ((b = core_bond_next(core, n, &at))) {
                bool link = b->kind == BOND_LINK || b->kind == BOND_WANT_LINK;

                if (b->a == n && (link || b->kind == BOND_MONITOR || b->kind == BOND_WANT_MONITOR))
                        write_edge(j, core_path(core, n, from, sizeof from), core_path(core, b->b, to, sizeof to),
                                   link ? "link" : "monitor");
        }
}

struct channel_edges {
        const struct core *core;
        struct json *j;
        node_id top;
        const char *kind;
};

/* What leads out of the branch, or into it, as well: one of its ends is there. */
static void write_channel_edge(void *arg, const char *channel, node_id from, node_id to)
{
        const struct channel_edges *p = arg;
        char a[NODE_PATH_MAX], b[NODE_PATH_MAX];

        (void) channel;
        if (node_within(p->core, from, p->top) || node_within(p->core, to, p->top))
                write_edge(p->j, core_path(p->core, from, a, sizeof a), core_path(p->core, to, b, sizeof b), p->kind);
}

void method_Graph(struct call *c)
{
        const struct core *core = call_core(c);
        node_id top, id;
        struct channel_edges edges = { .core = core };
        int depth = 0;
        struct json *j;

        if (!call_under(c, "under", &top))
                return;
        j = call_open(c);
        json_open(j, "nodes", '[');
        for (id = top; id != NODE_NONE; id = node_after(core, top, id, &depth))
                json_node(j, NULL, call_engine(c), core_node(core, id));
        json_close(j);
        json_open(j, "edges", '[');
        for (id = top; id != NODE_NONE; id = node_after(core, top, id, &depth)) {
                write_edges(c, j, core_node(core, id));
                write_bonds(c, j, id);
        }
        edges.j = j;
        edges.top = top;
        edges.kind = "pipe";
        engine_pipe_edges(call_engine(c), write_channel_edge, &edges);
        edges.kind = "channel";
        engine_channel_edges(call_engine(c), write_channel_edge, &edges);
        json_close(j);
        call_close(c, false);
}

/* --- Version, LogLevel -------------------------------------------------------------------------------------------- */

static size_t count_nodes(const struct core *c)
{
        return collect(c, NODE_ROOT, true, NULL);
}

/* What the engine itself has used so far. */
static void json_self(struct json *j)
{
        struct rusage u;

        if (getrusage(RUSAGE_SELF, &u) < 0)
                memset(&u, 0, sizeof u);
        json_int(j, "cpu_usec", (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000) +
                                u.ru_utime.tv_usec + u.ru_stime.tv_usec);
        json_int(j, "max_rss", u.ru_maxrss * INT64_C(1024));
}

void method_Version(struct call *c)
{
        const struct options *o = engine_options(call_engine(c));
        const struct core *core = call_core(c);
        struct json *j;

        if (!call_params(c))
                return;
        j = call_open(c);
        json_str(j, "version", PACKAGE_VERSION);
        json_int(j, "pid", o->pid);
        json_str(j, "runtime_dir", o->runtime_dir);
        json_str(j, "log_dir", o->log_dir);
        json_str(j, "state_dir", o->state_dir);
        json_str(j, "log_target", o->log_target == TARGET_CONSOLE ? "console" : "file");
        json_str(j, "isolation", strtab_text(&isolation_names, (int) o->isolation));
        json_str(j, "log_level", log_level_name(log_get_level()));
        json_open(j, "units", '[');
        for (size_t i = 0; i < o->unit_dir_count; i++)
                json_str(j, NULL, o->unit_dirs[i]);
        json_close(j);
        json_moment(j, "started_at", call_engine(c), core_node(core, NODE_ROOT)->started_at);
        json_bool(j, "stopping", engine_stopping(call_engine(c)));
        json_uint(j, "nodes", count_nodes(core));
        json_uint(j, "last_seq", core_last_seq(core));
        json_uint(j, "connections", c->conn->control->count);
        json_self(j);
        json_str(j, "load_report", engine_load_report(call_engine(c)));
        call_close(c, false);
}

void method_LogLevel(struct call *c)
{
        const char *name = param_str(&c->in, "level", false);
        const char *before = log_level_name(log_get_level());
        int level = name ? log_level_from_name(name) : (int) log_get_level();
        struct json *j;

        if (!call_params(c))
                return;
        if (level < 0) {
                call_bad_word(c, "level", name, log_level_nearest(name),
                              "levels are error, warning, notice, info and debug");
                return;
        }
        if (name)
                engine_set_log_level(call_engine(c), (enum log_level) level);
        j = call_open(c);
        json_str(j, "level", log_level_name((enum log_level) level));
        json_str(j, "before", before);
        call_close(c, false);
}
