#!/usr/bin/env bats
# What directives make of a service's life: its commands, its end, its restarts, its relations, its supervisor.
load lib

setup()    { world; TELL=$BUILD/tests/programs/tell; }
teardown() { end_world; }

lines_are() { [ "$(tr '\n' ' ' <"$1" 2>/dev/null)" = "$2 " ]; }
wait_lines() { wait_for "$PATIENCE" lines_are "$1" "$2" || { cat "$1"; return 1; }; }
reason_is() { [ "$(field "$1" .last_reason)" = "$2" ]; }

@test "the commands of a life run in their order, and know of each other" {
        local log="$W/log"
        service web "ExecCondition=/bin/sh -c 'echo condition >>$log'" "ExecStartPre=/bin/sh -c 'echo pre1 >>$log'" \
                "ExecStartPre=-/bin/sh -c 'echo pre2 >>$log; exit 3'" \
                "ExecStart=/bin/sh -c 'echo main >>$log; trap \"exit 7\" TERM; while :; do sleep 1000 & wait; done'" \
                "ExecStartPost=/bin/sh -c 'echo post \$\$MAINPID >>$log.pid; echo post >>$log'" \
                "ExecReload=/bin/sh -c 'echo reload \$\$MAINPID >>$log.pid'" \
                "ExecStop=/bin/sh -c 'echo stop >>$log; echo stop \$\$MAINPID >>$log.pid; kill \$\$MAINPID'" \
                "ExecStopPost=/bin/sh -c 'echo after \$\$SERVICE_RESULT \$\$EXIT_CODE \$\$EXIT_STATUS >>$log'" \
                "SuccessExitStatus=7"
        start_daemon
        wait_state /web running
        # The shell has to have its trap before it is told to end.
        wait_line "$log" main
        local pid; pid=$(pid_of /web)
        ctl reload /web
        ctl stop /web
        wait_line "$log" after
        sort "$log.pid" >"$log.sorted"
        wait_lines "$log.sorted" "post $pid reload $pid stop $pid"
        grep -vx main "$log" >"$log.rest"
        wait_lines "$log.rest" "condition pre1 pre2 post stop after success exited 7"
        stop_daemon 0
}

@test "ExecStop= is run for a service that was up and has ended well by itself, and not after a failure" {
        local name
        stop_says() { echo "ExecStop=/bin/sh -c 'echo $1 \$\${MAINPID-gone} \$\$SERVICE_RESULT \$\$EXIT_CODE \$\$EXIT_STATUS >>$W/$1'"; }
        service well Restart=no "ExecStart=/bin/sh -c 'exit 7'" SuccessExitStatus=7 "$(stop_says well)"
        service once Type=oneshot "ExecStart=/bin/true" "$(stop_says once)"
        service badly Restart=no "ExecStart=/bin/sh -c 'exit 7'" "$(stop_says badly)"
        service never Type=notify Restart=no "ExecStart=/bin/true" "$(stop_says never)"
        start_daemon
        wait_state /well finished
        wait_state /once finished
        for name in badly never; do wait_state /$name failed; done
        assert_eq "$(cat "$W"/well "$W"/once)" "well gone success exited 7
once gone success exited 0"
        refute [ -e "$W/badly" ]
        refute [ -e "$W/never" ]
        assert_eq "$(field /well .last_reason) $(field /badly .last_reason)" "normal exit:7"
        ctl why /well | grep -q 'has ended well by itself: ExecStop= is run (ExecStop=.*, well.service:[0-9]'
        stop_daemon 0
}

@test "ExecCondition=: 0 goes on, 1 to 254 skips, 255 and signals fail" {
        local n
        for n in 0 1 254 255; do
                service "c$n" "ExecCondition=/bin/sh -c 'exit $n'" "ExecStart=/bin/sleep 1000" "Restart=no"
        done
        service csig "ExecCondition=/bin/sh -c 'kill -KILL \$\$\$\$'" "ExecStart=/bin/sleep 1000" "Restart=no"
        start_daemon
        wait_state /c0 running
        for n in 1 254; do wait_state "/c$n" inactive; done
        for n in 255 sig; do wait_state "/c$n" failed; done
        stop_daemon 0
}

@test "Type=oneshot runs all its commands in turn; RemainAfterExit= keeps it up; Type=idle waits for the others" {
        mkfifo "$W/go"
        service one "Type=oneshot" "ExecStart=/bin/sh -c 'echo 1 >>$W/log'" "ExecStart=/bin/sh -c 'echo 2 >>$W/log'"
        service stays "Type=oneshot" "RemainAfterExit=yes" "ExecStart=/bin/true" "ExecStop=/bin/sh -c 'echo stopped >>$W/log'"
        service slow "Type=notify" "ExecStart=/bin/sh -c 'cat $W/go; exec $TELL READY=1 -- /bin/sleep 1000'"
        service calm "Type=idle" "ExecStart=/bin/sh -c ': >$W/calm; exec sleep 1000'"
        start_daemon
        wait_state /one finished
        wait_lines "$W/log" "1 2"
        wait_state /stays running
        assert_eq "$(state_of /calm)" starting
        [ ! -e "$W/calm" ]
        knock "$W/go"
        wait_file "$W/calm"
        ctl stop /stays
        wait_lines "$W/log" "1 2 stopped"
        stop_daemon 0
}

@test "RuntimeMaxSec= and TimeoutStartSec= end what takes too long, and say so" {
        service long "RuntimeMaxSec=100ms" "ExecStart=/bin/sleep 1000" "Restart=no"
        service never "Type=notify" "TimeoutStartSec=100ms" "ExecStart=/bin/sleep 1000" "Restart=no"
        start_daemon
        wait_state /long failed
        assert_eq "$(field /long .last_reason)" timeout
        wait_state /never failed
        assert_eq "$(field /never .last_reason)" start_timeout
        run ctl why /never
        assert_output_has "the start is given up; READY=1 of Type=notify has not come (TimeoutStartSec=100ms, never.service:3)"
        stop_daemon 0
}

# A main process and a child of it, each noting the signals it gets.
family() {
        script family <<-SH
                note() { echo "\$1" >>$W/\$2.log; }
                (trap "note child \$1; exit" TERM; : >$W/\$1.child; while :; do sleep 1000 & wait; done) &
                trap "note main \$1; exit" TERM
                : >$W/\$1.up
                while :; do sleep 1001 & wait; done
	SH
}

@test "KillMode=: control-group tells all, mixed and process the main process, none nobody" {
        local mode
        family
        for mode in control-group mixed process none; do
                service $mode "KillMode=$mode" "ExecStart=$W/family $mode"
        done
        echo "TimeoutStopSec=100ms" >>"$W/units/none.service"
        start_daemon
        for mode in control-group mixed process none; do wait_file "$W/$mode.up"; wait_file "$W/$mode.child"; done
        # What process and none leave behind is ended by the test itself, by its pid.
        local left=() pid
        for mode in process none; do for pid in $(field /$mode '.processes | join(" ")'); do left+=("$pid"); done; done
        for mode in control-group mixed process none; do ctl stop /$mode || :; done
        wait_line "$W/control-group.log" main
        wait_line "$W/control-group.log" child
        assert_eq "$(cat "$W/mixed.log")" main
        assert_eq "$(cat "$W/process.log")" main
        [ ! -e "$W/none.log" ]
        for pid in "${left[@]}"; do kill -KILL "$pid" 2>/dev/null || :; done
        stop_daemon 0
}

# deaf NODE LINE...: of $NODE a helper loses the first TERM; its main process ends after that, once told so.
deaf() { mkfifo "$W/$1.gate"; service "$1" "ExecStart=$BUILD/tests/programs/deaf $W/$1.log $W/$1.gate" "TimeoutStopSec=1h" "${@:2}"; }

@test "KillMode=: what the main process has left gets KillSignal= again in control-group, and is killed in mixed" {
        deaf all
        deaf some "KillMode=mixed"
        start_daemon
        wait_line "$W/all.log" up
        wait_line "$W/some.log" up
        ctl stop --no-block /all
        wait_line "$W/all.log" lost
        knock "$W/all.gate"
        wait_state /all inactive
        wait_lines "$W/all.log" "up lost main heard"
        ctl stop --no-block /some
        knock "$W/some.gate"
        wait_state /some inactive
        wait_lines "$W/some.log" "up main"
        for n in all some; do assert_eq "$(field /$n .last_reason)" shutdown; done
        run ctl why /all
        assert_output_has "what its main process left got signal SIGTERM (KillSignal="
        run ctl why /some
        assert_output_has "what its main process left is killed (KillMode=mixed"
        stop_daemon 0
}

@test "KillSignal= and FinalKillSignal= are the signals of a stop" {
        script signals <<-SH
                trap 'echo USR1 >>$W/log' USR1
                trap 'echo INT >>$W/log; exit 0' INT
                : >$W/up
                while :; do sleep 1000 & wait; done
	SH
        service web "ExecStart=$W/signals" "KillMode=process" "KillSignal=SIGUSR1" "TimeoutStopSec=2s" "FinalKillSignal=SIGINT"
        service left "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_file "$W/up"
        ctl stop /web || :
        wait_lines "$W/log" "USR1 INT"
        stop_daemon 0
}

@test "SendSIGHUP= sends SIGHUP after KillSignal=: a shell that ignores that one ends" {
        service shell "SendSIGHUP=yes" "TimeoutStopSec=1h" "ExecStart=/bin/sh -c 'trap \"\" TERM; : >$W/up; exec sleep 1000'"
        start_daemon
        wait_file "$W/up"
        ctl stop /shell
        assert_eq "$(field /shell .last_reason)" shutdown
        stop_daemon 0
}

@test "SuccessExitStatus=, RestartPreventExitStatus=, RestartForceExitStatus=: codes, names, signals" {
        service ok3 "ExecStart=/bin/sh -c 'exit 3'" "Restart=on-failure" "SuccessExitStatus=3 4"
        service ok75 "ExecStart=/bin/sh -c 'exit 75'" "Restart=on-failure" "SuccessExitStatus=TEMPFAIL"
        service okusr "ExecStart=/bin/sh -c 'kill -USR1 \$\$\$\$'" "Restart=on-failure" "SuccessExitStatus=SIGUSR1"
        service stop5 "ExecStart=/bin/sh -c 'exit 5'" "Restart=always" "RestartPreventExitStatus=5 SIGSEGV"
        service stopsegv "ExecStart=/bin/sh -c 'kill -SEGV \$\$\$\$'" "Restart=always" "RestartPreventExitStatus=5 SIGSEGV"
        service force "ExecStart=/bin/sh -c 'echo x >>$W/force; exit 6'" "Restart=no" "RestartForceExitStatus=6" "RestartSec=0"
        start_daemon
        for n in ok3 ok75 okusr; do wait_state /$n finished; done
        for n in stop5 stopsegv; do wait_state /$n failed; assert_eq "$(incarnation_of /$n)" 1; done
        wait_state /force failed        # over its limit: forced again and again
        assert_eq "$(wc -l <"$W/force")" 6
        stop_daemon 0
}

# A oneshot-like main process that is killed at will; "NODE: what happened" of the events since.
sleeper() { local name=$1; shift; { [ $# = 0 ] || printf '[Unit]\n'; printf '%s\n' "$@"; printf '[Service]\nExecStart=/bin/sleep 1000\nRestartSec=0\n'; } >"$W/units/$name.service"; }

@test "Requires=, Wants=, BindsTo=, PartOf=, Conflicts=, Before=: who comes and goes with whom" {
        sleeper db
        sleeper needs "Requires=db.service" "After=db.service"
        sleeper wants "Wants=db.service"
        sleeper bound "BindsTo=db.service"
        sleeper part "PartOf=db.service"
        sleeper rival "Conflicts=db.service"
        sleeper early "Before=db.service"
        start_daemon
        wait_state /db running
        for n in needs wants bound part early; do wait_state /$n running; done
        assert_eq "$(state_of /rival)" inactive         # the first of the two is there
        ctl stop /db
        for n in needs bound part; do wait_state /$n inactive; done
        for n in wants early; do assert_eq "$(state_of /$n)" running; done
        ctl stop /wants
        ctl start /wants                                # brings what it wants, and that brings back who needed it
        wait_state /db running
        for n in needs bound; do wait_state /$n running; done
        assert_eq "$(state_of /part)" inactive
        ctl start /part
        local part; part=$(pid_of /part)
        ctl restart /db                                 # its part is restarted with it
        wait_restart /part "$part"
        ctl start /rival
        wait_state /db inactive
        wait_state /rival running
        ctl start /needs                                # ... and the other way round
        wait_state /db running
        wait_state /rival inactive
        run ctl why /rival
        assert_output_has "Conflicts="
        stop_daemon 0
}

@test "BindsTo= ends with the other however that one ends; Requires= alone does not" {
        unit gone.service <<<$'[Service]\nExecStart=/bin/sleep 1000\nRestart=no'
        sleeper bound "BindsTo=gone.service"
        sleeper needs "Requires=gone.service"
        start_daemon
        for n in gone bound needs; do wait_state /$n running; done
        ctl kill /gone --signal KILL
        wait_state /bound inactive
        assert_eq "$(state_of /needs)" running
        stop_daemon 0
}

@test "Requires= of a sibling that does not exist: not started, dependency, with the line; daemon-reload brings both" {
        sleeper app "Requires=db.service"
        sleeper other
        start_daemon
        wait_state /other running
        wait_state /app failed
        assert_eq "$(ctl status /app --json | jq -r .last_reason)" dependency
        run ctl why /app
        assert_output_has "Requires=db.service: there is no such sibling (app.service:2)"
        run ctl status /app
        assert_output_has "dependency"
        assert_output_has "app.service:2"
        sleeper db
        ctl daemon-reload
        wait_state /db running
        wait_state /app running
        stop_daemon 0
}

# played DIR-LINES...: the waits before restarts that simulate tells for the script on standard input
waits() { ctl simulate --units "$W/units" --json "$W/script" | jq -r 'select(.rule == "restart_delayed") | .a // .text' ; }

@test "RestartSec=, RestartFactor=, RestartMaxDelaySec=, RestartJitter=, RestartResetSec= of services and supervisors" {
        local rows="RestartSec=100ms RestartFactor=3 RestartMaxDelaySec=800ms RestartJitter=0% RestartResetSec=20s"
        # shellcheck disable=SC2086
        service web "ExecStart=/bin/web" $rows
        printf '1s kill web KILL\n2s kill web KILL\n3s kill web KILL\n4s kill web KILL\n60s kill web KILL\n70s end\n' >"$W/script"
        sed -i '/end/d' "$W/script"
        run ctl simulate --units "$W/units" "$W/script"
        assert_status 0
        assert_eq "$(grep -o 'restart in [0-9a-z]*' <<<"$output" | tr '\n' ' ')" \
                "restart in 100ms restart in 300ms restart in 800ms restart in 800ms restart in 100ms "
        service web "ExecStart=/bin/web" "RestartSec=1s" "RestartJitter=50%" "RestartFactor=1"
        run ctl simulate --units "$W/units" "$W/script"
        local n different
        different=$(grep -o 'restart in .*; it' <<<"$output" | sort -u | wc -l)
        [ "$different" -ge 3 ]
        for n in $(grep -o 'restart in .*; it' <<<"$output" | sed 's/restart in //; s/; it//; s/ms//; s/^1s */1/; s/^1$/1000/'); do
                n=${n#0}; [ "$n" -ge 5 ]
        done
        rm "$W/units"/*
        service leaf "ExecStart=/bin/leaf" "RestartSec=0"
        # shellcheck disable=SC2086
        { printf '[Supervisor]\nChildren=leaf.service\nMaxRestarts=0\nMaxRestartsSec=1s\n'; printf '%s\n' $rows; } >"$W/units/group.supervisor"
        sed -i 's/web/leaf/' "$W/script"
        run ctl simulate --units "$W/units" "$W/script"
        assert_status 0
        assert_eq "$(grep '/group: restart in' <<<"$output" | grep -o 'restart in [0-9a-z]*' | tr '\n' ' ')" \
                "restart in 100ms restart in 300ms restart in 800ms restart in 800ms restart in 100ms "
}

@test "MaxRestarts= within MaxRestartsSec=, Escalation=, Restart= and Significant= of a supervisor, ExitCodeFrom=" {
        # A child that a shell has just forked may lose a signal: it is there when the file is.
        script code <<-SH
                trap 'exit 42' TERM
                sh -c ': >$W/up; exec sleep 1000' &
                while :; do wait; done
	SH
        service code "ExecStart=$W/code"
        mkfifo "$W/hold"
        service crash "ExecStart=/bin/bash -c 'until [ -e $W/up ]; do read -t 0.05 x <>$W/hold; done; exit 1'" "RestartSec=0"
        unit group.supervisor <<<$'[Supervisor]\nChildren=crash.service\nMaxRestarts=2\nMaxRestartsSec=60s\nRestart=temporary\nSignificant=yes'
        unit root.supervisor <<<$'[Supervisor]\nAutoShutdown=any_significant\nExitCodeFrom=code.service\nStartMode=sequential\nChildren=code.service group.supervisor'
        sed -i 's/ExecStart/SuccessExitStatus=42\n&/' "$W/units/code.service"
        launch_daemon
        daemon_ends 42
        assert_eq "$(grep -c 'crash: incarnation' "$W/daemon.log")" 3
}

@test "C15: AutoShutdown=: any_significant with the first, all_significant with the last of them" {
        local a
        for a in any all; do
                service $a-1 "ExecStart=/bin/sleep 1000" "Restart=temporary" "Significant=yes"
                service $a-2 "ExecStart=/bin/sleep 1000" "Restart=temporary" "Significant=yes"
                service $a-3 "ExecStart=/bin/sleep 1000"
                printf '[Supervisor]\nRestart=temporary\nAutoShutdown=%s_significant\nChildren=%s-1.service %s-2.service %s-3.service\n' \
                        $a $a $a $a >"$W/units/$a.supervisor"
        done
        start_daemon
        for a in any all; do for n in 1 2 3; do wait_state /$a/$a-$n running; done; done
        ctl kill /any/any-1 --signal TERM
        ctl kill /all/all-1 --signal TERM
        wait_state /any finished
        wait_for "$PATIENCE" has_state /all/all-1 finished
        assert_eq "$(state_of /all)" running
        ctl kill /all/all-2 --signal TERM
        wait_state /all finished
        assert_eq "$(state_of /all/all-3)" inactive
        stop_daemon 0
}

@test "Escalation=isolate leaves the child over its limit, escalate takes all along" {
        for e in isolate escalate; do
                service $e-bad "ExecStart=/bin/false" "RestartSec=0"
                service $e-good "ExecStart=/bin/sleep 1000"
                printf '[Supervisor]\nRestart=temporary\nMaxRestarts=1\nEscalation=%s\nChildren=%s-good.service %s-bad.service\n' $e $e $e \
                        >"$W/units/$e.supervisor"
        done
        start_daemon
        wait_state /isolate/isolate-bad failed
        wait_state /isolate running
        wait_state /isolate/isolate-good running
        wait_state /escalate finished   # it ends with `shutdown`, as OTP's does
        assert_eq "$(state_of /escalate/escalate-good)" inactive
        stop_daemon 0
}

@test "Description=, Documentation= and [Install] are shown, and nothing else" {
        unit web.service <<-'U'
                [Unit]
                Description=A server of pages
                Documentation=man:web(8) https://example.org/web
                [Service]
                ExecStart=/bin/sleep 1000
                [Install]
                WantedBy=multi-user.target
                RequiredBy=other.target
                Alias=www.service
                Also=db.service
	U
        start_daemon
        wait_state /web running
        run ctl status /web
        assert_output_has "A server of pages"
        assert_output_has "https://example.org/web"
        run ctl show /web
        for line in WantedBy=multi-user.target RequiredBy=other.target Alias=www.service Also=db.service; do assert_output_has "$line"; done
        unit 'many@.service' <<<$'[Service]\nExecStart=/bin/true\n[Install]\nDefaultInstance=main'
        run ctl show "$W/units/many@.service"
        assert_output_has DefaultInstance=main
        stop_daemon 0
}

# --- logs ------------------------------------------------------------------------------------------------------------

finished() { find "$W/logs" -path "*$1*" -type f ! -name current ! -name 'lock' ! -name state | grep -v '/current$' | sort; }
has_finished() { [ "$(finished "$1" | wc -l)" -ge "$2" ]; }
has_exactly() { [ "$(finished "$1" | wc -l)" = "$2" ]; }

@test "LogFormat=, LogMaxSize=, LogMaxFiles=, LogCompress=, LogMaxAge=, LogRateLimit= shape the log" {
        local talk="i=0; while [ \$\$i -lt 400 ]; do i=\$\$((i+1)); echo line \$\$i of a text that is long enough to fill some files; done; sleep 1000"
        service raw "LogFormat=raw" "LogMaxSize=4K" "LogMaxFiles=3" "LogCompress=no" "ExecStart=/bin/sh -c '$talk'"
        service zip "LogFormat=json" "LogMaxSize=4K" "LogMaxFiles=50" "LogCompress=gzip" "ExecStart=/bin/sh -c '$talk'"
        service time "ExecStart=/bin/sh -c 'echo hello; sleep 1000'"
        service age "LogMaxAge=1s" "LogCompress=no" "ExecStart=/bin/sh -c 'while :; do echo tick; read x <$W/fifo; done'"
        service rate "LogRateLimit=10" "LogFormat=raw" "ExecStart=/bin/sh -c '$talk'"
        mkfifo "$W/fifo"
        start_daemon
        wait_for "$PATIENCE" log_has raw "line 400 "
        wait_for "$PATIENCE" has_exactly /raw 3
        wait_for "$PATIENCE" has_finished /zip 5
        run ctl logs /raw
        assert_output_has "line 400 of a text"
        [[ $(tail -n 1 "$W/logs/raw/current") == "line 400 of a text"* ]]
        wait_for "$PATIENCE" first_is /zip gz
        local f; f=$(finished /zip | head -n 1)
        gzip -dc "$f" | head -n 1 | jq -e '.text // .message // .line' >/dev/null
        wait_for "$PATIENCE" log_has time hello
        [[ $(cat "$W/logs/time/current") =~ ^20[0-9-]+T[0-9:]+\.[0-9]{6}Z\ hello$ ]]
        wait_for "$PATIENCE" log_has rate "line 1 "
        wait_for "$PATIENCE" log_has rate "dropped by LogRateLimit="    # though no line follows
        wait_for "$PATIENCE" log_has age tick
        wait_for "$PATIENCE" aged
        stop_daemon 0
        local kept; kept=$(grep -c '^line' "$W/logs/rate/current")
        [ "$kept" -lt 400 ]
        assert_eq "$(sed -n 's/.*: \([0-9]*\) lines (.*) dropped by LogRateLimit=$/\1/p' "$W/logs/rate/current" |
                awk '{ n += $1 } END { print n }')" "$((400 - kept))"
}
first_is() { [[ $(finished "$1" | head -n 1) == *."$2" ]]; }
log_has() { grep -q "$2" "$W/logs/$1/current" 2>/dev/null; }
# The next line that comes when the file is too old begins a new one.
aged() { knock "$W/fifo"; has_finished /age 1; }

@test "LogCompress=zstd packs finished files, and logs reads them" {
        service zst "LogFormat=raw" "LogMaxSize=4K" "LogMaxFiles=50" "LogCompress=zstd" \
                "ExecStart=/bin/sh -c 'i=0; while [ \$\$i -lt 400 ]; do i=\$\$((i+1)); echo line \$\$i of a text that is long enough to fill some files; done; sleep 1000'"
        "$CTL" schema | grep -q '"zstd"' || { run ctl verify --units "$W/units"; assert_output_has "LogCompress=zstd"; skip "built without zstd"; }
        start_daemon
        wait_for "$PATIENCE" has_finished /zst 5
        wait_for "$PATIENCE" all_packed /zst zst
        all_read() { [ "$(ctl logs --lines 1000 /zst | grep -c '^line [0-9]* of a text')" = 400 ]; }
        wait_for "$PATIENCE" all_read
        if command -v zstd >/dev/null; then zstd -qt "$(finished /zst | head -n 1)"; fi
        stop_daemon 0
}
all_packed() { ! finished "$1" | grep -qv "\.$2\$"; }
