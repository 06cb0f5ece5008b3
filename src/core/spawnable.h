/* spawnable.h - what a service may spawn, and with which rights (see SECURITY.md, "What a service may spawn").
 *
 * Two ways, and AllowSpawn= of the supervisor that the child comes below must name the one that is used:
 *
 *   a template   the unit file says what runs and as whom; the spawner chooses the instance's name and nothing else
 *   a command    any command, under the spec of the spawner itself: its user, groups, capabilities, filter, sandbox and
 *                limits. Properties may bound it further, never less (spawnable.def).
 *
 * A program that runs as root may have given up rights since it was started, which nobody can know who only has its
 * unit: what it spawns would have them again. So a command of such a service needs the word root-command. Pure. Used
 * by: transient.c, daemon. Tested by: tests/unit/spawnin.c */
#ifndef CORE_SPAWNABLE_H
#define CORE_SPAWNABLE_H

#include "base/buf.h"
#include "core/spec.h"

struct err;

/* Does AllowSpawn= of this supervisor name it: a word, or the template of an instance ("worker@7.service")? */
bool spawnable_word(const struct spec *supervisor, const char *word);
bool spawnable_unit(const struct spec *supervisor, const char *unit);

/* The lines of [Service] that a child has from its spawner's spec, without those of single
 * values that it says itself. */
typedef bool spawnable_said_fn(void *arg, const char *key);
void spawnable_lines(const struct spec *spawner, spawnable_said_fn *said, void *arg, struct buf *out);

/* May a spawner ask for "Key=value"? -EPERM with the sentence. */
int spawnable_property(const char *property, struct err *err);

/* Is the child bound by all that bounds its spawner? -EPERM with the sentence. */
int spawnable_check(const struct spec *spawner, const struct spec *child, struct err *err);

#endif
