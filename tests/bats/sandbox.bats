#!/usr/bin/env bats
# The sandbox, seen from inside by services that are in it.
load lib

setup()    { world; PROBE=$BUILD/tests/programs/probe; }
teardown() { end_world; }

# box NAME SCRIPT LINE...: a oneshot that runs SCRIPT under those lines; what it prints is in $W/NAME.out.
box() {
        local name=$1 text=$2; shift 2
        printf '%s\n' "$text" >"$W/$name.sh"
        { echo "[Service]"; echo "Type=oneshot"; echo "Restart=no"; echo "StandardInput=file:$W/$name.sh"
          echo "ExecStart=/bin/sh -s"; echo "StandardOutput=truncate:$W/$name.out"; printf '%s\n' "$@"; } >"$W/units/$name.service"
}
# box_says NAME: start it, wait for its end; $output is what it printed.
box_says() { ctl start "/$1" || :; wait_for "$PATIENCE" ended "/$1"; output=$(cat "$W/$1.out"); }
ended() { [[ $(state_of "$1") =~ ^(finished|failed|inactive)$ ]] && [ -n "$(field "$1" .last.reason)$(field "$1" .last_reason)" ]; }

@test "E18: with User= all five capability sets are empty and no new privileges can be gained" {
        skip_unless root
        service probe "ExecStart=$PROBE" "Type=oneshot" "Restart=no" "User=54321" "StandardOutput=truncate:$W/probe.out"
        start_daemon
        wait_line "$W/probe.out" '^end'
        for set in capinh capprm capeff capamb capbnd; do
                grep -qx "$set 0000000000000000" "$W/probe.out"
        done
        grep -qx "no-new-privs 1" "$W/probe.out"
        stop_daemon 0
}

@test "E18: the bounding set holds what the unit says and a root service has no more" {
        skip_unless root
        service probe "ExecStart=$PROBE" "Type=oneshot" "Restart=no" "CapabilityBoundingSet=CAP_CHOWN CAP_KILL" "NoNewPrivileges=yes" \
                "StandardOutput=truncate:$W/probe.out"
        start_daemon
        wait_line "$W/probe.out" '^end'
        for set in capprm capeff capbnd; do
                grep -qx "$set 0000000000000021" "$W/probe.out"
        done
        grep -qx "no-new-privs 1" "$W/probe.out"
        stop_daemon 0
}

@test "E18: ambient capabilities survive the change of user, with secure bits" {
        skip_unless root
        service probe "ExecStart=$PROBE" "Type=oneshot" "Restart=no" "User=54321" "AmbientCapabilities=CAP_NET_BIND_SERVICE" \
                "SecureBits=noroot noroot-locked" "StandardOutput=truncate:$W/probe.out"
        start_daemon
        wait_line "$W/probe.out" '^end'
        for set in capinh capprm capeff capamb capbnd; do
                grep -qx "$set 0000000000000400" "$W/probe.out"
        done
        grep -qx "securebits 3" "$W/probe.out"
        grep -qx "uid 54321 54321" "$W/probe.out"
        stop_daemon 0
}

@test "ProtectSystem=strict: nothing can be written but what the unit allows" {
        skip_unless root
        mkdir "$W/mine" "$W/other"
        box strict "touch $W/mine/a && echo mine-ok
                for path in /etc /usr /var /root /home /srv /opt $W/other $W/mine/ro; do
                        touch \$path/coppice-was-here 2>/dev/null && echo written: \$path
                done
                touch \$STATE_DIRECTORY/s && echo state-ok
                echo >/dev/null && echo dev-ok
                [ -w /proc/self/comm ] && echo proc-ok" \
                "ProtectSystem=strict" "ReadWritePaths=$W/mine" "ReadOnlyPaths=-$W/mine/ro" "StateDirectory=coppice-test-$$"
        mkdir "$W/mine/ro"
        start_daemon
        wait_line "$W/strict.out" proc-ok
        run cat "$W/strict.out"
        assert_output_has "mine-ok"
        assert_output_has "state-ok"
        assert_output_has "dev-ok"
        refute_output_has "written:"
        stop_daemon 0
        rm -rf "/var/lib/coppice-test-$$"
}

@test "PrivateTmp: the service sees an empty /tmp, others do not see what it puts there, and it is gone afterwards" {
        skip_unless root
        box tmp "ls -A /tmp | grep -vx ${W#/tmp/}; touch /tmp/secret /var/tmp/secret; mkdir -p /tmp/a/b; stat -c %a /tmp; echo done" \
                "PrivateTmp=yes"
        service keeps "ExecStart=/bin/sh -c 'touch /tmp/here; exec sleep 1000'" "PrivateTmp=yes"
        start_daemon
        wait_line "$W/tmp.out" done
        wait_state /keeps running
        assert_eq "$(cat "$W/tmp.out")" "$(printf '1777\ndone')"
        [ ! -e /tmp/secret ] && [ ! -e /tmp/here ]
        pid=$(pid_of /keeps)
        wait_file "/proc/$pid/root/tmp/here"
        private=$(awk '$5 == "/tmp" { print $4 }' "/proc/$pid/mountinfo" | tail -n 1)
        [ -e "$private/here" ]
        [ "$(stat -c %a "${private%/tmp}")" = 700 ]
        stop_daemon 0
        [ ! -e "${private%/tmp}" ]
}

@test "hidden, bound and empty places are what the unit says, and none of it shows outside" {
        skip_unless root
        mkdir -p "$W/src/sub" "$W/dst" "$W/covered/shown"
        echo original >"$W/src/file"; echo kept >"$W/covered/shown/file"; echo secret >"$W/secret"
        box places "cat $W/secret 2>&1; ls -A /root /home 2>&1
                cat $W/dst/file; touch $W/dst/new && echo bind-writable
                cat $W/fresh/file; touch $W/fresh/new 2>/dev/null || echo bind-read-only
                ls $W/covered; cat $W/covered/shown/file; touch $W/covered/x 2>/dev/null || echo tmpfs-read-only
                echo end" \
                "InaccessiblePaths=$W/secret" "ProtectHome=yes" "BindPaths=$W/src:$W/dst" "BindReadOnlyPaths=$W/src:$W/fresh" \
                "TemporaryFileSystem=$W/covered:ro" "BindPaths=$W/covered/shown" "CapabilityBoundingSet=CAP_CHOWN"
        start_daemon
        wait_line "$W/places.out" '^end'
        run cat "$W/places.out"
        refute_output_has "secret
"
        assert_output_has "/root': Permission denied"
        assert_output_has "original
bind-writable
original
bind-read-only
shown
kept
tmpfs-read-only
end"
        ! grep -q "$W" /proc/self/mountinfo
        [ -e "$W/src/new" ]
        stop_daemon 0
}

@test "nothing is executed from where NoExecPaths= says so" {
        skip_unless root
        mkdir "$W/no" "$W/no/but"
        cp /bin/true "$W/no/true"; cp /bin/true "$W/no/but/true"
        box noexec "$W/no/true 2>/dev/null || echo refused; $W/no/but/true && echo allowed; echo end" \
                "NoExecPaths=$W/no" "ExecPaths=$W/no/but"
        start_daemon
        wait_line "$W/noexec.out" '^end'
        assert_eq "$(cat "$W/noexec.out")" "$(printf 'refused\nallowed\nend')"
        stop_daemon 0
}

@test "a missing path is a failure of the start with stage, path and line; a dash lets it be missing" {
        skip_unless root
        service missing "ExecStart=/bin/true" "Type=oneshot" "Restart=no" "ReadOnlyPaths=/nonexistent/x"
        service dash "ExecStart=/bin/true" "Type=oneshot" "Restart=no" "ReadOnlyPaths=-/nonexistent/x"
        start_daemon
        wait_state /missing failed
        wait_state /dash finished
        run ctl status /missing
        assert_output_has "spawn:NAMESPACE:ENOENT"
        grep -q 'missing: NAMESPACE: .*/nonexistent/x: No such file or directory.*missing.service:5' "$W/daemon.log"
        stop_daemon 0
}

@test "a command that begins with + runs outside the sandbox" {
        skip_unless root
        mkdir "$W/out"
        service plus "Type=oneshot" "Restart=no" "ProtectSystem=strict" "ExecStartPre=+/usr/bin/touch $W/out/plus" \
                "ExecStart=-/usr/bin/touch $W/out/plain"
        start_daemon
        wait_state /plus finished
        [ -e "$W/out/plus" ] && [ ! -e "$W/out/plain" ]
        stop_daemon 0
}

@test "READY=1 comes through a private /tmp" {
        skip_unless root
        service ready "Type=notify" "ExecStart=$BUILD/tests/programs/tell READY=1 -- /bin/sleep 1000" "PrivateTmp=yes" \
                "BindReadOnlyPaths=$BUILD"
        start_daemon
        wait_state /ready running
        stop_daemon 0
}
