/* machine.c - see machine.h. */
#include "os/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "os/fs.h"

#define PROC_PID_INIT_INO "pid:[4026531836]" /* include/linux/proc_ns.h: fixed for the first namespace */
#define MOUNTS_MAX        (4U << 20)
#define PASSES_MAX        10

/* Without /proc: PID 2 of a machine is kthreadd, in no process group and no session; in a fresh namespace it is us. */
static bool kernel_threads(void)
{
        return getpgid(2) == 0 && getsid(2) == 0;
}

bool machine_is(void)
{
        char text[64];
        ssize_t n;

        if (getenv("container"))
                return false;
        n = readlink("/proc/self/ns/pid", text, sizeof(text) - 1);
        if (n < 0)
                return kernel_threads();
        text[n] = '\0';
        return strcmp(text, PROC_PID_INIT_INO) == 0;
}

/* --- the start -------------------------------------------------------------------------------------------------- */

static const struct api {
        const char *type, *where;
        unsigned long flags;
        const char *options; /* dropped when the kernel does not know them */
} apis[] = {
        { "proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "" },
        { "sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, "" },
        { "devtmpfs", "/dev", MS_NOSUID, "mode=0755" },
        { "devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=0620,gid=5,ptmxmode=0666" },
        { "tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777" },
        { "tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755" },
        { "cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, "nsdelegate,memory_recursiveprot" },
};

/* Something is mounted there: it lies on another file system than the directory above it. */
static bool mounted(const char *where)
{
        char above[64];
        struct stat here, there;

        (void) snprintf(above, sizeof(above), "%s/..", where);
        return stat(where, &here) == 0 && stat(above, &there) == 0 && here.st_dev != there.st_dev;
}

static void mount_api(const struct api *a)
{
        int r;

        if (mounted(a->where))
                return;
        (void) mkdir(a->where, 0755); /* read-only: it is there, or the mount says so */
        r = mount(a->type, a->where, a->type, a->flags, a->options);
        if (r < 0 && errno == EINVAL)
                r = mount(a->type, a->where, a->type, a->flags, "");
        if (r < 0)
                log_error("mount %s at %s: %s", a->type, a->where, strerror(errno));
}

/* What programs expect beside the devices. */
static void link_devices(void)
{
        static const char *const links[][2] = {
                { "/proc/self/fd", "/dev/fd" }, { "/proc/self/fd/0", "/dev/stdin" },
                { "/proc/self/fd/1", "/dev/stdout" }, { "/proc/self/fd/2", "/dev/stderr" },
        };

        for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
                if (symlink(links[i][0], links[i][1]) < 0 && errno != EEXIST)
                        log_warning("link %s: %s", links[i][1], strerror(errno));
}

void machine_start(void)
{
        for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++)
                mount_api(&apis[i]);
        link_devices();
        if (reboot(RB_DISABLE_CAD) < 0)
                log_warning("Ctrl-Alt-Del reboots at once: %s", strerror(errno));
}

/* --- the end ---------------------------------------------------------------------------------------------------- */

static bool of_the_kernel(const char *where)
{
        static const char *const trees[] = { "/proc", "/sys", "/dev", "/run" };

        for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
                size_t n = strlen(trees[i]);

                if (strncmp(where, trees[i], n) == 0 && (where[n] == '\0' || where[n] == '/'))
                        return true;
        }
        return strcmp(where, "/") == 0;
}

/* "\040" and its like, as proc(5) writes them, in place. */
static void unescape(char *s)
{
        char *to = s;

        for (; *s; s++, to++) {
                if (s[0] == '\\' && s[1] && s[2] && s[3]) {
                        *to = (char) ((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
                        s += 3;
                } else {
                        *to = *s;
                }
        }
        *to = '\0';
}

/* Field `n` (from 0) of a line whose fields are separated by blanks, cut out in place; NULL when there are fewer. */
static char *field(char *line, int n)
{
        char *at = line, *end;

        for (; n > 0; n--) {
                at = strchr(at, ' ');
                if (!at)
                        return NULL;
                at++;
        }
        end = at + strcspn(at, " \t");
        *end = '\0';
        return at;
}

/* The lines of a file of /proc, the last one first: what was mounted later may lie on what was mounted earlier. */
static void each_line_backwards(const char *path, void (*fn)(void *arg, char *line), void *arg)
{
        autobuf struct buf text = BUF_INIT;
        char *start, *end;

        if (fs_read(path, MOUNTS_MAX, &text, NULL) < 0 || text.len == 0)
                return;
        start = text.data;
        end = start + text.len;
        while (end > start) {
                char *line;

                if (end[-1] == '\n')
                        *--end = '\0';
                line = memrchr(start, '\n', (size_t) (end - start));
                line = line ? line + 1 : start;
                end = line;
                fn(arg, line);
        }
}

struct pass { unsigned gone, left; bool last; };

static void unmount(void *arg, char *line)
{
        struct pass *p = arg;
        char *where = field(line, 4);

        if (!where)
                return;
        unescape(where);
        if (of_the_kernel(where))
                return;
        if (umount2(where, UMOUNT_NOFOLLOW) == 0) {
                p->gone++;
                return;
        }
        p->left++;
        if (!p->last)
                return;
        log_warning("unmount %s: %s; making it read-only", where, strerror(errno));
        (void) mount(NULL, where, NULL, MS_REMOUNT | MS_RDONLY, NULL);
}

static void swap_off(void *arg, char *line)
{
        char *path = field(line, 0);

        (void) arg;
        unescape(path);
        if (path[0] == '/' && swapoff(path) < 0)
                log_warning("swapoff %s: %s", path, strerror(errno));
}

void machine_release(void)
{
        struct pass p = { .gone = 1 };

        sync();
        each_line_backwards("/proc/swaps", swap_off, NULL);
        for (int i = 0; p.gone > 0 && i < PASSES_MAX; i++) {
                p = (struct pass) { 0 };
                each_line_backwards("/proc/self/mountinfo", unmount, &p);
        }
        if (p.left > 0) {
                p = (struct pass) { .last = true };
                each_line_backwards("/proc/self/mountinfo", unmount, &p);
        }
        if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
                log_info("make the root file system read-only: %s", strerror(errno));
        sync();
}
