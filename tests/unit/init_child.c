/* init_child.c - what a child of init makes of its plan, from fork to exec. FAILURES A13, E, I5. See init.c. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/unit/initrig.h"

#define NO_ENV "\0"

static struct rig_how plain;

static void A13_exec_failures_carry_errno_stage_and_line(void **state)
{
        static const struct { const char *args; int error; } rows[] = {
                { "/nonexistent/program\0", ENOENT },
                { "/etc/passwd\0", EACCES },
                { "/tmp\0", EACCES },
                { "DIR/script\0", ENOEXEC },
                { "DIR/loop\0", ELOOP },
                { "DIR/busy\0", ETXTBSY },
        };
        struct rig r;
        char path[128], args[256];
        int busy;
        FILE *f;

        (void) state;
        assert_true(rig_start(&r, plain));
        (void) snprintf(path, sizeof path, "%s/script", r.dir);
        f = fopen(path, "we");
        assert_non_null(f);
        (void) fputs("no interpreter is named\n", f);
        (void) fclose(f);
        assert_int_equal(chmod(path, 0755), 0);
        (void) snprintf(path, sizeof path, "%s/loop", r.dir);
        assert_int_equal(symlink("loop", path), 0);
        (void) snprintf(path, sizeof path, "%s/busy", r.dir);
        busy = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
        assert_true(busy >= 0);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const struct init_spawn_failed *m;
                struct planner p;

                memset(args, 0, sizeof args);
                (void) snprintf(args, sizeof args - 1, "%s%s", strncmp(rows[i].args, "DIR", 3) == 0 ? r.dir : "",
                                rows[i].args + (strncmp(rows[i].args, "DIR", 3) == 0 ? 3 : 0));
                planner_begin(&p);
                planner_standard(&p);
                planner_exec(&p, NO_ENV, args);
                m = rig_spawn_fails(&r, &p, NULL, 0);
                assert_int_equal(m->error, rows[i].error);
                assert_int_equal(m->stage, STAGE_EXEC);
                assert_int_equal(m->line, 7);
                assert_string_equal(m->file, "test.service");
                assert_string_equal(m->object, args);
                assert_true(m->pid > 0);
                /* the courtesy status; the failure itself came before, so nobody takes it for the program's */
                assert_int_equal(rig_exit_of(&r, m->pid).status, 203);
        }
        (void) close(busy);
        rig_stop(&r);
}

static void A13_arguments_too_long_are_E2BIG_and_travel_by_memfd(void **state)
{
        struct rig r;
        struct planner p;
        struct buf args = BUF_INIT;

        (void) state;
        assert_true(rig_start(&r, plain));
        buf_add(&args, "/bin/true", 10);
        for (int i = 0; i < 200 * 1024; i++)
                buf_addc(&args, 'x');
        buf_add(&args, "\0", 2);
        planner_begin(&p);
        planner_standard(&p);
        planner_exec(&p, NO_ENV, args.data);
        assert_true(p.bytes.len > INIT_INLINE_MAX);
        assert_int_equal(rig_spawn_fails(&r, &p, NULL, 0)->error, E2BIG);
        buf_free(&args);
        rig_stop(&r);
}

static void A13_a_program_that_exits_203_itself_is_no_failed_exec(void **state)
{
        struct rig r;

        (void) state;
        assert_true(rig_start(&r, plain));
        assert_int_equal(rig_exit_of(&r, spawn_shell(&r, "exit 203", NULL, 0)).status, 203);
        assert_false(rig_any(&r, 20));
        rig_stop(&r);
}

static void a_stored_descriptor_is_no_cost_to_a_child(void **state)
{
        struct rig r;
        struct planner p;
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        char *said;

        (void) state;
        assert_true(rig_start(&r, plain));
        for (int i = 0; i < 300; i++) {
                char name[32];

                (void) snprintf(name, sizeof name, "x%d", i);
                assert_int_equal(initlink_store(r.link, name, null), 0);
        }
        planner_begin(&p);
        planner_standard(&p);
        said = rig_probe(&r, &p, &null, 1, -1, NO_ENV);
        assert_string_equal(probe_value(said, "fd3"), "");
        assert_string_equal(probe_value(said, "fd512"), "");
        free(said);
        (void) close(null);
        rig_stop(&r);
}

static void only_declared_descriptors(struct rig_how how)
{
        struct rig r;
        struct planner p;
        int pipes[4];
        const struct plan_place swapped[] = { { 0, PLAN_SOURCE_OWN(0) }, { 1, PLAN_SOURCE_OWN(1) },
                                              { 2, PLAN_SOURCE_OWN(2) }, { 3, 1 }, { 4, 0 }, { 5, 1 } };
        char *said, three[64], four[64];

        if (!rig_start(&r, how)) {
                rig_stop(&r);
                skip();
        }
        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        assert_int_equal(pipe2(pipes + 2, O_CLOEXEC), 0);
        planner_begin(&p);
        planner_add(&p, PLAN_PLACE, 0, 0, 0, 0, swapped, sizeof swapped);
        said = rig_probe(&r, &p, (int[]) { pipes[0], pipes[2] }, 2, -1, NO_ENV);
        (void) snprintf(three, sizeof three, "%s", probe_value(said, "fd3"));
        (void) snprintf(four, sizeof four, "%s", probe_value(said, "fd4"));
        assert_true(strncmp(three, "pipe:", 5) == 0 && strncmp(four, "pipe:", 5) == 0);
        assert_string_not_equal(three, four);
        assert_string_equal(probe_value(said, "fd5"), three);
        for (int fd = 6; fd < 70; fd++) {
                char name[8];

                (void) snprintf(name, sizeof name, "fd%d", fd);
                assert_string_equal(probe_value(said, name), "");
        }
        assert_true(probe_value(said, "fd0")[0] && probe_value(said, "fd1")[0] && probe_value(said, "fd2")[0]);
        free(said);
        for (int i = 0; i < 4; i++)
                (void) close(pipes[i]);
        rig_stop(&r);
}

static void E11_a_child_has_the_declared_descriptors_only(void **state)
{
        (void) state;
        only_declared_descriptors((struct rig_how) { .leak_fd = true });
}

static void E12_also_without_close_range(void **state)
{
        (void) state;
        only_declared_descriptors((struct rig_how) { .without = "close_range", .without_errno = "ENOSYS" });
}

static void E13_also_when_started_without_descriptors_0_to_2(void **state)
{
        (void) state;
        only_declared_descriptors((struct rig_how) { .no_fds = true });
}

static void I5_also_without_clone3(void **state)
{
        (void) state;
        only_declared_descriptors((struct rig_how) { .without = "clone3", .without_errno = "ENOSYS" });
        only_declared_descriptors((struct rig_how) { .without = "clone3 close_range", .without_errno = "EPERM" });
}

static void I5_signals_are_reset_without_clone3_too(void **state)
{
        struct rig r;
        struct planner p;
        char *said;

        (void) state;
        if (!rig_start(&r, (struct rig_how) { .without = "clone3", .without_errno = "ENOSYS", .bad_signals = true })) {
                rig_stop(&r);
                skip();
        }
        planner_begin(&p);
        planner_standard(&p);
        said = rig_probe(&r, &p, NULL, 0, -1, NO_ENV);
        assert_string_equal(probe_value(said, "sigign"), "0000000000000000");
        assert_string_equal(probe_value(said, "sigblk"), "0000000000000000");
        free(said);
        rig_stop(&r);
}

static void E8_ids_change_for_good(void **state)
{
        const gid_t groups[] = { 4242, 4243 };
        struct rig r;
        struct planner p;
        char *said;

        (void) state;
        if (geteuid() != 0)
                skip();
        assert_true(rig_start(&r, plain));
        planner_begin(&p);
        planner_standard(&p);
        planner_add(&p, PLAN_GROUPS, 0, 0, 0, 0, groups, sizeof groups);
        planner_add(&p, PLAN_GID, 0, 4242, 0, 0, NULL, 0);
        planner_add(&p, PLAN_UID, 0, 4711, 0, 0, NULL, 0);
        planner_add(&p, PLAN_CAPS, 0, 1, 0, 0, NULL, 0);
        planner_add(&p, PLAN_DEATHSIG, 0, SIGKILL, 0, 0, NULL, 0);
        planner_add(&p, PLAN_NO_NEW_PRIVS, 0, 0, 0, 0, NULL, 0);
        said = rig_probe(&r, &p, NULL, 0, -1, NO_ENV);
        assert_string_equal(probe_value(said, "uid"), "4711 4711");
        assert_string_equal(probe_value(said, "gid"), "4242 4242");
        assert_string_equal(probe_value(said, "groups"), "4242 4243");
        assert_string_equal(probe_value(said, "capprm"), "0000000000000000");
        assert_string_equal(probe_value(said, "capeff"), "0000000000000000");
        assert_string_equal(probe_value(said, "capinh"), "0000000000000000");
        assert_string_equal(probe_value(said, "capamb"), "0000000000000000");
        assert_string_equal(probe_value(said, "deathsig"), "9");
        assert_string_equal(probe_value(said, "no-new-privs"), "1");
        free(said);
        rig_stop(&r);
}

static void E16_E17_a_child_gets_what_the_plan_says(void **state)
{
        const unsigned long cpu0 = 1;
        struct rig r;
        struct planner p;
        char *said, base[128];

        (void) state;
        assert_true(rig_start(&r, plain));
        planner_begin(&p);
        planner_add(&p, PLAN_LIMIT, 0, RLIMIT_CORE, 0, 0, NULL, 0);
        planner_add(&p, PLAN_LIMIT, 0, RLIMIT_FSIZE, 1 << 20, -1, NULL, 0);
        planner_add(&p, PLAN_NICE, 0, 7, 0, 0, NULL, 0);
        planner_add(&p, PLAN_OOM, 0, 500, 0, 0, NULL, 0);
        planner_add(&p, PLAN_AFFINITY, 0, 0, 0, 0, &cpu0, sizeof cpu0);
        planner_add(&p, PLAN_UNDUMPABLE, 0, 0, 0, 0, NULL, 0);
        planner_add(&p, PLAN_UMASK, 0, 027, 0, 0, NULL, 0);
        planner_standard(&p);
        planner_add(&p, PLAN_LIMIT, 0, RLIMIT_NOFILE, 100, 200, NULL, 0);
        (void) snprintf(base, sizeof base, "%s", r.dir);
        planner_text(&p, PLAN_CHDIR, base);
        planner_text(&p, PLAN_ENV_PID, "LISTEN_PID");
        said = rig_probe(&r, &p, NULL, 0, -1, "A=1\0B=two words\0");
        assert_string_equal(probe_value(said, "limit-CORE"), "0:0");
        assert_string_equal(probe_value(said, "limit-FSIZE"), "1048576:-1");
        assert_string_equal(probe_value(said, "limit-NOFILE"), "100:200");
        assert_string_equal(probe_value(said, "nice"), "7");
        assert_string_equal(probe_value(said, "oom"), "500");
        assert_string_equal(probe_value(said, "cpus"), "1");
        assert_string_equal(probe_value(said, "umask"), "0027");
        assert_string_equal(probe_value(said, "cwd"), r.dir);
        assert_string_equal(probe_value(said, "tty"), "0");
        assert_string_equal(probe_value(said, "dumpable"), "1"); /* E19: exec has given it back */
        assert_non_null(strstr(said, "env A=1\nenv B=two words\n"));
        (void) snprintf(base, sizeof base, "env LISTEN_PID=%s\n", probe_value(said, "pid"));
        assert_non_null(strstr(said, base));
        assert_null(strstr(said, "COPPICE_BUILD")); /* of the test's, hence of init's environment */
        free(said);
        rig_stop(&r);
}

static void E17_the_limit_of_descriptors_is_that_of_the_start_of_init(void **state)
{
        struct rlimit mine;
        struct rig r;
        struct planner p;
        char *said, want[64];

        (void) state;
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &mine), 0);
        assert_true(rig_start(&r, plain));
        planner_begin(&p);
        planner_standard(&p);
        said = rig_probe(&r, &p, NULL, 0, -1, NO_ENV);
        (void) snprintf(want, sizeof want, "%lld:%lld", (long long) mine.rlim_cur, (long long) mine.rlim_max);
        assert_string_equal(probe_value(said, "limit-NOFILE"), want);
        free(said);
        rig_stop(&r);
}

static void a_failing_step_names_itself_and_its_object(void **state)
{
        const struct init_spawn_failed *m;
        struct rig r;
        struct planner p;
        struct err err;
        char line[512];

        (void) state;
        assert_true(rig_start(&r, plain));
        planner_begin(&p);
        planner_standard(&p);
        planner_text(&p, PLAN_CHDIR, "/no/such/directory");
        planner_exec(&p, NO_ENV, "/bin/true\0");
        m = rig_spawn_fails(&r, &p, NULL, 0);
        assert_int_equal(m->stage, STAGE_CHDIR);
        assert_int_equal(m->error, ENOENT);
        assert_int_equal(m->step, 4);
        initlink_spawn_error(m, &err);
        err_unit(&err, "web");
        assert_string_equal(err_format(&err, line, sizeof line),
                            "web: CHDIR: change the working directory /no/such/directory: "
                            "No such file or directory (test.service:7; make it, or write - in front of the path: then it may be "
                            "missing)");
        rig_stop(&r);
}

static void damaged_plans_end_in_PLAN_and_nothing_else(void **state)
{
        struct rig r;
        const struct init_spawn_failed *m;
        struct planner p;

        (void) state;
        assert_true(rig_start(&r, plain));
        planner_begin(&p);
        planner_standard(&p);
        m = rig_spawn_fails(&r, &p, NULL, 0); /* no EXEC */
        assert_int_equal(m->stage, STAGE_PLAN);
        assert_int_equal(m->error, EBADMSG);
        planner_begin(&p);
        planner_text(&p, PLAN_CHDIR, "/");
        memset(p.bytes.data + p.bytes.len - 8, 'x', 8); /* its NUL is gone */
        assert_int_equal(rig_spawn_fails(&r, &p, NULL, 0)->stage, STAGE_PLAN);
        planner_begin(&p);
        p.steps += 3;
        assert_int_equal(rig_spawn_fails(&r, &p, NULL, 0)->stage, STAGE_PLAN);
        assert_int_equal(rig_exit_of(&r, spawn_shell(&r, "exit 4", NULL, 0)).status, 4); /* init is well */
        rig_stop(&r);
}

static void the_confirm_pipe_ends_when_the_program_runs(void **state)
{
        struct rig r;
        int confirm[2];
        char byte;

        (void) state;
        assert_true(rig_start(&r, plain));
        for (int i = 0; i < 20; i++) {
                pid_t pid;

                assert_int_equal(pipe2(confirm, O_CLOEXEC), 0);
                pid = spawn_shell(&r, "while :; do sleep 1000; done", confirm + 1, 1);
                (void) close(confirm[1]);
                assert_int_equal(read(confirm[0], &byte, 1), 0);
                (void) close(confirm[0]);
                assert_int_equal(initlink_signal(r.link, pid, SIGKILL, INIT_SIGNAL_GROUP), 0);
                (void) rig_exit_of(&r, pid);
        }
        rig_stop(&r);
}

static void a_directory_is_made_owned_and_no_link_is_followed(void **state)
{
        struct rig r;
        struct planner p;
        struct stat st;
        char text[256] = { 0 }, path[160];
        bool root = geteuid() == 0;
        size_t base_len;

        (void) state;
        assert_true(rig_start(&r, plain));
        base_len = (size_t) snprintf(text, sizeof text, "%s/run", r.dir) + 1;
        (void) strcpy(text + base_len, "a/b");
        planner_begin(&p);
        planner_add(&p, PLAN_DIRECTORY, 0, 0710, root ? 4711 : -1, root ? 4242 : -1, text, base_len + 4);
        planner_standard(&p);
        planner_exec(&p, NO_ENV, "/bin/true\0");
        assert_int_equal(rig_exit_of(&r, rig_spawn(&r, &p, NULL, 0, -1)).status, 0);
        (void) snprintf(path, sizeof path, "%s/run/a/b", r.dir);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0710);
        if (root)
                assert_true(st.st_uid == 4711 && st.st_gid == 4242);
        (void) snprintf(path, sizeof path, "%s/run/evil", r.dir);
        assert_int_equal(symlink("/etc", path), 0);
        (void) strcpy(text + base_len, "evil");
        planner_begin(&p);
        planner_add(&p, PLAN_DIRECTORY, 0, 0777, -1, -1, text, base_len + 5);
        planner_exec(&p, NO_ENV, "/bin/true\0");
        assert_int_equal(rig_spawn_fails(&r, &p, NULL, 0)->error, ENOTDIR);
        (void) strcpy(text + base_len, "../up");
        planner_begin(&p);
        planner_add(&p, PLAN_DIRECTORY, 0, 0777, -1, -1, text, base_len + 6);
        planner_exec(&p, NO_ENV, "/bin/true\0");
        assert_int_equal(rig_spawn_fails(&r, &p, NULL, 0)->error, EINVAL);
        rig_stop(&r);
}

#define TEST(f) cmocka_unit_test_teardown(f, rig_clean)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(A13_exec_failures_carry_errno_stage_and_line),
                TEST(A13_arguments_too_long_are_E2BIG_and_travel_by_memfd),
                TEST(A13_a_program_that_exits_203_itself_is_no_failed_exec),
                TEST(a_stored_descriptor_is_no_cost_to_a_child),
                TEST(E8_ids_change_for_good),
                TEST(E11_a_child_has_the_declared_descriptors_only),
                TEST(E12_also_without_close_range),
                TEST(E13_also_when_started_without_descriptors_0_to_2),
                TEST(E16_E17_a_child_gets_what_the_plan_says),
                TEST(E17_the_limit_of_descriptors_is_that_of_the_start_of_init),
                TEST(I5_also_without_clone3),
                TEST(I5_signals_are_reset_without_clone3_too),
                TEST(a_failing_step_names_itself_and_its_object),
                TEST(damaged_plans_end_in_PLAN_and_nothing_else),
                TEST(the_confirm_pipe_ends_when_the_program_runs),
                TEST(a_directory_is_made_owned_and_no_link_is_followed),
        };

        (void) signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
