/* control_reexec.c - DaemonReexec: answered when the new engine has said that it can take over, or why it cannot. */
#include "daemon/control_priv.h"

static void on_tried(void *arg, const struct err *err)
{
        struct call *c = arg;

        if (err) {
                call_fail_err(c, err);
                return;
        }
        (void) call_open(c);
        call_close(c, false);
}

static void drop(struct call *c)
{
        engine_reexec_forget(call_engine(c), c);
}

static const struct call_ops reexec_ops = { .drop = drop };

void method_DaemonReexec(struct call *c)
{
        const char *path = param_str(&c->in, "binary", false);
        struct err err = { 0 };

        if (!call_params(c))
                return;
        if (path && path[0] != '/') {
                call_fail(c, "BadValue", "parameter", "binary", "message", "an absolute path");
                return;
        }
        c->ops = &reexec_ops;
        if (engine_reexec(call_engine(c), path, on_tried, c, &err) < 0)
                call_fail_err(c, &err);
}
