/* fs.c - see fs.h. */
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static int make_one(const char *path, mode_t mode)
{
        struct stat st;
        int r = mkdir(path, mode) == 0 ? 0 : -errno;

        /* EROFS, EACCES: mkdir on a read-only or foreign parent answers so even for what is there */
        if (r == 0 || stat(path, &st) < 0)
                return r;
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int fs_mkdir_p(const char *path, mode_t mode, struct err *err)
{
        autofree char *copy = strdup(path);
        int r = copy ? 0 : -ENOMEM;

        for (char *p = copy ? copy + 1 : NULL; r == 0 && p && (p = strchr(p, '/')); p++) {
                *p = 0;
                r = make_one(copy, 0755);
                *p = '/';
        }
        if (r == 0)
                r = make_one(copy, mode);
        if (r == 0)
                return 0;
        errno = -r;
        return err_sys(err, STAGE_RESOURCES, "make directory %s", path);
}

static int write_all(int fd, const char *bytes, size_t n)
{
        while (n) {
                ssize_t done = write(fd, bytes, n);

                if (done < 0 && errno == EINTR)
                        continue;
                if (done < 0)
                        return -errno;
                bytes += done;
                n -= (size_t) done;
        }
        return 0;
}

int fs_write_atomic(const char *path, const void *bytes, size_t n, mode_t mode, struct err *err)
{
        autofree char *temp = NULL;
        autoclose int fd = -1;
        int r;

        if (asprintf(&temp, "%s.new", path) < 0) {
                temp = NULL;
                errno = ENOMEM;
                return err_sys(err, STAGE_RESOURCES, "write %s", path);
        }
        (void) unlink(temp); /* of one who died in the middle, or a link somebody laid */
        fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        r = fd < 0 ? -errno : write_all(fd, bytes, n);
        if (r == 0 && rename(temp, path) < 0)
                r = -errno;
        if (r == 0)
                return 0;
        (void) unlink(temp);
        errno = -r;
        return err_sys(err, STAGE_RESOURCES, "write %s", path);
}

int fs_read(const char *path, size_t max, struct buf *out, struct err *err)
{
        /* O_NONBLOCK: opening a FIFO would wait for its writer */
        autoclose int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        size_t start = out->len;
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return err_sys(err, STAGE_LOAD, "read %s", path);
        if (!S_ISREG(st.st_mode))
                return err_set(err, STAGE_LOAD, EINVAL, "read %s: not a regular file", path);
        for (;;) {
                char *room = buf_reserve(out, 16384);
                ssize_t n;

                if (!room) {
                        errno = ENOMEM;
                        return err_sys(err, STAGE_LOAD, "read %s", path);
                }
                n = read(fd, room, 16384);
                room[n > 0 ? n : 0] = 0; /* the reserve has room for it */
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return err_sys(err, STAGE_LOAD, "read %s", path);
                if (n == 0)
                        return 0;
                out->len += (size_t) n;
                if (out->len - start > max)
                        return err_set(err, STAGE_LOAD, EFBIG, "read %s: larger than %zu bytes", path, max);
        }
}

int fs_read_small(int dir, const char *name, char *buf, size_t n)
{
        autoclose int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        ssize_t len;

        if (fd < 0)
                return -errno;
        do
                len = read(fd, buf, n - 1);
        while (len < 0 && errno == EINTR);
        if (len < 0)
                return -errno;
        if (len > 0 && buf[len - 1] == '\n')
                len--;
        buf[len] = 0;
        return (int) len;
}

int fs_write_small(int dir, const char *name, const char *text)
{
        autoclose int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int parse_pid(const char *text, pid_t *ret)
{
        long n = 0;

        text += strspn(text, " \t\r\n");
        if (!*text)
                return -EAGAIN; /* made, but not yet written */
        for (; *text >= '0' && *text <= '9'; text++)
                if ((n = n * 10 + (*text - '0')) > INT32_MAX)
                        return -EINVAL;
        if (text[strspn(text, " \t\r\n")] || n <= 1)
                return -EINVAL;
        *ret = (pid_t) n;
        return 0;
}

/* What the file says, as far as it can be shown: its first line. */
static int bad_pid(const char *path, char *text, struct err *err)
{
        text[strcspn(text, "\r\n")] = '\0';
        for (char *p = text; *p; p++)
                if ((unsigned char) *p < ' ' || (unsigned char) *p > '~')
                        *p = '?';
        (void) err_set(err, STAGE_RESOURCES, EINVAL,
                       "read pid file %s: \"%s\" is not the number of a process that a service may have", path, text);
        err_hint(err, "the service writes the number of its main process there, and nothing else");
        return -EINVAL;
}

/* A service whose user may write its pid file could name any process and have it killed for it. */
int fs_pidfile(const char *path, bool trusted, pid_t *ret_pid, struct err *err)
{
        autoclose int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;
        char text[64];
        pid_t pid = 0;
        ssize_t n;
        int r;

        if (fd < 0 && errno == ENOENT)
                return err_set(err, STAGE_RESOURCES, EAGAIN, "read pid file %s: not there yet", path);
        if (fd < 0 || fstat(fd, &st) < 0)
                return err_sys(err, STAGE_RESOURCES, "read pid file %s", path);
        if (!S_ISREG(st.st_mode))
                return err_set(err, STAGE_RESOURCES, EINVAL, "read pid file %s: not a regular file", path);
        if (geteuid() == 0 && st.st_uid != 0 && !trusted)
                return err_set(err, STAGE_RESOURCES, EPERM, "trust pid file %s: it belongs to user %u", path,
                               st.st_uid);
        n = read(fd, text, sizeof text - 1);
        if (n < 0)
                return err_sys(err, STAGE_RESOURCES, "read pid file %s", path);
        text[n] = 0;
        r = parse_pid(text, &pid);
        if (r == -EAGAIN)
                return err_set(err, STAGE_RESOURCES, EAGAIN, "read pid file %s: empty", path);
        if (r < 0)
                return bad_pid(path, text, err);
        if (kill(pid, 0) < 0 && errno == ESRCH)
                return err_set(err, STAGE_RESOURCES, ESRCH, "read pid file %s: there is no process %d", path, pid);
        *ret_pid = pid;
        return 0;
}

static void note_pid(int fd)
{
        char text[24];
        int n = snprintf(text, sizeof text, "%d\n", getpid());

        if (ftruncate(fd, 0) == 0)
                (void) !pwrite(fd, text, (size_t) n, 0);
}

/* Is this still the file of that name, or has its owner removed it while we waited at the door? */
static bool is_lock_of(int at, int fd)
{
        struct stat mine, named;

        return fstat(fd, &mine) == 0 && fstatat(at, "lock", &named, AT_SYMLINK_NOFOLLOW) == 0 &&
               mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

static int lock_in(int at, const char *dir, int *ret_fd, struct err *err)
{
        autoclose int fd = openat(at, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        char owner[24] = "";
        int r;

        if (fd < 0)
                return err_sys(err, STAGE_RESOURCES, "open %s/lock", dir);
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
                *ret_fd = fd_steal(&fd);
                return 0;
        }
        if (errno != EWOULDBLOCK)
                return err_sys(err, STAGE_RESOURCES, "lock %s/lock", dir);
        (void) fs_read_small(at, "lock", owner, sizeof owner);
        r = err_set(err, STAGE_RESOURCES, EWOULDBLOCK, "lock %s: coppiced%s%s is running there", dir,
                    owner[0] ? " with pid " : "", owner);
        err_hint(err, "stop that one, or choose another --runtime-dir");
        return r;
}

int fs_lock_dir(const char *dir, mode_t mode, int *ret_fd, struct err *err)
{
        autoclose int at = -1;
        struct stat st;
        int r = fs_mkdir_p(dir, mode, err);

        if (r < 0)
                return r;
        at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (at < 0 || fstat(at, &st) < 0)
                return err_sys(err, STAGE_RESOURCES, "open %s", dir);
        /* Whoever else may write there could put his own socket in place of ours. */
        if (st.st_uid != geteuid() || (st.st_mode & 0022)) {
                r = err_set(err, STAGE_RESOURCES, EPERM, "use %s: others may write there", dir);
                err_hint(err, "chown it to uid %u and chmod go-w, or choose another --runtime-dir", geteuid());
                return r;
        }
        for (;;) { /* ends: each turn but the last, another daemon has removed its file */
                autoclose int fd = -1;

                r = lock_in(at, dir, &fd, err);
                if (r < 0)
                        return r;
                if (!is_lock_of(at, fd))
                        continue;
                note_pid(fd);
                *ret_fd = fd_steal(&fd);
                return 0;
        }
}

void fs_unlock_dir(const char *dir, int *fd)
{
        autoclose int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (at >= 0 && is_lock_of(at, *fd))
                (void) unlinkat(at, "lock", 0); /* still held: whoever comes now makes a file of his own */
        fd_close(fd);
}

int fs_beside(const char *program, char *buf, size_t n)
{
        const char *self = (const char *) getauxval(AT_EXECFN);
        ssize_t len = readlink("/proc/self/exe", buf, n - 1);
        char *slash;

        if (len < 0 && self && self[0] == '/')
                len = snprintf(buf, n, "%s", self);
        if (len > 0 && (size_t) len < n) {
                buf[len] = '\0';
                slash = strrchr(buf, '/');
                if (slash) {
                        (void) snprintf(slash + 1, n - (size_t) (slash + 1 - buf), "%s", program);
                        if (access(buf, X_OK) == 0)
                                return 0;
                }
        }
        (void) snprintf(buf, n, "%s/%s", PKGLIBEXECDIR, program);
        return access(buf, X_OK) == 0 ? 0 : -errno;
}
