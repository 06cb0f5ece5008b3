/* journal.c - when and how frames are written, and the life of the file. See journal.h. */
#include "daemon/journal_priv.h"
#include "daemon/mail.h"

#include <string.h>

#include "os/memfile.h"

/* A snapshot is due when what was written since the last one is as much as itself, and this at least. */
enum { ROOM_MIN = 256 << 10, FRAME_KEPT = 16 << 10 };

void journal_changed(struct engine *e)
{
        if (!e->journal || e->journal->changed)
                return;
        e->journal->changed = true;
        journal_frame_begin(&e->journal->frame);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

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
        uint64_t place = j->end;
        int r;

        journal_put_snapshot(e);
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
        /* From the very beginning: only whole pages go, and the one in which the last drop ended is whole by now. */
        memfile_drop(j->fd, sizeof(struct journal_head), place);
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

static void write_entries(struct engine *e)
{
        struct journal *j = e->journal;
        int r;

        journal_put_dirty(e);
        journal_put_engine(e);
        mail_note(e);
        if (journal_frame_empty(&j->frame))
                return;
        r = write_frame(e, JOURNAL_ENTRIES);
        if (j->frame.cap > FRAME_KEPT) { /* after a storm the memory goes back */
                buf_free(&j->frame);
                free(ptr_steal(j->dirty));
                j->dirty_cap = 0;
        }
        journal_frame_begin(&j->frame);
        if (r < 0)
                broken(e, -r);
}

void journal_commit(struct engine *e)
{
        struct journal *j = e->journal;

        if (j)
                look_at_tree(e);
        if (!j || (j->broken && engine_now(e) < j->retry_at))
                return;
        if (!j->changed)
                write_entries(e);
        else
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

/* --- its life ----------------------------------------------------------------------------------------------------- */

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
