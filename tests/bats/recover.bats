# An engine ends by whatever means; the services do not notice, and another engine goes on (DESIGN 4).
load lib
load chaos

setup() { world; export COPPICE_ENGINE_PAUSE_MAX_MS=1; }
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

@test "what was under way goes on: waits before a restart, a stop, a start that is not ready, a watchdog, a limit of time" {
        local tell=$COPPICE_BUILD/tests/programs/tell name
        service slow RestartSec=1h "ExecStart=/bin/false"
        service soon RestartSec=2s RestartJitter=0% "ExecStart=/bin/sh -c 'if [ -e $W/once ]; then exec sleep 1000; fi; >$W/once; exit 1'"
        service stubborn TimeoutStopSec=4s "ExecStart=/bin/sh -c 'trap \"\" TERM; echo >$W/up; while :; do sleep 1000 & wait; done'"
        service unready Type=notify TimeoutStartSec=2s Restart=temporary "ExecStart=/bin/sleep 1000"
        service dog Type=notify WatchdogSec=2s Restart=temporary "ExecStart=$tell READY=1 -- /bin/sleep 1000"
        service brief RuntimeMaxSec=2s Restart=temporary "ExecStart=/bin/sleep 1000"
        mkfifo "$W/part"
        service parting Restart=temporary TimeoutStopSec=1h "ExecStart=/bin/true" "ExecStop=/bin/sh -c 'echo stop >>$W/parting; cat $W/part'" \
                "ExecStopPost=/bin/sh -c 'echo post \$\$SERVICE_RESULT >>$W/parting'"
        start_daemon
        wait_file "$W/up"
        wait_line "$W/parting" stop
        wait_state /slow backoff
        ctl stop --no-block /stubborn
        wait_state /stubborn stopping
        kill_engine
        knock "$W/part"
        wait_state /parting finished
        assert_eq "$(tr '\n' ' ' <"$W/parting")$(field /parting .last_reason)" "stop post success normal"
        wait_state /stubborn inactive
        for name in unready dog brief; do wait_state "/$name" failed; done
        wait_state /soon running
        assert_eq "$(field /soon .incarnation)" 2
        assert_eq "$(state_of /slow) $(field /slow .incarnation)" "backoff 1"
        assert_eq "$(field /stubborn .last_reason)" stop_timeout
        assert_eq "$(field /unready .last_reason) $(field /dog .last_reason) $(field /brief .last_reason)" "start_timeout watchdog timeout"
        stop_daemon 0
}

@test "of signals that no engine has read the next one reloads the units and makes the control socket anew" {
        local before
        start_daemon
        before=$(engine)
        [ "$before" -gt 1 ]
        kill -STOP "$before"
        rm "$W/run/control"
        kill -USR1 "$DAEMON"
        service late "ExecStart=/bin/sleep 1000"
        kill -HUP "$DAEMON"
        kill -KILL "$before"
        wait_for "$PATIENCE" another_engine "$before"
        wait_for "$PATIENCE" ctl status /
        refute file_has "$W/daemon.log" "is running there"
        wait_for "$PATIENCE" ctl status /late
        stop_daemon 0
}

@test "what lost the first signal of a stop gets the second from the next engine" {
        mkfifo "$W/gate"
        service web TimeoutStopSec=1h "ExecStart=$BUILD/tests/programs/deaf $W/log $W/gate"
        start_daemon
        wait_line "$W/log" up
        ctl stop --no-block /web
        wait_line "$W/log" lost
        kill -KILL "$(engine)"
        knock "$W/gate"
        wait_line "$W/log" heard
        wait_state /web inactive
        assert_eq "$(field /web .last_reason)" shutdown
        stop_daemon 0
}

@test "who waits for an answer gets it from the next engine" {
        service web RestartSec=1h "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /web running
        asked() { [ "$(ctl metrics --json | jq .daemon.connections)" -ge 2 ]; }
        "$CTL" await /web ended >"$W/awaited" 2>&1 3>&- &
        local waiter=$! pid status=0
        pid=$(pid_of /web)
        wait_for "$PATIENCE" asked
        kill_engine
        wait_for "$PATIENCE" asked
        kill -KILL "$pid"
        wait "$waiter" || status=$?
        assert_eq "$status $(cat "$W/awaited")" "0 /web backoff, last end signal:KILL"
        stop_daemon 0
}

@test "events go on by number when another engine has taken over" {
        service web RestartSec=0 "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /web running
        watch_events
        local pid
        pid=$(pid_of /web)
        kill_engine
        kill -KILL "$pid"
        wait_event '.rule == "exited"'
        wait_event '.node == "/web" and .to == "running" and .incarnation == 2'
        stop_daemon 0
}

@test "H16: daemon-reexec begins anew without a service noticing" {
        service web "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /web running
        local before pid
        before=$(engine) pid=$(pid_of /web)
        run ctl daemon-reexec
        assert_status 0
        assert_output_has "has taken over"
        [ "$(engine)" != "$before" ]
        assert_eq "$(pid_of /web)" "$pid"
        [[ $(ctl why /web) == *"incarnation 1 starts"* ]]
        run ctl daemon-reexec --json
        assert_json ".pid == $DAEMON and .version and (.stopping | not)"
        stop_daemon 0
}

@test "H14: of many who want another engine at once some get it, the others are told why not, and no service notices" {
        service web "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /web running
        local i pid status done=0 asking=()
        pid=$(pid_of /web)
        for i in {1..12}; do "$CTL" daemon-reexec >"$W/asked.$i" 2>&1 3>&- & asking+=($!); done
        for i in "${!asking[@]}"; do
                status=0
                wait "${asking[i]}" || status=$?
                if [ $status = 0 ]; then
                        done=$((done + 1))
                else
                        assert_eq "$status $(cat "$W/asked.$((i + 1))")" "1 coppicectl: another engine is being tried already"
                fi
        done
        [ $done -ge 1 ]
        assert_eq "$(pid_of /web) $(field /web .restarts)" "$pid 0"
        stop_daemon 0
}

@test "H19: a program that cannot take over is refused with its own words, and nothing changes" {
        service web "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /web running
        local before
        before=$(engine)
        run ctl daemon-reexec --binary /bin/false
        assert_status 1
        assert_output_has "cannot take over"
        script broken <<<'echo not today; exit 3'
        run ctl daemon-reexec --binary "$W/broken"
        assert_status 1
        run ctl daemon-reexec --binary "$W/nowhere"
        assert_status 2
        run ctl daemon-reexec --binary /bin/true # not only a status: what it has understood
        assert_status 1
        assert_output_has "is it an engine?"
        : >"$W/empty"; chmod 644 "$W/empty"
        run ctl daemon-reexec --binary "$W/empty"
        assert_status 1
        assert_output_has "cannot be executed"
        assert_eq "$(engine)" "$before"
        stop_daemon 0
}

on_trial() { local p; for p in $(cat /proc/"$1"/task/*/children); do [ "$(readlink "/proc/$p/exe")" != "$2" ] || echo "$p" >"$W/trial"; done; [ -s "$W/trial" ]; }

@test "H14, H19: a program that hangs while it is tried holds nobody up, and one that is killed then changes nothing" {
        service web "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /web running
        local before hung=$COPPICE_BUILD/tests/programs/oddity client status=0
        before=$(engine)
        ctl daemon-reexec --binary "$hung" >"$W/said" 2>&1 &
        client=$!
        wait_for "$PATIENCE" on_trial "$before" "$(readlink -f "$hung")"
        ctl restart /web
        kill -KILL "$(cat "$W/trial")"
        wait "$client" || status=$?
        assert_status 1
        wait_line "$W/said" "cannot take over: it was ended by signal:KILL"
        assert_eq "$(engine)" "$before"
        stop_daemon 0
}

@test "H19: the program given with --binary takes over and stays the engine" {
        service web "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /web running
        local pid
        pid=$(pid_of /web)
        mkdir "$W/new"
        cp "$COPPICE_BUILD/coppice-engine" "$W/new/coppice-engine"
        ctl daemon-reexec --binary "$W/new/coppice-engine"
        assert_eq "$(readlink "/proc/$(engine)/exe")" "$W/new/coppice-engine"
        assert_eq "$(pid_of /web)" "$pid"
        kill_engine
        assert_eq "$(readlink "/proc/$(engine)/exe")" "$W/new/coppice-engine"
        assert_eq "$(pid_of /web)" "$pid"
        stop_daemon 0
}

@test "H18: the state of every version that has been recorded is understood, to the last node" {
        local name nodes group existed seen=0
        while read -r name nodes; do
                gzip -dc "$SOURCE/tests/states/$name.gz" >"$W/journal"
                group=$(grep -aom1 '/sys/fs/cgroup/[ -~]*coppice-[0-9]*' "$W/journal")
                existed=$(stat -c %i "$group") || :
                run "$COPPICE_BUILD/coppice-engine" --check-state 4<"$W/journal"
                assert_status 0
                assert_output_has ": $nodes nodes,"
                [ -n "$existed" ] || [ ! -e "$group" ] # it only looks
                seen=$((seen + 1))
        done <"$SOURCE/tests/states/list"
        [ $seen -ge 2 ]
}

@test "H17: with a damaged journal what runs is found and goes on; none of it is ended" {
        service web "ExecStart=/bin/sleep 1000"
        service said Type=notify "ExecStart=$COPPICE_BUILD/tests/programs/tell READY=1 -- /bin/sleep 1000"
        service asked "ExecCondition=/bin/false" "ExecStart=/bin/sleep 1000"
        printf '[Supervisor]\nStrategy=rest_for_one\nChildren=first.service second.service\n' | unit group.supervisor
        service first "ExecStart=/bin/sleep 1000"
        service second Type=exec "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /group/second running
        wait_state /said running
        wait_state /web running
        local before web said second journal
        before=$(engine) web=$(pid_of /web) said=$(pid_of /said) second=$(pid_of /group/second)
        journal=$(find "/proc/$before/fd" -lname '/memfd:coppice-journal*' | head -n 1)
        [ -n "$journal" ]
        # a byte in the middle of the snapshot
        printf 'X' | dd of="$journal" bs=1 seek=3000 conv=notrunc status=none
        kill_engine
        wait_state /web running
        wait_state /group/second running
        wait_state /said running
        assert_eq "$(pid_of /web)" "$web"
        assert_eq "$(pid_of /said)" "$said"
        assert_eq "$(pid_of /group/second)" "$second"
        file_has "$W/daemon.log" "beginning anew"
        # ... and is supervised again
        kill -KILL "$web"
        wait_restart /web "$web"
        kill_engine
        assert_eq "$(pid_of /said)" "$said"
        ctl stop /said
        wait_for "$PATIENCE" process_gone "$said"
        stop_daemon 0
}

# own_programs: the daemon's programs in a directory of their own, so that the engine's may be replaced.
own_programs() {
        local file
        # Whoever misses the one beside it takes the one that is installed.
        for file in $(grep -aoE '/[[:print:]]+/coppice-engine' "$COPPICED"); do
                [ ! -e "$file" ] || skip "$file is there, which is executed in its place"
        done
        mkdir "$W/bin"
        for file in coppiced coppice-engine coppice-logd coppice-tee; do cp "$BUILD/$file" "$W/bin"; done
        ln "$W/bin/coppice-engine" "$W/bin/good"
        COPPICED=$W/bin/coppiced
}

# engine_is COMMANDS: a script of these is the program of the engine. It notes each try in $W/tries.
engine_is() {
        printf '#!/bin/sh\necho "$*" >>%s\n%s\n' "$W/tries" "$1" >"$W/bin/next"
        chmod +x "$W/bin/next"
        mv "$W/bin/next" "$W/bin/coppice-engine"
}
tried() { [ "$(wc -l 2>/dev/null <"$W/tries" || echo 0)" -ge "$1" ]; }

@test "H19: a program of the engine that is missing or broken loses nothing of what was known, however often it fails" {
        local web ends before after how
        own_programs
        service web RestartSec=0 "ExecStart=/bin/sleep 1000"
        service ends RestartSec=0 "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /ends running
        web=$(pid_of /web) ends=$(pid_of /ends)
        kill -KILL "$ends"
        wait_restart /ends "$ends"
        for how in '' 'exit 1' 'kill -SEGV $$' 'exit 0'; do
                wait_state /ends running
                ends=$(pid_of /ends) before=$(field /ends .restarts)
                rm -f "$W/bin/coppice-engine" "$W/tries"
                [ -z "$how" ] || engine_is "$how"
                kill -KILL "$(engine)"
                if [ -n "$how" ]; then
                        wait_for "$PATIENCE" tried 12
                else
                        wait_line "$W/daemon.log" "does not work, even with nothing to take over: status 127"
                fi
                kill -KILL "$ends" # while there is no engine
                ln "$W/bin/good" "$W/bin/next"
                mv "$W/bin/next" "$W/bin/coppice-engine"
                wait_for "$PATIENCE" daemon_answers
                wait_restart /ends "$ends"
                after=$(field /ends .restarts)
                assert_eq "$(pid_of /web) $(field /web .incarnation) $after" "$web 1 $((before + 1))"
        done
        refute file_has "$W/daemon.log" "beginning anew"
        # each is spoken of once, and so is its end
        assert_eq "$(grep -c 'does not work, even' "$W/daemon.log") $(grep -c 'works again' "$W/daemon.log")" "4 4"
        stop_daemon 0
}

@test "H17: only of a program that works by itself five deaths in a row are laid to the state, and no service notices" {
        local web
        own_programs
        service web RestartSec=0 "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /web running
        web=$(pid_of /web)
        # what the state does to it: it dies while it is given that
        engine_is "[ \"\$1\" = --check-self ] || [ \"\$COPPICE_ENGINES_UNBORN\" -ge 5 ] || exit 9; exec $W/bin/good \"\$@\""
        kill -KILL "$(engine)"
        wait_for "$PATIENCE" daemon_answers
        wait_state /web running
        assert_eq "$(pid_of /web)" "$web"
        assert_eq "$(grep -c 'ended with status 9' "$W/daemon.log") $(grep -c -e --check-self "$W/tries")" "5 2"
        file_has "$W/daemon.log" "5 engines have died of the saved state"
        stop_daemon 0
}

@test "H17: a journal that may not grow ends no engine, and no service when that ends" {
        local web limit
        limit=$(ulimit -S -f)
        service web "ExecStart=/bin/sleep 1000"
        ulimit -S -f 4
        start_daemon
        ulimit -S -f "$limit"
        wait_state /web running
        web=$(pid_of /web)
        wait_line "$W/daemon.log" "the journal cannot be written: File too large"
        kill_engine
        wait_state /web running
        assert_eq "$(pid_of /web)" "$web"
        refute file_has "$W/daemon.log" "XFSZ"
        stop_daemon 0
}

# damage: the journal of the engine makes no sense to the next one.
damage() {
        local journal
        journal=$(find "/proc/$(engine)/fd" -lname '/memfd:coppice-journal*' | head -n 1)
        printf 'X' | dd of="$journal" bs=1 seek=1000 conv=notrunc status=none
}

@test "H17: what was found running waits for its turn to start, over the end of one more engine, and may end meanwhile" {
        mkfifo "$W/go"
        script gate <<-SH
                read x <$W/go
                exec $COPPICE_BUILD/tests/programs/tell READY=1 -- /bin/sleep 1000
	SH
        service web "ExecStart=/bin/sleep 1000"
        service brief "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /web running
        wait_state /brief running
        local web brief one
        web=$(pid_of /web) brief=$(pid_of /brief)
        service gate Type=notify "ExecStart=$W/gate"
        for one in web brief; do printf '[Unit]\nAfter=gate.service\n' >>"$W/units/$one.service"; done
        damage
        kill_engine
        wait_state /gate starting
        assert_eq "$(pid_of /web)" ""
        kill_engine # the next one has found nothing by itself
        kill -KILL "$brief"
        wait_for "$PATIENCE" process_gone "$brief"
        kill_engine # that it has ended is known to the one that follows
        knock "$W/go"
        wait_state /web running
        assert_eq "$(pid_of /web)" "$web"
        wait_restart /brief "$brief"
        stop_daemon 0
}

# groups_or WORD: WORD where there are no control groups: there /proc is searched, and most system calls are of that.
groups_or() { can_make_cgroup || echo "$1"; }

@test "M3: an engine that is killed at any system call of a restart loses and doubles nothing" {
        skip_unless tracing
        chaos_tree
        start_daemon
        wait_for "$PATIENCE" all_run 6
        run "$COPPICE_BUILD/tests/programs/violence" steps "$DAEMON" "$CTL" "$(daemon_group)" $(groups_or 40)
        echo "$output"
        assert_status 0
        stop_daemon 0
}

@test "M3: an engine that is killed at any system call of a shutdown: all of it ends, with its exit status" {
        skip_unless tracing
        service web Mailbox=yes "ExecStart=/bin/sleep 1000"
        service slow Type=notify "ExecStart=$COPPICE_BUILD/tests/programs/tell READY=1 -- /bin/sleep 1000" "ExecStopPost=/bin/true"
        local n status=0 kills=0
        # Without control groups the processes of the machine are looked through, however many there are: wider steps.
        for ((n = 1; status == 0; n += ${COPPICE_STRIDE:-23 + n / 8})); do
                start_daemon
                wait_state /web running
                wait_state /slow running
                remember_processes
                "$COPPICE_BUILD/tests/programs/violence" end "$DAEMON" "$CTL" "" "$n" || status=$?
                daemon_ends 0
                kills=$((kills + (status == 0)))
                can_make_cgroup || n=$((n + n / 2))
        done
        echo "killed $kills times, at one of $n system calls"
        [ $status = 3 ]
        (( kills > 3 ))
}

@test "M3: an engine that is killed 300 times at random instants loses and doubles nothing" {
        chaos_tree
        start_daemon
        wait_for "$PATIENCE" all_run 6
        run "$COPPICE_BUILD/tests/programs/violence" random "$DAEMON" "$CTL" "$(daemon_group)" "${COPPICE_KILLS:-300}" "$COPPICE_SEED"
        echo "$output"
        assert_status 0
        stop_daemon 0
}

@test "M3: an engine that is killed at any system call of a request has done all of it or nothing" {
        skip_unless tracing
        chaos_tree
        chaos_pair
        start_daemon
        wait_for "$PATIENCE" all_run 8
        run "$COPPICE_BUILD/tests/programs/violence" requests "$DAEMON" "$CTL" "$(daemon_group)" "$W/units" "${COPPICE_STRIDE:-$(can_make_cgroup && echo 3 || echo 40)}"
        echo "$output"
        assert_status 0
        stop_daemon 0
}

@test "H17: a stored descriptor outlives the engine where path and name are long, and a name that is too long is refused" {
        local name long tell=$COPPICE_BUILD/tests/programs/tell
        name=$(printf 'n%.0s' {1..110}) long=$(printf 'd%.0s' {1..90})
        script web <<-SH
                if [ "\${LISTEN_FDS:-0}" = 0 ]; then
                        exec 7<>$W/kept
                        exec $tell --fd 7 --barrier FDSTORE=1 FDNAME=$long READY=1 -- $tell --fd 0 FDSTORE=1 FDNAME=${long}xxxx FDPOLL=0 -- /bin/sleep 1000
                fi
                echo "\$LISTEN_FDS \$LISTEN_FDNAMES" >$W/got.new; mv $W/got.new $W/got
                exec $tell READY=1 -- /bin/sleep 1000
	SH
        service "$name" "Type=notify" "ExecStart=$W/web" "RestartSec=0"
        start_daemon
        wait_state "/$name" running
        wait_line "$W/daemon.log" "keep its descriptor ${long}xxxx: File name too long"
        kill_engine
        kill -KILL "$(pid_of "/$name")"
        wait_file "$W/got"
        assert_eq "$(cat "$W/got")" "1 $long"
        stop_daemon 0
}
