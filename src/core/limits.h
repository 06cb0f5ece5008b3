/* limits.h - what a unit says about the resources of its group, as numbers. Pure.
 *
 * The directives are in directives_resource.def, here are their values with shares of the machine worked out and
 * defaults that depend on other values filled in. os/limits.h makes them true.
 * Used by: os, daemon, ctl, tests.  Uses: spec.h. */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

#include "core/spec.h"

/* What the kernel calls the part that enforces a limit; the same words in v1 and v2 but for io and blkio. */
enum controller { CTL_MEMORY, CTL_CPU, CTL_CPUSET, CTL_PIDS, CTL_IO, CTL_DEVICES, CTL_CPUACCT, CTL_COUNT };
extern const struct strtab controller_names; /* "memory", "cpu", ... */
#define CTL_BIT(c) (1U << (c))

enum limit {
#define LIMIT(id, key, controller) LIMIT_##id,
#include "core/limits.def"
#undef LIMIT
        LIMIT_COUNT
};
#define LIMIT_BIT(l) (1U << (l))

/* What shares are shares of. */
struct limit_facts {
        int64_t memory; /* bytes the machine has */
        int64_t tasks;  /* processes and threads the system allows */
};

struct limits {
        uint32_t said;     /* bits: the unit says so */
        uint32_t implied;  /* bits: a default, to be had where it can be had */
        int64_t value[LIMIT_COUNT]; /* of those: bytes, tasks, microseconds; INT64_MAX = no limit */
        int64_t period_usec;        /* of CPU_QUOTA, whose value is microseconds in each period */
        const struct spec *spec;    /* borrowed: for what is a list */
};

/* The directive of a limit in this kind of unit. */
enum directive limit_directive(enum limit l, enum node_kind kind);
enum controller limit_controller(enum limit l);

/* Does the unit say anything that needs limits_read()? Cheap; false for most. A service that says nothing has
 * TasksMax=512 all the same. */
bool limits_any(const struct spec *s);

/* Everything a unit says about limits; s is borrowed by *ret. */
void limits_read(const struct spec *s, const struct limit_facts *facts, struct limits *ret);

/* Bits of the controllers that these limits (LIMIT_BIT) need. */
unsigned limits_controllers(uint32_t which);

/* Delegate=: is the group the service's own, and which controllers (CTL_BIT) shall be in it? */
bool spec_delegates(const struct spec *s);
unsigned spec_delegated(const struct spec *s);

/* OOMPolicy=: unset means stop, but continue with Delegate= and in a supervisor. */
enum oom_policy spec_oom_policy(const struct spec *s);

/* The directive and its value as one would write it, "MemoryMax=512M", into buf[n]. Returns buf. */
char *limit_text(const struct limits *l, enum limit which, char *buf, size_t n);

#endif
