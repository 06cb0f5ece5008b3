/* mounts.c - the file system a service sees: the steps MOUNT and SEAL. See child.h, and base/plan.h for their meaning.
 *
 * Everything happens in a mount namespace of our own (namespaces.c), so nothing here can be seen outside.
 * A path that shall be seen as it is, behind something that hides or changes what is above it, is copied first: a
 * copy keeps the attributes of now. Then the list is performed from the top down, each new thing on top of what was
 * there. So no list of exceptions is needed, and a file system the machine has mounted read-only stays so. */
#include "child/child.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's numbers; the C library may be older or leave them out. */
#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
enum { TREE_CLONE = 1, TREE_RECURSIVE = 0x8000, MOVE_EMPTY_PATH = 4, MOVE_FOLLOW = 0x10 };

struct attributes {
        uint64_t set, clear, propagation, userns_fd;
};

#define MISSING (-1)    /* an optional path that is not there: nothing to do */
#define NOTHING (-2)    /* no copy was needed */
#define FAILED(r) (-16 + (r)) /* what went wrong, to be told when its turn comes */

static int copy_tree(const struct child *c, int dir, const char *path, bool recursive)
{
        unsigned flags = TREE_CLONE | O_CLOEXEC | (recursive ? TREE_RECURSIVE : 0U) | (*path ? 0U : AT_EMPTY_PATH);
        int fd;

        if (c->old)
                return child_old_take(dir, path);
        fd = (int) syscall(SYS_open_tree, dir, path, flags);
        return fd < 0 ? -errno : fd;
}

static int set_attributes(const struct child *c, int fd, const char *path, unsigned flags, int64_t set, int64_t clear)
{
        struct attributes a = { .set = (uint64_t) set, .clear = (uint64_t) (clear & ~set) };

        if (c->old || (a.set == 0 && a.clear == 0)) /* the old way sets them all in the end */
                return 0;
        return syscall(SYS_mount_setattr, fd, path, flags, &a, sizeof a) < 0 ? -errno : 0;
}

/* Closes fd. */
static int attach(const struct child *c, int fd, const char *path, bool recursive)
{
        int r;

        if (c->old)
                return child_old_attach(c, fd, path, recursive);
        r = syscall(SYS_move_mount, fd, "", AT_FDCWD, path, MOVE_EMPTY_PATH | MOVE_FOLLOW) < 0 ? -errno : 0;

        (void) close(fd);
        return r;
}

/* --- mount points ------------------------------------------------------------------------------------------------- */

/* A directory and those above it. */
static int make_directories(const char *path)
{
        char part[4096];
        size_t len = strlen(path);

        if (len >= sizeof part)
                return -ENAMETOOLONG;
        for (size_t i = 1; i <= len; i++) {
                if (path[i] != '/' && path[i] != 0)
                        continue;
                memcpy(part, path, i);
                part[i] = 0;
                if (mkdir(part, 0755) < 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
                        return -errno;
        }
        return 0;
}

static int make_file(const char *path)
{
        char above[4096];
        const char *slash = strrchr(path, '/');
        int r, fd;

        if (!slash || (size_t) (slash - path) >= sizeof above)
                return -ENAMETOOLONG;
        memcpy(above, path, (size_t) (slash - path));
        above[slash - path] = 0;
        r = make_directories(above);
        if (r < 0)
                return r;
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return -errno;
        (void) close(fd);
        return 0;
}

/* The mount point for what `fd` is (-1: a directory). */
static int make_point(const char *path, int fd)
{
        struct stat st;
        mode_t mask;
        int r;

        if (stat(path, &st) == 0)
                return 0;
        mask = umask(0022);
        if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
                r = make_file(path);
        else
                r = make_directories(path);
        (void) umask(mask);
        return r;
}

/* --- before anything is changed ----------------------------------------------------------------------------------- */

static bool absent(int r)
{
        return r == -ENOENT || r == -ENOTDIR || r == -EACCES;
}

static int taken(const struct plan_step *s, int r)
{
        if (r >= 0)
                return r;
        return (s->flags & PLAN_MOUNT_OPTIONAL) && absent(r) ? MISSING : FAILED(r);
}

static bool is_link(const char *path)
{
        struct stat st;

        return path && lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static int take(const struct child *c, const struct plan_step *s, const char *text, bool sources)
{
        bool recursive = s->a != PLAN_MOUNT_BIND_ONE;
        bool bind = s->a == PLAN_MOUNT_BIND || s->a == PLAN_MOUNT_BIND_ONE;
        size_t at = 0;
        const char *path = plan_string(text, s->text_len, &at);

        if (bind != sources || (!bind && s->a != PLAN_MOUNT_KEEP))
                return NOTHING;
        if ((s->flags & PLAN_MOUNT_NO_LINK) && is_link(path))
                return MISSING;
        if (bind)
                path = plan_string(text, s->text_len, &at);
        else if ((s->flags & PLAN_MOUNT_INNER) || (path && strcmp(path, "/") == 0))
                return NOTHING;
        return path ? taken(s, copy_tree(c, AT_FDCWD, path, recursive)) : FAILED(-EBADMSG);
}

/* The MOUNT steps from here on: copies of what BIND shows (sources), or of what KEEP keeps. */
static int take_all(struct child *c, struct plan_iter it, const struct plan_step *s, const char *text, bool sources)
{
        for (int n = 0, r = 1; r > 0; r = plan_next(&it, &s, &text)) {
                if (s->op == PLAN_SEAL)
                        return 0;
                if (s->op != PLAN_MOUNT)
                        continue;
                if (n == PLAN_MOUNTS_MAX)
                        return -E2BIG;
                if (sources || c->mounts[n] == NOTHING)
                        c->mounts[n] = take(c, s, text, sources);
                /* Now, because soon what is above it may be read-only. Should it not work, the mount will tell. */
                if (!sources && c->mounts[n] != MISSING && (s->flags & PLAN_MOUNT_MAKE) &&
                    !(s->flags & PLAN_MOUNT_INNER))
                        (void) make_point(text, c->mounts[n]);
                n++;
        }
        return -EBADMSG;
}

int child_take_sources(struct child *c, const struct plan_step *s, const char *text)
{
        return take_all(c, *c->it, s, text, true);
}

/* --- one after the other ------------------------------------------------------------------------------------------ */

static int keep(const struct child *c, const struct plan_step *s, const char *path, int fd)
{
        int r;

        if (strcmp(path, "/") == 0)
                return set_attributes(c, AT_FDCWD, path, TREE_RECURSIVE, s->b, 0);
        if (fd == NOTHING) {
                fd = copy_tree(c, AT_FDCWD, path, true);
                if (fd < 0)
                        return (s->flags & PLAN_MOUNT_OPTIONAL) && absent(fd) ? 0 : fd;
        }
        r = set_attributes(c, fd, "", AT_EMPTY_PATH | TREE_RECURSIVE, s->b, s->c);
        if (r == 0)
                return attach(c, fd, path, true);
        (void) close(fd);
        return r;
}

static int bind_to(const struct child *c, const struct plan_step *s, const char *path, int fd)
{
        unsigned all = s->a == PLAN_MOUNT_BIND ? TREE_RECURSIVE : 0U;
        int r = 0;

        if (s->flags & PLAN_MOUNT_INNER)
                r = make_point(path, fd);
        if (r == 0)
                r = set_attributes(c, fd, "", AT_EMPTY_PATH | all, s->b, 0);
        if (r == 0)
                return attach(c, fd, path, all != 0);
        (void) close(fd);
        return r;
}

static int new_tmpfs(const struct plan_step *s, const char *path, const char *options)
{
        int r = s->flags & PLAN_MOUNT_INNER ? make_point(path, -1) : 0;

        if (r < 0 || strcmp(path, "/") == 0) /* by ROOT, long ago */
                return r;
        /* Read-only comes with SEAL: there may be mount points to make in it first. */
        if (mount("tmpfs", path, "tmpfs", (unsigned long) (s->b & ~PLAN_ATTR_RDONLY), options) < 0)
                return (s->flags & PLAN_MOUNT_OPTIONAL) && absent(-errno) ? 0 : -errno;
        return 0;
}

static int new_fs(const struct plan_step *s, const char *path, const char *type, const char *options)
{
        int r = s->flags & PLAN_MOUNT_MAKE && s->flags & PLAN_MOUNT_INNER ? make_point(path, -1) : 0;

        if (!options || r < 0)
                return options ? r : -EBADMSG;
        if (mount(type, path, type, (unsigned long) s->b, *options ? options : NULL) < 0)
                return (s->flags & PLAN_MOUNT_OPTIONAL) && (absent(-errno) || errno == ENODEV) ? 0 : -errno;
        return 0;
}

static int new_link(const char *path, const char *to)
{
        return symlink(to, path) < 0 && errno != EEXIST ? -errno : 0;
}

static int hide(struct child *c, const struct plan_step *s, const char *path)
{
        struct stat st;
        int fd, r;

        if (stat(path, &st) < 0)
                return (s->flags & PLAN_MOUNT_OPTIONAL) && absent(-errno) ? 0 : -errno;
        fd = copy_tree(c, c->stand_ins[S_ISDIR(st.st_mode) ? 0 : 1], "", false);
        if (fd < 0)
                return fd;
        r = set_attributes(c, fd, "", AT_EMPTY_PATH,
                           PLAN_ATTR_RDONLY | PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV | PLAN_ATTR_NOEXEC, 0);
        if (r == 0)
                return attach(c, fd, path, false);
        (void) close(fd);
        return r;
}

int child_mount(struct child *c, const struct plan_step *s, const char *text)
{
        size_t at = 0;
        const char *path = plan_string(text, s->text_len, &at);
        const char *from = plan_string(text, s->text_len, &at);
        int fd, r;

        if (!path || path[0] != '/' || c->mount_at >= PLAN_MOUNTS_MAX)
                return -EBADMSG;
        if (c->mount_at == 0) {
                r = take_all(c, *c->it, s, text, false);
                if (r < 0)
                        return r;
        }
        fd = c->mounts[c->mount_at++];
        c->object = path;
        if (fd == MISSING)
                return 0;
        if (fd <= FAILED(0)) {
                if (from && (s->a == PLAN_MOUNT_BIND || s->a == PLAN_MOUNT_BIND_ONE))
                        c->object = from;
                return fd - FAILED(0);
        }
        switch ((enum plan_mount) s->a) {
        case PLAN_MOUNT_KEEP: return keep(c, s, path, fd);
        case PLAN_MOUNT_BIND: case PLAN_MOUNT_BIND_ONE: return bind_to(c, s, path, fd);
        case PLAN_MOUNT_TMPFS: return from ? new_tmpfs(s, path, from) : -EBADMSG;
        case PLAN_MOUNT_FS: return from ? new_fs(s, path, from, plan_string(text, s->text_len, &at)) : -EBADMSG;
        case PLAN_MOUNT_LINK: return from ? new_link(path, from) : -EBADMSG;
        case PLAN_MOUNT_HIDE: return hide(c, s, path);
        case PLAN_MOUNT_COUNT: break;
        }
        return -EBADMSG;
}

/* The directory we are in, where something is mounted, in place of "/", with the old root on top of it for what still
 * has to be taken from there; SEAL lets go of that. The root of an initramfs cannot be moved away: there the new one is
 * moved over it, where it is not yet (there). */
static int become_root(struct child *c, bool there)
{
        c->pivoted = syscall(SYS_pivot_root, ".", ".") == 0;
        if (!c->pivoted && (errno != EINVAL || (!there && mount(".", "/", NULL, MS_MOVE, NULL) < 0) || chroot(".") < 0))
                return -errno;
        return chdir("/") < 0 ? -errno : 0;
}

/* The new root on top of the directory it was made from, then in place of "/"; or an empty one, of
 * which the text has the options behind some words for people. */
int child_root(struct child *c, const struct plan_step *s, const char *text)
{
        size_t at = 0;
        const char *path = plan_string(text, s->text_len, &at), *options = plan_string(text, s->text_len, &at);
        bool empty = options != NULL;
        int fd, r;

        if (!path)
                return -EBADMSG;
        if (empty) {
                r = mount("tmpfs", "/", "tmpfs", (unsigned long) s->b, options) < 0 ? -errno : 0;
        } else {
                fd = copy_tree(c, AT_FDCWD, path, true);
                r = fd < 0 ? fd : attach(c, fd, path, true);
        }
        if (r < 0)
                return r;
        /* kernel: whose root something is mounted over does not see it but by way of ".." */
        return chdir(empty ? "/.." : path) < 0 ? -errno : become_root(c, empty);
}

/* The new file systems that are to be read-only, now that all mount points in them exist. */
static int make_read_only(struct child *c)
{
        struct plan_iter it = c->start;
        const struct plan_step *s;
        const char *text;
        int r;

        while ((r = plan_next(&it, &s, &text)) > 0) {
                if (s->op == PLAN_SEAL)
                        return 0;
                if (s->op != PLAN_MOUNT || s->a != PLAN_MOUNT_TMPFS || !(s->b & PLAN_ATTR_RDONLY))
                        continue;
                c->object = text;
                r = set_attributes(c, AT_FDCWD, text, 0, PLAN_ATTR_RDONLY, 0);
                if (r < 0 && !((s->flags & PLAN_MOUNT_OPTIONAL) && absent(r)))
                        return r;
        }
        return r;
}

int child_seal(struct child *c, const struct plan_step *s, const char *text)
{
        int r;

        (void) text;
        for (int i = 0; i < 2; i++)
                if (c->stand_ins[i] >= 0)
                        (void) close(c->stand_ins[i]);
        r = c->old ? child_old_end(c) : make_read_only(c);
        if (r < 0)
                return r;
        c->object = "/";
        if (c->pivoted && umount2("/", MNT_DETACH) < 0)
                return -errno;
        if (s->a && mount(NULL, "/", NULL, MS_REC | (unsigned long) s->a, NULL) < 0)
                return -errno;
        return 0;
}
