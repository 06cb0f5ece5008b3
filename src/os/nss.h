/* nss.h - users and groups: from /etc/passwd and /etc/group where these are all there is or come first, else from the C
 * library's name service by way of the helper of reach.h, which may be waited for no longer than REACH_NAMES_MS.
 *
 * `reach` may be NULL: then only the files are looked at.
 * May be used by: daemon, tests; user.c, conditions.c.  May use: base. */
#ifndef OS_NSS_H
#define OS_NSS_H

#include "base/account.h"

struct reach;

/* 0, or -ENOENT there is none, -ETIMEDOUT no answer, -ENOMEM. *ret is for account_done(). */
int nss_user(struct reach *reach, const char *name, struct account *ret);
int nss_user_by_uid(struct reach *reach, uid_t uid, struct account *ret);
int nss_group(struct reach *reach, const char *name, gid_t *ret);
int nss_group_by_gid(struct reach *reach, gid_t gid);

/* Every group of a user besides `gid`, that of its entry. What `each` returns, if negative, ends it. 0; 1 when the name
 * service did not answer: then only those of /etc/group have been told. */
int nss_groups(struct reach *reach, const char *user, gid_t gid, int (*each)(void *arg, gid_t gid), void *arg);

/* The helper's side: answers a question, without its first byte, into answer[REACH_ANSWER_MAX]. The length, at least
 * 1. */
size_t nss_answer(const char *question, char *answer);

#endif
