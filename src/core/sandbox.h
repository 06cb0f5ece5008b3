/* sandbox.h - which parts of a sandbox a unit needs, and which of them it can have here. Pure.
 * Used by: plan, daemon, os (the names of the parts).  Uses: spec. */
#ifndef CORE_SANDBOX_H
#define CORE_SANDBOX_H

#include "core/spec.h"

enum sandbox_part {
        SANDBOX_MOUNTS = 1,     /* a mount namespace, and to arrange it */
        SANDBOX_NET = 2,
        SANDBOX_IPC = 4,
        SANDBOX_PIDS = 8,
        SANDBOX_USERS = 16,
        SANDBOX_PROC = 32,      /* an instance of /proc that shows less */
        SANDBOX_LANDLOCK = 64,  /* with the right to truncate: version 3 */
        SANDBOX_LANDLOCK_TCP = 128, /* version 4 */
};
#define SANDBOX_PARTS 8
#define SANDBOX_ALL ((1U << SANDBOX_PARTS) - 1)

struct sandbox_choice {
        unsigned parts;         /* what it gets */
        unsigned missing;       /* what it asks for and cannot have */
        bool by_landlock;       /* Landlock stands in for the mounts */
        bool by_user;           /* by way of a user namespace made first: who is not root becomes it inside */
};

/* What the unit asks for. `outside`: a control command that needs the number of the main process, and cannot enter its
 * process namespace: it gets none. */
unsigned sandbox_needs(const struct spec *s, bool outside);

/* `can` as the process itself, `can_by_user` inside a user namespace in which only its own id is mapped, which is no
 * way out when the service shall `change_user`. */
struct sandbox_choice sandbox_choose(const struct spec *s, bool outside, unsigned can, unsigned can_by_user,
                                      bool change_user);

/* The directive of the unit that asks for a part; and the part in words: "a mount namespace". */
enum directive sandbox_asked_by(const struct spec *s, enum sandbox_part part);
const char *sandbox_part_name(enum sandbox_part part);

#endif
