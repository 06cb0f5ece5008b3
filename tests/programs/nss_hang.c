/* nss_hang.c - a name service that never answers, for the tests (FAILURES A17): takes the place of the C library's "compat". */
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <unistd.h>

enum nss_status _nss_compat_getpwnam_r(const char *name, struct passwd *p, char *buf, size_t n, int *error);
enum nss_status _nss_compat_getgrnam_r(const char *name, struct group *g, char *buf, size_t n, int *error);
enum nss_status _nss_compat_initgroups_dyn(const char *user, gid_t gid, long *start, long *size, gid_t **groups, long limit,
                                           int *error);

static enum nss_status hang(void)
{
        for (;;)
                (void) pause();
}

enum nss_status _nss_compat_getpwnam_r(const char *name, struct passwd *p, char *buf, size_t n, int *error)
{
        (void) name, (void) p, (void) buf, (void) n, (void) error;
        return hang();
}

enum nss_status _nss_compat_getgrnam_r(const char *name, struct group *g, char *buf, size_t n, int *error)
{
        (void) name, (void) g, (void) buf, (void) n, (void) error;
        return hang();
}

enum nss_status _nss_compat_initgroups_dyn(const char *user, gid_t gid, long *start, long *size, gid_t **groups, long limit,
                                           int *error)
{
        (void) user, (void) gid, (void) start, (void) size, (void) groups, (void) limit, (void) error;
        return hang();
}
