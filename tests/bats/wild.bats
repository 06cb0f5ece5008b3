# Everything at once. COPPICE_WILD: for how many seconds; COPPICE_SEED: what to begin with (lib.bash; when
# what follows is up to the machine).
load lib

setup()    { world; }
teardown() { end_world; }

@test "M3: whatever services and people ask for, and whoever is killed meanwhile, nobody else ends and all can be stopped" {
        skip_unless python3
        local seed=$COPPICE_SEED log=$W/daemon.log
        echo "COPPICE_SEED=$seed"
        export COPPICE_ENGINE_PAUSE_MAX_MS=1
        python3 "$BATS_TEST_DIRNAME/wild.py" units "$W" "$seed"
        start_daemon
        python3 "$BATS_TEST_DIRNAME/wild.py" drive "$W" "$DAEMON" "${COPPICE_WILD:-3}" "$seed"
        wait_for "$PATIENCE" daemon_answers
        run grep -E 'Sanitizer|runtime error:|the engine ended with|was killed by signal (4|6|7|8|11) |is damaged|given up' "$log"
        assert_status 1
        stop_daemon 0
}
