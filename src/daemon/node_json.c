/* node_json.c - see node_json.h. */
#include "daemon/node_json.h"

#include "core/bond.h"
#include "daemon/mailroom.h"

#include <string.h>

#include "base/cleanup.h"

#include "base/logstore.h"
#include "core/resolve.h"

void json_text(struct json *j, const char *key, const char *text)
{
        json_str(j, key, text && *text ? text : NULL);
}

void json_count(struct json *j, const char *key, int64_t value)
{
        if (value < 0)
                json_nil(j, key);
        else
                json_int(j, key, value);
}

void json_moment(struct json *j, const char *key, const struct engine *e, nsec at)
{
        char stamp[LOG_STAMP_LEN];

        if (at == NSEC_NEVER) {
                json_nil(j, key);
                return;
        }
        log_stamp((uint64_t) engine_wall_usec(e, at), stamp);
        json_strn(j, key, stamp, LOG_STAMP_LEN - 1);
}

char *reason_words(const struct core *c, const struct reason *r, char *buf, size_t n)
{
        char peer[NODE_PATH_MAX];
        bool has_peer = r->peer != NODE_NONE && (r->kind == REASON_LINKED || r->kind == REASON_DEPENDENCY) &&
                        core_node(c, r->peer);

        return reason_format(r, has_peer ? core_path(c, r->peer, peer, sizeof peer) : NULL, buf, n);
}

static void json_reason(struct json *j, const char *key, const struct engine *e, const struct reason *r)
{
        char words[NODE_PATH_MAX + 64];

        json_text(j, key, reason_words(engine_core(e), r, words, sizeof words));
}

void json_path(struct json *j, const char *key, const struct core *c, node_id id)
{
        autobuf struct buf whole = BUF_INIT;
        char path[NODE_PATH_MAX];

        (void) core_path(c, id, path, sizeof path);
        if (core_path_is_cut(path))
                core_path_add(c, id, &whole);
        json_str(j, key, whole.len ? buf_text(&whole) : path);
}

void json_node_path(struct json *j, const char *key, const struct engine *e, node_id id)
{
        if (id == NODE_NONE || !core_node(engine_core(e), id))
                json_nil(j, key);
        else
                json_path(j, key, engine_core(e), id);
}

/* What Node and Status have in common, in one order. */
static void common_head(struct json *j, const struct engine *e, const struct node *n)
{
        json_node_path(j, "path", e, n->id);
        json_str(j, "unit", spec_name(n->spec));
        json_str(j, "type", n->kind == KIND_SUPERVISOR ? "supervisor" : "service");
        json_str(j, "state", strtab_text(&state_names, n->state));
        json_str(j, "want", strtab_text(&want_names, n->want));
        json_bool(j, "ready", n->ready);
        json_count(j, "main_pid", n->pid_main > 0 ? n->pid_main : -1);
        json_uint(j, "restarts", n->restarts);
        json_reason(j, "last_reason", e, &n->last_reason);
        json_moment(j, "since", e, n->since);
}

void json_node(struct json *j, const char *key, const struct engine *e, const struct node *n)
{
        json_open(j, key, '{');
        common_head(j, e, n);
        json_close(j);
}

/* The supervisor whose limit counts for n: its own, or for a child of one that isolates its supervisor's. */
static const struct node *limit_of(const struct core *c, const struct node *n)
{
        const struct node *parent;

        if (n->kind == KIND_SUPERVISOR)
                return n;
        parent = core_node(c, n->parent);
        return parent && spec_int(parent->spec, D_SUPERVISOR_Escalation) == ISOLATE ? parent : NULL;
}

static void json_intensity(struct json *j, const struct engine *e, const struct node *n)
{
        const struct core *c = engine_core(e);
        const struct node *limit = limit_of(c, n);

        if (!limit) {
                json_nil(j, "intensity");
                return;
        }
        json_open(j, "intensity", '{');
        json_int(j, "max", spec_int(limit->spec, D_SUPERVISOR_MaxRestarts));
        json_uint(j, "used", core_intensity_used(c, n->id, engine_now(e)));
        json_num(j, "window_sec", (double) spec_int(limit->spec, D_SUPERVISOR_MaxRestartsSec) / 1e9);
        json_close(j);
}

static void json_children(struct json *j, const struct engine *e, const struct node *n)
{
        const struct core *c = engine_core(e);

        json_open(j, "children", '[');
        for (node_id id = core_first_child(c, n->id); id != NODE_NONE; id = core_next_sibling(c, id))
                json_node_path(j, NULL, e, id);
        json_close(j);
}

void json_limit(void *arg, const struct engine_limit *l)
{
        struct json *j = arg;

        json_open(j, NULL, '{');
        json_str(j, "directive", l->directive);
        json_str(j, "requested", l->requested);
        json_text(j, "effective", l->effective);
        json_bool(j, "enforced", l->enforced);
        json_str(j, "controller", l->controller);
        json_str(j, "backend", l->backend);
        json_text(j, "why", l->why);
        json_close(j);
}

void json_limits(struct json *j, const char *key, struct engine *e, node_id id)
{
        json_open(j, key, '[');
        engine_limits(e, id, json_limit, j);
        json_close(j);
}

static void json_group(struct json *j, struct engine *e, const struct node *n)
{
        enum { SHOWN = 64 };
        struct cgroup_usage usage = { -1, -1, -1 };
        struct limit_counters c;
        char path[NODE_PATH_MAX + 256];
        pid_t pids[SHOWN];
        size_t count;

        json_text(j, "cgroup", engine_cgroup_path(e, n->id, path, sizeof path));
        if (engine_usage(e, n->id, &usage) < 0)
                usage = (struct cgroup_usage) { -1, -1, -1 };
        engine_counters(e, n->id, &c);
        json_count(j, "memory", c.memory >= 0 ? c.memory : usage.memory);
        json_count(j, "memory_peak", c.memory_peak);
        json_count(j, "cpu_usec", usage.cpu_usec >= 0 ? usage.cpu_usec : c.cpu_usec);
        json_count(j, "throttled_usec", c.throttled_usec);
        json_count(j, "tasks", c.tasks >= 0 ? c.tasks : usage.tasks);
        json_count(j, "tasks_peak", c.tasks_peak);
        json_count(j, "oom_kills", c.oom_kills);
        json_limits(j, "limits", e, n->id);
        json_open(j, "processes", '[');
        count = n->kind == KIND_SERVICE ? engine_pids(e, n->id, pids, SHOWN) : 0;
        for (size_t i = 0; i < count && i < SHOWN; i++)
                json_int(j, NULL, pids[i]);
        json_close(j);
}

static void json_pipe_end(void *arg, const struct pipe_end_told *t)
{
        struct json *j = arg;

        json_open(j, NULL, '{');
        json_str(j, "channel", t->channel);
        json_str(j, "descriptor", t->descriptor);
        json_str(j, "end", t->writes ? "write" : "read");
        json_int(j, "queued", t->pipe.queued);
        if (t->pipe.capacity >= 0)
                json_int(j, "capacity", t->pipe.capacity);
        else
                json_nil(j, "capacity");
        json_bool(j, "full", t->pipe.full);
        json_close(j);
}

static void json_pipes(struct json *j, struct engine *e, const struct node *n)
{
        json_open(j, "channels", '[');
        engine_pipe_ends(e, n->id, json_pipe_end, j);
        json_close(j);
}

static void json_mailbox(struct json *j, struct engine *e, const struct node *n)
{
        struct mail_facts f;

        if (!engine_mail_facts(e, n->id, &f)) {
                json_nil(j, "mailbox");
                return;
        }
        json_open(j, "mailbox", '{');
        json_uint(j, "waiting", f.waiting);
        json_uint(j, "capacity", f.capacity);
        json_uint(j, "bytes", f.bytes);
        json_uint(j, "accepted", f.accepted);
        json_uint(j, "taken", f.taken);
        json_uint(j, "dropped", f.dropped);
        json_uint(j, "rejected", f.rejected);
        json_uint(j, "lost", f.lost);
        json_uint(j, "sent", f.sent);
        json_uint(j, "bounced", f.bounced);
        json_uint(j, "blocked", f.blocked);
        json_bool(j, "sender_waits", f.sender_waits);
        json_close(j);
}

/* Of the bonds of a node: those of one sort, by what they are tied to. */
static void json_bonds(struct json *j, const char *key, const struct engine *e, const struct node *n,
                       enum bond_kind kind)
{
        const struct core *c = engine_core(e);
        uint32_t at = BOND_NONE;
        const struct bond *b;

        json_open(j, key, '[');
        while ((b = core_bond_next(c, n->id, &at))) {
                if (b->kind != kind || (kind == BOND_MONITOR && b->a != n->id) || (kind == BOND_NAME && b->b != n->id))
                        continue;
                if (kind == BOND_NAME)
                        json_str(j, NULL, core_text(c, b->ref));
                else
                        json_node_path(j, NULL, e, b->a == n->id ? b->b : b->a);
        }
        json_close(j);
}

static void json_because(struct json *j, const struct engine *e, const struct node *n)
{
        const struct record *r[1];
        autobuf struct buf text = BUF_INIT;

        if (core_why(engine_core(e), n->id, r, 1) == 1)
                core_explain(engine_core(e), r[0], &text);
        json_text(j, "because", buf_text(&text));
}

void json_denial(struct json *j, const char *key, const struct denial *d)
{
        if (!d) {
                json_nil(j, key);
                return;
        }
        json_open(j, key, '{');
        json_uint(j, "incarnation", d->incarnation);
        json_int(j, "pid", d->pid);
        json_str(j, "program", d->comm);
        json_str(j, "call", d->call);
        json_str(j, "remedy", d->remedy);
        json_close(j);
}

static void json_files(struct json *j, const struct engine *e, const struct node *n)
{
        char dir[NODE_PATH_MAX + 256];

        json_text(j, "file", spec_file(n->spec));
        json_open(j, "drop_ins", '[');
        for (size_t i = 0; i < spec_drop_in_count(n->spec); i++)
                json_str(j, NULL, spec_drop_in(n->spec, i));
        json_close(j);
        json_text(j, "log", engine_log_dir(e, n->id, dir, sizeof dir));
}

static void json_policy(struct json *j, const struct engine *e, const struct node *n)
{
        bool sup = n->kind == KIND_SUPERVISOR;

        json_str(j, "restart", strtab_text(&restart_names, (int) spec_restart(n->spec)));
        json_str(j, "strategy",
                 !sup ? NULL : strtab_text(&strategy_names, (int) spec_int(n->spec, D_SUPERVISOR_Strategy)));
        json_str(j, "escalation",
                 !sup ? NULL : strtab_text(&escalation_names, (int) spec_int(n->spec, D_SUPERVISOR_Escalation)));
        json_intensity(j, e, n);
}

static int depth_of(const struct core *c, const struct node *n)
{
        int depth = 0;

        while (n && n->parent != NODE_NONE) {
                n = core_node(c, n->parent);
                depth++;
        }
        return depth;
}

void json_status(struct json *j, const char *key, struct engine *e, const struct node *n)
{
        bool service = n->kind == KIND_SERVICE;
        const struct said *said = engine_said(e, n->id);
        char left[200];

        json_open(j, key, '{');
        common_head(j, e, n);
        json_text(j, "description", spec_str(n->spec, D_UNIT_Description));
        json_open(j, "documentation", '[');
        for (size_t i = 0; i < spec_count(n->spec, D_UNIT_Documentation); i++)
                json_str(j, NULL, spec_item(n->spec, D_UNIT_Documentation, i));
        json_close(j);
        json_str(j, "service_type",
                 service ? strtab_text(&service_type_names, (int) spec_int(n->spec, D_SERVICE_Type)) : NULL);
        json_bool(j, "frozen", n->frozen);
        json_bool(j, "orphaned", engine_orphaned(e, n->id));
        json_uint(j, "incarnation", n->incarnation);
        json_moment(j, "started_at", e, n->started_at);
        json_moment(j, "next_start_at", e, n->next_start_at);
        json_policy(j, e, n);
        json_children(j, e, n);
        json_node_path(j, "supervisor", e, n->parent);
        json_int(j, "depth", depth_of(engine_core(e), n));
        json_group(j, e, n);
        json_text(j, "status_text", engine_left(e, n->id, left, sizeof(left)) ? left : said->text ? said->text : "");
        json_count(j, "status_errno", said->error > 0 ? said->error : -1);
        json_text(j, "status_bus_error", said->bus_error ? said->bus_error : "");
        json_count(j, "status_exit", said->exit_status - 1);
        json_mailbox(j, e, n);
        json_pipes(j, e, n);
        json_bonds(j, "links", e, n, BOND_LINK);
        json_bonds(j, "watches", e, n, BOND_MONITOR);
        json_bonds(j, "names", e, n, BOND_NAME);
        json_because(j, e, n);
        json_denial(j, "denied", engine_denial(e, n->id));
        json_files(j, e, n);
        json_close(j);
}

/* The line of the unit that a rule quotes. */
static void json_rule_line(struct json *j, const struct engine *e, const struct record *r)
{
        struct origin o = core_quotes(engine_core(e), r);
        bool known = o.line && *o.file;

        json_text(j, "file", known ? o.file : NULL);
        json_count(j, "line", known ? (int64_t) o.line : -1);
}

void json_record(struct json *j, const char *key, const struct engine *e, const struct record *r)
{
        autobuf struct buf text = BUF_INIT;
        struct reason reason = r->reason;

        reason.peer = core_meant(engine_core(e), r, reason.peer);
        core_explain(engine_core(e), r, &text);
        json_open(j, key, '{');
        json_uint(j, "seq", r->seq);
        json_moment(j, "time", e, r->at);
        json_count(j, "cause", r->cause ? (int64_t) r->cause : -1);
        json_str(j, "rule", rule_rows[r->rule].name);
        json_str(j, "event", strtab_text(&event_names, r->event));
        json_node_path(j, "node", e, core_meant(engine_core(e), r, r->node));
        json_node_path(j, "other", e, core_meant(engine_core(e), r, r->other));
        json_uint(j, "incarnation", r->incarnation);
        json_str(j, "from", strtab_text(&state_names, r->from));
        json_str(j, "to", strtab_text(&state_names, r->to));
        json_reason(j, "reason", e, &reason);
        json_str(j, "text", buf_text(&text));
        json_rule_line(j, e, r);
        json_close(j);
}

void json_change(struct json *j, enum reload_change change, const char *path, enum directive directive,
                 const struct spec *before, const struct spec *after)
{
        static const char *const kinds[] = {
                [RELOAD_ADDED] = "added",     [RELOAD_REMOVED] = "removed",       [RELOAD_LIVE] = "live",
                [RELOAD_RESTART] = "restart", [RELOAD_NEXT_START] = "next_start",
        };
        autobuf struct buf old = BUF_INIT, new = BUF_INIT;

        json_open(j, NULL, '{');
        json_str(j, "kind", kinds[change]);
        json_str(j, "node", path);
        json_str(j, "directive", directive == D_NONE ? NULL : directive_rows[directive].key);
        if (directive != D_NONE && before)
                spec_print(before, directive, &old);
        if (directive != D_NONE && after)
                spec_print(after, directive, &new);
        json_str(j, "before", directive == D_NONE ? NULL : buf_text(&old));
        json_str(j, "after", directive == D_NONE ? NULL : buf_text(&new));
        json_close(j);
}

void json_problem(struct json *j, const char *key, bool fatal, const struct err *err)
{
        json_open(j, key, '{');
        json_bool(j, "fatal", fatal);
        json_str(j, "text", err->text);
        json_text(j, "unit", err->unit);
        json_text(j, "file", err->file);
        json_count(j, "line", err->line ? (int64_t) err->line : -1);
        json_text(j, "hint", err->hint);
        json_close(j);
}

node_id node_after(const struct core *c, node_id top, node_id id, int *depth)
{
        node_id next = core_first_child(c, id);
        const struct node *n;

        if (next != NODE_NONE) {
                ++*depth;
                return next;
        }
        while (id != top) {
                next = core_next_sibling(c, id);
                if (next != NODE_NONE)
                        return next;
                n = core_node(c, id);
                if (!n)
                        break;
                id = n->parent;
                --*depth;
        }
        return NODE_NONE;
}
