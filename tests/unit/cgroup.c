/* cgroup.c - groups of control, on the real tree; skipped where none may be made. FAILURES A15, A18, B, J9. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "os/cgroup_priv.h"
#include "os/fs.h"
#include "os/limits.h"
#include "os/nogroup.h"
#include "tests/unit/cgrouprig.h"

static void groups_are_named_after_nodes_and_none_can_pose_as_a_file(void **state)
{
        char path[4096], want[4096];

        (void) state;
        need_tree();
        (void) snprintf(want, sizeof(want), "%s/shop/_a.b", cgroup_root_path(c));
        assert_string_equal(cgroup_node_path(c, "/shop/a.b", path, sizeof(path)), want);
        (void) snprintf(want, sizeof(want), "%s/_cgroup.procs", cgroup_root_path(c));
        assert_string_equal(cgroup_node_path(c, "/cgroup.procs", path, sizeof(path)), want);
        assert_string_equal(cgroup_node_path(c, "/", path, sizeof(path)), cgroup_root_path(c));
}

static void a_process_is_found_by_its_node(void **state)
{
        static const char *const nodes[] = { "/shop/api", "/a.b/_c", "/cgroup.procs" };
        char found[256];

        (void) state;
        need_tree();
        for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
                pid_t pid = run_in(nodes[i], "exec sleep 100");

                assert_int_equal(cgroup_node_of(c, pid, found, sizeof(found)), 0);
                assert_string_equal(found, nodes[i]);
                assert_int_equal(cgroup_kill(c, nodes[i]), 0);
                assert_int_equal(waitpid(pid, NULL, 0), pid);
                wait_empty(nodes[i]);
                assert_int_equal(cgroup_remove(c, nodes[i]), 0);
        }
        assert_int_equal(cgroup_node_of(c, getpid(), found, sizeof(found)), -ESRCH);
}

static void removing_is_refused_while_somebody_is_there_and_fine_twice(void **state)
{
        pid_t pid;

        (void) state;
        need_tree();
        pid = run_in("/web", "exec sleep 100");
        assert_int_equal(cgroup_populated(c, "/web"), 1);
        assert_int_equal(cgroup_remove(c, "/web"), -EBUSY);
        assert_int_equal(kill(pid, SIGKILL), 0);
        wait_empty("/web"); /* the zombie does not count */
        assert_int_equal(cgroup_remove(c, "/web"), 0);
        assert_int_equal(cgroup_remove(c, "/web"), 0);
        assert_int_equal(cgroup_populated(c, "/web"), 0);
        (void) waitpid(pid, NULL, 0);
}

static void B5_a_start_is_refused_where_the_last_incarnation_still_is(void **state)
{
        struct err err = { 0 };
        int fd = -1;
        pid_t pid;

        (void) state;
        need_tree();
        pid = run_in("/web", "exec sleep 100");
        assert_int_equal(cgroup_make(c, "/web", &fd, &err), -EBUSY);
        assert_int_equal(err.stage, STAGE_CGROUP);
        assert_int_equal(kill(pid, SIGKILL), 0);
        (void) waitpid(pid, NULL, 0);
        wait_empty("/web");
        assert_int_equal(cgroup_make(c, "/web", &fd, &err), 0);
        (void) close(fd);
}

static void A15_children_that_left_their_session_are_killed_with_the_group(void **state)
{
        pid_t pid;
        pid_t pids[8];

        (void) state;
        need_tree();
        pid = run_in("/web", "trap '' TERM; for i in 1 2 3 4 5; do (trap '' TERM; setsid sleep 100 &) ; done; sleep 100");
        while (cgroup_pids(c, "/web", pids, 8) < 7)
                (void) poll(NULL, 0, 5);
        assert_int_equal(cgroup_kill(c, "/web"), 0);
        wait_empty("/web");
        (void) waitpid(pid, NULL, 0);
        assert_int_equal(cgroup_remove(c, "/web"), 0);
}

static void B9_groups_the_service_made_are_removed_with_its_own(void **state)
{
        char path[512], command[2100];

        (void) state;
        need_tree();
        (void) run_in("/web", "exit 0");
        (void) wait(NULL);
        (void) snprintf(command, sizeof(command), "mkdir -p %s/x/y/z", cgroup_node_path(c, "/web", path, sizeof(path)));
        assert_int_equal(system(command), 0);
        wait_empty("/web");
        assert_int_equal(cgroup_remove(c, "/web"), 0);
        assert_int_equal(access(path, F_OK), -1);
}

static void A18_signals_reach_all_but_one_and_only_members(void **state)
{
        pid_t pid;
        pid_t pids[4];
        int status;

        (void) state;
        need_tree();
        pid = run_in("/web", "trap 'exit 7' USR1; sleep 100 & while :; do wait; done");
        while (cgroup_pids(c, "/web", pids, 4) < 2)
                (void) poll(NULL, 0, 5);
        assert_int_equal(cgroup_signal_one(c, "/web", getpid(), SIGKILL), -ESRCH);
        assert_int_equal(cgroup_signal_one(c, "/other", pid, SIGKILL), -ESRCH);
        assert_int_equal(cgroup_signal_one(c, "/we", pid, SIGKILL), -ESRCH);
        assert_int_equal(cgroup_signal(c, "/web", SIGKILL, pid), 1); /* the sleep */
        (void) poll(NULL, 0, 20);
        assert_int_equal(cgroup_signal(c, "/", SIGUSR1, 0), 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WEXITSTATUS(status), 7);
        wait_empty("/web");
}

static void frozen_processes_do_nothing_and_can_be_killed(void **state)
{
        pid_t pid;

        (void) state;
        need_tree();
        pid = run_in("/web", "while :; do :; done");
        assert_int_equal(cgroup_freeze(c, "/web", true), 0);
        assert_int_equal(cgroup_kill(c, "/web"), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        wait_empty("/web");
        assert_int_equal(cgroup_freeze(c, "/web", false), 0);
}

static void usage_is_read(void **state)
{
        struct cgroup_usage u;
        pid_t pid;

        (void) state;
        need_tree();
        pid = run_in("/web", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exec sleep 100");
        do
                assert_int_equal(cgroup_usage(c, "/web", &u), 0);
        while (u.cpu_usec == 0);
        assert_int_equal(u.tasks, 1);
        assert_true(u.memory > 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        (void) waitpid(pid, NULL, 0);
        wait_empty("/web");
}

static void emptiness_is_told_once_for_each_group(void **state)
{
        uint64_t sum = 0;
        pid_t pids[20];
        char node[16];

        (void) state;
        need_tree();
        for (int i = 0; i < 20; i++) {
                (void) snprintf(node, sizeof(node), "/n%d", i);
                pids[i] = run_in(node, "exec sleep 100");
                assert_int_equal(cgroup_watch(c, node, 1000 + (uint64_t) i), 0);
        }
        cgroup_check(c, count_cookie, &sum);
        assert_int_equal(sum, 0);
        assert_int_equal(cgroup_watching(c), 20);
        cgroup_unwatch(c, 1019);
        for (int i = 0; i < 20; i++) {
                assert_int_equal(kill(pids[i], SIGKILL), 0);
                assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
        }
        while (cgroup_watching(c) > 0) {
                struct pollfd p = { .fd = cgroup_watch_fd(c), .events = POLLIN };

                assert_int_equal(poll(&p, 1, 60000), 1);
                cgroup_check(c, count_cookie, &sum);
        }
        assert_int_equal(sum, 19 * 1000 + 18 * 19 / 2);
}

static void an_empty_group_is_told_by_the_next_check(void **state)
{
        uint64_t sum = 0;
        int fd = -1;

        (void) state;
        need_tree();
        assert_int_equal(cgroup_make(c, "/web", &fd, NULL), 0);
        (void) close(fd);
        assert_int_equal(cgroup_watch(c, "/web", 5), 0);
        assert_int_equal(cgroup_watch(c, "/gone", 6), 0);
        cgroup_check(c, count_cookie, &sum);
        assert_int_equal(sum, 11);
        assert_int_equal(cgroup_watching(c), 0);
}

static void J9_what_a_dead_daemon_left_is_swept_by_the_next(void **state)
{
        unsigned swept = 0;
        char root[512];
        pid_t pid;
        int status;

        (void) state;
        need_tree();
        pid = run_in("/shop/web", "trap '' TERM; sleep 100");
        (void) snprintf(root, sizeof(root), "%s", cgroup_root_path(c));
        cgroup_free(c); /* dies */
        c = NULL;
        assert_int_equal(cgroup_open(dir, getpid(), &c, &swept, NULL), 0);
        assert_int_equal(swept, 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_string_equal(cgroup_root_path(c), root);
        assert_int_equal(cgroup_end(c, 1000), 0);
        assert_int_equal(access(root, F_OK), -1);
}

/* A dead daemon's empty group was taken over by one with the same pid and another runtime directory. */
static void J9_what_another_daemon_has_taken_over_is_not_swept(void **state)
{
        char other[] = "/tmp/cgrouptest.XXXXXX", note[128];
        struct cgroup *next = NULL;
        unsigned swept = 0;
        pid_t pid;

        (void) state;
        need_tree();
        pid = run_in("/shop/web", "sleep 100");
        assert_non_null(mkdtemp(other));
        (void) snprintf(note, sizeof(note), "%s/cgroup", other);
        assert_int_equal(fs_write_atomic(note, cgroup_root_path(c), strlen(cgroup_root_path(c)), 0600, NULL), 0);

        assert_int_equal(cgroup_open(other, getpid(), &next, &swept, NULL), 0);
        assert_int_equal(swept, 0);
        assert_string_not_equal(cgroup_root_path(next), cgroup_root_path(c));
        assert_int_equal(cgroup_end(next, 1000), 0);
        cgroup_free(next);
        assert_int_equal(cgroup_populated(c, "/shop/web"), 1);
        assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
        assert_int_equal(rmdir(other), 0);
}

static void an_empty_group_of_a_dead_daemon_is_taken_over_that_of_a_living_one_is_not(void **state)
{
        struct cgroup *other = NULL;
        char first[512], note[128];
        int fd = -1;

        (void) state;
        need_tree();
        (void) snprintf(note, sizeof(note), "%s/cgroup", dir);
        (void) unlink(note); /* as if it lay in another runtime directory */
        (void) snprintf(first, sizeof(first), "%s", cgroup_root_path(c));
        assert_int_equal(cgroup_open(dir, getpid(), &other, NULL, NULL), 0);
        assert_string_not_equal(cgroup_root_path(other), first);
        assert_int_equal(cgroup_end(other, 100), 0);
        cgroup_free(other);
        assert_int_equal(cgroup_make(c, "/left/over", &fd, NULL), 0);
        (void) close(fd);
        cgroup_free(c); /* dies */
        assert_int_equal(cgroup_open(dir, getpid(), &c, NULL, NULL), 0);
        assert_string_equal(cgroup_root_path(c), first);
        assert_int_equal(cgroup_populated(c, "/left"), 0);
}

static void the_sweep_touches_no_group_that_is_not_ours(void **state)
{
        static const char *const lies[] = { "/sys/fs/cgroup", "/tmp", "/sys/fs/cgroup/../cgroup/coppice-1", "coppice-1", "" };
        char note[128];

        (void) state;
        (void) snprintf(note, sizeof(note), "%s/cgroup", dir);
        for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
                struct cgroup *next = NULL;
                unsigned swept = 0;

                assert_int_equal(fs_write_atomic(note, lies[i], strlen(lies[i]), 0600, NULL), 0);
                assert_int_equal(cgroup_open(dir, 999999, &next, &swept, NULL), 0);
                assert_int_equal(swept, 0);
                (void) cgroup_end(next, 100);
                cgroup_free(next);
        }
}

/* --- without groups ------------------------------------------------------------------------------------------- */

/* A child in a session of its own with a mark. */
static pid_t run_marked(const char *mark, const char *script)
{
        int ready[2];
        char byte;
        pid_t pid;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                (void) setsid();
                (void) setenv("COPPICE_INCARNATION_ID", mark, 1);
                (void) setenv("COPPICE_NODE", "/shop/web", 1);
                (void) execl("/bin/sh", "sh", "-c", script, (char *) NULL);
                _exit(98);
        }
        (void) close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 0);
        (void) close(ready[0]);
        return pid;
}

static void without_groups_sessions_marks_and_parents_tell(void **state)
{
        char found[64];
        pid_t pid = run_marked("mark-of-this-test", "setsid sleep 100 & env -i setsid sleep 100 & sleep 100; :");
        struct nogroup_id id = { pid, "mark-of-this-test" }, other = { 0, "mark-of-nobody" };
        int n;

        (void) state;
        /* the shell and its sleep; one with a session of its own and the mark; one that has neither, only a parent */
        while ((n = nogroup_pids(&id, NULL, 0)) < 4)
                (void) poll(NULL, 0, 5);
        assert_int_equal(n, 4);
        assert_int_equal(nogroup_populated(&other), 0);
        assert_int_equal(nogroup_node_of(pid, found, sizeof(found)), 0);
        assert_string_equal(found, "/shop/web");
        assert_int_equal(nogroup_signal_one(&other, pid, SIGKILL), -ESRCH);
        assert_int_equal(nogroup_signal_one(&id, getpid(), SIGKILL), -ESRCH);
        assert_int_equal(nogroup_signal_one(&id, pid, SIGCONT), 0);
        /* one that makes a session of its own at this very moment is left for the next time */
        assert_in_range(nogroup_signal(&id, SIGKILL, pid), 2, 3);
        (void) kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        while (nogroup_populated(&id) == 1)
                (void) nogroup_signal(&id, SIGKILL, 0);
        assert_int_equal(nogroup_populated(&id), 0);
}

/* A group in which the kernel answers +cpu as it does while a real-time process is outside of the root group, which few
 * kernels do: a file that refuses the word for another reason stands in for its switch. */
static void D13_the_refusal_of_the_cpu_controller_names_the_real_time_process(void **state)
{
        struct cgroup *pretend = cgroup_new("/nowhere", getpid());
        char own[64] = "/tmp/cgrouptest.XXXXXX", name[90], why[300];

        (void) state;
        assert_non_null(pretend);
        assert_non_null(mkdtemp(own));
        (void) snprintf(name, sizeof(name), "%s/cgroup.subtree_control", own);
        assert_int_equal(symlink("/proc/self/oom_score_adj", name), 0);
        pretend->backend = CGROUP_V2;
        pretend->own = strdup(own);
        pretend->asked = true;
        pretend->v2_offered = CTL_BIT(CTL_CPU) | CTL_BIT(CTL_MEMORY);

        assert_int_equal(cgroup_control_enable(pretend, NULL, CTL_BIT(CTL_CPU)), 0);
        assert_int_equal(pretend->v2_error[CTL_CPU], EINVAL);
        assert_string_equal(limits_backend(pretend, CTL_CPU), "-");
        assert_non_null(strstr(limits_why_not(pretend, CTL_CPU, why, sizeof(why)), "perhaps a real-time process is outside the root group"));
        assert_string_equal(limits_backend(pretend, CTL_MEMORY), "v2");

        cgroup_free(pretend);
        assert_int_equal(unlink(name), 0);
        assert_int_equal(rmdir(own), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(groups_are_named_after_nodes_and_none_can_pose_as_a_file),
                TREE_TEST(a_process_is_found_by_its_node),
                TREE_TEST(removing_is_refused_while_somebody_is_there_and_fine_twice),
                TREE_TEST(B5_a_start_is_refused_where_the_last_incarnation_still_is),
                TREE_TEST(A15_children_that_left_their_session_are_killed_with_the_group),
                TREE_TEST(B9_groups_the_service_made_are_removed_with_its_own),
                TREE_TEST(A18_signals_reach_all_but_one_and_only_members),
                TREE_TEST(frozen_processes_do_nothing_and_can_be_killed),
                TREE_TEST(usage_is_read),
                TREE_TEST(emptiness_is_told_once_for_each_group),
                TREE_TEST(an_empty_group_is_told_by_the_next_check),
                TREE_TEST(J9_what_a_dead_daemon_left_is_swept_by_the_next),
                TREE_TEST(J9_what_another_daemon_has_taken_over_is_not_swept),
                TREE_TEST(an_empty_group_of_a_dead_daemon_is_taken_over_that_of_a_living_one_is_not),
                TREE_TEST(the_sweep_touches_no_group_that_is_not_ours),
                cmocka_unit_test(D13_the_refusal_of_the_cpu_controller_names_the_real_time_process),
                cmocka_unit_test(without_groups_sessions_marks_and_parents_tell),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
