/* logread.c - see logread.h. */
#include "ctl/logread.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/logproto.h"
#include "base/logstore.h"
#include "ctl/logfile.h"

enum { CHUNK = 64 * 1024, CARRY_MAX = 1024 * 1024, DIR_MAX = LOG_PATH_MAX * 3 };

struct reader {
        const struct logread_options *o;
        logread_fn *fn;
        void *arg;
        char dir[DIR_MAX];  /* below log_dir */
        int dir_fd;         /* owned */
        char **names;       /* owned: rotated files, oldest first, one for each instant */
        size_t count;
        uint64_t newest;    /* instant of the newest rotated file when `current` was opened */
        uint64_t skip;      /* lines still to be left out at the beginning */
        struct buf carry;   /* a line whose end has not come */
        bool stopped;
        char *chunk;        /* owned, CHUNK bytes */
};

/* --- lines -------------------------------------------------------------------------------------- */

/* The instant a line tells of itself: at its head, or as the first value of its object. */
static bool line_instant(const char *line, size_t n, uint64_t *ret_us)
{
        static const char json[] = "{\"time\":\"";
        const size_t head = sizeof json - 1;

        if (n > head && memcmp(line, json, head) == 0)
                return log_stamp_parse(line + head, n - head, ret_us);
        return log_stamp_parse(line, n, ret_us);
}

static void tell(struct reader *r, const char *line, size_t n)
{
        uint64_t us;

        if (r->skip > 0) {
                r->skip--;
                return;
        }
        if (r->stopped || (r->o->since_us && line_instant(line, n, &us) && us < r->o->since_us))
                return;
        r->stopped = r->fn(r->arg, line, n) != 0;
}

static void tell_carry(struct reader *r)
{
        if (r->carry.len > 0)
                tell(r, r->carry.data, r->carry.len);
        buf_clear(&r->carry);
}

static void feed(struct reader *r, const char *data, size_t n)
{
        while (n > 0 && !r->stopped) {
                const char *nl = memchr(data, '\n', n);
                const size_t len = nl ? (size_t) (nl - data) : n;

                if (!nl || r->carry.len > 0) {
                        buf_add(&r->carry, data, len);
                        if (nl && r->carry.len == 0)
                                tell(r, "", 0);
                        else if (nl || r->carry.len >= CARRY_MAX)
                                tell_carry(r);
                } else {
                        tell(r, data, len);
                }
                data += len + (nl != NULL);
                n -= len + (nl != NULL);
        }
}

/* --- files -------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Of "@x" and "@x.gz" the plain one is complete: the other is on its way to be, or is what it was made from. */
static void drop_twins(struct reader *r)
{
        size_t kept = 0;

        for (size_t i = 0; i < r->count; i++) {
                const size_t len = kept ? strlen(r->names[kept - 1]) : 0;

                if (kept && strncmp(r->names[i], r->names[kept - 1], len) == 0)
                        free(r->names[i]);
                else
                        r->names[kept++] = r->names[i];
        }
        r->count = kept;
}

static void forget_rotated(struct reader *r)
{
        for (size_t i = 0; i < r->count; i++)
                free(r->names[i]);
        free(r->names);
        r->names = NULL;
        r->count = 0;
}

static int add_name(struct reader *r, const char *name)
{
        char **grown = reallocarray(r->names, r->count + 1, sizeof *grown);

        if (!grown)
                return -ENOMEM;
        r->names = grown;
        r->names[r->count] = strdup(name);
        if (!r->names[r->count])
                return -ENOMEM;
        r->count++;
        return 0;
}

static int list_rotated(struct reader *r)
{
        const int fd = openat(r->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
        struct dirent *e;
        uint64_t us;
        bool packed;
        int result = 0;

        if (!d) {
                result = -errno;
                if (fd >= 0)
                        (void) close(fd);
                return result;
        }
        while (result == 0 && (e = readdir(d)) != NULL)
                if (log_rotated_parse(e->d_name, &us, &packed) && us >= r->o->since_us)
                        result = add_name(r, e->d_name);
        (void) closedir(d);
        if (r->count > 1)
                qsort(r->names, r->count, sizeof *r->names, by_name);
        drop_twins(r);
        return result;
}

static int open_file(const struct reader *r, const char *name)
{
        const int fd = openat(r->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat s;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &s) < 0 || !S_ISREG(s.st_mode)) {
                (void) close(fd);
                return -EINVAL;
        }
        return fd;
}

/* A file that was compressed or deleted since it was listed is looked for under its other names and then left out. */
static struct logfile *open_rotated(const struct reader *r, const char *name)
{
        static const char *const suffixes[] = { ".gz", ".zst" };
        char other[LOG_ROTATED_MAX + 8];
        int fd = open_file(r, name);

        for (size_t i = 0; i < 2 && fd == -ENOENT && strlen(name) < LOG_ROTATED_MAX; i++) {
                (void) snprintf(other, sizeof other, "%s%s", name, suffixes[i]);
                fd = open_file(r, other);
        }
        return fd >= 0 ? logfile_open(fd) : NULL;
}

static void feed_rotated(struct reader *r, const char *name)
{
        struct logfile *f = open_rotated(r, name);
        ssize_t n;

        while (f && !r->stopped && (n = logfile_read(f, r->chunk, CHUNK)) > 0)
                feed(r, r->chunk, (size_t) n);
        logfile_close(f);
}

static size_t count_newlines(const char *data, size_t n)
{
        size_t count = 0;

        for (const char *at = data; (at = memchr(at, '\n', n - (size_t) (at - data))) != NULL; at++)
                count++;
        return count;
}

static uint64_t count_rotated(struct reader *r, const char *name)
{
        struct logfile *f = open_rotated(r, name);
        uint64_t count = 0;
        ssize_t n;

        while (f && (n = logfile_read(f, r->chunk, CHUNK)) > 0)
                count += count_newlines(r->chunk, (size_t) n);
        logfile_close(f);
        return count;
}

/* --- the last lines ------------------------------------------------------------------------------- */

/* Where the last *want lines of a plain file begin, from its end backwards; *want becomes what other files must
 * bring. The newline at the very end ends a line and begins none. */
static off_t seek_back(struct reader *r, int fd, uint64_t *want)
{
        const off_t size = lseek(fd, 0, SEEK_END);
        uint64_t found = 0;

        if (size <= 0 || *want == 0)
                return size < 0 ? 0 : size;
        for (off_t end = size - 1, at; end > 0; end = at) {
                const size_t n = end < CHUNK ? (size_t) end : CHUNK;
                const char *nl = r->chunk + n;

                at = end - (off_t) n;
                if (pread(fd, r->chunk, n, at) != (ssize_t) n)
                        return 0;
                while ((nl = memrchr(r->chunk, '\n', (size_t) (nl - r->chunk))) != NULL)
                        if (++found == *want) {
                                *want = 0;
                                return at + (nl + 1 - r->chunk);
                        }
        }
        *want -= found + 1;
        return 0;
}

/* Choose the rotated file to begin with, and how many of its lines to leave out. */
static size_t first_file(struct reader *r, uint64_t want)
{
        for (size_t i = r->count; i-- > 0;) {
                const uint64_t lines = count_rotated(r, r->names[i]);

                if (lines >= want) {
                        r->skip = lines - want;
                        return i;
                }
                want -= lines;
        }
        return 0;
}

/* --- following ------------------------------------------------------------------------------------ */

static int open_dir(struct reader *r)
{
        autoclose int root = open(r->o->log_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (root < 0)
                return -errno;
        r->dir_fd = openat(root, r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return r->dir_fd < 0 ? -errno : 0;
}

/* Wait for a change in any watched directory. 1 = a change, 0 = asked to stop, or nobody reads, -errno. */
static int wait_change(const struct reader *r, int notify)
{
        struct pollfd p[] = { { .fd = notify, .events = POLLIN }, { .fd = r->o->stop_fd, .events = POLLIN },
                              { .fd = STDOUT_FILENO } }; /* POLLERR: nobody reads it any more */
        char events[4096] __attribute__((aligned(8)));

        while (poll(p, ARRAY_LEN(p), -1) < 0)
                if (errno != EINTR)
                        return -errno;
        if (p[1].revents || p[2].revents)
                return 0;
        while (read(notify, events, sizeof events) > 0)
                ;
        return 1;
}

/* Watch that directory or, when there is none, the one above it: something must be created there first. */
static int watch_up(char *path, int notify)
{
        char *slash;

        while (inotify_add_watch(notify, path, IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_MODIFY | IN_DELETE |
                                                       IN_ONLYDIR) < 0) {
                if (errno != ENOENT && errno != ENOTDIR)
                        return -errno;
                slash = strrchr(path, '/');
                if (!slash || slash == path)
                        return -ENOENT;
                *slash = '\0';
        }
        return 0;
}

/* The service's directory, or the nearest one above it that exists. One that was created between the look at it and the
 * watch above it told nobody: look until twice the same is the nearest. */
static int watch_nearest(const struct reader *r, int notify)
{
        char path[DIR_MAX * 2];
        size_t nearest = 0;

        for (;;) {
                const int n = snprintf(path, sizeof path, "%s/%s", r->o->log_dir, r->dir);
                int result;

                if (n < 0 || (size_t) n >= sizeof path)
                        return -ENAMETOOLONG;
                result = watch_up(path, notify);
                if (result < 0 || strlen(path) == nearest || strlen(path) == (size_t) n)
                        return result;
                nearest = strlen(path);
        }
}

static bool same_file(const struct reader *r, int fd)
{
        struct stat ours, there;

        return fd >= 0 && fstat(fd, &ours) == 0 &&
               fstatat(r->dir_fd, LOG_CURRENT, &there, AT_SYMLINK_NOFOLLOW) == 0 && ours.st_ino == there.st_ino &&
               ours.st_dev == there.st_dev;
}

static void feed_rest(struct reader *r, int fd)
{
        struct stat s;
        ssize_t n;

        if (fd < 0)
                return;
        if (fstat(fd, &s) == 0 && lseek(fd, 0, SEEK_CUR) > s.st_size)
                (void) lseek(fd, 0, SEEK_SET); /* somebody truncated it */
        while (!r->stopped && (n = read(fd, r->chunk, CHUNK)) > 0)
                feed(r, r->chunk, (size_t) n);
}

static uint64_t instant_at(const struct reader *r, size_t i)
{
        uint64_t us = 0;
        bool packed;

        return log_rotated_parse(r->names[i], &us, &packed) ? us : 0;
}

static uint64_t newest_rotated(struct reader *r)
{
        forget_rotated(r);
        return list_rotated(r) == 0 && r->count > 0 ? instant_at(r, r->count - 1) : 0;
}

/* Open `current` and know after which rotated files it comes: those in r->names. */
static int open_current(struct reader *r)
{
        uint64_t before = newest_rotated(r);

        for (;;) {
                const int fd = open_file(r, LOG_CURRENT);

                r->newest = newest_rotated(r);
                if (r->newest == before)
                        return fd;
                before = r->newest; /* rotated between the two looks: which of the two we got is not known */
                if (fd >= 0)
                        (void) close(fd);
        }
}

/* What was rotated after that instant and lies before the `current` that is open now. When we had a file open (ours),
 * the first of them is that one, read already (it may be compressed by now, so its inode would not tell). */
static void feed_missed(struct reader *r, uint64_t after, bool ours)
{
        for (size_t i = 0; i < r->count && !r->stopped; i++) {
                if (instant_at(r, i) <= after)
                        continue;
                if (!ours)
                        feed_rotated(r, r->names[i]);
                ours = false;
        }
}

/* Everything new: the rest of the file we have open and, when `current` is another one by now, what came after. */
static void catch_up(struct reader *r, int *fd)
{
        const uint64_t after = r->newest;
        const bool ours = *fd >= 0;

        feed_rest(r, *fd);
        if (same_file(r, *fd))
                return;
        feed_rest(r, *fd); /* written between the first reading and the rotation */
        fd_close(fd);
        *fd = open_current(r); /* or none is there between two: what comes before it is known all the same */
        feed_missed(r, after, ours);
        feed_rest(r, *fd);
}

static int follow(struct reader *r, int *fd)
{
        autoclose int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        int result = 1;

        if (notify < 0)
                return -errno;
        while (!r->stopped && result > 0) {
                result = watch_nearest(r, notify);
                if (result < 0)
                        return result;
                if (r->dir_fd < 0)
                        (void) open_dir(r);
                if (r->dir_fd >= 0)
                        catch_up(r, fd); /* after the watch is set: nothing falls between */
                result = r->stopped ? 0 : wait_change(r, notify);
        }
        return result;
}

/* --- all together ----------------------------------------------------------------------------------- */

static int read_kept(struct reader *r, int *fd)
{
        uint64_t want = r->o->last;
        size_t from = 0;
        off_t start = 0;

        *fd = open_current(r); /* lists what comes before it */
        if (*fd < 0 && r->count == 0 && !r->o->follow)
                return *fd;
        if (want != LOGREAD_ALL) {
                start = *fd >= 0 ? seek_back(r, *fd, &want) : 0;
                from = want > 0 ? first_file(r, want) : r->count;
        }
        for (size_t i = from; i < r->count && !r->stopped; i++)
                feed_rotated(r, r->names[i]);
        if (*fd >= 0) {
                (void) lseek(*fd, start, SEEK_SET);
                feed_rest(r, *fd);
        }
        return 0;
}

static int run(struct reader *r, struct err *err)
{
        const struct logread_options *o = r->o;
        autoclose int fd = -1;
        int result = log_dir_of(o->path, strlen(o->path), r->dir, sizeof r->dir);

        if (result < 0)
                return err_set(err, STAGE_LOAD, -result, "%s: no node has that name", o->path);
        result = open_dir(r);
        if (result == 0)
                result = read_kept(r, &fd);
        if (result < 0 && !(result == -ENOENT && o->follow)) {
                errno = -result;
                return result == -ENOENT ? err_set(err, STAGE_LOAD, ENOENT, "%s: nothing is kept of its output in %s",
                                                   o->path, o->log_dir)
                                         : err_sys(err, STAGE_LOAD, "read the log of %s in %s", o->path, o->log_dir);
        }
        result = o->follow && !r->stopped ? follow(r, &fd) : 0;
        if (result < 0) {
                errno = -result;
                return err_sys(err, STAGE_LOAD, "follow the log of %s in %s", o->path, o->log_dir);
        }
        if (!r->stopped)
                tell_carry(r);
        return 0;
}

int logread(const struct logread_options *options, logread_fn *fn, void *arg, struct err *err)
{
        struct reader r = { .o = options, .fn = fn, .arg = arg, .dir_fd = -1, .chunk = malloc(CHUNK) };
        int result;

        if (!r.chunk)
                return err_set(err, STAGE_LOAD, ENOMEM, "out of memory");
        result = run(&r, err);
        forget_rotated(&r);
        buf_free(&r.carry);
        free(r.chunk);
        fd_close(&r.dir_fd);
        return result;
}
