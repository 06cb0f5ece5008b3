/* request.c - what is asked for from outside.
 *
 * Two manners. A strict request (REQ_STRICT) is OTP's supervisor call: it stands in the supervisor's queue behind
 * what is there already, and its answer is OTP's (otp/README, facts 20 and 21). The others are a person's: `stop`
 * takes effect at once, whatever the supervisor is doing; `start` of what waits for its next attempt starts it now;
 * both are answered when the node is where it should be.
 * Used by: core.c.  Uses: machine.h.  Tested by: tests/unit/supervisor.c */
#include "core/machine.h"
#include "core/order.h"
#include "core/service.h"
#include "core/supervisor.h"

/* --- a person's start --------------------------------------------------------------------------------------------- */

/* Start it now if that is possible; OK means under way, or up. */
enum result start_now(struct core *c, struct node *n, uint64_t cause)
{
        struct node *s = super_of(c, n);
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
void try_start(struct core *c, struct node *s, struct node *n, uint64_t cause)
{
        if (n->want == WANT_DOWN || n->stuck || n->child == CHILD_STARTING || n->child == CHILD_STOPPING ||
            n->child == CHILD_UP)
                return;
        if (n->child == CHILD_GONE && child_namesake(c, s, n))
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

/* --- requests as they come in ------------------------------------------------------------------------------------- */

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
        enter_first(c, root);
        root->want = WANT_UP;
        c->over = false;
        super_start(c, root, note(c, root, RULE_BOOT, 0));
}

static void ask_start(struct core *c, struct node *n, const struct event *e, uint64_t cause)
{
        struct node *top = top_down(c, n);
        enum result result;

        if (top->parent == NODE_NONE && top != n && (e->flags & REQ_ALONE)) {
                super_stand(c, top, note(c, top, RULE_BOOT, cause));
                top = top_down(c, n);
        }
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
        struct node *s = super_of(c, n);
        enum event_kind kind = again ? EVT_RESTART : EVT_STOP;

        mark_down(n);
        if (s->super->job != JOB_NONE && !again)
                n->child_flags |= CF_HELD;
        order_stopped(c, n, again);
        if (n->stuck) {
                act_done(c, e->token, RESULT_STUCK, n->id);
                return;
        }
        if (child_is_pid(n) && !(n->child_flags & CF_DEAD)) {
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

void request_stop(struct core *c, struct node *n, uint64_t cause)
{
        ask_stop(c, n, &(struct event) { .kind = EVT_STOP, .node = n->id }, cause, false);
}

static void ask_delete(struct core *c, struct node *n, const struct event *e, uint64_t cause)
{
        bool live = child_is_pid(n) && !(n->child_flags & CF_DEAD);

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
                act_done(c, e->token, RESULT_NO_RELOAD, n->id);
        } else if (n->phase == PHASE_UP) {
                wait_for(c, n, e, EVT_RELOAD);
                service_event(c, n, &reload);
        } else if (n->phase == PHASE_RELOAD) {
                wait_for(c, n, e, EVT_RELOAD);
        } else {
                act_done(c, e->token, RESULT_NOT_RUNNING, n->id);
        }
}

static bool has_role(const struct node *n, enum role role)
{
        if (n->phase == PHASE_NONE || !(n->flags & NF_OPENED))
                return false;
        return role == ROLE_ALL || (role == ROLE_MAIN ? n->pid_main : n->pid_control) != 0;
}

/* To every service of the branch that has such a process. Only the numbers we know are signalled: they are ours
 * until their end has been told. */
static bool signal_branch(struct core *c, struct node *n, const struct event *e)
{
        struct action *a;
        bool any = false;

        if (!is_super(n)) {
                if (!has_role(n, (enum role) e->role) || !core_has_room(c))
                        return false;
                a = act(c, n, ACT_SIGNAL);
                a->role = e->role;
                a->arg = e->arg;
                return true;
        }
        for (node_id id = n->first; id != NODE_NONE; id = c->nodes[id]->next)
                any |= signal_branch(c, c->nodes[id], e);
        return any;
}

static void ask_signal(struct core *c, struct node *n, const struct event *e)
{
        act_done(c, e->token, signal_branch(c, n, e) ? RESULT_OK : RESULT_NOT_RUNNING, n->id);
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

/* The time for which it was frozen was not its own. What is frozen by itself as well stays so. */
static void watch_again(struct core *c, struct node *n)
{
        if (n->frozen)
                return;
        if (n->watchdog_at != NSEC_NEVER) {
                service_watch(c, n);
                timer_update(c, n);
        }
        for (node_id id = n->first; id != NODE_NONE; id = c->nodes[id]->next)
                watch_again(c, c->nodes[id]);
}

static void ask_freeze(struct core *c, struct node *n, const struct event *e)
{
        bool freeze = e->kind == EVT_FREEZE, was = n->frozen;

        if (n->phase == PHASE_NONE || (freeze && n->state == STATE_STOPPING)) {
                act_done(c, e->token, n->phase == PHASE_NONE ? RESULT_NOT_RUNNING : RESULT_STOPPING, n->id);
                return;
        }
        if (was != freeze)
                (void) note(c, n, freeze ? RULE_FROZEN : RULE_THAWED, 0);
        n->frozen = freeze;
        (void) act(c, n, freeze ? ACT_FREEZE : ACT_THAW);
        if (was && !freeze)
                watch_again(c, n);
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
        [EVT_DELETE] = RULE_ASKED_DELETE, [EVT_SHUTDOWN] = RULE_ASKED_SHUTDOWN,
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
        if (c->shutdown_at != NSEC_NEVER && !strict &&
            (e->kind == EVT_START || e->kind == EVT_RESTART || e->kind == EVT_ADDED)) {
                act_done(c, e->token, RESULT_SHUTTING_DOWN, n->id);
                return;
        }
        if (asked[e->kind] && !(strict && n->child == CHILD_GONE))
                cause = note_ab(c, n, asked[e->kind], 0, e->arg, 0);
        if (n->parent == NODE_NONE && for_root(c, n, e, cause))
                return;
        if (strict && (e->kind == EVT_START || e->kind == EVT_STOP || e->kind == EVT_DELETE)) {
                call_queue(c, n, e, cause);
                return;
        }
        switch (e->kind) {
        case EVT_START: ask_start(c, n, e, cause); break;
        case EVT_STOP: ask_stop(c, n, e, cause, false); break;
        case EVT_RESTART: ask_stop(c, n, e, cause, true); break;
        case EVT_ADDED:
                enter_first(c, n);
                call_queue(c, n, e, cause);
                break;
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
