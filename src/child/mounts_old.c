/* mounts_old.c - mounts for kernels before 5.12, and under filters that do not know open_tree and its kin. See
 * mounts.c, which does the same by copies that carry their attributes.
 *
 * Here a path is taken hold of by a descriptor, which still names it when something covers it, and shown by binding
 * /proc/self/fd/N. Attributes come last: each mount gets those of the step whose path is the longest above it. */
#include "child/child.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

#define TABLE_MAX (4U << 20)
#define PATH_ROOM 4096U

static bool refused(long r)
{
        return r < 0 && (errno == ENOSYS || errno == EPERM);
}

int child_old_begin(struct child *c)
{
        uint64_t nothing[4] = { 0 };

        c->old = refused(syscall(SYS_open_tree, -1, "x", 0)) ||
                 refused(syscall(SYS_mount_setattr, -1, "x", 0, nothing, sizeof nothing));
        if (!c->old)
                return 0;
        /* An undumpable process of who is not root may not look at its own descriptors. */
        if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
                return -errno;
        c->object = "/proc/self/mountinfo";
        c->mountinfo = open(c->object, O_RDONLY | O_CLOEXEC);
        return c->mountinfo < 0 ? -errno : 0;
}

int child_old_take(int dir, const char *path)
{
        int fd = *path ? openat(dir, path, O_PATH | O_CLOEXEC) : fcntl(dir, F_DUPFD_CLOEXEC, 3);

        return fd < 0 ? -errno : fd;
}

int child_old_attach(const struct child *c, int fd, const char *path, bool recursive)
{
        char source[40] = "self/fd/";
        int r = 0;

        (void) child_digits(source + 8, fd);
        if (fchdir(c->proc) < 0 || mount(source, path, NULL, MS_BIND | (recursive ? MS_REC : 0UL), NULL) < 0)
                r = -errno;
        (void) close(fd);
        return r;
}

/* --- attributes --------------------------------------------------------------------------------------------------- */

/* A step as it is found in the end: where its path leads. */
struct ruled {
        char path[PATH_ROOM];
        size_t len;
        unsigned long set;
        bool alone;               /* not for what is mounted below */
};

static int resolve(const struct child *c, const char *path, struct ruled *ret)
{
        char link[40] = "self/fd/";
        int fd = open(path, O_PATH | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return -errno;
        (void) child_digits(link + 8, fd);
        n = readlinkat(c->proc, link, ret->path, sizeof ret->path - 1);
        (void) close(fd);
        if (n < 0)
                return -errno;
        ret->path[n] = 0;
        ret->len = (size_t) n;
        return 0;
}

/* The steps that were performed; returns how many. */
static int rules(struct child *c, struct ruled *list)
{
        struct plan_iter it = c->start;
        const struct plan_step *s;
        const char *text;
        int n = 0;

        while (plan_next(&it, &s, &text) > 0 && s->op != PLAN_SEAL) {
                if (s->op != PLAN_MOUNT || s->a == PLAN_MOUNT_LINK || resolve(c, text, &list[n]) < 0)
                        continue;
                list[n].set = (unsigned long) s->b;
                list[n].alone = s->a == PLAN_MOUNT_TMPFS || s->a == PLAN_MOUNT_FS || s->a == PLAN_MOUNT_BIND_ONE;
                if (s->a == PLAN_MOUNT_HIDE)
                        list[n].set = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
                n++;
        }
        return n;
}

static const struct ruled *rule_of(const struct ruled *list, int n, const char *path)
{
        const struct ruled *best = NULL;

        for (int i = 0; i < n; i++) {
                const struct ruled *r = &list[i];
                bool same = strcmp(path, r->path) == 0;
                bool below = r->len == 1 || (strncmp(path, r->path, r->len) == 0 && path[r->len] == '/');

                if ((same || below) && (!best || r->len >= best->len))
                        best = r;
        }
        return best && best->alone && strcmp(path, best->path) != 0 ? NULL : best;
}

/* What a mount has, so that a remount takes nothing away. */
static unsigned long attributes_of(const char *path)
{
        struct statvfs st;

        if (statvfs(path, &st) < 0)
                return 0;
        return (st.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOATIME | ST_NODIRATIME)) |
               (st.f_flag & ST_RELATIME ? MS_RELATIME : 0UL);
}

static int set_on(const struct ruled *list, int n, const char *path)
{
        const struct ruled *r = rule_of(list, n, path);
        unsigned long has;

        if (!r || r->set == 0)
                return 0;
        has = attributes_of(path);
        if ((has & r->set) == r->set)
                return 0;
        if (mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | has | r->set, NULL) == 0)
                return 0;
        /* Covered by something else, or no mount any more from here. */
        return errno == ENOENT || errno == EINVAL || errno == EACCES || errno == ENOTDIR ? 0 : -errno;
}

/* "\040" and the like, in place. */
static void unescape(char *p)
{
        char *out = p;

        for (; *p; p++)
                if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] && p[3]) {
                        *out++ = (char) ((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
                        p += 3;
                } else {
                        *out++ = *p;
                }
        *out = 0;
}

/* The fifth word of a line; cuts the line there. */
static char *mount_point(char *line)
{
        for (int word = 1; line && word < 5; word++) {
                line = strchr(line, ' ');
                line += line != NULL;
        }
        if (line) {
                line[strcspn(line, " ")] = 0;
                unescape(line);
        }
        return line;
}

static ssize_t read_table(int fd, char *table)
{
        size_t len = 0;
        ssize_t n;

        while (len + 1 < TABLE_MAX && (n = read(fd, table + len, TABLE_MAX - 1 - len)) > 0)
                len += (size_t) n;
        return len + 1 < TABLE_MAX ? (ssize_t) len : -E2BIG;
}

static void *room(size_t n)
{
        void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return p == MAP_FAILED ? NULL : p;
}

int child_old_end(struct child *c)
{
        struct ruled *list = room(PLAN_MOUNTS_MAX * sizeof *list);
        char *table = room(TABLE_MAX);
        ssize_t len;
        int n, r = 0;

        if (!list || !table)
                return -ENOMEM;
        if (chdir("/") < 0)
                return -errno;
        n = rules(c, list);
        len = read_table(c->mountinfo, table);
        for (char *line = table, *next; r == 0 && len > 0 && *line; line = next) {
                char *end = strchrnul(line, '\n'), *path;

                next = end + (*end == '\n');
                *end = 0;
                path = mount_point(line);
                if (path)
                        r = set_on(list, n, path);
        }
        (void) close(c->mountinfo);
        (void) munmap(list, PLAN_MOUNTS_MAX * sizeof *list);
        (void) munmap(table, TABLE_MAX);
        if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                r = -errno;
        return len < 0 ? (int) len : r;
}
