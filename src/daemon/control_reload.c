/* control_reload.c - methods that read the unit files again: Diff, DaemonReload, Units. */
#include "daemon/control_priv.h"
#include "daemon/node_json.h"

/* Changes and problems come mixed; each goes to an array of its own. */
struct report {
        struct buf changes, problems;
        struct json jc, jp;
};

static void on_change(void *arg, enum reload_change change, const char *path, enum directive directive,
                      const struct spec *before, const struct spec *after)
{
        struct report *r = arg;

        json_change(&r->jc, change, path, directive, before, after);
}

static void on_problem(void *arg, bool fatal, const struct err *err)
{
        struct report *r = arg;

        json_problem(&r->jp, NULL, fatal, err);
}

static void answer_report(struct call *c, int result, struct report *r)
{
        struct json *j;

        if (buf_failed(&r->changes) || buf_failed(&r->problems)) {
                call_fail(c, "Failed", "message", "out of memory", "hint", NULL);
                return;
        }
        c->mark = c->conn->out.len;
        c->j = varlink_reply_open(&c->conn->out,
                                  result < 0 && c->method == M_DaemonReload ? MANAGER_INTERFACE ".ReloadFailed" : NULL);
        j = &c->j;
        if (result >= 0 || c->method == M_Diff)
                json_raw(j, "changes", buf_text(&r->changes));
        json_raw(j, "problems", buf_text(&r->problems));
        call_close(c, false);
}

static void reload(struct call *c, bool dry)
{
        struct report r = { .changes = BUF_INIT, .problems = BUF_INIT };
        int result;

        if (!call_params(c))
                return;
        r.jc = json_start(&r.changes);
        r.jp = json_start(&r.problems);
        json_open(&r.jc, NULL, '[');
        json_open(&r.jp, NULL, '[');
        result = engine_reload(call_engine(c), dry, on_change, on_problem, &r);
        json_close(&r.jc);
        json_close(&r.jp);
        if (result == -ESHUTDOWN)
                call_fail(c, "ShuttingDown", NULL, NULL, NULL, NULL);
        else
                answer_report(c, result, &r);
        buf_free(&r.changes);
        buf_free(&r.problems);
}

void method_Diff(struct call *c)
{
        reload(c, true);
}

void method_DaemonReload(struct call *c)
{
        reload(c, false);
}

static void on_unit(void *arg, const char *unit, const char *status, const struct err *why)
{
        struct json *j = arg;
        char text[900];

        json_open(j, NULL, '{');
        json_str(j, "unit", unit);
        json_str(j, "status", status);
        if (why)
                json_str(j, "message", err_format(why, text, sizeof text));
        json_close(j);
}

void method_Units(struct call *c)
{
        autobuf struct buf list = BUF_INIT;
        struct json j = json_start(&list);
        struct err err = { 0 };
        int r;

        if (!call_params(c))
                return;
        json_open(&j, NULL, '[');
        r = engine_absent_each(call_engine(c), on_unit, &j, &err);
        json_close(&j);
        if (r < 0 || buf_failed(&list)) {
                call_fail_err(c, &err);
                return;
        }
        json_raw(call_open(c), "units", buf_text(&list));
        call_close(c, false);
}
