/* spoil.c - damage a journal where no checksum tells.
 *
 *      spoil FILE PART OF
 *
 * All of the journal FILE becomes one snapshot that makes sense up to PART / OF of its length: whoever reads it has taken
 * up so much when he gives up. Its engine must not write meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "proto/journal.h"

enum { ROOM = 16 << 20 };

/* What the frames from `begin` on say, behind one another. */
static void gather(const char *bytes, size_t n, uint64_t begin, struct buf *out)
{
        enum journal_kind kind;
        const void *payload;
        size_t size;
        int64_t len;

        for (uint64_t at = begin; (len = journal_frame_read(bytes + at, n - at, at, &kind, &payload, &size)) > 0; at += (uint64_t) len)
                buf_add(out, payload, size);
}

static bool write_at(int fd, const void *bytes, size_t n, uint64_t at)
{
        return pwrite(fd, bytes, n, (off_t) at) == (ssize_t) n;
}

int main(int argc, char **argv)
{
        autofree char *bytes = malloc(ROOM);
        autobuf struct buf all = BUF_INIT, frame = BUF_INIT;
        struct journal_head head;
        autoclose int fd = argc == 4 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;
        ssize_t n = bytes && fd >= 0 ? pread(fd, bytes, ROOM, 0) : -1;
        char nonsense[32];
        size_t kept;

        if (n < (ssize_t) sizeof head || n == ROOM) {
                fprintf(stderr, "spoil FILE PART OF: %s\n", strerror(n < 0 ? errno : EFBIG));
                return 2;
        }
        memcpy(&head, bytes, sizeof head);
        if (journal_head_check(&head) < 0 || head.begin == 0 || head.begin > (uint64_t) n)
                return 1;
        gather(bytes, (size_t) n, head.begin, &all);
        kept = all.len * (size_t) atoi(argv[2]) / (size_t) atoi(argv[3]);
        memset(nonsense, 0xff, sizeof nonsense); /* a number that has no end */
        journal_frame_begin(&frame);
        buf_add(&frame, all.data, kept);
        buf_add(&frame, nonsense, sizeof nonsense);
        journal_frame_end(&frame, JOURNAL_SNAPSHOT, (uint64_t) n);
        journal_head_make(&head, (uint64_t) n);
        if (buf_failed(&frame) || !write_at(fd, frame.data, frame.len, (uint64_t) n) || !write_at(fd, &head, sizeof head, 0))
                return 1;
        printf("%zu of %zu bytes make sense\n", kept, all.len);
        return 0;
}
