# OnDaemonDeath=leave: coppiced itself is killed, with SIGKILL, and what is to go on does (FAILURES J8, J9).
load lib

setup() { world; DAEMON_WRAPPER= KEPT=(); }
# What a daemon that was killed has left is below none that the world knows: it is ended here when the test has not.
teardown() {
        local one
        for one in "${KEPT[@]}"; do
                has_ended $one || kill -KILL "${one% *}" || :
        done
        end_world
}

# keeper [LINE...]: a service that is left, and goes on for long.
keeper() { service keep OnDaemonDeath=leave StandardOutput=null StandardError=null "$@"; }
keep_note() { local start; start=$(start_time "$1") || return 0; KEPT+=("$1 $start"); }
kill_daemon() {
        local pid
        for pid in $(descendants_of "$DAEMON"); do
                [ "$(process_name "$pid")" != sleep ] || keep_note "$pid"
        done
        kill -KILL "$DAEMON"; wait "$DAEMON" || :; wait_for "$PATIENCE" lock_is_free
}
process_name() { cat "/proc/$1/comm" 2>/dev/null || :; }
is_alive() { [ "$1" -gt 1 ] && ! process_gone "$1"; }

without_groups() {
        [ "$EUID" = 0 ] || return 0
        skip_unless setpriv
        as_nobody test -x "$COPPICED" || skip "the build directory is not for other users"
        give_world_to_nobody
        DAEMON_WRAPPER="setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all --"
}

goes_on() {
        keeper "ExecStart=/bin/sleep 1000"
        service mortal "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /keep running
        wait_state /mortal running
        local keep mortal
        keep=$(pid_of /keep) mortal=$(pid_of /mortal)
        kill_daemon
        wait_for "$PATIENCE" process_gone "$mortal"
        start_daemon
        wait_state /mortal running
        wait_state /keep starting # and not a second time beside it
        is_alive "$keep"
        [[ $(ctl status /keep) == *"waits for the end of what an earlier coppiced has left: process $keep"* ]]
        ctl daemon-reexec
        assert_eq "$(state_of /keep)" starting
        kill_daemon # once more: it is left by the one before the last now
        start_daemon
        wait_state /keep starting
        is_alive "$keep"
        kill "$keep"
        wait_restart /keep "$keep"
        [ ! -e "$W/run/left" ]
        stop_daemon 0
        [ ! -e "$W/run/leave" ]
}

@test "J8, J9: what OnDaemonDeath=leave says goes on when coppiced is killed, and is started again when it has ended, not before" { goes_on; }

@test "J8, J9: without control groups it is the main process of OnDaemonDeath=leave that is left and waited for" {
        without_groups
        goes_on
}

@test "J8, J9: without control groups the main process of OnDaemonDeath=leave is known that a forking service leaves" {
        script fork <<EOF
sleep 1000 &
echo \$! >"$W/state/keep.pid"
EOF
        keeper Type=forking "PIDFile=$W/state/keep.pid" "ExecStart=$W/fork"
        without_groups
        start_daemon
        wait_state /keep running
        local keep
        keep=$(pid_of /keep)
        kill_daemon
        start_daemon
        wait_state /keep starting
        [[ $(ctl status /keep) == *"waits for the end of what an earlier coppiced has left: process $keep"* ]]
        is_alive "$keep"
        kill "$keep"
        wait_restart /keep "$keep"
        stop_daemon 0
}

@test "J8: the wait for what was left is no part of TimeoutStartSec=, and nothing above it is ended for it" {
        local keep slow
        unit root.supervisor <<<$'[Supervisor]\nEscalation=escalate'
        keeper TimeoutStartSec=1s "ExecStart=/bin/sleep 1000"
        service slow Restart=temporary "ExecStart=/usr/bin/timeout 1.5 /bin/sleep 1000" # its end tells that the second is over
        start_daemon
        wait_state /keep running
        keep=$(pid_of /keep)
        kill_daemon
        start_daemon
        wait_state /keep starting
        ctl restart /slow
        slow=$(pid_of /slow)
        [ -z "$slow" ] || [ "$slow" = 0 ] || wait_for "$PATIENCE" process_gone "$slow"
        assert_eq "$(state_of /keep)" starting
        assert_eq "$(incarnation_of /keep)" 1
        is_alive "$keep"
        kill "$keep"
        wait_restart /keep "$keep"
        stop_daemon 0
}

@test "J9: what another daemon has in a group that was left is neither waited for nor ended" {
        can_make_cgroup || skip "needs a writable cgroup v2 tree"
        keeper "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /keep running
        local keep group lock other
        keep=$(pid_of /keep)
        group=$(cgroup_dir "$keep")
        kill_daemon
        kill "$keep"
        wait_for "$PATIENCE" process_gone "$keep"
        wait_for "$PATIENCE" is_empty "$group"
        exec {lock}<"${group%/*}" # as a daemon has that begins with an empty group of its pid
        flock --nonblock "$lock"
        ( exec {lock}<&- 3>&-; exec sleep 1000 ) &
        other=$!
        keep_note "$other"
        echo "$other" >"$group/cgroup.procs"
        service keep "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /keep running
        is_alive "$other"
        stop_daemon 0
        is_alive "$other"
        kill "$other"
        wait "$other" || :
        exec {lock}<&-
        wait_for "$PATIENCE" is_empty "$group"
        rmdir "$group" "${group%/*}"
        other=${group%/*} # and in the hierarchies of v1
        find /sys/fs/cgroup -maxdepth 7 -depth -type d -path "*/${other##*/}/*" -exec rmdir {} + || :
        find /sys/fs/cgroup -maxdepth 6 -depth -type d -name "${other##*/}" -exec rmdir {} + || :
}
is_empty() { grep -qx 'populated 0' "$1/cgroup.events"; }

@test "J9, I2: with no descriptor left nothing is started beside what was left, and it is when there are some" {
        mkfifo "$W/go"
        script slow <<-SH
                read x <$W/go
                timeout 1.5 /bin/sleep 1000
                exit 3
	SH
        keeper "ExecStart=/bin/sleep 1000"
        # longer than the engine takes to look again; of its end the engine hears without a descriptor
        service slow Restart=temporary "ExecStart=$W/slow"
        start_daemon
        wait_state /keep running
        local keep engine limit
        keep=$(pid_of /keep)
        kill_daemon
        start_daemon --log-level=info
        wait_state /keep starting
        engine=$(pgrep -P "$DAEMON" -x coppice-engine)
        limit=$(prlimit --pid "$engine" --nofile --output SOFT --noheadings)
        prlimit --pid "$engine" --nofile=4:
        kill "$keep"
        wait_for "$PATIENCE" process_gone "$keep"
        knock "$W/go"
        wait_line "$W/daemon.log" '/slow: .*ended: exit:3'
        refute grep '/keep: .* has ended' "$W/daemon.log"
        prlimit --pid "$engine" --nofile="${limit// /}":
        wait_restart /keep "$keep"
        assert_eq "$(grep -c '/keep: .* has ended' "$W/daemon.log")" 1
        stop_daemon 0
}

@test "J9: coppiced does not start with a note of what is to be left that it cannot read, and ends nobody" {
        keeper "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /keep running
        local keep
        keep=$(pid_of /keep)
        kill_daemon
        cp "$W/run/leave" "$W/whole"
        truncate --size 65M "$W/run/leave"
        launch_daemon
        daemon_ends 111
        file_has "$W/daemon.log" "leave, the list of what is to be left running, cannot be read: File too large"
        is_alive "$keep"
        cp "$W/whole" "$W/run/leave"
        start_daemon
        wait_state /keep starting
        is_alive "$keep"
        kill "$keep"
        wait_restart /keep "$keep"
        stop_daemon 0
}

@test "J9: a note of what is to be left that somebody has removed is written again as a whole with the next start" {
        keeper "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /keep running
        rm "$W/run/leave"
        service more OnDaemonDeath=leave StandardOutput=null StandardError=null "ExecStart=/bin/sleep 1000"
        ctl daemon-reload
        ctl start /more
        wait_state /more running
        assert_eq "$(cut -f 2 "$W/run/leave" | sort | paste -s -d ' ')" "/keep /more"
        refute file_has "$W/daemon.log" "cannot be written"
        stop_daemon 0
}

left_names() { [ "$(cut -f 2 "$W/run/left" | sort | paste -s -d ' ')" = "$1" ]; }
@test "J9: the list of what was left that cannot be written is written when it can" {
        keeper "ExecStart=/bin/sleep 1000"
        service more OnDaemonDeath=leave StandardOutput=null StandardError=null "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /keep running
        wait_state /more running
        local keep more
        keep=$(pid_of /keep) more=$(pid_of /more)
        kill_daemon
        start_daemon
        wait_state /keep starting
        left_names "/keep /more"
        mkdir "$W/run/left.new" # where it is written first
        kill "$more"
        wait_line "$W/daemon.log" "run/left cannot be written: File exists; until it can it names some who have ended, too"
        rmdir "$W/run/left.new"
        wait_for "$PATIENCE" left_names /keep
        kill "$keep"
        wait_restart /keep "$keep"
        stop_daemon 0
}

@test "J9: a service that was started again without OnDaemonDeath=leave is not left" {
        keeper "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /keep running
        local keep
        keep=$(pid_of /keep)
        service keep "ExecStart=/bin/sleep 1000"
        ctl daemon-reload
        ctl restart /keep
        wait_restart /keep "$keep"
        keep=$(pid_of /keep)
        kill_daemon
        service keep OnDaemonDeath=leave "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_for "$PATIENCE" process_gone "$keep"
        wait_restart /keep "$keep"
        stop_daemon 0
}

@test "J9: what was left and is not wanted any more is ended by the next coppiced" {
        keeper "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /keep running
        local keep
        keep=$(pid_of /keep)
        kill_daemon
        is_alive "$keep"
        service keep "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_for "$PATIENCE" process_gone "$keep"
        wait_restart /keep "$keep"
        [ ! -e "$W/run/left" ]
        stop_daemon 0
}

@test "OnDaemonDeath=leave is refused with what ends with coppiced, and a log that nobody would read is told of" {
        local line
        for line in PrivateTmp=yes DynamicUser=yes PrivatePIDs=yes SystemCallFilterMode=learn; do
                keeper "ExecStart=/bin/true" "$line"
                run ctl verify --units "$W/units"
                assert_status 1
                assert_output_has "OnDaemonDeath=leave"
                assert_output_has "take one of the two out"
        done
        service keep OnDaemonDeath=leave "ExecStart=/bin/true"
        run ctl verify --units "$W/units"
        assert_status 0
        assert_output_has "SIGPIPE"
        keeper "ExecStart=/bin/true" SystemCallFilter=@system-service
        run ctl verify --units "$W/units"
        assert_status 0
        assert_output_has "write SystemCallErrorNumber=EPERM"
        keeper "ExecStart=/bin/true" SystemCallFilter=@system-service SystemCallErrorNumber=EPERM
        run ctl verify --units "$W/units"
        assert_status 0
        refute_output_has "OnDaemonDeath"
}
