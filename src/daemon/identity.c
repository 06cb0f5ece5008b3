/* identity.c - see identity.h. */
#include "daemon/identity.h"

#include <string.h>

#include "daemon/journal.h"
#include "daemon/sandbox.h"
#include "daemon/touch.h"

enum { GROUPS_MAX = 65536 };

bool identity_said(const struct spec *s)
{
        return spec_str(s, D_SERVICE_User)[0] || spec_str(s, D_SERVICE_Group)[0] ||
               spec_count(s, D_SERVICE_SupplementaryGroups) > 0 || spec_int(s, D_SERVICE_DynamicUser);
}

static int look_up(struct engine *e, node_id id, const struct spec *s, struct user *ret, struct err *err)
{
        const char *user = spec_str(s, D_SERVICE_User), *group = spec_str(s, D_SERVICE_Group);
        size_t n = spec_count(s, D_SERVICE_SupplementaryGroups);
        autofree const char **extra = calloc(n + 1, sizeof(*extra));
        int r;

        if (!extra)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        for (size_t i = 0; i < n; i++)
                extra[i] = spec_item(s, D_SERVICE_SupplementaryGroups, i);
        if (!spec_int(s, D_SERVICE_DynamicUser))
                return user_lookup(touch_reach(e), user, group, extra, n, ret, err);
        r = sandbox_dynamic_user(e, id, s, ret, err);
        if (r == 0) {
                r = user_add_groups(touch_reach(e), ret, group, extra, n, err);
                if (r < 0)
                        user_done(ret);
        }
        return r;
}

int identity_find(struct engine *e, node_id id, const struct spec *s, struct user *ret, struct err *err)
{
        struct user u = { 0 };
        int r = look_up(e, id, s, &u, err);

        touched(e);
        if (r < 0) {
                struct origin o = spec_origin(s, spec_int(s, D_SERVICE_DynamicUser) ? D_SERVICE_DynamicUser :
                                                 spec_str(s, D_SERVICE_User)[0]     ? D_SERVICE_User :
                                                                                      D_SERVICE_Group);

                err_where(err, o.file, o.line);
                return r;
        }
        *ret = u;
        return 0;
}

const struct user *identity_of(const struct engine *e, node_id id, uint32_t incarnation)
{
        const struct run *run = engine_peek(e, id);
        const struct identity *i = run && run->extra ? run->extra->identity : NULL;

        return i && i->incarnation == incarnation ? &i->user : NULL;
}

static struct identity *make_room(struct engine *e, node_id id)
{
        struct extra *x = engine_extra(e, id);

        if (!x)
                return NULL;
        identity_forget(x);
        return x->identity = calloc(1, sizeof(*x->identity));
}

void identity_keep(struct engine *e, node_id id, uint32_t incarnation, struct user *u)
{
        struct identity *i = make_room(e, id);

        if (!i)
                return;
        *i = (struct identity) { .incarnation = incarnation, .user = *u };
        *u = (struct user) { 0 };
        journal_identity(e, id);
}

void identity_save(const struct identity *i, struct buf *out)
{
        const struct user *u = &i->user;

        pack_u(out, i->incarnation);
        pack_u(out, u->uid);
        pack_u(out, u->gid);
        pack_u(out, u->group_count);
        for (size_t k = 0; k < u->group_count; k++)
                pack_u(out, u->groups[k]);
        pack_text(out, u->name);
        pack_text(out, u->home);
        pack_text(out, u->shell);
}

static void load(struct identity *i, struct unpack *u)
{
        size_t n;

        i->incarnation = (uint32_t) unpack_max(u, UINT32_MAX);
        i->user.uid = (uid_t) unpack_max(u, UINT32_MAX);
        i->user.gid = (gid_t) unpack_max(u, UINT32_MAX);
        n = unpack_max(u, GROUPS_MAX);
        i->user.groups = u->bad ? NULL : calloc(n + 1, sizeof(gid_t));
        for (size_t k = 0; i->user.groups && k < n; k++)
                i->user.groups[i->user.group_count++] = (gid_t) unpack_max(u, UINT32_MAX);
        i->user.name = unpack_dup(u);
        i->user.home = unpack_dup(u);
        i->user.shell = unpack_dup(u);
        u->bad |= !i->user.groups || !i->user.name || !i->user.home || !i->user.shell;
}

void identity_load(struct engine *e, node_id id, struct unpack *u)
{
        const struct node *node = core_node(e->core, id);
        struct identity got = { 0 }, *i;

        load(&got, u);
        i = u->bad ? NULL : make_room(e, id);
        if (!i) {
                user_done(&got.user);
                return;
        }
        *i = got;
        if (node && spec_kind(node->spec) == KIND_SERVICE && spec_int(node->spec, D_SERVICE_DynamicUser))
                e->runs[id].extra->dynamic = got.user.uid; /* no other service may have this number */
}

void identity_forget(struct extra *x)
{
        if (!x || !x->identity)
                return;
        user_done(&x->identity->user);
        free(ptr_steal(x->identity));
}
