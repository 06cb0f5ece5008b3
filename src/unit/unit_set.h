/* unit_set.h - the unit files on disk: where they are looked for, how they are read safely, the tree they make.
 *
 * Search path (DESIGN 6), the first place that has a name wins: /etc/coppice, /run/coppice/units,
 * /usr/local/lib/coppice/units, /usr/lib/coppice/units; without privileges $XDG_CONFIG_HOME/coppice,
 * $XDG_RUNTIME_DIR/coppice/units, $XDG_DATA_HOME/coppice/units, then /etc/coppice/user and
 * /usr/lib/coppice/user; --units DIR (any number) replaces it.
 * A directory is *foreign* when its path ends in systemd/system or systemd/user. Units in a foreign directory of
 * the path, and in systemd's own directories, are known but only run when a Children= lists them or they are
 * started by hand. emergency.service never starts by itself either.
 *
 * Safety (FAILURES H8, H9, H11): only regular files of at most 256 KiB are read, opened without blocking; links
 * are followed (also out of the directory: that is how `systemctl link` works) but never through /proc's magic
 * links, and it is the file at the end that must pass. A link to /dev/null, or an empty file, masks the name in
 * later directories. When the daemon is root a file or directory that somebody else could write is refused.
 *
 * May be used by: daemon, sim, ctl, tests.  May use: core, base. */
#ifndef UNIT_UNIT_SET_H
#define UNIT_UNIT_SET_H

#include "core/unit_text.h"
#include "core/unit_tree.h"

/* --- where to look ------------------------------------------------------------------------------------------ */

struct unit_paths; /* directories and what the specifiers stand for; immutable */

struct unit_options {
        const char *const *dirs;         /* --units DIR...; NULL or none: the standard path */
        size_t dir_count;
        const char *set_dir;             /* drop-ins made by `set --runtime`; the last of the path; NULL = none */
        const char *const *systemd_dirs; /* NULL-terminated; NULL: systemd's own. Tests bring theirs. */
        bool user;                       /* not root: the XDG places */
        const char *runtime_dir, *state_dir; /* the daemon's own: %t, %S ... lie in there for a user without
                                              * $XDG_RUNTIME_DIR or home; NULL: then they have no place */
        bool check_owner;                /* FAILURES H11; the daemon sets it when it is root */
};

/* Where units are looked for, and what %t, %S and their like stand for. 0, or -errno with err filled. The rest is
 * borrowed from it. */
int unit_paths_new(const struct unit_options *o, struct unit_paths **ret, struct err *err);
void unit_paths_free(struct unit_paths *p);
const struct unit_host *unit_paths_host(const struct unit_paths *p);
size_t unit_paths_count(const struct unit_paths *p);              /* without systemd's own */
const char *unit_paths_dir(const struct unit_paths *p, size_t i);

/* --- one unit ------------------------------------------------------------------------------------------------- */

/* Read the unit `name` ("web.service", "worker@3.service") as it is on disk now, with its drop-ins: a start by
 * hand. 0 and a spec with one reference for the caller. -ENOENT no such unit, -EOPNOTSUPP masked, -EINVAL it has
 * errors; remarks go to `report` (may be NULL), err says it in one sentence.
 * Where it hangs: below spec_str(spec, D_UNIT_Supervisor) when set, else below root. */
int unit_load(const struct unit_paths *p, const char *name, diag_fn *report, void *arg, struct spec **ret,
              struct err *err);

/* The same for a file given by its path (verify, show): drop-ins are those beside it. A template is read as if its
 * instance were "instance"; the path of an instance (units/worker@3.service) does where its template is. */
int unit_load_file(const struct unit_paths *p, const char *file, diag_fn *report, void *arg, struct spec **ret,
                   struct err *err);

/* Is there such a file, or the template of the instance that it names? */
bool unit_file_there(const char *file);

/* `verify`: warnings about programs, files, users and groups that the unit names and this machine does not have. */
void unit_check_machine(const struct spec *s, diag_fn *report, void *arg);

/* A name as people type it, "web" or "web.service" or "shop" -> the unit's full name into buf[n]. What has no
 * suffix is tried as NAME.service, then NAME.supervisor. -ENOENT when there is neither. */
int unit_resolve(const struct unit_paths *p, const char *typed, char *buf, size_t n, struct err *err);

/* --- all units ------------------------------------------------------------------------------------------------ */

struct unit_set; /* what is on disk at one moment; immutable. Free it once the tree has been handed to the core. */

/* Read everything and build the tree. A unit with an error is left out (with what cannot be without it: the
 * children of a broken supervisor, and of a masked one), never the others. Fails only for want of memory. */
int unit_set_load(const struct unit_paths *p, struct unit_set **ret, struct err *err);
void unit_set_free(struct unit_set *set);

/* Nodes, parents before children and siblings in start order; node 0 is the root supervisor. All of them are to be
 * started at boot. */
size_t unit_set_count(const struct unit_set *set);
const struct unit_node *unit_set_node(const struct unit_set *set, size_t i);
uint32_t unit_set_find(const struct unit_set *set, const char *name); /* index, UINT32_MAX when not in the tree */

/* Channels are no nodes: they stand apart, each with the index of the supervisor it hangs below. */
size_t unit_set_channel_count(const struct unit_set *set);
const struct unit_node *unit_set_channel(const struct unit_set *set, size_t i);

/* Remarks of all units, in the order of the files' names; and how many of them are errors. daemon-reload refuses a
 * set with errors as a whole (FAILURES H13), the boot goes on with what is whole. */
size_t unit_set_diag_count(const struct unit_set *set);
const struct diag *unit_set_diag(const struct unit_set *set, size_t i);
size_t unit_set_errors(const struct unit_set *set);

/* Every name that is known, sorted. UNIT_LEFT_OUT: it has no errors, but no place either (its
 * supervisor is broken, say). */
enum unit_status { UNIT_IN_TREE, UNIT_KNOWN, UNIT_TEMPLATE, UNIT_MASKED, UNIT_BROKEN, UNIT_LEFT_OUT };
extern const struct strtab unit_status_names;
size_t unit_set_known_count(const struct unit_set *set);
const char *unit_set_known(const struct unit_set *set, size_t i, enum unit_status *ret_status);

#endif
