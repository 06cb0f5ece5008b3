/* account.h - /etc/passwd and /etc/group, read as files: no name service is loaded or asked, so nothing here can hang
 * on a server. Whether somebody else could know more is said by account_order().
 *
 * May be used by: everything.  May use: libc only. */
#ifndef BASE_ACCOUNT_H
#define BASE_ACCOUNT_H

#include <sys/types.h>

struct account {
        uid_t uid;
        gid_t gid;
        char *name, *home, *shell; /* owned */
};

/* The first entry of that name or number. 0; -ENOENT there is none (or no file); -EMFILE, -ENFILE, -ENOMEM, -EIO, of
 * a name -EACCES: that could not be found out. */
int account_by_name(const char *name, struct account *ret);
int account_by_uid(uid_t uid, struct account *ret);
void account_done(struct account *a);

/* The same for groups. Either of ret_gid and the number's existence is all that is wanted of them. */
int account_group(const char *name, gid_t *ret_gid);
int account_group_by_gid(gid_t gid);
char *account_group_name(gid_t gid); /* owned; NULL: there is none, or that could not be found out */

/* Every group that lists the user as a member, without that of its own entry. What `each` returns, if negative, ends
 * it. 0; that; errors as above. */
int account_groups(const char *user, int (*each)(void *arg, gid_t gid), void *arg);

/* What /etc/nsswitch.conf says of a database ("passwd", "group"): are these files all there is, the first
 * to be asked (what they know counts), or is somebody else asked before? */
enum account_order { ACCOUNT_FILES_ONLY, ACCOUNT_FILES_FIRST, ACCOUNT_OTHERS_FIRST };
enum account_order account_order(const char *database);

/* The same for the text of such a file. Exposed for its tests. */
enum account_order account_order_in(const char *text, const char *database);

#endif
