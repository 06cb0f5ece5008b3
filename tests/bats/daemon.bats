#!/usr/bin/env bats
# The daemon against the real world: processes, stops, signals. Names begin with the row of FAILURES they cover.
load lib

setup()    { world; }
teardown() { end_world; }

sleeper() { service "$1" "ExecStart=/bin/sleep 1000" "StandardOutput=null" "${@:2}"; }
parent_of() { awk '/^PPid:/ { print $2 }' "/proc/$1/status"; }
is_state() { [ "$(process_state "$1")" = "$2" ]; }
# ends_within SECONDS [STATUS]: as daemon_ends, and in time.
ends_within() {
        local before=${EPOCHREALTIME/./}
        wait_for "$PATIENCE" process_gone "$DAEMON" || return 1
        local took=$(( (${EPOCHREALTIME/./} - before) / 1000 ))
        [ $took -lt $(( $1 * 1000 )) ] || { echo "took $took ms"; return 1; }
        daemon_ends "${2:-0}"
}
line_count_is() { [ "$(wc -l <"$1" 2>/dev/null)" = "$2" ]; }

@test "a service starts with the daemon, is replaced when killed, and is gone with it" {
        sleeper web "RestartSec=0"
        start_daemon
        wait_state /web running
        local pid; pid=$(pid_of /web)
        kill -KILL "$pid"
        wait_restart /web "$pid"
        stop_daemon 0
}

@test "a program that is not there names stage, cause and line" {
        service web "ExecStart=/nonexistent/program" "Restart=temporary"
        start_daemon
        wait_line "$W/daemon.log" "EXEC"
        run cat "$W/daemon.log"
        assert_output_has "/nonexistent/program"
        assert_output_has "No such file or directory"
        assert_output_has "web.service:2"
}

@test "one bad unit does not keep the others from starting" {
        sleeper good
        service bad "ExecStart=/bin/true" "Nonsense=yes"
        start_daemon
        wait_state /good running
        run cat "$W/daemon.log"
        assert_output_has "Nonsense"
        assert_output_has "bad.service"
}

@test "A10: a forking service is the process that PIDFile= names, and lives as long" {
        script fork <<-SH
                setsid sleep 1000 >/dev/null 2>&1 </dev/null &
                setsid sleep 1001 >/dev/null 2>&1 </dev/null &
                echo \$! >$W/pid.new && mv $W/pid.new $W/pid
                exit 0
	SH
        service forked "Type=forking" "ExecStart=$W/fork" "PIDFile=$W/pid" "RestartSec=0"
        start_daemon
        wait_state /forked running
        local pid; pid=$(pid_of /forked)
        assert_eq "$pid" "$(cat "$W/pid")"
        kill -KILL "$pid"
        wait_restart /forked "$pid"
        stop_daemon 0
}

@test "A10: without PIDFile= the main process is the only one left, and with several the service lives as long as any" {
        skip_unless cgroup2
        script fork <<-SH
                for i in \$@; do setsid sleep \$i >/dev/null 2>&1 </dev/null & done
                exit 0
	SH
        service one "Type=forking" "ExecStart=$W/fork 1000" "RestartSec=0"
        service two "Type=forking" "ExecStart=$W/fork 1001 1002" "Restart=no"
        service none "Type=forking" "ExecStart=/bin/true" "Restart=no" "RemainAfterExit=yes"
        start_daemon
        for n in one two none; do wait_state /$n running; done
        local pid; pid=$(pid_of /one)
        assert_eq "$(field /one '.processes | join(" ")')" "$pid"
        kill -KILL "$pid"
        wait_restart /one "$pid"
        local pids; pids=($(field /two '.processes | join(" ")'))
        assert_eq "${#pids[@]} $(field /two .main_pid)" "2 "
        kill -KILL "${pids[0]}"
        wait_for "$PATIENCE" process_gone "${pids[0]}"
        wait_state /two running
        kill -KILL "${pids[1]}"
        wait_state /two finished
        ctl stop /none
        stop_daemon 0
}

@test "A11: orphans of a service become children of coppiced and are stopped with it" {
        script parent <<-SH
                (setsid sh -c 'echo \$\$ >$W/orphan.new; mv $W/orphan.new $W/orphan; exec sleep 1000' &)
                exec sleep 1000
	SH
        service web "ExecStart=$W/parent"
        start_daemon
        wait_file "$W/orphan"
        local orphan; orphan=$(cat "$W/orphan")
        is_child() { [ "$(parent_of "$orphan")" = "$DAEMON" ]; }
        wait_for "$PATIENCE" is_child
        ctl stop /web
        wait_for "$PATIENCE" process_gone "$orphan"
        stop_daemon 0
}

@test "A14: starts and stops without waiting for either leave nothing behind and nothing stuck" {
        sleeper web
        start_daemon
        local i
        for i in $(seq 100); do
                ctl stop --no-block /web
                ctl start --no-block /web
        done
        ctl stop /web
        assert_eq "$(state_of /web)" inactive
        ctl start /web
        wait_state /web running
        stop_daemon 0
}

@test "A15: processes that leave session and group are stopped all the same" {
        script spread <<-SH
                for i in 1 2 3 4 5; do setsid sh -c 'trap "" TERM; echo \$\$ >>$W/pids; while :; do sleep 1000; done' & done
                exec sleep 1000
	SH
        service web "ExecStart=$W/spread" "TimeoutStopSec=200ms"
        start_daemon
        wait_for "$PATIENCE" line_count_is "$W/pids" 5
        ctl stop /web
        local pid
        for pid in $(cat "$W/pids"); do process_gone "$pid"; done
        stop_daemon 0
}

@test "A16: a stopped process can be stopped" {
        sleeper web "TimeoutStopSec=60s"
        start_daemon
        wait_state /web running
        local pid; pid=$(pid_of /web)
        kill -STOP "$pid"
        wait_for "$PATIENCE" is_state "$pid" T
        SECONDS=0
        ctl stop /web
        [ $SECONDS -lt 30 ]
        stop_daemon 0
}

@test "B1: a service that ignores TERM is killed when its time is up" {
        script stubborn <<-SH
                trap '' TERM
                : >$W/ready
                while :; do sleep 1000; done
	SH
        service web "ExecStart=$W/stubborn" "TimeoutStopSec=300ms"
        start_daemon
        wait_file "$W/ready"
        local before=${EPOCHREALTIME/./}
        ctl stop /web
        local took=$(( (${EPOCHREALTIME/./} - before) / 1000 ))
        [ $took -ge 300 ] && [ $took -lt 8000 ] || { echo "took $took ms"; return 1; }
        stop_daemon 0
}

@test "B2: a service that forks all the time is stopped as a whole" {
        script bomb <<-SH
                trap '' TERM
                : >$W/ready
                i=0
                while [ \$i -lt 400 ]; do
                        (trap '' TERM; while :; do sleep 1000; done) &
                        i=\$((i + 1))
                done
                while :; do sleep 1000; done
	SH
        service web "ExecStart=$W/bomb" "TimeoutStopSec=50ms"
        start_daemon
        wait_file "$W/ready"
        ctl stop /web
        assert_eq "$(state_of /web)" inactive
        stop_daemon 0
}

@test "B11: a shutdown does not wait for a service that is still starting" {
        service web "Type=notify" "ExecStart=/bin/sleep 1000" "TimeoutStartSec=90s"
        start_daemon
        wait_state /web starting
        remember_processes
        kill -TERM "$DAEMON"
        ends_within 20
}

@test "B12: an ExecStopPost= that hangs has a timeout of its own" {
        service web "ExecStart=/bin/sleep 1000" "ExecStopPost=/bin/sleep 1000" "TimeoutStopSec=300ms"
        start_daemon
        wait_state /web running
        SECONDS=0
        ctl stop /web || :
        [ $SECONDS -lt 8 ]
        stop_daemon 0
}

@test "J4: a shutdown that a service resists ends within --stop-timeout" {
        script stubborn <<-SH
                trap '' TERM
                : >$W/ready
                while :; do sleep 1000; done
	SH
        service web "ExecStart=$W/stubborn" "TimeoutStopSec=60s"
        start_daemon --stop-timeout=1s
        wait_file "$W/ready"
        remember_processes
        kill -TERM "$DAEMON"
        ends_within 20
}

@test "J4, C16: children stop before what they depend on, in reverse order of their start" {
        script worker <<-SH
                trap 'echo stop \$1 >>$W/order; exit 0' TERM
                : >$W/up.\$1
                while :; do sleep 1000 & wait; done
	SH
        local n
        for n in a b c; do service $n "ExecStart=$W/worker $n"; done
        unit shop.supervisor <<-'U'
                [Supervisor]
                Strategy=rest_for_one
                Children=a.service b.service c.service
	U
        start_daemon
        wait_state /shop/c running
        for n in a b c; do wait_file "$W/up.$n"; done
        stop_daemon 0
        assert_eq "$(tr '\n' ' ' <"$W/order")" "stop c stop b stop a "
}

@test "J3: a second TERM leaves only a short grace" {
        script stubborn <<-SH
                trap '' TERM
                : >$W/ready
                while :; do sleep 1000; done
	SH
        service web "ExecStart=$W/stubborn" "TimeoutStopSec=60s"
        start_daemon --stop-timeout=60s
        wait_file "$W/ready"
        remember_processes
        kill -TERM "$DAEMON"
        wait_line "$W/daemon.log" "signal TERM"
        kill -TERM "$DAEMON"
        ends_within 20
}

@test "HUP reads the units again" {
        sleeper web
        start_daemon
        wait_state /web running
        sleeper late
        kill -HUP "$DAEMON"
        wait_state /late running
        stop_daemon 0
}

@test "J19: HUP during a shutdown is ignored" {
        script slow <<-SH
                trap '' TERM
                : >$W/ready
                while :; do sleep 1000; done
	SH
        service web "ExecStart=$W/slow" "TimeoutStopSec=60s"
        start_daemon --stop-timeout=60s
        wait_file "$W/ready"
        remember_processes
        kill -TERM "$DAEMON"
        wait_line "$W/daemon.log" "signal TERM"
        sleeper late
        kill -HUP "$DAEMON"
        ctl version
        ctl kill /web --signal KILL
        daemon_ends 0
        refute grep daemon-reload "$W/daemon.log"
}

@test "J20: a start during a shutdown is refused" {
        script slow <<-SH
                trap '' TERM
                : >$W/ready
                while :; do sleep 1000; done
	SH
        service web "ExecStart=$W/slow" "TimeoutStopSec=60s"
        sleeper other
        start_daemon --stop-timeout=60s
        wait_file "$W/ready"
        wait_state /other running
        ctl stop /other
        remember_processes
        kill -TERM "$DAEMON"
        wait_line "$W/daemon.log" "signal TERM"
        run ctl start /other
        assert_status 1
        ctl kill /web --signal KILL
        daemon_ends 0
}

@test "A10: a PIDFile= that names init, nothing or a stranger is refused by name and value, in the log and in why" {
        skip_unless root
        script fork <<-SH
                setsid sleep 1000 >/dev/null 2>&1 </dev/null &
                cat $W/says >$W/pid
                [ ! -e $W/owner ] || chown nobody $W/pid
                exit 0
	SH
        service forked "Type=forking" "ExecStart=$W/fork" "PIDFile=$W/pid" "RestartSec=0" "TimeoutStartSec=3s" "Restart=no"
        echo 1 >"$W/says"
        start_daemon
        wait_line "$W/daemon.log" "/forked: RESOURCES: read pid file $W/pid: \"1\" is not the number of a process that a service may have (.*forked.service:4;"
        wait_state /forked failed
        run ctl why /forked
        assert_output_has "read pid file $W/pid: \"1\" is not"
        echo $$ >"$W/says"
        : >"$W/owner"
        run ctl start /forked
        assert_status 1
        assert_output_has "trust pid file $W/pid: process $$ is not of this service"
        stop_daemon 0
}

@test "A7: a PID file that names the main process of another service is refused, and that one lives on" {
        local victim told
        mkfifo "$W/told"
        exec {told}<>"$W/told"
        script fork <<-SH
                read pid <$W/told
                echo \$pid >$W/pid
	SH
        service victim "ExecStart=/bin/sleep 1000"
        service thief "Type=forking" "ExecStart=$W/fork" "PIDFile=$W/pid" "Restart=no"
        start_daemon
        wait_state /victim running
        victim=$(pid_of /victim)
        echo "$victim" >&"$told"
        wait_line "$W/daemon.log" "trust pid file $W/pid: process $victim is another"
        run ctl stop /thief
        kill -0 "$victim"
        stop_daemon 0
}

@test "nothing stays in the runtime directory after a shutdown" {
        service web "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /web running
        [ -e "$W/run/lock" ]
        stop_daemon 0
        assert_eq "$(ls -A "$W/run")" ""
}

@test "G10: a second daemon on the same runtime directory ends with 100 and names the first" {
        sleeper web
        start_daemon
        wait_state /web running
        local pid; pid=$(pid_of /web)
        daemon_command
        run "${DAEMON_COMMAND[@]}"
        assert_status 100
        assert_output_has "$W/run"
        assert_eq "$(pid_of /web)" "$pid"
        stop_daemon 0
}

@test "an idle daemon does not wake up" {
        sleeper web
        start_daemon
        wait_state /web running
        local engine before
        engine=$(pgrep -P "$DAEMON" -x coppice-engine)
        switches() { awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$engine/status" "/proc/$DAEMON/status"; }
        is_settled() { local a; a=$(switches); read -r -t 0.3 -u "$QUIET" _ || :; [ "$a" = "$(switches)" ]; }
        wait_for "$PATIENCE" is_settled
        before=$(switches)
        read -r -t 2 -u "$QUIET" _ || :
        assert_eq "$(switches)" "$before"
        stop_daemon 0
}

@test "D8: init, engine and log writer are spared when memory runs out, services are not" {
        sh -c 'echo -900 >/proc/self/oom_score_adj' 2>/dev/null || skip "needs the right to lower oom_score_adj (CAP_SYS_RESOURCE)"
        service plain "ExecStart=/bin/sh -c 'echo up; exec sleep 1000'"
        service raised "ExecStart=/bin/sleep 1000" "OOMScoreAdjust=321"
        start_daemon
        wait_state /plain running
        wait_state /raised running
        local pid
        assert_eq "$(cat "/proc/$DAEMON/oom_score_adj")" -900
        for pid in $(cat "/proc/$DAEMON/task/$DAEMON/children"); do
                [[ $(cat "/proc/$pid/comm") != coppice-* ]] || assert_eq "$(cat "/proc/$pid/oom_score_adj")" -900
        done
        spared() { [ "$(cat "/proc/$(pid_of "$1")/oom_score_adj")" = "$2" ]; }
        wait_for "$PATIENCE" spared /plain "$(cat /proc/self/oom_score_adj)"    # a step of the child's, behind its fork
        wait_for "$PATIENCE" spared /raised 321
        stop_daemon 0
}

@test "C12: that everything is given up is said also where a crash loop has used up the lines of the second" {
        printf '[Supervisor]\nMaxRestarts=0\nEscalation=escalate\nChildren=loop.supervisor\n' | unit root.supervisor
        printf '[Supervisor]\nMaxRestarts=40\nMaxRestartsSec=10min\nChildren=broken.service\n' | unit loop.supervisor
        service broken "ExecStart=/bin/false" RestartSec=0
        start_daemon
        daemon_ends 70
        file_has "$W/daemon.log" "/: /loop would need restart 1 within 10 s: gives up"
}
