/* The pure functions below the supervisors: reasons, the restart window, Restart= and the delays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>

#include "core/intensity.h"
#include "core/restart.h"
#include "core/unit_text.h"

/* --- reason.c --------------------------------------------------------------------------------------------------------- */

static void every_reason_is_read_back_as_it_is_written(void **state)
{
        static const char *const texts[] = {
                "normal", "shutdown", "exit:0", "exit:3", "exit:255", "signal:SEGV", "signal:RTMIN+3", "out_of_memory",
                "timeout", "start_timeout", "stop_timeout", "watchdog", "seccomp:keyctl", "seccomp:x86:102", "seccomp:99999", "seccomp:?", "spawn:EXEC:ENOENT",
                "spawn:CGROUP:EACCES", "killed", "health", "limit:pids", "lost", "condition", "protocol",
        };

        (void) state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct reason r;
                char text[80];

                assert_int_equal(reason_parse(texts[i], &r), 0);
                assert_string_equal(reason_format(&r, NULL, text, sizeof(text)), texts[i]);
                assert_int_equal(reason_abnormal(&r), i >= 2);
        }
}

static void who_asks_for_kill_means_killed(void **state)
{
        struct reason r;

        (void) state;
        assert_int_equal(reason_parse("kill", &r), 0);
        assert_int_equal(r.kind, REASON_KILLED);
}

static void a_link_names_its_peer_and_the_peers_reason(void **state)
{
        struct reason r;
        char text[80];

        (void) state;
        assert_int_equal(reason_parse("linked:/app/db:signal:SEGV", &r), 0);
        assert_int_equal(r.linked_kind, REASON_SIGNAL);
        assert_string_equal(reason_format(&r, "/app/db", text, sizeof(text)), "linked:/app/db:signal:SEGV");
}

static void nonsense_is_no_reason(void **state)
{
        static const char *const texts[] = { "", "exit:", "exit:256", "exit:-1", "exit:1x", "signal:", "signal:NOPE", "signal:65",
                                             "spawn:EXEC", "spawn:NOPE:ENOENT", "spawn:EXEC:NOPE", "Normal", "linked:x" };
        struct reason r;

        (void) state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                if (reason_parse(texts[i], &r) == 0)
                        fail_msg("\"%s\" was taken for a reason", texts[i]);
}

static void a_wait_status_becomes_a_reason_and_an_exit_code(void **state)
{
        static const struct {
                int how, status;
                const char *text;
                int code;
        } rows[] = {
                { CLD_EXITED, 0, "normal", 0 }, { CLD_EXITED, 3, "exit:3", 3 }, { CLD_KILLED, 9, "signal:KILL", 137 },
                { CLD_KILLED, 15, "signal:TERM", 143 }, { CLD_DUMPED, 11, "signal:SEGV", 139 },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct reason r = reason_from_wait(rows[i].how, rows[i].status);
                char text[40];

                assert_string_equal(reason_format(&r, NULL, text, sizeof(text)), rows[i].text);
                assert_int_equal(reason_exit_code(&r), rows[i].code);
                assert_int_equal(r.core_dumped, rows[i].how == CLD_DUMPED);
        }
}

static void other_reasons_have_the_exit_codes_container_runtimes_expect(void **state)
{
        static const struct {
                const char *text;
                int code;
        } rows[] = { { "shutdown", 0 }, { "killed", 137 }, { "out_of_memory", 137 }, { "timeout", 124 }, { "start_timeout", 124 },
                     { "stop_timeout", 124 }, { "spawn:EXEC:ENOENT", 203 }, { "spawn:PLAN:EINVAL", 70 }, { "lost", 1 } };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct reason r;

                assert_int_equal(reason_parse(rows[i].text, &r), 0);
                assert_int_equal(reason_exit_code(&r), rows[i].code);
        }
}

/* --- intensity.c ------------------------------------------------------------------------------------------------------ */

#define MS(n) ((n) * NSEC_PER_MSEC)

static void C4_the_window_counts_whole_seconds_with_its_edge(void **state)
{
        static const struct {
                nsec first, second;
                bool allowed;
        } rows[] = { { MS(0), MS(5999), false }, { MS(0), MS(6000), true }, { MS(999), MS(6000), true },
                     { MS(999), MS(5999), false }, { MS(1000), MS(6999), false } };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct window *w = window_new(1, 5 * NSEC_PER_SEC);

                assert_true(window_take(w, rows[i].first));
                assert_int_equal(window_take(w, rows[i].second), rows[i].allowed);
                window_free(w);
        }
}

static void C4_C5_exactly_max_restarts_are_allowed_in_the_window(void **state)
{
        (void) state;
        for (uint32_t max = 0; max < 20; max++) {
                struct window *w = window_new(max, 3 * NSEC_PER_SEC);

                for (uint32_t i = 0; i < max; i++)
                        assert_true(window_take(w, MS(3999) * i / 20));
                assert_false(window_take(w, MS(3999)));
                assert_int_equal(window_count(w, MS(3999)), max);
                window_clear(w);
                assert_int_equal(window_count(w, MS(3999)), 0);
                window_free(w);
        }
}

/* Against a plain list of times, as OTP keeps it. */
static void the_window_agrees_with_a_plain_list(void **state)
{
        uint64_t random = 7;

        (void) state;
        for (int run = 0; run < 200; run++) {
                nsec list[64], now = 0;
                uint32_t max = (uint32_t) (random >> 33) % 12, period = 1 + (uint32_t) (random >> 40) % 9;
                struct window *w = window_new(max, period * NSEC_PER_SEC);
                unsigned len = 0;

                for (int i = 0; i < 60; i++) {
                        unsigned live = 0;

                        random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
                        now += MS((nsec) (random >> 33) % 2500);
                        for (unsigned k = 0; k < len; k++)
                                live += now / NSEC_PER_SEC - list[k] / NSEC_PER_SEC <= period;
                        assert_int_equal(window_count(w, now), live);
                        assert_int_equal(window_take(w, now), live < max);
                        if (live < max)
                                list[len++] = now;
                }
                window_free(w);
        }
}

static void a_changed_window_keeps_what_it_has_counted(void **state)
{
        struct window *a = window_new(5, 10 * NSEC_PER_SEC), *b = window_new(3, 10 * NSEC_PER_SEC);

        (void) state;
        for (int i = 0; i < 3; i++)
                assert_true(window_take(a, MS(100)));
        window_copy(b, a, MS(200));
        assert_int_equal(window_count(b, MS(200)), 3);
        assert_false(window_take(b, MS(200)));
        window_free(a);
        window_free(b);
}

/* --- restart.c -------------------------------------------------------------------------------------------------------- */

static struct spec *service(const char *lines)
{
        char text[400];
        struct unit_source source = { .file = "x.service", .text = text };
        struct spec *s = NULL;

        source.len = (size_t) snprintf(text, sizeof(text), "[Service]\nExecStart=/x\n%s\n", lines);
        assert_int_equal(unit_text_parse("x.service", &source, 1, &unit_host_example, NULL, NULL, &s), 0);
        return s;
}

static struct reason reason(const char *text)
{
        struct reason r;

        assert_int_equal(reason_parse(text, &r), 0);
        return r;
}

/* OTP's table and systemd's, in one: does it come back? */
static void C1_restart_and_reason_decide_as_otp_and_systemd_do(void **state)
{
        static const char *const reasons[] = { "normal", "shutdown", "exit:1", "signal:SEGV", "timeout", "watchdog", "out_of_memory" };
        static const struct {
                const char *restart, *comes_back; /* one character a reason */
        } rows[] = {
                { "permanent",   "yyyyyyy" }, { "always",     "yyyyyyy" },
                { "transient",   "nnyyyyy" }, { "on-failure", "nnyyyyy" },
                { "temporary",   "nnnnnnn" }, { "no",         "nnnnnnn" },
                { "on-success",  "yynnnnn" }, { "on-abnormal", "nnnyyyy" },
                { "on-abort",    "nnnynnn" }, { "on-watchdog", "nnnnnyn" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char line[60];
                struct spec *s;

                (void) snprintf(line, sizeof(line), "Restart=%s", rows[i].restart);
                s = service(line);
                for (size_t k = 0; k < sizeof(reasons) / sizeof(reasons[0]); k++) {
                        struct reason r = reason(reasons[k]);

                        if ((restart_decide(s, &r, &r) == COMES_BACK) != (rows[i].comes_back[k] == 'y'))
                                fail_msg("%s after %s: not %c", line, reasons[k], rows[i].comes_back[k]);
                }
                spec_unref(s);
        }
}

static void prevention_wins_over_force_and_both_over_restart(void **state)
{
        struct spec *s = service("Restart=permanent\nRestartPreventExitStatus=7 SIGUSR1\nRestartForceExitStatus=7");
        struct reason seven = reason("exit:7"), usr1 = reason("signal:USR1"), other = reason("exit:8");

        (void) state;
        assert_int_equal(restart_decide(s, &seven, &seven), STAYS_DOWN_PREVENTED);
        assert_int_equal(restart_decide(s, &usr1, &usr1), STAYS_DOWN_PREVENTED);
        assert_int_equal(restart_decide(s, &other, &other), COMES_BACK);
        spec_unref(s);
        s = service("Restart=temporary\nRestartForceExitStatus=7");
        assert_int_equal(restart_decide(s, &seven, &seven), COMES_BACK_FORCED);
        assert_int_equal(restart_decide(s, &other, &other), STAYS_DOWN);
        spec_unref(s);
}

static void clean_ends_are_those_of_systemd(void **state)
{
        static const char *const clean[] = { "normal", "shutdown", "signal:HUP", "signal:INT", "signal:TERM", "signal:PIPE",
                                             "exit:42", "signal:USR2" };
        struct spec *s = service("SuccessExitStatus=42 SIGUSR2"), *oneshot = service("Type=oneshot");
        struct reason term = reason("signal:TERM"), kill = reason("signal:KILL");

        (void) state;
        for (size_t i = 0; i < sizeof(clean) / sizeof(clean[0]); i++) {
                struct reason r = reason(clean[i]);

                assert_true(end_is_clean(s, &r));
        }
        assert_false(end_is_clean(s, &kill));
        assert_false(end_is_clean(oneshot, &term));
        spec_unref(s);
        spec_unref(oneshot);
}

static void C12_the_delay_grows_to_its_limit_and_jitter_stays_within_its_share(void **state)
{
        struct spec *s = service("RestartSec=100ms\nRestartFactor=3\nRestartMaxDelaySec=2s\nRestartJitter=10%");
        static const nsec expected[] = { MS(100), MS(300), MS(900), MS(2000), MS(2000) };

        (void) state;
        for (unsigned i = 0; i < 5; i++)
                assert_true(restart_delay(s, i) == expected[i]);
        assert_true(restart_delay(s, 255) == MS(2000));
        assert_true(restart_jitter(s, MS(1000), 0) == MS(900));
        for (uint64_t random = 1; random < 1000; random++) {
                nsec d = restart_jitter(s, MS(1000), random * UINT64_C(0x9e3779b97f4a7c15));

                assert_true(d >= MS(900) && d <= MS(1100));
        }
        spec_unref(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_reason_is_read_back_as_it_is_written),
                cmocka_unit_test(a_link_names_its_peer_and_the_peers_reason),
                cmocka_unit_test(nonsense_is_no_reason),
                cmocka_unit_test(who_asks_for_kill_means_killed),
                cmocka_unit_test(a_wait_status_becomes_a_reason_and_an_exit_code),
                cmocka_unit_test(other_reasons_have_the_exit_codes_container_runtimes_expect),
                cmocka_unit_test(C4_the_window_counts_whole_seconds_with_its_edge),
                cmocka_unit_test(C4_C5_exactly_max_restarts_are_allowed_in_the_window),
                cmocka_unit_test(the_window_agrees_with_a_plain_list),
                cmocka_unit_test(a_changed_window_keeps_what_it_has_counted),
                cmocka_unit_test(C1_restart_and_reason_decide_as_otp_and_systemd_do),
                cmocka_unit_test(prevention_wins_over_force_and_both_over_restart),
                cmocka_unit_test(clean_ends_are_those_of_systemd),
                cmocka_unit_test(C12_the_delay_grows_to_its_limit_and_jitter_stays_within_its_share),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
