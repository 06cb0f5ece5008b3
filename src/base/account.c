/* account.c - see account.h. */
#include "base/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/shortage.h"

void account_done(struct account *a)
{
        free(a->name);
        free(a->home);
        free(a->shell);
        *a = (struct account) { 0 };
}

static int take(const struct passwd *p, struct account *ret)
{
        struct account a = { .uid = p->pw_uid, .gid = p->pw_gid, .name = strdup(p->pw_name), .home = strdup(p->pw_dir),
                             .shell = strdup(p->pw_shell) };

        if (!a.name || !a.home || !a.shell) {
                account_done(&a);
                return -ENOMEM;
        }
        *ret = a;
        return 0;
}

static FILE *open_list(const char *path)
{
        FILE *f = fopen(path, "re");

        if (f)
                errno = 0; /* fgetpwent() and fgetgrent() say by it alone that memory was short */
        return f;
}

/* The end of a list without what was looked for, or no list (f is NULL): -ENOENT. But a lack of descriptors or memory
 * and a disk that cannot be read say nothing about who is in it: nobody gets other rights for that (FAILURES I2). A
 * list that may not be read leaves a number what it is, but of a name it cannot be said that there is none. */
static int not_found(FILE *f, const char *name)
{
        if (f && ferror(f))
                return -EIO;
        if (errno == ENOMEM || (!f && error_lacks(errno)))
                return -errno;
        return !f && name && errno == EACCES ? -EACCES : -ENOENT;
}

static int find(const char *name, uid_t uid, struct account *ret)
{
        autofclose FILE *f = open_list("/etc/passwd");
        const struct passwd *p;

        while (f && (p = fgetpwent(f)))
                if (name ? strcmp(p->pw_name, name) == 0 : p->pw_uid == uid)
                        return take(p, ret);
        return not_found(f, name);
}

int account_by_name(const char *name, struct account *ret)
{
        return find(name, 0, ret);
}

int account_by_uid(uid_t uid, struct account *ret)
{
        return find(NULL, uid, ret);
}

/* ret_name may be NULL. */
static int find_group(const char *name, gid_t gid, gid_t *ret, char **ret_name)
{
        autofclose FILE *f = open_list("/etc/group");
        const struct group *g;

        while (f && (g = fgetgrent(f)))
                if (name ? strcmp(g->gr_name, name) == 0 : g->gr_gid == gid) {
                        *ret = g->gr_gid;
                        if (ret_name)
                                *ret_name = strdup(g->gr_name);
                        return 0;
                }
        return not_found(f, name);
}

int account_group(const char *name, gid_t *ret_gid)
{
        return find_group(name, 0, ret_gid, NULL);
}

int account_group_by_gid(gid_t gid)
{
        gid_t same;

        return find_group(NULL, gid, &same, NULL);
}

char *account_group_name(gid_t gid)
{
        char *name = NULL;
        gid_t same;

        return find_group(NULL, gid, &same, &name) < 0 ? NULL : name;
}

static bool lists(const struct group *g, const char *user)
{
        for (char **m = g->gr_mem; *m; m++)
                if (strcmp(*m, user) == 0)
                        return true;
        return false;
}

int account_groups(const char *user, int (*each)(void *arg, gid_t gid), void *arg)
{
        autofclose FILE *f = open_list("/etc/group");
        const struct group *g;
        int r = 0;

        while (f && r >= 0 && (g = fgetgrent(f)))
                if (lists(g, user))
                        r = each(arg, g->gr_gid);
        if (r >= 0)
                r = not_found(f, NULL);
        return r == -ENOENT ? 0 : r;
}

/* --- who else knows ----------------------------------------------------------------------------------------------- */

/* "files [NOTFOUND=return] sss": what follows the database's name. */
static enum account_order order_of(const char *sources)
{
        size_t n = strcspn(sources, " \t[");
        const char *rest = sources + n + strspn(sources + n, " \t");

        if (n != 5 || strncmp(sources, "files", 5) != 0)
                return ACCOUNT_OTHERS_FIRST;
        if (*rest == '[' && strcasestr(rest, "SUCCESS")) /* even what is found here is not the last word */
                return ACCOUNT_OTHERS_FIRST;
        return *rest ? ACCOUNT_FILES_FIRST : ACCOUNT_FILES_ONLY;
}

/* "passwd: files systemd # a comment" -> "files systemd", when it is about that database; else NULL. */
static const char *sources_in(char *line, const char *database)
{
        size_t n = strlen(database);
        char *p = line + strspn(line, " \t"), *end;

        p[strcspn(p, "#")] = '\0';
        if (strncmp(p, database, n) != 0)
                return NULL;
        p += n + strspn(p + n, " \t");
        if (*p != ':')
                return NULL;
        p += 1 + strspn(p + 1, " \t");
        for (end = p + strlen(p); end > p && strchr(" \t\r", end[-1]); )
                *--end = '\0';
        return p;
}

enum account_order account_order_in(const char *text, const char *database)
{
        char line[512];

        for (const char *p = text; *p; p += *p == '\n') {
                size_t len = strcspn(p, "\n");
                const char *sources;

                (void) snprintf(line, sizeof(line), "%.*s", (int) len, p);
                p += len;
                sources = sources_in(line, database);
                if (sources)
                        return order_of(sources);
        }
        return ACCOUNT_FILES_ONLY; /* as the C library has it */
}

enum account_order account_order(const char *database)
{
        autofclose FILE *f = fopen("/etc/nsswitch.conf", "re");
        char text[8192];
        size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

        text[n] = '\0';
        return account_order_in(text, database);
}
