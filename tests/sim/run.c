/* run.c - play a scenario, then let all faults end, then shut down; and cut a failing one down. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/resolve.h"
#include "scenario.h"
#include "sim/simulate.h"

#define REST (150 * NSEC_PER_SEC) /* all delays and limits of time that scenarios use are far below */

static const char at_rest[] = "once faults stop, the tree comes to rest within its time";

/* A node is dropped with all that is below it. */
static bool is_kept(const struct scenario *s, int n)
{
        for (; n >= 0; n = s->nodes[n].parent)
                if (!s->nodes[n].keep)
                        return false;
        return true;
}

static bool is_unit_key(const char *key)
{
        char name[64];

        (void) snprintf(name, sizeof(name), "%.*s", (int) strcspn(key, "="), key);
        return directive_find(SECTION_UNIT, name) != D_NONE;
}

static void unit_text(const struct scenario *s, const struct scenario_node *n, struct buf *out)
{
        bool sup = strstr(n->name, ".supervisor") != NULL;

        for (int pass = 0; pass < 2; pass++) {
                buf_addf(out, "[%s]\n", pass == 0 ? "Unit" : sup ? "Supervisor" : "Service");
                if (pass == 0 && n->parent > 0)
                        buf_addf(out, "Supervisor=%s\n", s->nodes[n->parent].name);
                for (int i = 0; i < n->key_count; i++)
                        if (n->keep_key[i] && is_unit_key(n->keys[i]) == (pass == 0))
                                buf_addf(out, "%s\n", n->keys[i]);
        }
}

static struct spec *make_spec(const struct scenario *s, const struct scenario_node *n)
{
        autobuf struct buf text = BUF_INIT;
        struct unit_source src = { .file = n->name };
        struct spec *spec = NULL;

        unit_text(s, n, &text);
        src.text = buf_text(&text);
        src.len = text.len;
        if (unit_text_parse(n->name, &src, 1, &unit_host_example, NULL, NULL, &spec) < 0)
                return NULL;
        return spec;
}

static void no_report(void *arg, const struct err *e)
{
        (void) arg;
        (void) e;
}

static struct core *make_core(const struct scenario *s)
{
        struct core_config config = { .seed = s->seed, .record_capacity = 1 << 14 };
        struct spec *spec = make_spec(s, &s->nodes[0]);
        struct core *c = spec ? core_new(&config, spec) : NULL;
        node_id ids[SCENARIO_NODES] = { NODE_ROOT };

        spec_unref(spec);
        for (int i = 1; c && i < s->node_count; i++) {
                spec = is_kept(s, i) && ids[s->nodes[i].parent] != NODE_NONE ? make_spec(s, &s->nodes[i]) : NULL;
                ids[i] = NODE_NONE;
                if (spec && core_add(c, ids[s->nodes[i].parent], spec, false, &ids[i], NULL) < 0)
                        ids[i] = NODE_NONE;
                spec_unref(spec);
        }
        if (c)
                (void) core_link(c, no_report, NULL, NULL);
        return c;
}

struct run {
        struct witness witness;
        uint64_t steps;
};

/* What ends by its own limit of time would never come to rest. */
static void without_runtime_max(struct core *c, const struct node *n)
{
        static const char more[] = "[Service]\nRuntimeMaxSec=infinity\n";
        autobuf struct buf text = BUF_INIT;
        struct unit_source sources[2] = { { .file = "unit" }, { .file = "rest", .text = more, .len = sizeof(more) - 1 } };
        struct spec *spec;

        if (n->kind != KIND_SERVICE || !spec_has(n->spec, D_SERVICE_RuntimeMaxSec))
                return;
        unit_text_print(n->spec, false, &text);
        sources[0].text = buf_text(&text);
        sources[0].len = text.len;
        if (unit_text_parse(spec_name(n->spec), sources, 2, &unit_host_example, NULL, NULL, &spec) < 0)
                return;
        (void) core_set_spec(c, n->id, spec, NULL);
        spec_unref(spec);
}

/* All mishaps are over: what hung goes on, what was frozen thaws, what could not die dies. */
static void end_faults(struct sim *s)
{
        struct core *c = sim_core(s);
        struct reason normal = REASON(REASON_NORMAL, 0);

        for (node_id id = 0; id < core_node_limit(c); id++) {
                const struct node *n = core_node(c, id);

                if (!n)
                        continue;
                *sim_habits(s, id) = (struct sim_habits) { .ready = NSEC_NEVER, .run_for = NSEC_NEVER,
                                                           .fail_command = D_NONE };
                without_runtime_max(c, n);
                sim_unstick(s, id);
                sim_ignore_term(s, id, false);
                if (n->kind == KIND_SERVICE && !spec_int(n->spec, D_SERVICE_SendSIGKILL) &&
                    (n->stuck || n->state == STATE_STOPPING))
                        sim_kill_all(s, id); /* what the daemon was told not to do */
                (void) sim_request(s, EVT_THAW, id, 0, NULL);
                (void) sim_signal(s, id, 18 /* CONT */);
                if (n->kind == KIND_SERVICE && n->state == STATE_STARTING &&
                    spec_int(n->spec, D_SERVICE_Type) == TYPE_ONESHOT)
                        (void) sim_exit(s, id, &normal);
        }
}

static void at_rest_now(struct witness *w)
{
        for (node_id id = 0; id < core_node_limit(w->core) && !w->broken; id++) {
                const struct node *n = core_node(w->core, id);

                if (!n || n->stuck)
                        continue;
                if (n->state == STATE_STARTING || n->state == STATE_STOPPING || n->state == STATE_BACKOFF ||
                    n->state == STATE_RELOADING) {
                        w->broken = at_rest;
                        (void) broken(w, "%s is %s", path_of(w, id), strtab_text(&state_names, n->state));
                }
        }
}

static void finish(void *arg, struct sim *s)
{
        struct run *r = arg;
        struct witness *w = &r->witness;

        if (!w->broken && !sim_over(s, NULL)) {
                end_faults(s);
                sim_run_until(s, sim_now(s) + REST);
                w->restoring = true;
                if (!sim_over(s, NULL) && !w->broken)
                        at_rest_now(w);
        }
        if (!w->broken && !sim_over(s, NULL)) {
                (void) sim_request(s, EVT_SHUTDOWN, NODE_ROOT, 9 * NSEC_PER_SEC, NULL);
                sim_run_until(s, sim_now(s) + 30 * NSEC_PER_SEC);
        }
        if (!w->broken)
                witness_final(w, s);
        r->steps = sim_steps(s);
}

struct outcome scenario_run(const struct scenario *s, enum mutant mutant, void (*line)(void *, const char *))
{
        struct outcome o = { 0 };
        struct core *c = make_core(s);
        autobuf struct buf text = BUF_INIT;
        struct run *r = calloc(1, sizeof(*r));
        struct script script = { 0 };
        struct sim_observer observer;
        struct simulate_options options = { .config = sim_config_default, .lenient = true, .finish = finish,
                                            .line = line, .observer = &observer };
        struct simulate_result result;

        for (int i = 0; i < s->line_count; i++)
                if (s->keep_line[i])
                        buf_addf(&text, "%s\n", s->lines[i]);
        if (c && r && script_parse("script", buf_text(&text), text.len, NULL, NULL, &script) == 0) {
                witness_init(&r->witness, c);
                r->witness.mutant = (uint8_t) mutant;
                observer = witness_observer(&r->witness);
                options.config.seed = s->seed;
                options.config.shuffle = true;
                options.arg = r;
                (void) simulate_play(c, &script, &options, &result, NULL);
                o = (struct outcome) { .broken = r->witness.broken, .steps = r->steps, .hash = r->witness.hash };
                memcpy(o.detail, r->witness.detail, sizeof(o.detail));
                memcpy(o.held, r->witness.held, sizeof(o.held));
        } else {
                o.broken = "a scenario can be played";
        }
        script_free(&script);
        if (r)
                witness_free(&r->witness);
        if (c)
                core_free(c);
        free(r);
        return o;
}

/* --- the smallest part that still fails -------------------------------------------------------------------------------- */

static bool still_fails(const struct scenario *s, const char *sentence, enum mutant mutant)
{
        struct outcome o = scenario_run(s, mutant, NULL);

        return o.broken && strcmp(o.broken, sentence) == 0;
}

/* Leave out flags[from .. from + n), and put them back unless it still fails without. */
static bool leave_out(struct scenario *s, bool *flags, int from, int n, const char *sentence, enum mutant mutant)
{
        bool was[SCENARIO_LINES], any = false;

        memcpy(was, flags + from, (size_t) n * sizeof(was[0]));
        for (int i = 0; i < n; i++) {
                any = any || flags[from + i];
                flags[from + i] = false;
        }
        if (any && still_fails(s, sentence, mutant))
                return true;
        memcpy(flags + from, was, (size_t) n * sizeof(was[0]));
        return false;
}

/* Delta debugging: large pieces first, then smaller ones. */
static bool shrink_lines(struct scenario *s, const char *sentence, enum mutant mutant)
{
        bool any = false;

        for (int n = s->line_count; n >= 1; n /= 2)
                for (int from = 0; from < s->line_count; from += n) {
                        int len = from + n > s->line_count ? s->line_count - from : n;

                        any |= leave_out(s, s->keep_line, from, len, sentence, mutant);
                }
        return any;
}

static bool shrink_tree(struct scenario *s, const char *sentence, enum mutant mutant)
{
        bool any = false;

        for (int i = 1; i < s->node_count; i++) {
                if (!is_kept(s, i))
                        continue;
                s->nodes[i].keep = false;
                if (still_fails(s, sentence, mutant))
                        any = true;
                else
                        s->nodes[i].keep = true;
        }
        for (int i = 0; i < s->node_count; i++)
                for (int k = 0; is_kept(s, i) && k < s->nodes[i].key_count; k++)
                        any |= leave_out(s, s->nodes[i].keep_key, k, 1, sentence, mutant);
        return any;
}

void scenario_shrink(struct scenario *s, const char *sentence, enum mutant mutant)
{
        for (int round = 0; round < 4; round++) {
                bool any = shrink_lines(s, sentence, mutant);

                any |= shrink_tree(s, sentence, mutant);
                if (!any)
                        return;
        }
}

void scenario_print(const struct scenario *s)
{
        for (int i = 0; i < s->node_count; i++) {
                autobuf struct buf text = BUF_INIT;

                if (!is_kept(s, i))
                        continue;
                printf("# --- %s\n", s->nodes[i].name);
                unit_text(s, &s->nodes[i], &text);
                for (char *p = text.data, *end; p && *p; p = end + 1) {
                        end = strchr(p, '\n');
                        printf("# %.*s\n", (int) (end - p), p);
                }
        }
        printf("# --- script (simulate --shuffle --seed=%llu)\n", (unsigned long long) s->seed);
        for (int i = 0; i < s->line_count; i++)
                if (s->keep_line[i])
                        printf("# %s\n", s->lines[i]);
}
