/* cgroup_adopt.c - the tree of groups handed from one engine to the next: what of struct cgroup cannot be found out
 * again once services run in it. See cgroup.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/cleanup.h"
#include "os/cgroup_priv.h"

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

static int open_root(struct cgroup *c, struct err *err)
{
        if (c->backend == CGROUP_NONE)
                return 0;
        if (!c->path || !c->proc_path || !c->own)
                return err_set(err, STAGE_CGROUP, EBADMSG, "find the daemon's control group: its path was not kept");
        c->root = cgroup_open_dir(AT_FDCWD, c->path);
        if (c->root < 0) {
                errno = -c->root;
                return err_sys(err, STAGE_CGROUP, "open the daemon's control group %.150s", c->path);
        }
        c->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        return 0;
}

int cgroup_adopt(struct unpack *saved, const char *runtime_dir, pid_t init, struct cgroup **ret, struct err *err)
{
        struct cgroup *c = cgroup_new(runtime_dir, init);
        int r;

        if (!c)
                return err_set(err, STAGE_CGROUP, ENOMEM, "get memory for control groups");
        load(c, saved);
        c->adopted = true;
        r = saved->bad ? err_set(err, STAGE_CGROUP, EBADMSG, "read which control groups are ours") : open_root(c, err);
        if (r < 0) {
                cgroup_free(c);
                return r;
        }
        *ret = c;
        return 0;
}
