/* core_rows.c - see core_rows.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/unit_text.h"
#include "core/value.h"
#include "core/bond.h"
#include "tests/unit/core_rows.h"

enum { WORDS_MAX = 5, WORD_MAX = 64 };

static void complain(void *arg, const struct diag *d)
{
        char line[600];

        (void) arg;
        print_message("# %s\n", err_format(&d->err, line, sizeof(line)));
}

static struct spec *make(const struct unit_row *u)
{
        struct unit_source source = { .file = u->name, .text = u->text, .len = strlen(u->text) };
        struct spec *spec = NULL;

        if (unit_text_parse(u->name, &source, 1, &unit_host_example, complain, NULL, &spec) < 0)
                fail_msg("the unit %s of the test is wrong", u->name);
        return spec;
}

static void linked_badly(void *arg, const struct err *err)
{
        char line[600];

        (void) arg;
        print_message("# link: %s\n", err_format(err, line, sizeof(line)));
}

struct rows rows_begin(const struct unit_row *units)
{
        struct core_config config = { .seed = 1, .record_capacity = 512 };
        struct unit_row implicit = { "", "root.supervisor", "[Supervisor]\nEscalation=isolate\n" };
        const struct unit_row *root = units->parent && !*units->parent ? units++ : &implicit;
        struct spec *spec = make(root);
        struct rows r = { .core = core_new(&config, spec), .next_pid = 100 };
        struct err err;

        spec_unref(spec);
        assert_non_null(r.core);
        for (; units->parent; units++) {
                node_id parent = core_find(r.core, NODE_ROOT, units->parent, NULL), id;

                spec = make(units);
                assert_int_equal(core_add(r.core, parent, spec, false, &id, &err), 0);
                spec_unref(spec);
        }
        assert_true(core_link(r.core, linked_badly, NULL, &err) >= 0);
        return r;
}

void rows_end(struct rows *r)
{
        core_free(r->core);
}

/* --- actions in words ------------------------------------------------------------------------------------------------ */

/* The last name of the path, which is known even of a node that was forgotten in this very step. */
static const char *stem(const struct rows *r, node_id id)
{
        static char path[256];
        const char *slash = strrchr(core_path(r->core, id, path, sizeof(path)), '/');

        return !slash ? "-" : slash[1] ? slash + 1 : "/";
}

static void put_reason(const struct rows *r, const struct reason *reason, struct buf *out)
{
        char text[100], peer[100];

        buf_adds(out, reason_format(reason, core_path(r->core, reason->peer, peer, sizeof(peer)), text, sizeof(text)));
}

static void put_action(const struct rows *r, const struct action *a, struct buf *out)
{
        static const char *const role[] = { [ROLE_MAIN] = "main", [ROLE_CONTROL] = "control", [ROLE_ALL] = "all" };
        static const char *const word[] = { [ACT_CHECK] = "check", [ACT_OPEN] = "open", [ACT_KILL] = "kill",
                                            [ACT_WATCH_EMPTY] = "watch", [ACT_FREEZE] = "freeze",
                                            [ACT_THAW] = "thaw", [ACT_FORGET] = "forget" };

        if (a->kind == ACT_SIGNAL && a->arg == 18)
                return;
        if (out->len)
                buf_adds(out, "; ");
        switch (a->kind) {
        case ACT_SPAWN:
                buf_addf(out, "spawn %s %s", stem(r, a->node), directive_rows[a->directive].key);
                if (a->index)
                        buf_addf(out, "#%u", a->index);
                break;
        case ACT_SIGNAL:
                buf_addf(out, "signal %s %s %s", stem(r, a->node), role[a->role], signal_name((int) a->arg));
                break;
        case ACT_CLOSE:
                buf_addf(out, "close %s ", stem(r, a->node));
                put_reason(r, &a->reason, out);
                break;
        case ACT_DONE: buf_addf(out, "done %s", result_name(a->result)); break;
        case ACT_EXIT: buf_addf(out, "exit %lld", (long long) a->arg); break;
        case ACT_DELIVER: {
                char other[64];

                (void) snprintf(other, sizeof(other), "%s", stem(r, (node_id) a->arg));
                buf_addf(out, "deliver %s %s %s ", stem(r, a->node), a->role == DELIVER_EXIT ? "EXIT" : "DOWN", other);
                put_reason(r, &a->reason, out);
                if (a->token)
                        buf_addf(out, " %s", core_text(r->core, a->token));
                break;
        }
        case ACT_EMERGENCY: buf_adds(out, "emergency"); break;
        default: buf_addf(out, "%s %s", word[a->kind], stem(r, a->node)); break;
        }
}

/* --- events from words ------------------------------------------------------------------------------------------------ */

static const struct {
        const char *word;
        enum event_kind kind;
} verbs[] = {
        { "boot", EVT_START }, { "tick", EVT_TICK }, { "shutdown", EVT_SHUTDOWN }, { "start", EVT_START },
        { "stop", EVT_STOP }, { "restart", EVT_RESTART }, { "reload", EVT_RELOAD }, { "delete", EVT_DELETE },
        { "reset_failed", EVT_RESET_FAILED }, { "freeze", EVT_FREEZE }, { "thaw", EVT_THAW }, { "kill", EVT_SIGNAL },
        { "exit", EVT_EXIT }, { "checked", EVT_CHECKED }, { "spawned", EVT_SPAWNED }, { "execed", EVT_EXECED },
        { "spawn_failed", EVT_SPAWN_FAILED }, { "exited", EVT_EXITED }, { "empty", EVT_EMPTY }, { "stuck", EVT_STUCK },
        { "ready", EVT_READY }, { "reloading", EVT_RELOADING }, { "stopping", EVT_STOPPING }, { "mainpid", EVT_MAINPID },
        { "watchdog", EVT_WATCHDOG }, { "watchdog_trigger", EVT_WATCHDOG_TRIGGER }, { "extend", EVT_EXTEND_TIMEOUT }, { "oom", EVT_OOM },
        { "link", EVT_LINK }, { "unlink", EVT_UNLINK }, { "monitor", EVT_MONITOR }, { "demonitor", EVT_DEMONITOR },
        { "register", EVT_REGISTER }, { "unregister", EVT_UNREGISTER }, { "trap", EVT_TRAP_EXIT },
        { "exit_signal", EVT_EXIT_SIGNAL }, { "beget", EVT_SPAWN }, { "emit", EVT_EMIT },
};

static size_t split(const char *text, char words[][WORD_MAX])
{
        size_t n = 0;

        while (*text && n < WORDS_MAX) {
                size_t len = strcspn(text, " ");

                assert_true(len < WORD_MAX);
                memcpy(words[n], text, len);
                words[n++][len] = '\0';
                text += len + strspn(text + len, " ");
        }
        return n;
}

static nsec span(const char *text)
{
        nsec t = 0;

        if (value_span(text, NSEC_PER_SEC, &t) < 0)
                fail_msg("what time is %s?", text);
        return t;
}

static node_id named_node(const struct rows *r, const char *name)
{
        node_id id = core_find(r->core, NODE_ROOT, name, NULL);

        if (id == NODE_NONE)
                fail_msg("what node is %s?", name);
        return id;
}

/* A new child beside its spawner. */
static node_id add_child(struct rows *r, node_id parent, const char *name)
{
        char file[WORD_MAX + 8];
        struct unit_row row = { "", file, strcmp(name, "cautious") == 0 ? "[Unit]\nConditionPathExists=/x\n"
                                "[Service]\nExecStart=/x\nRestart=temporary\n" : "[Service]\nExecStart=/x\nRestart=temporary\n" };
        struct spec *spec;
        node_id id;

        (void) snprintf(file, sizeof(file), "%s.service", name);
        spec = make(&row);
        assert_int_equal(core_add_again(r->core, parent, spec, true, &id, NULL), 0);
        spec_unref(spec);
        return id;
}

static void set_spawn(struct rows *r, struct event *e, char (*w)[WORD_MAX])
{
        int64_t tie = strstr(w[3], "link") ? SPAWN_LINK : 0;

        e->arg = add_child(r, core_node(r->core, e->node)->parent, w[2]);
        if (strstr(w[3], "monitor"))
                tie |= SPAWN_MONITOR;
        e->arg2 = tie << 32 | (w[4][0] ? core_text_take(r->core, w[4]) : 0);
}

/* The requests of bond.h; texts stay taken, which a test may afford. */
static void set_bond_argument(struct rows *r, struct event *e, char (*w)[WORD_MAX])
{
        assert_int_equal(core_bond_reserve(r->core), 0);
        e->token = 7;
        switch (e->kind) {
        case EVT_LINK:
        case EVT_UNLINK: e->arg = named_node(r, w[2]); break;
        case EVT_MONITOR: e->arg = named_node(r, w[2]); e->arg2 = w[3][0] ? core_text_take(r->core, w[3]) : 0; break;
        case EVT_DEMONITOR: e->arg2 = core_text_take(r->core, w[2]); break;
        case EVT_REGISTER: e->arg = core_node(r->core, e->node)->parent; /* fall through */
        case EVT_UNREGISTER: e->arg2 = core_text_take(r->core, w[2]); break;
        case EVT_TRAP_EXIT: e->arg = strcmp(w[2], "on") == 0; break;
        case EVT_SPAWN: set_spawn(r, e, w); break;
        case EVT_EMIT: e->arg2 = core_text_take(r->core, w[2]); break;
        default:
                e->arg = named_node(r, w[2]);
                if (reason_parse(w[3], &e->reason) < 0)
                        fail_msg("what reason is %s?", w[3]);
                break;
        }
}

static void set_argument(struct rows *r, struct event *e, const char *arg, const struct node *n)
{
        switch (e->kind) {
        case EVT_SHUTDOWN: case EVT_EXTEND_TIMEOUT: e->arg = span(arg); break;
        case EVT_MAINPID: e->arg = atoi(arg); break;
        case EVT_SIGNAL: e->arg = signal_number(arg); break;
        case EVT_CHECKED:
                e->arg = strcmp(arg, "pass") == 0 ? VERDICT_PASS : strcmp(arg, "skip") == 0 ? VERDICT_SKIP : VERDICT_FAIL;
                break;
        case EVT_SPAWNED: e->arg = r->next_pid++; break;
        case EVT_EXITED:
                e->arg = e->role == ROLE_MAIN ? n->pid_main : n->pid_control;
                e->reason = REASON(REASON_NORMAL, 0);
                break;
        case EVT_SPAWN_FAILED:
                e->reason = REASON(REASON_SPAWN, 2);
                e->reason.stage = STAGE_EXEC;
                break;
        default: break;
        }
        if ((e->kind == EVT_EXITED || e->kind == EVT_EXIT || e->kind == EVT_OOM) && *arg && reason_parse(arg, &e->reason) < 0)
                fail_msg("what reason is %s?", arg);
}

static struct event read_event(struct rows *r, const char *text)
{
        char words[WORDS_MAX][WORD_MAX] = { "" };
        struct event e = { .node = NODE_ROOT };
        char (*w)[WORD_MAX] = words;
        size_t mark;

        (void) split(text, words);
        if (w[0][0] == '+') {
                r->now += span(w[0] + 1);
                w++;
        }
        for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
                if (strcmp(verbs[i].word, w[0]) == 0)
                        e.kind = (uint8_t) verbs[i].kind;
        if (e.kind == EVT_NONE)
                fail_msg("what event is %s?", text);
        mark = strlen(w[1]);
        if (mark && w[1][mark - 1] == '!') {
                e.role = ROLE_CONTROL;
                w[1][mark - 1] = '\0';
        }
        if (w[1][0] && e.kind != EVT_SHUTDOWN) {
                e.node = core_find(r->core, NODE_ROOT, w[1], NULL);
                if (e.node == NODE_NONE)
                        fail_msg("what node is %s?", w[1]);
        }
        if (e.kind >= EVT_START && e.kind <= EVT_SHUTDOWN && strcmp(w[0], "boot") != 0 && e.kind != EVT_SHUTDOWN)
                e.token = 7;
        if (e.kind >= EVT_LINK && e.kind <= EVT_EMIT) {
                set_bond_argument(r, &e, w);
                return e;
        }
        set_argument(r, &e, e.kind == EVT_SHUTDOWN ? w[1] : w[2], core_node(r->core, e.node));
        return e;
}

static void check_states(const struct rows *r, const struct row *row)
{
        char words[WORDS_MAX][WORD_MAX];
        size_t n = split(row->states, words);

        for (size_t i = 0; i < n; i++) {
                char *equals = strchr(words[i], '=');
                const struct node *node;

                assert_non_null(equals);
                *equals = '\0';
                node = core_node(r->core, core_find(r->core, NODE_ROOT, words[i], NULL));
                if (!node || strcmp(strtab_text(&state_names, node->state), equals + 1) != 0)
                        fail_msg("after \"%s\" %s is %s, not %s", row->event, words[i],
                                 node ? strtab_text(&state_names, node->state) : "gone", equals + 1);
        }
}

static void run_row(struct rows *r, const struct row *row)
{
        struct event e = read_event(r, row->event);
        autobuf struct buf text = BUF_INIT;
        struct actions acts = core_step(r->core, &e, r->now);

        for (uint32_t i = 0; i < acts.count; i++)
                put_action(r, &acts.list[i], &text);
        if (strcmp(buf_text(&text), row->actions) != 0)
                fail_msg("\"%s\"\n  expected: %s\n  actual:   %s", row->event, row->actions, buf_text(&text));
        if (row->states)
                check_states(r, row);
}

void rows_feed(struct rows *r, const char *event)
{
        struct event e = read_event(r, event);

        (void) core_step(r->core, &e, r->now);
}

struct actions rows_step(struct rows *r, const char *event)
{
        struct event e = read_event(r, event);

        return core_step(r->core, &e, r->now);
}

void rows_run(struct rows *r, const struct row *rows)
{
        for (; rows->event; rows++)
                run_row(r, rows);
}

void rows_play(const struct unit_row *units, const struct row *rows)
{
        struct rows r = rows_begin(units);

        rows_run(&r, rows);
        rows_end(&r);
}

char *rows_why(struct rows *r, const char *name)
{
        const struct record *chain[16];
        struct buf out = BUF_INIT;
        size_t n = core_why(r->core, core_find(r->core, NODE_ROOT, name, NULL), chain, 16);

        for (size_t i = 0; i < n; i++) {
                core_explain(r->core, chain[i], &out);
                buf_addc(&out, '\n');
        }
        return buf_steal(&out);
}
