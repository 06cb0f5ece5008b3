/* journal_entries.c - what happens, in the order it happens. See journal.h. */
#include <string.h>

#include "core/bond.h"
#include "daemon/identity.h"
#include "daemon/journal_priv.h"
#include "daemon/ledger.h"
#include "daemon/seccomp.h"

struct buf *journal_put(struct engine *e, enum journal_entry kind)
{
        struct buf *out = &e->journal->frame;

        pack_u(out, kind);
        return out;
}

bool journal_off(const struct engine *e)
{
        return !e->journal || e->journal->changed; /* a snapshot tells it all */
}

static void put_event(struct buf *out, const struct event *event)
{
        pack_struct(out, &event_fields, event);
}

void journal_posted(struct engine *e, const struct event *event)
{
        if (!journal_off(e))
                put_event(journal_put(e, ENTRY_POST), event);
}

static void drop_redo(struct engine *e)
{
        free(ptr_steal(e->redo));
        e->redo_count = 0;
}

void journal_step(struct engine *e, nsec now, bool more)
{
        drop_redo(e);
        if (journal_off(e))
                return;
        e->journal->stepped = true;
        pack_s(journal_put(e, ENTRY_STEP), now);
        pack_u(&e->journal->frame, more);
}

void journal_tick(struct engine *e, nsec now)
{
        drop_redo(e);
        if (journal_off(e))
                return;
        e->journal->stepped = true;
        pack_s(journal_put(e, ENTRY_TICK), now);
}

void journal_direct(struct engine *e, nsec now, const struct event *event)
{
        drop_redo(e);
        if (journal_off(e))
                return;
        e->journal->stepped = true;
        pack_s(journal_put(e, ENTRY_DIRECT), now);
        put_event(&e->journal->frame, event);
}

void journal_message(struct engine *e, uint64_t mark)
{
        e->last_mark = mark;
        if (!journal_off(e))
                pack_u(journal_put(e, ENTRY_MARK), mark);
}

/* Is the next number to be used again free of its past? Between turns everybody has been told of its end; only an event
 * may still be under way to it. Within a step its end may be the one that is being told. */
static bool may_be_again(const struct engine *e)
{
        node_id id = core_retired(e->core);

        if (id == NODE_NONE || e->doing)
                return false;
        for (size_t i = 0; i < e->queue_len; i++) {
                const struct event *event = &e->queue[(e->queue_head + i) % e->queue_cap];

                if (event->node == id || event->arg == id || event->reason.peer == id)
                        return false;
        }
        return true;
}

int journal_add_unit(struct engine *e, node_id parent, struct spec *spec, node_id *ret_id, struct err *err)
{
        if (!may_be_again(e))
                return core_add(e->core, parent, spec, false, ret_id, err);
        ledger_disown(e, core_retired(e->core));
        return core_add_again(e->core, parent, spec, false, ret_id, err);
}

/* A change that we do not know of goes before: then it takes the snapshot all the same. */
int journal_add(struct engine *e, node_id parent, struct spec *spec, node_id *ret_id, struct err *err)
{
        struct journal *j = e->journal;
        bool known = !journal_off(e) && j->core_changes == core_changes(e->core);
        bool again = may_be_again(e);
        int r;

        if (again)
                ledger_disown(e, core_retired(e->core));
        r = again ? core_add_again(e->core, parent, spec, true, ret_id, err)
            : core_add(e->core, parent, spec, true, ret_id, err);
        if (r < 0 || !known)
                return r;
        pack_u(journal_put(e, ENTRY_ADD), parent);
        pack_u(&j->frame, again ? 2 : 1);
        spec_save(spec, &j->frame);
        j->core_changes = core_changes(e->core);
        return 0;
}

uint32_t journal_text(struct engine *e, const char *text)
{
        struct journal *j = e->journal;
        bool known = !journal_off(e) && j->core_changes == core_changes(e->core);
        uint32_t number = core_text_take(e->core, text);

        if (number == 0 || !known)
                return number;
        pack_u(journal_put(e, ENTRY_TEXT), number);
        pack_text(&j->frame, text);
        j->core_changes = core_changes(e->core);
        return number;
}

void journal_text_over(struct engine *e, uint32_t text)
{
        struct journal *j = e->journal;
        bool known = !journal_off(e) && j->core_changes == core_changes(e->core);

        core_text_release(e->core, text);
        if (text == 0 || !known)
                return;
        pack_u(journal_put(e, ENTRY_TEXT_OVER), text);
        j->core_changes = core_changes(e->core);
}

static void put_pid(struct buf *out, const struct pid_entry *p)
{
        const struct saved_pid s = { .pid = p->pid, .node = p->node, .incarnation = p->incarnation,
                                     .error = (uint16_t) p->error, .kind = p->kind, .role = p->role,
                                     .stage = (uint8_t) p->stage };

        pack_struct(out, &pid_fields, &s);
}

void journal_pid(struct engine *e, const struct pid_entry *p)
{
        if (!journal_off(e))
                put_pid(journal_put(e, ENTRY_PID), p);
}

void journal_unpid(struct engine *e, pid_t pid)
{
        if (!journal_off(e))
                pack_u(journal_put(e, ENTRY_UNPID), (uint64_t) pid);
}

void journal_run(struct engine *e, node_id id)
{
        struct journal *j = e->journal;

        if (journal_off(e) || e->runs[id].flags & RUN_DIRTY)
                return;
        if (j->dirty_count == j->dirty_cap) {
                size_t cap = j->dirty_cap ? j->dirty_cap * 2 : 64;
                node_id *more = realloc(j->dirty, cap * sizeof(*more));

                if (!more) {
                        journal_changed(e); /* then all of it is written */
                        return;
                }
                j->dirty = more;
                j->dirty_cap = cap;
        }
        e->runs[id].flags |= RUN_DIRTY;
        j->dirty[j->dirty_count++] = id;
}

void journal_put_run(struct engine *e, node_id id)
{
        const struct run saved = { .pid = { e->runs[id].pid[0], e->runs[id].pid[1] }, .leader = e->runs[id].leader,
                                   .incarnation = e->runs[id].incarnation, .flags = e->runs[id].flags & RUN_SAVED,
                                   .started = e->runs[id].started };

        pack_u(journal_put(e, ENTRY_RUN), id);
        pack_struct(&e->journal->frame, &run_fields, &saved);
}

void journal_forget(struct engine *e, node_id id)
{
        if (!journal_off(e))
                pack_u(journal_put(e, ENTRY_FORGET), id);
}

static void put_extra(struct buf *out, const struct extra *x)
{
        pack_struct(out, &said_fields, &x->said);
        pack_text(out, x->said.text);
        pack_text(out, x->said.bus_error);
        pack_u(out, x->exec_request);
        pack_u(out, x->executed);
}

void journal_extra(struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        if (journal_off(e) || !run || !run->extra)
                return;
        pack_u(journal_put(e, ENTRY_EXTRA), id);
        put_extra(&e->journal->frame, run->extra);
}

static void put_death(struct buf *out, const struct death *d)
{
        pack_struct(out, &death_fields, d);
        pack_text(out, d->error);
        pack_bytes(out, d->tail, d->tail_len);
}

void journal_now(struct engine *e, node_id id)
{
        const struct extra *x = engine_peek(e, id)->extra;

        if (journal_off(e))
                return;
        pack_u(journal_put(e, x && x->now ? ENTRY_NOW : ENTRY_NOT_NOW), id);
        if (x && x->now)
                put_death(&e->journal->frame, x->now);
}

void journal_death(struct engine *e, node_id id, const struct death *d)
{
        if (journal_off(e))
                return;
        pack_u(journal_put(e, ENTRY_DEATH), id);
        put_death(&e->journal->frame, d);
}

void journal_tail(struct engine *e, node_id id, uint32_t incarnation, const char *text, size_t n)
{
        if (journal_off(e))
                return;
        pack_u(journal_put(e, ENTRY_TAIL), id);
        pack_u(&e->journal->frame, incarnation);
        pack_bytes(&e->journal->frame, text, n);
}

void journal_early(struct engine *e, pid_t pid, const char *text, size_t n)
{
        if (journal_off(e))
                return;
        pack_u(journal_put(e, ENTRY_EARLY), (uint64_t) pid);
        pack_bytes(&e->journal->frame, text, n);
}

void journal_heard(struct engine *e, pid_t pid)
{
        if (!journal_off(e))
                pack_u(journal_put(e, ENTRY_HEARD), (uint64_t) pid);
}

void journal_guard(struct engine *e, node_id id)
{
        if (journal_off(e) || !engine_peek(e, id) || !engine_peek(e, id)->extra || !engine_peek(e, id)->extra->guard)
                return;
        pack_u(journal_put(e, ENTRY_GUARD), id);
        seccomp_save(e, id, &e->journal->frame);
}

void journal_identity(struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        if (journal_off(e) || !run || !run->extra || !run->extra->identity)
                return;
        pack_u(journal_put(e, ENTRY_USER), id);
        identity_save(run->extra->identity, &e->journal->frame);
}

void journal_survivor(struct engine *e, node_id id, pid_t pid, uint64_t born, uint32_t incarnation)
{
        struct buf *out = journal_off(e) ? NULL : journal_put(e, ENTRY_SURVIVOR);

        if (!out)
                return;
        pack_u(out, id);
        pack_u(out, (uint64_t) pid);
        pack_u(out, born);
        pack_u(out, incarnation);
}

void journal_pipe(struct engine *e, node_id place, const struct spec *s, unsigned flags)
{
        if (journal_off(e))
                return;
        pack_u(journal_put(e, ENTRY_PIPE), place);
        pack_u(&e->journal->frame, flags);
        spec_save(s, &e->journal->frame);
}

void journal_unpipe(struct engine *e, node_id place, const char *unit)
{
        if (journal_off(e))
                return;
        pack_u(journal_put(e, ENTRY_UNPIPE), place);
        pack_text(&e->journal->frame, unit);
}

static struct saved_engine engine_now_is(const struct engine *e)
{
        return (struct saved_engine) {
                .boot_mark = e->boot_mark, .last_token = e->last_token, .store_serial = e->store_serial,
                .command_node = e->command_node, .signals_seen = e->signals_seen, .exit_code = e->exit_code,
                .end = (int32_t) e->end,
                .log_level = (int32_t) log_get_level(), .stopping = e->stopping, .finishing = e->finishing,
                .reload_due = e->reload_due,
        };
}

static bool same_engine(const struct saved_engine *a, const struct saved_engine *b)
{
        return a->boot_mark == b->boot_mark && a->last_token == b->last_token && a->store_serial == b->store_serial &&
               a->command_node == b->command_node && a->signals_seen == b->signals_seen &&
               a->exit_code == b->exit_code && a->end == b->end && a->log_level == b->log_level &&
               a->stopping == b->stopping && a->finishing == b->finishing && a->reload_due == b->reload_due;
}

void journal_put_engine(struct engine *e)
{
        const struct saved_engine now = engine_now_is(e);

        if (same_engine(&now, &e->journal->engine))
                return;
        e->journal->engine = now;
        pack_struct(journal_put(e, ENTRY_ENGINE), &saved_engine_fields, &now);
}

void journal_put_dirty(struct engine *e)
{
        struct journal *j = e->journal;

        for (size_t i = 0; i < j->dirty_count; i++) {
                e->runs[j->dirty[i]].flags &= ~(unsigned) RUN_DIRTY;
                if (!j->changed)
                        journal_put_run(e, j->dirty[i]);
        }
        j->dirty_count = 0;
}

void journal_doing(struct engine *e)
{
        if (!journal_off(e) && e->doing)
                pack_u(journal_put(e, ENTRY_AT), e->doing_at - e->doing_base);
}

void journal_ended(struct engine *e, unsigned names, const struct transient_end *end)
{
        if (journal_off(e))
                return;
        pack_u(journal_put(e, ENTRY_ENDED), names);
        pack_text(&e->journal->frame, end->path);
        put_death(&e->journal->frame, &end->death);
}

struct buf *journal_spawn(struct engine *e, bool told)
{
        return journal_off(e) ? NULL : journal_put(e, told ? ENTRY_SPAWN_TOLD : ENTRY_SPAWN);
}

struct buf *journal_mail(struct engine *e)
{
        return journal_off(e) ? NULL : journal_put(e, ENTRY_MAIL);
}

void journal_performed(struct engine *e)
{
        if (!journal_off(e))
                (void) journal_put(e, ENTRY_PERFORMED);
}

void journal_done(struct engine *e)
{
        drop_redo(e);
        if (journal_off(e))
                return;
        if (e->journal->stepped)
                (void) journal_put(e, ENTRY_DONE);
        e->journal->stepped = false;
}
