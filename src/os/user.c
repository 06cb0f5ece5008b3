/* user.c - see user.h. */
#include "os/user.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/nss.h"

#define NAME_LEN_MAX 256

/* 1 a number, 0 a name, -EINVAL neither. Every digit string is meant as a number: "007" is refused, not looked up. */
static int classify(const char *text, uint32_t *ret_id)
{
        uint64_t n = 0;
        size_t len = strlen(text);

        if (len == 0 || len > NAME_LEN_MAX)
                return -EINVAL;
        if (isdigit((unsigned char) text[0])) {
                for (const char *p = text; *p; p++) {
                        if (!isdigit((unsigned char) *p))
                                return -EINVAL; /* "0x0", "12a" */
                        n = n * 10 + (uint64_t) (*p - '0');
                        if (n >= UINT32_MAX)
                                return -EINVAL;
                }
                if ((text[0] == '0' && len > 1) || n == 65535)
                        return -EINVAL;
                *ret_id = (uint32_t) n;
                return 1;
        }
        if (!isalpha((unsigned char) text[0]) && text[0] != '_')
                return -EINVAL;
        for (const char *p = text; *p; p++)
                if (!isalnum((unsigned char) *p) && !strchr("_-.@\\", *p))
                        return -EINVAL;
        return 0;
}

int user_valid(const char *text)
{
        uint32_t id;

        return classify(text, &id) >= 0 ? 0 : -EINVAL;
}

static int bad(struct err *err, enum stage stage, const char *what, const char *text, int code)
{
        int r;

        if (code == EINVAL)
                return err_set(err, stage, code, "find %s \"%s\": neither a name nor a number", what, text);
        r = err_set(err, stage, code, "find %s %s: %s", what, text,
                    code == ENOENT ? "there is none of that name" :
                    code == ETIMEDOUT ? "the name service does not answer" : strerrordesc_np(code));
        if (code == ENOENT || code == ETIMEDOUT)
                err_hint(err, code == ENOENT ? "create it, or correct the unit" :
                                               "look at what /etc/nsswitch.conf names, or put it into /etc/passwd and "
                                               "/etc/group");
        return r;
}

static int find_group(struct reach *reach, const char *text, gid_t *ret, struct err *err)
{
        uint32_t id = 0;
        int r = classify(text, &id);

        if (r < 0)
                return bad(err, STAGE_GROUP, "group", text, EINVAL);
        if (r == 1) {
                *ret = id;
                return 0;
        }
        r = nss_group(reach, text, ret);
        return r < 0 ? bad(err, STAGE_GROUP, "group", text, -r) : 0;
}

/* Takes what is in *a. */
static int from_entry(struct account *a, struct user *u)
{
        u->uid = a->uid;
        u->gid = a->gid;
        u->name = ptr_steal(a->name);
        u->home = a->home[0] ? ptr_steal(a->home) : strdup("/");
        u->shell = a->shell[0] ? ptr_steal(a->shell) : strdup("/bin/sh");
        account_done(a);
        return u->home && u->shell ? 0 : -ENOMEM;
}

static int without_entry(uint32_t id, const char *name, const char *shell, struct user *u)
{
        u->uid = u->gid = id;
        u->name = strdup(name);
        u->home = strdup("/");
        u->shell = strdup(shell);
        return u->name && u->home && u->shell ? 0 : -ENOMEM;
}

static int find_user(struct reach *reach, const char *text, struct user *u, struct err *err)
{
        struct account a;
        uint32_t id = 0;
        int r = classify(text, &id), found;

        if (r < 0)
                return bad(err, STAGE_USER, "user", text, EINVAL);
        found = r == 1 ? nss_user_by_uid(reach, id, &a) : nss_user(reach, text, &a);
        if (found == 0)
                found = from_entry(&a, u);
        else if (found == -ENOENT && r == 1) /* a number needs no entry, as in containers */
                found = without_entry(id, text, "/bin/sh", u);
        return found < 0 ? bad(err, STAGE_USER, "user", text, -found) : 0;
}

static int add_group(struct user *u, gid_t gid)
{
        gid_t *more;

        for (size_t i = 0; i < u->group_count; i++)
                if (u->groups[i] == gid)
                        return 0;
        more = reallocarray(u->groups, u->group_count + 1, sizeof *more);
        if (!more)
                return -ENOMEM;
        u->groups = more;
        u->groups[u->group_count++] = gid;
        return 0;
}

static int add_member(void *arg, gid_t gid)
{
        return add_group(arg, gid);
}

/* What initgroups(3) would set. */
static int member_groups(struct reach *reach, struct user *u)
{
        int r = add_group(u, u->gid);

        if (r == 0)
                r = nss_groups(reach, u->name, u->gid, add_member, u);
        u->partly = r > 0;
        return r < 0 ? r : 0;
}

void user_done(struct user *u)
{
        free(u->groups);
        free(u->name);
        free(u->home);
        free(u->shell);
        *u = (struct user) { 0 };
}

int user_add_groups(struct reach *reach, struct user *u, const char *group, const char *const *extra, size_t n,
                    struct err *err)
{
        int r = group[0] ? find_group(reach, group, &u->gid, err) : 0;

        for (size_t i = 0; r == 0 && i < n; i++) {
                gid_t gid = 0;

                r = find_group(reach, extra[i], &gid, err);
                if (r == 0 && add_group(u, gid) < 0)
                        r = bad(err, STAGE_GROUP, "group", extra[i], ENOMEM);
        }
        return r;
}

int user_lookup(struct reach *reach, const char *user, const char *group, const char *const *extra, size_t n,
                struct user *ret, struct err *err)
{
        struct user u = { .uid = geteuid(), .gid = getegid() };
        int r = 0;

        if (user[0])
                r = find_user(reach, user, &u, err);
        if (r == 0 && group[0])
                r = find_group(reach, group, &u.gid, err);
        if (r == 0 && user[0]) {
                r = member_groups(reach, &u);
                if (r < 0)
                        r = bad(err, STAGE_GROUP, "groups of user", user, -r);
        }
        if (r == 0)
                r = user_add_groups(reach, &u, "", extra, n, err);
        if (r == 0 && !user[0] && u.group_count == 0 && add_group(&u, u.gid) < 0)
                r = bad(err, STAGE_GROUP, "group", group, ENOMEM);
        if (r < 0) {
                user_done(&u);
                return r;
        }
        *ret = u;
        return 0;
}

/* --- without an account ----------------------------------------------------------------------------------------- */

enum { DYNAMIC_FIRST = 61184, DYNAMIC_COUNT = 65519 - 61184 + 1 };

static uint32_t hash(const char *text)
{
        uint32_t h = 2166136261U;

        for (; *text; text++)
                h = (h ^ (unsigned char) *text) * 16777619U;
        return h;
}

/* An account of that number, or a group? 1 or 0; what cannot be found out counts as one; -EINPROGRESS (reach.h). */
static int in_use(struct reach *reach, uid_t uid)
{
        struct account a;
        int r = nss_user_by_uid(reach, uid, &a);

        if (r == 0)
                account_done(&a);
        if (r == -ENOENT)
                r = nss_group_by_gid(reach, uid);
        return r == -ENOENT ? 0 : r == -EINPROGRESS ? r : 1;
}

static int named_account(struct reach *reach, const char *name)
{
        struct account a;
        int r = user_valid(name) == 0 && !isdigit((unsigned char) name[0]) ? nss_user(reach, name, &a) : -ENOENT;

        if (r == 0)
                account_done(&a);
        return r;
}

int user_dynamic(struct reach *reach, const char *name, user_taken_fn *taken, void *arg, struct user *ret,
                 struct err *err)
{
        struct user u = { 0 };
        int r = named_account(reach, name);

        if (r == 0)
                return user_lookup(reach, name, "", NULL, 0, ret, err);
        if (r != -ENOENT)
                return bad(err, STAGE_USER, "user", name, -r);
        for (uint32_t i = 0; i < DYNAMIC_COUNT; i++) {
                uid_t uid = DYNAMIC_FIRST + (hash(name) + i) % DYNAMIC_COUNT;

                r = taken(arg, uid) ? 1 : in_use(reach, uid);
                if (r < 0)
                        return bad(err, STAGE_USER, "user", name, -r);
                if (r > 0)
                        continue;
                if (without_entry(uid, name, "/usr/sbin/nologin", &u) < 0 || add_group(&u, uid) < 0) {
                        user_done(&u);
                        return bad(err, STAGE_USER, "number for user", name, ENOMEM);
                }
                *ret = u;
                return 0;
        }
        return bad(err, STAGE_USER, "number for user", name, ENOENT);
}
