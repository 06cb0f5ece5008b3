/* errors.c - see faults.h. Names are those of the manual pages; what cannot happen to a supervisor is not here. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#include "faults.h"

struct row {
        long call;
        const char *name;
        int errors[ERRORS_MAX];
};

#define CALL(name, ...) { SYS_##name, #name, { __VA_ARGS__, 0 } }

static const struct row rows[] = {
        /* descriptors */
        CALL(openat, EMFILE, ENFILE, ENOMEM, EACCES), CALL(openat2, EMFILE, ENOMEM, ENOSYS, EAGAIN),
        CALL(socket, EMFILE, ENOBUFS), CALL(socketpair, EMFILE, ENOBUFS), CALL(accept4, EMFILE, ENOBUFS, ECONNABORTED),
        CALL(pipe2, EMFILE, ENFILE), CALL(dup, EMFILE), CALL(dup3, EMFILE), CALL(memfd_create, EMFILE, ENOMEM),
        CALL(epoll_create1, EMFILE, ENOMEM), CALL(eventfd2, EMFILE, ENOMEM), CALL(signalfd4, EMFILE, ENOMEM),
        CALL(timerfd_create, EMFILE, ENOMEM), CALL(inotify_init1, EMFILE, ENOMEM), CALL(pidfd_open, EMFILE, ENOSYS),
        CALL(fcntl, EMFILE), CALL(close_range, ENOSYS, ENOMEM),
        /* memory */
        CALL(mmap, ENOMEM), CALL(mremap, ENOMEM), CALL(epoll_ctl, ENOMEM, ENOSPC), CALL(inotify_add_watch, ENOSPC, ENOMEM),
        /* processes */
        CALL(clone, EAGAIN, ENOMEM), CALL(clone3, EAGAIN, ENOMEM, ENOSYS, EPERM, E2BIG, EBUSY, EOPNOTSUPP),
        CALL(execve, ENOMEM, EACCES, ETXTBSY), CALL(execveat, ENOMEM, EACCES), CALL(waitid, EINTR), CALL(kill, EPERM, ESRCH),
        CALL(setsid, EPERM), CALL(setpgid, EPERM, EACCES), CALL(prctl, EINVAL, EPERM), CALL(prlimit64, EPERM, EINVAL),
        CALL(setresuid, EAGAIN, EPERM), CALL(setresgid, EPERM), CALL(setgroups, EPERM, ENOMEM), CALL(capset, EPERM),
        CALL(seccomp, EINVAL, ENOMEM), CALL(unshare, EPERM, ENOSPC, ENOMEM), CALL(setns, EPERM, ENOMEM),
        CALL(setpriority, EACCES), CALL(sched_setscheduler, EPERM), CALL(sched_setaffinity, EINVAL), CALL(keyctl, ENOSYS, EDQUOT),
        CALL(chdir, EACCES, EIO), CALL(fchdir, EACCES, EIO), CALL(chroot, EPERM), CALL(pidfd_send_signal, ENOSYS, EPERM),
        /* disk, control groups */
        CALL(read, EIO, EINTR), CALL(pread64, EIO), CALL(write, ENOSPC, EIO, EINTR), CALL(pwrite64, ENOSPC, EIO),
        CALL(writev, ENOSPC, EIO), CALL(splice, ENOMEM, EINTR), CALL(ftruncate, EIO, ENOSPC), CALL(fallocate, ENOSPC),
        CALL(mkdirat, ENOSPC, EROFS, EAGAIN), CALL(unlinkat, EBUSY, EROFS), CALL(renameat2, ENOSPC, EROFS),
        CALL(linkat, ENOSPC, EROFS), CALL(symlinkat, ENOSPC), CALL(fchmod, EPERM, EROFS), CALL(fchmodat, EPERM, EROFS),
        CALL(fchown, EPERM), CALL(fchownat, EPERM), CALL(getdents64, EIO), CALL(fsync, EIO), CALL(flock, ENOLCK),
        CALL(newfstatat, EIO, ENOMEM), CALL(fstat, EIO), CALL(statx, EIO), CALL(statfs, EIO), CALL(fstatfs, EIO),
        CALL(readlinkat, EACCES, EIO), CALL(faccessat2, EIO), CALL(utimensat, EROFS), CALL(umount2, EBUSY),
        CALL(mount, EPERM, ENOMEM, EBUSY), CALL(pivot_root, EBUSY, EPERM), CALL(open_tree, ENOSYS, EMFILE, ENOMEM),
        CALL(move_mount, EPERM, EBUSY), CALL(mount_setattr, ENOSYS, EINVAL), CALL(fsopen, ENOSYS, EPERM), CALL(fsmount, EPERM),
        /* sockets */
        CALL(bind, EADDRINUSE, EACCES, EROFS), CALL(listen, EADDRINUSE), CALL(connect, ECONNREFUSED, EAGAIN),
        CALL(sendmsg, ENOBUFS, ENOMEM, EAGAIN, ETOOMANYREFS), CALL(sendto, ENOBUFS, ENOMEM, EAGAIN),
        CALL(recvmsg, ENOMEM, EINTR), CALL(recvfrom, ENOMEM, EINTR), CALL(setsockopt, ENOMEM, EPERM), CALL(getsockopt, ENOBUFS),
        /* waiting */
        CALL(epoll_pwait2, EINTR, ENOSYS), CALL(ppoll, EINTR, ENOMEM), CALL(epoll_pwait, EINTR),
#ifdef SYS_open /* what came before the *at calls is not everywhere */
        CALL(open, EMFILE, ENFILE, ENOMEM, EACCES), CALL(pipe, EMFILE), CALL(dup2, EMFILE, EBUSY), CALL(fork, EAGAIN, ENOMEM),
        CALL(vfork, EAGAIN, ENOMEM), CALL(mkdir, ENOSPC, EROFS), CALL(rmdir, EBUSY, EROFS), CALL(unlink, EBUSY, EROFS),
        CALL(rename, ENOSPC, EROFS), CALL(symlink, ENOSPC), CALL(chmod, EPERM, EROFS), CALL(chown, EPERM), CALL(stat, EIO, ENOMEM),
        CALL(lstat, EIO), CALL(readlink, EACCES, EIO), CALL(access, EIO), CALL(poll, EINTR, ENOMEM), CALL(epoll_wait, EINTR),
#endif
};

static const struct row *find(long call)
{
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (rows[i].call == call)
                        return &rows[i];
        return NULL;
}

const char *call_name(long call)
{
        const struct row *r = find(call);

        return r ? r->name : "?";
}

const int *errors_of(long call, const uint64_t args[6])
{
        static const int not_allowed[ERRORS_MAX] = { EPERM };
        const struct row *r = find(call);

        if (call == SYS_write && args[0] <= 2)
                return NULL; /* what it has to say goes there */
#ifdef __SANITIZE_ADDRESS__
        if (call == SYS_mmap || call == SYS_mremap)
                return NULL; /* the sanitizer's own, and it ends the program when one fails */
#endif
        if (!r || call != SYS_fcntl || args[1] == F_DUPFD || args[1] == F_DUPFD_CLOEXEC)
                return r ? r->errors : NULL;
        return args[1] == F_SETPIPE_SZ ? not_allowed : NULL;
}
