# What is done again and again leaves nothing behind. COPPICE_CYCLES makes it longer (a million takes some hours and a
# greater time limit).

load lib

setup()    { world; }
teardown() { end_world; }

@test "I9: after hundreds of kills, runs, reloads, clients and messages no descriptor, group or memory is held that was not before" {
        skip_unless python3
        mkfifo "$W/lives"
        printf '[Supervisor]\nMaxRestarts=100000000\n' | unit root.supervisor
        service killed RestartSec=0 "ExecStart=/bin/sh -c 'echo \$\$\$\$ >$W/lives; exec sleep 100000'"
        service answers Mailbox=yes "ExecStart=/usr/bin/env python3 $BATS_TEST_DIRNAME/drift.py answer"
        # Memory that is free goes back at once: what is held is what is in use, and not how it lies.
        export MALLOC_MMAP_THRESHOLD_=32768 MALLOC_TRIM_THRESHOLD_=32768 MALLOC_TOP_PAD_=0
        start_daemon
        wait_state /answers running
        run python3 "$BATS_TEST_DIRNAME/drift.py" "$W" "$DAEMON" "${COPPICE_CYCLES:-300}"
        echo "$output"
        assert_status 0
        stop_daemon 0
}
