/* unit_set.c - units on disk: search path, drop-ins, masks, and the tree that comes of them. */
#include <errno.h>
#include <fcntl.h>

#include "tests/unit/unit_dir.h"

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

static void a_mistake_in_a_unit_hides_none_around_it(void **state)
{
        struct unit_set *set;
        const char *heard;

        (void) state;
        put("a/shop.supervisor", "[Unit]\nAfter=nobody.service\n[Supervisor]\nMaxRestarts=-1\nAutoShutdown=whenever\n"
                                 "Children=gone.service db.service worker@1.service\n");
        put("a/db.service", "[Service]\nExecStart=/x\nRestart=no\nSignificant=yes\n");
        put("a/worker@.service", RUN "Nice=77\n");
        put("a/web.service", "[Unit]\nRequires=shop.supervisor nobody.service\n" RUN "Nice=77\n");
        put("a/fine.service", "[Unit]\nSupervisor=nowhere.supervisor\n" RUN "Nice=77\n");
        set = load();
        heard = remarks_in(set);
        assert_contains(heard, "shop.supervisor:4:13: error: MaxRestarts=-1");
        assert_contains(heard, "shop.supervisor:5:14: error: AutoShutdown=whenever");
        assert_contains(heard, "shop.supervisor:6: error: Children= names an unknown unit: gone.service");
        assert_contains(heard, "shop.supervisor:2: warning: After=nobody.service: there is no such sibling");
        assert_contains(heard, "web.service:5:6: error: Nice=77");
        assert_contains(heard, "web.service:2: error: Requires=nobody.service: there is no such sibling");
        assert_contains(heard, "worker@.service:3:6: error: Nice=77");
        assert_contains(heard, "fine.service:2: error: Supervisor= names a unit that is not there: nowhere.supervisor");
        assert_null(strstr(heard, "Requires=shop.supervisor"));
        assert_null(strstr(heard, "Children= names an unknown unit: worker"));
        unit_set_free(set);
}

static void what_only_a_unit_with_errors_asks_for_is_not_in_the_tree(void **state)
{
        struct unit_set *set;

        (void) state;
        put("a/shop.supervisor", "[Supervisor]\nMaxRestarts=-1\nChildren=worker@1.service\n");
        put("a/worker@.service", RUN);
        put("a/web.service", RUN);
        set = load();
        assert_tree(set, "root(web)");
        assert_int_equal(unit_set_errors(set), 1);
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
        assert_contains(remarks_in(set), "api.service:2: error: left out together with its supervisor "
                                         "shop.supervisor (it has errors of its own)");
        assert_contains(remarks_in(set), "did you mean one_for_one?");
        unit_set_free(set);
}

static enum unit_status status_of(const struct unit_set *set, const char *name)
{
        enum unit_status status = UNIT_KNOWN;

        for (size_t i = 0; i < unit_set_known_count(set); i++)
                if (strcmp(unit_set_known(set, i, &status), name) == 0)
                        return status;
        fail_msg("%s is not known", name);
        return status;
}

/* Whatever is wrong with it, as long as its Children= can be read; none of them comes to hang below root. */
static void H13_what_a_broken_supervisor_lists_is_left_out_with_all_below_it(void **state)
{
        static const char *const broken[] = {
                "[Supervisor]\nStrategy=one_for_two\nChildren=api.service sub.supervisor\n",
                "[Supervisor]\nStrtaegy=one_for_all\nChildren=api.service sub.supervisor\n",
                "[Supervisor]\nChildren=api.service sub.supervisor\nno equals sign\n",
                "[Supervisor]\nChildren=api.service sub.supervisor\nChildren=shop.supervisor\n",
                "[Supervisor]\nChildren=api.service sub.supervisor n:o:s:u:c:h\n",
        };

        (void) state;
        put("a/api.service", RUN);
        put("a/sub.supervisor", "[Supervisor]\nChildren=deep.service\n");
        put("a/deep.service", RUN);
        put("a/other.service", RUN);
        put("a/whole.supervisor", "[Supervisor]\nChildren=api2.service\n");
        put("a/api2.service", RUN);
        for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
                struct unit_set *set;

                put("a/shop.supervisor", broken[i]);
                set = load();
                assert_tree(set, "root(other whole(api2))");
                assert_contains(remarks_in(set), "error: api.service: left out together with its supervisor shop.supervisor (it has errors of its own)");
                assert_contains(remarks_in(set), "sub.supervisor:2: error: deep.service: left out together with its supervisor sub.supervisor");
                assert_int_equal(status_of(set, "deep.service"), UNIT_LEFT_OUT);
                assert_int_equal(status_of(set, "shop.supervisor"), UNIT_BROKEN);
                unit_set_free(set);
        }
}

static void a_whole_supervisor_gets_the_child_that_a_broken_one_lists_too(void **state)
{
        struct unit_set *set;

        (void) state;
        put("a/bad.supervisor", "[Supervisor]\nStrategy=?\nChildren=w.service v.service\n");
        put("a/good.supervisor", "[Supervisor]\nChildren=w.service\n");
        put("a/w.service", RUN);
        put("a/v.service", "[Unit]\nSupervisor=good.supervisor\n" RUN);
        set = load();
        assert_tree(set, "root(good(w v))");
        unit_set_free(set);
}

static void the_children_of_a_masked_supervisor_stay_down_and_that_is_no_error(void **state)
{
        struct unit_set *set;

        (void) state;
        put("b/shop.supervisor", "[Supervisor]\nChildren=api.service gone.service\n");
        put("b/api.service", RUN);
        put("b/joins.service", "[Unit]\nSupervisor=shop.supervisor\n" RUN);
        put("b/needs.service", "[Unit]\nRequires=gone.service\nAfter=gone.service\n" RUN);
        put("b/root.supervisor", "[Supervisor]\nChildren=gone.service\n");
        put("b/gone.service", RUN);
        put("a/shop.supervisor", "");
        put("a/gone.service", "");
        set = load();
        assert_tree(set, "root(needs)");
        assert_int_equal(unit_set_errors(set), 0);
        assert_contains(remarks_in(set), "warning: api.service: left out together with its supervisor shop.supervisor (it is masked)");
        assert_contains(remarks_in(set), "needs.service:2: warning: Requires=gone.service: there is no such sibling (it is masked)");
        assert_contains(remarks_in(set), "root.supervisor:2: warning: Children= names a unit that cannot run: gone.service (it is masked)");
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
        assert_contains(remarks_in(set), "x.supervisor:2: error: below.service: left out together with its supervisor x.supervisor");
        assert_contains(remarks_in(set), "hanger.service: left out together with its supervisor ring.supervisor");
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

#define T(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(units_in_no_supervisor_hang_below_root_by_name),
                T(children_come_first_in_their_order_then_those_that_join_by_name),
                T(a_root_supervisor_on_disk_replaces_the_implicit_one),
                T(a_mistake_in_a_unit_hides_none_around_it),
                T(what_only_a_unit_with_errors_asks_for_is_not_in_the_tree),
                T(the_first_directory_that_has_a_name_wins),
                T(a_link_to_dev_null_or_an_empty_file_masks_later_directories),
                T(systemd_units_are_known_but_only_run_when_listed),
                T(drop_ins_apply_in_the_order_of_their_names_the_nearest_directory_wins),
                T(emergency_service_waits_to_be_called),
                T(H13_one_bad_unit_of_many_stops_no_other_and_all_errors_are_told),
                T(children_of_a_broken_supervisor_are_left_out_and_the_remark_says_why),
                T(H13_what_a_broken_supervisor_lists_is_left_out_with_all_below_it),
                T(a_whole_supervisor_gets_the_child_that_a_broken_one_lists_too),
                T(the_children_of_a_masked_supervisor_stay_down_and_that_is_no_error),
                T(H1_supervisors_in_a_ring_are_told_with_their_path),
                T(a_unit_that_two_supervisors_claim_goes_to_neither),
                T(H3_two_units_of_one_stem_below_one_supervisor_are_refused),
                T(nobody_vanishes_without_a_word),
                T(a_child_that_is_nowhere_is_an_error_with_the_line),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
