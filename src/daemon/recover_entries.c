/* recover_entries.c - the entries of the journal, as events and as what the engine keeps. See recover_priv.h. */
#include "daemon/adopt.h"
#include "daemon/ledger.h"
#include "daemon/mail.h"
#include "daemon/mail_spawn.h"
#include "daemon/notify.h"
#include "daemon/pipe.h"
#include "daemon/recover_priv.h"
#include "daemon/said.h"
#include "daemon/seccomp.h"
#include "daemon/transient.h"

#include <string.h>

#include "core/bond.h"
#include "daemon/identity.h"

static node_id read_node(struct reader *r)
{
        return (node_id) unpack_max(&r->u, core_node_limit(r->e->core) - 1);
}

static struct event read_event(struct reader *r)
{
        struct event event = { 0 };

        unpack_struct(&r->u, r->core_map, &event_fields, &event);
        if (event.token != UINT32_MAX && event.token > r->e->last_token)
                r->e->last_token = event.token;
        return event;
}

static void take_step(struct reader *r, const struct event *event, nsec now)
{
        if (r->u.bad)
                return;
        r->last = core_step(r->e->core, event, now);
        for (uint32_t i = 0; i < r->last.count; i++) /* answers are given at the end of a turn */
                if (r->last.list[i].kind == ACT_DONE)
                        mail_spawn_answered(r->e, r->last.list[i].token, (enum result) r->last.list[i].result);
        r->stepped = true;
        r->done = 0;
        r->e->performed = false;
        r->e->redo_count = 0;
        r->steps++;
}

static void read_step(struct reader *r)
{
        nsec now = unpack_s(&r->u);
        bool more = unpack_max(&r->u, 1);
        struct event event;

        if (r->e->queue_len == 0) {
                r->u.bad = true;
                return;
        }
        event = engine_queue_pop(r->e);
        if (more)
                event.flags |= EVENT_MORE;
        take_step(r, &event, now);
}

static void read_pid(struct reader *r)
{
        struct saved_pid s = { 0 };

        unpack_struct(&r->u, r->engine_map, &pid_fields, &s);
        if (!r->u.bad && s.pid > 0)
                (void) engine_knows(r->e, (struct pid_entry) { .pid = s.pid, .node = s.node,
                                    .incarnation = s.incarnation, .kind = s.kind & 0xfU, .role = s.role & 0xfU,
                                    .stage = s.stage, .error = s.error });
}

static void read_run(struct reader *r)
{
        node_id id = read_node(r);
        struct run saved = { .flags = 0 }, *run;

        unpack_struct(&r->u, r->engine_map, &run_fields, &saved);
        if (r->u.bad)
                return;
        run = engine_run(r->e, id);
        saved.extra = run->extra;
        *run = saved;
}

static void read_extra(struct reader *r)
{
        node_id id = read_node(r);
        struct extra *x = r->u.bad ? NULL : engine_extra(r->e, id);
        struct said said = { 0 };

        unpack_struct(&r->u, r->engine_map, &said_fields, &said);
        said.text = unpack_dup(&r->u);
        said.bus_error = unpack_dup(&r->u);
        if (said.text && !said.text[0])
                free(ptr_steal(said.text));
        if (said.bus_error && !said.bus_error[0])
                free(ptr_steal(said.bus_error));
        if (!x) {
                said_clear(&said);
                return;
        }
        said_clear(&x->said);
        x->said = said;
        x->exec_request = unpack_u(&r->u);
        x->executed = unpack_max(&r->u, 1);
}

static struct death read_death(struct reader *r)
{
        struct death d = { .memory_peak = -1, .tasks_peak = -1, .cpu_usec = -1, .throttled_usec = -1, .oom_kills = -1 };
        size_t n;
        const void *tail;

        unpack_struct(&r->u, r->engine_map, &death_fields, &d);
        d.error = unpack_dup(&r->u);
        if (d.error && !d.error[0])
                free(ptr_steal(d.error));
        tail = unpack_bytes(&r->u, &n);
        d.tail = n > 0 ? malloc(n + 1) : NULL;
        if (d.tail) {
                memcpy(d.tail, tail, n);
                d.tail[n] = '\0';
                d.tail_len = n;
        }
        return d;
}

static void read_tail(struct reader *r)
{
        node_id id = read_node(r);
        uint32_t incarnation = (uint32_t) unpack_max(&r->u, UINT32_MAX);
        size_t n;
        const char *text = unpack_bytes(&r->u, &n);

        if (!r->u.bad)
                ledger_tail(r->e, id, incarnation, text, n);
}

static void read_early(struct reader *r)
{
        pid_t pid = (pid_t) unpack_max(&r->u, INT32_MAX);
        size_t n;
        const char *text = unpack_bytes(&r->u, &n);

        if (!r->u.bad)
                notify_resume_early(r->e, pid, text, n);
}

static void read_guard(struct reader *r)
{
        node_id id = read_node(r);

        if (!r->u.bad)
                seccomp_guard_load(r->e, id, &r->u);
}

static void read_engine(struct reader *r)
{
        struct engine *e = r->e;
        struct saved_engine s = { .exit_code = -1, .end = (int32_t) e->end, .command_node = NODE_NONE,
                                  .log_level = (int32_t) log_get_level() };

        unpack_struct(&r->u, r->engine_map, &saved_engine_fields, &s);
        if (r->u.bad)
                return;
        e->boot_mark = s.boot_mark;
        e->store_serial = s.store_serial;
        e->command_node = s.command_node;
        e->signals_seen = s.signals_seen;
        e->exit_code = s.exit_code;
        e->end = (enum init_end) s.end;
        e->stopping = s.stopping;
        e->finishing = s.finishing;
        e->reload_due = s.reload_due;
        if (s.last_token > e->last_token)
                e->last_token = s.last_token;
        log_set_level((enum log_level) s.log_level);
}

static void read_cgroup(struct reader *r)
{
        struct err err = { 0 };
        size_t n;
        const void *bytes = unpack_bytes(&r->u, &n);
        struct unpack saved = unpack_begin(bytes, n);

        if (r->u.bad || r->e->cgroup)
                return;
        if (cgroup_adopt(&saved, !r->e->only_look, r->e->opt.runtime_dir, (pid_t) r->e->opt.pid, &r->e->cgroup,
                         &err) == 0)
                return;
        if (err.code == ENOENT || err.code == EBADMSG)
                log_err(LOG_LEVEL_ERROR, &err);
        else
                r->lack = err;
}

static void read_redo(struct reader *r)
{
        struct engine *e = r->e;
        struct action *more = realloc(e->redo, (e->redo_count + 1) * sizeof(*more));

        if (!more) {
                r->u.bad = true;
                return;
        }
        e->redo = more;
        e->redo[e->redo_count] = (struct action) { 0 };
        unpack_struct(&r->u, r->engine_map, &action_fields, &e->redo[e->redo_count]);
        e->redo_count += !r->u.bad;
}

static void read_add(struct reader *r)
{
        node_id parent = read_node(r), id;
        uint64_t how = unpack_max(&r->u, 2);
        struct spec *s = spec_load(&r->u, r->core_map);

        if (s && how == 2)
                ledger_disown(r->e, core_retired(r->e->core));
        if (!s || (how == 2 ? core_add_again(r->e->core, parent, s, true, &id, NULL) :
                              core_add(r->e->core, parent, s, how == 1, &id, NULL)) < 0)
                r->u.bad = true;
        spec_unref(s);
}

static void read_pipe(struct reader *r)
{
        node_id place = read_node(r);
        unsigned flags = (unsigned) unpack_max(&r->u, 255);
        struct spec *s = spec_load(&r->u, r->core_map);

        if (!s || r->u.bad || !pipes_restore(r->e, place, s, flags))
                r->u.bad = true;
        spec_unref(s);
}

static void read_unpipe(struct reader *r)
{
        node_id place = (node_id) unpack_max(&r->u, UINT32_MAX);
        char unit[256];

        (void) unpack_text(&r->u, unit, sizeof(unit));
        if (!r->u.bad)
                pipes_dropped(r->e, place, unit);
}

static void read_now(struct reader *r, bool any)
{
        node_id id = read_node(r);
        struct death d = { 0 };

        if (any)
                d = read_death(r);
        if (!r->u.bad)
                ledger_restore_now(r->e, id, any ? &d : NULL);
        else
                death_done(&d);
}

static void read_past(struct reader *r)
{
        node_id id = read_node(r);
        struct death d = read_death(r);

        if (!r->u.bad)
                ledger_restore(r->e, id, &d);
        else
                death_done(&d);
}

static void read_ended(struct reader *r)
{
        unsigned names = (unsigned) unpack_max(&r->u, UINT32_MAX);
        char *path = unpack_dup(&r->u);
        struct death d = read_death(r);

        if (!path || r->u.bad || !transient_ended_read(r->e, names, path, &d)) {
                free(path);
                death_done(&d);
                r->u.bad = true;
        }
}

/* The core gives it the same number again: the same texts have come and gone before. */
static void read_text(struct reader *r)
{
        uint32_t number = (uint32_t) unpack_max(&r->u, UINT32_MAX);
        char *text = unpack_dup(&r->u);

        if (!text || r->u.bad || core_text_take(r->e->core, text) != number)
                r->u.bad = true;
        free(text);
}

static void read_survivor(struct reader *r)
{
        node_id id = read_node(r);
        pid_t pid = (pid_t) unpack_max(&r->u, INT32_MAX);
        uint64_t born = unpack_u(&r->u);
        uint32_t incarnation = (uint32_t) unpack_max(&r->u, UINT32_MAX);

        if (!r->u.bad && adopt_read(r->e, id, pid, born, incarnation) < 0)
                r->u.bad = true;
}

static void read_done(struct reader *r)
{
        r->stepped = false;
        r->done = 0;
        r->e->redo_count = 0;
        r->e->performed = false;
        r->e->published = core_last_seq(r->e->core);
}

static void read_post(struct reader *r)
{
        struct event event = read_event(r);

        if (!r->u.bad)
                engine_post(r->e, &event);
}

static void read_tick(struct reader *r)
{
        struct event event = { .kind = EVT_TICK, .node = NODE_ROOT };

        take_step(r, &event, unpack_s(&r->u));
}

static void read_direct(struct reader *r)
{
        nsec now = unpack_s(&r->u);
        struct event event = read_event(r);

        take_step(r, &event, now);
}

static void read_forget(struct reader *r)
{
        node_id id = read_node(r);

        if (!r->u.bad)
                engine_forget(r->e, id);
}

static void read_user(struct reader *r)
{
        node_id id = read_node(r);

        identity_load(r->e, id, &r->u);
}

static void read_entry(struct reader *r)
{
        struct engine *e = r->e;

        switch ((enum journal_entry) unpack_u(&r->u)) {
        case ENTRY_POST: read_post(r); break;
        case ENTRY_STEP: read_step(r); break;
        case ENTRY_TICK: read_tick(r); break;
        case ENTRY_DIRECT: read_direct(r); break;
        case ENTRY_PERFORMED: e->performed = true; break;
        case ENTRY_AT: r->done = unpack_u(&r->u); break;
        case ENTRY_DONE: read_done(r); break;
        case ENTRY_MARK: e->last_mark = unpack_u(&r->u); break;
        case ENTRY_PID: read_pid(r); break;
        case ENTRY_UNPID: engine_unknows(e, (pid_t) unpack_max(&r->u, INT32_MAX)); break;
        case ENTRY_RUN: read_run(r); break;
        case ENTRY_FORGET: read_forget(r); break;
        case ENTRY_EXTRA: read_extra(r); break;
        case ENTRY_NOW: read_now(r, true); break;
        case ENTRY_NOT_NOW: read_now(r, false); break;
        case ENTRY_DEATH: read_past(r); break;
        case ENTRY_TAIL: read_tail(r); break;
        case ENTRY_ENGINE: read_engine(r); break;
        case ENTRY_CGROUP: read_cgroup(r); break;
        case ENTRY_REDO: read_redo(r); break;
        case ENTRY_SEQ: e->published = unpack_u(&r->u); break;
        case ENTRY_ADD: read_add(r); break;
        case ENTRY_LINK: (void) core_link(e->core, NULL, NULL, NULL); break;
        case ENTRY_EARLY: read_early(r); break;
        case ENTRY_HEARD: notify_forget_early(e, (pid_t) unpack_max(&r->u, INT32_MAX)); break;
        case ENTRY_GUARD: read_guard(r); break;
        case ENTRY_PIPE: read_pipe(r); break;
        case ENTRY_UNPIPE: read_unpipe(r); break;
        case ENTRY_MAIL: mail_replay(e, &r->u, r->core_map); break;
        case ENTRY_SPAWN: mail_spawn_read(e, &r->u); break;
        case ENTRY_SPAWN_TOLD: mail_spawn_told(e, (node_id) unpack_max(&r->u, UINT32_MAX)); break;
        case ENTRY_TEXT: read_text(r); break;
        case ENTRY_TEXT_OVER: core_text_release(e->core, (uint32_t) unpack_max(&r->u, UINT32_MAX)); break;
        case ENTRY_ENDED: read_ended(r); break;
        case ENTRY_USER: read_user(r); break;
        case ENTRY_SURVIVOR: read_survivor(r); break;
        default: r->u.bad = true;
        }
}

void recover_entries(struct reader *r)
{
        while (r->u.at < r->u.end && !r->u.bad)
                read_entry(r);
}
