# Filters of system calls, seen in processes that have them (FAILURES E2 to E7, E20, E21).

load lib

setup()    { world; CALL=$BUILD/tests/programs/call; chmod 777 "$W"; export PYTHONDONTWRITEBYTECODE=1; }
teardown() { end_world; }

# filtered NAME "ARGUMENTS OF call" LINE...: a oneshot service that makes these calls under a filter.
filtered() {
        local name=$1 calls=$2; shift 2
        : >"$W/$name.txt"; chmod 666 "$W/$name.txt"
        service "$name" Type=oneshot Restart=no StandardOutput=append:"$W/$name.txt" "Environment=W=$W" "ExecStart=$CALL $calls" "$@"
}
# ran NAME: wait for its end; again NAME: start it once more first.
ran() { wait_for "$PATIENCE" at_rest "/$1"; }
again() { ctl start "$1" >/dev/null 2>&1 || :; ran "$1"; }
at_rest() { [ "$(incarnation_of "$1" 2>/dev/null)" -ge 1 ] && [[ $(state_of "$1" 2>/dev/null) =~ ^(finished|failed|inactive)$ ]]; }
reason_of() { field "$1" .last_reason; }
said() { cat "$W/$1.txt"; }
assert_said() { grep -qxF "$2" "$W/$1.txt" || { echo "$1 did not say: $2"; said "$1"; return 1; }; }
refute_said() { ! grep -qxF "$2" "$W/$1.txt" || { echo "$1 said: $2"; said "$1"; return 1; }; }

@test "E3: a call outside the list ends the process, and the reason names the call" {
        skip_unless calls
        filtered a "getpid keyctl,0 getpid" SystemCallFilter=@system-service SystemCallFilter=~@keyring
        start_daemon
        ran a
        assert_eq "$(reason_of /a)" seccomp:keyctl
        assert_eq "$(said a)" "getpid ok"
        run ctl status a
        assert_output_has "seccomp:keyctl"
        assert_output_has "system call keyctl of call["
        assert_output_has "to allow it, write SystemCallFilter=keyctl"
        run ctl status a --json
        assert_json '.denied.call == "keyctl" and .denied.program == "call" and .denied.incarnation == 1'
        run ctl deaths a --json
        assert_json '.[0].reason == "seccomp:keyctl"'
        wait_line "$W/daemon.log" "/a: SECCOMP: call\[[0-9]*\] used the system call keyctl, which its filter forbids: ended"
}

@test "the line that status prints allows the call" {
        filtered a "keyctl,0" SystemCallFilter=@system-service SystemCallFilter=~@keyring
        start_daemon
        ran a
        field /a .denied.remedy | sed -n 's/.*write //p' >>"$W/units/a.service"
        ctl daemon-reload
        again a
        assert_eq "$(reason_of /a)" normal
        assert_said a end
}

@test "E2: a call in a second thread ends the whole process" {
        skip_unless calls
        filtered a "-t keyctl,0" SystemCallFilter=@system-service SystemCallFilter=~@keyring
        start_daemon
        ran a
        assert_eq "$(reason_of /a)" seccomp:keyctl
        refute_said a end
}

@test "E4: a program that raises SIGSYS itself is not called seccomp" {
        filtered a "-sys" SystemCallFilter=@system-service
        filtered b "getpid" SystemCallFilter=@system-service SuccessExitStatus=3
        start_daemon
        ran a; ran b
        assert_eq "$(reason_of /a)" signal:SYS
        assert_eq "$(reason_of /b)" normal
}

@test "E5: a call of i386 ends the process under SystemCallArchitectures=native, which is meant where calls are listed" {
        skip_unless calls
        [ "$(uname -m)" = x86_64 ] || skip "needs x86_64"
        "$CALL" -32 20 | grep -q ok || skip "this kernel has no calls of i386"
        filtered a "-32 20" SystemCallArchitectures=native
        filtered b "-32 20" SystemCallFilter=@system-service "SystemCallArchitectures=native x86"
        filtered c "-32 288" SystemCallFilter=@system-service SystemCallFilter=~@keyring "SystemCallArchitectures=native x86"
        filtered d "-32 20" SystemCallFilter=@system-service
        filtered e "-32 20" SystemCallFilter=@system-service SystemCallErrorNumber=EPERM
        filtered f "-32 20" SystemCallFilter=~@mount SystemCallErrorNumber=EPERM "SystemCallFilter=~@keyring:kill"
        start_daemon
        ran a; ran b; ran c; ran d; ran e; ran f
        assert_eq "$(reason_of /d)" seccomp:x86:20
        assert_eq "$(reason_of /e)" signal:SYS
        assert_eq "$(reason_of /f)" seccomp:x86:20
        assert_eq "$(reason_of /a)" seccomp:x86:20
        run ctl status a
        assert_output_has "SystemCallArchitectures=native x86"
        assert_said b "i386 20 ok"
        assert_eq "$(reason_of /c)" seccomp:x86:288
}

@test "each system call outside the list ends the process that makes it" {
        skip_unless calls
        # madvise and sigaltstack: a build with sanitizers uses them wherever it is
        filtered a "-outside @default,@basic-io,@file-system,@process,@signal,madvise" \
                "SystemCallFilter=@basic-io @file-system @process @signal madvise" SystemCallArchitectures=native
        start_daemon
        ran a
        assert_eq "$(reason_of /a)" normal
        refute_output_has "was not ended"
        [ "$(sed -n 's/^killed //p' "$W/a.txt")" -gt 150 ] || { said a; false; }
        refute grep "was not ended" "$W/a.txt"
}

@test "a child of the service that makes a forbidden call is ended, and its parent lives" {
        skip_unless calls
        filtered a "-f keyctl,0" SystemCallFilter=@system-service SystemCallFilter=~@keyring
        start_daemon
        ran a
        assert_eq "$(reason_of /a)" normal
        assert_said a "child SIGKILL"
        assert_said a end
        run ctl status a --json
        assert_json '.denied.call == "keyctl"'
}

@test "a shell that passes on the end of its command, which its filter has ended, ended for that call; any other 137 is exit:137" {
        skip_unless calls
        service a "ExecStart=/bin/sh -c '$CALL keyctl,0; exit'" Restart=no SystemCallFilter=@system-service SystemCallFilter=~@keyring
        service b "ExecStart=/bin/sh -c '$CALL keyctl,0; exit 3'" Restart=no SystemCallFilter=@system-service SystemCallFilter=~@keyring
        service c "ExecStart=/bin/sh -c 'exit 137'" Restart=no SystemCallFilter=@system-service
        start_daemon
        wait_state /a failed
        assert_eq "$(reason_of /a)" seccomp:keyctl
        wait_state /b failed
        assert_eq "$(reason_of /b)" exit:3
        wait_state /c failed
        assert_eq "$(reason_of /c)" exit:137
}

@test "the reason names the call also of a program in a process namespace of its own" {
        skip_unless root
        skip_unless pidns
        filtered a "getpid keyctl,0" SystemCallFilter=@system-service SystemCallFilter=~@keyring PrivatePIDs=yes
        filtered b "-f keyctl,0" SystemCallFilter=@system-service SystemCallFilter=~@keyring PrivatePIDs=yes
        start_daemon
        ran a; ran b
        assert_eq "$(reason_of /a)" seccomp:keyctl
        assert_eq "$(reason_of /b)" normal
}

@test "what ProtectKernel and PrivateDevices settings forbid as calls" {
        filtered a "init_module delete_module syslog,10 iopl,3 getpid" ProtectKernelModules=yes ProtectKernelLogs=yes \
                ProtectKernelTunables=yes PrivateDevices=yes Isolation=best-effort
        start_daemon
        ran a
        assert_eq "$(said a)" $'init_module EPERM\ndelete_module EPERM\nsyslog EPERM\niopl EPERM\ngetpid ok\nend'
}

@test "ProtectHostname gives a name of its own where namespaces can be had" {
        skip_unless root
        skip_unless mounts
        service a Type=oneshot Restart=no ProtectHostname=yes "ExecStart=/bin/sh -c 'readlink /proc/self/ns/uts > $W/uts'"
        start_daemon
        ran a
        [ "$(cat "$W/uts")" != "$(readlink /proc/self/ns/uts)" ]
        run ctl explain a
        assert_output_has "host name namespace"
}

@test "a deny-list forbids what it lists and nothing else; errors go by SystemCallErrorNumber= and by name" {
        skip_unless calls
        filtered a "keyctl,0 getpid reboot,0 mount" "SystemCallFilter=~@keyring:EACCES @reboot @mount:kill" SystemCallErrorNumber=EPERM
        start_daemon
        ran a
        assert_said a "keyctl EACCES"
        assert_said a "getpid ok"
        assert_said a "reboot EPERM"
        assert_eq "$(reason_of /a)" seccomp:mount
}

@test "an allow-list with an errno kills nobody, and answers ENOSYS to what is newer than all names" {
        filtered a "keyctl,0 600 getpid" SystemCallFilter=@system-service SystemCallFilter=~@keyring SystemCallErrorNumber=EPERM
        start_daemon
        ran a
        assert_said a "keyctl EPERM"
        assert_said a "600 ENOSYS"
        assert_eq "$(reason_of /a)" normal
}

@test "a list that forbids executing does not forbid the execution of the program" {
        filtered a "getpid" SystemCallFilter=~@known SystemCallErrorNumber=EPERM
        filtered b "-f" "SystemCallFilter=read"
        start_daemon
        ran a; ran b
        refute_said b end
        [[ $(reason_of /a) != spawn:* ]]
        [[ $(reason_of /b) == seccomp:* ]]
}

@test "E6: what fails after the filter is installed is still reported" {
        service a Restart=no ExecStart=/nonexistent/program Type=exec "SystemCallFilter=read sigaltstack"
        service b Restart=no ExecStart=/nonexistent/program Type=exec "SystemCallFilter=~@known" SystemCallFilter=sigaltstack
        start_daemon
        wait_state /a failed; wait_state /b failed
        assert_eq "$(reason_of /a)" spawn:EXEC:ENOENT
        assert_eq "$(reason_of /b)" spawn:EXEC:ENOENT
}

@test "address families, namespaces, real time, SUID bits, writable code, personality, clock and host name" {
        skip_unless calls
        filtered a "socket,1,1,0 socket,2,1,0 socket,10,1,0 socket,16,3,0" RestrictAddressFamilies="AF_UNIX AF_INET"
        filtered b "socket,1,1,0 socket,16,3,0" RestrictAddressFamilies=~AF_NETLINK
        filtered c "socket,1,1,0" RestrictAddressFamilies=none
        filtered d "unshare,0x10000000 unshare,0x20000 clone3 setns,fd,0 unshare,0x400" RestrictNamespaces=yes
        filtered e "sched_setscheduler,0,1 sched_setattr sched_setscheduler,0,0,map" RestrictRealtime=yes
        filtered f "creat,path,04755 creat,path,0755 chmod,path,02755 chmod,path,0700" RestrictSUIDSGID=yes
        filtered g "mmap,0,4096,7,0x22,-1,0 mmap,0,4096,3,0x22,-1,0 mprotect,map,4096,5 mprotect,map,4096,1" MemoryDenyWriteExecute=yes
        filtered h "personality,0x0400000 personality,0xffffffff personality,0" LockPersonality=yes
        filtered i "clock_settime,0,0 settimeofday sethostname,path,4 clock_gettime,0,map" ProtectClock=yes ProtectHostname=yes
        start_daemon
        for u in a b c d e f g h i; do ran $u; done
        assert_eq "$(said a)" $'socket ok\nsocket ok\nsocket EAFNOSUPPORT\nsocket EAFNOSUPPORT\nend'
        assert_eq "$(said b)" $'socket ok\nsocket EAFNOSUPPORT\nend'
        assert_eq "$(said c)" $'socket EAFNOSUPPORT\nend'
        assert_eq "$(said d)" $'unshare EPERM\nunshare EPERM\nclone3 ENOSYS\nsetns EPERM\nunshare ok\nend'
        assert_eq "$(said e)" $'sched_setscheduler EPERM\nsched_setattr EPERM\nsched_setscheduler ok\nend'
        assert_eq "$(said f)" $'creat EPERM\ncreat ok\nchmod EPERM\nchmod ok\nend'
        assert_eq "$(said g)" $'mmap EPERM\nmmap ok\nmprotect EPERM\nmprotect ok\nend'
        assert_eq "$(said h)" $'personality EPERM\npersonality ok\npersonality ok\nend'
        assert_eq "$(said i)" $'clock_settime EPERM\nsettimeofday EPERM\nsethostname EPERM\nclock_gettime ok\nend'
}

@test "a command with + runs without the filter" {
        skip_unless calls
        service a Type=oneshot Restart=no "StandardOutput=append:$W/a.txt" "ExecStart=+$CALL keyctl,0" "SystemCallFilter=~keyctl:EPERM"
        start_daemon
        ran a
        refute_said a "keyctl EPERM"
        assert_said a end
}

@test "E20: without the right to administer the system a filter comes with no_new_privs" {
        skip_unless calls
        skip_unless nonroot
        skip_unless others
        filtered a "getpid keyctl,0" SystemCallFilter=@system-service SystemCallFilter=~@keyring
        filtered b "keyctl,0" SystemCallFilter=~keyctl:EACCES NoNewPrivileges=no
        if [ "$(id -u)" = 0 ]; then
                give_world_to_nobody
                DAEMON_WRAPPER="setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all --" start_daemon
        else
                start_daemon
        fi
        ran a; ran b
        assert_eq "$(reason_of /a)" seccomp:keyctl
        assert_said b "keyctl EACCES"
}

@test "E20: below the filter of a container, which knows neither clone3 nor seccomp, a filter holds; only the name is lost" {
        filtered a "getpid keyctl,0" SystemCallFilter=@system-service SystemCallFilter=~@keyring
        filtered b "keyctl,0" SystemCallFilter=~keyctl:EACCES
        DAEMON_WRAPPER="$BUILD/tests/programs/without ENOSYS clone3 seccomp --" start_daemon
        ran a; ran b
        assert_eq "$(reason_of /a)" signal:SYS
        assert_eq "$(said a)" "getpid ok"
        assert_said b "keyctl EACCES"
}

@test "where no filter can be installed strict refuses, best-effort starts and says what is missing" {
        filtered a "keyctl,0" SystemCallFilter=~keyctl:EACCES
        filtered b "getpid" SystemCallFilter=~keyctl:EACCES ProtectKernelLogs=yes Isolation=best-effort
        DAEMON_WRAPPER="$BUILD/tests/programs/without ENOSYS seccomp prctl:22 --" start_daemon
        ran a; ran b
        [[ $(reason_of /a) == spawn:SECCOMP:* ]] || { reason_of /a; false; }
        assert_eq "$(reason_of /b)" normal
        grep -q '/b: SystemCallFilter= is not enforced: no filter of system calls can be installed here$' "$W/daemon.log"
        grep -q '/b: ProtectKernelLogs= is not enforced: no filter .* here; what else it does holds' "$W/daemon.log"
        run ctl status /b
        assert_output_has "SystemCallFilter=~keyctl:EACCES not enforced: no filter of system calls can be installed here"
        run ctl doctor
        assert_status 1
        assert_output_has "SystemCallFilter=~keyctl:EACCES: no filter of system calls can be installed here"
        refute_output_has "
/a"
}

@test "E7: a list of every call there is makes a filter that works" {
        local all
        all=$(ctl seccomp --groups @known --json | jq -r '.[0].members | map(select(startswith("@") | not)) | join(" ")')
        filtered a "getpid keyctl,99" "SystemCallFilter=$all"
        start_daemon
        ran a
        assert_eq "$(reason_of /a)" normal
        assert_said a "getpid ok"
}

@test "explain tells the filter in words and show prints what was written" {
        filtered a "getpid" "SystemCallFilter=@system-service keyctl:ENOSYS" SystemCallFilter=~@mount RestrictRealtime=yes
        start_daemon
        run ctl explain a
        assert_output_has "filter system calls: allow @system-service keyctl:ENOSYS, but not @mount; a forbidden call ends the process; SystemCallArchitectures=native; RestrictRealtime"
        run ctl explain "$W/units/a.service"
        assert_output_has "filter system calls: allow @system-service"
        run ctl cat a
        assert_output_has "SystemCallFilter=@system-service keyctl:ENOSYS"
        run ctl show a --json
        assert_json 'any(.settings[]; .key == "SystemCallFilter" and (.value | startswith("@system-service keyctl:ENOSYS\n~@mount")))'
}

@test "verify names the nearest call, and warns where the file is systemd's" {
        filtered a "getpid" SystemCallFilter=@sistem-service
        run ctl verify "$W/units/a.service"
        assert_status 1
        assert_output_has "SystemCallFilter=@sistem-service: no group of system calls (did you mean @system-service?)"
}

@test "verify warns of lines that do not do what they say" {
        filtered a "getpid" SystemCallFilter=~execve SystemCallFilter=mount:EPERM SystemCallFilterMode=learn
        filtered b "getpid" SystemCallErrorNumber=EPERM
        run ctl verify "$W/units/a.service"
        assert_status 0
        assert_output_has "execve: without it no program could be started or end, so it stays allowed"
        assert_output_has "mount:EPERM: this line takes the call out of a list of what is forbidden"
        assert_output_has "SystemCallFilterMode=learn forbids nothing"
        run ctl verify "$W/units/b.service"
        assert_output_has "SystemCallErrorNumber= has no effect without SystemCallFilter="
}

@test "E21: where there can be no listener learning is refused, and doctor says why" {
        filtered a "getpid" SystemCallFilterMode=learn
        DAEMON_WRAPPER="$BUILD/tests/programs/without ENOSYS seccomp --" start_daemon
        ran a
        assert_eq "$(reason_of /a)" spawn:SECCOMP:ENOSYS
        run ctl doctor
        assert_output_has "naming the call"
        assert_output_has "nothing can be learned"
}

engine_of() { local p; for p in $(descendants_of "$DAEMON"); do [[ $(readlink "/proc/$p/exe") == */coppice-engine ]] && echo "$p" && return; done; }
in_call() { grep -q "^$2 " "/proc/$1/syscall" 2>/dev/null; }

@test "E21: while the engine stalls a forbidden call waits: it is not made, and the process can be killed" {
        skip_unless root
        skip_unless calls
        local engine pid nr
        mkfifo "$W/go"
        local go; exec {go}<>"$W/go"
        for u in a b; do
                service $u Restart=no "ExecStart=/bin/sh -c 'read x <$W/go; exec $CALL keyctl,0'" SystemCallFilter=@system-service SystemCallFilter=~@keyring
        done
        start_daemon
        wait_state /a running; wait_state /b running
        nr=$(awk '$2 == "__NR_keyctl" { print $3 }' /usr/include/*/asm/unistd_64.h 2>/dev/null || echo 250)
        engine=$(engine_of); pid=$(pid_of /a)
        kill -STOP "$engine"
        printf 'x\nx\n' >&"$go" # kept open, so that nothing is lost when the second reader comes late
        wait_for "$PATIENCE" in_call "$pid" "${nr:-250}"
        kill -KILL "$pid"
        wait_for "$PATIENCE" process_gone "$pid"
        kill -CONT "$engine"
        ran a; ran b
        assert_eq "$(reason_of /a)" signal:KILL
        assert_eq "$(reason_of /b)" seccomp:keyctl
}

@test "a filter goes on with the next engine when one dies: calls are named and learned as before" {
        skip_unless calls
        local engine
        mkfifo "$W/go"
        local go; exec {go}<>"$W/go"
        for u in a b; do
                service $u Restart=no "ExecStart=/bin/sh -c 'read x <$W/go; exec $CALL keyctl,0'" SystemCallFilter=@system-service SystemCallFilter=~@keyring
        done
        echo SystemCallFilterMode=learn >>"$W/units/b.service"
        start_daemon
        wait_state /a running; wait_state /b running
        engine=$(engine_of)
        kill -KILL "$engine"
        printf 'x\nx\n' >&"$go" # kept open, so that nothing is lost when the second reader comes late
        wait_for "$PATIENCE" at_rest /a; wait_for "$PATIENCE" at_rest /b
        [ "$(engine_of)" != "$engine" ]
        assert_eq "$(reason_of /a)" seccomp:keyctl
        run ctl seccomp b --json
        assert_json '.used | index("keyctl") and index("read")'
}

@test "a process that was started to enforce goes on so when its unit has been turned to learn and a command of it has run" {
        skip_unless calls
        mkfifo "$W/go"
        local go; exec {go}<>"$W/go"
        service a Restart=no "ExecStart=/bin/sh -c 'read x <$W/go; exec $CALL keyctl,0'" "ExecReload=/bin/sh -c 'echo >$W/reloaded'" \
                SystemCallFilter=@system-service SystemCallFilter=~@keyring
        start_daemon
        wait_state /a running
        echo SystemCallFilterMode=learn >>"$W/units/a.service"
        ctl daemon-reload
        ctl reload a
        [ -e "$W/reloaded" ]
        printf 'x\n' >&"$go"
        wait_for "$PATIENCE" at_rest /a
        assert_eq "$(reason_of /a)" seccomp:keyctl
}

@test "E21: an engine that is killed at any system call between a forbidden call and its end loses neither" {
        skip_unless calls
        mkfifo "$W/go"
        printf '[Supervisor]\nMaxRestarts=1000000\n' | unit root.supervisor
        service a "ExecStart=/bin/sh -c 'read x <$W/go; exec $CALL keyctl,0'" SystemCallFilter=@system-service SystemCallFilter=~@keyring \
                Restart=permanent RestartSec=0
        export COPPICE_ENGINE_PAUSE_MAX_MS=1
        start_daemon
        wait_state /a running
        run "$BUILD/tests/programs/violence" calls "$DAEMON" "$CTL" "" "$W/go" seccomp:keyctl $(can_make_cgroup || echo 40) # without groups /proc is searched: most steps are of that
        echo "$output"
        assert_status 0
        run ctl status /a
        assert_output_has "SystemCallFilter=keyctl"
}

@test "E21: an engine that is killed while it learns lets the service go on" {
        local i
        skip_unless strace
        cat >"$W/busy.py" <<'P'
import os
while True:
    for i in range(1000): os.getpriority(0, 0)
    print("x", flush=True)
P
        service a "ExecStart=/usr/bin/python3 $W/busy.py" SystemCallFilterMode=learn "StandardOutput=append:$W/a.out"
        export COPPICE_ENGINE_PAUSE_MAX_MS=1
        start_daemon
        wait_line "$W/a.out" x
        for i in 10 11 12 13; do # of taking and letting go in turn
                strace -p "$(engine_of)" -o "$W/strace" -e trace=ioctl -e inject=ioctl:signal=KILL:when=$i || :
                grep -q 'killed by SIGKILL' "$W/strace"
                wait_for "$PATIENCE" daemon_answers
                : >"$W/a.out"
                wait_line "$W/a.out" x
        done
        assert_eq "$(incarnation_of /a)" 1
        stop_daemon
}

@test "what was learned outlives the daemon, and is forgotten when learning begins anew" {
        skip_unless calls
        filtered a "keyctl,99" SystemCallFilterMode=learn
        start_daemon
        ran a
        stop_daemon
        grep -qx keyctl "$W/state/learned/+a"
        filtered a "getpriority,0,0" SystemCallFilterMode=learn
        start_daemon
        ran a
        run ctl seccomp a --json
        assert_json '(.used | index("keyctl")) and (.used | index("getpriority"))'
        sed -i s/learn/enforce/ "$W/units/a.service"; echo SystemCallFilter=@system-service >>"$W/units/a.service"
        ctl daemon-reload; again a
        sed -i s/enforce/learn/ "$W/units/a.service"
        ctl daemon-reload; again a
        run ctl seccomp a --json
        assert_json '(.used | index("keyctl") | not) and (.used | index("getpriority"))'
}

@test "learn forbids nothing and notes what is used; seccomp prints a drop-in under which it runs" {
        skip_unless calls
        filtered a "keyctl,99 getpriority,0,0" SystemCallFilter=@basic-io SystemCallFilterMode=learn
        start_daemon
        ran a
        assert_eq "$(reason_of /a)" normal
        run ctl seccomp a --json
        assert_json '.mode == "learn" and .learned and (.used | index("keyctl")) and (.missing | index("keyctl")) and (.missing | index("write") | not)'
        run ctl seccomp diff a
        assert_status 1
        assert_output_has "keyctl"
        mkdir "$W/units/a.service.d"
        ctl seccomp a >"$W/units/a.service.d/seccomp.conf"
        cat "$W/units/a.service.d/seccomp.conf"
        run ctl verify "$W/units/a.service"
        assert_status 0
        : >"$W/a.txt"
        ctl daemon-reload
        again a
        assert_eq "$(reason_of /a)" normal
        assert_said a end
        run ctl seccomp diff a
        assert_status 0
}

@test "seccomp says what to do when nothing was learned, and diff has the call it was ended for" {
        skip_unless calls
        filtered a "keyctl,0" SystemCallFilter=@system-service SystemCallFilter=~@keyring
        start_daemon
        run ctl seccomp a
        assert_status 1
        assert_output_has "SystemCallFilterMode=learn"
        ran a
        run ctl seccomp diff a
        assert_status 1
        assert_output_has "SystemCallFilter=keyctl"
        run ctl seccomp
        assert_status 2
        run ctl seccomp --groups @sync
        assert_output_has "    fsync"
        run ctl seccomp --groups @snyc
        assert_status 2
}

@test "the groups are those of systemd" {
        skip_unless systemd-analyze
        # open_tree is in @file-system now, and was in @mount
        systemd-analyze syscall-filter 2>/dev/null | awk '/^@/ { g = $1 } /^$/ { g = "" } g && /^    [^#]/ { print g, $1 }' |
                grep -vx "@mount open_tree" | sort >"$W/theirs"
        ctl seccomp --groups --json | jq -r '.[] | .group as $g | .members[] | "\($g) \(.)"' | sort >"$W/ours"
        [ -s "$W/theirs" ]
        run comm -23 "$W/theirs" "$W/ours"
        assert_eq "$output" ""
}

@test "a service with a filter that is restarted a hundred times keeps one listener" {
        service a "ExecStart=/bin/sh -c 'exit 1'" RestartSec=0 RestartFactor=1 RestartJitter=0% SystemCallFilter=@system-service
        unit root.supervisor <<'UNIT'
[Supervisor]
MaxRestarts=100
MaxRestartsSec=60s
Escalation=isolate
UNIT
        start_daemon
        wait_for $((PATIENCE * 3)) at_rest /a
        assert_eq "$(field /a .restarts)" 100
        assert_eq "$(listeners_of "$(engine_of)")" 0
        wait_for "$PATIENCE" has_listeners "$DAEMON" 0
}

# listeners_of PID: how many it holds
listeners_of() { ls -l "/proc/$1/fd" | grep -c 'seccomp notify' || :; }
has_listeners() { [ "$(listeners_of "$1")" = "$2" ]; }
has_denial() { ctl status "$1" --json | jq -e '.denied.call == "keyctl"' >/dev/null; }

@test "init keeps the listeners of those who do nothing forbidden, the engine hears only of who does" {
        skip_unless calls
        mkfifo "$W/go"
        service quiet "ExecStart=/bin/sleep 1000" SystemCallFilter=@system-service
        service worker Restart=no "ExecStart=/bin/sh -c '($CALL keyctl,0); read x <$W/go'" SystemCallFilter=@system-service SystemCallFilter=~@keyring
        start_daemon
        wait_state /quiet running; wait_state /worker running
        wait_for "$PATIENCE" has_denial /worker
        wait_for "$PATIENCE" has_listeners "$(engine_of)" 1
        wait_for "$PATIENCE" has_listeners "$DAEMON" 2
        ctl stop quiet worker
        wait_for "$PATIENCE" has_listeners "$(engine_of)" 0
        wait_for "$PATIENCE" has_listeners "$DAEMON" 0
}
