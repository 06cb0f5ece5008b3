#!/usr/bin/env bats
# Programs that mean harm, and what a service gets that it could do harm with. Only shells and the test programs are
# needed, so this file also runs without privilege and where clone3 is not known (tests/grounds), and in part in the
# virtual machine (tests/vm/pure-v2).

load lib

setup() { world; }
teardown() { end_world; }

@test "hostile: a program that opens all it can stays within LimitNOFILE= and disturbs nobody" {
        script greedy <<-SH
                n=0
                while { exec {fd}</dev/null; } 2>/dev/null; do n=\$((n + 1)); done
                exec 12>&- 13>&-
                echo \$n >$W/n
                while :; do read -r x; done <$W/quiet
	SH
        sed -i "1s|.*|#!$(command -v bash)|" "$W/greedy"
        service greedy "ExecStart=$W/greedy" "LimitNOFILE=64"
        service calm "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_line "$W/n" '[0-9]'
        (( $(cat "$W/n") < 64 ))
        assert_eq "$(state_of /greedy)" running
        old=$(pid_of /calm)
        kill -KILL "$old"
        wait_restart /calm "$old"
        stop_daemon 0
}

@test "hostile: who ignores TERM, stops himself or leaves session and group is gone when his time is up" {
        script deaf <<-SH
                trap '' TERM HUP INT
                (setsid sh -c 'trap "" TERM HUP INT; echo \$\$ >>$W/pids; while :; do sleep 1000; done' >/dev/null 2>&1 &)
                echo \$\$ >>$W/pids
                [ \$1 = awake ] || kill -STOP \$\$
                while :; do sleep 1000; done
	SH
        service deaf "ExecStart=$W/deaf awake" "TimeoutStopSec=200ms"
        service still "ExecStart=$W/deaf stopped" "TimeoutStopSec=200ms"
        start_daemon
        has_lines() { [ -s "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]; }
        wait_for "$PATIENCE" has_lines "$W/pids" 4
        ctl stop deaf
        ctl stop still
        local pid
        while read -r pid; do process_gone "$pid" || { echo "still there: $pid"; false; }; done <"$W/pids"
        stop_daemon 0
}

@test "hostile: a double-forked daemon of a service that has ended is gone with it" {
        script leaver <<-SH
                (setsid sh -c 'trap "" TERM HUP; sh -c "trap \"\" TERM HUP; echo \\\$\\\$ >$W/d.part; mv $W/d.part $W/daemon; while :; do sleep 1000; done" & wait' >/dev/null 2>&1 &)
                until [ -e $W/daemon ]; do read -r -t 0.05 x; done 0<>$W/quiet
                exit 3
	SH
        sed -i "1s|.*|#!$(command -v bash)|" "$W/leaver"
        service leaver "ExecStart=$W/leaver" "Restart=no" "TimeoutStopSec=200ms"
        start_daemon
        wait_state /leaver failed
        assert_eq "$(field /leaver .last_reason)" exit:3
        wait_for "$PATIENCE" process_gone "$(cat "$W/daemon")"
        stop_daemon 0
}

@test "E1: what is taken away is taken away in the only order that works" {
        service all "ExecStart=/bin/true" "User=$(id -u)" "LimitNOFILE=100" "PrivateTmp=yes" "PrivateNetwork=yes" "CapabilityBoundingSet=CAP_KILL" \
                "NoNewPrivileges=yes" "LandlockRead=/" "SystemCallFilter=@system-service"
        local order
        order=$(ctl explain "$W/units/all.service" | awk '$1 ~ /^[0-9]+$/ { if ($2 != last) printf "%s ", $2; last = $2 }')
        echo "$order"
        [[ $order =~ SESSION.*SIGNALS.*FDS.*NAMESPACE.*LIMITS.*GROUP.*USER.*CAPABILITIES.*PDEATHSIG.*NO_NEW_PRIVILEGES.*LANDLOCK.*SECCOMP.*EXEC\ $ ]]
}

@test "E13: a daemon that was started without descriptors 0 to 2 gives its services all three, and none of its own" {
        printf 'exec "$@" <&- >&- 2>&-\n' >"$W/closed"
        service web "ExecStart=/bin/sh -c 'readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 >$W/three; ls /proc/self/fd >$W/fds.part; mv $W/fds.part $W/fds; exec sleep 1000'"
        DAEMON_WRAPPER="sh $W/closed" start_daemon
        wait_file "$W/fds"
        cat "$W/three" "$W/fds"
        assert_eq "$(tr '\n' ' ' <"$W/fds")" "0 1 2 3 " # 3: ls reads the directory
        assert_eq "$(head -n 1 "$W/three")" /dev/null
        stop_daemon 0
}

@test "E15: a service, be it root, cannot write to the programs that started it" {
        mkdir "$W/bin"
        cp "$COPPICED" "$BUILD/coppice-engine" "$BUILD/coppice-logd" "$W/bin"
        before=$(cat "$W"/bin/* | cksum)
        mkfifo "$W/go"
        script overwrite <<-SH
                cat $W/go
                for f in /proc/\$PPID/exe $W/bin/*; do
                        (echo x >\$f) 2>/dev/null && echo "written: \$f"
                done >$W/said.part
                mv $W/said.part $W/said
                exec sleep 1000
	SH
        service overwrite "ExecStart=$W/overwrite"
        COPPICED=$W/bin/coppiced start_daemon
        wait_for "$PATIENCE" pgrep -P "$DAEMON" -x coppice-logd # a file that is being executed is what is not to be written
        knock "$W/go" go
        wait_file "$W/said"
        assert_eq "$(cat "$W/said")" ""
        assert_eq "$(cat "$W"/bin/* | cksum)" "$before"
        stop_daemon 0
}

@test "E16: the environment of a service is made anew: nothing of the daemon's own comes through" {
        service web "ExecStart=/bin/sh -c 'tr \"\\\\0\" \"\\\\n\" </proc/self/environ >$W/env.part; mv $W/env.part $W/env; exec sleep 1000'" "Environment=MINE=1"
        SECRET=x NOTIFY_SOCKET=/nowhere LISTEN_FDS=3 LISTEN_PID=1 WATCHDOG_USEC=5 LD_PRELOAD= MAIL=x BASH_ENV=/dev/null INVOCATION_ID=old start_daemon
        wait_file "$W/env"
        cat "$W/env"
        assert_eq "$(grep -cvE '^(PATH|USER|LOGNAME|HOME|SHELL|LANG|LC_[A-Z]*|TZ|INVOCATION_ID|JOURNAL_STREAM|MINE|PWD|SHLVL|_|COPPICE_(NODE|INCARNATION|INCARNATION_ID|SOCKET|MAILBOX))=' "$W/env")" 0
        grep -qx MINE=1 "$W/env"
        refute grep -E '=old$|^COPPICE_(BUILD|SOURCE|TEST)' "$W/env"
        stop_daemon 0
}

@test "E19: before a service runs, not even its own user can look into the process that will be it" {
        local as='' pid=
        mkfifo "$W/fifo"
        service web "ExecStart=/bin/sleep 1000" "StandardInput=file:$W/fifo"
        if [ "$(id -u)" = 0 ]; then
                skip_unless setpriv
                skip_unless others
                give_world_to_nobody
                as="setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all --"
        fi
        not_yet_run() {
                local p
                for p in $(cat /proc/"$DAEMON"/task/*/children); do
                        if grep -qx coppiced "/proc/$p/comm" 2>/dev/null; then pid=$p; return 0; fi
                done
                return 1
        }
        DAEMON_WRAPPER=$as start_daemon
        # It waits for somebody to open the other end of its standard input; in its first steps it is nothing but a copy of init.
        is_shut() { not_yet_run && $as head -c 1 "/proc/$pid/environ" 2>&1 >/dev/null | grep -q "Permission denied"; }
        wait_for "$PATIENCE" is_shut
        exec {gate}>"$W/fifo"
        wait_state /web running
        runs_sleep() { grep -qx sleep "/proc/$pid/comm"; }
        wait_for "$PATIENCE" runs_sleep
        $as head -c 1 "/proc/$pid/environ" >/dev/null
        exec {gate}>&-
        stop_daemon 0
}
