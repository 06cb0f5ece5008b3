# PID 1 of a container: FAILURES J. Each test runs coppiced as PID 1 of a pid namespace of its own, most of them under
# bubblewrap with a read-only root as a container runtime would.
load lib

setup() { world; skip_unless pidns; }
teardown() { end_world; }

# contained [OPTION...] [-- CMD...]: coppiced as PID 1 with the units of this world; back when it answers.
contained() {
        launch_contained "$@"
        wait_for "$PATIENCE" contained_answers || { echo "coppiced does not answer"; show_logs; return 1; }
}
launch_contained() { daemon_command "$@"; launch_pid1 "${DAEMON_COMMAND[@]}"; }
contained_answers() { process_gone "$BOX" || daemon_answers; }

# A service that notes its end in $W/order, and one that does not want to end. A shell that waits for a child of its
# own misses no signal; one that opens a fifo does, when the signal comes just before it sleeps in open.
polite() { service "$1" "$2" "ExecStart=/bin/sh -c 'trap \"echo $1 >>$W/order; exit 0\" TERM; echo up >>$W/$1.up; while :; do sleep 1000 & wait; done'"; }
stubborn() { service "$1" TimeoutStopSec=60s "ExecStart=/bin/sh -c 'trap \"\" TERM; echo up >>$W/$1.up; while :; do sleep 1000 & wait; done'"; }
milliseconds() { echo $(( ${EPOCHREALTIME/./} / 1000 )); }
# took_less_than MS SINCE
took_less_than() { local t=$(( $(milliseconds) - $2 )); (( t < $1 )) || { echo "took $t ms, not less than $1"; return 1; }; }

zombies_of() { local c; for c in $(cat /proc/"$1"/task/*/children 2>/dev/null); do [ "$(process_state "$c")" != Z ] || echo "$c"; done; }
no_zombies() { [ -z "$(zombies_of "$INNER")" ]; }

@test "J1: orphans of services are adopted and reaped" {
        script breeder <<EOF
i=0
while [ \$i -lt 30 ]; do ( setsid /bin/sh -c 'exit 3' & ) ; i=\$((i + 1)); done
echo done >"$W/bred"
exec sleep infinity
EOF
        service breeder "ExecStart=$W/breeder"
        contained
        wait_file "$W/bred"
        wait_for "$PATIENCE" no_zombies
        signal_pid1 TERM
        pid1_ends 0
}

stops_on() {
        polite one Restart=permanent
        contained
        wait_file "$W/one.up"
        signal_pid1 "$1"
        pid1_ends 0
        [ "$(cat "$W/order")" = one ]
}
@test "J2: TERM from outside is an orderly shutdown" { stops_on TERM; }
@test "J2: INT from outside is an orderly shutdown" { stops_on INT; }
@test "J2: QUIT from outside is an orderly shutdown" { stops_on QUIT; }
@test "J2: PWR from outside is an orderly shutdown" { stops_on PWR; }
@test "J2, J3: RTMIN+3 from outside is an orderly shutdown" { stops_on RTMIN+3; }

stops_from_inside() {
        polite one Restart=permanent
        mkfifo "$W/hold"
        service asker Type=oneshot "ExecStart=/bin/bash -c 'while [ ! -e $W/one.up ]; do read -t 0.05 x <>$W/hold; done; kill -$1 1'"
        contained
        pid1_ends 0
        [ "$(cat "$W/order")" = one ]
}
@test "J2: TERM from inside the namespace is an orderly shutdown" { stops_from_inside TERM; }
@test "J2: INT from inside the namespace is an orderly shutdown" { stops_from_inside INT; }
@test "J2: QUIT from inside the namespace is an orderly shutdown" { stops_from_inside QUIT; }
@test "J2: PWR from inside the namespace is an orderly shutdown" { stops_from_inside PWR; }
@test "J2: RTMIN+3 from inside the namespace is an orderly shutdown" { stops_from_inside RTMIN+3; }

@test "J2: HUP reads the units again and ends nothing" {
        polite one Restart=permanent
        contained
        wait_file "$W/one.up"
        old=$(pid_of one)
        polite two Restart=permanent
        signal_pid1 HUP
        wait_for "$PATIENCE" daemon_knows two
        assert_eq "$(pid_of one)" "$old"
        signal_pid1 TERM
        pid1_ends 0
}
daemon_knows() { ctl status "$1" --json >/dev/null 2>&1; }

@test "J2: USR1 makes the control socket again, USR2 writes down the state" {
        polite one Restart=permanent
        contained
        wait_file "$W/one.up"
        rm "$W/run/control"
        signal_pid1 USR1
        wait_for "$PATIENCE" daemon_answers
        signal_pid1 USR2
        wait_line "$W/daemon.log" "/one: running"
        signal_pid1 TERM
        pid1_ends 0
}

@test "J2: a signal nobody handles does not end PID 1" {
        polite one Restart=permanent
        contained
        wait_file "$W/one.up"
        for signal in ALRM VTALRM PROF IO WINCH URG PIPE RTMIN+7; do signal_pid1 $signal; done
        has_state one running
        signal_pid1 TERM
        pid1_ends 0
}

@test "J3: a second TERM shortens the wait for those that do not want to end" {
        stubborn stone
        contained --stop-timeout 60s
        wait_file "$W/stone.up"
        signal_pid1 TERM
        wait_line "$W/daemon.log" "everything is being stopped"
        since=$(milliseconds)
        signal_pid1 TERM
        pid1_ends 0
        took_less_than 20000 "$since"
}

@test "J4: services stop in the reverse order of their start" {
        polite first Restart=permanent
        polite second Restart=permanent
        polite third Restart=permanent
        unit root.supervisor <<<"$(printf '[Supervisor]\nStrategy=rest_for_one\nChildren=first.service second.service third.service')"
        contained
        wait_file "$W/third.up"
        signal_pid1 TERM
        pid1_ends 0
        assert_eq "$(tr '\n' ' ' <"$W/order")" "third second first "
}

@test "J4: the whole shutdown keeps to --stop-timeout, whatever a unit wishes" {
        stubborn stone
        stubborn rock
        unit root.supervisor <<<"$(printf '[Supervisor]\nStrategy=rest_for_one\nChildren=stone.service rock.service')"
        contained --stop-timeout 2s
        wait_file "$W/rock.up"
        since=$(milliseconds)
        signal_pid1 TERM
        pid1_ends 0
        took_less_than 20000 "$since"
}

@test "J5: the exit code of CMD is that of the container" {
        for code in 0 7 255; do
                launch_contained -- /bin/sh -c "exit $code"
                pid1_ends $code
        done
}
@test "J5: CMD ended by a signal gives 128 and the signal's number" {
        for signal in SEGV=139 TERM=143; do # also one that counts as a clean end
                launch_contained -- /bin/sh -c "kill -${signal%=*} \$\$"
                pid1_ends "${signal#*=}"
        done
}
@test "J5: a CMD that does not exist gives 203, as from coppicectl run, and says so" {
        launch_contained -- /no/such/program
        pid1_ends 203
        file_has "$W/daemon.log" "/no/such/program"
}
@test "J5: options nobody knows give 111" {
        run "$COPPICED" --nonsense
        assert_status 111
        assert_output_has "--nonsense"
}
@test "J5: a directory of units that is not there gives 111, once and by its name" {
        run "$COPPICED" --units "$W/nowhere" --runtime-dir "$W/run"
        assert_status 111
        assert_eq "$output" "coppiced: error: read the units in $W/nowhere: No such file or directory (create the directory, or name another one by --units)"
        assert_eq "$(ls -A "$W/run")" "" # and nothing is left of it
}
@test "J5: units beside CMD run as long as CMD does" {
        polite side Restart=permanent
        launch_contained -- /bin/bash -c "while [ ! -e $W/side.up ]; do read -t 0.05 x <>$W/quiet; done; exit 4"
        pid1_ends 4
        assert_eq "$(cat "$W/order")" side
}
@test "J6: OnDaemonDeath=leave cannot be had as PID 1, and that is said" {
        service keep OnDaemonDeath=leave StandardOutput=null StandardError=null "ExecStart=/bin/sleep 1000"
        contained
        wait_state /keep running
        file_has "$W/daemon.log" "/keep: OnDaemonDeath=leave cannot be had here: coppiced is PID 1"
        signal_pid1 TERM
        pid1_ends 0
}

@test "J6: what was written before the end is in the log" {
        service talker Restart=temporary "ExecStart=/bin/sh -c 'trap \"echo last words; exit 0\" TERM; echo up >$W/talker.up; while :; do sleep 1000 & wait; done'"
        contained --log-target file
        wait_file "$W/talker.up"
        signal_pid1 TERM
        pid1_ends 0
        grep -rq "last words" "$W/logs"
}

@test "J11: a read-only root without a place for the socket still runs services" {
        skip_unless bwrap
        polite one Restart=permanent
        launch_boxed -- "$COPPICED" --units "$W/units" --runtime-dir /nowhere/run --log-dir /nowhere/log --state-dir /nowhere/state
        wait_file "$W/one.up"
        wait_line "$W/daemon.log" "without a control socket"
        signal_pid1 TERM
        pid1_ends 0
        assert_eq "$(cat "$W/order")" one
}

@test "J12: without /proc and /sys services start, are restarted and stop" {
        skip_unless bwrap
        script once <<EOF
if [ -e "$W/first" ]; then echo >"$W/again"; trap 'exit 0' TERM; while :; do sleep 1000 & wait; done; fi
echo >"$W/first"
exit 1
EOF
        service once "ExecStart=$W/once"
        [ -z "${COPPICE_SANITIZED:-}" ] || skip "the search for leaks needs /proc"
        daemon_command
        launch_boxed --tmpfs /proc --tmpfs /sys -- "${DAEMON_COMMAND[@]}"
        wait_file "$W/again"
        kill -TERM "$INNER"
        pid1_ends 0
}

@test "J13: an arbitrary uid without a name and without capabilities" {
        skip_unless bwrap
        polite one Restart=permanent
        chmod -R a+rwX "$W"
        daemon_command
        launch_boxed --unshare-user --uid 54321 --gid 54321 --cap-drop ALL -- "${DAEMON_COMMAND[@]}"
        wait_file "$W/one.up"
        signal_pid1 TERM
        pid1_ends 0
}

@test "J18: a standard output that nobody reads does not block PID 1" {
        mkfifo "$W/console"
        exec {CONSOLE}<>"$W/console"
        service loud "ExecStart=/bin/sh -c 'echo up >$W/loud.up; while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done'"
        service quiet "ExecStart=/bin/sh -c 'echo up >$W/quiet.up; exec sleep infinity'"
        daemon_command --log-target console
        pid1_command "${DAEMON_COMMAND[@]}"
        "${PID1_COMMAND[@]}" >"$W/console" 2>"$W/daemon.log" 3>&- </dev/null &
        held_by $!
        wait_file "$W/loud.up"
        wait_file "$W/quiet.up"
        wait_for "$PATIENCE" daemon_answers
        old=$(pid_of quiet)
        ctl kill quiet --signal KILL
        wait_restart quiet "$old"
        signal_pid1 TERM
        pid1_ends 0
        exec {CONSOLE}>&-
}

@test "J18: a standard error that is full, or that nobody reads any more, neither blocks nor ends anybody" {
        mkfifo "$W/error"
        service loud "ExecStart=/bin/false" "RestartSec=1ms" "RestartMaxDelaySec=5ms"
        service quiet "ExecStart=/bin/sleep 1000" RestartSec=0
        unit root.supervisor <<<$'[Supervisor]\nEscalation=isolate\nMaxRestarts=1000000'
        daemon_command --log-level=debug
        pid1_command "${DAEMON_COMMAND[@]}"
        local reader how engine old
        for how in closed full; do
                exec {reader}<>"$W/error"
                [ $how = closed ] || dd if=/dev/zero of="$W/error" bs=4096 count=64 oflag=nonblock 2>/dev/null || :
                "${PID1_COMMAND[@]}" >"$W/daemon.log" 2>"$W/error" 3>&- </dev/null {reader}<&- &
                held_by $!
                [ $how = full ] || exec {reader}<&-
                wait_for "$PATIENCE" daemon_answers
                wait_state /quiet running
                old=$(pid_of /quiet)
                ctl daemon-reexec
                engine=$(pgrep -P "$INNER" -x coppice-engine)
                signal_pid1 USR2 # makes it speak
                ctl kill quiet --signal KILL
                wait_restart /quiet "$old"
                [ -n "$engine" ]
                assert_eq "$(pgrep -P "$INNER" -x coppice-engine)" "$engine"
                [ $how = closed ] || break
                signal_pid1 TERM
                pid1_ends 0
        done
        # A crash is told of without waiting, too. The kernel ends the others; what they leave goes with the next daemon.
        remember_processes
        signal_pid1 SEGV
        wait_for "$PATIENCE" process_gone "$DAEMON"
        local status=0; wait "$DAEMON" || status=$?
        DAEMON=
        assert_eq "$status" 255
        exec {reader}<&-
        rm -f "$W/run/control"
        start_daemon
        stop_daemon 0
}

@test "J19: HUP during the shutdown is ignored" {
        stubborn stone
        contained --stop-timeout 60s
        wait_file "$W/stone.up"
        signal_pid1 TERM
        wait_line "$W/daemon.log" "everything is being stopped"
        service late "ExecStart=/bin/sh -c 'echo >$W/late.up'"
        signal_pid1 HUP
        signal_pid1 HUP
        ctl kill stone --signal KILL
        pid1_ends 0
        [ ! -e "$W/late.up" ]
}

@test "J20: a start during the shutdown is refused" {
        stubborn stone
        service other Restart=temporary "ExecStart=/bin/sh -c 'echo >>$W/other.up'"
        contained --stop-timeout 60s
        wait_file "$W/stone.up"
        wait_file "$W/other.up"
        signal_pid1 TERM
        wait_line "$W/daemon.log" "everything is being stopped"
        run ctl start other
        assert_status 1
        ctl kill stone --signal KILL
        pid1_ends 0
        assert_eq "$(wc -l <"$W/other.up")" 1
}

@test "J11: a noexec runtime directory is not in the way" {
        skip_unless root
        polite one Restart=permanent
        daemon_command
        launch_pid1 /bin/sh -c "mount -t tmpfs -o noexec,nosuid,nodev none $W/run && exec \"\$@\"" sh "${DAEMON_COMMAND[@]}"
        wait_file "$W/one.up"
        signal_pid1 TERM
        pid1_ends 0
}

@test "a command gets the environment, directory, input and output of the daemon" {
        cd "$W"
        MY_OWN="a b'c" launch_contained -- /bin/sh -c 'echo "[$MY_OWN] [$PWD] [$1]"' sh 'a "quoted" %word $HOME'
        pid1_ends 0
        run cat "$W/daemon.log"
        assert_output_has "[a b'c] [$W] [a \"quoted\" %word \$HOME]"
}

@test "J5: TERM ends the command and its code is the container's" {
        contained -- /bin/sh -c "trap 'exit 5' TERM; echo up >$W/up; while :; do sleep 1000 & wait; done"
        wait_file "$W/up"
        signal_pid1 TERM
        pid1_ends 5
}

@test "in a container what services write comes out prefixed with their names" {
        service web "ExecStart=/bin/echo hello world" "Restart=temporary"
        contained --log-target=console
        wait_line "$W/daemon.log" "web.*hello world"
        signal_pid1 TERM
        pid1_ends 0
}

@test "the programs may lie in the root directory of an image" {
        skip_unless bwrap
        [ -z "${COPPICE_SANITIZED:-}" ] || skip "a sanitized init is not static"
        cd "$W"
        bwrap --unshare-pid --as-pid-1 --ro-bind "$COPPICED" /coppiced --ro-bind "$BUILD/coppice-engine" /coppice-engine \
              --ro-bind "$BUILD/coppice-logd" /coppice-logd --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
              --symlink usr/bin /bin --dir /none --proc /proc --dev /dev --tmpfs /run --bind "$W" "$W" \
              /coppiced --units "$W/units" -- /bin/sh -c 'exit 5' >"$W/daemon.log" 2>&1 3>&- </dev/null &
        DAEMON=$!
        daemon_ends 5
}
