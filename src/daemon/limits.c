/* limits.c - which limits hold for a node, and what they tell at its end.
 *
 * A supervisor's limits are written when the first service below it starts; those of a service when the first process
 * of an incarnation does, into a group that counts from zero. What a service says nothing about costs it nothing but
 * one write: the default TasksMax=, where the pids controller belongs to the v2 tree. */
#include <stdio.h>
#include <string.h>

#include "core/resolve.h"
#include "daemon/limits.h"

static struct bound *bound_of(struct engine *e, node_id id)
{
        struct extra *x = engine_extra(e, id);

        if (x && !x->bound)
                x->bound = calloc(1, sizeof(*x->bound));
        return x ? x->bound : NULL;
}

static struct bound *bound_peek(const struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        return run && run->extra ? run->extra->bound : NULL;
}

void limits_free(struct bound *b)
{
        if (b)
                free(b->problems);
        free(b);
}

/* --- counters -------------------------------------------------------------------------------------------------------- */

/* Long enough for a program to end because its child did, short enough not to blame a kill of long ago. */
#define KILL_TELLS (2 * NSEC_PER_SEC)

static int64_t grown(int64_t now, int64_t before)
{
        return now < 0 ? 0 : now - (before < 0 ? 0 : before);
}

static int64_t kills_of(const struct limit_counters *at)
{
        return at->oom_kills < 0 ? 0 : at->oom_kills;
}

/* What can be read no more, because one of its groups is gone, stays as it was. */
static void keep(struct limit_counters *last, const struct limit_counters *now)
{
        int64_t *to = (int64_t *) last;
        const int64_t *from = (const int64_t *) now;

        _Static_assert(sizeof(*last) % sizeof(int64_t) == 0, "nothing but numbers");
        for (size_t i = 0; i < sizeof(*last) / sizeof(int64_t); i++)
                if (from[i] >= 0)
                        to[i] = from[i];
}

/* A service that was handed its group: what happens in groups it made is its own affair (FAILURES D3), but for the one
 * we started it in. */
static void add_inner(struct engine *e, node_id id, const char *path, struct bound *b)
{
        const struct node *node = core_node(e->core, id);
        char inner[PATH_MAX_NODE + 80];
        struct limit_counters c;

        if (!node || !spec_delegates(node->spec))
                return;
        b->last.oom_kills = b->last.oom_kills_own;
        (void) snprintf(inner, sizeof(inner), "%s/%s", path, spec_str(node->spec, D_SERVICE_DelegateSubgroup));
        if (spec_str(node->spec, D_SERVICE_DelegateSubgroup)[0] && limits_count(e->cgroup, inner, &c) == 0 &&
            c.oom_kills_own > 0)
                b->last.oom_kills = (b->last.oom_kills < 0 ? 0 : b->last.oom_kills) + c.oom_kills_own;
}

/* Read while the group is still there (FAILURES D6). */
static struct bound *look(struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);
        struct bound *b = bound_peek(e, id);
        char path[PATH_MAX_NODE];
        struct limit_counters now;

        if (!b || !run || !(run->flags & RUN_COUNTED))
                return NULL;
        if (limits_count(e->cgroup, engine_path(e, id, path, sizeof(path)), &now) == 0)
                keep(&b->last, &now);
        add_inner(e, id, path, b);
        return b;
}

/* Nobody's limit was hit: the machine had no memory left (FAILURES D7). */
static struct reason out_of_memory(struct engine *e, node_id id, const struct bound *b)
{
        char path[PATH_MAX_NODE];
        bool ours = grown(b->last.oom_hits, b->base.oom_hits) > 0 ||
                    limits_oom_hits_above(e->cgroup, engine_path(e, id, path, sizeof(path))) > b->hits_above ||
                    limits_v1_full(e->cgroup, path);

        return REASON(REASON_OUT_OF_MEMORY, !ours);
}

/* Tell the core, once for each, of processes that the kernel has killed. */
static void tell_kills(struct engine *e, node_id id, struct bound *b)
{
        int64_t kills = kills_of(&b->last);

        if (kills <= b->told)
                return;
        b->told = kills;
        b->killed_at = engine_now(e);
        engine_post(e, &(struct event) { .kind = EVT_OOM, .node = id, .incarnation = engine_run(e, id)->incarnation,
                                         .reason = out_of_memory(e, id, b) });
}

/* --- news of kills -------------------------------------------------------------------------------------------------- */

static void on_kills(void *arg, uint64_t cookie)
{
        struct engine *e = arg;
        struct bound *b = look(e, (node_id) cookie);

        if (b)
                tell_kills(e, (node_id) cookie, b);
}

/* v1 rings before it kills: look at 1, 3, 7 ... ms, up to a second in all. */
static void again(struct engine *e)
{
        double wait = .001 * (1U << e->oom_rounds);

        if (!limits_watch_late(e->cgroup) || e->oom_rounds > 9)
                return;
        e->oom_rounds++;
        ev_timer_stop(e->loop, &e->oom_timer);
        ev_timer_set(&e->oom_timer, wait, 0.);
        ev_timer_start(e->loop, &e->oom_timer);
}

static void on_oom_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
        struct engine *e = container_of(w, struct engine, oom_timer);

        (void) loop;
        (void) revents;
        limits_watched(e->cgroup, on_kills, e);
        again(e);
}

static void on_news(struct ev_loop *loop, ev_io *w, int revents)
{
        struct engine *e = container_of(w, struct engine, oom_watch);

        (void) loop;
        (void) revents;
        limits_heard(e->cgroup, on_kills, e);
        e->oom_rounds = 0;
        again(e);
}

void limits_start(struct engine *e)
{
        ev_init(&e->oom_watch, on_news);
        ev_timer_init(&e->oom_timer, on_oom_timer, 0., 0.);
}

/* Nothing is watched before the first group that counts memory. */
static void listen_for(struct engine *e, node_id id, const char *path)
{
        int fd = limits_watch(e->cgroup, path, id) < 0 ? -1 : limits_watch_fd(e->cgroup);

        if (fd < 0 || ev_is_active(&e->oom_watch))
                return;
        ev_io_set(&e->oom_watch, fd, EV_READ);
        ev_io_start(e->loop, &e->oom_watch);
}

static enum isolation isolation_of(const struct engine *e, const struct spec *s)
{
        return spec_isolation(s, e->opt.isolation);
}

/* --- what cannot be had ------------------------------------------------------------------------------------------- */

static int refuse(const struct limits *l, const struct limit_problem *p, struct err *err)
{
        struct origin o = spec_origin(l->spec, limit_directive(p->limit, spec_kind(l->spec)));
        char text[100];

        (void) err_set(err, STAGE_LIMITS, p->error, "set %s: %s", limit_text(l, p->limit, text, sizeof(text)), p->why);
        err_where(err, o.file, o.line);
        err_hint(err, "`coppicectl doctor` tells what this place allows; Isolation=best-effort starts it without");
        return -p->error;
}

static void remember(struct engine *e, node_id id, const struct limit_problems *p)
{
        struct bound *b = bound_of(e, id);

        if (!b)
                return;
        free(b->problems);
        b->problems = NULL;
        if (p->count == 0)
                return;
        b->problems = malloc(sizeof(*b->problems));
        if (b->problems)
                *b->problems = *p;
}

/* Strict: the first of them ends the start. Best-effort: all are logged and kept for status. */
static int judge(struct engine *e, node_id id, const struct limits *l, const struct limit_problems *p, struct err *err)
{
        char path[PATH_MAX_NODE], text[100];

        remember(e, id, p);
        if (p->count == 0)
                return 0;
        if (isolation_of(e, l->spec) == ISOLATION_STRICT)
                return refuse(l, &p->list[0], err);
        for (size_t i = 0; i < p->count; i++)
                log_warning("%s: %s is not enforced: %s", engine_path(e, id, path, sizeof(path)),
                            limit_text(l, p->list[i].limit, text, sizeof(text)), p->list[i].why);
        return 0;
}

/* --- supervisors ---------------------------------------------------------------------------------------------------- */

static int bound_super(struct engine *e, node_id id, const struct spec *s, struct err *err)
{
        struct run *run = engine_run(e, id);
        struct limit_problems p = { 0 };
        struct limits l;
        char path[PATH_MAX_NODE];
        int r;

        if (run->flags & RUN_BOUNDED)
                return 0;
        limits_read(s, limits_facts(e->cgroup), &l);
        r = limits_apply(e->cgroup, engine_path(e, id, path, sizeof(path)), &l, l.said | l.implied, 0, 0, &p);
        if (r < 0)
                return err_set(err, STAGE_LIMITS, -r, "set the limits of %s: %s", path, strerror(-r));
        r = judge(e, id, &l, &p, err);
        if (r == 0)
                run->flags |= RUN_BOUNDED;
        return r;
}

/* The supervisors above, root first. *ret_any: one of them has limits; *ret_count: controllers whose victims must be
 * told apart, service by service. */
static int bound_above(struct engine *e, node_id id, bool *ret_any, unsigned *ret_count, struct err *err)
{
        const struct node *node = core_node(e->core, id);
        struct limits l;
        int r;

        if (!node)
                return 0;
        r = bound_above(e, node->parent, ret_any, ret_count, err);
        if (r < 0 || !limits_any(node->spec))
                return r;
        *ret_any = true;
        limits_read(node->spec, limits_facts(e->cgroup), &l);
        *ret_count |= limits_controllers(l.said) & (CTL_BIT(CTL_MEMORY) | CTL_BIT(CTL_PIDS));
        return bound_super(e, id, node->spec, err);
}

/* --- services ------------------------------------------------------------------------------------------------------- */

/* The default TasksMax=512 of a service that says nothing. On v2 it is one write; a group of its own in a v1 hierarchy
 * would cost a plain start a third more, so there it is left to those that say TasksMax=. */
static void bound_plainly(struct engine *e, const struct spec *s, const char *path, int group)
{
        struct limits l;

        if (group < 0 || strcmp(limits_backend(e->cgroup, CTL_PIDS), "v2") != 0)
                return;
        if (limits_quick_tasks(group, spec_int(s, D_SERVICE_TasksMax)) == 0)
                return;
        limits_read(s, limits_facts(e->cgroup), &l);
        (void) limits_apply(e->cgroup, path, &l, l.implied, 0, 0, NULL);
}

static void begin_counting(struct engine *e, node_id id, const char *path, struct bound *b)
{
        if (limits_count(e->cgroup, path, &b->base) < 0)
                memset(&b->base, 0xff, sizeof(b->base));
        b->last = b->base;
        b->told = kills_of(&b->base);
        b->killed_at = 0;
        b->hits_above = limits_oom_hits_above(e->cgroup, path);
        limits_unwatch(e->cgroup, id);
        listen_for(e, id, path);
}

static int bound_fully(struct engine *e, node_id id, const struct spec *s, const char *path, unsigned count,
                       struct err *err)
{
        struct limit_problems p = { 0 };
        struct bound *b = bound_of(e, id);
        struct limits l;
        int r;

        if (!b)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        (void) limits_drop(e->cgroup, path); /* busy: what KillMode= has left is there, and `base` knows its share */
        limits_read(s, limits_facts(e->cgroup), &l);
        r = limits_apply(e->cgroup, path, &l, l.said | l.implied, 0, count | spec_delegated(s), &p);
        if (r < 0)
                return err_set(err, STAGE_LIMITS, -r, "set the limits of its group: %s", strerror(-r));
        begin_counting(e, id, path, b);
        engine_run(e, id)->flags |= RUN_COUNTED;
        return judge(e, id, &l, &p, err);
}

int limits_begin(struct engine *e, node_id id, const struct spec *s, const char *path, int group, bool fresh,
                 struct err *err)
{
        struct run *run = engine_run(e, id);
        const struct node *node = core_node(e->core, id);
        bool any = limits_any(s);
        unsigned count = 0;
        int r;

        if (run->flags & RUN_BOUNDED)
                return 0;
        r = bound_above(e, node->parent, &any, &count, err);
        if (r == 0 && any)
                r = bound_fully(e, id, s, path, count, err);
        else if (r == 0 && fresh)
                bound_plainly(e, s, path, group);
        if (r == 0)
                run->flags |= RUN_BOUNDED;
        return r;
}

/* --- a changed spec --------------------------------------------------------------------------------------------------- */

static const struct limit_facts no_facts = { 1, 1 };

uint32_t limits_had(const struct spec *s)
{
        struct limits l;

        limits_read(s, &no_facts, &l);
        return l.said | l.implied;
}

static void note_all(struct engine *e, node_id id, const struct limits *l, const struct limit_problems *p)
{
        char path[PATH_MAX_NODE], text[100];

        remember(e, id, p);
        for (size_t i = 0; i < p->count; i++)
                log_warning("%s: %s is not enforced: %s", engine_path(e, id, path, sizeof(path)),
                            limit_text(l, p->list[i].limit, text, sizeof(text)), p->list[i].why);
}

/* Write what is said now, take back what is not said any more. */
static void write_again(struct engine *e, node_id id, const struct spec *s, uint32_t before, unsigned count)
{
        struct limit_problems p = { 0 };
        char path[PATH_MAX_NODE];
        struct limits l;
        uint32_t now;
        int r;

        limits_read(s, limits_facts(e->cgroup), &l);
        now = l.said | l.implied;
        r = limits_apply(e->cgroup, engine_path(e, id, path, sizeof(path)), &l, now, before & ~now, count, &p);
        if (r < 0)
                log_warning("%s: change its limits: %s", path, strerror(-r));
        note_all(e, id, &l, &p);
}

/* A running service: new groups of v1 begin to count now, and its processes move there. */
static void change_service(struct engine *e, node_id id, uint32_t before)
{
        const struct node *node = core_node(e->core, id);
        struct run *run = engine_run(e, id);
        bool any = limits_any(node->spec), counted = run->flags & RUN_COUNTED;
        struct bound *b = bound_of(e, id);
        struct err err = { 0 };
        char path[PATH_MAX_NODE];
        unsigned count = 0;
        int r;

        if (!(run->flags & RUN_BOUNDED) || !b)
                return;
        (void) bound_above(e, node->parent, &any, &count, &err);
        if (!any && !counted)
                return;
        write_again(e, id, node->spec, before, count);
        run->flags |= RUN_COUNTED;
        r = limits_settle(e->cgroup, engine_path(e, id, path, sizeof(path)));
        if (r < 0)
                log_warning("%s: move its processes to the groups of its limits: %s", path, strerror(-r));
        if (!counted || b->base.oom_kills < 0)
                begin_counting(e, id, path, b);
}

static void change_below(struct engine *e, node_id id)
{
        for (node_id child = core_first_child(e->core, id); child != NODE_NONE;
             child = core_next_sibling(e->core, child)) {
                if (core_node(e->core, child)->kind == KIND_SERVICE)
                        change_service(e, child, 0);
                else
                        change_below(e, child);
        }
}

void limits_changed(struct engine *e, node_id id, uint32_t before)
{
        const struct node *node = core_node(e->core, id);
        bool any = node && (before || limits_any(node->spec));

        if (!any || !(engine_run(e, id)->flags & RUN_BOUNDED || node->kind == KIND_SUPERVISOR))
                return;
        if (node->kind == KIND_SERVICE) {
                change_service(e, id, before);
                return;
        }
        if (engine_run(e, id)->flags & RUN_BOUNDED)
                write_again(e, id, node->spec, before, 0);
        change_below(e, id);
}

int limits_enter(struct engine *e, node_id id, const char *path, int fds[CTL_COUNT], struct err *err)
{
        int n;

        if (!(engine_run(e, id)->flags & RUN_COUNTED))
                return 0;
        n = limits_join(e->cgroup, path, fds);
        return n < 0 ? err_set(err, STAGE_LIMITS, -n, "open the control groups of its limits: %s", strerror(-n)) : n;
}

/* Commands beside the main process have a group of their own: the service may have handed controllers on in its own. */
int limits_delegate(struct engine *e, const struct spec *s, const char *path, uid_t uid, gid_t gid, bool control,
                    int *ret_fd, struct err *err)
{
        const char *inner = control ? "coppice-control" : spec_str(s, D_SERVICE_DelegateSubgroup);
        struct origin o = spec_origin(s, D_SERVICE_Delegate);
        int r;

        if (!spec_delegates(s) || cgroup_backend(e->cgroup) == CGROUP_NONE)
                return 0;
        r = cgroup_delegate(e->cgroup, path, uid, gid);
        if (r == 0 && inner[0] != '\0')
                r = cgroup_inner(e->cgroup, path, inner, uid, gid, ret_fd);
        if (r < 0) {
                (void) err_set(err, STAGE_CGROUP, -r, "hand its control group to the service: %s", strerror(-r));
                err_where(err, o.file, o.line);
        }
        return r;
}

/* --- the end ---------------------------------------------------------------------------------------------------------- */

/* A kill by the kernel is its doing however the main process took it (FAILURES D2): by dying, or by a code of its own
 * because a child died. */
struct reason limits_reason(struct engine *e, node_id id, struct reason r)
{
        bool killed = r.kind == REASON_SIGNAL && r.code == SIGKILL, failed = r.kind == REASON_EXIT && r.code != 0;
        struct bound *b = killed || failed ? look(e, id) : NULL;

        if (!b)
                return r;
        tell_kills(e, id, b);
        if (b->killed_at && engine_now(e) - b->killed_at < KILL_TELLS)
                return out_of_memory(e, id, b);
        if (failed && grown(b->last.pids_hits, b->base.pids_hits) > 0)
                return REASON(REASON_LIMIT_PIDS, 0);
        return r;
}

void engine_counters(struct engine *e, node_id id, struct limit_counters *ret)
{
        const struct run *run = engine_peek(e, id);
        const struct node *node = core_node(e->core, id);
        const struct bound *b = bound_peek(e, id);
        char path[PATH_MAX_NODE];

        memset(ret, 0xff, sizeof(*ret));
        if (!node || !run || (node->kind == KIND_SERVICE && !(run->flags & RUN_BOUNDED)))
                return;
        if (limits_count(e->cgroup, engine_path(e, id, path, sizeof(path)), ret) < 0 || !b)
                return;
        if (ret->oom_kills >= 0)
                ret->oom_kills = grown(ret->oom_kills, b->base.oom_kills);
        if (ret->pids_hits >= 0)
                ret->pids_hits = grown(ret->pids_hits, b->base.pids_hits);
}

/* What was found wrong with it when it was set last. */
static const struct limit_problem *problem_of(const struct bound *b, enum limit limit)
{
        for (size_t i = 0; b && b->problems && i < b->problems->count; i++)
                if (b->problems->list[i].limit == limit)
                        return &b->problems->list[i];
        return NULL;
}

static void describe(struct engine *e, const char *path, const struct limits *l, enum limit limit, bool bounded,
                     const struct limit_problem *p, struct engine_limit *ret)
{
        enum controller ctl = limit_controller(limit);
        char text[120];

        ret->directive = directive_rows[limit_directive(limit, spec_kind(l->spec))].key;
        ret->controller = strtab_text(&controller_names, (int) ctl);
        ret->backend = limits_backend(e->cgroup, ctl);
        (void) snprintf(ret->requested, sizeof(ret->requested), "%s",
                        strchr(limit_text(l, limit, text, sizeof(text)), '=') + 1);
        if (p)
                (void) snprintf(ret->why, sizeof(ret->why), "%s", p->why);
        else
                (void) limits_why_not(e->cgroup, ctl, ret->why, sizeof(ret->why));
        ret->enforced = ret->why[0] == '\0';
        if (!bounded || !ret->enforced ||
            limits_effective(e->cgroup, path, limit, ret->effective, sizeof(ret->effective)) < 0)
                ret->effective[0] = '\0';
}

void engine_limits(struct engine *e, node_id id, engine_limit_fn *fn, void *arg)
{
        const struct node *node = core_node(e->core, id);
        const struct run *run = engine_peek(e, id);
        const struct bound *b = bound_peek(e, id);
        char path[PATH_MAX_NODE];
        struct limits l;

        if (!node)
                return;
        limits_read(node->spec, limits_facts(e->cgroup), &l);
        if (!limits_any(node->spec) && strcmp(limits_backend(e->cgroup, CTL_PIDS), "v2") != 0)
                l.implied = 0;
        (void) engine_path(e, id, path, sizeof(path));
        for (int i = 0; i < LIMIT_COUNT; i++) {
                struct engine_limit one = { 0 };

                if (!((l.said | l.implied) & LIMIT_BIT(i)))
                        continue;
                describe(e, path, &l, (enum limit) i, run && run->flags & RUN_BOUNDED, problem_of(b, (enum limit) i), &one);
                fn(arg, &one);
        }
        sandbox_limits(e, node->spec, fn, arg);
}

void limits_look(struct engine *e, node_id id)
{
        (void) look(e, id);
}

void limits_end(struct engine *e, node_id id)
{
        struct run *run = engine_run(e, id);
        char path[PATH_MAX_NODE];

        if (run->flags & RUN_COUNTED) {
                struct bound *b = look(e, id);
                struct limit_counters used;

                if (b) {
                        used = b->last;
                        used.oom_kills = b->last.oom_kills < 0 ? -1 : grown(b->last.oom_kills, b->base.oom_kills);
                        ledger_used(e, id, &used);
                }
                limits_unwatch(e->cgroup, id);
                (void) limits_drop(e->cgroup, engine_path(e, id, path, sizeof(path)));
        }
        run->flags &= ~(unsigned) (RUN_COUNTED | RUN_BOUNDED);
}
