/* witness.c - looks on while the core works, and holds every invariant against every step. See witness.h. */
#include "witness.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void witness_init(struct witness *w, struct core *core)
{
        *w = (struct witness) { .core = core, .shutdown_at = NSEC_NEVER, .hash = UINT64_C(0xcbf29ce484222325) };
        w->last_seq = core_last_seq(core);
}

void witness_free(struct witness *w)
{
        for (node_id id = 0; id < WITNESS_NODES; id++)
                spec_unref(w->nodes[id].spec);
}

bool broken(struct witness *w, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        (void) vsnprintf(w->detail, sizeof(w->detail), fmt, ap);
        va_end(ap);
        return false;
}

const char *path_of(const struct witness *w, node_id id)
{
        static char buf[4][300];
        static unsigned turn;
        char *b = buf[turn++ % 4];

        return core_node(w->core, id) ? core_path(w->core, id, b, sizeof(buf[0])) : "a node that is gone";
}

static void hold(struct witness *w, const struct invariant *list, size_t first, const struct moment *m)
{
        for (size_t i = 0; list[i].sentence && !w->broken; i++) {
                w->held[first + i]++;
                if (!list[i].holds(w, m))
                        w->broken = list[i].sentence;
        }
}

static size_t count(const struct invariant *list)
{
        size_t n = 0;

        while (list[n].sentence)
                n++;
        return n;
}

size_t invariant_count(void)
{
        return count(action_invariants) + count(state_invariants) + count(final_invariants) + 2;
}

/* Whoever asks for an end in the middle of another brings his own order; relations may take siblings along. */
static void stopped_by_hand(struct witness *w, const struct event *e)
{
        const struct node *n = core_node(w->core, e->node);
        const struct node *s = n && n->parent != NODE_NONE ? core_node(w->core, n->parent) : NULL;

        if (!s || (e->kind != EVT_STOP && e->kind != EVT_RESTART && e->kind != EVT_DELETE && e->kind != EVT_EXIT))
                return;
        for (node_id id = s->first; id != NODE_NONE; id = core_node(w->core, id)->next)
                if (id < WITNESS_NODES)
                        w->nodes[id].asked_to_stop = true;
}

static void forget_restarts(struct witness *w, node_id id)
{
        if (id < WITNESS_NODES)
                w->nodes[id].restart_count = 0;
}

static void count_restart(struct witness *w, const struct record *r)
{
        const struct node *n = core_node(w->core, r->node);
        struct seen *s = n && n->parent < WITNESS_NODES ? &w->nodes[n->parent] : NULL;

        if (s)
                s->restarts[s->restart_count++ % WITNESS_WINDOW] = r->at / NSEC_PER_SEC;
}

/* As the core takes it: the end of the main process it knows of. */
static bool ends_main(const struct witness *w, const struct event *e)
{
        const struct node *n = core_node(w->core, e->node);

        return e->kind == EVT_EXITED && e->role == ROLE_MAIN && n && n->incarnation == e->incarnation && n->pid_main &&
               (e->arg == 0 || e->arg == n->pid_main) && e->node < WITNESS_NODES;
}

static void before(void *arg, struct sim *s, const struct event *e)
{
        struct witness *w = arg;

        if (e->kind == EVT_RESET_FAILED)
                for (node_id id = 0; id < WITNESS_NODES; id++)
                        forget_restarts(w, id);

        if (e->token && e->token < WITNESS_TOKENS) {
                w->token[e->token] = 1;
                w->asked++;
        }
        if (e->kind == EVT_SHUTDOWN && w->shutdown_at == NSEC_NEVER) {
                w->shutdown_at = sim_now(s);
                w->shutdown_budget = e->arg;
        }
        if (e->kind == EVT_EXITED && e->role == ROLE_MAIN && e->node < WITNESS_NODES &&
            e->incarnation == w->nodes[e->node].incarnation)
                w->nodes[e->node].asked_to_stop = true;
        if (ends_main(w, e))
                w->nodes[e->node].told = false;
        stopped_by_hand(w, e);
        allocations_watch(true);
}

static void on_record(void *arg, struct sim *s, const struct record *r)
{
        struct witness *w = arg;

        (void) s;
        allocations_watch(false);
        w->allocations = allocations_seen();
        if (r->rule == RULE_RESTART || r->rule == RULE_RESTART_DELAYED || r->rule == RULE_RETRY)
                count_restart(w, r);
        if (r->rule == RULE_SUP_STARTING)
                forget_restarts(w, r->node);
}

/* Equal seeds must give equal actions: a sum over all that is in them. */
static void add_hash(struct witness *w, const struct actions *a)
{
        for (uint32_t i = 0; i < a->count; i++) {
                const struct action *x = &a->list[i];
                uint64_t parts[] = { x->kind, x->node, x->incarnation, x->directive, (uint64_t) x->arg, x->cause,
                                     x->result, x->role };

                for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++)
                        w->hash = (w->hash ^ parts[k]) * UINT64_C(0x100000001b3);
        }
}

static void after_step(void *arg, struct sim *s, const struct event *e, const struct actions *a)
{
        struct witness *w = arg;
        struct moment m = { .sim = s, .event = e, .actions = a };

        allocations_watch(false);
        w->allocations = allocations_seen() + (w->mutant == MUTANT_ALLOCATE && a->count > 3);
        if (w->broken)
                return;
        add_hash(w, a);
        hold(w, action_invariants, 0, &m);
        for (uint32_t i = 0; i < a->count; i++)
                w->over = w->over || a->list[i].kind == ACT_EXIT;
        for (node_id id = 0; id < core_node_limit(w->core) && id < WITNESS_NODES; id++) {
                const struct node *n = core_node(w->core, id);

                if (n && n->spec != w->nodes[id].spec) {
                        forget_restarts(w, id);
                        spec_unref(w->nodes[id].spec);
                        w->nodes[id].spec = spec_ref(n->spec);
                }
                w->nodes[id].was_stopping = n && n->state == STATE_STOPPING;
                w->nodes[id].was_incarnation = n ? n->incarnation : 0;
        }
        /* A row of EVENT_MORE is one moment: nodes are consistent when it is over. */
        if (!(e->flags & EVENT_MORE) && !w->over)
                hold(w, state_invariants, count(action_invariants), &m);
}

static void tamper(void *arg, struct sim *s, struct actions *a)
{
        struct witness *w = arg;

        (void) s;
        allocations_watch(false);
        w->allocations = allocations_seen();
        if (w->mutant)
                mutate((enum mutant) w->mutant, a);
}

struct sim_observer witness_observer(struct witness *w)
{
        return (struct sim_observer) { .stepping = before, .tamper = tamper, .recorded = on_record,
                                       .stepped = after_step, .arg = w };
}

void witness_final(struct witness *w, struct sim *s)
{
        struct moment m = { .sim = s };

        hold(w, final_invariants, count(action_invariants) + count(state_invariants), &m);
}

/* --- mistakes on purpose ---------------------------------------------------------------------------------------------- */

const char *const mutant_names[MUTANT_COUNT] = {
        [MUTANT_NONE] = "none",
        [MUTANT_DOUBLE_OPEN] = "open-twice",
        [MUTANT_LOST_CLOSE] = "lose-close",
        [MUTANT_DOUBLE_CLOSE] = "close-twice",
        [MUTANT_LOST_ANSWER] = "lose-answer",
        [MUTANT_DOUBLE_ANSWER] = "answer-twice",
        [MUTANT_SIGNAL_DEAD] = "signal-the-dead",
        [MUTANT_SPAWN_CLOSED] = "start-in-a-past-life",
        [MUTANT_LOST_EXIT] = "lose-exit",
        [MUTANT_ALLOCATE] = "allocate",
        [MUTANT_LOST_WATCH] = "lose-watch",
        [MUTANT_LOST_SIGNAL] = "lose-signal-to-all",
};

static struct action tampered[4096];

static uint32_t put(uint32_t n, const struct action *a)
{
        if (n < sizeof(tampered) / sizeof(tampered[0]))
                tampered[n++] = *a;
        return n;
}

static bool drops(enum mutant mutant, enum action_kind kind)
{
        return (mutant == MUTANT_LOST_CLOSE && kind == ACT_CLOSE) ||
               (mutant == MUTANT_LOST_ANSWER && kind == ACT_DONE) ||
               (mutant == MUTANT_LOST_EXIT && kind == ACT_EXIT) ||
               (mutant == MUTANT_LOST_WATCH && kind == ACT_WATCH_EMPTY);
}

static bool doubles(enum mutant mutant, enum action_kind kind)
{
        return (mutant == MUTANT_DOUBLE_OPEN && kind == ACT_OPEN) ||
               (mutant == MUTANT_DOUBLE_CLOSE && kind == ACT_CLOSE) ||
               (mutant == MUTANT_DOUBLE_ANSWER && kind == ACT_DONE);
}

void mutate(enum mutant mutant, struct actions *a)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < a->count; i++) {
                struct action x = a->list[i];

                if (drops(mutant, (enum action_kind) x.kind))
                        continue;
                if (mutant == MUTANT_LOST_SIGNAL && x.kind == ACT_SIGNAL && x.role == ROLE_ALL)
                        continue;
                if (mutant == MUTANT_SPAWN_CLOSED && x.kind == ACT_SPAWN && x.incarnation > 1)
                        x.incarnation--;
                n = put(n, &x);
                if (doubles(mutant, (enum action_kind) x.kind))
                        n = put(n, &x);
                if (mutant == MUTANT_SIGNAL_DEAD && x.kind == ACT_CLOSE)
                        n = put(n, &(struct action) { .kind = ACT_SIGNAL, .node = x.node, .arg = 15,
                                                      .incarnation = x.incarnation, .cause = x.cause });
        }
        *a = (struct actions) { tampered, n };
}
