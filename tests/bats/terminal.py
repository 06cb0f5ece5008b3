"""coppicectl run on a terminal: the command gets one of its own. Usage: terminal.py COPPICECTL ($COPPICE_SOCKET)"""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios

CTL = sys.argv[1]


class Session:
    def __init__(self, *command, size=(24, 80)):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # The shell's part: the size is there before anybody looks, and the settings are kept for later.
            os.read(0, 1)
            before = termios.tcgetattr(0)
            child = os.spawnv(os.P_WAIT, CTL, [CTL, "run", "--", *command])
            print("settings", "same" if termios.tcgetattr(0) == before else "changed", flush=True)
            os._exit(child if child >= 0 else 128 - child)
        self.seen = b""
        self.resize(*size)
        self.type(b"\n")

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text)

    def expect(self, text):
        while text not in self.seen:
            assert select.select([self.fd], [], [], 20)[0], (text, self.seen)
            try:
                more = os.read(self.fd, 4096)
            except OSError:
                more = b""
            assert more, (text, self.seen)
            self.seen += more
        self.seen = self.seen[self.seen.index(text) + len(text):]

    def ends(self, status):
        self.expect(b"settings same")
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        assert code == status, (code, status)
        os.close(self.fd)


def talks():
    s = Session("sh", "-c", "[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo a terminal; stty size; : >/dev/tty && echo ours; "
                "read -r x; echo \"got <$x>\"; exit 3", size=(33, 99))
    s.expect(b"a terminal")
    s.expect(b"33 99")
    s.expect(b"ours")
    s.type(b"hello\n")
    s.expect(b"got <hello>")
    s.ends(3)


def interrupts():
    s = Session("sh", "-c", "trap 'echo size $(stty size)' WINCH; echo ready; while :; do sleep 1000 & wait $!; done")
    s.expect(b"ready")
    s.resize(50, 132)
    s.expect(b"size 50 132")
    s.type(b"\x03")
    s.ends(130)


def leaves():
    s = Session("sh", "-c", "echo ready; exec sleep 1000")
    s.expect(b"ready")
    s.type(b"\x1d\x1d\x1d")
    s.ends(1)


def much():
    s = Session("seq", "50000")
    s.expect(b"\n49999\r\n50000\r\n")
    s.ends(0)


def end_of_input():
    s = Session("sh", "-c", "echo ready; exec cat")
    s.expect(b"ready") # by then our terminal is raw
    s.type(b"abc\n\x04")
    s.expect(b"abc\r\nabc\r\n")
    s.ends(0)


for test in (talks, interrupts, leaves, much, end_of_input):
    test()
    print(test.__name__, "ok")
