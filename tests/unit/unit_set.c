/* unit_set.c - units on disk: search path, drop-ins, templates, masks, the tree, and files that must not be read. */
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

#include "tests/unit/units.h"
#include "unit/unit_set.h"

static char dir[64];          /* of the running test */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
        (void) st, (void) flag, (void) ftw;
        return remove(path);
}

static int make_dir(void **state)
{
        (void) state;
        (void) snprintf(dir, sizeof(dir), "/tmp/coppice-units.XXXXXX");
        (void) umask(022);
        return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
        (void) state;
        return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *at(const char *name)
{
        static char path[4][512];
        static int turn;
        char *p = path[turn++ % 4];

        (void) snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
        return p;
}

static void put(const char *name, const char *text)
{
        char path[512];
        FILE *f;

        (void) snprintf(path, sizeof(path), "%s", at(name));
        for (char *slash = strchr(path + strlen(dir) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                (void) mkdir(path, 0755);
                *slash = '/';
        }
        f = fopen(path, "w");
        assert_non_null(f);
        (void) fputs(text, f);
        (void) fclose(f);
}

#define RUN "[Service]\nExecStart=/bin/true\n"

/* Load DIR/a, then DIR/b, with DIR/systemd/system as systemd's. */
static struct unit_paths *paths_of(bool check_owner)
{
        static char a[80], b[80], s[80];
        const char *dirs[] = { a, b }, *systemd[] = { s, NULL };
        struct unit_options o = { .dirs = dirs, .dir_count = 2, .systemd_dirs = systemd, .check_owner = check_owner };
        struct unit_paths *p;

        (void) snprintf(a, sizeof(a), "%s/a", dir);
        (void) snprintf(b, sizeof(b), "%s/b", dir);
        (void) snprintf(s, sizeof(s), "%s/systemd/system", dir);
        (void) mkdir(a, 0755);
        (void) mkdir(b, 0755);
        assert_int_equal(unit_paths_new(&o, &p, NULL), 0);
        return p;
}

static struct unit_set *load_with(bool check_owner)
{
        struct unit_paths *p = paths_of(check_owner);
        struct unit_set *set = NULL;

        assert_int_equal(unit_set_load(p, &set, NULL), 0);
        unit_paths_free(p);
        return set;
}

static struct unit_set *load(void)
{
        return load_with(false);
}

/* "/ web shop(api db)" - the tree in one line. */
static void draw(const struct unit_set *set, uint32_t parent, struct buf *out)
{
        for (uint32_t i = 0; i < unit_set_count(set); i++) {
                const struct unit_node *n = unit_set_node(set, i);

                if (n->parent != parent)
                        continue;
                buf_addf(out, "%s%s", out->len && out->data[out->len - 1] != '(' ? " " : "", spec_stem(n->spec));
                if (spec_kind(n->spec) == KIND_SUPERVISOR) {
                        buf_addc(out, '(');
                        draw(set, i, out);
                        buf_addc(out, ')');
                }
        }
}

static void assert_tree(const struct unit_set *set, const char *expected)
{
        struct buf text = BUF_INIT;

        draw(set, UINT32_MAX, &text);
        assert_string_equal(buf_text(&text), expected);
        buf_free(&text);
}

static const char *remarks_in(const struct unit_set *set)
{
        static char all[16384];
        struct buf text = BUF_INIT;

        for (size_t i = 0; i < unit_set_diag_count(set); i++) {
                diag_print(unit_set_diag(set, i), &text);
                buf_addc(&text, '\n');
        }
        (void) snprintf(all, sizeof(all), "%s", buf_text(&text));
        buf_free(&text);
        return all;
}

static void units_in_no_supervisor_hang_below_root_by_name(void **state)
{
        struct unit_set *set;

        (void) state;
        put("a/web.service", RUN);
        put("a/db.service", RUN);
        put("a/README", "not a unit\n");
        set = load();
        assert_string_equal(remarks_in(set), "");
        assert_tree(set, "root(db web)");
        assert_int_equal(spec_int(unit_set_node(set, 0)->spec, D_SUPERVISOR_Escalation), ISOLATE);
        unit_set_free(set);
}

static void children_come_first_in_their_order_then_those_that_join_by_name(void **state)
{
        struct unit_set *set;

        (void) state;
        put("a/shop.supervisor", "[Supervisor]\nChildren=web.service db.service\nChildren=worker@2.service worker@1.service\n");
        put("a/db.service", RUN);
        put("a/web.service", RUN);
        put("a/zeta.service", "[Unit]\nSupervisor=shop.supervisor\n" RUN);
        put("a/beta.service", "[Unit]\nSupervisor=shop\n" RUN);
        put("a/worker@.service", "[Service]\nExecStart=/bin/worker %i\n");
        put("a/alone.service", RUN);
        set = load();
        assert_string_equal(remarks_in(set), "");
        assert_tree(set, "root(alone shop(web db worker@2 worker@1 beta zeta))");
        assert_string_equal(spec_command(unit_set_node(set, unit_set_find(set, "worker@2.service"))->spec,
                                         D_SERVICE_ExecStart, 0).args + strlen("/bin/worker") + 1, "2");
        unit_set_free(set);
}

static void a_root_supervisor_on_disk_replaces_the_implicit_one(void **state)
{
        struct unit_set *set;

        (void) state;
        put("a/root.supervisor", "[Supervisor]\nStrategy=rest_for_one\nChildren=b.service a.service\n");
        put("a/a.service", RUN);
        put("a/b.service", RUN);
        put("a/c.service", RUN);
        set = load();
        assert_string_equal(remarks_in(set), "");
        assert_tree(set, "root(b a c)");
        assert_int_equal(spec_int(unit_set_node(set, 0)->spec, D_SUPERVISOR_Strategy), REST_FOR_ONE);
        assert_int_equal(spec_int(unit_set_node(set, 0)->spec, D_SUPERVISOR_Escalation), ESCALATE);
        unit_set_free(set);
}

static void the_first_directory_that_has_a_name_wins(void **state)
{
        struct unit_set *set;

        (void) state;
        put("a/x.service", "[Service]\nExecStart=/bin/first\n");
        put("b/x.service", "[Service]\nExecStart=/bin/second\n");
        put("b/y.service", RUN);
        set = load();
        assert_tree(set, "root(x y)");
        assert_string_equal(spec_command(unit_set_node(set, 1)->spec, D_SERVICE_ExecStart, 0).path, "/bin/first");
        unit_set_free(set);
}

static void a_link_to_dev_null_or_an_empty_file_masks_later_directories(void **state)
{
        struct unit_paths *p;
        struct unit_set *set;
        struct spec *s = NULL;
        struct err err = { 0 };
        enum unit_status status;

        (void) state;
        (void) mkdir(at("a"), 0755);
        put("b/x.service", RUN);
        put("b/y.service", RUN);
        put("b/z.service", RUN);
        put("a/y.service", "");
        assert_int_equal(symlink("/dev/null", at("a/x.service")), 0);
        set = load();
        assert_string_equal(remarks_in(set), "");
        assert_tree(set, "root(z)");
        assert_string_equal(unit_set_known(set, 1, &status), "x.service");
        assert_int_equal(status, UNIT_MASKED);
        unit_set_free(set);
        p = paths_of(false);
        assert_int_equal(unit_load(p, "x.service", NULL, NULL, &s, &err), -EOPNOTSUPP);
        assert_contains(err.text, "masked");
        unit_paths_free(p);
}

static void systemd_units_are_known_but_only_run_when_listed(void **state)
{
        struct unit_set *set;
        const struct spec *s;
        enum unit_status status;

        (void) state;
        put("systemd/system/nginx.service", "[Unit]\nAfter=network.target\nFancy=1\n" RUN);
        put("systemd/system/other.service", RUN);
        put("a/web.supervisor", "[Supervisor]\nChildren=nginx.service\n");
        put("a/nginx.service.d/more.conf", "[Service]\nRestart=always\n");
        set = load();
        assert_tree(set, "root(web(nginx))");
        s = unit_set_node(set, 2)->spec;
        assert_true(spec_foreign(s));
        assert_int_equal(spec_int(s, D_SERVICE_Restart), RESTART_PERMANENT);
        assert_int_equal(unit_set_errors(set), 0);
        assert_contains(remarks_in(set), "nginx.service:3:1: warning: unknown key Fancy= in [Unit]");
        assert_string_equal(unit_set_known(set, 1, &status), "other.service");
        assert_int_equal(status, UNIT_KNOWN);
        unit_set_free(set);
}

static void drop_ins_apply_in_the_order_of_their_names_the_nearest_directory_wins(void **state)
{
        struct unit_set *set;
        const struct spec *s;

        (void) state;
        put("b/w@.service", "[Service]\nExecStart=/bin/true\nEnvironment=A=1\nNice=1\n");
        put("b/w@.service.d/10-base.conf", "[Service]\nEnvironment=B=2\nNice=2\n");
        put("a/w@3.service.d/20-more.conf", "[Service]\nEnvironment=C=3\nNice=3\n");
        put("a/w@.service.d/10-base.conf", "[Service]\nEnvironment=B=nearer\n");
        put("a/w@.service.d/notes.txt", "no drop-in\n");
        put("b/w@3.service.d/20-more.conf", "nonsense, but shadowed\n");
        put("a/s.supervisor", "[Supervisor]\nChildren=w@3.service\n");
        set = load();
        assert_string_equal(remarks_in(set), "");
        s = unit_set_node(set, unit_set_find(set, "w@3.service"))->spec;
        assert_int_equal(spec_count(s, D_SERVICE_Environment), 3);
        assert_string_equal(spec_item(s, D_SERVICE_Environment, 1), "B=nearer");
        assert_string_equal(spec_item(s, D_SERVICE_Environment, 2), "C=3");
        assert_int_equal(spec_int(s, D_SERVICE_Nice), 3);
        assert_int_equal(spec_drop_in_count(s), 2);
        assert_contains(spec_origin(s, D_SERVICE_Nice).file, "20-more.conf");
        unit_set_free(set);
}

static void emergency_service_waits_to_be_called(void **state)
{
        struct unit_paths *p;
        struct unit_set *set;
        struct spec *s = NULL;

        (void) state;
        put("a/emergency.service", RUN);
        set = load();
        assert_tree(set, "root()");
        unit_set_free(set);
        p = paths_of(false);
        assert_int_equal(unit_load(p, "emergency.service", NULL, NULL, &s, NULL), 0);
        spec_unref(s);
        unit_paths_free(p);
}

static void H13_one_bad_unit_of_many_stops_no_other_and_all_errors_are_told(void **state)
{
        struct unit_set *set;
        char name[32];

        (void) state;
        for (int i = 0; i < 100; i++) {
                (void) snprintf(name, sizeof(name), "a/s%02d.service", i);
                put(name, i == 17 ? "[Service]\nExecStrat=/bin/true\n" : i == 50 ? "[Service]\nNice=99\n" RUN : RUN);
        }
        set = load();
        assert_int_equal(unit_set_count(set), 99);
        assert_true(unit_set_errors(set) >= 2);
        assert_contains(remarks_in(set), "s17.service:2:1: error: unknown key ExecStrat= in [Service] (did you mean ExecStart=?)");
        assert_contains(remarks_in(set), "s50.service:2:6: error: Nice=99: too large (-20 to 19)");
        unit_set_free(set);
}

static void children_of_a_broken_supervisor_are_left_out_and_the_remark_says_why(void **state)
{
        struct unit_set *set;

        (void) state;
        put("a/shop.supervisor", "[Supervisor]\nStrategy=one_for_two\n");
        put("a/api.service", "[Unit]\nSupervisor=shop.supervisor\n" RUN);
        put("a/other.service", RUN);
        set = load();
        assert_tree(set, "root(other)");
        assert_contains(remarks_in(set), "api.service:2: error: Supervisor= names a unit that is not there: "
                                         "shop.supervisor (it has errors of its own)");
        assert_contains(remarks_in(set), "did you mean one_for_one?");
        unit_set_free(set);
}

static void H1_supervisors_in_a_ring_are_told_with_their_path(void **state)
{
        struct unit_set *set;

        (void) state;
        put("a/x.supervisor", "[Supervisor]\nChildren=y.supervisor\n");
        put("a/y.supervisor", "[Supervisor]\nChildren=z.supervisor\n");
        put("a/z.supervisor", "[Supervisor]\nChildren=x.supervisor\n");
        put("a/fine.service", RUN);
        set = load();
        assert_tree(set, "root(fine)");
        assert_int_equal(unit_set_errors(set), 1);
        assert_contains(remarks_in(set), "supervisors in a ring: x.supervisor -> z.supervisor -> y.supervisor -> x.supervisor");
        unit_set_free(set);
}

static void a_unit_that_two_supervisors_claim_goes_to_neither(void **state)
{
        struct unit_set *set;

        (void) state;
        put("a/x.supervisor", "[Supervisor]\nChildren=w.service\n");
        put("a/y.supervisor", "[Supervisor]\nChildren=w.service\n");
        put("a/w.service", RUN);
        set = load();
        assert_tree(set, "root(x() y())");
        assert_contains(remarks_in(set), "y.supervisor:2: error: two supervisors claim w.service");
        assert_contains(remarks_in(set), "x.supervisor:2 lists it too");
        unit_set_free(set);
}

static void H3_two_units_of_one_stem_below_one_supervisor_are_refused(void **state)
{
        struct unit_set *set;

        (void) state;
        put("a/x.supervisor", "[Supervisor]\n");
        put("a/x.service", RUN);
        put("a/y.supervisor", "[Supervisor]\nChildren=z.service z.supervisor\n");
        put("a/z.service", RUN);
        put("a/z.supervisor", "[Supervisor]\n");
        set = load();
        assert_tree(set, "root(x y(z))");
        assert_int_equal(unit_set_errors(set), 2);
        assert_contains(remarks_in(set), "a sibling has the same name without suffix: x");
        unit_set_free(set);
}

static void nobody_vanishes_without_a_word(void **state)
{
        struct unit_set *set;

        (void) state;
        put("a/x.service", RUN);
        put("a/x.supervisor", "[Supervisor]\nChildren=below.service\n"); /* has the stem of its sibling */
        put("a/below.service", RUN);
        put("a/ring.supervisor", "[Unit]\nSupervisor=ring2.supervisor\n[Supervisor]\nChildren=hanger.service\n");
        put("a/ring2.supervisor", "[Unit]\nSupervisor=ring.supervisor\n[Supervisor]\n");
        put("a/hanger.service", RUN);
        set = load();
        assert_tree(set, "root(x)");
        assert_contains(remarks_in(set), "x.supervisor:2: error: left out together with its supervisor x.supervisor");
        assert_contains(remarks_in(set), "left out together with its supervisor ring.supervisor");
        assert_contains(remarks_in(set), "supervisors in a ring: ");
        assert_int_equal(unit_set_errors(set), 4);
        unit_set_free(set);
}

static void a_child_that_is_nowhere_is_an_error_with_the_line(void **state)
{
        struct unit_set *set;

        (void) state;
        put("a/x.supervisor", "[Supervisor]\nChildren=\\\n  ghost.service\n");
        set = load();
        assert_tree(set, "root(x())");
        assert_contains(remarks_in(set), "x.supervisor:2: error: Children= names an unknown unit: ghost.service");
        unit_set_free(set);
}

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
        struct buf text = BUF_INIT;
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
        assert_int_equal(unit_load_file(p, at("a/nope.service"), NULL, NULL, &s, &err), -ENOENT);
        assert_int_equal(unit_resolve(p, "web", name, sizeof(name), &err), 0);
        assert_string_equal(name, "web.service");
        assert_int_equal(unit_resolve(p, "shop", name, sizeof(name), &err), 0);
        assert_string_equal(name, "shop.supervisor");
        assert_int_equal(unit_resolve(p, "w@1", name, sizeof(name), &err), 0);
        assert_string_equal(name, "w@1.service");
        assert_int_equal(unit_resolve(p, "nothing", name, sizeof(name), &err), -ENOENT);
        assert_int_equal(unit_cat(p, "web.service", &text, &err), 0);
        assert_contains(buf_text(&text), "a/web.service\n[Unit]\n");
        assert_contains(buf_text(&text), "a.conf\n[Service]\nNice=1\n");
        buf_free(&text);
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
                T(units_in_no_supervisor_hang_below_root_by_name),
                T(children_come_first_in_their_order_then_those_that_join_by_name),
                T(a_root_supervisor_on_disk_replaces_the_implicit_one),
                T(the_first_directory_that_has_a_name_wins),
                T(a_link_to_dev_null_or_an_empty_file_masks_later_directories),
                T(systemd_units_are_known_but_only_run_when_listed),
                T(drop_ins_apply_in_the_order_of_their_names_the_nearest_directory_wins),
                T(emergency_service_waits_to_be_called),
                T(H13_one_bad_unit_of_many_stops_no_other_and_all_errors_are_told),
                T(children_of_a_broken_supervisor_are_left_out_and_the_remark_says_why),
                T(H1_supervisors_in_a_ring_are_told_with_their_path),
                T(a_unit_that_two_supervisors_claim_goes_to_neither),
                T(H3_two_units_of_one_stem_below_one_supervisor_are_refused),
                T(nobody_vanishes_without_a_word),
                T(a_child_that_is_nowhere_is_an_error_with_the_line),
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
