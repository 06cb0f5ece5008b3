/* core.c - memory, and the one step.
 *
 * A step goes: the event reaches its node (service.c) or becomes a request (request.c); whoever has to decide
 * something then stands in the work list, and core_pump() lets one supervisor after another decide until nothing
 * moves or the step's room for actions is used up. What is left then is done by the next step, which core_deadline()
 * asks for at once. */
#include "core/core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/machine.h"

enum { RECORDS_DEFAULT = 8192, MESSAGES_SPARE = 256 };

/* --- memory -------------------------------------------------------------------------------------------------------- */

static void node_free(struct node *n)
{
        if (!n)
                return;
        spec_unref(n->spec);
        free(n->deps);
        window_free(n->window);
        if (n->super)
                window_free(n->super->window);
        free(n->super);
        free(n->story);
        free(n);
}

/* What the last step forgot: its actions have been performed by now. */
static void bury(struct core *c)
{
        while (c->buried) {
                struct node *n = c->buried;

                c->buried = n->buried;
                node_free(n);
        }
}

static bool has_check(const struct spec *s)
{
        for (int d = D_UNIT_ConditionPathExists; d <= D_UNIT_AssertGroup; d++)
                if (spec_has(s, (enum directive) d))
                        return true;
        return false;
}

static struct node *node_make(struct spec *spec)
{
        struct node *n = calloc(1, sizeof(*n));

        if (!n)
                return NULL;
        n->spec = spec_ref(spec);
        n->kind = (uint8_t) spec_kind(spec);
        n->parent = n->prev = n->next = n->first = n->last = NODE_NONE;
        n->deadline = n->runtime_at = n->watchdog_at = n->next_start_at = n->started_at = n->ready_at = NSEC_NEVER;
        n->last_reason = n->ending = n->raw = REASON(REASON_NONE, 0);
        n->heap_at = UINT32_MAX;
        n->waiters = MSG_NONE;
        n->flags = has_check(spec) ? NF_CHECK : 0;
        n->story = calloc(1, sizeof(*n->story));
        if (is_super(n))
                n->super = calloc(1, sizeof(*n->super));
        if (!n->story || (is_super(n) && !n->super)) {
                node_free(n);
                return NULL;
        }
        if (n->super) {
                n->super->head = n->super->tail = MSG_NONE;
                n->super->cursor = n->super->from = n->super->leader = n->super->next_woken = NODE_NONE;
        }
        return n;
}

static struct window *window_for(const struct node *s)
{
        return window_new((uint32_t) spec_int(s->spec, D_SUPERVISOR_MaxRestarts),
                          spec_int(s->spec, D_SUPERVISOR_MaxRestartsSec));
}

/* The window a node needs: a supervisor its own; a child of an isolating one, too. Counts are carried over. */
static int window_fit(struct node *n, const struct node *owner, nsec now)
{
        struct window *w = window_for(owner);

        if (!w)
                return -ENOMEM;
        if (n->window)
                window_copy(w, n->window, now);
        window_free(n->window);
        n->window = w;
        return 0;
}

/* A supervisor under an isolating one has two windows to keep: its own and the one its parent counts it in. */
static int windows_fit(struct core *c, struct node *n)
{
        const struct node *p = parent_of(c, n);
        int rc = 0;

        if (is_super(n)) {
                struct window *w = window_for(n);

                if (!w)
                        return -ENOMEM;
                if (n->super->window)
                        window_copy(w, n->super->window, c->now);
                window_free(n->super->window);
                n->super->window = w;
        }
        if (p && super_isolates(p))
                rc = window_fit(n, p, c->now);
        for (node_id id = n->first; id != NODE_NONE && rc == 0; id = c->nodes[id]->next)
                if (is_super(n) && super_isolates(n))
                        rc = window_fit(c->nodes[id], n, c->now);
        return rc;
}

static int grow_pool(struct core *c, uint32_t cap)
{
        struct msg *grown = realloc(c->pool, cap * sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        c->pool = grown;
        for (uint32_t i = c->pool_cap; i < cap; i++) {
                c->pool[i] = (struct msg) { .next = c->pool_free };
                c->pool_free = i;
        }
        c->pool_left += cap - c->pool_cap;
        c->pool_cap = cap;
        return 0;
}

static int grow(struct core *c)
{
        uint32_t cap = c->capacity ? c->capacity * 2 : 16;
        struct node **nodes;
        node_id *heap;

        if (c->limit < c->capacity)
                return 0;
        nodes = realloc(c->nodes, cap * sizeof(struct node *));
        if (!nodes)
                return -ENOMEM;
        c->nodes = nodes;
        heap = realloc(c->heap, cap * sizeof(*heap));
        if (!heap)
                return -ENOMEM;
        c->heap = heap;
        c->capacity = cap;
        return grow_pool(c, 2 * cap + MESSAGES_SPARE);
}

static int place(struct core *c, struct node *n, node_id parent)
{
        struct node *p = node_at(c, parent);
        int rc = grow(c);

        if (rc < 0)
                return rc;
        n->id = c->limit;
        n->parent = parent;
        c->nodes[c->limit] = n;
        rc = windows_fit(c, n);
        if (rc < 0)
                return rc;
        c->limit++;
        if (!p)
                return 0;
        n->prev = p->last;
        if (p->last != NODE_NONE)
                c->nodes[p->last]->next = n->id;
        else
                p->first = n->id;
        p->last = n->id;
        p->super->busy[n->child]++;
        return 0;
}

struct core *core_new(const struct core_config *config, struct spec *root)
{
        struct core *c = calloc(1, sizeof(*c));
        struct node *n = NULL;

        if (!c)
                return NULL;
        c->config = *config;
        c->random = config->seed;
        c->pool_free = MSG_NONE;
        c->work_head = c->work_tail = NODE_NONE;
        c->shutdown_at = NSEC_NEVER;
        c->ring_cap = config->record_capacity ? config->record_capacity : RECORDS_DEFAULT;
        c->ring = calloc(c->ring_cap, sizeof(*c->ring));
        c->actions = malloc((ACTIONS_MAX + ACTIONS_RESERVE) * sizeof(*c->actions));
        n = node_make(root);
        if (!c->ring || !c->actions || !n || place(c, n, NODE_NONE) < 0) {
                node_free(n);
                core_free(c);
                return NULL;
        }
        return c;
}

void core_free(struct core *c)
{
        if (!c)
                return;
        bury(c);
        for (node_id id = 0; id < c->limit; id++)
                node_free(c->nodes[id]);
        free(c->nodes);
        free(c->heap);
        free(c->pool);
        free(c->ring);
        free(c->actions);
        free(c);
}

static bool stem_taken(const struct core *c, const struct node *p, const char *stem)
{
        for (node_id id = p->first; id != NODE_NONE; id = c->nodes[id]->next)
                if (c->nodes[id]->child != CHILD_GONE && strcmp(spec_stem(c->nodes[id]->spec), stem) == 0)
                        return true;
        return false;
}

int core_add(struct core *c, node_id parent, struct spec *spec, bool dynamic, node_id *ret_id, struct err *err)
{
        struct node *p = node_at(c, parent), *n;

        if (!p || !is_super(p))
                return err_set(err, STAGE_LOAD, EINVAL, "add %s: its parent is no supervisor", spec_name(spec));
        if (!dynamic && stem_taken(c, p, spec_stem(spec)))
                return err_set(err, STAGE_LOAD, EEXIST, "add %s: its supervisor has a child of that name", spec_name(spec));
        n = node_make(spec);
        if (n) {
                n->dynamic = dynamic;
                n->child = dynamic ? CHILD_GONE : CHILD_DOWN; /* a dynamic one is a child once EVT_ADDED says so */
        }
        if (!n || place(c, n, parent) < 0) {
                node_free(n);
                return err_set(err, STAGE_LOAD, ENOMEM, "add %s: out of memory", spec_name(spec));
        }
        *ret_id = n->id;
        return 0;
}

int core_set_spec(struct core *c, node_id id, struct spec *spec, struct err *err)
{
        struct node *n = node_at(c, id);
        struct spec *old;

        if (!n || spec_kind(spec) != (enum node_kind) n->kind)
                return err_set(err, STAGE_LOAD, EINVAL, "change %s: no such node", spec_name(spec));
        old = n->spec;
        n->spec = spec_ref(spec);
        if (windows_fit(c, n) < 0) {
                spec_unref(n->spec);
                n->spec = old;
                return err_set(err, STAGE_LOAD, ENOMEM, "change %s: out of memory", spec_name(spec));
        }
        n->flags = (uint16_t) ((n->flags & ~NF_CHECK) | (has_check(spec) ? NF_CHECK : 0));
        spec_unref(old);
        return 0;
}

/* --- leaving ---------------------------------------------------------------------------------------------------------- */

/* No job may keep the number of a node that is gone. */
static void leave_job(struct core *c, struct node *p, const struct node *n)
{
        struct super *j = p->super;
        bool group = j->job == JOB_GROUP_STOP || j->job == JOB_GROUP_FAIL;
        bool backward = j->job == JOB_END || j->job == JOB_UNWIND || group;

        if (j->leader == n->id)
                j->leader = NODE_NONE;
        if (j->from == n->id) {
                j->from = first_live(c, n->next);
                if (group && j->cursor == n->id) {
                        j->cursor = NODE_NONE;
                        j->issued = false;
                }
        }
        if (j->cursor != n->id)
                return;
        j->issued = false;
        if (j->job == JOB_ONE_START || j->job == JOB_ONE_STOP)
                job_over(c, p);
        else
                j->cursor = backward ? last_live(c, n->prev) : first_live(c, n->next);
}

static void leave_work(struct core *c, struct node *n)
{
        struct super *s = n->super;
        node_id before = NODE_NONE;

        if (!s->woken)
                return;
        for (node_id id = c->work_head; id != n->id; id = c->nodes[id]->super->next_woken)
                before = id;
        if (before == NODE_NONE)
                c->work_head = s->next_woken;
        else
                c->nodes[before]->super->next_woken = s->next_woken;
        if (c->work_tail == n->id)
                c->work_tail = before;
        s->woken = false;
}

static void forget_children(struct core *c, struct node *n)
{
        while (n->first != NODE_NONE)
                core_forget(c, c->nodes[n->first]);
}

/* Is anything of it or below it still there, were it only a process that SIGKILL does not end? */
bool core_has_life(const struct core *c, const struct node *n)
{
        if (!is_super(n))
                return n->phase != PHASE_NONE;
        for (node_id id = n->first; id != NODE_NONE; id = c->nodes[id]->next)
                if (core_has_life(c, c->nodes[id]))
                        return true;
        return false;
}

static void answer_all(struct core *c, struct node *n, enum result result)
{
        while (n->waiters != MSG_NONE)
                answer(c, n, (enum event_kind) c->pool[n->waiters].event, result);
}

void core_forget(struct core *c, struct node *n)
{
        struct node *p = parent_of(c, n);

        if (is_super(n)) {
                queue_clear(c, n);
                forget_children(c, n);
                leave_work(c, n);
        }
        answer_all(c, n, RESULT_STOPPED);
        if (p) {
                leave_job(c, p, n);
                p->super->busy[n->child]--;
                if (n->prev != NODE_NONE)
                        c->nodes[n->prev]->next = n->next;
                else
                        p->first = n->next;
                if (n->next != NODE_NONE)
                        c->nodes[n->next]->prev = n->prev;
                else
                        p->last = n->prev;
                core_wake(c, p);
        }
        (void) note(c, n, RULE_FORGOTTEN, n->cause);
        (void) act(c, n, ACT_FORGET);
        timer_remove(c, n);
        order_drop(c, n);
        c->nodes[n->id] = NULL;
        n->buried = c->buried;
        c->buried = n;
}

/* --- actions ---------------------------------------------------------------------------------------------------------- */

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

/* --- the end of everything ------------------------------------------------------------------------------------------- */

static const struct node *code_source(const struct core *c, const struct node *root)
{
        const char *name = spec_str(root->spec, D_SUPERVISOR_ExitCodeFrom);
        node_id id = *name ? core_find(c, NODE_ROOT, name, NULL) : NODE_NONE;

        if (id == NODE_NONE && !root->super->gave_up && !(root->flags & NF_ASKED))
                id = root->super->leader; /* whose end was the reason */
        return node_at(c, id);
}

static int exit_code(const struct core *c, const struct node *root)
{
        const struct node *from = code_source(c, root);
        int code = from ? reason_exit_code(&from->last_reason) : 0;

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

        enter(c, root, root->super->gave_up || !(root->flags & (NF_STARTED | NF_ASKED)) ? STATE_FAILED : STATE_INACTIVE);
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

/* --- the step ------------------------------------------------------------------------------------------------------------ */

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
        while (c->work_head != NODE_NONE && core_has_room(c))
                super_run(c, next_woken(c));
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
        else if (e->kind == EVT_CHECKED)
                super_checked(c, n, e);
}

struct actions core_step(struct core *c, const struct event *event, nsec now)
{
        c->now = now > c->now ? now : c->now;
        c->action_len = 0;
        bury(c);
        c->event = event->kind;
        c->hold = event->flags & EVENT_MORE;
        if (event->kind >= EVT_START && event->kind <= EVT_SHUTDOWN)
                request_event(c, event);
        else if (event->kind > EVT_SHUTDOWN && event->kind < EVT_COUNT)
                world_event(c, event);
        else
                ticks(c);
        if (!c->hold)
                pump(c);
        return (struct actions) { .list = c->actions, .count = c->action_len };
}

nsec core_deadline(const struct core *c)
{
        nsec first = timer_first(c);

        if (c->work_head != NODE_NONE)
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
