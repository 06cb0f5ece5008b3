# An engine ends by whatever means; the services do not notice, and another engine goes on (DESIGN 4).
load lib

setup() { world; }
teardown() { end_world; }

engine() { pgrep -P "$DAEMON" -x coppice-engine; }
another_engine() { local e; e=$(engine) && [ -n "$e" ] && [ "$e" != "$1" ]; }

# Kill the engine and wait until the next one answers.
kill_engine() {
        local before
        before=$(engine)
        kill -KILL "$before"
        wait_for "$PATIENCE" another_engine "$before"
        wait_for "$PATIENCE" ctl status /
}

@test "H16: services do not notice that the engine was killed, and are supervised as before" {
        service web "ExecStart=/bin/sleep 1000" "StandardOutput=null" "StandardError=null"
        service db "ExecStart=/bin/sleep 1000" "StandardOutput=null" "StandardError=null"
        start_daemon
        wait_state /web running
        wait_state /db running
        local web db
        web=$(pid_of /web) db=$(pid_of /db)
        kill_engine
        assert_eq "$(pid_of /web)" "$web"
        assert_eq "$(pid_of /db)" "$db"
        kill -KILL "$web"
        wait_restart /web "$web"
        wait_state /web running
        assert_eq "$(pid_of /db)" "$db"
        assert_eq "$(field /web .restarts)" 1
        stop_daemon 0
}
