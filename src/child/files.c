/* files.c - steps about directories. See child.h. */
#include "child/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One directory below `at`, made when missing. The last component of a service's own directory must be no link:
 * whoever may write above it could otherwise point our chown anywhere. Closes `at`. */
static int enter(int at, const char *name, size_t len, bool follow, mode_t mode)
{
        char part[NAME_MAX + 1];
        int fd, r = 0;

        if (len > NAME_MAX)
                r = -ENAMETOOLONG;
        else if (len == 2 && name[0] == '.' && name[1] == '.')
                r = -EINVAL;
        if (r == 0) {
                memcpy(part, name, len);
                part[len] = 0;
                if (mkdirat(at, part, mode) < 0 && errno != EEXIST && errno != EROFS)
                        r = -errno;
        }
        if (r == 0) {
                fd = openat(at, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
                r = fd < 0 ? -errno : fd;
        }
        (void) close(at);
        return r;
}

/* Walk `path` below `at` (closed), making what is missing. */
static int enter_all(int at, const char *path, bool follow, mode_t mode)
{
        while (at >= 0) {
                const char *end;

                path += strspn(path, "/");
                if (!*path)
                        break;
                end = strchrnul(path, '/');
                at = enter(at, path, (size_t) (end - path), follow, mode);
                path = end;
        }
        return at;
}

enum { DEPTH_MAX = 64 };

/* All below a directory that has belonged to an earlier user. Closes `dir`. Links are changed, not followed. */
static int own_below(int dir, uid_t uid, gid_t gid, int depth)
{
        char bytes[4096] __attribute__((aligned(8)));
        long n = 0;
        int r = dir < 0 ? -errno : 0;

        while (r == 0 && (n = syscall(SYS_getdents64, dir, bytes, sizeof bytes)) > 0)
                for (long at = 0; r == 0 && at < n;) {
                        const struct dirent64 *e = (const void *) (bytes + at);
                        bool self = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;

                        at += e->d_reclen;
                        if (!self && fchownat(dir, e->d_name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
                                r = -errno;
                        if (!self && r == 0 && e->d_type == DT_DIR && depth < DEPTH_MAX)
                                r = own_below(openat(dir, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                                              uid, gid, depth + 1);
                }
        if (dir >= 0)
                (void) close(dir);
        return r;
}

static int own(int fd, const struct plan_step *s)
{
        uid_t uid = (uid_t) s->b;
        gid_t gid = (gid_t) s->c;
        mode_t mode = (mode_t) s->a;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if ((s->b >= 0 && st.st_uid != uid) || (s->c >= 0 && st.st_gid != gid))
                if (fchown(fd, s->b >= 0 ? uid : (uid_t) -1, s->c >= 0 ? gid : (gid_t) -1) < 0)
                        return -errno;
        if ((s->flags & PLAN_OWN_ALL) && s->b >= 0 && st.st_uid != uid) {
                int r = own_below(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), uid, gid, 0);

                if (r < 0)
                        return r;
        }
        if ((st.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
                return -errno;
        return 0;
}

/* The service's own directory gets its mode from own(). Those on the way there are not its own: the umask that it has
 * by now must not close them to others, or to itself when it changes its user. */
static int make_all(const char *base, const char *name)
{
        const mode_t mask = umask(0022);
        int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        fd = fd < 0 ? -errno : enter_all(fd, base, true, 0755);
        if (fd >= 0)
                fd = enter_all(fd, name, false, 0755);
        (void) umask(mask);
        return fd;
}

int child_directory(struct child *c, const struct plan_step *s, const char *text)
{
        size_t at = 0;
        const char *base = plan_string(text, s->text_len, &at);
        const char *name = plan_string(text, s->text_len, &at);
        int fd, r;

        if (!base || !name || base[0] != '/' || !name[0])
                return -EBADMSG;
        c->object = name;
        fd = make_all(base, name);
        if (fd < 0)
                return fd;
        r = own(fd, s);
        (void) close(fd);
        return r;
}

/* One that is there already has to be the same. */
int child_link(struct child *c, const struct plan_step *s, const char *text)
{
        size_t at = 0;
        const char *path = plan_string(text, s->text_len, &at);
        const char *to = plan_string(text, s->text_len, &at);
        char is[PATH_MAX];
        ssize_t n;

        if (!path || !to)
                return -EBADMSG;
        c->object = path;
        if (symlink(to, path) == 0)
                return 0;
        if (errno != EEXIST)
                return -errno;
        n = readlink(path, is, sizeof is - 1);
        is[n < 0 ? 0 : n] = 0;
        return n > 0 && strcmp(is, to) == 0 ? 0 : -EEXIST;
}

int child_chroot(struct child *c, const struct plan_step *s, const char *text)
{
        (void) c, (void) s;
        if (chroot(text) < 0 || chdir("/") < 0)
                return -errno;
        return 0;
}

int child_chdir(struct child *c, const struct plan_step *s, const char *text)
{
        (void) c;
        if (chdir(text) == 0)
                return 0;
        if (!(s->flags & PLAN_OPTIONAL) || chdir("/") < 0)
                return -errno;
        return 0;
}
