/* os.c - the small parts of the os layer: notification, environment files, users, files, conditions. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/conditions.h"
#include "os/envfile.h"
#include "os/fs.h"
#include "os/kernel.h"
#include "os/notify.h"
#include "os/user.h"
#include "tests/unit/units.h"

static char dir[64];

static int make_dir(void **state)
{
        (void) state;
        (void) strcpy(dir, "/tmp/ostest.XXXXXX");
        return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
        char command[128];

        (void) state;
        (void) snprintf(command, sizeof(command), "rm -rf %s", dir);
        return system(command) == 0 ? 0 : -1;
}

static const char *in_dir(const char *name)
{
        static char path[4][192];
        static unsigned next;

        next = (next + 1) % 4;
        (void) snprintf(path[next], sizeof(path[next]), "%s/%s", dir, name);
        return path[next];
}

static void put_file(const char *name, const char *text, mode_t mode)
{
        assert_int_equal(fs_write_atomic(in_dir(name), text, strlen(text), mode, NULL), 0);
}

/* --- notification ------------------------------------------------------------------------------------------------ */

static void every_key_of_sd_notify_is_read_and_nonsense_ignored(void **state)
{
        static const struct { const char *text; uint32_t has; } rows[] = {
                { "READY=1", NOTIFY_READY }, { "READY=0", 0 }, { "READY=", 0 }, { "READY", 0 }, { "ready=1", 0 },
                { "RELOADING=1\nMONOTONIC_USEC=7", NOTIFY_RELOADING | NOTIFY_MONOTONIC }, { "STOPPING=1\n", NOTIFY_STOPPING },
                { "WATCHDOG=1", NOTIFY_WATCHDOG }, { "WATCHDOG=trigger", NOTIFY_WATCHDOG_TRIGGER }, { "WATCHDOG=2", 0 },
                { "ERRNO=2", NOTIFY_ERRNO }, { "ERRNO=-2", 0 }, { "ERRNO=99999999999", 0 }, { "EXIT_STATUS=3", NOTIFY_EXIT_STATUS },
                { "MAINPID=77", NOTIFY_MAINPID }, { "MAINPID=1", 0 }, { "MAINPID=0", 0 }, { "MAINPID=7x", 0 },
                { "WATCHDOG_USEC=5", NOTIFY_WATCHDOG_USEC }, { "WATCHDOG_USEC=18446744073709551615", 0 },
                { "EXTEND_TIMEOUT_USEC=9223372036854775807", 0 }, { "EXTEND_TIMEOUT_USEC=10", NOTIFY_EXTEND },
                { "FDSTORE=1\nFDNAME=x", NOTIFY_FDSTORE }, { "FDSTOREREMOVE=1", NOTIFY_FDSTORE_REMOVE },
                { "BARRIER=1", NOTIFY_BARRIER }, { "X_OWN=1\n\n=\n==\nREADY=1\n", NOTIFY_READY }, { "", 0 }, { "\n\n\n", 0 },
        };
        struct notify_fields f;

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                notify_parse(rows[i].text, strlen(rows[i].text), &f);
                if (f.has != rows[i].has)
                        print_error("%s\n", rows[i].text);
                assert_int_equal(f.has, rows[i].has);
        }
        notify_parse("MAINPID=77\nERRNO=2\nWATCHDOG_USEC=5\nEXTEND_TIMEOUT_USEC=6\nEXIT_STATUS=3", 71, &f);
        assert_int_equal(f.main_pid, 77);
        assert_int_equal(f.error, 2);
        assert_int_equal(f.watchdog_nsec, 5000);
        assert_int_equal(f.extend_nsec, 6000);
}

static void names_and_status_texts_are_made_harmless(void **state)
{
        struct notify_fields f;
        char text[2048] = "STATUS=";

        (void) state;
        notify_parse("FDNAME=a:b", 10, &f);
        assert_string_equal(f.fdname, "stored");
        notify_parse("FDNAME=good-1", 13, &f);
        assert_string_equal(f.fdname, "good-1");
        notify_parse("STATUS=\033[31mred\t", 16, &f);
        assert_string_equal(f.status, "?[31mred?");
        for (int i = 0; i < 700; i++)
                (void) strcat(text, "\u00e4"); /* two bytes each: the cut falls between two */
        notify_parse(text, strlen(text), &f);
        assert_int_equal(strlen(f.status), 1022);
        assert_int_equal((unsigned char) f.status[1021], 0xa4);
}

static void send_with(const char *text, size_t n, const int *fds, size_t count)
{
        union { struct cmsghdr head; char space[CMSG_SPACE(sizeof(int) * 250)]; } control = { 0 };
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        struct iovec iov = { (void *) (uintptr_t) text, n };
        struct msghdr m = { .msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = &iov, .msg_iovlen = 1 };
        autoclose int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        (void) snprintf(a.sun_path, sizeof(a.sun_path), "%.100s", in_dir("notify"));
        if (count) {
                control.head.cmsg_len = CMSG_LEN(sizeof(int) * count);
                control.head.cmsg_level = SOL_SOCKET;
                control.head.cmsg_type = SCM_RIGHTS;
                memcpy(CMSG_DATA(&control.head), fds, sizeof(int) * count);
                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        }
        assert_true(sendmsg(fd, &m, 0) >= 0);
}

static int open_fds(void)
{
        int n = 0;

        for (int fd = 0; fd < 1024; fd++)
                n += fcntl(fd, F_GETFD) >= 0;
        return n;
}

static void F12_G8_whatever_is_sent_is_bounded_and_leaks_nothing(void **state)
{
        static struct notify_msg m;
        char large[NOTIFY_TEXT_MAX + 1];
        int fds[200], at = -1, before;
        struct stat st;

        (void) state;
        assert_int_equal(notify_open(in_dir("notify"), &at, NULL), 0);
        assert_int_equal(stat(in_dir("notify"), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0666);
        memset(large, 'x', sizeof(large));
        for (int i = 0; i < 200; i++)
                fds[i] = 2;
        before = open_fds();
        assert_int_equal(notify_receive(at, &m), 0);
        send_with("READY=1", 7, NULL, 0);
        assert_int_equal(notify_receive(at, &m), 1);
        assert_int_equal(m.pid, getpid());
        assert_int_equal(m.uid, getuid());
        assert_int_equal(m.f.has, NOTIFY_READY);
        send_with("", 0, NULL, 0); /* crashed systemd once */
        assert_int_equal(notify_receive(at, &m), 1);
        assert_int_equal(m.f.has, 0);
        send_with(large, sizeof(large), fds, 3);
        assert_int_equal(notify_receive(at, &m), -EBADMSG);
        send_with("READY=1\0X=2", 11, fds, 1);
        assert_int_equal(notify_receive(at, &m), -EBADMSG);
        send_with("FDSTORE=1", 9, fds, 200); /* more than we take */
        assert_int_equal(notify_receive(at, &m), -EBADMSG);
        assert_int_equal(open_fds(), before);
        send_with("FDSTORE=1\nFDNAME=a", 18, fds, 3);
        assert_int_equal(notify_receive(at, &m), 1);
        assert_int_equal(m.fd_count, 3);
        assert_int_equal(fcntl(m.fds[0], F_GETFD), FD_CLOEXEC);
        notify_done(&m);
        assert_int_equal(open_fds(), before);
        assert_int_equal(notify_receive(at, &m), 0);
        (void) close(at);
}

/* --- environment files -------------------------------------------------------------------------------------------- */

static void environment_files_are_read_as_systemd_reads_them(void **state)
{
        static const struct { const char *text, *want; } rows[] = {
                { "A=1\nB=2\n", "A=1|B=2|" },
                { "# c\n; d\n\n  A=1  \n", "A=1|" },
                { "A='one two'\nB=\"x y\"", "A=one two|B=x y|" },
                { "A=one\\\ntwo", "A=onetwo|" },
                { "A=\"line\nnext\"", "A=line\nnext|" },
                { "A=a\"b\"'c'd", "A=abcd|" },
                { "A=\\\"x\\\"", "A=\"x\"|" },
                { "A='\\n'", "A=\\n|" },
                { "A=\"a\\\"b\\\\c\\$d\\x\"", "A=a\"b\\c$d\\x|" },
                { "A=\n", "A=|" },
                { "A= x y \n", "A=x y|" },
                { "A=x ' ' \n", "A=x  |" },
                { "A=1\r\nB=2\r\n", "A=1|B=2|" },
                { "A = 1\n", "A=1|" },
                { "A=$B", "A=$B|" },
                { "A=1#2", "A=1#2|" },
        };

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct buf out = BUF_INIT;

                assert_int_equal(envfile_parse(rows[i].text, strlen(rows[i].text), "f", &out, NULL), 0);
                for (size_t at = 0; at < out.len; at++)
                        if (out.data[at] == 0)
                                out.data[at] = '|';
                assert_string_equal(buf_text(&out), rows[i].want);
                buf_free(&out);
        }
}

static void bad_environment_files_are_told_with_their_line(void **state)
{
        static const struct { const char *text; unsigned line; } rows[] = {
                { "A=1\nnonsense\n", 2 }, { "1A=2\n", 1 }, { "\n\n=x\n", 3 }, { "A=1\nB='open\n", 2 }, { "A-B=1\n", 1 },
        };

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct buf out = BUF_INIT;
                struct err err = { 0 };

                assert_int_equal(envfile_parse(rows[i].text, strlen(rows[i].text), "/e", &out, &err), -EINVAL);
                assert_int_equal(err.line, rows[i].line);
                assert_string_equal(err.file, "/e");
                buf_free(&out);
        }
}

static void H8_environment_files_are_files(void **state)
{
        struct buf out = BUF_INIT;
        struct err err = { 0 };
        char optional[256];

        (void) state;
        put_file("env", "A=1\n", 0600);
        assert_int_equal(envfile_read(in_dir("env"), &out, &err), 0);
        assert_int_equal(envfile_read(in_dir("none"), &out, &err), -ENOENT);
        assert_contains(err.hint, "EnvironmentFile=-");
        (void) snprintf(optional, sizeof(optional), "-%s", in_dir("none"));
        assert_int_equal(envfile_read(optional, &out, &err), 0);
        assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
        assert_int_equal(envfile_read(in_dir("fifo"), &out, &err), -EINVAL);
        assert_int_equal(envfile_read(dir, &out, &err), -EINVAL);
        assert_int_equal(envfile_read("/dev/zero", &out, &err), -EINVAL);
        buf_free(&out);
}

/* --- users ---------------------------------------------------------------------------------------------------------- */

static void E9_users_that_are_none_are_refused(void **state)
{
        static const char *const bad[] = { "-1", "4294967295", "4294967296", "65535", "0x0", " root", "root ", "00", "007",
                                           "+1", "1e3", "ro:ot", "-root", "12a", "ro\not" };
        struct err err = { 0 };
        struct user u;

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                assert_int_equal(user_valid(bad[i]), -EINVAL);
                assert_int_equal(user_lookup(NULL, bad[i], "", NULL, 0, &u, &err), -EINVAL);
                assert_int_equal(user_lookup(NULL, "", bad[i], NULL, 0, &u, &err), -EINVAL);
        }
        assert_int_equal(user_valid(""), -EINVAL);
        assert_int_equal(user_lookup(NULL, "no-such-user", "", NULL, 0, &u, &err), -ENOENT);
        assert_int_equal(err.stage, STAGE_USER);
        assert_int_equal(user_lookup(NULL, "", "no-such-group", NULL, 0, &u, &err), -ENOENT);
        assert_int_equal(err.stage, STAGE_GROUP);
}

static void users_are_found_by_name_and_number(void **state)
{
        static const char *const extra[] = { "1234", "daemon" };
        struct user u;

        (void) state;
        assert_int_equal(user_lookup(NULL, "root", "", NULL, 0, &u, NULL), 0);
        assert_true(u.uid == 0 && u.gid == 0 && u.group_count >= 1);
        assert_string_equal(u.name, "root");
        assert_string_equal(u.home, "/root");
        user_done(&u);
        assert_int_equal(user_lookup(NULL, "54321", "", extra, 2, &u, NULL), 0); /* without an entry */
        assert_true(u.uid == 54321 && u.gid == 54321 && u.group_count == 3);
        assert_true(u.groups[0] == 54321 && u.groups[1] == 1234);
        assert_string_equal(u.home, "/");
        user_done(&u);
        assert_int_equal(user_lookup(NULL, "0", "7", NULL, 0, &u, NULL), 0);
        assert_true(u.uid == 0 && u.gid == 7);
        assert_string_equal(u.name, "root");
        user_done(&u);
}

/* --- files ------------------------------------------------------------------------------------------------------------ */

static void G10_a_runtime_directory_has_one_daemon(void **state)
{
        struct err err = { 0 };
        char path[192];
        int first = -1, second = -1;

        (void) state;
        (void) snprintf(path, sizeof(path), "%s", in_dir("a/b/run"));
        assert_int_equal(fs_lock_dir(path, 0700, &first, &err), 0);
        assert_int_equal(fs_lock_dir(path, 0700, &second, &err), -EWOULDBLOCK);
        assert_contains(err.text, "with pid ");
        (void) close(first);
        assert_int_equal(fs_lock_dir(path, 0700, &second, &err), 0);
        fs_unlock_dir(path, &second);
        assert_int_equal(second, -1);
        assert_int_equal(access(in_dir("a/b/run/lock"), F_OK), -1);
        assert_int_equal(fs_lock_dir(path, 0700, &second, &err), 0);
        (void) close(second);
        assert_int_equal(chmod(path, 0777), 0);
        assert_int_equal(fs_lock_dir(path, 0700, &first, &err), -EPERM);
        assert_contains(err.hint, "chmod");
        assert_int_equal(chmod(path, 0700), 0);
        assert_int_equal(unlink(strcat(path, "/lock")), 0);
        assert_int_equal(symlink("/etc/passwd", path), 0);
        *strrchr(path, '/') = 0;
        assert_int_equal(fs_lock_dir(path, 0700, &first, &err), -ELOOP);
}

/* Many that take it, look, and remove it: never two at a time, whoever opened a file that was removed before he had it. */
static void G10_a_lock_that_is_removed_at_the_end_still_keeps_two_daemons_apart(void **state)
{
        enum { DAEMONS = 4, TURNS = 300 };
        char path[192], inside[224];
        pid_t pid[DAEMONS];

        (void) state;
        (void) snprintf(path, sizeof(path), "%s", in_dir("run"));
        (void) snprintf(inside, sizeof(inside), "%s/inside", path);
        for (int i = 0; i < DAEMONS; i++) {
                pid[i] = fork();
                if (pid[i] != 0)
                        continue;
                for (int turn = 0; turn < TURNS; ) {
                        int fd = -1, there;

                        if (fs_lock_dir(path, 0700, &fd, NULL) < 0)
                                continue;
                        there = open(inside, O_CREAT | O_EXCL | O_WRONLY, 0600);
                        if (there < 0)
                                _exit(1);
                        (void) close(there);
                        (void) unlink(inside);
                        fs_unlock_dir(path, &fd);
                        turn++;
                }
                _exit(0);
        }
        for (int i = 0; i < DAEMONS; i++) {
                int status = -1;

                assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
                assert_int_equal(status, 0);
        }
}

static void pid_files_are_believed_only_with_reason(void **state)
{
        struct { const char *text; int want; } rows[] = {
                { "", -EAGAIN }, { "\n", -EAGAIN }, { "x\n", -EINVAL }, { "1\n", -EINVAL }, { "-5\n", -EINVAL },
                { "99999999999999\n", -EINVAL }, { "12 13\n", -EINVAL }, { "2147483646\n", -ESRCH },
        };
        char own[32];
        pid_t pid = 0;

        (void) state;
        assert_int_equal(fs_pidfile(in_dir("none"), false, &pid, NULL), -EAGAIN);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                put_file("pid", rows[i].text, 0600);
                assert_int_equal(fs_pidfile(in_dir("pid"), false, &pid, NULL), rows[i].want);
        }
        (void) snprintf(own, sizeof(own), " %d \n", getpid());
        put_file("pid", own, 0600);
        assert_int_equal(fs_pidfile(in_dir("pid"), false, &pid, NULL), 0);
        assert_int_equal(pid, getpid());
        assert_int_equal(symlink("pid", in_dir("link")), 0);
        assert_int_equal(fs_pidfile(in_dir("link"), true, &pid, NULL), -ELOOP);
        if (geteuid() != 0)
                return;
        assert_int_equal(chown(in_dir("pid"), 4711, 4711), 0);
        assert_int_equal(fs_pidfile(in_dir("pid"), false, &pid, NULL), -EPERM);
        assert_int_equal(fs_pidfile(in_dir("pid"), true, &pid, NULL), 0);
}

static void files_are_written_whole_and_read_within_bounds(void **state)
{
        struct buf out = BUF_INIT;
        char small[4];

        (void) state;
        put_file("f", "hello\n", 0640);
        assert_int_equal(fs_read(in_dir("f"), 6, &out, NULL), 0);
        assert_string_equal(buf_text(&out), "hello\n");
        assert_int_equal(fs_read(in_dir("f"), 5, &out, NULL), -EFBIG);
        assert_int_equal(fs_read_small(AT_FDCWD, in_dir("f"), small, sizeof(small)), 3);
        assert_string_equal(small, "hel");
        assert_int_equal(access(in_dir("f.new"), F_OK), -1);
        assert_int_equal(fs_mkdir_p(in_dir("f/x"), 0700, NULL), -ENOTDIR);
        assert_int_equal(fs_mkdir_p(in_dir("x/y/z"), 0700, NULL), 0);
        assert_int_equal(fs_mkdir_p(in_dir("x/y/z"), 0700, NULL), 0);
        buf_free(&out);
}

/* --- conditions ------------------------------------------------------------------------------------------------------- */

static void each_condition_tells_what_is_so_from_what_is_not(void **state)
{
        char uid[16];
        struct { enum directive d; const char *holds, *fails; } rows[] = {
                { D_UNIT_ConditionPathExists, "/etc/passwd", "/no/such" },
                { D_UNIT_ConditionPathExistsGlob, "/etc/pass*", "/no/such*" },
                { D_UNIT_ConditionPathIsDirectory, "/etc", "/etc/passwd" },
                { D_UNIT_ConditionPathIsSymbolicLink, in_dir("link"), "/etc/passwd" },
                { D_UNIT_ConditionPathIsMountPoint, "/proc", "/etc" },
                { D_UNIT_ConditionPathIsReadWrite, dir, "/no/such" },
                { D_UNIT_ConditionDirectoryNotEmpty, "/etc", in_dir("empty") },
                { D_UNIT_ConditionFileNotEmpty, "/etc/passwd", "/dev/null" },
                { D_UNIT_ConditionFileIsExecutable, "/bin/sh", "/etc/passwd" },
                { D_UNIT_ConditionVirtualization, strcmp(kernel_get()->virt, "none") ? "yes" : "no",
                  strcmp(kernel_get()->virt, "none") ? "no" : "yes" },
                { D_UNIT_ConditionCapability, NULL, "CAP_NO_SUCH" },
                { D_UNIT_ConditionUser, uid, "4294967" },
                { D_UNIT_ConditionGroup, NULL, "no-such-group" },
                { D_UNIT_ConditionKernelCommandLine, NULL, "no-such-word-here" },
        };

        (void) state;
        (void) snprintf(uid, sizeof(uid), "%u", geteuid());
        assert_int_equal(symlink("/etc", in_dir("link")), 0);
        assert_int_equal(mkdir(in_dir("empty"), 0700), 0);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                if (rows[i].holds && !condition_test(NULL, rows[i].d, rows[i].holds))
                        fail_msg("%s=%s does not hold", directive_rows[rows[i].d].key, rows[i].holds);
                if (condition_test(NULL, rows[i].d, rows[i].fails))
                        fail_msg("%s=%s holds", directive_rows[rows[i].d].key, rows[i].fails);
        }
}

static void plain_ones_must_all_hold_and_of_the_others_one(void **state)
{
        static const struct { const char *lines; enum verdict verdict; const char *argument; } rows[] = {
                { "", VERDICT_PASS, NULL },
                { "ConditionPathExists=/etc\n", VERDICT_PASS, NULL },
                { "ConditionPathExists=!/etc\n", VERDICT_SKIP, "!/etc" },
                { "ConditionPathExists=/etc\nConditionPathExists=/no\n", VERDICT_SKIP, "/no" },
                { "ConditionPathExists=|/no\nConditionPathExists=|/etc\n", VERDICT_PASS, NULL },
                { "ConditionPathExists=|/no\nConditionPathIsDirectory=|/etc\n", VERDICT_PASS, NULL },
                { "ConditionPathExists=|/no\nConditionPathIsDirectory=|!/etc\n", VERDICT_SKIP, "|!/etc" },
                { "ConditionPathExists=|/etc\nConditionPathExists=/no\n", VERDICT_SKIP, "/no" },
                { "AssertPathExists=/no\nConditionPathExists=/no2\n", VERDICT_FAIL, "/no" },
                { "AssertPathExists=|/no\nConditionPathExists=|/etc\n", VERDICT_FAIL, "|/no" },
        };
        char unit[512];

        (void) state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct condition_result r;
                struct spec *s;

                (void) snprintf(unit, sizeof(unit), "[Unit]\n%s[Service]\nExecStart=/bin/true\n", rows[i].lines);
                s = parse_good("c.service", unit);
                r = conditions_check(NULL, s);
                assert_int_equal(r.verdict, rows[i].verdict);
                if (rows[i].argument) {
                        assert_string_equal(r.argument, rows[i].argument);
                        assert_true(r.origin.line >= 2);
                } else {
                        assert_int_equal(r.directive, D_NONE);
                }
                spec_unref(s);
        }
}

#define DIR_TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, drop_dir)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_key_of_sd_notify_is_read_and_nonsense_ignored),
                cmocka_unit_test(names_and_status_texts_are_made_harmless),
                DIR_TEST(F12_G8_whatever_is_sent_is_bounded_and_leaks_nothing),
                cmocka_unit_test(environment_files_are_read_as_systemd_reads_them),
                cmocka_unit_test(bad_environment_files_are_told_with_their_line),
                DIR_TEST(H8_environment_files_are_files),
                cmocka_unit_test(E9_users_that_are_none_are_refused),
                cmocka_unit_test(users_are_found_by_name_and_number),
                DIR_TEST(G10_a_runtime_directory_has_one_daemon),
                DIR_TEST(G10_a_lock_that_is_removed_at_the_end_still_keeps_two_daemons_apart),
                DIR_TEST(pid_files_are_believed_only_with_reason),
                DIR_TEST(files_are_written_whole_and_read_within_bounds),
                DIR_TEST(each_condition_tells_what_is_so_from_what_is_not),
                cmocka_unit_test(plain_ones_must_all_hold_and_of_the_others_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
