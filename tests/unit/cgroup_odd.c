/* cgroup_odd.c - groups where the kernel is old, late or silent: FAILURES A9, B3, B7, B8, I10. */
#include "tests/unit/cgrouprig.h"

#include "os/fs.h"
#include "os/kernel.h"

/* A kernel before 5.14, as far as the group goes: fs_write_small() is wrapped. */
static bool without_kill;

int __real_fs_write_small(int at, const char *path, const char *text);
int __wrap_fs_write_small(int at, const char *path, const char *text);
int __wrap_fs_write_small(int at, const char *path, const char *text)
{
        return without_kill && strcmp(path, "cgroup.kill") == 0 ? -ENOENT : __real_fs_write_small(at, path, text);
}

static int use_kill_again(void **state)
{
        without_kill = false;
        return close_tree(state);
}

static void B3_without_cgroup_kill_the_frozen_group_is_killed_by_list_until_it_is_empty(void **state)
{
        pid_t pids[8];
        pid_t pid;

        (void) state;
        need_tree();
        without_kill = true;
        pid = run_in("/web", "trap '' TERM; for i in 1 2 3 4 5; do (while :; do setsid /bin/true; done &) ; done; while :; do sleep 100; done");
        while (cgroup_pids(c, "/web", pids, 8) < 6)
                (void) poll(NULL, 0, 5);
        do /* who was being born may have got away: as the engine does, again until nobody is left */
                assert_int_equal(cgroup_kill(c, "/web"), 0);
        while (poll(NULL, 0, 5) == 0 && cgroup_populated(c, "/web") == 1);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(cgroup_remove(c, "/web"), 0);
}

static void B8_a_group_whose_own_list_is_empty_is_not_empty_while_somebody_is_below(void **state)
{
        char path[512], command[2100];
        int fd = -1;
        pid_t pid;

        (void) state;
        need_tree();
        pid = run_in("/web", "exec sleep 100");
        (void) snprintf(command, sizeof(command), "mkdir %s/in && echo %d >%s/in/cgroup.procs", cgroup_node_path(c, "/web", path, sizeof(path)), (int) pid, path);
        assert_int_equal(system(command), 0);
        (void) snprintf(command, sizeof(command), "test -z \"$(cat %s/cgroup.procs)\"", path);
        assert_int_equal(system(command), 0);
        assert_int_equal(cgroup_populated(c, "/web"), 1);
        assert_int_equal(cgroup_remove(c, "/web"), -EBUSY);
        assert_int_equal(cgroup_make(c, "/web", &fd, NULL), -EBUSY);
        assert_int_equal(cgroup_kill(c, "/web"), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        wait_empty("/web");
        assert_int_equal(cgroup_remove(c, "/web"), 0);
}

static void A9_a_process_that_is_gone_is_no_error_to_who_signals(void **state)
{
        pid_t pid = fork();

        (void) state;
        if (pid == 0)
                _exit(0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(kernel_pidfd_open(pid), -ESRCH);
        assert_int_equal(kernel_pidfd_open(-1), -ESRCH); /* EINVAL, which a dying one gives too */
}

static void B7_I10_emptiness_that_nobody_tells_of_is_seen_by_the_next_look(void **state)
{
        uint64_t sum = 0;
        pid_t pid;

        (void) state;
        need_tree();
        (void) close(c->inotify); /* as where inotify_init1() has failed */
        c->inotify = -1;
        pid = run_in("/web", "exec sleep 100");
        assert_int_equal(cgroup_watch(c, "/web", 5), 0);
        cgroup_check(c, count_cookie, &sum);
        assert_int_equal(sum, 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        for (int i = 0; i < 300 && cgroup_watching(c) > 0; i++) { /* once a second at most, and no more is needed */
                (void) poll(NULL, 0, 10);
                cgroup_check(c, count_cookie, &sum);
        }
        assert_int_equal(sum, 5);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(A9_a_process_that_is_gone_is_no_error_to_who_signals),
                cmocka_unit_test_setup_teardown(B3_without_cgroup_kill_the_frozen_group_is_killed_by_list_until_it_is_empty, open_tree, use_kill_again),
                TREE_TEST(B8_a_group_whose_own_list_is_empty_is_not_empty_while_somebody_is_below),
                TREE_TEST(B7_I10_emptiness_that_nobody_tells_of_is_seen_by_the_next_look),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
