/* filter.h - what a unit's filter of system calls allows, worked out call by call.
 *
 * SystemCallFilter=, SystemCallErrorNumber=, SystemCallArchitectures=, SystemCallLog=, the Restrict...= settings and
 * those Protect...= settings that are filters underneath (filter_denies.def) become one struct filter: for every call
 * that has a name, what happens to it, and which calls have their arguments looked at. os/seccomp.h makes a program of
 * it. Pure. Used by: plan, validate, os/seccomp, daemon, ctl.  Tested by: tests/unit/filter.c */
#ifndef CORE_FILTER_H
#define CORE_FILTER_H

#include "base/buf.h"
#include "core/spec.h"
#include "core/syscalls.h"

/* What happens to a call: 0 to 4095 is the errno it answers, or one of these. */
enum {
        FILTER_ALLOW = -1,
        FILTER_KILL = -2,   /* the process ends, and people are told which call it was */
        FILTER_LOG = -3,    /* allowed, and written to the kernel's audit log */
        FILTER_LEARN = -4,  /* allowed, and noted: SystemCallFilterMode=learn */
        FILTER_END = -5,    /* the process ends, and nobody is told which call it was */
};

enum filter_arch { FILTER_ARCH_NATIVE, FILTER_ARCH_X86, FILTER_ARCH_X86_64, FILTER_ARCH_X32, FILTER_ARCH_ARM,
                   FILTER_ARCH_ARM64, FILTER_ARCH_COUNT };
extern const struct strtab filter_arch_names;
enum filter_mode { FILTER_MODE_ENFORCE, FILTER_MODE_LEARN };

struct filter {
        int16_t call[SYSCALLS_MAX];    /* by index of syscalls.h */
        int16_t unknown;               /* calls without a name: newer than we are */
        bool archs_said, archs_implied; /* implied (and said): who lists calls means those of the native kind */
        uint32_t archs;                /* 1 << FILTER_ARCH_*; when archs_said, all others end the process: */
        int16_t stranger;              /* FILTER_KILL; FILTER_END where nobody else has to be told of anything, so that
                                        * a start that answers with errors does not pay for a listener */
        bool families_said, families_others; /* families_others: those above 63 are allowed */
        uint64_t families;             /* 1 << AF_*: may be asked of socket() */
        uint64_t namespaces;           /* CLONE_NEW*: may not be made or entered; 0 = all may */
        bool realtime, suid_sgid, write_execute, personality; /* denied */
};

/* True and *ret when the unit asks for anything of the kind, false when there is nothing to install. */
bool filter_of(const struct spec *s, struct filter *ret);

/* The same, as if SystemCallFilterMode=enforce were said. */
bool filter_enforced(const struct spec *s, struct filter *ret);

/* The settings it is made of, one after another, for an *at that begins with 0; false beyond the last. And: is the
 * filter all that such a setting does? */
bool filter_source(const struct spec *s, size_t *at, enum directive *ret);
bool filter_is_all_of(enum directive d);

/* The same settings as text, one a line: equal texts, equal filters. Appends nothing when there are none. */
void filter_key(const struct spec *s, struct buf *out);

/* The same as words for explain: "allow @system-service, kill the process for others; ...". */
void filter_words(const struct spec *s, struct buf *out);

/* Does any of its verdicts end the process, or learn? Then somebody must be told of it. */
bool filter_tells(const struct filter *f);

/* Where the filter was asked for: the line that a failure to install it names. */
struct origin filter_origin(const struct spec *s);

/* "EPERM", "1" -> 1; "kill" -> FILTER_KILL; -EINVAL. */
int filter_errno(const char *text);

/* AF_*, CLONE_NEW* by name; -1, 0 when unknown. */
int filter_family(const char *name);
uint64_t filter_namespace(const char *name);

/* The forms of directives_seccomp.def: one item checked and appended in its normal form; 0, or -EINVAL and *ret_what,
 * *ret_hint (hint[160]) for the message. */
int filter_item(const char *form, const char *text, struct buf *out, const char **ret_what, char *hint, size_t n);

#endif
