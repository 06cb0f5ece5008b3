/* nss_hang.c - a name service for the tests (FAILURES A17), in the place of the C library's "compat": while there is a
 * line "# answers" in /etc/nsswitch.conf it knows one user, far-away, number 54321; else it never answers. */
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum nss_status _nss_compat_getpwnam_r(const char *name, struct passwd *p, char *buf, size_t n, int *error);
enum nss_status _nss_compat_getgrnam_r(const char *name, struct group *g, char *buf, size_t n, int *error);
enum nss_status _nss_compat_initgroups_dyn(const char *user, gid_t gid, long *start, long *size, gid_t **groups, long limit,
                                           int *error);

static enum nss_status hang_unless_it_answers(void)
{
        FILE *f = fopen("/etc/nsswitch.conf", "re");
        char line[256];

        while (f && fgets(line, sizeof line, f))
                if (strcmp(line, "# answers\n") == 0) {
                        (void) fclose(f);
                        return NSS_STATUS_NOTFOUND;
                }
        for (;;)
                (void) pause();
}

enum nss_status _nss_compat_getpwnam_r(const char *name, struct passwd *p, char *buf, size_t n, int *error)
{
        enum nss_status found = hang_unless_it_answers();

        if (strcmp(name, "far-away") != 0)
                return found;
        if (n < sizeof "far-away") {
                *error = ERANGE;
                return NSS_STATUS_TRYAGAIN;
        }
        p->pw_name = strcpy(buf, "far-away");
        p->pw_uid = p->pw_gid = 54321;
        p->pw_passwd = p->pw_gecos = buf + strlen(buf);
        p->pw_dir = (char *) "/";
        p->pw_shell = (char *) "/bin/sh";
        return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_compat_getgrnam_r(const char *name, struct group *g, char *buf, size_t n, int *error)
{
        (void) name, (void) g, (void) buf, (void) n, (void) error;
        return hang_unless_it_answers();
}

enum nss_status _nss_compat_initgroups_dyn(const char *user, gid_t gid, long *start, long *size, gid_t **groups, long limit,
                                           int *error)
{
        (void) user, (void) gid, (void) start, (void) size, (void) groups, (void) limit, (void) error;
        return hang_unless_it_answers();
}
