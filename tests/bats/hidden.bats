# What /proc hides for a moment: whose process that is cannot be known then, and is not decided (FAILURES I2, H17).
load lib

setup() { world; }
teardown() { end_world; }

# Not as root, who may read everything, and so without control groups.
not_as_root() {
        skip_unless python3
        [ "$EUID" = 0 ] || { ! can_make_cgroup || skip "needs root: there are control groups, which hide nothing"; return 0; }
        skip_unless setpriv
        as_nobody test -x "$COPPICED" || skip "the build directory is not for other users"
        give_world_to_nobody
        DAEMON_WRAPPER="setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all --"
}

# What is not dumpable, like a program that nobody may read, has files in /proc that only root may open.
hider() {
        { echo '#!/usr/bin/env python3'
          echo 'import ctypes, fcntl, os, signal, socket, struct, subprocess, sys, termios, time'
          echo 'def shown(on): ctypes.CDLL(None).prctl(4, int(on))'
          cat; } >"$W/hider"
        chmod 755 "$W/hider"
}

@test "I2: what a process says that /proc hides for a moment is a service's word, not a stranger's" {
        hider <<'PY'
if os.fork():
    os.execv("/bin/sleep", ["sleep", "1000"])
box = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
box.connect(os.environ["NOTIFY_SOCKET"])
for _ in range(1000): # the engine may be kept from looking again for longer than it has patience
    shown(False)
    box.send(b"READY=1")
    while struct.unpack("i", fcntl.ioctl(box, termios.TIOCOUTQ, b"1234"))[0]:
        time.sleep(0.01)
    subprocess.run([sys.argv[1], "version"], check=True) # whoever answers this has looked whose the datagram is
    shown(True)
    time.sleep(2)
PY
        service web Type=notify NotifyAccess=all "Environment=COPPICE_SOCKET=$COPPICE_SOCKET" "ExecStart=$W/hider $CTL"
        not_as_root
        start_daemon
        wait_state /web running
        stop_daemon 0
}

@test "H17: with a damaged journal nothing is started beside a process whose service /proc hides for a moment" {
        hider <<'PY'
told = {signal.SIGUSR1, signal.SIGUSR2}
signal.pthread_sigmask(signal.SIG_BLOCK, told)
print("ready", flush=True)
while True:
    shown(signal.sigwait(told) == signal.SIGUSR1)
PY
        service web Type=exec "ExecStart=$W/hider"
        not_as_root
        export COPPICE_ENGINE_PAUSE_MAX_MS=1
        start_daemon
        wait_state /web running
        local web engine journal
        web=$(pid_of /web)
        wait_line "$W/logs/web/current" ready
        kill -USR2 "$web"
        hides() { [ "$(stat -c %u "/proc/$web/environ")" = 0 ]; }
        wait_for "$PATIENCE" hides
        engine=$(pgrep -P "$DAEMON" -x coppice-engine)
        [ "$engine" -gt 1 ]
        kill -STOP "$engine"
        journal=$(find "/proc/$engine/fd" -lname '/memfd:coppice-journal*' | head -n 1)
        printf 'X' | dd of="$journal" bs=1 seek=1000 conv=notrunc status=none
        kill -KILL "$engine"
        wait_line "$W/daemon.log" "find out what runs: process $web: "
        kill -USR1 "$web"
        wait_state /web running
        assert_eq "$(pid_of /web)" "$web"
        assert_eq "$(pgrep -c -f "python3 $W/hider")" 1
        stop_daemon 0
}
