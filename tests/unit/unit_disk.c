/* unit_disk.c - files that must not be read, single units, many units. FAILURES H8, H9, H11. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/unit_dir.h"

static void H8_only_plain_files_of_a_reasonable_size_are_read(void **state)
{
        struct unit_set *set;
        int fd;

        (void) state;
        put("a/good.service", RUN);
        assert_int_equal(mkfifo(at("a/fifo.service"), 0644), 0);
        assert_int_equal(mkdir(at("a/dir.service"), 0755), 0);
        assert_int_equal(symlink("/dev/zero", at("a/device.service")), 0);
        assert_int_equal(symlink("/proc/self/environ", at("a/proc.service")), 0);
        fd = open(at("a/huge.service"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        assert_int_equal(ftruncate(fd, INT64_C(1) << 30), 0);
        (void) close(fd);
        set = load();
        assert_tree(set, "root(good)");
        assert_contains(remarks_in(set), "fifo.service: error: fifo.service is a named pipe, not a file");
        assert_contains(remarks_in(set), "dir.service: error: dir.service is a directory, not a file");
        assert_contains(remarks_in(set), "device.service is a device, not a file");
        assert_contains(remarks_in(set), "huge.service is larger than 256 KiB");
        assert_contains(remarks_in(set), "proc.service");
        unit_set_free(set);
}

static void H9_links_lead_to_files_rings_of_links_and_magic_links_do_not(void **state)
{
        struct unit_set *set;
        char magic[64];
        int fd;

        (void) state;
        put("elsewhere/app.service", "[Service]\nExecStart=/bin/app\n");
        put("b/near.service", RUN);
        (void) mkdir(at("a"), 0755);
        assert_int_equal(symlink(at("elsewhere/app.service"), at("a/app.service")), 0);
        assert_int_equal(symlink("../b/near.service", at("a/linked.service")), 0);
        assert_int_equal(symlink("ring2.service", at("a/ring1.service")), 0);
        assert_int_equal(symlink("ring1.service", at("a/ring2.service")), 0);
        fd = open(at("elsewhere/app.service"), O_RDONLY | O_CLOEXEC);
        (void) snprintf(magic, sizeof(magic), "/proc/%d/fd/%d", (int) getpid(), fd);
        assert_int_equal(symlink(magic, at("a/magic.service")), 0);
        set = load();
        assert_tree(set, "root(app linked near)");
        assert_contains(remarks_in(set), "ring1.service: error: follow the link ring1.service: Too many levels");
        assert_contains(remarks_in(set), "magic.service: error: open magic.service");
        (void) close(fd);
        unit_set_free(set);
}

/* The same on a kernel without openat2, or below a filter that forbids it: a seccomp filter says ENOSYS, in a child. */
static void H9_links_are_followed_as_carefully_without_openat2(void **state)
{
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog filter = { .len = 4, .filter = code };
        int status;
        pid_t pid;

        put("elsewhere/app.service", RUN);
        (void) mkdir(at("a"), 0755);
        assert_int_equal(symlink(at("elsewhere/app.service"), at("a/app.service")), 0);
        assert_int_equal(symlink("/proc/self/environ", at("a/proc.service")), 0);
        pid = fork();
        if (pid == 0) {
                struct unit_set *set;
                int ok;

                if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
                        _exit(77);
                set = load();
                ok = unit_set_find(set, "app.service") == 1 && strstr(remarks_in(set), "proc.service: error: open proc.service");
                unit_set_free(set);
                _exit(ok ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        (void) state;
        if (WEXITSTATUS(status) == 77)
                skip();
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void H11_files_that_others_can_write_are_refused_when_the_owner_counts(void **state)
{
        struct unit_set *set;

        (void) state;
        put("a/good.service", RUN);
        put("a/open.service", RUN);
        put("a/group.service", RUN);
        put("a/good.service.d/x.conf", "[Service]\nNice=1\n");
        assert_int_equal(chmod(at("a/open.service"), 0666), 0);
        assert_int_equal(chmod(at("a/group.service"), 0664), 0);
        if (geteuid() == 0)
                assert_int_equal(chown(at("a/group.service"), 0, 12345), 0);
        set = load_with(true);
        assert_tree(set, geteuid() == 0 || getegid() != 0 ? "root(good)" : "root(good group)");
        assert_contains(remarks_in(set), "open.service can be written by others");
        unit_set_free(set);
        assert_int_equal(chmod(at("a"), 0777), 0);
        set = load_with(true);
        assert_tree(set, "root()");
        assert_contains(remarks_in(set), "(chmod go-w ");
        unit_set_free(set);
        set = load();
        assert_int_equal(unit_set_errors(set), 0);
        unit_set_free(set);
}

static void a_directory_named_on_the_command_line_must_be_there(void **state)
{
        const char *dirs[] = { at("nowhere") };
        static const char *const none[] = { NULL };
        struct unit_options o = { .dirs = dirs, .dir_count = 1, .systemd_dirs = none };
        struct unit_paths *p;
        struct unit_set *set;

        (void) state;
        assert_int_equal(unit_paths_new(&o, &p, NULL), 0);
        assert_int_equal(unit_set_load(p, &set, NULL), 0);
        assert_contains(remarks_in(set), "open the directory");
        assert_tree(set, "root()");
        unit_set_free(set);
        unit_paths_free(p);
}

static void one_unit_can_be_loaded_by_name_by_file_and_as_it_is_typed(void **state)
{
        struct unit_paths *p;
        struct spec *s = NULL;
        struct err err = { 0 };
        char name[256];

        (void) state;
        put("a/web.service", "[Unit]\nSupervisor=shop\n" RUN);
        put("a/web.service.d/a.conf", "[Service]\nNice=1");
        put("a/w@.service", RUN);
        put("a/shop.supervisor", "[Supervisor]\n");
        p = paths_of(false);
        assert_int_equal(unit_load(p, "web.service", NULL, NULL, &s, &err), 0);
        assert_string_equal(spec_str(s, D_UNIT_Supervisor), "shop.supervisor");
        spec_unref(s);
        assert_int_equal(unit_load(p, "w@7.service", NULL, NULL, &s, &err), 0);
        assert_string_equal(spec_stem(s), "w@7");
        spec_unref(s);
        assert_int_equal(unit_load(p, "w@.service", NULL, NULL, &s, &err), -EINVAL);
        assert_contains(err.text, "is a template");
        assert_int_equal(unit_load(p, "ghost.service", NULL, NULL, &s, &err), -ENOENT);
        assert_int_equal(unit_load_file(p, at("a/w@.service"), NULL, NULL, &s, &err), 0);
        assert_string_equal(spec_name(s), "w@instance.service");
        spec_unref(s);
        assert_false(unit_file_there(at("a/x@7.service")));
        assert_true(unit_file_there(at("a/w@7.service")));
        assert_int_equal(unit_load_file(p, at("a/w@7.service"), NULL, NULL, &s, &err), 0);
        assert_string_equal(spec_name(s), "w@7.service");
        spec_unref(s);
        assert_int_equal(unit_load_file(p, at("a/nope.service"), NULL, NULL, &s, &err), -ENOENT);
        assert_int_equal(unit_resolve(p, "web", name, sizeof(name), &err), 0);
        assert_string_equal(name, "web.service");
        assert_int_equal(unit_resolve(p, "shop", name, sizeof(name), &err), 0);
        assert_string_equal(name, "shop.supervisor");
        assert_int_equal(unit_resolve(p, "w@1", name, sizeof(name), &err), 0);
        assert_string_equal(name, "w@1.service");
        assert_int_equal(unit_resolve(p, "nothing", name, sizeof(name), &err), -ENOENT);
        unit_paths_free(p);
}

static void verify_warns_of_what_this_machine_does_not_have(void **state)
{
        struct heard h = { 0 };
        struct spec *s = parse_good("a.service", "[Service]\nExecStart=/no/such/program x\nExecStop=/bin/sh\n"
                                                 "User=no-such-user-here\nEnvironmentFile=/no/env\n"
                                                 "EnvironmentFile=-/no/matter\n");

        (void) state;
        unit_check_machine(s, hear, &h);
        assert_int_equal(h.errors, 0);
        assert_int_equal(h.warnings, 3);
        assert_contains(buf_text(&h.text), "a.service:2: warning: ExecStart=/no/such/program: No such file or directory");
        assert_contains(buf_text(&h.text), "a.service:4: warning: User=no-such-user-here: there is no such user");
        assert_contains(buf_text(&h.text), "a.service:5: warning: EnvironmentFile=/no/env");
        spec_unref(s);
        buf_free(&h.text);
}

static double seconds(void)
{
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

/* The promise is 10,000 in a second; a loaded test machine gets five times that. */
static void ten_thousand_units_are_loaded_in_a_second(void **state)
{
        struct unit_set *set;
        double begin, took;
        char name[64], text[512];
        size_t bytes = 0;

        (void) state;
        for (int i = 0; i < 10000; i++) {
                (void) snprintf(name, sizeof(name), "a/svc%05d.service", i);
                (void) snprintf(text, sizeof(text),
                                "[Unit]\nDescription=Service number %d\nAfter=svc%05d.service\n[Service]\n"
                                "ExecStart=/usr/bin/sleep 100000\nRestart=on-failure\n", i, i > 0 ? i - 1 : 1);
                put(name, i == 0 ? RUN : text);
        }
        begin = seconds();
        set = load();
        took = seconds() - begin;
        print_message("# 10000 units in %.0f ms\n", took * 1000);
        assert_int_equal(unit_set_count(set), 10001);
        assert_int_equal(unit_set_errors(set), 0);
        for (size_t i = 0; i < unit_set_count(set); i++)
                bytes += spec_bytes(unit_set_node(set, i)->spec);
        print_message("# %zu bytes a spec\n", bytes / 10001);
        assert_true(bytes / 10001 < 300);
        assert_true(took < 5.0);
        unit_set_free(set);
}

#define T(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(H8_only_plain_files_of_a_reasonable_size_are_read),
                T(H9_links_lead_to_files_rings_of_links_and_magic_links_do_not),
                T(H9_links_are_followed_as_carefully_without_openat2),
                T(H11_files_that_others_can_write_are_refused_when_the_owner_counts),
                T(a_directory_named_on_the_command_line_must_be_there),
                T(one_unit_can_be_loaded_by_name_by_file_and_as_it_is_typed),
                T(verify_warns_of_what_this_machine_does_not_have),
                T(ten_thousand_units_are_loaded_in_a_second),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
