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

@test "NotifyFd=: what is ready before init has told its pid is running only when it has one" {
        skip_unless tracing
        service writes "NotifyFd=3" "RestartSec=0" "ExecStart=/bin/sh -c 'echo >&3; : >$W/written; exec sleep 1000'"
        start_daemon
        wait_state /writes running
        ctl stop /writes
        rm "$W/written"
        # The first question makes sure that the second is answered after the pipe was looked at.
        "$BUILD/tests/programs/mute" "$DAEMON" "$CTL start --no-block /writes" \
                "until [ -e $W/written ]; do :; done; $CTL list >&2 && $CTL status --json /writes >$W/early"
        assert_eq "$(jq -r '"\(.state) \(.main_pid)"' "$W/early")" "starting null"
        wait_state /writes running
        (( $(field /writes .main_pid) > 1 ))
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

@test "a condition that is not met is named with its line" {
        unit web.service <<-UNIT
                [Unit]
                ConditionPathExists=/etc
                ConditionPathExists=/nonexistent
                [Service]
                ExecStart=/bin/sleep 1000
	UNIT
        start_daemon
        wait_state /web inactive
        run ctl why /web
        assert_output_has "ConditionPathExists is not met (ConditionPathExists=/nonexistent, web.service:3)"
        stop_daemon 0
}

@test "a reload that fails says which command failed, and in which line" {
        service web "ExecStart=/bin/sleep 1000" "ExecReload=/bin/false"
        service none "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /web running
        wait_state /none running
        run ctl reload /web
        assert_status 1
        assert_output_has "web.service:3"
        run ctl reload /none
        assert_status 1
        assert_output_has "ExecReload="
        stop_daemon 0
}

@test "SendSIGKILL=no leaves who does not end, and says so" {
        service stays "ExecStart=/bin/sh -c 'trap \"\" TERM; : >$W/up; while :; do sleep 1000; done'" "SendSIGKILL=no" \
                "TimeoutStopSec=100ms"
        start_daemon --stop-timeout=1s
        wait_file "$W/up"
        run ctl stop /stays
        assert_status 1
        refute_output_has SIGKILL
        run ctl why /stays
        assert_output_has "SendSIGKILL=no"
        stop_daemon 0
}

@test "After= between units of different supervisors orders the branches; a circle of branches is told with its line" {
        unit front.supervisor <<<$'[Supervisor]\nChildren=app.service'
        unit back.supervisor <<<$'[Supervisor]\nChildren=db.service'
        unit app.service <<<$'[Unit]\nAfter=db.service\n[Service]\nExecStart=/bin/sleep 1000'
        mkfifo "$W/go"
        unit db.service <<<$'[Service]\nType=notify\nExecStart=/bin/sh -c \'cat '"$W/go; exec $TELL"$' READY=1 -- sleep 1000\''
        start_daemon
        wait_state /back/db starting
        assert_eq "$(state_of /front/app)" inactive
        run ctl why /front
        assert_output_has "its start waits for /back"
        knock "$W/go"
        wait_state /front/app running
        stop_daemon 0
        sed -i '1i [Unit]\nAfter=app.service' "$W/units/db.service"
        run ctl verify --units "$W/units"
        assert_status 1
        assert_output_has "each waits for the next: "
        assert_output_has "back.supervisor -> front.supervisor"
        assert_output_has ".service:2: error"
}
