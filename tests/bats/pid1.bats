#!/usr/bin/env bats
# coppiced as PID 1 of a container (FAILURES J).
load lib

setup()    { world; skip_unless pidns; }
teardown() { end_world; }

coppiced_in_world() { daemon_command "$@"; launch_pid1 "${DAEMON_COMMAND[@]}"; }
sleeper() { service "$1" "ExecStart=/bin/sleep 1000" "StandardOutput=null" "${@:2}"; }
answers() { wait_for "$PATIENCE" daemon_answers; }

@test "J1: orphans are reaped" {
        script orphans <<-SH
                for i in 1 2 3 4 5; do (sh -c 'sleep 0 & exec true' &); done
                : >$W/done
                exec sleep 1000
	SH
        service web "ExecStart=$W/orphans"
        coppiced_in_world
        answers
        wait_file "$W/done"
        no_zombies() { local p; for p in $(descendants_of "$BOX"); do [ "$(process_state "$p")" != Z ] || return 1; done; }
        wait_for "$PATIENCE" no_zombies
        signal_pid1 TERM
        pid1_ends 0
}

@test "J2: each of TERM INT QUIT PWR RTMIN+3 ends it in order" {
        local signal
        for signal in TERM INT QUIT PWR RTMIN+3; do
                sleeper web
                coppiced_in_world
                answers
                wait_state /web running
                signal_pid1 $signal
                pid1_ends 0
        done
}

@test "J2: HUP, USR1 and USR2 do not end it" {
        sleeper web
        coppiced_in_world
        answers
        wait_state /web running
        local signal
        for signal in HUP USR1 USR2; do signal_pid1 $signal; done
        wait_line "$W/daemon.log" "^coppiced: .*/web: running"
        wait_for "$PATIENCE" daemon_answers
        assert_eq "$(state_of /web)" running
        signal_pid1 TERM
        pid1_ends 0
}

@test "J5: the exit code of a command is the container's" {
        coppiced_in_world -- /bin/sh -c 'exit 7'
        pid1_ends 7
}

@test "J5: a command killed by a signal is 128 and its number" {
        coppiced_in_world -- /bin/sh -c 'kill -SEGV $$'
        pid1_ends 139
}

@test "J5: a command that is not there is an error of the start" {
        coppiced_in_world -- /nonexistent
        local status=0
        wait_for "$PATIENCE" process_gone "$DAEMON"
        wait "$DAEMON" || status=$?
        DAEMON=
        [ $status != 0 ]
        grep -q /nonexistent "$W/daemon.log"
}

@test "a command gets the environment, directory, input and output of the daemon" {
        cd "$W"
        MY_OWN="a b'c" coppiced_in_world -- /bin/sh -c 'echo "[$MY_OWN] [$PWD] [$1]"' sh 'a "quoted" %word $HOME'
        pid1_ends 0
        run cat "$W/daemon.log"
        assert_output_has "[a b'c] [$W] [a \"quoted\" %word \$HOME]"
}

@test "J5: TERM ends the command and its code is the container's" {
        coppiced_in_world -- /bin/sh -c 'trap "exit 5" TERM; while :; do sleep 1000 & wait; done'
        answers
        wait_state /main running
        signal_pid1 TERM
        pid1_ends 5
}

@test "J6: what a service wrote last is in its log when PID 1 has exited" {
        service web "ExecStart=/bin/sh -c 'trap \"echo last words; exit 0\" TERM; while :; do sleep 1000 & wait; done'" "LogFormat=raw"
        coppiced_in_world --log-target=file
        answers
        wait_state /web running
        signal_pid1 TERM
        pid1_ends 0
        run cat "$W/logs/web/current"
        assert_output_has "last words"
}

@test "in a container what services write comes out prefixed with their names" {
        service web "ExecStart=/bin/echo hello world" "Restart=temporary"
        coppiced_in_world --log-target=console
        answers
        wait_line "$W/daemon.log" "web.*hello world"
        signal_pid1 TERM
        pid1_ends 0
}

@test "J11: with a read-only root and no runtime directory it runs without a control socket" {
        skip_unless bwrap
        service web "ExecStart=/bin/sh -c 'echo up >$W/up; exec sleep 1000'"
        launch_boxed -- "$COPPICED" --units "$W/units" --runtime-dir /proc/nowhere --log-dir "$W/logs" --state-dir "$W/state"
        wait_file "$W/up"
        wait_line "$W/daemon.log" "without a control socket"
        signal_pid1 TERM
        pid1_ends 0
}

@test "J12: without /proc and /sys services start, are restarted and stopped" {
        skip_unless bwrap
        service web "ExecStart=/bin/sh -c 'echo \$\$ >>$W/pids; exec sleep 1000'" "RestartSec=0"
        bwrap --unshare-pid --as-pid-1 --ro-bind / / --tmpfs /proc --tmpfs /sys --dev /dev --tmpfs /tmp --bind "$W" "$W" \
              "$COPPICED" --units "$W/units" --runtime-dir "$W/run" --log-dir "$W/logs" --state-dir "$W/state" \
              >"$W/daemon.log" 2>&1 3>&- </dev/null &
        held_by $!
        answers
        wait_state /web running
        ctl kill /web --signal KILL
        two_lives() { [ "$(wc -l <"$W/pids" 2>/dev/null)" = 2 ]; }
        wait_for "$PATIENCE" two_lives
        signal_pid1 TERM
        pid1_ends 0
}
