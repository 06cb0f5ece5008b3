#!/usr/bin/env bats
# How a service says that it is ready, and what else it says.
load lib

setup()    { world; TELL=$BUILD/tests/programs/tell; }
teardown() { end_world; }

@test "Type=notify is running once it has said READY=1, not before" {
        mkfifo "$W/go"
        script late <<-SH
                read x <$W/go
                exec $TELL READY=1 'STATUS=ready to serve' -- /bin/sleep 1000
	SH
        service web "Type=notify" "ExecStart=$W/late"
        start_daemon
        wait_state /web starting
        knock "$W/go"
        wait_state /web running
        assert_eq "$(field /web .status_text)" "ready to serve"
        stop_daemon 0
}

@test "Type=notify that ends without READY=1 has not started" {
        service web "Type=notify" "ExecStart=/bin/true" "Restart=temporary"
        start_daemon
        wait_state /web failed
        stop_daemon 0
}

@test "NotifyAccess=main does not believe a child of the main process" {
        script web <<-SH
                $TELL --barrier READY=1
                : >$W/said
                exec sleep 1000
	SH
        service web "Type=notify" "ExecStart=$W/web"
        start_daemon
        wait_file "$W/said"
        assert_eq "$(state_of /web)" starting
        stop_daemon 0
}

@test "NotifyAccess=all believes it" {
        script web <<-SH
                $TELL --barrier READY=1
                exec sleep 1000
	SH
        service web "Type=notify" "NotifyAccess=all" "ExecStart=$W/web"
        start_daemon
        wait_state /web running
        stop_daemon 0
}

@test "NOTIFYACCESS= changes who is believed, until the service is started again" {
        mkfifo "$W/go"
        script web <<-SH
                $TELL --barrier READY=1
                cat $W/go
                exec sleep 1000
	SH
        service web "Type=notify" "ExecStart=$TELL NOTIFYACCESS=all -- $W/web"
        start_daemon
        wait_state /web running
        script web <<-SH
                exec sleep 1000
	SH
        ctl restart /web --no-block
        wait_state /web starting
        ctl stop /web
        stop_daemon 0
}

@test "STATUS=, ERRNO=, BUSERROR= and EXIT_STATUS= are shown" {
        service web "Type=notify" "ExecStart=$TELL READY=1 STATUS=half ERRNO=5 BUSERROR=org.example.Error.Half EXIT_STATUS=3 -- /bin/sleep 1000"
        start_daemon
        wait_state /web running
        run ctl status /web
        assert_output_has "half: EIO, org.example.Error.Half, exit status 3"
        run ctl status /web --json
        assert_json '.status_errno == 5 and .status_bus_error == "org.example.Error.Half" and .status_exit == 3'
        stop_daemon 0
}

@test "MAINPID= makes another process of the service the main one" {
        script web <<-SH
                sleep 1000 & child=\$!
                $TELL --barrier MAINPID=\$child READY=1
                exec sleep 1001
	SH
        service web "Type=notify" "NotifyAccess=all" "ExecStart=$W/web" "RestartSec=0"
        start_daemon
        wait_state /web running
        local pid; pid=$(pid_of /web)
        is_sleep() { [ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" = "sleep 1000 " ]; }
        wait_for "$PATIENCE" is_sleep   # the shell has told of it before it was one
        stop_daemon 0
}

@test "MAINPID= of a stranger is not believed" {
        service web "Type=notify" "ExecStart=$TELL MAINPID=$$ READY=1 -- /bin/sleep 1000"
        start_daemon
        wait_state /web running
        [ "$(pid_of /web)" != $$ ]
        stop_daemon 0
}

@test "a watchdog that is not fed ends the service" {
        service web "Type=notify" "WatchdogSec=200ms" "ExecStart=$TELL READY=1 -- /bin/sleep 1000" "Restart=temporary"
        start_daemon
        wait_state /web failed
        assert_eq "$(field /web .last_reason)" watchdog
        stop_daemon 0
}

@test "NotifyFd= is ready with a newline" {
        mkfifo "$W/go"
        script web <<-SH
                read x <$W/go
                echo text before is ignored >&5
                exec 5>&-
                exec sleep 1000
	SH
        service web "Type=notify" "NotifyFd=5" "ExecStart=$W/web"
        start_daemon
        wait_state /web starting
        knock "$W/go"
        wait_state /web running
        stop_daemon 0
}

@test "Type=exec has not started when the program is missing" {
        service web "Type=exec" "ExecStart=/nonexistent" "Restart=temporary"
        service ok "Type=exec" "ExecStart=/bin/sleep 1000"
        start_daemon
        wait_state /ok running
        wait_state /web failed
        assert_eq "$(field /web .last_reason)" "spawn:EXEC:ENOENT"
        stop_daemon 0
}

@test "a stored descriptor comes back to the next incarnation, once, however often it was stored" {
        script web <<-SH
                if [ "\${LISTEN_FDS:-0}" = 0 ]; then
                        exec 7<>$W/kept 8<$W/kept 9>&8
                        echo kept >&7
                        $TELL --fd 8 --barrier FDSTORE=1 FDNAME=again FDPOLL=0
                        $TELL --fd 9 --barrier FDSTORE=1 FDNAME=twice FDPOLL=0
                        exec $TELL --fd 7 --barrier FDSTORE=1 FDNAME=book FDPOLL=0 READY=1 -- /bin/sleep 1000
                fi
                echo "\$LISTEN_FDS \$LISTEN_FDNAMES \$(readlink /proc/\$\$/fd/3)" >$W/got.new; mv $W/got.new $W/got
                exec $TELL READY=1 -- /bin/sleep 1000
	SH
        service web "Type=notify" "NotifyAccess=all" "ExecStart=$W/web" "RestartSec=0"
        start_daemon
        wait_state /web running
        local pid; pid=$(pid_of /web)
        kill -KILL "$pid"
        wait_restart /web "$pid"
        assert_eq "$(cat "$W/got")" "2 again:book $W/kept"
        stop_daemon 0
}

@test "STOPPING=1, WATCHDOG=trigger, WATCHDOG_USEC= and EXTEND_TIMEOUT_USEC= do what sd_notify(3) says" {
        mkfifo "$W/go"
        script hang <<-SH
                read x <$W/go
                $TELL --barrier STOPPING=1
                exec sleep 1000
	SH
        script trigger <<-SH
                exec $TELL WATCHDOG=trigger -- /bin/sleep 1000
	SH
        service hang "Type=notify" "NotifyAccess=all" "Restart=no" "TimeoutStopSec=200ms" "ExecStart=$TELL READY=1 -- $W/hang"
        service trigger "Type=notify" "Restart=no" "ExecStart=$TELL READY=1 -- $W/trigger"
        service unfed "Type=notify" "Restart=no" "ExecStart=$TELL READY=1 WATCHDOG_USEC=200000 -- /bin/sleep 1000"
        service late "Type=notify" "TimeoutStartSec=30s" "ExecStart=$TELL EXTEND_TIMEOUT_USEC=7200000000 -- /bin/sleep 1000"
        start_daemon
        watch_events
        wait_state /hang running
        knock "$W/go"
        wait_event '.rule == "said_stopping" and .node == "/hang"'
        wait_state /hang failed
        assert_eq "$(field /hang .last_reason)" stop_timeout
        wait_state /trigger failed
        wait_state /unfed failed
        assert_eq "$(field /trigger .last_reason) $(field /unfed .last_reason)" "watchdog watchdog"
        run ctl events --since 0 --no-follow
        assert_output_has "asked for 2h more"
        assert_output_has "/unfed: no sign of life for 200ms, the time it had set with WATCHDOG_USEC=: ended"
        assert_eq "$(state_of /late)" starting
        stop_daemon 0
}

@test "FDSTOREREMOVE=1 takes out the descriptors of one name, the others come back" {
        script web <<-SH
                if [ "\${LISTEN_FDS:-0}" = 0 ]; then
                        exec 7<>$W/book 8<>$W/pen
                        $TELL --fd 7 --barrier FDSTORE=1 FDNAME=book FDPOLL=0
                        $TELL --fd 8 --barrier FDSTORE=1 FDNAME=pen FDPOLL=0
                        $TELL --barrier FDSTOREREMOVE=1 FDNAME=book
                fi
                exec $TELL READY=1 "STATUS=\${LISTEN_FDS:-0} \${LISTEN_FDNAMES:-none}" -- /bin/sleep 1000
	SH
        service web "Type=notify" "NotifyAccess=all" "ExecStart=$W/web" "RestartSec=0"
        start_daemon
        wait_state /web running
        assert_eq "$(field /web .status_text)" "0 none"
        local pid; pid=$(pid_of /web)
        kill -KILL "$pid"
        wait_restart /web "$pid"
        assert_eq "$(field /web .status_text)" "1 pen"
        stop_daemon 0
}

@test "READY=1 counts also when it arrives before the news of the process" {
        local i
        for i in {1..80}; do service "quick$i" "Type=notify" "ExecStart=$TELL READY=1 -- /bin/sleep 1000"; done
        start_daemon
        all_running() { [ "$(ctl list --json | jq '[.[] | select(.state == "running" and .path != "/")] | length')" = 80 ]; }
        wait_for "$PATIENCE" all_running
        stop_daemon 0
}

@test "helpers of a service are heard at once while it reloads, and while its PID file is waited for" {
        mkfifo "$W/go"
        script web <<-SH
                $TELL --barrier READY=1
                read x <$W/go
                $TELL --barrier RELOADING=1
                $TELL --barrier READY=1 STATUS=read
                exec sleep 1000
	SH
        script late <<-SH
                (until [ -e $W/forked ]; do read x <$W/go2; done; $TELL --barrier STATUS=settled; exec sleep 1000) & exit 0
	SH
        mkfifo "$W/go2"
        local go2
        exec {go2}<>"$W/go2"    # never waits for a reader: there is none if what is waited for is there already
        service web "Type=notify" "NotifyAccess=all" "ExecStart=$W/web"
        service late "Type=forking" "NotifyAccess=all" "PIDFile=$W/never.pid" "ExecStart=$W/late"
        start_daemon --stop-timeout=2s
        wait_state /web running
        knock "$W/go"
        wait_for "$PATIENCE" says /web read
        wait_state /web running
        wait_for "$PATIENCE" forked_off /late
        touch "$W/forked"; echo >&"$go2"
        wait_for "$PATIENCE" says /late settled
        assert_eq "$(state_of /late)" starting
        stop_daemon 0
}
says() { [ "$(field "$1" .status_text)" = "$2" ]; }
forked_off() { [ -z "$(field "$1" '.main_pid | select(. > 0)')" ]; }

@test "a control command cannot be named the main process" {
        script post <<-SH
                exec $TELL MAINPID=\$\$ STATUS=said -- /bin/true
	SH
        service web "NotifyAccess=all" "ExecStart=/bin/sleep 1000" "ExecStartPost=$W/post" "ExecStopPost=$W/post" "TimeoutStopSec=2s"
        start_daemon
        wait_state /web running
        wait_for "$PATIENCE" says /web said
        is_sleep() { [ "$(cat "/proc/$(pid_of /web)/comm")" = sleep ]; }
        wait_for "$PATIENCE" is_sleep
        ctl stop web
        assert_eq "$(state_of /web)" inactive
        stop_daemon 0
}
