# Links, monitors, exit signals and names between real services. The table of semantics is held in tests/unit/bond.c.

load lib
load talker

setup()    { world; }
teardown() { end_world; }

@test "a linked service ends with its peer, and why says so" {
        skip_unless python3
        talker a Restart=no
        talker b Restart=no LinkTo=a.service
        talker c Restart=no
        start_daemon
        for s in a b c; do wait_state /$s running; done
        tell a exit 3
        wait_state /b failed
        assert_eq "$(field /b .last_reason)" linked:/a:exit:3
        run ctl why b
        assert_output_has 'ends with /a, to which it is linked: exit:3 (LinkTo=a.service, b.service:6)'
        assert_eq "$(state_of /c)" running
}

@test "who traps exits is told instead, and monitors tell each end exactly once" {
        skip_unless python3
        talker a RestartSec=10ms
        talker trapper TrapExit=yes LinkTo=a.service
        talker watcher Monitor=a.service
        start_daemon
        for s in a trapper watcher; do wait_state /$s running; done
        pid=$(pid_of /a); tell a exit 3; wait_restart /a "$pid"
        pid=$(pid_of /a); ctl kill --signal SEGV a; wait_restart /a "$pid"
        pid=$(pid_of /a); ctl stop a; ctl start a; wait_restart /a "$pid"
        for s in trapper watcher; do for i in 1 2 3; do tell $s receive; done; tell $s empty; said $s '^empty'; done
        assert_eq "$(head -n 3 "$W/trapper.out")" 'FROM=coppice TOPIC=EXIT NODE=/a REASON=exit:3 :
FROM=coppice TOPIC=EXIT NODE=/a REASON=signal:SEGV :
FROM=coppice TOPIC=EXIT NODE=/a REASON=shutdown :'
        assert_eq "$(head -n 3 "$W/watcher.out")" 'FROM=coppice TOPIC=DOWN NODE=/a REASON=exit:3 :
FROM=coppice TOPIC=DOWN NODE=/a REASON=signal:SEGV :
FROM=coppice TOPIC=DOWN NODE=/a REASON=shutdown :'
}

@test "a service links, monitors, traps, and takes it back at run time" {
        skip_unless python3
        talker a RestartSec=10ms
        talker b
        start_daemon
        wait_state /a running; wait_state /b running
        tell b send CALL=trap-exit VALUE=yes REF=1;      tell b until REF=1; said b 'REF=1 RESULT=ok'
        tell b send CALL=link NODE=a REF=2;              tell b until REF=2; said b 'REF=2 RESULT=ok'
        tell b send CALL=monitor NODE=/a REF=mark;       tell b until mark;  said b 'REF=mark RESULT=ok'
        pid=$(pid_of /a); tell a exit 7; wait_restart /a "$pid"
        tell b until DOWN
        said b 'TOPIC=EXIT NODE=/a REASON=exit:7'
        said b 'TOPIC=DOWN REF=mark NODE=/a REASON=exit:7'
        # Not for the next incarnation; and a monitor that is taken back says nothing, even if it has come already.
        tell b send CALL=monitor NODE=/a REF=second; tell b until second; said b 'REF=second RESULT=ok'
        pid=$(pid_of /a); tell a exit 8; wait_restart /a "$pid"
        wait_for "$PATIENCE" waiting_for /b 1
        tell b send CALL=demonitor VALUE=second
        wait_for "$PATIENCE" waiting_for /b 0
        tell b empty; said b '^empty'
        assert_eq "$(lines_of b 'exit:8')" 0
        tell b send CALL=monitor NODE=/nobody REF=4; tell b until REF=4; said b 'REF=4 RESULT=not-found'
        ctl stop a
        tell b send CALL=monitor NODE=/a REF=5; tell b until DOWN; said b 'TOPIC=DOWN REF=5 NODE=/a REASON=noproc'
        tell b send CALL=link NODE=/a REF=6; tell b until EXIT; said b 'TOPIC=EXIT NODE=/a REASON=noproc'
}

waiting_for() { [ "$(field "$1" .mailbox.waiting)" = "$2" ]; }

@test "a service acts only below its own supervisor" {
        skip_unless python3
        printf '[Supervisor]\n' >"$W/units/app.supervisor"
        talker top
        SUPERVISOR=app.supervisor talker a
        SUPERVISOR=app.supervisor talker b Restart=no
        start_daemon
        for s in /top /app/a /app/b; do wait_state $s running; done
        for call in link monitor exit; do
                tell a send CALL=$call NODE=/top REASON=killed REF=$call; tell a until REF=$call
                said a "REF=$call RESULT=not-descendant"
        done
        tell a send CALL=exit NODE=/app REASON=shutdown REF=1; tell a until REF=1; said a 'REF=1 RESULT=not-descendant'
        tell a send CALL=exit NODE=/app/b REASON=exit:9 REF=2; tell a until REF=2; said a 'REF=2 RESULT=ok'
        wait_state /app/b failed
        assert_eq "$(field /app/b .last_reason)" exit:9
        tell top send CALL=exit NODE=/app/a REASON=normal REF=3; tell top until REF=3; said top 'REF=3 RESULT=ok'
        assert_eq "$(state_of /app/a)" running
        pid=$(pid_of /app/a); tell top send CALL=exit NODE=/app/a REASON=killed; wait_restart /app/a "$pid"
        assert_eq "$(field /app/a .last_reason)" killed
}

@test "a registered name is found outward, takes messages, and ends with its holder" {
        skip_unless python3
        printf '[Supervisor]\n' >"$W/units/app.supervisor"
        talker top RestartSec=10ms
        SUPERVISOR=app.supervisor talker a
        SUPERVISOR=app.supervisor talker b
        start_daemon
        for s in /top /app/a /app/b; do wait_state $s running; done
        tell top send CALL=register NAME=store REF=1; tell top until REF=1; said top 'REF=1 RESULT=ok'
        tell top send CALL=register NAME=store REF=2; tell top until REF=2; said top 'REF=2 RESULT=exists'
        tell a send CALL=whereis NAME=store REF=1; tell a until REF=1; said a 'REF=1 RESULT=ok NODE=/top'
        tell a send CALL=whereis-local NAME=store REF=2; tell a until REF=2; said a 'REF=2 RESULT=not-found'
        tell b send CALL=register NAME=store REF=1; tell b until REF=1; said b 'REF=1 RESULT=ok'
        tell a send CALL=whereis NAME=store REF=3; tell a until REF=3; said a 'REF=3 RESULT=ok NODE=/app/b'
        tell a send TO=store :hello; tell b until hello; said b 'FROM=/app/a TO=store :hello'
        tell b send CALL=registered REF=2; tell b until REF=2; said b 'COUNT=1 :store /app/b'
        tell b send CALL=unregister NAME=store REF=3; tell b until REF=3; said b 'REF=3 RESULT=ok'
        tell a send CALL=whereis NAME=store REF=4; tell a until REF=4; said a 'REF=4 RESULT=ok NODE=/top'
        pid=$(pid_of /top); tell top exit 1; wait_restart /top "$pid"
        tell a send CALL=whereis NAME=store REF=5; tell a until REF=5; said a 'REF=5 RESULT=not-found'
}

@test "an event, a watch and a name are written down as what they are, not with all that is known" {
        skip_unless python3
        talker a
        talker b
        for i in $(seq 200); do service "idle$i" 'ExecStart=/bin/true' 'Restart=no' 'Environment=NUMBER=one_of_two_hundred'; done
        start_daemon
        wait_state /a running; wait_state /b running; wait_state /idle200 finished
        tell a send CALL=ping REF=begin; tell a until begin
        before=$(written)
        for i in $(seq 40); do tell a send CALL=event VALUE=step-$i REF=e$i; done
        for i in $(seq 40); do tell a send CALL=monitor NODE=/b REF=m$i; tell a send CALL=register NAME=n$i REF=r$i; done
        tell a until r40; said a 'REF=r40 RESULT=ok'
        echo "$(( $(written) - before )) bytes for 120 requests"
        [ $(( $(written) - before )) -lt 1000000 ] # all that is known, 240 times, would be ten times that
        run ctl registered; assert_output_has 'n40  /a  in /'
}
written() { awk '/^wchar/ { print $2 }' "/proc/$(pgrep -P "$DAEMON" -x coppice-engine)/io"; }
