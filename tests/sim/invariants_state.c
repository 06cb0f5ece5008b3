/* invariants_state.c - what nodes and records must say of themselves, and what must be true in the end.
 * See witness.h. */
#include "witness.h"

#include <string.h>

#include "base/buf.h"
#include "core/resolve.h"

#define EACH_NODE(w, n) \
        (node_id n##_id = 0; n##_id < core_node_limit((w)->core); n##_id++) \
                for (const struct node *n = core_node((w)->core, n##_id); n; n = NULL)

static bool is_down(const struct node *n)
{
        return n->state == STATE_INACTIVE || n->state == STATE_FAILED || n->state == STATE_FINISHED ||
               n->state == STATE_BACKOFF;
}

static bool has_life(const struct witness *w, const struct node *n)
{
        return n->id < WITNESS_NODES && w->nodes[n->id].open;
}

static bool a_service_that_is_down_has_no_life(struct witness *w, const struct moment *m)
{
        (void) m;
        for EACH_NODE(w, n)
                if (n->kind == KIND_SERVICE && is_down(n) && has_life(w, n) && !n->stuck)
                        return broken(w, "%s is %s and has one", path_of(w, n->id),
                                      strtab_text(&state_names, n->state));
        return true;
}

static bool a_service_that_runs_has_a_life(struct witness *w, const struct moment *m)
{
        (void) m;
        for EACH_NODE(w, n)
                if (n->kind == KIND_SERVICE && !has_life(w, n) &&
                    (n->state == STATE_RUNNING || n->state == STATE_RELOADING || n->state == STATE_STOPPING))
                        return broken(w, "%s is %s and has none", path_of(w, n->id),
                                      strtab_text(&state_names, n->state));
        return true;
}

static bool no_child_outlives_its_supervisor(struct witness *w, const struct moment *m)
{
        (void) m;
        for EACH_NODE(w, n) {
                const struct node *s = n->parent == NODE_NONE ? NULL : core_node(w->core, n->parent);

                if (s && is_down(s) && !is_down(n) && !n->stuck)
                        return broken(w, "%s is %s and %s is %s", path_of(w, n->id),
                                      strtab_text(&state_names, n->state), path_of(w, s->id),
                                      strtab_text(&state_names, s->state));
        }
        return true;
}

static bool only_what_runs_is_ready(struct witness *w, const struct moment *m)
{
        (void) m;
        for EACH_NODE(w, n)
                if (n->ready && n->state != STATE_RUNNING && n->state != STATE_RELOADING &&
                    n->state != STATE_STOPPING && n->state != STATE_FINISHED)
                        return broken(w, "%s is %s", path_of(w, n->id), strtab_text(&state_names, n->state));
        return true;
}

static bool only_a_backoff_has_a_time_for_the_next_start(struct witness *w, const struct moment *m)
{
        (void) m;
        for EACH_NODE(w, n)
                if (n->state != STATE_BACKOFF && n->next_start_at != NSEC_NEVER)
                        return broken(w, "%s is %s, next start at %lld", path_of(w, n->id),
                                      strtab_text(&state_names, n->state), (long long) n->next_start_at);
        return true;
}

static bool the_core_wakes_for_every_backoff(struct witness *w, const struct moment *m)
{
        nsec deadline = core_deadline(w->core);

        (void) m;
        for EACH_NODE(w, n)
                if (n->state == STATE_BACKOFF && n->next_start_at < deadline)
                        return broken(w, "%s waits until %lld, the core until %lld", path_of(w, n->id),
                                      (long long) n->next_start_at, (long long) deadline);
        return true;
}

static bool wants_time(const struct node *n)
{
        return n->state == STATE_STARTING || n->state == STATE_STOPPING || n->state == STATE_BACKOFF ||
               n->state == STATE_RELOADING || n->stuck ||
               (n->state == STATE_RUNNING && n->kind == KIND_SERVICE &&
                (n->watchdog_at != NSEC_NEVER || n->runtime_at != NSEC_NEVER));
}

/* Timers are a function of the state: where no state needs one there is none (an idle daemon never wakes up). */
static bool a_tree_at_rest_waits_for_nothing(struct witness *w, const struct moment *m)
{
        if (core_deadline(w->core) == NSEC_NEVER || w->shutdown_at != NSEC_NEVER || core_deadline(w->core) <= sim_now(m->sim))
                return true;
        for EACH_NODE(w, n)
                if (wants_time(n))
                        return true;
        return broken(w, "it waits until %lld ms", (long long) (core_deadline(w->core) / NSEC_PER_MSEC));
}

static bool the_core_knows_no_process_that_is_not_there(struct witness *w, const struct moment *m)
{
        for EACH_NODE(w, n) {
                bool found = n->pid_main == 0;

                for (size_t i = 0; i < sim_process_count(m->sim) && !found; i++)
                        found = sim_process(m->sim, i)->pid == n->pid_main;
                if (!found)
                        return broken(w, "%s: process %d", path_of(w, n->id), n->pid_main);
        }
        return true;
}

/* Counted here from the records of decisions, not by the core's own window. A new incarnation of the supervisor, a
 * start by hand, reset-failed and a changed unit begin a new count. */
static bool restarts_in_a_window_never_exceed_max_restarts(struct witness *w, const struct moment *m)
{
        (void) m;
        for EACH_NODE(w, n) {
                const struct seen *s = n->id < WITNESS_NODES ? &w->nodes[n->id] : NULL;
                const struct node *owner = n->kind == KIND_SUPERVISOR ? n : NULL;
                int64_t max, period, used = 0;

                if (!s || !owner || n->spec != s->spec || spec_int(n->spec, D_SUPERVISOR_Escalation) == ISOLATE)
                        continue;
                max = spec_int(owner->spec, D_SUPERVISOR_MaxRestarts);
                period = spec_int(owner->spec, D_SUPERVISOR_MaxRestartsSec) / NSEC_PER_SEC;
                for (uint32_t i = 0; i < s->restart_count && i < WITNESS_WINDOW; i++)
                        used += s->restarts[i] >= sim_now(m->sim) / NSEC_PER_SEC - period;
                if (used > max)
                        return broken(w, "%s: %lld of %lld", path_of(w, n->id), (long long) used, (long long) max);
        }
        return true;
}

static bool parents_and_children_agree(struct witness *w, const struct moment *m)
{
        (void) m;
        for EACH_NODE(w, n) {
                node_id before = NODE_NONE;

                if (n->parent != NODE_NONE && !core_node(w->core, n->parent))
                        return broken(w, "node %u has no parent", n->id);
                for (node_id c = n->first; c != NODE_NONE; c = core_node(w->core, c)->next) {
                        const struct node *child = core_node(w->core, c);

                        if (!child || child->parent != n->id || child->prev != before)
                                return broken(w, "the children of %s", path_of(w, n->id));
                        before = c;
                }
                if (n->last != before)
                        return broken(w, "the last child of %s", path_of(w, n->id));
        }
        return true;
}

static bool records_are_numbered_without_gaps_and_caused_by_earlier_ones(struct witness *w, const struct moment *m)
{
        uint64_t last = core_last_seq(w->core);

        (void) m;
        for (uint64_t seq = w->last_seq + 1; seq <= last; seq++) {
                const struct record *r = core_record(w->core, seq);

                if (!r)
                        return broken(w, "record %llu is not there", (unsigned long long) seq);
                if (r->seq != seq || r->cause >= seq || r->at < w->last_record_at)
                        return broken(w, "record %llu (number %llu, cause %llu)", (unsigned long long) seq,
                                      (unsigned long long) r->seq, (unsigned long long) r->cause);
                w->last_record_at = r->at;
        }
        return true;
}

static bool every_record_is_a_whole_sentence(struct witness *w, const struct moment *m)
{
        uint64_t last = core_last_seq(w->core);

        (void) m;
        for (uint64_t seq = w->last_seq + 1; seq <= last; seq++) {
                const struct record *r = core_record(w->core, seq);
                autobuf struct buf text = BUF_INIT;

                if (!r || seq % 16) /* words are slow: every so often */
                        continue;
                core_explain(w->core, r, &text);
                if (text.len < 3 || text.len > 2000 || strchr(buf_text(&text), '{') || strstr(buf_text(&text), "  "))
                        return broken(w, "\"%s\"", buf_text(&text));
        }
        w->last_seq = last;
        return true;
}

/* On behalf of the last two: they look at every new record, so this comes behind both. */
const struct invariant state_invariants[] = {
        { "a service that is down has no life", a_service_that_is_down_has_no_life },
        { "a service that runs has a life", a_service_that_runs_has_a_life },
        { "no child outlives its supervisor", no_child_outlives_its_supervisor },
        { "only what runs is ready", only_what_runs_is_ready },
        { "only a backoff has a time for the next start", only_a_backoff_has_a_time_for_the_next_start },
        { "the core wakes for every backoff", the_core_wakes_for_every_backoff },
        { "a tree at rest waits for nothing", a_tree_at_rest_waits_for_nothing },
        { "the core knows no process that is not there", the_core_knows_no_process_that_is_not_there },
        { "restarts in a window never exceed MaxRestarts", restarts_in_a_window_never_exceed_max_restarts },
        { "parents and children agree", parents_and_children_agree },
        { "records are numbered without gaps and caused by earlier ones",
          records_are_numbered_without_gaps_and_caused_by_earlier_ones },
        { "every record is a whole sentence", every_record_is_a_whole_sentence },
        { NULL, NULL },
};

/* --- in the end ------------------------------------------------------------------------------------------------------ */

static bool every_request_was_answered(struct witness *w, const struct moment *m)
{
        (void) m;
        for (uint32_t i = 0; i < WITNESS_TOKENS; i++)
                if (w->token[i] == 1)
                        return broken(w, "request %u was not", i);
        return true;
}

static bool every_shutdown_ends_in_an_exit(struct witness *w, const struct moment *m)
{
        (void) m;
        return w->over || broken(w, "the daemon still lives");
}

static bool in_the_end_no_life_is_open(struct witness *w, const struct moment *m)
{
        for EACH_NODE(w, n)
                if (has_life(w, n) && !sim_habits(m->sim, n->id)->stuck && !n->stuck)
                        return broken(w, "%s has one", path_of(w, n->id));
        return true;
}

const struct invariant final_invariants[] = {
        { "every request is answered", every_request_was_answered },
        { "a shutdown ends in an exit", every_shutdown_ends_in_an_exit },
        { "in the end no life is open", in_the_end_no_life_is_open },
        { NULL, NULL },
};
