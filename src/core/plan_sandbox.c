/* plan_sandbox.c - namespaces, mounts and rights of a service as steps. See plan_priv.h. Pure. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "core/capability.h"
#include "core/mounts.h"
#include "core/plan_priv.h"

static const struct origin nowhere = { "", 0 };

void plan_private_tmp(const char *mark, char buf[PLAN_PRIVATE_TMP_MAX])
{
        (void) snprintf(buf, PLAN_PRIVATE_TMP_MAX, "coppice-private-%.32s", mark ? mark : "");
}

/* --- the file system ------------------------------------------------------------------------------------------------ */

static void add_directory(struct compiler *c, const char *base, const char *name, const char *sub, int64_t mode)
{
        int64_t owner = c->f->root ? 0 : -1;
        char text[512];
        int n = snprintf(text, sizeof(text), "%s%c%s%s", base, 0, name, sub);

        if (n > 0 && (size_t) n < sizeof(text))
                plan_add(c, &(struct step) { .op = PLAN_DIRECTORY, .stage = STAGE_NAMESPACE, .a = mode, .b = owner,
                                             .c = owner, .origin = spec_origin(c->s, D_SERVICE_PrivateTmp),
                                             .text = text, .len = (size_t) n + 1 });
}

void plan_sandbox_directories(struct compiler *c)
{
        static const char *const bases[] = { "/tmp", "/var/tmp" };
        char name[PLAN_PRIVATE_TMP_MAX];

        if (c->privileged || spec_int(c->s, D_SERVICE_PrivateTmp) != PRIVATE_TMP_YES)
                return;
        plan_private_tmp(c->f->mark, name);
        for (size_t i = 0; i < 2; i++) {
                /* Nobody but the service gets past the outer one, so the inner one can be open to all. */
                add_directory(c, bases[i], name, "", 0700);
                add_directory(c, bases[i], name, "/tmp", 01777);
        }
}

static void add_mounts(struct compiler *c, const struct mounts *m)
{
        for (size_t i = 0; i < m->count; i++) {
                const struct mount_op *op = &m->ops[i];

                plan_add(c, &(struct step) { .op = PLAN_MOUNT, .flags = op->flags, .origin = op->origin,
                                             .a = op->kind, .b = op->set, .c = op->clear,
                                             .text = m->texts.data + op->text, .len = op->len });
        }
        plan_add(c, &(struct step) { .op = PLAN_SEAL, .origin = nowhere });
}

static int64_t propagation(const struct spec *s)
{
        static const int64_t flags[] = {
                [MOUNT_FLAGS_SLAVE] = MS_SLAVE, [MOUNT_FLAGS_PRIVATE] = MS_PRIVATE, [MOUNT_FLAGS_SHARED] = MS_SHARED,
        };

        return flags[spec_int(s, D_SERVICE_MountFlags)];
}

int plan_sandbox_namespaces(struct compiler *c, struct err *err)
{
        char name[PLAN_PRIVATE_TMP_MAX];
        struct mounts m = { 0 };
        int r;

        if (c->privileged || !mounts_wanted(c->s))
                return 0;
        plan_private_tmp(c->f->mark, name);
        r = mounts_compile(c->s, c->f, name, &m);
        if (r == -E2BIG)
                return err_set(err, STAGE_NAMESPACE, E2BIG, "arrange the mounts: there are more than %d", PLAN_MOUNTS_MAX);
        if (r < 0)
                return r;
        plan_add(c, &(struct step) { .op = PLAN_NAMESPACES, .a = CLONE_NEWNS, .b = propagation(c->s),
                                     .origin = m.count ? m.ops[0].origin : nowhere });
        add_mounts(c, &m);
        mounts_free(&m);
        return 0;
}

/* --- rights --------------------------------------------------------------------------------------------------------- */

static uint64_t ambient(const struct compiler *c)
{
        return c->privileged ? 0 : capability_mask(c->s, D_SERVICE_AmbientCapabilities, 0);
}

static bool has_securebits(const struct compiler *c)
{
        return !c->privileged && spec_count(c->s, D_SERVICE_SecureBits) > 0;
}

bool plan_no_new_privs(const struct compiler *c, bool becomes_root)
{
        if (!spec_has(c->s, D_SERVICE_NoNewPrivileges))
                return !becomes_root;
        return !c->privileged && spec_int(c->s, D_SERVICE_NoNewPrivileges);
}

bool plan_keeps_caps(const struct compiler *c)
{
        return ambient(c) != 0 || has_securebits(c);
}

void plan_sandbox_bounding(struct compiler *c, bool becomes_root)
{
        bool said = spec_count(c->s, D_SERVICE_CapabilityBoundingSet) > 0;
        uint64_t mask = capability_mask(c->s, D_SERVICE_CapabilityBoundingSet, ambient(c));

        /* Who is not root and gets no new privileges needs none to choose from. Only root can give them up; who is
         * not has nothing to give up. */
        if (c->privileged || !c->f->root || (!said && (becomes_root || !plan_no_new_privs(c, becomes_root))))
                return;
        if (mask != CAPABILITY_ALL)
                plan_add(c, &(struct step) { .op = PLAN_BOUNDING, .a = (int64_t) mask,
                                             .origin = spec_origin(c->s, D_SERVICE_CapabilityBoundingSet) });
}

void plan_sandbox_caps(struct compiler *c, bool becomes_root)
{
        if (has_securebits(c))
                plan_add(c, &(struct step) { .op = PLAN_SECUREBITS, .a = securebits_mask(c->s),
                                             .origin = spec_origin(c->s, D_SERVICE_SecureBits) });
        if (plan_keeps_caps(c))
                plan_add(c, &(struct step) { .op = PLAN_AMBIENT, .a = (int64_t) ambient(c), .b = !becomes_root,
                                             .origin = spec_origin(c->s, D_SERVICE_AmbientCapabilities) });
}
