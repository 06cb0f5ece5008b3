# Messages, links and names from the shell: coppicectl from outside as an operator, inside of a service as that service.

load lib
load talker

setup()    { world; }
teardown() { end_world; }

# shell NAME [LINE...] <<EOF: a service with a mailbox that is a shell script with `coppicectl` in its path.
shell() {
        local name=$1; shift
        { printf 'PATH=%s:$PATH W=%s\n' "$BUILD" "$W"; cat; } | script "$name.sh"
        { echo "[Service]"; echo "Mailbox=yes"; echo "ExecStart=$W/$name.sh"; printf '%s\n' "$@"; } >"$W/units/$name.service"
}
# A service that answers each question with its payload in capitals.
shouter() {
        shell shouter "$@" <<'SH'
while m=$(coppicectl receive --json); do
        from=$(echo "$m" | jq -r .head.FROM) ref=$(echo "$m" | jq -r '.head.REF // empty')
        [ -z "$ref" ] || coppicectl send "$from" --ref "$ref" "$(echo "$m" | jq -r .payload | tr a-z A-Z)"
done
SH
}

@test "send delivers from outside, and says what is wrong when it cannot" {
        skip_unless python3
        talker two MailboxCapacity=1
        start_daemon
        wait_state /two running
        run ctl send two --topic greeting --ref 5 --head X_TRACE=on hello there
        assert_status 0
        tell two receive
        said two 'FROM=client:[0-9]* TO=two TOPIC=greeting X_TRACE=on REF=5 :hello there'
        printf 'one\0two' | ctl send two -
        tell two receive; wait_line "$W/two.out" 'one'
        run ctl send nobody hi;  assert_status 3; assert_output_has 'nobody: nothing is called so'
        run ctl send two --sync later hi; assert_status 2
        run ctl receive; assert_status 2
        # There is no room: --timeout takes the message back.
        ctl send two first
        run ctl --timeout 100ms send two second; assert_status 1
        wait_for "$PATIENCE" nobody_blocked
        ctl send two --sync taken third &
        wait_for "$PATIENCE" somebody_blocked
        tell two receive; tell two receive; said two ':third'
        wait $!
        assert_eq "$(lines_of two second)" 0
        ctl stop two
        run ctl send two late;  assert_status 3; assert_output_has 'does not run'
}
nobody_blocked() { [ "$(field /two .mailbox.blocked)" = 0 ]; }
somebody_blocked() { [ "$(field /two .mailbox.blocked)" = 1 ]; }

# printed N: the Nth example of coppice.mailbox(7), as a reader sees it.
printed() { sed -n '/^\.nf/,/^\.fi/p' "$SOURCE/man/coppice.mailbox.7" | sed 's/^    //; s/\\e/\\/g; s/\\-/-/g' |
        awk -v n="$1" '/^\.nf/ { at++; next } /^\.fi/ { next } at == n'; }

@test "the services that coppice.mailbox(7) prints answer: in Python without a library, and in the shell" {
        skip_unless python3; skip_unless jq
        printed 3 >"$W/answer.py"; grep -q partition "$W/answer.py"
        { echo "PATH=$BUILD:\$PATH"; printed 4; } | script answer.sh; grep -q 'receive --json' "$W/answer.sh"
        printed 2 >"$W/spawn.txt"; grep -q 'CALL=spawn' "$W/spawn.txt"
        { echo 'import os, socket; box = socket.socket(fileno=int(os.environ["COPPICE_MAILBOX"]))'; cat "$W/spawn.txt"
          echo 'print(box.recv(66636).decode(), flush=True)'; echo 'print(box.recv(66636).decode(), flush=True)'
          echo 'import time; time.sleep(1000)'; } | sed "s|/var/spool/list|$W/list|; s|\"MemoryMax=64M.n\" b||" >"$W/spawn.py"
        printf 'b\na\n' >"$W/list"
        unit shop.supervisor <<<$'[Supervisor]\nAllowSpawn=command root-command'
        service python Mailbox=yes "ExecStart=/usr/bin/env python3 $W/answer.py"
        service sh Mailbox=yes "ExecStart=$W/answer.sh"
        service spawn Mailbox=yes "ExecStart=/usr/bin/env python3 $W/spawn.py" "StandardOutput=truncate:$W/spawn.out"
        sed -i '1i [Unit]\nSupervisor=shop' "$W/units/spawn.service"
        start_daemon
        for s in /python /sh /shop/spawn; do wait_state $s running; done
        assert_eq "$(ctl ask python quietly)" QUIETLY
        assert_eq "$(ctl ask sh quietly)" QUIETLY
        wait_line "$W/spawn.out" 'RESULT=ok'
        wait_line "$W/spawn.out" 'REASON=normal'
        wait_for "$PATIENCE" sorted
        ctl send spawn /nobody
        run ctl status python; assert_output_has '1 taken'; assert_output_has '1 sent'
        run ctl metrics; assert_output_has 'coppice_mailbox_taken_total{node="/python"} 1'
}

sorted() { [ "$(ctl logs /shop/sort | awk '{ print $2 }' | tr '\n' ' ')" = 'a b ' ]; }

@test "ask waits for the answer, outside and inside" {
        skip_unless jq
        shouter
        shell asker <<'SH'
coppicectl send asker --topic before one
coppicectl ask shouter whisper >"$W/answer"
coppicectl receive --payload >"$W/kept"
exec sleep 1000
SH
        start_daemon
        run ctl ask shouter hello
        assert_status 0
        assert_output_has HELLO
        wait_line "$W/answer" WHISPER
        wait_line "$W/kept" one
        run ctl --timeout 100ms ask asker silence
        assert_status 1
        assert_output_has 'no answer within'
        run ctl ask nobody hello; assert_status 3
        run ctl --json ask shouter hello
        assert_json '.payload == "HELLO" and .head.FROM == "/shouter"'
}

@test "receive takes what fits and leaves the rest in its order" {
        shell picker <<'SH'
for i in 1 2 3 4; do coppicectl send picker --topic t$((i % 2)) m$i; done
coppicectl receive --topic t0 --payload >>"$W/picked"; echo >>"$W/picked"
coppicectl receive --topic t0 --payload >>"$W/picked"; echo >>"$W/picked"
coppicectl receive --payload >>"$W/picked"; echo >>"$W/picked"
coppicectl receive --payload >>"$W/picked"; echo >>"$W/picked"
coppicectl send picker --head X_A=1 --head X_B=1 m5; coppicectl send picker --head X_A=1 --head X_B=2 m6
coppicectl receive --head X_A=1 --head X_B=2 --payload >>"$W/picked"; echo >>"$W/picked"
coppicectl receive --head X_B=1 --payload >>"$W/picked"; echo >>"$W/picked"
coppicectl receive --try; echo "try $?" >>"$W/picked"
coppicectl --timeout 10ms receive --ref none; echo "timeout $?" >>"$W/picked"
exec sleep 1000
SH
        start_daemon
        wait_line "$W/picked" timeout
        assert_eq "$(tr '\n' ' ' <"$W/picked")" 'm2 m4 m1 m3 m6 m5 try 3 timeout 3 '
}

@test "links, monitors and names from the shell" {
        skip_unless python3
        talker a Restart=no
        talker b Restart=no
        shell self <<'SH'
coppicectl register me; coppicectl whereis me >"$W/where"
coppicectl monitor /b --ref mark
coppicectl receive --topic DOWN >"$W/down"
exec sleep 1000
SH
        start_daemon
        for s in a b; do wait_state /$s running; done
        wait_line "$W/where" '^/self$'
        ctl register store a
        run ctl whereis store; assert_output_has /a
        run ctl registered;    assert_output_has 'store  /a  in /'; assert_output_has 'me  /self  in /'
        run ctl register store b; assert_status 1
        ctl unregister store
        run ctl whereis store; assert_status 3
        ctl link a b
        run ctl status a --json; assert_json '.links == ["/b"]'
        run ctl status a; assert_output_has 'Linked to'
        ctl graph --json | jq -e '[.edges[] | select(.kind == "link")] == [{from: "/a", to: "/b", kind: "link"}]'
        ctl unlink a b
        run ctl status a --json; assert_json '.links == []'
        ctl monitor a b --ref x
        run ctl status a --json; assert_json '.watches == ["/b"]'
        ctl demonitor a b --ref x
        ctl link a b
        wait_for "$PATIENCE" watches_b
        tell a exit 4
        wait_state /b failed
        assert_eq "$(field /b .last_reason)" linked:/a:exit:4
        wait_line "$W/down" 'REASON=linked:/a:exit:4'
        run ctl link self a; assert_status 3
}
@test "a service sends exit signals, traps them and lists its names from the shell, as itself" {
        printf '[Supervisor]\n' >"$W/units/app.supervisor"
        service out 'ExecStart=sleep 1000'
        shell sick 'Restart=no' <<'SH'
exec sleep 1000
SH
        shell doctor 'Restart=no' <<'SH'
try() { coppicectl "$@" >"$W/out" 2>"$W/err"; echo "$? $(cat "$W/out" "$W/err" | tr '\n' ' ')" >>"$W/said"; }
try monitor sick
try monitor nobody
try exit sick exit:9
try receive --topic DOWN
try receive --try
try exit out killed
try exit sick nonsense
try trap-exit
try exit shutdown
try receive --topic EXIT
try register me
try registered
try --json registered
try trap-exit no
echo end >>"$W/said"
coppicectl exit exit:5
exec sleep 1000
SH
        sed -i '1i [Unit]\nSupervisor=app' "$W/units/sick.service"
        sed -i '1i [Unit]\nSupervisor=app\nAfter=sick.service' "$W/units/doctor.service"
        start_daemon
        wait_state /app/doctor failed
        assert_eq "$(field /app/doctor .last_reason)" exit:5
        assert_eq "$(field /app/sick .last_reason)" exit:9
        run cat "$W/said"
        assert_eq "${lines[0]}" '0 '
        assert_eq "${lines[1]}" '3 coppicectl: nobody: nothing is called so '
        assert_eq "${lines[2]}" '0 '
        assert_eq "${lines[3]}" '0 FROM=coppice TOPIC=DOWN REF=sick NODE=/app/sick REASON=exit:9  '
        assert_eq "${lines[4]}" '3 '
        [[ ${lines[5]} == '4 '*'not below the supervisor'* ]]
        [[ ${lines[6]} == '1 '*'REASON= is a word such as'* ]]
        assert_eq "${lines[9]}" '0 FROM=coppice TOPIC=EXIT NODE=/app/doctor REASON=shutdown  '
        assert_eq "${lines[11]}" '0 me  /app/doctor  in /app '
        assert_eq "${lines[12]}" '0 [{"name":"me","path":"/app/doctor","scope":"/app"}] '
        assert_eq "${lines[14]}" end
        run ctl exit exit:3; assert_status 2
        run ctl trap-exit; assert_status 2
}

watches_b() { [ "$(field /self '.watches[0]')" = /b ]; }
