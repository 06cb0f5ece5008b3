/* nss.c - see nss.h.
 *
 * A question is one letter and its argument; the answer begins with one of KNOWN, UNKNOWN, TROUBLE. What follows:
 *
 *      uNAME, UUID   "uid gid name\nhome\nshell\n"      gNAME, GGID   "gid\n"      lGID NAME   "gid gid gid ...\n" */
#include "os/nss.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "os/reach.h"

enum { KNOWN = '+', UNKNOWN = '-', TROUBLE = '!', ROOM = REACH_ANSWER_MAX - 2, GROUPS_MAX = 8192 };

/* --- the helper's side -------------------------------------------------------------------------------------------- */

/* What getpwnam() and its kin mean by NULL. */
static size_t not_found(char *answer, int error)
{
        bool none = error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;

        answer[0] = none ? UNKNOWN : TROUBLE;
        return 1;
}

static size_t tell_user(const struct passwd *p, char *answer)
{
        int n;

        if (!p)
                return not_found(answer, errno);
        n = snprintf(answer, ROOM, "%c%lu %lu %s\n%s\n%s\n", KNOWN, (unsigned long) p->pw_uid,
                     (unsigned long) p->pw_gid, p->pw_name, p->pw_dir, p->pw_shell);
        answer[0] = n < ROOM ? KNOWN : TROUBLE;
        return answer[0] == KNOWN ? (size_t) n : 1;
}

static size_t tell_group(const struct group *g, char *answer)
{
        return g ? (size_t) snprintf(answer, ROOM, "%c%lu\n", KNOWN, (unsigned long) g->gr_gid)
               : not_found(answer, errno);
}

static size_t tell_groups(const char *question, char *answer)
{
        autofree gid_t *list = calloc(GROUPS_MAX, sizeof *list);
        char *name;
        gid_t gid = (gid_t) strtoul(question, &name, 10);
        int n = GROUPS_MAX;
        size_t used = 1;

        answer[0] = TROUBLE;
        if (!list || *name != ' ' || getgrouplist(name + 1, gid, list, &n) < 0)
                return 1;
        answer[0] = KNOWN;
        for (int i = 0; i < n; i++)
                used += (size_t) snprintf(answer + used, ROOM - used, "%lu ", (unsigned long) list[i]);
        return used;
}

size_t nss_answer(const char *question, char *answer)
{
        errno = 0;
        switch (question[0]) {
        case 'u': return tell_user(getpwnam(question + 1), answer);
        case 'U': return tell_user(getpwuid((uid_t) strtoul(question + 1, NULL, 10)), answer);
        case 'g': return tell_group(getgrnam(question + 1), answer);
        case 'G': return tell_group(getgrgid((gid_t) strtoul(question + 1, NULL, 10)), answer);
        case 'l': return tell_groups(question + 1, answer);
        default: answer[0] = TROUBLE; return 1;
        }
}

/* --- ours --------------------------------------------------------------------------------------------------------- */

/* *ret is what follows the first byte of the answer, to be freed. */
static int ask(struct reach *reach, char letter, const char *what, char **ret)
{
        autofree char *answer = malloc(REACH_ANSWER_MAX + 1);
        char question[300];
        int n = snprintf(question, sizeof question, "%c%c%s", REACH_NAMES, letter, what);
        ssize_t got;

        if (!answer)
                return -ENOMEM;
        if (n < 0 || n >= (int) sizeof question)
                return -ENOENT;
        got = reach_names(reach, question, (size_t) n, answer);
        if (got < 0)
                return (int) got;
        answer[got] = '\0';
        if (answer[0] != KNOWN)
                return answer[0] == UNKNOWN ? -ENOENT : -EIO;
        *ret = strdup(answer + 1);
        return *ret ? 0 : -ENOMEM;
}

static int read_user(char *text, struct account *ret)
{
        struct account a = { 0 };
        char *p, *save = NULL, *name, *home, *shell;

        a.uid = (uid_t) strtoul(text, &p, 10);
        a.gid = (gid_t) strtoul(p, &p, 10);
        if (*p != ' ')
                return -EIO;
        name = strtok_r(p + 1, "\n", &save);
        home = name ? strchr(name, '\0') + 1 : NULL;
        if (!home)
                return -EIO;
        shell = home + strcspn(home, "\n");
        if (!*shell)
                return -EIO;
        *shell++ = '\0';
        shell[strcspn(shell, "\n")] = '\0';
        a.name = strdup(name);
        a.home = strdup(home);
        a.shell = strdup(shell);
        if (!a.name || !a.home || !a.shell) {
                account_done(&a);
                return -ENOMEM;
        }
        *ret = a;
        return 0;
}

static int ask_user(struct reach *reach, char letter, const char *what, struct account *ret)
{
        autofree char *text = NULL;
        int r = ask(reach, letter, what, &text);

        return r < 0 ? r : text ? read_user(text, ret) : -EIO;
}

/* ret: NULL when it only matters whether there is such a group. */
static int ask_group(struct reach *reach, char letter, const char *what, gid_t *ret)
{
        autofree char *text = NULL;
        int r = ask(reach, letter, what, &text);

        if (r == 0 && text && ret)
                *ret = (gid_t) strtoul(text, NULL, 10);
        return r;
}

/* Who is looked for, in the files and by the helper. */
struct wanted {
        const char *database;
        char letter;           /* of the question */
        const char *name;      /* NULL: a number is looked for */
        uint32_t number;
        struct account *user;  /* where the answer goes: to a user, */
        gid_t *gid;            /* or to a group; NULL for both: whether there is a group of this number */
};

static int in_files(const struct wanted *w)
{
        if (w->user)
                return w->name ? account_by_name(w->name, w->user) : account_by_uid(w->number, w->user);
        return w->name ? account_group(w->name, w->gid) : account_group_by_gid(w->number);
}

static int by_helper(struct reach *reach, const struct wanted *w)
{
        char number[24];

        (void) snprintf(number, sizeof number, "%lu", (unsigned long) w->number);
        return w->user ? ask_user(reach, w->letter, w->name ? w->name : number, w->user) :
                         ask_group(reach, w->letter, w->name ? w->name : number, w->gid);
}

/* Whoever comes before the files and does not answer is passed over, as the C library does. */
static int look_up(struct reach *reach, const struct wanted *w)
{
        enum account_order order = reach ? account_order(w->database) : ACCOUNT_FILES_ONLY;
        int r, files;

        if (order == ACCOUNT_OTHERS_FIRST) {
                r = by_helper(reach, w);
                files = r == 0 || r == -ENOENT ? r : in_files(w);
                return files == -ENOENT ? r : files;
        }
        r = in_files(w);
        return r == -ENOENT && order == ACCOUNT_FILES_FIRST ? by_helper(reach, w) : r;
}

int nss_user(struct reach *reach, const char *name, struct account *ret)
{
        return look_up(reach, &(struct wanted) { .database = "passwd", .letter = 'u', .name = name, .user = ret });
}

int nss_user_by_uid(struct reach *reach, uid_t uid, struct account *ret)
{
        return look_up(reach, &(struct wanted) { .database = "passwd", .letter = 'U', .number = uid, .user = ret });
}

int nss_group(struct reach *reach, const char *name, gid_t *ret)
{
        return look_up(reach, &(struct wanted) { .database = "group", .letter = 'g', .name = name, .gid = ret });
}

int nss_group_by_gid(struct reach *reach, gid_t gid)
{
        return look_up(reach, &(struct wanted) { .database = "group", .letter = 'G', .number = gid });
}

static int each_of(const char *text, int (*each)(void *arg, gid_t gid), void *arg)
{
        char *end;
        int r = 0;

        for (; r >= 0 && *text; text = *end ? end + 1 : end) {
                gid_t gid = (gid_t) strtoul(text, &end, 10);

                if (end == text)
                        return -EIO;
                r = each(arg, gid);
        }
        return r < 0 ? r : 0;
}

int nss_groups(struct reach *reach, const char *user, gid_t gid, int (*each)(void *arg, gid_t gid), void *arg)
{
        bool alone = !reach || (account_order("group") == ACCOUNT_FILES_ONLY &&
                                account_order("initgroups") == ACCOUNT_FILES_ONLY);
        autofree char *text = NULL;
        char question[300];
        int r;

        (void) snprintf(question, sizeof question, "%lu %s", (unsigned long) gid, user);
        r = alone ? -ENOENT : ask(reach, 'l', question, &text);
        if (r == 0)
                return each_of(text, each, arg);
        r = account_groups(user, each, arg);
        return r < 0 ? r : !alone;
}
