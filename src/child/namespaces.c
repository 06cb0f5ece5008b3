/* namespaces.c - leave the daemon's namespaces. See child.h. */
#include "child/child.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void child_know_proc(struct child *c)
{
        int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 || faccessat(fd, "self", F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
                (void) close(fd);
                return;
        }
        if (c->proc >= 0)
                (void) close(c->proc);
        c->proc = fd;
}

/* --- users -------------------------------------------------------------------------------------------------------- */

static int write_file(int dir, const char *name, const char *text, size_t len)
{
        int fd = openat(dir, name, O_WRONLY | O_CLOEXEC), r = 0;

        if (fd < 0)
                return -errno;
        if (write(fd, text, len) < 0)
                r = -errno;
        (void) close(fd);
        return r;
}

/* "7 7 1\n" behind what is there. */
static size_t add_id(char *map, size_t len, int64_t id)
{
        for (int i = 0; i < 2; i++) {
                len += child_digits(map + len, id);
                map[len++] = ' ';
        }
        memcpy(map + len, "1\n", 2);
        return len + 2;
}

static size_t make_map(char *map, int64_t id, bool with_root)
{
        size_t len = 0;

        if (with_root && id != 0)
                len = add_id(map, len, 0);
        return add_id(map, len, id);
}

static int write_maps(int self, int64_t uid, int64_t gid, bool with_root)
{
        char map[160];
        int r = 0;

        if (!with_root) {
                r = write_file(self, "setgroups", "deny", 4); /* or the kernel takes no group from who is not root */
                if (r == -ENOENT)
                        r = 0;
        }
        if (r == 0)
                r = write_file(self, "uid_map", map, make_map(map, uid, with_root));
        if (r == 0)
                r = write_file(self, "gid_map", map, make_map(map, gid, with_root));
        return r;
}

/* More than the own id can only be mapped by somebody outside: a child that is forked before, and waits for the
 * word. */
static _Noreturn void help(int self, const struct plan_step *s, int word)
{
        char go;
        int r = read(word, &go, 1) == 1 ? write_maps(self, s->a, s->b, true) : -EPIPE;

        _exit(-r & 255);
}

static int enter_with_helper(int self, const struct plan_step *s)
{
        int word[2], status = 0, r = 0;
        pid_t pid;

        if (pipe2(word, O_CLOEXEC) < 0)
                return -errno;
        pid = (pid_t) syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (pid == 0) {
                (void) close(word[1]);
                help(self, s, word[0]);
        }
        if (pid < 0 || unshare(CLONE_NEWUSER) < 0)
                r = -errno;
        if (r == 0 && write(word[1], "", 1) < 0)
                r = -errno;
        (void) close(word[0]);
        (void) close(word[1]);
        if (pid > 0 && waitpid(pid, &status, 0) == pid && r == 0 && status != 0)
                r = WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
        return r;
}

int child_userns(struct child *c, const struct plan_step *s, const char *text)
{
        uid_t uid = geteuid();
        gid_t gid = getegid();
        int self, r;

        (void) text;
        child_know_proc(c); /* what was known before the mounts may be on a read-only one by now */
        c->object = "/proc/self/uid_map";
        self = openat(c->proc, "self", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (self < 0)
                return -errno;
        if (s->c)
                r = enter_with_helper(self, s);
        else
                r = unshare(CLONE_NEWUSER) < 0 ? -errno : write_maps(self, uid, gid, false);
        (void) close(self);
        return r;
}

/* --- the others --------------------------------------------------------------------------------------------------- */

static int raise_loopback(struct child *c)
{
        struct ifreq lo = { .ifr_name = "lo" };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = 0;

        if (fd < 0)
                return -errno;
        c->object = "lo";
        if (ioctl(fd, SIOCGIFFLAGS, &lo) < 0)
                r = -errno;
        lo.ifr_flags = (short) (lo.ifr_flags | IFF_UP);
        if (r == 0 && ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
                r = -errno;
        (void) close(fd);
        return r;
}

/* What stands in for hidden paths lies below the runtime directory, which may soon be out of sight. */
static int open_stand_ins(struct child *c, struct plan_iter it)
{
        const struct plan_step *s;
        const char *text;

        while (plan_next(&it, &s, &text) > 0 && s->op != PLAN_SEAL) {
                size_t at = 0;

                if (s->op != PLAN_MOUNT || s->a != PLAN_MOUNT_HIDE || !plan_string(text, s->text_len, &at))
                        continue;
                for (int i = 0; i < 2; i++) {
                        const char *path = plan_string(text, s->text_len, &at);

                        if (!path)
                                return -EBADMSG;
                        c->object = path;
                        c->stand_ins[i] = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
                        if (c->stand_ins[i] < 0)
                                return -errno;
                }
                return 0;
        }
        return 0;
}

int child_namespaces(struct child *c, const struct plan_step *s, const char *text)
{
        int r;

        child_know_proc(c);
        if (unshare((int) s->a) < 0)
                return -errno;
        if (s->a & CLONE_NEWNET) {
                r = raise_loopback(c);
                if (r < 0)
                        return r;
        }
        if (!(s->a & CLONE_NEWNS))
                return 0;
        /* Before anything is mounted: or it would appear in the daemon's namespace too. */
        c->object = "/";
        if (mount(NULL, "/", NULL, MS_REC | (unsigned long) s->b, NULL) < 0)
                return -errno;
        r = child_old_begin(c);
        if (r == 0)
                r = open_stand_ins(c, *c->it);
        if (r < 0)
                return r;
        c->object = NULL;
        return child_take_sources(c, s, text);
}
