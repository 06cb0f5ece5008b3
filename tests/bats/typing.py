"""What an interactive bash makes of keys and a TAB. Usage: typing.py COMPLETION KEYS...; prints the completed lines.
Environment: PATH with coppicectl first, $COPPICE_SOCKET."""
import os
import pty
import re
import signal
import sys

# Ctrl-G tells the line as it stands. What is typed here is never taken for what is waited for: quotes part it.
SETUP = r"""unset HISTFILE; source '%s'; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'
bind -x '"\C-g": printf "L""INE<%%s>\n" "$READLINE_LINE"'; PS1='REA''DY'
"""

signal.alarm(60)  # the test fails, and does not hang
os.environ["INPUTRC"] = "/dev/null"
pid, fd = pty.fork()
if pid == 0:
    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
seen = b""


def until(pattern):
    global seen
    while not (found := re.search(pattern, seen)):
        seen += os.read(fd, 4096)
    seen = seen[found.end():]
    return found.group(1).decode()


os.write(fd, os.fsencode(SETUP % sys.argv[1]))
until(b"(READY)")
for keys in sys.argv[2:]:
    os.write(fd, os.fsencode(keys) + b"\t\x07")
    print(until(b"LINE<(.*)>"))
    os.write(fd, b"\x15")
os.write(fd, b"exit\n")
os.waitpid(pid, 0)
