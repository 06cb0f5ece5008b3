/* world.c - see world.h */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "tests/otp/world.h"

void world_observe(struct world *w, const char *what, const char *name, const char *tail)
{
        autobuf struct buf b = BUF_INIT;

        buf_addf(&b, "%s%s%s", what, name, tail);
        if (buf_failed(&b) || json_array_append_new(w->log, json_string(buf_text(&b))) < 0)
                world_fail(w, "out of memory");
}

void world_fail(struct world *w, const char *fmt, ...)
{
        va_list ap;

        if (w->failed)
                return;
        w->failed = true;
        va_start(ap, fmt);
        (void) vsnprintf(w->why, sizeof(w->why), fmt, ap);
        va_end(ap);
}

void world_free(struct world *w)
{
        free(w->actors);
        free(w->queue);
        free(w->fails);
        free(w->ops);
        free(w);
}

/* At least `least` elements of `size` bytes; what is new is zero. */
static void *grow(void *list, size_t size, size_t *cap, size_t least)
{
        size_t more = 2 * least + 64;
        char *grown;

        if (least <= *cap)
                return list;
        grown = reallocarray(list, more, size);
        if (!grown)
                abort();
        memset(grown + *cap * size, 0, (more - *cap) * size);
        *cap = more;
        return grown;
}

struct actor *world_actor(struct world *w, node_id id)
{
        w->actors = grow(w->actors, sizeof(*w->actors), &w->actor_cap, id + 1U);
        return &w->actors[id];
}

uint32_t world_operation(struct world *w, const char *name)
{
        w->ops = grow(w->ops, sizeof(*w->ops), &w->op_cap, ++w->tokens + 1U);
        w->ops[w->tokens] = (struct operation) { .name = name };
        return w->tokens;
}

const char *world_name(struct world *w, node_id id)
{
        struct actor *a = world_actor(w, id);
        const struct node *n = core_node(w->core, id);

        if (!a->name[0] && n)
                (void) snprintf(a->name, sizeof(a->name), "%s", spec_stem(n->spec));
        return a->name;
}

static void push(struct world *w, struct event e)
{
        w->queue = grow(w->queue, sizeof(*w->queue), &w->cap, w->len + 1);
        w->queue[w->len++] = e;
}

static bool must_fail(struct world *w, const char *name)
{
        for (size_t i = 0; i < w->fail_count; i++) {
                if (strcmp(w->fails[i].name, name) == 0 && w->fails[i].left > 0) {
                        w->fails[i].left--;
                        return true;
                }
        }
        return false;
}

void world_set_fails(struct world *w, const char *name, json_int_t count)
{
        size_t i = 0;

        while (i < w->fail_count && strcmp(w->fails[i].name, name) != 0)
                i++;
        w->fails = grow(w->fails, sizeof(*w->fails), &w->fail_cap, i + 1);
        if (i == w->fail_count)
                w->fail_count++;
        (void) snprintf(w->fails[i].name, sizeof(w->fails[i].name), "%s", name);
        w->fails[i].left = count;
}

static struct event about(const struct action *a, enum event_kind kind)
{
        return (struct event) { .kind = (uint8_t) kind, .node = a->node, .incarnation = a->incarnation,
                                .role = a->role };
}

static void spawn(struct world *w, const struct action *a)
{
        struct event e = about(a, EVT_SPAWNED);

        if (must_fail(w, world_name(w, a->node))) {
                e.kind = EVT_SPAWN_FAILED;
                e.reason = REASON(REASON_SPAWN, ENOENT);
                e.reason.stage = STAGE_EXEC;
                world_observe(w, "start_failed ", world_name(w, a->node), "");
        } else {
                e.arg = 1000 + a->node;
                world_actor(w, a->node)->alive = true;
                world_observe(w, "start ", world_name(w, a->node), "");
        }
        push(w, e);
}

static void end_asked(struct world *w, const struct action *a)
{
        struct event e = about(a, EVT_EXITED);

        if (!world_actor(w, a->node)->alive)
                return;
        world_actor(w, a->node)->alive = false;
        world_observe(w, "stop ", world_name(w, a->node), "");
        e.role = ROLE_MAIN;
        e.reason = REASON(REASON_SIGNAL, 15);
        push(w, e);
}

void world_done(struct world *w, const struct action *a)
{
        char tail[64];

        if (a->token == 0 || a->token > w->tokens)
                return;
        if (w->batch && a->result == RESULT_NOPROC) {
                w->ops[a->token].deferred = true;
                return;
        }
        (void) snprintf(tail, sizeof(tail), " %s%s", a->result == RESULT_OK ? "" : "error:", result_name(a->result));
        world_observe(w, "result ", w->ops[a->token].name, tail);
}

static void perform(struct world *w, const struct action *a)
{
        struct event e;

        switch (a->kind) {
        case ACT_CHECK:
                e = about(a, EVT_CHECKED);
                e.arg = world_actor(w, a->node)->twins || must_fail(w, world_name(w, a->node)) ? VERDICT_FAIL : VERDICT_PASS;
                push(w, e);
                break;
        case ACT_SPAWN:
                spawn(w, a);
                break;
        case ACT_SIGNAL: case ACT_KILL:
                end_asked(w, a);
                break;
        case ACT_WATCH_EMPTY:
                push(w, about(a, EVT_EMPTY));
                break;
        case ACT_DONE:
                world_done(w, a);
                break;
        default:
                break;
        }
}

/* Supervisors have no process: their lives are read from the records. */
static void read_record(struct world *w, const struct record *r)
{
        struct actor *s;

        (void) world_name(w, r->node);
        if (r->rule == RULE_SUP_STARTING) {
                world_actor(w, r->node)->started = world_actor(w, r->node)->by_itself = false;
        } else if (r->rule == RULE_SUP_STARTED) {
                world_actor(w, r->node)->started = true;
                world_observe(w, "start ", world_name(w, r->node), "");
        } else if (r->rule == RULE_INTENSITY || r->rule == RULE_AUTO_SHUTDOWN) {
                world_actor(w, r->node)->by_itself = true;
        } else if (r->rule == RULE_SUP_EXIT) {
                s = world_actor(w, r->node);
                if (!s->started)
                        world_observe(w, "start_failed ", world_name(w, r->node), "");
                else if (s->by_itself)
                        world_observe(w, "sup_exit ", world_name(w, r->node), " shutdown");
                else
                        world_observe(w, "stop ", world_name(w, r->node), "");
        }
}

static void read_records(struct world *w, uint64_t until)
{
        while (w->seen < until) {
                const struct record *r = core_record(w->core, ++w->seen);

                if (r)
                        read_record(w, r);
        }
}

void world_step(struct world *w, struct event e)
{
        struct actions acts;

        e.flags |= w->more;
        acts = core_step(w->core, &e, w->now);
        for (uint32_t i = 0; i < acts.count; i++) {
                bool is_done = acts.list[i].kind == ACT_DONE;

                read_records(w, is_done ? (uint64_t) acts.list[i].arg : acts.list[i].cause);
                perform(w, &acts.list[i]);
        }
        read_records(w, core_last_seq(w->core));
}

void world_settle(struct world *w)
{
        for (;;) {
                if (w->head < w->len)
                        world_step(w, w->queue[w->head++]);
                else if (!w->more && core_deadline(w->core) <= w->now)
                        world_step(w, (struct event) { .kind = EVT_TICK });
                else
                        break;
        }
        w->head = w->len = 0;
}
