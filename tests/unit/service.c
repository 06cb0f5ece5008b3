/* One service through its life: rows of {event} -> {actions}, and the table of phase x event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core_state.h"
#include "core/service.h"
#include "core/unit_text.h"
#include "tests/unit/core_rows.h"

#define SERVICE(text) ((const struct unit_row[]) { { "/", "web.service", "[Service]\n" text }, { 0 } })
#define ROWS(...) ((const struct row[]) { __VA_ARGS__, { 0 } })
#define UP { "boot", "open web; spawn web ExecStart", "web=starting" }, { "spawned web", "", "web=running" }

static void a_simple_service_is_up_as_soon_as_its_process_exists(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\n"), ROWS(
                UP,
                { "stop web", "signal web all TERM", "web=stopping" },
                { "exited web signal:TERM", "watch web" },
                { "empty web", "close web shutdown; done ok", "web=inactive" },
                { "start web", "open web; spawn web ExecStart" },
                { "spawned web", "done ok", "web=running" }));
}

static void a_crash_is_restarted_after_the_delay_and_the_delay_grows(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\nRestartJitter=0%\n"), ROWS(
                UP,
                { "exited web signal:SEGV", "watch web" },
                { "empty web", "close web signal:SEGV", "web=backoff" },
                { "+99ms tick", "" },
                { "+1ms tick", "open web; spawn web ExecStart", "web=starting" },
                { "spawned web", "" },
                { "exited web exit:1", "watch web" },
                { "empty web", "close web exit:1", "web=backoff" },
                { "+199ms tick", "" },
                { "+1ms tick", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "+60s exited web exit:1", "watch web" },
                { "empty web", "close web exit:1" },
                { "+100ms tick", "open web; spawn web ExecStart" }));
}

static void all_its_commands_run_in_order(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecCondition=/c\nExecStartPre=/p1\nExecStartPre=-/p2\nExecStart=/w\nExecStartPost=/q\n"
                          "ExecStop=/s\nExecStopPost=/z\n"), ROWS(
                { "boot", "open web; spawn web ExecCondition" },
                { "spawned web!", "" },
                { "exited web!", "spawn web ExecStartPre" },
                { "spawned web!", "" },
                { "exited web!", "spawn web ExecStartPre#1" },
                { "exited web! exit:3", "spawn web ExecStart" },
                { "spawned web", "spawn web ExecStartPost", "web=starting" },
                { "spawned web!", "" },
                { "exited web!", "", "web=running" },
                { "stop web", "spawn web ExecStop" },
                { "spawned web!", "" },
                { "exited web!", "signal web all TERM" },
                { "exited web", "watch web" },
                { "empty web", "spawn web ExecStopPost" },
                { "spawned web!", "" },
                { "exited web!", "watch web" },
                { "empty web", "close web shutdown; done ok", "web=inactive" }));
}

/* As systemd 252 was seen to do: after a good end, not after a bad one, and not for who was never up. */
static void exec_stop_runs_for_who_was_up_and_has_ended_well(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\nExecStop=-/s\nExecStop=/t\nExecStopPost=/z\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "exited web", "spawn web ExecStop", "web=stopping" },
                { "spawned web!", "" },
                { "exited web! exit:1", "spawn web ExecStop#1" }, /* "-": does not change why it ended */
                { "spawned web!", "" },
                { "stop web", "" },
                { "exited web!", "watch web" },
                { "tick", "signal web all TERM" },
                { "empty web", "spawn web ExecStopPost" },
                { "exited web!", "watch web" },
                { "empty web", "close web normal; done ok", "web=inactive" },
                { "start web", "open web; spawn web ExecStart" },
                { "spawned web", "done ok" },
                { "exited web exit:1", "watch web" },
                { "empty web", "spawn web ExecStopPost" }));
        rows_play(SERVICE("ExecStart=/w\nExecStop=/s\nTimeoutStopSec=3s\n"), ROWS( /* it has a time of its own */
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "+1h exited web", "spawn web ExecStop" },
                { "spawned web!", "" },
                { "+2999ms tick", "" },
                { "+1ms tick", "signal web all TERM" },
                { "exited web! signal:TERM", "watch web" },
                { "empty web", "close web stop_timeout", "web=backoff" }));
        rows_play(SERVICE("ExecStart=/w\nExecStop=/s\nExecStop=/t\nRestart=no\n"), ROWS( /* a failure is one, and the last */
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "exited web", "spawn web ExecStop" },
                { "exited web! exit:1", "watch web" },
                { "empty web", "close web exit:1", "web=failed" }));
        rows_play(SERVICE("ExecStart=/w\nExecReload=/r\nExecStop=/s\n"), ROWS( /* one command at a time */
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "reload web", "spawn web ExecReload" },
                { "exited web", "done stopped" },
                { "spawned web!", "signal web control TERM" },
                { "exited web! signal:TERM", "spawn web ExecStop" },
                { "exited web!", "watch web" },
                { "empty web", "close web normal" }));
        rows_play(SERVICE("Type=oneshot\nExecStart=/w\nExecStop=/s\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "exited web", "spawn web ExecStop" },
                { "exited web!", "watch web" },
                { "empty web", "close web normal", "web=finished" },
                { "start web", "open web; spawn web ExecStart" },
                { "exited web exit:1", "watch web" },
                { "empty web", "close web exit:1; done start_failed" }));
        rows_play(SERVICE("Type=notify\nExecStart=/w\nRestart=no\nExecStop=/s\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "exited web", "watch web" }, /* was never up */
                { "empty web", "close web protocol" },
                { "start web", "open web; spawn web ExecStart" },
                { "ready web", "done ok" },
                { "stopping web", "" }, /* has begun its end itself */
                { "exited web", "watch web" },
                { "empty web", "close web normal" }));
        rows_play(SERVICE("Type=forking\nExecStart=/w\nRestart=no\nExecStop=/s\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "exited web", "" },
                { "mainpid web 0", "watch web", "web=running" },
                { "empty web", "spawn web ExecStop" },
                { "exited web!", "watch web" },
                { "empty web", "close web normal", "web=finished" }));
}

static void exec_condition_says_skip_or_failure(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecCondition=/c\nExecStart=/w\n"), ROWS(
                { "boot", "open web; spawn web ExecCondition" },
                { "exited web! exit:1", "watch web" },
                { "empty web", "close web condition", "web=inactive" },
                { "+1h tick", "" },
                { "start web", "open web; spawn web ExecCondition" },
                { "exited web! exit:255", "watch web" },
                { "empty web", "close web exit:255; done start_failed", "web=backoff" }));
}

static void an_unmet_condition_skips_and_an_assertion_fails(void **state)
{
        (void) state;
        rows_play((const struct unit_row[]) {
                { "/", "web.service", "[Unit]\nConditionPathExists=/x\n[Service]\nRestart=no\nExecStart=/w\n" }, { 0 } }, ROWS(
                { "boot", "check web", "web=starting" },
                { "checked web skip", "", "web=inactive" },
                { "start web", "check web" },
                { "checked web fail", "done start_failed", "web=failed" },
                { "start web", "check web" },
                { "checked web pass", "open web; spawn web ExecStart" },
                { "spawned web", "done ok" }));
}

static void a_notify_service_is_up_when_it_says_so(void **state)
{
        (void) state;
        rows_play(SERVICE("Type=notify\nExecStart=/w\nRestart=no\nExecReload=/r\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "", "web=starting" },
                { "ready web", "", "web=running" },
                { "reload web", "spawn web ExecReload", "web=reloading" },
                { "spawned web!", "" },
                { "exited web!", "done ok", "web=running" },
                { "reloading web", "", "web=reloading" },
                { "ready web", "", "web=running" },
                { "stopping web", "", "web=stopping" },
                { "exited web", "watch web" },
                { "empty web", "close web normal", "web=finished" }));
        rows_play(SERVICE("Type=notify\nExecStart=/w\nRestart=no\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "exited web", "watch web" },
                { "empty web", "close web protocol", "web=failed" }));
}

static void who_says_that_it_stops_has_the_time_of_a_stop(void **state)
{
        (void) state;
        rows_play(SERVICE("Type=notify\nExecStart=/w\nRestart=no\nExecReload=/r\nTimeoutStopSec=5s\nWatchdogSec=2s\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "ready web", "", "web=running" },
                { "stopping web", "", "web=stopping" },
                { "reload web", "done stopped", "web=stopping" },
                { "reloading web", "", "web=stopping" },
                { "watchdog web", "" },
                { "+4s tick", "", "web=stopping" },
                { "+1s tick", "kill web", "web=stopping" },
                { "exited web signal:KILL", "watch web" },
                { "empty web", "close web stop_timeout", "web=failed" }));
        rows_play(SERVICE("Type=notify\nExecStart=/w\nRemainAfterExit=yes\nTimeoutStopSec=5s\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "ready web", "", "web=running" },
                { "stopping web", "", "web=stopping" },
                { "exited web", "", "web=running" },
                { "+9s tick", "", "web=running" }));
}

static void an_exec_service_is_up_when_the_program_runs(void **state)
{
        (void) state;
        rows_play(SERVICE("Type=exec\nExecStart=/w\nRestart=no\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "", "web=starting" },
                { "execed web", "", "web=running" }));
        rows_play(SERVICE("Type=exec\nExecStart=/w\nRestart=no\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "spawn_failed web", "watch web" },
                { "empty web", "close web spawn:EXEC:ENOENT", "web=failed" }));
}

static void a_oneshot_is_up_when_all_its_commands_have_ended(void **state)
{
        (void) state;
        rows_play(SERVICE("Type=oneshot\nExecStart=/a\nExecStart=/b\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "exited web", "spawn web ExecStart#1", "web=starting" },
                { "spawned web", "" },
                { "exited web", "watch web" },
                { "empty web", "close web normal", "web=finished" }));
        rows_play(SERVICE("Type=oneshot\nExecStart=/a\nRemainAfterExit=yes\nExecStop=/s\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "exited web", "", "web=running" },
                { "stop web", "spawn web ExecStop" },
                { "spawned web!", "" },
                { "exited web!", "watch web" },
                { "empty web", "close web shutdown; done ok", "web=inactive" }));
}

static void a_forking_service_is_up_when_its_daemon_is_known(void **state)
{
        (void) state;
        rows_play(SERVICE("Type=forking\nPIDFile=/run/w\nExecStart=/w\nRestart=no\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "exited web", "", "web=starting" },
                { "mainpid web 77", "", "web=running" },
                { "exited web exit:1", "watch web" },
                { "empty web", "close web exit:1", "web=failed" }));
        rows_play(SERVICE("Type=forking\nExecStart=/w\nRestart=no\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "mainpid web 0", "", "web=starting" }, /* out of the blue */
                { "exited web", "", "web=starting" },
                { "mainpid web 0", "watch web", "web=running" },
                { "stop web", "watch web" },
                { "tick", "signal web all TERM" },
                { "empty web", "close web shutdown; done ok", "web=inactive" },
                { "start web", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "exited web", "" },
                { "mainpid web 0", "done ok; watch web", "web=running" },
                { "empty web", "close web normal", "web=finished" }));
        rows_play(SERVICE("Type=forking\nExecStart=/w\nRestart=no\nKillMode=mixed\n"), ROWS( /* nobody is killed unasked */
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "exited web", "" },
                { "mainpid web 0", "watch web", "web=running" },
                { "stop web", "watch web" },
                { "tick", "signal web all TERM" },
                { "+10s tick", "kill web" },
                { "empty web", "close web stop_timeout; done ok" }));
        rows_play(SERVICE("Type=forking\nExecStart=/w\nRestart=no\nRemainAfterExit=yes\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "exited web", "" },
                { "mainpid web 0", "watch web", "web=running" },
                { "empty web", "", "web=running" },
                { "stop web", "watch web" },
                { "empty web", "close web shutdown; done ok", "web=inactive" }));
}

static void B1_a_service_that_ignores_term_is_killed_after_the_grace(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\nTimeoutStopSec=3s\n"), ROWS(
                UP,
                { "stop web", "signal web all TERM" },
                { "+2s tick", "" },
                { "+1s tick", "kill web" },
                { "exited web signal:KILL", "watch web" },
                { "empty web", "close web stop_timeout; done ok", "web=inactive" }));
}

static void kill_mode_says_who_is_signalled(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\nKillMode=mixed\nKillSignal=SIGINT\n"), ROWS(
                UP,
                { "stop web", "signal web main INT" },
                { "exited web signal:INT", "watch web" },
                { "tick", "kill web" },
                { "empty web", "close web shutdown; done ok" }));
        rows_play(SERVICE("ExecStart=/w\nKillMode=mixed\nSendSIGKILL=no\n"), ROWS(
                UP,
                { "stop web", "signal web main TERM" },
                { "exited web", "watch web" },
                { "tick", "" },
                { "+9s tick", "" },
                { "+1s tick", "done stuck" },
                { "empty web", "close web stop_timeout", "web=inactive" }));
        rows_play(SERVICE("ExecStart=/w\nSendSIGHUP=yes\n"), ROWS(
                UP,
                { "stop web", "signal web all TERM; signal web all HUP" },
                { "exited web signal:HUP", "watch web" },
                { "tick", "signal web all TERM; signal web all HUP" },
                { "empty web", "close web shutdown; done ok" }));
        rows_play(SERVICE("ExecStart=/w\nKillMode=process\n"), ROWS(
                UP,
                { "stop web", "signal web main TERM" },
                { "exited web", "close web shutdown; done ok" }));
        rows_play(SERVICE("ExecStart=/w\nKillMode=none\n"), ROWS(
                UP,
                { "stop web", "close web shutdown; done ok" }));
}

static void processes_left_behind_are_ended_before_the_restart(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\nRestartSec=0\n"), ROWS(
                UP,
                { "exited web exit:1", "watch web" },
                { "tick", "signal web all TERM" },
                { "+10s tick", "kill web" },
                { "empty web", "close web exit:1; open web; spawn web ExecStart" }));
}

static void what_outlives_the_main_process_in_a_stop_gets_the_signal_again(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\nExecStopPost=/z\n"), ROWS(
                UP,
                { "stop web", "signal web all TERM" },
                { "+2s exited web signal:TERM", "watch web" },
                { "tick", "signal web all TERM", "web=stopping" },
                { "empty web", "spawn web ExecStopPost" },
                { "spawned web!", "" },
                { "exited web!", "watch web" },
                { "empty web", "close web shutdown; done ok", "web=inactive" }));
        rows_play(SERVICE("ExecStart=/w\nTimeoutStopSec=5s\n"), ROWS(
                UP,
                { "stop web", "signal web all TERM" },
                { "+4s exited web signal:TERM", "watch web" },
                { "tick", "signal web all TERM" },
                { "+4s tick", "" },
                { "+1s tick", "kill web" },
                { "empty web", "close web stop_timeout; done ok" }));
        rows_play(SERVICE("ExecStart=/w\nWatchdogSec=1s\nRestart=no\n"), ROWS(
                UP,
                { "+1s tick", "signal web main ABRT" },
                { "exited web signal:ABRT", "watch web" },
                { "tick", "signal web all TERM" },
                { "empty web", "close web watchdog", "web=failed" }));
        rows_play(SERVICE("ExecStart=/w\nTimeoutStopSec=5s\n"), ROWS( /* who was killed with it is not asked again */
                UP,
                { "stop web", "signal web all TERM" },
                { "+5s tick", "kill web" },
                { "exited web signal:KILL", "watch web" },
                { "tick", "" },
                { "empty web", "close web stop_timeout; done ok" }));
}

static void what_was_left_by_then_goes_on_when_KillMode_is_changed_amid_a_stop(void **state)
{
        static const char text[] = "[Service]\nExecStart=/w\nKillMode=none\n";
        const struct unit_source source = { .file = "web.service", .text = text, .len = sizeof(text) - 1 };
        struct rows r = rows_begin(SERVICE("ExecStart=/w\n"));
        struct spec *spec;

        (void) state;
        rows_run(&r, ROWS(
                UP,
                { "stop web", "signal web all TERM" },
                { "exited web signal:TERM", "watch web" }));
        assert_int_equal(unit_text_parse("web.service", &source, 1, &unit_host_example, NULL, NULL, &spec), 0);
        assert_int_equal(core_set_spec(r.core, core_find(r.core, NODE_ROOT, "/web", NULL), spec, NULL), 0);
        spec_unref(spec);
        rows_run(&r, ROWS({ "tick", "close web shutdown; done ok", "web=inactive" }));
        rows_end(&r);
}

static void B4_B5_a_stuck_service_is_said_to_be_stuck_and_not_started_again(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\n"), ROWS(
                UP,
                { "stop web", "signal web all TERM" },
                { "+10s tick", "kill web" },
                { "+5s tick", "done stuck", "web=stopping" },
                { "start web", "done stuck" },
                { "exited web signal:KILL", "watch web" },
                { "empty web", "close web stop_timeout", "web=inactive" },
                { "start web", "open web; spawn web ExecStart" }));
}

static void B12_a_stop_post_command_that_hangs_is_killed(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\nExecStopPost=/z\nRestart=no\n"), ROWS(
                UP,
                { "exited web", "watch web" },
                { "empty web", "spawn web ExecStopPost" },
                { "spawned web!", "" },
                { "+10s tick", "kill web" },
                { "exited web! signal:KILL", "watch web" },
                { "empty web", "close web normal", "web=finished" }));
}

static void B11_a_start_is_interrupted_by_a_stop(void **state)
{
        (void) state;
        rows_play(SERVICE("Type=notify\nExecStart=/w\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "stop web", "" },
                { "spawned web", "signal web all TERM" },
                { "exited web signal:TERM", "watch web" },
                { "empty web", "close web shutdown; done ok", "web=inactive" }));
}

static void a_start_that_takes_too_long_has_failed(void **state)
{
        (void) state;
        rows_play(SERVICE("Type=notify\nExecStart=/w\nTimeoutStartSec=5s\nRestart=no\n"), ROWS(
                { "boot", "open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "+4s extend web 10s", "" },
                { "+9s tick", "" },
                { "+1s tick", "signal web all TERM" },
                { "exited web signal:TERM", "watch web" },
                { "empty web", "close web start_timeout", "web=failed" }));
}

static void runtime_and_watchdog_end_a_service(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\nRuntimeMaxSec=1min\nRestart=no\n"), ROWS(
                UP,
                { "+1min tick", "signal web all TERM" },
                { "exited web", "watch web" },
                { "empty web", "close web timeout", "web=failed" }));
        rows_play(SERVICE("ExecStart=/w\nWatchdogSec=10s\nRestart=no\n"), ROWS(
                UP,
                { "+9s watchdog web", "" },
                { "+9s tick", "" },
                { "+1s tick", "signal web main ABRT" },
                { "exited web signal:ABRT", "watch web" },
                { "empty web", "close web watchdog", "web=failed" }));
        rows_play(SERVICE("ExecStart=/w\nWatchdogSec=10s\nRestart=no\n"), ROWS( /* not while it is frozen */
                UP,
                { "+9s freeze web", "freeze web; done ok" },
                { "+1s tick", "" },
                { "+9s thaw web", "thaw web; done ok" },
                { "+9s tick", "" },
                { "+1s tick", "signal web main ABRT" },
                { "exited web signal:ABRT", "watch web" },
                { "empty web", "close web watchdog", "web=failed" }));
}

static void who_was_not_frozen_gets_no_fresh_time_from_a_thaw(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\nWatchdogSec=10s\nRestart=no\n"), ROWS(
                UP,
                { "+9s thaw web", "thaw web; done ok" },
                { "+1s tick", "signal web main ABRT" }));
}

static void freeze_and_thaw_are_not_why_it_runs(void **state)
{
        struct rows r = rows_begin(SERVICE("ExecStart=/w\nRestart=no\n"));
        char *before, *after;

        (void) state;
        rows_run(&r, ROWS(UP));
        before = rows_why(&r, "web");
        rows_run(&r, ROWS({ "freeze web", "freeze web; done ok" }, { "thaw web", "thaw web; done ok" }));
        after = rows_why(&r, "web");
        assert_string_equal(after, before);
        free(before);
        free(after);
        rows_end(&r);
}

static void what_is_being_stopped_cannot_be_frozen(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\nRestart=no\n"), ROWS(
                UP,
                { "stop web", "signal web all TERM" },
                { "freeze web", "done stopping", "web=stopping" },
                { "exited web", "watch web" },
                { "empty web", "close web shutdown; done ok", "web=inactive" },
                { "freeze web", "done not_running", "web=inactive" }));
}

static void memory_policy_decides_what_follows_a_kill_by_the_kernel(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\nRestart=no\n"), ROWS( /* stop */
                UP,
                { "oom web out_of_memory", "signal web all TERM" },
                { "exited web signal:TERM", "watch web" },
                { "empty web", "close web out_of_memory", "web=failed" }));
        rows_play(SERVICE("ExecStart=/w\nRestart=no\nOOMPolicy=kill\n"), ROWS(
                UP,
                { "oom web out_of_memory:system", "kill web" },
                { "exited web signal:KILL", "watch web" },
                { "empty web", "close web out_of_memory:system", "web=failed" }));
        rows_play(SERVICE("ExecStart=/w\nRestart=no\nOOMPolicy=continue\n"), ROWS(
                UP,
                { "oom web out_of_memory", "", "web=running" },
                { "exited web exit:1", "watch web" },
                { "empty web", "close web exit:1", "web=failed" }));
        rows_play(SERVICE("ExecStart=/w\nRestart=no\n"), ROWS( /* told twice, in the other order */
                UP,
                { "exited web out_of_memory", "watch web" },
                { "oom web out_of_memory", "" },
                { "empty web", "close web out_of_memory", "web=failed" },
                { "oom web out_of_memory", "", "web=failed" }));
}

static void C9_an_end_that_was_not_asked_for_keeps_its_reason_during_a_stop(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\n"), ROWS(
                UP,
                { "stop web", "signal web all TERM" },
                { "exited web exit:7", "watch web" },
                { "empty web", "close web exit:7; done ok", "web=inactive" }));
}

static void exit_node_reason_counts_as_the_services_own_end(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\nRestart=transient\nRestartSec=0\n"), ROWS(
                UP,
                { "exit web killed", "kill web; done ok" },
                { "exited web signal:KILL", "watch web" },
                { "empty web", "close web killed; open web; spawn web ExecStart" },
                { "spawned web", "" },
                { "exit web normal", "signal web all TERM; done ok" },
                { "exited web signal:TERM", "watch web" },
                { "empty web", "close web normal", "web=finished" }));
}

static void a_success_exit_status_is_a_clean_end(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\nRestart=on-failure\nSuccessExitStatus=42 SIGUSR1\n"), ROWS(
                UP,
                { "exited web exit:42", "watch web" },
                { "empty web", "close web normal", "web=finished" },
                { "start web", "open web; spawn web ExecStart" },
                { "spawned web", "done ok" },
                { "exited web signal:USR1", "watch web" },
                { "empty web", "close web normal", "web=finished" }));
}

static void late_and_foreign_events_are_harmless(void **state)
{
        (void) state;
        rows_play(SERVICE("ExecStart=/w\nRestart=no\n"), ROWS(
                { "spawned web", "", "web=inactive" },
                { "exited web", "" },
                { "empty web", "" },
                { "ready web", "" },
                UP,
                { "execed web", "" },
                { "empty web", "" },
                { "checked web fail", "", "web=running" }));
}

/* --- the table (FAILURES B10) ------------------------------------------------------------------------------------------ */

/* What each phase takes note of; everything else is an intended hole. Requests that are no business of the machine
 * (request.c answers them) are holes in every row. */
static const struct {
        enum phase phase;
        const char *events;
} handled[] = {
        { PHASE_NONE, "" },
        { PHASE_CHECK, "tick stop exit checked watchdog_usec extend_timeout oom" },
        { PHASE_IDLE, "tick stop exit" },
        { PHASE_CONDITION, "tick stop exit spawned spawn_failed exited watchdog_usec extend_timeout oom" },
        { PHASE_PRE, "tick stop exit spawned spawn_failed exited watchdog_usec extend_timeout oom" },
        { PHASE_MAIN, "tick stop exit spawned execed spawn_failed exited ready mainpid watchdog_usec extend_timeout oom" },
        { PHASE_POST, "tick stop exit spawned spawn_failed exited empty stopping mainpid watchdog watchdog_trigger "
                      "watchdog_usec extend_timeout oom" },
        { PHASE_UP, "tick stop reload exit spawned spawn_failed exited empty reloading stopping mainpid watchdog "
                    "watchdog_trigger watchdog_usec extend_timeout oom" },
        { PHASE_RELOAD, "tick stop exit spawned spawn_failed exited empty ready stopping mainpid watchdog "
                        "watchdog_trigger watchdog_usec extend_timeout oom" },
        { PHASE_STOP, "tick exit spawned spawn_failed exited empty stuck extend_timeout" },
        { PHASE_TERM, "tick exit spawned spawn_failed exited empty stuck extend_timeout" },
        { PHASE_KILL, "tick exit spawned spawn_failed exited empty stuck" },
        { PHASE_EMPTY, "tick exit spawned spawn_failed exited empty stuck" },
        { PHASE_REST, "tick exit spawned spawn_failed exited empty stuck" },
        { PHASE_STOP_POST, "tick spawned spawn_failed exited extend_timeout" },
        { PHASE_POST_TERM, "tick spawned spawn_failed exited empty" },
        { PHASE_POST_KILL, "tick spawned spawn_failed exited empty stuck" },
        { PHASE_STUCK, "exited empty" },
};

static bool listed(const char *words, const char *word)
{
        size_t len = strlen(word);

        for (const char *at = strstr(words, word); at; at = strstr(at + 1, word))
                if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
                        return true;
        return false;
}

/* What was asked of it and changed nothing is no reason for what it is. */
static void why_tells_of_the_state_whatever_was_asked_since(void **state)
{
        static const struct {
                const char *steps[9], *first;
        } rows[] = {
                { { "boot", "spawned web", "kill web HUP" }, "/web: started" },
                { { "boot", "spawned web", "start web" }, "/web: started" },
                { { "boot", "spawned web", "reset_failed web", "reload web" }, "/web: started" },
                { { "boot", "spawned web", "exited web exit:1", "empty web", "kill web TERM", "reload web" },
                  "/web: not restarted after exit:1" },
                { { "boot", "spawned web", "exited web exit:1", "empty web", "reset_failed web", "kill web TERM" },
                  "/web: reset-failed was asked for" },
                { { "boot", "spawned web", "stop web", "exited web", "empty web", "reset_failed web", "kill web TERM" },
                  "/web: incarnation 1 ended: shutdown" },
                { { "kill web TERM" }, "/web: signal SIGTERM was asked for" }, /* there is nothing else */
        };
        static const struct unit_row units[] = { { "/", "web.service", "[Service]\nExecStart=/w\nRestart=no\n" }, { 0 } };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct rows r = rows_begin(units);
                char *why;

                for (const char *const *step = rows[i].steps; *step; step++)
                        rows_feed(&r, *step);
                why = rows_why(&r, "web");
                if (strncmp(why, rows[i].first, strlen(rows[i].first)) != 0)
                        fail_msg("row %zu: %s", i, why);
                free(why);
                rows_end(&r);
        }
}

static void B10_every_cell_of_phase_and_event_is_meant(void **state)
{
        (void) state;
        assert_int_equal(sizeof(handled) / sizeof(handled[0]), PHASE_COUNT);
        for (int p = 0; p < PHASE_COUNT; p++) {
                assert_int_equal(handled[p].phase, p);
                for (int e = 0; e < EVT_COUNT; e++) {
                        bool cell = service_table[p][e] != NULL;

                        if (cell != listed(handled[p].events, strtab_text(&event_names, e)))
                                fail_msg("phase %s, event %s: %s", strtab_text(&phase_names, p),
                                         strtab_text(&event_names, e), cell ? "handled, but not meant to be" : "a hole");
                }
        }
}

/* Bring a fresh service into each phase it can be brought to, then throw each event of the world at it. */
static void B10_no_event_in_any_phase_leaves_the_service_without_a_way_on(void **state)
{
        static const struct unit_row units[] = {
                { "/", "web.service", "[Unit]\nConditionPathExists=/x\n[Service]\nType=notify\nExecCondition=/c\n"
                                      "ExecStartPre=/p\nExecStart=/w\nExecStartPost=/q\nExecReload=/r\nExecStop=/s\n"
                                      "ExecStopPost=/z\nWatchdogSec=1s\n" }, { 0 } };
        static const char *const way[] = {
                "boot", "checked web pass", "spawned web!", "exited web!", "spawned web!", "exited web!", "spawned web",
                "ready web", "spawned web!", "exited web!", "reload web", "spawned web!", "exited web!", "stop web",
                "spawned web!", "exited web!", "+10s tick", "exited web signal:KILL", "empty web", "spawned web!", "exited web!",
        };

        (void) state;
        for (size_t steps = 0; steps <= sizeof(way) / sizeof(way[0]); steps++) {
                for (int kind = EVT_CHECKED; kind < EVT_COUNT; kind++) {
                        struct rows r = rows_begin(units);
                        struct event e = { .kind = (uint8_t) kind, .node = 1, .arg = 5, .reason = REASON(REASON_EXIT, 1) };
                        const struct node *n = core_node(r.core, 1);

                        for (size_t i = 0; i < steps && i < sizeof(way) / sizeof(way[0]); i++)
                                rows_feed(&r, way[i]);
                        for (int role = ROLE_MAIN; role <= ROLE_CONTROL; role++) {
                                e.role = (uint8_t) role;
                                if (kind == EVT_EXITED)
                                        e.arg = role == ROLE_MAIN ? n->pid_main : n->pid_control;
                                (void) core_step(r.core, &e, r.now);
                        }
                        rows_feed(&r, "shutdown 1s");
                        for (int i = 0; i < 8; i++)
                                rows_feed(&r, "+4s tick");
                        if (core_node(r.core, NODE_ROOT)->phase != PHASE_NONE)
                                fail_msg("after %zu steps and %s the tree does not end", steps,
                                         strtab_text(&event_names, kind));
                        rows_end(&r);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_simple_service_is_up_as_soon_as_its_process_exists),
                cmocka_unit_test(a_crash_is_restarted_after_the_delay_and_the_delay_grows),
                cmocka_unit_test(all_its_commands_run_in_order),
                cmocka_unit_test(exec_stop_runs_for_who_was_up_and_has_ended_well),
                cmocka_unit_test(exec_condition_says_skip_or_failure),
                cmocka_unit_test(an_unmet_condition_skips_and_an_assertion_fails),
                cmocka_unit_test(a_notify_service_is_up_when_it_says_so),
                cmocka_unit_test(who_says_that_it_stops_has_the_time_of_a_stop),
                cmocka_unit_test(an_exec_service_is_up_when_the_program_runs),
                cmocka_unit_test(a_oneshot_is_up_when_all_its_commands_have_ended),
                cmocka_unit_test(a_forking_service_is_up_when_its_daemon_is_known),
                cmocka_unit_test(B1_a_service_that_ignores_term_is_killed_after_the_grace),
                cmocka_unit_test(kill_mode_says_who_is_signalled),
                cmocka_unit_test(processes_left_behind_are_ended_before_the_restart),
                cmocka_unit_test(what_outlives_the_main_process_in_a_stop_gets_the_signal_again),
                cmocka_unit_test(what_was_left_by_then_goes_on_when_KillMode_is_changed_amid_a_stop),
                cmocka_unit_test(B4_B5_a_stuck_service_is_said_to_be_stuck_and_not_started_again),
                cmocka_unit_test(B12_a_stop_post_command_that_hangs_is_killed),
                cmocka_unit_test(B11_a_start_is_interrupted_by_a_stop),
                cmocka_unit_test(a_start_that_takes_too_long_has_failed),
                cmocka_unit_test(runtime_and_watchdog_end_a_service),
                cmocka_unit_test(who_was_not_frozen_gets_no_fresh_time_from_a_thaw),
                cmocka_unit_test(freeze_and_thaw_are_not_why_it_runs),
                cmocka_unit_test(what_is_being_stopped_cannot_be_frozen),
                cmocka_unit_test(memory_policy_decides_what_follows_a_kill_by_the_kernel),
                cmocka_unit_test(C9_an_end_that_was_not_asked_for_keeps_its_reason_during_a_stop),
                cmocka_unit_test(exit_node_reason_counts_as_the_services_own_end),
                cmocka_unit_test(a_success_exit_status_is_a_clean_end),
                cmocka_unit_test(late_and_foreign_events_are_harmless),
                cmocka_unit_test(why_tells_of_the_state_whatever_was_asked_since),
                cmocka_unit_test(B10_every_cell_of_phase_and_event_is_meant),
                cmocka_unit_test(B10_no_event_in_any_phase_leaves_the_service_without_a_way_on),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
