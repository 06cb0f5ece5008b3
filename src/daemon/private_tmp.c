/* private_tmp.c - the end of the directories behind PrivateTmp=, also of those that a killed daemon has left.
 *
 * Their names begin with the mark of the daemon. It is noted in the runtime directory before the first of
 * them is made, and the note goes with the daemon: the next one of that runtime directory that finds a note
 * removes what bears the mark. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/plan.h"
#include "daemon/engine_priv.h"
#include "daemon/rundir.h"
#include "daemon/sandbox.h"
#include "daemon/spawn.h"
#include "os/fs.h"

enum {
        AT_ONCE = 256,  /* files the engine removes by itself; a service may have left a million */
        MARK_LEN = 16,  /* of the daemon; behind it that of the node and its incarnation */
};

static const char *const bases[] = { "/tmp", "/var/tmp" };

static void remove_both(const char *name, int *budget)
{
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
static void aside(void (*fn)(const char *text), const char *text)
{
        pid_t pid = (pid_t) syscall(SYS_clone, 0, 0, 0, 0, 0);

        if (pid > 0)
                (void) waitpid(pid, NULL, __WALL);
        if (pid != 0)
                return;
        if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0)
                fn(text);
        _exit(0);
}

static void remove_all_of(const char *name)
{
        int budget = INT32_MAX;

        remove_both(name, &budget);
}

void private_tmp_remove(struct engine *e, node_id id, uint32_t incarnation)
{
        char mark[33], name[PLAN_PRIVATE_TMP_MAX];
        int budget = AT_ONCE;

        spawn_mark(e, id, incarnation, mark);
        plan_private_tmp(mark, name);
        remove_both(name, &budget);
        if (budget <= 0)
                aside(remove_all_of, name);
}

/* --- of a daemon that was killed ---------------------------------------------------------------------------------- */

static char *note_path(const struct engine *e, char buf[PATH_MAX])
{
        (void) snprintf(buf, PATH_MAX, "%s/private-tmp", e->opt.runtime_dir);
        return buf;
}

void private_tmp_note(struct engine *e)
{
        char path[PATH_MAX], mark[33];

        if (e->tmp_noted)
                return;
        spawn_mark(e, 0, 0, mark);
        e->tmp_noted = fs_write_atomic(note_path(e, path), mark, MARK_LEN, 0600, NULL) == 0;
}

void private_tmp_end(struct engine *e)
{
        char path[PATH_MAX];

        (void) unlink(note_path(e, path));
}

/* Anybody may make a directory of such a name in /tmp: ours are ours. */
static bool is_ours(int dir, const char *name)
{
        struct stat st;

        return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

static void remove_marked(const char *prefix)
{
        for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
                DIR *dir = opendir(bases[i]);
                struct dirent *entry;
                int budget = INT32_MAX;

                while (dir && (entry = readdir(dir)))
                        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 && is_ours(dirfd(dir), entry->d_name)) {
                                rundir_remove_below(dirfd(dir), entry->d_name, 0, &budget);
                                (void) unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
                        }
                if (dir)
                        (void) closedir(dir);
        }
}

void private_tmp_sweep(struct engine *e)
{
        char path[PATH_MAX], mark[33], prefix[PLAN_PRIVATE_TMP_MAX];

        if (fs_read_small(AT_FDCWD, note_path(e, path), mark, sizeof(mark)) == MARK_LEN &&
            strspn(mark, "0123456789abcdef") == MARK_LEN) {
                plan_private_tmp(mark, prefix);
                aside(remove_marked, prefix);
        }
        (void) unlink(path);
}
