#!/usr/bin/env bats
# Odd moments: an engine that was stopped, clocks that jump, processes that are neither alive nor gone, pids that come again.
load lib
load chaos

setup()    { world; ODDITY=$BUILD/tests/programs/oddity; }
teardown() {
        if [ -n "${HOLDER:-}" ]; then exec {hold}>&-; fi
        end_world
}

engine() { pgrep -P "$DAEMON" -x coppice-engine; }
passed() { (( ${EPOCHREALTIME/./} > $1 )); }
is_zombie() { [ "$(process_state "$1")" = Z ]; }
deaths_of() { ctl deaths "$1" --json | jq -r '.[].reason'; }

@test "I8: what happened while the engine was stopped comes before what became due meanwhile" {
        mkfifo "$W/gate"
        service quick Restart=temporary RuntimeMaxSec=4s "ExecStart=/bin/sh -c 'read x <$W/gate; exit 7'"
        service late Restart=temporary RuntimeMaxSec=4s "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /quick running
        wait_state /late running
        local e pid due
        e=$(engine) pid=$(pid_of /quick)
        exec {gate}<>"$W/gate"                  # never waits for a reader
        kill -STOP "$e"
        due=$(( ${EPOCHREALTIME/./} + 4100000 ))
        echo go >&"$gate"
        wait_for "$PATIENCE" process_gone "$pid"
        wait_for "$PATIENCE" passed "$due"
        kill -CONT "$e"
        wait_for "$PATIENCE" has_state /quick failed
        wait_for "$PATIENCE" has_state /late failed
        assert_eq "$(field /quick .last_reason)" exit:7
        assert_eq "$(field /late .last_reason)" timeout
        stop_daemon 0
}

@test "F4: somebody who follows a log and does not read it holds up nobody" {
        service loud "ExecStart=/usr/bin/yes 0123456789012345678901234567890123456789"
        service calm "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /loud running
        mkfifo "$W/follow"
        ctl logs --follow /loud >"$W/follow" 2>/dev/null 3>&- &
        local follower=$! pid
        exec {unread}<"$W/follow"
        log_grew() { [ "$(stat -c %s "$W/logs/loud/current" 2>/dev/null || echo 0)" -gt 1000000 ] || compgen -G "$W/logs/loud/@*" >/dev/null; }
        wait_for "$PATIENCE" log_grew
        pid=$(pid_of /calm)
        kill -KILL "$pid"
        wait_restart /calm "$pid"
        kill "$follower"
        exec {unread}<&-
        wait "$follower" || :
        stop_daemon 0
}

@test "H15: a service whose unit file is gone goes on until it is stopped, and status says so" {
        service orphan RestartSec=0 "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /orphan running
        local pid
        pid=$(pid_of /orphan)
        rm "$W/units/orphan.service"
        kill -KILL "$pid"
        wait_restart /orphan "$pid"
        run ctl diff
        assert_output_has orphan
        pid=$(pid_of /orphan)
        ctl daemon-reload
        assert_eq "$(pid_of /orphan)" "$pid"
        run ctl status /orphan
        assert_output_has "is no longer there"
        ctl stop /orphan
        run ctl status /orphan
        [ "$status" -ne 0 ]
        stop_daemon 0
}

@test "B13: an end is an end, also when somebody who left the service holds its log" {
        script leaver <<-SH
		sleep 1000 &
		echo \$! >"$W/left.tmp"; mv "$W/left.tmp" "$W/left"
		read -r x <"$W/gate"
		exit 3
	SH
        mkfifo "$W/gate"
        service leaver Restart=temporary "ExecStart=$W/leaver"
        start_daemon
        wait_file "$W/left"
        local left group
        left=$(cat "$W/left") group=$(field /leaver .cgroup)
        [ -n "$group" ] || skip "without control groups nobody leaves a service but by changing all it is known by"
        [ "$(id -u)" = 0 ] || skip "needs root to take a process out of its group"
        echo "$left" >"$(dirname "$group")/cgroup.procs" 2>/dev/null || echo "$left" >"$(cgroup_dir self)/cgroup.procs"
        knock "$W/gate" go
        wait_for "$PATIENCE" has_state /leaver failed
        assert_eq "$(field /leaver .last_reason)" exit:3
        kill -0 "$left" # it lives
        kill "$left"
        stop_daemon 0
}

@test "A12: a service whose first thread has ended lives as long as another one does" {
        service threads RestartSec=0 "ExecStart=$ODDITY leaderless"
        start_daemon
        wait_state /threads running
        local pid
        pid=$(pid_of /threads)
        wait_for "$PATIENCE" is_zombie "$pid"
        assert_eq "$(state_of /threads)" running
        assert_eq "$(field /threads .restarts)" 0
        kill -KILL "$pid"
        wait_restart /threads "$pid"
        assert_eq "$(deaths_of /threads)" signal:KILL
        stop_daemon 0
}

@test "B6: a dead process that a tracer keeps is said to be stuck, costs nothing, and is done with when it is let go" {
        service pinned TimeoutStopSec=200ms "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /pinned running
        local pid before
        pid=$(pid_of /pinned)
        mkfifo "$W/hold"
        "$ODDITY" hold "$pid" <"$W/hold" >"$W/held" 3>&- &
        HOLDER=$!
        exec {hold}>"$W/hold"
        wait_for "$PATIENCE" held_or_gone
        file_has "$W/held" held || skip "processes cannot be traced here"
        ctl stop --no-block /pinned
        wait_line "$W/held" died
        wait_for "$PATIENCE" file_has "$W/daemon.log" "/pinned: processes are left that do not end"
        before=$(awk '/^nonvoluntary|^voluntary/ { n += $2 } END { print n }' "/proc/$(engine)/status")
        wait_for "$PATIENCE" passed $(( ${EPOCHREALTIME/./} + 500000 ))
        (( $(awk '/^nonvoluntary|^voluntary/ { n += $2 } END { print n }' "/proc/$(engine)/status") - before < 20 ))
        exec {hold}>&-
        HOLDER=
        wait_for "$PATIENCE" has_state /pinned inactive
        stop_daemon 0
}

held_or_gone() { file_has "$W/held" held || process_gone "$HOLDER"; }

@test "C13, C14: what restarts have been counted stays counted over a reload and another engine" {
        printf '[Supervisor]\nMaxRestarts=3\nMaxRestartsSec=1h\nEscalation=isolate\n' | unit root.supervisor
        service web RestartSec=0 "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /web running
        local pid
        fell() { pid=$(pid_of /web); kill -KILL "$pid"; }
        fell; wait_restart /web "$pid"
        echo "RestartSec=1ms" >>"$W/units/web.service"
        ctl daemon-reload
        fell; wait_restart /web "$pid"
        ctl daemon-reexec
        fell; wait_restart /web "$pid"
        assert_eq "$(field /web .restarts)" 3
        fell; wait_state /web failed
        ctl reset-failed /web
        ctl start /web
        fell; wait_restart /web "$pid"
        stop_daemon 0
}

@test "J8, J10: when coppiced is killed its services end with it, and the next one finds nothing of them" {
        script family <<-SH
		setsid sleep 1000 &
		echo \$! >"$W/child.tmp"; mv "$W/child.tmp" "$W/child"
		wait
	SH
        service family "ExecStart=$W/family"
        start_daemon
        wait_file "$W/child"
        local child main group promised
        child=$(cat "$W/child") main=$(pid_of /family) group=$(field /family .cgroup)
        promised=$( { ctl doctor --json || :; } 2>/dev/null | jq -r '.environment[] | select(.what == "coppiced is killed") | .state')
        kill -KILL "$DAEMON"
        wait_for "$PATIENCE" process_gone "$main"
        wait "$DAEMON" || :
        wait_for "$PATIENCE" lock_is_free
        rm "$W/child"
        start_daemon
        wait_file "$W/child"
        if [ -n "$group" ]; then
                wait_for "$PATIENCE" process_gone "$child"
                assert_eq "$promised" yes
        else
                [ "$child" -gt 1 ] && kill "$child" # it has left its session, and no group tells whose it was
                assert_eq "$promised" partly
        fi
        stop_daemon 0
}

# In the virtual machine only: there the clock and the pids are ours.
@test "I6: the time of day jumps by days, and no timer moves" {
        [ -n "${COPPICE_VM:-}" ] || skip "sets the clock of the machine"
        service slow RestartSec=1h "ExecStart=/bin/false"
        service long RuntimeMaxSec=1h "ExecStart=/bin/sleep 1000"
        service fast RestartSec=50ms "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /slow backoff
        wait_state /long running
        wait_state /fast running
        local jump pid long
        long=$(pid_of /long)
        for jump in 172800 -345600 172800; do
                date -s "@$(( $(date +%s) + jump ))" >/dev/null
                pid=$(pid_of /fast)
                kill -KILL "$pid"
                wait_restart /fast "$pid"
        done
        assert_eq "$(state_of /slow)" backoff
        assert_eq "$(incarnation_of /slow)" 1
        assert_eq "$(pid_of /long)" "$long"
        stop_daemon 0
}

@test "A7, A8: where pids come again at once no stranger is signalled, not by another engine either" {
        [ -n "${COPPICE_VM:-}" ] || skip "makes the pids of the machine few"
        local i pid round strangers=()
        for i in 1 2 3 4; do service "s$i" RestartSec=0 "ExecStart=/bin/sleep 1000"; done
        printf '[Supervisor]\nMaxRestarts=1000000\n' | unit root.supervisor
        export COPPICE_ENGINE_PAUSE_MAX_MS=1
        echo 400 >/proc/sys/kernel/pid_max
        start_daemon
        for i in 1 2 3 4; do wait_state "/s$i" running; done
        for round in 1 2 3; do
                for i in 1 2 3 4; do kill -KILL "$(pid_of "/s$i")"; done
                kill -KILL "$(engine)"
                for i in {1..150}; do (exit 0); done      # all pids have been others' by now
                for i in 1 2 3 4 5 6; do sleep 1000 3>&- & strangers+=($!); done
                for i in 1 2 3 4; do
                        wait_for "$PATIENCE" ctl restart "/s$i"
                        wait_state "/s$i" running
                done
        done
        for pid in "${strangers[@]}"; do
                [ "$(process_state "$pid")" = S ]
                kill "$pid"
        done
        stop_daemon 0
}
