# lib.bash - what every bats file starts from: `load lib`, then
#
#     setup()    { world; }          # a private directory $W, nothing running
#     teardown() { end_world; }      # ends our own daemon by its pid and proves that nothing is left
#
#     unit redis.service <<'EOF' ... EOF     write a unit file into $W/units
#     start_daemon [OPTION...]               coppiced in the background, back when its socket answers
#     ctl VERB ...                           coppicectl on that socket
#     wait_state /redis running              wait for it; never sleep
#     run ctl ...; assert_status 0; assert_output_has "text"
#     stop_daemon [STATUS]                   TERM, wait for it, check its exit status
#
# Rules: a test never sleeps and never waits for a fixed time. It waits for a condition with wait_for (the only place
# that looks more than once) or for a line of the event stream with wait_event. A test kills nothing by name.

BUILD=${COPPICE_BUILD:?set COPPICE_BUILD to the build directory (make check does)}
SOURCE=${COPPICE_SOURCE:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
COPPICED=$BUILD/coppiced
CTL=$BUILD/coppicectl
# How long anything may take before a test gives up on it. A limit, not a pause: only failures last this long.
PATIENCE=${COPPICE_TEST_PATIENCE:-60}
# What chance begins with: always the same, so that no run fails by luck. COPPICE_SEED=random: another one for each test, which a
# test prints that fails.
[ "${COPPICE_SEED:=1}" != random ] || COPPICE_SEED=$RANDOM
export COPPICE_SEED

# --- a world of one's own ------------------------------------------------------------------------------------------

# world: a fresh directory $W with units/ and run/, short enough for a socket's name.
world() {
        W=$(mktemp -d /tmp/coppice-test.XXXXXX)
        chmod 755 "$W"
        mkdir "$W/units" "$W/run" "$W/logs" "$W/state"
        mkfifo "$W/quiet"
        exec {QUIET}<>"$W/quiet"
        export COPPICE_SOCKET=$W/run/control NO_COLOR=1
        DAEMON= INNER= EVENTS= SEEN=()
}

# end_world: what teardown() calls. Shows the daemon's log when the test failed.
end_world() {
        local failed=0
        [ -n "${W:-}" ] || return 0
        if [ -n "$EVENTS" ]; then kill "$EVENTS" 2>/dev/null || :; fi
        if [ -n "$DAEMON" ]; then
                remember_processes
                kill -TERM "${INNER:-$DAEMON}" 2>/dev/null || :
                if ! wait_for "$PATIENCE" process_gone "$DAEMON"; then
                        echo "the daemon did not stop on TERM"; failed=1
                        kill -KILL "${INNER:-$DAEMON}" 2>/dev/null || :
                        wait_for 20 process_gone "$DAEMON" || :
                fi
                DAEMON=
        fi
        nothing_left || failed=1
        if [ -z "${BATS_TEST_COMPLETED:-}" ] || [ $failed = 1 ]; then show_logs; fi
        exec {QUIET}>&-
        rm -rf --one-file-system "$W"
        return $failed
}

show_logs() {
        local f
        for f in "$W"/daemon.log "$W"/*.out; do
                [ -s "$f" ] || continue
                echo "--- $f"; tail -n 60 "$f"
        done
        :
}

# unit NAME <<EOF: write a unit file. `unit sub/NAME` works too.
unit() { mkdir -p "$(dirname "$W/units/$1")"; cat >"$W/units/$1"; }

# service NAME LINE...: the common case, a [Service] of these lines ("ExecStart=..." and what else is given).
service() { local name=$1; shift; { echo "[Service]"; printf '%s\n' "$@"; } >"$W/units/$name.service"; }

# script NAME <<EOF: a /bin/sh program at $W/NAME.
script() { { echo '#!/bin/sh'; cat; } >"$W/$1"; chmod 755 "$W/$1"; }

# --- the daemon ----------------------------------------------------------------------------------------------------

# daemon_command: the array DAEMON_COMMAND for this world; options of the test are added behind it.
daemon_command() {
        DAEMON_COMMAND=("$COPPICED" --units "$W/units" --runtime-dir "$W/run" --log-dir "$W/logs" --state-dir "$W/state" "$@")
}

# start_daemon [OPTION...]: runs it in the background ($DAEMON is its pid, $W/daemon.log its output) and comes back
# once it answers on its socket. Fails, and shows why, when it ends before that.
start_daemon() {
        launch_daemon "$@"
        wait_for "$PATIENCE" daemon_answers_or_is_gone || { echo "coppiced does not answer"; show_logs; return 1; }
        daemon_answers || { echo "coppiced ended before it answered"; show_logs; return 1; }
}
# launch_daemon [OPTION...]: the same without waiting.
launch_daemon() {
        daemon_command "$@"
        ${DAEMON_WRAPPER:-} "${DAEMON_COMMAND[@]}" >"$W/daemon.log" 2>&1 3>&- </dev/null &
        DAEMON=$!
}
daemon_answers() { [ -S "$COPPICE_SOCKET" ] && "$CTL" --timeout 2s version >/dev/null 2>&1; }
daemon_answers_or_is_gone() { process_gone "$DAEMON" || daemon_answers; }

# stop_daemon [STATUS [SIGNAL]]: ends it and checks its exit status (default 0).
stop_daemon() {
        remember_processes
        kill -"${2:-TERM}" "$DAEMON"
        daemon_ends "${1:-0}"
        [ "${1:-0}" != 0 ] || [ ! -e "$W/run/hidden" ] || { echo "left behind: what stood in for hidden paths"; return 1; }
}
# daemon_ends [STATUS]: wait for an end that something else has caused, check the status and that nothing is left.
daemon_ends() {
        local status=0
        wait_for "$PATIENCE" process_gone "$DAEMON" || { echo "coppiced is still there"; return 1; }
        wait "$DAEMON" || status=$?
        DAEMON=
        [ "$status" = "${1:-0}" ] || { echo "coppiced ended with $status, not with ${1:-0}"; return 1; }
        nothing_left
}

# lock_is_free: nobody of a daemon that was killed is left in the runtime directory: an engine that init had started just then
# has the lock until it has seen that init is gone.
# By a descriptor: flock(1) would make the file again, as another user perhaps, when it goes at that moment.
lock_is_free() { ( exec 9<"$W/run/lock" || exit 0; flock --nonblock 9 ) 2>/dev/null; }

ctl() { "$CTL" "$@"; }

# field NODE JQ-EXPRESSION: one value out of `status NODE --json` ("" for null).
field() { ctl status "$1" --json | jq -r "($2) // empty"; }
state_of() { field "$1" .state; }
pid_of() { field "$1" .main_pid; }

# kill [-SIGNAL] PID...: of processes only. The pid of a service that has none is 0, and 0 is whoever runs the tests.
kill() {
        local pid option=()
        case $1 in -*) option=("$1"); shift ;; esac
        for pid; do
                case $pid in
                ''|0|1|*[!0-9]*) [ "${option[*]}" = -l ] || { echo "kill ${option[*]} $*: \"$pid\" is no process"; return 2; } ;;
                esac
        done
        builtin kill "${option[@]}" "$@"
}
incarnation_of() { field "$1" .incarnation; }

# --- waiting -------------------------------------------------------------------------------------------------------

# wait_for SECONDS CONDITION...: until the command succeeds; fails at the deadline. The pause between two looks is a
# read from a pipe that stays silent. Nothing else in the tests may wait by looking again.
wait_for() {
        local deadline=$(( ${EPOCHREALTIME/./} + ${1%.*} * 1000000 )); shift
        until "$@"; do
                (( ${EPOCHREALTIME/./} < deadline )) || { echo "waited in vain for: $*"; return 1; }
                read -r -t 0.02 -u "$QUIET" _ || :
        done
}
process_gone() { ! kill -0 "$1" 2>/dev/null || [[ $(process_state "$1") =~ ^[ZX]?$ ]]; } # no state: it went between the two
process_state() { local s; { read -r s <"/proc/$1/stat"; } 2>/dev/null || return 0; s=${s##*) }; echo "${s%% *}"; }
has_state() { [ "$(state_of "$1" 2>/dev/null)" = "$2" ]; }
has_new_pid() { local p; p=$(pid_of "$1" 2>/dev/null) && [ -n "$p" ] && [ "$p" != 0 ] && [ "$p" != "$2" ] && has_state "$1" running; }
file_has() { grep -qe "$2" "$1" 2>/dev/null; }
file_exists() { [ -e "$1" ]; }

wait_state() { wait_for "${3:-$PATIENCE}" has_state "$1" "$2" || { ctl status "$1"; return 1; }; }
# wait_restart NODE OLD-PID: until another process runs in its place.
wait_restart() { wait_for "${3:-$PATIENCE}" has_new_pid "$1" "$2" || { ctl status "$1"; return 1; }; }
wait_file() { wait_for "${2:-$PATIENCE}" file_exists "$1"; }
wait_line() { wait_for "${3:-$PATIENCE}" file_has "$1" "$2"; }

# knock FIFO [WORD...]: a line into it. To open one waits for its reader: a reader that never comes is a failure, not a test that
# hangs.
knock() { timeout "$PATIENCE" sh -c 'at=$1; shift; echo "$*" >"$at"' sh "$@" || { echo "nobody reads $1"; return 1; }; }

# watch_events: opens the daemon's event stream; wait_event JQ-CONDITION [SECONDS] then reads on to the first event
# for which the condition holds and leaves it in $EVENT.
watch_events() {
        mkfifo "$W/events"
        "$CTL" events --snapshot --json >"$W/events" 2>"$W/events.out" 3>&- &
        EVENTS=$!
        exec {EVENT_FD}<"$W/events"
        # The snapshot comes first: once it is here, no later event can be missed.
        read -r -t "$PATIENCE" -u "$EVENT_FD" EVENT || { echo "no answer from the event stream"; return 1; }
}
wait_event() {
        local deadline=$(( ${EPOCHREALTIME/./} + ${2:-$PATIENCE} * 1000000 )) left
        while :; do
                left=$(( deadline - ${EPOCHREALTIME/./} ))
                (( left > 0 )) || break
                read -r -t "$(( left / 1000000 + 1 ))" -u "$EVENT_FD" EVENT || break
                if jq -e "$1" >/dev/null 2>&1 <<<"$EVENT"; then return 0; fi
        done
        echo "no such event: $1"
        return 1
}

# --- proof that nothing is left --------------------------------------------------------------------------------------

# A child that is gone when those below it have been listed does not count: they may be of another process of its number.
descendants_of() {
        local child below
        for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
                below=$(descendants_of "$child")
                is_child_of "$child" "$1" || continue
                echo "$child" $below
        done
}
is_child_of() { local s parent=$2; { read -r s <"/proc/$1/stat"; } 2>/dev/null || return 1; s=${s##*) }; set -- $s; [ "$2" = "$parent" ]; }
is_below() {
        local s pid=$1
        while [ "$pid" -gt 1 ] && [ "$pid" != "$2" ]; do
                { read -r s <"/proc/$pid/stat"; } 2>/dev/null || return 1
                s=${s##*) }; s=${s#* }; pid=${s%% *}
        done
        [ "$pid" = "$2" ]
}
start_time() { local s; { read -r s <"/proc/$1/stat"; } 2>/dev/null || return 1; s=${s##*) }; set -- $s; echo "${20}"; }
cgroup_dir() {
        local path mount
        path=$(sed -n 's/^0:://p' "/proc/$1/cgroup" 2>/dev/null)
        mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
        if [ -n "$path" ] && [ -n "$mount" ] && [ "$path" != / ]; then echo "$mount$path"; fi
}
# remember_processes: notes everything below the daemon (pid, start time, cgroup), for nothing_left to look at later.
remember_processes() {
        local pid before line
        [ -n "$DAEMON" ] || return 0
        for pid in $(descendants_of "$DAEMON"); do
                before=$(start_time "$pid") || continue # gone meanwhile
                line="$pid $before $(cgroup_dir "$pid")"
                if is_below "$pid" "$DAEMON" && [ "$(start_time "$pid")" = "$before" ]; then # no other one of its number
                        SEEN+=("$line")
                fi
        done
}
# has_ended PID START: that process, not another one of its number. State and start from one look: between two it may go.
has_ended() {
        local s pid=$1 start=$2
        { read -r s <"/proc/$pid/stat"; } 2>/dev/null || return 0
        set -- ${s##*) }
        [ "$1" = Z ] || [ "$1" = X ] || [ "${20}" != "$start" ]
}
runs_nothing_here() { ! { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null | grep -qF "$W/"; }
# nothing_left: none of those processes, none of their cgroups, no socket, nobody that runs something of $W. Whoever was
# killed a moment ago has $ENDING seconds to be gone.
ENDING=10
nothing_left() {
        local pid start group own bad=0 line
        own=$(cgroup_dir self)
        for line in "${SEEN[@]}"; do
                read -r pid start group <<<"$line"
                if ! wait_for "$ENDING" has_ended "$pid" "$start"; then
                        echo "left behind: process $pid ($({ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null))"; bad=1
                fi
                if [ -n "$group" ] && [ "$group" != "$own" ] && [ -d "$group" ]; then
                        echo "left behind: cgroup $group"; bad=1
                fi
        done
        for pid in $(grep -lFf <(printf '%s/' "$W") /proc/[0-9]*/cmdline 2>/dev/null); do
                pid=${pid#/proc/} pid=${pid%/cmdline}
                ! wait_for "$ENDING" runs_nothing_here "$pid" || continue
                echo "left behind: process $pid ($({ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null))"; bad=1
        done
        [ ! -S "$W/run/control" ] || { echo "left behind: the control socket"; bad=1; }
        return $bad
}

# --- asserting -----------------------------------------------------------------------------------------------------

assert_eq() { [ "$1" = "$2" ] || { printf 'expected: %s\nbut it is: %s\n' "$2" "$1"; return 1; }; }
assert_status() { [ "$status" = "$1" ] || { printf 'exit status %s, not %s, of: %s\n%s\n' "$status" "$1" "${BATS_RUN_COMMAND:-}" "$output"; return 1; }; }
assert_output_has() { [[ $output == *"$1"* ]] || { printf 'not in the output: %s\n--- output\n%s\n' "$1" "$output"; return 1; }; }
refute_output_has() { [[ $output != *"$1"* ]] || { printf 'in the output: %s\n--- output\n%s\n' "$1" "$output"; return 1; }; }
# refute CMD...: CMD has to say no, which is the status 1: grep says 2 where there is no such file. It shows what CMD has found. As a
# line of its own `! CMD` fails no test, whatever CMD says: bash does not stop there (tests/arch/arch.bats).
refute() {
        local said status=0
        said=$("$@" 2>&1) || status=$?
        [ $status = 1 ] || { printf 'exit status %s, not 1, of: %s\n%s\n' "$status" "$*" "$said"; return 1; }
}
assert_json() { jq -e "$1" >/dev/null <<<"$output" || { printf 'does not hold: %s\n--- output\n%s\n' "$1" "$output"; return 1; }; }

# --- what this machine can do ----------------------------------------------------------------------------------------

# skip_unless WHAT: says why when the machine lacks it. root, nonroot, others (may run what is built), userns, cgroup2, bwrap, or any program's name.
skip_unless() {
        case $1 in
        root)    [ "$(id -u)" = 0 ] || skip "needs root" ;;
        nonroot) [ "$(id -u)" != 0 ] || [ -x "$(command -v setpriv)" ] || skip "needs setpriv to leave root" ;;
        pidns)   unshare --pid --fork --mount-proc $(userns_options) true 2>/dev/null || skip "needs the right to make a pid namespace" ;;
        mounts)  unshare --mount $(userns_options) sh -c 'mount -t tmpfs none /proc/sys' 2>/dev/null || skip "needs the right to make a mount namespace" ;;
        calls)   grep -qx 'Seccomp:.0' /proc/self/status || skip "a filter of system calls is on here, which comes before those of units" ;;
        tracing) "$BUILD/tests/programs/oddity" may-trace 2>/dev/null || skip "needs the right to trace a process" ;;
        terminal) python3 -c 'import os; os.openpty()' 2>/dev/null || skip "needs python3 and a terminal" ;;
        userns)  unshare --user --map-root-user true 2>/dev/null || skip "needs user namespaces" ;;
        cgroup2) can_make_cgroup || skip "needs a writable cgroup v2 tree" ;;
        others)  [ "$(id -u)" != 0 ] || as_nobody test -x "$COPPICED" || skip "the build directory is not for other users" ;;
        bwrap)   bwrap --ro-bind / / --unshare-pid --as-pid-1 --proc /proc true 2>/dev/null || skip "needs bubblewrap and the right to use it" ;;
        *)       command -v "$1" >/dev/null || skip "needs $1" ;;
        esac
}
can_make_cgroup() {
        local d mount
        mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
        [ -n "$mount" ] || return 1
        d=$(cgroup_dir self); d=${d:-$mount}/coppice-probe-$$
        mkdir "$d" 2>/dev/null && rmdir "$d"
}
userns_options() { if [ "$(id -u)" != 0 ]; then echo "--user --map-root-user"; fi; }

# as_nobody CMD...: as an arbitrary uid without a name and without privileges (root only; $W is given to it first).
as_nobody() { setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all -- "$@"; }
give_world_to_nobody() { chown -R 54321:54321 "$W"; }

# --- PID 1 of a namespace ----------------------------------------------------------------------------------------------

# pid1_command CMD...: the array PID1_COMMAND, which runs CMD as PID 1 of a new pid namespace with a /proc of its own. With
# COPPICE_CONFINED (tests/grounds/confined) it is PID 1 where nothing is allowed that a container runtime can take away.
pid1_command() {
        if [ -n "${COPPICE_CONFINED:-}" ]; then
                box_command -- "$@"
        else
                PID1_COMMAND=(unshare --pid --fork --kill-child --mount-proc $(userns_options) "$@")
        fi
}
# box_command [BWRAP-OPTION...] -- CMD...: the same under bubblewrap: read-only root, private /tmp and /run, only $W is
# writable, no capabilities, no new privileges.
box_command() {
        local options=() filter=() without=$BUILD/tests/programs/without
        while [ "$1" != -- ]; do options+=("$1"); shift; done; shift
        if [ -n "${COPPICE_CONFINED:-}" ]; then
                options+=(--unshare-user --uid 54321 --gid 54321 --cap-drop ALL)
                filter=("$without" ENOSYS clone3 -- "$without" EPERM add_key bpf clock_settime fsconfig fsmount fsopen init_module
                        kcmp kexec_load keyctl mount mount_setattr move_mount open_by_handle_at open_tree perf_event_open personality
                        pivot_root process_vm_readv ptrace quotactl reboot request_key setns settimeofday swapon syslog umount2
                        unshare userfaultfd --)
        fi
        PID1_COMMAND=(bwrap --unshare-pid --as-pid-1 --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp --ro-bind "$BUILD" "$BUILD"
                      --bind "$W" "$W" "${options[@]}" "${filter[@]}" "$@")
}
# launch_pid1 CMD...: such a PID 1 in the background. $BOX is the program that holds the namespace and hands out CMD's
# exit status, $INNER the pid of CMD as seen from outside.
launch_pid1() { pid1_command "$@"; launch_held; }
launch_boxed() { box_command "$@"; launch_held; }
launch_held() {
        "${PID1_COMMAND[@]}" >"$W/daemon.log" 2>&1 3>&- </dev/null &
        held_by $!
}
held_by() {
        BOX=$1 DAEMON=$1 INNER=
        wait_for "$PATIENCE" inner_appears || { echo "nothing started in the namespace"; show_logs; return 1; }
}
# The process of the namespace whose own pid there is 1 and which is no longer the program that set it up.
inner_appears() {
        local pid
        process_gone "$BOX" && return 0
        for pid in $(descendants_of "$BOX"); do
                if [ "$(sed -n 's/^NSpid:.*\t//p' "/proc/$pid/status" 2>/dev/null)" = 1 ] &&
                   ! [[ $(readlink "/proc/$pid/exe") =~ /(unshare|bwrap)$ ]]; then
                        INNER=$pid; return 0
                fi
        done
        return 1
}
# pid1_ends [STATUS]: wait until the namespace is gone, check the exit status that came out of it.
pid1_ends() { daemon_ends "$1"; }
# signal_pid1 SIGNAL: from outside the namespace.
signal_pid1() { kill -"$1" "$INNER"; }
# inside CMD...: runs CMD inside the namespace (root only).
inside() { nsenter --target "$INNER" --pid --mount -- "$@"; }
