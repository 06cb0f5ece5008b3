/* plan_priv.h - what the files that compile a plan share.
 *
 *      plan.c           the order of steps; everything but the following
 *      plan_streams.c   descriptors
 *      plan_env.c       environment and $VARIABLES
 *      plan_sandbox.c   namespaces, mounts, capabilities
 *      plan_explain.c   bytes back into words
 */
#ifndef CORE_PLAN_PRIV_H
#define CORE_PLAN_PRIV_H

#include "core/plan.h"
#include "core/sandbox.h"

struct compiler {
        const struct spec *s;
        const struct plan_facts *f;
        struct buf *out;
        char file[256];            /* of the last FILE step */
        uint32_t steps;
        bool privileged;           /* "+": ids, capabilities and no_new_privs are left alone */
        bool keep_ids;             /* "+" or "!" */
        bool failed;               /* out of memory */
        struct sandbox_choice box; /* nothing for "+" */
};

struct step {
        enum plan_op op;
        enum stage stage;          /* STAGE_NONE = that of the table */
        unsigned flags;
        struct origin origin;
        int64_t a, b, c;
        const void *text;
        size_t len;
};

/* Append a step; its text is copied. Without memory the whole compilation has failed. */
void plan_add(struct compiler *c, const struct step *s);

/* A step with one string. */
void plan_add_text(struct compiler *c, enum plan_op op, struct origin origin, const char *text);

/* OPEN and PLACE. -EINVAL when NotifyFd= and stored descriptors want one number. */
int plan_streams(struct compiler *c, struct err *err);

/* The sandbox, in the order the plan has it. A "+" command gets none of it. */
int plan_sandbox_begin(struct compiler *c, struct err *err); /* -EPERM for what cannot be had */
void plan_sandbox_user_first(struct compiler *c);            /* who is not root: the way to all else */
bool plan_sandbox_joins(const struct compiler *c);           /* a control command, the main process's namespace */
void plan_sandbox_enter(struct compiler *c);                 /* ... while its descriptor is at hand */
void plan_sandbox_directories(struct compiler *c);
/* DynamicUser=: the directory `private` below root, which only root can enter; a link to what is in it, in its old
 * place. */
void plan_private(struct compiler *c, enum directive d, enum stage stage, const char *root);
void plan_private_link(struct compiler *c, enum stage stage, const char *root, const char *name, struct origin origin);
bool plan_pivots(const struct compiler *c);                  /* RootDirectory= comes with the mounts */
void plan_sandbox_user_last(struct compiler *c, bool becomes_root); /* PrivateUsers= */
int plan_sandbox_namespaces(struct compiler *c, struct err *err); /* -ENOMEM, or err is filled */
void plan_sandbox_bounding(struct compiler *c, bool becomes_root);
bool plan_keeps_caps(const struct compiler *c);    /* over the change of uid */
void plan_sandbox_caps(struct compiler *c, bool becomes_root);
int plan_creds_open(struct compiler *c, struct err *err); /* plan_creds.c */
void plan_creds_directory(struct compiler *c);
void plan_creds_fill(struct compiler *c);
bool plan_landlocks(const struct compiler *c);     /* which needs no_new_privs or CAP_SYS_ADMIN */
int plan_landlock(struct compiler *c);             /* plan_landlock.c */
struct mounts;
bool plan_landlock_can_mount(const struct mounts *m); /* can Landlock stand in for these? */
bool plan_no_new_privs(const struct compiler *c, bool becomes_root);

/* The descriptor number of the mailbox in the program ($COPPICE_MAILBOX): the first free one behind the stored ones. */
int plan_mailbox_target(const struct compiler *c);

/* The environment as a row of NAME=VALUE texts, UnsetEnvironment= applied. */
int plan_environment(const struct compiler *c, struct buf *env, struct err *err);
bool plan_env_unset(const struct spec *s, const char *name); /* UnsetEnvironment= names it */

#endif
