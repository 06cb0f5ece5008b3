/* check.c - ACT_CHECK: do the conditions hold, and is known what the start will ask others for?
 *
 * A path may lie on a server, a user may be known to one: such questions go to a helper (os/reach.h), and the start
 * that needs the answer waits for it in PHASE_CHECK, where it can be stopped and times out as ever. Everything is
 * tried first with the helper held: what would have to be asked is noted instead. When nothing was, that was it;
 * else the first of it is asked, its answer kept for some seconds, and all is tried again. So when the process is
 * spawned the answers are there.
 *
 * Who waits is not written down: it is who is in PHASE_CHECK. The next engine asks again (check_again()).
 *
 * A request that reads units, or describes a start, waits for its answers in the same line (engine_ask_ahead()). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/account.h"
#include "daemon/adopt.h"
#include "daemon/check.h"
#include "daemon/engine_priv.h"
#include "daemon/identity.h"
#include "daemon/left.h"
#include "daemon/sandbox.h"
#include "daemon/touch.h"
#include "os/conditions.h"
#include "os/reach.h"

enum { REST_AFTER_SEC = 2 };

struct waiting {
        engine_ready_fn *ready; /* a request waits, with `arg`; NULL: a start does */
        void *arg;
        node_id node;
        uint32_t incarnation;
        int64_t since;       /* when it began to wait: older answers are not for it */
        unsigned questions;  /* asked for it so far */
};

struct checks {
        struct engine *e;
        struct reach *reach;   /* owned: a helper of its own, which is waited for without standing still */
        struct ev_io answer;   /* only while a question is under way */
        struct ev_timer timer; /* its answer is late; without a question: the helper may go */
        int patience_ms;       /* 0 = as reach.h says */
        char question[REACH_QUESTION_MAX];
        size_t len;            /* 0 = none is under way */
        struct waiting *list;  /* owned; the first is who wants the answer */
        size_t count, cap;
};

/* --- one try ------------------------------------------------------------------------------------------------------ */

/* What gather_user() will ask for; only that it is asked counts here. */
static void try_names(struct engine *e, node_id id, const struct spec *s)
{
        struct err quiet = { 0 };
        struct user u;

        if (!identity_said(s) ||
            (account_order("passwd") == ACCOUNT_FILES_ONLY && account_order("group") == ACCOUNT_FILES_ONLY))
                return;
        if (identity_find(e, id, s, &u, &quiet) == 0)
                user_done(&u);
}

static void try_files(struct engine *e, const struct spec *s)
{
        for (size_t i = 0; i < spec_count(s, D_SERVICE_EnvironmentFile); i++) {
                const char *path = spec_item(s, D_SERVICE_EnvironmentFile, i);

                if (!touch_answers(e, path + (*path == '-')))
                        return;
        }
}

static struct condition_result try_conditions(struct engine *e, node_id id, const struct spec *s)
{
        struct condition_result r = { .verdict = VERDICT_FAIL };
        char path[PATH_MAX_NODE];

        if (touch_conditions(e, s, &r.directive, &r.item))
                return conditions_check(touch_reach(e), s);
        if (!reach_wanted(e->reach, NULL))
                log_warning("%s: the file system of %s=%s does not answer", engine_path(e, id, path, sizeof(path)),
                            directive_rows[r.directive].key, spec_item(s, r.directive, r.item));
        return r;
}

/* False when something has to be asked first. */
static bool try_without_asking(struct engine *e, node_id id, const struct spec *s, int64_t since,
                               struct condition_result *ret)
{
        struct condition_result r;

        reach_hold(touch_reach(e), since);
        r = try_conditions(e, id, s);
        if (r.verdict == VERDICT_PASS && spec_kind(s) == KIND_SERVICE) {
                try_names(e, id, s);
                try_files(e, s);
        }
        reach_unhold(e->reach);
        if (reach_wanted(e->reach, NULL))
                return false;
        *ret = r;
        return true;
}

/* The same for what a request will touch: of a node its commands, else the directories of units. */
static bool known_ahead(struct engine *e, node_id id, int64_t since)
{
        const struct node *node = core_node(e->core, id);

        reach_hold(touch_reach(e), since);
        if (id == NODE_NONE) {
                (void) touch_units(e, &(struct err) { 0 });
        } else if (node && spec_kind(node->spec) == KIND_SERVICE) {
                try_names(e, id, node->spec);
                try_files(e, node->spec);
        }
        reach_unhold(e->reach);
        return !reach_wanted(e->reach, NULL);
}

static void answer(struct engine *e, const struct waiting *w, const struct condition_result *r)
{
        engine_post(e, &(struct event) { .kind = EVT_CHECKED, .node = w->node, .incarnation = w->incarnation,
                                         .arg = r->verdict,
                                         .arg2 = r->verdict == VERDICT_PASS ? 0 : ((int64_t) r->directive + 1) << 32 |
                                                 (int64_t) r->item });
}

static bool waits(const struct engine *e, node_id id, uint32_t incarnation)
{
        const struct node *node = core_node(e->core, id);

        return node && node->incarnation == incarnation && node->phase == PHASE_CHECK;
}

/* True when it has been answered, or nobody waits for it any more; false when something has to be asked first. */
static bool try_one(struct engine *e, const struct waiting *w)
{
        struct condition_result r = { .verdict = VERDICT_PASS };

        if (w->ready) {
                if (!known_ahead(e, w->node, w->since))
                        return false;
                w->ready(w->arg);
                return true;
        }
        if (!waits(e, w->node, w->incarnation))
                return true;
        /* What runs already is not kept from being started. */
        if (!adopt_has(e, w->node) && !try_without_asking(e, w->node, core_node(e->core, w->node)->spec, w->since, &r))
                return false;
        answer(e, w, &r);
        return true;
}

/* The last resort: what is not known yet is asked here and now, and by the spawn, and waited for. */
static void try_now(struct engine *e, const struct waiting *w)
{
        struct condition_result r;

        if (w->ready) {
                w->ready(w->arg);
                return;
        }
        reach_hold(touch_reach(e), 0); /* forget what was wanted */
        reach_unhold(e->reach);
        r = try_conditions(e, w->node, core_node(e->core, w->node)->spec);
        touched(e);
        answer(e, w, &r);
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

static void go_on(struct checks *c);

static void asked(struct checks *c, const char *text, ssize_t len)
{
        ev_io_stop(c->e->loop, &c->answer);
        ev_timer_stop(c->e->loop, &c->timer);
        reach_keep(touch_reach(c->e), c->question, c->len, text, len);
        c->len = 0;
        go_on(c);
}

static void on_answer(struct ev_loop *loop, ev_io *w, int revents)
{
        struct checks *c = container_of(w, struct checks, answer);
        autofree char *text = malloc(REACH_ANSWER_MAX);
        ssize_t n;

        if (watch_renewed(loop, w, revents))
                return;
        n = text ? reach_take(c->reach, text) : -ENOMEM;
        if (n == -EAGAIN)
                return;
        if (n < 0) /* it has ended in the middle of the question */
                reach_lose(c->reach);
        asked(c, text, n);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
        struct checks *c = container_of(w, struct checks, timer);

        (void) loop;
        (void) revents;
        if (c->len == 0) {
                reach_rest(c->reach);
                return;
        }
        reach_lose(c->reach);
        asked(c, NULL, -ETIMEDOUT);
}

static void set_timer(struct checks *c, double after)
{
        ev_timer_stop(c->e->loop, &c->timer);
        ev_now_update(c->e->loop);
        ev_timer_set(&c->timer, after, 0.);
        ev_timer_start(c->e->loop, &c->timer);
}

/* Send off what the last try has wanted. False when there can be no helper. */
static bool ask(struct checks *c)
{
        const char *wanted = reach_wanted(c->e->reach, &c->len);
        int fd;

        memcpy(c->question, wanted, c->len);
        fd = reach_send(c->reach, c->question, c->len);
        if (fd < 0) {
                c->len = 0;
                return false;
        }
        ev_io_set(&c->answer, fd, EV_READ);
        ev_io_start(c->e->loop, &c->answer);
        set_timer(c, 1e-3 * (c->patience_ms ? c->patience_ms
                             : c->question[0] == REACH_NAMES ? REACH_NAMES_MS : REACH_MS));
        return true;
}

/* An answer may be what others have waited for as well. More than are kept must not be waited for: the first would be
 * forgotten before the last is there, for ever. */
static void go_on(struct checks *c)
{
        size_t i = 0;

        while (i < c->count && c->len == 0) {
                struct waiting *w = &c->list[i];

                if (try_one(c->e, w)) {
                        i++;
                } else if (w->questions++ >= REACH_KEEP || !ask(c)) {
                        try_now(c->e, w);
                        i++;
                }
        }
        c->count -= i;
        if (i > 0)
                memmove(c->list, c->list + i, c->count * sizeof(c->list[0]));
        if (c->len == 0 && reach_helped(c->reach))
                set_timer(c, REST_AFTER_SEC);
}

static struct checks *checks_of(struct engine *e)
{
        const char *patience = getenv("COPPICE_ANSWER_MS"); /* tests look at what goes on meanwhile */
        struct checks *c;

        if (e->checks)
                return e->checks;
        c = calloc(1, sizeof(*c));
        if (!c)
                return NULL;
        *c = (struct checks) { .e = e, .reach = reach_new("/proc/self/exe"),
                               .patience_ms = patience ? atoi(patience) : 0 };
        ev_init(&c->answer, on_answer);
        ev_init(&c->timer, on_timer);
        return e->checks = c;
}

static bool enlist(struct checks *c, const struct waiting *w)
{
        if (!c || !c->reach)
                return false;
        if (c->count == c->cap) {
                size_t cap = c->cap ? 2 * c->cap : 8;
                struct waiting *more = reallocarray(c->list, cap, sizeof(*more));

                if (!more)
                        return false;
                c->list = more;
                c->cap = cap;
        }
        c->list[c->count++] = *w;
        return true;
}

void check(struct engine *e, node_id id, uint32_t incarnation)
{
        struct waiting w = { .node = id, .incarnation = incarnation, .since = reach_now() };

        if (!adopt_has(e, id) && left_holds(e, id)) /* it calls again */
                return;
        if (try_one(e, &w))
                return;
        if (!enlist(checks_of(e), &w))
                try_now(e, &w);
        else if (e->checks->len == 0)
                go_on(e->checks);
}

bool engine_ask_ahead(struct engine *e, node_id id, engine_ready_fn *ready, void *arg)
{
        struct waiting w = { .ready = ready, .arg = arg, .node = id, .since = reach_now() };

        if (known_ahead(e, id, w.since) || !enlist(checks_of(e), &w))
                return false;
        if (e->checks->len == 0)
                go_on(e->checks);
        return true;
}

void engine_ask_ahead_over(struct engine *e, const void *arg)
{
        for (size_t i = 0; e->checks && i < e->checks->count; i++)
                if (e->checks->list[i].ready && e->checks->list[i].arg == arg)
                        e->checks->list[i] = (struct waiting) { .node = NODE_NONE }; /* nobody */
}

static bool answered(const struct engine *e, node_id id, uint32_t incarnation)
{
        for (size_t i = 0; i < e->queue_len; i++) {
                const struct event *event = &e->queue[(e->queue_head + i) % e->queue_cap];

                if (event->kind == EVT_CHECKED && event->node == id && event->incarnation == incarnation)
                        return true;
        }
        return false;
}

void check_again(struct engine *e)
{
        for (node_id id = 0; id < core_node_limit(e->core); id++) {
                const struct node *node = core_node(e->core, id);

                if (node && node->phase == PHASE_CHECK && !answered(e, id, node->incarnation))
                        check(e, id, node->incarnation);
        }
}

void check_free(struct engine *e)
{
        if (!e->checks)
                return;
        ev_io_stop(e->loop, &e->checks->answer);
        ev_timer_stop(e->loop, &e->checks->timer);
        if (e->checks->len > 0)
                reach_lose(e->checks->reach); /* it may hang for ever: it is not waited for */
        reach_free(e->checks->reach);
        free(e->checks->list);
        free(e->checks);
        e->checks = NULL;
}
