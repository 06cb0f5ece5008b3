/* store.c - see store.h. */
#include "logd/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/logstore.h"

enum { DIR_MODE = 0750, FILE_MODE = 0640 };

struct store *store_new(int root, const char *path, const struct log_config *config)
{
        struct store *st = calloc(1, sizeof *st);

        if (st) {
                st->root = root;
                st->fd = -1;
                st->path = path;
                st->config = config;
                st->mark_rotated = STORE_NO_MARK;
        }
        return st;
}

void store_free(struct store *st)
{
        if (!st)
                return;
        fd_close(&st->fd);
        free(st);
}

static int fail(struct store *st, int code, uint64_t now_us)
{
        st->trouble = code;
        st->retry_us = now_us + STORE_RETRY_US;
        return -code;
}

bool store_may_try(const struct store *st, uint64_t now_us)
{
        /* A clock set back must not keep us waiting for hours. */
        return !st->trouble || now_us >= st->retry_us || st->retry_us - now_us > STORE_RETRY_US;
}

/* --- finding the file --------------------------------------------------------------------------- */

static int enter(int at, const char *name)
{
        int fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0 && errno == ENOENT && (mkdirat(at, name, DIR_MODE) == 0 || errno == EEXIST))
                fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int store_dir(const struct store *st)
{
        char dir[LOG_PATH_MAX * 3 + 1];
        autoclose int at = -1;
        char *rest = dir, *part;
        int r;

        r = log_dir_of(st->path, strlen(st->path), dir, sizeof dir);
        if (r < 0)
                return r;
        while ((part = strsep(&rest, "/")) != NULL) {
                const int next = enter(at < 0 ? st->root : at, part);

                if (next < 0)
                        return next;
                fd_close(&at);
                at = next;
        }
        return fd_steal(&at);
}

static bool is_ours(const struct stat *s)
{
        return S_ISREG(s->st_mode) && s->st_nlink == 1;
}

static int open_current(int dir)
{
        const int flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        const int fd = openat(dir, LOG_CURRENT, flags, FILE_MODE);

        return fd < 0 ? -errno : fd;
}

/* A directory, link, FIFO or a file with a second name where `current` should be: out of the way with it. */
static int move_aside(int dir, uint64_t now_us)
{
        char stamp[LOG_ROTATED_MAX], name[LOG_ROTATED_MAX + 16];

        log_rotated_name(now_us, stamp);
        (void) snprintf(name, sizeof name, "foreign-%s", stamp + 1);
        return renameat(dir, LOG_CURRENT, dir, name) < 0 ? -errno : 0;
}

/* The instant of a file's first byte: its birth where the file system knows it. */
static uint64_t birth_of(int fd, uint64_t now_us)
{
        struct statx x;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME | STATX_MTIME, &x) < 0)
                return now_us;
        if (!(x.stx_mask & STATX_BTIME) || x.stx_btime.tv_sec == 0)
                x.stx_btime = x.stx_mtime;
        return (uint64_t) x.stx_btime.tv_sec * 1000000 + x.stx_btime.tv_nsec / 1000;
}

static void adopt(struct store *st, int fd, const struct stat *s, uint64_t now_us)
{
        char last = '\n';

        st->fd = fd;
        st->dev = s->st_dev;
        st->ino = s->st_ino;
        st->size = (uint64_t) s->st_size;
        st->born_us = st->size ? birth_of(fd, now_us) : now_us;
        st->looked_us = now_us;
        if (st->size > 0)
                (void) !pread(fd, &last, 1, s->st_size - 1);
        st->midline = last != '\n';
}

int store_open(struct store *st, uint64_t now_us)
{
        autoclose int dir = -1, fd = -1;
        struct stat s;

        if (st->fd >= 0)
                return 0;
        dir = store_dir(st);
        if (dir < 0)
                return fail(st, -dir, now_us);
        for (int attempt = 0; attempt < 2; attempt++) {
                fd_close(&fd);
                fd = open_current(dir);
                if (fd >= 0 && fstat(fd, &s) == 0 && is_ours(&s)) {
                        adopt(st, fd_steal(&fd), &s, now_us);
                        return 0;
                }
                if (fd < 0 && fd != -ELOOP && fd != -EISDIR && fd != -ENXIO && fd != -EACCES)
                        return fail(st, -fd, now_us);
                if (move_aside(dir, now_us) < 0)
                        return fail(st, fd < 0 ? -fd : EEXIST, now_us);
        }
        return fail(st, EEXIST, now_us);
}

void store_close(struct store *st)
{
        fd_close(&st->fd);
}

/* Deleted, renamed, replaced: does the name still lead to what we write? Asked at most once a second. */
static void look(struct store *st, uint64_t now_us)
{
        char path[LOG_PATH_MAX * 3 + sizeof "/" LOG_CURRENT];
        struct stat s;
        int n;

        if (st->fd < 0 || (now_us >= st->looked_us && now_us - st->looked_us < STORE_LOOK_US))
                return;
        st->looked_us = now_us;
        n = log_dir_of(st->path, strlen(st->path), path, LOG_PATH_MAX * 3);
        if (n < 0)
                return;
        memcpy(path + n, "/" LOG_CURRENT, sizeof "/" LOG_CURRENT);
        if (fstatat(st->root, path, &s, AT_SYMLINK_NOFOLLOW) == 0 && s.st_ino == st->ino && s.st_dev == st->dev) {
                st->size = (uint64_t) s.st_size; /* somebody may have truncated it */
                return;
        }
        store_close(st);
        st->mark = 0;
}

/* --- rotation ----------------------------------------------------------------------------------- */

static int rename_current(struct store *st, int dir, uint64_t now_us)
{
        char name[LOG_ROTATED_MAX];

        if (now_us <= st->rotated_us)
                now_us = st->rotated_us + 1; /* names must go on growing when the clock does not */
        for (int attempt = 0; attempt < 64; attempt++, now_us++) {
                log_rotated_name(now_us, name);
                if (renameat2(dir, LOG_CURRENT, dir, name, RENAME_NOREPLACE) == 0) {
                        st->rotated_us = now_us;
                        return 0;
                }
                if (errno == EINVAL && renameat(dir, LOG_CURRENT, dir, name) == 0) { /* not on every file system */
                        st->rotated_us = now_us;
                        return 0;
                }
                if (errno != EEXIST)
                        break;
        }
        return -errno;
}

int store_rotate(struct store *st, uint64_t now_us)
{
        autoclose int dir = -1;
        int r;

        st->rotate_now = false;
        r = store_open(st, now_us);
        if (r < 0 || st->size == 0)
                return r;
        dir = store_dir(st);
        if (dir < 0)
                return fail(st, -dir, now_us);
        r = rename_current(st, dir, now_us);
        if (r == -ENOENT) { /* somebody took it away: the next open makes a new one */
                store_close(st);
                return 0;
        }
        if (r < 0)
                return r;
        st->rotations++;
        st->mark_rotated = st->mark;
        st->mark = 0;
        store_close(st);
        return store_open(st, now_us);
}

static bool too_old(const struct store *st, uint64_t now_us)
{
        const uint64_t age = st->config->max_age_us;

        return age && st->size > 0 && now_us > st->born_us && now_us - st->born_us >= age;
}

/* How much of data[n] goes into this file; *ret_rotate tells that another one begins behind it. */
static size_t fitting(const struct store *st, const char *data, size_t n, bool due, bool *ret_rotate)
{
        const uint64_t max = st->config->max_size;
        const uint64_t room = due ? 0 : max == 0 ? UINT64_MAX : st->size < max ? max - st->size : 0;
        const size_t in = room < n ? (size_t) room : n;
        const char *nl;

        *ret_rotate = n > room;
        if (n <= room)
                return n;
        nl = in ? memrchr(data, '\n', in) : NULL;
        if (nl)
                return (size_t) (nl + 1 - data);
        if (!st->midline && st->size > 0)
                return 0;
        nl = memchr(data + in, '\n', n - in < STORE_SLACK ? n - in : STORE_SLACK);
        if (nl)
                return (size_t) (nl + 1 - data);
        if (n - in > STORE_SLACK || (max && st->size + n > max + STORE_SLACK))
                return in + (n - in < STORE_SLACK ? n - in : STORE_SLACK);
        *ret_rotate = false; /* the end of this line is still to come */
        return n;
}

/* --- writing ------------------------------------------------------------------------------------ */

static size_t put(struct store *st, const char *data, size_t n, uint64_t now_us)
{
        size_t done = 0;

        while (done < n) {
                const ssize_t w = write(st->fd, data + done, n - done);

                if (w < 0 && errno == EINTR)
                        continue;
                if (w <= 0) {
                        (void) fail(st, w < 0 ? errno : EIO, now_us);
                        break;
                }
                done += (size_t) w;
        }
        if (done > 0) {
                if (st->size == 0)
                        st->born_us = now_us;
                st->size += done;
                st->midline = data[done - 1] != '\n';
        }
        return done;
}

size_t store_write(struct store *st, const char *data, size_t n, uint64_t now_us)
{
        size_t done = 0;
        bool rotate;

        look(st, now_us);
        if (st->fd < 0 && store_open(st, now_us) < 0)
                return 0;
        while (done < n) {
                const size_t part = fitting(st, data + done, n - done, st->rotate_now || too_old(st, now_us),
                                            &rotate);
                const size_t put_now = put(st, data + done, part, now_us);

                done += put_now;
                if (put_now < part)
                        return done;
                /* A rotation that fails must not lose lines: the file grows past its limit instead. */
                if (rotate && (store_rotate(st, now_us) < 0 || (part == 0 && st->size > 0))) {
                        if (st->fd < 0)
                                return done;
                        done += put(st, data + done, n - done, now_us);
                        break;
                }
        }
        if (done == n)
                st->trouble = 0;
        return done;
}

/* --- reading back ------------------------------------------------------------------------------- */

void store_mark(struct store *st)
{
        struct stat s;

        st->mark = st->fd >= 0 && fstat(st->fd, &s) == 0 ? (uint64_t) s.st_size : st->size;
        st->mark_rotated = STORE_NO_MARK;
}

static size_t read_end(int fd, uint64_t from, char *out, size_t cap)
{
        struct stat s;
        uint64_t end;
        ssize_t n;

        if (fstat(fd, &s) < 0 || (uint64_t) s.st_size <= from)
                return 0;
        end = (uint64_t) s.st_size;
        if (end - from > cap)
                from = end - cap;
        n = pread(fd, out, cap, (off_t) from);
        return n < 0 ? 0 : (size_t) n;
}

static size_t read_rotated(const struct store *st, char *out, size_t cap)
{
        char name[LOG_ROTATED_MAX];
        autoclose int dir = store_dir(st), fd = -1;

        if (dir < 0)
                return 0;
        log_rotated_name(st->rotated_us, name);
        fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        return fd < 0 ? 0 : read_end(fd, st->mark_rotated, out, cap);
}

size_t store_tail(struct store *st, char *out, size_t cap)
{
        size_t n = st->fd >= 0 ? read_end(st->fd, st->mark, out, cap) : 0;
        size_t before;

        if (n == cap || st->rotated_us == 0 || st->mark_rotated == STORE_NO_MARK)
                return n;
        memmove(out + cap - n, out, n);
        before = read_rotated(st, out, cap - n);
        memmove(out + before, out + cap - n, n);
        return before + n;
}
