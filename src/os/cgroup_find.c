/* cgroup_find.c - where the v2 tree is mounted and which group of it we are in. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/cgroup_priv.h"

/* mountinfo escapes space, tab, newline and backslash as \ooo. In place. */
static void unescape(char *s)
{
        char *out = s;

        while (*s) {
                if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
                        *out++ = (char) ((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
                        s += 4;
                } else {
                        *out++ = *s++;
                }
        }
        *out = 0;
}

/* One line: "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw". Returns its type, or NULL. */
const char *cgroup_mount_split(char *line, char **ret_root, char **ret_point, char **ret_options)
{
        char *type = strstr(line, " - ");
        char *save = NULL, *field[5], *options;

        if (!type)
                return NULL;
        *type = 0;
        type += 3;
        type[strcspn(type, "\n")] = 0;
        options = strrchr(type, ' ');
        type[strcspn(type, " ")] = 0;
        for (int i = 0; i < 5; i++) {
                field[i] = strtok_r(i ? NULL : line, " ", &save);
                if (!field[i])
                        return NULL;
        }
        unescape(field[3]);
        unescape(field[4]);
        *ret_root = field[3];
        *ret_point = field[4];
        *ret_options = options ? options + 1 : type + strlen(type);
        return type;
}

/* The v2 mount, its root inside the hierarchy, and whether v1 has controllers mounted too. */
static int find_mount(char root[PATH_MAX], char point[PATH_MAX], bool *ret_v1)
{
        autofclose FILE *f = fopen("/proc/self/mountinfo", "re");
        autofree char *line = NULL;
        size_t room = 0;
        bool found = false;

        if (!f)
                return -errno;
        *ret_v1 = false;
        while (getline(&line, &room, f) > 0) {
                char *r = NULL, *p = NULL, *options = NULL;
                const char *type = cgroup_mount_split(line, &r, &p, &options);

                if (type && strcmp(type, "cgroup") == 0)
                        *ret_v1 = true;
                if (!type || strcmp(type, "cgroup2") != 0 || found)
                        continue;
                (void) snprintf(root, PATH_MAX, "%s", r);
                (void) snprintf(point, PATH_MAX, "%s", p);
                found = true;
        }
        return found ? 0 : ferror(f) ? -EIO : -ENOENT;
}

static int find_group(char group[PATH_MAX])
{
        autofclose FILE *f = fopen("/proc/self/cgroup", "re");
        autofree char *line = NULL;
        size_t room = 0;

        if (!f)
                return -errno;
        while (getline(&line, &room, f) > 0)
                if (strncmp(line, "0::/", 4) == 0) {
                        line[strcspn(line, "\n")] = 0;
                        (void) snprintf(group, PATH_MAX, "%s", line + 3);
                        return 0;
                }
        return ferror(f) ? -EIO : -ENOENT;
}

/* The group below the mount: both are named from the root of our cgroup namespace, but a container without one of
 * its own sees a mount whose root is its group. */
const char *cgroup_below(const char *group, const char *root)
{
        size_t len = strlen(root);

        if (strcmp(root, "/") == 0)
                return group;
        if (strncmp(group, root, len) != 0 || (group[len] && group[len] != '/'))
                return NULL;
        return group + len;
}

static const char *no_mount(bool v1)
{
        if (v1)
                return "only cgroup v1 is mounted here";
        return access("/proc/self", F_OK) < 0 ? "/proc is not mounted" : "no cgroup2 file system is mounted here";
}

int cgroup_find_own(enum cgroup_backend *ret, char dir[PATH_MAX], char proc[PATH_MAX], char *why, size_t n)
{
        char root[PATH_MAX], point[PATH_MAX];
        const char *rest;
        bool v1 = false;
        int r = find_mount(root, point, &v1);

        if (r < 0) {
                (void) snprintf(why, n, "%s", r == -ENOENT ? no_mount(v1) : strerrordesc_np(-r));
                return r;
        }
        r = find_group(proc);
        if (r < 0) {
                (void) snprintf(why, n, "%s", r == -ENOENT ? "/proc/self/cgroup names no group of the v2 tree"
                                : strerrordesc_np(-r));
                return r;
        }
        rest = cgroup_below(proc, root);
        if (!rest) {
                (void) snprintf(why, n, "our own group lies outside of what is mounted at %.100s", point);
                return -ENOENT;
        }
        if (snprintf(dir, PATH_MAX, "%s%s", point, strcmp(rest, "/") == 0 ? "" : rest) >= PATH_MAX)
                return -ENAMETOOLONG;
        *ret = v1 ? CGROUP_HYBRID : CGROUP_V2;
        return 0;
}
