#!/usr/bin/env bats
# What holds as well where there are no control groups: as a user who may not make any.
load lib
load chaos

setup() {
        world
        TELL=$BUILD/tests/programs/tell
        DAEMON_WRAPPER=
        if [ "$(id -u)" = 0 ]; then
                skip_unless setpriv
                skip_unless others
                give_world_to_nobody
                DAEMON_WRAPPER="setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all --"
        fi
}
teardown() { end_world; }

running() { [ "$(ctl list --json | jq '[.[] | select(.type == "service" and .state == "running")] | length')" = "$1" ]; }

@test "a user without home and runtime directory has places for the directories of services all the same" {
        [ "$(id -u)" = 0 ] || [ -z "$(getent passwd "$(id -u)" | cut -d: -f6)" ] || skip "this user has a home"
        script keeper <<-SH
                echo "\$RUNTIME_DIRECTORY" >"\$STATE_DIRECTORY/where" && touch "\$RUNTIME_DIRECTORY/mine" && echo done >$W/done
                exec sleep 1000
	SH
        service keeper "ExecStart=$W/keeper" RuntimeDirectory=keeper StateDirectory=keeper ProtectSystem=strict "ReadWritePaths=$W" Isolation=best-effort
        DAEMON_WRAPPER="env -u HOME -u XDG_RUNTIME_DIR -u XDG_STATE_HOME ${DAEMON_WRAPPER:-}"
        start_daemon
        wait_file "$W/done"
        assert_eq "$(cat "$W/state/lib/keeper/where")" "$W/run/run/keeper"
        [ -e "$W/run/run/keeper/mine" ]
        ctl stop keeper
        [ ! -e "$W/run/run/keeper" ]
}

@test "H11: in a user namespace that does not know root, what root owns is root's all the same" {
        skip_unless userns
        service web "ExecStart=/bin/sleep 1000"
        if [ "$(id -u)" = 0 ]; then
                chown -R 0:0 "$W/units"
                ctl() { as_nobody "$CTL" "$@"; } # it does not know us either
        fi
        DAEMON_WRAPPER="$DAEMON_WRAPPER unshare --user --map-root-user --"
        launch_daemon
        wait_for "$PATIENCE" answers
        wait_state /web running
        ctl daemon-reload
}

answers() { ctl version >/dev/null 2>&1; }

@test "without control groups a shell hears of its stop before its children do" {
        local i
        script worker <<-SH
                trap 'echo stop >>$W/order; exit 0' TERM
                sh -c ": >$W/up.\$1; exec sleep 1000" & # one just forked may lose a signal: it tells itself
                wait
                while :; do sleep 1000 & wait; done
	SH
        for i in {1..24}; do service "w$i" "ExecStart=$W/worker $i" "TimeoutStopSec=60s"; done
        start_daemon --stop-timeout=60s
        for i in {1..24}; do wait_file "$W/up.$i"; done
        stop_daemon 0
        assert_eq "$(wc -l <"$W/order")" 24
}

@test "without control groups readiness told between two programs is believed" {
        local i
        for i in {1..80}; do service "quick$i" "Type=notify" "ExecStart=$TELL READY=1 -- /bin/sleep 1000"; done
        start_daemon
        wait_for "$PATIENCE" running 80
        stop_daemon 0
}

@test "M3: without control groups too an engine that is killed 100 times at random instants loses and doubles nothing" {
        export COPPICE_ENGINE_PAUSE_MAX_MS=1
        chaos_tree
        start_daemon
        wait_for "$PATIENCE" all_run 6
        run "$BUILD/tests/programs/violence" random "${INNER:-$DAEMON}" "$CTL" "" "${COPPICE_KILLS:-100}" "$COPPICE_SEED"
        echo "$output"
        assert_status 0
        stop_daemon 0
}
