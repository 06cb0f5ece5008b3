/* process.c - pretend processes: how they are born, what they do by themselves, how they end. */
#include "sim/world.h"

#include <errno.h>
#include <signal.h>

struct sim_process *process_by_pid(struct sim *s, int32_t pid)
{
        for (size_t i = 0; i < s->process_count; i++)
                if (s->processes[i].pid == pid)
                        return &s->processes[i];
        return NULL;
}

struct sim_life *life_of(struct sim *s, node_id id, uint32_t incarnation)
{
        for (size_t i = 0; i < s->life_count; i++)
                if (s->lives[i].node == id && s->lives[i].incarnation == incarnation)
                        return &s->lives[i];
        return NULL;
}

bool below_node(const struct sim *s, node_id id, node_id top)
{
        for (const struct node *n; id != NODE_NONE && id != top; id = n->parent) {
                n = core_node(s->core, id);
                if (!n)
                        return false;
        }
        return id == top;
}

bool held(const struct sim *s, const struct sim_process *p)
{
        if (p->stopped)
                return true;
        for (node_id id = p->node; id != NODE_NONE;) {
                const struct node *n = core_node(s->core, id);

                if (id < s->habit_count && s->frozen[id])
                        return true;
                id = n ? n->parent : NODE_NONE;
        }
        return false;
}

/* Shuffled: mostly near the usual, sometimes at once, sometimes late. */
nsec vary(struct sim *s, nsec usual)
{
        uint64_t r;

        if (!s->config.shuffle)
                return usual;
        r = sim_random(s);
        switch (r % 8) {
        case 0:
        case 1:
        case 2:
                return 0;
        case 3:
                return usual + (nsec) ((r >> 8) % 50) * NSEC_PER_MSEC;
        default:
                return usual ? (nsec) ((r >> 8) % (uint64_t) (2 * usual)) : 0;
        }
}

static void tell(struct sim *s, const struct sim_process *p, enum event_kind kind, int64_t arg, nsec delay)
{
        due_push(s, (struct due) { .kind = DUE_EVENT, .pid = p->pid,
                                   .event = { .kind = (uint8_t) kind, .role = p->role, .node = p->node,
                                              .incarnation = p->incarnation, .arg = arg } }, delay);
}

static struct sim_process *add_process(struct sim *s, const struct action *a, enum role role)
{
        struct sim_process *p;

        s->processes = grow(s->processes, &s->process_cap, s->process_count + 1, sizeof(*s->processes));
        p = &s->processes[s->process_count++];
        *p = (struct sim_process) {
                .pid = ++s->last_pid, .node = a->node, .incarnation = a->incarnation, .role = (uint8_t) role,
                .directive = a->directive, .ignore_term = sim_habits(s, a->node)->ignore_term,
        };
        return p;
}

static void end_after(struct sim *s, const struct sim_process *p, struct reason why, nsec delay)
{
        due_push(s, (struct due) { .kind = DUE_DEATH, .pid = p->pid, .event = { .reason = why } }, delay);
}

/* The main process of a service that is to stay, or a oneshot's work. */
static void begin_main(struct sim *s, const struct sim_process *p, const struct node *n)
{
        const struct sim_habits *h = sim_habits(s, p->node);
        int64_t type = spec_int(n->spec, D_SERVICE_Type);
        nsec watchdog = spec_int(n->spec, D_SERVICE_WatchdogSec);

        if (h->run_for != NSEC_NEVER)
                end_after(s, p, h->run_reason, h->run_for);
        else if ((type == TYPE_ONESHOT || type == TYPE_FORKING) && !h->hang)
                end_after(s, p, REASON(REASON_NORMAL, 0), vary(s, s->config.command));
        if (type == TYPE_NOTIFY && !h->hang)
                due_push(s, (struct due) { .kind = DUE_READY, .pid = p->pid },
                         h->ready != NSEC_NEVER ? h->ready : vary(s, s->config.ready));
        if (watchdog > 0 && watchdog != NSEC_NEVER)
                due_push(s, (struct due) { .kind = DUE_PING, .pid = p->pid }, watchdog / 2);
}

static bool of_start(uint16_t directive)
{
        return directive == D_SERVICE_ExecCondition || directive == D_SERVICE_ExecStartPre ||
               directive == D_SERVICE_ExecStartPost;
}

static void begin_command(struct sim *s, const struct sim_process *p)
{
        struct sim_habits *h = sim_habits(s, p->node);
        struct reason end = REASON(REASON_NORMAL, 0);

        if (h->fail_starts && h->fail_command == p->directive) {
                h->fail_starts--;
                end = REASON(REASON_EXIT, 1);
        } else if (of_start(p->directive) ? h->hang : h->hang_stop) {
                return;
        }
        end_after(s, p, end, vary(s, s->config.command));
}

static bool fails_to_start(struct sim *s, const struct action *a, struct reason *ret)
{
        struct sim_habits *h = sim_habits(s, a->node);

        if (!h->fail_starts || h->fail_command != D_NONE || a->directive != D_SERVICE_ExecStart || a->index)
                return false;
        h->fail_starts--;
        *ret = REASON(REASON_SPAWN, h->fail_errno);
        ret->stage = h->fail_stage;
        return true;
}

/* The spawn request reaches init. The failing child of a real start was a process for a moment; the core may have
 * heard of it or not. */
void birth(struct sim *s, const struct action *a)
{
        const struct node *n = core_node(s->core, a->node);
        struct sim_life *life = life_of(s, a->node, a->incarnation);
        struct sim_process *p;
        struct reason why;
        struct event e = { .kind = EVT_SPAWN_FAILED, .role = a->role, .node = a->node,
                           .incarnation = a->incarnation };

        if (life)
                life->pending--;
        if (!n || !life) /* its cgroup is gone */
                return;
        if (fails_to_start(s, a, &why)) {
                e.reason = why;
                step(s, &e);
                check_empty(s, a->node, a->incarnation);
                return;
        }
        p = add_process(s, a, a->role);
        e.kind = EVT_SPAWNED;
        e.arg = p->pid;
        if (a->confirm_exec)
                tell(s, p, EVT_EXECED, p->pid, vary(s, 0));
        if (a->directive == D_SERVICE_ExecStart)
                begin_main(s, p, n);
        else
                begin_command(s, p);
        if (a->directive == D_SERVICE_ExecStart && sim_habits(s, a->node)->leave)
                add_process(s, a, ROLE_ALL)->directive = D_NONE;
        step(s, &e);
}

static void remove_process(struct sim *s, struct sim_process *p)
{
        *p = s->processes[--s->process_count];
}

void check_empty(struct sim *s, node_id id, uint32_t incarnation)
{
        struct sim_life *life = life_of(s, id, incarnation);

        if (!life || !life->watched || life->pending)
                return;
        for (size_t i = 0; i < s->process_count; i++) {
                const struct sim_process *p = &s->processes[i];

                if (p->node == id && p->incarnation == incarnation && !p->zombie)
                        return;
        }
        life->watched = false;
        due_push(s, (struct due) { .kind = DUE_EVENT,
                                   .event = { .kind = EVT_EMPTY, .node = id, .incarnation = incarnation } },
                 vary(s, 0));
}

/* A forking service: the process that was started has ended well and leaves the real one behind. */
static void leave_daemon(struct sim *s, const struct sim_process *parent)
{
        struct action a = { .node = parent->node, .incarnation = parent->incarnation,
                            .directive = D_SERVICE_ExecStart };
        struct sim_process *p = add_process(s, &a, ROLE_ALL);

        p->directive = D_NONE;
        due_push(s, (struct due) { .kind = DUE_NAMED, .pid = p->pid, .action = a }, vary(s, NSEC_PER_MSEC));
}

/* Nobody hears of the end of one that has not been found; without PIDFile= it is found that nothing is left. */
void named(struct sim *s, const struct due *d)
{
        const struct node *n = core_node(s->core, d->action.node);
        struct sim_process *p = process_by_pid(s, d->pid);

        if (!n || (!p && spec_has(n->spec, D_SERVICE_PIDFile)))
                return;
        if (p)
                p->role = ROLE_MAIN;
        step(s, &(struct event) { .kind = EVT_MAINPID, .node = d->action.node,
                                  .incarnation = d->action.incarnation, .arg = p ? p->pid : 0 });
}

void death(struct sim *s, struct due *d)
{
        struct sim_process *p = process_by_pid(s, d->pid);
        struct sim_process gone;
        const struct node *n;

        if (!p || p->zombie)
                return;
        if (held(s, p) && !p->doomed) {
                due_park(s, d);
                return;
        }
        if (p->doomed && sim_habits(s, p->node)->stuck)
                return;
        n = core_node(s->core, p->node);
        if (p->role == ROLE_ALL) {
                gone = *p;
                remove_process(s, p);
                check_empty(s, gone.node, gone.incarnation);
                return;
        }
        p->zombie = true;
        gone = *p;
        d->event = (struct event) { .kind = EVT_EXITED, .role = gone.role, .node = gone.node,
                                    .incarnation = gone.incarnation, .arg = gone.pid, .reason = d->event.reason };
        d->kind = DUE_REPORT;
        due_push(s, *d, vary(s, 0));
        if (n && gone.directive == D_SERVICE_ExecStart && d->event.reason.kind == REASON_NORMAL &&
            spec_int(n->spec, D_SERVICE_Type) == TYPE_FORKING && !gone.doomed)
                leave_daemon(s, &gone);
        check_empty(s, gone.node, gone.incarnation);
}

void report(struct sim *s, struct due *d)
{
        struct sim_process *p = process_by_pid(s, d->pid);

        if (p)
                remove_process(s, p);
        step(s, &d->event);
        check_empty(s, d->event.node, d->event.incarnation);
}

static bool deadly(int sig)
{
        return sig != SIGCHLD && sig != SIGURG && sig != SIGWINCH && sig != SIGCONT && sig != SIGSTOP &&
               sig != SIGTSTP && sig != SIGTTIN && sig != SIGTTOU && sig != 0;
}

static bool can_be_ignored(int sig)
{
        return sig != SIGKILL && sig != SIGSEGV && sig != SIGABRT && sig != SIGBUS && sig != SIGILL &&
               sig != SIGFPE && sig != SIGSYS && sig != SIGTRAP;
}

/* A helper misses what is sent to it while its main process lives, as a child of a shell may before it has called
 * exec: who ends it has to tell it again. */
static bool misses(const struct sim *s, const struct sim_process *p, int sig)
{
        if (p->role != ROLE_ALL || !can_be_ignored(sig))
                return false;
        for (size_t i = 0; i < s->process_count; i++) {
                const struct sim_process *other = &s->processes[i];

                if (other->node == p->node && other->incarnation == p->incarnation && other->role == ROLE_MAIN &&
                    !other->zombie)
                        return true;
        }
        return false;
}

void send_signal(struct sim *s, struct sim_process *p, int sig)
{
        if (p->zombie)
                return;
        if (sig == SIGSTOP || sig == SIGCONT) {
                p->stopped = sig == SIGSTOP;
                due_unpark(s);
        } else if (deadly(sig) && !(p->ignore_term && can_be_ignored(sig)) && !misses(s, p, sig)) {
                p->doomed = p->doomed || sig == SIGKILL;
                end_after(s, p, REASON(REASON_SIGNAL, sig), vary(s, s->config.death));
        }
}
