# The helpers themselves: a test that cannot fail proves nothing.
load lib

setup() { world; }
teardown() { end_world; }

@test "waiting in vain fails at the deadline and says for what" {
        run wait_for 0 file_exists "$W/never"
        assert_status 1
        assert_output_has "waited in vain for: file_exists"
}

@test "waiting ends as soon as the condition holds" {
        { read -r -t 0.1 -u "$QUIET" _ || : >"$W/there"; } 3>&- &
        wait_file "$W/there" 5
}

@test "a process left behind is found" {
        script stay <<<'read -r line <"$1"'
        mkfifo "$W/hold"
        "$W/stay" "$W/hold" 3>&- &
        local stay=$!
        ENDING=0 run nothing_left
        kill "$stay"; wait "$stay" || :
        assert_status 1
        assert_output_has "left behind: process $stay"
}

@test "PID 1 of a namespace gives its exit status and is found from outside" {
        skip_unless pidns
        script one <<'EOF'
trap 'exit 7' TERM
echo ready
while :; do read -r line <"$1"; done
EOF
        mkfifo "$W/hold"
        launch_pid1 /bin/sh "$W/one" "$W/hold"
        wait_line "$W/daemon.log" ready
        [ -n "$INNER" ]
        signal_pid1 TERM
        pid1_ends 7
}

@test "bubblewrap gives a read-only root and the same contract" {
        skip_unless bwrap
        script one <<'EOF'
touch /coppice-was-here 2>/dev/null && exit 3
trap 'exit 9' TERM
echo ready
while :; do read -r line <"$1"; done
EOF
        mkfifo "$W/hold"
        launch_boxed -- /bin/sh "$W/one" "$W/hold"
        wait_line "$W/daemon.log" ready
        signal_pid1 TERM
        pid1_ends 9
}

@test "a test that kills its process group is one failure, and what runs it goes on" {
        script suicide <<<'echo 1..2; echo ok 1; kill -KILL 0; echo ok 2'
        /bin/sh "$SOURCE/tests/driver" --test-name suicide --log-file "$W/log" --trs-file "$W/trs" -- "$W/suicide"
        [ "$(grep -c '^:test-result: PASS' "$W/trs")" = 1 ]
        grep -qx ':test-result: FAIL suicide (2 tests planned, 1 ran; exit status 137)' "$W/trs"
        run kill -KILL 0
        assert_status 2
        assert_output_has 'kill -KILL 0: "0" is no process'
}
