/* core.c - memory, and the one step.
 *
 * A step goes: the event reaches its node (service.c) or becomes a request (request.c); whoever has to decide
 * something then stands in the work list, and core_pump() lets one supervisor after another decide until nothing
 * moves or the step's room for actions is used up. What is left then is done by the next step, which core_deadline()
 * asks for at once. */
#include "core/bond_priv.h"
#include "core/core.h"
#include "core/machine.h"
#include "core/restart.h"
#include "core/service.h"
#include "core/supervisor.h"


/* --- actions ------------------------------------------------------------------------------------------------------ */

struct action *act(struct core *c, struct node *n, enum action_kind kind)
{
        struct action *a;

        if (c->action_len == ACTIONS_MAX + ACTIONS_RESERVE)
                c->action_len--; /* cannot be: core_has_room() is asked before each decision */
        a = &c->actions[c->action_len++];
        *a = (struct action) { .kind = (uint8_t) kind, .node = n->id, .incarnation = n->incarnation,
                               .cause = n->cause, .reason = REASON(REASON_NONE, 0) };
        return a;
}

void act_done(struct core *c, uint32_t token, enum result result, node_id id)
{
        struct action *a;

        if (!token)
                return;
        a = act(c, c->nodes[NODE_ROOT], ACT_DONE);
        a->node = id;
        a->incarnation = node_at(c, id) ? c->nodes[id]->incarnation : 0;
        a->cause = node_at(c, id) ? c->nodes[id]->cause : 0;
        a->token = token;
        a->arg = (int64_t) c->seq;
        a->result = (uint8_t) result;
}

bool core_has_room(const struct core *c)
{
        return c->action_len < ACTIONS_MAX;
}

/* splitmix64 */
uint64_t core_random(struct core *c)
{
        uint64_t z = (c->random += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

/* --- the end of everything ---------------------------------------------------------------------------------------- */

static const struct node *code_source(const struct core *c, const struct node *root)
{
        const char *name = spec_str(root->spec, D_SUPERVISOR_ExitCodeFrom);
        node_id id = *name ? core_find(c, NODE_ROOT, name, NULL) : NODE_NONE;

        if (id == NODE_NONE && !root->super->gave_up && !(root->flags & NF_ASKED))
                id = root->super->leader; /* whose end was the reason */
        return node_at(c, id);
}

/* What counts as a clean end has its code all the same; but a signal that ends it only if we did not ask it to end, and
 * not one that "-" before the command forgives. */
static int last_code(const struct node *n)
{
        bool told = !is_super(n) && !reason_abnormal(&n->last_reason) &&
                    (n->raw.kind == REASON_EXIT ||
                     (n->raw.kind == REASON_SIGNAL && n->last_reason.kind == REASON_NORMAL &&
                      end_is_clean(n->spec, &n->raw)));

        return reason_exit_code(told ? &n->raw : &n->last_reason);
}

static int exit_code(const struct core *c, const struct node *root)
{
        const struct node *from = code_source(c, root);
        int code = from ? last_code(from) : 0;

        /* An end that nobody asked for is never a success without a child that says so. */
        if (!from && !(root->flags & NF_ASKED))
                return 70;
        if (from && code == 0 && !(root->flags & NF_ASKED) && (root->super->gave_up || !(root->flags & NF_STARTED)))
                return 70;
        return code;
}

/* Nothing will happen any more: whoever still waits for something is told so. */
static void answer_everybody(struct core *c)
{
        for (node_id id = 0; id < c->limit; id++) {
                if (c->nodes[id] && is_super(c->nodes[id]))
                        queue_clear(c, c->nodes[id]);
                if (c->nodes[id])
                        answer_all(c, c->nodes[id], RESULT_STOPPED);
        }
}

static void leave(struct core *c, struct node *root)
{
        struct action *a;

        answer_everybody(c);
        (void) note_ab(c, root, RULE_DAEMON_EXIT, root->cause, exit_code(c, root), 0);
        a = act(c, root, ACT_EXIT);
        a->arg = exit_code(c, root);
        c->over = true;
        c->shutdown_at = c->shutdown_at == NSEC_NEVER ? NSEC_NEVER : NSEC_NEVER - 1;
}

void core_root_down(struct core *c)
{
        struct node *root = c->nodes[NODE_ROOT];
        bool again = root->child_flags & CF_AGAIN;

        enter(c, root, root->super->gave_up || !(root->flags & (NF_STARTED | NF_ASKED))
              ? STATE_FAILED : STATE_INACTIVE);
        (void) note_full(c, root, RULE_SUP_EXIT, root->cause, NODE_NONE, &root->last_reason, root->incarnation, 0);
        answer(c, root, EVT_START, RESULT_START_FAILED);
        answer(c, root, EVT_STOP, RESULT_OK);
        answer(c, root, EVT_SHUTDOWN, RESULT_OK);
        if (again && c->shutdown_at == NSEC_NEVER) {
                root->child_flags &= (uint16_t) ~CF_AGAIN;
                super_start(c, root, root->cause);
                return;
        }
        answer(c, root, EVT_RESTART, RESULT_STOPPED);
        if (c->config.machine && c->shutdown_at == NSEC_NEVER) {
                (void) note(c, root, RULE_EMERGENCY, root->cause);
                (void) act(c, root, ACT_EMERGENCY);
                return;
        }
        leave(c, root);
}

void core_root_gone(struct core *c)
{
        struct node *root = c->nodes[NODE_ROOT];

        root->flags |= NF_ASKED;
        answer(c, root, EVT_SHUTDOWN, RESULT_OK);
        answer(c, root, EVT_STOP, RESULT_OK);
        if (!c->over)
                leave(c, root);
}

/* The time for the shutdown is used up: kill what is left; a little later go even if something survives that. */
static void shutdown_tick(struct core *c)
{
        struct node *root = c->nodes[NODE_ROOT];

        if (c->over || c->shutdown_at > c->now)
                return;
        if (c->killing) {
                if (root->phase != PHASE_NONE)
                        root->phase = PHASE_NONE;
                answer(c, root, EVT_SHUTDOWN, RESULT_STUCK);
                leave(c, root);
                return;
        }
        c->killing = true;
        c->shutdown_at = nsec_add(c->now, SHUTDOWN_STUCK_SEC * NSEC_PER_SEC);
        (void) note(c, root, RULE_SHUTDOWN_KILL, c->shutdown_cause);
        (void) act(c, root, ACT_KILL);
}

/* --- the step ----------------------------------------------------------------------------------------------------- */

void core_wake(struct core *c, struct node *super)
{
        struct super *s = super->super;

        if (s->woken)
                return;
        s->woken = true;
        s->next_woken = NODE_NONE;
        if (c->work_tail == NODE_NONE)
                c->work_head = super->id;
        else
                c->nodes[c->work_tail]->super->next_woken = super->id;
        c->work_tail = super->id;
}

static struct node *next_woken(struct core *c)
{
        struct node *s = c->nodes[c->work_head];

        c->work_head = s->super->next_woken;
        if (c->work_head == NODE_NONE)
                c->work_tail = NODE_NONE;
        s->super->woken = false;
        return s;
}

static void pump(struct core *c)
{
        do {
                while (c->work_head != NODE_NONE && core_has_room(c))
                        super_run(c, next_woken(c));
        } while (bonds_pump(c) && core_has_room(c));
}

static void ticks(struct core *c)
{
        node_id id;

        while (core_has_room(c) && (id = timer_due(c)) != NODE_NONE) {
                struct node *n = c->nodes[id];

                if (n->next_start_at <= c->now)
                        child_tick(c, n);
                else
                        service_tick(c, n);
        }
        shutdown_tick(c);
}

static void world_event(struct core *c, const struct event *e)
{
        struct node *n = node_at(c, e->node);

        if (!n || (e->incarnation && e->incarnation != n->incarnation))
                return;
        if (!is_super(n))
                service_event(c, n, e);
        if (e->kind == EVT_OOM)
                super_oom(c, n, e);
        else if (is_super(n) && e->kind == EVT_CHECKED)
                super_checked(c, n, e);
}

struct actions core_step(struct core *c, const struct event *event, nsec now)
{
        c->now = now > c->now ? now : c->now;
        c->action_len = 0;
        core_bury(c);
        bonds_sweep(c);
        c->event = event->kind;
        c->hold = event->flags & EVENT_MORE;
        if (event->kind >= EVT_START && event->kind <= EVT_SHUTDOWN)
                request_event(c, event);
        else if (event->kind > EVT_SHUTDOWN && event->kind < EVT_CHECKED)
                bond_event(c, event);
        else if (event->kind >= EVT_CHECKED && event->kind < EVT_COUNT)
                world_event(c, event);
        else
                ticks(c);
        if (!c->hold) {
                (void) bonds_pump(c); /* who hears of an end hears of it before it is decided what comes of it */
                pump(c);
        }
        return (struct actions) { .list = c->actions, .count = c->action_len };
}

nsec core_deadline(const struct core *c)
{
        nsec first = timer_first(c);

        if (c->work_head != NODE_NONE || c->bonds->first != BOND_NONE)
                return c->now; /* the last step did not finish its work */
        if (!c->over && c->shutdown_at < first)
                return c->shutdown_at;
        return first;
}

uint32_t core_intensity_used(const struct core *c, node_id id, nsec now)
{
        const struct node *n = node_at(c, id);
        const struct node *p = n ? parent_of(c, n) : NULL;

        if (!n)
                return 0;
        if (is_super(n))
                return window_count(n->super->window, now);
        return p && super_isolates(p) ? window_count(n->window, now) : 0;
}
