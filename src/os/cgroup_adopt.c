/* cgroup_adopt.c - the tree of groups handed from one engine to the next: what of struct cgroup cannot be found out
 * again once services run in it. See cgroup.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "os/cgroup_priv.h"
#include "os/fs.h"

void cgroup_save(const struct cgroup *c, struct buf *out)
{
        pack_u(out, (uint64_t) c->backend);
        pack_text(out, c->why);
        pack_text(out, c->name);
        pack_text(out, c->path);
        pack_text(out, c->proc_path);
        pack_text(out, c->own);
        pack_text(out, c->moved);
        pack_u(out, c->v2_ours);
}

/* "" stands for none. */
static char *text_of(struct unpack *u)
{
        char *text = unpack_dup(u);

        if (text && text[0] == '\0')
                free(ptr_steal(text));
        return text;
}

static void load(struct cgroup *c, struct unpack *u)
{
        c->backend = (enum cgroup_backend) unpack_max(u, CGROUP_V2);
        (void) unpack_text(u, c->why, sizeof c->why);
        (void) unpack_text(u, c->name, sizeof c->name);
        c->path = text_of(u);
        c->proc_path = text_of(u);
        c->own = text_of(u);
        c->moved = text_of(u);
        c->v2_ours = (unsigned) unpack_u(u);
}

static int check_saved(const struct cgroup *c, struct err *err)
{
        if (c->backend == CGROUP_NONE || (c->path && c->proc_path && c->own))
                return 0;
        return err_set(err, STAGE_CGROUP, EBADMSG, "find the daemon's control group: its path was not kept");
}

static int open_root(struct cgroup *c, struct err *err)
{
        if (c->backend == CGROUP_NONE)
                return 0;
        c->root = cgroup_open_dir(AT_FDCWD, c->path);
        /* the engine before us removed it, as its last act but one */
        if (c->root == -ENOENT && mkdir(c->path, 0755) == 0)
                c->root = cgroup_open_dir(AT_FDCWD, c->path);
        if (c->root < 0) {
                errno = -c->root;
                return err_sys(err, STAGE_CGROUP, "open the daemon's control group %.150s", c->path);
        }
        c->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        return 0;
}

/* Without what was saved: the note names the root group; we are in the group above it, or were moved to one beside
 * it. */
static int guess(struct cgroup *c, struct err *err)
{
        char path[PATH_MAX], own[PATH_MAX], proc[PATH_MAX];
        char *slash;
        size_t len;

        if (fs_read_small(AT_FDCWD, c->note, path, sizeof path) <= 0 ||
            cgroup_find_own(&c->backend, own, proc, c->why, sizeof c->why) < 0) {
                c->backend = CGROUP_NONE;
                (void) snprintf(c->why, sizeof c->why, "the daemon's control group is not known any more");
                return 0;
        }
        len = strlen(own);
        if (len > 5 && strcmp(own + len - 5, ".self") == 0) {
                c->moved = strdup(own);
                *strrchr(own, '/') = 0;
                *strrchr(proc, '/') = 0;
        }
        slash = strrchr(path, '/');
        (void) snprintf(c->name, sizeof c->name, "%.47s", slash ? slash + 1 : "");
        c->path = strdup(path);
        c->own = strdup(own);
        if (asprintf(&c->proc_path, "%s/%s", strcmp(proc, "/") == 0 ? "" : proc, c->name) < 0)
                c->proc_path = NULL;
        return c->path && c->own && c->proc_path ? 0 : err_set(err, STAGE_CGROUP, ENOMEM, "out of memory");
}

int cgroup_adopt(struct unpack *saved, bool use, const char *runtime_dir, pid_t init, struct cgroup **ret,
                 struct err *err)
{
        struct cgroup *c = cgroup_new(runtime_dir, init);
        int r = 0;

        if (!c)
                return err_set(err, STAGE_CGROUP, ENOMEM, "get memory for control groups");
        c->adopted = true;
        if (saved)
                load(c, saved);
        else
                r = guess(c, err);
        if (r == 0 && saved && saved->bad)
                r = err_set(err, STAGE_CGROUP, EBADMSG, "read which control groups are ours");
        if (r == 0)
                r = check_saved(c, err);
        if (r == 0 && use)
                r = open_root(c, err);
        if (r < 0) {
                cgroup_free(c);
                return r;
        }
        *ret = c;
        return 0;
}
