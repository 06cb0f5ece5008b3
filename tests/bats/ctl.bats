#!/usr/bin/env bats
# coppicectl against the real daemon: every verb, its JSON, its exit status.

load lib

setup() { world; }
teardown() { end_world; }

tree_of_four() {
        service web 'ExecStart=/bin/sleep 1000' 'RestartSec=0'
        service talk "ExecStart=/bin/sh -c 'echo hello from talk; exec sleep 1000'" 'RestartSec=0'
        service bad 'ExecStart=/nonexistent/program' 'Type=exec' 'Restart=no'
        unit shop.supervisor <<'EOF'
[Supervisor]
Strategy=rest_for_one
Children=db.service api.service
EOF
        service db 'ExecStart=/bin/sleep 1000' 'RestartSec=0'
        service api 'ExecStart=/bin/sleep 1000' 'RestartSec=0'
        start_daemon
        wait_state /shop/api running
        wait_state /web running
        wait_state /talk running
        wait_state /bad failed
        has_said_hello() { ctl logs talk | grep -q "hello from talk"; }
        wait_for "$PATIENCE" has_said_hello
}

@test "every verb has --help, a manual page, a section in that of all of them and a place in each completion" {
        local verb
        [ -s "$BUILD/man/coppicectl.1" ]
        "$BUILD/src/ctl/pages" verbs "$W"
        for verb in $("$CTL" help | sed -n 's/^  \([a-z-]*\)  .*/\1/p'); do
                run "$CTL" "$verb" --help
                assert_status 0
                assert_output_has "coppicectl $verb"
                man --warnings -l "$BUILD/man/coppicectl.1" 2>/dev/null | grep -q "^   $verb" ||
                        grep -q "^.SS \"${verb//-/\\\\-}" "$BUILD/man/coppicectl.1" || { echo "$verb is not in the page"; return 1; }
                grep -q '^\.SH SYNOPSIS' "$W/coppicectl-$verb.1"
                grep -q "^        $verb)" "$BUILD/contrib/completions/coppicectl.bash"
                grep -q "^        $verb)" "$BUILD/contrib/completions/_coppicectl"
                grep -q -- "-a $verb -d" "$BUILD/contrib/completions/coppicectl.fish"
        done
}

@test "without a daemon a verb says so and ends with 7" {
        run ctl status
        assert_status 7
        assert_output_has "no daemon at $W/run/control"
        assert_output_has "COPPICE_SOCKET"
}

@test "usage errors end with 2 and name the nearest verb" {
        run ctl statis
        assert_status 2
        assert_output_has "did you mean status?"
        run ctl poweroff
        assert_status 2
        assert_output_has "poweroff: no such verb; here: shutdown --poweroff"
        run ctl start
        assert_status 2
        run ctl list --nonsense
        assert_status 2
        run ctl list --timeout soon
        assert_status 2
}

@test "status tells every field the issue names, for a service and for a supervisor" {
        tree_of_four
        run ctl status web --json
        assert_status 0
        assert_json '[has("path","unit","type","state","want","ready","main_pid","incarnation","restarts","last_reason",
                "since","started_at","next_start_at","strategy","intensity","children","supervisor","cgroup","memory",
                "cpu_usec","tasks")] | all'
        assert_json '.path == "/web" and .unit == "web.service" and .type == "service" and .state == "running"'
        assert_json '.want == "up" and .ready and .main_pid > 1 and .incarnation == 1 and .restarts == 0 and .supervisor == "/"'
        assert_json '.since | test("^[0-9]{4}-.*Z$")'
        run ctl status shop --json
        assert_json '.strategy == "rest_for_one" and .children == ["/shop/db", "/shop/api"]'
        assert_json '.intensity == {"max": 5, "used": 0, "window_sec": 10}'
        run ctl status web shop --json
        assert_json 'length == 2 and .[1].path == "/shop"'
        run ctl status web
        assert_status 0
        assert_output_has "running"
        run ctl status bad
        assert_status 3
        assert_output_has "failed"
        run ctl status talk
        assert_output_has "hello from talk"
}

@test "an unknown node ends with 3 and names the nearest, an ambiguous one with 2 and names them all" {
        service one 'ExecStart=/bin/sleep 1000'
        printf '[Supervisor]\nChildren=thing.service\n' | unit east.supervisor
        printf '[Supervisor]\nChildren=thing.supervisor\n' | unit west.supervisor
        printf '[Supervisor]\nChildren=deep.service\n' | unit thing.supervisor
        service thing 'ExecStart=/bin/sleep 1000'
        service deep 'ExecStart=/bin/sleep 1000'
        start_daemon
        run ctl status onw
        assert_status 3
        assert_output_has "no such node (did you mean one?)"
        run ctl status /east/nothing
        assert_status 3
        run ctl status thing
        assert_status 2
        assert_output_has "/east/thing, /west/thing"
        run ctl status thing.service
        assert_output_has "/east/thing"
}

@test "list and tree show every node with its state; list --names is for completion" {
        tree_of_four
        run ctl list
        assert_status 0
        assert_output_has "/shop/api"
        assert_output_has "running"
        [ "$(ctl list --names | tr '\n' ' ')" = "$(ctl list --json | jq -r '.[].path' | tr '\n' ' ')" ]
        run ctl list --state failed --names
        assert_eq "$output" /bad
        run ctl tree
        assert_output_has "rest_for_one, 0/5 in 10 s"
        run ctl tree shop --json
        assert_json 'map(.path) == ["/shop", "/shop/db", "/shop/api"] and (map(.depth) == [1, 2, 2])'
}

@test "stop, start and restart wait for the result" {
        tree_of_four
        local pid
        run ctl stop web
        assert_status 0
        assert_eq "$(state_of web)" inactive
        run ctl start web
        assert_status 0
        assert_eq "$(state_of web)" running
        pid=$(pid_of web)
        run ctl restart web --json
        assert_status 0
        assert_json '.[0].result == "ok" and .[0].state == "running"'
        [ "$(pid_of web)" != "$pid" ]
        run ctl start bad
        assert_status 1
        assert_output_has "/nonexistent/program"
        run ctl stop shop
        assert_eq "$(state_of /shop/api)" inactive
        run ctl start web nothing-of-this-name
        assert_status 3
}

@test "kill, exit, why and deaths: an end is restarted and explained" {
        tree_of_four
        local pid
        pid=$(pid_of web)
        run ctl kill web --signal SEGV
        assert_status 0
        wait_restart web "$pid"
        run ctl why web
        assert_output_has "signal:SEGV"
        assert_output_has "signal SIGSEGV was asked for"
        run ctl why web --json
        assert_json '(.chain | length) > 1 and (.chain[-1].cause == null) and (.chain | map(.rule) | any(. == "exited"))'
        run ctl deaths web --json
        assert_json '.[0].reason == "signal:SEGV" and (.[0].code == "killed" or .[0].code == "dumped") and .[0].status == 11'
        pid=$(pid_of web)
        run ctl exit web exit:3 --no-block
        assert_status 0
        wait_restart web "$pid"
        run ctl deaths web
        assert_output_has "exit:3"
        run ctl kill web --signal sigtrm
        assert_status 2
        assert_output_has "signal: sigtrm: no such signal; a name such as HUP, or a number (did you mean TERM?)"
        run ctl log-level dbug
        assert_status 2
        assert_output_has "level: dbug: levels are error, warning, notice, info and debug (did you mean debug?)"
        run ctl kill web --signal NOSUCH
        assert_status 2
        run ctl exit web nonsense
        assert_status 2
}

@test "explain without a daemon finds users by name and by number" {
        printf '[Service]\nUser=nobody\nExecStart=/bin/true\n' >"$W/by-name.service"
        printf '[Service]\nUser=65534\nExecStart=/bin/true\n' >"$W/by-number.service"
        for unit in by-name by-number; do
                run env COPPICE_SOCKET=/nonexistent "$CTL" explain "$W/$unit.service"
                assert_status 0
                assert_output_has "become user 65534"
                assert_output_has "USER=nobody"
        done
}

@test "show, cat and explain work on a node and on a file, diff and daemon-reload tell what changes" {
        tree_of_four
        run ctl show web
        assert_output_has "RestartSec=0"
        run ctl show web --property execstart
        assert_output_has "/bin/sleep 1000"
        run ctl show web --json
        assert_json '.settings | map(select(.key == "RestartSec")) | .[0].set and .[0].line == 3'
        printf '[Channel]\nCapacity=64K\nFrom=web.service:stdout\nTo=web.service:stdin\n' >"$W/loop.channel"
        run env COPPICE_SOCKET=/nonexistent "$CTL" show "$W/loop.channel"
        assert_output_has "Capacity=64K"
        run env COPPICE_SOCKET=/nonexistent "$CTL" explain "$W/loop.channel"
        assert_output_has "a channel runs no commands"
        run env COPPICE_SOCKET=/nonexistent "$CTL" show "$W/units/web.service"
        assert_status 0
        assert_output_has "RestartSec=0"
        run ctl cat web
        assert_output_has "ExecStart=/bin/sleep 1000"
        run ctl explain web
        assert_output_has "EXEC"
        assert_output_has "web.service:2"
        run env COPPICE_SOCKET=/nonexistent "$CTL" explain "$W/units/web.service" --json
        assert_status 0
        assert_json '.commands[0].steps | length > 3'
        run ctl diff
        assert_output_has "is what the unit files say"
        service web 'ExecStart=/bin/sleep 1000' 'RestartSec=5s'
        service more 'ExecStart=/bin/sleep 1000'
        run ctl diff --json
        assert_json '[.changes[] | select(.kind == "added")] | map(.node) == ["/more"]'
        run ctl daemon-reload
        assert_status 0
        assert_output_has "RestartSec: 0"
        run ctl show web --property RestartSec
        assert_output_has 5s
        echo 'Nonsense=1' >>"$W/units/web.service"
        run ctl daemon-reload
        assert_status 1
        assert_output_has "web.service:4"
        assert_output_has "nothing was changed"
}

@test "events: consecutive numbers, replay from any, snapshot and number in one reply (G13)" {
        tree_of_four
        run ctl events --since 0 --no-follow --json
        assert_status 0
        [ "$(jq -s 'map(.seq) | (.[-1] - .[0] + 1 == length)' <<<"$output")" = true ]
        watch_events
        ctl restart web
        wait_event 'select(.node == "/web" and .to == "stopping")'
        wait_event 'select(.node == "/web" and .to == "running")'
        run "$CTL" events --snapshot --no-follow --json
        [ "$(head -1 <<<"$output" | jq '.seq > 0 and (.nodes | length) == 7')" = true ]
}

@test "events and logs -f end when nobody reads them any more, without waiting for one more line" {
        tree_of_four
        for what in "events --since 0" "events --since 0 --timeout 1h" "logs -f talk"; do
                timeout "$PATIENCE" "$CTL" $what | read -r
                [ "${PIPESTATUS[0]}" -ne 124 ]
                # As below whatever has left the signal ignored.
                (trap '' PIPE; exec timeout "$PATIENCE" "$CTL" $what) | read -r
                [ "${PIPESTATUS[0]}" -ne 124 ]
        done
}

@test "await waits for an end, for readiness, for a state" {
        service job "ExecStart=/bin/sh -c 'exit 3'" Type=oneshot
        service slow 'ExecStart=/bin/sleep 1000'
        start_daemon
        run ctl await slow ready --timeout "${PATIENCE}s"
        assert_status 0
        ctl kill slow --signal KILL
        run ctl await slow running --timeout "${PATIENCE}s"
        assert_status 0
        run ctl await job --check --timeout "${PATIENCE}s"
        assert_status 1
        assert_output_has "exit:3"
        run ctl await slow stopping --timeout 100ms
        assert_status 1
        assert_output_has "no answer within"
}

@test "await waits for the daemon as well, with --timeout; without it there has to be one" {
        service slow 'ExecStart=/bin/sleep 1000'
        run ctl await slow running
        assert_status 7
        run ctl await slow running --timeout 50ms
        assert_status 7
        assert_output_has "no daemon at"
        run ctl await slow running --try --timeout "${PATIENCE}s"
        assert_status 7
        "$CTL" await slow running --timeout "${PATIENCE}s" >"$W/await.out" 2>&1 3>&- &
        local waiting=$!
        start_daemon
        wait "$waiting"
        file_has "$W/await.out" "/slow running"
}

@test "logs, freeze, thaw, reset-failed, log-level, graph, schema, version" {
        tree_of_four
        run ctl logs talk
        assert_output_has "hello from talk"
        run ctl reset-failed bad
        assert_status 0
        assert_eq "$(state_of bad)" inactive
        run ctl log-level debug
        assert_output_has debug
        run ctl log-level loud
        assert_status 2
        run ctl graph --dot
        assert_output_has '"/shop" -> "/shop/api"'
        run ctl graph --mermaid
        assert_output_has "flowchart TD"
        run ctl graph --json
        assert_json '.edges | map(select(.kind == "child")) | length == 6'
        run ctl schema
        assert_json '.properties.Unit.properties.After.items.pattern as $p | [("b.service", "web@a\\x2db.service" | test($p)),
                     ("-b.service", "web@a\\b.service" | test($p) | not)] | all'
        run ctl version
        assert_output_has "coppiced"
        if can_make_cgroup; then
                run ctl freeze web
                assert_status 0
                run ctl status web --json
                assert_json .frozen
                run ctl thaw web
                assert_status 0
        fi
}

@test "verify names file, line and the nearest key; simulate plays a script; both without a daemon" {
        service web 'ExecStart=/bin/sleep 1000' 'RestartSec=0'
        run env COPPICE_SOCKET=/nonexistent "$CTL" verify --units "$W/units"
        assert_status 0
        echo '2s kill web SEGV' >"$W/script"
        run env COPPICE_SOCKET=/nonexistent "$CTL" simulate --units "$W/units" "$W/script"
        assert_status 0
        assert_output_has "signal:SEGV"
        service broken 'ExceStart=/bin/true'
        run "$CTL" verify "$W/units/broken.service"
        assert_status 1
        assert_output_has "broken.service:2"
        assert_output_has "ExecStart"
}

@test "verify of a directory reads a template too that nobody uses yet, and tells of one in use once" {
        printf '[Service]\nExecStart=/bin/true\nNice=99\n' >"$W/units/later@.service"
        run "$CTL" verify --units "$W/units"
        assert_status 1
        assert_output_has "later@.service:3:6: error: Nice=99"
        assert_output_has "1 node, 1 error, 0 warnings"
        # What the machine has for some instance says nothing; drop-ins may be in another directory.
        printf '[Service]\nUser=%%i\nWorkingDirectory=/srv/%%i/none\n' >"$W/units/good@.service"
        mkdir -p "$W/more/good@.service.d"
        printf '[Service]\nExecStart=/bin/true\n' >"$W/more/good@.service.d/run.conf"
        run "$CTL" verify --units "$W/units" --units "$W/more"
        assert_output_has "1 node, 1 error, 0 warnings"
        rm "$W/units/good@.service"
        printf '[Supervisor]\nChildren=later@1.service\n' >"$W/units/some.supervisor"
        run "$CTL" verify --units "$W/units"
        assert_status 1
        assert_eq "$(grep -c Nice=99 <<<"$output")" 1
}

@test "shutdown waits until the daemon has ended" {
        tree_of_four
        remember_processes
        run ctl shutdown
        assert_status 0
        daemon_ends 0
        run ctl version
        assert_status 7
}

@test "G6: who is not the daemon's user may look but not touch" {
        skip_unless root
        skip_unless setpriv
        tree_of_four
        chmod 711 "$W" "$W/run"
        chmod 666 "$W/run/control"
        run as_nobody "$CTL" status web --json
        assert_status 0
        run as_nobody "$CTL" stop web
        assert_status 4
        assert_output_has "not permitted"
        assert_eq "$(state_of web)" running
        chmod 600 "$W/run/control"
        run as_nobody "$CTL" status web
        assert_status 4
}

@test "metrics are what Prometheus reads: each with its help and type, one sample a line" {
        tree_of_four
        ctl channel create jobs; ctl channel send jobs x
        run ctl metrics
        assert_status 0
        assert_output_has 'coppice_channel_messages{channel="/jobs"} 1'
        assert_output_has 'coppice_node_up{node="/web"} 1'
        assert_output_has 'coppice_node_state{node="/bad",type="service",state="failed"} 1'
        assert_output_has 'coppice_node_restarts_total{node="/shop/db"} 0'
        # Every line is a comment or a sample, every sample stands under the TYPE of its name.
        awk '/^# HELP/ { help = $3; next } /^# TYPE/ { if ($3 != help) exit 1; name = $3; next }
             !/^[a-z_]+({[a-z]+="[^"]*"(,[a-z]+="[^"]*")*})? -?[0-9.]+$/ { exit 1 }
             { n = $1; sub(/{.*/, "", n); if (n != name) exit 1 }' <<<"$output"
        run ctl metrics --json
        assert_json '.daemon.nodes == (.nodes | length) and .daemon.connections >= 1 and .channels[0].waiting == 1'
}

@test "the interface description is all a client needs (a client in Python, types checked)" {
        skip_unless python3
        tree_of_four
        run python3 "$SOURCE/tests/bats/varlink_client.py" "$W/run/control" "$SOURCE/src/proto/io.coppice.Manager.varlink"
        assert_status 0
        assert_output_has "all replies are of the declared types"
}

@test "G1 G2 G3 G4 G5 G7 G8 G11: idle crowds, dribblers, floods and strangers' descriptors leave the daemon answering" {
        skip_unless python3
        tree_of_four
        run python3 "$SOURCE/tests/bats/hostile_client.py" "$W/run/control"
        echo "$output"
        assert_status 0
        run ctl status web
        assert_status 0
}

@test "members of --control-group may change things, others not even look" {
        skip_unless root
        skip_unless setpriv
        service web 'ExecStart=/bin/sleep 1000' 'RestartSec=0'
        chmod 711 "$W"
        start_daemon --control-group=54321
        wait_state web running
        run as_nobody "$CTL" restart web
        assert_status 0
        run setpriv --reuid 54322 --regid 54322 --clear-groups -- "$CTL" status web
        assert_status 4
}

no_clients() { ! awk -v path="$W/run/control" '$NF == path && $6 == "03" { found = 1 } END { exit !found }' /proc/net/unix; }

@test "G9: with no descriptors left the daemon still answers root and its own user, turns others away, and takes them again later" {
        skip_unless prlimit
        service web 'ExecStart=/bin/sleep 1000' 'RestartSec=0'
        chmod 711 "$W"
        start_daemon --control-group=54321
        wait_state web running
        local engine free=0
        engine=$(pgrep -P "$DAEMON" -f coppice-engine)
        [ "$engine" -gt 1 ]
        wait_for "$PATIENCE" no_clients # the engine has closed what it opened for those we have run
        while [ -e "/proc/$engine/fd/$free" ]; do free=$((free + 1)); done
        prlimit --pid "$engine" --nofile=$free:4096
        for i in 1 2 3; do
                run ctl status web # one after the other: what was kept back is kept back again
                assert_status 0
                [ "$(id -u)" != 0 ] || run as_nobody "$CTL" --timeout 5s status web
                [ "$(id -u)" != 0 ] || assert_status 1
                [ "$(id -u)" != 0 ] || assert_output_has "the daemon has no descriptors left"
        done
        "$CTL" events >"$W/events" & # stays connected for longer than the shortage lasts
        local watcher=$!
        wait_for "$PATIENCE" tells_of_a_restart
        prlimit --pid "$engine" --nofile=1024:4096
        [ "$(id -u)" != 0 ] || as_nobody "$CTL" status web
        process_gone $watcher && return 1
        kill $watcher
}
tells_of_a_restart() { ctl restart web && [ -s "$W/events" ]; }

@test "bash completes verbs, options and the nodes of the running tree" {
        tree_of_four
        PATH=$BUILD:$PATH
        source "$BUILD/contrib/completions/coppicectl.bash"
        local words expected
        while IFS='|' read -r words expected; do
                read -ra COMP_WORDS <<<"$words"
                COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                _coppicectl coppicectl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
                assert_eq "${COMPREPLY[*]}" "$expected"
        done <<-'EOF'
	coppicectl sta|status start
	coppicectl status /sh|/shop /shop/db /shop/api
	coppicectl kill --si|--signal=
	coppicectl log-level d|debug
	coppicectl --timeout 5s why ap|api
	coppicectl await api fi|finished
	EOF
        COMP_LINE='coppicectl kill --signal=SE' COMP_POINT=27   # readline parts it at the equals sign
        COMP_WORDS=(coppicectl kill --signal = SE); COMP_CWORD=4; _coppicectl coppicectl SE =
        assert_eq "${COMPREPLY[*]}" "SEGV"
}

@test "bash on a terminal completes the name of an instance behind its @, its escapes, and within quotes" {
        skip_unless python3
        python3 -c 'import pty; pty.openpty()' 2>/dev/null || skip "needs a terminal: is devpts mounted?"
        unit worker@.service <<'EOF'
[Service]
ExecStart=/bin/sleep 1000
EOF
        unit root.supervisor <<'EOF'
[Supervisor]
Children=worker@1.service worker@a\x2db.service
EOF
        start_daemon
        local file=$BUILD/contrib/completions/coppicectl.bash
        PATH=$BUILD:$PATH run python3 "$SOURCE/tests/bats/typing.py" "$file" 'coppicectl status worker@1' \
                'coppicectl why /worker@a' 'coppicectl why worker@a\\x' "coppicectl stop 'worker@a" 'coppicectl list --state=runn'
        assert_status 0
        assert_eq "$output" 'coppicectl status worker@1 
coppicectl why /worker@a\\x2db 
coppicectl why worker@a\\x2db 
coppicectl stop '"'worker@a\\x2db'"' 
coppicectl list --state=running '
        run ctl graph --dot
        assert_output_has '"/worker@a\x2db" [color=green4, tooltip="running", label="/worker@a\\x2db"];'
}

@test "fish completes verbs, options, their values and the nodes of the daemon behind --socket" {
        skip_unless fish
        tree_of_four
        completions() { HOME=$W PATH=$BUILD:$PATH fish --no-config -c "source '$BUILD/contrib/completions/coppicectl.fish'; complete -C '$1'" | cut -f 1 | tr '\n' ' '; }
        unset COPPICE_SOCKET
        assert_eq "$(completions 'coppicectl sta')" "start status "
        assert_eq "$(completions "coppicectl --socket $W/run/control why /shop/")" "/shop/api /shop/db "
        assert_eq "$(completions 'coppicectl list --state=fini')" "--state=finished "
}

@test "zsh can read its completion" {
        skip_unless zsh
        run zsh -n "$BUILD/contrib/completions/_coppicectl"
        assert_status 0
}

@test "G15: names without end are refused, by the client or the daemon, and do no harm" {
        service web 'ExecStart=/bin/sleep 1000'
        start_daemon
        run ctl status "$(printf 'x%.0s' {1..5000})"
        assert_status 3
        run ctl start "$(printf '/x%.0s' {1..20000})"
        assert_status 3
        run ctl stop "$(printf 'x%.0s' {1..100000})"
        assert_status 2
        assert_output_has "too much for one request"
        run ctl status web
        assert_status 0
}
