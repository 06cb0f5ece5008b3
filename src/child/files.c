/* files.c - steps about directories. See child.h. */
#include "child/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
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
        if ((st.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
                return -errno;
        return 0;
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
        fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        fd = enter_all(fd, base, true, 0755);
        if (fd >= 0)
                fd = enter_all(fd, name, false, 0755);
        if (fd < 0)
                return fd;
        r = own(fd, s);
        (void) close(fd);
        return r;
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
