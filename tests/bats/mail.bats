# Mailboxes: messages between services, their bounds, their order, what becomes of them. coppice.mailbox(7) is the contract.

load lib
load talker

setup()    { world; }
teardown() { end_world; }

@test "a message reaches the service it is for, and says who sent it" {
        skip_unless python3
        talker one
        talker two
        start_daemon
        wait_state /one running; wait_state /two running
        tell one send TO=two TOPIC=hello REF=7 :payload
        tell two receive
        said two 'FROM=/one TO=two TOPIC=hello REF=7 :payload'
        tell two send TO=/one TOPIC=answer :back
        tell one receive
        said one 'FROM=/two TO=/one TOPIC=answer :back'
}

@test "nobody can say that he is somebody else" {
        skip_unless python3
        talker one
        talker two
        start_daemon
        wait_state /one running; wait_state /two running
        tell one send TO=/two FROM=/three :forged
        tell one receive
        said one 'FROM=coppice TOPIC=BOUNCE TO=/two REASON=bad-message'
        tell one send TO=/two TOPIC=DOWN :forged
        tell one receive
        tell one send TO=/two :honest
        tell two receive
        said two 'FROM=/one TO=/two :honest'
        assert_eq "$(lines_of two forged)" 0
        assert_eq "$(lines_of one BOUNCE)" 2
}

@test "whom a message cannot reach its sender is told" {
        skip_unless python3
        talker one
        talker down Restart=no
        service deaf "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /one running; wait_state /down running
        ctl stop down
        tell one send TO=nobody REF=1 ; tell one receive ; said one 'REF=1 TO=nobody REASON=not-found'
        tell one send TO=deaf REF=2 ;   tell one receive ; said one 'REF=2 TO=deaf REASON=no-mailbox'
        tell one send TO=down REF=3 ;   tell one receive ; said one 'REF=3 TO=down REASON=noproc'
        tell one raw 'no head at all' ; tell one receive ; said one 'BOUNCE REASON=bad-message'
        tell one send TO=one CALL=nonsense REF=4 ; tell one receive ; said one 'DONE REF=4 TO=one RESULT=unknown-call'
}

@test "descriptors travel with a message" {
        skip_unless python3
        talker one
        talker two
        start_daemon
        wait_state /one running; wait_state /two running
        tell one sendfd "$W/gift" TO=two :file
        tell two receive
        said two 'FROM=/one TO=two :file FDS=1'
        wait_line "$W/gift" 'written by /two'
}

@test "F9: a mailbox takes what it can hold, and every policy counts exactly what it does not" {
        skip_unless python3
        talker one
        talker reject MailboxCapacity=3 MailboxOverflow=reject
        talker oldest MailboxCapacity=3 MailboxOverflow=drop-oldest
        talker newest MailboxCapacity=3 MailboxOverflow=drop-newest
        talker block  MailboxCapacity=3 MailboxOverflow=block
        start_daemon
        for s in one reject oldest newest block; do wait_state /$s running; done
        for to in reject oldest newest; do
                for i in 1 2 3 4 5; do tell one send TO=$to :message-$i; done
        done
        # A blocked sender does nothing else until there is room; so this comes last.
        for i in 1 2 3 4 5; do tell one send TO=block :message-$i; done
        tell one sent; said one 'sent 20'
        for to in reject oldest newest block; do for i in 1 2 3; do tell $to receive; done; done
        said reject ':message-3'; said oldest ':message-5'; said newest ':message-3'; said block ':message-3'
        assert_eq "$(grep -o 'message-.' "$W/reject.out" | tr -d '\n')" message-1message-2message-3
        assert_eq "$(grep -o 'message-.' "$W/oldest.out" | tr -d '\n')" message-3message-4message-5
        assert_eq "$(grep -o 'message-.' "$W/newest.out" | tr -d '\n')" message-1message-2message-3
        tell block receive; tell block receive
        said block ':message-5'
        for to in reject oldest newest block; do tell $to empty; said $to 'empty'; done
        tell one receive; tell one receive; tell one empty; said one '^empty'
        assert_eq "$(lines_of one 'TO=reject REASON=full')" 2
        assert_eq "$(field /reject .mailbox.rejected)" 2
        assert_eq "$(field /oldest .mailbox.dropped)" 2
        assert_eq "$(field /newest .mailbox.dropped)" 2
        assert_eq "$(field /newest .mailbox.accepted)" 3
        assert_eq "$(field /block .mailbox.taken)" 5
        assert_eq "$(field /block .mailbox.waiting)" 0
}

@test "ten thousand messages keep their order, and a sender that is faster waits" {
        skip_unless python3
        talker one
        talker two MailboxCapacity=10
        start_daemon
        wait_state /one running; wait_state /two running
        tell one many 10000 TO=two
        tell two take 10000
        said two 'took 10000 in order, last 10000'
        assert_eq "$(field /two .mailbox.taken)" 10000
        tell one empty; said one '^empty'
}

@test "F8: a service that reads nothing stops those who write to it, and nobody else" {
        skip_unless python3
        talker one
        talker three
        talker two
        talker stuck MailboxCapacity=1
        start_daemon
        for s in one two three stuck; do wait_state /$s running; done
        tell one many 2000 TO=stuck
        wait_for "$PATIENCE" one_waits
        tell three many 1000 TO=two
        tell two take 1000
        said two 'took 1000 in order'
        run ctl status stuck
        assert_output_has '1 of 1 waiting'
        assert_output_has '1 senders wait'
        tell stuck take 2000
        said stuck 'took 2000 in order'
}
one_waits() { [ "$(field /one .mailbox.sender_waits)" = true ]; }

# What is no message of others, or was asked for, comes beside the capacity; not without end.
@test "F8: whoever reads nothing cannot have more and more laid into his mailbox, by himself or by others" {
        skip_unless python3
        for s in giver asker taker exiter; do talker $s MailboxCapacity=10; done
        talker deaf MailboxCapacity=10 TrapExit=yes
        service dead Restart=no ExecStart=/bin/true
        printf '[Channel]\nType=message\nCapacity=1000\n' >"$W/units/box.channel"
        start_daemon
        for s in giver asker taker exiter deaf; do wait_state /$s running; done
        wait_state /dead finished
        tell deaf many 1000 TO=box
        wait_for "$PATIENCE" box_has 1000
        tell giver cram 9000 'CALL=return||FROM=x||forged'
        tell asker cram 9000 'CALL=monitor|NODE=/dead||'
        tell taker cram 9000 'CALL=receive|CHANNEL=box|TIMEOUT_USEC=0||'
        tell exiter cram 9000 'CALL=exit|NODE=/deaf|REASON=exit:3||'
        for s in giver asker taker exiter; do said $s '^crammed'; done
        for s in giver asker taker exiter deaf; do
                ctl status $s --json | jq -e '.mailbox.waiting < 500' >/dev/null || { echo "$s:"; ctl status $s; return 1; }
        done
        for s in giver asker taker exiter; do [ "$(sed -n 's/^crammed //p' "$W/$s.out")" -lt 9000 ]; done
        # Its own messages come as ever once it has read them.
        tell exiter until full
        said exiter 'TOPIC=BOUNCE REASON=full'
        tell giver press CALL=ping REF=last; tell giver until REF=last
        said giver 'REF=last RESULT=ok'
}

box_has() { [ "$(ctl channel show box --json | jq .waiting)" = "$1" ]; }

@test "F8: the descriptors that wait with messages are bounded, and the engine has some left" {
        skip_unless python3
        for s in one two deaf; do talker $s MailboxCapacity=10000 MailboxKeep=yes; done # none of them waits for another
        start_daemon
        for s in one two deaf; do wait_state /$s running; done
        engine=$(pgrep -P "$DAEMON" -x coppice-engine)
        tell one cramfd 900 /dev/null 'TO=/deaf|AFTER_USEC=900000000||x'
        tell two cramfd 900 /dev/null 'TO=/deaf||x'
        said one '^crammed'; said two '^crammed'
        tell one receive; said one 'TOPIC=BOUNCE TO=/deaf REASON=busy'
        tell two receive; said two 'TOPIC=BOUNCE TO=/deaf REASON=full'
        wait_for "$PATIENCE" few_descriptors
        accepted=$(field /deaf .mailbox.accepted)
        assert_eq "$accepted" 16 # with 16 descriptors each
        tell deaf receive; said deaf 'FROM=/two .*FDS=1'
        tell deaf giveback FROM=/two :again # while it lives all of them are taken back and come again
        wait_for "$PATIENCE" sixteen_wait # who reads on before coppice has it reads another one
        tell deaf receive; said deaf ':again'
        for i in 2 3; do tell deaf receive; done
        wait_for "$PATIENCE" deaf_has_read 3
        ctl restart /deaf # and at its end they are kept
        wait_state /deaf running
        for i in {4..16}; do tell deaf receive; done
        wait_for "$PATIENCE" deaf_has_read 16
        assert_eq "$(field /deaf '.mailbox.lost == 0 and .mailbox.taken == 16')" true
        wait_for "$PATIENCE" few_descriptors
}
sixteen_wait() { [ "$(field /deaf .mailbox.waiting)" = 16 ]; }
deaf_has_read() { [ "$(lines_of deaf 'FROM=/two .*FDS=1')" = "$1" ]; }
few_descriptors() { [ "$(ls "/proc/$engine/fd" | wc -l)" -lt 1500 ]; }

@test "F8: a full mailbox and who waits for it cost the engine nothing while others talk" {
        bench=$BUILD/tests/bench/mail_bench
        [ -x "$bench" ] || skip "tests/bench/mail_bench is not built"
        service stuck Mailbox=yes MailboxCapacity=1 "ExecStart=sleep 1000"
        service hasty Mailbox=yes Restart=no "ExecStart=$bench send stuck 100000"
        service receiver Mailbox=yes Restart=no "ExecStart=$bench receive 20000 $W/rate"
        service sender Mailbox=yes Restart=no "ExecStart=$bench send receiver 20000"
        sed -i "1i [Unit]\nAfter=receiver.service" "$W/units/sender.service"
        mv "$W/units/hasty.service" "$W/hasty"
        start_daemon
        wait_line "$W/rate" . # what a first time costs is not counted
        alone=$(talk)
        mv "$W/hasty" "$W/units/hasty.service"
        ctl daemon-reload; ctl start hasty
        wait_for "$PATIENCE" stuck_is_full
        # How much the engine finds to do at each turn is up to the machine: what costs more costs more each time.
        for i in 1 2 3 4 5 6; do
                beside=$(talk)
                stuck_is_full
                [ "$beside" -ge $(( alone * 2 )) ] || break
        done
        echo "20,000 messages cost the engine $alone us, beside a full mailbox $beside us"
        [ "$beside" -lt $(( alone * 2 )) ]
}
stuck_is_full() { [ "$(field /stuck '"\(.mailbox.waiting) \(.mailbox.blocked)"')" = '1 1' ]; }
# talk: one run of receiver and sender; prints the engine's processor time for it, in microseconds.
talk() {
        local before; before=$(engine_time)
        rm -f "$W/rate"
        ctl restart receiver; ctl restart sender
        wait_line "$W/rate" .
        echo $(( $(engine_time) - before ))
}
engine_time() { awk '{ printf "%d", $1 / 1000 }' "/proc/$(pgrep -P "$DAEMON" -x coppice-engine)/schedstat"; }

@test "F16: two services that wait for each other are reported, and the daemon goes on" {
        skip_unless python3
        talker a MailboxCapacity=1
        talker b MailboxCapacity=1
        start_daemon
        wait_state /a running; wait_state /b running
        tell a many 3 TO=b
        tell b many 3 TO=a
        wait_line "$W/daemon.log" 'wait for room in each other.s mailbox'
        tell a take 3; tell b take 3
        said a 'took 3 in order'; said b 'took 3 in order'
}

@test "what a service has not read is there after its restart with MailboxKeep=yes, and counted as lost without" {
        skip_unless python3
        talker one
        talker keeps MailboxKeep=yes RestartSec=50ms
        talker loses RestartSec=50ms
        start_daemon
        for s in one keeps loses; do wait_state /$s running; done
        for to in keeps loses; do
                tell one many 5 TO=$to; tell one sent; said one sent; : >"$W/one.out"
        done
        wait_for "$PATIENCE" accepted /keeps 5; wait_for "$PATIENCE" accepted /loses 5
        for to in keeps loses; do
                pid=$(pid_of /$to); tell $to receive; said $to ':1'; tell $to exit 3; wait_restart /$to "$pid"
        done
        tell keeps take 4; said keeps 'took 4 in order, last 5'
        tell loses empty; said loses '^empty'
        assert_eq "$(field /loses .mailbox.lost)" 4
        assert_eq "$(field /loses .mailbox.taken)" 1
        assert_eq "$(field /keeps .mailbox.lost)" 0
        # Between two lives messages are taken for the one, refused for the other.
        ctl stop keeps loses
        tell one send TO=keeps :a; tell one receive; said one 'TO=keeps REASON=noproc'
}
accepted() { [ "$(field "$1" .mailbox.accepted)" = "$2" ]; }

@test "a message to a supervisor is one to each of its children" {
        skip_unless python3
        printf '[Supervisor]\n' >"$W/units/team.supervisor"
        talker boss
        SUPERVISOR=team.supervisor talker a
        SUPERVISOR=team.supervisor talker b
        { echo '[Unit]'; echo 'Supervisor=team.supervisor'; echo '[Service]'; echo 'ExecStart=/bin/sleep 1000'; } >"$W/units/deaf.service"
        start_daemon
        for s in /boss /team/a /team/b; do wait_state $s running; done
        tell boss send TO=/team SYNC=delivered REF=1 :all
        tell boss receive
        said boss 'DONE REF=1 TO=/team RESULT=ok COUNT=2'
        tell a receive; tell b receive
        said a 'FROM=/boss TO=/team .* :all'; said b 'FROM=/boss TO=/team .* :all'
}

@test "SYNC= tells when a message is delivered, and when it is taken" {
        skip_unless python3
        talker one
        talker two
        start_daemon
        wait_state /one running; wait_state /two running
        tell one send TO=two SYNC=delivered REF=1 :a
        tell one receive; said one 'DONE REF=1 TO=two RESULT=ok'
        tell one send TO=two SYNC=taken REF=2 :b
        tell one send TO=two SYNC=delivered REF=3 :c
        tell one receive; said one 'DONE REF=3'
        assert_eq "$(lines_of one REF=2)" 0
        tell two receive; tell two receive
        tell one receive; said one 'DONE REF=2 TO=two RESULT=ok'
        tell one send TO=two SYNC=taken :no-ref; tell one receive; said one 'REASON=no-ref'
        # Read by nobody: not taken.
        tell one send TO=two SYNC=taken REF=4 :d
        tell two exit 0
        tell one receive; said one 'DONE REF=4 TO=two RESULT=noproc'
}

@test "a message can wait for its time, and be called back" {
        skip_unless python3
        talker one
        start_daemon
        wait_state /one running
        tell one send TO=one AFTER_USEC=600000000 REF=x :never
        tell one send CALL=cancel VALUE=x REF=1
        tell one until DONE; said one 'DONE REF=1 RESULT=ok COUNT=1'
        tell one send TO=one AFTER_USEC=1000000 :second
        tell one send TO=one AFTER_USEC=1000 :first
        tell one until second; said one ':second'
        assert_eq "$(grep -c ':first' "$W/one.out")" 1
        tell one send CALL=cancel VALUE=x REF=2
        tell one receive; said one 'DONE REF=2 RESULT=not-found'
}

@test "what was read and is given back is read again first" {
        skip_unless python3
        talker one
        talker two
        start_daemon
        wait_state /one running; wait_state /two running
        tell one many 3 TO=two
        tell two take 2; said two 'took 2 in order, last 2'
        tell two giveback FROM=/one TO=two :2
        tell two giveback FROM=/one TO=two :1
        wait_for "$PATIENCE" three_wait # who reads on before coppice has them reads the third
        tell two take 3; said two 'took 3 in order, last 3'
}
three_wait() { [ "$(field /two .mailbox.waiting)" = 3 ]; }

@test "a supervisor's MessagePolicy= decides what crosses its boundary" {
        skip_unless python3
        for policy in above in out open closed; do
                printf '[Supervisor]\nMessagePolicy=%s\n' $policy >"$W/units/$policy.supervisor"
                SUPERVISOR=$policy.supervisor talker $policy-a
                SUPERVISOR=$policy.supervisor talker $policy-b
        done
        talker top
        start_daemon
        wait_state /top running
        for policy in above in out open closed; do wait_state /$policy/$policy-a running; wait_state /$policy/$policy-b running; done
        # Who may send to whom: sender, receiver, passes?
        n=0
        while read -r from to passes; do
                : >"$W/$from.out"
                tell $from send TO=$to SYNC=delivered REF=$((++n))
                tell $from until DONE
                said $from "DONE REF=$n"
                [ "$(lines_of $from RESULT=ok)" = "$passes" ] || { echo "$from -> $to: $(cat "$W/$from.out")"; false; }
        done <<'ROWS'
above-a above-b 1
closed-a closed-b 1
top /above/above-a 1
top /in/in-a 1
top /out/out-a 1
top /open/open-a 1
top /closed/closed-a 0
above-a top 0
in-a top 0
out-a top 1
open-a top 1
closed-a top 0
open-a /in/in-a 1
open-a /open/open-b 1
open-a /out/out-a 0
open-a /above/above-a 0
out-a /in/in-a 1
in-a /open/open-a 0
ROWS
        # An answer goes back the way the question came, once.
        tell top send TO=/above/above-a REF=q7 :question
        tell above-a until q7; said above-a 'FROM=/top .*REF=q7'
        tell above-a send TO=/top REF=q7 :answer
        tell above-a send TO=/top REF=q7 :again
        tell top until answer; said top 'FROM=/above/above-a TO=/top REF=q7 :answer'
        tell above-a until BOUNCE; said above-a 'BOUNCE REF=q7 TO=/top REASON=forbidden'
}

@test "an engine that is killed takes no mailbox with it, and what lay unread in one is there" {
        skip_unless python3
        talker one
        talker two
        start_daemon
        wait_state /one running; wait_state /two running
        tell one many 50 TO=two
        wait_for "$PATIENCE" accepted /two 50
        tell two take 10; said two 'took 10 in order, last 10'
        tell one send CALL=monitor NODE=two REF=watch; tell one until watch; said one 'REF=watch RESULT=ok'
        tell one send CALL=register NAME=known REF=name; tell one until REF=name; said one 'REF=name RESULT=ok'
        engine=$(pgrep -P "$DAEMON" -x coppice-engine)
        kill -KILL "$engine"
        wait_for "$PATIENCE" another_engine "$engine"
        tell one send TO=two :51
        tell two take 41; said two 'took 41 in order, last 51'
        tell two send TO=known :by-name; tell one until by-name; said one 'FROM=/two TO=known :by-name'
        tell two exit 3; tell one until DOWN; said one 'TOPIC=DOWN REF=watch NODE=/two REASON=exit:3'
}

@test "a mailbox whose path is longer than what init can keep outlives the engine as well" {
        skip_unless python3
        long=$(printf 'a%.0s' {1..120})
        printf '[Supervisor]\n' >"$W/units/$long.supervisor"
        talker one
        SUPERVISOR=$long.supervisor talker far
        start_daemon
        wait_state /one running; wait_state "/$long/far" running
        tell one many 20 TO=/$long/far
        wait_for "$PATIENCE" accepted "/$long/far" 20
        engine=$(pgrep -P "$DAEMON" -x coppice-engine)
        kill -KILL "$engine"
        wait_for "$PATIENCE" another_engine "$engine"
        tell one send TO=/$long/far :21
        tell far take 21; said far 'took 21 in order, last 21'
}
another_engine() { local p; p=$(pgrep -P "$DAEMON" -x coppice-engine) && [ "$p" != "$1" ] && daemon_answers; }

@test "F10, F12: what is no message is refused whole, its sender is told, and what follows is not shifted" {
        skip_unless python3
        talker one
        talker two
        start_daemon
        wait_state /one running; wait_state /two running
        before=$(rss_of "$(pgrep -P "$DAEMON" -x coppice-engine)")
        # nothing at all, a cut head, random bytes, one byte too many, four gigabytes that are not there
        tell one bytes 0; tell one bytes 1; tell one bytes 40; tell one bytes 65600; tell one bytes 160000
        tell one raw 'TO=two'; tell one raw 'TO=two||fits'; tell one raw 'LENGTH=4294967295|TO=two||x'
        tell two receive
        said two 'FROM=/one TO=two :fits'
        tell two empty; said two '^empty'
        wait_for "$PATIENCE" bounced_all
        tell one until 'TOPIC=BOUNCE'
        [ $(($(rss_of "$(pgrep -P "$DAEMON" -x coppice-engine)") - before)) -lt 1024 ]
        # A sender that ends amid a message has sent none: a datagram is whole or it is not.
        tell one exit 0
        tell two empty; said two '^empty'
}
rss_of() { awk '/^RssAnon/ { print $2 }' "/proc/$1/status"; }
bounced_all() { [ "$(field /one .mailbox.bounced)" = 7 ]; }

@test "F15: how many messages wait is counted by us: small ones fill no socket before their number is reached" {
        skip_unless python3
        talker one
        talker two MailboxCapacity=3000 MailboxOverflow=reject
        start_daemon
        wait_state /one running; wait_state /two running
        tell one many 3010 TO=two
        tell one send TO=one :last; tell one until last; said one :last
        assert_eq "$(field /two .mailbox.waiting)" 3000
        assert_eq "$(field /two .mailbox.rejected)" 10
        tell two take 3000; said two 'took 3000 in order, last 3000'
}

@test "F17: nobody but the service itself holds its end of the mailbox open for long: after its end a sender is told at once" {
        skip_unless python3
        talker one
        talker two Restart=no
        start_daemon
        wait_state /one running; wait_state /two running
        tell two exit 0
        wait_state /two finished
        tell one send TO=two REF=gone; tell one receive; said one 'REF=gone TO=two REASON=noproc'
}
