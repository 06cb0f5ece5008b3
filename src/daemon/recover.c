/* recover.c - the journal read back, frame by frame. See recover.h; recover_entries.c reads what is in them.
 *
 * Whatever is read here was written by an engine, and has a checksum. It is not believed all the same: an entry that
 * makes no sense ends the reading, and what was read so far is where we go on from. */
#include "daemon/recover_priv.h"

#include <string.h>

#include "base/shortage.h"
#include "os/memfile.h"
#include "proto/journal.h"

static int read_snapshot(struct reader *r, const void *payload, size_t n, struct err *err)
{
        int rc;

        r->u = unpack_begin(payload, n);
        r->core_map = unpack_schema(&r->u, &core_schema, err);
        if (!r->core_map)
                return -err->code;
        r->engine_map = unpack_schema(&r->u, &engine_schema, err);
        if (!r->engine_map)
                return -err->code;
        rc = core_restore(&r->u, r->core_map, &r->e->core, err);
        if (rc < 0)
                return rc;
        recover_entries(r);
        if (!r->u.bad)
                return 0;
        if (pack_map_problem(r->engine_map)[0])
                return err_set(err, STAGE_NONE, EBADMSG, "read the snapshot: %s", pack_map_problem(r->engine_map));
        return err_set(err, STAGE_NONE, EBADMSG, "read the snapshot: it is damaged");
}

/* What the last step asked for, as far as it is not known to be done. Without a step since the snapshot that
 * is what the snapshot says. */
static void keep_redo(struct reader *r)
{
        struct engine *e = r->e;
        const struct action *list = r->stepped ? r->last.list : e->redo;
        size_t count = r->stepped ? r->last.count : e->redo_count, left = count > r->done ? count - r->done : 0;
        struct action *kept = left ? malloc(left * sizeof(*kept)) : NULL;

        if (kept)
                memcpy(kept, list + r->done, left * sizeof(*kept));
        free(e->redo);
        e->redo = kept;
        e->redo_count = kept ? left : 0;
}

/* An entry that could not be kept for want of memory or a descriptor makes sense to an engine that has it. */
static bool lacks(struct reader *r)
{
        if (!r->lack.code && (errno == ENOMEM || (r->u.bad && error_lacks(errno))))
                (void) err_set(&r->lack, STAGE_NONE, errno, "take over the saved state: %s", strerror(errno));
        return r->lack.code;
}

/* Frame by frame from the snapshot on. Returns where the last good one ends. */
static int64_t read_frames(struct reader *r, const char *bytes, size_t n, uint64_t begin, struct err *err)
{
        enum journal_kind kind;
        const void *payload;
        size_t size, at = 0;
        int64_t len = journal_frame_read(bytes, n, begin, &kind, &payload, &size);
        int rc;

        if (len <= 0 || kind != JOURNAL_SNAPSHOT)
                return err_set(err, STAGE_NONE, EBADMSG, "read the snapshot: its checksum does not hold");
        errno = 0;
        rc = read_snapshot(r, payload, size, err);
        if (lacks(r) || rc < 0)
                return rc;
        for (at = (size_t) len;; at += (size_t) len) {
                len = journal_frame_read(bytes + at, n - at, begin + at, &kind, &payload, &size);
                if (len <= 0 || kind != JOURNAL_ENTRIES)
                        break;
                r->u = unpack_begin(payload, size);
                recover_entries(r);
                if (lacks(r))
                        break;
                if (r->u.bad) {
                        log_error("the journal has an entry that makes no sense: going on from what is before it");
                        break;
                }
        }
        keep_redo(r);
        (void) lacks(r);
        return (int64_t) (begin + at);
}

static int64_t read_file(struct reader *r, int fd, uint64_t *ret_begin, struct err *err)
{
        struct journal_head head;
        const void *bytes;
        size_t n;
        ssize_t got = pread(fd, &head, sizeof(head), 0);
        int64_t end;
        int rc = got == sizeof(head) ? journal_head_check(&head) : got < 0 ? -errno : -ENOMSG;

        if (got < 0)
                return err_set(err, STAGE_NONE, -rc, "read the saved state: %s", strerror(-rc));
        if (rc == -EPROTONOSUPPORT)
                return err_set(err, STAGE_NONE, EPROTONOSUPPORT,
                               "read the saved state: it is of version %u, this is %d", head.version, JOURNAL_VERSION);
        if (rc < 0)
                return err_set(err, STAGE_NONE, -rc, "read the saved state: its head is damaged");
        if (head.begin == 0)
                return err_set(err, STAGE_NONE, ENODATA, "read the saved state: there is none");
        rc = memfile_map(fd, head.begin, &bytes, &n);
        if (rc < 0)
                return err_set(err, STAGE_NONE, -rc, "map the saved state: %s", strerror(-rc));
        *ret_begin = head.begin;
        end = read_frames(r, bytes, n, head.begin, err);
        memfile_unmap(bytes, n, head.begin);
        return end;
}

int recover_load(struct engine *e, int journal, struct err *err)
{
        struct reader r = { .e = e };
        uint64_t begin = 0;
        int64_t end = read_file(&r, journal, &begin, err);

        pack_map_free(r.core_map);
        pack_map_free(r.engine_map);
        if (r.lack.code) {
                *err = r.lack;
                end = -EAGAIN;
        }
        if (end < 0)
                return (int) end;
        recover_opened(e);
        log_debug("the journal: %llu steps since its snapshot, %zu events not taken yet, %zu actions perhaps not "
                  "performed", (unsigned long long) r.steps, e->queue_len, e->redo_count);
        e->journal_begin = begin;
        e->journal_end = (uint64_t) end;
        return 0;
}
