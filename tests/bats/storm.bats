#!/usr/bin/env bats
# Many at once, and where little is allowed.
load lib

setup()    { world; }
teardown() { end_world; }

# family COUNT: a program that has COUNT children, says so, and leaves them behind as orphans that all end at one moment,
# when the pipe they read from is closed with its last writer.
family() {
        cat >"$W/family.py" <<-'PY'
		import os, sys
		r, w = os.pipe()
		for i in range(int(sys.argv[1])):
		    if os.fork() == 0:
		        os.close(w)
		        os.read(r, 1)
		        os._exit(3)
		open(sys.argv[2], "w")
		sys.stdin.readline()
	PY
}
reaped() { # nobody but the engine, the log writer and what STATE says are still children of init
        local n
        n=$(wc -w <"/proc/$DAEMON/task/$DAEMON/children")
        [ "$n" -le "$1" ]
}

@test "A3: thousands of zombies at one moment are reaped while the daemon answers" {
        skip_unless python3
        family
        mkfifo "$W/go"
        service crowd "KillMode=process" "TasksMax=infinity" "Restart=no" "StandardInput=file:$W/go" "ExecStart=/usr/bin/env python3 $W/family.py 3000 $W/there"
        service calm "ExecStart=/bin/sleep 1000"
        start_daemon
        exec {go}<>"$W/go"
        wait_file "$W/there"
        wait_state /calm running
        local pid began took longest=0 answers=0
        pid=$(pid_of /calm)
        echo >&"$go"; exec {go}>&-
        until reaped 4; do
                began=${EPOCHREALTIME/./}
                ctl --timeout "${PATIENCE}s" version >/dev/null
                took=$(( ${EPOCHREALTIME/./} - began ))
                if (( took > longest )); then longest=$took; fi
                answers=$((answers + 1))
                (( answers < 5000 )) || { echo "still not all are reaped"; return 1; }
        done
        echo "$answers answers, the slowest after $longest us"
        (( longest < 5000000 ))         # with a client started for each, on a machine that is busy; alone it is 5 ms
        assert_eq "$(pid_of /calm)" "$pid"
        wait_for "$PATIENCE" has_state /crowd finished
        stop_daemon 0
}

@test "A19: orphans that end are told of with their status, at most once a second" {
        skip_unless python3
        family
        mkfifo "$W/go"
        service crowd "KillMode=process" "TasksMax=infinity" "Restart=no" "StandardInput=file:$W/go" "ExecStart=/usr/bin/env python3 $W/family.py 300 $W/there"
        local began=$EPOCHSECONDS lines
        start_daemon --log-level=info
        exec {go}<>"$W/go"
        wait_file "$W/there"
        echo >&"$go"; exec {go}>&-
        wait_for "$PATIENCE" reaped 3
        wait_line "$W/daemon.log" "which a service had left behind: status 3"
        lines=$(grep -c "left behind:" "$W/daemon.log")
        (( lines <= EPOCHSECONDS - began + 1 ))
        stop_daemon 0
}

@test "J16: where a container's filter refuses clone3, namespaces and mounts, services start, heal and stop" {
        local without=$BUILD/tests/programs/without status=0
        "$without" ENOSYS clone3 -- true || status=$?
        [ $status != 77 ] || skip "no system call filter can be installed here"
        service web "ExecStart=/bin/sleep 1000" "RestartSec=0" "RuntimeDirectory=x$$" "Nice=3" "UMask=0077"
        DAEMON_WRAPPER="$without ENOSYS clone3 -- $without EPERM unshare setns mount pivot_root umount2 --" start_daemon
        wait_state /web running
        local pid; pid=$(pid_of /web)
        kill -KILL "$pid"
        wait_restart /web "$pid"
        ctl restart /web
        assert_eq "$(incarnation_of /web)" 3
        run ctl explain /web
        assert_status 0
        ctl stop /web
        stop_daemon 0
}

@test "J7: PID 1 that crashes says by which signal and ends with 255, so that the container ends" {
        skip_unless pidns
        service web "ExecStart=/bin/sleep 1000"
        local sig
        daemon_command
        for sig in SEGV ABRT; do
                launch_pid1 "${DAEMON_COMMAND[@]}"
                wait_for "$PATIENCE" daemon_answers
                wait_state /web running
                remember_processes
                kill -"$sig" "$INNER"
                wait_for "$PATIENCE" process_gone "$DAEMON"
                local status=0; wait "$DAEMON" || status=$?
                DAEMON=
                assert_eq "$status" 255
                grep -q "init crashed by signal $(kill -l "$sig")" "$W/daemon.log"
                rm -f "$W/run/control"
        done
        # The kernel has ended the processes; their empty groups go with the next daemon of this runtime directory.
        start_daemon
        stop_daemon 0
}

@test "E14: no descriptor of a directory reaches a service, whatever the daemon was started with" {
        local leaked
        exec {leaked}</
        service web "ExecStart=/bin/sh -c 'for f in /proc/self/fd/*; do echo \$\${f##*/} \$\$(readlink \$\$f); done >$W/fds.part; pwd >>$W/fds.part; mv $W/fds.part $W/fds; exec sleep 1000'"
        start_daemon
        exec {leaked}<&-
        wait_file "$W/fds"
        local fd target
        while read -r fd target; do
                case $fd in
                [0-2]) [ ! -d "$target" ] ;;
                /) : ;;
                *) [ ! -d "$target" ] || [[ $target == /proc/* ]] || { echo "descriptor $fd is the directory $target"; return 1; } ;;
                esac
        done <"$W/fds"
        assert_eq "$(tail -n 1 "$W/fds")" /
        stop_daemon 0
}

@test "G14: a peer from another user namespace, whom the daemon cannot name, is turned away" {
        skip_unless root
        skip_unless setpriv
        skip_unless userns
        skip_unless others
        as_nobody unshare --user --map-root-user true 2>/dev/null || skip "needs user namespaces for everybody"
        service web "ExecStart=/bin/sleep 1000"
        give_world_to_nobody
        # The daemon is root of a namespace in which nobody but itself has a number; we stand outside.
        DAEMON_WRAPPER="setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all unshare --user --map-root-user --" launch_daemon
        wait_for "$PATIENCE" owner_answers
        run ctl status web
        assert_status 4
        run as_nobody "$CTL" status web
        assert_status 0
        stop_daemon 0
}
owner_answers() { as_nobody "$CTL" version >/dev/null 2>&1; }

@test "A17: conditions and environment files on a file system that hangs fail their start and hold up nobody else" {
        skip_unless root
        unshare --mount --propagation private true 2>/dev/null || skip "may not mount a file system that hangs"
        mkdir "$W/hung"
        mkfifo "$W/end"
        exec {end}<>"$W/end"
        # In a view of its own, which is that of the daemon too: the other tests that run just now shall not meet it.
        unshare --mount --propagation private -- "$BUILD/tests/programs/hung" "$W/hung" <"$W/end" >"$W/hung.out" {end}>&- 3>&- & local server=$!
        wait_for "$PATIENCE" mounted_or_gone "$server"
        file_has "$W/hung.out" hung || skip "may not mount a file system that hangs"
        unit asks.service <<-U
                [Unit]
                ConditionPathExists=$W/hung/flag
                [Service]
                ExecStart=/bin/sleep 1000
	U
        service reads "ExecStart=/bin/sleep 1000" "EnvironmentFile=$W/hung/env" "Restart=no"
        service calm "ExecStart=/bin/sleep 1000"
        unit sure.service <<-U
                [Unit]
                ConditionPathExists=$W
                [Service]
                ExecStart=/bin/sleep 1000
	U
        local failed=0
        { DAEMON_WRAPPER="nsenter --mount=/proc/$server/ns/mnt --" start_daemon && wait_state /calm running && wait_state /sure running && wait_state /reads failed &&
          run ctl why /reads && assert_output_has "does not answer" && assert_output_has "reads.service:3" &&
          wait_line "$W/daemon.log" "the file system of ConditionPathExists=$W/hung/flag does not answer" &&
          [ "$(state_of /asks)" != running ]; } || failed=1
        # First the mount: what looked at it can then end, and so can the directory of the test.
        exec {end}>&-
        wait "$server" || failed=1
        [ $failed = 0 ]
        stop_daemon 0
}
mounted_or_gone() { file_has "$W/hung.out" hung || process_gone "$1"; }
