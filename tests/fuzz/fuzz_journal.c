/* fuzz_journal.c - any bytes as the state that an engine has left (FAILURES H17, H18): read, or refused with a word.
 *
 * The first byte: bit 0, the rest is a journal as it lies in its file; else it is the frames alone, and each gets the
 * checksum that it should have, so that what is behind the checksum is reached. The real reader and core; control groups
 * are not touched. What was read can be saved, and what was saved is read as the same again. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/logd.h"
#include "daemon/logs.h"
#include "daemon/notify.h"
#include "daemon/pipe.h"
#include "daemon/recover.h"
#include "os/cgroup_priv.h"
#include "os/memfile.h"
#include "proto/journal.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In place of those of os/cgroup_adopt.c: a state of any bytes must not choose a directory of this machine. */
int cgroup_adopt(struct unpack *saved, bool use, const char *runtime_dir, pid_t init, struct cgroup **ret,
                 struct err *err)
{
        (void) saved;
        (void) use;
        (void) err;
        *ret = cgroup_new(runtime_dir, init);
        return *ret ? 0 : -ENOMEM;
}

void cgroup_save(const struct cgroup *c, struct buf *out)
{
        (void) c;
        (void) out;
}

static void put_frames(struct buf *file, const uint8_t *data, size_t size)
{
        while (size >= sizeof(struct journal_frame)) {
                struct journal_frame head;
                struct buf frame = BUF_INIT;
                size_t n;

                memcpy(&head, data, sizeof(head));
                data += sizeof(head);
                size -= sizeof(head);
                n = head.size < size ? head.size : size;
                journal_frame_begin(&frame);
                buf_add(&frame, data, n);
                journal_frame_end(&frame, (enum journal_kind) head.kind, file->len);
                buf_add(file, frame.data, frame.len);
                buf_free(&frame);
                data += n;
                size -= n;
        }
}

static int journal_of(const uint8_t *data, size_t size)
{
        struct buf file = BUF_INIT;
        struct journal_head head;
        int fd = memfile_make("fuzz");

        MUST(fd >= 0);
        if (data[0] & 1) {
                buf_add(&file, data + 1, size - 1);
        } else {
                journal_head_make(&head, sizeof(head));
                buf_add(&file, &head, sizeof(head));
                put_frames(&file, data + 1, size - 1);
        }
        MUST(!buf_failed(&file));
        MUST(file.len == 0 || memfile_write(fd, 0, file.data, file.len) == 0);
        buf_free(&file);
        return fd;
}

/* What could be read can be written, and is the same then. */
static void check_again(const struct core *c)
{
        struct buf once = BUF_INIT, twice = BUF_INIT;
        struct core *copy = NULL;
        struct err err = { 0 };
        struct pack_map *map;
        struct unpack u;

        pack_schema(&once, &core_schema);
        core_snapshot(c, &once);
        u = unpack_begin(once.data, once.len);
        map = unpack_schema(&u, &core_schema, &err);
        MUST(map);
        MUST(core_restore(&u, map, &copy, &err) == 0);
        pack_schema(&twice, &core_schema);
        core_snapshot(copy, &twice);
        MUST(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
        core_free(copy);
        pack_map_free(map);
        buf_free(&once);
        buf_free(&twice);
}

static void forget(struct engine *e)
{
        for (node_id id = 0; id < e->run_cap; id++)
                engine_forget(e, id);
        pipes_free(e);
        notify_stop(e);
        logs_free(e);
        core_free(e->core);
        cgroup_free(e->cgroup);
        initlink_free(e->link);
        free(e->runs);
        free(e->queue);
        free(e->redo);
        pid_map_free(&e->pids);
        ev_loop_destroy(e->loop);
}

static void begin(struct engine *e)
{
        int pair[2];

        MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
        (void) close(pair[1]); /* whatever is asked of init is lost */
        e->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
        MUST(e->loop && initlink_open(pair[0], &e->link, NULL) == 0 && logs_init(e) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct engine e = { .notify_fd = -1, .lock_fd = -1, .exit_code = -1, .plan = BUF_INIT, .command_node = NODE_NONE,
                            .kept_control = -1, .opt.runtime_dir = "/nowhere", .opt.log_dir = "/nowhere", .opt.state_dir = "/nowhere" };
        struct err err = { 0 };
        int fd, level = (int) log_get_level();

        if (size < 1)
                return 0;
        log_set_level(LOG_LEVEL_ERROR);
        begin(&e);
        fd = journal_of(data, size);
        if (recover_load(&e, fd, &err) == 0) {
                MUST(e.core && e.journal_begin >= sizeof(struct journal_head) && e.journal_end > e.journal_begin);
                check_again(e.core);
        } else {
                MUST(err.code && err.text[0]);
        }
        (void) close(fd);
        forget(&e);
        log_set_level((enum log_level) level);
        return 0;
}
