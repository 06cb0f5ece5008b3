/* engine.c - the turn: events in, core_step(), actions out; and what is kept for each node. */
#include <string.h>
#include <time.h>

#include "daemon/adopt.h"
#include "daemon/empty.h"
#include "daemon/engine_priv.h"
#include "daemon/identity.h"
#include "daemon/journal.h"
#include "daemon/ledger.h"
#include "daemon/limits.h"
#include "daemon/link.h"
#include "daemon/logs.h"
#include "daemon/mail.h"
#include "daemon/notify.h"
#include "daemon/perform.h"
#include "daemon/pidfile.h"
#include "daemon/pipe.h"
#include "daemon/ready.h"
#include "daemon/said.h"
#include "daemon/say.h"
#include "daemon/seccomp.h"
#include "daemon/store.h"
#include "daemon/transient.h"

/* A turn never grows without bound, so that a client is answered in between (FAILURES A3). */
enum { STEPS_PER_TURN = 4096, TICKS_PER_TURN = 64 };

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
        return &e->opt;
}

bool engine_stopping(const struct engine *e)
{
        return e->stopping;
}

static nsec clock_nsec(clockid_t id)
{
        struct timespec t;

        (void) clock_gettime(id, &t);
        return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

nsec engine_now(const struct engine *e)
{
        (void) e;
        return clock_nsec(CLOCK_MONOTONIC);
}

int64_t engine_wall_usec(const struct engine *e, nsec at)
{
        return (clock_nsec(CLOCK_REALTIME) - engine_now(e) + at) / NSEC_PER_USEC;
}

char *engine_path(const struct engine *e, node_id id, char *buf, size_t n)
{
        return core_path(e->core, id, buf, n);
}

/* --- what is kept for a node ------------------------------------------------------------------------------------ */

struct run *engine_run(struct engine *e, node_id id)
{
        if (id >= e->run_cap) {
                size_t cap = core_node_limit(e->core);
                struct run *more;

                /* An eighth of room, no doubling: with ten thousand services the slack would be felt. */
                cap = (cap > id ? cap : (size_t) id + 1) + e->run_cap / 8;
                more = realloc(e->runs, cap * sizeof(*more));
                if (!more) {
                        /* Nothing sensible can be done for a node without this; init reports our end. */
                        log_error("out of memory");
                        abort();
                }
                memset(more + e->run_cap, 0, (cap - e->run_cap) * sizeof(*more));
                e->runs = more;
                e->run_cap = cap;
        }
        journal_run(e, id);
        return &e->runs[id];
}

const struct run *engine_peek(const struct engine *e, node_id id)
{
        return id < e->run_cap ? &e->runs[id] : NULL;
}

struct extra *engine_extra(struct engine *e, node_id id)
{
        struct run *run = engine_run(e, id);

        if (!run->extra) {
                struct extra *x = calloc(1, sizeof(*x));

                if (!x)
                        return NULL;
                *x = (struct extra) { .e = e, .node = id, .log_in = -1, .log_out = -1, .given = { -1, -1, -1 } };
                ev_init(&x->ready, NULL);
                ev_init(&x->exec, NULL);
                x->ready.fd = x->exec.fd = -1;
                ev_init(&x->pidfile, NULL);
                ev_init(&x->pidfile_again, NULL);
                run->extra = x;
        }
        return run->extra;
}

void engine_forget(struct engine *e, node_id id)
{
        struct run *run;

        adopt_forget(e, id); /* its turn to start may never have come, and with that a run */
        if (id >= e->run_cap)
                return;
        run = &e->runs[id];
        journal_forget(e, id);
        channels_place_gone(e, id);
        pipes_node_gone(e, id);
        empty_forget(e, id);
        transient_forget(e, id);
        if (run->extra) {
                ready_forget(e, id);
                pidfile_forget(e, id);
                store_forget(e, id);
                mail_forget(e, id); /* may have last words: see on_close() */
                run = &e->runs[id];
                logs_forget(e, id);
                seccomp_forget(e, id);
                ledger_free(run->extra);
                identity_forget(run->extra);
                said_clear(&run->extra->said);
                limits_free(run->extra->bound);
                free(run->extra);
        }
        *run = (struct run) { 0 };
}

int engine_knows(struct engine *e, struct pid_entry entry)
{
        journal_pid(e, &entry);
        return pid_map_put(&e->pids, entry);
}

void engine_unknows(struct engine *e, pid_t pid)
{
        journal_unpid(e, pid);
        pid_map_drop(&e->pids, pid);
}

/* --- the queue --------------------------------------------------------------------------------------------------- */

void engine_post(struct engine *e, const struct event *event)
{
        journal_posted(e, event);
        if (e->queue_len == e->queue_cap) {
                size_t cap = e->queue_cap ? e->queue_cap * 2 : 64;
                struct event *more = malloc(cap * sizeof(*more));

                if (!more) { /* it is in the journal, and the next engine has the memory that this one held */
                        log_error("out of memory");
                        journal_commit(e);
                        abort();
                }
                for (size_t i = 0; i < e->queue_len; i++)
                        more[i] = e->queue[(e->queue_head + i) % e->queue_cap];
                free(e->queue);
                e->queue = more;
                e->queue_cap = cap;
                e->queue_head = 0;
        }
        e->queue[(e->queue_head + e->queue_len++) % e->queue_cap] = *event;
}

struct event engine_queue_pop(struct engine *e)
{
        struct event event = e->queue[e->queue_head];

        e->queue_head = (e->queue_head + 1) % e->queue_cap;
        e->queue_len--;
        return event;
}

/* After a storm the queue's memory goes back: an idle engine is small. */
static void queue_shrink(struct engine *e)
{
        if (e->queue_len == 0 && e->queue_cap > 1024) {
                free(e->queue);
                e->queue = NULL;
                e->queue_cap = e->queue_head = 0;
        }
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

bool engine_expect(struct engine *e, uint32_t token, engine_done_fn *fn, void *arg)
{
        if (e->request_count == e->request_cap) {
                size_t cap = e->request_cap ? e->request_cap * 2 : 16;
                struct request *more = realloc(e->requests, cap * sizeof(*more));

                if (!more)
                        return false;
                e->requests = more;
                e->request_cap = cap;
        }
        e->requests[e->request_count++] = (struct request) { .token = token, .fn = fn, .arg = arg };
        return true;
}

uint32_t engine_request(struct engine *e, const struct event *event, engine_done_fn *fn, void *arg)
{
        struct event asked = *event;

        if (!fn) {
                asked.token = 0;
                engine_post(e, &asked);
                return UINT32_MAX;
        }
        if (++e->last_token == 0 || e->last_token == UINT32_MAX)
                e->last_token = 1;
        if (!engine_expect(e, e->last_token, fn, arg))
                return 0;
        asked.token = e->last_token;
        engine_post(e, &asked);
        return asked.token;
}

void engine_write_down(struct engine *e)
{
        journal_commit(e);
}

void engine_request_forget(struct engine *e, uint32_t token)
{
        for (size_t i = 0; i < e->request_count; i++)
                if (e->requests[i].token == token) {
                        e->requests[i] = e->requests[--e->request_count];
                        return;
                }
}

void engine_answer(struct engine *e, uint32_t token, enum result result)
{
        if (e->answer_count == e->answer_cap) {
                size_t cap = e->answer_cap ? e->answer_cap * 2 : 16;
                struct answer *more = realloc(e->answers, cap * sizeof(*more));

                if (!more) {
                        log_error("out of memory: an answer is lost");
                        return;
                }
                e->answers = more;
                e->answer_cap = cap;
        }
        e->answers[e->answer_count++] = (struct answer) { .token = token, .result = (uint8_t) result };
}

/* A callback may ask again, or forget others: so the entry is gone before it is called. */
static void deliver(struct engine *e)
{
        for (size_t i = 0; i < e->answer_count; i++) {
                const struct answer a = e->answers[i];

                for (size_t k = 0; k < e->request_count; k++)
                        if (e->requests[k].token == a.token) {
                                const struct request r = e->requests[k];

                                e->requests[k] = e->requests[--e->request_count];
                                r.fn(r.arg, a.token, (enum result) a.result);
                                break;
                        }
        }
        e->answer_count = 0;
}

/* --- the turn ----------------------------------------------------------------------------------------------------- */

/* Written down, and only then done (journal.h, perform.c). */
static void step(struct engine *e, const struct event *event, nsec now)
{
        const struct actions actions = core_step(e->core, event, now);

        perform(e, &actions);
        if (actions.count > 0)
                journal_performed(e);
        if (event->kind == EVT_EXITED && e->pipes) {
                journal_commit(e);
                pipes_exited(e, event->node);
        }
}

void engine_step(struct engine *e, const struct event *event)
{
        nsec now = engine_now(e);

        journal_settle(e);
        journal_direct(e, now, event);
        step(e, event, now);
}

static void step_first(struct engine *e)
{
        nsec now = engine_now(e);
        struct event event;

        journal_settle(e);
        event = engine_queue_pop(e);
        if (event.kind == EVT_EXITED && e->queue_len > 0) /* who died together is decided on together */
                event.flags |= EVENT_MORE;
        journal_step(e, now, event.flags & EVENT_MORE);
        step(e, &event, now);
}

static void step_tick(struct engine *e)
{
        nsec now = engine_now(e);

        journal_settle(e);
        journal_tick(e, now);
        step(e, &(struct event) { .kind = EVT_TICK, .node = NODE_ROOT }, now);
}

/* Exits that are queued come before the tick: after a stall nobody is killed for a timeout that the exit has
 * answered already (FAILURES I8). */
static void run_queue(struct engine *e)
{
        int steps = 0, ticks = 0;

        while (steps++ < STEPS_PER_TURN) {
                if (initlink_pending(e->link)) {
                        break; /* what the last step asked of init goes first: see recover.c */
                } else if (e->queue_len > 0) {
                        step_first(e);
                } else if (core_deadline(e->core) <= engine_now(e) && ticks++ < TICKS_PER_TURN) {
                        step_tick(e);
                } else {
                        break;
                }
        }
        queue_shrink(e);
}

static void publish(struct engine *e)
{
        uint64_t last;

        transient_settle(e); /* before the records of it are told: whoever waits for them finds the result */
        last = core_last_seq(e->core);
        if (last == e->published)
                return;
        journal_commit(e);
        say_records(e, e->published + 1, last);
        if (e->control)
                control_published(e->control, e->published + 1, last);
        e->published = last;
}

static void arm_tick(struct engine *e)
{
        nsec deadline = core_deadline(e->core), now;

        if (initlink_pending(e->link))
                deadline = NSEC_NEVER; /* room in the socket wakes us */
        else if (e->queue_len > 0)
                deadline = 0; /* the turn was cut short */
        else if (deadline == e->tick_at && (deadline == NSEC_NEVER || ev_is_active(&e->tick)))
                return;
        e->tick_at = deadline;
        ev_timer_stop(e->loop, &e->tick);
        if (deadline == NSEC_NEVER)
                return;
        ev_now_update(e->loop);
        now = engine_now(e);
        ev_timer_set(&e->tick, deadline > now ? (double) (deadline - now) * 1e-9 : 0., 0.);
        ev_timer_start(e->loop, &e->tick);
}

static void engine_turn(struct engine *e)
{
        link_flush(e);
        /* nothing is closed or removed: the next engine goes on with all of it */
        if (e->leaving && !initlink_pending(e->link)) {
                journal_commit(e);
                _exit(0);
        }
        run_queue(e);
        publish(e);
        deliver(e);
        transient_settle(e);
        if (e->queue_len > 0) /* an answer led to a new request */
                run_queue(e);
        publish(e);
        pipes_settle(e);
        link_flush(e);
        if (!initlink_pending(e->link))
                journal_done(e);
        journal_bound(e);
        mail_push(e);
        link_flush(e);
        arm_tick(e);
}

static void on_turn(struct ev_loop *loop, ev_prepare *w, int revents)
{
        struct engine *e = container_of(w, struct engine, turn);

        (void) loop;
        (void) revents;
        engine_turn(e);
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int revents)
{
        struct engine *e = container_of(w, struct engine, tick);

        (void) loop;
        (void) revents;
        /* After SIGSTOP and SIGCONT the wait for descriptors is interrupted and tells of none, and time has passed:
         * what has come meanwhile is before what is due now (FAILURES I8). */
        notify_drain(e);
        link_drain(e);
        e->tick_at = 0; /* it has fired: arm it again whatever the deadline is; the turn does the rest */
}

void engine_start_turns(struct engine *e)
{
        ev_prepare_init(&e->turn, on_turn);
        ev_prepare_start(e->loop, &e->turn);
        ev_unref(e->loop); /* it keeps nothing alive by itself */
        ev_timer_init(&e->tick, on_tick, 0., 0.);
        e->tick_at = NSEC_NEVER;
}
