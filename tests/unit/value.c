/* value.c - text <-> value, strictly. FAILURES H7. */
#include <errno.h>

#include "core/value.h"
#include "tests/unit/units.h"

static void H7_time_spans(void **state)
{
        static const struct {
                const char *text;
                int code;
                nsec ns;
        } rows[] = {
                { "0", 0, 0 }, { "90", 0, 90 * NSEC_PER_SEC }, { "1min 30s", 0, 90 * NSEC_PER_SEC },
                { "1min30s", 0, 90 * NSEC_PER_SEC }, { "2 h", 0, 7200 * NSEC_PER_SEC }, { "500ms", 0, 500 * NSEC_PER_MSEC },
                { "1.5s", 0, 1500 * NSEC_PER_MSEC }, { "0.000000001", 0, 1 }, { "3us 4ns", 0, 3004 },
                { "1d", 0, 86400 * NSEC_PER_SEC }, { "1 week", 0, 604800 * NSEC_PER_SEC },
                { "1M", 0, 2629800 * NSEC_PER_SEC }, { "1year", 0, 31557600 * NSEC_PER_SEC },
                { "\xc2\xb5s", -EINVAL, 0 }, { "5\xc2\xb5s", 0, 5000 }, { "infinity", 0, NSEC_NEVER },
                { "9223372036s", 0, 9223372036 * NSEC_PER_SEC }, { "9223372037s", -ERANGE, 0 },
                { "300y", -ERANGE, 0 }, { "99999999999999999999", -ERANGE, 0 },
                { "", -EINVAL, 0 }, { " 5", -EINVAL, 0 }, { "5 ", -EINVAL, 0 }, { "-1", -EINVAL, 0 }, { "+5", -EINVAL, 0 },
                { "5x", -EINVAL, 0 }, { "5 k", -EINVAL, 0 }, { "1e9", -EINVAL, 0 }, { "0x10", -EINVAL, 0 },
                { ".5s", -EINVAL, 0 }, { "1.s", -EINVAL, 0 }, { "1.0000000001s", -EINVAL, 0 }, { "s", -EINVAL, 0 },
                { "1s,2s", -EINVAL, 0 }, { "Infinity", -EINVAL, 0 }, { "5S", -EINVAL, 0 }, { "1.5.2s", -EINVAL, 0 },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                nsec v = -7;
                int r = value_span(rows[i].text, NSEC_PER_SEC, &v);

                if (r != rows[i].code)
                        print_error("\"%s\"\n", rows[i].text);
                assert_int_equal(r, rows[i].code);
                assert_int_equal(v, r == 0 ? rows[i].ns : -7);
        }
}

static void time_spans_print_exactly(void **state)
{
        static const struct {
                nsec ns;
                const char *text;
        } rows[] = {
                { 0, "0" }, { 1, "1ns" }, { 90 * NSEC_PER_SEC, "1min 30s" }, { 100 * NSEC_PER_MSEC, "100ms" },
                { NSEC_NEVER, "infinity" }, { 3600 * NSEC_PER_SEC + 1001, "1h 1us 1ns" },
                { 8 * 86400 * NSEC_PER_SEC, "1w 1d" },
        };
        uint64_t x = 1;

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct buf text = BUF_INIT;

                value_print_span(rows[i].ns, &text);
                assert_string_equal(buf_text(&text), rows[i].text);
                buf_free(&text);
        }
        for (int i = 0; i < 20000; i++) { /* any number at all */
                struct buf text = BUF_INIT;
                nsec v = (nsec) (x >> (1 + i % 63)), back;

                value_print_span(v, &text);
                assert_int_equal(value_span(buf_text(&text), NSEC_PER_SEC, &back), 0);
                assert_int_equal(back, v);
                buf_clear(&text);
                value_print_size(v, &text);
                assert_int_equal(value_size(buf_text(&text), &back), 0);
                assert_int_equal(back, v);
                buf_free(&text);
                x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        }
}

static void H7_numbers(void **state)
{
        static const struct {
                enum directive d;
                const char *text;
                int code;
                int64_t value;
        } rows[] = {
                { D_SERVICE_Nice, "-20", 0, -20 }, { D_SERVICE_Nice, "19", 0, 19 }, { D_SERVICE_Nice, "0", 0, 0 },
                { D_SERVICE_Nice, "20", -ERANGE, 0 }, { D_SERVICE_Nice, "-21", -ERANGE, 0 },
                { D_SERVICE_Nice, "-0", -EINVAL, 0 }, { D_SERVICE_Nice, "+5", -EINVAL, 0 },
                { D_SERVICE_Nice, "05", -EINVAL, 0 }, { D_SERVICE_Nice, "0x5", -EINVAL, 0 },
                { D_SERVICE_Nice, "5 ", -EINVAL, 0 }, { D_SERVICE_Nice, "1e1", -EINVAL, 0 },
                { D_SERVICE_Nice, "--5", -EINVAL, 0 }, { D_SERVICE_Nice, "-", -EINVAL, 0 },
                { D_SERVICE_Nice, "12345678901234567890", -ERANGE, 0 },
                { D_SERVICE_Nice, "-9223372036854775808", -ERANGE, 0 },
                { D_SERVICE_LogMaxSize, "512M", 0, INT64_C(512) << 20 }, { D_SERVICE_LogMaxSize, "1K", 0, 1024 },
                { D_SERVICE_LogMaxSize, "0", 0, 0 }, { D_SERVICE_LogMaxSize, "7E", 0, INT64_C(7) << 60 },
                { D_SERVICE_LogMaxSize, "8E", -ERANGE, 0 }, { D_SERVICE_LogMaxSize, "5 k", -EINVAL, 0 },
                { D_SERVICE_LogMaxSize, "5k", -EINVAL, 0 }, { D_SERVICE_LogMaxSize, "5KiB", -EINVAL, 0 },
                { D_SERVICE_LogMaxSize, "-1", -EINVAL, 0 }, { D_SERVICE_LogMaxSize, "1.5G", -EINVAL, 0 },
                { D_SERVICE_LogMaxSize, "M", -EINVAL, 0 }, { D_SERVICE_LogMaxSize, "infinity", 0, INT64_MAX },
                { D_SERVICE_LogMaxSize, "9223372036854775807", -ERANGE, 0 },
                { D_SERVICE_RestartJitter, "10%", 0, 1000 }, { D_SERVICE_RestartJitter, "0%", 0, 0 },
                { D_SERVICE_RestartJitter, "12.34%", 0, 1234 }, { D_SERVICE_RestartJitter, "100%", 0, 10000 },
                { D_SERVICE_RestartJitter, "100.01%", -ERANGE, 0 }, { D_SERVICE_RestartJitter, "10", -EINVAL, 0 },
                { D_SERVICE_RestartJitter, "%", -EINVAL, 0 }, { D_SERVICE_RestartJitter, "10 %", -EINVAL, 0 },
                { D_SERVICE_RestartJitter, "-1%", -EINVAL, 0 },
                { D_SERVICE_RestartFactor, "1.5", 0, 1500 }, { D_SERVICE_RestartFactor, "2", 0, 2000 },
                { D_SERVICE_RestartFactor, "0.9", -ERANGE, 0 }, { D_SERVICE_RestartFactor, "100.001", -ERANGE, 0 },
                { D_SERVICE_RestartFactor, "1.", -EINVAL, 0 }, { D_SERVICE_RestartFactor, "1,5", -EINVAL, 0 },
                { D_SERVICE_UMask, "022", 0, 022 }, { D_SERVICE_UMask, "0777", 0, 0777 },
                { D_SERVICE_UMask, "01000", -ERANGE, 0 }, { D_SERVICE_UMask, "8", -EINVAL, 0 },
                { D_SERVICE_UMask, "rwx", -EINVAL, 0 }, { D_SERVICE_UMask, "777777777", -ERANGE, 0 },
                { D_SERVICE_KillSignal, "SIGTERM", 0, 15 }, { D_SERVICE_KillSignal, "TERM", 0, 15 },
                { D_SERVICE_KillSignal, "15", 0, 15 }, { D_SERVICE_KillSignal, "0", -EINVAL, 0 },
                { D_SERVICE_KillSignal, "015", -EINVAL, 0 }, { D_SERVICE_KillSignal, "-9", -EINVAL, 0 },
                { D_SERVICE_KillSignal, "SIGNOPE", -EINVAL, 0 }, { D_SERVICE_KillSignal, "sigterm", -EINVAL, 0 },
                { D_SERVICE_SendSIGKILL, "yes", 0, 1 }, { D_SERVICE_SendSIGKILL, "Off", 0, 0 },
                { D_SERVICE_SendSIGKILL, "2", -EINVAL, 0 }, { D_SERVICE_SendSIGKILL, "ja", -EINVAL, 0 },
                { D_SERVICE_Type, "notify", 0, TYPE_NOTIFY }, { D_SERVICE_Type, "Notify", -EINVAL, 0 },
                { D_SERVICE_Type, "dbus", -EINVAL, 0 },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct err err = { 0 };
                int64_t v = -7;
                int r = value_parse(rows[i].d, rows[i].text, &v, &err);

                if (r != rows[i].code)
                        print_error("%s=%s: %s\n", directive_rows[rows[i].d].key, rows[i].text, err.text);
                assert_int_equal(r, rows[i].code);
                assert_int_equal(v, r == 0 ? rows[i].value : -7);
                assert_int_equal(err.text[0] != '\0' && err.hint[0] != '\0', r != 0);
        }
}

static void limits(void **state)
{
        static const struct {
                enum directive d;
                const char *text;
                int code;
                uint64_t soft, hard;
        } rows[] = {
                { D_SERVICE_LimitNOFILE, "1024", 0, 1024, 1024 },
                { D_SERVICE_LimitNOFILE, "1024:524288", 0, 1024, 524288 },
                { D_SERVICE_LimitNOFILE, "infinity", 0, UINT64_MAX, UINT64_MAX },
                { D_SERVICE_LimitNOFILE, "10:infinity", 0, 10, UINT64_MAX },
                { D_SERVICE_LimitNOFILE, "20:10", -EINVAL, 0, 0 }, { D_SERVICE_LimitNOFILE, ":", -EINVAL, 0, 0 },
                { D_SERVICE_LimitNOFILE, "1:2:3", -EINVAL, 0, 0 }, { D_SERVICE_LimitNOFILE, "-1", -EINVAL, 0, 0 },
                { D_SERVICE_LimitNOFILE, "1K", -EINVAL, 0, 0 },
                { D_SERVICE_LimitAS, "1G", 0, UINT64_C(1) << 30, UINT64_C(1) << 30 },
                { D_SERVICE_LimitCPU, "1min", 0, 60, 60 }, { D_SERVICE_LimitCPU, "1500ms:3", 0, 2, 3 },
                { D_SERVICE_LimitRTTIME, "1ms", 0, 1000, 1000 }, { D_SERVICE_LimitRTTIME, "7", 0, 7, 7 },
                { D_SERVICE_LimitNICE, "-20", 0, 40, 40 }, { D_SERVICE_LimitNICE, "+19", 0, 1, 1 },
                { D_SERVICE_LimitNICE, "+0", 0, 20, 20 }, { D_SERVICE_LimitNICE, "5", 0, 5, 5 },
                { D_SERVICE_LimitNICE, "41", -EINVAL, 0, 0 }, { D_SERVICE_LimitNICE, "+20", -EINVAL, 0, 0 },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint64_t soft = 7, hard = 7;
                struct err err = { 0 };
                int r = value_limit(rows[i].d, rows[i].text, &soft, &hard, &err);

                if (r != rows[i].code)
                        print_error("%s\n", rows[i].text);
                assert_int_equal(r, rows[i].code);
                assert_true(r != 0 || (soft == rows[i].soft && hard == rows[i].hard));
        }
}

static void items_and_texts(void **state)
{
        static const struct {
                enum directive d;
                const char *text, *normal; /* NULL: refused */
        } rows[] = {
                { D_SERVICE_RootDirectory, "/srv//a/./b/", "/srv/a/b" }, { D_SERVICE_RootDirectory, "/", "/" },
                { D_SERVICE_RootDirectory, "srv", NULL }, { D_SERVICE_RootDirectory, "/a/../b", NULL },
                { D_SERVICE_RootDirectory, "-/a", NULL }, { D_SERVICE_RootDirectory, "/a/..b", "/a/..b" },
                { D_SERVICE_WorkingDirectory, "~", "~" }, { D_SERVICE_WorkingDirectory, "-~", "-~" },
                { D_SERVICE_WorkingDirectory, "-/a/", "-/a" }, { D_SERVICE_WorkingDirectory, "~/x", NULL },
                { D_SERVICE_User, "www-data", "www-data" }, { D_SERVICE_User, "0", "0" }, { D_SERVICE_User, "-x", NULL },
                { D_SERVICE_User, "a b", NULL }, { D_SERVICE_User, "4294967295", NULL }, { D_SERVICE_User, "007", NULL },
                { D_SERVICE_User, "host$", "host$" }, { D_SERVICE_User, "a:b", NULL },
                { D_SERVICE_Environment, "A=b=c", "A=b=c" }, { D_SERVICE_Environment, "A", NULL },
                { D_SERVICE_Environment, "1A=b", NULL }, { D_SERVICE_Environment, "=b", NULL },
                { D_SERVICE_Environment, "A B=c", NULL }, { D_SERVICE_PassEnvironment, "A=b", NULL },
                { D_SERVICE_UnsetEnvironment, "A=b", "A=b" },
                { D_SERVICE_StandardInput, "log", NULL }, { D_SERVICE_StandardOutput, "journal", "log" },
                { D_SERVICE_StandardOutput, "journal+console", "log" },
                { D_SERVICE_StandardOutput, "append:/var//log/x", "append:/var/log/x" },
                { D_SERVICE_StandardInput, "append:/x", NULL }, { D_SERVICE_StandardInput, "file:/x", "file:/x" },
                { D_SERVICE_StandardOutput, "file:x", NULL }, { D_SERVICE_StandardOutput, "file", NULL },
                { D_SERVICE_StandardOutput, "fd:a.b", "fd:a.b" }, { D_SERVICE_StandardOutput, "fd:", NULL },
                { D_SERVICE_StandardOutput, "fd:a/b", NULL },
                { D_SERVICE_SuccessExitStatus, "TEMPFAIL", "75" }, { D_SERVICE_SuccessExitStatus, "255", "255" },
                { D_SERVICE_SuccessExitStatus, "256", NULL }, { D_SERVICE_SuccessExitStatus, "SIGHUP", "HUP" },
                { D_SERVICE_SuccessExitStatus, "HUP", "HUP" }, { D_SERVICE_SuccessExitStatus, "EXEC", "203" },
                { D_SERVICE_SuccessExitStatus, "", NULL }, { D_SERVICE_SuccessExitStatus, "-1", NULL },
                { D_SERVICE_CPUAffinity, "0-3", "0-3" }, { D_SERVICE_CPUAffinity, "3-1", NULL },
                { D_SERVICE_CPUAffinity, "8192", NULL }, { D_SERVICE_CPUAffinity, "-3", NULL },
                { D_SERVICE_CPUAffinity, "1-", NULL }, { D_SERVICE_CPUAffinity, "a", NULL },
                { D_SERVICE_RuntimeDirectory, "a//b/", "a/b" }, { D_SERVICE_RuntimeDirectory, "/a", NULL },
                { D_SERVICE_RuntimeDirectory, "../a", NULL }, { D_SERVICE_RuntimeDirectory, ".", NULL },
                { D_SERVICE_DeviceAllow, "/dev/null  rw", "/dev/null rw" }, { D_SERVICE_DeviceAllow, "char-pts", "char-pts rwm" },
                { D_SERVICE_DeviceAllow, "/dev/null x", NULL }, { D_SERVICE_DeviceAllow, "/dev/null read", NULL },
                { D_SERVICE_DeviceAllow, "/dev/a b rw", "/dev/a b rw" }, { D_SERVICE_DeviceAllow, "/dev/a /", NULL },
                { D_SERVICE_DeviceAllow, "/etc/passwd r", NULL }, { D_SERVICE_DeviceAllow, "char-", NULL },
                { D_SERVICE_DeviceAllow, "char-/dev/console rw", "char-/dev/console rw" }, { D_SERVICE_DeviceAllow, "char-a/b r", NULL },
                { D_UNIT_Documentation, "man:x(1)", "man:x(1)" }, { D_UNIT_Documentation, "gopher:x", NULL },
                { D_UNIT_Documentation, "https://", NULL },
                { D_UNIT_ConditionPathExists, "!/etc//x", "!/etc/x" }, { D_UNIT_ConditionPathExists, "|!/x", "|!/x" },
                { D_UNIT_ConditionPathExists, "x", NULL }, { D_UNIT_ConditionPathExists, "!", NULL },
                { D_UNIT_ConditionUser, "!root", "!root" },
                { D_UNIT_Supervisor, "shop", "shop.supervisor" }, { D_UNIT_Supervisor, "shop.supervisor", "shop.supervisor" },
                { D_UNIT_Supervisor, "shop.service", NULL }, { D_UNIT_Supervisor, "-x", NULL },
                { D_UNIT_After, "a.service", "a.service" }, { D_UNIT_After, "a", NULL }, { D_UNIT_After, "a@.service", NULL },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct buf out = BUF_INIT;
                struct err err = { 0 };
                int r = value_item(rows[i].d, rows[i].text, &out, &err);

                if ((r == 0) != (rows[i].normal != NULL))
                        print_error("%s=%s: %s\n", directive_rows[rows[i].d].key, rows[i].text, err.text);
                assert_int_equal(r == 0, rows[i].normal != NULL);
                if (rows[i].normal)
                        assert_string_equal(buf_text(&out), rows[i].normal);
                else
                        assert_true(err.hint[0] != '\0');
                buf_free(&out);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(H7_time_spans),
                cmocka_unit_test(time_spans_print_exactly),
                cmocka_unit_test(H7_numbers),
                cmocka_unit_test(limits),
                cmocka_unit_test(items_and_texts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
