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

lines_of() { [ "$(wc -l <"$1" 2>/dev/null)" = "$2" ]; }

@test "a service whose group was killed lives on after its restart" {
        service killed "ExecStart=/bin/sh -c 'echo up >>$W/ups; exec sleep 1000'" "RestartSec=0"
        service stubborn "ExecStart=/bin/sh -c 'trap \"\" TERM; echo up >>$W/stubborn; while :; do sleep 1000; done'" \
                "TimeoutStopSec=100ms"
        start_daemon
        wait_line "$W/ups" up
        wait_line "$W/stubborn" up
        ctl exit /killed killed
        wait_for "$PATIENCE" lines_of "$W/ups" 2
        assert_eq "$(incarnation_of /killed)" 2
        ctl restart /stubborn
        wait_for "$PATIENCE" lines_of "$W/stubborn" 2
        assert_eq "$(incarnation_of /stubborn)" 2
        stop_daemon 0
}
