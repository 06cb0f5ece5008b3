# wild.py - everything at once, at random: what nobody would think of asking for in this order.
#
#     wild.py units DIR SEED                      write the first unit files into DIR/units
#     wild.py drive DIR DAEMON SECONDS SEED       new unit files, commands, clients that are stopped or killed, kills of the engine
#     wild.py serve SEED                          a service: calls of every kind into its mailbox, most of them refused
#
# Nothing is expected of an answer. What is expected is that nobody dies who was not killed: that is for the test to see.
import os, random, shutil, signal, socket, subprocess, sys, time

SERVICES = {"a": None, "b": None, "c": None, "d": None, "e": "g.supervisor", "f": "g.supervisor", "x@1": None}
NODES = list(SERVICES) + ["g", "q", "nope"]
CHANNELS = ["ch0", "ch1", "q"]
CLIENTS_MAX = 12
any_of = random.choice


def number(most):
    return random.randint(0, most)


# --- a service ----------------------------------------------------------------------------------------------------------


def call(kind, *lines, body=""):
    return "CALL=%s\n%s%s\n%s" % (kind, "".join(line + "\n" for line in lines if line), any_of(["", "REF=r%d\n" % number(20)]), body)


def message():
    node, channel, ref = "NODE=" + any_of(NODES), "CHANNEL=" + any_of(CHANNELS), "VALUE=r%d" % number(20)
    name = "NAME=n%d" % number(5)
    return any_of([
        lambda: "TO=%s\n%s\nhello" % (any_of(NODES), any_of(["", "REF=r%d\n" % number(20), "SYNC=taken\n", "TIMEOUT_USEC=0\n",
                                                          "AFTER_USEC=%d\n" % number(400000)])),
        lambda: call("link", node), lambda: call("unlink", node), lambda: call("monitor", node),
        lambda: call("demonitor", any_of([node, ref])), lambda: call("trap-exit", any_of(["VALUE=yes", "VALUE=no"])),
        lambda: call("exit", node, "REASON=" + any_of(["normal", "killed", "exit:3", "shutdown", "signal:SEGV"])),
        lambda: call("event", "VALUE=e%d" % number(9)), lambda: call("register", name, any_of(["", node])),
        lambda: call("unregister", name), lambda: call("receive", channel, "TIMEOUT_USEC=%d" % number(300000)),
        lambda: call("channel-create", channel, body=any_of(["", "Capacity=2\n", "Acknowledge=yes\n", "Overflow=drop-oldest\nCapacity=1\n"])),
        lambda: call("channel-close", channel), lambda: call("ack", "CHANNEL=q", "ACK=%d" % number(30)), lambda: call("cancel", ref),
        lambda: call("spawn", any_of(["", "VALUE=link", "VALUE=monitor", "VALUE=link,monitor"]),
                     body="\n" + any_of(["true\0", "false\0", "timeout\0" "0.1\0sleep\0" "1000\0", "timeout\0" "1\0sleep\0" "1000\0"])),
        lambda: call("select", "TIMEOUT_USEC=%d" % number(200000), body="\n".join(CHANNELS)),
    ])()


def try_to(what, *args):
    try:
        return what(*args)
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        return None


def serve():
    box = socket.socket(fileno=int(os.environ["COPPICE_MAILBOX"]))
    box.setblocking(False)
    random.seed(" ".join([SEED, os.environ["COPPICE_NODE"], os.environ["COPPICE_INCARNATION"]]))
    end = time.monotonic() + .3 + 3 * random.random()
    while time.monotonic() < end:
        for _ in range(number(30)):
            fds = [0] * number(4) if random.random() < .1 else []
            try_to(socket.send_fds, box, [message().encode()], fds)
        for _ in range(number(40)):
            got = try_to(box.recv, 70000)
            if got and random.random() < .05:
                try_to(box.send, b"CALL=return\n\n" + got)
        time.sleep(.02 * random.random())
    os._exit(any_of([0, 0, 1, 3]))


# --- unit files ---------------------------------------------------------------------------------------------------------


def write(where, name, text):
    path = os.path.join(where, name)
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)


def write_units(where):
    for name in os.listdir(where):
        path = os.path.join(where, name)
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    spawns = "[Supervisor]\nMaxRestarts=100000\nAllowSpawn=root-command command\n"
    write(where, "root.supervisor", spawns + "Escalation=isolate\nMaxChildren=20\n")
    write(where, "g.supervisor", spawns)
    for name, supervisor in SERVICES.items():
        if random.random() < .2:
            continue
        more = any_of(["", "TrapExit=yes\n", "MailboxKeep=yes\n", "MailboxCapacity=3\n"] +
                      ["MailboxOverflow=%s\n" % how for how in ("block", "reject", "drop-oldest", "drop-newest")])
        more += "" if supervisor else any_of(["", "LinkTo=a.service\n", "Monitor=b.service\n"])
        write(where, name + ".service", "[Unit]\n%s[Service]\nMailbox=yes\nRestartSec=%dms\nTimeoutStopSec=1s\n%sExecStart=%s %s serve %s\n" %
              ("Supervisor=%s\n" % supervisor if supervisor else "", number(100), more, sys.executable + " -S -E", os.path.abspath(__file__),
               SEED))
    if random.random() < .8:
        write(where, "q.channel", "[Channel]\nType=message\nAcknowledge=%s\nCapacity=%d\n%s" %
              (any_of(["yes", "no"]), 1 + number(19), any_of(["", "To=a.service b.service\n"])))


# --- commands -----------------------------------------------------------------------------------------------------------

COMMANDS = """restart N|stop N|start N|start N|kill N|exit N exit:4|status N|list|tree|list --all|diff|why N|deaths N|graph|metrics|doctor
freeze N|thaw N|set N MailboxCapacity=5|reset-failed|run -- true|run -- timeout 1 sleep 1000|spawn -- timeout 0.2 sleep 1000|await N|await --ready N|logs -f N
send N hello|ask N hello|link N a|unlink N a|monitor N b|register N name|events|events --no-follow|events --snapshot
channel ls|channel try-receive q|channel receive q|channel select q ch0|channel peek q|channel tap q|channel tap ch0|channel close q
channel create ch0|daemon-reexec"""
COMMANDS = [line.split() for line in COMMANDS.replace("\n", "|").split("|")]


def kill_engine(init):
    for pid in open("/proc/%d/task/%d/children" % (init, init)).read().split():
        try:
            if open("/proc/%s/comm" % pid).read() == "coppice-engine\n":
                os.kill(int(pid), signal.SIGKILL)
        except OSError:
            pass


class Clients:
    def __init__(self):
        self.list = []

    def start(self, words):
        ctl = [os.environ["COPPICE_BUILD"] + "/coppicectl", "--timeout", "3s"]
        quiet = subprocess.DEVNULL
        self.list.append(subprocess.Popen(ctl + words, stdin=quiet, stdout=quiet, stderr=quiet))
        if random.random() < .2:
            any_of(self.list).send_signal(any_of([signal.SIGINT, signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT]))
        self.list = [c for c in self.list if c.poll() is None]
        while len(self.list) > CLIENTS_MAX:
            self.end(self.list.pop(0))

    def end(self, client):
        client.kill()
        client.wait()


def drive(where, init, seconds):
    clients = Clients()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        what = random.random()
        if what < .1:
            write_units(where)
            clients.start(["daemon-reload"])
        elif what < .16:
            kill_engine(init)
        else:
            clients.start([any_of(NODES) if word == "N" else word for word in any_of(COMMANDS)])
        time.sleep(.03 * random.random())
    for client in clients.list:
        clients.end(client)


if sys.argv[1] == "serve":
    SEED = sys.argv[2]
    serve()
elif sys.argv[1] == "units":
    SEED = sys.argv[3]
    random.seed(int(SEED))
    write_units(sys.argv[2] + "/units")
else:
    SEED = sys.argv[5]
    random.seed(int(SEED))
    drive(sys.argv[2] + "/units", int(sys.argv[3]), float(sys.argv[4]))
