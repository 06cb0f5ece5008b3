/* listen.c - descriptors that were passed, and what they are, as of sd_listen_fds(3) and
 * sd_is_socket(3). See coppice.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "lib/coppice.h"

static int number_of(const char *text, long max, long *ret)
{
        char *end;

        errno = 0;
        *ret = strtol(text, &end, 10);
        return errno || end == text || *end || *ret < 0 || *ret > max ? -EINVAL : 0;
}

static int set_cloexec(int fd)
{
        const int flags = fcntl(fd, F_GETFD);

        return flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0 ? -errno : 0;
}

static int count_fds(void)
{
        const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
        long whom, n;
        int r;

        if (!pid || !fds)
                return 0;
        r = number_of(pid, INT_MAX, &whom);
        if (r < 0 || whom != (long) getpid())
                return r;
        r = number_of(fds, INT_MAX - COPPICE_LISTEN_FDS_START, &n);
        for (int i = 0; r == 0 && i < (int) n; i++)
                r = set_cloexec(COPPICE_LISTEN_FDS_START + i);
        return r < 0 ? r : (int) n;
}

static void forget(void)
{
        (void) unsetenv("LISTEN_PID");
        (void) unsetenv("LISTEN_FDS");
        (void) unsetenv("LISTEN_FDNAMES");
}

int coppice_listen_fds(int unset)
{
        int n = count_fds();

        if (unset)
                forget();
        return n;
}

static void free_names(char **names)
{
        for (char **p = names; p && *p; p++)
                free(*p);
        free(names);
}

/* n names, separated by colons; without the variable all are unknown. */
static int read_names(const char *text, int n, char ***ret)
{
        char **names = calloc((size_t) n + 1, sizeof *names);
        int r = names ? 0 : -ENOMEM;

        for (int i = 0; r == 0 && i < n; i++) {
                const size_t len = text ? strcspn(text, ":") : 0;

                names[i] = text ? strndup(text, len) : strdup("unknown");
                if (!names[i])
                        r = -ENOMEM;
                else if (text && (text[len] == ':') != (i + 1 < n))
                        r = -EINVAL; /* not as many names as descriptors */
                else if (text)
                        text += len + (text[len] == ':');
        }
        if (r < 0)
                free_names(names);
        else
                *ret = names;
        return r;
}

int coppice_listen_fds_with_names(int unset, char ***ret_names)
{
        int n = count_fds(), r = 0;

        if (n > 0 && ret_names)
                r = read_names(getenv("LISTEN_FDNAMES"), n, ret_names);
        if (unset)
                forget();
        return r < 0 ? r : n;
}

/* --- what it is --------------------------------------------------------------------------------------------------- */

/* Is `st` the file of that name? What is not there it is not. */
static int is_file(const struct stat *st, const char *path)
{
        struct stat other;

        if (!path)
                return 1;
        if (stat(path, &other) < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        return st->st_dev == other.st_dev && st->st_ino == other.st_ino;
}

int coppice_is_fifo(int fd, const char *path)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        return S_ISFIFO(st.st_mode) ? is_file(&st, path) : 0;
}

int coppice_is_special(int fd, const char *path)
{
        struct stat st, other;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
                return 0;
        if (!path || S_ISREG(st.st_mode))
                return is_file(&st, path);
        if (stat(path, &other) < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        return S_ISCHR(other.st_mode) && st.st_rdev == other.st_rdev;
}

static int option_of(int fd, int option, int *ret)
{
        socklen_t n = sizeof *ret;

        return getsockopt(fd, SOL_SOCKET, option, ret, &n) < 0 ? -errno : 0;
}

int coppice_is_socket(int fd, int family, int type, int listening)
{
        const struct {
                int option, want;
        } wants[] = {
                { SO_TYPE, type > 0 ? type : -1 },
                { SO_ACCEPTCONN, listening < 0 ? -1 : listening > 0 },
                { SO_DOMAIN, family > 0 ? family : -1 },
        };
        struct stat st;

        if (family < 0 || type < 0)
                return -EINVAL;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISSOCK(st.st_mode))
                return 0;
        for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
                int is, r = option_of(fd, wants[i].option, &is);

                if (r < 0)
                        return r;
                if (wants[i].want >= 0 && (wants[i].option == SO_ACCEPTCONN ? is != 0 : is) != wants[i].want)
                        return 0;
        }
        return 1;
}

union address {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
        struct sockaddr_storage room;
};

static int name_of(int fd, union address *ret, socklen_t *ret_n)
{
        *ret_n = sizeof *ret;
        memset(ret, 0, sizeof *ret);
        return getsockname(fd, &ret->any, ret_n) < 0 ? -errno : *ret_n < sizeof ret->any.sa_family ? -EINVAL : 0;
}

static uint16_t port_of(const union address *a)
{
        return ntohs(a->any.sa_family == AF_INET ? a->in.sin_port : a->in6.sin6_port);
}

static int is_inet(const union address *a)
{
        return a->any.sa_family == AF_INET || a->any.sa_family == AF_INET6;
}

int coppice_is_socket_inet(int fd, int family, int type, int listening, uint16_t port)
{
        union address is;
        socklen_t n;
        int r;

        if (family != 0 && family != AF_INET && family != AF_INET6)
                return -EINVAL;
        r = coppice_is_socket(fd, 0, type, listening);
        if (r > 0 && (r = name_of(fd, &is, &n)) == 0)
                r = is_inet(&is) && (family == 0 || family == is.any.sa_family) && (port == 0 || port == port_of(&is));
        return r;
}

static int same_inet(const union address *is, const union address *want)
{
        if (port_of(want) != 0 && port_of(want) != port_of(is))
                return 0;
        if (want->any.sa_family == AF_INET)
                return is->in.sin_addr.s_addr == want->in.sin_addr.s_addr;
        return memcmp(&is->in6.sin6_addr, &want->in6.sin6_addr, sizeof is->in6.sin6_addr) == 0 &&
               (want->in6.sin6_flowinfo == 0 || want->in6.sin6_flowinfo == is->in6.sin6_flowinfo) &&
               (want->in6.sin6_scope_id == 0 || want->in6.sin6_scope_id == is->in6.sin6_scope_id);
}

int coppice_is_socket_sockaddr(int fd, int type, const struct sockaddr *address, unsigned length, int listening)
{
        union address is, want = { .any = { 0 } };
        socklen_t n;
        int r;

        if (!address || length < sizeof address->sa_family || length > sizeof want)
                return -EINVAL;
        memcpy(&want, address, length);
        if (!is_inet(&want) || length < (want.any.sa_family == AF_INET ? sizeof want.in : sizeof want.in6))
                return is_inet(&want) ? -EINVAL : -EPFNOSUPPORT;
        r = coppice_is_socket(fd, 0, type, listening);
        if (r > 0 && (r = name_of(fd, &is, &n)) == 0)
                r = is.any.sa_family == want.any.sa_family && same_inet(&is, &want);
        return r;
}

/* An abstract name begins with a NUL and needs its length; of any other the length is known without (0). */
int coppice_is_socket_unix(int fd, int type, int listening, const char *path, size_t length)
{
        const size_t start = offsetof(struct sockaddr_un, sun_path);
        union address is;
        socklen_t n;
        int r = coppice_is_socket(fd, AF_UNIX, type, listening);

        if (r <= 0 || !path)
                return r;
        r = name_of(fd, &is, &n);
        if (r < 0)
                return r;
        if (length == 0)
                length = strlen(path);
        if (length == 0)
                return n <= start; /* it has no name */
        if (path[0] == '\0')
                return n == start + length && memcmp(is.un.sun_path, path, length) == 0;
        return n >= start + length + 1 && memcmp(is.un.sun_path, path, length) == 0 && is.un.sun_path[length] == '\0';
}

/* On Linux a message queue is a file of its own file system, mostly at /dev/mqueue. */
int coppice_is_mq(int fd, const char *path)
{
        autofree char *full = NULL;
        struct mq_attributes {
                long flags, most, size, count, reserved[4];
        } attributes;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (syscall(SYS_mq_getsetattr, fd, NULL, &attributes) < 0)
                return errno == EBADF ? 0 : -errno;
        if (!path)
                return 1;
        if (path[0] != '/')
                return -EINVAL;
        if (asprintf(&full, "/dev/mqueue%s", path) < 0) {
                full = NULL;
                return -ENOMEM;
        }
        return is_file(&st, full);
}
