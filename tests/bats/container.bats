# PID 1 under a real container runtime: FAILURES J in the environments people have, an OCI bundle each, made by
# contrib/container/bundle. What a bare pid namespace shows already is in pid1.bats; so is J12, for runc starts nothing
# where there is no /proc.
load lib

setup() {
        skip_unless root
        skip_unless runc
        skip_unless pidns
        skip_unless busybox
        [ -z "${COPPICE_SANITIZED:-}" ] || skip "a sanitized init is not static"
        world
        NAME=coppice-test-$$-$BATS_TEST_NUMBER RUNC="runc --root $W/runc"
        service app "ExecStart=/bin/sh -c 'trap \"echo bye; exit 0\" TERM; echo \"hello from \$\$\"; while :; do sleep 1000 & wait \$!; done'" RestartSec=0
}
teardown() {
        [ -n "${W:-}" ] || return 0
        [ -z "$DAEMON" ] || { $RUNC kill "$NAME" KILL 2>/dev/null || :; wait_for 5 process_gone "$DAEMON" || :; DAEMON=; }
        $RUNC delete -f "$NAME" 2>/dev/null || :
        end_world
}

# container [BUNDLE-OPTION...]: runs in the background, its output in $W/daemon.log; back when the daemon answers.
container() {
        launch_container "$@"
        wait_for "$PATIENCE" container_answers || { echo "coppiced does not answer"; show_logs; return 1; }
        refute process_gone "$DAEMON" || { echo "the container has ended"; show_logs; return 1; }
}
launch_container() {
        sh "$SOURCE/contrib/container/bundle" "$W/bundle" --build "$BUILD" --units "$W/units" "$@"
        $RUNC run --bundle "$W/bundle" "$NAME" >"${OUTPUT:-$W/daemon.log}" 2>&1 3>&- </dev/null &
        DAEMON=$!
}
container_answers() { process_gone "$DAEMON" || in_container coppicectl version >/dev/null 2>&1; }
in_container() { timeout "$PATIENCE" $RUNC exec "$NAME" "$@" </dev/null 3>&-; }
ends() {
        local status=0
        wait_for "$PATIENCE" process_gone "$DAEMON" || { echo "the container goes on"; return 1; }
        wait "$DAEMON" || status=$?
        DAEMON=
        assert_eq "$status" "$1"
}
up() { in_container coppicectl await --timeout "${PATIENCE}s" "$1" ready; }
main_pid() { in_container coppicectl status "$1" --json | jq -r .main_pid; }
another_pid() { local p; p=$(main_pid "$1") && [ "$p" != null ] && [ "$p" != "$2" ] && [ "$p" -gt 1 ]; }

# The life of a service that every environment must allow: it starts, is killed, comes back and can say why; what it
# writes comes out of the container; a stop is orderly.
whole_life() {
        local pid
        container "$@"
        up /app
        pid=$(main_pid /app)
        in_container kill -KILL "$pid"
        wait_for "$PATIENCE" another_pid /app "$pid"
        run in_container coppicectl why /app
        assert_status 0
        assert_output_has "signal:KILL"
        in_container /bin/sh -c '( setsid /bin/sh -c "exit 3" & )' # an orphan of nobody's
        $RUNC kill "$NAME" TERM
        ends 0
        wait_line "$W/daemon.log" 'app: hello from'
        wait_line "$W/daemon.log" 'app: bye'
}

@test "J13: root in a container with the defaults of Docker" { whole_life --cgroup ro; }
@test "J16: a default filter that does not know clone3" { whole_life --seccomp; }
@test "J13: root in a container whose cgroups can be written" { whole_life --cgroup rw; }
@test "J13: no cgroups at all" { whole_life --cgroup none --seccomp; }
@test "J11: a read-only root" { whole_life --read-only --seccomp; }
@test "J13: an arbitrary uid, no capabilities, no new privileges, a read-only root, a default filter" {
        whole_life --user 10001 --no-new-privs --read-only --seccomp --cgroup ro
}

@test "an engine that is killed in a container costs no service, and the next one knows them" {
        container --user 10001 --no-new-privs --read-only --seccomp --cgroup none
        up /app
        pid=$(main_pid /app)
        engine=$(in_container /bin/sh -c 'for p in /proc/[0-9]*; do read -r name <$p/comm; [ "$name" != coppice-engine ] || echo ${p#/proc/}; done')
        in_container kill -KILL "$engine"
        wait_line "$W/daemon.log" 'another one takes over'
        wait_for "$PATIENCE" container_answers
        assert_eq "$(main_pid /app)" "$pid"
        in_container kill -KILL "$pid"
        wait_for "$PATIENCE" another_pid /app "$pid"
        $RUNC kill "$NAME" TERM
        ends 0
}
@test "J5: the code of the command is that of the container" {
        launch_container --seccomp --user 10001 --read-only -- -- /bin/sh -c 'exit 7'
        ends 7
}
@test "J5: a command that a signal ended gives 128 and its number" {
        launch_container --seccomp -- -- /bin/sh -c 'kill -SEGV $$'
        ends 139
}
@test "giving up goes on in the orchestrator: the container ends with 70 and says why" {
        rm "$W/units/app.service"
        printf '[Supervisor]\nMaxRestarts=2\nEscalation=escalate\n' | unit root.supervisor
        service broken "ExecStart=/bin/false" RestartSec=0
        launch_container --seccomp
        ends 70
        wait_line "$W/daemon.log" 'gives up'
}
@test "J17: in a container nothing reboots the machine" {
        container
        run in_container coppicectl shutdown --reboot
        assert_status 2
        assert_output_has "PID 1 of a machine"
        up /app
        in_container coppicectl shutdown --no-block
        ends 0
}
@test "commands for health and readiness answer by their exit status" {
        service late NotifyFd=3 "ExecStart=/bin/sh -c 'mkfifo /tmp/go; read -r x </tmp/go; echo >&3; exec sleep 1000'"
        container --user 10001
        run in_container coppicectl version
        assert_status 0
        run in_container coppicectl await --try /late ready
        assert_status 75
        in_container /bin/sh -c 'while [ ! -p /tmp/go ]; do :; done; echo >/tmp/go'
        up /late
        run in_container coppicectl await --try /late ready
        assert_status 0
        $RUNC kill "$NAME" TERM
        ends 0
}
@test "a second TERM from the runtime shortens the wait, and nothing outlives the container" {
        service stubborn TimeoutStopSec=60s "ExecStart=/bin/sh -c 'trap \"\" TERM; echo ready; while :; do sleep 1000 & wait \$!; done'"
        container --seccomp -- --stop-timeout=60s
        wait_line "$W/daemon.log" 'stubborn: ready'
        $RUNC kill "$NAME" TERM
        wait_line "$W/daemon.log" 'app: bye'
        $RUNC kill "$NAME" TERM
        ends 0
}
no_zombies() { in_container /bin/sh -c '! grep -q "^State:.Z" /proc/[0-9]*/status'; }
@test "J1, J2, J6: under a runtime orphans are reaped, signals that are no end end nothing, and RTMIN+3 is an orderly one" {
        container --seccomp
        up /app
        local pid
        pid=$(main_pid /app)
        in_container /bin/sh -c 'for i in 1 2 3 4 5 6 7 8 9; do ( setsid /bin/sh -c "exit 3" & ); done'
        wait_for "$PATIENCE" no_zombies
        for sig in HUP USR1 USR2 ALRM; do $RUNC kill "$NAME" $sig; done
        wait_for "$PATIENCE" container_answers
        assert_eq "$(main_pid /app)" "$pid"
        $RUNC kill "$NAME" 37
        ends 0
        wait_line "$W/daemon.log" 'app: bye'
}
@test "J4, J19, J20: under a runtime a shutdown goes in reverse order, ignores HUP, and nothing is started in it" {
        # Of two services no order of their lines is promised: the one that is to be ended later looks for what the other has written.
        service app "ExecStart=/bin/sh -c 'bye() { read -r x </tmp/last; echo bye after the \$\$x; exit 0; }; trap bye TERM; while :; do sleep 1000 & wait \$!; done'"
        service last "ExecStart=/bin/sh -c 'mkfifo /tmp/go; trap \"until read -r x </tmp/go; do :; done 2>/dev/null; echo last >/tmp/last; exit 0\" TERM; echo up; while :; do sleep 1000 & wait \$!; done'" TimeoutStopSec=60s
        printf '[Unit]\nAfter=app.service\n' >>"$W/units/last.service"
        service other Restart=no "ExecStart=/bin/true"
        container --seccomp --read-only --user 10001 -- --stop-timeout=60s
        wait_line "$W/daemon.log" 'last: up'
        $RUNC kill "$NAME" TERM
        wait_line "$W/daemon.log" 'signal TERM'
        $RUNC kill "$NAME" HUP
        run in_container coppicectl start /other
        assert_status 1
        refute file_has "$W/daemon.log" 'app: bye'
        in_container /bin/sh -c 'echo >/tmp/go'
        ends 0
        refute file_has "$W/daemon.log" daemon-reload
        wait_line "$W/daemon.log" 'app: bye after the last'
}
@test "J18: under a runtime an output that is full and unread blocks neither PID 1 nor its end" {
        service flood "ExecStart=/bin/sh -c 'yes | head -c 1000000; : >/tmp/done; exec sleep 1000'"
        mkfifo "$W/sink"
        exec {sink}<>"$W/sink"
        OUTPUT=$W/sink container --seccomp
        wait_for "$PATIENCE" in_container /bin/sh -c '[ -e /tmp/done ]' # the service was not held up
        up /app
        $RUNC kill "$NAME" TERM
        wait_for "$PATIENCE" has_stopped
        cat "$W/sink" >/dev/null {sink}<&- 3>&- & # the runtime itself waits for its reader
        ends 0
        exec {sink}<&-
        wait
}
# The runtime removes it as soon as it has seen that, and waits for its reader after that.
has_stopped() { local state; state=$($RUNC state "$NAME" 2>/dev/null) || return 0; [ "$(jq -r .status <<<"$state")" = stopped ]; }
@test "J7: a crash of PID 1 ends the container with 255 and the name of the signal" {
        container --seccomp
        $RUNC kill "$NAME" SEGV
        ends 255
        wait_line "$W/daemon.log" 'init crashed by signal 11'
}
@test "the manifests and the recipe of the image call programs, verbs and options that exist" {
        cd "$SOURCE/contrib/container"
        for line in Containerfile kubernetes.yaml; do grep -o '\["coppicectl".*\]' $line; done | jq -e . >/dev/null
        for option in $(grep -ho -- '"--[a-z-]*=' Containerfile kubernetes.yaml nomad.hcl | tr -d '"' | sort -u); do
                "$COPPICED" --help | grep -q -- "$option"
        done
        [ -d "$SOURCE/$(sed -n 's/^COPY \(units[^ ]*\) .*/\1/p' Containerfile)" ]
        . "$SOURCE/contrib/common.sh"
        for package in $(echo $BUILD_PACKAGES); do grep -qw -- "$package" Containerfile; done
}
