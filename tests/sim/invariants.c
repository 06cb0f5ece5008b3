/* invariants.c - what the core may do. See witness.h. */
#include "witness.h"

#include <signal.h>
#include <string.h>

#include "core/resolve.h"

enum { ACTIONS_IN_A_STEP = 2048 + 4096 + 256 };

static struct seen *seen(struct witness *w, node_id id)
{
        return id < WITNESS_NODES ? &w->nodes[id] : &w->nodes[WITNESS_NODES - 1];
}

#define EACH(m, a) (const struct action *a = (m)->actions->list, *a##_end = a + (m)->actions->count; a < a##_end; a++)

static bool a_step_emits_at_most_so_many_actions(struct witness *w, const struct moment *m)
{
        return m->actions->count <= ACTIONS_IN_A_STEP || broken(w, "%u actions", m->actions->count);
}

static bool a_step_allocates_nothing(struct witness *w, const struct moment *m)
{
        (void) m;
        return !w->allocations || broken(w, "%u allocations", w->allocations);
}

static bool at_most_one_incarnation_of_a_service_lives_at_a_time(struct witness *w, const struct moment *m)
{
        for EACH(m, a)
                if (a->kind == ACT_OPEN) {
                        struct seen *s = seen(w, a->node);

                        if (s->open)
                                return broken(w, "%s: incarnation %u begins while %u lives", path_of(w, a->node),
                                              a->incarnation, s->incarnation);
                        if (a->incarnation <= s->incarnation)
                                return broken(w, "%s: incarnation %u after %u", path_of(w, a->node), a->incarnation,
                                              s->incarnation);
                        *s = (struct seen) { .open = true, .incarnation = a->incarnation, .spec = s->spec };
                } else if (a->kind == ACT_CLOSE) {
                        struct seen *s = seen(w, a->node);

                        if (!s->open || s->incarnation != a->incarnation)
                                return broken(w, "%s: incarnation %u is closed and is not open", path_of(w, a->node),
                                              a->incarnation);
                        s->open = false;
                } else if (a->kind == ACT_SPAWN) {
                        struct seen *s = seen(w, a->node);

                        if (!s->open || s->incarnation != a->incarnation)
                                return broken(w, "%s: a start in incarnation %u, which is not open",
                                              path_of(w, a->node), a->incarnation);
                }
        return true;
}

static bool every_end_has_a_reason(struct witness *w, const struct moment *m)
{
        for EACH(m, a)
                if (a->kind == ACT_CLOSE && a->reason.kind == REASON_NONE)
                        return broken(w, "%s: incarnation %u is closed without one", path_of(w, a->node),
                                      a->incarnation);
        return true;
}

static bool may_leave_processes(const struct witness *w, node_id id)
{
        const struct node *n = core_node(w->core, id);
        int64_t mode = n ? spec_int(n->spec, D_SERVICE_KillMode) : KILL_NONE;

        return mode == KILL_PROCESS || mode == KILL_NONE || !spec_int(n->spec, D_SERVICE_SendSIGKILL);
}

static bool a_life_that_is_closed_leaves_no_process(struct witness *w, const struct moment *m)
{
        for EACH(m, a) {
                if (a->kind != ACT_CLOSE || w->over || may_leave_processes(w, a->node))
                        continue;
                for (size_t i = 0; i < sim_process_count(m->sim); i++) {
                        const struct sim_process *p = sim_process(m->sim, i);

                        if (p->node == a->node && p->incarnation == a->incarnation && !p->zombie)
                                return broken(w, "%s: process %d", path_of(w, a->node), p->pid);
                }
        }
        return true;
}

/* What is killed at once was asked for that, or has used up its time or its memory. */
static bool may_be_killed_at_once(const struct witness *w, const struct moment *m, const struct node *n)
{
        return spec_int(n->spec, D_SERVICE_KillMode) != KILL_CONTROL_GROUP || n->ending.kind == REASON_KILLED ||
               n->ending.kind == REASON_OUT_OF_MEMORY ||
               (w->shutdown_at != NSEC_NEVER && sim_now(m->sim) >= w->shutdown_at + w->shutdown_budget);
}

/* They may have missed the signal they got together with it, and nobody else tells them that it is gone. */
static bool what_outlives_the_main_process_is_told_to_end_before_it_is_killed(struct witness *w, const struct moment *m)
{
        for EACH(m, a) {
                struct seen *s = seen(w, a->node);
                const struct node *n = core_node(w->core, a->node);
                bool first = !s->killed;

                if (a->kind == ACT_SIGNAL && a->role == ROLE_ALL && a->arg != SIGCONT)
                        s->told = true;
                if (a->kind != ACT_KILL || !n || n->kind != KIND_SERVICE)
                        continue;
                s->killed = true;
                if (first && !s->told && n->phase == PHASE_EMPTY && !may_be_killed_at_once(w, m, n))
                        return broken(w, "%s: others are left and were not told", path_of(w, a->node));
        }
        return true;
}

static bool no_start_is_forgotten_on_its_way(struct witness *w, const struct moment *m)
{
        for EACH(m, a) {
                if (a->kind != ACT_CLOSE)
                        continue;
                for (size_t i = 0; i < sim_life_count(m->sim); i++) {
                        const struct sim_life *l = sim_life(m->sim, i);

                        if (l->node == a->node && l->incarnation == a->incarnation && l->pending)
                                return broken(w, "%s: closed while a process is being started", path_of(w, a->node));
                }
        }
        return true;
}

static bool has_process(const struct moment *m, const struct action *a)
{
        for (size_t i = 0; i < sim_process_count(m->sim); i++) {
                const struct sim_process *p = sim_process(m->sim, i);

                if (p->node == a->node && p->incarnation == a->incarnation && p->role == a->role)
                        return true;
        }
        return false;
}

/* A zombie that nobody was told of is not reaped: its pid is still its own. */
static bool no_signal_goes_to_an_identity_that_was_reaped(struct witness *w, const struct moment *m)
{
        for EACH(m, a) {
                if (a->kind != ACT_SIGNAL)
                        continue;
                if (!seen(w, a->node)->open && a->role != ROLE_ALL)
                        return broken(w, "%s: signal %d after its end", path_of(w, a->node), (int) a->arg);
                if (a->role != ROLE_ALL && !has_process(m, a))
                        return broken(w, "%s: signal %d to role %u, which has no process", path_of(w, a->node),
                                      (int) a->arg, a->role);
        }
        return true;
}

static bool a_role_has_one_process_at_a_time(struct witness *w, const struct moment *m)
{
        for EACH(m, a)
                if (a->kind == ACT_SPAWN && has_process(m, a) && !may_leave_processes(w, a->node))
                        return broken(w, "%s: a second process is started as role %u", path_of(w, a->node), a->role);
        return true;
}

static bool every_request_is_answered_at_most_once(struct witness *w, const struct moment *m)
{
        for EACH(m, a) {
                if (a->kind != ACT_DONE)
                        continue;
                if (a->token >= WITNESS_TOKENS)
                        continue;
                if (w->token[a->token] != 1)
                        return broken(w, "request %u is answered %s", a->token,
                                      w->token[a->token] ? "twice" : "and was never asked");
                w->token[a->token] = 2;
                w->answered++;
        }
        return true;
}

static bool nothing_is_done_for_a_node_that_was_forgotten(struct witness *w, const struct moment *m)
{
        for EACH(m, a) {
                if (a->kind == ACT_DONE || a->kind == ACT_EXIT)
                        continue;
                if (seen(w, a->node)->forgotten)
                        return broken(w, "action %s for node %u", strtab_text(&action_names, a->kind), a->node);
                if (a->kind == ACT_FORGET)
                        seen(w, a->node)->forgotten = true;
        }
        return true;
}

static bool a_node_is_forgotten_only_after_its_end(struct witness *w, const struct moment *m)
{
        for EACH(m, a)
                if (a->kind == ACT_FORGET && seen(w, a->node)->open)
                        return broken(w, "node %u", a->node);
        return true;
}

static bool every_action_names_the_record_that_explains_it(struct witness *w, const struct moment *m)
{
        for EACH(m, a)
                if (a->kind != ACT_DONE && (!a->cause || a->cause > core_last_seq(w->core)))
                        return broken(w, "%s of %s: record %llu", strtab_text(&action_names, a->kind),
                                      path_of(w, a->node), (unsigned long long) a->cause);
        return true;
}

static bool after_the_exit_nothing_is_asked_for(struct witness *w, const struct moment *m)
{
        bool exited = w->over;

        for EACH(m, a) {
                if (exited && a->kind != ACT_DONE)
                        return broken(w, "%s", strtab_text(&action_names, a->kind));
                if (a->kind == ACT_EXIT)
                        exited = true;
        }
        return true;
}

static bool the_exit_code_is_one(struct witness *w, const struct moment *m)
{
        for EACH(m, a)
                if (a->kind == ACT_EXIT && (a->arg < 0 || a->arg > 255))
                        return broken(w, "%lld", (long long) a->arg);
        return true;
}

/* Did the node have a life when the core emitted `a`, in the middle of a step? */
static bool open_at(struct witness *w, const struct moment *m, const struct action *a, node_id id)
{
        bool open = seen(w, id)->open;

        for (const struct action *b = m->actions->list; b < a; b++)
                if (b->node == id && (b->kind == ACT_OPEN || b->kind == ACT_CLOSE))
                        open = b->kind == ACT_OPEN;
        return open;
}

/* Something may begin only below a supervisor that is up or on its way up. One further up may be on its way down:
 * it stops its children one after another, and those it has not come to yet go on as ever (as in OTP). */
static bool nothing_starts_below_a_supervisor_that_is_down(struct witness *w, const struct moment *m)
{
        for EACH(m, a) {
                const struct node *n = a->kind == ACT_OPEN ? core_node(w->core, a->node) : NULL;

                for (bool own = true; n && n->parent != NODE_NONE; n = core_node(w->core, n->parent), own = false) {
                        const struct node *s = core_node(w->core, n->parent);

                        if (s->state != STATE_RUNNING && s->state != STATE_STARTING &&
                            (s->state != STATE_STOPPING || (own && seen(w, s->id)->was_stopping && seen(w, s->id)->was_incarnation == s->incarnation)))
                                return broken(w, "%s starts and %s is %s", path_of(w, a->node), path_of(w, s->id),
                                              strtab_text(&state_names, s->state));
                }
        }
        return true;
}

/* Such a child may be stopped on a sibling's account at any time. */
static bool has_ties(const struct node *n)
{
        return spec_count(n->spec, D_UNIT_BindsTo) + spec_count(n->spec, D_UNIT_Requires) +
               spec_count(n->spec, D_UNIT_PartOf) + spec_count(n->spec, D_UNIT_Conflicts) > 0;
}

/* In a supervisor that stops its children one after another, one is asked to stop only when no later one lives.
 * One that has ended by itself is not asked: what it leaves behind is cleared away at any time. */
static bool stop_order_is_the_reverse_of_start_order(struct witness *w, const struct moment *m)
{
        for EACH(m, a) {
                const struct node *n = core_node(w->core, a->node);
                const struct node *s = n && n->parent != NODE_NONE ? core_node(w->core, n->parent) : NULL;
                bool asks = a->kind == ACT_SIGNAL || (a->kind == ACT_SPAWN && a->directive == D_SERVICE_ExecStop), again;

                if (!asks)
                        continue;
                again = seen(w, a->node)->asked_to_stop;
                seen(w, a->node)->asked_to_stop = true;
                if (again || has_ties(n) || n->ending.kind != REASON_SHUTDOWN || n->state != STATE_STOPPING || !s ||
                    s->state != STATE_STOPPING || !seen(w, s->id)->was_stopping ||
                    spec_start_mode(s->spec) != START_SEQUENTIAL || w->shutdown_at != NSEC_NEVER)
                        continue;
                for (node_id id = n->next; id != NODE_NONE; id = core_node(w->core, id)->next)
                        if (core_node(w->core, id)->kind == KIND_SERVICE && open_at(w, m, a, id) &&
                            !seen(w, id)->asked_to_stop && !core_node(w->core, id)->stuck)
                                return broken(w, "%s stops before %s", path_of(w, a->node), path_of(w, id));
        }
        return true;
}

/* In a supervisor that starts its children one after another, none begins while an earlier one is on its way. */
static bool children_start_in_order(struct witness *w, const struct moment *m)
{
        for EACH(m, a) {
                const struct node *n = a->kind == ACT_OPEN ? core_node(w->core, a->node) : NULL;
                const struct node *s = n && n->parent != NODE_NONE ? core_node(w->core, n->parent) : NULL;

                if (!s || s->state != STATE_STARTING || spec_start_mode(s->spec) != START_SEQUENTIAL)
                        continue;
                for (node_id id = n->prev; id != NODE_NONE; id = core_node(w->core, id)->prev)
                        if (core_node(w->core, id)->state == STATE_STARTING && open_at(w, m, a, id))
                                return broken(w, "%s starts before %s is ready", path_of(w, a->node), path_of(w, id));
        }
        return true;
}

static bool names(const struct node *n, enum directive d, const struct node *other)
{
        for (size_t i = 0; i < spec_count(n->spec, d); i++)
                if (strcmp(spec_item(n->spec, d, i), spec_name(other->spec)) == 0)
                        return true;
        return false;
}

static bool comes_after(const struct node *n, const struct node *other)
{
        return names(n, D_UNIT_After, other) && !names(n, D_UNIT_Before, other); /* both: a circle, left out */
}

static bool what_comes_after_a_sibling_waits_for_it(struct witness *w, const struct moment *m)
{
        for EACH(m, a) {
                const struct node *n = a->kind == ACT_OPEN ? core_node(w->core, a->node) : NULL;
                const struct node *s = n && n->parent != NODE_NONE ? core_node(w->core, n->parent) : NULL;

                if (!s || !spec_count(n->spec, D_UNIT_After) || spec_int(n->spec, D_SERVICE_Type) == TYPE_IDLE)
                        continue;
                for (node_id id = s->first; id != NODE_NONE; id = core_node(w->core, id)->next) {
                        const struct node *o = core_node(w->core, id);

                        if (o != n && o->state == STATE_STARTING && open_at(w, m, a, id) && comes_after(n, o) &&
                            !comes_after(o, n))
                                return broken(w, "%s starts and %s is not ready", path_of(w, n->id), path_of(w, id));
                }
        }
        return true;
}

static bool time_goes_on(struct witness *w, const struct moment *m)
{
        nsec now = sim_now(m->sim);

        if (now < w->at)
                return broken(w, "time went back");
        w->steps_at = now == w->at ? w->steps_at + 1 : 0;
        w->at = now;
        return w->steps_at < 20000 || broken(w, "%u steps at one instant", w->steps_at);
}

static bool a_shutdown_ends_within_its_budget(struct witness *w, const struct moment *m)
{
        nsec now = sim_now(m->sim), limit;

        if (w->shutdown_at == NSEC_NEVER || w->over)
                return true;
        limit = w->shutdown_at + w->shutdown_budget + 3 * NSEC_PER_SEC;
        return now <= limit || broken(w, "%lld ms later the daemon still lives",
                                      (long long) ((now - w->shutdown_at) / NSEC_PER_MSEC));
}

const struct invariant action_invariants[] = {
        { "a step emits a bounded number of actions", a_step_emits_at_most_so_many_actions },
        { "a step allocates nothing", a_step_allocates_nothing },
        { "no start is forgotten on its way", no_start_is_forgotten_on_its_way },
        { "a life that is closed leaves no process", a_life_that_is_closed_leaves_no_process },
        { "what outlives the main process is told to end before it is killed",
          what_outlives_the_main_process_is_told_to_end_before_it_is_killed },
        { "no signal goes to an identity that was reaped", no_signal_goes_to_an_identity_that_was_reaped },
        { "a role has one process at a time", a_role_has_one_process_at_a_time },
        { "stop order is the exact reverse of start order", stop_order_is_the_reverse_of_start_order },
        { "children start in order, each after the one before is ready", children_start_in_order },
        { "what comes After= a sibling waits until that is ready", what_comes_after_a_sibling_waits_for_it },
        { "at most one incarnation of a service lives at a time, and each is closed once",
          at_most_one_incarnation_of_a_service_lives_at_a_time },
        { "every end has a reason", every_end_has_a_reason },
        { "every request is answered at most once", every_request_is_answered_at_most_once },
        { "a node is forgotten only after its end", a_node_is_forgotten_only_after_its_end },
        { "nothing is done for a node that was forgotten", nothing_is_done_for_a_node_that_was_forgotten },
        { "every action names the record that explains it", every_action_names_the_record_that_explains_it },
        { "after the exit nothing is asked for", after_the_exit_nothing_is_asked_for },
        { "the exit code is one the kernel can carry", the_exit_code_is_one },
        { "nothing starts below a supervisor that is down", nothing_starts_below_a_supervisor_that_is_down },
        { "time goes on", time_goes_on },
        { "a shutdown ends within its budget", a_shutdown_ends_within_its_budget },
        { NULL, NULL },
};
