/* journal_priv.h - inside of the journal: see journal.h for what it is.
 *
 *      journal_entries.c    what happens, as entries of the frame that is being collected
 *      journal_snapshot.c   all there is, as one frame
 *      journal.c            when and how a frame is written; the journal's life
 *
 * May be used by: these.  May use: journal.h, proto/journal.h. */
#ifndef DAEMON_JOURNAL_PRIV_H
#define DAEMON_JOURNAL_PRIV_H

#include "daemon/journal.h"
#include "proto/journal.h"

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

/* Begin an entry: its kind is in the frame, the rest is the caller's. */
struct buf *journal_put(struct engine *e, enum journal_entry kind);
bool journal_off(const struct engine *e);         /* nothing need be noted now */

/* What is only noted when a frame is closed: fields of the engine that have changed, nodes that may have. */
void journal_put_engine(struct engine *e);
void journal_put_dirty(struct engine *e);
void journal_put_run(struct engine *e, node_id id);

void journal_put_snapshot(struct engine *e);      /* in place of what the frame has */

#endif
