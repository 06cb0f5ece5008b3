/* journal_snapshot.c - all that the next engine needs, as one frame. See journal.h. */
#include "daemon/adopt.h"
#include "daemon/journal_priv.h"
#include "daemon/mail.h"
#include "daemon/mail_spawn.h"
#include "daemon/notify.h"
#include "daemon/pipe.h"
#include "daemon/transient.h"

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
                        journal_put_run(e, id);
                if (!run->extra)
                        continue;
                journal_extra(e, id);
                put_deaths(e, id, run->extra);
                journal_guard(e, id);
                journal_identity(e, id);
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
                pack_struct(journal_put(e, ENTRY_REDO), &action_fields, &e->doing->list[i]);
}

static void put_rest(struct engine *e)
{
        autobuf struct buf text = BUF_INIT;

        e->journal->engine = (struct saved_engine) { 0 };
        journal_put_engine(e);
        cgroup_save(e->cgroup, &text);
        pack_bytes(journal_put(e, ENTRY_CGROUP), text.data, text.len);
        pack_u(journal_put(e, ENTRY_MARK), e->last_mark);
        pack_u(journal_put(e, ENTRY_SEQ), e->published);
        for (size_t i = 0; i < e->queue_len; i++)
                journal_posted(e, &e->queue[(e->queue_head + i) % e->queue_cap]);
        for (size_t i = 0; i < e->pids.cap; i++)
                if (e->pids.slots[i].pid)
                        journal_pid(e, &e->pids.slots[i]);
        put_runs(e);
        mail_spawn_save(e);
        transient_save(e);
        notify_each_early(e, journal_early);
        pipes_save(e, journal_pipe);
        adopt_save(e);
        if (e->performed)
                (void) journal_put(e, ENTRY_PERFORMED);
        for (size_t i = 0; i < e->redo_count; i++)
                pack_struct(journal_put(e, ENTRY_REDO), &action_fields, &e->redo[i]);
        put_doing(e);
        mail_save(e);
}

void journal_put_snapshot(struct engine *e)
{
        struct journal *j = e->journal;

        journal_put_dirty(e);
        j->changed = false;
        j->core_changes = core_changes(e->core);
        journal_frame_begin(&j->frame);
        pack_schema(&j->frame, &core_schema);
        pack_schema(&j->frame, &engine_schema);
        core_snapshot(e->core, &j->frame);
        put_rest(e);
}
