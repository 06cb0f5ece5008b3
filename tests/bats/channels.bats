# Channels of Type=message: queues between services that need not know each other.

load lib
load talker

setup()    { world; }
teardown() { end_world; }

# channel NAME LINE...: a unit with these lines in [Channel].
channel() { local name=$1; shift; { echo '[Channel]'; echo 'Type=message'; printf '%s\n' "$@"; } >"$W/units/$name.channel"; }
facts() { ctl channel show "$1" --json | jq -r "$2"; }
facts_are() { [ "$(facts "$1" "$2")" = "$3" ]; }

@test "messages for a channel go to the readers it names, one or all" {
        skip_unless python3
        channel one-of To=a.service To=b.service
        channel all-of To="a.service b.service" Deliver=all
        channel between From=w.service To=b.service
        talker w; talker a; talker b
        start_daemon
        for s in w a b; do wait_state /$s running; done
        tell w send TO=one-of :1; tell w send TO=/one-of :2
        tell a receive; tell b receive
        said a 'CHANNEL=/one-of FROM=/w TO=/\?one-of :[12]'; said b 'CHANNEL=/one-of FROM=/w TO=/\?one-of :[12]'
        tell w send TO=all-of.channel :3
        tell a receive; tell b receive
        said a 'CHANNEL=/all-of FROM=/w .* :3'; said b 'CHANNEL=/all-of FROM=/w .* :3'
        ctl graph --json | jq -e '[.edges[] | select(.kind == "channel")] == [{from: "/w", to: "/b", kind: "channel"}]'
        run ctl channel ls
        assert_output_has '/one-of  0 of 100 waiting, 2 delivered'
        assert_eq "$(facts all-of .delivered)" 1
}

@test "F9: a full channel goes by its Overflow=, and try-send does not wait" {
        start_daemon
        for policy in block reject drop-oldest drop-newest; do
                ctl channel create $policy Capacity=2 Overflow=$policy
                ctl channel send $policy 1; ctl channel send $policy 2
        done
        run ctl channel try-send block 3; assert_status 1; assert_output_has full
        run ctl channel send reject 3; assert_status 1; assert_output_has full
        ctl channel send drop-oldest 3
        run ctl channel send drop-newest 3; assert_status 1
        ctl channel send block 3 & sender=$!
        wait_for "$PATIENCE" facts_are block .blocked 1
        for policy in block reject drop-oldest drop-newest; do
                assert_eq "$(facts $policy .waiting)" 2
                for i in 1 2; do ctl channel receive $policy --payload; echo; done >"$W/$policy"
        done
        wait $sender
        assert_eq "$(tr '\n' ' ' <"$W/block")" '1 2 '
        assert_eq "$(tr '\n' ' ' <"$W/drop-oldest")" '2 3 '
        assert_eq "$(tr '\n' ' ' <"$W/drop-newest")" '1 2 '
        assert_eq "$(facts drop-oldest .dropped)-$(facts drop-newest .dropped)-$(facts reject .rejected)" 1-1-1
        assert_eq "$(ctl channel try-receive block --payload)" 3
        run ctl channel try-receive block; assert_status 3
        run ctl channel create block; assert_status 1
        run ctl channel create odd Capacity=0; assert_status 1; assert_output_has Capacity
        run ctl channel show nothing; assert_status 3
}

@test "a message whose reader ends before it has acknowledged goes to another reader" {
        skip_unless python3
        channel jobs To="a.service b.service" Acknowledge=yes
        talker w
        talker a Restart=no MailboxKeep=yes
        talker b Restart=no
        start_daemon
        for s in w a b; do wait_state /$s running; done
        for i in 1 2 3; do tell w send TO=jobs :job-$i; done
        tell a receive; tell b receive
        said a 'CHANNEL=/jobs ACK=[12] FROM=/w TO=jobs :job-[12]'; said b 'ACK=[12]'
        # Nobody gets a second one before he is done with the first.
        tell a empty; said a '^empty'
        assert_eq "$(facts jobs .unacked)" 2
        had=$(sed -n 's/.*:\(job-[12]\)$/\1/p' "$W/a.out")
        tell a exit 1; wait_state /a failed
        number=$(sed -n 's/.*ACK=\([12]\) .*/\1/p' "$W/b.out")
        tell b send CALL=ack CHANNEL=jobs ACK="$number" REF=1
        tell b until "$had"; said b "CHANNEL=/jobs ACK=[34] FROM=/w TO=jobs :$had"
        number=$(sed -n "s/.*ACK=\([34]\) .*$had\$/\1/p" "$W/b.out")
        tell b send CALL=ack CHANNEL=jobs ACK="$number"
        tell b until job-3; said b ':job-3'
        assert_eq "$(facts jobs .redelivered)" 1
        tell b send CALL=ack CHANNEL=jobs ACK=99 REF=2; tell b until REF=2; said b 'REF=2 RESULT=not-found'
}

@test "F8: what services make at run time, ask for and do not acknowledge is bounded" {
        skip_unless python3
        channel jobs Acknowledge=yes Capacity=5
        for s in maker asker reader w; do talker $s; done
        start_daemon
        for s in maker asker reader w; do wait_state /$s running; done
        for i in {1..101}; do echo "raw CALL=channel-create|CHANNEL=c$i|REF=r$i||CapacityBytes=4K"; done >"$W/maker.do"
        tell maker until REF=r101
        said maker 'REF=r100 RESULT=ok'; said maker 'REF=r101 RESULT=busy'
        tell maker raw 'CALL=channel-close|CHANNEL=c1||'
        tell maker raw 'CALL=channel-create|CHANNEL=big|REF=big||CapacityBytes=64M'
        tell maker raw 'CALL=channel-create|CHANNEL=long|REF=long||Capacity=10001'
        tell maker raw 'CALL=channel-create|CHANNEL=right|REF=right||Capacity=10000'
        tell maker until REF=right
        said maker 'REF=big RESULT=busy'; said maker 'REF=long RESULT=busy'; said maker 'REF=right RESULT=ok'
        ctl channel create big CapacityBytes=64M # an operator may

        tell asker cram 100 'CALL=receive|CHANNEL=c2||'
        tell asker raw 'CALL=receive|CHANNEL=c2|REF=more||'
        tell asker receive; said asker 'REF=more RESULT=busy'

        # Five of them are with the reader, five wait, and whoever sends more waits too.
        tell reader cram 20 'CALL=receive|CHANNEL=jobs||'
        tell w many 20 TO=jobs
        wait_for "$PATIENCE" jobs_are 'unacked == 5 and .waiting == 5 and .blocked == 1'
        tell reader take 5
        tell reader raw 'CALL=ack|CHANNEL=jobs|ACK=1||'
        tell reader until :6
        said reader 'ACK=6 .*:6$'
}
jobs_are() { ctl channel show jobs --json | jq -e ".$1" >/dev/null; }

@test "a channel that is closed in the very moment in which its last messages are passed on is gone for everybody" {
        skip_unless python3
        talker w; talker r
        start_daemon
        wait_state /w running; wait_state /r running
        tell w raw 'CALL=channel-create|CHANNEL=c|REF=made||Capacity=1'; tell w until REF=made; said w 'REF=made RESULT=ok'
        for i in 1 2; do tell r raw 'CALL=receive|CHANNEL=c||'; done
        wait_for "$PATIENCE" facts_are c .readers_waiting 2
        # All three in one look: the second waits for room, and what is behind it for that.
        local engine; engine=$(pgrep -P "$DAEMON" -x coppice-engine)
        kill -STOP "$engine"
        tell w send TO=c :1; tell w send TO=c :2; tell w raw 'CALL=channel-close|CHANNEL=c||'; tell w sent
        said w 'sent'
        kill -CONT "$engine"
        tell r take 2; said r 'took 2 in order'
        run ctl channel show c
        assert_status 3
        assert_eq "$(pgrep -P "$DAEMON" -x coppice-engine)" "$engine"
}

@test "an open channel keeps what nobody has taken, over the end of its writer" {
        skip_unless python3
        channel box
        talker w Restart=no; talker r
        start_daemon
        wait_state /w running; wait_state /r running
        tell w send TO=box :left-behind; tell w exit 0; wait_state /w finished
        tell r send CALL=receive CHANNEL=box REF=1; tell r receive
        said r 'CHANNEL=/box FROM=/w TO=box :left-behind'
        tell r send CALL=receive CHANNEL=box TIMEOUT_USEC=0 REF=2; tell r receive; said r 'DONE REF=2 RESULT=empty'
        tell r send CALL=receive CHANNEL=box TIMEOUT_USEC=10000 REF=3; tell r receive; said r 'DONE REF=3 RESULT=timeout'
        tell r send CALL=receive CHANNEL=box REF=4
        wait_for "$PATIENCE" facts_are box .readers_waiting 1
        ctl channel send box from outside
        tell r receive; said r 'CHANNEL=/box FROM=client:[0-9]* TO=box :from outside'
}

@test "who may use a channel is said by From=, To= and the supervisors above it" {
        skip_unless python3
        printf '[Supervisor]\n' >"$W/units/app.supervisor"
        { echo '[Unit]'; echo 'Supervisor=app.supervisor'; echo '[Channel]'; echo 'Type=message'; } >"$W/units/inner.channel"
        channel narrow From=w.service To=r.service
        talker w; talker r; talker x
        SUPERVISOR=app.supervisor talker a
        start_daemon
        for s in /w /r /x /app/a; do wait_state $s running; done
        tell x send TO=narrow REF=1; tell x receive; said x 'REF=1 TO=narrow REASON=forbidden'
        tell x send CALL=receive CHANNEL=narrow REF=2; tell x receive; said x 'REF=2 RESULT=forbidden'
        tell x send TO=/app/inner SYNC=delivered REF=3 :from-above; tell x receive; said x 'REF=3 TO=/app/inner RESULT=ok'
        tell x send CALL=receive CHANNEL=/app/inner REF=4; tell x receive; said x 'REF=4 RESULT=forbidden'
        tell a send TO=narrow REF=5; tell a receive; said a 'REF=5 TO=narrow REASON=forbidden'
        tell a send CALL=receive CHANNEL=inner REF=6; tell a receive; said a 'CHANNEL=/app/inner FROM=/x .*:from-above'
}

@test "channels come, change and go with daemon-reload, and close empties them first" {
        channel box Capacity=1
        start_daemon
        ctl channel send box first
        run ctl channel try-send box second; assert_status 1
        channel box Capacity=5
        channel more
        ctl daemon-reload
        ctl channel send box second
        ctl channel send more x
        rm "$W/units/more.channel"
        ctl daemon-reload
        run ctl channel send more y; assert_status 1; assert_output_has closed
        assert_eq "$(ctl channel receive more --payload)" x
        ctl channel close box
        run ctl channel send box third; assert_status 1
        assert_eq "$(ctl channel receive box --payload)" first
        assert_eq "$(ctl channel receive box --payload)" second
        run ctl channel receive box; [ "$status" != 0 ]
        run ctl channel show box; assert_status 3
        ctl daemon-reload
        ctl channel send box again # its unit is there: so it is, too
        assert_eq "$(ctl channel receive box --payload)" again
        { echo '[Channel]'; echo 'Type=message'; echo 'Deliver=all'; } >"$W/units/wrong.channel"
        run ctl daemon-reload
        assert_status 1
        assert_output_has 'Deliver=all needs to know who all are'
}

@test "channel send takes lines of the head, words, and bytes from standard input" {
        start_daemon
        ctl channel create q
        ctl channel send q --topic t --ref 5 --head X_ONE=1 --head X_TWO=2 some words
        assert_eq "$(ctl channel receive q | tr '\n' ' ')" 'FROM=client:1 TO=q TOPIC=t REF=5 X_ONE=1 X_TWO=2  some words '
        printf 'a\0b' | ctl channel send q -
        assert_eq "$(ctl channel receive q --payload | od -An -c | tr -d ' ')" 'a\0b'
        run ctl channel send q --head X_ONE=1 --head X_ONE=2 x; assert_status 2; assert_output_has 'a key stands twice'
        run ctl channel send q --head TO=other x; assert_status 2
        head -c 70000 /dev/zero | { run ctl channel send q -; assert_status 2; assert_output_has '64 KiB'; }
}

@test "a shell service makes, fills and empties a channel of its own" {
        { echo "PATH=$BUILD:\$PATH"; cat <<SH; } | script box.sh
coppicectl channel create mine Capacity=5 Acknowledge=yes
coppicectl channel send mine one; coppicectl channel send mine two
coppicectl channel receive mine --payload >>$W/got; echo >>$W/got
coppicectl channel receive mine --payload >>$W/got; echo >>$W/got
coppicectl channel try-receive mine; echo "try \$?" >>$W/got
coppicectl --timeout 20ms channel receive mine; echo "late \$?" >>$W/got
coppicectl channel close mine; echo "close \$?" >>$W/got
coppicectl channel create small Capacity=1
coppicectl channel try-send small a --ref r; echo "room \$?" >>$W/got
coppicectl channel try-send small b 2>$W/full; echo "full \$?" >>$W/got
coppicectl channel send nowhere x 2>$W/nowhere; echo "nowhere \$?" >>$W/got
coppicectl channel receive small | grep -c REF=r >>$W/got
coppicectl channel close small
m=\$(coppicectl receive); number=\$(echo "\$m" | sed -n 's/^ACK=//p')
coppicectl channel ack jobs \$number; echo "ack \$?" >>$W/got
coppicectl channel ack jobs \$number 2>$W/ack; echo "again \$?" >>$W/got
coppicectl send box --after 1h --ref r later; coppicectl cancel r; echo "cancel \$?" >>$W/got
coppicectl cancel r 2>/dev/null; echo "none \$?" >>$W/got
exec sleep 1000
SH
        service box Mailbox=yes "ExecStart=$W/box.sh"
        channel jobs To=box.service Acknowledge=yes
        start_daemon
        ctl channel send jobs work
        wait_line "$W/got" none
        assert_eq "$(tr '\n' ' ' <"$W/got")" 'one two try 3 late 3 close 0 room 0 full 1 nowhere 3 1 ack 0 again 3 cancel 0 none 3 '
        assert_eq "$(cat "$W/full" "$W/nowhere" "$W/ack")" \
                $'coppicectl: small: there is no room: it is full\ncoppicectl: nowhere: nothing is called so\ncoppicectl: jobs: it has given this service no message of that number, or it was acknowledged'
        assert_eq "$(ctl channel ls)" '/jobs  0 of 100 waiting, 1 delivered'
}

@test "select takes one message of the first of several channels that has one, with a time limit" {
        start_daemon
        for ch in a b c; do ctl channel create $ch; done
        run ctl channel try-select a b c; assert_status 3
        run ctl --timeout 50ms channel select a b c; assert_status 3
        ctl channel send b one; ctl channel send c two
        ctl channel select a b c --json >"$W/got"
        assert_eq "$(jq -r '.head.CHANNEL + " " + .payload' "$W/got")" '/b one'
        assert_eq "$(ctl channel select a b c --payload)" two
        ctl channel select a b --payload >"$W/late" & selecting=$!
        wait_for "$PATIENCE" facts_are a .readers_waiting 1
        assert_eq "$(facts b .readers_waiting)" 1
        ctl channel send b three
        wait $selecting
        assert_eq "$(cat "$W/late")" three
        # ... and it does not wait with the other one any more.
        assert_eq "$(facts a .readers_waiting)-$(facts b .readers_waiting)-$(facts b .waiting)" 0-0-0
        ctl channel create somebody
        run ctl channel select a nothing; assert_status 3; assert_output_has 'nothing: there is no such channel (coppicectl channel ls lists them)'
        for verb in tap peek show close receive; do
                run ctl channel $verb somebudy; assert_status 3
                assert_output_has 'coppicectl: somebudy: there is no such channel (did you mean somebody? coppicectl channel ls lists them)'
        done
        run ctl channel try-send nobody; assert_status 3; assert_output_has 'coppicectl: nobody: '
}

@test "what coppicectl receives and cannot print goes back to the front of its channel" {
        start_daemon
        ctl channel create q
        ctl channel send q first; ctl channel send q second
        run sh -c '"$0" channel receive q >/dev/full' "$CTL"
        assert_status 1; assert_output_has 'No space left on device; the message goes back'
        assert_eq "$(facts q '"\(.waiting) \(.unacked) \(.redelivered)"')" '2 0 1'
        assert_eq "$(ctl channel receive q --payload)-$(ctl channel select q --payload)" first-second
        assert_eq "$(facts q '"\(.waiting) \(.unacked) \(.delivered)"')" '0 0 3'
}

@test "a message on its way to a client that is gone together with the engine comes back by itself" {
        skip_unless python3
        start_daemon
        ctl channel create q
        ctl channel send q one; ctl channel send q two
        python3 -c 'import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"""{"method":"io.coppice.Manager.ChannelReceive","parameters":{"channel":"q","claim":"mine"}}\0""")
print(s.recv(4096))
os.read(0, 1)' "$COPPICE_SOCKET" < <(kill_the_engine_once_read) >"$W/answer"
        wait_for "$PATIENCE" facts_are q .waiting 2
        assert_eq "$(ctl channel receive q --payload)-$(ctl channel receive q --payload)" one-two
}
kill_the_engine_once_read() { wait_for "$PATIENCE" facts_are q .unacked 1; kill_the_engine; }

@test "M3: what an operator receives is printed once, whichever system call kills the engine meanwhile" {
        skip_unless tracing
        export COPPICE_ENGINE_PAUSE_MAX_MS=1
        start_daemon
        ctl channel create q; ctl channel create other
        local n status=0 kills=0
        for ((n = 1; status == 0; n += ${COPPICE_STRIDE:-4})); do
                ctl channel send q "$n"; ctl channel send q next
                "$COPPICE_BUILD/tests/programs/violence" during "$DAEMON" "$CTL" "" "$n" "$CTL channel select other q --payload >$W/got" || status=$?
                kills=$((kills + (status == 0)))
                assert_eq "$(cat "$W/got")" "$n"
                assert_eq "$(ctl channel receive q --payload)" next
                assert_eq "$(facts q '"\(.waiting) \(.unacked) \(.redelivered)"')" '0 0 0'
        done
        echo "killed $kills times, at one of $n system calls"
        [ $status = 3 ]
        (( kills > 1 )) # of a dozen system calls or more, every fourth one
}

@test "a service selects, and what it waits for is not forgotten by another engine" {
        skip_unless python3
        channel a; channel b
        talker r
        start_daemon
        wait_state /r running
        tell r raw 'CALL=select|REF=1|TIMEOUT_USEC=0||a|b'; tell r receive; said r 'REF=1 RESULT=empty'
        tell r raw 'CALL=select|REF=2|TIMEOUT_USEC=10000||a|b'; tell r receive; said r 'REF=2 RESULT=timeout'
        tell r raw 'CALL=select|REF=3||a|b'
        wait_for "$PATIENCE" facts_are b .readers_waiting 1
        kill_the_engine
        ctl channel send b found
        tell r receive; said r 'CHANNEL=/b FROM=client:[0-9]* TO=b :found'
        assert_eq "$(facts a .readers_waiting)-$(facts b .readers_waiting)" 0-0
}
kill_the_engine() {
        local before; before=$(pgrep -P "$DAEMON" -x coppice-engine)
        kill -KILL "$before"
        wait_for "$PATIENCE" another_one "$before"
}
another_one() { local p; p=$(pgrep -P "$DAEMON" -x coppice-engine) && [ "$p" != "$1" ] && daemon_answers; }

@test "tap shows what comes in and takes nothing, until the channel is gone" {
        start_daemon
        ctl channel create seen Capacity=5000 CapacityBytes=64M
        ctl channel tap seen --json >"$W/tapped" 3>&- & tapping=$!
        wait_for "$PATIENCE" tap_has hello
        assert_eq "$(ctl channel receive seen --payload)" hello
        ctl channel send seen again
        wait_line "$W/tapped" again
        ctl channel send seen behind
        assert_eq "$(ctl channel peek seen 1000 --payload | tail -n 2)" $'again\nbehind'
        assert_eq "$(ctl channel peek seen 1 --payload | wc -l)" 1
        run ctl channel peek seen 0; assert_status 2
        [ "$(facts seen .waiting)" -ge 1 ]
        ctl channel close seen
        while ctl channel try-receive seen >"$W/rest"; do :; done
        run ctl channel ls
        wait_for "$PATIENCE" process_gone $tapping
}
# The tap may not listen yet when the first message is sent.
tap_has() { ctl channel try-send seen "$1" >/dev/null 2>&1; file_has "$W/tapped" "$1"; }

@test "channels are back right after another engine has taken over, with all that is in them, and who works on what" {
        skip_unless python3
        channel jobs To=a.service Acknowledge=yes
        channel plain
        talker w; talker a
        start_daemon
        wait_state /w running; wait_state /a running
        ctl channel create made Capacity=7
        for i in 1 2 3; do ctl channel send made "m$i"; tell w send TO=jobs :job-$i; done
        tell w send TO=w AFTER_USEC=1500000 :scheduled
        tell w send TO=plain SYNC=taken REF=t :taken-later
        tell w send TO=w SYNC=delivered REF=all; tell w until DONE; said w DONE
        tell a receive; said a ' ACK=1 .*job-1'
        kill_the_engine
        assert_eq "$(facts made .waiting)-$(facts made .capacity)-$(facts made .accepted)" 3-7-3
        assert_eq "$(facts jobs .waiting)-$(facts jobs .unacked)" 2-1
        assert_eq "$(ctl channel receive made --payload)" m1
        tell a send CALL=ack CHANNEL=jobs ACK=1; tell a receive; said a ' ACK=2 .*job-2'
        ctl daemon-reexec
        assert_eq "$(ctl channel receive made --payload)" m2
        pid=$(pid_of /a)
        tell a exit 1; wait_restart /a "$pid"   # who goes may have read the next word as well
        tell a receive
        said a ' ACK=3 .*job-2'
        assert_eq "$(facts jobs .redelivered)" 1
        assert_eq "$(ctl channel receive plain --payload)" taken-later
        tell w until REF=t; said w 'DONE REF=t TO=plain RESULT=ok'
        tell w until scheduled
}

@test "descriptors that wait with a message are not lost with the engine" {
        skip_unless python3
        talker one
        talker two MailboxKeep=yes RestartSec=200ms
        start_daemon
        wait_state /one running; wait_state /two running
        pid=$(pid_of /two)
        tell two exit 1
        tell one sendfd "$W/gift" TO=two :file
        tell one send TO=one SYNC=delivered REF=1; tell one until DONE; said one DONE
        kill_the_engine
        wait_restart /two "$pid"
        tell two receive
        said two 'FROM=/one TO=two :file FDS=1'
        wait_line "$W/gift" 'written by /two'
}

# begin_anew PART OF TIMES: the engine ends, and the next one can make sense of that part of its journal only; TIMES: so
# often by then.
begin_anew() {
        local before journal
        before=$(pgrep -P "$DAEMON" -x coppice-engine)
        kill -STOP "$before"
        journal=$(find "/proc/$before/fd" -lname '/memfd:coppice-journal*' | head -n 1)
        "$COPPICE_BUILD/tests/programs/spoil" "$journal" "$1" "$2"
        kill -KILL "$before"
        wait_for "$PATIENCE" anew_times "$3"
        wait_for "$PATIENCE" ctl status /
}
anew_times() { [ "$(grep -c "beginning anew" "$W/daemon.log")" = "$1" ]; }

@test "H17: an engine that has taken up any part of a damaged state drops all of that, and messages go on" {
        skip_unless python3
        channel jobs To=a.service Acknowledge=yes
        channel full Capacity=1
        printf '[Channel]\nFrom=p.service:stdout\nTo=w.service:stdin\n' >"$W/units/data.channel"
        channel empty
        service p "ExecStart=/bin/sleep 1000"
        talker w; talker a; talker h MailboxKeep=yes RestartSec=900
        export COPPICE_ENGINE_PAUSE_MAX_MS=1
        start_daemon
        wait_state /w running; wait_state /a running; wait_state /p running
        local w a part
        w=$(pid_of /w) a=$(pid_of /a)
        for part in 8 7 6 5 4 3 2 1; do
                ctl channel create made Capacity=7
                ctl channel send made 1; ctl channel send made 2
                tell w send TO=jobs :1; tell w send TO=jobs :2; tell w send TO=a :3
                tell h exit 1; tell w send TO=h :held
                tell w send TO=w AFTER_USEC=900000000 :later
                tell w send TO=full SYNC=taken REF=t :4
                tell w send CALL=receive CHANNEL=empty REF=r
                tell w send TO=full :waits-for-room
                wait_for "$PATIENCE" facts_are full .blocked 1
                begin_anew $part 8 $((9 - part))
                assert_eq "$(pid_of /w)-$(pid_of /a)" "$w-$a"
                run ctl channel show made
                assert_status 3
                assert_eq "$(facts full .waiting)" 0
        done
        tell w send TO=jobs :last; tell a until last; said a last
        run grep -c -e Sanitizer -e "runtime error" -e "the engine ended" "$W/daemon.log"
        assert_eq "$output" 0
        stop_daemon 0
}
