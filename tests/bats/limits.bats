#!/usr/bin/env bats
# Limits of control groups and what they do: on the machine at hand (hybrid: controllers of v1), and in the virtual
# machine of tests/vm (v2 alone).
load lib

setup() {
        world
        HUNGRY=$BUILD/tests/programs/hungry
}
teardown() {
        local daemon=${INNER:-$DAEMON}
        end_world && no_groups_left "$daemon"
}

# Which hierarchy has a controller here: v2, v1 or nothing. What v2 calls io is blkio in v1.
where() {
        local mount
        if [ "$1" = io ] && [ -n "$(v1_mount blkio)" ]; then where blkio; return; fi
        mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
        if [ -n "$mount" ] && grep -qw "$1" "$mount$(own_group "")/cgroup.controllers" 2>/dev/null; then echo v2
        elif [ -n "$(v1_mount "$1")" ] && [ -w "$(v1_mount "$1")$(own_group "$1")" ]; then echo v1; fi
}
v1_mount() { awk -v c="$1" '$3 == "cgroup" && ("," $4 ",") ~ ("," c ",") { print $2; exit }' /proc/mounts; }
own_group() {
        local g
        g=$(awk -F: -v c="$1" '(c == "" && $1 == "0") || (c != "" && ("," $2 ",") ~ ("," c ",")) { print $3; exit }' /proc/self/cgroup)
        if [ "$g" != / ]; then echo "$g"; fi
}
needs() { [ -n "$(where "$1")" ] && [ "$(id -u)" = 0 ] || skip "needs a writable $1 controller"; }
# value NODE CONTROLLER V2-FILE V1-FILE: what the kernel has for the group of a node.
value() {
        if [ "$2" = io ] && [ "$(where io)" = v1 ]; then value "$1" blkio "$3" "$4"; return; fi
        if [ "$(where "$2")" = v2 ]; then cat "$(field "$1" .cgroup)/$3"
        else cat "$(v1_mount "$2")$(own_group "$2")"/coppice-"$(init_pid)$1/$4"; fi
}
init_pid() { echo "${INNER:-$DAEMON}"; }
# No group of the daemon $1 is left in any hierarchy.
no_groups_left() {
        local left
        [ -n "$1" ] || return 0
        left=$(find /sys/fs/cgroup -maxdepth 6 -type d \( -name "coppice-$1" -o -name "coppice-$1.*" \) 2>/dev/null)
        [ -z "$left" ] || { echo "left behind: $left"; return 1; }
}
reason_of() { field "$1" .last_reason; }

@test "D1: a program that takes more memory than MemoryMax= ends with out_of_memory" {
        needs memory
        service hog "ExecStart=$HUNGRY touch 64" "MemoryMax=24M" "Restart=no"
        start_daemon
        wait_state /hog failed
        assert_eq "$(reason_of /hog)" out_of_memory
}

@test "D2: the reason is out_of_memory too when a child of the program was the victim" {
        needs memory
        service parent "ExecStart=$HUNGRY child 64" "MemoryMax=24M" "Restart=no"
        start_daemon
        wait_state /parent failed
        assert_eq "$(reason_of /parent)" out_of_memory
}

@test "OOMPolicy= stop ends the whole service when a worker was killed, continue lets it live, kill spares nobody" {
        needs memory
        local node
        for node in stop continue kill; do
                service $node "ExecStart=$HUNGRY worker 64 $W/$node" "MemoryMax=24M" "Restart=no" "OOMPolicy=$node" "TimeoutStopSec=30"
        done
        start_daemon
        wait_state /stop failed
        wait_state /kill failed
        wait_file "$W/continue"
        assert_eq "$(reason_of /stop)" out_of_memory
        assert_eq "$(reason_of /kill)" out_of_memory
        wait_for "$PATIENCE" knows_of_kill /continue
        assert_eq "$(state_of /continue)" running
}
knows_of_kill() { ctl why "$1" --json | jq -e 'tostring | test("out_of_memory")' >/dev/null; }

@test "D4: many children that are killed are one out_of_memory, and nobody is left" {
        needs memory
        service many "ExecStart=$HUNGRY many 20 64" "MemoryMax=48M" "RestartSec=0" "Restart=no"
        start_daemon
        wait_state /many failed
        assert_eq "$(ctl deaths /many --json | jq -r '[.[].reason] | join(" ")')" out_of_memory
}

@test "a supervisor with OOMPolicy=kill ends as a whole when one of its children is killed" {
        needs memory
        unit whole.supervisor <<-EOF
                [Supervisor]
                MemoryMax=48M
                OOMPolicy=kill
                Restart=no
                Children=calm.service hog.service
	EOF
        service calm "ExecStart=/bin/sleep 1000"
        service hog "ExecStart=$HUNGRY touch 96"
        start_daemon
        wait_state /whole failed
        assert_eq "$(reason_of /whole)" out_of_memory
        assert_eq "$(state_of /whole/calm)" inactive
}

@test "D7: when the machine itself has no memory left, the reason says so" {
        [ -n "${COPPICE_VM:-}" ] || skip "needs a machine of its own"
        service victim "ExecStart=$HUNGRY touch 64" "MemoryAccounting=yes" "OOMScoreAdjust=1000" "Restart=no"
        start_daemon
        wait_state /victim running
        echo f >/proc/sysrq-trigger
        wait_state /victim failed
        assert_eq "$(reason_of /victim)" out_of_memory:system
}

@test "a program that fails by itself under the same limit is not called out of memory" {
        needs memory
        service sober "ExecStart=/bin/sh -c 'exit 137'" "MemoryMax=24M" "Restart=no"
        start_daemon
        wait_state /sober failed
        assert_eq "$(reason_of /sober)" exit:137
}

@test "each life counts for itself: a kill in the first is no reason of the second" {
        needs memory
        script twice <<-SH
                if [ ! -e $W/once ]; then : >$W/once; exec $HUNGRY touch 64; fi
                exit 7
	SH
        service twice "ExecStart=$W/twice" "MemoryMax=24M" "RestartSec=0" "RestartPreventExitStatus=7"
        start_daemon
        wait_state /twice failed
        assert_eq "$(ctl deaths /twice --json | jq -r '[.[].reason] | reverse | join(" ")')" "out_of_memory exit:7"
}

@test "D9: a fork beyond TasksMax= fails, and the end of the program is limit:pids" {
        needs pids
        service forker "ExecStart=$HUNGRY forks 100 $W/count" "TasksMax=20"
        service failer "ExecStart=$HUNGRY fail 100" "TasksMax=20" "Restart=no"
        start_daemon
        wait_file "$W/count"
        wait_line "$W/count" '^19$'
        wait_state /failer failed
        assert_eq "$(reason_of /failer)" limit:pids
}

@test "D11: the kernel has the very limits of the unit" {
        needs memory
        needs cpu
        service l "ExecStart=/bin/sleep 1000" "MemoryMax=64M" "TasksMax=33" "CPUQuota=25%" "CPUQuotaPeriodSec=50ms" "CPUWeight=200"
        service soft "ExecStart=/bin/sleep 1000" "MemoryHigh=48M" "MemoryLow=16M" "MemoryMin=8M" "MemorySwapMax=4M" "OOMPolicy=kill" \
                "Isolation=best-effort"
        start_daemon
        wait_state /l running
        wait_state /soft running
        assert_eq "$(value /l memory memory.max memory.limit_in_bytes)" 67108864
        assert_eq "$(value /l pids pids.max pids.max)" 33
        if [ "$(where cpu)" = v2 ]; then
                assert_eq "$(value /l cpu cpu.max)" "12500 50000"
                assert_eq "$(value /l cpu cpu.weight)" 200
        else
                assert_eq "$(value /l cpu "" cpu.cfs_quota_us) $(value /l cpu "" cpu.cfs_period_us)" "12500 50000"
                assert_eq "$(value /l cpu "" cpu.shares)" 2048
        fi
        [ "$(where memory)" = v2 ] || return 0 # those of v1 are refused by name: see "v1 alone"
        assert_eq "$(cd "$(field /soft .cgroup)" && cat memory.high memory.low memory.min memory.oom.group | xargs)" "50331648 16777216 8388608 1"
        [ ! -e "$(field /soft .cgroup)/memory.swap.max" ] || assert_eq "$(value /soft memory memory.swap.max)" 4194304
}

@test "a limit of a supervisor bounds the whole branch" {
        needs memory
        unit small.supervisor <<-EOF
                [Supervisor]
                MemoryMax=48M
                Children=a.service b.service
	EOF
        service a "ExecStart=/bin/sleep 1000"
        service b "ExecStart=$HUNGRY touch 96" "Restart=no"
        start_daemon
        wait_state /small/b failed
        assert_eq "$(reason_of /small/b)" out_of_memory
        wait_state /small/a running
}

@test "D12: strict refuses a limit that cannot be had and says what to do, best-effort starts without" {
        [ "$(id -u)" = 0 ] || skip "needs root to become nobody"
        skip_unless others
        service strict "ExecStart=/bin/sleep 1000" "MemoryMax=64M" "Restart=no"
        service kind "ExecStart=/bin/sleep 1000" "MemoryMax=64M" "Isolation=best-effort"
        give_world_to_nobody
        DAEMON_WRAPPER="setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all --" start_daemon
        wait_state /kind running
        wait_state /strict failed
        [[ $(reason_of /strict) == spawn:LIMITS:* ]]
        wait_line "$W/daemon.log" "MemoryMax=64M: there is no memory controller: .*Isolation=best-effort"
        wait_line "$W/daemon.log" "/kind: MemoryMax=64M is not enforced: there is no memory controller"
        run ctl set /kind --runtime CPUQuota=10%
        assert_status 1
        assert_output_has "/kind: CPUQuota=10% is not enforced: there is no cpu controller"
}

@test "D6: what a life used is in status and in deaths: memory peak, processor time, time held back, tasks" {
        needs memory
        needs cpu
        service spin "ExecStart=$HUNGRY spin" "CPUQuota=10%" "MemoryMax=64M" "Restart=no"
        service calm "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_for "$PATIENCE" was_held_back /spin
        ctl kill --signal=KILL /spin
        wait_state /spin failed
        assert_eq "$(reason_of /spin)" signal:KILL
        run ctl deaths /spin --json
        assert_json '.[0] | .memory_peak > 0 and .cpu_usec > 0 and .throttled_usec > 0 and .tasks_peak == 1 and .oom_kills == 0'
        run ctl status /spin --json
        assert_json '[.limits[] | select(.enforced)] | map(.directive) | contains(["CPUQuota", "MemoryMax", "TasksMax"])'
}
was_held_back() { [ "$(field "$1" .throttled_usec)" -gt 0 ]; }

@test "a changed limit counts at once after daemon-reload, a new one moves what runs, one taken out goes" {
        needs memory
        needs cpu
        local pid
        service l "ExecStart=/bin/sh -c 'sleep 1000 & wait'" "MemoryMax=64M"
        service plain "ExecStart=/bin/sh -c 'sleep 1000 & wait'"
        start_daemon
        wait_state /l running
        wait_state /plain running
        pid=$(pid_of /l)
        service l "ExecStart=/bin/sh -c 'sleep 1000 & wait'" "MemoryMax=32M" "CPUQuota=50%"
        service plain "ExecStart=/bin/sh -c 'sleep 1000 & wait'" "TasksMax=7"
        ctl daemon-reload
        assert_eq "$(value /l memory memory.max memory.limit_in_bytes)" 33554432
        assert_eq "$(value /plain pids pids.max pids.max)" 7
        wait_for "$PATIENCE" has_two /plain pids
        wait_for "$PATIENCE" has_two /l cpu
        service l "ExecStart=/bin/sh -c 'sleep 1000 & wait'" "CPUQuota=50%"
        ctl daemon-reload
        [[ $(value /l memory memory.max memory.limit_in_bytes) =~ ^(max|9223372036854771712)$ ]]
        assert_eq "$(pid_of /l)" "$pid"
}

has_two() { [ "$(value "$1" "$2" cgroup.procs cgroup.procs | wc -l)" = 2 ]; } # the shell makes the second in its own time

@test "a limit set on a running supervisor bounds what is below it already" {
        needs pids
        unit s.supervisor <<<$'[Supervisor]\nChildren=a.service b.service'
        service a "ExecStart=/bin/sleep 1000"
        service b "ExecStart=/bin/sh -c 'until [ -e $W/go ]; do read -t 0.05 x <$W/quiet; done; exec $HUNGRY forks 100 $W/count'"
        start_daemon
        wait_state /s/b running
        ctl set /s TasksMax=10
        : >"$W/go"
        wait_line "$W/count" '^[0-9]$'
}

@test "set changes a limit at once, keeps it in a drop-in, and refuses what cannot count at once" {
        needs memory
        service l "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /l running
        run ctl set /l MemoryMax=64M RestartSec=3s
        assert_status 0
        assert_output_has "$W/units/l.service.d/50-set.conf"
        assert_eq "$(value /l memory memory.max memory.limit_in_bytes)" 67108864
        run ctl set /l --runtime MemoryMax=48M
        assert_output_has "$W/run/set/l.service.d/51-set.conf"
        ctl set /l TasksMax=9
        ctl daemon-reload
        assert_eq "$(value /l memory memory.max memory.limit_in_bytes)" 50331648
        assert_eq "$(value /l pids pids.max pids.max)" 9
        run ctl show /l --json
        assert_json '[.. | objects | select(.key == "RestartSec") | .value] == ["3s"]'
        run ctl set /l ExecStart=/bin/true
        assert_status 1
        assert_output_has "before the next start"
        run ctl set /l MemoryMax=lots
        assert_status 1
        assert_output_has "l.service: MemoryMax=lots: no amount (write a number"
        refute_output_has "50-set.conf" # it is not kept
        run ctl set /l MemoryMaxx=1M
        assert_output_has "did you mean MemoryMax="
        assert_eq "$(value /l memory memory.max memory.limit_in_bytes)" 50331648
        ctl daemon-reload
        assert_eq "$(value /l memory memory.max memory.limit_in_bytes)" 50331648
        ctl set /l MemoryMax=32M
        assert_eq "$(value /l memory memory.max memory.limit_in_bytes)" 33554432
        [ ! -e "$W/run/set/l.service.d/51-set.conf" ]
        run cat "$W/units/l.service.d/50-set.conf"
        assert_output_has "RestartSec=3s"
        ctl verify --units "$W/units"
}

@test "doctor tells what can be enforced here and what of it each unit has, also without a daemon" {
        needs memory
        service good "ExecStart=/bin/sleep 1000" "MemoryMax=64M"
        service odd "ExecStart=/bin/sleep 1000" "AllowedCPUs=8000" "Isolation=best-effort"
        run ctl doctor --json
        assert_status 7
        jq -e '.environment | map(.area) | contains(["kernel", "control groups", "limits", "deaths of the daemon", "sandbox"])' <<<"${output##*coppicectl:*$'\n'}"
        run ctl doctor --local
        assert_status 0
        assert_output_has "tracking and killing"
        start_daemon
        wait_state /odd running
        wait_state /good running
        run ctl doctor --json
        assert_status 1
        assert_json '.environment[] | select(.area == "limits" and .what == "memory") | .state != "no"'
        assert_json '.units[] | select(.node == "/good") | .limits[] | select(.directive == "MemoryMax") | .enforced and .effective == "67108864"'
        assert_json '.units[] | select(.node == "/odd") | .limits[] | select(.directive == "AllowedCPUs") | .enforced == false and .why != null'
        run ctl doctor /good
        assert_status 0
        run ctl status /odd
        assert_output_has "AllowedCPUs=8000 not enforced"
}

@test "doctor of a user namespace says that there are no other users, and no devices to be named" {
        unshare --user --map-root-user true 2>/dev/null || skip "needs the right to make a user namespace"
        run unshare --user --map-root-user "$CTL" doctor --local --json
        assert_status 0
        assert_json '.environment[] | select(.what == "other users") | .state == "no" and (.text | test("user namespace"))'
        assert_json '.environment[] | select(.what == "devices") | .state == "no"'
}

# nest.sh: a program that makes a group of its own inside the one it was handed, and fills it until the kernel kills.
nesting_program() {
        script nest <<-SH
                if [ "$(where memory)" = v2 ]; then
                        base=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)\$(sed -n 's/^0:://p' /proc/self/cgroup)
                        base=\${base%/main}
                        echo +memory >\$base/cgroup.subtree_control || exit 90
                        limit=memory.max
                else
                        base=$(v1_mount memory)\$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
                        limit=memory.limit_in_bytes
                fi
                mkdir -p \$base/inner/deeper || exit 91
                echo 24M >\$base/inner/\$limit || exit 92
                sh -c "echo 0 >\$base/inner/deeper/cgroup.procs; exec $HUNGRY touch 64"
                [ \$? = 137 ] || exit 93
                echo x >>$W/lives
                exit 5
	SH
}

@test "D3 B9: a kill in a group that the service made for itself is not its own, and its groups go with it" {
        needs memory
        nesting_program
        service nest "ExecStart=$W/nest" "Delegate=yes" "DelegateSubgroup=main" "MemoryMax=200M" "RestartSec=0" "SuccessExitStatus=3"
        start_daemon
        wait_state /nest failed
        assert_eq "$(ctl deaths /nest --json | jq -r '[.[].reason] | unique | join(" ")')" exit:5
        assert_eq "$(wc -l <"$W/lives")" 6
}

@test "Delegate= hands the group to the user of the service, who may make groups in it" {
        skip_unless cgroup2
        [ "$(id -u)" = 0 ] || skip "needs root to become nobody"
        local dir
        script own <<-SH
                d=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)\$(sed -n 's/^0:://p' /proc/self/cgroup)
                mkdir \$d/sub && echo \$\$ >\$d/sub/cgroup.procs && exec sleep 1000
	SH
        service mine "ExecStart=$W/own" "User=nobody" "Delegate=yes" "ExecStartPost=/bin/true"
        start_daemon
        wait_state /mine running
        dir=$(field /mine .cgroup)
        assert_eq "$(stat -c %U "$dir" "$dir/cgroup.procs" | sort -u)" nobody
        wait_for "$PATIENCE" file_has "$dir/sub/cgroup.procs" "^$(pid_of /mine)$"
        ctl stop /mine
        [ ! -d "$dir" ]
}

# A disk of this machine; "" when there is none.
disk() { for d in /sys/block/vd* /sys/block/sd* /sys/block/nvme* /sys/block/loop0; do [ -b "/dev/${d##*/}" ] && { echo "/dev/${d##*/}"; return; }; done; }

@test "limits of reading and writing reach the disk of a path, and go when they are taken out" {
        local device disk
        needs io
        disk=$(disk) || :; [ -n "$disk" ] || skip "needs a disk"
        device=$((0x$(stat -c %t "$disk"))):$((0x$(stat -c %T "$disk")))
        service l "ExecStart=/bin/sleep 1000" "IOReadBandwidthMax=$disk 10M" "IOWriteBandwidthMax=$disk 5M" "IOReadIOPSMax=$disk 70" \
                "IOWriteIOPSMax=$disk 50"
        service w "ExecStart=/bin/sleep 1000" "IOWeight=250" "Restart=no"
        start_daemon
        wait_state /l running
        [[ $(value /l io io.max blkio.throttle.read_bps_device) == *"$device"*10485760* ]]
        [[ $(value /l io io.max blkio.throttle.write_bps_device) == *"$device"*5242880* ]]
        [[ $(value /l io io.max blkio.throttle.read_iops_device) == *"$device"*70* ]]
        [[ $(value /l io io.max blkio.throttle.write_iops_device) == *"$device"*50* ]]
        wait_for "$PATIENCE" weighed_or_refused /w
        service l "ExecStart=/bin/sleep 1000" "IOWriteIOPSMax=$disk 50"
        ctl daemon-reload
        [[ $(value /l io io.max blkio.throttle.read_bps_device) != *10485760* ]]
}
# Whether a scheduler weighs is the machine's affair: where none does, the start says so.
weighed_or_refused() {
        case $(state_of "$1") in
        running) ctl doctor "$1" --json | jq -e '.units[].limits[] | select(.directive == "IOWeight") | .effective | test("250")' >/dev/null ;;
        failed) ctl why "$1" | grep -q "set IOWeight=250: no scheduler here weighs" ;;
        *) false ;;
        esac
}

@test "DevicePolicy= keeps the devices of the machine from a service, but for what DeviceAllow= names" {
        [ "$(id -u)" = 0 ] || skip "needs root"
        skip_unless cgroup2
        [ -c /dev/kmsg ] && [ -r /dev/kmsg ] || skip "needs a device to forbid"
        script probe <<-SH
                exec 2>/dev/null
                for d in null kmsg zero; do (: <>/dev/\$d) && echo \$d; done | tr '\\n' ' ' >\$1
                exec sleep 1000
	SH
        service open "ExecStart=$W/probe $W/open.out"
        service closed "ExecStart=$W/probe $W/closed.out" "DevicePolicy=closed"
        service strict "ExecStart=$W/probe $W/strict.out" "DevicePolicy=strict" "DeviceAllow=/dev/null rw"
        service some "ExecStart=$W/probe $W/some.out" "DeviceAllow=/dev/kmsg"
        unit branch.supervisor <<<$'[Supervisor]\nDevicePolicy=closed\nChildren=below.service'
        service below "ExecStart=$W/probe $W/below.out" "DeviceAllow=/dev/kmsg rw"
        start_daemon
        for node in open closed strict some below; do wait_line "$W/$node.out" ' $'; done
        assert_eq "$(cat "$W/open.out")" "null kmsg zero "
        assert_eq "$(cat "$W/closed.out")" "null zero "
        assert_eq "$(cat "$W/strict.out")" "null "
        assert_eq "$(cat "$W/some.out")" "null kmsg zero "
        assert_eq "$(cat "$W/below.out")" "null zero "
}

@test "PrivateDevices= closes devices that lie elsewhere too, ProtectClock= leaves the hardware's clock to be read; each life anew" {
        local node major
        [ "$(id -u)" = 0 ] || skip "needs root"
        skip_unless cgroup2
        skip_unless mounts
        [ "$(where devices)" = v2 ] || [ "$("$CTL" doctor --json 2>/dev/null | jq -r '.environment[] | select(.what == "devices") | .text' | cut -c1-9)" = "cgroup v2" ] ||
                skip "needs a kernel that takes programs for devices"
        mknod "$W/kmsg" c 1 11
        major=$(awk '/^Block/ { exit } $2 == "rtc" { print $1 }' /proc/devices)
        [ -z "$major" ] || mknod "$W/rtc" c "$major" 250
        # to open one that does not exist is another error, unless a program forbids it
        cat >"$W/opens" <<-SH
		#!/bin/bash
		try() { local m; m=\$(eval "true \$1" 2>&1) && { echo ok; return; }; [[ \$m == *"Operation not permitted"* ]] && echo EPERM || echo other; }
		echo "\$(try '>$W/kmsg') \$(try '<>/dev/null')"
		[ ! -e "$W/rtc" ] || echo "rtc \$(try '<$W/rtc') \$(try '>>$W/rtc')"
		[ \$# != 0 ] || exit 0
		[ "\$(try '>/dev/coppice-was-here')" != ok ] || echo "made a file in /dev"
		exit 1
	SH
        chmod 755 "$W/opens"
        service open "ExecStart=bash $W/opens" "StandardOutput=append:$W/open.out" Type=oneshot
        service closed "ExecStart=bash $W/opens again" "StandardOutput=append:$W/closed.out" PrivateDevices=yes \
                Restart=on-failure RestartSec=0
        service clock "ExecStart=bash $W/opens" "StandardOutput=append:$W/clock.out" Type=oneshot ProtectClock=yes
        service both "ExecStart=bash $W/opens" "StandardOutput=append:$W/both.out" Type=oneshot ProtectClock=yes \
                PrivateDevices=yes "DeviceAllow=char-mem rw"
        start_daemon
        for node in open clock both; do wait_state /$node finished; done
        wait_for "$PATIENCE" twice "$W/closed.out"
        assert_eq "$(sed -n 1p "$W/open.out")" "ok ok"
        assert_eq "$(sort -u "$W/closed.out" | head -1)" "EPERM ok"
        assert_eq "$(sed -n 1p "$W/clock.out")" "ok ok"
        assert_eq "$(sed -n 1p "$W/both.out")" "ok ok"
        refute grep 'made a file' "$W/closed.out"
        [ -z "$major" ] || assert_eq "$(grep -h rtc "$W/open.out" "$W/clock.out" "$W/both.out")" "$(printf 'rtc other other\nrtc other EPERM\nrtc other EPERM')"
}
twice() { [ "$(grep -c ' ok$' "$1")" -ge 2 ]; }

@test "v1 alone: limits of services and of a branch hold, nobody is left, and what only v2 has is refused by name" {
        [ "$(where memory)" = v1 ] && [ "$(id -u)" = 0 ] || skip "needs the memory controller of v1"
        local node
        unit branch.supervisor <<<$'[Supervisor]\nTasksMax=40\nChildren=below.service'
        service below "ExecStart=/bin/sleep 1000"
        service bounded "ExecStart=/bin/sh -c 'sleep 1000 & exec sleep 1000'" "MemoryMax=64M" "CPUQuota=50%" "TasksMax=20" "AllowedCPUs=0"
        for node in High Low Min; do service "memory$node" "ExecStart=/bin/sleep 1000" "Memory$node=10M" "Restart=no"; done
        service effort "ExecStart=/bin/sleep 1000" "MemoryHigh=10M" "Isolation=best-effort"
        start_daemon
        for node in bounded branch/below effort; do wait_state /$node running; done
        assert_eq "$(value /bounded memory - memory.limit_in_bytes)" 67108864
        assert_eq "$(value /bounded pids - pids.max)" 20
        assert_eq "$(value /bounded cpu - cpu.cfs_quota_us)" 50000
        assert_eq "$(value /branch pids - pids.max)" 40
        wait_line "$(v1_mount memory)$(own_group memory)/coppice-$(init_pid)/bounded/cgroup.procs" "^$(pid_of /bounded)\$"
        for node in High Low Min; do
                wait_state "/memory$node" failed
                run ctl status "/memory$node"
                assert_output_has "spawn:LIMITS:EOPNOTSUPP"
                run ctl why "/memory$node"
                assert_output_has "set Memory$node=10M: the memory controller of cgroup v1 cannot do it; v2 can"
        done
        run ctl status /effort
        assert_output_has "MemoryHigh=10M not enforced: the memory controller of cgroup v1 cannot do it; v2 can"
        remember_processes
        ctl stop /bounded
        stop_daemon 0
}

@test "D13: a real-time process outside the root group: where the kernel then has no cpu controller to give, the refusal says so" {
        [ "$(where cpu)" = v2 ] && [ "$(id -u)" = 0 ] || skip "needs the cpu controller of v2"
        skip_unless chrt
        local group=/sys/fs/cgroup/realtime-$$ pid refused=
        mkdir "$group"
        sleep 1000 3>&- & pid=$!
        echo $pid >"$group/cgroup.procs"
        chrt -f -p 1 $pid
        grep -qw cpu /sys/fs/cgroup/cgroup.subtree_control || echo +cpu >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || refused=yes
        service held "ExecStart=/bin/sleep 1000" "CPUQuota=50%" "Restart=no"
        start_daemon
        if [ -n "$refused" ]; then
                wait_state /held failed
                run ctl why /held
                assert_output_has "a real-time process is outside the root group"
        else
                wait_state /held running
                assert_eq "$(value /held cpu cpu.max -)" "50000 100000"
        fi
        ctl stop /held || :
        kill $pid; wait $pid || :
        rmdir "$group"
}

# boxed_in GROUP CMD...: run CMD in a v2 group of its own, in a cgroup namespace that begins there.
boxed_in() {
        local group=$1; shift
        exec bash -c 'echo $$ >"$0/cgroup.procs"; exec unshare --cgroup --mount sh -c "umount /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec \"\$@\"" sh "$@"' "$group" "$@"
}
in_the_box() {
        [ -n "${COPPICE_VM:-}" ] || skip "needs a machine of its own"
        BOX_GROUP=/sys/fs/cgroup/box-$$
        echo "+memory +pids +cpu" >/sys/fs/cgroup/cgroup.subtree_control
        mkdir "$BOX_GROUP"
        export -f boxed_in
}

@test "J14 J15: at the top of a cgroup namespace the daemon moves out of its own way, and leaves nothing" {
        in_the_box
        service hog "ExecStart=$HUNGRY touch 64" "MemoryMax=24M" "Restart=no"
        DAEMON_WRAPPER="boxed_in $BOX_GROUP" start_daemon
        wait_state /hog failed
        assert_eq "$(reason_of /hog)" out_of_memory
        stop_daemon 0
        assert_eq "$(find "$BOX_GROUP" -mindepth 1 -type d)" ""
        rmdir "$BOX_GROUP"
}

@test "J13: where strangers are in the daemon's group no controller can be had, and the refusal says why" {
        in_the_box
        local stranger
        sleep 1000 3>&- & stranger=$!
        echo $stranger >"$BOX_GROUP/cgroup.procs"
        service want "ExecStart=/bin/sleep 1000" "MemoryMax=24M" "Restart=no"
        service plain "ExecStart=/bin/sleep 1000"
        DAEMON_WRAPPER="boxed_in $BOX_GROUP" start_daemon
        wait_state /plain running
        wait_state /want failed
        wait_line "$W/daemon.log" "other processes are in /sys/fs/cgroup.*start coppiced in a group of its own"
        kill -TERM "$DAEMON"; wait "$DAEMON"; DAEMON= # its group is the box, which outlives it
        kill "$stranger"; wait "$stranger" || :
        rmdir "$BOX_GROUP"
}

@test "J13: a control group file system that is read-only leaves tracking by session, and limits refused" {
        [ "$(id -u)" = 0 ] || skip "needs root"
        skip_unless mounts
        service plain "ExecStart=/bin/sh -c 'sleep 1000 & wait'"
        service want "ExecStart=/bin/sleep 1000" "MemoryMax=24M" "Restart=no"
        service free "ExecStart=/bin/sleep 1000" "MemoryMax=infinity" "TasksMax=infinity" "Restart=no"
        readonly_cgroups() { exec unshare --mount sh -c 'for m in $(awk "\$3 ~ /^cgroup/ { print \$2 }" /proc/mounts); do mount -o remount,bind,ro $m; done; exec "$@"' sh "$@"; }
        DAEMON_WRAPPER=readonly_cgroups start_daemon
        wait_state /plain running
        wait_state /free running
        wait_state /want failed
        [[ $(reason_of /want) == spawn:LIMITS:* ]]
        assert_eq "$(field /plain .cgroup)" ""
        ctl stop /plain
        stop_daemon 0
}

@test "D5: a service that shares the limit of its supervisor is out of memory, and its neighbour is not" {
        needs memory
        unit s.supervisor <<<$'[Supervisor]\nMemoryMax=32M\nChildren=hog.service calm.service'
        service hog "ExecStart=$HUNGRY child 64" "MemoryMax=32M" "Restart=no"
        service calm "ExecStart=/bin/sleep 1000" "OOMScoreAdjust=0"
        start_daemon
        wait_state /s/hog failed
        assert_eq "$(reason_of /s/hog)" out_of_memory
        assert_eq "$(state_of /s/calm)" running
        assert_eq "$(ctl deaths /s/calm --json)" "[]"
}

@test "D14 D15: where controllers are of v1, limits are there and processes are tracked on v2, and no program of the kernel's is asked for" {
        [ "$(where memory)" = v1 ] || skip "the controllers here are of v2"
        needs memory
        local agent
        agent=$(cat "$(v1_mount memory)/release_agent" 2>/dev/null || :)
        service l "ExecStart=/bin/sleep 1000" "MemoryMax=64M"
        start_daemon
        wait_state /l running
        assert_eq "$(value /l memory "" memory.limit_in_bytes)" 67108864
        is_in_both() { [ "$(value /l memory "" cgroup.procs)" = "$(pid_of /l)" ]; } # a step of the child's, behind its fork
        wait_for "$PATIENCE" is_in_both
        assert_eq "$(cat "$(field /l .cgroup)/cgroup.procs")" "$(pid_of /l)"
        assert_eq "$(value /l memory "" notify_on_release)" 0
        assert_eq "$(cat "$(v1_mount memory)/release_agent" 2>/dev/null || :)" "$agent"
}

@test "D16: MemoryMax= takes swap away with it, where swap is counted" {
        needs memory
        service l "ExecStart=/bin/sleep 1000" "MemoryMax=64M"
        start_daemon
        wait_state /l running
        if [ "$(where memory)" = v2 ]; then
                [ -e "$(field /l .cgroup)/memory.swap.max" ] || skip "the kernel does not count swap"
                assert_eq "$(value /l memory memory.swap.max)" 0
        else
                [ -e "$(v1_mount memory)/memory.memsw.limit_in_bytes" ] || skip "the kernel does not count swap"
                assert_eq "$(value /l memory "" memory.memsw.limit_in_bytes)" 67108864
        fi
}

@test "D17: many lives leave no group behind, not even one that is dying" {
        needs pids
        local lives=100
        if [ -n "${COPPICE_VM:-}" ]; then lives=12; fi
        service l "ExecStart=/bin/true" "RestartSec=0" "TasksMax=9"
        unit root.supervisor <<<$'[Supervisor]\nMaxRestarts=100000\nEscalation=isolate'
        service calm "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /calm running
        wait_for "$PATIENCE" has_lived /l $lives
        ctl stop l
        local top groups
        top=$(field /calm .cgroup); top=${top%/*}
        groups=$(find "$top" -mindepth 1 -type d -name 'l*' | wc -l)
        (( groups <= 1 ))
        wait_for "$PATIENCE" few_dying "$top"
}
has_lived() { (( $(field "$1" .incarnation) >= $2 )); }
few_dying() { (( $(sed -n 's/^nr_dying_descendants //p' "$1/cgroup.stat") < 4 )); }

@test "D9: a fork bomb stays within TasksMax= and is stopped as a whole" {
        needs pids
        service bomb "ExecStart=$HUNGRY bomb" "TasksMax=60" "TimeoutStopSec=1s" "CPUQuota=50%"
        start_daemon
        wait_for "$PATIENCE" is_full /bomb 60
        ctl stop /bomb
        assert_eq "$(state_of /bomb)" inactive
        assert_eq "$(ctl deaths /bomb --json | jq '.[0].tasks_peak')" 60
}
is_full() { [ "$(field "$1" .tasks)" = "$2" ]; }

@test "limits and counters outlive the engine: the next one tells out_of_memory all the same" {
        needs memory
        local engine
        service late "ExecStart=/bin/sh -c 'until [ -e $W/go ]; do read -t 0.05 x <$W/quiet; done; exec $HUNGRY touch 64'" "MemoryMax=24M" "Restart=no"
        service worker "ExecStart=/bin/sh -c 'until [ -e $W/go ]; do read -t 0.05 x <$W/quiet; done; exec $HUNGRY worker 64 $W/done'" \
                "MemoryMax=24M" "Restart=no"
        start_daemon
        wait_state /late running
        wait_state /worker running
        engine=$(pgrep -P "$DAEMON" -x coppice-engine)
        kill -KILL "$engine"
        wait_for "$PATIENCE" answers_anew "$engine"
        assert_eq "$(value /late memory memory.max memory.limit_in_bytes)" 25165824
        : >"$W/go"
        wait_state /late failed
        wait_state /worker failed
        assert_eq "$(reason_of /late)" out_of_memory
        assert_eq "$(reason_of /worker)" out_of_memory
        assert_eq "$(ctl deaths /late --json | jq '.[0].memory_peak > 20000000')" true
        # One more, to which nothing with limits is left: it removes their groups at its end all the same.
        engine=$(pgrep -P "$DAEMON" -x coppice-engine)
        kill -KILL "$engine"
        wait_for "$PATIENCE" answers_anew "$engine"
}
answers_anew() { local e; e=$(pgrep -P "$DAEMON" -x coppice-engine) && [ -n "$e" ] && [ "$e" != "$1" ] && ctl status / >/dev/null; }

@test "what a killed daemon left in the hierarchies of its limits goes when the next one starts" {
        needs memory
        local left
        service l "ExecStart=/bin/sleep 1000" "MemoryMax=64M"
        start_daemon
        wait_state /l running
        left=coppice-$DAEMON
        remember_processes
        kill -KILL $(pgrep -P "$DAEMON" -x coppice-engine) "$DAEMON"
        wait_for "$PATIENCE" process_gone "$DAEMON"
        wait "$DAEMON" || :
        wait_for "$PATIENCE" lock_is_free
        start_daemon
        wait_state /l running
        assert_eq "$(find /sys/fs/cgroup -maxdepth 6 -type d -name "$left")" ""
}

@test "D9: a command that cannot be forked names the limit of tasks that is used up" {
        needs pids
        [ "$(where pids)" = v2 ] || skip "a v1 group takes a process that enters it, full or not"
        service full "ExecStart=$HUNGRY forks 100 $W/count" "TasksMax=10" "ExecReload=/bin/true"
        start_daemon
        wait_file "$W/count"
        run ctl reload /full
        assert_status 1
        wait_line "$W/daemon.log" "TasksMax=10 of /full is used up"
}

@test "explain tells the groups of limits that a process enters" {
        needs memory
        service l "ExecStart=/bin/sleep 1000" "MemoryMax=64M"
        start_daemon
        run ctl explain /l
        [ "$(where memory)" = v2 ] || assert_output_has "enter the control groups of its limits: memory"
}

@test "D10: a service held to one percent of a processor is only slowed, and stops in its time all the same" {
        needs cpu
        script stubborn <<-SH
                trap '' TERM
                : >$W/up
                while :; do :; done
	SH
        service slow "ExecStart=$W/stubborn" "CPUQuota=1%" "TimeoutStopSec=500ms"
        start_daemon
        wait_file "$W/up"
        wait_for "$PATIENCE" was_held_back /slow
        assert_eq "$(state_of /slow)" running
        ctl stop /slow
        run ctl deaths /slow --json
        assert_json '.[0].reason == "stop_timeout" and .[0].throttled_usec > 0'
}

@test "D6: who runs a command is told what it used, and TasksMax= has its default, without a word about either" {
        needs memory; needs pids
        start_daemon
        run ctl run --json -- /bin/true
        assert_eq "$status" 0
        assert_json '.memory_peak > 0 and .cpu_usec > 0 and .oom_kills == 0 and .reason == "normal"'
        mkfifo "$W/go"
        ctl run --name=held -- /bin/sh -c "read x <$W/go" 3>&- &
        wait_state /transient/held running
        assert_eq "$(value /transient/held pids pids.max pids.max)" 512
        knock "$W/go"
        wait $!
}

@test "D9: a service that says nothing of tasks is bounded too, and takes no room from the next engine or from others that start" {
        needs pids
        local engine
        unit bomb.service <<<$'[Unit]\nAfter=calm.service\n[Service]\nTimeoutStopSec=1s\n'"ExecStart=$HUNGRY forks 3000 $W/count"
        service calm "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_line "$W/count" .
        (( $(cat "$W/count") <= 512 * 2 + 64 ))
        engine=$(pgrep -P "$DAEMON" -x coppice-engine)
        kill -KILL "$engine"
        wait_for "$PATIENCE" answers_anew "$engine"
        engine=$(pgrep -P "$DAEMON" -x coppice-engine)
        refute grep rest.tasks "/proc/$engine/cgroup" || { echo "the next engine shares the tasks of services"; return 1; }
        ctl restart /calm
        ctl stop /bomb
        [ "$(where pids)" = v2 ] || grep -q "/coppice-$DAEMON/rest.tasks\$" "/proc/$(pid_of /calm)/cgroup"
}

@test "J5: a start that fails leaves no control group behind, in no hierarchy" {
        local daemon
        launch_daemon --units "$W/nowhere"
        daemon=$DAEMON
        daemon_ends 111
        no_groups_left "$daemon"
}
