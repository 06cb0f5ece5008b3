#!/usr/bin/env bats
# coppicectl simulate: the examples that come with it, its language, its output. No daemon is needed.

load lib

EXAMPLES=$BATS_TEST_DIRNAME/../../units/examples/simulate

simulate() { "$CTL" simulate --units "$EXAMPLES" "$@"; }

@test "every script among the examples meets its expectations" {
        for script in "$EXAMPLES"/*.sim; do
                run simulate "$script"
                [ "$status" = 0 ] || { echo "$script: $output"; return 1; }
        done
}

@test "the examples meet their expectations in any order of simultaneous events" {
        local seed
        for seed in 1 2 3 4 5 6 7 8 9 10 11 12; do
                run simulate --shuffle --seed $seed "$EXAMPLES/heal.sim"
                [ "$status" = 0 ] || { echo "seed $seed: $output"; return 1; }
        done
}

@test "a directory of units that is not there is no tree to play with" {
        run "$CTL" simulate --units /nosuch
        assert_status 3
        assert_output_has "--units=/nosuch: No such file or directory"
}

@test "equal seeds give equal stories" {
        simulate --shuffle --seed 7 "$EXAMPLES/hang.sim" >"$BATS_TEST_TMPDIR/a"
        simulate --shuffle --seed 7 "$EXAMPLES/hang.sim" >"$BATS_TEST_TMPDIR/b"
        cmp "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
}

@test "an expectation that is not met is told with what was found, and the exit status is 1" {
        run simulate - <<'EOS'
settle
expect db failed
expect-exit 3
EOS
        [ "$status" = 1 ]
        [[ "$output" == *"-:2: expect db failed: not met, found: running"* ]]
        [[ "$output" == *"-:3: expect-exit 3: not met, found: the daemon lives"* ]]
        [[ "$output" == *"2 expectations were not met"* ]]
}

@test "every mistake in a script is told with its line and the way out, and nothing is played" {
        run simulate - <<'EOS'
# a comment, then mistakes
kil db SEGV
3s kill db FOO
1s kill db SEGV
fail-start db 1 EXECC
kill db
expect db up
4s
hang db perhaps
exit db 256
add new.unit root ExecStart=/bin/true
change db RestartSec
EOS
        [ "$status" = 2 ]
        [[ "$output" == *"-:2: error: unknown verb 'kil' (did you mean 'kill'?)"* ]]
        [[ "$output" == *"-:3: error:"*"SIGSEGV"* ]]
        [[ "$output" == *"-:4:1: error:"*"times only go forward"* ]]
        [[ "$output" == *"-:5: error:"*"EXEC:ENOENT"* ]]
        [[ "$output" == *"-:6: error: wrong number of arguments for 'kill' (write: kill NODE SIGNAL)"* ]]
        [[ "$output" == *"-:7: error:"*"backoff"* ]]
        [[ "$output" == *"-:8: error: nothing happens at '4s'"* ]]
        [[ "$output" == *"-:9: error:"*"on or off"* ]]
        [[ "$output" == *"-:10: error:"*"exit code"* ]]
        [[ "$output" == *"-:11: error:"*".service or .supervisor"* ]]
        [[ "$output" == *"-:12: error:"*"KEY=VALUE"* ]]
        [[ "$output" != *"the tree starts"* ]]
}

@test "a node that is not there stops the play with the line and the way out" {
        run simulate - <<<'stop nobody'
        [ "$status" = 1 ]
        [[ "$output" == *"there is no node nobody"*"-:1"*"a path"* ]]
}

@test "with --json every line is an object and the last one counts" {
        simulate --json "$EXAMPLES/give-up.sim" >"$BATS_TEST_TMPDIR/story"
        python3 - "$BATS_TEST_TMPDIR/story" <<'EOP' || skip "python3 is not there to read it"
import json, sys
lines = [json.loads(l) for l in open(sys.argv[1])]
assert all("kind" in l and "at" in l for l in lines)
records = [l for l in lines if l["kind"] == "record"]
assert [r["seq"] for r in records] == list(range(1, len(records) + 1))
assert all(r["cause"] < r["seq"] for r in records)
assert any(r["rule"] == "intensity_exceeded" and r["node"] == "/shop" for r in records)
assert lines[-1] == {"kind": "end", "at": lines[-1]["at"], "unmet": 0, "exit_code": None}
EOP
}

@test "a tree can change and grow while it runs" {
        run simulate - <<'EOS'
settle
2s change metrics RestartSec=5s After=db.service
kill metrics SEGV
+4s expect metrics backoff signal:SEGV
+2s expect metrics running
mark
add extra.service shop ExecStart=/bin/true
settle
expect-started extra
delete extra
settle
change metrics RestartSec=never
EOS
        [ "$status" = 1 ]
        [[ "$output" != *" ! "* ]]
        [[ "$output" == *"the unit would not be valid"*"RestartSec"* ]]
}

@test "C6: giving up climbs through three levels to root, and the daemon exits with 70" {
        mkdir -p "$BATS_TEST_TMPDIR/units"
        cd "$BATS_TEST_TMPDIR/units"
        printf '[Supervisor]\nEscalation=escalate\nMaxRestarts=0\n' >root.supervisor
        printf '[Supervisor]\nMaxRestarts=0\nChildren=b.supervisor\n' >a.supervisor
        printf '[Supervisor]\nMaxRestarts=0\nChildren=c.service d.service\n' >b.supervisor
        printf '[Service]\nExecStart=/bin/true\nRestartSec=0\n' >c.service
        cp c.service d.service
        run "$CTL" simulate --units . - <<'EOS'
settle
2s mark
kill c SEGV
settle
expect-ended c d
expect-exit 70
EOS
        [ "$status" = 0 ] || { echo "$output"; return 1; }
}

@test "B4: a process that survives SIGKILL is told of, nothing is started beside it, and it is restarted once it is gone" {
        run simulate - <<'EOS'
settle
stuck metrics
ignore-term metrics
2s restart metrics
+1min expect metrics stopping
stuck metrics off
settle
expect metrics running
EOS
        [[ "$output" == *"do not end"* ]]
        [ "$status" = 0 ] || { echo "$output"; return 1; }
}
