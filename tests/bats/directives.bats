#!/usr/bin/env bats
# What directives do, each seen in a service that has it.
load lib

setup()    { world; TELL=$BUILD/tests/programs/tell PROBE=$BUILD/tests/programs/probe; }
teardown() { end_world; }

all_running() { [ "$(ctl list --json | jq '[.[] | select(.type == "service" and .state != "running")] | length')" = 0 ]; }

@test "readiness told before init has told the pid is believed: a hundred starts at once" {
        local i
        for i in $(seq 50); do
                service "tells$i" "Type=notify" "ExecStart=$TELL READY=1 -- /bin/sleep 1000" "StandardOutput=null" "RestartSec=0"
                service "writes$i" "NotifyFd=3" "ExecStart=/bin/sh -c 'echo >&3; exec sleep 1000'" "StandardOutput=null"
        done
        start_daemon
        wait_for "$PATIENCE" all_running
        stop_daemon 0
}
