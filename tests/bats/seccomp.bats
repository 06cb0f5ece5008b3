# Filters of system calls, seen in processes that have them (FAILURES E2 to E6, E20, E21).

load lib

setup()    { world; CALL=$BUILD/tests/programs/call; }
teardown() { end_world; }

# filtered NAME "ARGUMENTS OF call" LINE...: a oneshot service that makes these calls under a filter.
filtered() {
        local name=$1 calls=$2; shift 2
        service "$name" Type=oneshot Restart=no StandardOutput=file:"$W/$name.txt" "ExecStart=$CALL $calls" "$@"
}
# ran NAME: start it and wait for its end.
ran() { ctl start "$1" >/dev/null 2>&1 || :; wait_for "$PATIENCE" at_rest "/$1"; }
at_rest() { [[ $(state_of "$1" 2>/dev/null) =~ ^(finished|failed|inactive)$ ]]; }
reason_of() { field "$1" .last_reason; }

@test "E3: a call outside the list ends the process, and the reason names the call" {
        filtered a "getpid keyctl,0 getpid" SystemCallFilter=@system-service SystemCallFilter=~@keyring
        start_daemon
        ran a
        assert_eq "$(reason_of /a)" seccomp:keyctl
        assert_eq "$(cat "$W/a.txt")" "getpid ok"
        run ctl status a
        assert_output_has "seccomp:keyctl"
        wait_line "$W/daemon.log" "/a: SECCOMP: call\[[0-9]*\] used the system call keyctl, which its filter forbids: ended"
}

@test "E2: a call in a second thread ends the whole process" {
        filtered a "-t keyctl,0" SystemCallFilter=@system-service SystemCallFilter=~@keyring
        start_daemon
        ran a
        assert_eq "$(reason_of /a)" seccomp:keyctl
        refute_end a
}
refute_end() { ! grep -q end "$W/$1.txt"; }

@test "E4: a program that raises SIGSYS itself is not called seccomp" {
        filtered a "-sys" SystemCallFilter=@system-service
        start_daemon
        ran a
        assert_eq "$(reason_of /a)" signal:SYS
}
