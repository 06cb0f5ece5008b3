#!/usr/bin/env bats
# What the process of a service is given: limits, ids, environment, directories, input and output. Each directive is
# looked at from inside the process.
load lib

setup()    { world; TELL=$BUILD/tests/programs/tell; chmod 711 "$W"; }
teardown() { end_world; }

# shows NAME COMMAND [LINE...]: a service whose shell writes what COMMAND says into $W/NAME and stays.
shows() {
        local name=$1 command=$2; shift 2
        printf '%s\n%s\n' "exec >$W/$name.part" "$command" >"$W/$name.sh"
        printf 'mv %s %s\nexec sleep 1000\n' "$W/$name.part" "$W/$name" >>"$W/$name.sh"
        service "$name" "ExecStart=/bin/sh $W/$name.sh" "$@"
}

# limits: lines "DIRECTIVE value  name in /proc/PID/limits"; each value is one this process could give itself.
limits() {
        awk 'BEGIN { split("cpu:CPU file:FSIZE data:DATA stack:STACK core:CORE resident:RSS processes:NPROC open:NOFILE " \
                           "locked:MEMLOCK address:AS locks:LOCKS pending:SIGPENDING msgqueue:MSGQUEUE nice:NICE " \
                           "priority:RTPRIO timeout:RTTIME", pairs, " ")
                     for (i in pairs) { split(pairs[i], p, ":"); key[p[1]] = p[2] } }
             /^Max/ { name = substr($0, 1, 25); hard = substr($0, 48, 20); sub(/ *$/, "", name); sub(/ *$/, "", hard)
                      for (k in key) if (name ~ k && !(k == "file" && name ~ /core|open|locks/)) {
                              h = hard == "unlimited" ? (name ~ /size|set|memory|space/ ? 7777777664 : 77777) : \
                                  hard > 100 ? hard - 8 : hard
                              s = h > 1000 ? h - 800 : h
                              if (k == "priority" && name ~ /nice/) continue
                              if (k == "nice") s = h
                              printf "%s %.0f:%.0f %s\n", key[k], s, h, name } }' /proc/self/limits
}

@test "E17: every Limit...= is what the process has, soft and hard" {
        local key value name lines=()
        limits >"$W/table"
        assert_eq "$(wc -l <"$W/table")" 16
        while read -r key value name; do lines+=("Limit$key=$value"); done <"$W/table"
        shows limits "cat /proc/self/limits" "${lines[@]}"
        start_daemon
        wait_file "$W/limits"
        while read -r key value name; do
                assert_eq "Limit$key $(sed -n "s/^$name  *\([^ ]*\)  *\([^ ]*\) .*/\1:\2/p" "$W/limits")" "Limit$key $value"
        done <"$W/table"
        stop_daemon 0
}

@test "limits in their own units: spans, sizes, infinity, a nice value" {
        shows limits "cat /proc/self/limits" LimitCPU=1min:1h LimitFSIZE=1G LimitCORE=0 LimitNOFILE=64 LimitRTTIME=2s LimitDATA=infinity
        start_daemon
        wait_file "$W/limits"
        run cat "$W/limits"
        [[ $output =~ "Max cpu time "\ +60\ +3600 && $output =~ "Max file size "\ +1073741824\ +1073741824 ]]
        [[ $output =~ "Max core file size "\ +0\ +0 && $output =~ "Max open files "\ +64\ +64 ]]
        [[ $output =~ "Max realtime timeout "\ +2000000\ +2000000 && $output =~ "Max data size "\ +unlimited\ +unlimited ]]
        stop_daemon 0
}

@test "User=, Group=, SupplementaryGroups= and the variables of the user" {
        skip_unless root
        chmod 777 "$W"
        shows ids 'id -u; id -g; id -G | tr " " "\n" | sort -n | tr "\n" " "; echo; echo $HOME $USER $LOGNAME $SHELL' \
                "User=nobody" "Group=daemon" "SupplementaryGroups=4242 tty"
        shows group 'id -u; id -g' "Group=4243"
        start_daemon
        wait_file "$W/ids"
        wait_file "$W/group"
        assert_eq "$(sed -n 1,3p "$W/ids" | tr '\n' ' ')" \
                "$(id -u nobody) $(getent group daemon | cut -d: -f3) $( (getent group daemon tty | cut -d: -f3; id -G nobody | tr ' ' '\n'; echo 4242) | grep -vx "$([ "$(id -g nobody)" = "$(getent group daemon | cut -d: -f3)" ] || id -g nobody)" | sort -nu | tr '\n' ' ') "
        assert_eq "$(sed -n 4p "$W/ids")" "$(getent passwd nobody | awk -F: '{ print $6, $1, $1, $7 }')"
        assert_eq "$(cat "$W/group")" "$(printf '0\n4243')"
        stop_daemon 0
}

@test "UMask=, Nice=, OOMScoreAdjust=, CPUAffinity=, WorkingDirectory= and ~" {
        shows these 'umask; nice; cat /proc/self/oom_score_adj; sed -n "s/^Cpus_allowed_list:.//p" /proc/self/status; pwd' \
                "UMask=0037" "Nice=7" "OOMScoreAdjust=987" "CPUAffinity=0" "WorkingDirectory=/usr"
        shows home pwd "User=$(id -un)" "WorkingDirectory=~"
        shows missing pwd "WorkingDirectory=-/nowhere/at/all"
        service refused "ExecStart=/bin/true" "WorkingDirectory=/nowhere/at/all" "Restart=no"
        start_daemon
        wait_file "$W/these"
        assert_eq "$(tr '\n' ' ' <"$W/these")" "0037 7 987 0 /usr "
        wait_file "$W/home"
        assert_eq "$(cat "$W/home")" "$(getent passwd "$(id -u)" | cut -d: -f6)"
        wait_file "$W/missing"
        assert_eq "$(cat "$W/missing")" /
        wait_state /refused failed
        assert_eq "$(field /refused .last_reason)" spawn:CHDIR:ENOENT
        stop_daemon 0
}

@test "RootDirectory= is the root of all the process sees" {
        skip_unless root
        [ -L /lib ] || skip "needs a merged /usr to have a shell inside of it"
        service inside "RootDirectory=/usr" "ExecStart=/bin/sh -c 'echo /*; exec sleep 1000'"
        start_daemon
        wait_for "$PATIENCE" said /inside "/bin "
        run ctl logs /inside
        assert_output_has "/share"
        refute_output_has "/proc"
        stop_daemon 0
}
said() { ctl logs "$1" | grep -q -- "$2"; }

@test "Environment=, EnvironmentFile=, PassEnvironment=, UnsetEnvironment=: who wins" {
        printf '%s\n' '# a comment' 'B=file' "C='with  blanks'" 'D="$B"' 'E=gone' 'F=kept' >"$W/file.env"
        unit env.service <<-U
                [Service]
                Environment=A=plain B=unit "Q=two words"
                EnvironmentFile=$W/file.env
                EnvironmentFile=-$W/nowhere.env
                PassEnvironment=PASSED NOT_THERE A
                UnsetEnvironment=E F=other
                ExecStart=/bin/sh -c 'env >$W/env.part; mv $W/env.part $W/env; exec sleep 1000'
	U
        PASSED=through A=daemon SECRET=no start_daemon
        wait_file "$W/env"
        run cat "$W/env"
        for line in A=plain B=file "C=with  blanks" 'D=$B' F=kept "Q=two words" PASSED=through; do
                grep -qxF -- "$line" "$W/env" || { echo "not there: $line"; return 1; }
        done
        refute_output_has "SECRET"
        refute_output_has "NOT_THERE"
        refute_output_has "E=gone"
        stop_daemon 0
        sed -i 's/=-/=/' "$W/units/env.service"
        sed -i 's/ExecStart/Restart=no\n&/' "$W/units/env.service"
        start_daemon
        wait_state /env failed
        run ctl why /env
        assert_output_has "env.service:4"
        stop_daemon 0
}

@test "RuntimeDirectory= and its kin: made with their modes, for the user, and told; the first goes, the others stay" {
        local owner=root user=() name
        if [ "$(id -u)" = 0 ]; then owner=nobody user=("User=nobody"); chmod 777 "$W"; else owner=$(id -un); fi
        name=coppice-test-${W##*.}
        mkdir "$W/xdg" "$W/home"
        export XDG_RUNTIME_DIR=$W/xdg XDG_CONFIG_HOME=$W/xdg HOME=$W/home
        # /etc is not for a test to write to: configuration only where it lies elsewhere.
        [ "$(id -u)" = 0 ] || user+=("ConfigurationDirectory=$name/c" "ConfigurationDirectoryMode=0740")
        shows dirs 'for d in "$RUNTIME_DIRECTORY" "$STATE_DIRECTORY" "$CACHE_DIRECTORY" "$LOGS_DIRECTORY" $CONFIGURATION_DIRECTORY; do
                       IFS=:; for e in $d; do stat -c "%a %U %n" "$e"; : >"$e/proof" || echo "$e: not ours"; done; unset IFS; done' \
                "RuntimeDirectory=$name/r $name-two" "RuntimeDirectoryMode=0710" "StateDirectory=$name/s" "StateDirectoryMode=0700" \
                "CacheDirectory=$name/ca" "CacheDirectoryMode=0750" "LogsDirectory=$name/l" "LogsDirectoryMode=2770" UMask=0077 "${user[@]}"
        start_daemon
        wait_file "$W/dirs"
        local modes="710 710 700 750 2770" paths
        [ "$(id -u)" = 0 ] || modes+=" 740"
        cat "$W/dirs"
        assert_eq "$(cut -d' ' -f1 "$W/dirs" | tr '\n' ' ')" "$modes "
        assert_eq "$(cut -d' ' -f2 "$W/dirs" | sort -u)" "$owner"
        mapfile -t paths < <(cut -d' ' -f3 "$W/dirs")
        ctl stop /dirs
        [ ! -e "${paths[0]}" ]
        [ ! -e "${paths[1]}" ]
        [ -e "${paths[2]}/proof" ] && [ -e "${paths[3]}/proof" ] && [ -e "${paths[4]}/proof" ]
        stop_daemon 0
        local p; for p in "${paths[@]:2}"; do rm -rf "${p%/*}"; done
}

@test "ConfigurationDirectory= belongs to root and has its mode" {
        skip_unless root
        skip_unless unshare
        # An /etc of its own for the daemon: nothing of this machine is touched.
        unshare --mount true 2>/dev/null || skip "needs the right to make a mount namespace"
        cp -a /etc/passwd /etc/group "$W/state"
        printf '#!/bin/sh\nmkdir %s/etc; cp -a %s/state/passwd %s/state/group %s/etc\nmount --bind %s/etc /etc\nexec "$@"\n' \
                "$W" "$W" "$W" "$W" "$W" >"$W/own-etc"
        chmod 755 "$W/own-etc"
        shows config 'stat -c "%a %U %n" "$CONFIGURATION_DIRECTORY"' "ConfigurationDirectory=web/conf" "ConfigurationDirectoryMode=0751" "User=nobody"
        chmod 777 "$W"
        DAEMON_WRAPPER="unshare --mount $W/own-etc" start_daemon
        wait_file "$W/config"
        assert_eq "$(cat "$W/config")" "751 root /etc/web/conf"
        stop_daemon 0
}

@test "StandardInput=, StandardOutput=, StandardError=: files, appended, truncated, the same, null" {
        echo "from a file" >"$W/in"
        echo old >"$W/append"; echo older >"$W/trunc"
        service files "StandardInput=file:$W/in" "StandardOutput=append:$W/append" "StandardError=truncate:$W/trunc" \
                "ExecStart=/bin/sh -c 'cat; echo oops >&2; : >$W/done.files; exec sleep 1000'"
        service same "StandardOutput=file:$W/both" "ExecStart=/bin/sh -c 'echo out; echo err >&2; : >$W/done.same; exec sleep 1000'"
        service null "StandardOutput=null" "StandardError=file:$W/err" \
                "ExecStart=/bin/sh -c 'exec 3>&1; readlink /proc/self/fd/0 /proc/self/fd/3 >&2; : >$W/done.null; exec sleep 1000'"
        start_daemon
        for name in files same null; do wait_file "$W/done.$name"; done
        assert_eq "$(cat "$W/append")" "$(printf 'old\nfrom a file')"
        assert_eq "$(cat "$W/trunc")" oops
        assert_eq "$(cat "$W/both")" "$(printf 'out\nerr')"
        assert_eq "$(cat "$W/err")" "$(printf '/dev/null\n/dev/null')"
        stop_daemon 0
}

@test "StandardInput=fd:NAME and StandardOutput=fd:NAME are the stored descriptors of that name, data and all" {
        script keeps <<-SH
                exec 5>>$W/kept
                $TELL --fd 5 --barrier FDSTORE=1 FDNAME=channel
                exec 6<>$W/pipe
                echo what waited >&6
                $TELL --fd 6 --barrier READY=1 FDSTORE=1 FDNAME=pipe
                exec sleep 1000
	SH
        mkfifo "$W/pipe"
        # The first life stores them under another unit file; after the reload the next one uses them.
        service web "Type=notify" "NotifyAccess=all" "ExecStart=$W/keeps" "RestartSec=0"
        start_daemon
        wait_state /web running
        service web "StandardInput=fd:pipe" "StandardOutput=fd:channel" "RestartSec=0" \
                "ExecStart=/bin/sh -c 'read line; echo through the store: \$\$line; exec sleep 1000'"
        ctl daemon-reload
        ctl exit /web exit:1
        wait_line "$W/kept" "through the store: what waited"
        stop_daemon 0
}

@test "StandardInput=tty, StandardOutput=tty and TTYPath=: the terminal is the service's own" {
        skip_unless python3
        python3 -c 'import pty; pty.openpty()' 2>/dev/null || skip "needs a terminal: is devpts mounted?"
        cat >"$W/terminal.py" <<-'PY'
		import os, pty
		master, slave = pty.openpty()
		open("name.part", "w").write(os.ttyname(slave))
		os.rename("name.part", "name")
		os.write(master, b"typed\n")
		screen = open("screen", "wb", buffering=0)
		while True:
		    screen.write(os.read(master, 4096))
	PY
        (cd "$W" && exec python3 terminal.py) 3>&- & local terminal=$!
        wait_file "$W/name"
        service shell "StandardInput=tty" "StandardOutput=tty" "TTYPath=$(cat "$W/name")" \
                "ExecStart=/bin/sh -c 'read line; echo got \$\$line; tty </dev/tty && echo controlled; exec sleep 1000'"
        start_daemon
        wait_line "$W/screen" "got typed"
        wait_line "$W/screen" "controlled"
        stop_daemon 0
        kill "$terminal"
        wait "$terminal" || :
}

@test "H10: escapes of a name stay as they are in paths and groups, and lead nowhere; %I undoes them" {
        unit 'web@.service' <<-U
		[Service]
		ExecStart=/bin/sh -c 'echo "\$\$@"; exec sleep 1000' sh %i %I %f
	U
        unit root.supervisor <<<$'[Supervisor]\nChildren=web@\\x2e\\x2e\\x2fa\\x2db.service'
        start_daemon
        wait_state '/web@\x2e\x2e\x2fa\x2db' running
        local dir="$W/logs/web@\\x2e\\x2e\\x2fa\\x2db"
        wait_for "$PATIENCE" grep -qF '\x2e\x2e\x2fa\x2db ../a-b /../a-b' "$dir/current"
        run ctl restart 'web@\x2e\x2e\x2fa\x2db.service'
        assert_status 0
        run ctl status 'web@a\b'
        assert_status 3
        stop_daemon 0
}

@test "%-specifiers, quoting, prefixes and variables of a command line reach the program" {
        script args <<-SH
                for a; do echo "[\$a]"; done >$W/args.part
                echo "\$0" >>$W/args.part
                mv $W/args.part $W/args
                exec sleep 1000
	SH
        unit 'web@.service' <<-U
                [Service]
                Environment="LIST=one two" WORD=%i
                ExecStart=$W/args %p %i %n 'a b' "c\x20d" \$LIST \${LIST} pre\${WORD}post \$\$HOME %% "" \$NONE
	U
        unit root.supervisor <<<$'[Supervisor]\nChildren=web@blue.service\nEscalation=isolate'
        start_daemon
        wait_file "$W/args"
        assert_eq "$(tr '\n' ' ' <"$W/args")" "[web] [blue] [web@blue.service] [a b] [c d] [one] [two] [one two] [prebluepost] [\$HOME] [%] [] $W/args "
        stop_daemon 0
}
