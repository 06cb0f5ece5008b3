/* pretend_engine.c - see pretend_engine.h. */
#include "os/doctor.h"
#include "core/syscalls.h"
#include "tests/fuzz/pretend_engine.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/bond.h"
#include "daemon/mailroom.h"
#include "daemon/options.h"

enum { WAITERS = 4096, QUEUE = 4096, STEPS_PER_TURN = 4096 };

struct waiter {
        uint32_t token;
        engine_done_fn *fn;
        void *arg;
};

struct engine {
        struct ev_loop *loop;
        struct core *core;
        struct options options;
        struct control *control;
        struct event queue[QUEUE];
        size_t queued;
        struct waiter waiters[WAITERS];
        size_t waiting;
        uint32_t token;
        int32_t pid;
        nsec now;
        uint64_t published;
        void (*flushed)(void *arg, int result);
        void *flush_arg;
        bool stopping;
};

static void must(bool holds, const char *promise)
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

int engine_set(struct engine *e, node_id id, const char *const *assignments, size_t n, bool runtime, char *file,
               size_t file_size, engine_change_fn *change, void *arg, struct err *err)
{
        (void) e, (void) id, (void) assignments, (void) change, (void) arg, (void) runtime;
        if (n == 0)
                return err_set(err, STAGE_LOAD, EINVAL, "nothing to set");
        (void) snprintf(file, file_size, "%s", "/x.d/50-set.conf");
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

int engine_bring(struct engine *e, const char *name, node_id *ret_id, struct err *err)
{
        (void) e, (void) ret_id;
        return err_set(err, STAGE_LOAD, name[0] == 'm' ? EOPNOTSUPP : ENOENT, "%.100s: not here", name);
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

uint32_t engine_client_join(struct engine *e, mail_heard_fn *heard, void *arg)
{
        (void) e, (void) heard, (void) arg;
        return 7;
}

void engine_client_leave(struct engine *e, uint32_t number)
{
        (void) e;
        must(number == 7, "only a client that joined leaves");
}

struct sending *engine_mail_send(struct engine *e, uint32_t number, const char *bytes, size_t n, unsigned flags,
                                 mail_sent_fn *done, void *arg)
{
        (void) e, (void) number, (void) bytes;
        if (flags & MAIL_SEND_TAKEN)
                return (struct sending *) e; /* nobody ever reads here */
        done(arg, n % 2 ? MAIL_OK : MAIL_FULL, 1);
        return NULL;
}

void engine_mail_forget(struct engine *e, struct sending *s)
{
        must(s == (struct sending *) e, "only what is under way is forgotten");
}

enum mail_result engine_channel_create(struct engine *e, node_id place, const char *name, const char *settings, struct err *err)
{
        (void) e, (void) place, (void) settings, (void) err;
        return name[0] == 'x' ? MAIL_EXISTS : MAIL_OK;
}

enum mail_result engine_channel_close(struct engine *e, const char *name)
{
        (void) e;
        return name[0] == 'x' ? MAIL_NOT_FOUND : MAIL_OK;
}

void engine_channels(struct engine *e, engine_channel_fn *fn, void *arg)
{
        struct channel_facts f = { .path = "/jobs", .spec = core_node(e->core, 1)->spec, .waiting = 3 };

        fn(arg, &f);
}

struct puller *engine_channel_receive(struct engine *e, const char *name, bool wait, mail_heard_fn *heard, void *arg)
{
        if (wait && name[0] == 'w')
                return (struct puller *) e;
        if (name[0] == 'm')
                heard(arg, "FROM=/a\n\n\xff", 10);
        else
                heard(arg, NULL, MAIL_EMPTY);
        return NULL;
}

void engine_channel_forget(struct puller *p)
{
        must(p != NULL, "only what waits is forgotten");
}

bool engine_bond(struct engine *e, struct event *event, const char *text, engine_done_fn *fn, void *arg)
{
        if (text && *text)
                event->arg2 = core_text_take(e->core, text);
        return core_bond_reserve(e->core) == 0 && engine_request(e, event, fn, arg) != 0;
}

bool engine_mail_facts(struct engine *e, node_id id, struct mail_facts *ret)
{
        (void) e;
        *ret = (struct mail_facts) { .waiting = 2, .capacity = 100, .blocked = 1 };
        return id == 1;
}

const struct said *engine_said(const struct engine *e, node_id id)
{
        static char text[] = "tells \"\\ \033[31m\xff of itself", bus[] = "a.b";
        static const struct said some[] = { { 0 }, { .text = text }, { .error = EIO, .bus_error = bus, .exit_status = 256 } };

        (void) e;
        return &some[id == 1 || id == 2 ? id : 0];
}

void engine_counters(struct engine *e, node_id id, struct limit_counters *ret)
{
        (void) e, (void) id;
        memset(ret, 0xff, sizeof *ret);
}

void engine_limits(struct engine *e, node_id id, engine_limit_fn *fn, void *arg)
{
        struct engine_limit l = { .directive = "MemoryMax", .controller = "memory", .backend = "v2", .requested = "1G" };

        (void) e, (void) id;
        fn(arg, &l);
}

void engine_doctor(struct engine *e, void (*fn)(void *arg, const struct doctor_row *row), void *arg)
{
        struct doctor_row row = { .area = "limits", .what = "memory", .state = DOCTOR_NO, .text = "a pretend world" };

        (void) e;
        fn(arg, &row);
}

int engine_usage(struct engine *e, node_id id, struct cgroup_usage *ret)
{
        (void) e;
        *ret = (struct cgroup_usage) { 4096, 17, 1 };
        return id % 2 ? 0 : -ENOENT;
}

char *engine_cgroup_path(const struct engine *e, node_id id, char *buf, size_t n)
{
        (void) e;
        (void) snprintf(buf, n, "/sys/fs/cgroup/n%u", id);
        return buf;
}

size_t engine_pids(struct engine *e, node_id id, pid_t *pids, size_t max)
{
        (void) e, (void) id;
        if (max)
                pids[0] = 4711;
        return 1000;
}

char *engine_log_dir(const struct engine *e, node_id id, char *buf, size_t n)
{
        (void) e;
        (void) snprintf(buf, n, "%s", id % 2 ? "/var/log/x" : "");
        return buf;
}

void engine_log_flush(struct engine *e, node_id id, void (*fn)(void *arg, int result), void *arg)
{
        if (e->flushed || id == 3) {
                fn(arg, -EPIPE); /* the real one may answer at once as well */
                return;
        }
        e->flushed = fn;
        e->flush_arg = arg;
}

void engine_log_flush_forget(struct engine *e, void *arg)
{
        if (e->flush_arg == arg)
                e->flushed = NULL;
}

const struct denial *engine_denial(const struct engine *e, node_id id)
{
        static const struct denial d = { .incarnation = 1, .pid = 7, .call = "keyctl", .remedy = "SystemCallFilter=keyctl" };

        (void) e;
        return id % 3 == 1 ? &d : NULL;
}

const bool *engine_learned(const struct engine *e, node_id id)
{
        static const bool all[SYSCALLS_MAX] = { true, true };

        (void) e;
        return id % 3 == 2 ? all : NULL;
}

const struct death *engine_death(const struct engine *e, node_id id, size_t i)
{
        static char tail[] = "one\ntwo\nwithout end";
        static const struct death d = { .incarnation = 1, .ran = true, .tail = tail, .tail_len = sizeof tail - 1 };

        (void) e;
        return id % 3 == 1 && i < 3 ? &d : NULL;
}

int death_exit_code(const struct death *d)
{
        return d->status;
}

int engine_transient(struct engine *e, const struct transient_request *q, const struct transient_ops *ops, void *arg,
                     uint64_t *ret_serial, node_id *ret_id, struct err *err)
{
        (void) e, (void) ops, (void) arg;
        if (q->argc == 0)
                return err_set(err, STAGE_LOAD, EINVAL, "property 1 (X): is no assignment");
        *ret_serial = 1;
        *ret_id = 1;
        return 0;
}

uint64_t engine_transient_listen(struct engine *e, node_id id, const struct transient_ops *ops, void *arg)
{
        (void) e, (void) ops, (void) arg;
        return id == 2;
}

void engine_transient_leave(struct engine *e, uint64_t serial, bool stop)
{
        (void) e, (void) stop;
        must(serial == 1, "only what was asked for is left");
}

bool engine_is_transient(const struct engine *e, node_id id)
{
        (void) e;
        return id == 2;
}

const struct transient_end *engine_transient_ended(const struct engine *e, const char *name)
{
        static char path[] = "/transient/run-1";
        static const struct transient_end end = { .serial = 1, .path = path, .death = { .ran = true, .status = 3 } };

        (void) e;
        return strcmp(name, path) == 0 ? &end : NULL;
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

int pretend_connect(struct engine *e, bool mutating)
{
        int fds[2];

        must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0, "there are descriptors");
        must(conn_new(e->control, fds[0], 1000, mutating) != NULL, "there is memory");
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
