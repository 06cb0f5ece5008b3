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
        [ "$took" -lt "${COPPICE_SLOW:-100}" ] || [ "$(nproc)" -lt 4 ]
        ctl start a; ctl start r; wait_state /r running
        assert_eq "$(facts data .pipe.run)" 2
        tell a 'echo four; exit 0'; wait_state /r finished
        assert_eq "$(cat "$W/got")" four
}
