/* initlink.c - see initlink.h. */
#include "os/initlink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/rights.h"
#include "base/shortage.h"

/* A message that waits for room. */
struct waiting {
        struct waiting *next;
        size_t size;
        int fd_count;
        int fds[INIT_FDS_MAX];  /* owned copies; only fd_count of them are there */
        char bytes[];
};

struct initlink {
        int fd;
        struct waiting *first, **last;
        _Alignas(8) char in[sizeof(struct init_exited)]; /* the largest message init sends */
};

int initlink_open(int fd, struct initlink **ret, struct err *err)
{
        struct initlink *l;
        int type = 0;
        socklen_t len = sizeof type;
        int r;

        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 && error_passes(errno))
                return err_sys(err, STAGE_RESOURCES, "look at init's socket");
        if (type != SOCK_SEQPACKET) {
                r = err_set(err, STAGE_RESOURCES, ENOTSOCK, "descriptor %d is not init's socket", fd);
                err_hint(err, "start coppiced; it starts the engine itself");
                return r;
        }
        if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
                return err_sys(err, STAGE_RESOURCES, "prepare init's socket");
        l = calloc(1, sizeof *l);
        if (!l)
                return err_sys(err, STAGE_RESOURCES, "get memory for init's socket");
        l->fd = fd;
        l->last = &l->first;
        *ret = l;
        return 0;
}

pid_t initlink_init(const struct initlink *l)
{
        struct ucred who = { 0 };
        socklen_t len = sizeof who;

        return getsockopt(l->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 ? who.pid : 0;
}

static void waiting_free(struct waiting *w)
{
        for (int i = 0; i < w->fd_count; i++)
                fd_close(&w->fds[i]);
        free(w);
}

void initlink_free(struct initlink *l)
{
        if (!l)
                return;
        while (l->first) {
                struct waiting *w = l->first;

                l->first = w->next;
                waiting_free(w);
        }
        (void) close(l->fd);
        free(l);
}

int initlink_fd(const struct initlink *l)
{
        return l->fd;
}

bool initlink_pending(const struct initlink *l)
{
        return l->first != NULL;
}

/* 0, 1 = no room now, -errno. */
static int transmit(const struct initlink *l, const struct iovec *iov, size_t parts, const int *fds, size_t n)
{
        RIGHTS_ROOM(INIT_FDS_MAX) room;
        struct msghdr m = { .msg_iov = (struct iovec *) (uintptr_t) iov, .msg_iovlen = parts };

        rights_put(&m, &room, fds, n);
        while (sendmsg(l->fd, &m, MSG_NOSIGNAL) < 0) {
                if (errno == EINTR)
                        continue;
                return error_passes(errno) ? 1 : -errno;
        }
        return 0;
}

static int queue(struct initlink *l, const struct iovec *iov, size_t parts, const int *fds, size_t n)
{
        size_t size = 0, at = 0;
        struct waiting *w;

        for (size_t i = 0; i < parts; i++)
                size += iov[i].iov_len;
        w = malloc(sizeof *w + size);
        if (!w)
                return -ENOMEM;
        w->next = NULL;
        w->size = size;
        w->fd_count = 0;
        for (size_t i = 0; i < parts; at += iov[i++].iov_len)
                memcpy(w->bytes + at, iov[i].iov_base, iov[i].iov_len);
        for (size_t i = 0; i < n; i++) {
                w->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
                if (w->fds[i] < 0) {
                        int r = -errno;

                        waiting_free(w);
                        return r;
                }
                w->fd_count++;
        }
        *l->last = w;
        l->last = &w->next;
        return 0;
}

static int put(struct initlink *l, const struct iovec *iov, size_t parts, const int *fds, size_t n)
{
        int r = l->first ? 1 : transmit(l, iov, parts, fds, n);

        return r == 1 ? queue(l, iov, parts, fds, n) : r;
}

int initlink_flush(struct initlink *l)
{
        while (l->first) {
                struct waiting *w = l->first;
                struct iovec iov = { w->bytes, w->size };
                int r = transmit(l, &iov, 1, w->fds, (size_t) w->fd_count);

                if (r == 1)
                        return 0;
                l->first = w->next;
                if (!l->first)
                        l->last = &l->first;
                waiting_free(w);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* --- sending ------------------------------------------------------------------------------------------------- */

static int memfd_of(const void *bytes, size_t size)
{
        autoclose int fd = memfd_create("plan", MFD_CLOEXEC);
        const char *p = bytes;

        while (fd >= 0 && size) {
                ssize_t n = write(fd, p, size);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        p += n;
                        size -= (size_t) n;
                }
        }
        return fd < 0 ? -errno : fd_steal(&fd);
}

int initlink_spawn(struct initlink *l, uint64_t request, const void *plan, size_t size, const int *fds, size_t n,
                   int cgroup, struct err *err)
{
        struct init_spawn m = { .h = { INIT_PROTO_VERSION, INIT_SPAWN, sizeof m, 0 }, .request = request,
                                .plan_size = (uint32_t) size, .cgroup = (int16_t) cgroup, .plan_fd = -1 };
        struct iovec iov[2] = { { &m, sizeof m }, { (void *) (uintptr_t) plan, size } };
        int all[INIT_FDS_MAX];
        autoclose int memfd = -1;
        size_t parts = 2;
        int r;

        if (n >= INIT_FDS_MAX)
                return err_set(err, STAGE_RESOURCES, E2BIG, "pass %zu descriptors: at most %d go at once", n,
                               INIT_FDS_MAX - 1);
        for (size_t i = 0; i < n; i++)
                all[i] = fds[i];
        if (size > INIT_INLINE_MAX) {
                memfd = memfd_of(plan, size);
                if (memfd < 0) {
                        errno = -memfd;
                        return err_sys(err, STAGE_RESOURCES, "keep a plan of %zu bytes", size);
                }
                m.plan_fd = (int16_t) n;
                all[n++] = memfd;
                parts = 1;
        }
        m.h.size = (uint32_t) (sizeof m + (parts == 2 ? size : 0));
        r = put(l, iov, parts, all, n);
        if (r < 0) {
                errno = -r;
                return err_sys(err, STAGE_RESOURCES, "ask init for a process");
        }
        return 0;
}

static int put_fixed(struct initlink *l, void *m, size_t size, const int *fd)
{
        struct iovec iov = { m, size };

        return put(l, &iov, 1, fd, fd ? 1 : 0);
}

int initlink_signal(struct initlink *l, pid_t pid, int sig, unsigned flags)
{
        struct init_signal m = { .h = { INIT_PROTO_VERSION, INIT_SIGNAL, sizeof m, 0 }, .pid = pid, .sig = sig,
                                 .flags = flags };

        return put_fixed(l, &m, sizeof m, NULL);
}

static int put_name(struct initlink *l, enum init_kind kind, const char *name, const int *fd)
{
        struct init_name m = { .h = { INIT_PROTO_VERSION, (uint16_t) kind, sizeof m, 0 } };
        size_t len = strlen(name);

        if (len >= sizeof m.name)
                return -ENAMETOOLONG;
        memcpy(m.name, name, len);
        return put_fixed(l, &m, sizeof m, fd);
}

int initlink_store(struct initlink *l, const char *name, int fd)
{
        return put_name(l, INIT_STORE, name, &fd);
}

int initlink_unstore(struct initlink *l, const char *name)
{
        return put_name(l, INIT_UNSTORE, name, NULL);
}

static int put_code(struct initlink *l, enum init_kind kind, int code, enum init_end end)
{
        struct init_code m = { .h = { INIT_PROTO_VERSION, (uint16_t) kind, sizeof m, 0 }, .code = code,
                               .end = (int32_t) end };

        return put_fixed(l, &m, sizeof m, NULL);
}

int initlink_reexec(struct initlink *l)
{
        return put_code(l, INIT_REEXEC, 0, INIT_END_EXIT);
}

int initlink_booted(struct initlink *l)
{
        return put_code(l, INIT_BOOTED, 0, INIT_END_EXIT);
}

int initlink_goodbye(struct initlink *l, int code, enum init_end end)
{
        return put_code(l, INIT_GOODBYE, code, end);
}

/* --- receiving ----------------------------------------------------------------------------------------------- */

static size_t size_of(const struct init_header *h, size_t n)
{
        switch (h->kind) {
        case INIT_HELLO:
                return sizeof(struct init_hello);
        case INIT_STORED:
                return sizeof(struct init_name);
        case INIT_STORE_FAILED:
        case INIT_SIGNAL_FAILED:
                return sizeof(struct init_failed);
        case INIT_SPAWNED:
                return sizeof(struct init_spawned);
        case INIT_SPAWN_FAILED:
                return sizeof(struct init_spawn_failed);
        case INIT_LISTENER:
                return sizeof(struct init_listener);
        case INIT_DAEMON_SIGNAL:
                return sizeof(struct init_daemon_signal);
        case INIT_EXITED: {
                const struct init_exited *m = (const void *) h;

                if (n < offsetof(struct init_exited, list) || m->count > INIT_EXITS_MAX)
                        return 0;
                return offsetof(struct init_exited, list) + m->count * sizeof m->list[0];
        }
        default:
                return 0;
        }
}

/* Texts from the other side end where the struct says, whatever they hold. */
static void terminate(struct init_header *h)
{
        if (h->kind == INIT_STORED) {
                struct init_name *m = (void *) h;

                m->name[sizeof m->name - 1] = 0;
        } else if (h->kind == INIT_SPAWN_FAILED) {
                struct init_spawn_failed *m = (void *) h;

                m->file[sizeof m->file - 1] = m->object[sizeof m->object - 1] = 0;
                if (m->stage >= STAGE_COUNT)
                        m->stage = STAGE_PLAN;
        } else if (h->kind == INIT_STORE_FAILED || h->kind == INIT_SIGNAL_FAILED) {
                struct init_failed *m = (void *) h;

                m->name[sizeof m->name - 1] = 0;
        }
}

static uint64_t mark_of(const void *bytes, size_t n)
{
        const unsigned char *p = bytes;
        uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

        while (n--)
                h = (h ^ *p++) * UINT64_C(1099511628211);
        return h;
}

static bool has_descriptor(const struct init_header *h)
{
        return h->kind == INIT_STORED || h->kind == INIT_LISTENER;
}

static bool sound(const struct init_header *h, size_t n)
{
        return n >= sizeof *h && h->version == INIT_PROTO_VERSION && h->size == n && size_of(h, n) == n;
}

/* The message in front into l->in: its size, 0 = none now, -errno; its descriptor, or a copy of it, into *fd. */
static ssize_t fetch(struct initlink *l, int *fd, bool take)
{
        RIGHTS_ROOM(1) room;
        struct iovec iov = { l->in, sizeof l->in };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t n;

        if (fd) {
                m.msg_control = &room;
                m.msg_controllen = sizeof room;
        }
        do
                n = recvmsg(l->fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT | (take ? 0 : MSG_PEEK));
        while (n < 0 && errno == EINTR);
        if (n <= 0)
                return n < 0 && error_passes(errno) ? 0 : -ECONNRESET;
        if (fd)
                (void) rights_take(&m, fd, 1);
        return n;
}

void initlink_take(struct initlink *l)
{
        char byte;

        while (recv(l->fd, &byte, 0, MSG_DONTWAIT) < 0 && errno == EINTR)
                ;
}

int initlink_look(struct initlink *l, struct initlink_msg *ret)
{
        struct init_header *h = (void *) l->in;
        autoclose int fd = -1;
        ssize_t n = fetch(l, NULL, false);

        if (n <= 0)
                return (int) n;
        if (sound(h, (size_t) n) && has_descriptor(h)) {
                n = fetch(l, &fd, h->kind == INIT_STORED);
                if (n <= 0 || fd < 0)
                        return -EPROTO;
        } else if (!sound(h, (size_t) n)) {
                initlink_take(l);
                return -EPROTO;
        }
        ret->mark = mark_of(h, (size_t) n);
        terminate(h);
        ret->kind = (enum init_kind) h->kind;
        ret->hello = (const void *) l->in; /* all members of the union are this pointer */
        ret->fd = fd_steal(&fd);
        return 1;
}

int initlink_receive(struct initlink *l, struct initlink_msg *ret)
{
        int r = initlink_look(l, ret);

        if (r == 1 && ret->kind != INIT_STORED)
                initlink_take(l);
        return r;
}

/* --- explaining ---------------------------------------------------------------------------------------------- */

/* The second errno is that of a user namespace in which there is no such number. */
#define NO_OTHER_USERS "only root may change users, and not all of them in a user namespace: remove User=, Group= or " \
        "DynamicUser=, or start coppiced as root"

/* What to do about it, for a stage and an errno (0 = any); what is about a path only where one is told. */
static const struct {
        enum stage stage;
        int error;
        bool path;
        const char *text;
} hints[] = {
        { STAGE_EXEC, ENOENT, false,
          "install it, or correct the command; for a script, look at the program in its first line" },
        { STAGE_EXEC, EACCES, false,
          "is it executable, for the user of the service, and not on a noexec file system?" },
        { STAGE_EXEC, ENOEXEC, false, "a script needs a first line such as #!/bin/sh" },
        { STAGE_USER, EPERM, false, NO_OTHER_USERS }, { STAGE_USER, EINVAL, false, NO_OTHER_USERS },
        { STAGE_GROUP, EPERM, false, NO_OTHER_USERS }, { STAGE_GROUP, EINVAL, false, NO_OTHER_USERS },
        { STAGE_CAPABILITIES, EPERM, false,
          "AmbientCapabilities= has one that CapabilityBoundingSet= or its like takes away, or coppiced is not root: "
          "take these, SecureBits= and NoNewPrivileges=no out" },
        { STAGE_LIMITS, EPERM, false, "above the hard limit that coppiced itself was started with" },
        { STAGE_FORK, EAGAIN, false, "a limit of processes is reached (pids.max, RLIMIT_NPROC)" },
        { STAGE_SECCOMP, EACCES, false, "write NoNewPrivileges=yes, or leave the service CAP_SYS_ADMIN" },
        { STAGE_SECCOMP, 0, false,
          "`coppicectl doctor` tells what filters this place allows; learning needs a listener" },
        { STAGE_OOM_ADJUST, EACCES, false, "only root may go below the value coppiced was started with" },
        { STAGE_NICE, EACCES, false, "only root may go below the value coppiced was started with" },
        { STAGE_NICE, EPERM, false, "only root may go below the value coppiced was started with" },
        { STAGE_CPUAFFINITY, EINVAL, false, "none of these processors may be used here; nproc counts those that may" },
        { STAGE_NAMESPACE, ENOENT, true, "make it, or write - in front of the path: then it may be missing" },
        { STAGE_NAMESPACE, EINVAL, true,
          "a directory can be shown on a directory only, a file on a file; of TemporaryFileSystem=: tmpfs(5) lists its "
          "options" },
        { STAGE_NAMESPACE, ENOSPC, false, "/proc/sys/user limits how many namespaces and mounts there may be" },
        { STAGE_LANDLOCK, ENOENT, true, "make it, or write - in front of the path: then it may be missing" },
        { STAGE_CHROOT, ENOENT, true, "make it, or correct RootDirectory=" },
        { STAGE_CHROOT, EPERM, true, "only root may; with PrivateMounts=yes a user namespace gives the right to" },
        { STAGE_CHDIR, ENOENT, true, "make it, or write - in front of the path: then it may be missing" },
        { STAGE_CHDIR, EACCES, true, "the user of the service has to be let into it and all directories above" },
        { STAGE_CREDENTIALS, ENOENT, true, "put it there, or say with SetCredential= what holds where it is missing" },
        { STAGE_STDIN, ENOENT, true, "make it" },
        { STAGE_STDOUT, ENOENT, true, "make the directory" },
        { STAGE_STDERR, ENOENT, true, "make the directory" },
};

static void put_hint(const struct init_spawn_failed *m, struct err *err)
{
        for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
                if ((int) hints[i].stage == m->stage && (hints[i].error == m->error || hints[i].error == 0) &&
                    (!hints[i].path || m->object[0] == '/')) {
                        err_hint(err, "%s", hints[i].text);
                        return;
                }
}

void initlink_spawn_error(const struct init_spawn_failed *m, struct err *err)
{
        enum stage stage = (enum stage) m->stage;

        errno = m->error;
        if (stage == STAGE_EXEC && m->object[0])
                (void) err_sys(err, stage, "execute %s", m->object);
        else
                (void) err_sys(err, stage, "%s%s%s", stage_what(stage), m->object[0] ? " " : "", m->object);
        if (m->file[0] && m->line)
                err_where(err, m->file, m->line);
        put_hint(m, err);
}
