# drift.py - cycles that leave nothing behind (FAILURES I9): what the daemon holds is the same after each part of them.
#
#     drift.py DIR DAEMON CYCLES      a cycle: a client connects; a service is killed and restarted, a transient service
#                                     runs to its end, a message is asked and answered, another is sent, the unit files
#                                     are read again with one changed, another new or gone, and a branch with a service
#                                     likewise; the client goes away
#     drift.py lives DIR DAEMON LIVES the services one, two and three (tests/programs/tally) end and are started again
#     drift.py answer                 a service that answers what it is asked
#
# The first part fills what is kept of the past (the newest records, ends of transient services, deaths); then come two
# parts of CYCLES / 2, each compared with what was there before it; of the lives the first part is a fifth. With COPPICE_SANITIZED memory is not compared.
import json, os, signal, socket, struct, sys, time

RECORDS, ENDS = 8192, 256  # what the engine keeps: core.h, engine.h
MEMORY = 64                # KiB that init and the engine may have more
WARM = 300                 # cycles
JOURNAL = 2 << 20          # bytes
PATIENCE = float(os.environ.get("COPPICE_TEST_PATIENCE", 60))  # seconds


class Client:
    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)
        self.s.settimeout(20)
        self.rest = b""

    def say(self, method, more=False, /, **parameters):
        call = {"method": "io.coppice.Manager." + method, "parameters": parameters, "more": more}
        self.s.sendall(json.dumps(call).encode() + b"\0")

    def hear(self):
        while b"\0" not in self.rest:
            data = self.s.recv(65536)
            assert data, "the daemon has closed the connection"
            self.rest += data
        frame, self.rest = self.rest.split(b"\0", 1)
        answer = json.loads(frame)
        assert "error" not in answer, answer
        return answer

    def call(self, method, /, **parameters):
        self.say(method, **parameters)
        return self.hear()["parameters"]

    def run(self, *command):
        self.say("SpawnTransient", True, command=command)
        answer = self.hear()
        while answer.get("continues"):
            answer = self.hear()
        return answer["parameters"]["exit_code"]


# What is done there is done by somebody else; this looks at what is held meanwhile.
class Place:
    def __init__(self, where, init):
        self.where, self.init, self.done = where, init, 0

    def client(self):
        return Client(self.where + "/run/control")

    # What must be the same, and what may differ a little.
    def same(self):
        found = {}
        for name, pid in programs(self.init).items():
            for fd in os.listdir("/proc/%d/fd" % pid):
                try:
                    what = name + " holds " + kind(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
                except FileNotFoundError:
                    continue
                found[what] = found.get(what, 0) + 1
        top = groups(self.stays())
        found["groups"] = sum(1 for _ in os.walk(top)) if top else 0
        return found

    # Whoever went away a moment ago may still have an end here: each look comes after an answer of the daemon.
    def settled(self, before=None):
        c = self.client()
        for _ in range(2000):
            rests = self.rests(c)
            found = self.same()
            if found == before or not before and rests:
                break
        c.s.close()
        return found


class World(Place):
    def __init__(self, where, init):
        super().__init__(where, init)
        self.lives = os.fdopen(os.open(where + "/lives", os.O_RDWR), "rb", buffering=0)  # here each life writes its pid
        self.pid = self.born()
        self.answers = self.client().call("Status", node="/answers")["status"]["main_pid"]

    def born(self):
        return int(self.lives.readline())

    def stays(self):
        return self.answers

    def write(self, name, text):
        with open(self.where + "/units/" + name, "w") as f:
            f.write(text)

    def change_units(self):
        odd = self.done % 2
        self.write("changes.service", "[Service]\nExecStart=/bin/true\nEnvironment=ODD=%d\nRestart=no\n" % odd)
        if odd:
            self.write("comes.service", "[Service]\nExecStart=/bin/true\nRestart=no\n")
            self.write("branch.supervisor", "[Supervisor]\nChildren=twig.service\n")
            self.write("twig.service", "[Service]\nExecStart=/bin/true\nRestart=no\nMailbox=yes\n")
        else:
            for name in "comes.service", "branch.supervisor", "twig.service":
                if os.path.exists(self.where + "/units/" + name):
                    os.unlink(self.where + "/units/" + name)

    def cycle(self):
        c = self.client()
        os.kill(self.pid, signal.SIGKILL)
        self.pid = self.born()
        assert c.run("/bin/sh", "-c", "exit 7") == 7
        assert c.call("Ask", message="TO=answers\n\nhello")["message"].endswith("\n\nhello")
        c.call("Send", message="TO=answers\n\nnobody answers this", taken=True)
        self.change_units()
        assert not c.call("DaemonReload")["problems"]
        c.s.close()
        self.done += 1

    def fill(self):
        c = self.client()
        for _ in range(ENDS):
            assert c.run("/bin/true") == 0
        for _ in range(RECORDS // 64):  # many requests on their way at once are answered one after the other
            for _ in range(64):
                c.say("Kill", nodes=["/answers"], signal="CONT")
            for _ in range(64):
                c.hear()
        assert c.call("Events", snapshot=True)["seq"] > RECORDS
        c.s.close()

    # What a cycle has started runs or, where it only comes and goes, has gone.
    def rests(self, c):
        states = [c.call("Status", node=node)["status"]["state"] for node in ("/killed", "/changes", "/comes", "/branch/twig")]
        return states == ["running", "finished", "finished", "finished"]


# The services that tally counts.
class Lives(Place):
    def __init__(self, where, init):
        super().__init__(where, init)
        self.tally = open(where + "/tally", "r+b", buffering=0)
        self.rest = os.open(where + "/rests", os.O_RDWR)
        self.pids = self.resting()

    # The pids of the three by their names, as soon as all of them rest. Each says its own when it runs; the engine hears of that
    # birth from init, perhaps a moment later.
    def resting(self):
        said = sorted(struct.unpack("q", os.read(self.rest, 8))[0] for _ in range(3))
        deadline = time.monotonic() + PATIENCE
        c = self.client()
        while True:
            status = {name: c.call("Status", node="/" + name)["status"] for name in ("one", "two", "three")}
            known = all(s["state"] == "running" and s["main_pid"] for s in status.values())
            if known or time.monotonic() > deadline:
                break
        c.s.close()
        pids = {name: s["main_pid"] for name, s in status.items()}
        assert known and said == sorted(pids.values()), (said, status)
        return pids

    def until(self, lives):
        self.tally.seek(8)
        self.tally.write(struct.pack("q", lives))
        for pid in self.pids.values():
            os.kill(pid, signal.SIGKILL)
        self.pids, self.done = self.resting(), lives

    def stays(self):
        return self.pids["one"]

    # Two answers later a client that went away before the first one has been seen to.
    def rests(self, c):
        states = [c.call("Status", node="/" + name)["status"]["state"] for name in self.pids]
        return states == ["running"] * 3


def programs(init):
    for _ in range(1000):  # the kernel leaves out some of the list when one of the others ends as it is read
        found = {"init": init}
        for pid in open("/proc/%d/task/%d/children" % (init, init)).read().split():
            try:
                name = open("/proc/%s/comm" % pid).read().strip()
            except OSError:  # it has just ended
                continue
            if name in ("coppice-engine", "coppice-logd"):
                found[name] = int(pid)
        if len(found) == 3:
            return found
    assert False, found


def kind(target):
    return target.split(":[")[0].split("/drift.")[0]


# The group that those of the services are in, "" without.
def groups(service):
    mounts = [line.split()[1] for line in open("/proc/mounts") if line.split()[2] == "cgroup2"]
    own = [line[3:].strip() for line in open("/proc/%d/cgroup" % service) if line.startswith("0::")]
    return os.path.dirname(mounts[0] + own[0]) if mounts and own and "coppice-" in own[0] else ""


# In KiB and only what is the process's own: pages of the programs are shared with whoever else runs them.
def memory(pid):
    fields = dict(line.split(":") for line in open("/proc/%d/smaps_rollup" % pid).readlines()[1:])
    return sum(int(fields[name].split()[0]) for name in ("Pss_Anon", "Pss_Shmem"))


# What it takes: in front of the newest snapshot the file is a hole, so that its size says nothing.
def journal(engine):
    d, sizes = "/proc/%d/fd/" % engine, []
    for fd in os.listdir(d):
        try:
            if "coppice-journal" in os.readlink(d + fd):
                sizes.append(os.stat(d + fd).st_blocks * 512)
        except FileNotFoundError:  # the end of our own connection is closed about now
            pass
    return max(sizes)


def measure(world, before=None):
    found = world.settled(before and before[0])
    pids = programs(world.init)
    held = {name: memory(pids[name]) for name in ("init", "coppice-engine") if not os.environ.get("COPPICE_SANITIZED")}
    size = journal(pids["coppice-engine"])
    print("after %d cycles: KiB %s, journal %d bytes, descriptors %d, groups %d" %
          (world.done, held, size, sum(found.values()) - found["groups"], found["groups"]))
    return found, held, size


def compare(before, now):
    wrong = ["%s: %d, was %d" % (k, now[0].get(k, 0), before[0].get(k, 0))
             for k in sorted(before[0].keys() | now[0].keys()) if before[0].get(k) != now[0].get(k)]
    wrong += ["%s has %d KiB more" % (k, now[1][k] - before[1][k]) for k in now[1] if now[1][k] > before[1][k] + MEMORY]
    if now[2] > JOURNAL:
        wrong.append("the journal has %d bytes" % now[2])
    assert not wrong, wrong


def answer():
    box = socket.socket(fileno=int(os.environ["COPPICE_MAILBOX"]))
    while True:
        head, _, text = box.recv(70000).partition(b"\n\n")
        said = dict(line.split(b"=", 1) for line in head.split(b"\n"))
        if b"REF" in said:
            box.send(b"TO=%s\nREF=%s\n\n%s" % (said[b"FROM"], said[b"REF"], text))


def main(where, init, cycles):
    world = World(where, int(init))
    half = (int(cycles) + 3) // 4 * 2  # an even number: each second cycle takes back what the one before has done
    world.fill()
    for _ in range(WARM):
        world.cycle()
    before = measure(world)
    for _ in range(2):
        for _ in range(half):
            world.cycle()
        now = measure(world, before)
        compare(before, now)
        before = now


def lives(where, init, count):
    count = int(count)
    there = Lives(where, int(init))
    there.until(count // 5)
    before = measure(there)
    for part in 3, 5:
        there.until(count * part // 5)
        now = measure(there, before)
        compare(before, now)
        before = now


if sys.argv[1] == "answer":
    answer()
elif sys.argv[1] == "lives":
    lives(*sys.argv[2:])
else:
    main(*sys.argv[1:])
