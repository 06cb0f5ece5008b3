/* ledger.c - the last incarnations of each node: why they ended, what they used, what they wrote last.
 *
 * What is known of an end is gathered while it happens (exec failure, exit with rusage) and entered by ACT_CLOSE,
 * which has the reason. A node that never died costs nothing. */
#include <signal.h>
#include <string.h>

#include "daemon/engine_priv.h"
#include "daemon/journal.h"
#include "daemon/ledger.h"
#include "daemon/logs.h"
#include "daemon/transient.h"

static const struct death nothing_counted = {
        .memory_peak = -1, .tasks_peak = -1, .cpu_usec = -1, .throttled_usec = -1, .oom_kills = -1,
};

void death_done(struct death *d)
{
        free(d->error);
        free(d->tail);
        *d = nothing_counted;
}

int death_copy(struct death *to, const struct death *from)
{
        struct death copy = *from;

        copy.error = from->error ? strdup(from->error) : NULL;
        copy.tail = from->tail ? malloc(from->tail_len + 1) : NULL;
        if ((from->error && !copy.error) || (from->tail && !copy.tail)) {
                death_done(&copy);
                return -ENOMEM;
        }
        if (from->tail)
                memcpy(copy.tail, from->tail, from->tail_len + 1);
        *to = copy;
        return 0;
}

int death_exit_code(const struct death *d)
{
        switch ((enum reason_kind) d->reason.kind) {
        case REASON_TIMEOUT: case REASON_START_TIMEOUT: case REASON_STOP_TIMEOUT: case REASON_WATCHDOG:
        case REASON_OUT_OF_MEMORY: case REASON_SPAWN:
                return reason_exit_code(&d->reason);
        default:
                break;
        }
        if (!d->ran)
                return reason_exit_code(&d->reason);
        return d->code == CLD_EXITED ? d->status : 128 + d->status;
}

static struct death *fresh_death(void)
{
        struct death *d = malloc(sizeof(*d));

        if (d)
                *d = nothing_counted;
        return d;
}

static struct death *present(struct engine *e, node_id id)
{
        struct extra *x = engine_extra(e, id);

        if (x && !x->now)
                x->now = fresh_death();
        return x ? x->now : NULL;
}

/* A retry within one incarnation (several ExecStart=) starts the story of the main process again. */
void ledger_started(struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        if (run->extra && run->extra->now)
                death_done(run->extra->now);
        if (run->extra && run->extra->now)
                journal_now(e, id);
}

void ledger_exited(struct engine *e, node_id id, const struct init_exit *x)
{
        struct death *d = present(e, id);

        if (!d)
                return;
        d->ran = true;
        d->code = x->code;
        d->status = x->status;
        d->utime_usec = (int64_t) x->utime_usec;
        d->stime_usec = (int64_t) x->stime_usec;
        d->maxrss_kb = x->maxrss_kb;
        d->minflt = x->minflt;
        d->majflt = x->majflt;
        d->inblock = x->inblock;
        d->oublock = x->oublock;
        journal_now(e, id);
}

void ledger_used(struct engine *e, node_id id, const struct limit_counters *used)
{
        struct death *d = present(e, id);

        if (!d)
                return;
        d->memory_peak = used->memory_peak;
        d->tasks_peak = used->tasks_peak;
        d->cpu_usec = used->cpu_usec;
        d->throttled_usec = used->throttled_usec;
        d->oom_kills = used->oom_kills;
}

void ledger_failed(struct engine *e, node_id id, const struct err *err)
{
        struct death *d = present(e, id);
        char line[1000];

        if (!d)
                return;
        free(d->error);
        d->error = err ? strdup(err_format(err, line, sizeof(line))) : NULL;
        journal_now(e, id);
}

bool ledger_error_is(const struct engine *e, node_id id, const char *line)
{
        const struct run *run = engine_peek(e, id);
        const char *error = run && run->extra && run->extra->now ? run->extra->now->error : NULL;

        return line ? error && strcmp(error, line) == 0 : !error;
}

/* Room for one more: the array grows as far as DEATHS_MAX, then the oldest gives way. */
static struct death *room(struct extra *x)
{
        struct death *d;

        if (x->death_count == x->death_cap && x->death_cap < DEATHS_MAX) {
                uint32_t cap = x->death_cap ? x->death_cap * 2 : 1;
                struct death *more;

                cap = cap > DEATHS_MAX ? DEATHS_MAX : cap;
                more = realloc(x->deaths, cap * sizeof(*more));
                if (!more)
                        return NULL;
                memset(more + x->death_cap, 0, (cap - x->death_cap) * sizeof(*more));
                x->deaths = more;
                x->death_cap = cap;
                x->death_next = x->death_count;
        }
        d = &x->deaths[x->death_next];
        x->death_next = (x->death_next + 1) % x->death_cap;
        if (x->death_count < x->death_cap)
                x->death_count++;
        else
                death_done(d);
        return d;
}

void ledger_close(struct engine *e, node_id id, uint32_t incarnation, const struct reason *reason)
{
        const struct run *run = engine_peek(e, id);
        struct extra *x = engine_extra(e, id);
        struct death *d = x ? room(x) : NULL;

        if (!d)
                return;
        *d = x->now ? *x->now : nothing_counted;
        free(ptr_steal(x->now));
        d->incarnation = incarnation;
        d->reason = *reason;
        d->started = run->started;
        d->ended = engine_now(e);
        journal_now(e, id);
        journal_death(e, id, d);
        logs_tail(e, id, incarnation);
}

void ledger_restore(struct engine *e, node_id id, struct death *d)
{
        struct extra *x = engine_extra(e, id);
        struct death *to = x ? room(x) : NULL;

        if (to)
                *to = *d;
        else
                death_done(d);
}

void ledger_restore_now(struct engine *e, node_id id, struct death *d)
{
        struct death *to = d ? present(e, id) : NULL;
        const struct run *run = engine_peek(e, id);

        if (to) {
                death_done(to);
                *to = *d;
        } else if (d) {
                death_done(d);
        } else if (run && run->extra && run->extra->now) {
                death_done(run->extra->now);
                free(ptr_steal(run->extra->now));
        }
}

void ledger_tail(struct engine *e, node_id id, uint32_t incarnation, const char *text, size_t n)
{
        struct death *d = NULL;

        for (size_t i = 0; i < engine_death_count(e, id); i++) {
                const struct death *at = engine_death(e, id, i);

                if (at->incarnation == incarnation) {
                        const struct extra *x = engine_peek(e, id)->extra;

                        d = &x->deaths[at - x->deaths];
                        break;
                }
        }
        if (!d || n == 0 || d->tail)
                return;
        d->tail = malloc(n + 1);
        if (!d->tail)
                return;
        memcpy(d->tail, text, n);
        d->tail[n] = '\0';
        d->tail_len = n;
        journal_tail(e, id, incarnation, text, n);
}

size_t engine_death_count(const struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        return run && run->extra ? run->extra->death_count : 0;
}

const struct death *engine_death(const struct engine *e, node_id id, size_t i)
{
        const struct run *run = engine_peek(e, id);
        const struct extra *x = run ? run->extra : NULL;

        if (!x || i >= x->death_count)
                return NULL;
        return &x->deaths[(x->death_next + x->death_cap - 1 - i) % x->death_cap];
}

void ledger_free(struct extra *x)
{
        for (uint32_t i = 0; i < x->death_cap; i++)
                death_done(&x->deaths[i]);
        free(x->deaths);
        if (x->now)
                death_done(x->now);
        free(x->now);
}

static void disown(struct death *d, node_id id)
{
        if (d->reason.peer == id)
                d->reason.peer = NODE_NONE;
}

void ledger_disown(struct engine *e, node_id id)
{
        if (!core_retired_peer(e->core))
                return;
        for (node_id at = 0; at < e->run_cap; at++) {
                struct extra *x = e->runs[at].extra;

                for (uint32_t i = 0; x && i < x->death_count; i++)
                        disown(&x->deaths[i], id);
                if (x && x->now)
                        disown(x->now, id);
        }
        transient_disown(e, id);
}
