/* validate.c - rules between keys and between siblings. FAILURES H1, H3. */
#include "core/validate.h"
#include "tests/unit/units.h"

static void rules_of_one_unit(void **state)
{
        static const struct {
                const char *name, *text, *remark; /* "" for none */
        } rows[] = {
                { "a.service", "[Service]\nExecStart=/x\n", "" },
                { "a.service", "[Unit]\nDescription=x\n", "error: there is no ExecStart=" },
                { "a.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStop=/x\n", "" },
                { "a.service", "[Service]\nExecStart=/x\nExecStart=/y\n",
                  "a.service:3: error: more than one ExecStart=, which only Type=oneshot may have" },
                { "a.service", "[Service]\nExecStart=/x\nExecStart=\nExecStart=/y\n", "" },
                { "a.service", "[Service]\nType=oneshot\nExecStart=/x\nExecStart=/y\n", "" },
                { "a.service", "[Service]\nType=oneshot\nExecStart=/x\nRestart=always\n",
                  "a.service:4: error: a oneshot that is restarted after it has succeeded would never end" },
                { "a.service", "[Service]\nType=oneshot\nExecStart=/x\nRestart=on-success\n", "would never end" },
                { "a.service", "[Service]\nType=oneshot\nExecStart=/x\nRestart=on-failure\n", "" },
                { "a.service", "[Service]\nExecStart=/x\nSignificant=yes\n",
                  "a.service:3: error: Significant= goes with children that may end for good" },
                { "a.service", "[Service]\nExecStart=/x\nSignificant=yes\nRestart=no\n", "" },
                { "a.service", "[Service]\nType=notify\nExecStart=/x\nNotifyAccess=none\n", "NotifyAccess=none forbids" },
                { "a.service", "[Service]\nType=notify\nExecStart=/x\nNotifyAccess=none\nNotifyFd=3\n", "" },
                { "a.service", "[Service]\nExecStart=/x\nNotifyAccess=none\nWatchdogSec=3\n", "NotifyAccess=none forbids" },
                { "a.service", "[Service]\nExecStart=/x\nNotifyFd=3\n", "" },
                { "a.service", "[Service]\nType=oneshot\nExecStart=/x\nNotifyFd=3\n", "a.service:4: error: a oneshot is ready" },
                { "a.service", "[Service]\nType=forking\nExecStart=/x\n", "a.service:2: warning: Type=forking without PIDFile=" },
                { "a.service", "[Service]\nType=forking\nExecStart=/x\nPIDFile=x.pid\n", "" },
                { "a.service", "[Service]\nExecStart=/x\nPIDFile=/run/x.pid\n", "PIDFile= has a meaning for Type=forking only" },
                { "a.service", "[Service]\nExecStart=/x\nStandardOutput=null\nLogMaxFiles=3\n",
                  "a.service:4: warning: settings of a log that nothing is written to" },
                { "a.service", "[Service]\nExecStart=/x\nRestartSec=1min\nRestartMaxDelaySec=1s\n",
                  "warning: RestartMaxDelaySec= is shorter than RestartSec=" },
                { "a.service", "[Unit]\nAfter=b.service a.service\n[Service]\nExecStart=/x\n",
                  "a.service:2: error: After= names the unit itself" },
                { "a.supervisor", "[Unit]\nSupervisor=a.supervisor\n[Supervisor]\n", "Supervisor= names the unit itself" },
                { "a.supervisor", "[Supervisor]\nChildren=b.service a.supervisor\n", "Children= names the unit itself" },
                { "a.supervisor", "[Supervisor]\nChildren=b.service c.service\nChildren=b.service\n",
                  "Children= names b.service twice" },
                { "a.supervisor", "[Supervisor]\nStrategy=one_for_all\nStartMode=parallel\n",
                  "a.supervisor:3: error: StartMode=parallel goes with Strategy=one_for_one only" },
                { "a.supervisor", "[Supervisor]\nStrategy=one_for_all\nStartMode=sequential\n", "" },
                { "a.supervisor", "[Supervisor]\nRestart=on-abort\n", "a supervisor does not end in the ways" },
                { "a.supervisor", "[Supervisor]\nSignificant=yes\n", "Significant= goes with children" },
                { "root.supervisor", "[Unit]\nSupervisor=x\n[Supervisor]\n", "nothing is above root" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *heard = remarks_of(rows[i].name, rows[i].text, strlen(rows[i].text), false);

                if (*rows[i].remark)
                        assert_contains(heard, rows[i].remark);
                else
                        assert_string_equal(heard, "");
        }
}

/* ... but nothing that the refused line may have been meant to say. */
static void a_refused_value_hides_no_other_mistake(void **state)
{
        static const char *const rows[][4] = { /* unit, lines, what must be told, what must not */
                { "a.service", "[Service]\nExecStart=/x\nNice=50\nType=forking\n", "Type=forking without PIDFile=", NULL },
                { "a.service", "[Service]\nExecStart=/x\nType=forking\nPIDFile=%Q\n", "%Q", "without PIDFile=" },
                { "a.service", "[Service]\nNice=50\n", "there is no ExecStart=", NULL },
                { "a.service", "[Service]\nExecStart=\"x\n", "a.service:2:", "there is no ExecStart=" },
                { "a.service", "[Service]\nExecStrat=/x\n", "did you mean ExecStart=?", "there is no ExecStart=" },
                { "a.service", "[Service]\nCommand=/x\n", "write ExecStart=", "there is no ExecStart=" },
                { "a.service", "[Servcie]\nExecStart=/x\n", "did you mean [Service]?", "there is no ExecStart=" },
                { "a.service", "[Service]\nExecStart=/x\nSignificant=yes\nRestart=sometimes\n", "Restart=sometimes", "permanent\n" },
                { "a.service", "[Service]\nExecStart=/x\nRootDirectory=/jail\nTemporaryFileSystem=/var /:ro\n",
                  "a.service:4: error: an empty file system on / leaves nothing of RootDirectory=", NULL },
                { "a.supervisor", "[Supervisor]\nMaxRestarts=-1\nChildren=a.supervisor\n", "Children= names the unit itself", NULL },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *heard = remarks_of(rows[i][0], rows[i][1], strlen(rows[i][1]), false);

                assert_contains(heard, rows[i][2]);
                if (rows[i][3] && strstr(heard, rows[i][3]))
                        fail_msg("told as well: %s", heard);
        }
}

static void what_systemd_shrugs_off_is_a_warning_in_its_files(void **state)
{
        static const char text[] = "[Service]\nPIDFile=/run/x\nExecStart=/x\n";

        (void) state;
        assert_contains(remarks_of("a.service", text, strlen(text), true), "a.service:2: warning: PIDFile= has a meaning");
}

/* A family below one supervisor: "name: lines" each; the remarks of the tree. */
static const char *family(const char *supervisor, const char *const (*units)[3], size_t n)
{
        static char all[8192];
        struct heard h = { 0 };
        struct remarks remarks = { .report = hear, .arg = &h };
        struct unit_node nodes[8] = { { .parent = UINT32_MAX } };

        nodes[0].spec = parse_good("root.supervisor", supervisor);
        for (size_t i = 0; i < n; i++) {
                char text[512];

                (void) snprintf(text, sizeof(text), "[Service]\nExecStart=/x\n%s\n[Unit]\n%s\n", units[i][2] ? units[i][2] : "",
                                units[i][1]);
                nodes[i + 1] = (struct unit_node) { .spec = parse_good(units[i][0], text), .parent = 0 };
        }
        validate_tree(nodes, n + 1, NULL, NULL, &remarks);
        for (size_t i = 0; i <= n; i++)
                spec_unref(nodes[i].spec);
        (void) snprintf(all, sizeof(all), "%s", buf_text(&h.text));
        buf_free(&h.text);
        return all;
}

static void H1_cycles_of_the_order_are_told_with_their_path_and_line(void **state)
{
        static const char *const ring[][3] = {
                { "a.service", "After=b.service" }, { "b.service", "After=c.service" }, { "c.service", "Before=x.service\nAfter=a.service" },
                { "x.service", "" },
        };
        static const char *const two[][3] = { { "a.service", "Before=b.service" }, { "b.service", "Before=a.service" } };
        static const char *const fine[][3] = {
                { "a.service", "After=b.service c.service" }, { "b.service", "After=c.service" }, { "c.service", "Before=a.service" },
        };
        const char *heard = family("[Supervisor]\n", ring, 4);

        (void) state;
        assert_contains(heard, "a.service:5: error: each waits for the next: a.service -> b.service -> c.service -> a.service");
        heard = family("[Supervisor]\n", two, 2);
        assert_contains(heard, "error: each waits for the next: a.service -> b.service -> a.service");
        assert_string_equal(family("[Supervisor]\n", fine, 3), "");
}

static void H1_an_order_against_that_of_the_children_is_a_cycle_where_they_start_one_by_one(void **state)
{
        static const char *const units[][3] = { { "a.service", "After=b.service" }, { "b.service", "" } };

        (void) state;
        assert_string_equal(family("[Supervisor]\n", units, 2), "");
        assert_contains(family("[Supervisor]\nStrategy=rest_for_one\n", units, 2),
                        "a.service -> b.service -> a.service (take one After= or Before= out, or change the order of the children)");
}

static void names_that_are_no_siblings_are_told(void **state)
{
        static const char *const units[][3] = {
                { "a.service", "After=gone.service\nRequires=away.service" },
                { "b.service", "Conflicts=a.service\nRequires=a.service" },
        };
        const char *heard = family("[Supervisor]\n", units, 2);

        (void) state;
        assert_contains(heard, "a.service:5: warning: After=gone.service: there is no such sibling");
        assert_contains(heard, "a.service:6: error: Requires=away.service: there is no such sibling");
        assert_contains(heard, "b.service:5: error: a.service is both in Conflicts= and in Requires=");
}

static void a_supervisor_and_its_children_must_agree(void **state)
{
        static const char *const significant[][3] = { { "a.service", "", "Restart=no\nSignificant=yes" } };
        static const char *const plain[][3] = { { "a.service", "" } };

        (void) state;
        assert_contains(family("[Supervisor]\n", significant, 1),
                        "a.service:4: error: Significant= means nothing below root.supervisor");
        assert_string_equal(family("[Supervisor]\nAutoShutdown=any_significant\n", significant, 1), "");
        assert_contains(family("[Supervisor]\nExitCodeFrom=b.service\n", plain, 1),
                        "root.supervisor:2: error: ExitCodeFrom=b.service: there is no such child");
        assert_string_equal(family("[Supervisor]\nExitCodeFrom=a.service\n", plain, 1), "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rules_of_one_unit),
                cmocka_unit_test(a_refused_value_hides_no_other_mistake),
                cmocka_unit_test(what_systemd_shrugs_off_is_a_warning_in_its_files),
                cmocka_unit_test(H1_cycles_of_the_order_are_told_with_their_path_and_line),
                cmocka_unit_test(H1_an_order_against_that_of_the_children_is_a_cycle_where_they_start_one_by_one),
                cmocka_unit_test(a_supervisor_and_its_children_must_agree),
                cmocka_unit_test(names_that_are_no_siblings_are_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
