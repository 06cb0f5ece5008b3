/* landlock.c - the steps LANDLOCK, ALLOW, ALLOW_REST, ALLOW_PORT, RESTRICT. See child.h.
 *
 * With the ids and the view of the program: a path it cannot reach anyway needs no rule. */
#include "child/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
enum { RULE_PATH = 1, RULE_PORT = 2 };

/* The kernel's structures; its headers may be older than what they describe. */
struct ruleset {
        uint64_t fs, net;
};
struct path_rule {
        uint64_t rights;
        int32_t fd;
} __attribute__((packed));
struct port_rule {
        uint64_t rights, port;
};

int child_landlock(struct child *c, const struct plan_step *s, const char *text)
{
        struct ruleset set = { (uint64_t) s->a, (uint64_t) s->b };
        long fd = syscall(SYS_landlock_create_ruleset, &set, set.net ? sizeof set : sizeof set.fs, 0);

        (void) text;
        if (fd < 0)
                return -errno;
        c->ruleset = (int) fd;
        c->handled = set.fs;
        return 0;
}

static int allow_fd(struct child *c, int fd, uint64_t rights)
{
        struct path_rule rule = { rights & c->handled, fd };
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISDIR(st.st_mode)) /* the kernel refuses rights a file cannot give */
                rule.rights &= PLAN_LL_OF_FILES;
        if (rule.rights == 0)
                return 0;
        return syscall(SYS_landlock_add_rule, c->ruleset, RULE_PATH, &rule, 0) < 0 ? -errno : 0;
}

static int allow_path(struct child *c, int dir, const char *path, uint64_t rights)
{
        int fd = openat(dir, path, O_PATH | O_CLOEXEC), r;

        if (fd < 0)
                return errno == EACCES ? 0 : -errno;
        r = allow_fd(c, fd, rights);
        (void) close(fd);
        return r;
}

int child_allow(struct child *c, const struct plan_step *s, const char *text)
{
        int r = allow_path(c, AT_FDCWD, text, (uint64_t) s->a);

        return (r == -ENOENT || r == -ENOTDIR) && (s->flags & PLAN_MOUNT_OPTIONAL) ? 0 : r;
}

static bool listed(const struct plan_step *s, const char *text, const char *name)
{
        size_t at = 0;
        const char *word = plan_string(text, s->text_len, &at); /* the directory */

        while (word && (word = plan_string(text, s->text_len, &at)))
                if (strcmp(word, name) == 0)
                        return true;
        return false;
}

static int allow_entries(struct child *c, const struct plan_step *s, const char *text, int dir,
                         const char *bytes, long n)
{
        for (long at = 0; at < n;) {
                const struct dirent64 *e = (const void *) (bytes + at);
                int r = 0;

                if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && !listed(s, text, e->d_name))
                        r = allow_path(c, dir, e->d_name, (uint64_t) s->a);
                if (r < 0 && r != -ENOENT)
                        return r;
                at += e->d_reclen;
        }
        return 0;
}

int child_allow_rest(struct child *c, const struct plan_step *s, const char *text)
{
        char bytes[8192] __attribute__((aligned(8)));
        int dir = open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
        long n;

        if (dir < 0)
                return -errno;
        while (r == 0 && (n = syscall(SYS_getdents64, dir, bytes, sizeof bytes)) != 0)
                r = n < 0 ? -errno : allow_entries(c, s, text, dir, bytes, n);
        (void) close(dir);
        return r;
}

int child_allow_port(struct child *c, const struct plan_step *s, const char *text)
{
        struct port_rule rule = { (uint64_t) s->a, (uint64_t) s->b };

        (void) text;
        return syscall(SYS_landlock_add_rule, c->ruleset, RULE_PORT, &rule, 0) < 0 ? -errno : 0;
}

int child_restrict(struct child *c, const struct plan_step *s, const char *text)
{
        int r = syscall(SYS_landlock_restrict_self, c->ruleset, 0) < 0 ? -errno : 0;

        (void) s, (void) text;
        (void) close(c->ruleset);
        c->ruleset = -1;
        return r;
}
