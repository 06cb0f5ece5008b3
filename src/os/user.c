/* user.c - see user.h. */
#include "os/user.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

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
                    code == ENOENT ? "there is none of that name" : strerrordesc_np(code));
        err_hint(err, "create it, or correct the unit");
        return r;
}

static int find_group(const char *text, gid_t *ret, struct err *err)
{
        uint32_t id = 0;
        int r = classify(text, &id);
        struct group *g;

        if (r < 0)
                return bad(err, STAGE_GROUP, "group", text, EINVAL);
        if (r == 1) {
                *ret = id;
                return 0;
        }
        errno = 0;
        g = getgrnam(text);
        if (!g)
                return bad(err, STAGE_GROUP, "group", text, errno && errno != ESRCH ? errno : ENOENT);
        *ret = g->gr_gid;
        return 0;
}

static int from_entry(const struct passwd *p, struct user *u)
{
        u->uid = p->pw_uid;
        u->gid = p->pw_gid;
        u->name = strdup(p->pw_name);
        u->home = strdup(p->pw_dir && p->pw_dir[0] ? p->pw_dir : "/");
        u->shell = strdup(p->pw_shell && p->pw_shell[0] ? p->pw_shell : "/bin/sh");
        return u->name && u->home && u->shell ? 0 : -ENOMEM;
}

static int find_user(const char *text, struct user *u, struct err *err)
{
        uint32_t id = 0;
        int r = classify(text, &id);
        struct passwd *p;

        if (r < 0)
                return bad(err, STAGE_USER, "user", text, EINVAL);
        errno = 0;
        p = r == 1 ? getpwuid(id) : getpwnam(text);
        if (p) {
                r = from_entry(p, u);
        } else if (r == 1) { /* a number needs no entry, as in containers */
                u->uid = u->gid = id;
                u->name = strdup(text);
                u->home = strdup("/");
                u->shell = strdup("/bin/sh");
                r = u->name && u->home && u->shell ? 0 : -ENOMEM;
        } else {
                return bad(err, STAGE_USER, "user", text, errno && errno != ESRCH ? errno : ENOENT);
        }
        return r < 0 ? bad(err, STAGE_USER, "user", text, ENOMEM) : 0;
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

/* What initgroups(3) would set. */
static int member_groups(struct user *u)
{
        int n = 64;

        for (;;) {
                autofree gid_t *list = calloc((size_t) n, sizeof *list);
                int had = n, r = 0;

                if (!list)
                        return -ENOMEM;
                if (getgrouplist(u->name, u->gid, list, &n) >= 0) {
                        for (int i = 0; r == 0 && i < n; i++)
                                r = add_group(u, list[i]);
                        return r;
                }
                if (n <= had)
                        n = had * 2;
                if (n > 65536)
                        return -EINVAL;
        }
}

void user_done(struct user *u)
{
        free(u->groups);
        free(u->name);
        free(u->home);
        free(u->shell);
        *u = (struct user) { 0 };
}

int user_add_groups(struct user *u, const char *group, const char *const *extra, size_t n, struct err *err)
{
        int r = group[0] ? find_group(group, &u->gid, err) : 0;

        for (size_t i = 0; r == 0 && i < n; i++) {
                gid_t gid = 0;

                r = find_group(extra[i], &gid, err);
                if (r == 0 && add_group(u, gid) < 0)
                        r = bad(err, STAGE_GROUP, "group", extra[i], ENOMEM);
        }
        return r;
}

int user_lookup(const char *user, const char *group, const char *const *extra, size_t n, struct user *ret,
                struct err *err)
{
        struct user u = { .uid = geteuid(), .gid = getegid() };
        int r = 0;

        if (user[0])
                r = find_user(user, &u, err);
        if (r == 0 && group[0])
                r = find_group(group, &u.gid, err);
        if (r == 0 && user[0] && member_groups(&u) < 0)
                r = bad(err, STAGE_GROUP, "groups of user", user, ENOMEM);
        if (r == 0)
                r = user_add_groups(&u, "", extra, n, err);
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

static int fill_dynamic(uid_t uid, const char *name, struct user *u)
{
        u->uid = u->gid = uid;
        u->name = strdup(name);
        u->home = strdup("/");
        u->shell = strdup("/usr/sbin/nologin");
        return u->name && u->home && u->shell ? add_group(u, uid) : -ENOMEM;
}

int user_dynamic(const char *name, user_taken_fn *taken, void *arg, struct user *ret, struct err *err)
{
        struct user u = { 0 };

        if (user_valid(name) == 0 && !isdigit((unsigned char) name[0]) && getpwnam(name))
                return user_lookup(name, "", NULL, 0, ret, err);
        for (uint32_t i = 0; i < DYNAMIC_COUNT; i++) {
                uid_t uid = DYNAMIC_FIRST + (hash(name) + i) % DYNAMIC_COUNT;

                if (taken(arg, uid) || getpwuid(uid) || getgrgid(uid))
                        continue;
                if (fill_dynamic(uid, name, &u) < 0) {
                        user_done(&u);
                        return bad(err, STAGE_USER, "number for user", name, ENOMEM);
                }
                *ret = u;
                return 0;
        }
        return bad(err, STAGE_USER, "number for user", name, ENOENT);
}
