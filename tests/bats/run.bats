#!/usr/bin/env bats
# run, spawn, await: services made of properties instead of files.

load lib

setup() { world; }
teardown() { end_world; }

# Nothing of any transient service is left in the tree.
none_left() { [ -z "$(ctl list --names | grep -x '/transient/.*')" ]; }

@test "run gives back what the command read and wrote, and its exit status" {
        start_daemon
        run ctl run -- sh -c 'cat; echo to stderr >&2; exit 3' <<<"through it"
        assert_status 3
        assert_output_has "through it"
        assert_output_has "to stderr"
        run ctl run true
        assert_status 0
        assert_eq "$output" ""
        none_left
}

@test "run hands over pipes as they are: the reader sees the end of file" {
        start_daemon
        assert_eq "$(seq 100000 | ctl run -- sort -rn | head -n 1)" 100000
        assert_eq "$(ctl run -- cat </dev/null | wc -c)" 0
}

@test "run without a standard input or output of its own gives the command /dev/null, and nothing of coppicectl's" {
        start_daemon
        assert_eq "$(ctl run -- readlink /proc/self/fd/0 <&-)" /dev/null
        ctl run -- sh -c "one=\$(readlink /proc/\$\$/fd/1); echo \$one >'$W/one'" >&-
        assert_eq "$(cat "$W/one")" /dev/null
        assert_eq "$(ctl run -- sh -c 'readlink /proc/self/fd/2' 2>&-)" /dev/null
        [ ! -c /dev/full ] || { run bash -c "'$CTL' list >/dev/full"; assert_status 1; assert_output_has "No space left"; }
}

@test "run tells how it ended: signals, a program that is not there, a time that ran out" {
        start_daemon
        run ctl run -- sh -c 'kill -9 $$'
        assert_status 137
        run ctl run -- sh -c 'kill -TERM $$'
        assert_status 143
        run ctl run /nonexistent/program
        assert_status 203
        assert_output_has "EXEC: execute /nonexistent/program: No such file or directory"
        run ctl run --timeout 100ms sleep 1000
        assert_status 124
        assert_output_has "ended: timeout"
        none_left
}

@test "words of the command are taken as they are" {
        start_daemon
        run ctl run -- printf '[%s]' '$HOME' '%n' 'a b' ';' '"' "'" '\' ''
        assert_eq "$output" "[\$HOME][%n][a b][;][\"]['][\\][]"
        assert_eq "$(ctl run -- printf %s $'\xff\x01' | od -An -tx1 | tr -d ' \n')" ff01
}

@test "properties are lines of a unit file; a mistake is named by its position" {
        start_daemon
        run ctl run -p LimitNOFILE=77 -p 'Environment="A=b c"' -E D=100% -- sh -c 'ulimit -n; echo "$A $D"'
        assert_status 0
        assert_eq "$output" $'77\nb c 100%'
        run ctl run -p Nice=1 -p LimitNOFIL=1 true
        assert_status 1
        assert_output_has "property 2 (LimitNOFIL=1): unknown key LimitNOFIL= in [Service] (did you mean LimitNOFILE=?)"
        run ctl run -p 'Nice 1' true
        assert_output_has "property 1 (Nice 1): is no assignment"
        run ctl run -p $'Nice=1\nUser=nobody' true
        assert_output_has "is more than one line"
        none_left
}

@test "with --json the last line is a report" {
        start_daemon
        run ctl run --json --name job -- sh -c 'exit 4'
        assert_status 4
        assert_json '.node == "/transient/job" and .exit_code == 4 and .reason == "exit:4" and .status == 4 and .lasted_usec > 0'
}

@test "spawn returns the node; await tells the result as run would, also after the end" {
        start_daemon
        script job <<'END'
read -r code <"$1"
exit "$code"
END
        mkfifo "$W/fifo"
        node=$(ctl spawn --name later "$W/job" "$W/fifo")
        assert_eq "$node" /transient/later
        assert_eq "$(state_of later)" running
        run ctl await --try later
        assert_status 75
        run ctl await later --timeout 50ms
        assert_status 75
        knock "$W/fifo" 9
        run ctl await later
        assert_status 9
        assert_output_has "exit:9"
        none_left
        run ctl await /transient/later --json
        assert_status 9
        assert_json '.[0].transient and .[0].reached and .[0].death.reason == "exit:9" and .[0].exit_code == 9'
        run ctl await nobody
        assert_status 3
        run ctl spawn /nonexistent/program
        assert_status 1
        assert_output_has "execute /nonexistent/program"
}

@test "a transient service is shown by cat and show, survives daemon-reload, and is written nowhere" {
        start_daemon
        ctl spawn --name t -p Nice=3 -p 'Description=for a test' -- sleep 1000
        run ctl cat t
        assert_output_has "Nice=3"
        assert_output_has "Description=for a test"
        run ctl show t
        assert_output_has "Nice=3"
        pid=$(pid_of t)
        ctl daemon-reload
        assert_eq "$(pid_of t)" "$pid"
        [ -z "$(find "$W/units" -mindepth 1)" ]
        run ctl spawn --name t true
        assert_status 1
        assert_output_has "there is a node of that name already"
        ctl stop t
        wait_for "$PATIENCE" none_left
        run ctl await t
        assert_status 143
}

@test "below a supervisor of one's choice, if that runs" {
        printf '[Supervisor]\n' >"$W/units/shop.supervisor"
        start_daemon
        run ctl run --supervisor shop -- sh -c 'echo "$COPPICE_NODE"'
        assert_eq "$output" /shop/run-1
        ctl stop shop
        run ctl run --supervisor /shop true
        assert_status 1
        assert_output_has "/shop is not running"
        [[ $(ctl list --names) != *run-* ]]
}

# The main process of a transient service runs, and has said so by a line in a file.
has_begun() { [ -s "$W/begun" ]; }

@test "signals that reach coppicectl are sent on to the service" {
        start_daemon
        script trap <<END
trap 'echo got TERM; exit 7' TERM
trap 'echo got INT; exit 8' INT
echo >$W/begun
while :; do sleep 1000 & wait; done
END
        for pair in TERM:7 INT:8; do
                rm -f "$W/begun"
                "$CTL" run "$W/trap" >"$W/out" 3>&- &
                client=$!
                wait_for "$PATIENCE" has_begun
                # Not by the shell's kill: it would have ignored INT for a process in the background.
                kill -"${pair%:*}" "$client"
                status=0
                wait "$client" || status=$?
                assert_eq "$status" "${pair#*:}"
                assert_eq "$(cat "$W/out")" "got ${pair%:*}"
        done
        none_left
}

@test "when coppicectl is killed the run is ended; with --keep it goes on" {
        start_daemon
        "$CTL" run --name short -- sleep 1000 3>&- &
        client=$!
        wait_state short running
        kill -KILL "$client"
        wait_for "$PATIENCE" none_left
        "$CTL" run --name long --keep -- sleep 1000 3>&- &
        client=$!
        wait_state long running
        pid=$(pid_of long)
        kill -KILL "$client"
        wait "$client" || :
        ctl version
        assert_eq "$(pid_of long)" "$pid"
}

engine() { pgrep -P "$DAEMON" -x coppice-engine; }
another_engine() { local e; e=$(engine) && [ -n "$e" ] && [ "$e" != "$1" ]; }

@test "a run does not notice that the engine was killed; what was spawned is awaited from the next one" {
        start_daemon
        mkfifo "$W/gate"
        exec {gate}<>"$W/gate"
        "$CTL" run --name with -- sh -c 'read -r x <"$0"; echo "$x"; exit 5' "$W/gate" >"$W/out" 3>&- &
        client=$!
        wait_state with running
        ctl spawn --name alone -- sh -c 'read -r x <"$0"; exit 5' "$W/gate"
        before=$(engine)
        kill -KILL "$before"
        wait_for "$PATIENCE" another_engine "$before"
        wait_for "$PATIENCE" ctl version
        echo >&"$gate"
        echo >&"$gate"
        status=0; wait "$client" || status=$?
        assert_eq "$status" 5
        run ctl await alone
        assert_status 5
        wait_for "$PATIENCE" none_left
        [ "$(engine)" != "$before" ]
}

@test "a spawn costs an entry of the journal and not a copy of the tree, and the next engine knows it from that" {
        local i engine before after pids
        for i in {1..300}; do
                service "idle$i" "ExecStart=/bin/true" "Environment=A=$i"
                printf '[Unit]\nConditionPathExists=/nowhere\n' >>"$W/units/idle$i.service"
        done
        start_daemon
        ctl spawn --name first -- sleep 1000 # makes the place for it
        engine=$(engine)
        written() { stat -L -c %s "$(find "/proc/$engine/fd" -lname '*coppice-journal*' | head -n 1)"; }
        before=$(written)
        for i in {1..5}; do ctl spawn --name "s$i" -p Environment=MARK=here -- sleep 1000; done
        after=$(written)
        echo "$(( after - before )) bytes"
        (( after > before && after - before < 30000 ))
        pids=$(for i in {1..5}; do pid_of "/transient/s$i"; done)
        kill -KILL "$engine"
        wait_for "$PATIENCE" another_engine "$engine"
        wait_for "$PATIENCE" ctl status /
        assert_eq "$(for i in {1..5}; do pid_of "/transient/s$i"; done)" "$pids"
        run ctl show /transient/s5
        assert_output_has MARK=here
        kill -TERM "$(pid_of /transient/s5)"
        run ctl await s5
        assert_status 143
        stop_daemon 0
}

@test "more runs at once than connections are allowed" {
        start_daemon
        mkfifo "$W/gate"
        exec {gate}<>"$W/gate"
        for i in {1..40}; do "$CTL" run -- sh -c 'read -r x <"$0"; exit 7' "$W/gate" 3>&- & clients[i]=$!; done
        all_there() { [ "$(ctl list --names | grep -c '^/transient/.')" = 40 ]; }
        wait_for "$PATIENCE" all_there
        for i in {1..40}; do echo >&"$gate"; done
        for i in {1..40}; do status=0; wait "${clients[i]}" || status=$?; assert_eq "$status" 7; done
        none_left
}

@test "E5: nothing of a run is left: processes, group, node" {
        start_daemon
        run ctl run -- sh -c 'setsid sleep 1000 & sleep 1000 & echo $! >"$0/begun"; cat /proc/self/cgroup' "$W"
        assert_status 0
        group=$(sed -n 's/^0:://p' <<<"$output")
        process_gone "$(cat "$W/begun")"
        none_left
        if [ "$group" != / ]; then
                mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
                [ -z "$mount" ] || [ ! -d "$mount$group" ]
        fi
}

@test "a report has the processor time of the whole group also where processes outlive the command" {
        start_daemon
        run ctl run --json -p TasksMax=50 -- sh -c 'sleep 1000 & i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done'
        assert_status 0
        assert_json '.cpu_usec == null or .cpu_usec * 2 >= .user_usec + .system_usec'
}

@test "on a terminal the command has one of its own: size, Ctrl-C, and ours set back" {
        skip_unless terminal
        start_daemon
        run python3 "$SOURCE/tests/bats/terminal.py" "$CTL"
        echo "$output"
        assert_status 0
        none_left
}

@test "run --local needs no daemon, as root or as anybody, and leaves nothing" {
        export TMPDIR=$W/tmp
        mkdir -m 1777 "$W/tmp"
        unset COPPICE_SOCKET
        run "$CTL" run --local --json -p LimitNOFILE=55 -- sh -c 'ulimit -n; exit 6'
        assert_status 6
        assert_eq "${lines[0]}" 55
        assert_eq "$(jq -r .reason <<<"${lines[1]}")" exit:6
        assert_eq "$(ls "$W/tmp")" ""
        run "$CTL" run --local -p LimitNOFIL=55 true
        assert_status 1
        assert_eq "$(ls "$W/tmp")" ""
        [ "$(id -u)" = 0 ] && command -v setpriv && as_nobody test -x "$COPPICED" || return 0
        run as_nobody "$CTL" run --local -- id -u
        assert_status 0
        assert_output_has 54321
        assert_eq "$(ls "$W/tmp")" ""
}

tmp_empty() { [ -z "$(ls "$W/tmp")" ]; }

@test "run --local tidies up after itself also when it is killed" {
        export TMPDIR=$W/tmp
        mkdir "$W/tmp"
        unset COPPICE_SOCKET
        "$CTL" run --local -- sh -c 'echo $$ >"$0/begun"; exec sleep 1000' "$W" 3>&- &
        client=$!
        wait_for "$PATIENCE" has_begun
        pid=$(cat "$W/begun")
        kill -KILL "$client"
        wait_for "$PATIENCE" process_gone "$pid"
        wait_for "$PATIENCE" tmp_empty
}

@test "run and spawn say what does not hold of what was asked for, when that is no reason to refuse it" {
        export TMPDIR=$W/tmp
        mkdir -m 1777 "$W/tmp"
        unset COPPICE_SOCKET
        [ "$(id -u)" = 0 ] && command -v setpriv && as_nobody test -x "$COPPICED" || skip "needs to be root, to be nobody"
        run as_nobody "$CTL" run --local -p MemoryMax=64M -- /bin/true
        assert_status 205
        assert_output_has "set MemoryMax=64M: there is no memory controller"
        mkfifo -m 666 "$W/go"
        as_nobody "$CTL" run --local -p MemoryMax=64M -p Isolation=best-effort -- /bin/cat "$W/go" >"$W/said" 2>&1 &
        wait_for "$PATIENCE" grep -q "MemoryMax=64M is not enforced: there is no memory controller" "$W/said"
        knock "$W/go" it runs # and not only at its end
        wait $!
        run cat "$W/said"
        assert_output_has "it runs"
        refute_output_has "TasksMax"
        refute_output_has "MemorySwapMax"
        run as_nobody "$CTL" run --local -q -p MemoryMax=64M -p Isolation=best-effort -- /bin/echo it runs
        assert_eq "$output" "it runs"
}
