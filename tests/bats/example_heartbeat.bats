# units/examples/heartbeat: ready, alive, stopping, in C without libsystemd.

load lib
load library

setup_file() { install_library; }
setup()    { world; example heartbeat; }
teardown() { end_world; }

beats() { [[ $(field /heartbeat .status_text) =~ ^([0-9]+)\ beats$ ]] && (( BASH_REMATCH[1] >= $1 )); }

@test "the heartbeat is ready and beats without libsystemd; when it hangs the watchdog restarts it" {
        run readelf -d "$W/bin/heartbeat"
        assert_status 0
        refute_output_has libsystemd
        start_daemon
        wait_state /heartbeat running
        wait_for "$PATIENCE" beats 2
        old=$(pid_of /heartbeat)
        ctl kill --signal USR1 /heartbeat
        wait_restart /heartbeat "$old"
        assert_eq "$(ctl deaths /heartbeat --json | jq -r '.[0].reason')" watchdog
        wait_for "$PATIENCE" beats 1
        ctl stop /heartbeat
        assert_eq "$(field /heartbeat .last_reason)" shutdown
}
