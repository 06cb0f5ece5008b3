/* sandbox_probe.c - see sandbox_probe.h. */
#include "os/sandbox_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/shortage.h"

#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif

/* What a child found out. */
struct found {
        unsigned parts;
        int user_error;
        int ids_error;
        int failed;             /* it could not find out, errno */
};

static bool is_shortage(int error)
{
        return error_lacks(error) || error_passes(error);
}

/* Does this function, in a process of its own, return true? */
static bool child_can(struct found *f, bool (*fn)(void))
{
        pid_t pid = (pid_t) syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        int status = 1;

        if (pid == 0)
                _exit(fn() ? 0 : 1);
        if (pid < 0 && is_shortage(errno))
                f->failed = errno;
        return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static int write_text(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

        if (fd < 0)
                return -errno;
        if (write(fd, text, strlen(text)) < 0)
                r = -errno;
        (void) close(fd);
        return r;
}

/* As child/namespaces.c does it. */
static int enter_user_namespace(void)
{
        unsigned uid = geteuid(), gid = getegid();
        char map[64];
        int r;

        if (unshare(CLONE_NEWUSER) < 0)
                return -errno;
        r = write_text("/proc/self/setgroups", "deny");
        if (r < 0 && r != -ENOENT)
                return r;
        (void) snprintf(map, sizeof map, "%u %u 1\n", uid, uid);
        r = write_text("/proc/self/uid_map", map);
        (void) snprintf(map, sizeof map, "%u %u 1\n", gid, gid);
        return r < 0 ? r : write_text("/proc/self/gid_map", map);
}

static bool can_mount(void)
{
        return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0 &&
               mount("tmpfs", "/", "tmpfs", 0, "size=4k") == 0;
}

/* Only who is in the process namespace can mount its /proc: a child of the one that made it. */
static bool can_mount_proc(void)
{
        return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2") == 0;
}

/* In a process of its own, for it changes all that follows. */
static bool can_user(void)
{
        return unshare(CLONE_NEWUSER) == 0;
}

/* Why this process could not become a user whom no unit has to name, errno; it is one then. */
static int change_user(void)
{
        gid_t group = 1;

        return syscall(SYS_setgroups, 1, &group) == 0 && syscall(SYS_setresgid, 1, 1, 1) == 0 &&
               syscall(SYS_setresuid, 1, 1, 1) == 0 ? 0 : errno;
}

/* Its errno by way of an exit status, which holds those of this. */
static int try_ids(struct found *f)
{
        pid_t pid = (pid_t) syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        int status = 0, error = pid < 0 ? errno : 0;

        if (pid == 0)
                _exit(change_user());
        if (pid < 0 && is_shortage(error))
                f->failed = error;
        if (pid < 0)
                return error;
        return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

static struct found try_all(bool by_user)
{
        struct found f = { 0 };

        if (by_user)
                f.user_error = -enter_user_namespace();
        f.failed = is_shortage(f.user_error) ? f.user_error : 0;
        if (f.user_error)
                return f;
        f.ids_error = by_user ? 0 : try_ids(&f);
        /* who is not root has it by way of the second try */
        if (by_user || (geteuid() == 0 && child_can(&f, can_user)))
                f.parts |= SANDBOX_USERS;
        f.parts |= unshare(CLONE_NEWNET) == 0 ? SANDBOX_NET : 0U;
        f.parts |= unshare(CLONE_NEWIPC) == 0 ? SANDBOX_IPC : 0U;
        f.parts |= unshare(CLONE_NEWPID) == 0 ? SANDBOX_PIDS : 0U;
        if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0 &&
            child_can(&f, can_mount_proc))
                f.parts |= SANDBOX_PROC;
        f.parts |= can_mount() ? SANDBOX_MOUNTS : 0U;
        return f;
}

static struct found in_child(bool by_user)
{
        struct found f = { .failed = 0 };
        int ends[2];
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return (struct found) { .user_error = errno, .failed = errno };
        pid = (pid_t) syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (pid == 0) {
                f = try_all(by_user);
                _exit(write(ends[1], &f, sizeof f) == sizeof f ? 0 : 1);
        }
        if (pid < 0)
                f.failed = errno;
        (void) close(ends[1]);
        if (pid > 0 && read(ends[0], &f, sizeof f) != sizeof f)
                f = (struct found) { .failed = EAGAIN };
        if (f.failed && !f.user_error)
                f.user_error = f.failed;
        (void) close(ends[0]);
        if (pid > 0)
                (void) waitpid(pid, NULL, 0);
        return f;
}

/* Arguments that are wrong in a way only a call that exists can tell. */
static bool has_mount_tree(void)
{
        return (syscall(SYS_open_tree, -1, "x", 0) < 0 && errno == EBADF) &&
               (syscall(SYS_mount_setattr, -1, "x", 0, NULL, 0) < 0 && errno != ENOSYS && errno != EPERM);
}

/* Before version 3 nobody could forbid truncating a file, before 4 there were no ports. */
static unsigned landlock_parts(int version)
{
        return (version >= 3 ? SANDBOX_LANDLOCK : 0U) | (version >= 4 ? SANDBOX_LANDLOCK_TCP : 0U);
}

static void ask(struct sandbox_probe *p)
{
        struct found direct = in_child(false), by_user = in_child(true);
        long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);

        p->can = direct.parts;
        p->can_by_user = by_user.parts;
        p->user_error = by_user.user_error;
        p->ids_error = direct.ids_error;
        p->failed = direct.failed ? direct.failed : by_user.failed;
        p->mount_tree = has_mount_tree();
        p->landlock = version > 0 ? (int) version : 0;
        p->can |= landlock_parts(p->landlock);
        p->can_by_user |= landlock_parts(p->landlock);
}

const struct sandbox_probe *sandbox_probe(void)
{
        static struct sandbox_probe cache; /* one of the few roots: nothing in it changes while we run,
                                            * once it is known */
        static bool asked;

        if (!asked || cache.failed)
                ask(&cache);
        asked = true;
        return &cache;
}

static const char *remedy(const struct sandbox_probe *p)
{
        if (p->failed)
                return "there were no descriptors, memory or processes to try it with; ask again";
        if (geteuid() == 0)
                return "the daemon has no CAP_SYS_ADMIN, or a filter refuses it; give the container that right";
        if (p->user_error == ENOSPC)
                return "user namespaces are used up or switched off: raise sysctl user.max_user_namespaces";
        if (p->user_error)
                return "not root, and user namespaces are refused: allow them, or run the daemon as root";
        return "not even inside a user namespace; run the daemon as root";
}

static void part_row(const struct sandbox_probe *p, enum sandbox_part part, struct sandbox_row *ret)
{
        unsigned by_user = p->can_by_user;

        ret->what = sandbox_part_name(part);
        ret->ok = (p->can | by_user) & part;
        if (part >= SANDBOX_LANDLOCK && ret->ok)
                (void) snprintf(ret->sentence, sizeof ret->sentence, "yes, version %d", p->landlock);
        else if (part >= SANDBOX_LANDLOCK)
                (void) snprintf(ret->sentence, sizeof ret->sentence,
                                p->landlock ? "no: the kernel has version %d, too old"
                                : "no: the kernel has none, or it is switched off (lsm=)", p->landlock);
        else if (p->can & part)
                (void) snprintf(ret->sentence, sizeof ret->sentence, "yes");
        else if (ret->ok)
                (void) snprintf(ret->sentence, sizeof ret->sentence, "yes, inside a user namespace%s",
                                part == SANDBOX_PROC ? ", together with PrivatePIDs=yes" : "");
        else
                (void) snprintf(ret->sentence, sizeof ret->sentence, "no: %s", remedy(p));
}

static const char *why_no_users(const struct sandbox_probe *p)
{
        if (geteuid())
                return "only root may change users";
        if (p->ids_error == EPERM || p->ids_error == EINVAL)
                return "this user namespace has none, or the daemon lacks CAP_SETUID or CAP_SETGID";
        return strerror(p->ids_error);
}

static void users_row(const struct sandbox_probe *p, struct sandbox_row *ret)
{
        ret->what = "other users";
        ret->ok = !p->ids_error && !p->failed;
        if (ret->ok)
                (void) snprintf(ret->sentence, sizeof ret->sentence, "User=, Group=, DynamicUser=");
        else if (p->failed)
                (void) snprintf(ret->sentence, sizeof ret->sentence, "no: %s", remedy(p));
        else
                (void) snprintf(ret->sentence, sizeof ret->sentence, "no: %s: not User=, Group=, DynamicUser=",
                                why_no_users(p));
}

bool sandbox_row(size_t i, struct sandbox_row *ret)
{
        const struct sandbox_probe *p = sandbox_probe();

        if (i < SANDBOX_PARTS) {
                part_row(p, (enum sandbox_part) (1U << i), ret);
                return true;
        }
        if (i == SANDBOX_PARTS)
                users_row(p, ret);
        return i == SANDBOX_PARTS;
}
