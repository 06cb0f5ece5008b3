/* sim.c - the world's clock: actions become things that will happen, things that happen become events. */
#include "sim/sim.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

const struct sim_config sim_config_default = {
        .spawn = NSEC_PER_MSEC, .ready = 20 * NSEC_PER_MSEC, .death = 5 * NSEC_PER_MSEC,
        .command = 10 * NSEC_PER_MSEC,
};

struct sim *sim_new(struct core *core, const struct sim_config *config, const struct sim_observer *observer)
{
        struct sim *s = calloc(1, sizeof(*s));

        if (!s)
                return NULL;
        s->core = core;
        s->config = *config;
        if (observer)
                s->observer = *observer;
        s->random = config->seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
        s->last_pid = 100;
        s->seen = core_last_seq(core);
        return s;
}

void sim_free(struct sim *s)
{
        if (!s)
                return;
        free(s->heap);
        free(s->parked);
        free(s->processes);
        free(s->lives);
        free(s->habits);
        free(s->frozen);
        free(s);
}

/* splitmix64 */
uint64_t sim_random(struct sim *s)
{
        uint64_t z = s->random += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

struct core *sim_core(const struct sim *s)
{
        return s->core;
}

nsec sim_now(const struct sim *s)
{
        return s->now;
}

uint64_t sim_steps(const struct sim *s)
{
        return s->steps;
}

bool sim_over(const struct sim *s, int *ret_code)
{
        if (s->over && ret_code)
                *ret_code = s->code;
        return s->over;
}

struct sim_habits *sim_habits(struct sim *s, node_id id)
{
        size_t had = s->habit_count, n = had;

        if (id >= n) {
                n = ((size_t) id + 64) & ~(size_t) 63;
                s->habits = reallocarray(s->habits, n, sizeof(*s->habits));
                s->frozen = reallocarray(s->frozen, n, sizeof(*s->frozen));
                if (!s->habits || !s->frozen)
                        abort();
                for (; had < n; had++) {
                        s->habits[had] = (struct sim_habits) { .ready = NSEC_NEVER, .run_for = NSEC_NEVER,
                                                               .fail_command = D_NONE };
                        s->frozen[had] = false;
                }
                s->habit_count = n;
        }
        return &s->habits[id];
}

static void show_records(struct sim *s)
{
        uint64_t last = core_last_seq(s->core);

        while (s->seen < last) {
                const struct record *r = core_record(s->core, ++s->seen);

                if (r && s->observer.recorded)
                        s->observer.recorded(s->observer.arg, s, r);
        }
}

static void do_open(struct sim *s, const struct action *a)
{
        s->lives = grow(s->lives, &s->life_cap, s->life_count + 1, sizeof(*s->lives));
        s->lives[s->life_count++] = (struct sim_life) { .node = a->node, .incarnation = a->incarnation };
}

static void do_close(struct sim *s, const struct action *a)
{
        struct sim_life *life = life_of(s, a->node, a->incarnation);

        if (life)
                *life = s->lives[--s->life_count];
}

static void do_spawn(struct sim *s, const struct action *a)
{
        struct sim_life *life = life_of(s, a->node, a->incarnation);

        if (life)
                life->pending++;
        due_push(s, (struct due) { .kind = DUE_BIRTH, .action = *a }, vary(s, s->config.spawn));
}

static bool is_meant(const struct sim *s, const struct action *a, const struct sim_process *p)
{
        if (a->kind == ACT_KILL && core_node(s->core, a->node) &&
            core_node(s->core, a->node)->kind == KIND_SUPERVISOR)
                return below_node(s, p->node, a->node);
        return p->node == a->node && p->incarnation == a->incarnation &&
               (a->kind == ACT_KILL || a->role == ROLE_ALL || a->role == p->role);
}

static void do_signal(struct sim *s, const struct action *a, int sig)
{
        for (size_t i = 0; i < s->process_count; i++)
                if (is_meant(s, a, &s->processes[i]))
                        send_signal(s, &s->processes[i], sig);
}

static void do_check(struct sim *s, const struct action *a)
{
        due_push(s, (struct due) { .kind = DUE_EVENT,
                                   .event = { .kind = EVT_CHECKED, .node = a->node, .incarnation = a->incarnation,
                                              .arg = sim_habits(s, a->node)->verdict } }, vary(s, 0));
}

static void do_watch(struct sim *s, const struct action *a)
{
        struct sim_life *life = life_of(s, a->node, a->incarnation);

        if (life)
                life->watched = true;
        check_empty(s, a->node, a->incarnation);
}

static void do_freeze(struct sim *s, const struct action *a)
{
        (void) sim_habits(s, a->node);
        s->frozen[a->node] = a->kind == ACT_FREEZE;
        due_unpark(s);
}

static void perform(struct sim *s, const struct action *a)
{
        switch ((enum action_kind) a->kind) {
        case ACT_CHECK:       do_check(s, a); break;
        case ACT_OPEN:        do_open(s, a); break;
        case ACT_SPAWN:       do_spawn(s, a); break;
        case ACT_SIGNAL:      do_signal(s, a, (int) a->arg); break;
        case ACT_KILL:        do_signal(s, a, SIGKILL); break;
        case ACT_WATCH_EMPTY: do_watch(s, a); break;
        case ACT_CLOSE:       do_close(s, a); break;
        case ACT_FREEZE:
        case ACT_THAW:        do_freeze(s, a); break;
        case ACT_DONE:
                if (s->observer.answered)
                        s->observer.answered(s->observer.arg, s, a->token, (enum result) a->result);
                break;
        case ACT_EXIT:
                s->over = true;
                s->code = (int) a->arg;
                break;
        case ACT_FORGET:
        case ACT_DELIVER:
        case ACT_EMERGENCY:
        case ACT_COUNT:
                break;
        }
}

void step(struct sim *s, const struct event *e)
{
        struct actions actions;
        struct event copy = *e;

        if (s->over)
                return;
        /* A loop that finds several things at once says so; it must end such a row before time goes on. */
        if (s->config.shuffle && e->kind > EVT_SHUTDOWN && sim_random(s) % 4 == 0)
                copy.flags |= EVENT_MORE;
        s->owes_tick = copy.flags & EVENT_MORE;
        if (s->observer.stepping)
                s->observer.stepping(s->observer.arg, s, &copy);
        actions = core_step(s->core, &copy, s->now);
        s->steps++;
        show_records(s);
        if (s->observer.tamper)
                s->observer.tamper(s->observer.arg, s, &actions);
        if (s->observer.stepped)
                s->observer.stepped(s->observer.arg, s, &copy, &actions);
        for (uint32_t i = 0; i < actions.count; i++)
                perform(s, &actions.list[i]);
}

/* Pings are words of a living process, and go on for ever. */
static void ping(struct sim *s, struct due *d)
{
        struct sim_process *p = process_by_pid(s, d->pid);
        const struct node *n = p ? core_node(s->core, p->node) : NULL;
        nsec every = n ? spec_int(n->spec, D_SERVICE_WatchdogSec) : 0;

        if (!n || p->zombie || every <= 0 || every == NSEC_NEVER)
                return;
        due_push(s, *d, every / 2);
        if (!held(s, p) && !sim_habits(s, p->node)->silent)
                step(s, &(struct event) { .kind = EVT_WATCHDOG, .role = p->role, .node = p->node,
                                          .incarnation = p->incarnation });
}

static void say_ready(struct sim *s, struct due *d)
{
        struct sim_process *p = process_by_pid(s, d->pid);

        if (p && held(s, p))
                due_park(s, d);
        else if (p && !p->zombie)
                step(s, &(struct event) { .kind = EVT_READY, .role = p->role, .node = p->node,
                                          .incarnation = p->incarnation });
}

static void happen(struct sim *s, struct due *d)
{
        switch (d->kind) {
        case DUE_EVENT:  step(s, &d->event); break;
        case DUE_BIRTH:  birth(s, &d->action); break;
        case DUE_DEATH:  death(s, d); break;
        case DUE_REPORT: report(s, d); break;
        case DUE_NAMED:  named(s, d); break;
        case DUE_READY:  say_ready(s, d); break;
        case DUE_PING:   ping(s, d); break;
        }
}

static void tick(struct sim *s)
{
        step(s, &(struct event) { .kind = EVT_TICK, .node = NODE_ROOT });
}

/* The next thing, if it is due until t. Ends (and births) come before timers of the same instant (FAILURES I8). */
static bool next_thing(struct sim *s, nsec t)
{
        const struct due *first = due_first(s);
        nsec due = first ? first->at : NSEC_NEVER, deadline = core_deadline(s->core);
        nsec next = due < deadline ? due : deadline;
        struct due d;

        if (s->owes_tick && next > s->now) {
                tick(s);
                return true;
        }
        if (s->over || next > t || next == NSEC_NEVER)
                return false;
        if (next > s->now)
                s->now = next;
        if (due <= s->now) {
                d = due_pop(s);
                happen(s, &d);
        } else {
                tick(s);
        }
        return true;
}

void sim_run_until(struct sim *s, nsec t)
{
        while (next_thing(s, t))
                ;
        if (!s->over && t > s->now && t != NSEC_NEVER)
                s->now = t;
}

/* Is something on its way, or does a node wait for time to pass on its way up or down? */
static bool busy(const struct sim *s)
{
        for (size_t i = 0; i < s->due_count; i++)
                if (s->heap[i].kind != DUE_PING && s->heap[i].at <= s->now + NSEC_PER_SEC)
                        return true;
        for (node_id id = 0; id < core_node_limit(s->core); id++) {
                const struct node *n = core_node(s->core, id);

                if (n && (n->state == STATE_STARTING || n->state == STATE_STOPPING || n->state == STATE_BACKOFF ||
                          n->state == STATE_RELOADING))
                        return true;
        }
        return s->owes_tick;
}

bool sim_settle(struct sim *s, nsec t)
{
        while (!s->over && busy(s))
                if (!next_thing(s, t))
                        return !busy(s);
        return true;
}

void sim_boot(struct sim *s)
{
        step(s, &(struct event) { .kind = EVT_START, .node = NODE_ROOT });
}

const struct sim_process *sim_main_process(const struct sim *s, node_id id)
{
        for (size_t i = 0; i < s->process_count; i++) {
                const struct sim_process *p = &s->processes[i];

                if (p->node == id && p->role == ROLE_MAIN && !p->zombie)
                        return p;
        }
        return NULL;
}

bool sim_signal(struct sim *s, node_id id, int sig)
{
        const struct sim_process *p = sim_main_process(s, id);
        struct sim_process *target = p ? process_by_pid(s, p->pid) : NULL;
        nsec latency = s->config.death;

        if (!target)
                return false;
        s->config.death = 0; /* a crash takes no time */
        send_signal(s, target, sig);
        s->config.death = latency;
        return true;
}

/* Ends now, and the core hears of it now. */
static bool end_now(struct sim *s, node_id id, const struct reason *why, bool more)
{
        const struct sim_process *p = sim_main_process(s, id);
        struct due d = { .kind = DUE_REPORT };

        if (!p)
                return false;
        d.pid = p->pid;
        d.event = (struct event) { .kind = EVT_EXITED, .role = p->role, .node = p->node, .arg = p->pid,
                                   .incarnation = p->incarnation, .reason = *why,
                                   .flags = more ? EVENT_MORE : 0 };
        report(s, &d);
        return true;
}

bool sim_exit(struct sim *s, node_id id, const struct reason *why)
{
        return end_now(s, id, why, false);
}

void sim_exit_many(struct sim *s, const node_id *ids, size_t n, const struct reason *why)
{
        for (size_t i = 0; i < n; i++)
                (void) end_now(s, ids[i], why, true);
        tick(s);
}

bool sim_say(struct sim *s, node_id id, enum event_kind kind, int64_t arg)
{
        const struct sim_process *p = sim_main_process(s, id);

        if (!p)
                return false;
        step(s, &(struct event) { .kind = (uint8_t) kind, .role = ROLE_MAIN, .node = id,
                                  .incarnation = p->incarnation, .arg = arg });
        return true;
}

bool sim_ready(struct sim *s, node_id id)
{
        return sim_say(s, id, EVT_READY, 0);
}

void sim_unstick(struct sim *s, node_id id)
{
        sim_habits(s, id)->stuck = false;
        for (size_t i = 0; i < s->process_count; i++)
                if (s->processes[i].node == id && s->processes[i].doomed)
                        send_signal(s, &s->processes[i], SIGKILL);
}

void sim_kill_all(struct sim *s, node_id id)
{
        for (size_t i = 0; i < s->process_count; i++)
                if (s->processes[i].node == id)
                        send_signal(s, &s->processes[i], SIGKILL);
}

void sim_ignore_term(struct sim *s, node_id id, bool on)
{
        sim_habits(s, id)->ignore_term = on;
        for (size_t i = 0; i < s->process_count; i++)
                if (s->processes[i].node == id)
                        s->processes[i].ignore_term = on;
}

void sim_inject(struct sim *s, const struct event *e)
{
        step(s, e);
}

uint32_t sim_next_token(const struct sim *s)
{
        return s->last_token + 1;
}

uint32_t sim_request(struct sim *s, enum event_kind kind, node_id id, int64_t arg, const struct reason *reason)
{
        struct event e = { .kind = (uint8_t) kind, .node = id, .token = ++s->last_token, .arg = arg };

        if (reason)
                e.reason = *reason;
        step(s, &e);
        return e.token;
}

size_t sim_process_count(const struct sim *s)
{
        return s->process_count;
}

const struct sim_process *sim_process(const struct sim *s, size_t i)
{
        return &s->processes[i];
}

size_t sim_life_count(const struct sim *s)
{
        return s->life_count;
}

const struct sim_life *sim_life(const struct sim *s, size_t i)
{
        return &s->lives[i];
}
