/* learned.c - see learned.h. */
#include "os/learned.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/fs.h"

/* "/shop/web" -> "+shop+web": no name of a node has a "+". */
static int file_name(const char *path, char name[NAME_MAX + 1])
{
        size_t n = strlen(path);

        if (n > NAME_MAX)
                return -ENAMETOOLONG;
        for (size_t i = 0; i <= n; i++)
                name[i] = path[i] == '/' ? '+' : path[i];
        return 0;
}

static void read_names(int fd, bool used[SYSCALLS_MAX])
{
        char text[SYSCALLS_MAX * 24];
        char *save = NULL;
        ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

        if (n <= 0)
                return;
        text[n] = '\0';
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                int index = syscall_find(line);

                if (index >= 0)
                        used[index] = true;
        }
}

int learned_open(const char *state_dir, const char *path, bool afresh, bool used[SYSCALLS_MAX], struct err *err)
{
        autoclose int dir = -1, fd = -1;
        char directory[PATH_MAX], name[NAME_MAX + 1];
        int r = file_name(path, name);

        if (r < 0)
                return err_set(err, STAGE_SECCOMP, -r, "keep what is learned about %s: the path is too long", path);
        (void) snprintf(directory, sizeof(directory), "%s/learned", state_dir);
        r = fs_mkdir_p(directory, 0700, err);
        if (r < 0)
                return r;
        dir = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir >= 0)
                fd = openat(dir, name, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | (afresh ? O_TRUNC : 0),
                            0600);
        if (fd < 0)
                return err_sys(err, STAGE_SECCOMP, "open %s/%s", directory, name);
        read_names(fd, used);
        return fd_steal(&fd);
}

int learned_add(int fd, const char *name)
{
        char line[64];
        int n = snprintf(line, sizeof(line), "%s\n", name);

        return write(fd, line, (size_t) n) == n ? 0 : errno ? -errno : -EIO;
}
