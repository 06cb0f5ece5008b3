/* plan.h - the plan: how a spec becomes a running process, as a flat string of bytes.
 *
 * core/plan.c writes it, coppicectl explain prints it, the freshly forked child (child/walk.c) performs it: one
 * description, so what is explained is what is done. plan_steps.def lists the operations.
 *
 * Layout: struct plan_head, then `steps` times { struct plan_step, text, zeros up to a multiple of 8 }.
 * Integers are in host order: a plan never leaves the machine. The readers below check every bound, so damaged
 * bytes end the walk with -EBADMSG and nothing else.
 *
 * May be used by: core, child, init, os, daemon, ctl, tests.  May use: base. */
#ifndef BASE_PLAN_H
#define BASE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum plan_op {
#define STEP(id, name, stage, text) PLAN_##id,
#include "base/plan_steps.def"
#undef STEP
        PLAN_OP_COUNT
};

struct plan_row {
        const char *name;   /* "LIMIT", stable: in the JSON of explain */
        enum stage stage;   /* what a failure is reported as, unless the step says otherwise */
        const char *text;   /* the sentence of explain; see plan_steps.def */
};
extern const struct plan_row plan_rows[PLAN_OP_COUNT];

#define PLAN_MAGIC   UINT32_C(0x314c5043) /* "CPL1" */
#define PLAN_MAX     (4U << 20)           /* no plan is larger: the kernel takes at most 2 MiB of arguments */
#define PLAN_FD_SLOTS 8                   /* files a plan may open for descriptors of the program */

struct plan_head {
        uint32_t magic;
        uint32_t size;      /* of everything */
        uint32_t steps;
        uint32_t pad;
};

struct plan_step {
        uint32_t size;      /* of this struct, its text and the padding */
        uint32_t text_len;  /* bytes of text; its strings each end with NUL */
        uint16_t op;        /* enum plan_op */
        uint16_t stage;     /* enum stage */
        uint16_t flags;     /* of the op, below */
        uint16_t pad;
        uint32_t line;      /* line of the unit file named by the last FILE step; 0 = none */
        uint32_t pad2;
        int64_t a, b, c;
};

/* Flags of OPEN, CHDIR, EXEC. */
enum {
        PLAN_OPEN_TTY = 1,      /* make it the controlling terminal */
        PLAN_OPTIONAL = 1,      /* CHDIR: a missing directory is no failure, / is taken instead */
        PLAN_SEARCH = 1,        /* EXEC: look the name up in the fixed path */
        PLAN_OWN_ALL = 1,       /* DIRECTORY: when its owner has to change, then that of all below it as well */
        PLAN_KEEP_CAPS = 1,     /* UID: keep the permitted capabilities until AMBIENT */
};

/* NAMESPACES: a is made of CLONE_NEW*, b of MS_SLAVE, MS_PRIVATE or MS_SHARED: where mounts go from and to.
 *
 * MOUNT: a = enum plan_mount, b = attributes it gets, c = access mode of a new file system; text: the path, what it is
 * made from (a path, or options of the file system). The list comes sorted, a directory before what is below it;
 * everything that is to be seen again behind something new is taken hold of before the first is performed. SEAL
 * follows the last one.
 *
 * ENTER: a = index of the descriptor of a process namespace, for whom PIDS forks. PIDS: a = 1 after ENTER; else in the
 * namespace that NAMESPACES has made.
 *
 * USERNS: a = uid, b = gid, c = 1 when root's ids are mapped too, which takes a helper outside. ROOT comes before the
 * first MOUNT, whose paths are then inside it; text: a directory, or PLAN_EMPTY_ROOT and the options of a
 * new file system, b its attributes. The MOUNT of that, on "/", has nothing left to do then. */
#define PLAN_EMPTY_ROOT "an empty file system in memory"
enum plan_mount {
        PLAN_MOUNT_KEEP,        /* what is there, with these attributes */
        PLAN_MOUNT_BIND,        /* another path, with what is mounted below it */
        PLAN_MOUNT_BIND_ONE,    /* another path without that */
        PLAN_MOUNT_TMPFS,       /* a new, empty file system */
        PLAN_MOUNT_FS,          /* another new one; text: path, its type, options */
        PLAN_MOUNT_LINK,        /* no mount: a symbolic link, in something new */
        PLAN_MOUNT_HIDE,        /* nothing anybody can open; text: path, stand-in for a directory, for a file */
        PLAN_MOUNT_COUNT
};
enum { /* attributes, in the numbers of mount_setattr(2) */
        PLAN_ATTR_RDONLY = 1, PLAN_ATTR_NOSUID = 2, PLAN_ATTR_NODEV = 4, PLAN_ATTR_NOEXEC = 8,
        /* of TMPFS only, in the numbers of mount(2) */
        PLAN_TMPFS_NOSYMFOLLOW = 1 << 8, PLAN_TMPFS_NOATIME = 1 << 10, PLAN_TMPFS_NODIRATIME = 1 << 11,
        PLAN_TMPFS_RELATIME = 1 << 21, PLAN_TMPFS_STRICTATIME = 1 << 24,
};
enum { /* flags of MOUNT */
        PLAN_MOUNT_OPTIONAL = 1, /* skip it when the path (or the source) is missing */
        PLAN_MOUNT_MAKE = 2,     /* make the mount point when it is missing */
        PLAN_MOUNT_NO_LINK = 8,  /* skip it when the path is a symbolic link */
        PLAN_MOUNT_INNER = 4,    /* below something new: look at the path when its turn comes, not before */
};
#define PLAN_INNER_PID 2 /* the number of the program in a process namespace of PIDS: the first is its small init */
#define PLAN_MOUNTS_MAX 512
#define PLAN_CREDENTIALS_MAX 128

/* Rights of LANDLOCK (a: of files, b: of ports) and ALLOW (a), in the kernel's numbers. */
enum {
        PLAN_LL_EXECUTE = 1 << 0, PLAN_LL_WRITE_FILE = 1 << 1, PLAN_LL_READ_FILE = 1 << 2, PLAN_LL_READ_DIR = 1 << 3,
        PLAN_LL_TRUNCATE = 1 << 14,
        PLAN_LL_WRITE = PLAN_LL_WRITE_FILE | 0x3ff0 | PLAN_LL_TRUNCATE, /* and what makes and removes names */
        PLAN_LL_OF_FILES = PLAN_LL_EXECUTE | PLAN_LL_WRITE_FILE | PLAN_LL_READ_FILE | PLAN_LL_TRUNCATE,
        PLAN_LL_BIND_TCP = 1 << 0, PLAN_LL_CONNECT_TCP = 1 << 1,
};

/* PLACE: text is a list of these, at most 1,024. */
struct plan_place {
        int32_t target;         /* descriptor number in the program */
        int32_t source;         /* >= 0: index of a received descriptor; PLAN_SOURCE_SLOT(n), PLAN_SOURCE_OWN(n) */
};
#define PLAN_SOURCE_SLOT(n) (-1 - (n))   /* what OPEN step opened into slot n */
#define PLAN_SOURCE_OWN(n)  (-100 - (n)) /* descriptor n (0 to 2) of the daemon itself */

/* SECCOMP: text is c bytes of program (struct sock_filter after struct sock_filter; 0 in a plan that is only
 * explained), then words for people. a: flags of seccomp(2), SECCOMP_FILTER_FLAG_*; b: the gate (os/seccomp.h). */

/* Walking: start with plan_open(), then plan_next() until it returns 0. */
struct plan_iter {
        const char *bytes;      /* borrowed, aligned to 8 */
        size_t size, at;
        uint32_t left;
        uint32_t index;         /* of the step last returned, from 0 */
};

/* 0, or -EBADMSG when the head is not that of a plan of `size` bytes. */
int plan_open(struct plan_iter *it, const void *bytes, size_t size);

/* 1 and the next step with its text (borrowed), 0 at the end, -EBADMSG for damaged bytes. Async-signal-safe. */
int plan_next(struct plan_iter *it, const struct plan_step **ret_step, const char **ret_text);

/* The next string of a text of `len` bytes, *at moves behind it; NULL at the end or for one without its NUL. */
const char *plan_string(const char *text, size_t len, size_t *at);

/* Names of the resources of LIMIT: "NOFILE"; "?" when unknown. */
const char *plan_limit_name(int resource);

/* Where a program named without a slash is looked for, also $PATH of every service. */
#define PLAN_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#endif
