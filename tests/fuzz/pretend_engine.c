/* pretend_engine.c - see pretend_engine.h. */
#include "tests/fuzz/pretend_priv.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/bond.h"

void must(bool holds, const char *promise)
{
        if (holds)
                return;
        (void) fprintf(stderr, "broken promise: %s\n", promise);
        abort();
}

/* --- what control.c may ask ------------------------------------------------------------------------------------------ */

struct ev_loop *engine_loop(const struct engine *e)
{
        return e->loop;
}

const struct core *engine_core(const struct engine *e)
{
        return e->core;
}

const struct options *engine_options(const struct engine *e)
{
        return &e->options;
}

nsec engine_now(const struct engine *e)
{
        return e->now;
}

int64_t engine_wall_usec(const struct engine *e, nsec at)
{
        (void) e;
        return INT64_C(1795000000000000) + at / NSEC_PER_USEC;
}

bool engine_stopping(const struct engine *e)
{
        return e->stopping;
}

void engine_post(struct engine *e, const struct event *event)
{
        if (e->queued < QUEUE)
                e->queue[e->queued++] = *event;
}

uint32_t engine_request(struct engine *e, const struct event *event, engine_done_fn *fn, void *arg)
{
        struct event named = *event;

        if (e->waiting == WAITERS || e->queued == QUEUE)
                return 0;
        named.token = ++e->token;
        if (fn)
                e->waiters[e->waiting++] = (struct waiter) { named.token, fn, arg };
        engine_post(e, &named);
        return named.token;
}

static bool take_waiter(struct engine *e, uint32_t token, struct waiter *ret)
{
        for (size_t i = 0; i < e->waiting; i++)
                if (e->waiters[i].token == token) {
                        *ret = e->waiters[i];
                        e->waiters[i] = e->waiters[--e->waiting];
                        return true;
                }
        return false;
}

void engine_request_forget(struct engine *e, uint32_t token)
{
        struct waiter w;

        must(take_waiter(e, token, &w), "only a request that is open is forgotten");
}

void engine_shutdown(struct engine *e, nsec budget, int code)
{
        (void) budget, (void) code;
        e->stopping = true; /* the pretend world goes on: the next input wants it too */
}

int engine_end(struct engine *e, enum init_end end)
{
        (void) e;
        return end == INIT_END_EXIT ? 0 : -EOPNOTSUPP;
}

int engine_set(struct engine *e, node_id id, const struct engine_setting *what, struct buf *ret_file, struct err *err)
{
        (void) e, (void) id;
        if (what->count == 0)
                return err_set(err, STAGE_LOAD, EINVAL, "nothing to set");
        buf_adds(ret_file, "/x.d/50-set.conf");
        return 0;
}

void engine_write_down(struct engine *e)
{
        (void) e;
}

int engine_reexec(struct engine *e, const char *path, engine_reexec_fn *fn, void *arg, struct err *err)
{
        (void) e, (void) path, (void) fn, (void) arg;
        return err_set(err, STAGE_NONE, EBUSY, "another engine is being tried already");
}

void engine_reexec_forget(struct engine *e, void *arg)
{
        (void) e, (void) arg;
}

int engine_reload(struct engine *e, bool dry, engine_change_fn *change, engine_problem_fn *problem, void *arg)
{
        struct err err = { 0 };
        const struct spec *s = core_node(e->core, 1)->spec;

        (void) dry;
        change(arg, RELOAD_ADDED, "/new", D_NONE, NULL, NULL);
        change(arg, RELOAD_LIVE, "/web", D_SERVICE_RestartSec, s, s);
        (void) err_set(&err, STAGE_LOAD, EINVAL, "a remark");
        problem(arg, false, &err);
        return 0;
}

bool engine_ask_ahead(struct engine *e, node_id id, engine_ready_fn *ready, void *arg)
{
        (void) e, (void) id, (void) ready, (void) arg;
        return false;
}

void engine_ask_ahead_over(struct engine *e, const void *arg)
{
        (void) e, (void) arg;
}

int engine_bring(struct engine *e, const char *name, node_id *ret_id, struct err *err)
{
        (void) e, (void) ret_id;
        return err_set(err, STAGE_LOAD, name[0] == 'm' ? EOPNOTSUPP : ENOENT, "%.100s: not here", name);
}

int engine_absent(struct engine *e, const char *name, struct err *err)
{
        (void) e;
        return err_set(err, STAGE_LOAD, name[0] == 'm' ? EOPNOTSUPP : ENOENT, "%.100s: not here", name);
}

int engine_absent_each(struct engine *e, engine_absent_fn *fn, void *arg, struct err *err)
{
        (void) e, (void) err;
        fn(arg, "masked.service", "masked", NULL);
        return 0;
}

int engine_plan(struct engine *e, node_id id, enum directive directive, size_t index, struct buf *out, struct err *err)
{
        (void) e, (void) id, (void) directive, (void) index, (void) out;
        return err_set(err, STAGE_USER, ESRCH, "no such user");
}

void engine_set_log_level(struct engine *e, enum log_level level)
{
        (void) e, (void) level;
}

const char *engine_load_report(const struct engine *e)
{
        (void) e;
        return "";
}

/* --- the world ----------------------------------------------------------------------------------------------------- */

static void answer(struct engine *e, const struct action *a)
{
        struct event v = { .node = a->node, .incarnation = a->incarnation, .role = a->role };
        const struct node *n = core_node(e->core, a->node);

        switch (a->kind) {
        case ACT_CHECK: v.kind = EVT_CHECKED; v.arg = VERDICT_PASS; break;
        case ACT_SPAWN: v.kind = EVT_SPAWNED; v.arg = ++e->pid; break;
        case ACT_SIGNAL: case ACT_KILL:
                if (!n || n->pid_main <= 0)
                        return;
                v.kind = EVT_EXITED;
                v.role = ROLE_MAIN;
                v.incarnation = n->incarnation;
                v.arg = n->pid_main;
                v.reason = REASON(REASON_SIGNAL, a->kind == ACT_KILL ? 9 : (int32_t) a->arg);
                break;
        case ACT_WATCH_EMPTY: v.kind = EVT_EMPTY; break;
        default: return;
        }
        engine_post(e, &v);
}

static void step(struct engine *e, const struct event *event)
{
        struct actions a = core_step(e->core, event, e->now);
        struct action done[256];
        size_t n = 0;
        struct waiter w;

        for (uint32_t i = 0; i < a.count; i++) {
                if (a.list[i].kind == ACT_DONE && n < ARRAY_LEN(done))
                        done[n++] = a.list[i];
                else
                        answer(e, &a.list[i]);
        }
        for (size_t i = 0; i < n; i++)
                if (take_waiter(e, done[i].token, &w))
                        w.fn(w.arg, w.token, (enum result) done[i].result);
}

void pretend_turn(struct engine *e)
{
        void (*fn)(void *, int) = e->flushed;
        struct event event;

        ev_run(e->loop, EVRUN_NOWAIT);
        for (int i = 0; i < STEPS_PER_TURN && e->queued > 0; i++) {
                event = e->queue[0];
                memmove(e->queue, e->queue + 1, --e->queued * sizeof e->queue[0]);
                step(e, &event);
        }
        e->now += 50 * NSEC_PER_MSEC;
        step(e, &(struct event) { .kind = EVT_TICK });
        e->flushed = NULL;
        if (fn)
                fn(e->flush_arg, 0);
        if (core_last_seq(e->core) > e->published) {
                control_published(e->control, e->published + 1, core_last_seq(e->core));
                e->published = core_last_seq(e->core);
        }
}

static void add(struct engine *e, node_id parent, enum node_kind kind, const char *name)
{
        struct spec *s = spec_new_default(kind, name);
        struct err err = { 0 };
        node_id id;

        must(s && core_add(e->core, parent, s, false, &id, &err) == 0, "a node can be added");
        spec_unref(s);
}

struct engine *pretend_new(void)
{
        static const char *const names[] = { "web.service", "api.service", "worker@1.service", "worker@2.service" };
        struct core_config config = { .seed = 1, .record_capacity = 256 };
        struct engine *e = calloc(1, sizeof *e);
        struct spec *root = spec_new_default(KIND_SUPERVISOR, "root.supervisor");
        struct err err = { 0 };
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        must(e && root && fd >= 0, "there is memory");
        e->loop = ev_loop_new(EVFLAG_AUTO);
        e->core = core_new(&config, root);
        spec_unref(root);
        e->pid = 1000;
        e->now = NSEC_PER_SEC;
        e->options.control_group = (gid_t) -1;
        e->options.runtime_dir = e->options.log_dir = e->options.state_dir = "/nowhere";
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                add(e, NODE_ROOT, KIND_SERVICE, names[i]);
        add(e, NODE_ROOT, KIND_SUPERVISOR, "shop.supervisor");
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                add(e, 5, KIND_SERVICE, names[i]);
        must(core_link(e->core, NULL, NULL, &err) == 0, "the tree can be linked");
        must(control_new(e, fd, &e->control, &err) == 0, "the server starts");
        ev_io_stop(e->loop, &e->control->accept);
        engine_post(e, &(struct event) { .kind = EVT_START, .node = NODE_ROOT });
        pretend_turn(e);
        return e;
}

void pretend_free(struct engine *e)
{
        control_free(e->control);
        must(e->waiting == 0, "who has gone waits for nothing");
        core_free(e->core);
        ev_loop_destroy(e->loop);
        free(e);
}

struct control *pretend_control(struct engine *e)
{
        return e->control;
}

int pretend_connect(struct engine *e, bool mutating, bool inside)
{
        const struct peer peer = { .kind = inside ? PEER_SERVICE : PEER_OUTSIDE, .node = NODE_ROOT + 1 };
        int fds[2];

        must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0, "there are descriptors");
        must(conn_new(e->control, fds[0], 1000, mutating, &peer) != NULL, "there is memory");
        return fds[1];
}

uint64_t pretend_state(const struct engine *e)
{
        uint64_t sum = e->stopping;

        for (node_id id = 0; id < core_node_limit(e->core); id++) {
                const struct node *n = core_node(e->core, id);

                sum = sum * 1099511628211U + (n ? n->state * 64U + n->want * 8U + n->incarnation * 512U + n->frozen : 7U);
        }
        return sum;
}

unsigned pretend_waiting(const struct engine *e)
{
        return (unsigned) e->waiting;
}
