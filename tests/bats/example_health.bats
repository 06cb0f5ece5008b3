# units/examples/health: a flaky worker with backoff, and a monitor that tells of each end.

load lib
load script_example

setup()    { world; script_example health; }
teardown() { end_world; }

@test "the flaky worker is tried after growing waits until it works, and the monitor tells of each end, its own past included" {
        start_daemon
        wait_for "$PATIENCE" recorded '/clinic/monitor: says: flaky ended with exit:1, time 3'
        wait_for "$PATIENCE" recorded '/clinic/flaky: restart in'
        wait_state /clinic/flaky running
        assert_eq "$(field /clinic/flaky .restarts)" 3
        wait_state /clinic/steady running
        ctl kill --signal KILL /clinic/steady
        wait_for "$PATIENCE" recorded '/clinic/monitor: says: steady ended with signal:KILL, time 1'
}
