/* cgrouprig.c - see cgrouprig.h. */
#include "tests/unit/cgrouprig.h"

#include "base/cleanup.h"
#include "os/fs.h"

char dir[64];
struct cgroup *c;

int open_tree(void **state)
{
        struct err err;

        (void) state;
        (void) strcpy(dir, "/tmp/cgrouptest.XXXXXX");
        if (!mkdtemp(dir))
                return -1;
        return cgroup_open(dir, getpid(), &c, NULL, &err);
}

int close_tree(void **state)
{
        char command[128];

        (void) state;
        (void) cgroup_end(c, 5000);
        cgroup_free(c);
        while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
        (void) snprintf(command, sizeof(command), "rm -rf %s", dir);
        return system(command) == 0 ? 0 : -1;
}

void need_tree(void)
{
        if (cgroup_backend(c) == CGROUP_NONE) {
                print_message("skipped: %s\n", cgroup_why(c));
                skip();
        }
}

pid_t run_in(const char *node, const char *script)
{
        int fd = -1, ready[2];
        char byte;
        pid_t pid;

        if (cgroup_reopen(c, node, &fd, NULL) < 0)
                assert_int_equal(cgroup_make(c, node, &fd, NULL), 0);
        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                if (fs_write_small(fd, "cgroup.procs", "0") < 0)
                        _exit(99);
                (void) execl("/bin/sh", "sh", "-c", script, (char *) NULL);
                _exit(98);
        }
        (void) close(ready[1]);
        (void) close(fd);
        assert_int_equal(read(ready[0], &byte, 1), 0); /* closed by exec */
        (void) close(ready[0]);
        return pid;
}

void wait_empty(const char *node)
{
        for (int i = 0; i < 1000 && cgroup_populated(c, node) == 1; i++)
                (void) poll(NULL, 0, 10);
        assert_int_equal(cgroup_populated(c, node), 0);
}

void count_cookie(void *arg, uint64_t cookie)
{
        uint64_t *sum = arg;

        *sum += cookie;
}
