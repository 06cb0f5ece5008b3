# What is done again and again leaves nothing behind. COPPICE_CYCLES makes the first test longer (a million takes some hours
# and a greater time limit), COPPICE_LIVES the second (a million takes five minutes).

load lib

setup()    { world; }
teardown() { end_world; }

# Memory that is free goes back at once: what is held is what is in use, and not how it lies.
hold_no_free_memory() { export MALLOC_MMAP_THRESHOLD_=32768 MALLOC_TRIM_THRESHOLD_=32768 MALLOC_TOP_PAD_=0; }

@test "I9: after hundreds of kills, runs, reloads, clients and messages no descriptor, group or memory is held that was not before" {
        skip_unless python3
        mkfifo "$W/lives"
        printf '[Supervisor]\nMaxRestarts=100000000\n' | unit root.supervisor
        service killed RestartSec=0 "ExecStart=/bin/sh -c 'echo \$\$\$\$ >$W/lives; exec sleep 100000'"
        service answers Mailbox=yes "ExecStart=/usr/bin/env python3 $BATS_TEST_DIRNAME/drift.py answer"
        hold_no_free_memory
        start_daemon
        wait_state /answers running
        run python3 "$BATS_TEST_DIRNAME/drift.py" "$W" "$DAEMON" "${COPPICE_CYCLES:-300}"
        echo "$output"
        assert_status 0
        stop_daemon 0
}

@test "I9: after a hundred thousand starts and ends of services nothing is held that was not before" {
        local lives=100000
        skip_unless python3
        [ -z "${COPPICE_SANITIZED:-}" ] || lives=5000
        mkfifo "$W/rests"
        printf '[Supervisor]\nMaxRestarts=100000000\nMaxRestartsSec=1ms\n' | unit root.supervisor
        for s in one two three; do
                service $s RestartSec=0 "WorkingDirectory=$W" "ExecStart=$COPPICE_BUILD/tests/programs/tally"
        done
        truncate -s 16 "$W/tally"
        hold_no_free_memory
        start_daemon --log-level=error
        run python3 "$BATS_TEST_DIRNAME/drift.py" lives "$W" "$DAEMON" "${COPPICE_LIVES:-$lives}"
        echo "$output"
        assert_status 0
        stop_daemon 0
}
