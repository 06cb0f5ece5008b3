#!/usr/bin/env bats
# ControlAccess=: what a process of a service may do on the control socket, which it can open because it runs as the daemon's
# own user.
load lib

setup()    { world; }
teardown() { end_world; }

# asker NAME [LINE...]: a service that does what is written into $W/NAME.ask, a line each, and writes "STATUS OUTPUT" into
# $W/NAME.said; UNITS_OF=PLACE puts it below a supervisor.
asker() {
        local name=$1; shift
        mkfifo "$W/$name.ask" "$W/$name.said"
        script "$name.sh" <<-SH
                PATH=$BUILD:\$PATH W=$W
                try() { out=\$("\$@" 2>&1); echo "\$? "\$out; }
                while read -r line; do eval "\$line" >$W/$name.said; done <>$W/$name.ask
	SH
        { [ -z "${UNDER:-}" ] || printf '[Unit]\nSupervisor=%s\n' "$UNDER"
          printf '[Service]\nEnvironment=COPPICE_SOCKET=%s\nExecStart=%s\n' "$W/run/control" "$W/$name.sh"
          printf '%s\n' "$@"; } >"$W/units/$name.service"
}
# said NAME LINE: have it done; what comes of it in $output.
said() { timeout "$PATIENCE" sh -c 'printf "%s\n" "$2" >"$1"' sh "$W/$1.ask" "$2"; output=$(timeout "$PATIENCE" cat "$W/$1.said"); BATS_RUN_COMMAND="$1: $2"; }

@test "a service of the daemon's own user may look at everything and command nothing unless its unit grants it" {
        asker plain
        service other "ExecStart=/bin/sleep 1000"
        start_daemon
        said plain 'try coppicectl status /other'; assert_output_has '0 '
        local verb
        for verb in 'stop /other' 'kill /plain' 'start /other' 'exit /other normal' 'set /plain TasksMax=infinity' shutdown \
                    daemon-reload daemon-reexec 'run -- true' 'spawn -- true' 'send /other x' 'register a /plain' 'log-level debug'; do
                said plain "try coppicectl $verb"
                assert_output_has "4 coppicectl: ${verb%% *}: not permitted to processes of /plain (ControlAccess=read"
        done
        assert_eq "$(state_of /other)" running
        run ctl stop /other; assert_status 0
        stop_daemon 0
}

@test "ControlAccess=none closes the control socket to a service, all opens it, and a supervisor bounds both" {
        asker shut "ControlAccess=none"
        asker open "ControlAccess=all"
        printf '[Supervisor]\nControlAccess=read\n' >"$W/units/branch.supervisor"
        UNDER=branch asker bound "ControlAccess=all"
        service other "ExecStart=/bin/sleep 1000"
        start_daemon
        said shut 'try coppicectl status /other'
        assert_output_has '4 coppicectl: status: not permitted to processes of /shut (ControlAccess=none'
        said bound 'try coppicectl list'; assert_output_has '0 '
        said bound 'try coppicectl stop /other'; assert_output_has '(ControlAccess=read of its unit or of a supervisor above it'
        said open 'try coppicectl run -- sh -c "exit 5"'; assert_output_has '5'
        said open 'try coppicectl stop /other'; assert_output_has '0'
        assert_eq "$(state_of /other)" inactive
        stop_daemon 0
}

@test "ControlAccess=own lets a service act on what is below its own supervisor, with the verbs that change no unit" {
        printf '[Supervisor]\n' >"$W/units/shop.supervisor"
        UNDER=shop asker boss "ControlAccess=own"
        printf '[Unit]\nSupervisor=shop\n[Service]\nExecStart=/bin/sleep 1000\n' >"$W/units/mate.service"
        service other "ExecStart=/bin/sleep 1000"
        printf '[Unit]\nSupervisor=shop\n[Service]\nExecStart=/bin/sleep 1000\n' >"$W/units/more@.service"
        start_daemon
        said boss 'try coppicectl stop mate'; assert_output_has '0'
        assert_eq "$(state_of /shop/mate)" inactive
        said boss 'try coppicectl start mate'; assert_output_has '0'
        said boss 'try coppicectl restart mate'; assert_output_has '0'
        said boss 'try coppicectl reset-failed'; assert_output_has '0'
        local verb
        for verb in 'stop other' 'stop /shop' 'kill mate other' 'exit other normal' 'set mate TasksMax=9' 'run -- true' daemon-reload; do
                said boss "try coppicectl $verb"
                assert_output_has "4 coppicectl: ${verb%% *}: not permitted: to processes of /shop/boss only for what is below its own supervisor"
        done
        said boss 'try coppicectl start more@1'; assert_output_has 'no such node'
        assert_eq "$(state_of /other)" running
        assert_eq "$(state_of /shop/mate)" running
        stop_daemon 0
}

@test "a change of ControlAccess= counts at once, also by set" {
        asker one
        service other "ExecStart=/bin/sleep 1000"
        start_daemon
        said one 'try coppicectl stop other'; assert_output_has '4 '
        run ctl set one ControlAccess=all; assert_status 0
        said one 'try coppicectl stop other'; assert_output_has '0'
        run ctl set one ControlAccess=none; assert_status 0
        said one 'try coppicectl list'; assert_output_has '4 '
        stop_daemon 0
}

# What tries to be nobody's: a grandchild that leaves the session and whose parents have ended; and who gives a connection on
# that somebody opened who is no more.
escapes() {
        skip_unless python3
        cat >"$W/handed.py" <<'PY'
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
pid = os.fork()
if pid == 0:
    s.connect(sys.argv[1])
    os._exit(0)
os.waitpid(pid, 0)
s.sendall(b'{"method":"io.coppice.Manager.Stop","parameters":{"nodes":["/other"]}}\0')
print(s.recv(4096).split(b'"')[3].decode())
PY
        asker one
        service other "ExecStart=/bin/sleep 1000"
        [ -z "${DAEMON_WRAPPER:-}" ] || give_world_to_nobody
        start_daemon
        said one 'sh -c "setsid sh -c \"sh -c :; coppicectl stop other 2>&1; echo status \\\$?\" &"'
        assert_output_has 'status 4'
        said one "python3 $W/handed.py $W/run/control 2>&1"
        assert_output_has 'io.coppice.Manager.NotPermitted'
        assert_eq "$(state_of /other)" running
}

@test "hostile: who leaves session and parents, or has a connection of one who has ended, commands nothing" {
        escapes
        stop_daemon 0
}

@test "hostile: the same without control groups" {
        if [ "$(id -u)" = 0 ]; then
                skip_unless setpriv
                skip_unless others
                DAEMON_WRAPPER="setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all --"
        fi
        escapes
        stop_daemon 0
}

@test "hostile: who moves into another control group of the machine is still a process of its service" {
        skip_unless cgroup2
        asker one
        service other "ExecStart=/bin/sleep 1000"
        start_daemon
        local group; group=$(dirname "$(cgroup_dir "$(pid_of /other)")")
        [ -w "$group/../cgroup.procs" ] || skip "the group around ours cannot be written"
        said one "echo \$\$ >$group/../cgroup.procs; try coppicectl stop other"
        assert_output_has '4 '
        ctl stop one other
        stop_daemon 0
}
