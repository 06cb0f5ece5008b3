/* plan_sandbox.c - namespaces, mounts and rights of a service as steps. See plan_priv.h. Pure. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "core/capability.h"
#include "core/mounts.h"
#include "core/plan_priv.h"
#include "core/resolve.h"

static const struct origin nowhere = { "", 0 };

void plan_private_tmp(const char *mark, char buf[PLAN_PRIVATE_TMP_MAX])
{
        (void) snprintf(buf, PLAN_PRIVATE_TMP_MAX, "coppice-private-%.32s", mark ? mark : "");
}

/* --- what can be had ---------------------------------------------------------------------------------------------- */

static struct sandbox_choice choose(const struct spec *s, const struct plan_facts *f)
{
        struct sandbox_choice box = sandbox_choose(s, f->main_pid > 0 && f->fds.pids < 0, f->sandbox.can,
                                                   f->sandbox.can_by_user,
                                                   f->root && f->have_user && f->uid != f->daemon_uid);
        struct mounts m = { 0 };

        if (!(box.missing & SANDBOX_MOUNTS) || !(f->sandbox.can & SANDBOX_LANDLOCK) ||
            mounts_compile(s, f, box.parts, "", &m) < 0)
                return box;
        box.by_landlock = m.count > 0 && plan_landlock_can_mount(&m) && !*spec_str(s, D_SERVICE_RootDirectory);
        if (box.by_landlock)
                box.missing &= ~(unsigned) SANDBOX_MOUNTS;
        mounts_free(&m);
        return box;
}

unsigned plan_sandbox_missing(const struct spec *s, const struct plan_facts *f)
{
        return choose(s, f).missing;
}

static enum sandbox_part lowest(unsigned parts)
{
        return (enum sandbox_part) (parts & (~parts + 1));
}

static int refuse(const struct spec *s, enum sandbox_part part, bool root, struct err *err)
{
        enum directive d = sandbox_asked_by(s, part);
        struct origin o = spec_origin(s, d);
        int r = err_set(err, part >= SANDBOX_LANDLOCK ? STAGE_LANDLOCK : STAGE_NAMESPACE, EPERM,
                        "use %s for %s=: not permitted here", sandbox_part_name(part), directive_rows[d].key);

        if (part == SANDBOX_PROC && !root)
                err_hint(err, "add PrivatePIDs=yes, run the daemon as root, or write Isolation=best-effort");
        else if (part == SANDBOX_LANDLOCK || part == SANDBOX_LANDLOCK_TCP)
                err_hint(err, "the kernel has to be newer, with landlock in lsm=; or write Isolation=best-effort");
        else
                err_hint(err, root ? "give the daemon CAP_SYS_ADMIN, or write Isolation=best-effort"
                                   : "run the daemon as root, allow user namespaces, or write Isolation=best-effort");
        err_where(err, o.file, o.line);
        return r;
}

int plan_sandbox_begin(struct compiler *c, struct err *err)
{
        if (c->privileged)
                return 0;
        c->box = choose(c->s, c->f);
        if (c->box.missing && !c->f->sandbox.best_effort)
                return refuse(c->s, lowest(c->box.missing), c->f->root, err);
        return 0;
}

/* --- the file system ---------------------------------------------------------------------------------------------- */

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

void plan_private(struct compiler *c, enum directive d, enum stage stage, const char *root)
{
        autobuf struct buf text = BUF_INIT;

        buf_addf(&text, "%s%cprivate", root, 0);
        plan_add(c, &(struct step) { .op = PLAN_DIRECTORY, .stage = stage, .a = 0700, .b = 0, .c = 0,
                                     .origin = spec_origin(c->s, d), .text = text.data, .len = text.len + 1 });
        c->failed |= buf_failed(&text);
}

void plan_private_link(struct compiler *c, enum stage stage, const char *root, const char *name, struct origin origin)
{
        autobuf struct buf text = BUF_INIT;

        buf_addf(&text, "%s/%s%c", root, name, 0);
        for (const char *p = name; *p; p++) /* the way up from a name of several parts */
                if (*p == '/')
                        buf_adds(&text, "../");
        buf_addf(&text, "private/%s", name);
        plan_add(c, &(struct step) { .op = PLAN_LINK, .stage = stage, .origin = origin, .text = text.data,
                                     .len = text.len + 1 });
        c->failed |= buf_failed(&text);
}

void plan_sandbox_directories(struct compiler *c)
{
        static const char *const bases[] = { "/tmp", "/var/tmp" };
        char name[PLAN_PRIVATE_TMP_MAX];

        plan_creds_directory(c);
        if (!(c->box.parts & SANDBOX_MOUNTS) || spec_private_tmp(c->s) != PRIVATE_TMP_YES)
                return;
        plan_private_tmp(c->f->mark, name);
        for (size_t i = 0; i < 2; i++) {
                /* Nobody but the service gets past the outer one, so the inner one can be open to all. */
                add_directory(c, bases[i], name, "", 0700);
                add_directory(c, bases[i], name, "/tmp", 01777);
        }
}

/* Mounts go on to the machine at no time; those of the service may go on within it, once all is in place. */
static int64_t shared(const struct spec *s)
{
        return spec_int(s, D_SERVICE_MountFlags) == MOUNT_FLAGS_SHARED ? MS_SHARED : 0;
}

static void add_mounts(struct compiler *c, const struct mounts *m)
{
        for (size_t i = 0; i < m->count; i++) {
                const struct mount_op *op = &m->ops[i];

                plan_add(c, &(struct step) { .op = PLAN_MOUNT, .flags = op->flags, .origin = op->origin,
                                             .a = op->kind, .b = op->set, .c = op->clear,
                                             .text = m->texts.data + op->text, .len = op->len });
        }
        plan_add(c, &(struct step) { .op = PLAN_SEAL, .origin = nowhere, .a = shared(c->s) });
}

bool plan_pivots(const struct compiler *c)
{
        return (c->box.parts & SANDBOX_MOUNTS) && *spec_str(c->s, D_SERVICE_RootDirectory);
}

static int add_file_system(struct compiler *c, struct err *err)
{
        char name[PLAN_PRIVATE_TMP_MAX];
        struct mounts m = { 0 };
        int r;

        plan_private_tmp(c->f->mark, name);
        r = mounts_compile(c->s, c->f, c->box.parts, name, &m);
        if (r == -E2BIG)
                return err_set(err, STAGE_NAMESPACE, E2BIG, "arrange the mounts: there are more than %d",
                               PLAN_MOUNTS_MAX);
        if (r < 0)
                return r;
        add_mounts(c, &m);
        mounts_free(&m);
        return 0;
}

/* TemporaryFileSystem=/ comes first of all mounts, and before the processes, which could be a way to the old root. */
static int add_empty_root(struct compiler *c, struct err *err)
{
        char name[PLAN_PRIVATE_TMP_MAX];
        struct mounts m = { 0 };
        int r;

        if (!(c->box.parts & SANDBOX_MOUNTS) || !mounts_empty_root(c->s))
                return 0;
        if (plan_pivots(c)) {
                r = err_set(err, STAGE_NAMESPACE, EINVAL,
                            "mount an empty file system on /: RootDirectory= is the root");
                err_hint(err, "take RootDirectory= out, or TemporaryFileSystem=/");
                return r;
        }
        plan_private_tmp(c->f->mark, name);
        r = mounts_compile(c->s, c->f, c->box.parts, name, &m);
        if (r == 0) {
                autobuf struct buf text = BUF_INIT;
                const char *path = m.texts.data + m.ops[0].text, *options = path + strlen(path) + 1;

                buf_add(&text, PLAN_EMPTY_ROOT, sizeof(PLAN_EMPTY_ROOT));
                buf_add(&text, options, strlen(options) + 1);
                if (buf_failed(&text))
                        r = -ENOMEM;
                else
                        plan_add(c, &(struct step) { .op = PLAN_ROOT, .origin = m.ops[0].origin, .text = text.data,
                                                     .len = text.len,
                                                     .b = m.ops[0].set & ~(int64_t) PLAN_ATTR_RDONLY });
        }
        mounts_free(&m);
        return r == -E2BIG ? 0 : r; /* add_file_system() tells */
}

/* --- namespaces --------------------------------------------------------------------------------------------------- */

void plan_sandbox_user_first(struct compiler *c)
{
        if (c->box.by_user)
                plan_add(c, &(struct step) { .op = PLAN_USERNS, .a = -1, .b = -1,
                                             .origin = spec_origin(c->s,
                                                                   sandbox_asked_by(c->s, lowest(c->box.parts))) });
}

bool plan_sandbox_joins(const struct compiler *c)
{
        return c->box.parts & SANDBOX_PIDS && !c->box.by_user && c->f->fds.pids >= 0;
}

void plan_sandbox_enter(struct compiler *c)
{
        if (plan_sandbox_joins(c))
                plan_add(c, &(struct step) { .op = PLAN_ENTER, .a = c->f->fds.pids,
                                             .origin = spec_origin(c->s, D_SERVICE_PrivatePIDs) });
}

void plan_sandbox_user_last(struct compiler *c, bool becomes_root)
{
        const struct plan_facts *f = c->f;
        bool other = f->have_user && !becomes_root;

        if (c->box.parts & SANDBOX_USERS && !c->box.by_user)
                plan_add(c, &(struct step) { .op = PLAN_USERNS, .a = other ? (int64_t) f->uid : 0,
                                             .b = other ? (int64_t) f->gid : 0, .c = 1,
                                             .origin = spec_origin(c->s, D_SERVICE_PrivateUsers) });
}

/* ProtectHostname= forbids the calls; where a namespace can be had, the machine's name has
 * nothing to do with ours either. */
static bool own_host_name(const struct compiler *c)
{
        unsigned can = c->box.by_user ? c->f->sandbox.can_by_user : c->f->sandbox.can;

        return !c->privileged && spec_int(c->s, D_SERVICE_ProtectHostname) > 0 && can & SANDBOX_IPC;
}

int plan_sandbox_namespaces(struct compiler *c, struct err *err)
{
        unsigned parts = c->box.parts;
        int64_t flags = (parts & SANDBOX_MOUNTS ? CLONE_NEWNS : 0) | (parts & SANDBOX_NET ? CLONE_NEWNET : 0) |
                        (parts & SANDBOX_IPC ? CLONE_NEWIPC : 0) |
                        (parts & SANDBOX_PIDS && !plan_sandbox_joins(c) ? CLONE_NEWPID : 0) |
                        (own_host_name(c) ? CLONE_NEWUTS : 0);
        int64_t from = spec_int(c->s, D_SERVICE_MountFlags) == MOUNT_FLAGS_PRIVATE ? MS_PRIVATE : MS_SLAVE;
        enum directive asked = D_SERVICE_ProtectHostname;
        int r;

        if (!flags)
                return 0;
        if (parts & ~(unsigned) (SANDBOX_USERS | SANDBOX_LANDLOCK | SANDBOX_LANDLOCK_TCP))
                asked = sandbox_asked_by(c->s,
                                         lowest(parts & ~(unsigned) (SANDBOX_USERS | SANDBOX_LANDLOCK |
                                                                     SANDBOX_LANDLOCK_TCP)));
        plan_add(c, &(struct step) { .op = PLAN_NAMESPACES, .a = flags, .b = from,
                                     .origin = spec_origin(c->s, asked) });
        if (plan_pivots(c)) /* before the processes, which could else be a way to the old one */
                plan_add_text(c, PLAN_ROOT, spec_origin(c->s, D_SERVICE_RootDirectory),
                              spec_str(c->s, D_SERVICE_RootDirectory));
        r = add_empty_root(c, err);
        if (r < 0)
                return r;
        if (parts & SANDBOX_PIDS)
                plan_add(c, &(struct step) { .op = PLAN_PIDS, .a = plan_sandbox_joins(c),
                                             .origin = spec_origin(c->s, D_SERVICE_PrivatePIDs) });
        return parts & SANDBOX_MOUNTS ? add_file_system(c, err) : 0;
}

/* --- rights ------------------------------------------------------------------------------------------------------- */

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

/* What other directives take away. */
static uint64_t taken(const struct spec *s)
{
        static const struct { enum directive d; const char *caps[3]; } rows[] = {
                { D_SERVICE_PrivateDevices, { "CAP_MKNOD", "CAP_SYS_RAWIO" } },
                { D_SERVICE_ProtectClock, { "CAP_SYS_TIME", "CAP_WAKE_ALARM" } },
                { D_SERVICE_ProtectKernelModules, { "CAP_SYS_MODULE" } },
                { D_SERVICE_ProtectKernelLogs, { "CAP_SYSLOG" } },
        };
        uint64_t mask = 0;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                for (size_t k = 0; spec_int(s, rows[i].d) && rows[i].caps[k]; k++)
                        mask |= UINT64_C(1) << capability_number(rows[i].caps[k]);
        return mask;
}

void plan_sandbox_bounding(struct compiler *c, bool becomes_root)
{
        bool said = spec_count(c->s, D_SERVICE_CapabilityBoundingSet) > 0;
        /* Who is not root and gets no new privileges needs none to choose from. */
        bool none = !said && !becomes_root && plan_no_new_privs(c, becomes_root);
        uint64_t mask = capability_mask(c->s, D_SERVICE_CapabilityBoundingSet, none ? ambient(c) : CAPABILITY_ALL);

        mask &= ~taken(c->s);
        if (c->privileged || mask == CAPABILITY_ALL)
                return;
        /* Only root can give them up; who is not has nothing to give up, unless his programs may gain some: then the
         * kernel's refusal is what has to be told. */
        if (!(c->f->root || c->box.by_user) && (!said || plan_no_new_privs(c, becomes_root)))
                return;
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
