/* request.c - what is asked for from outside, and the pool of messages and waiting answers.
 *
 * Two manners. A strict request (REQ_STRICT) is OTP's supervisor call: it stands in the supervisor's queue behind
 * what is there already, and its answer is OTP's (otp/README, facts 20 and 21). The others are a person's: `stop`
 * takes effect at once, whatever the supervisor is doing; `start` of what waits for its next attempt starts it now;
 * both are answered when the node is where it should be.
 * Used by: core.c.  Uses: machine.h.  Tested by: tests/unit/supervisor.c */
#include <string.h>

#include "core/machine.h"
#include "core/resolve.h"

/* --- the pool ---------------------------------------------------------------------------------------------------- */

/* A message may always be had for what children do; requests stop at a limit of their own. */
uint32_t msg_take(struct core *c, bool request)
{
        uint32_t at = c->pool_free;

        if (at == MSG_NONE || (request && (c->requests >= REQUESTS_MAX || c->pool_left <= 2 * c->limit)))
                return MSG_NONE;
        c->pool_free = c->pool[at].next;
        c->pool_left--;
        c->pool[at].next = MSG_NONE;
        c->requests += request;
        return at;
}

void msg_drop(struct core *c, uint32_t at)
{
        uint8_t kind = c->pool[at].kind;

        if (kind == MSG_REQUEST || kind == MSG_WAITER)
                c->requests--;
        c->pool[at].next = c->pool_free;
        c->pool_free = at;
        c->pool_left++;
}

void queue_push(struct core *c, struct node *super, uint32_t at)
{
        struct super *s = super->super;

        if (s->tail == MSG_NONE)
                s->head = at;
        else
                c->pool[s->tail].next = at;
        s->tail = at;
        core_wake(c, super);
}

uint32_t queue_pop(struct core *c, struct node *super)
{
        struct super *s = super->super;
        uint32_t at = s->head;

        if (at == MSG_NONE)
                return MSG_NONE;
        s->head = c->pool[at].next;
        if (s->head == MSG_NONE)
                s->tail = MSG_NONE;
        return at;
}

/* The supervisor has ended: who still waits in its queue is told so. */
void queue_clear(struct core *c, struct node *super)
{
        uint32_t at;

        while ((at = queue_pop(c, super)) != MSG_NONE) {
                struct msg m = c->pool[at];
                struct node *n = node_at(c, m.node);

                msg_drop(c, at);
                if (m.kind != MSG_REQUEST)
                        continue;
                act_done(c, m.token, RESULT_NOPROC, m.node);
                if (n && m.event == EVT_ADDED && n->dynamic && n->phase == PHASE_NONE)
                        core_forget(c, n);
        }
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

void wait_for(struct core *c, struct node *n, const struct event *e, enum event_kind kind)
{
        uint32_t at;

        if (!e->token)
                return;
        at = msg_take(c, true);
        if (at == MSG_NONE) {
                act_done(c, e->token, RESULT_BUSY, n->id);
                return;
        }
        c->pool[at] = (struct msg) { .kind = MSG_WAITER, .event = (uint8_t) kind, .node = n->id, .token = e->token,
                                     .next = n->waiters };
        n->waiters = at;
}

void answer(struct core *c, struct node *n, enum event_kind kind, enum result result)
{
        uint32_t *link = &n->waiters;

        while (*link != MSG_NONE) {
                uint32_t at = *link;

                if (c->pool[at].event != kind) {
                        link = &c->pool[at].next;
                        continue;
                }
                *link = c->pool[at].next;
                act_done(c, c->pool[at].token, result, n->id);
                msg_drop(c, at);
        }
}

/* --- strict: OTP's calls -------------------------------------------------------------------------------------------- */

static bool is_pid(const struct node *n)
{
        return n->child == CHILD_UP || n->child == CHILD_STARTING || n->child == CHILD_STOPPING;
}

static void strict_start(struct core *c, struct node *s, struct node *n, const struct msg *m)
{
        if (n->child == CHILD_GONE) {
                act_done(c, m->token, RESULT_NOT_FOUND, n->id);
        } else if (n->child == CHILD_RESTARTING) {
                act_done(c, m->token, RESULT_RESTARTING, n->id);
        } else if (n->child != CHILD_DOWN) {
                act_done(c, m->token, RESULT_RUNNING, n->id);
        } else {
                n->child_flags &= (uint16_t) ~CF_RETRY;
                job_begin(c, s, JOB_ONE_START, n->id, m->cause);
                s->super->token = m->token;
        }
}

static void strict_stop(struct core *c, struct node *s, struct node *n, const struct msg *m)
{
        if (n->child == CHILD_GONE) {
                act_done(c, m->token, RESULT_NOT_FOUND, n->id);
                return;
        }
        n->want = WANT_DOWN;
        if (child_temporary(n))
                n->child_flags |= CF_DROP;
        if (is_pid(n) && !(n->child_flags & CF_DEAD)) {
                job_begin(c, s, JOB_ONE_STOP, n->id, m->cause);
                s->super->token = m->token;
                return;
        }
        child_cancel(c, s, n);
        if (n->child_flags & CF_DROP)
                child_set(c, n, CHILD_GONE);
        act_done(c, m->token, RESULT_OK, n->id);
}

static void strict_delete(struct core *c, struct node *s, struct node *n, const struct msg *m)
{
        enum result result = RESULT_OK;

        (void) s;
        if (n->child == CHILD_GONE)
                result = RESULT_NOT_FOUND;
        else if (n->child == CHILD_RESTARTING)
                result = RESULT_RESTARTING;
        else if (n->child != CHILD_DOWN)
                result = RESULT_RUNNING;
        act_done(c, m->token, result, n->id);
        if (result != RESULT_OK)
                return;
        if (n->dynamic)
                core_forget(c, n);
        else
                child_set(c, n, CHILD_GONE); /* comes back when its supervisor starts again */
}

static struct node *namesake(const struct core *c, const struct node *s, const struct node *n)
{
        for (node_id id = s->first; id != NODE_NONE; id = c->nodes[id]->next) {
                struct node *other = c->nodes[id];

                if (other != n && other->child != CHILD_GONE &&
                    strcmp(spec_stem(other->spec), spec_stem(n->spec)) == 0)
                        return other;
        }
        return NULL;
}

static bool bad_combination(const struct node *s, const struct node *n)
{
        return spec_significant(n->spec) && (spec_restart(n->spec) == RESTART_PERMANENT ||
                                             spec_int(s->spec, D_SUPERVISOR_AutoShutdown) == AUTO_NEVER);
}

/* start_child: the node is there, but not yet a child. */
static void added(struct core *c, struct node *s, struct node *n, const struct msg *m)
{
        const struct node *other = namesake(c, s, n);
        enum result result = RESULT_OK;

        if (n->child != CHILD_GONE && n->child != CHILD_DOWN)
                result = RESULT_ALREADY_STARTED;
        else if (bad_combination(s, n))
                result = RESULT_BAD_COMBINATION;
        else if (other)
                result = is_pid(other) ? RESULT_ALREADY_STARTED : RESULT_ALREADY_PRESENT;
        if (result != RESULT_OK) {
                act_done(c, m->token, result, n->id);
                if (n->dynamic && n->child == CHILD_GONE)
                        core_forget(c, n);
                return;
        }
        child_set(c, n, CHILD_DOWN);
        (void) note(c, n, RULE_ADDED, m->cause);
        if (m->flags & REQ_STRICT) {
                n->child_flags = (uint16_t) ((n->child_flags & ~CF_RETRY) | CF_QUIET);
                job_begin(c, s, JOB_ONE_START, n->id, n->cause);
                s->super->token = m->token;
        } else {
                struct event e = { .kind = EVT_START, .node = n->id, .token = m->token };

                wait_for(c, n, &e, EVT_START);
                child_attempt(c, s, n, true, n->cause);
        }
}

/* --- a person's start ------------------------------------------------------------------------------------------------ */

/* Start it now if that is possible; OK means under way, or up. */
enum result start_now(struct core *c, struct node *n, uint64_t cause)
{
        struct node *s = parent_of(c, n);
        uint32_t at;

        if (n->stuck)
                return RESULT_STUCK;
        n->want = WANT_UP;
        if (c->shutdown_at != NSEC_NEVER)
                return RESULT_SHUTTING_DOWN;
        if (s->phase != PHASE_UP || s->super->job == JOB_END || s->super->job == JOB_UNWIND)
                return RESULT_NOPROC;
        if (n->child == CHILD_STOPPING) {
                n->child_flags |= CF_AGAIN;
                return RESULT_OK;
        }
        if ((n->child == CHILD_UP && !(n->child_flags & CF_DEAD)) || n->child == CHILD_STARTING)
                return RESULT_OK;
        at = msg_take(c, false);
        if (at == MSG_NONE)
                return RESULT_BUSY;
        n->child_flags &= (uint16_t) ~CF_HELD;
        c->pool[at] = (struct msg) { .kind = MSG_TRY, .node = n->id, .cause = cause, .next = MSG_NONE };
        queue_push(c, s, at);
        return RESULT_OK;
}

/* ... when its turn in the queue has come. */
static void try_start(struct core *c, struct node *s, struct node *n, uint64_t cause)
{
        if (n->want == WANT_DOWN || n->stuck || n->child == CHILD_STARTING || n->child == CHILD_STOPPING ||
            n->child == CHILD_UP)
                return;
        if (n->child == CHILD_GONE && namesake(c, s, n))
                return;
        n->backoff = 0;
        if (n->window && super_isolates(s))
                window_clear(n->window);
        child_set(c, n, CHILD_DOWN);
        if (!(n->child_flags & CF_PULLED) && order_pull(c, n) && !super_parallel(s)) {
                n->child_flags |= CF_PULLED; /* behind them in the queue */
                (void) start_now(c, n, cause);
                return;
        }
        n->child_flags &= (uint16_t) ~CF_PULLED;
        child_attempt(c, s, n, true, cause);
}

void request_run(struct core *c, struct node *s, const struct msg *m)
{
        struct node *n = node_at(c, m->node);

        /* A call names a child, it does not hold on to one: what took the place of a child that is gone is meant. */
        if (m->kind == MSG_REQUEST && m->event != EVT_ADDED && (!n || n->child == CHILD_GONE)) {
                struct node *now = child_by_hash(c, s, m->incarnation);

                n = now ? now : n;
        }
        if (!n) {
                act_done(c, m->token, RESULT_NOT_FOUND, m->node);
                return;
        }
        if (m->kind == MSG_TRY) {
                try_start(c, s, n, m->cause);
                return;
        }
        switch (m->event) {
        case EVT_START: strict_start(c, s, n, m); break;
        case EVT_STOP: strict_stop(c, s, n, m); break;
        case EVT_DELETE: strict_delete(c, s, n, m); break;
        case EVT_ADDED: added(c, s, n, m); break;
        default: act_done(c, m->token, RESULT_NOT_SUPPORTED, n->id); break;
        }
}

/* --- requests as they come in ------------------------------------------------------------------------------------------ */

static void queue_request(struct core *c, struct node *n, const struct event *e, uint64_t cause)
{
        struct node *s = parent_of(c, n);
        uint32_t at = MSG_NONE;

        if (s && s->phase != PHASE_NONE)
                at = msg_take(c, true);
        if (at == MSG_NONE) {
                act_done(c, e->token, s && s->phase != PHASE_NONE ? RESULT_BUSY : RESULT_NOPROC, n->id);
                if (e->kind == EVT_ADDED && n->dynamic && n->child == CHILD_GONE)
                        core_forget(c, n);
                return;
        }
        c->pool[at] = (struct msg) { .kind = MSG_REQUEST, .event = e->kind, .flags = e->flags, .node = n->id,
                                     .token = e->token, .cause = cause, .next = MSG_NONE,
                                     .incarnation = stem_hash(spec_stem(n->spec)) };
        queue_push(c, s, at);
}

/* The nearest supervisor above that can do something: the child to start so that n can start. */
static struct node *top_down(struct core *c, struct node *n)
{
        struct node *top = n;

        for (struct node *p = parent_of(c, n); p; p = parent_of(c, p))
                if (p->phase == PHASE_NONE)
                        top = p;
        return top;
}

static void boot(struct core *c, struct node *root, const struct event *e)
{
        if (root->phase != PHASE_NONE) {
                if (root->ready)
                        act_done(c, e->token, RESULT_OK, root->id);
                else
                        wait_for(c, root, e, EVT_START);
                return;
        }
        wait_for(c, root, e, EVT_START);
        root->want = WANT_UP;
        c->over = false;
        super_start(c, root, note(c, root, RULE_BOOT, 0));
}

static void ask_start(struct core *c, struct node *n, const struct event *e, uint64_t cause)
{
        struct node *top = top_down(c, n);
        enum result result;

        if (top->parent == NODE_NONE) {
                if (top != n)
                        wait_for(c, n, e, EVT_START);
                boot(c, top, top == n ? e : &(struct event) { .kind = EVT_START });
                return;
        }
        if (n->child == CHILD_UP && !(n->child_flags & CF_DEAD)) {
                n->want = WANT_UP;
                act_done(c, e->token, RESULT_OK, n->id);
                return;
        }
        result = start_now(c, top, cause);
        if (result != RESULT_OK)
                act_done(c, e->token, result, n->id);
        else
                wait_for(c, n, e, EVT_START);
}

static void mark_down(struct node *n)
{
        n->want = WANT_DOWN;
        n->child_flags &= (uint16_t) ~(CF_PULL | CF_AGAIN);
}

static void ask_stop(struct core *c, struct node *n, const struct event *e, uint64_t cause, bool again)
{
        struct node *s = parent_of(c, n);
        enum event_kind kind = again ? EVT_RESTART : EVT_STOP;

        mark_down(n);
        if (s->super->job != JOB_NONE && !again)
                n->child_flags |= CF_HELD;
        order_stopped(c, n, again);
        if (n->stuck) {
                act_done(c, e->token, RESULT_STUCK, n->id);
                return;
        }
        if (is_pid(n) && !(n->child_flags & CF_DEAD)) {
                wait_for(c, n, e, kind);
                if (again) {
                        n->want = WANT_UP;
                        n->child_flags |= CF_AGAIN;
                }
                if (n->child != CHILD_STOPPING && order_stop(c, n))
                        node_stop(c, n, cause);
                else if (n->child != CHILD_STOPPING)
                        n->child_flags |= CF_STOP_WAIT;
                return;
        }
        if (n->child != CHILD_DOWN && n->child != CHILD_GONE)
                child_cancel(c, s, n);
        enter(c, n, STATE_INACTIVE);
        (void) note(c, n, RULE_STOPPED, cause);
        answer(c, n, EVT_START, RESULT_STOPPED);
        order_changed(c, n);
        core_wake(c, s);
        if (again)
                ask_start(c, n, e, cause);
        else
                act_done(c, e->token, RESULT_OK, n->id);
}

static void ask_delete(struct core *c, struct node *n, const struct event *e, uint64_t cause)
{
        bool live = is_pid(n) && !(n->child_flags & CF_DEAD);

        mark_down(n);
        if (!live && core_has_life(c, n)) {
                act_done(c, e->token, RESULT_STUCK, n->id);
                return;
        }
        if (!live && n->phase == PHASE_NONE) {
                act_done(c, e->token, RESULT_OK, n->id);
                child_cancel(c, parent_of(c, n), n);
                core_forget(c, n);
                return;
        }
        n->child_flags |= CF_DELETE;
        wait_for(c, n, e, EVT_DELETE);
        if (live && n->child != CHILD_STOPPING)
                node_stop(c, n, cause);
}

static void ask_reload(struct core *c, struct node *n, const struct event *e)
{
        struct event reload = { .kind = EVT_RELOAD, .node = n->id };

        if (is_super(n) || spec_count(n->spec, D_SERVICE_ExecReload) == 0) {
                act_done(c, e->token, RESULT_NOT_SUPPORTED, n->id);
        } else if (n->phase == PHASE_UP) {
                wait_for(c, n, e, EVT_RELOAD);
                service_event(c, n, &reload);
        } else if (n->phase == PHASE_RELOAD) {
                wait_for(c, n, e, EVT_RELOAD);
        } else {
                act_done(c, e->token, RESULT_NOT_RUNNING, n->id);
        }
}

static void ask_signal(struct core *c, struct node *n, const struct event *e)
{
        struct action *a;

        if (n->phase == PHASE_NONE) {
                act_done(c, e->token, RESULT_NOT_RUNNING, n->id);
                return;
        }
        a = act(c, n, ACT_SIGNAL);
        a->role = e->role;
        a->arg = e->arg;
        act_done(c, e->token, RESULT_OK, n->id);
}

/* `exit NODE REASON` of a supervisor ends it as if it had given up; of a service see service_end.c. */
static void ask_exit(struct core *c, struct node *n, const struct event *e)
{
        if (n->phase == PHASE_NONE) {
                act_done(c, e->token, RESULT_NOT_RUNNING, n->id);
                return;
        }
        if (!is_super(n)) {
                service_event(c, n, e);
        } else if (n->super->job != JOB_END && n->super->job != JOB_UNWIND && n->phase == PHASE_UP) {
                if (n->child == CHILD_STARTING)
                        n->flags &= (uint16_t) ~NF_ASKED;
                super_end(c, n, e->reason, false, note_full(c, n, RULE_ASKED_EXIT, 0, NODE_NONE, &e->reason, 0, 0));
        }
        act_done(c, e->token, RESULT_OK, n->id);
}

static void reset_failed(struct core *c, struct node *n)
{
        n->backoff = 0;
        n->restarts = 0;
        if (n->window)
                window_clear(n->window);
        if (n->state == STATE_FAILED)
                enter(c, n, STATE_INACTIVE);
        for (node_id id = n->first; id != NODE_NONE; id = c->nodes[id]->next)
                if (!is_super(c->nodes[id]))
                        reset_failed(c, c->nodes[id]);
}

static void ask_freeze(struct core *c, struct node *n, const struct event *e)
{
        bool freeze = e->kind == EVT_FREEZE;

        if (n->phase == PHASE_NONE) {
                act_done(c, e->token, RESULT_NOT_RUNNING, n->id);
                return;
        }
        n->frozen = freeze;
        (void) act(c, n, freeze ? ACT_FREEZE : ACT_THAW);
        act_done(c, e->token, RESULT_OK, n->id);
}

/* A request again and again for the same budget only ever makes it shorter. */
static void shut_down(struct core *c, struct node *root, const struct event *e)
{
        nsec until = nsec_add(c->now, e->arg);

        if (c->shutdown_at == NSEC_NEVER || until < c->shutdown_at)
                c->shutdown_at = until;
        wait_for(c, root, e, EVT_SHUTDOWN);
        if (root->phase == PHASE_NONE) {
                core_root_gone(c);
                return;
        }
        root->want = WANT_DOWN;
        root->child_flags &= (uint16_t) ~CF_AGAIN;
        super_stop(c, root, c->shutdown_cause);
}

static const uint8_t asked[EVT_COUNT] = {
        [EVT_START] = RULE_ASKED_START, [EVT_STOP] = RULE_ASKED_STOP, [EVT_RESTART] = RULE_ASKED_RESTART,
        [EVT_RELOAD] = RULE_ASKED_RELOAD, [EVT_SIGNAL] = RULE_ASKED_SIGNAL, [EVT_RESET_FAILED] = RULE_ASKED_RESET,
        [EVT_FREEZE] = RULE_FROZEN, [EVT_THAW] = RULE_THAWED, [EVT_DELETE] = RULE_ASKED_DELETE,
        [EVT_SHUTDOWN] = RULE_ASKED_SHUTDOWN,
};

/* Root has no supervisor above it that could carry a request out. */
static bool for_root(struct core *c, struct node *root, const struct event *e, uint64_t cause)
{
        switch (e->kind) {
        case EVT_START:
                boot(c, root, e);
                return true;
        case EVT_STOP: case EVT_SHUTDOWN: {
                struct event all = *e;

                if (e->kind == EVT_STOP)
                        all.arg = NSEC_NEVER - c->now - 1;
                c->shutdown_cause = cause;
                shut_down(c, root, &all);
                return true;
        }
        case EVT_RESTART:
                if (root->phase == PHASE_NONE) {
                        boot(c, root, e);
                        return true;
                }
                wait_for(c, root, e, EVT_RESTART);
                root->child_flags |= CF_AGAIN;
                super_stop(c, root, cause);
                return true;
        case EVT_DELETE: case EVT_ADDED:
                act_done(c, e->token, RESULT_NOT_SUPPORTED, root->id);
                return true;
        default:
                return false;
        }
}

void request_event(struct core *c, const struct event *e)
{
        struct node *n = node_at(c, e->kind == EVT_SHUTDOWN ? NODE_ROOT : e->node);
        uint64_t cause = 0;
        bool strict = e->flags & REQ_STRICT;

        if (!n || (n->parent != NODE_NONE && n->child_flags & CF_DELETE)) {
                act_done(c, e->token, RESULT_NOT_FOUND, e->node);
                return;
        }
        if (c->shutdown_at != NSEC_NEVER && !strict && (e->kind == EVT_START || e->kind == EVT_RESTART || e->kind == EVT_ADDED)) {
                act_done(c, e->token, RESULT_SHUTTING_DOWN, n->id);
                return;
        }
        if (asked[e->kind] && !(strict && n->child == CHILD_GONE))
                cause = note_ab(c, n, asked[e->kind], 0, e->arg, 0);
        if (n->parent == NODE_NONE && for_root(c, n, e, cause))
                return;
        if (strict && (e->kind == EVT_START || e->kind == EVT_STOP || e->kind == EVT_DELETE)) {
                queue_request(c, n, e, cause);
                return;
        }
        switch (e->kind) {
        case EVT_START: ask_start(c, n, e, cause); break;
        case EVT_STOP: ask_stop(c, n, e, cause, false); break;
        case EVT_RESTART: ask_stop(c, n, e, cause, true); break;
        case EVT_ADDED: queue_request(c, n, e, cause); break;
        case EVT_DELETE: ask_delete(c, n, e, cause); break;
        case EVT_RELOAD: ask_reload(c, n, e); break;
        case EVT_SIGNAL: ask_signal(c, n, e); break;
        case EVT_EXIT: ask_exit(c, n, e); break;
        case EVT_FREEZE: case EVT_THAW: ask_freeze(c, n, e); break;
        default:
                reset_failed(c, n);
                act_done(c, e->token, RESULT_OK, n->id);
                break;
        }
}
