/* said.c - what a service says about itself: STATUS=, ERRNO=, BUSERROR=, EXIT_STATUS= are kept to be shown,
 * NOTIFYACCESS= to be obeyed. */
#include <string.h>

#include "daemon/journal.h"
#include "daemon/said.h"
#include "os/notify.h"

static const struct said nothing;

const struct said *engine_said(const struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        return run && run->extra ? &run->extra->said : &nothing;
}

enum notify_access said_access(const struct engine *e, node_id id, const struct spec *s)
{
        int access = engine_said(e, id)->access;

        return access ? (enum notify_access) (access - 1) : spec_notify_access(s);
}

/* An empty text takes back what was said. */
static void keep(char **at, const char *text)
{
        free(*at);
        *at = *text ? strdup(text) : NULL;
}

void said_take(struct engine *e, node_id id, const struct notify_fields *f)
{
        struct extra *x = engine_extra(e, id);

        if (!x)
                return;
        if (f->has & NOTIFY_STATUS)
                keep(&x->said.text, f->status);
        if (f->has & NOTIFY_BUSERROR)
                keep(&x->said.bus_error, f->bus_error);
        if (f->has & NOTIFY_ERRNO)
                x->said.error = f->error;
        if (f->has & NOTIFY_EXIT_STATUS && f->exit_status < INT32_MAX)
                x->said.exit_status = f->exit_status + 1;
        if (f->has & NOTIFY_ACCESS)
                x->said.access = (int) f->access + 1;
        journal_extra(e, id);
}

void said_clear(struct said *s)
{
        free(s->text);
        free(s->bus_error);
        *s = nothing;
}
