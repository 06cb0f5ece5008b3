/* namespaces.c - leave the daemon's namespaces. See child.h. */
#include "child/child.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

/* What stands in for hidden paths lies below the runtime directory, which may soon be out of sight. */
static int open_stand_ins(struct child *c, struct plan_iter it)
{
        const struct plan_step *s;
        const char *text;

        while (plan_next(&it, &s, &text) > 0 && s->op != PLAN_SEAL) {
                size_t at = 0;

                if (s->op != PLAN_MOUNT || s->a != PLAN_MOUNT_HIDE || !plan_string(text, s->text_len, &at))
                        continue;
                for (int i = 0; i < 2; i++) {
                        const char *path = plan_string(text, s->text_len, &at);

                        if (!path)
                                return -EBADMSG;
                        c->object = path;
                        c->stand_ins[i] = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
                        if (c->stand_ins[i] < 0)
                                return -errno;
                }
                return 0;
        }
        return 0;
}

int child_namespaces(struct child *c, const struct plan_step *s, const char *text)
{
        int r;

        if (unshare((int) s->a) < 0)
                return -errno;
        if (!(s->a & CLONE_NEWNS))
                return 0;
        /* Before anything is mounted: or it would appear in the daemon's namespace too. */
        c->object = "/";
        if (mount(NULL, "/", NULL, MS_REC | (unsigned long) s->b, NULL) < 0)
                return -errno;
        r = open_stand_ins(c, *c->it);
        if (r < 0)
                return r;
        c->object = NULL;
        return child_take_sources(c, s, text);
}
