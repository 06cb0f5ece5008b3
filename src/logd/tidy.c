/* tidy.c - rotated files: compress them, delete the oldest. Done by a child of lowest priority, this same program
 * started as `coppice-logd --tidy MAX_FILES COMPRESS` with the directory as descriptor 3, so that draining never
 * waits for it. The child holds the write end of a pipe as descriptor 4; its end of file says that it is done.
 *
 * The child can be killed at any instant: a file is compressed under a temporary name, and the plain one goes only
 * once the other is complete. It works off whatever it finds, so nothing needs to be remembered about it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/logstore.h"
#include "base/strtab.h"
#include "logd/compress.h"
#include "logd/logd.h"

enum { TIDY_DIR_FD = 3, TIDY_PIPE_FD = 4 };

#define TEMPORARY "tmp-gzip"

/* As the child is told on its command line. */
static const char *const compress_text[] = { [LOG_COMPRESS_NONE] = "none", [LOG_COMPRESS_GZIP] = "gzip",
                                             [LOG_COMPRESS_ZSTD] = "zstd" };
static STRTAB(compress_names, compress_text);

/* --- in the log writer -------------------------------------------------------------------------- */

static int spawn(const struct logd *l, const struct stream *s, int dir, int pipe_end, pid_t *ret_pid)
{
        char files[16];
        char *argv[] = { (char *) "coppice-logd", (char *) "--tidy", files,
                         (char *) strtab_text(&compress_names, s->config.compress), NULL };
        char *env[] = { NULL };
        posix_spawn_file_actions_t fds;
        int r;

        (void) snprintf(files, sizeof files, "%u", s->config.max_files);
        if (posix_spawn_file_actions_init(&fds) != 0)
                return -ENOMEM;
        /* The last of a pair is above both targets, so neither step closes what the next one needs. */
        r = posix_spawn_file_actions_adddup2(&fds, dir, TIDY_DIR_FD);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&fds, pipe_end, TIDY_PIPE_FD);
        if (r == 0)
                r = posix_spawn(ret_pid, l->self, &fds, NULL, argv, env);
        (void) posix_spawn_file_actions_destroy(&fds);
        return -r;
}

/* Descriptors above the two fixed numbers of the child. */
static int high(int fd)
{
        const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 16);

        (void) close(fd);
        return copy;
}

static void reap(struct logd *l)
{
        int status;

        fd_close(&l->tidy_fd);
        while (waitpid(l->tidy_pid, &status, 0) < 0 && errno == EINTR)
                ;
        l->tidy_pid = 0;
}

static int start(struct logd *l, const struct stream *s)
{
        autoclose int path = store_dir(s->store), dir = -1, end = -1;
        struct epoll_event ev = { .events = EPOLLIN, .data.u64 = TAG_TIDY };
        int ends[2], r;

        if (path < 0)
                return path;
        dir = openat(path, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0 || (dir = high(dir)) < 0 || pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        end = high(ends[1]);
        r = end < 0 ? -errno : spawn(l, s, dir, end, &l->tidy_pid);
        if (r < 0) {
                (void) close(ends[0]);
                l->tidy_pid = 0;
                return r;
        }
        l->tidy_fd = ends[0];
        if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->tidy_fd, &ev) == 0)
                return 0;
        r = -errno; /* nobody would tell us of its end, and no other would ever be started */
        (void) kill(l->tidy_pid, SIGKILL);
        reap(l);
        return r;
}

void tidy_start(struct logd *l)
{
        int r;

        for (size_t i = 0; i < l->count && l->tidy_pid == 0; i++) {
                struct stream *s = l->streams[i];

                if (!s->tidy)
                        continue;
                s->tidy = false;
                if (!s->store || (s->config.max_files == 0 && s->config.compress == LOG_COMPRESS_NONE))
                        continue;
                r = start(l, s);
                if (r < 0)
                        log_warning("%s: cannot start the compression of rotated logs: %s", s->path, strerror(-r));
        }
}

void tidy_ended(struct logd *l)
{
        reap(l);
        tidy_start(l);
}

/* --- in the child ------------------------------------------------------------------------------- */

static int newest_first(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*b)->d_name, (*a)->d_name); /* "@x.gz" sorts behind "@x": they are of one age */
}

static int is_rotated(const struct dirent *d)
{
        uint64_t us;
        bool packed;

        return log_rotated_parse(d->d_name, &us, &packed);
}

static bool is_packed(const char *name)
{
        uint64_t us;
        bool packed;

        return log_rotated_parse(name, &us, &packed) && packed;
}

static bool same_instant(const char *a, const char *b)
{
        return strncmp(a, b, sizeof "@20261121T035812.123456Z" - 1) == 0;
}

static int compress_file(int dir, const char *name, const struct compressor *with)
{
        char done[LOG_ROTATED_MAX + 8];
        autoclose int from = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        struct stat s;
        int to, r;

        if (from < 0 || fstat(from, &s) < 0)
                return -errno;
        if (!S_ISREG(s.st_mode))
                return -EINVAL;
        (void) unlinkat(dir, TEMPORARY, 0);
        to = openat(dir, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, s.st_mode & 0777);
        if (to < 0)
                return -errno;
        r = with->run(from, to);
        (void) snprintf(done, sizeof done, "%s%s", name, with->suffix);
        if (r == 0) {
                const struct timespec times[2] = { s.st_atim, s.st_mtim };

                (void) utimensat(dir, TEMPORARY, times, 0);
                r = renameat(dir, TEMPORARY, dir, done) < 0 ? -errno : 0;
        }
        (void) unlinkat(dir, r == 0 ? name : TEMPORARY, 0);
        return r;
}

/* Delete what is over the number; then compress the newest plain file, if there is one. Returns 1 when there may be
 * more to do, 0 when all is done. The newest first: under a flood the older ones are about to be deleted anyway. */
static int tidy_once(int dir, unsigned max_files, const struct compressor *with)
{
        char plain[LOG_ROTATED_MAX] = "";
        struct dirent **names = NULL;
        unsigned kept = 0;
        const char *before = "";
        const int n = scandirat(dir, ".", &names, is_rotated, newest_first);

        for (int i = 0; i < n; i++) {
                const char *name = names[i]->d_name;

                kept += !same_instant(before, name);
                before = name;
                if (max_files && kept > max_files)
                        (void) unlinkat(dir, name, 0);
                else if (with && !plain[0] && !is_packed(name))
                        memcpy(plain, name, strlen(name) + 1); /* a rotated name: is_rotated() knows its length */
        }
        for (int i = 0; i < n; i++)
                free(names[i]);
        free(names);
        return plain[0] && compress_file(dir, plain, with) == 0;
}

int tidy_main(int argc, char **argv)
{
        enum { IOPRIO_WHO_PROCESS = 1, IOPRIO_IDLE = 3 << 13 };

        if (argc != 4)
                return 2;
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) setpriority(PRIO_PROCESS, 0, 19);
        (void) syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
        while (tidy_once(TIDY_DIR_FD, (unsigned) strtoul(argv[2], NULL, 10), compressor_named(argv[3])) > 0)
                ;
        return 0;
}
