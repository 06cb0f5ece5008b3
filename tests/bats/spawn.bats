# Services that spawn: who may, what, with which rights; how spawner and child are tied; MaxChildren=.

load lib
load talker

setup()    { world; }
teardown() { end_world; }

# shell NAME [LINE...] <<EOF: a service with a mailbox, below /shop, that is a shell script with `coppicectl` in its path.
shell() {
        local name=$1; shift
        { printf 'PATH=%s:$PATH W=%s\n' "$BUILD" "$W"; cat; } | script "$name.sh"
        { printf '[Unit]\nSupervisor=shop\n[Service]\nMailbox=yes\nExecStart=%s\n' "$W/$name.sh"
          printf '%s\n' "$@"; } >"$W/units/$name.service"
}
shop() { { echo '[Supervisor]'; printf '%s\n' "$@"; } >"$W/units/shop.supervisor"; }
# Whoever the daemon is: commands of services that run as root need their own word.
command_word() { [ "$(id -u)" = 0 ] && echo root-command || echo command; }

@test "a service spawns a command below its own supervisor, which is told by its path and ends like any other" {
        skip_unless jq
        shop "AllowSpawn=$(command_word)"
        shell boss <<'SH'
coppicectl spawn --name worker -E GREETING=hello -- sh -c 'echo "$GREETING from $COPPICE_PATH"; read x <"$1"; exit 3' sh "$W/go" >"$W/node"
echo "status $?" >"$W/done"
coppicectl receive
SH
        mkfifo "$W/go"
        start_daemon
        wait_line "$W/done" 'status 0'
        assert_eq "$(cat "$W/node")" /shop/worker
        run ctl why /shop/worker; assert_output_has '/shop/boss asked for its start'
        run ctl logs /shop/worker; assert_output_has 'hello from'
        knock "$W/go"
        run ctl await /shop/worker; assert_status 3
        run ctl list --json; refute_output_has worker
}

@test "what a service may not spawn is refused with the word and the sentence" {
        shop "AllowSpawn=worker@.service"
        { echo '[Supervisor]'; echo "AllowSpawn=$(command_word)"; } >"$W/units/other.supervisor"
        { printf '[Unit]\nSupervisor=shop\n[Supervisor]\nAllowSpawn=%s\nMaxChildren=1\n' "$(command_word)"; } >"$W/units/below.supervisor"
        unit worker@.service <<EOF
[Service]
ExecStart=sh -c 'echo I am %i; read x <$W/quiet'
EOF
        shell boss <<'SH'
try() { coppicectl spawn "$@" >"$W/out" 2>"$W/err"; echo "$? $(cat "$W/out" "$W/err")" >>"$W/said"; }
try -- true
try --unit other@1
try --supervisor /other -- sleep 100
try --supervisor / -- sleep 100
try --unit worker@1
try --unit worker@1
try --unit 'worker@'
try --supervisor below --user nobody -- sleep 100
try --supervisor below -p TasksMax=9999 -- sleep 100
try --supervisor below -p NoSuch=9999 -- sleep 100
try --supervisor below -p 'InaccessiblePaths=' -- sleep 100
try --supervisor below -- /no/such/program
try --supervisor below --name one -- sleep 100
try --supervisor below -- sleep 100
echo end >>"$W/said"
coppicectl receive
SH
        start_daemon
        wait_line "$W/said" '^end'
        run cat "$W/said"
        assert_eq "${lines[0]}" '4 coppicectl: AllowSpawn= of shop.supervisor does not name command'
        assert_eq "${lines[1]}" '4 coppicectl: AllowSpawn= of shop.supervisor does not name the template of other@1.service'
        assert_eq "${lines[2]}" '4 coppicectl: it is not below the supervisor of the one who asks'
        assert_eq "${lines[3]}" "${lines[2]}"
        assert_eq "${lines[4]}" '0 /shop/worker@1'
        [[ ${lines[5]} == '1 '*'there is a node of that name already'* ]]
        [[ ${lines[6]} == '0 /shop/worker@'* ]]
        [[ ${lines[7]} == '4 '*'User= is not a spawner'* ]]
        [[ ${lines[8]} == '4 '*'TasksMax= can only be less than the spawner has'* ]]
        [[ ${lines[9]} == '1 '*'NoSuch'* ]]
        [[ ${lines[10]} == '4 '*'InaccessiblePaths= can only be added to'* ]]
        [[ ${lines[11]} == '1 '*'/no/such/program'* ]]
        assert_eq "${lines[12]}" '0 /shop/below/one'
        [[ ${lines[13]} == '1 '*'which is its MaxChildren='*'below.supervisor:5'* ]]
        # An operator is bounded as well, and is told so.
        run ctl spawn --supervisor /shop/below -- sleep 100
        assert_status 1; assert_output_has 'MaxChildren='
}

@test "how a spawned service has ended is known after its engine was killed, and after another took over" {
        start_daemon
        ctl spawn --name gone -- sh -c 'exit 7'
        ctl spawn -- true
        run ctl await run-1; assert_status 0
        run ctl await gone; assert_status 7
        before=$(pgrep -P "$DAEMON" -x coppice-engine)
        kill -KILL "$before"
        wait_for "$PATIENCE" replaced "$before"
        run ctl await gone; assert_status 7; assert_output_has 'exit:7'
        ctl daemon-reexec
        run ctl await /transient/gone; assert_status 7
        assert_eq "$(ctl spawn -- true)" /transient/run-2
}
replaced() { local p; p=$(pgrep -P "$DAEMON" -x coppice-engine) && [ "$p" != "$1" ] && daemon_answers; }

@test "M3: while its engine is killed again and again a service loses and doubles no child, no link and no monitor" {
        skip_unless python3
        shop "AllowSpawn=$(command_word)" MaxRestarts=1000000
        printf '[Unit]\nSupervisor=shop\n[Service]\nMailbox=yes\nTrapExit=yes\nExecStart=/usr/bin/env python3 %s\n' \
                "$BATS_TEST_DIRNAME/spawner.py $W/ran ${COPPICE_SPAWNS:-100}" >"$W/units/boss.service"
        export COPPICE_ENGINE_PAUSE_MAX_MS=1
        start_daemon
        wait_file "$W/ran"
        run python3 "$BATS_TEST_DIRNAME/killer.py" "$DAEMON" "$W/ran.said" "$COPPICE_SEED"
        echo "$output"
        assert_status 0
        cat "$W/ran.said"
        [ "$(grep -vc '^again\|^end' "$W/ran.said")" = 0 ]
        [ "${output%% *}" -ge 5 ]
        run ctl list --json; refute_output_has '/shop/w'
}
