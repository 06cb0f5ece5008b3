#!/usr/bin/env bats
# Users and groups of units: who knows them, and what happens when nobody answers.

load lib

setup() { world; }
teardown() { end_world; }

# with_hanging_names: from here on daemons live in a mount namespace whose name service asks, behind the files, a module
# that never answers.
with_hanging_names() {
        local module library
        module=$BUILD/tests/programs/nss_hang.so
        [ -e "$module" ] || skip "no shared libraries are built here"
        library=$(set -- /lib/*/libnss_compat.so.2 /lib64/libnss_compat.so.2 /usr/lib/libnss_compat.so.2; for f; do [ ! -e "$f" ] || { echo "$f"; break; }; done)
        [ -n "$library" ] || skip "the C library has no module to take the place of"
        printf 'passwd: files compat\ngroup: files compat\n' >"$W/nsswitch.conf"
        chmod 644 "$W/nsswitch.conf"
        script names <<-S
                exec unshare -m --propagation private sh -c 'mount --bind "$W/nsswitch.conf" /etc/nsswitch.conf &&
                        mount --bind "$module" "$library" && exec "\$@"' sh "\$@"
	S
        "$W/names" true 2>/dev/null || skip "may not mount"
        DAEMON_WRAPPER=$W/names
}

@test "A17: a name service that hangs fails the start of who needs it; users of /etc/passwd start, and nobody is held up" {
        skip_unless root
        with_hanging_names
        service remote "ExecStart=/bin/sleep 1000" "User=far-away" "Restart=no"
        service remote-group "ExecStart=/bin/sleep 1000" "Group=far-away" "Restart=no"
        service local "ExecStart=/bin/sleep 1000" "User=nobody"
        service calm "ExecStart=/bin/sleep 1000"
        printf '[Unit]\nConditionUser=far-away\n[Service]\nExecStart=/bin/sleep 1000\n' >"$W/units/asks.service"
        start_daemon
        wait_state /calm running
        wait_state /local running
        wait_state /remote failed
        wait_state /remote-group failed
        run ctl why /remote
        assert_output_has "find user far-away: the name service does not answer"
        assert_output_has "remote.service:3"
        run ctl why /remote-group
        assert_output_has "find group far-away: the name service does not answer"
        wait_line "$W/daemon.log" "/local: the name service does not answer: nobody has only its groups in /etc/group"
        [ "$(state_of /asks)" != running ]
        assert_eq "$(stat -c %u "/proc/$(pid_of /local)")" "$(id -u nobody)"
        stop_daemon 0
}

@test "A17: while a name service is asked about one start, others start and everybody is answered; the next engine asks again" {
        skip_unless root
        with_hanging_names
        service remote "ExecStart=/bin/sleep 1000" "User=far-away" "Restart=no"
        service zeta "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /zeta running
        local engine; engine=$(pgrep -o -P "$DAEMON" -x coppice-engine)
        [ "$engine" -gt 1 ]
        kill -KILL "$engine" # in the middle of the question, if the machine is not too slow
        wait_state /remote failed
        run ctl why /remote
        assert_output_has "find user far-away: the name service does not answer"
        run ctl events --since 0 --no-follow --json
        output="[${output//$'\n'/,}]"
        assert_json '(map(select(.node == "/zeta" and .rule == "ready")) | first | .seq) <
                     (map(select(.node == "/remote" and .rule == "spawn_failed")) | first | .seq)'
        stop_daemon 0
}

@test "A17: what a service runs later is run as who it was started as: nobody is asked again, not by the next engine either" {
        skip_unless root
        with_hanging_names
        echo "# answers" >>"$W/nsswitch.conf"
        service remote "ExecStart=/bin/sleep 1000" "ExecReload=/usr/bin/id -u" "ExecStop=/usr/bin/id -u" \
                "ExecStopPost=/usr/bin/id -u" "User=far-away" "StandardOutput=append:$W/ids" "Restart=no"
        start_daemon
        wait_state /remote running
        printf 'passwd: files compat\ngroup: files compat\n' >"$W/nsswitch.conf" # it hangs from now on
        local engine; engine=$(pgrep -o -P "$DAEMON" -x coppice-engine)
        [ "$engine" -gt 1 ]
        kill -KILL "$engine" # what it had been told goes with it
        run ctl reload /remote
        assert_status 0
        run ctl stop /remote
        assert_status 0
        assert_eq "$(sort "$W/ids" | uniq -c | tr -s ' ')" " 3 54321"
        assert_eq "$(ctl events --since 0 --no-follow --json | grep -c spawn_failed || true)" 0
        stop_daemon 0
}

# own_mounts: the next daemon has a view of its own: what hangs there is not met by the other tests that run just now.
own_mounts() {
        unshare --mount --propagation private true 2>/dev/null || skip "may not mount a file system that hangs"
        DAEMON_WRAPPER="unshare --mount --propagation private --"
}
# hang DIRECTORY: a file system that never answers is mounted there for the daemon, or the test is skipped. It answers, that it
# is gone, and is unmounted when nobody has descriptor $end open any more: end_hang.
hang() {
        mkfifo "$W/end"
        exec {end}<>"$W/end"
        nsenter --mount="/proc/$DAEMON/ns/mnt" -- "$BUILD/tests/programs/hung" "$1" <"$W/end" >"$W/hung.out" {end}>&- 3>&- & server=$!
        wait_for "$PATIENCE" mounted_or_gone "$server"
        file_has "$W/hung.out" hung || { end_hang || true; skip "may not mount a file system that hangs"; }
}
end_hang() {
        exec {end}>&-
        wait "$server"
}
helper_asks() { pgrep -P "$engine" >/dev/null; }

@test "A17: units on a file system that hangs are not read: the reload says so, and the daemon goes on" {
        skip_unless root
        local server end failed=0
        own_mounts
        mkdir "$W/late"
        service calm "ExecStart=/bin/sleep 1000"
        start_daemon --units "$W/late"
        wait_state /calm running
        hang "$W/late"
        run ctl daemon-reload
        { assert_status 1 && assert_output_has "read the units in $W/late: its file system does not answer" &&
          has_state /calm running; } || failed=1
        end_hang || failed=1
        [ $failed = 0 ]
        stop_daemon 0
}

@test "A17: while a reload waits for a file system that hangs everybody else is answered; it goes on when that answers" {
        skip_unless root
        local server end reload engine failed=0
        own_mounts
        mkdir "$W/late"
        service calm "ExecStart=/bin/sleep 1000"
        export COPPICE_ANSWER_MS=1000000
        start_daemon --units "$W/late"
        unset COPPICE_ANSWER_MS
        wait_state /calm running
        engine=$(pgrep -o -P "$DAEMON" -x coppice-engine)
        [ "$engine" -gt 1 ]
        hang "$W/late"
        ctl daemon-reload >"$W/reload.out" 2>&1 {end}>&- 3>&- & reload=$!
        wait_for "$PATIENCE" helper_asks || failed=1
        ctl status nobody >"$W/absent.out" 2>&1 {end}>&- 3>&- & local absent=$! # a unit of that name would be there
        has_state /calm running || failed=1
        ctl restart /calm {end}>&- || failed=1
        { kill -0 "$reload" && kill -0 "$absent"; } || failed=1 # they have not been answered
        end_hang || failed=1
        wait "$reload" || failed=1
        wait "$absent" || true
        [ $failed = 0 ]
        stop_daemon 0
}
mounted_or_gone() { file_has "$W/hung.out" hung || process_gone "$1"; }

@test "verify warns of users and groups that are not in /etc/passwd and /etc/group, and finds no error in that" {
        service web "ExecStart=/bin/true" "User=far-away" "Group=far-off" "SupplementaryGroups=root elsewhere" "Type=oneshot"
        service number "ExecStart=/bin/true" "User=54321" "Group=54321" "Type=oneshot"
        run "$CTL" verify --units "$W/units"
        assert_status 0
        assert_output_has "web.service:3: warning: User=far-away: there is no such user in /etc/passwd"
        assert_output_has "web.service:4: warning: Group=far-off: there is no such group in /etc/group"
        assert_output_has "web.service:5: warning: SupplementaryGroups=elsewhere: there is no such group"
        assert_output_has "0 errors, 3 warnings"
        run "$CTL" verify "$W/units/web.service"
        assert_status 0
        assert_output_has "0 errors, 3 warnings"
}
