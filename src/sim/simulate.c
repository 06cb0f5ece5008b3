/* simulate.c - play a script, step by step. See simulate.h. */
#include "sim/simulate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/value.h"
#include "sim/play.h"

#define GRACE (60 * NSEC_PER_SEC)          /* how long the world goes on after the last line */
#define SHUTDOWN_BUDGET (9 * NSEC_PER_SEC) /* the daemon's --stop-timeout= */

static const struct sim_observer *other(const struct play *p)
{
        return p->story.options->observer;
}

static void before_step(void *arg, struct sim *s, const struct event *e)
{
        const struct play *p = arg;

        if (other(p) && other(p)->stepping)
                other(p)->stepping(other(p)->arg, s, e);
}

static void tamper(void *arg, struct sim *s, struct actions *a)
{
        const struct play *p = arg;

        if (other(p) && other(p)->tamper)
                other(p)->tamper(other(p)->arg, s, a);
}

static void on_record(void *arg, struct sim *s, const struct record *r)
{
        struct play *p = arg;

        if (other(p) && other(p)->recorded)
                other(p)->recorded(other(p)->arg, s, r);
        if (!p->story.options->line)
                return;

        story_record(&p->story, sim_now(s), r);
}

static void remember(node_id *list, size_t *count, node_id id)
{
        if (*count < STORY_LIVES)
                list[(*count)++] = id;
}

static void on_step(void *arg, struct sim *s, const struct event *e, const struct actions *a)
{
        struct play *p = arg;

        if (other(p) && other(p)->stepped)
                other(p)->stepped(other(p)->arg, s, e, a);
        for (uint32_t i = 0; i < a->count; i++) {
                if (a->list[i].kind == ACT_OPEN)
                        remember(p->story.began, &p->story.began_count, a->list[i].node);
                if (a->list[i].kind == ACT_CLOSE)
                        remember(p->story.ended, &p->story.ended_count, a->list[i].node);
        }
}

static void on_answer(void *arg, struct sim *s, uint32_t token, enum result result)
{
        struct play *p = arg;
        char path[300], text[500];

        if (other(p) && other(p)->answered)
                other(p)->answered(other(p)->arg, s, token, result);
        if (!p->story.options->line)
                return;
        if (token >= MAX_ANSWERS || !p->asked[token])
                return;
        (void) snprintf(text, sizeof(text), "%s %s: %s", p->asked[token],
                        core_path(p->story.core, p->asked_node[token], path, sizeof(path)), result_text(result));
        story_note(&p->story, sim_now(s), text);
}

int play_fail(struct play *p, int code, const char *fmt, const char *what, const char *hint)
{
        int r = err_set(p->err, STAGE_LOAD, code, "%s %s", fmt, what);

        err_where(p->err, p->script->file, p->step->line);
        if (hint)
                err_hint(p->err, "%s", hint);
        return r;
}

int play_find(struct play *p, const char *name, node_id *ret)
{
        unsigned matches = 0;
        node_id id = core_find(p->story.core, NODE_ROOT, name, &matches);

        if (id == NODE_NONE && matches > 1)
                return play_fail(p, ENOTUNIQ, "more than one node is called", name, "write its whole path");
        if (id == NODE_NONE)
                return play_fail(p, ENOENT, "there is no node", name, "write a path, a unit's name or its stem");
        *ret = id;
        return 0;
}

static void nothing(struct play *p, const char *name)
{
        char text[200];

        (void) snprintf(text, sizeof(text), "nothing happens: %s has no main process now", name);
        story_note(&p->story, sim_now(p->sim), text);
}

/* --- mishaps and habits ------------------------------------------------------------------------------------------- */

static int do_exit_many(struct play *p, uint32_t argc, char **argv)
{
        node_id ids[SCRIPT_WORDS];
        struct reason why;

        (void) script_reason(argv[argc - 1], &why);
        for (uint32_t i = 0; i + 1 < argc; i++) {
                int r = play_find(p, argv[i], &ids[i]);

                if (r < 0)
                        return r;
        }
        sim_exit_many(p->sim, ids, argc - 1, &why);
        return 0;
}

static void set_fail_start(struct sim_habits *h, char **argv)
{
        enum directive command = D_NONE;
        enum stage stage = STAGE_EXEC;
        int64_t n = 0;
        int code = ENOENT;

        (void) value_decimal(argv[1], &n);
        if (argv[2])
                (void) script_where(argv[2], &command, &stage, &code);
        h->fail_starts = (uint32_t) n;
        h->fail_command = (uint16_t) command;
        h->fail_stage = (uint8_t) stage;
        h->fail_errno = code;
}

static void set_habit(struct play *p, node_id id, char **argv)
{
        struct sim_habits *h = sim_habits(p->sim, id);
        bool on = true;

        switch ((enum verb) p->step->verb) {
        case VERB_FAIL_START:
                set_fail_start(h, argv);
                return;
        case VERB_READY_AFTER:
                (void) script_time(argv[1], &h->ready);
                return;
        case VERB_RUN_FOR:
                (void) script_time(argv[1], &h->run_for);
                h->run_reason = REASON(REASON_NORMAL, 0);
                if (argv[2])
                        (void) script_reason(argv[2], &h->run_reason);
                if (!h->run_for)
                        h->run_for = NSEC_NEVER;
                return;
        case VERB_CONDITION:
                h->verdict = (uint8_t) script_verdict(argv[1]);
                return;
        default:
                break;
        }
        (void) script_on_off(argv[1], &on);
        switch ((enum verb) p->step->verb) {
        case VERB_HANG:          h->hang = on; break;
        case VERB_HANG_STOP:     h->hang_stop = on; break;
        case VERB_IGNORE_TERM:   sim_ignore_term(p->sim, id, on); break;
        case VERB_LEAVE:         h->leave = on; break;
        case VERB_WATCHDOG_STOP: h->silent = on; break;
        case VERB_STUCK:
                h->stuck = on;
                if (!on)
                        sim_unstick(p->sim, id);
                break;
        default:                 break;
        }
}

/* An event for a life that is over, or one that comes twice: harmless, or there is a mistake in the core. */
static void do_late(struct play *p, node_id id, uint32_t argc, char **argv)
{
        struct event e = { .kind = (uint8_t) strtab_value(&event_names, argv[1]), .node = id, .role = ROLE_MAIN };
        const struct node *n = core_node(p->story.core, id);
        int64_t incarnation = n && n->incarnation ? n->incarnation - 1 : 0;

        if (argc > 2)
                (void) value_decimal(argv[2], &incarnation);
        e.incarnation = (uint32_t) incarnation;
        e.reason = REASON(REASON_NORMAL, 0);
        if (argc > 3)
                (void) script_reason(argv[3], &e.reason);
        if (e.incarnation)
                sim_inject(p->sim, &e);
}

static int do_mishap(struct play *p, node_id id, uint32_t argc, char **argv)
{
        struct reason why;
        bool there = true;

        switch ((enum verb) p->step->verb) {
        case VERB_KILL:
                there = sim_signal(p->sim, id, signal_number(argv[1]));
                break;
        case VERB_EXIT:
                (void) script_reason(argv[1], &why);
                there = sim_exit(p->sim, id, &why);
                break;
        case VERB_READY:
                there = sim_ready(p->sim, id);
                break;
        case VERB_LATE:
                do_late(p, id, argc, argv);
                break;
        default:
                set_habit(p, id, argv);
                break;
        }
        if (!there)
                nothing(p, argv[0]);
        return 0;
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static const struct {
        uint8_t kind;
} request_of[VERB_COUNT] = {
        [VERB_START] = { EVT_START }, [VERB_STOP] = { EVT_STOP }, [VERB_RESTART] = { EVT_RESTART },
        [VERB_RELOAD] = { EVT_RELOAD }, [VERB_RESET_FAILED] = { EVT_RESET_FAILED }, [VERB_FREEZE] = { EVT_FREEZE },
        [VERB_THAW] = { EVT_THAW }, [VERB_DELETE] = { EVT_DELETE }, [VERB_SIGNAL] = { EVT_SIGNAL },
        [VERB_END] = { EVT_EXIT }, [VERB_SHUTDOWN] = { EVT_SHUTDOWN },
};

static void do_request(struct play *p, node_id id, char **argv)
{
        struct reason why = REASON(REASON_NONE, 0);
        uint32_t token = sim_next_token(p->sim);
        int64_t arg = 0;

        if (p->step->verb == VERB_SIGNAL)
                arg = signal_number(argv[1]);
        if (p->step->verb == VERB_END)
                (void) script_reason(argv[1], &why);
        if (p->step->verb == VERB_SHUTDOWN && (arg = SHUTDOWN_BUDGET) && argv[0])
                (void) script_time(argv[0], &arg);
        if (token < MAX_ANSWERS) {
                p->asked[token] = verb_name((enum verb) p->step->verb);
                p->asked_node[token] = id;
        }
        (void) sim_request(p->sim, (enum event_kind) request_of[p->step->verb].kind, id, arg, &why);
}

/* --- expectations ------------------------------------------------------------------------------------------------- */

static void expect_state(struct play *p, node_id id, uint32_t argc, char **argv)
{
        const struct node *n = core_node(p->story.core, id);
        char reason[200], found[300];
        struct reason want;
        bool met = n->state == strtab_value(&state_names, argv[1]);

        if (argc > 2 && script_reason(argv[2], &want) == 0)
                met = met && reason_equal(&want, &n->last_reason);
        reason_format(&n->last_reason, NULL, reason, sizeof(reason));
        (void) snprintf(found, sizeof(found), "%s %s", strtab_text(&state_names, n->state), reason);
        story_expect(&p->story, sim_now(p->sim), p->script, p->step, met, found);
}

static void expect_restarts(struct play *p, node_id id, char **argv)
{
        const struct node *n = core_node(p->story.core, id);
        char found[40];
        int64_t want = 0;

        (void) value_decimal(argv[1], &want);
        (void) snprintf(found, sizeof(found), "%u", n->restarts);
        story_expect(&p->story, sim_now(p->sim), p->script, p->step, n->restarts == want, found);
}

static int expect_lives(struct play *p, uint32_t argc, char **argv, const node_id *list, size_t count)
{
        autobuf struct buf found = BUF_INIT;
        bool met = argc == count;
        char path[300];

        for (uint32_t i = 0; i < argc; i++) {
                node_id id;
                int r = play_find(p, argv[i], &id);

                if (r < 0)
                        return r;
                met = met && list[i] == id;
        }
        for (size_t i = 0; i < count; i++)
                buf_addf(&found, "%s%s", i ? " " : "", core_path(p->story.core, list[i], path, sizeof(path)));
        story_expect(&p->story, sim_now(p->sim), p->script, p->step, met, count ? buf_text(&found) : "nothing");
        return 0;
}

static void expect_exit(struct play *p, char **argv)
{
        char found[60] = "the daemon lives";
        int64_t want = 0;
        int code = 0;
        bool over = sim_over(p->sim, &code);

        (void) value_decimal(argv[0], &want);
        if (over)
                (void) snprintf(found, sizeof(found), "exit code %d", code);
        story_expect(&p->story, sim_now(p->sim), p->script, p->step, over && code == want, found);
}

/* --- the steps in order ------------------------------------------------------------------------------------------- */

static int do_run(struct play *p, uint32_t argc, char **argv)
{
        nsec t = 0;

        if (!argc)
                return play_fail(p, EINVAL, "run needs a time:", verb_usage(VERB_RUN), NULL);
        (void) script_time(argv[argc - 1], &t);
        sim_run_until(p->sim, argc == 2 ? t : sim_now(p->sim) + t);
        return 0;
}

static int do_step(struct play *p)
{
        const struct script_step *s = p->step;
        node_id id = NODE_ROOT;
        nsec limit = GRACE;
        int r = 0;

        switch ((enum verb) s->verb) {
        case VERB_RUN:
                return do_run(p, s->argc, s->argv);
        case VERB_SETTLE:
                if (s->argc)
                        (void) script_time(s->argv[0], &limit);
                (void) sim_settle(p->sim, sim_now(p->sim) + limit);
                return 0;
        case VERB_MARK:
                p->story.began_count = p->story.ended_count = 0;
                return 0;
        case VERB_EXPECT_STARTED:
                return expect_lives(p, s->argc, s->argv, p->story.began, p->story.began_count);
        case VERB_EXPECT_ENDED:
                return expect_lives(p, s->argc, s->argv, p->story.ended, p->story.ended_count);
        case VERB_EXPECT_EXIT:
                expect_exit(p, s->argv);
                return 0;
        case VERB_EXIT_MANY:
                story_step(&p->story, sim_now(p->sim), s);
                return do_exit_many(p, s->argc, s->argv);
        default:
                break;
        }
        if (s->verb == VERB_ADD)
                return play_add(p, s->argc, s->argv);
        if (s->verb != VERB_SHUTDOWN && (r = play_find(p, s->argv[0], &id)) < 0)
                return r;
        if (s->verb == VERB_CHANGE)
                return play_change(p, id, s->argc, s->argv);
        if (s->verb == VERB_EXPECT) {
                expect_state(p, id, s->argc, s->argv);
        } else if (s->verb == VERB_EXPECT_RESTARTS) {
                expect_restarts(p, id, s->argv);
        } else {
                story_step(&p->story, sim_now(p->sim), s);
                if (request_of[s->verb].kind)
                        do_request(p, id, s->argv);
                else
                        r = do_mishap(p, id, s->argc, s->argv);
                if (!p->story.options->config.shuffle) /* what follows at this instant has happened */
                        sim_run_until(p->sim, sim_now(p->sim));
                return r;
        }
        return 0;
}

static int wait_for_time(struct play *p)
{
        const struct script_step *s = p->step;
        nsec now = sim_now(p->sim);

        if (s->when == WHEN_AT && s->time < now)
                return play_fail(p, EINVAL, "the time has passed:", verb_name((enum verb) s->verb),
                            "write +TIME for one after the line before");
        if (s->when != WHEN_NEXT)
                sim_run_until(p->sim, s->when == WHEN_AT ? s->time : now + s->time);
        return 0;
}

int simulate_play(struct core *core, const struct script *script, const struct simulate_options *o,
                  struct simulate_result *ret, struct err *err)
{
        autofree struct play *p = calloc(1, sizeof(*p));
        struct sim_observer observer = { .stepping = before_step, .tamper = tamper, .recorded = on_record,
                                         .stepped = on_step, .answered = on_answer, .arg = p };
        int r = 0, code = 0;

        if (!p || !(p->sim = sim_new(core, &o->config, &observer)))
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        p->script = script;
        p->story = (struct story) { .options = o, .core = core };
        p->err = err;
        sim_boot(p->sim);
        for (size_t i = 0; i < script->count && r >= 0; i++) {
                p->step = &script->steps[i];
                r = wait_for_time(p);
                if (r >= 0)
                        r = do_step(p);
                if (o->lenient && r != -ENOMEM)
                        r = 0;
        }
        if (r >= 0 && o->finish) {
                o->finish(o->arg, p->sim);
        } else if (r >= 0) {
                (void) sim_settle(p->sim, sim_now(p->sim) + GRACE);
                *ret = (struct simulate_result) { .over = sim_over(p->sim, &code), .unmet = p->story.unmet,
                                                  .end = sim_now(p->sim) };
                ret->code = code;
                story_end(&p->story, ret->end, ret->over, ret->code);
        }
        sim_free(p->sim);
        return r < 0 ? r : 0;
}
