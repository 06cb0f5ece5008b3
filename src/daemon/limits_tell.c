/* limits_tell.c - what the counters of a limited group tell: kills by the kernel, the reason of an end, what was
 * used. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine_priv.h"
#include "daemon/ledger.h"
#include "daemon/limits.h"
#include "daemon/sandbox.h"

static struct bound *bound_peek(const struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        return run && run->extra ? run->extra->bound : NULL;
}

/* --- counters ----------------------------------------------------------------------------------------------------- */

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

/* --- news of kills ------------------------------------------------------------------------------------------------ */

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

        if (watch_renewed(loop, w, revents))
                return;
        limits_heard(e->cgroup, on_kills, e);
        e->oom_rounds = 0;
        again(e);
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

void limits_count_from_now(struct engine *e, node_id id, const char *path, struct bound *b)
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

/* A new engine knows which services are counted, not from where on: their groups began at zero with their lives. What
 * was killed while no engine lived is told now. */
static void resume(struct engine *e, node_id id)
{
        const struct node *node = core_node(e->core, id);
        struct bound *b = node && node->kind == KIND_SERVICE ? limits_bound(e, id) : NULL;
        char path[PATH_MAX_NODE];

        if (!b)
                return;
        memset(b, 0, sizeof(*b));
        listen_for(e, id, engine_path(e, id, path, sizeof(path)));
        b->hits_above = limits_oom_hits_above(e->cgroup, path);
        if (look(e, id) && spec_oom_policy(node->spec) != OOM_CONTINUE)
                tell_kills(e, id, b);
        b->told = kills_of(&b->last);
}

void limits_start(struct engine *e)
{
        bool adopted = false;

        ev_init(&e->oom_watch, on_news);
        ev_timer_init(&e->oom_timer, on_oom_timer, 0., 0.);
        for (node_id id = 0; id < e->run_cap; id++) {
                if (!(e->runs[id].flags & RUN_COUNTED))
                        continue;
                if (!adopted)
                        limits_adopt(e->cgroup);
                adopted = true;
                resume(e, id);
        }
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

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
                describe(e, path, &l, (enum limit) i, run && run->flags & RUN_BOUNDED,
                         problem_of(b, (enum limit) i), &one);
                fn(arg, &one);
        }
        sandbox_limits(e, node->spec, fn, arg);
}

struct missing {
        const struct spec *spec;
        engine_limit_fn *fn;
        void *arg;
};

static void pass_missing(void *arg, const struct engine_limit *l)
{
        const struct missing *m = arg;
        const enum directive d = directive_find(section_of_kind(spec_kind(m->spec)), l->directive);

        if (!l->enforced && (d == D_NONE || spec_has(m->spec, d)))
                m->fn(m->arg, l);
}

void engine_limits_missing(struct engine *e, node_id id, engine_limit_fn *fn, void *arg)
{
        const struct node *node = core_node(e->core, id);

        if (node && spec_isolation(node->spec, e->opt.isolation) == ISOLATION_BEST_EFFORT)
                engine_limits(e, id, pass_missing, &(struct missing) { node->spec, fn, arg });
}

void limits_explain_fork(struct engine *e, node_id id, struct err *err)
{
        char path[PATH_MAX_NODE], max[32];
        struct limit_counters c;
        const struct node *node;

        for (; (node = core_node(e->core, id)); id = node->parent) {
                (void) engine_path(e, id, path, sizeof(path));
                if (limits_count(e->cgroup, path, &c) < 0 ||
                    limits_effective(e->cgroup, path, LIMIT_TASKS_MAX, max, sizeof(max)) < 0 || max[0] == 'm' ||
                    c.tasks < strtoll(max, NULL, 10))
                        continue;
                (void) snprintf(err->text, sizeof(err->text), "create the process: TasksMax=%s of %.160s is used up",
                                max, path);
                return;
        }
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
