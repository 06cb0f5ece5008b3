/* sandbox.c - what the sandbox of a service needs from the engine: stand-ins for hidden paths, and the end of a
 * private /tmp. */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/mounts.h"
#include "daemon/parts.h"

void sandbox_facts(const struct engine *e, struct sandbox_paths *paths, struct plan_sandbox *ret)
{
        (void) snprintf(paths->dir, sizeof(paths->dir), "%s/hidden/directory", e->opt.runtime_dir);
        (void) snprintf(paths->file, sizeof(paths->file), "%s/hidden/file", e->opt.runtime_dir);
        ret->stand_in_dir = paths->dir;
        ret->stand_in_file = paths->file;
        ret->control_socket = e->control_path;
}

/* Directory and file of mode 0, of no use to anybody, so that they can be shown in place of what is hidden. */
static int make_stand_ins(const struct engine *e, struct err *err)
{
        struct sandbox_paths paths;
        struct plan_sandbox facts;
        char above[sizeof(paths.dir)];
        int fd;

        sandbox_facts(e, &paths, &facts);
        (void) snprintf(above, sizeof(above), "%s/hidden", e->opt.runtime_dir);
        if (mkdir(above, 0755) < 0 && errno != EEXIST)
                return err_sys(err, STAGE_NAMESPACE, "make %s", above);
        if (mkdir(paths.dir, 0) < 0 && errno != EEXIST)
                return err_sys(err, STAGE_NAMESPACE, "make %s", paths.dir);
        fd = open(paths.file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
        if (fd < 0 && errno != EEXIST)
                return err_sys(err, STAGE_NAMESPACE, "make %s", paths.file);
        if (fd >= 0)
                (void) close(fd);
        return 0;
}

int sandbox_prepare(const struct engine *e, const struct spec *s, struct err *err)
{
        return mounts_wanted(s) ? make_stand_ins(e, err) : 0;
}

/* --- the end of a private /tmp ---------------------------------------------------------------------------------------- */

enum { AT_ONCE = 256 }; /* files the engine removes by itself; a service may have left a million */

static void remove_both(const char *name, int *budget)
{
        static const char *const bases[] = { "/tmp", "/var/tmp" };

        for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
                int fd = open(bases[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

                if (fd < 0)
                        continue;
                rundir_remove_below(fd, name, 0, budget);
                (void) unlinkat(fd, name, AT_REMOVEDIR);
                (void) close(fd);
        }
}

/* In a process of its own, which init inherits: the loop does not wait for a disk. */
static void remove_aside(const char *name)
{
        pid_t pid = (pid_t) syscall(SYS_clone, 0, 0, 0, 0, 0);
        int budget = INT32_MAX;

        if (pid > 0)
                (void) waitpid(pid, NULL, __WALL);
        if (pid != 0)
                return;
        if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0)
                remove_both(name, &budget);
        _exit(0);
}

void sandbox_remove_tmp(struct engine *e, node_id id, uint32_t incarnation)
{
        char mark[33], name[PLAN_PRIVATE_TMP_MAX];
        int budget = AT_ONCE;

        spawn_mark(e, id, incarnation, mark);
        plan_private_tmp(mark, name);
        remove_both(name, &budget);
        if (budget <= 0)
                remove_aside(name);
}
