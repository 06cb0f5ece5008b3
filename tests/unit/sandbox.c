/* sandbox.c - what units say about rights and the file system, as the steps that come of it. */
#include "core/capability.h"
#include "core/plan.h"
#include "core/sandbox.h"
#include "tests/unit/units.h"

static struct plan_facts facts(void)
{
        return (struct plan_facts) {
                .node = "/web", .incarnation = 1, .mark = "0123456789abcdef0123456789abcdef", .root = true,
                .fds = { -1, -1, -1, -1, -1, -1, 0 }, .runtime_root = "/run", .state_root = "/var/lib",
                .cache_root = "/var/cache", .logs_root = "/var/log", .config_root = "/etc",
                .sandbox = { .can = SANDBOX_ALL, .stand_in_dir = "/run/coppice/hidden/directory", .stand_in_file = "/run/coppice/hidden/file",
                             .control_socket = "/run/coppice/control" },
        };
}

/* The steps of the sandbox of a unit with these lines, each as "sentence\n"; static storage. */
static const char *steps(const char *lines, const struct plan_facts *f)
{
        static char said[65536];
        char unit[4096];
        struct buf plan = BUF_INIT, out = BUF_INIT;
        struct err err = { 0 };
        struct spec *s;
        char *at = said;

        (void) snprintf(unit, sizeof(unit), "[Service]\nExecStart=/bin/x\n%s\n", lines);
        s = parse_good("web.service", unit);
        said[0] = '\0';
        if (plan_compile(s, f, D_SERVICE_ExecStart, 0, &plan, &err) < 0) {
                err_format(&err, said, sizeof(said));
        } else {
                assert_int_equal(plan_explain(plan.data, plan.len, &out), 0);
                for (char *line = strtok(out.data, "\n"); line; line = strtok(NULL, "\n")) {
                        char *paren = strstr(line, "   (web.service");

                        if (strncmp(line + 4, "NAMESPACE ", 10) && strncmp(line + 4, "CAPABILITIES ", 13) &&
                            strncmp(line + 4, "NO_NEW_PRIV", 11))
                                continue;
                        if (paren)
                                *paren = '\0';
                        at += sprintf(at, "%s\n", line + 23 - (line[21] != ' '));
                }
        }
        buf_free(&plan);
        buf_free(&out);
        spec_unref(s);
        return said;
}

#define FIRST "leave the daemon's mount namespace for a new one of its own\n"
#define LAST "close the list of mounts\n"
#define CAPS "clear inheritable and ambient capabilities\n"

static void each_path_gets_what_the_longest_one_above_it_says(void **state)
{
        static const struct { const char *lines, *said; } rows[] = {
                { "ReadOnlyPaths=/a\nReadWritePaths=/a/b", "make /a read-only\nleave /a/b as it is\n" },
                { "ReadWritePaths=/a/b\nReadOnlyPaths=/a", "make /a read-only\nleave /a/b as it is\n" },
                { "ReadOnlyPaths=/a /a/b/c\nReadWritePaths=/a/b", "make /a read-only\nleave /a/b as it is\nmake /a/b/c read-only\n" },
                { "ReadOnlyPaths=/a /a/b", "make /a read-only\n" },
                { "ReadOnlyPaths=/a /ab /a-b", "make /a read-only\nmake /a-b read-only\nmake /ab read-only\n" },
                { "ReadOnlyPaths=/a\nReadWritePaths=/a", "make /a read-only\n" },
                { "ReadWritePaths=/a", "" },
                { "InaccessiblePaths=/a\nReadWritePaths=/a/b\nBindPaths=/x:/a/c", "hide /a\n" },
                { "InaccessiblePaths=/a\nBindPaths=/x:/a", "hide /a\n" },
                { "NoExecPaths=/\nExecPaths=/usr\nReadOnlyPaths=/usr/x",
                  "make / not executable\nleave /usr as it is\nmake /usr/x read-only\n" },
                { "NoExecPaths=/\nReadOnlyPaths=/\nExecPaths=/usr\nReadWritePaths=/srv",
                  "make / read-only, not executable\nmake /srv not executable\nmake /usr read-only\n" },
                { "TemporaryFileSystem=/var:ro,size=1M\nBindReadOnlyPaths=/var/lib/x",
                  "mount an empty file system in memory on /var (mode=0755,size=1M), read-only, nodev\n"
                  "show /var/lib/x at /var/lib/x, read-only\n" },
                { "TemporaryFileSystem=/var:ro\nStateDirectory=web\nReadWritePaths=/var/lib/web\nReadOnlyPaths=/var/lib/web/x",
                  "mount an empty file system in memory on /var (mode=0755), read-only, nodev\n"
                  "show /var/lib/web at /var/lib/web\nmake /var/lib/web/x read-only\n" },
                { "TemporaryFileSystem=/a:noatime,mpol=bind:0,2,nosymfollow",
                  "mount an empty file system in memory on /a (mode=0755,mpol=bind:0,2), nodev, noatime, nosymfollow\n" },
                { "TemporaryFileSystem=/etc\nConfigurationDirectory=web",
                  "mount an empty file system in memory on /etc (mode=0755), nodev\nshow /etc/web at /etc/web\n" },
                { "ReadOnlyPaths=/etc\nConfigurationDirectory=web", "make /etc read-only\n" },
                { "TemporaryFileSystem=/:ro\nBindReadOnlyPaths=/usr\nProtectSystem=strict",
                  "make an empty file system in memory the root directory, and let go of the old one\n"
                  "mount an empty file system in memory on / (mode=0755), read-only, nodev\n"
                  "leave /dev as it is, if it exists\nleave /proc as it is, if it exists\n"
                  "show /run/coppice/control at /run/coppice/control, if it exists\n"
                  "leave /sys as it is, if it exists\nshow /usr at /usr, read-only\n" },
                { "NoExecPaths=/\nBindPaths=/a:/b:norbind", "make / not executable\nshow /a at /b, noexec\n" },
                { "ReadOnlyPaths=/\nBindPaths=/a:/b", "make / read-only\nshow /a at /b\n" },
                { "BindReadOnlyPaths=/a:/b\nReadWritePaths=/b/c", "show /a at /b, read-only\nleave /b/c as it is\n" },
                { "ReadOnlyPaths=-/a\nReadOnlyPaths=/b", "make /a read-only, if it exists\nmake /b read-only\n" },
                { "ReadOnlyPaths=-/a /a", "make /a read-only\n" },
                { "TemporaryFileSystem=/run\nInaccessiblePaths=/run/x",
                  "mount an empty file system in memory on /run (mode=0755), nodev\n"
                  "show /run/coppice/control at /run/coppice/control, if it exists\nhide /run/x\n" },
                { "PrivateMounts=yes", "" },
        };
        const struct plan_facts f = facts();

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char want[1024];

                (void) snprintf(want, sizeof(want), FIRST "%s" LAST CAPS, rows[i].said);
                assert_string_equal(steps(rows[i].lines, &f), want);
        }
}

/* MountAPIVFS= and PrivateDevices= show what the machine has, but not where something else is said of the path. */
static void what_is_said_of_a_path_wins_over_what_is_shown_there_by_the_way(void **state)
{
        struct plan_facts f = facts();
        const char *said;

        (void) state;
        said = steps("RootDirectory=/jail\nMountAPIVFS=yes\nPrivateDevices=yes", &f);
        assert_contains(said, "in memory on /dev (mode=0755,size=64k), read-only");
        assert_contains(said, "show /dev/null at /dev/null");
        assert_null(strstr(said, "show /dev at /dev"));
        said = steps("RootDirectory=/jail\nMountAPIVFS=yes\nProtectProc=invisible\nProcSubset=pid", &f);
        assert_contains(said, "mount a new proc on /proc (hidepid=2,subset=pid)");
        assert_contains(said, "show /dev at /dev");
        assert_null(strstr(said, "mount a new proc on /proc\n"));
        said = steps("RootDirectory=/jail\nMountAPIVFS=yes\nTemporaryFileSystem=/run:mode=0700", &f);
        assert_contains(said, "in memory on /run (mode=0755,mode=0700)");
        said = steps("TemporaryFileSystem=/\nMountAPIVFS=yes\nBindPaths=/usr", &f);
        assert_contains(said, "mount a new proc on /proc\n");
        assert_contains(said, "mount a new sysfs on /sys\n");
        assert_contains(said, "show /dev at /dev");
        said = steps("PrivateDevices=yes\nPrivateIPC=yes\nTemporaryFileSystem=/dev/shm:size=1M", &f);
        assert_contains(said, "mount a new mqueue on /dev/mqueue");
        assert_contains(said, "in memory on /dev/shm (mode=0755,size=1M)");
        assert_null(strstr(said, "show /dev/mqueue"));
        assert_null(strstr(said, "show /dev/shm"));
        f.sandbox.can = 0; /* nobody but root may mount new ones */
        f.sandbox.can_by_user = SANDBOX_ALL;
        said = steps("RootDirectory=/jail\nMountAPIVFS=yes", &f);
        assert_contains(said, "show /proc at /proc, if it exists\n");
        assert_contains(said, "show /sys at /sys, if it exists\n");
        said = steps("RootDirectory=/\nPrivateTmp=yes", &f);
        assert_null(strstr(said, "root directory"));
}

static void the_short_words_stand_for_lists_of_paths(void **state)
{
        const struct plan_facts f = facts();
        const char *said;

        (void) state;
        said = steps("ProtectSystem=strict\nStateDirectory=web\nRuntimeDirectory=web\nProtectHome=read-only", &f);
        assert_contains(said, "make / read-only, if it exists\nleave /dev as it is, if it exists\nleave /proc as it is");
        assert_contains(said, "leave /run/web as it is\n");
        assert_contains(said, "leave /var/lib/web as it is\n");
        assert_null(strstr(said, "/home")); /* nothing new: read-only already */
        said = steps("ProtectSystem=full\nProtectHome=tmpfs", &f);
        assert_contains(said, "make /etc read-only, if it exists\n");
        assert_contains(said, "make /usr read-only, if it exists\n");
        assert_contains(said, "mount an empty file system in memory on /home (mode=0755,size=64k), read-only, noexec, nosuid, nodev, if");
        said = steps("ProtectSystem=yes\nProtectHome=yes", &f);
        assert_null(strstr(said, "/etc"));
        assert_contains(said, "hide /root, if it exists\n");
        said = steps("PrivateTmp=yes", &f);
        assert_contains(said, "make directory /tmp/coppice-private-0123456789abcdef0123456789abcdef, mode 0700, owner 0:0\n");
        assert_contains(said, "/tmp at /tmp, nosuid, nodev\n");
        said = steps("DynamicUser=yes\nStateDirectory=web", &f);
        assert_contains(said, "make / read-only, if it exists\n");
        assert_contains(said, "show /var/lib/private/web at /var/lib/private/web, nosuid, nodev\n");
        said = steps("PrivateTmp=disconnected", &f);
        assert_contains(said, "mount an empty file system in memory on /tmp (mode=0755,mode=1777), nosuid, nodev\n");
}

static void a_service_that_asks_for_nothing_gets_no_namespace(void **state)
{
        const struct plan_facts f = facts();

        (void) state;
        assert_string_equal(steps("", &f), CAPS);
        assert_string_equal(steps("ProtectSystem=no\nPrivateTmp=no\nProtectHome=no\nPrivateMounts=no", &f), CAPS);
}

static void capabilities_are_added_taken_away_and_reset_as_in_systemd(void **state)
{
        static const struct { const char *lines, *said; } rows[] = {
                { "CapabilityBoundingSet=CAP_KILL", "CAP_KILL" },
                { "CapabilityBoundingSet=kill\nCapabilityBoundingSet=Cap_Chown", "CAP_CHOWN CAP_KILL" },
                { "CapabilityBoundingSet=~CAP_KILL CAP_CHOWN", "all but CAP_CHOWN CAP_KILL" },
                { "CapabilityBoundingSet=CAP_KILL CAP_CHOWN\nCapabilityBoundingSet=~CAP_KILL", "CAP_CHOWN" },
                { "CapabilityBoundingSet=", "none" },
                { "CapabilityBoundingSet=CAP_KILL\nCapabilityBoundingSet=", "none" },
                { "CapabilityBoundingSet=\nCapabilityBoundingSet=CAP_KILL", "CAP_KILL" },
                { "CapabilityBoundingSet=CAP_KILL\nCapabilityBoundingSet=~", NULL },
        };
        const struct plan_facts f = facts();

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char want[512] = CAPS;

                if (rows[i].said)
                        (void) snprintf(want, sizeof(want), "never again have capabilities other than %s\n" CAPS, rows[i].said);
                assert_string_equal(steps(rows[i].lines, &f), want);
        }
}

static void rights_follow_from_whom_the_service_runs_as(void **state)
{
        struct plan_facts root = facts(), ann = facts();

        (void) state;
        ann.have_user = true;
        ann.uid = ann.gid = 1000;
        ann.user_name = "ann";
        assert_string_equal(steps("User=ann", &ann), "never again have capabilities other than none\n" CAPS "allow no new privileges\n");
        assert_string_equal(steps("User=ann\nNoNewPrivileges=no", &ann), CAPS);
        assert_string_equal(steps("NoNewPrivileges=yes", &root), CAPS "allow no new privileges\n");
        assert_string_equal(steps("User=ann\nAmbientCapabilities=CAP_NET_BIND_SERVICE", &ann),
                            "never again have capabilities other than CAP_NET_BIND_SERVICE\n" CAPS
                            "keep the capabilities CAP_NET_BIND_SERVICE over the execution of programs\nallow no new privileges\n");
        ann.root = ann.have_user = false; /* a daemon of hers: no rights to take away, but where programs may gain some */
        assert_null(strstr(steps("CapabilityBoundingSet=CAP_KILL", &ann), "other than"));
        assert_contains(steps("CapabilityBoundingSet=CAP_KILL\nNoNewPrivileges=no", &ann), "other than CAP_KILL\n");
        ann.root = ann.have_user = true;
        assert_contains(steps("User=ann\nSecureBits=noroot", &ann), "set the secure bits noroot\nkeep the capabilities none");
}

static void what_is_wrong_is_refused_with_the_way_out(void **state)
{
        static const char *const rows[] = {
                "ReadOnlyPaths=etc", "ReadOnlyPaths=/a/../b", "InaccessiblePaths=+-/a", "BindPaths=/a:b", "BindPaths=/a:/b:foo",
                "InaccessiblePaths=/", "BindPaths=/a:/", "BindReadOnlyPaths=/", "TemporaryFileSystem=/a:b:c",
                "CapabilityBoundingSet=CAP_NOPE", "AmbientCapabilities=12",
                "SecureBits=root", "PrivateTmp=maybe", "ProtectSystem=everything", "ProtectHome=readonly", "MountFlags=none",
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char unit[256];
                const char *said;

                (void) snprintf(unit, sizeof(unit), "[Service]\nExecStart=/bin/x\n%s\n", rows[i]);
                said = remarks_of("web.service", unit, strlen(unit), false);
                assert_contains(said, "web.service:3:");
                assert_contains(said, "error:");
        }
}

static void options_of_tmpfs_are_looked_at_at_once(void **state)
{
        static const struct {
                const char *options, *said;
        } rows[] = {
                { "ro,size=1M", "" }, { "size=50%,nr_inodes=10k,mode=1777,uid=0,gid=65534", "" }, { ",,", "" },
                { "huge=within_size,mpol=local", "" }, { "noswap,inode64,suid,rw,exec,dev", "" }, { "nr_blocks=7", "" },
                { "sise=1M", "\"sise\" is no option of tmpfs (did you mean \"size\"?" },
                { "noatime,nosymfollow,usrquota,grpquota_inode_hardlimit=1k,casefold", "" }, { "casefold=utf8-12.1.0", "" },
                { "mpol=bind:0,2,ro", "" }, { "uid=1879048192,gid=4294967294", "" }, { "gid=4294967295", "gid=4294967295 cannot be" },
                { "sync", "\"sync\" is no option of tmpfs (tmpfs(5) lists them" }, { "ro,7", "\"ro,7\" is no option" },
                { "size=", "size= cannot be" }, { "size=1MB", "size=1MB cannot be" }, { "size=%", "size=% cannot be" },
                { "size", "size needs a value (write a number" }, { "ro=1", "ro=1 cannot be (nothing stands behind it" },
                { "mode=8", "mode=8 cannot be" }, { "mode=1777k", "mode=1777k cannot be" }, { "uid=root", "uid=root cannot be" },
                { "nr_inodes=5%", "nr_inodes=5% cannot be" }, { "huge=yes", "huge=yes cannot be" }, { "mpol=", "mpol= cannot be" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char unit[256];
                const char *said;

                (void) snprintf(unit, sizeof(unit), "[Service]\nExecStart=/bin/x\nTemporaryFileSystem=/a:%s\n", rows[i].options);
                for (char *p = unit; (p = strchr(p, '%')); p += 2)
                        memmove(p + 1, p, strlen(p) + 1);
                said = remarks_of("web.service", unit, strlen(unit), false);
                if (!rows[i].said[0])
                        assert_string_equal(said, "");
                else
                        assert_contains(said, rows[i].said);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_path_gets_what_the_longest_one_above_it_says),
                cmocka_unit_test(what_is_said_of_a_path_wins_over_what_is_shown_there_by_the_way),
                cmocka_unit_test(the_short_words_stand_for_lists_of_paths),
                cmocka_unit_test(a_service_that_asks_for_nothing_gets_no_namespace),
                cmocka_unit_test(capabilities_are_added_taken_away_and_reset_as_in_systemd),
                cmocka_unit_test(rights_follow_from_whom_the_service_runs_as),
                cmocka_unit_test(what_is_wrong_is_refused_with_the_way_out),
                cmocka_unit_test(options_of_tmpfs_are_looked_at_at_once),
        };

        return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
