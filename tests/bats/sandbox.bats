#!/usr/bin/env bats
# The sandbox, seen from inside by services that are in it.
load lib

setup()    { world; PROBE=$BUILD/tests/programs/probe; }
teardown() { rm -rf "/var/lib/private/${KEPT:-coppice-none}" "/var/lib/${KEPT:-coppice-none}"; end_world; }

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
        skip_unless others
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
        skip_unless others
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
        skip_unless mounts
        KEPT=${W#/tmp/}
        mkdir "$W/mine" "$W/other"
        box strict "touch $W/mine/a && echo mine-ok
                for path in /etc /usr /var /root /home /srv /opt $W/other $W/mine/ro; do
                        touch \$path/coppice-was-here 2>/dev/null && echo written: \$path
                done
                touch \$STATE_DIRECTORY/s && echo state-ok
                echo >/dev/null && echo dev-ok
                [ -w /proc/self/comm ] && echo proc-ok" \
                "ProtectSystem=strict" "ReadWritePaths=$W/mine" "ReadOnlyPaths=-$W/mine/ro" "StateDirectory=$KEPT"
        mkdir "$W/mine/ro"
        start_daemon
        wait_line "$W/strict.out" proc-ok
        run cat "$W/strict.out"
        assert_output_has "mine-ok"
        assert_output_has "state-ok"
        assert_output_has "dev-ok"
        refute_output_has "written:"
        stop_daemon 0
}

@test "PrivateTmp: the service sees an empty /tmp, others do not see what it puts there, and it is gone afterwards" {
        skip_unless root
        skip_unless mounts
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
        [ -e "$private/here" ] || private=/tmp$private # as seen from the root of its file system: /tmp may be one of its own
        [ -e "$private/here" ]
        [ "$(stat -c %a "${private%/tmp}")" = 700 ]
        stop_daemon 0
        [ ! -e "${private%/tmp}" ]
}

@test "J9: the private /tmp of a killed daemon's services goes when the next one starts" {
        skip_unless root
        skip_unless mounts
        service keeps "ExecStart=/bin/sh -c 'mkdir -p /tmp/a/b /var/tmp/c; exec sleep 1000'" "PrivateTmp=yes"
        start_daemon
        local victims # an engine that sees init end has time for last things
        for victims in init both; do
                wait_state /keeps running
                wait_for "$PATIENCE" file_exists "/proc/$(pid_of /keeps)/root/var/tmp/c"
                mark=$(cat "$W/run/private-tmp")
                [ ${#mark} = 16 ]
                if [ $victims = init ]; then kill -KILL "$DAEMON"; else kill -KILL $(pgrep -P "$DAEMON" -x coppice-engine) "$DAEMON"; fi
                wait_for "$PATIENCE" process_gone "$DAEMON"
                wait "$DAEMON" || :
                wait_for "$PATIENCE" lock_is_free
                assert_eq "$(find /tmp /var/tmp -maxdepth 1 -name "coppice-private-$mark*" 2>/dev/null | wc -l)" 2
                start_daemon
                wait_for "$PATIENCE" none_marked "$mark"
        done
        wait_state /keeps running
        mark=$(cat "$W/run/private-tmp")
        stop_daemon 0
        none_marked "$mark"
        [ ! -e "$W/run/private-tmp" ]
}
none_marked() { [ -z "$(find /tmp /var/tmp -maxdepth 1 -name "coppice-private-$1*" 2>/dev/null)" ]; }

@test "hidden, bound and empty places are what the unit says, and none of it shows outside" {
        skip_unless root
        skip_unless mounts
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
        refute grep "$W" /proc/self/mountinfo
        [ -e "$W/src/new" ]
        stop_daemon 0
}

@test "nothing is executed from where NoExecPaths= says so" {
        skip_unless root
        skip_unless mounts
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
        skip_unless mounts
        service missing "ExecStart=/bin/true" "Type=oneshot" "Restart=no" "ReadOnlyPaths=/nonexistent/x"
        service dash "ExecStart=/bin/true" "Type=oneshot" "Restart=no" "ReadOnlyPaths=-/nonexistent/x"
        start_daemon
        wait_state /missing failed
        wait_state /dash finished
        run ctl status /missing
        assert_output_has "spawn:NAMESPACE:ENOENT"
        grep -q 'missing: NAMESPACE: .*/nonexistent/x: No such file or directory.*missing.service:5; make it, or write - ' "$W/daemon.log"
        stop_daemon 0
}

@test "a command that begins with + runs outside the sandbox" {
        skip_unless root
        skip_unless mounts
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
        skip_unless mounts
        service ready "Type=notify" "ExecStart=$BUILD/tests/programs/tell READY=1 -- /bin/sleep 1000" "PrivateTmp=yes" \
                "BindReadOnlyPaths=$BUILD"
        start_daemon
        wait_state /ready running
        stop_daemon 0
}

@test "private devices, kernel switches, network and /proc: what is left is what is needed" {
        skip_unless root
        skip_unless mounts
        box private "ls /dev; for d in null zero full random urandom tty; do [ -c /dev/\$d ] || echo missing: \$d; done
                head -c 3 /dev/urandom | wc -c; echo x >/dev/null && echo null-ok; [ -L /dev/stdout ] && echo links-ok
                for f in /proc/sys/kernel/hostname /sys/kernel/uevent_seqnum /proc/sysrq-trigger; do
                        (echo 1 >\$f) 2>/dev/null && echo written: \$f
                done
                mkdir /sys/fs/cgroup/coppice-x 2>/dev/null && echo cgroup-written
                ls /usr/lib/modules 2>/dev/null; cat /proc/kallsyms /proc/kcore /dev/kmsg 2>/dev/null | head -c 1 | wc -c
                ls /proc | grep -vc '^[0-9]'; tail -n +3 /proc/self/net/dev | cut -d: -f1 | tr -d ' '
                mknod /dev/sda b 8 0 2>/dev/null && echo made-a-device; echo end" \
                "PrivateDevices=yes" "ProtectKernelTunables=yes" "ProtectKernelModules=yes" "ProtectKernelLogs=yes" \
                "ProtectControlGroups=yes" "ProtectProc=invisible" "ProcSubset=pid" "PrivateNetwork=yes" "PrivateIPC=yes"
        start_daemon
        wait_line "$W/private.out" '^end'
        run cat "$W/private.out"
        assert_output_has "3
null-ok
links-ok
0
2
lo
end"
        refute_output_has "written"
        refute_output_has "missing:"
        refute_output_has "sda"
        refute_output_has "made-a-device"
        stop_daemon 0
}

# The end of the main process of /NAME as status tells it.
last_of() { ctl status "$1" --json | jq -r '.last_reason // .last.reason // .last // empty | if type == "object" then .text // .reason else . end'; }

@test "PrivatePIDs: the service is number 2, sees nobody else, and its end is told exactly" {
        skip_unless root
        skip_unless mounts
        box sees "echo me \$\$; ls /proc | grep '^[0-9]' | tr '\n' ' '; echo; sleep 1000 & echo end; exit 7" "PrivatePIDs=yes"
        box killed 'echo up; kill -SEGV $$' "PrivatePIDs=yes"
        start_daemon
        wait_state /sees failed
        wait_state /killed failed
        assert_eq "$(sed -n 1p "$W/sees.out")" "me 2"
        [[ "$(sed -n 2p "$W/sees.out")" =~ ^"1 2 "[0-9\ ]*$ ]]
        run ctl status /sees
        assert_output_has "exit:7"
        run ctl status /killed
        assert_output_has "signal:SEGV"
        stop_daemon 0
}

@test "PrivatePIDs: a signal reaches the service once, orphans are reaped inside, nobody outlives it" {
        skip_unless root
        skip_unless mounts
        service inner "ExecStart=/bin/bash -c 'trap \"echo hup >>$W/hups\" HUP; (sleep 1000 &) ; (true &); echo up >>$W/hups; while :; do sleep 1000 & wait; done'" \
                "PrivatePIDs=yes" "KillSignal=SIGTERM"
        start_daemon
        wait_line "$W/hups" up
        ctl kill /inner HUP --whom main 2>/dev/null || ctl kill /inner --signal HUP
        wait_line "$W/hups" hup
        ctl stop /inner
        assert_eq "$(grep -c hup "$W/hups")" 1
        stop_daemon 0
}

@test "PrivatePIDs: commands beside the main process enter its namespace, where they can signal it and see nobody else" {
        skip_unless root
        skip_unless mounts
        script post <<P
exec >$W/post.out
echo \$MAINPID; ls /proc | grep -c '^[0-9]'; tr '\\0' ' ' </proc/\$MAINPID/cmdline
P
        service inner "ExecStart=/bin/bash -c 'trap \"echo hup >>$W/hups\" HUP; echo up >>$W/hups; while :; do read -t 1000 <>$W/quiet; done'" \
                "PrivatePIDs=yes" "ExecStartPre=/bin/sh -c 'echo \$\$\$\$ >$W/pre'" "ExecReload=/bin/kill -HUP \$MAINPID" \
                "ExecStartPost=$W/post" "ExecStop=/bin/sh -c 'sleep 1000 & echo \$MAINPID >$W/stop'" \
                "ExecStopPost=/bin/sh -c 'echo \$\$\$\$ >$W/stoppost'"
        start_daemon
        wait_line "$W/hups" up
        assert_eq "$(cat "$W/pre")" 2
        wait_state /inner running
        assert_eq "$(sed -n 1p "$W/post.out")" 2
        (( $(sed -n 2p "$W/post.out") <= 7 )) # the small init, the program, the shell and its pipe
        grep -q 'hups' "$W/post.out"
        ctl reload /inner
        wait_line "$W/hups" hup
        remember_processes
        ctl stop /inner
        assert_eq "$(cat "$W/stop") $(cat "$W/stoppost")" "2 2"
        stop_daemon 0
}

@test "PrivatePIDs: readiness is believed from the program inside" {
        skip_unless root
        skip_unless mounts
        service told "Type=notify" "ExecStart=$BUILD/tests/programs/tell READY=1 -- /bin/sleep 1000" "PrivatePIDs=yes"
        start_daemon
        wait_state /told running
        stop_daemon 0
}

@test "PrivateUsers: only root and the service's user exist, and no capability reaches outside" {
        skip_unless root
        skip_unless mounts
        box users "tr -s ' ' </proc/self/uid_map; stat -c %u /etc; id -u; grep CapEff /proc/self/status; echo end" \
                "PrivateUsers=yes" "User=54321" "AmbientCapabilities=CAP_SYS_ADMIN" "ProtectSystem=strict"
        start_daemon
        wait_line "$W/users.out" '^end'
        assert_eq "$(cat "$W/users.out")" "$(printf ' 0 0 1\n 54321 54321 1\n0\n54321\nCapEff:\t0000000000200000\nend')"
        stop_daemon 0
}

@test "RootDirectory= with mounts: the old root is out of reach" {
        skip_unless root
        skip_unless mounts
        mkdir "$W/jail"
        box jail "ls -d /*; ls /proc/1/root/etc >/dev/null 2>&1 && echo escaped; touch /x 2>/dev/null || echo read-only; echo end" \
                "RootDirectory=$W/jail" "MountAPIVFS=yes" "BindReadOnlyPaths=/bin /usr /lib -/lib64" "ReadOnlyPaths=+/" "PrivatePIDs=yes"
        start_daemon
        wait_line "$W/jail.out" '^end'
        run cat "$W/jail.out"
        refute_output_has "/etc"
        refute_output_has "escaped"
        assert_output_has "read-only"
        stop_daemon 0
}

@test "TemporaryFileSystem=/ leaves what is shown and the own directories, and no way back, by the old way of mounting too" {
        local old
        skip_unless root
        skip_unless mounts
        box empty "echo /*; touch /x 2>&1; ls /proc/1/root/etc; touch \$STATE_DIRECTORY/mine && echo kept; echo end" "PrivatePIDs=yes" \
                "TemporaryFileSystem=/:ro" "BindReadOnlyPaths=/bin /usr /lib -/lib64" "ProtectProc=invisible" "StateDirectory=coppice-test-${W##*.}"
        box api "echo /*; ls /proc/self/status /sys/kernel /dev/null; touch \$CONFIGURATION_DIRECTORY/mine && echo kept; echo end" \
                "TemporaryFileSystem=/" "BindReadOnlyPaths=/bin /usr /lib -/lib64" "MountAPIVFS=yes" "ConfigurationDirectory=coppice-test-${W##*.}"
        for old in "" "$BUILD/tests/programs/without ENOSYS open_tree move_mount mount_setattr --"; do
                rm -f "$W/empty.out" "$W/api.out"
                DAEMON_WRAPPER=$old start_daemon
                wait_line "$W/empty.out" '^end'
                run cat "$W/empty.out"
                assert_output_has "Read-only file system"
                assert_output_has "No such file" # /proc/1/root/etc
                assert_output_has kept
                [[ ${lines[0]} == "/bin /lib "* && ${lines[0]} != */etc* ]]
                wait_line "$W/api.out" '^end'
                run cat "$W/api.out"
                assert_output_has /proc/self/status
                assert_output_has /dev/null
                assert_output_has kept
                [[ ${lines[0]} == "/bin /dev /etc /lib "* && ${lines[0]} != */root* ]]
                rm "/etc/coppice-test-${W##*.}/mine"
                stop_daemon 0
        done
        rm -r "/var/lib/coppice-test-${W##*.}" "/etc/coppice-test-${W##*.}"
}

# nobody_daemon [OPTION...]: a daemon of an arbitrary uid without rights.
nobody_daemon() { skip_unless others; give_world_to_nobody; DAEMON_WRAPPER="setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all --" start_daemon "$@"; }
needs_userns_for_nobody() {
        as_nobody unshare --user --map-current-user true 2>/dev/null || skip "needs user namespaces for who is not root"
}

@test "without root: user namespaces give mounts, processes, network and an empty /tmp" {
        skip_unless root
        needs_userns_for_nobody
        box rootless "id -u; ls -A /tmp | wc -l; ls -A /root 2>/dev/null; touch /tmp/x && echo tmp-ok
                awk '\$5 == \"/\" { print substr(\$6, 1, 2) }' /proc/self/mountinfo; echo me \$\$
                tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '; grep CapEff /proc/self/status; echo end" \
                "PrivateTmp=disconnected" "ProtectSystem=strict" "ProtectHome=yes" "PrivatePIDs=yes" "PrivateNetwork=yes" \
                "PrivateDevices=yes" "PrivateUsers=yes" "ProtectProc=invisible"
        nobody_daemon
        wait_line "$W/rootless.out" '^end'
        assert_eq "$(cat "$W/rootless.out")" "$(printf '54321\n1\ntmp-ok\nro\nme 2\nlo\nCapEff:\t0000000000000000\nend')"
        stop_daemon 0
}

@test "without root: a service in a user namespace has its mailbox" {
        skip_unless root
        needs_userns_for_nobody
        service post Mailbox=yes PrivateIPC=yes Restart=no "ExecStart=/bin/sh -c 'printf \"TO=post\\\\n\\\\nhello\" >&\$\$COPPICE_MAILBOX'"
        nobody_daemon
        wait_for "$PATIENCE" eval '[ -n "$(field /post .last_reason)" ]'
        assert_eq "$(field /post .last_reason)" normal
}

@test "where namespaces are refused strict ends the start with EPERM and the way out, best-effort goes on and says so" {
        skip_unless root
        service strict "ExecStart=/bin/sleep 1000" "Restart=no" "PrivateNetwork=yes"
        service effort "ExecStart=/bin/sleep 1000" "Restart=no" "PrivateNetwork=yes" "ProtectSystem=strict" "Isolation=best-effort"
        service plain "ExecStart=/bin/sleep 1000"
        DAEMON_WRAPPER="$BUILD/tests/programs/without EPERM unshare --" start_daemon
        wait_state /strict failed
        wait_state /effort running
        wait_state /plain running
        run ctl status /strict
        assert_output_has "spawn:NAMESPACE:EPERM"
        grep -q "strict: NAMESPACE: use a network namespace for PrivateNetwork=: not permitted here (.*strict.service:4; give the daemon CAP_SYS_ADMIN, or write Isolation=best-effort)" "$W/daemon.log"
        grep -q "effort: .*PrivateNetwork=.*a network namespace" "$W/daemon.log"
        run ctl status /effort
        assert_output_has "a network namespace"
        stop_daemon 0
}

# needs_landlock VERSION
needs_landlock() { python3 - "$1" <<'P' || skip "needs Landlock of version $1"
import ctypes, sys
sys.exit(ctypes.CDLL(None).syscall(444, 0, 0, 1) < int(sys.argv[1]))
P
}
needs_without() { "$BUILD/tests/programs/without" EPERM unshare -- true || skip "needs seccomp filters"; }

@test "Landlock: files are written and read, ports bound and connected to, nowhere but where the unit says" {
        needs_landlock 4
        mkdir "$W/mine"
        cat >"$W/ports.py" <<'P'
import socket
def attempt(what, port):
    s = socket.socket()
    try: getattr(s, what)(("127.0.0.1", port)); return "ok"
    except OSError as e: return e.strerror
print("bind", attempt("bind", 0), attempt("bind", 18082), "connect", attempt("connect", 18082))
P
        service locked "Type=oneshot" "Restart=no" "StandardOutput=truncate:$W/locked.out" "LandlockWrite=$W/mine" \
                "LandlockBindTCP=0" "LandlockConnectTCP=none" \
                "ExecStart=/bin/sh -c 'touch $W/mine/a && echo mine; touch $W/other 2>/dev/null || echo refused; echo >/dev/null && echo null; python3 $W/ports.py; echo end'"
        mkdir "$W/open"; echo inside >"$W/open/a"; echo outside >"$W/shut"; cp /bin/true "$W/open/true"
        service reader "Type=oneshot" "Restart=no" "StandardOutput=truncate:$W/reader.out" "LandlockRead=/usr /bin /lib -/lib64 $W/open" \
                "LandlockExecute=/usr /bin /lib -/lib64" \
                "ExecStart=/bin/sh -c 'cat $W/open/a; cat $W/shut 2>/dev/null || echo refused; ls / >/dev/null 2>&1 || echo hidden; $W/open/true 2>/dev/null || echo no-exec; echo end'"
        start_daemon
        wait_line "$W/locked.out" '^end'
        wait_line "$W/reader.out" '^end'
        assert_eq "$(cat "$W/reader.out")" "$(printf 'inside\nrefused\nhidden\nno-exec\nend')"
        assert_eq "$(cat "$W/locked.out")" "$(printf 'mine\nrefused\nnull\nbind ok Permission denied connect Permission denied\nend')"
        stop_daemon 0
}

@test "where nobody may mount Landlock stands in for ProtectSystem=, ReadWritePaths= and NoExecPaths=" {
        needs_landlock 3
        needs_without
        mkdir "$W/mine" "$W/no"; cp /bin/true "$W/no/true"
        service stand-in "Type=oneshot" "Restart=no" "StandardOutput=truncate:$W/stand.out" "ProtectSystem=strict" "ReadWritePaths=$W/mine" \
                "NoExecPaths=/" "ExecPaths=/usr /bin /lib -/lib64" \
                "ExecStart=/bin/sh -c 'touch $W/mine/a && echo mine; touch $W/other 2>/dev/null || echo refused; $W/no/true 2>/dev/null || echo no-exec; echo >/dev/null && echo null; echo end'"
        service full "Type=oneshot" "Restart=no" "StandardOutput=truncate:$W/full.out" "ProtectSystem=full" \
                "ExecStart=/bin/sh -c 'touch $W/mine/b && echo mine; touch /etc/coppice-x 2>/dev/null || echo refused; echo end'"
        service hidden "Type=oneshot" "Restart=no" "ProtectSystem=strict" "InaccessiblePaths=/srv" "ExecStart=/bin/true"
        DAEMON_WRAPPER="$BUILD/tests/programs/without EPERM unshare --" start_daemon
        wait_line "$W/stand.out" '^end'
        wait_line "$W/full.out" '^end'
        assert_eq "$(cat "$W/stand.out")" "$(printf 'mine\nrefused\nno-exec\nnull\nend')"
        assert_eq "$(cat "$W/full.out")" "$(printf 'mine\nrefused\nend')"
        wait_state /hidden failed
        run ctl explain /stand-in
        assert_output_has "for writing: nowhere but"
        stop_daemon 0
}

@test "credentials are files only the service can read, and are told nowhere else" {
        skip_unless root
        skip_unless mounts
        printf 'from a file\n' >"$W/secret"; chmod 600 "$W/secret"
        mkdir -p "$W/many/below"; echo 1 >"$W/many/a"; echo 2 >"$W/many/below/b"; echo 3 >"$W/many/.hidden"; mkfifo "$W/many/fifo"
        ln -s nowhere "$W/many/dangling"; ln -s . "$W/many/round"; ln -s ../secret "$W/many/linked"
        box creds "cd \$CREDENTIALS_DIRECTORY; ls; cat loaded set both; echo; cat dir_a dir_below_b; stat -c '%a %u' . loaded; echo x 2>/dev/null >new || echo read-only
                grep \" \$CREDENTIALS_DIRECTORY \" /proc/self/mountinfo | grep -o ' - ramfs'; tr '\\0' '\\n' </proc/self/environ | grep -c swordfish; echo end" \
                "User=54321" "LoadCredential=loaded:$W/secret" "LoadCredential=both:$W/missing" "SetCredential=both:in its place" \
                "LoadCredential=dir:$W/many" "SetCredential=set:swordfish\\x21\\n" "ProtectSystem=strict"
        start_daemon
        wait_line "$W/creds.out" '^end'
        assert_eq "$(cat "$W/creds.out")" "$(printf 'both\ndir_a\ndir_below_b\ndir_linked\nloaded\nset\nfrom a file\nswordfish!\nin its place\n1\n2\n500 54321\n400 54321\nread-only\n - ramfs\n0\nend')"
        wait_state /creds finished
        [ ! -e "/run/credentials/creds.service" ]
        run ctl show /creds; assert_output_has "SetCredential"; refute_output_has swordfish
        run ctl show /creds --json; refute_output_has swordfish
        run ctl explain /creds; assert_output_has "credential set"; refute_output_has swordfish
        refute grep swordfish "$W/daemon.log"
        stop_daemon 0
}

@test "a credential that is not there ends the start; encrypted ones and file system images are refused with the reason" {
        skip_unless root
        skip_unless mounts
        service gone "ExecStart=/bin/true" "Type=oneshot" "Restart=no" "LoadCredential=key:$W/missing"
        start_daemon
        wait_state /gone failed
        run ctl status /gone
        assert_output_has "spawn:CREDENTIALS:ENOENT"
        grep -q "gone: CREDENTIALS: .*$W/missing.*gone.service:5" "$W/daemon.log"
        stop_daemon 0
        run ctl run --local -p JoinsNamespaceOf=a.service -- true
        assert_output_has "share a directory by BindPaths="
        run ctl run --local -p User=54321 -p AmbientCapabilities=CAP_NET_RAW -p CapabilityBoundingSet=CAP_CHOWN -- true
        assert_status 218
        assert_output_has "AmbientCapabilities= has one that CapabilityBoundingSet="
        for line in LoadCredentialEncrypted=a:/b RootImage=/x PAMName=login UtmpIdentifier=x; do
                service bad "ExecStart=/bin/true" "$line"
                run ctl verify "$W/units/bad.service"
                assert_status 1
                assert_output_has "${line%%=*}= is not supported: "
        done
}

@test "without open_tree and mount_setattr the old mount calls give the same view" {
        skip_unless root
        skip_unless mounts
        needs_without
        mkdir -p "$W/mine" "$W/no/but" "$W/covered/shown" "$W/src"; echo kept >"$W/covered/shown/file"; echo secret >"$W/secret"
        cp /bin/true "$W/no/true"; cp /bin/true "$W/no/but/true"
        box view "touch $W/mine/a && echo mine; touch $W/other /etc/coppice-x 2>/dev/null || echo refused; cat $W/secret 2>/dev/null
                $W/no/true 2>/dev/null || echo no-exec; $W/no/but/true && echo exec
                ls $W/covered; cat $W/covered/shown/file; touch $W/covered/x $W/covered/shown/x 2>/dev/null || echo tmpfs-read-only
                touch $W/src/new && ls $W/dst; ls -A /root 2>/dev/null; ls /dev | tr '\n' ' '; echo >/dev/null; cd \$CREDENTIALS_DIRECTORY; cat key
                awk '\$6 ~ /^rw/ { print \$5 }' /proc/self/mountinfo | grep -vE '^/(proc|sys|dev|run)' | sort -u | sed s:$W:W:
                echo end" \
                "ProtectSystem=strict" "ProtectHome=yes" "PrivateDevices=yes" "ReadWritePaths=$W/mine $W/src" "InaccessiblePaths=$W/secret" \
                "NoExecPaths=$W/no" "ExecPaths=$W/no/but" "TemporaryFileSystem=$W/covered:ro" "BindReadOnlyPaths=$W/covered/shown" \
                "BindReadOnlyPaths=$W/src:$W/dst" "SetCredential=key:value\\n" "CapabilityBoundingSet=CAP_CHOWN" "PrivatePIDs=yes"
        start_daemon
        wait_line "$W/view.out" '^end'
        cp "$W/view.out" "$W/new-way"
        stop_daemon 0
        rm -f "$W/view.out"; rmdir "$W/dst"
        DAEMON_WRAPPER="$BUILD/tests/programs/without ENOSYS open_tree move_mount mount_setattr --" start_daemon
        wait_line "$W/view.out" '^end'
        stop_daemon 0
        run diff "$W/new-way" "$W/view.out"
        assert_status 0
        run cat "$W/view.out"
        assert_output_has "mine
refused
no-exec
exec
shown
kept
tmpfs-read-only
new
fd full null ptmx pts random shm stderr stdin stdout tty urandom zero value
W/mine
W/src
end"
}

@test "what the engine cannot prepare for a sandbox ends the start, and why says what it was" {
        skip_unless root
        start_daemon
        echo "in the way" >"$W/run/hidden"
        service shut "ExecStart=/bin/sh -c 'touch $W/ran'" "Type=oneshot" "Restart=no" "ProtectSystem=strict" "ReadWritePaths=$W"
        ctl daemon-reload
        run ctl start /shut
        assert_status 1
        assert_eq "$(field /shut .last_reason)" spawn:NAMESPACE:ENOTDIR
        [ ! -e "$W/ran" ]
        run ctl why /shut
        assert_output_has "$W/run/hidden/directory"
}

@test "DynamicUser: a number nobody else has, the same each time, with directories nobody else can enter" {
        skip_unless root
        skip_unless mounts
        KEPT=${W#/tmp/}
        box dyn "id -u; id -g; touch /etc/x 2>/dev/null || echo read-only; cat \$STATE_DIRECTORY/kept 2>/dev/null; echo kept >\$STATE_DIRECTORY/kept
                echo \$STATE_DIRECTORY \$USER; touch /tmp/x && echo tmp; echo x >/dev/shm/$KEPT && ls /dev/shm; chmod 4755 /tmp/x 2>/dev/null || echo no-suid; echo end" \
                "DynamicUser=yes" "StateDirectory=$KEPT"
        service other "ExecStart=/bin/sleep 1000" "DynamicUser=yes"
        start_daemon
        wait_line "$W/dyn.out" '^end'
        uid=$(sed -n 1p "$W/dyn.out")
        (( uid >= 61184 && uid <= 65519 ))
        assert_eq "$(cat "$W/dyn.out")" "$(printf '%s\n%s\nread-only\n/var/lib/%s dyn\ntmp\n%s\nno-suid\nend' "$uid" "$uid" "$KEPT" "$KEPT")"
        [ ! -e "/dev/shm/$KEPT" ]
        assert_eq "$(stat -c '%u %a' /var/lib/private)" "0 700"
        assert_eq "$(stat -c %u "/var/lib/$KEPT/")" "$uid"
        wait_state /other running
        [ "$(stat -c %u "/proc/$(pid_of /other)")" != "$uid" ]
        # as after a change of the number
        chown -R 12345 "/var/lib/private/$KEPT"
        rm "$W/dyn.out"
        ctl restart /dyn
        wait_line "$W/dyn.out" '^end'
        assert_eq "$(sed -n 1p "$W/dyn.out")" "$uid"
        grep -qx kept "$W/dyn.out"
        stop_daemon 0
}

@test "DynamicUser: who is not root cannot have one, strict or not, and is told the way out" {
        service strict "ExecStart=/bin/true" "DynamicUser=yes" "Restart=no"
        service effort "ExecStart=/bin/true" "DynamicUser=yes" "Restart=no" "Isolation=best-effort"
        if [ "$(id -u)" = 0 ]; then nobody_daemon; else start_daemon; fi
        for node in strict effort; do
                wait_state /$node failed
                run ctl status /$node
                assert_output_has "spawn:USER:EPERM"
                grep -q "$node: USER: take a number for DynamicUser=: only root may change users (.*$node.service:3; run the daemon as root, or take DynamicUser= out)" "$W/daemon.log"
        done
        stop_daemon 0
}

@test "E8: ids that cannot be changed, or only seem to be, end the start" {
        skip_unless root
        needs_without
        service user "ExecStart=/bin/sh -c 'touch $W/ran'" "Type=oneshot" "Restart=no" "User=54321"
        for how in EPERM 0; do
                service group "ExecStart=/bin/sh -c 'touch $W/ran'" "Type=oneshot" "Restart=no" "Group=54321"
                DAEMON_WRAPPER="$BUILD/tests/programs/without $how setresuid setresgid --" start_daemon
                wait_state /user failed
                wait_state /group failed
                run ctl status /group
                assert_output_has "spawn:GROUP:EPERM"
                stop_daemon 0
                rm "$W/units/group.service"
                DAEMON_WRAPPER="$BUILD/tests/programs/without $how setresuid --" start_daemon
                wait_state /user failed
                run ctl status /user
                assert_output_has "spawn:USER:EPERM"
                stop_daemon 0
        done
        [ ! -e "$W/ran" ]
}

@test "E9: what is no user or group is refused when the unit is read, an unknown name when it is started" {
        for name in -1 4294967295 99999999999 65535 0x0 007 1a " root" '" root"' 'ro ot' root: ../root '$(id)'; do
                case $name in " root") continue ;; esac # blanks around a value are no part of it
                service bad "ExecStart=/bin/true" "User=$name"
                run ctl verify "$W/units/bad.service"
                assert_status 1
                assert_output_has "no user or group"
                service bad "ExecStart=/bin/true" "Group=$name"
                run ctl verify "$W/units/bad.service"
                assert_status 1
        done
        rm "$W/units/bad.service"
        service unknown "ExecStart=/bin/true" "Restart=no" "User=coppice-nobody-has-this"
        start_daemon
        wait_state /unknown failed
        run ctl status /unknown
        assert_output_has "spawn:USER:ENOENT"
        stop_daemon 0
}

@test "E11 E14 E17: in a full sandbox too there are three descriptors, the directory is inside, and the process is what the unit says" {
        skip_unless root
        skip_unless mounts
        mkdir "$W/jail"
        cp "$PROBE" "$W/jail/probe"
        service probe "ExecStart=/probe" "Type=oneshot" "Restart=no" "RootDirectory=$W/jail" "MountAPIVFS=yes" \
                "BindReadOnlyPaths=/usr /lib -/lib64 -/lib32" "PrivatePIDs=yes" "PrivateNetwork=yes" "PrivateIPC=yes" "PrivateUsers=yes" \
                "PrivateTmp=disconnected" "User=54321" "UMask=0027" "LimitNOFILE=100:200" "Nice=3" "WorkingDirectory=/usr" \
                "SetCredential=a:b" "Isolation=best-effort" "LandlockWrite=/dev" "StandardOutput=truncate:$W/probe.out"
        start_daemon
        wait_line "$W/probe.out" '^end'
        run cat "$W/probe.out"
        assert_eq "$(grep -c '^fd' "$W/probe.out")" 3
        assert_output_has "cwd /usr
"
        assert_output_has "uid 54321 54321"
        assert_output_has "umask 0027"
        assert_output_has "limit-NOFILE 100:200"
        assert_output_has "nice 3"
        assert_output_has "pid 2
ppid 1
leader 1
session-leader 1"
        assert_output_has "deathsig 9"
        assert_output_has "tty 0"
        assert_output_has "timerslack 50000"
        assert_output_has "ioprio 0"
        assert_output_has "capbnd 0000000000000000"
        assert_output_has "no-new-privs 1"
        stop_daemon 0
}

@test "E17: a service has another session keyring than whoever started the daemon, and other users have their own" {
        skip_unless root
        skip_unless others
        service root "ExecStart=$PROBE" "Type=oneshot" "Restart=no" "StandardOutput=truncate:$W/root.out"
        service user "ExecStart=$PROBE" "Type=oneshot" "Restart=no" "User=54321" "StandardOutput=truncate:$W/user.out"
        start_daemon
        wait_line "$W/root.out" '^end'
        wait_line "$W/user.out" '^end'
        stop_daemon 0
        "$PROBE" >"$W/mine.out"
        keyring() { sed -n 's/^keyring //p' "$W/$1.out"; }
        [ "$(keyring mine)" != -1 ] || skip "the kernel has no keys"
        [ "$(keyring root)" != "$(keyring mine)" ] && [ "$(keyring user)" != "$(keyring root)" ]
}

# A program that tries to get out.
@test "hostile: a sandboxed service cannot trace or see a sibling, write outside, or leave a daemon behind" {
        skip_unless root
        skip_unless mounts
        service sibling "ExecStart=/bin/sleep 1000" "User=54321"
        start_daemon
        wait_state /sibling running
        victim=$(pid_of /sibling)
        cat >"$W/attack.py" <<P
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
def said(what, r): print(what, "ok" if r == 0 else os.strerror(ctypes.get_errno()))
said("ptrace", libc.ptrace(16, $victim, 0, 0))          # PTRACE_ATTACH
try: os.kill($victim, signal.SIGKILL); print("kill ok")
except OSError as e: print("kill", e.strerror)
try: open("/proc/$victim/mem", "rb"); print("mem ok")
except OSError as e: print("mem", e.strerror)
for path in ("/etc/x", "/usr/x", "/var/lib/x", "$W/x", "/run/x", "/sys/kernel/x", "/proc/sys/kernel/hostname"):
    try: open(path, "w"); print("written", path)
    except OSError as e: pass
said("mount", libc.mount(b"tmpfs", b"/mnt", b"tmpfs", 0, 0))
said("setns", libc.setns(os.open("/proc/self/ns/mnt", os.O_RDONLY), 0))
said("chroot", libc.chroot(b"/"))
said("mknod", libc.mknod(b"/tmp/sda", 0o60600, 0x800))
if os.fork() == 0:                                       # double fork, a session of its own, deaf
    os.setsid()
    for s in (1, 2, 3, 15): signal.signal(s, signal.SIG_IGN)
    if os.fork() == 0:
        print("escaped", flush=True)
        while True: signal.pause()
    os._exit(0)
os.wait()
print("end", flush=True)
while True: signal.pause()
P
        service attack "ExecStart=/usr/bin/python3 $W/attack.py" "User=54321" "ProtectSystem=strict" "PrivateTmp=yes" "PrivatePIDs=yes" \
                "ProtectKernelTunables=yes" "BindReadOnlyPaths=$W/attack.py" "StandardOutput=truncate:$W/attack.out" "Restart=no"
        ctl daemon-reload
        ctl start /attack || :
        wait_line "$W/attack.out" '^end'
        run cat "$W/attack.out"
        assert_output_has "ptrace No such process"
        assert_output_has "kill No such process"
        assert_output_has "mem No such file"
        for what in mount setns chroot mknod; do assert_output_has "$what Operation not permitted"; done
        assert_output_has "escaped"
        refute_output_has "written"
        refute_output_has " ok"
        has_state /sibling running
        remember_processes
        ctl stop /attack
        for line in "${SEEN[@]}"; do
                read -r pid start _ <<<"$line"
                assert_eq "$(grep -aos "$W/attack.py" "/proc/$pid/cmdline" || :)" ""
        done
        stop_daemon 0
}

@test "hostile: there is no way out of a sandbox by namespaces, mounts, /proc, memory, keys, terminals, limits or the control socket" {
        skip_unless root
        skip_unless mounts
        cat >"$W/attack.py" <<P
import ctypes, fcntl, os, resource, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(what, *args):
    ctypes.set_errno(0)
    if libc.syscall(*args) >= 0: print("ESCAPED by", what, flush=True)
def writes(what, path, flags=os.O_WRONLY | os.O_CREAT):
    try: os.close(os.open(path, flags)); print("ESCAPED: wrote", path, "by", what, flush=True)
    except OSError: pass
MOUNT, UMOUNT, PTRACE, UNSHARE, KEYCTL, PIVOT, CHROOT, OPEN_TREE, MOVE_MOUNT, SETATTR = 165, 166, 101, 272, 250, 155, 161, 428, 429, 442
outside = "$W/outside"
target = b"$W/protected"
writes("the name", outside + "/x"); writes("the name", "$W/protected/x")
for pid in {1, 2, os.getppid(), $BASHPID, int(sys.argv[1])} - {os.getpid()}:
    for name in ("root" + outside, "cwd/x", "mem", "root/etc/x"): writes("/proc", "/proc/%d/%s" % (pid, name))
    call("ptrace", PTRACE, 16, pid, 0, 0)
for fd in range(3, 64):
    try: os.fstat(fd); writes("a descriptor left open", "/proc/self/fd/%d/x" % fd)
    except OSError: pass
for path in ("/dev/mem", "/dev/kmem", "/dev/port", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/loop0", "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern",
             "/proc/sys/kernel/modprobe", "/sys/kernel/uevent_helper", "/sys/fs/cgroup/memory/release_agent", "/proc/self/oom_score_adj_"): writes("the kernel's switch", path, os.O_RDWR)
call("remount", MOUNT, None, target, None, 0x1020, None)          # MS_REMOUNT | MS_BIND: writable again
call("mount over", MOUNT, b"tmpfs", target, b"tmpfs", 0, None)
call("umount", UMOUNT, target, 2)
call("mount_setattr", SETATTR, -100, target, 0, (ctypes.c_uint64 * 4)(0, 1, 0, 0), 32)
call("open_tree", OPEN_TREE, -100, b"/", 1)
call("chroot", CHROOT, b"$W")
call("a raised limit", 160, 6, (ctypes.c_uint64 * 2)(1 << 20, 1 << 20))   # NPROC
if os.getuid(): call("the keys of the session before", KEYCTL, 11, ctypes.c_long(int(sys.argv[2])), None, 0)
try: fcntl.ioctl(0, 0x5412, b"x"); print("ESCAPED by TIOCSTI", flush=True)
except OSError: pass
for root, dirs, files in os.walk("/sys/fs/cgroup"):
    if "cgroup.procs" in files: writes("its control group", root + "/cgroup.procs", os.O_WRONLY)
    if "memory.max" in files: writes("its limit", root + "/memory.max", os.O_WRONLY)
if os.fork() == 0:                                                 # in a user namespace all capabilities, and nothing to gain
    if libc.syscall(UNSHARE, 0x10000000 | 0x20000) == 0:
        print("in a user namespace", flush=True)
        call("remount inside", MOUNT, None, target, None, 0x1020, None)
        call("umount inside", UMOUNT, target, 2)
        writes("user namespace", "$W/protected/x"); writes("user namespace", outside + "/x")
    os._exit(0)
os.wait()
import socket
try:
    s = socket.socket(socket.AF_UNIX); s.connect("$COPPICE_SOCKET")
    for method, args in ("Stop", '{"nodes":["/sibling"]}'), ("SpawnTransient", '{"command":["/bin/touch","$W/outside/x"]}'):
        s.sendall(b'{"method":"io.coppice.Manager.%s","parameters":%s}\\0' % (method.encode(), args.encode()))
        if b"NotPermitted" not in s.recv(65536): print("ESCAPED: the daemon obeys", method, flush=True)
    print("not obeyed", flush=True)
except OSError: pass
print("end", flush=True)
P
        mkdir "$W/outside" "$W/protected"
        chmod 777 "$W/outside" "$W/protected"
        common=(Type=oneshot Restart=no ProtectSystem=strict "ReadOnlyPaths=$W/protected" PrivateDevices=yes ProtectKernelTunables=yes \
                ProtectKernelLogs=yes ProtectControlGroups=yes LimitNPROC=4000 NoNewPrivileges=yes)
        service sibling "ExecStart=/bin/sleep 1000" "User=54321"
        start_daemon
        wait_state /sibling running
        "$PROBE" >"$W/mine.out"
        victim="$(pid_of /sibling) $(sed -n 's/^keyring //p' "$W/mine.out")"
        service user "ExecStart=/usr/bin/python3 $W/attack.py $victim" "User=54321" "${common[@]}" PrivatePIDs=yes "StandardOutput=truncate:$W/user.out"
        service root "ExecStart=/usr/bin/python3 $W/attack.py $victim" "CapabilityBoundingSet=" "${common[@]}" PrivatePIDs=yes "StandardOutput=truncate:$W/root.out"
        service filtered "ExecStart=/usr/bin/python3 $W/attack.py $victim" "User=54322" "${common[@]}" RestrictNamespaces=yes \
                ProtectProc=invisible SystemCallFilter=@system-service SystemCallErrorNumber=EPERM "StandardOutput=truncate:$W/filtered.out"
        ctl daemon-reload
        for node in user root filtered; do
                ctl start /$node || :
                wait_line "$W/$node.out" '^end'
                refute grep ESCAPED "$W/$node.out" || { echo "$node got out"; false; }
        done
        refute grep 'user namespace' "$W/filtered.out"
        grep -q 'not obeyed' "$W/root.out"
        [ ! -e "$W/outside/x" ] && [ ! -e "$W/protected/x" ]
        has_state /sibling running
        stop_daemon 0
}
