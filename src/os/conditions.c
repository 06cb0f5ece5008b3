/* conditions.c - see conditions.h. */
#include "os/conditions.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/fs.h"
#include "os/kernel.h"
#include "os/nss.h"

#define SYSTEM_ID_MAX 999

/* --- files ------------------------------------------------------------------------------------------------- */

static bool path_exists(const char *path)
{
        return access(path, F_OK) == 0;
}

static bool path_exists_glob(const char *pattern)
{
        glob_t found = { 0 };
        bool any = glob(pattern, GLOB_NOSORT | GLOB_BRACE, NULL, &found) == 0 && found.gl_pathc > 0;

        globfree(&found);
        return any;
}

static bool path_is_directory(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool path_is_symbolic_link(const char *path)
{
        struct stat st;

        return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* The kernel says since 5.8; before, a directory on another device than its parent is one (bind mounts of the same
 * file system are missed). */
static bool path_is_mount_point(const char *path)
{
        char parent[PATH_MAX];
        struct statx sx;
        struct stat st, up;

        if (statx(AT_FDCWD, path, 0, 0, &sx) == 0 && (sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
                return sx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
        if (strlen(path) + 4 > sizeof parent || stat(path, &st) < 0)
                return false;
        (void) stpcpy(stpcpy(parent, path), "/..");
        return stat(parent, &up) == 0 && (st.st_dev != up.st_dev || st.st_ino == up.st_ino);
}

static bool path_is_read_write(const char *path)
{
        struct statvfs fs;

        return statvfs(path, &fs) == 0 && !(fs.f_flag & ST_RDONLY);
}

static bool directory_not_empty(const char *path)
{
        DIR *d = opendir(path);
        const struct dirent *e;
        int n = 0;

        while (d && n <= 2 && (e = readdir(d)))
                n++;
        if (d)
                (void) closedir(d);
        return n > 2; /* . and .. */
}

static bool file_not_empty(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

static bool file_is_executable(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

/* --- the machine --------------------------------------------------------------------------------------------- */

/* "quiet" finds quiet and quiet=...; "root=/dev/sda" only exactly that. */
static bool kernel_command_line(const char *word)
{
        char line[4096], *save = NULL;
        size_t len = strlen(word);

        if (fs_read_small(AT_FDCWD, "/proc/cmdline", line, sizeof line) < 0)
                return false;
        for (const char *p = strtok_r(line, " \t\n", &save); p; p = strtok_r(NULL, " \t\n", &save))
                if (strcmp(p, word) == 0 || (!strchr(word, '=') && strncmp(p, word, len) == 0 && p[len] == '='))
                        return true;
        return false;
}

static bool virtualization(const char *kind)
{
        const struct kernel *k = kernel_get();
        bool any = strcmp(k->virt, "none") != 0;

        if (strcmp(kind, "yes") == 0 || strcmp(kind, "true") == 0 || strcmp(kind, "1") == 0)
                return any;
        if (strcmp(kind, "no") == 0 || strcmp(kind, "false") == 0 || strcmp(kind, "0") == 0)
                return !any;
        if (strcmp(kind, "container") == 0)
                return k->container;
        if (strcmp(kind, "vm") == 0)
                return any && !k->container;
        return any && strcmp(kind, k->virt) == 0;
}

static bool capability(const char *name)
{
        static const char *const names[] = {
                "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
                "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock",
                "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin",
                "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write",
                "audit_control", "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend",
                "audit_read", "perfmon", "bpf", "checkpoint_restore",
        };

        if (strncasecmp(name, "CAP_", 4) != 0)
                return false;
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (strcasecmp(name + 4, names[i]) == 0)
                        return prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1;
        return false;
}

static bool is_number(const char *text)
{
        return *text && text[strspn(text, "0123456789")] == 0;
}

static bool user(struct reach *reach, const char *who)
{
        struct account a;
        bool ours;

        if (strcmp(who, "@system") == 0)
                return geteuid() <= SYSTEM_ID_MAX;
        if (is_number(who))
                return strtoul(who, NULL, 10) == geteuid();
        if (nss_user(reach, who, &a) < 0)
                return false;
        ours = a.uid == geteuid();
        account_done(&a);
        return ours;
}

static bool in_group(gid_t gid)
{
        int n = getgroups(0, NULL);
        autofree gid_t *list = n > 0 ? calloc((size_t) n, sizeof *list) : NULL;

        if (gid == getegid())
                return true;
        n = list ? getgroups(n, list) : 0;
        for (int i = 0; i < n; i++)
                if (list[i] == gid)
                        return true;
        return false;
}

static bool group(struct reach *reach, const char *which)
{
        gid_t gid;

        if (strcmp(which, "@system") == 0)
                return getegid() <= SYSTEM_ID_MAX;
        if (is_number(which))
                return in_group((gid_t) strtoul(which, NULL, 10));
        return nss_group(reach, which, &gid) == 0 && in_group(gid);
}

/* --- lists ------------------------------------------------------------------------------------------------------ */

static const struct {
        enum directive condition, assertion;
        bool (*test)(const char *argument);
        bool (*test_name)(struct reach *reach, const char *argument);
} tests[] = {
        { D_UNIT_ConditionPathExists, D_UNIT_AssertPathExists, path_exists, NULL },
        { D_UNIT_ConditionPathExistsGlob, D_UNIT_AssertPathExistsGlob, path_exists_glob, NULL },
        { D_UNIT_ConditionPathIsDirectory, D_UNIT_AssertPathIsDirectory, path_is_directory, NULL },
        { D_UNIT_ConditionPathIsSymbolicLink, D_UNIT_AssertPathIsSymbolicLink, path_is_symbolic_link, NULL },
        { D_UNIT_ConditionPathIsMountPoint, D_UNIT_AssertPathIsMountPoint, path_is_mount_point, NULL },
        { D_UNIT_ConditionPathIsReadWrite, D_UNIT_AssertPathIsReadWrite, path_is_read_write, NULL },
        { D_UNIT_ConditionDirectoryNotEmpty, D_UNIT_AssertDirectoryNotEmpty, directory_not_empty, NULL },
        { D_UNIT_ConditionFileNotEmpty, D_UNIT_AssertFileNotEmpty, file_not_empty, NULL },
        { D_UNIT_ConditionFileIsExecutable, D_UNIT_AssertFileIsExecutable, file_is_executable, NULL },
        { D_UNIT_ConditionKernelCommandLine, D_UNIT_AssertKernelCommandLine, kernel_command_line, NULL },
        { D_UNIT_ConditionVirtualization, D_UNIT_AssertVirtualization, virtualization, NULL },
        { D_UNIT_ConditionCapability, D_UNIT_AssertCapability, capability, NULL },
        { D_UNIT_ConditionUser, D_UNIT_AssertUser, NULL, user },
        { D_UNIT_ConditionGroup, D_UNIT_AssertGroup, NULL, group },
};

int condition_test(struct reach *reach, enum directive d, const char *argument)
{
        for (size_t i = 0; i < ARRAY_LEN(tests); i++)
                if (d == tests[i].condition || d == tests[i].assertion)
                        return tests[i].test ? tests[i].test(argument) : tests[i].test_name(reach, argument);
        return 0;
}

struct check {
        struct reach *reach;
        const struct spec *s;
        struct condition_result unmet;     /* the last "|" one that did not hold */
        bool triggers, triggered;
};

/* One list. True when a plain one does not hold: then *ret says which. */
static bool list_fails(struct check *c, enum directive d, struct condition_result *ret)
{
        for (size_t i = 0; i < spec_count(c->s, d); i++) {
                const char *item = spec_item(c->s, d, i), *argument = item;
                bool trigger = *argument == '|', negate, holds;
                struct condition_result r = { VERDICT_PASS, d, item, i, spec_item_origin(c->s, d, i) };

                argument += trigger;
                negate = *argument == '!';
                argument += negate;
                holds = (condition_test(c->reach, d, argument) != 0) != negate;
                if (trigger) {
                        c->triggers = true;
                        c->triggered |= holds;
                        if (!holds)
                                c->unmet = r;
                } else if (!holds) {
                        *ret = r;
                        return true;
                }
        }
        return false;
}

static bool all_fail(struct reach *reach, const struct spec *s, bool assertions, struct condition_result *ret)
{
        struct check c = { .reach = reach, .s = s };

        for (size_t i = 0; i < ARRAY_LEN(tests); i++)
                if (list_fails(&c, assertions ? tests[i].assertion : tests[i].condition, ret))
                        return true;
        if (!c.triggers || c.triggered)
                return false;
        *ret = c.unmet;
        return true;
}

struct condition_result conditions_check(struct reach *reach, const struct spec *s)
{
        struct condition_result r = { VERDICT_PASS, D_NONE, NULL, 0, { "", 0 } };

        if (all_fail(reach, s, true, &r))
                r.verdict = VERDICT_FAIL;
        else if (all_fail(reach, s, false, &r))
                r.verdict = VERDICT_SKIP;
        return r;
}
