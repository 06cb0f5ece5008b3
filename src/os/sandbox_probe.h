/* sandbox_probe.h - which parts of a sandbox (core/sandbox.h) this environment permits.
 *
 * Found out by trying each in a child process: rights, limits of namespaces, filters of a container and the kernel's
 * build all have a say, and no file tells them all. Asked once, when first needed, and
 * again while it could not be tried.
 * May be used by: daemon, ctl (doctor), tests.  May use: base, types of core. */
#ifndef OS_SANDBOX_PROBE_H
#define OS_SANDBOX_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/sandbox.h"

struct sandbox_probe {
        unsigned can;           /* as this process itself */
        unsigned can_by_user;   /* inside a user namespace made first, with only the own id in it */
        int user_error;         /* why there is no user namespace, errno; 0 = there is */
        int ids_error;          /* why no service can run as another user, errno; 0 = it can */
        bool mount_tree;        /* open_tree, move_mount, mount_setattr; without them the old mount() does the work */
        int landlock;           /* version of the interface, 0 = none */
        int failed;             /* it could not be tried for lack of something, errno: what is missing
                                 * above says nothing */
};

/* The answers; the first call asks. */
const struct sandbox_probe *sandbox_probe(void);

/* For people: row i, false beyond the last. "a mount namespace", whether it can be had, and a sentence that says how,
 * or why not and what to do. */
struct sandbox_row {
        const char *what;
        bool ok;
        char sentence[200];
};
bool sandbox_row(size_t i, struct sandbox_row *ret);

#endif
