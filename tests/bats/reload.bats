#!/usr/bin/env bats
# daemon-reload: what it changes in a tree that runs, and what it leaves alone.
load lib

setup()    { world; TELL=$BUILD/tests/programs/tell; }
teardown() { end_world; }

children_of() { field "$1" '.children | join(" ")'; }

@test "daemon-reload puts the children that stay into their new order, and they stop in its reverse" {
        local n
        script worker <<-SH
                trap 'echo \$1 >>$W/order; exit 0' TERM
                : >$W/up.\$1
                while :; do sleep 1000 & wait; done
	SH
        for n in a b c; do service $n "ExecStart=$W/worker $n"; done
        unit g.supervisor <<<$'[Supervisor]\nStrategy=rest_for_one\nChildren=a.service b.service c.service'
        start_daemon
        for n in a b c; do wait_file "$W/up.$n"; done
        local pid; pid=$(pid_of /g/a)
        unit g.supervisor <<<$'[Supervisor]\nStrategy=rest_for_one\nChildren=c.service d.service a.service b.service'
        service d "ExecStart=$W/worker d"
        wait_state /g running
        run ctl daemon-reload
        assert_status 0
        wait_file "$W/up.d"
        assert_eq "$(children_of /g)" "/g/c /g/d /g/a /g/b"
        assert_eq "$(pid_of /g/a)" "$pid"
        stop_daemon 0
        assert_eq "$(tr '\n' ' ' <"$W/order")" "b a d c "
}

@test "a deleted supervisor takes its control group along" {
        skip_unless cgroup2
        service a "ExecStart=/bin/sleep 1000"
        unit g.supervisor <<<$'[Supervisor]\nChildren=a.service'
        start_daemon
        wait_state /g/a running
        local group; group=$(field /g .cgroup)
        [ -d "$group" ] || group=$(cgroup_dir "$(pid_of /g/a)") group=${group%/*}
        [ -d "$group" ]
        rm "$W/units/g.supervisor"
        ctl daemon-reload
        wait_state /a running
        wait_for "$PATIENCE" no_such_dir "$group"
        stop_daemon 0
}
no_such_dir() { [ ! -d "$1" ]; }

# What runs keeps its old unit until it is started again; nothing hangs, nothing is started twice.
reloads_in_state() {
        local state=$1
        unit web.service
        start_daemon
        wait_state /web "$state"
        sed -i 's/REVISION=1/REVISION=2/' "$W/units/web.service"
        run ctl daemon-reload
        assert_status 0
        run ctl show /web -p Environment
        assert_output_has "REVISION=2"
}

@test "H12: a reload while a service starts leaves that start alone; the next one has the new unit" {
        mkfifo "$W/go"
        reloads_in_state starting <<-U
                [Service]
                Type=notify
                Environment=REVISION=1
                ExecStart=/bin/sh -c 'echo \$REVISION >>$W/revisions; cat $W/go; exec $TELL READY=1 -- /bin/sleep 1000'
	U
        knock "$W/go"
        wait_state /web running
        assert_eq "$(incarnation_of /web)" 1
        ctl restart /web --no-block
        wait_line "$W/revisions" 2
        knock "$W/go"
        wait_state /web running
        assert_eq "$(cat "$W/revisions")" "$(printf '1\n2')"
        stop_daemon 0
}

@test "H12: a reload while a service waits for its restart: the restart has the new unit" {
        reloads_in_state backoff <<-U
                [Service]
                Environment=REVISION=1
                ExecStart=/bin/sh -c 'echo \$REVISION >>$W/revisions; [ \$REVISION = 2 ] && exec sleep 1000'
                RestartSec=4s
	U
        wait_state /web running
        assert_eq "$(cat "$W/revisions")" "$(printf '1\n2')"
        stop_daemon 0
}

@test "H12: a reload while a service stops: the stop goes on, the next start has the new unit" {
        mkfifo "$W/go"
        unit web.service <<-U
                [Service]
                Environment=REVISION=1
                ExecStart=/bin/sh -c 'sleep 1000 & trap "cat $W/go; kill \$\$!; exit 0" TERM; echo \$REVISION >>$W/revisions; while :; do wait; done'
                KillMode=mixed
                TimeoutStopSec=60s
	U
        start_daemon --stop-timeout=60s
        wait_line "$W/revisions" 1
        ctl stop /web --no-block
        wait_state /web stopping
        sed -i 's/REVISION=1/REVISION=2/' "$W/units/web.service"
        run ctl daemon-reload
        assert_status 0
        assert_eq "$(state_of /web)" stopping
        knock "$W/go"
        wait_state /web inactive
        ctl start /web
        wait_line "$W/revisions" 2
        printf 'x\n' >"$W/go" & local writer=$!
        stop_daemon 0
        wait "$writer"
}

@test "H12, H14: fifty reloads at once beside a service that crashes all the time lose nothing" {
        local i pids=()
        service crashes "ExecStart=/bin/false" "RestartSec=1ms" "RestartMaxDelaySec=5ms"
        service stays "ExecStart=/bin/sleep 1000"
        unit root.supervisor <<<$'[Supervisor]\nEscalation=isolate\nMaxRestarts=1000000'
        start_daemon
        wait_state /stays running
        local pid; pid=$(pid_of /stays)
        for i in {1..50}; do ctl daemon-reload >/dev/null & pids+=($!); done
        for i in "${pids[@]}"; do wait "$i"; done
        assert_eq "$(pid_of /stays)" "$pid"
        assert_eq "$(incarnation_of /stays)" 1
        local n; n=$(incarnation_of /crashes)
        wait_for "$PATIENCE" later_than "$n"
        stop_daemon 0
}
later_than() { [ "$(incarnation_of /crashes)" -gt "$1" ]; }

@test "H13: what is below a supervisor with errors stays down, and status, why, start and list say why, after a crash too" {
        local verb
        unit shop.supervisor <<<$'[Supervisor]\nStrtaegy=one_for_all\nChildren=db.service'
        service db "ExecStart=/bin/sleep 1000"
        service web "ExecStart=/bin/sleep 1000"
        service off "ExecStart=/bin/sleep 1000"
        unit root.supervisor <<<$'[Supervisor]\nChildren=off.service'
        : >"$W/units/off.service"
        start_daemon
        wait_state /web running
        assert_eq "$(ctl list --names | tr '\n' ' ')" "/ /web "
        for verb in status why start "show" "logs"; do
                run ctl $verb db
                assert_output_has "left out together with its supervisor shop.supervisor ($W/units/shop.supervisor:3"
                [ "$status" -ne 0 ]
        done
        kill -9 "$(pgrep -P "$DAEMON" -x coppice-engine)"
        wait_for "$PATIENCE" ctl status /web
        run ctl status /shop/db
        assert_status 3
        assert_output_has "left out together with its supervisor shop.supervisor"
        run ctl why off
        assert_status 3
        assert_output_has "off.service is masked"
        run ctl status shop
        assert_output_has "did you mean Strategy=?"
        run ctl list --all --json
        assert_json 'map(select(.unit == "db.service"))[0] | .status == "left-out" and (.message | test("shop.supervisor"))'
        assert_json 'map({(.unit // .path): .status})|add | ."off.service" == "masked" and ."shop.supervisor" == "broken"'
        run ctl daemon-reload
        assert_status 1
        unit shop.supervisor <<<$'[Supervisor]\nStrategy=one_for_all\nChildren=db.service'
        run ctl status shop
        assert_output_has "daemon-reload takes it in"
        run ctl daemon-reload   # a mask is no error
        assert_status 0
        wait_state /shop/db running
}
