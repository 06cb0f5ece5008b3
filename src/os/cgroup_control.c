/* cgroup_control.c - switching the controllers of the v2 tree on, from our own group downwards.
 *
 * A controller reaches a group when the group above names it in cgroup.subtree_control. v2 refuses that to a group
 * that has processes itself, unless it is the real root (FAILURES J14): then we move out of the way first. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "os/cgroup_priv.h"
#include "os/fs.h"

/* -errno in *ret_error when it cannot be said. */
static unsigned controllers_in(int dir, const char *file, int *ret_error)
{
        char text[512], *save = NULL;
        unsigned bits = 0;

        ssize_t r = fs_read_small(dir, file, text, sizeof text);

        if (r < 0 && ret_error)
                *ret_error = (int) r;
        if (r <= 0)
                return 0;
        for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
                int ctl = strtab_value(&controller_names, word);

                if (ctl >= 0)
                        bits |= CTL_BIT(ctl);
        }
        return bits;
}

void cgroup_control_ask(struct cgroup *c)
{
        autoclose int own = -1;
        int error = 0;

        if (c->asked)
                return;
        c->asked = cgroup_v1_find(c); /* who could not look (no descriptor, an error of the disk) looks
                                       * again the next time */
        if (c->backend == CGROUP_NONE)
                return;
        own = cgroup_open_dir(AT_FDCWD, c->own);
        if (own >= 0)
                c->v2_offered = controllers_in(own, "cgroup.controllers", &error);
        if (own >= 0)
                c->v2_enabled = controllers_in(c->root, "cgroup.controllers", &error);
        if (own < 0 || error)
                c->asked = false;
}

/* --- out of our own way ------------------------------------------------------------------------------------------ */

struct move {
        int to;   /* cgroup.procs of the new group */
        pid_t init;
        bool all; /* everybody we see is ours: we are PID 1 of the namespace */
};

/* Is it init or one of its children? Services are not in our group, so these are the daemon's own. */
static bool is_ours(const struct move *m, pid_t pid)
{
        char path[40], text[512];
        const char *p;

        if (m->all || pid == m->init)
                return true;
        (void) snprintf(path, sizeof path, "/proc/%d/stat", pid);
        if (fs_read_small(AT_FDCWD, path, text, sizeof text) <= 0)
                return false;
        p = strrchr(text, ')');
        return p && strlen(p) > 4 && strtol(p + 4, NULL, 10) == m->init;
}

static int move_one(void *arg, pid_t pid)
{
        struct move *m = arg;
        char text[24];
        int n = snprintf(text, sizeof text, "%d", pid);

        if (is_ours(m, pid) && write(m->to, text, (size_t) n) < 0 && errno != ESRCH)
                return -errno;
        return 0;
}

static int move_away(struct cgroup *c, int own)
{
        struct move m = { .to = -1, .init = c->init, .all = c->init == 1 };
        char name[sizeof c->name + 8];
        int dir, r;

        if (c->moved)
                return -EBUSY;
        (void) snprintf(name, sizeof name, "%s.self", c->name);
        dir = cgroup_make_one(own, name);
        if (dir < 0)
                return dir;
        m.to = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        r = m.to < 0 ? -errno : cgroup_dir_each_here(own, move_one, &m);
        fd_close(&m.to);
        (void) close(dir);
        if (r == 0 && asprintf(&c->moved, "%s/%s", c->own, name) < 0)
                c->moved = NULL;
        return r;
}

void cgroup_control_end(struct cgroup *c)
{
        autoclose int own = -1;
        struct move m = { .to = -1, .all = true };
        autoclose int dir = -1;

        if (!c->moved)
                return;
        /* Back to where we came from, so that nothing of ours is left; controllers go first or nobody may enter. */
        own = cgroup_open_dir(AT_FDCWD, c->own);
        dir = cgroup_open_dir(AT_FDCWD, c->moved);
        if (own < 0 || dir < 0)
                return;
        for (int i = 0; i < CTL_COUNT; i++) {
                char text[20];

                (void) snprintf(text, sizeof text, "-%s", strtab_text(&controller_names, i));
                if (c->v2_ours & CTL_BIT(i))
                        (void) fs_write_small(own, "cgroup.subtree_control", text);
        }
        m.to = openat(own, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        if (m.to >= 0)
                (void) cgroup_dir_each_here(dir, move_one, &m);
        fd_close(&m.to);
        (void) rmdir(c->moved);
}

/* --- on ----------------------------------------------------------------------------------------------------------- */

static int is_stranger(void *arg, pid_t pid)
{
        const struct move *m = arg;

        return is_ours(m, pid) ? 0 : -EBUSY;
}

static int is_anybody(void *arg, pid_t pid)
{
        (void) arg, (void) pid;
        return 1;
}

/* kernel: with processes in it a group still takes +cpu or +pids, but then it is the root of threaded groups, and those
 * below it can hold no processes any more. So nobody may be in it, but in the real root, which has no type. */
static int make_room(struct cgroup *c, int own)
{
        struct move m = { .init = c->init, .all = c->init == 1 };
        int r;

        if (faccessat(own, "cgroup.type", F_OK, 0) < 0 || cgroup_dir_each_here(own, is_anybody, NULL) == 0)
                return 0;
        r = cgroup_dir_each_here(own, is_stranger, &m);
        return r < 0 ? r : move_away(c, own);
}

static int enable_one(struct cgroup *c, int dir, enum controller ctl, bool ours)
{
        char text[20];
        int r = ours ? make_room(c, dir) : 0;

        if (r < 0)
                return r;
        (void) snprintf(text, sizeof text, "+%s", strtab_text(&controller_names, (int) ctl));
        return fs_write_small(dir, "cgroup.subtree_control", text);
}

/* In one group, those it has itself. `ours`: it is the group we are in. */
static unsigned enable_in(struct cgroup *c, int dir, unsigned wanted, bool ours)
{
        unsigned on = controllers_in(dir, "cgroup.subtree_control", NULL);

        for (int i = 0; i < CTL_COUNT; i++) {
                int r;

                if (!(wanted & CTL_BIT(i)) || on & CTL_BIT(i))
                        continue;
                r = enable_one(c, dir, (enum controller) i, ours);
                if (r == 0 && ours)
                        c->v2_ours |= CTL_BIT(i);
                if (r == 0)
                        on |= CTL_BIT(i);
                else
                        c->v2_error[i] = -r;
        }
        return on & wanted;
}

static unsigned enable_root(struct cgroup *c, unsigned wanted)
{
        if ((wanted & c->v2_offered) & ~c->v2_enabled) {
                autoclose int own = cgroup_open_dir(AT_FDCWD, c->own);

                if (own >= 0)
                        c->v2_enabled |= enable_in(c, own, wanted & c->v2_offered, true);
        }
        return wanted & c->v2_enabled;
}

unsigned cgroup_control_enable(struct cgroup *c, const char *rel, unsigned wanted)
{
        char part[PATH_MAX];
        int dir;

        cgroup_control_ask(c);
        wanted = enable_root(c, wanted);
        if (!wanted || !rel)
                return wanted;
        wanted = enable_in(c, c->root, wanted, false);
        (void) snprintf(part, sizeof part, "%s", rel);
        for (char *end = part; wanted && strcmp(part, ".") != 0;) {
                char kept;

                end += strcspn(end, "/");
                kept = *end;
                *end = 0;
                dir = cgroup_open_dir(c->root, part);
                if (dir < 0)
                        return 0;
                wanted = enable_in(c, dir, wanted, false);
                (void) close(dir);
                if (!kept)
                        break;
                *end++ = kept;
        }
        return wanted;
}
