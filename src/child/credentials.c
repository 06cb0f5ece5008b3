/* credentials.c - the steps CREDENTIAL and CREDENTIALS: secrets as files of a file system in memory. See child.h. */
#include "child/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define SIZE_MAX_EACH (1 << 20)
#define DEPTH_MAX     8 /* of directories */

/* A socket gives what whoever listens there writes until he closes it. */
static int open_socket(const char *path)
{
        struct sockaddr_un addr = { .sun_family = AF_UNIX };
        int fd, r;

        if (strlen(path) >= sizeof addr.sun_path)
                return -ENAMETOOLONG;
        memcpy(addr.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *) &addr, sizeof addr) == 0)
                return fd;
        r = -errno;
        (void) close(fd);
        return r;
}

static int open_source(const char *path)
{
        struct stat st;
        int fd;

        if (stat(path, &st) < 0)
                return -errno;
        if (S_ISSOCK(st.st_mode))
                return open_socket(path);
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        return fd < 0 ? -errno : fd;
}

/* With the daemon's rights and the machine's paths; a: -1, or the value itself is in the text, so many bytes long. */
int child_credential(struct child *c, const struct plan_step *s, const char *text)
{
        size_t at = 0;
        const char *path;
        int fd = -ENOENT;

        if (c->cred_count == PLAN_CREDENTIALS_MAX || !plan_string(text, s->text_len, &at))
                return -EBADMSG;
        while (s->a < 0 && fd == -ENOENT && (path = plan_string(text, s->text_len, &at))) {
                c->object = path;
                fd = open_source(path);
        }
        if (s->a < 0 && fd < 0 && !(fd == -ENOENT && (s->flags & PLAN_MOUNT_OPTIONAL)))
                return fd;
        c->creds[c->cred_count++] = fd;
        return 0;
}

static int write_all(int fd, const char *bytes, size_t n)
{
        while (n > 0) {
                ssize_t done = write(fd, bytes, n);

                if (done < 0 && errno != EINTR)
                        return -errno;
                if (done > 0) {
                        bytes += done;
                        n -= (size_t) done;
                }
        }
        return 0;
}

static int copy(int to, int from)
{
        char bytes[4096];
        size_t total = 0;
        ssize_t n;
        int r = 0;

        while (r == 0 && (n = read(from, bytes, sizeof bytes)) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                total += (size_t) n;
                r = total > SIZE_MAX_EACH ? -EFBIG : write_all(to, bytes, (size_t) n);
        }
        explicit_bzero(bytes, sizeof bytes); /* this stack is copied by every child a step forks */
        return r;
}

/* One file, of `size` bytes at `value` or, if that is NULL, of what is read from `from`; the first of a name counts. */
static int make_file(int dir, const struct plan_step *fill, const char *name, const char *value, size_t size, int from)
{
        int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400), r;

        if (fd < 0)
                return errno == EEXIST ? 0 : -errno;
        r = value ? write_all(fd, value, size) : copy(fd, from);
        if (r == 0 && fchmod(fd, 0400) < 0)
                r = -errno;
        if (r == 0 && fill->a >= 0 && fchown(fd, (uid_t) fill->a, (gid_t) fill->b) < 0)
                r = -errno;
        (void) close(fd);
        return r;
}

static int make_below(int dir, const struct plan_step *fill, const char *id, int from, int depth);

/* How to open an entry that is a file or a directory. A link is followed to a file only: one to a directory may lead
 * back to where it is. 0: neither, or gone, or a link that leads nowhere. */
static int entry_flags(int from, const char *entry)
{
        struct stat st;
        int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, r = fstatat(from, entry, &st, AT_SYMLINK_NOFOLLOW);

        if (r == 0 && S_ISLNK(st.st_mode)) {
                r = fstatat(from, entry, &st, 0);
                if (r == 0 && !S_ISREG(st.st_mode))
                        return 0;
        } else {
                flags |= O_NOFOLLOW;
        }
        if (r < 0)
                return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
        return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? flags : 0;
}

/* What is neither a file nor a directory, or cannot be a name with the ID before it, is no credential. */
static int make_entry(int dir, const struct plan_step *fill, const char *id, int from, const char *entry, int depth)
{
        char name[256];
        struct stat st;
        int fd, flags, r = 0;

        if (entry[0] == '.' || strlen(id) + strlen(entry) + 2 > sizeof name)
                return 0;
        (void) stpcpy(stpcpy(stpcpy(name, id), "_"), entry);
        flags = entry_flags(from, entry);
        if (flags <= 0)
                return flags;
        fd = openat(from, entry, flags);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                r = -errno;
        else if (S_ISREG(st.st_mode))
                r = make_file(dir, fill, name, NULL, 0, fd);
        else if (S_ISDIR(st.st_mode) && (flags & O_NOFOLLOW) && depth < DEPTH_MAX)
                r = make_below(dir, fill, name, fd, depth + 1);
        (void) close(fd);
        return r;
}

/* A directory: each file in it is the credential ID_NAME. */
static int make_below(int dir, const struct plan_step *fill, const char *id, int from, int depth)
{
        char bytes[4096] __attribute__((aligned(8)));
        long n = 0;
        int r = 0;

        while (r == 0 && (n = syscall(SYS_getdents64, from, bytes, sizeof bytes)) > 0)
                for (long at = 0; r == 0 && at < n;) {
                        const struct dirent64 *e = (const void *) (bytes + at);

                        at += e->d_reclen;
                        r = make_entry(dir, fill, id, from, e->d_name, depth);
                }
        return r < 0 ? r : n < 0 ? -errno : 0;
}

static int make_one(struct child *c, int dir, const struct plan_step *fill, const struct plan_step *s,
                    const char *text, int from)
{
        size_t at = 0;
        const char *name = plan_string(text, s->text_len, &at);
        struct stat st;

        if (!name || (s->a >= 0 && (size_t) s->a >= s->text_len - at))
                return -EBADMSG;
        c->object = name;
        if (s->a < 0 && fstat(from, &st) < 0)
                return -errno;
        if (s->a < 0 && S_ISDIR(st.st_mode))
                return make_below(dir, fill, name, from, 0);
        return make_file(dir, fill, name, s->a >= 0 ? text + at : NULL, (size_t) s->a, from);
}

static int make_files(struct child *c, int dir, const struct plan_step *fill)
{
        struct plan_iter it = c->start;
        const struct plan_step *s;
        const char *text;
        int n = 0, r;

        while ((r = plan_next(&it, &s, &text)) > 0 && n < c->cred_count) {
                if (s->op != PLAN_CREDENTIAL)
                        continue;
                if (s->a >= 0 || c->creds[n] >= 0) {
                        r = make_one(c, dir, fill, s, text, c->creds[n]);
                        if (c->creds[n] >= 0)
                                (void) close(c->creds[n]);
                        if (r < 0)
                                return r;
                }
                n++;
        }
        return r < 0 ? r : 0;
}

/* Without a file system of its own the directory may hold those of an earlier command. */
static void empty(int dir)
{
        char bytes[4096] __attribute__((aligned(8)));
        long n;

        while ((n = syscall(SYS_getdents64, dir, bytes, sizeof bytes)) > 0)
                for (long at = 0; at < n;) {
                        const struct dirent64 *e = (const void *) (bytes + at);

                        at += e->d_reclen;
                        (void) unlinkat(dir, e->d_name, 0);
                }
}

/* a, b: whose they are, -1 = ours; c: the path is a file system of its own, to be read-only in the end. */
int child_credentials(struct child *c, const struct plan_step *s, const char *text)
{
        const unsigned long attributes = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
        int dir = open(text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;

        if (dir < 0)
                return -errno;
        if (!s->c && fchmod(dir, 0700) == 0)
                empty(dir);
        r = make_files(c, dir, s);
        if (r == 0) {
                c->object = text;
                if (fchmod(dir, 0500) < 0 || (s->a >= 0 && fchown(dir, (uid_t) s->a, (gid_t) s->b) < 0))
                        r = -errno;
        }
        (void) close(dir);
        if (r == 0 && s->c && mount(NULL, text, NULL, MS_BIND | MS_REMOUNT | attributes, NULL) < 0)
                r = -errno;
        return r;
}
