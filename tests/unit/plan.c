/* plan.c - a unit into steps, and the steps into words. */
#include <errno.h>
#include <signal.h>

#include "core/plan.h"
#include "tests/unit/units.h"

static const gid_t groups[] = { 1000, 27 };
static const char *const daemon_environ[] = { "LANG=C.UTF-8", "SECRET=x", "TZ=UTC", NULL };

/* A root daemon that starts /shop/web for the fourth time. */
static struct plan_facts root_facts(void)
{
        return (struct plan_facts) {
                .node = "/shop/web", .incarnation = 4, .mark = "0123456789abcdef0123456789abcdef", .root = true,
                .environ = daemon_environ, .fds = { .cgroup = 0, .in = -1, .out = 1, .err = -1, .join = -1, .notify = -1, .mailbox = -1, .listen = -1 }, .cgroup_path = "/sys/fs/cgroup/x/shop/web",
                .runtime_root = "/run", .state_root = "/var/lib", .cache_root = "/var/cache", .logs_root = "/var/log",
                .config_root = "/etc",
        };
}

static struct plan_facts user_facts(void)
{
        struct plan_facts f = root_facts();

        f.have_user = true;
        f.uid = f.gid = 1000;
        f.groups = groups;
        f.group_count = 2;
        f.user_name = "ann";
        f.home = "/home/ann";
        f.shell = "/bin/bash";
        return f;
}

/* What explain says of the plan of a unit's ExecStart=; static storage. The error's sentence when there is none. */
static const char *explained_command(const char *unit, const struct plan_facts *f, enum directive d)
{
        static char said[65536];
        struct spec *s = parse_good("web.service", unit);
        struct buf plan = BUF_INIT, out = BUF_INIT;
        struct err err = { 0 };

        if (plan_compile(s, f, d, 0, &plan, &err) < 0) {
                err_format(&err, said, sizeof(said));
        } else {
                assert_int_equal(plan_explain(plan.data, plan.len, &out), 0);
                (void) snprintf(said, sizeof(said), "%s", buf_text(&out));
        }
        buf_free(&plan);
        buf_free(&out);
        spec_unref(s);
        return said;
}

static const char *explained(const char *unit, const struct plan_facts *f)
{
        return explained_command(unit, f, D_SERVICE_ExecStart);
}

static void assert_lacks(const char *text, const char *part)
{
        if (strstr(text, part))
                print_error("in: %s\nfound: %s\n", text, part);
        assert_null(strstr(text, part));
}

/* One is somewhere before the other. */
static void assert_order(const char *text, const char *first, const char *second)
{
        assert_contains(text, first);
        assert_contains(text, second);
        assert_true(strstr(text, first) < strstr(text, second));
}

static void every_directive_of_the_process_becomes_a_step_with_its_line(void **state)
{
        static const struct { const char *line, *said; } rows[] = {
                { "LimitNOFILE=1024:4096", "LIMITS             set NOFILE to 1024:4096   (web.service:3)" },
                { "LimitCORE=infinity", "set CORE to infinity:infinity   (web.service:3)" },
                { "LimitCPU=5s", "set CPU to 5:5   (web.service:3)" },
                { "LimitFSIZE=1M", "set FSIZE to 1048576:1048576" },
                { "LimitDATA=1G", "set DATA to 1073741824:1073741824" },
                { "LimitSTACK=8M", "set STACK to 8388608:8388608" },
                { "LimitRSS=1M", "set RSS to 1048576:1048576" },
                { "LimitAS=1M:2M", "set AS to 1048576:2097152" },
                { "LimitNPROC=10", "set NPROC to 10:10" },
                { "LimitMEMLOCK=64K", "set MEMLOCK to 65536:65536" },
                { "LimitLOCKS=7", "set LOCKS to 7:7" },
                { "LimitSIGPENDING=8", "set SIGPENDING to 8:8" },
                { "LimitMSGQUEUE=9", "set MSGQUEUE to 9:9" },
                { "LimitNICE=+5", "set NICE to 15:15" },
                { "LimitRTPRIO=3", "set RTPRIO to 3:3" },
                { "LimitRTTIME=1ms", "set RTTIME to 1000:1000" },
                { "Nice=-3", "NICE               set nice to -3   (web.service:3)" },
                { "OOMScoreAdjust=-500", "set the out-of-memory score adjustment to -500   (web.service:3)" },
                { "CPUAffinity=0 2-5 70", "run on processors 0 2-5 70   (web.service:3)" },
                { "UMask=0027", "set umask 0027   (web.service:3)" },
                { "WorkingDirectory=/srv", "CHDIR              change to directory /srv   (web.service:3)" },
                { "WorkingDirectory=-/srv", "change to directory /srv, or / if it cannot be entered" },
                { "RootDirectory=/jail", "CHROOT             make /jail the root directory   (web.service:3)" },
                { "RuntimeDirectory=web/run", "RUNTIME_DIRECTORY  make directory /run/web/run, mode 0755, owner as made:as made   (web.service:3)" },
                { "StateDirectory=web", "STATE_DIRECTORY    make directory /var/lib/web" },
                { "CacheDirectory=web", "CACHE_DIRECTORY    make directory /var/cache/web" },
                { "LogsDirectory=web", "LOGS_DIRECTORY     make directory /var/log/web" },
                { "ConfigurationDirectory=web", "CONFIGURATION_DIRECTORY make directory /etc/web" },
                { "StandardInput=file:/etc/motd", "STDIN              open /etc/motd for reading   (web.service:3)" },
                { "StandardInput=tty", "open /dev/console for reading and writing as controlling terminal" },
                { "StandardError=append:/var/log/x", "STDERR             open /var/log/x for appending   (web.service:3)" },
                { "StandardError=truncate:/var/log/x", "open /var/log/x for writing from empty" },
                { "StandardError=null", "open /dev/null for reading and writing" },
                { "StandardInput=inherit", "0=own[0] 1=received[1] 2=received[1]" },
                { "Environment=A=1 \"B=two words\"", "A=1 'B=two words'" },
                { "PassEnvironment=TZ", "TZ=UTC" },
        };
        const struct plan_facts f = root_facts();
        char unit[512];

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                (void) snprintf(unit, sizeof(unit), "[Service]\nExecStart=/bin/web\n%s\n", rows[i].line);
                assert_contains(explained(unit, &f), rows[i].said);
        }
}

static void the_steps_come_in_the_order_of_the_design(void **state)
{
        const struct plan_facts f = user_facts();
        const char *said = explained("[Service]\nExecStart=/bin/web\nUser=ann\nLimitCORE=0\nLimitNOFILE=10\nNice=1\n"
                                     "RuntimeDirectory=web\nRootDirectory=/jail\n", &f);

        (void) state;
        assert_order(said, "become the leader of a new session", "set every signal to its default");
        assert_order(said, "set every signal", "be in cgroup /sys/fs/cgroup/x/shop/web");
        assert_order(said, "be in cgroup", "set CORE");
        assert_order(said, "set CORE", "set nice");
        assert_order(said, "set nice", "allow no tracing");
        assert_order(said, "allow no tracing", "make directory /run/web, mode 0755, owner 1000:1000");
        assert_order(said, "make directory", "arrange descriptors");
        assert_order(said, "arrange descriptors", "set NOFILE");
        assert_order(said, "set NOFILE", "make /jail the root");
        assert_order(said, "make /jail the root", "set supplementary groups to 1000 27");
        assert_order(said, "supplementary groups", "become group 1000");
        assert_order(said, "become group", "become user 1000");
        assert_order(said, "become user", "change to directory /");
        assert_order(said, "become user", "clear inheritable");
        assert_order(said, "clear inheritable", "receive SIGKILL should init die");
        assert_order(said, "receive SIGKILL", "allow no new privileges");
        assert_order(said, "allow no new privileges", "execute /bin/web as /bin/web");
}

static void ids_are_left_alone_without_a_user_and_behind_a_plus(void **state)
{
        static const struct { const char *command; bool ids, caps, nnp; } rows[] = {
                { "/bin/web", true, true, true },
                { "+/bin/web", false, false, false },
                { "!/bin/web", false, true, false },
        };
        const struct plan_facts f = user_facts(), root = root_facts();
        char unit[256];

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *said;

                (void) snprintf(unit, sizeof(unit), "[Service]\nExecStart=%s\nUser=ann\n", rows[i].command);
                said = explained(unit, &f);
                assert_int_equal(strstr(said, "become user") != NULL, rows[i].ids);
                assert_int_equal(strstr(said, "become group") != NULL, rows[i].ids);
                assert_int_equal(strstr(said, "clear inheritable") != NULL, rows[i].caps);
                assert_int_equal(strstr(said, "no new privileges") != NULL, rows[i].nnp);
        }
        assert_lacks(explained("[Service]\nExecStart=/bin/web\n", &root), "become user");
        assert_lacks(explained("[Service]\nExecStart=/bin/web\n", &root), "no new privileges");
}

static void an_unprivileged_daemon_sets_no_groups_and_allows_no_new_privileges(void **state)
{
        struct plan_facts f = user_facts();
        const char *said;

        (void) state;
        f.root = false;
        said = explained("[Service]\nExecStart=/bin/web\nUser=ann\nStateDirectory=web\n", &f);
        assert_lacks(said, "supplementary");
        assert_contains(said, "become user 1000");
        assert_contains(said, "allow no new privileges");
        assert_contains(said, "owner as made:as made");
}

static void E16_the_environment_is_what_is_listed(void **state)
{
        struct plan_facts f = user_facts();
        const char *said;

        (void) state;
        f.notify_socket = "/run/coppice/notify";
        f.watchdog_usec = 2000000;
        f.env_files = "A=file\0C=file\0";
        said = explained("[Service]\nExecStart=/bin/web\nUser=ann\nEnvironment=A=unit B=unit DROP=1 KEEP=1\n"
                         "UnsetEnvironment=DROP KEEP=2 SHELL\nRuntimeDirectory=web web/x\nWatchdogSec=2\n", &f);
        assert_contains(said, "PATH=" PLAN_PATH " LANG=C.UTF-8 USER=ann LOGNAME=ann HOME=/home/ann "
                              "INVOCATION_ID=0123456789abcdef0123456789abcdef COPPICE_NODE=/shop/web COPPICE_INCARNATION=4 "
                              "COPPICE_INCARNATION_ID=0123456789abcdef0123456789abcdef "
                              "NOTIFY_SOCKET=/run/coppice/notify WATCHDOG_USEC=2000000 "
                              "RUNTIME_DIRECTORY=/run/web:/run/web/x B=unit KEEP=1 A=file C=file\n");
        assert_contains(said, "WATCHDOG_PID=own pid");
        assert_lacks(said, "SECRET");
        assert_lacks(said, "TZ=");
}

static void control_commands_are_told_how_it_ended_and_get_no_watchdog(void **state)
{
        struct plan_facts f = root_facts();
        const char *said;

        (void) state;
        f.control = true;
        f.watchdog_usec = 5;
        f.main_pid = 77;
        f.service_result = "exit-code";
        f.exit_code = "exited";
        f.exit_status = "3";
        said = explained_command("[Service]\nExecStart=/bin/web\nExecStopPost=/bin/post $EXIT_STATUS ${MAINPID}x\n", &f,
                                 D_SERVICE_ExecStopPost);
        assert_contains(said, "MAINPID=77 SERVICE_RESULT=exit-code EXIT_CODE=exited EXIT_STATUS=3");
        assert_contains(said, "execute /bin/post as /bin/post 3 77x   (web.service:3)");
        assert_lacks(said, "WATCHDOG");
}

static void stored_descriptors_begin_at_three_and_NotifyFd_keeps_off_them(void **state)
{
        struct plan_facts f = root_facts();
        const char *said;

        (void) state;
        f.fds.listen = 2;
        f.fds.listen_count = 2;
        f.listen_names = "web:admin";
        f.fds.notify = 4;
        said = explained("[Service]\nExecStart=/bin/web\nNotifyFd=5\n", &f);
        assert_contains(said, "3=received[2] 4=received[3] 5=received[4]; close every other");
        assert_contains(said, "LISTEN_FDS=2 LISTEN_FDNAMES=web:admin");
        assert_contains(said, "LISTEN_PID=own pid");
        said = explained("[Service]\nExecStart=/bin/web\nNotifyFd=4\n", &f);
        assert_contains(said, "FDS: place descriptor 4 of NotifyFd=: 2 stored descriptors begin at 3 (web.service:3; choose");
}

static void a_name_without_a_slash_is_searched(void **state)
{
        const struct plan_facts f = root_facts();

        (void) state;
        assert_contains(explained("[Service]\nExecStart=sleep 1000\n", &f), "execute sleep as sleep 1000, looked for in /usr/local/sbin:");
        assert_contains(explained("[Service]\nExecStart=@/bin/sleep nap 5\n", &f), "execute /bin/sleep as nap 5");
}

static void lines_of_drop_ins_are_named_by_their_own_file(void **state)
{
        struct unit_source sources[] = {
                { .file = "/etc/coppice/web.service", .text = "[Service]\nExecStart=/bin/web\n", .len = 29 },
                { .file = "/etc/coppice/web.service.d/limits.conf", .text = "[Service]\nNice=5\n", .len = 17 },
        };
        const struct plan_facts f = root_facts();
        struct buf plan = BUF_INIT, out = BUF_INIT;
        struct heard h = { 0 };
        struct spec *s = NULL;

        (void) state;
        assert_int_equal(unit_text_parse("web.service", sources, 2, &unit_host_example, hear, &h, &s), 0);
        assert_int_equal(plan_compile(s, &f, D_SERVICE_ExecStart, 0, &plan, NULL), 0);
        assert_int_equal(plan_explain(plan.data, plan.len, &out), 0);
        assert_contains(buf_text(&out), "set nice to 5   (limits.conf:2)");
        assert_contains(buf_text(&out), "execute /bin/web as /bin/web   (web.service:2)");
        buf_clear(&out);
        struct json j = json_start(&out);
        assert_int_equal(plan_explain_json(plan.data, plan.len, &j, NULL), 0);
        assert_contains(buf_text(&out), "\"op\":\"NICE\",\"stage\":\"NICE\",\"text\":\"set nice to 5\","
                                        "\"file\":\"/etc/coppice/web.service.d/limits.conf\",\"line\":2}");
        buf_free(&plan);
        buf_free(&out);
        buf_free(&h.text);
        spec_unref(s);
}

static void variables_are_expanded_as_systemd_does(void **state)
{
        static const char env_row[] = "ONE=one\0TWO=two words\0QUOTED='a b' c\\ d \"e\"\0EMPTY=";
        static const struct { const char *args; unsigned flags; const char *want; } rows[] = {
                { "p\0$ONE", 0, "p|one|" },
                { "p\0$TWO", 0, "p|two|words|" },
                { "p\0${TWO}", 0, "p|two words|" },
                { "p\0x${ONE}y", 0, "p|xoney|" },
                { "p\0x$ONE", 0, "p|x$ONE|" },
                { "p\0$QUOTED", 0, "p|a b|c d|e|" },
                { "p\0$EMPTY", 0, "p|" },
                { "p\0${EMPTY}", 0, "p||" },
                { "p\0$UNSET", 0, "p|" },
                { "p\0${UNSET}", 0, "p||" },
                { "p\0$$ONE", 0, "p|$ONE|" },
                { "p\0$${ONE}", 0, "p|${ONE}|" },
                { "p\0a$$", 0, "p|a$|" },
                { "p\0$", 0, "p|$|" },
                { "p\0${", 0, "p|${|" },
                { "p\0${ONE", 0, "p|${ONE|" },
                { "p\0${1X}", 0, "p|${1X}|" },
                { "p\0$ONE-", 0, "p|$ONE-|" },
                { "$ONE\0x", 0, "$ONE|x|" },
                { "p\0$ONE", CMD_NO_ENV, "p|$ONE|" },
        };
        struct buf env = BUF_INIT;

        (void) state;
        buf_add(&env, env_row, sizeof(env_row));
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct command cmd = { .flags = rows[i].flags, .path = "/p", .argc = 2, .args = rows[i].args };
                struct buf argv = BUF_INIT;
                size_t words = 0;

                assert_true(plan_expand(&cmd, &env, &argv, NULL) >= 0);
                for (size_t at = 0; at < argv.len; at++)
                        if (argv.data[at] == 0) {
                                argv.data[at] = '|';
                                words++;
                        }
                assert_string_equal(buf_text(&argv), rows[i].want);
                assert_true(words >= 1);
                buf_free(&argv);
        }
        buf_free(&env);
}

static void damaged_plans_are_refused(void **state)
{
        const struct plan_facts f = user_facts();
        struct spec *s = parse_good("web.service", "[Service]\nExecStart=/bin/web a b\nUser=ann\nNice=1\n");
        struct buf plan = BUF_INIT, out = BUF_INIT;

        (void) state;
        assert_int_equal(plan_compile(s, &f, D_SERVICE_ExecStart, 0, &plan, NULL), 0);
        for (size_t cut = 0; cut < plan.len; cut += 8)
                assert_int_equal(plan_explain(plan.data, cut, &out), -EBADMSG);
        for (size_t at = 0; at < plan.len; at++) { /* every byte, changed: any answer but a crash */
                char kept = plan.data[at];

                plan.data[at] = (char) (kept ^ 0x5a);
                buf_clear(&out);
                (void) plan_explain(plan.data, plan.len, &out);
                plan.data[at] = kept;
        }
        buf_free(&plan);
        buf_free(&out);
        spec_unref(s);
}

static void reasons_are_told_in_the_words_of_systemd(void **state)
{
        static const struct { struct reason r; const char *result, *code, *status; } rows[] = {
                { { REASON_NORMAL, 0, 0, 0, 0, 0 }, "success", "exited", "0" },
                { { REASON_EXIT, 0, 0, 0, 3, 0 }, "exit-code", "exited", "3" },
                { { REASON_SIGNAL, 0, 0, 0, SIGSEGV, 0 }, "signal", "killed", "SEGV" },
                { { REASON_SIGNAL, 0, 0, 1, SIGABRT, 0 }, "core-dump", "dumped", "ABRT" },
                { { REASON_START_TIMEOUT, 0, 0, 0, 0, 0 }, "timeout", NULL, NULL },
                { { REASON_WATCHDOG, 0, 0, 0, 0, 0 }, "watchdog", NULL, NULL },
                { { REASON_SPAWN, STAGE_EXEC, 0, 0, ENOENT, 0 }, "resources", NULL, NULL },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *code, *status;
                char text[16];

                assert_string_equal(plan_service_result(&rows[i].r), rows[i].result);
                plan_exit_texts(&rows[i].r, &code, &status, text, sizeof(text));
                assert_int_equal(code == NULL, rows[i].code == NULL);
                if (code) {
                        assert_string_equal(code, rows[i].code);
                        assert_string_equal(status, rows[i].status);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_directive_of_the_process_becomes_a_step_with_its_line),
                cmocka_unit_test(the_steps_come_in_the_order_of_the_design),
                cmocka_unit_test(ids_are_left_alone_without_a_user_and_behind_a_plus),
                cmocka_unit_test(an_unprivileged_daemon_sets_no_groups_and_allows_no_new_privileges),
                cmocka_unit_test(E16_the_environment_is_what_is_listed),
                cmocka_unit_test(control_commands_are_told_how_it_ended_and_get_no_watchdog),
                cmocka_unit_test(stored_descriptors_begin_at_three_and_NotifyFd_keeps_off_them),
                cmocka_unit_test(a_name_without_a_slash_is_searched),
                cmocka_unit_test(lines_of_drop_ins_are_named_by_their_own_file),
                cmocka_unit_test(variables_are_expanded_as_systemd_does),
                cmocka_unit_test(damaged_plans_are_refused),
                cmocka_unit_test(reasons_are_told_in_the_words_of_systemd),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
