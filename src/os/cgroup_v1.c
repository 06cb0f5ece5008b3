/* cgroup_v1.c - the hierarchies of v1, for limits only: tracking and killing are done on the v2 tree where there is
 * one.
 *
 * Our groups lie below the group we are in, one tree for each controller, made when first needed and removed when the
 * node's life ends. v1's release_agent is never used: it runs a helper as root (FAILURES D15). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "os/cgroup_priv.h"
#include "os/fs.h"
#include "os/limits.h"

enum { CLEAR_TRIES = 20, CLEAR_PAUSE_MS = 10 };
enum { ROOTS_MAX = 100, ROOT_NAME_MAX = sizeof(((struct cgroup *) 0)->name) + 8 };

/* What v1 calls them. */
static const char *const v1_names[CTL_COUNT] = {
        [CTL_MEMORY] = "memory", [CTL_CPU] = "cpu", [CTL_CPUSET] = "cpuset", [CTL_PIDS] = "pids", [CTL_IO] = "blkio",
        [CTL_DEVICES] = "devices", [CTL_CPUACCT] = "cpuacct",
};

/* Is `word` one of the comma-separated `list`, which may end with a newline or a colon? */
static bool listed(const char *list, const char *word)
{
        size_t len = strlen(word);

        for (const char *p = list; *p;) {
                size_t n = strcspn(p, ",:\n");

                if (n == len && memcmp(p, word, n) == 0)
                        return true;
                p += n;
                if (*p != ',')
                        break;
                p++;
        }
        return false;
}

/* "4:memory:/some/group\n" -> "/some/group". */
static const char *group_of(char *groups, const char *name)
{
        for (char *line = groups; line && *line; line = strchr(line, '\n'), line += line != NULL) {
                char *names = strchr(line, ':');

                if (names && listed(names + 1, name))
                        return strchr(names + 1, ':') + 1;
        }
        return NULL;
}

/* NAME, or NAME.1 and so on: see make_root(). */
static bool may_be_root(const struct cgroup *c, const char *name)
{
        const size_t n = strlen(c->name);

        if (strncmp(name, c->name, n) != 0)
                return false;
        name += n;
        return !*name || (name[0] == '.' && name[1] && name[1 + strspn(name + 1, "0123456789")] == '\0');
}

/* An engine that init has started anew is where init is: in a group of our own (limits_rest.c). */
static void without_rest(const struct cgroup *c, enum controller ctl, char *own)
{
        char *rest = strrchr(own, '/'), *name;

        if (ctl != CTL_PIDS || !c->adopted || !rest || strcmp(rest + 1, CGROUP_REST) != 0)
                return;
        *rest = '\0';
        name = strrchr(own, '/');
        if (!name || !may_be_root(c, name + 1))
                *rest = '/';
        else
                name[name == own] = '\0';
}

/* kernel: whoever may write to the files of "devices" may still not say anything there, but as root of the machine; it
 * asks who that is before it looks at what is said. */
static int may_write(int own, enum controller ctl)
{
        int r;

        if (faccessat(own, "tasks", W_OK, AT_EACCESS) < 0)
                return errno;
        r = ctl == CTL_DEVICES ? fs_write_small(own, "devices.deny", "?") : 0;
        return r == -EINVAL ? 0 : -r; /* it was read, and makes no sense */
}

static void found(struct cgroup *c, enum controller ctl, const char *root, const char *point, const char *group)
{
        struct cgroup_v1 *v = &c->v1[ctl];
        char own[PATH_MAX], path[PATH_MAX * 2];
        const char *rest;

        (void) snprintf(own, sizeof own, "%.*s", (int) strcspn(group, "\n"), group);
        without_rest(c, ctl, own);
        rest = cgroup_below(own, root);
        if (!rest || v->own >= 0)
                return;
        (void) snprintf(path, sizeof path, "%s%s", point, strcmp(rest, "/") == 0 ? "" : rest);
        v->own = cgroup_open_dir(AT_FDCWD, path);
        v->error = v->own < 0 ? -v->own : may_write(v->own, ctl);
        free(v->path); /* looked at a second time */
        v->path = strdup(path);
        if (!v->path)
                v->error = ENOMEM;
        for (int i = 0; i < CTL_COUNT; i++)
                if (v->path && v->with == ctl && c->v1[i].path && strcmp(c->v1[i].path, path) == 0)
                        v->with = (enum controller) i;
}

bool cgroup_v1_find(struct cgroup *c)
{
        autofclose FILE *f = fopen("/proc/self/mountinfo", "re");
        autobuf struct buf groups = BUF_INIT;
        autofree char *line = NULL;
        size_t room = 0;

        int r = f ? fs_read("/proc/self/cgroup", 1 << 20, &groups, NULL) : -errno;

        if (r < 0)
                return r == -ENOENT;
        while (getline(&line, &room, f) > 0) {
                char *root = NULL, *point = NULL, *options = NULL;
                const char *type = cgroup_mount_split(line, &root, &point, &options);

                if (!type || strcmp(type, "cgroup") != 0)
                        continue;
                for (int i = 0; i < CTL_COUNT; i++) {
                        const char *group = listed(options, v1_names[i]) ? group_of(groups.data, v1_names[i]) : NULL;

                        if (group)
                                found(c, (enum controller) i, root, point, group);
                }
        }
        return !ferror(f);
}

/* cpuset is of no use until it has been told processors and memory: the parent's, to begin with. */
static void inherit(int parent, int dir)
{
        static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
        char text[4096];

        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
                if (fs_read_small(dir, files[i], text, sizeof text) == 0 &&
                    fs_read_small(parent, files[i], text, sizeof text) > 0)
                        (void) fs_write_small(dir, files[i], text);
}

static const char *root_name(const struct cgroup *c, int i, char buf[ROOT_NAME_MAX])
{
        (void) snprintf(buf, ROOT_NAME_MAX, i ? "%s.%d" : "%s", c->name, i);
        return buf;
}

/* Where there is no v2 group to hold the name, one that is locked belongs to a daemon of the same name, in another pid
 * namespace; one that is not there may have been that of such a daemon. Else the lock may be that of a helper of the
 * engine before us. */
int cgroup_v1_adopt(struct cgroup *c, enum controller ctl)
{
        struct cgroup_v1 *v = &c->v1[ctl];
        char name[ROOT_NAME_MAX];

        for (int i = 0; i < ROOTS_MAX; i++) {
                autoclose int dir = cgroup_open_dir(v->own, root_name(c, i, name));

                if (dir == -ENOENT)
                        continue;
                if (dir < 0)
                        return dir;
                if (flock(dir, LOCK_EX | LOCK_NB) < 0 && c->backend == CGROUP_NONE)
                        continue; /* another daemon's of that name, beside which ours has got a number */
                v->root = fd_steal(&dir);
                return 0;
        }
        return -ENOENT;
}

/* What a dead daemon left whose groups had this name: its processes are gone. A directory that is locked belongs to
 * another daemon of that name, which lives; one with processes stays. */
static void clear(int own, const char *name)
{
        autoclose int dir = cgroup_open_dir(own, name);

        if (dir < 0 || flock(dir, LOCK_EX | LOCK_NB) < 0)
                return;
        /* its log writer ends a moment after it */
        for (int tries = 0; tries < CLEAR_TRIES; tries++) {
                (void) cgroup_dir_remove_below(dir);
                if (unlinkat(own, name, AT_REMOVEDIR) == 0 || errno != EBUSY)
                        return;
                (void) poll(NULL, 0, CLEAR_PAUSE_MS);
        }
}

static int make_root(struct cgroup *c, enum controller ctl)
{
        struct cgroup_v1 *v = &c->v1[ctl];
        char name[ROOT_NAME_MAX];
        int r = -EEXIST;

        if (v->own < 0 || v->error)
                return v->error ? -v->error : -ENOENT;
        if (c->adopted && cgroup_v1_adopt(c, ctl) == 0)
                return 0;
        clear(v->own, c->name);
        for (int i = 0; r == -EEXIST && i < ROOTS_MAX; i++)
                r = cgroup_make_one(v->own, root_name(c, i, name));
        if (r < 0) {
                v->error = -r;
                return r;
        }
        v->root = r;
        if (ctl == CTL_CPUSET)
                inherit(v->own, v->root);
        return 0;
}

int cgroup_v1_open(struct cgroup *c, enum controller ctl, const char *rel, bool make)
{
        struct cgroup_v1 *v = &c->v1[c->v1[ctl].with];
        char part[PATH_MAX];
        int r = v->root >= 0 ? 0 : make ? make_root(c, v->with) : -ENOENT;
        int dir;

        if (r < 0)
                return r;
        if (!make)
                return cgroup_open_dir(v->root, rel);
        (void) snprintf(part, sizeof part, "%s", rel);
        dir = cgroup_open_dir(v->root, ".");
        for (char *p = part, *end; dir >= 0 && *p && strcmp(p, ".") != 0; p = end) {
                int next;

                end = p + strcspn(p, "/");
                if (*end)
                        *end++ = 0;
                if (mkdirat(dir, p, 0755) < 0 && errno != EEXIST)
                        next = -errno;
                else
                        next = cgroup_open_dir(dir, p);
                if (next >= 0 && ctl == CTL_CPUSET)
                        inherit(dir, next);
                (void) close(dir);
                dir = next;
        }
        return dir;
}

int cgroup_v1_remove(struct cgroup *c, enum controller ctl, const char *rel)
{
        struct cgroup_v1 *v = &c->v1[ctl];
        autoclose int dir = -1;

        if (v->root < 0 || strcmp(rel, ".") == 0 || unlinkat(v->root, rel, AT_REMOVEDIR) == 0 || errno == ENOENT)
                return 0;
        if (errno != EBUSY && errno != ENOTEMPTY)
                return -errno;
        dir = cgroup_open_dir(v->root, rel);
        if (dir < 0)
                return dir == -ENOENT ? 0 : dir;
        (void) cgroup_dir_remove_below(dir); /* groups that the service made for itself (FAILURES B9) */
        return unlinkat(v->root, rel, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

/* The daemon's group of one hierarchy, by the name it has: the number of another daemon may be the same. */
static int remove_root(const struct cgroup_v1 *v)
{
        char link[40], path[PATH_MAX];
        ssize_t n;

        (void) cgroup_dir_remove_below(v->root);
        (void) snprintf(link, sizeof link, "/proc/self/fd/%d", v->root);
        n = readlink(link, path, sizeof path - 1);
        if (n <= 0)
                return n < 0 ? -errno : -ENOENT;
        path[n] = 0;
        return unlinkat(v->own, strrchr(path, '/') + 1, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

/* Whoever has died is in its group until the kernel has done with it, and v1 tells nobody of
 * the last one: look again. */
static int remove_soon(const struct cgroup_v1 *v, int *ms)
{
        int r;

        for (int pause = 1; (r = remove_root(v)) == -EBUSY && *ms > 0; pause = pause < 50 ? pause * 2 : pause) {
                (void) poll(NULL, 0, pause);
                *ms -= pause;
        }
        return r;
}

int cgroup_v1_end(struct cgroup *c, int ms)
{
        int result = 0;

        if (c->adopted) /* perhaps nothing that is there now has limits, and the engine before us had something */
                limits_adopt(c);
        limits_rest_end(c);
        for (int i = 0; i < CTL_COUNT; i++) {
                struct cgroup_v1 *v = &c->v1[i];
                int r;

                if (v->root < 0)
                        continue;
                r = remove_soon(v, &ms);
                result = result < 0 ? result : r;
                fd_close(&v->root);
        }
        return result;
}

void cgroup_v1_sweep(const char *name)
{
        struct cgroup c = { .root = -1 };

        for (int i = 0; i < CTL_COUNT; i++)
                c.v1[i] = (struct cgroup_v1) { .own = -1, .root = -1, .with = (enum controller) i };
        cgroup_v1_find(&c);
        for (int i = 0; i < CTL_COUNT; i++)
                if (c.v1[i].own >= 0)
                        clear(c.v1[i].own, name);
        cgroup_v1_free(&c);
}

void cgroup_v1_free(struct cgroup *c)
{
        for (int i = 0; i < CTL_COUNT; i++) {
                fd_close(&c->v1[i].own);
                fd_close(&c->v1[i].root);
                free(c->v1[i].path);
        }
}
