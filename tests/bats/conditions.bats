#!/usr/bin/env bats
# Every Condition...= and Assert...=: met, not met, negated, and of those with "|" one.
load lib

setup()    { world; }
teardown() { end_world; }

# conditioned NAME LINE...: a service with these lines in [Unit].
conditioned() {
        local name=$1; shift
        { echo "[Unit]"; printf '%s\n' "$@"; printf '[Service]\nExecStart=/bin/sleep 1000\n'; } >"$W/units/$name.service"
}

# table: lines "KEY holds-for does-not-hold-for"; a "-" for what this machine cannot show.
conditions() {
        local mount user group word
        mount=$(awk '$2 !~ /\\/ { print $2; exit }' /proc/mounts)
        word=$(tr ' ' '\n' </proc/cmdline | grep -m 1 '^[a-z][a-z0-9_.]*$' || echo -)
        user=$(id -u) group=$(id -g)
        mkdir "$W/empty" "$W/full"; : >"$W/full/file"; : >"$W/nothing"; echo x >"$W/something"
        ln -s something "$W/link"; cp /bin/true "$W/program"; chmod 755 "$W/program"; chmod 644 "$W/something"
        cat <<-LINES
		PathExists $W/something $W/nowhere
		PathExistsGlob $W/some* $W/nowhere*
		PathIsDirectory $W/full $W/something
		PathIsSymbolicLink $W/link $W/something
		PathIsMountPoint $mount $W/full
		PathIsReadWrite $W $W/nowhere
		DirectoryNotEmpty $W/full $W/empty
		FileNotEmpty $W/something $W/nothing
		FileIsExecutable $W/program $W/something
		KernelCommandLine $word no-such-word-here
		Virtualization - no-such-kind
		Capability - CAP_NOT_ANY_AT_ALL
		User $user 54322
		Group $group 54322
	LINES
}

all_settled() { ! ctl list --json | jq -e '[.[] | select(.type == "service" and (.state == "starting"))] | length > 0' >/dev/null; }
states_end() { # PATTERN STATE: every service of that name has that state
        local wrong
        wrong=$(ctl list --json | jq -r ".[] | select(.type == \"service\" and (.path | test(\"$1\")) and .state != \"$2\") | .path + \" is \" + .state")
        [ -z "$wrong" ] || { echo "should be $2: $wrong"; return 1; }
}

@test "every condition holds where it should, not where it should not, and ! turns it round" {
        local key yes no
        conditions >"$W/table"
        while read -r key yes no; do
                if [ "$yes" != - ]; then
                        conditioned "met-$key" "Condition$key=$yes"
                        conditioned "unmet-not-$key" "Condition$key=!$yes"
                fi
                if [ "$no" != - ]; then
                        conditioned "unmet-$key" "Condition$key=$no"
                        conditioned "met-not-$key" "Condition$key=!$no"
                fi
        done <"$W/table"
        conditioned "met-virt" "ConditionVirtualization=|yes" "ConditionVirtualization=|no"
        conditioned "unmet-virt" "ConditionVirtualization=yes" "ConditionVirtualization=no"
        conditioned "met-cap" "ConditionCapability=|CAP_CHOWN" "ConditionCapability=|!CAP_CHOWN"
        conditioned "unmet-cap" "ConditionCapability=CAP_CHOWN" "ConditionCapability=!CAP_CHOWN"
        conditioned "met-one-of" "ConditionPathExists=|$W/nowhere" "ConditionUser=|$(id -u)" "ConditionPathExists=$W"
        conditioned "unmet-none-of" "ConditionPathExists=|$W/nowhere" "ConditionUser=|54322" "ConditionPathExists=$W"
        conditioned "met-reset" "ConditionPathExists=$W/nowhere" "ConditionPathExists="
        start_daemon
        wait_for "$PATIENCE" all_settled
        states_end '^/met-' running
        states_end '^/unmet-' inactive
        run ctl start /unmet-PathExists
        assert_output_has "PathExists"
        stop_daemon 0
}

@test "every assertion that does not hold fails the start, and says which" {
        local key yes no
        conditions >"$W/table"
        while read -r key yes no; do
                [ "$yes" = - ] || conditioned "met-$key" "Assert$key=$yes"
                [ "$no" = - ] || conditioned "unmet-$key" "Assert$key=$no"
        done <"$W/table"
        # The assertions come first: what a condition would skip quietly fails.
        conditioned "unmet-both" "ConditionPathExists=$W/nowhere" "AssertPathExists=$W/nowhere"
        sed -i 's/^ExecStart/Restart=no\n&/' "$W/units"/*.service
        start_daemon
        wait_for "$PATIENCE" all_settled
        states_end '^/met-' running
        states_end '^/unmet-' failed
        for key in PathExists User Capability; do
                run ctl why "/unmet-$key"
                assert_output_has "Assert$key does not hold (Assert$key="
        done
        run ctl start /unmet-both
        assert_status 1
        stop_daemon 0
}

@test "a supervisor has conditions as well: its whole branch is skipped" {
        unit branch.supervisor <<-U
                [Unit]
                ConditionPathExists=$W/flag
                [Supervisor]
                Children=leaf.service
	U
        service leaf "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /branch inactive
        assert_eq "$(state_of /branch/leaf)" inactive
        : >"$W/flag"
        ctl start /branch
        wait_state /branch/leaf running
        stop_daemon 0
}

@test "start says which step of a start failed, not what became of it" {
        local row name code want
        service asserted "ExecStart=/bin/sleep 1000" "Restart=no"
        sed -i '1i [Unit]\nAssertPathExists=/nonexistent/x' "$W/units/asserted.service"
        service skipped "ExecCondition=/bin/sh -c \"exit 3\"" "ExecStart=/bin/sleep 1000"
        service before "ExecStartPre=/bin/sh -c \"exit 9\"" "ExecStart=/bin/sleep 1000" "Restart=on-failure" "RestartSec=1h"
        service after "ExecStart=/bin/sleep 1000" "ExecStartPost=/bin/sh -c \"exit 9\"" "Restart=no"
        service late "Type=notify" "ExecStart=/bin/sleep 1000" "TimeoutStartSec=100ms" "Restart=no"
        start_daemon
        for row in 'asserted:1:AssertPathExists does not hold' 'skipped:0:ExecCondition= said no (exit:3)' \
                'before:1:ExecStartPre= failed: exit:9' 'after:1:ExecStartPost= failed: exit:9' 'late:1:READY=1 of Type=notify has not come'; do
                IFS=: read -r name code want <<<"$row"
                run ctl start "/$name"
                assert_status "$code"
                assert_output_has "$want"
                assert_output_has "$name.service:"
                ctl stop "/$name"
        done
        stop_daemon 0
}
