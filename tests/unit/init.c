/* init.c - coppiced without its engine: the test speaks to it as the engine would. FAILURES A, E10, J. */
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

static void exit_status_and_signal_are_told(void **state)
{
        struct rig r;
        struct init_exit e;

        (void) state;
        assert_true(rig_start(&r, plain));
        e = rig_exit_of(&r, spawn_shell(&r, "exit 3", NULL, 0));
        assert_int_equal(e.code, CLD_EXITED);
        assert_int_equal(e.status, 3);
        assert_true(e.maxrss_kb > 0);
        e = rig_exit_of(&r, spawn_shell(&r, "kill -TERM $$", NULL, 0));
        assert_int_equal(e.code, CLD_KILLED);
        assert_int_equal(e.status, SIGTERM);
        rig_stop(&r);
}

static void A1_a_child_that_is_gone_at_once_is_told_of_once(void **state)
{
        struct rig r;
        int seen[2] = { 0, 0 };

        (void) state;
        assert_true(rig_start(&r, plain));
        for (int i = 0; i < 50; i++) {
                pid_t pid = spawn_shell(&r, "exit 0", NULL, 0);

                (void) rig_exit_of(&r, pid);
                seen[0]++;
        }
        while (rig_any(&r, 50))
                seen[1]++;
        assert_int_equal(seen[0], 50);
        assert_int_equal(seen[1], 0);
        rig_stop(&r);
}

static void A2_a_hundred_exits_at_one_moment_are_a_hundred_statuses(void **state)
{
        struct rig r;
        int gate[2], exits = 0, sum = 0;

        (void) state;
        assert_true(rig_start(&r, plain));
        assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
        for (int i = 0; i < 100; i++) {
                const struct plan_place places[] = { { 0, 0 }, { 1, PLAN_SOURCE_OWN(1) }, { 2, PLAN_SOURCE_OWN(2) } };
                struct planner p;
                char args[64] = "/bin/sh\0-c";

                (void) snprintf(args + 11, sizeof args - 12, "read x; exit %d", i);
                planner_begin(&p);
                planner_add(&p, PLAN_PLACE, 0, 0, 0, 0, places, sizeof places);
                planner_exec(&p, NO_ENV, args);
                (void) rig_spawn(&r, &p, gate, 1, -1);
        }
        (void) close(gate[1]); /* all read end of file together */
        while (exits < 100) {
                rig_expect(&r, INIT_EXITED);
                for (uint32_t i = 0; i < r.msg.exited->count; i++, exits++)
                        sum += r.msg.exited->list[i].status;
        }
        assert_int_equal(exits, 100);
        assert_int_equal(sum, 99 * 100 / 2);
        (void) close(gate[0]);
        rig_stop(&r);
}

static void A4_statuses_are_kept_when_SIGCHLD_was_ignored(void **state)
{
        struct rig r;

        (void) state;
        assert_true(rig_start(&r, (struct rig_how) { .bad_signals = true }));
        assert_int_equal(rig_exit_of(&r, spawn_shell(&r, "exit 5", NULL, 0)).status, 5);
        rig_stop(&r);
}

static void A5_a_child_has_default_signals_and_blocks_none(void **state)
{
        struct rig r;
        struct planner p;
        char *said;

        (void) state;
        assert_true(rig_start(&r, (struct rig_how) { .bad_signals = true }));
        planner_begin(&p);
        planner_standard(&p);
        said = rig_probe(&r, &p, NULL, 0, -1, NO_ENV);
        assert_string_equal(probe_value(said, "sigign"), "0000000000000000");
        assert_string_equal(probe_value(said, "sigblk"), "0000000000000000");
        assert_string_equal(probe_value(said, "leader"), "1");
        assert_string_equal(probe_value(said, "session-leader"), "1");
        assert_string_equal(probe_value(said, "dumpable"), "1");
        free(said);
        rig_stop(&r);
}

/* Before Linux 6.12 it is 0 for all. */
static uint64_t slice_of(pid_t pid)
{
        struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, rest[2]; } a = { 0 };

        assert_return_code(syscall(SYS_sched_getattr, pid, &a, sizeof a, 0), errno);
        return a.runtime;
}

static void short_slices_stay_with_init(void **state)
{
        struct rig r;
        struct planner p;
        char *said, wanted[32];

        (void) state;
        assert_true(rig_start(&r, (struct rig_how) { .without = NULL }));
        (void) snprintf(wanted, sizeof wanted, "%llu 0", (unsigned long long) slice_of(0));
        assert_true(slice_of(0) == 0 || slice_of(r.init) < slice_of(0));
        planner_begin(&p);
        planner_standard(&p);
        said = rig_probe(&r, &p, NULL, 0, -1, NO_ENV);
        assert_string_equal(probe_value(said, "slice"), wanted);
        free(said);
        rig_stop(&r);
}

static void A11_orphans_come_to_init_and_are_reaped(void **state)
{
        struct rig r;
        char text[32] = "";
        int out[2];
        pid_t pid, orphan;
        const struct plan_place places[] = { { 0, PLAN_SOURCE_OWN(0) }, { 1, 0 }, { 2, PLAN_SOURCE_OWN(2) } };
        struct planner p;

        (void) state;
        assert_true(rig_start(&r, plain));
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        planner_begin(&p);
        planner_add(&p, PLAN_PLACE, 0, 0, 0, 0, places, sizeof places);
        planner_exec(&p, NO_ENV, "/bin/sh\0-c\0(sh -c 'echo $$; read x; exit 9' <&- &) ; exit 0\0");
        pid = rig_spawn(&r, &p, out + 1, 1, -1);
        assert_true(read(out[0], text, sizeof text - 1) > 0);
        orphan = (pid_t) atoi(text);
        assert_int_not_equal(orphan, pid);
        assert_int_equal(rig_exit_of(&r, orphan).pid, orphan);
        (void) close(out[0]);
        (void) close(out[1]);
        rig_stop(&r);
}

static void A7_a_signal_only_goes_to_an_unreaped_child(void **state)
{
        struct rig r;
        pid_t pid;

        (void) state;
        assert_true(rig_start(&r, plain));
        pid = spawn_shell(&r, "read x; exit 0", NULL, 0);
        (void) rig_exit_of(&r, pid); /* standard input is /dev/null in a test run, or at its end */
        assert_int_equal(initlink_signal(r.link, pid, SIGKILL, 0), 0);
        rig_expect(&r, INIT_SIGNAL_FAILED);
        assert_int_equal(r.msg.failed->error, ESRCH);
        assert_int_equal(initlink_signal(r.link, getpid(), SIGKILL, 0), 0); /* alive, but no child of init */
        rig_expect(&r, INIT_SIGNAL_FAILED);
        assert_int_equal(r.msg.failed->error, ESRCH);
        pid = spawn_shell(&r, "while :; do sleep 1000; done", NULL, 0);
        assert_int_equal(initlink_signal(r.link, pid, SIGKILL, INIT_SIGNAL_GROUP), 0);
        assert_int_equal(rig_exit_of(&r, pid).status, SIGKILL);
        rig_stop(&r);
}

/* Nothing is read: the socket fills, init stops reaping, nothing is lost. */
static void zombies_are_the_queue_while_nobody_reads(void **state)
{
        struct rig r;
        int spawned = 0, exits = 0;

        (void) state;
        assert_true(rig_start(&r, plain));
        for (int i = 0; i < 600; i++) {
                struct planner p;
                size_t size;
                const void *bytes;

                planner_begin(&p);
                planner_standard(&p);
                planner_exec(&p, NO_ENV, "/bin/true\0");
                bytes = planner_end(&p, &size);
                assert_int_equal(initlink_spawn(r.link, (uint64_t) i, bytes, size, NULL, 0, -1, NULL), 0);
                buf_free(&p.bytes);
        }
        while (exits < 600) {
                assert_true(rig_any(&r, 60000));
                spawned += r.msg.kind == INIT_SPAWNED;
                exits += r.msg.kind == INIT_EXITED ? (int) r.msg.exited->count : 0;
        }
        assert_int_equal(spawned, 600);
        rig_stop(&r);
}

static void the_store_gives_back_the_same_file(void **state)
{
        struct rig r;
        int pipe_[2];

        (void) state;
        assert_true(rig_start(&r, plain));
        assert_int_equal(pipe2(pipe_, O_CLOEXEC), 0);
        for (int i = 0; i < 1500; i++) { /* more than one table, and replaced ones */
                char name[32];

                (void) snprintf(name, sizeof name, "log:/%d", i % 1200);
                assert_int_equal(initlink_store(r.link, name, pipe_[1]), 0);
        }
        for (int i = 0; i < 1200; i++) {
                char name[32];

                (void) snprintf(name, sizeof name, "log:/%d", i);
                assert_int_equal(initlink_unstore(r.link, name), 0);
        }
        assert_int_equal(initlink_unstore(r.link, "never"), 0);
        (void) close(pipe_[1]);
        /* every copy is closed: end of file */
        while (initlink_pending(r.link))
                (void) rig_any(&r, 10);
        assert_int_equal(read(pipe_[0], &pipe_, 1), 0);
        (void) close(pipe_[0]);
        rig_stop(&r);
}

static void E10_services_die_with_an_init_that_is_killed(void **state)
{
        struct rig r;
        struct planner p;
        int out[2];
        char byte;
        const struct plan_place places[] = { { 0, PLAN_SOURCE_OWN(0) }, { 1, 0 }, { 2, PLAN_SOURCE_OWN(2) } };

        (void) state;
        assert_true(rig_start(&r, plain));
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        planner_begin(&p);
        planner_add(&p, PLAN_PLACE, 0, 0, 0, 0, places, sizeof places);
        planner_add(&p, PLAN_DEATHSIG, 0, SIGKILL, 0, 0, NULL, 0);
        planner_exec(&p, NO_ENV, "/bin/sh\0-c\0echo; exec /bin/sleep 1000\0");
        (void) rig_spawn(&r, &p, out + 1, 1, -1);
        (void) close(out[1]);
        assert_int_equal(read(out[0], &byte, 1), 1);
        assert_int_equal(kill(r.init, SIGKILL), 0);
        assert_int_equal(rig_init_status(&r), 128 + SIGKILL);
        assert_int_equal(read(out[0], &byte, 1), 0); /* it has died too */
        (void) kill(r.engine, SIGKILL);
        (void) close(out[0]);
        rig_stop(&r);
}

static void A17_a_child_that_never_starts_blocks_nobody(void **state)
{
        struct rig r;
        struct planner p;
        char path[128];
        pid_t stuck[40];

        (void) state;
        assert_true(rig_start(&r, plain));
        (void) snprintf(path, sizeof path, "%s/fifo", r.dir);
        assert_int_equal(mkfifo(path, 0600), 0);
        for (int i = 0; i < 40; i++) { /* more than may be in flight; opening a FIFO waits for its writer */
                planner_begin(&p);
                planner_add(&p, PLAN_OPEN, 0, 0, O_RDONLY, 0, path, strlen(path) + 1);
                planner_exec(&p, NO_ENV, "/bin/true\0");
                stuck[i] = rig_spawn(&r, &p, NULL, 0, -1);
        }
        assert_int_equal(rig_exit_of(&r, spawn_shell(&r, "exit 6", NULL, 0)).status, 6);
        for (int i = 0; i < 40; i++) {
                assert_int_equal(initlink_signal(r.link, stuck[i], SIGKILL, 0), 0);
                (void) rig_exit_of(&r, stuck[i]);
        }
        rig_stop(&r);
}

static void signals_to_the_daemon_reach_the_engine(void **state)
{
        static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPWR, SIGUSR1, SIGUSR2 };
        struct rig r;

        (void) state;
        assert_true(rig_start(&r, plain));
        for (size_t i = 0; i < ARRAY_LEN(signals) + 1; i++) {
                int sig = i < ARRAY_LEN(signals) ? signals[i] : SIGRTMIN + 3;

                assert_int_equal(kill(r.init, sig), 0);
                rig_expect(&r, INIT_DAEMON_SIGNAL);
                assert_int_equal(r.msg.daemon_signal->sig, sig);
                assert_int_equal(r.msg.daemon_signal->pid, getpid());
        }
        rig_stop(&r);
}

static void before_the_line_the_exit_code_is_that_of_the_engine(void **state)
{
        struct rig r;

        (void) state;
        assert_true(rig_start(&r, plain));
        rig_engine_exit(&r, 42);
        assert_int_equal(rig_init_status(&r), 42);
        rig_stop(&r);
}

static void unread_spawn(struct rig *r)
{
        struct planner p;
        size_t size;
        const void *bytes;

        planner_begin(&p);
        planner_standard(&p);
        planner_exec(&p, NO_ENV, "/bin/true\0");
        bytes = planner_end(&p, &size);
        assert_int_equal(initlink_spawn(r->link, 77, bytes, size, NULL, 0, -1, NULL), 0);
        buf_free(&p.bytes);
}

/* What the dying engine asked for is done, what it did not read is read by the next one, and HELLO comes after that. */
static void after_the_line_another_engine_gets_all_that_was_said(void **state)
{
        struct rig r;
        pid_t first;

        (void) state;
        assert_true(rig_start(&r, plain));
        r.booted = true;
        first = spawn_shell(&r, "while :; do sleep 1000; done", NULL, 0);
        assert_int_equal(initlink_booted(r.link), 0);
        assert_int_equal(initlink_store(r.link, "x", 0), 0);
        assert_int_equal(kill(r.init, SIGUSR1), 0);
        assert_true(rig_any(&r, 60000)); /* what is asked after it is answered only when both have been read */
        assert_int_equal(r.msg.kind, INIT_DAEMON_SIGNAL);
        assert_int_equal(initlink_signal(r.link, first, SIGKILL, INIT_SIGNAL_GROUP), 0);
        unread_spawn(&r);
        rig_engine_dies(&r);
        assert_true(rig_any(&r, 60000));
        for (bool spawned = false; r.msg.kind != INIT_HELLO; assert_true(rig_any(&r, 60000))) {
                spawned = spawned || r.msg.kind == INIT_SPAWNED;
                assert_true(spawned || r.msg.kind == INIT_EXITED);
        }
        assert_int_equal(r.msg.hello->engine, r.engine);
        assert_int_equal(r.msg.hello->stored, 1);
        assert_true(r.msg.hello->flags & INIT_HELLO_RECOVERED);
        rig_expect(&r, INIT_STORED);
        assert_string_equal(r.msg.stored->name, "x");
        (void) close(r.msg.fd);
        rig_stop(&r);
}

/* How many engines init says have ended before this one without having come up. */
static int unborn(const struct rig *r)
{
        char path[64], text[16384];
        const char *at, *end;
        size_t n;
        FILE *f;

        (void) snprintf(path, sizeof path, "/proc/%d/environ", (int) r->engine);
        f = fopen(path, "re");
        assert_non_null(f);
        n = fread(text, 1, sizeof text - 1, f);
        (void) fclose(f);
        text[n] = '\0';
        for (at = text, end = text + n; at < end; at += strlen(at) + 1)
                if (strncmp(at, INIT_UNBORN "=", sizeof INIT_UNBORN) == 0)
                        return atoi(at + sizeof INIT_UNBORN);
        return -1;
}

static void an_engine_that_lacks_something_says_little_of_the_state_that_it_was_to_take_over(void **state)
{
        struct rig r;

        (void) state;
        (void) setenv("COPPICE_ENGINE_PAUSE_MAX_MS", "1", 1);
        assert_true(rig_start(&r, plain));
        (void) unsetenv("COPPICE_ENGINE_PAUSE_MAX_MS");
        assert_int_equal(initlink_booted(r.link), 0);
        r.booted = true;
        (void) rig_exit_of(&r, spawn_shell(&r, "exit 0", NULL, 0)); /* BOOTED has been read */
        rig_engine_dies(&r);
        for (int i = 0; i < 4; i++) {
                assert_int_equal(unborn(&r), 0);
                rig_engine_exit(&r, INIT_ENGINE_LACKS);
                rig_next_engine(&r);
        }
        assert_int_equal(unborn(&r), 0);
        for (int i = 0; i < 10; i++) { /* there is no program: that says nothing at all */
                rig_engine_exit(&r, INIT_ENGINE_ABSENT);
                rig_next_engine(&r);
                assert_int_equal(unborn(&r), 0);
        }
        for (int i = 0; i < 5; i++) { /* since then; the fifth: by now it may be the state */
                assert_int_equal(unborn(&r), 0);
                rig_engine_exit(&r, INIT_ENGINE_LACKS);
                rig_next_engine(&r);
        }
        for (int i = 1; i <= INIT_UNBORN_MAX; i++) { /* that the program works is asked before the last two */
                assert_int_equal(unborn(&r), i);
                rig_engine_exit(&r, 111);
                rig_next_engine(&r);
        }
        rig_stop(&r);
}

/* Not even about to run: whatever could have woken it up has not. */
static bool sleeps(pid_t pid)
{
        char path[32], text[256] = "", *at;
        autoclose int fd = -1;

        (void) snprintf(path, sizeof path, "/proc/%d/stat", (int) pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
                return false;
        at = strrchr(text, ')');
        return at && strncmp(at, ") S", 3) == 0;
}

static void an_engine_that_ends_and_has_left_the_socket_full_is_followed_by_another_one(void **state)
{
        struct pollfd p = { .events = POLLOUT };
        struct rig r;

        (void) state;
        assert_true(rig_start(&r, plain));
        assert_int_equal(initlink_booted(r.link), 0);
        r.booted = true;
        p.fd = initlink_fd(r.link);
        do { /* each is answered, and nobody reads the answers: in the end init sleeps and takes no more of them */
                assert_int_equal(initlink_signal(r.link, INT32_MAX, 0, 0), 0);
                if (initlink_pending(r.link))
                        (void) initlink_flush(r.link);
        } while (!initlink_pending(r.link) || poll(&p, 1, 100) > 0 || !sleeps(r.init));
        rig_engine_exit(&r, 9);
        p = (struct pollfd) { .fd = r.listening, .events = POLLIN };
        assert_int_equal(poll(&p, 1, 60000), 1);
        rig_next_engine(&r);
        rig_expect(&r, INIT_SIGNAL_FAILED);
        while (r.msg.kind == INIT_SIGNAL_FAILED)
                assert_true(rig_any(&r, 60000));
        assert_int_equal(r.msg.kind, INIT_HELLO);
        assert_int_equal(rig_exit_of(&r, spawn_shell(&r, "exit 3", NULL, 0)).status, 3);
        rig_stop(&r);
}

/* The grandchild's pid comes out of a pipe: it left the session, its parent has died, and there is no /proc. */
static void J12_without_proc_orphans_are_found_and_ended_too(void **state)
{
        const struct plan_place places[] = { { 0, PLAN_SOURCE_OWN(0) }, { 1, 0 }, { 2, PLAN_SOURCE_OWN(2) } };
        char text[32] = "";
        struct planner p;
        struct rig r;
        int out[2];

        (void) state;
        if (geteuid() != 0)
                skip();
#ifdef __SANITIZE_ADDRESS__
        skip(); /* the search for leaks at the end of init needs /proc, and nothing tells it otherwise without /proc */
#endif
        if (!rig_start(&r, (struct rig_how) { .no_proc = true })) {
                rig_stop(&r);
                skip();
        }
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        planner_begin(&p);
        planner_add(&p, PLAN_PLACE, 0, 0, 0, 0, places, sizeof places);
        planner_exec(&p, "PATH=/bin:/usr/bin\0", "/bin/sh\0-c\0setsid sh -c 'echo $$; while :; do sleep 1000; done' &\0");
        (void) rig_exit_of(&r, rig_spawn(&r, &p, out + 1, 1, -1));
        (void) close(out[1]);
        assert_true(read(out[0], text, sizeof text - 1) > 0);
        assert_int_equal(initlink_goodbye(r.link, 0, INIT_END_EXIT), 0);
        assert_int_equal(initlink_signal(r.link, 1, 0, 0), 0);
        rig_expect(&r, INIT_SIGNAL_FAILED);
        rig_engine_exit(&r, 0);
        assert_int_equal(rig_init_status(&r), 0);
        assert_int_equal(read(out[0], text + 16, 1), 0); /* nobody holds the other end */
        (void) close(out[0]);
        rig_stop(&r);
}

static void goodbye_carries_the_exit_code_and_leaves_nobody(void **state)
{
        struct rig r;
        pid_t pid;

        (void) state;
        assert_true(rig_start(&r, plain));
        assert_int_equal(initlink_booted(r.link), 0);
        pid = spawn_shell(&r, "while :; do sleep 1000; done", NULL, 0);
        assert_int_equal(initlink_goodbye(r.link, 17, INIT_END_EXIT), 0);
        assert_int_equal(initlink_signal(r.link, 1, 0, 0), 0);
        rig_expect(&r, INIT_SIGNAL_FAILED);
        rig_engine_exit(&r, 0);
        assert_int_equal(rig_init_status(&r), 17);
        assert_int_equal(kill(-pid, 0), -1);
        rig_stop(&r);
}

#define TEST(f) cmocka_unit_test_teardown(f, rig_clean)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(exit_status_and_signal_are_told),
                TEST(A1_a_child_that_is_gone_at_once_is_told_of_once),
                TEST(A2_a_hundred_exits_at_one_moment_are_a_hundred_statuses),
                TEST(A4_statuses_are_kept_when_SIGCHLD_was_ignored),
                TEST(A5_a_child_has_default_signals_and_blocks_none),
                TEST(short_slices_stay_with_init),
                TEST(A7_a_signal_only_goes_to_an_unreaped_child),
                TEST(A11_orphans_come_to_init_and_are_reaped),
                TEST(A17_a_child_that_never_starts_blocks_nobody),
                TEST(zombies_are_the_queue_while_nobody_reads),
                TEST(the_store_gives_back_the_same_file),
                TEST(E10_services_die_with_an_init_that_is_killed),
                TEST(signals_to_the_daemon_reach_the_engine),
                TEST(before_the_line_the_exit_code_is_that_of_the_engine),
                TEST(after_the_line_another_engine_gets_all_that_was_said),
                TEST(an_engine_that_lacks_something_says_little_of_the_state_that_it_was_to_take_over),
                TEST(an_engine_that_ends_and_has_left_the_socket_full_is_followed_by_another_one),
                TEST(J12_without_proc_orphans_are_found_and_ended_too),
                TEST(goodbye_carries_the_exit_code_and_leaves_nobody),
        };

        (void) signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
