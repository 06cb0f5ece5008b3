/* journal.c - see journal.h: entries, frames, snapshots. */
#include "daemon/journal.h"

#include <string.h>

#include "os/memfile.h"
#include "proto/journal.h"

/* A snapshot is due when what was written since the last one is as much as itself, and this at least. */
enum { ROOM_MIN = 256 << 10, FRAME_KEPT = 16 << 10 };

struct journal {
        int fd;                   /* owned; init has another copy */
        uint64_t begin, end;      /* of the latest snapshot; of everything */
        uint64_t snapshot_size;
        struct buf frame;         /* what is not written yet */
        node_id *dirty;           /* owned; nodes whose struct run may have changed */
        size_t dirty_count, dirty_cap;
        uint32_t core_changes;    /* as of the last snapshot: core_add() and its like */
        bool stepped;             /* since the last ENTRY_DONE */
        bool changed;             /* the next commit is a snapshot */
        bool broken;              /* the last write failed: what lies there is of no use */
        nsec retry_at;
        struct saved_engine engine; /* as written last */
};

static struct buf *entry(struct engine *e, enum journal_entry kind)
{
        struct buf *out = &e->journal->frame;

        pack_u(out, kind);
        return out;
}

static bool off(const struct engine *e)
{
        return !e->journal || e->journal->changed; /* a snapshot tells it all */
}

/* --- entries -------------------------------------------------------------------------------------------------------- */

static void put_event(struct buf *out, const struct event *event)
{
        pack_struct(out, &event_fields, event);
}

void journal_posted(struct engine *e, const struct event *event)
{
        if (!off(e))
                put_event(entry(e, ENTRY_POST), event);
}

static void drop_redo(struct engine *e)
{
        free(ptr_steal(e->redo));
        e->redo_count = 0;
}

void journal_step(struct engine *e, nsec now, bool more)
{
        drop_redo(e);
        if (off(e))
                return;
        e->journal->stepped = true;
        pack_s(entry(e, ENTRY_STEP), now);
        pack_u(&e->journal->frame, more);
}

void journal_tick(struct engine *e, nsec now)
{
        drop_redo(e);
        if (off(e))
                return;
        e->journal->stepped = true;
        pack_s(entry(e, ENTRY_TICK), now);
}

void journal_direct(struct engine *e, nsec now, const struct event *event)
{
        drop_redo(e);
        if (off(e))
                return;
        e->journal->stepped = true;
        pack_s(entry(e, ENTRY_DIRECT), now);
        put_event(&e->journal->frame, event);
}

void journal_message(struct engine *e, uint64_t mark)
{
        e->last_mark = mark;
        if (!off(e))
                pack_u(entry(e, ENTRY_MARK), mark);
}

/* Is the next number to be used again free of its past? Between turns everybody has been told of its end; only an event
 * may still be under way to it. Within a step its end may be the one that is being told. */
static bool may_be_again(const struct engine *e)
{
        node_id id = core_retired(e->core);

        if (id == NODE_NONE || e->performing)
                return false;
        for (size_t i = 0; i < e->queue_len; i++) {
                const struct event *event = &e->queue[(e->queue_head + i) % e->queue_cap];

                if (event->node == id || event->arg == id || event->reason.peer == id)
                        return false;
        }
        return true;
}

/* A change that we do not know of goes before: then it takes the snapshot all the same. */
int journal_add(struct engine *e, node_id parent, struct spec *spec, node_id *ret_id, struct err *err)
{
        struct journal *j = e->journal;
        bool known = !off(e) && j->core_changes == core_changes(e->core);
        bool again = may_be_again(e);
        int r;

        if (again)
                ledger_disown(e, core_retired(e->core));
        r = again ? core_add_again(e->core, parent, spec, ret_id, err) : core_add(e->core, parent, spec, true, ret_id, err);
        if (r < 0 || !known)
                return r;
        pack_u(entry(e, ENTRY_ADD), parent);
        pack_u(&j->frame, again ? 2 : 1);
        spec_save(spec, &j->frame);
        j->core_changes = core_changes(e->core);
        return 0;
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
        if (!off(e))
                put_pid(entry(e, ENTRY_PID), p);
}

void journal_unpid(struct engine *e, pid_t pid)
{
        if (!off(e))
                pack_u(entry(e, ENTRY_UNPID), (uint64_t) pid);
}

void journal_run(struct engine *e, node_id id)
{
        struct journal *j = e->journal;

        if (off(e) || e->runs[id].flags & RUN_DIRTY)
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

static void put_run(struct engine *e, node_id id)
{
        const struct run saved = { .pid = { e->runs[id].pid[0], e->runs[id].pid[1] }, .leader = e->runs[id].leader,
                                   .incarnation = e->runs[id].incarnation, .flags = e->runs[id].flags & RUN_SAVED,
                                   .started = e->runs[id].started };

        pack_u(entry(e, ENTRY_RUN), id);
        pack_struct(&e->journal->frame, &run_fields, &saved);
}

void journal_forget(struct engine *e, node_id id)
{
        if (!off(e))
                pack_u(entry(e, ENTRY_FORGET), id);
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

        if (off(e) || !run || !run->extra)
                return;
        pack_u(entry(e, ENTRY_EXTRA), id);
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

        if (off(e))
                return;
        pack_u(entry(e, x && x->now ? ENTRY_NOW : ENTRY_NOT_NOW), id);
        if (x && x->now)
                put_death(&e->journal->frame, x->now);
}

void journal_death(struct engine *e, node_id id, const struct death *d)
{
        if (off(e))
                return;
        pack_u(entry(e, ENTRY_DEATH), id);
        put_death(&e->journal->frame, d);
}

void journal_tail(struct engine *e, node_id id, uint32_t incarnation, const char *text, size_t n)
{
        if (off(e))
                return;
        pack_u(entry(e, ENTRY_TAIL), id);
        pack_u(&e->journal->frame, incarnation);
        pack_bytes(&e->journal->frame, text, n);
}

void journal_early(struct engine *e, pid_t pid, const char *text, size_t n)
{
        if (off(e))
                return;
        pack_u(entry(e, ENTRY_EARLY), (uint64_t) pid);
        pack_bytes(&e->journal->frame, text, n);
}

void journal_heard(struct engine *e, pid_t pid)
{
        if (!off(e))
                pack_u(entry(e, ENTRY_HEARD), (uint64_t) pid);
}

void journal_guard(struct engine *e, node_id id)
{
        if (off(e) || !engine_peek(e, id) || !engine_peek(e, id)->extra || !engine_peek(e, id)->extra->guard)
                return;
        pack_u(entry(e, ENTRY_GUARD), id);
        seccomp_save(e, id, &e->journal->frame);
}

void journal_pipe(struct engine *e, node_id place, const struct spec *s, unsigned flags)
{
        if (off(e))
                return;
        pack_u(entry(e, ENTRY_PIPE), place);
        pack_u(&e->journal->frame, flags);
        spec_save(s, &e->journal->frame);
}

void journal_unpipe(struct engine *e, node_id place, const char *unit)
{
        if (off(e))
                return;
        pack_u(entry(e, ENTRY_UNPIPE), place);
        pack_text(&e->journal->frame, unit);
}

void journal_changed(struct engine *e)
{
        if (!e->journal || e->journal->changed)
                return;
        e->journal->changed = true;
        journal_frame_begin(&e->journal->frame);
}

static struct saved_engine engine_now_is(const struct engine *e)
{
        return (struct saved_engine) {
                .boot_mark = e->boot_mark, .last_token = e->last_token, .store_serial = e->store_serial,
                .command_node = e->command_node, .signals_seen = e->signals_seen, .exit_code = e->exit_code, .end = (int32_t) e->end,
                .log_level = (int32_t) log_get_level(), .stopping = e->stopping, .finishing = e->finishing,
        };
}

static bool same_engine(const struct saved_engine *a, const struct saved_engine *b)
{
        return a->boot_mark == b->boot_mark && a->last_token == b->last_token && a->store_serial == b->store_serial &&
               a->command_node == b->command_node && a->signals_seen == b->signals_seen &&
               a->exit_code == b->exit_code && a->end == b->end && a->log_level == b->log_level && a->stopping == b->stopping &&
               a->finishing == b->finishing;
}

static void put_engine(struct engine *e)
{
        const struct saved_engine now = engine_now_is(e);

        if (same_engine(&now, &e->journal->engine))
                return;
        e->journal->engine = now;
        pack_struct(entry(e, ENTRY_ENGINE), &saved_engine_fields, &now);
}

static void put_dirty(struct engine *e)
{
        struct journal *j = e->journal;

        for (size_t i = 0; i < j->dirty_count; i++) {
                e->runs[j->dirty[i]].flags &= ~(unsigned) RUN_DIRTY;
                if (!j->changed)
                        put_run(e, j->dirty[i]);
        }
        j->dirty_count = 0;
}

void journal_doing(struct engine *e)
{
        if (!off(e) && e->doing)
                pack_u(entry(e, ENTRY_AT), e->doing_at - e->doing_base);
}

struct buf *journal_mail(struct engine *e)
{
        return off(e) ? NULL : entry(e, ENTRY_MAIL);
}

void journal_performed(struct engine *e)
{
        if (!off(e) && initlink_pending(e->link))
                (void) entry(e, ENTRY_PERFORMED);
}

void journal_done(struct engine *e)
{
        drop_redo(e);
        if (off(e))
                return;
        if (e->journal->stepped)
                (void) entry(e, ENTRY_DONE);
        e->journal->stepped = false;
}

/* --- a snapshot ------------------------------------------------------------------------------------------------------- */

static void put_deaths(struct engine *e, node_id id, const struct extra *x)
{
        for (size_t i = x->death_count; i-- > 0;) /* the oldest first */
                journal_death(e, id, engine_death(e, id, i));
        if (x->now)
                journal_now(e, id);
}

static void put_runs(struct engine *e)
{
        for (node_id id = 0; id < e->run_cap; id++) {
                const struct run *run = &e->runs[id];

                if (run->incarnation || run->flags || run->extra)
                        put_run(e, id);
                if (!run->extra)
                        continue;
                journal_extra(e, id);
                put_deaths(e, id, run->extra);
                journal_guard(e, id);
        }
}

/* A snapshot amid a step: what is left of that. */
static void put_doing(struct engine *e)
{
        if (!e->doing)
                return;
        if (e->doing->list == e->redo) { /* written already: all of them */
                journal_doing(e);
                return;
        }
        e->doing_base = e->doing_at;
        for (uint32_t i = e->doing_at; i < e->doing->count; i++)
                pack_struct(entry(e, ENTRY_REDO), &action_fields, &e->doing->list[i]);
}

static void put_rest(struct engine *e)
{
        autobuf struct buf text = BUF_INIT;

        e->journal->engine = (struct saved_engine) { 0 };
        put_engine(e);
        cgroup_save(e->cgroup, &text);
        pack_bytes(entry(e, ENTRY_CGROUP), text.data, text.len);
        pack_u(entry(e, ENTRY_MARK), e->last_mark);
        pack_u(entry(e, ENTRY_SEQ), e->published);
        for (size_t i = 0; i < e->queue_len; i++)
                journal_posted(e, &e->queue[(e->queue_head + i) % e->queue_cap]);
        for (size_t i = 0; i < e->pids.cap; i++)
                if (e->pids.slots[i].pid)
                        journal_pid(e, &e->pids.slots[i]);
        put_runs(e);
        notify_each_early(e, journal_early);
        pipes_save(e, journal_pipe);
        if (e->performed)
                (void) entry(e, ENTRY_PERFORMED);
        for (size_t i = 0; i < e->redo_count; i++)
                pack_struct(entry(e, ENTRY_REDO), &action_fields, &e->redo[i]);
        put_doing(e);
        mail_save(e);
}

static void put_snapshot(struct engine *e)
{
        struct journal *j = e->journal;

        put_dirty(e);
        j->changed = false;
        j->core_changes = core_changes(e->core);
        journal_frame_begin(&j->frame);
        pack_schema(&j->frame, &core_schema);
        pack_schema(&j->frame, &engine_schema);
        core_snapshot(e->core, &j->frame);
        put_rest(e);
}

/* --- writing ---------------------------------------------------------------------------------------------------------- */

static int write_head(const struct journal *j, uint64_t begin)
{
        struct journal_head head;

        journal_head_make(&head, begin);
        return memfile_write(j->fd, 0, &head, sizeof(head));
}

/* From here on what lies in the file is older than what is: better no state than a wrong one. The services are not
 * touched by that; only an engine that ends now is succeeded by one that has to ask the kernel. */
static void broken(struct engine *e, int error)
{
        struct journal *j = e->journal;

        if (!j->broken)
                log_error("the journal cannot be written: %s; if the engine ends now, its successor knows less",
                          strerror(error));
        j->broken = true;
        j->retry_at = engine_now(e) + NSEC_PER_SEC;
        (void) write_head(j, 0);
        journal_changed(e);
}

static int write_frame(struct engine *e, enum journal_kind kind)
{
        struct journal *j = e->journal;
        int r = buf_failed(&j->frame) || j->frame.len > UINT32_MAX ? -ENOMEM : 0;

        journal_frame_end(&j->frame, kind, j->end);
        if (r == 0)
                r = memfile_write(j->fd, j->end, j->frame.data, j->frame.len);
        if (r == 0)
                j->end += j->frame.len;
        return r;
}

/* The snapshot counts from the moment the head points at it; then what was before is given back. */
static void commit_snapshot(struct engine *e)
{
        struct journal *j = e->journal;
        uint64_t old = j->begin, place = j->end;
        int r;

        put_snapshot(e);
        r = write_frame(e, JOURNAL_SNAPSHOT);
        if (r == 0)
                r = write_head(j, place);
        if (r < 0) {
                broken(e, -r);
                return;
        }
        if (j->broken)
                log_notice("the journal can be written again");
        j->broken = false;
        j->begin = place;
        j->snapshot_size = j->end - place;
        memfile_drop(j->fd, old ? old : sizeof(struct journal_head), place);
        buf_free(&j->frame); /* it was large */
        journal_frame_begin(&j->frame);
}

static bool is_full(const struct journal *j)
{
        uint64_t since = j->end - j->begin - j->snapshot_size;

        return since > ROOM_MIN && since > j->snapshot_size;
}

/* Whoever adds nodes, gives them other specs or another order need not think of us. */
static void look_at_tree(struct engine *e)
{
        if (e->journal->core_changes != core_changes(e->core))
                journal_changed(e);
}

void journal_commit(struct engine *e)
{
        struct journal *j = e->journal;
        int r;

        if (j)
                look_at_tree(e);
        if (!j || (j->broken && engine_now(e) < j->retry_at))
                return;
        if (!j->changed) {
                put_dirty(e);
                put_engine(e);
                mail_note(e);
        }
        if (!j->changed && journal_frame_empty(&j->frame))
                return;
        if (!j->changed) {
                r = write_frame(e, JOURNAL_ENTRIES);
                if (j->frame.cap > FRAME_KEPT) { /* after a storm the memory goes back */
                        buf_free(&j->frame);
                        free(ptr_steal(j->dirty));
                        j->dirty_cap = 0;
                }
                journal_frame_begin(&j->frame);
                if (r < 0)
                        broken(e, -r);
                return;
        }
        commit_snapshot(e);
}

void journal_settle(struct engine *e)
{
        if (!e->journal)
                return;
        look_at_tree(e);
        if (e->journal->changed)
                journal_commit(e);
}

/* Between turns, when nothing is half done. */
void journal_bound(struct engine *e)
{
        struct journal *j = e->journal;

        if (j && !j->changed && is_full(j)) {
                journal_commit(e);
                journal_changed(e);
        }
        journal_commit(e);
}

/* --- its life ----------------------------------------------------------------------------------------------------------- */

static int adopt(struct engine *e, int fd, uint64_t end)
{
        struct journal *j = calloc(1, sizeof(*j));

        if (!j) {
                (void) close(fd);
                return -ENOMEM;
        }
        *j = (struct journal) { .fd = fd, .end = end, .stepped = true };
        e->journal = j;
        journal_frame_begin(&j->frame);
        journal_changed(e);
        return 0;
}

int journal_start(struct engine *e)
{
        int fd = memfile_make("coppice-journal"), r;

        if (fd < 0)
                return fd;
        r = initlink_store(e->link, INIT_STORE_JOURNAL, fd);
        if (r < 0) {
                (void) close(fd);
                return r;
        }
        r = adopt(e, fd, sizeof(struct journal_head));
        if (r == 0)
                journal_commit(e);
        return r;
}

int journal_adopt(struct engine *e, int fd, uint64_t begin, uint64_t end)
{
        int r = memfile_cut(fd, end);

        if (r == 0)
                r = adopt(e, fd, end);
        if (r < 0)
                return r;
        e->journal->begin = begin;
        journal_commit(e);
        return 0;
}

int journal_copy(struct engine *e)
{
        struct journal *j = e->journal;
        struct journal_head head;
        autoclose int fd = -1;
        const void *bytes;
        size_t n;
        int r;

        journal_commit(e);
        if (!j || j->broken)
                return -ENODATA;
        fd = memfile_make("coppice-journal-copy");
        if (fd < 0)
                return fd;
        r = memfile_map(j->fd, j->begin, &bytes, &n);
        if (r < 0)
                return r;
        journal_head_make(&head, j->begin); /* frames know their place */
        r = memfile_write(fd, 0, &head, sizeof(head));
        if (r == 0)
                r = memfile_write(fd, j->begin, bytes, n);
        memfile_unmap(bytes, n, j->begin);
        return r < 0 ? r : fd_steal(&fd);
}

void journal_free(struct engine *e)
{
        struct journal *j = e->journal;

        if (!j)
                return;
        e->journal = NULL;
        fd_close(&j->fd);
        buf_free(&j->frame);
        free(j->dirty);
        free(j);
}
