/* connect.c - where the control socket is. See parts.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "lib/parts.h"

static int connect_to(const char *path)
{
        struct sockaddr_un addr = { .sun_family = AF_UNIX };
        autoclose int fd = -1;

        if (strlen(path) >= sizeof addr.sun_path)
                return -ENAMETOOLONG;
        memcpy(addr.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *) &addr, sizeof addr) < 0)
                return -errno;
        return fd_steal(&fd);
}

/* The daemon of a user without a runtime directory of his own. In /tmp anybody could lie in wait under that name. */
static int connect_below_tmp(char *path, size_t n)
{
        struct stat st;

        (void) snprintf(path, n, "/tmp/coppice-%lu", (unsigned long) geteuid());
        if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 0022))
                return -ENOENT;
        (void) snprintf(path, n, "/tmp/coppice-%lu/control", (unsigned long) geteuid());
        return connect_to(path);
}

/* First the daemon of the user, then that of the system. */
int control_connect(const char *path, char *tried, size_t n)
{
        const char *dir = getenv("XDG_RUNTIME_DIR");
        int fd = -ENOENT;

        if (!path || !*path)
                path = getenv("COPPICE_SOCKET");
        if (path && *path) {
                (void) snprintf(tried, n, "%s", path);
                return connect_to(path);
        }
        if (geteuid() != 0 && dir && *dir) {
                (void) snprintf(tried, n, "%s/coppice/control", dir);
                fd = connect_to(tried);
        } else if (geteuid() != 0) {
                fd = connect_below_tmp(tried, n);
        }
        if (fd < 0) {
                (void) snprintf(tried, n, "/run/coppice/control");
                fd = connect_to(tried);
        }
        return fd;
}
