/* unit_file.c - read one file without trusting it (FAILURES H8, H9, H11). See unit_dirs.h.
 *
 * What is read must be a plain file of a reasonable size, however it is reached. A link may lead out of the
 * directory: linking a unit into /etc/coppice is the usual way to enable one that lies with its program, and the
 * file at the other end has to pass the same owner check. Links through /proc/PID/fd and the like are refused: what
 * they lead to depends on who looks. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unit/unit_dirs.h"

enum { OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

/* Whoever owns the root directory can have anything run anyway. Usually that is root; a user namespace that does not
 * map root sees it as the user nobody. */
static bool owns_all(uid_t uid)
{
        struct stat st;

        return uid == 0 || (stat("/", &st) == 0 && st.st_uid == uid);
}

int unit_check_owner(const struct stat *st, const char *name, struct err *err)
{
        bool writable = (st->st_mode & S_IWOTH) || ((st->st_mode & S_IWGRP) && st->st_gid != 0);

        if (st->st_uid != geteuid() && !owns_all(st->st_uid)) {
                (void) err_set(err, STAGE_LOAD, EPERM, "%s belongs to user %u, who could make root run anything", name,
                               (unsigned) st->st_uid);
                err_hint(err, "chown root %s", name);
                return -EPERM;
        }
        if (!writable)
                return 0;
        (void) err_set(err, STAGE_LOAD, EPERM, "%s can be written by others, who could make root run anything", name);
        err_hint(err, "chmod go-w %s", name);
        return -EPERM;
}

static bool is_null_device(const struct stat *st)
{
        return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

static const char *kind_of(mode_t mode)
{
        return S_ISDIR(mode) ? "a directory" : S_ISFIFO(mode) ? "a named pipe" : S_ISSOCK(mode) ? "a socket" :
               S_ISREG(mode) ? "a file" : "a device";
}

static int not_a_file(const struct stat *st, const char *name, struct err *err)
{
        (void) err_set(err, STAGE_LOAD, EINVAL, "%s is %s, not a file", name, kind_of(st->st_mode));
        err_hint(err, "only plain files are read");
        return -EINVAL;
}

/* openat2() where the kernel has it and nobody forbids it; else a plain open, refusing what lies in /proc. */
static int open_resolved(int dirfd, const char *name)
{
        struct open_how how = { .flags = OPEN_FLAGS, .resolve = RESOLVE_NO_MAGICLINKS };
        struct statfs fs;
        int fd, tries = 0;

        do
                fd = (int) syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
        while (fd < 0 && errno == EAGAIN && ++tries < 10);
        if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
                return fd;
        fd = openat(dirfd, name, OPEN_FLAGS);
        if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC) {
                (void) close(fd);
                errno = ELOOP;
                return -1;
        }
        return fd;
}

/* The name is a link. 0 and a descriptor, 1 when it leads to /dev/null. Looked at before it is opened, because
 * opening a device can do something. */
static int open_link(int dirfd, const char *name, int *ret_fd, struct err *err)
{
        struct stat st;
        int fd;

        if (fstatat(dirfd, name, &st, 0) < 0)
                return err_sys(err, STAGE_LOAD, "follow the link %s", name);
        if (is_null_device(&st))
                return 1;
        if (!S_ISREG(st.st_mode))
                return not_a_file(&st, name, err);
        fd = open_resolved(dirfd, name);
        if (fd < 0)
                return err_sys(err, STAGE_LOAD, "open %s", name);
        *ret_fd = fd;
        return 0;
}

static int too_large(const char *name, struct err *err)
{
        (void) err_set(err, STAGE_LOAD, EFBIG, "%s is larger than %d KiB", name, UNIT_TEXT_MAX / 1024);
        err_hint(err, "is this a unit file?");
        return -EFBIG;
}

/* Size in stat is no promise: files grow, and those of /proc say 0 and have no end. */
static int read_all(int fd, const char *name, struct buf *out, struct err *err)
{
        for (;;) {
                char *room = buf_reserve(out, 4096);
                ssize_t n;

                if (!room)
                        return err_set(err, STAGE_LOAD, ENOMEM, "no memory to read %s", name);
                n = read(fd, room, 4096);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return err_sys(err, STAGE_LOAD, "read %s", name);
                out->len += (size_t) n;
                if (n == 0)
                        return 0;
                if (out->len > UNIT_TEXT_MAX)
                        return too_large(name, err);
        }
}

int unit_file_read(int dirfd, const char *name, bool check_owner, struct buf *out, struct err *err)
{
        autoclose int fd = openat(dirfd, name, OPEN_FLAGS | O_NOFOLLOW);
        struct stat st;
        int r;

        buf_clear(out);
        if (fd < 0 && errno == ELOOP) {
                r = open_link(dirfd, name, &fd, err);
                if (r != 0)
                        return r;
        }
        if (fd < 0 || fstat(fd, &st) < 0)
                return err_sys(err, STAGE_LOAD, "open %s", name);
        if (!S_ISREG(st.st_mode))
                return not_a_file(&st, name, err);
        if (st.st_size > UNIT_TEXT_MAX)
                return too_large(name, err);
        if (check_owner && (r = unit_check_owner(&st, name, err)) < 0)
                return r;
        r = read_all(fd, name, out, err);
        if (r < 0)
                return r;
        return out->len == 0;
}
