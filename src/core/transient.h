/* transient.h - a service made of a command and properties instead of a file, for `run` and `spawn`.
 *
 * A property is one assignment, "Key=value", as a line of a unit file; it goes to [Service] or [Unit], whichever has
 * the key, and to the same parser: nothing is known here that a file could not say, and nothing is missing.
 * Pure. Used by: daemon.  Tested by: tests/unit/unit_text.c */
#ifndef CORE_TRANSIENT_H
#define CORE_TRANSIENT_H

#include "core/unit_text.h"

enum { TRANSIENT_PROPERTIES_MAX = 512 };

struct transient_unit {
        const char *name;                 /* "run-1.service" */
        const char *const *command;       /* command[0] is the program and argv[0]; none when a
                                           * property says ExecStart= */
        size_t argc;
        const char *const *properties;
        size_t count;
        const struct spec *spawner;       /* a service that has it spawned: its child is no less bound
                                           * (spawnable.h); or NULL */
};

/* Type=exec and Restart=temporary unless a property says otherwise. Words of the command are taken literally: no
 * variable, no specifier. 0 and a spec with one reference; -EINVAL: the first mistake is in err, which names the
 * property by its position and text ("property 2 (MemoryMax=lots)"); -EPERM: not a spawner's to ask for; -ENOMEM.
 * Remarks that are no errors go to `report`. */
int transient_parse(const struct transient_unit *t, const struct unit_host *host, diag_fn *report, void *arg,
                    struct spec **ret, struct err *err);

#endif
