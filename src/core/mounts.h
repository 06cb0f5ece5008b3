/* mounts.h - what a service sees of the file system: all that a unit says about it, as one sorted list of mounts.
 *
 * Rules, systemd's: of two paths the longer one decides; of two words about one path hiding wins over showing something
 * else, that over attributes, read-only over writable, not executable over executable; below a hidden path nothing
 * else counts; read-only does not reach into something new (BindPaths=, PrivateTmp=, TemporaryFileSystem=), "not
 * executable" does. What changes nothing is left out. Pure. Used by: plan_sandbox.c, its tests.  Uses: spec. */
#ifndef CORE_MOUNTS_H
#define CORE_MOUNTS_H

#include "base/buf.h"
#include "base/plan.h"
#include "core/plan.h"

struct mount_op {
        enum plan_mount kind;
        unsigned flags;              /* PLAN_MOUNT_* */
        int64_t set, clear;          /* attributes */
        struct origin origin;        /* of the line that asked for it */
        uint32_t text, len;          /* in mounts.texts: path, source or options, as the MOUNT step has it */
};

struct mounts {
        struct mount_op *ops;        /* owned, parents before children */
        size_t count;
        struct buf texts;
};

/* Without one of these rows (directives_sandbox.def) a unit asks for no sandbox, not only for no mounts. */
#define SANDBOX_FIRST D_SERVICE_DynamicUser
#define SANDBOX_LAST  D_SERVICE_SetCredential

/* Does the unit ask for a mount namespace at all? And for an empty root, by TemporaryFileSystem=/? */
bool mounts_wanted(const struct spec *s);
bool mounts_empty_root(const struct spec *s);

/* Credentials: are there any, and the directory they are in: $CREDENTIALS_DIRECTORY. plan_creds.c */
bool creds_wanted(const struct spec *s);
void creds_path(const struct spec *s, const struct plan_facts *f, struct buf *out);

/* 0; -ENOMEM; -E2BIG for more than PLAN_MOUNTS_MAX. `parts` is what it gets of its sandbox; `private_tmp` is the name
 * of the directory below /tmp and /var/tmp for PrivateTmp=yes. */
int mounts_compile(const struct spec *s, const struct plan_facts *f, unsigned parts, const char *private_tmp,
                   struct mounts *ret);
void mounts_free(struct mounts *m);

#endif
