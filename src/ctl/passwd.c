/* passwd.c - getpwuid() by /etc/passwd alone.
 *
 * coppicectl is linked statically where that works, and the C library's own getpwuid() would load name service
 * modules into it: slow, and fatal when the library on the machine is not the one it was linked with. What the
 * offline verbs need it for is a home directory to look for units in. This definition takes its place. */
#include <pwd.h>
#include <stdio.h>

#include "base/cleanup.h"

struct passwd *getpwuid(uid_t uid)
{
        autofclose FILE *f = fopen("/etc/passwd", "re");
        struct passwd *p;

        while (f && (p = fgetpwent(f)))
                if (p->pw_uid == uid)
                        return p;
        return NULL;
}
