/* plan_streams.c - which descriptors a program gets. See plan_priv.h. Pure. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "core/plan_priv.h"

#define PLACES_MAX 1024

struct streams {
        struct compiler *c;
        struct plan_place places[PLACES_MAX];
        size_t count;
        int slots;
        int null;                /* source of what /dev/null was opened as; 0 = it was not */
};

static const enum directive stream_directives[3] = { D_SERVICE_StandardInput, D_SERVICE_StandardOutput,
                                                     D_SERVICE_StandardError };
static const enum stage stream_stages[3] = { STAGE_STDIN, STAGE_STDOUT, STAGE_STDERR };

static void place(struct streams *st, int target, int source)
{
        if (st->count < PLACES_MAX)
                st->places[st->count++] = (struct plan_place) { target, source };
}

static int open_into(struct streams *st, int target, const char *path, int flags, unsigned tty)
{
        enum directive d = stream_directives[target];

        plan_add(st->c, &(struct step) {
                .op = PLAN_OPEN, .stage = stream_stages[target], .flags = tty, .origin = spec_origin(st->c->s, d),
                .a = st->slots, .b = flags, .c = 0666, .text = path, .len = strlen(path) + 1 });
        return PLAN_SOURCE_SLOT(st->slots++);
}

static const char *after(const char *text, const char *prefix)
{
        size_t len = strlen(prefix);

        return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* Opened once for all that want it: looking up the path takes longer than most other steps. */
static int open_null(struct streams *st, int target)
{
        if (st->null == 0)
                st->null = open_into(st, target, "/dev/null", O_RDWR, 0);
        return st->null;
}

/* The source of descriptor 0, 1 or 2. `received` is the index the daemon sent for it, -1 = none. */
static int stream(struct streams *st, int target, int received)
{
        const struct spec *s = st->c->s;
        const char *text = spec_str(s, stream_directives[target]), *path;
        bool input = target == 0;

        if (received >= 0)
                return received;
        if (strcmp(text, "null") == 0)
                return open_null(st, target);
        if (strcmp(text, "tty") == 0)
                return open_into(st, target, spec_str(s, D_SERVICE_TTYPath), input ? O_RDWR : O_WRONLY,
                                 input ? PLAN_OPEN_TTY : 0);
        if ((path = after(text, "file:")))
                return open_into(st, target, path, input ? O_RDONLY : O_WRONLY | O_CREAT, 0);
        if ((path = after(text, "append:")))
                return open_into(st, target, path, O_WRONLY | O_CREAT | O_APPEND, 0);
        if ((path = after(text, "truncate:")))
                return open_into(st, target, path, O_WRONLY | O_CREAT | O_TRUNC, 0);
        if (target == 2 && strcmp(text, "inherit") == 0)
                return st->places[1].source;
        return PLAN_SOURCE_OWN(target); /* inherit; or log, where nobody collects it: the console */
}

static int place_notify(struct streams *st, struct err *err)
{
        const struct plan_fds *f = &st->c->f->fds;
        struct origin o = spec_origin(st->c->s, D_SERVICE_NotifyFd);
        int64_t n = spec_int(st->c->s, D_SERVICE_NotifyFd);
        int r;

        if (f->notify < 0 || n == SPEC_UNSET)
                return 0;
        if (n < 3 + f->listen_count) {
                r = err_set(err, STAGE_FDS, EINVAL,
                            "place descriptor %d of NotifyFd=: %d stored descriptors begin at 3",
                            (int) n, f->listen_count);
                err_where(err, o.file, o.line);
                err_hint(err, "choose a higher number");
                return r;
        }
        place(st, (int) n, f->notify);
        return 0;
}

/* Has a channel got that number? */
static const struct plan_end *end_at(const struct plan_fds *f, int target)
{
        for (size_t i = 0; i < f->end_count; i++)
                if (f->ends[i].target == target)
                        return &f->ends[i];
        return NULL;
}

int plan_mailbox_target(const struct compiler *c)
{
        const struct plan_fds *f = &c->f->fds;
        int n = 3 + f->listen_count;

        while ((f->notify >= 0 && spec_int(c->s, D_SERVICE_NotifyFd) == n) || end_at(f, n))
                n++;
        return n;
}

static void say_end(struct compiler *c, const struct plan_end *end)
{
        autobuf struct buf text = BUF_INIT;

        buf_add(&text, end->channel, strlen(end->channel) + 1);
        if (end->target < 0)
                buf_addf(&text, "%s of $LISTEN_FDNAMES", end->name);
        else
                buf_addf(&text, "%d", end->target);
        buf_addf(&text, " the %s end", end->writes ? "writing" : "reading");
        buf_addc(&text, '\0');
        plan_add(c, &(struct step) { .op = PLAN_CHANNEL, .origin = end->origin, .a = end->target, .text = text.data,
                                     .len = text.len });
        c->failed |= buf_failed(&text);
}

/* Those above 2 by number; the others are in, out, err, or among the stored ones. */
static int place_ends(struct streams *st, struct err *err)
{
        const struct plan_fds *f = &st->c->f->fds;

        for (size_t i = 0; i < f->end_count; i++) {
                const struct plan_end *end = &f->ends[i];
                bool notifies = f->notify >= 0 && spec_int(st->c->s, D_SERVICE_NotifyFd) == end->target;
                int r;

                say_end(st->c, end);
                if (end->target < 3)
                        continue;
                if (end->target >= 3 + f->listen_count && !notifies) {
                        place(st, end->target, end->source);
                        continue;
                }
                r = err_set(err, STAGE_FDS, EINVAL, notifies ? "place descriptor %d of channel %s: NotifyFd= wants it"
                                                             : "place descriptor %d of channel %s: stored descriptors "
                                                             "are there",
                            end->target, end->channel);
                err_where(err, end->origin.file, end->origin.line);
                err_hint(err, "choose a higher number");
                return r;
        }
        return 0;
}

int plan_streams(struct compiler *c, struct err *err)
{
        const struct plan_fds *f = &c->f->fds;
        struct streams st = { .c = c };
        int r;

        place(&st, 0, stream(&st, 0, f->in));
        place(&st, 1, stream(&st, 1, f->out));
        place(&st, 2, stream(&st, 2, f->err));
        for (int i = 0; i < f->listen_count; i++)
                place(&st, 3 + i, f->listen + i);
        r = place_notify(&st, err);
        if (r == 0)
                r = place_ends(&st, err);
        if (r < 0)
                return r;
        if (f->mailbox >= 0)
                place(&st, plan_mailbox_target(c), f->mailbox);
        plan_add(c, &(struct step) { .op = PLAN_PLACE, .origin = { "", 0 }, .text = st.places,
                                     .len = st.count * sizeof st.places[0] });
        if (f->terminal && (f->in >= 0 || f->out >= 0 || f->err >= 0))
                plan_add(c, &(struct step) { .op = PLAN_TERMINAL, .origin = { "", 0 },
                                             .a = f->in >= 0 ? 0 : f->out >= 0 ? 1 : 2 });
        return 0;
}
