/* user.h - User=, Group=, SupplementaryGroups= -> numbers, checked (FAILURES E9).
 *
 * Names and numbers are accepted as systemd does: a number is decimal, without sign or leading zero, and neither
 * 65535 nor 4294967295 ((uid_t) -1). A lookup reads files, and asks a helper where the name service is more than these
 * (nss.h; `reach` NULL: the files alone): it is done before the spawn, never after fork.
 *
 * May be used by: daemon, ctl (verify, explain), tests.  May use: base. */
#ifndef OS_USER_H
#define OS_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct user {
        uid_t uid;
        gid_t gid;
        size_t group_count;
        gid_t *groups;        /* owned: supplementary groups, the user's own and those asked for */
        char *name;           /* owned; the number as text when it has no entry */
        char *home, *shell;   /* owned; "/" and "/bin/sh" when it has no entry */
        bool partly;          /* the name service did not answer: only the groups of /etc/group */
};

/* `user` may be "" (then the daemon's own uid with `group`), `group` "" (then the user's); extra are n more groups.
 * -EINVAL for an unacceptable text, -ENOENT for an unknown name, -ETIMEDOUT when those who may know it do not
 * answer; stage USER or GROUP. */
struct reach;
int user_lookup(struct reach *reach, const char *user, const char *group, const char *const *extra, size_t n,
                struct user *ret, struct err *err);
void user_done(struct user *u);

/* Give a user who was found another group ("" = no other) and n more. Errors as above. */
int user_add_groups(struct reach *reach, struct user *u, const char *group, const char *const *extra, size_t n,
                    struct err *err);

/* DynamicUser=: a number from systemd's range that no account has and taken() does not know, always the same for a name
 * as far as that goes. An account that has the name is used as it is. -ENOENT when all are in use. */
typedef bool user_taken_fn(void *arg, uid_t uid);
int user_dynamic(struct reach *reach, const char *name, user_taken_fn *taken, void *arg, struct user *ret,
                 struct err *err);

/* Is the text acceptable as a user or group name or number at all? For verify: no lookup. */
int user_valid(const char *text);

#endif
