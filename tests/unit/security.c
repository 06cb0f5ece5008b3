/* security.c - the score of `coppicectl security`: rows of a unit's lines and the verdict on one question. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/security.h"
#include "core/unit_text.h"

static struct spec *unit(const char *lines)
{
        char text[2000];
        struct unit_source source = { .file = "x.service", .text = text };
        struct spec *s = NULL;

        (void) snprintf(text, sizeof text, "[Service]\nExecStart=/bin/true\n%s\n", lines);
        source.len = strlen(text);
        assert_int_equal(unit_text_parse("x.service", &source, 1, &unit_host_example, NULL, NULL, &s), 0);
        return s;
}

static const struct {
        const char *lines;
        bool root;
        enum security_check check;
        int bad;
} rows[] = {
        { "", true, SECURITY_USER, 100 },
        { "", false, SECURITY_USER, 0 },
        { "User=root", false, SECURITY_USER, 100 },
        { "User=0", false, SECURITY_USER, 100 },
        { "User=1000", true, SECURITY_USER, 0 },
        { "User=nobody", true, SECURITY_USER, 90 },
        { "DynamicUser=yes", true, SECURITY_USER, 0 },
        { "DynamicUser=yes", true, SECURITY_CAP_ADMIN, 0 },
        { "DynamicUser=yes", true, SECURITY_TMP, 0 },
        { "DynamicUser=yes", true, SECURITY_SYSTEM, 0 },
        { "DynamicUser=yes", true, SECURITY_HOME, 50 },
        { "DynamicUser=yes", true, SECURITY_SUID, 0 },
        { "", true, SECURITY_GROUPS, -1 },
        { "User=1000\nSupplementaryGroups=5", true, SECURITY_GROUPS, 100 },
        { "", true, SECURITY_NEW_PRIVILEGES, 100 },
        { "User=1000", true, SECURITY_NEW_PRIVILEGES, 0 },
        { "NoNewPrivileges=yes", true, SECURITY_NEW_PRIVILEGES, 0 },
        { "User=1000\nNoNewPrivileges=no", true, SECURITY_NEW_PRIVILEGES, 100 },
        { "", true, SECURITY_CAP_ADMIN, 100 },
        { "CapabilityBoundingSet=~CAP_SYS_ADMIN", true, SECURITY_CAP_ADMIN, 0 },
        { "CapabilityBoundingSet=~CAP_SYS_ADMIN", true, SECURITY_CAP_KILL, 100 },
        { "CapabilityBoundingSet=", true, SECURITY_CAP_KILL, 0 },
        { "CapabilityBoundingSet=CAP_KILL", true, SECURITY_CAP_KILL, 100 },
        { "User=1000", true, SECURITY_CAP_ADMIN, 0 },
        { "User=1000\nNoNewPrivileges=no", true, SECURITY_CAP_ADMIN, 100 },
        { "User=1000\nAmbientCapabilities=CAP_NET_BIND_SERVICE", true, SECURITY_CAP_NET, 100 },
        { "User=1000\nAmbientCapabilities=CAP_NET_BIND_SERVICE", true, SECURITY_AMBIENT, 100 },
        { "ProtectSystem=yes", true, SECURITY_SYSTEM, 50 },
        { "ProtectSystem=full", true, SECURITY_SYSTEM, 30 },
        { "ProtectSystem=strict", true, SECURITY_SYSTEM, 0 },
        { "ProtectHome=tmpfs", true, SECURITY_HOME, 10 },
        { "ProtectHome=read-only", true, SECURITY_HOME, 50 },
        { "PrivateTmp=yes", true, SECURITY_TMP, 0 },
        { "PrivateTmp=yes", true, SECURITY_MOUNTS, 0 }, /* which brings a mount namespace along */
        { "UMask=0", true, SECURITY_UMASK, 100 },
        { "UMask=0022", true, SECURITY_UMASK, 50 },
        { "UMask=0007", true, SECURITY_UMASK, 20 },
        { "UMask=0027", true, SECURITY_UMASK, 10 },
        { "UMask=0077", true, SECURITY_UMASK, 0 },
        { "NotifyAccess=all", true, SECURITY_NOTIFY, 100 },
        { "LimitCORE=0", true, SECURITY_CORE, 0 },
        { "", true, SECURITY_CALLS_MOUNT, 100 },
        { "SystemCallFilter=@system-service", true, SECURITY_CALLS_MOUNT, 0 },
        { "SystemCallFilter=@system-service @mount", true, SECURITY_CALLS_MOUNT, 100 },
        { "SystemCallFilter=~@mount", true, SECURITY_CALLS_MOUNT, 0 },
        { "SystemCallFilter=~@mount", true, SECURITY_CALLS_REBOOT, 100 },
        { "SystemCallFilter=@system-service\nSystemCallFilter=~@privileged", true, SECURITY_CALLS_PRIVILEGED, 0 },
        { "SystemCallFilter=@system-service\nSystemCallFilterMode=learn", true, SECURITY_CALLS_MOUNT, 100 },
        { "SystemCallArchitectures=native", true, SECURITY_ARCHITECTURES, 0 },
        { "SystemCallArchitectures=native x86", true, SECURITY_ARCHITECTURES, 80 },
        { "RestrictNamespaces=yes", true, SECURITY_NS_USER, 0 },
        { "RestrictNamespaces=~user", true, SECURITY_NS_USER, 0 },
        { "RestrictNamespaces=~user", true, SECURITY_NS_NET, 100 },
        { "RestrictAddressFamilies=AF_UNIX", true, SECURITY_FAMILY_INET, 0 },
        { "RestrictAddressFamilies=AF_UNIX", true, SECURITY_FAMILY_OTHER, 0 },
        { "RestrictAddressFamilies=AF_UNIX", true, SECURITY_FAMILY_UNIX, 100 },
        { "RestrictAddressFamilies=none", true, SECURITY_FAMILY_UNIX, 0 },
        { "RestrictAddressFamilies=~AF_PACKET", true, SECURITY_FAMILY_PACKET, 0 },
        { "RestrictAddressFamilies=~AF_PACKET", true, SECURITY_FAMILY_OTHER, 100 },
        { "MemoryDenyWriteExecute=yes", true, SECURITY_WRITE_EXECUTE, 0 },
};

static void each_question_is_answered_from_what_is_in_effect(void **state)
{
        (void) state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct spec *s = unit(rows[i].lines);
                struct security_report report;

                security_judge(s, rows[i].root, &report);
                if (report.verdicts[rows[i].check].bad != rows[i].bad)
                        fail_msg("%s: %s is %d, not %d", rows[i].lines, security_rows[rows[i].check].name,
                                 report.verdicts[rows[i].check].bad, rows[i].bad);
                assert_true(report.verdicts[rows[i].check].bad < 0 || report.verdicts[rows[i].check].text[0]);
                spec_unref(s);
        }
}

/* A row whose line is advised must become good by it, and the score must not rise. */
static void every_advice_is_a_line_that_helps(void **state)
{
        struct security_advice advice[SECURITY_COUNT];
        struct security_report before;
        struct spec *s = unit("UMask=0");
        size_t n = security_advise(s, true, advice);

        (void) state;
        security_judge(s, true, &before);
        assert_true(n > 5);
        for (size_t i = 0; i < n; i++) {
                assert_true(i == 0 || advice[i].effort >= advice[i - 1].effort);
                assert_true(i == 0 || advice[i].effort > advice[i - 1].effort || advice[i].gain <= advice[i - 1].gain);
                for (size_t k = 0; k < i; k++)
                        assert_string_not_equal(advice[i].line, advice[k].line);
        }
        for (int i = 0; i < SECURITY_COUNT; i++) { /* none is missing: its line is among the advice */
                bool there = before.verdicts[i].bad <= 0 || !security_rows[i].line[0];

                for (size_t k = 0; k < n && !there; k++)
                        there = strcmp(advice[k].line, security_rows[i].line) == 0;
                if (!there)
                        fail_msg("%s: %s does not help", security_rows[i].name, security_rows[i].line);
        }
        spec_unref(s);
}

static void the_words_follow_the_score(void **state)
{
        (void) state;
        assert_string_equal(security_word(0), "perfect");
        assert_string_equal(security_word(9), "safe");
        assert_string_equal(security_word(49), "ok");
        assert_string_equal(security_word(50), "medium");
        assert_string_equal(security_word(75), "exposed");
        assert_string_equal(security_word(96), "unsafe");
        assert_string_equal(security_word(100), "dangerous");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_question_is_answered_from_what_is_in_effect),
                cmocka_unit_test(every_advice_is_a_line_that_helps),
                cmocka_unit_test(the_words_follow_the_score),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
