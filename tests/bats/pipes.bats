# Channels of Type=pipe: pipes between services that outlive either end.

load lib

setup()    { world; }
teardown() { end_world; }

# pipe NAME LINE...: a unit with these lines in [Channel].
pipe() { local name=$1; shift; { echo '[Channel]'; printf '%s\n' "$@"; } >"$W/units/$name.channel"; }
facts() { ctl channel show "$1" --json | jq -r "$2"; }
facts_are() { [ "$(facts "$1" "$2")" = "$3" ]; }
queued_is() { facts_are "$1" .pipe.queued "$2"; }

# steps NAME: a service that does what is written into the fifo $W/NAME.do, one shell command a line, and says so in
# $W/NAME.did. Its stdin and stdout are those of channels.
steps() {
        local name=$1; shift
        mkfifo "$W/$name.do"; : >"$W/$name.did"
        script steps <<'SH'
exec 8<>"$1.do"
while read -r line <&8; do eval "$line"; echo "$line" >>"$1.did"; done
SH
        service "$name" "ExecStart=$W/steps $W/$name" Restart=transient RestartSec=0 "$@"
}
tell() { printf '%s\n' "$2" >"$W/$1.do"; }
did() { wait_line "$W/$1.did" "$2"; }

@test "a pipe outlives either end, and no byte of it is lost when one of them is killed" {
        steps w; steps r
        pipe data From=w.service:stdout To=r.service:stdin
        start_daemon
        wait_state /w running; wait_state /r running
        tell w 'printf "one\ntwo\n"'; did w one
        w=$(pid_of /w) r=$(pid_of /r)
        kill -9 "$w" "$r"; wait_restart /w "$w"; wait_restart /r "$r"
        assert_eq "$(facts data .pipe.queued)" 8
        tell w 'echo three'; did w three
        tell r 'head -n 3 >'"$W/got"; did r head
        assert_eq "$(tr '\n' ' ' <"$W/got")" 'one two three '
        assert_eq "$(facts data .pipe.run)" 1
}

engine() { pgrep -P "$DAEMON" -x coppice-engine; }
another_engine() { local e; e=$(engine) && [ -n "$e" ] && [ "$e" != "$1" ]; }

@test "F17: readers see the end of file once the last writer has finished, not when one has crashed" {
        steps a; steps b
        service r "ExecStart=/bin/sh -c 'cat >$W/got; date +%%s%%N >$W/ended'" Restart=transient
        pipe data From=a.service From=b.service To=r.service Framing=packet
        start_daemon
        for s in a b r; do wait_state /$s running; done
        tell a 'echo one'; did a one
        a=$(pid_of /a); kill -9 "$a"; wait_restart /a "$a"
        tell a 'echo two'; did a two
        tell a 'exit 0'; wait_state /a finished
        assert_eq "$(state_of /r)-$(facts data .pipe.ended)" running-false
        tell b 'echo three; date +%s%N >'"$W/finished"'; exit 0'
        wait_state /b finished; wait_state /r finished; wait_file "$W/ended"
        assert_eq "$(tr '\n' ' ' <"$W/got")" 'one two three '
        took=$((($(cat "$W/ended") - $(cat "$W/finished")) / 1000000))
        echo "the end of file came after $took ms"
        [ "$took" -lt "${COPPICE_SLOW:-5000}" ] # on a machine that is busy; alone it is 5 ms
        ctl start a; ctl start r; wait_state /r running
        assert_eq "$(facts data .pipe.run)" 2
        tell a 'echo four; exit 0'; wait_state /r finished
        assert_eq "$(cat "$W/got")" four
}

@test "Deliver=all gives every reader every byte once, also when the process that copies is killed" {
        seq 1 100000 >"$W/data"
        service w "ExecStart=/bin/cat $W/data" Restart=transient
        service fast "ExecStart=/bin/sh -c 'cat >$W/got1'" Restart=transient
        steps slow; steps slower
        pipe all From=w.service "To=fast.service slow.service slower.service" Deliver=all Capacity=16K
        start_daemon
        wait_state /transient/copies:all running; wait_state /slow running; wait_state /slower running
        # It waits for a reader, some have got what others have not: whenever it is killed it must know that.
        for bytes in 20000 9000 7; do
                wait_for "$PATIENCE" facts_are all .pipe.full true
                tell slow "head -c $bytes >>$W/got2"; did slow "head -c $bytes"
                wait_for "$PATIENCE" facts_are all .pipe.full true
                pid=$(pid_of /transient/copies:all); kill -9 "$pid"; wait_restart /transient/copies:all "$pid"
                tell slower "head -c 5000 >>$W/got3"; did slower 'head -c 5000'
                : >"$W/slower.did"
        done
        tell slow "cat >>$W/got2; exit 0"; tell slower "cat >>$W/got3; exit 0"
        for s in w fast slow slower; do wait_state /$s finished; done
        for i in 1 2 3; do cmp "$W/data" "$W/got$i"; done
        gone() { ! ctl status /transient/copies:all >/dev/null 2>&1; }
        wait_for "$PATIENCE" gone
}

@test "F8: a reader that is stopped makes its writer wait, and the pipe shows it; nobody else waits" {
        service w "ExecStart=/usr/bin/yes" Restart=transient
        script r <<<'kill -STOP $$; exec cat >/dev/null'
        service r "ExecStart=$W/r"
        pipe data From=w.service To=r.service Capacity=8K
        start_daemon
        wait_for "$PATIENCE" facts_are data .pipe.full true
        run ctl channel show data
        assert_output_has "$(facts data .pipe.queued) of 8192 bytes queued, full"
        assert_eq "$(ctl status w --json | jq -r '.channels[0] | "\(.descriptor) \(.channel) \(.end) \(.full)"')" 'stdout /data write true'
        run ctl status r; assert_output_has 'reads /data'
        ctl --timeout "${PATIENCE}s" list
        r=$(pid_of /r); kill -9 "$r"; wait_restart /r "$r"
        assert_eq "$(facts data .pipe.queued)-$(state_of /w)" 8192-running
        r=$(pid_of /r)
        is_stopped() { [ "$(process_state "$r")" = T ]; }
        wait_for "$PATIENCE" is_stopped
        kill -CONT "$r"
        wait_for "$PATIENCE" eval '! facts_are data .pipe.full true || ! facts_are data .pipe.queued 8192'
}

@test "F11: Framing=packet keeps what was written together together" {
        skip_unless python3
        script w <<'SH'
exec python3 -c "
import os
for size in (1, 100, 4096, 7): os.write(1, bytes([size % 256]) * size)
"
SH
        script r <<SH
exec python3 -c "
import os
while True:
    got = os.read(0, 65536)
    if not got: break
    print(len(got), file=open('$W/sizes', 'a'))
"
SH
        service w "ExecStart=$W/w" Restart=transient
        service r "ExecStart=$W/r" Restart=transient
        service r2 "ExecStart=/bin/cat" Restart=transient
        pipe data From=w.service "To=r.service r2.service" Framing=packet Deliver=all
        start_daemon
        wait_state /r finished
        assert_eq "$(tr '\n' ' ' <"$W/sizes")" '1 100 4096 7 '
}

@test "F14: a capacity that cannot be had is told, and what is had is shown" {
        steps w; steps r
        pipe large From=w.service To=r.service Capacity=512M
        pipe small From=w.service:stderr To=r.service:5 Capacity=1
        start_daemon
        wait_state /w running; wait_state /r running
        assert_eq "$(facts small .pipe.capacity)" 4096
        # Whoever may exceed fs.pipe-max-size has it; the others hear of it.
        [ "$(facts large .pipe.capacity)" -ge 536870912 ] || grep -q '/large: Capacity=536870912 cannot be had: ' "$W/daemon.log"
        assert_eq "$(facts large '(.pipe.refused != null) == (.pipe.capacity < 536870912)')" true
        sed -i 's/512M/32K/' "$W/units/large.channel"
        ctl daemon-reload
        assert_eq "$(facts large '.pipe | "\(.capacity) \(.refused)"')" '32768 null'
}

@test "F14: who is not root and has more pipes than are allowed hears that they are small" {
        [ "$(id -u)" = 0 ] || skip 'becomes nobody'
        skip_unless setpriv
        skip_unless others
        sysctl=$(cat /proc/sys/fs/pipe-user-pages-soft)
        [ "$sysctl" -le 16384 ] || skip "fs.pipe-user-pages-soft is $sysctl"
        as_nobody env PATH=/usr/bin:/bin python3 -c '' 2>/dev/null || skip 'needs a python3 that everybody may use'
        steps w; steps r
        pipe data From=w.service To=r.service Capacity=256K
        give_world_to_nobody
        # Somebody of the same user has taken all there is.
        setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all -- env PATH=/usr/bin:/bin python3 -c "
import fcntl, os, sys
pipes = [os.pipe() for i in range(80)]
try:
    for p in pipes: fcntl.fcntl(p[0], 1031, 1 << 20)
except PermissionError:
    pass
while fcntl.fcntl(os.pipe()[0], 1032) > 8192: pipes.append(os.pipe())
open('$W/taken', 'w').close()
sys.stdin.read()
" <"$W/quiet" 3>&- & hog=$!
        wait_file "$W/taken"
        DAEMON_WRAPPER="setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all --" start_daemon
        wait_state /w running; wait_state /r running
        assert_eq "$(facts data '.pipe | "\(.asked) \(.refused)"')" '262144 Operation not permitted'
        [ "$(facts data .pipe.capacity)" -le 8192 ]
        grep -q 'Capacity=262144 cannot be had' "$W/daemon.log"
        tell w 'echo it works'; did w it
        tell r 'head -n 1 >'"$W/got"; did r head
        assert_eq "$(cat "$W/got")" 'it works'
        kill "$hog"; wait "$hog" || :
}

@test "verify finds what is wrong with pipes" {
        service a 'ExecStart=/bin/true' StandardOutput=null Restart=transient
        service b 'ExecStart=/bin/true' Restart=transient
        service c 'ExecStart=/bin/true' Restart=transient NotifyFd=7
        check() { # check TEXT LINE...: a channel of these lines is remarked upon so
                local text=$1; shift
                pipe x "$@"
                run ctl verify --units "$W/units"
                assert_output_has "$text"
        }
        check 'From=d.service: there is no such service' From=d.service To=b.service
        check 'a.service says StandardOutput= itself' From=a.service To=b.service
        check 'c.service says NotifyFd=7' From=c.service:7 To=b.service
        check 'no descriptor of a service' From=a.service:stdot To=b.service
        check 'nobody writes to stdin' From=a.service:stdin To=b.service
        check 'nobody reads from stdout' From=b.service To=c.service:stdout
        check 'a pipe that nobody reads' From=b.service
        check 'a channel is between services' From=root.supervisor To=b.service
        check 'Overflow= is for channels of Type=message' From=b.service To=c.service Overflow=reject
        check 'b.service:stdout is an end of x.channel already' From=b.service From=b.service:1 To=c.service
        check 'several writers of one stream' From=b.service From=c.service To=a.service
        check 'several readers of one stream' From=b.service 'To=a.service c.service'
        pipe y From=c.service To=b.service
        check 'pipes in a ring: c.service -> b.service -> c.service' From=b.service To=c.service
        assert_output_has '0 errors, 1 warning'
        rm "$W/units/y.channel"
        check '0 errors, 0 warnings' From=b.service From=b.service:9 'To=a.service c.service:fd:in' Deliver=all Framing=packet Close=never
}

@test "explain, graph and the service itself show where its descriptors lead" {
        script names <<SH
echo "\$LISTEN_FDS \$LISTEN_FDNAMES" >$W/names
ls -l /proc/self/fd >$W/fds
echo more >&9
exec sleep 1000
SH
        service w "ExecStart=$W/names"
        service r "ExecStart=/bin/sleep 1000"
        pipe one From=w.service:9 To=r.service
        pipe two From=r.service To=w.service:fd:back
        start_daemon
        wait_line "$W/fds" pipe; wait_for "$PATIENCE" queued_is one 5
        assert_eq "$(cat "$W/names")" '1 back'
        run ctl explain w
        assert_output_has 'have as descriptor 9 the writing end of channel /one'
        assert_output_has 'have as descriptor back of $LISTEN_FDNAMES the reading end of channel /two'
        run ctl graph --json
        assert_json '.edges[] | select(.kind == "pipe" and .from == "/w" and .to == "/r")'
        # E11: these and no other. 3 is a copy of the shell's 255 or the directory that ls reads.
        assert_eq "$(sed -n 's/.* \([0-9]*\) -> pipe:.*/\1/p' "$W/fds" | tr '\n' ' ')" '2 3 9 '
}

@test "a pipe goes on when the engine is killed and when it is replaced" {
        steps w; steps r
        pipe data From=w.service To=r.service Capacity=32K
        start_daemon
        ctl channel create late --type=pipe From=w.service:7 To=r.service:7
        wait_state /w running; wait_state /r running
        w=$(pid_of /w)
        tell w 'echo one'; did w one
        engine=$(engine); kill -9 "$engine"
        wait_for "$PATIENCE" another_engine "$engine"; wait_for "$PATIENCE" daemon_answers
        assert_eq "$(facts data '.pipe | "\(.queued) \(.capacity) \(.run)"')" '4 32768 1'
        tell w 'echo two'; did w two
        ctl daemon-reexec
        assert_eq "$(facts late .from_unit)" false
        r=$(pid_of /r); kill -9 "$w" "$r"; wait_restart /w "$w"; wait_restart /r "$r"
        tell w 'echo three; echo late >&7; exit 0'; wait_state /w finished
        wait_for "$PATIENCE" facts_are data .pipe.ended true
        tell r 'cat >'"$W/got"'; cat <&7 >>'"$W/got"; did r cat
        assert_eq "$(tr '\n' ' ' <"$W/got")" 'one two three late '
}

@test "channel create makes a pipe at run time, close ends it for its readers" {
        steps w; steps r Mailbox=yes
        start_daemon
        wait_state /w running
        run ctl channel create data --type=pipe From=nobody.service To=r.service
        assert_status 1; assert_output_has 'nobody.service: there is no such service'
        ctl channel create data --type=pipe From=w.service:stdout To=r.service:stdin
        run ctl channel create more --type=pipe From=w.service:stdout To=r.service:5
        assert_status 1; assert_output_has 'w.service:stdout is an end of /data already'
        run ctl channel create data --type=pipe From=w.service:5 To=r.service:5; assert_status 1
        run ctl channel send data x; assert_status 1
        run ctl channel try-receive data; assert_status 1; assert_output_has 'that channel is a pipe'
        ctl restart w; ctl restart r
        tell w 'echo one'; did w one
        ctl channel close data
        assert_eq "$(facts data .closed)" true
        tell w 'exit 0'; wait_state /w finished
        tell r 'cat >'"$W/got"; did r cat
        assert_eq "$(cat "$W/got")" one
        run ctl channel show data; assert_status 3
}

@test "while data goes through a pipe neither the engine nor init does anything" {
        service w "ExecStart=/usr/bin/yes"
        steps f; steps r
        pipe one From=w.service To=f.service
        pipe two From=f.service To=r.service
        start_daemon
        wait_state /f running; wait_state /r running
        tell r 'head -c 1000000 >/dev/null' # what follows a start has been done as well
        tell f 'cat'; did r head; : >"$W/r.did"
        switches() { cat "/proc/$(engine)/status" "/proc/$DAEMON/status" | grep ctxt_switches; }
        is_settled() { local a; a=$(switches); read -r -t 0.3 -u "$QUIET" _ || :; [ "$a" = "$(switches)" ]; }
        wait_for "$PATIENCE" is_settled
        before=$(switches)
        tell r 'head -c 200000000 >/dev/null'; did r head
        assert_eq "$(switches)" "$before"
}
