"""A Varlink client made from nothing but the interface file: reads it, calls every method that only looks, and checks
each reply against the declared types. Then a few that change something. Python's standard library only."""
import json
import re
import socket
import sys

TOKEN = re.compile(r"#[^\n]*|\s+|(\[\]|\[string\]|->|[(),:?]|[A-Za-z][A-Za-z0-9_.]*)")


class Interface:
    def __init__(self, text):
        self.tokens = [m.group(1) for m in TOKEN.finditer(text) if m.group(1)]
        self.at, self.types, self.methods, self.errors = 0, {}, {}, {}
        self.expect("interface")
        self.name = self.take()
        while self.at < len(self.tokens):
            kind, name = self.take(), self.take()
            if kind == "type":
                self.types[name] = self.type()
            elif kind == "method":
                given = self.type()
                self.expect("->")
                self.methods[name] = (given, self.type())
            else:
                assert kind == "error", kind
                self.errors[name] = self.type()

    def take(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def peek(self):
        return self.tokens[self.at]

    def expect(self, what):
        got = self.take()
        assert got == what, (got, what)

    def type(self):
        t = self.take()
        if t == "?":
            return ("maybe", self.type())
        if t == "[]":
            return ("list", self.type())
        if t == "(":
            fields, names = {}, []
            while self.peek() != ")":
                name = self.take()
                if self.peek() == ":":
                    self.take()
                    fields[name] = self.type()
                else:
                    names.append(name)
                if self.peek() == ",":
                    self.take()
            self.take()
            return ("enum", names) if names else ("struct", fields)
        return ("name", t)

    def check(self, t, v, where):
        kind, arg = t
        if kind == "maybe":
            return v is None or self.check(arg, v, where)
        if kind == "list":
            assert isinstance(v, list), (where, v)
            for i, x in enumerate(v):
                self.check(arg, x, "%s[%d]" % (where, i))
        elif kind == "enum":
            assert v in arg, (where, v)
        elif kind == "struct":
            assert isinstance(v, dict), (where, v)
            for k in v:
                assert k in arg, "%s.%s is not in the interface" % (where, k)
            for k, field in arg.items():
                assert k in v or field[0] == "maybe", "%s.%s is missing" % (where, k)
                self.check(field, v.get(k), where + "." + k)
        elif arg in self.types:
            self.check(self.types[arg], v, where)
        else:
            want = {"string": str, "int": int, "bool": bool, "float": (int, float), "object": dict}[arg]
            assert isinstance(v, want) and (arg == "bool" or not isinstance(v, bool)), (where, arg, v)
        return True


class Client:
    def __init__(self, path, interface):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)
        self.s.settimeout(20)
        self.i, self.rest, self.called = interface, b"", set()

    def receive(self):
        while b"\0" not in self.rest:
            data = self.s.recv(65536)
            assert data, "closed"
            self.rest += data
        frame, self.rest = self.rest.split(b"\0", 1)
        return json.loads(frame)

    def raw(self, **call):
        self.s.sendall(json.dumps(call).encode() + b"\0")
        return self.receive()

    def reply(self, name, answer):
        self.called.add(name)
        if "error" in answer:
            error = answer["error"].rsplit(".", 1)[1]
            if answer["error"].startswith(self.i.name):
                self.i.check(self.i.errors[error], answer.get("parameters", {}), error)
            return error, answer.get("parameters")
        self.i.check(self.i.methods[name][1], answer["parameters"], name)
        return None, answer["parameters"]

    def call(self, method, /, **params):
        return self.reply(method, self.raw(method=self.i.name + "." + method, parameters=params))

    def more(self, name, **params):
        answer = self.raw(method=self.i.name + "." + name, parameters=params, more=True)
        while True:
            yield self.reply(name, answer)
            if not answer.get("continues"):
                return
            answer = self.receive()


def good(result):
    assert result[0] is None, result
    return result[1]


def claims(c):
    """A message is held for who has claimed it, until he says that it has arrived or goes away."""
    gone = Client(sys.argv[1], c.i)
    good(c.call("Send", message="TO=/jobs\n\none"))
    assert good(gone.call("ChannelReceive", channel="jobs", claim="first"))["message"].endswith("one")
    assert good(c.call("Channels", channel="jobs"))["channels"][0]["unacked"] == 1
    gone.s.close()
    assert good(c.call("ChannelReceive", channel="jobs", claim="second"))["message"].endswith("one")
    good(c.call("Send", message="TO=/jobs\n\ntwo"))
    good(c.call("Send", message="TO=/jobs\n\nthree"))
    waiting = good(c.call("ChannelPeek", channel="jobs"))["messages"]
    assert [m["message"][-5:].strip() for m in waiting] == ["two", "three"], waiting
    assert len(good(c.call("ChannelPeek", channel="jobs", count=1))["messages"]) == 1
    assert c.call("ChannelPeek", channel="jobs", count=0)[0] == "BadValue"
    for claim, body in (("second", "one"), ("third", "two"), ("fourth", "three")):
        assert good(c.call("ChannelReceive", channel="jobs", claim=claim))["message"].endswith(body)
        assert [good(c.call("ChannelTaken", claim=claim))["held"] for _ in range(2)] == [True, False]
    for word in ("", "x" * 48):
        assert c.call("ChannelReceive", channel="jobs", claim=word)[0] == "BadValue"
    facts = good(c.call("Channels", channel="jobs"))["channels"][0]
    assert (facts["unacked"], facts["waiting"], facts["redelivered"]) == (0, 0, 1), facts
    too_many_claims(c)


def too_many_claims(c):
    many = Client(sys.argv[1], c.i)
    for i in range(16):
        good(c.call("Send", message="TO=/jobs\n\nn%02d" % i))
        assert good(many.call("ChannelReceive", channel="jobs", claim="w%d" % i))["message"].endswith("n%02d" % i)
    good(c.call("Send", message="TO=/jobs\n\nn16"))
    refused = many.call("ChannelReceive", channel="jobs", claim="w16")
    assert refused[0] == "Failed" and "16 messages" in refused[1]["message"], refused
    assert good(many.call("ChannelReceive", channel="jobs", claim="w0"))["message"].endswith("n00")
    good(many.call("ChannelTaken", claim="w0"))
    assert good(many.call("ChannelReceive", channel="jobs", claim="w16"))["message"].endswith("n16")
    many.s.close()
    for i in range(1, 17):
        assert good(c.call("ChannelReceive", channel="jobs"))["message"].endswith("n%02d" % i)


def main():
    path, file = sys.argv[1:]
    text = open(file).read()
    i = Interface(text)
    c = Client(path, i)
    info = c.raw(method="org.varlink.service.GetInfo")["parameters"]
    assert sorted(info["interfaces"]) == ["io.coppice.Manager", "org.varlink.service"], info
    told = c.raw(method="org.varlink.service.GetInterfaceDescription", parameters={"interface": i.name})
    assert told["parameters"]["description"] == text, "the daemon tells another interface than the file"

    good(c.call("Version"))
    nodes = good(c.call("List"))["nodes"]
    # Their states go on changing: the same nodes in the same order is what two questions have in common.
    assert [n["path"] for _, p in c.more("List") for n in p["nodes"]] == [n["path"] for n in nodes]
    good(c.call("List", under="/shop", states=["running"]))
    good(c.call("Tree"))
    assert len([n for _, p in c.more("Tree") for n in p["nodes"]]) == len(nodes)
    for n in nodes:
        for method in ("Status", "Show", "Cat", "Why", "Deaths"):
            good(c.call(method, node=n["path"]))
        if n["type"] == "service":
            good(c.call("Explain", node=n["path"]))
            good(c.call("Seccomp", node=n["path"]))
            good(c.call("LogInfo", node=n["path"]))
        else:
            assert c.call("LogInfo", node=n["path"])[0] == "BadValue"
    good(c.call("Graph"))
    good(c.call("Diff"))
    assert good(c.call("Doctor"))["environment"]
    good(c.call("Events", since=0))
    stream = Client(path, i)
    events = stream.more("Events", snapshot=True)
    first = good(next(events))
    assert len(first["nodes"]) == len(nodes)
    for method in ("Restart", "Stop", "Start", "Kill", "Freeze", "Thaw", "Reload"):
        good(c.call(method, nodes=["/web"]))
    seen = good(next(events))["records"]
    while not any(r["node"] == "/web" and r["to"] == "running" for r in seen):
        seen += good(next(events))["records"]
    assert [r["seq"] for r in seen] == list(range(first["seq"] + 1, first["seq"] + 1 + len(seen))), "a gap after the snapshot"
    good(c.call("Exit", node="/web", reason="exit:7", no_block=True))
    good(c.call("Await", nodes=["/web"], until="running"))
    good(c.call("ResetFailed"))
    good(c.call("LogLevel"))
    good(c.call("DaemonReload"))
    assert c.call("DaemonReexec", binary="coppice-engine")[0] == "BadValue"
    assert c.call("DaemonReexec", binary="/nowhere/coppice-engine")[0] == "Failed"
    assert good(c.call("Set", node="/web", assignments=["RestartSec=200ms"], runtime=True))["changes"][0]["directive"] == "RestartSec"
    replies = [good(r) for r in c.more("SpawnTransient", command=["/bin/sh", "-c", "exit 5"], properties=["Nice=1"])]
    assert replies[0]["death"] is None and replies[-1]["exit_code"] == 5 and replies[-1]["death"]["reason"] == "exit:5"
    assert c.call("SpawnTransient", command=["/bin/true"], stdin=0)[0] == "BadValue"
    again = [good(r) for r in c.more("AttachTransient", node=replies[0]["node"])]
    assert again == replies[-1:]
    node = good(c.call("SpawnTransient", command=["/bin/sleep", "1000"]))["node"]
    other = Client(path, i)
    end = other.more("AttachTransient", node=node, keep=True)
    assert good(next(end))["exit_code"] is None
    good(c.call("Kill", nodes=[node], signal="USR1", whom="main"))
    assert good(next(end))["exit_code"] == 128 + 10

    good(c.call("Register", name="front", node="/web"))
    assert good(c.call("Whereis", name="front"))["path"] == "/web"
    assert [n["name"] for n in good(c.call("Registered"))["names"]] == ["front"]
    good(c.call("Unregister", name="front"))
    assert c.call("Monitor", node="/web", other="/web")[0] == "Refused", "it has no mailbox"
    good(c.call("Link", node="/web", other="/web", undo=True))
    assert c.call("Send", message="TO=/web\n\nhello")[0] not in (None, "InvalidParameter")
    assert c.call("Ask", message="TO=/web\n\nhello")[0] not in (None, "InvalidParameter")

    good(c.call("ChannelCreate", name="jobs", settings=["Capacity=2"]))
    assert all("/" not in u["unit"] for u in good(c.call("Units"))["units"])
    assert len(good(c.call("Channels"))["channels"]) == 1
    assert good(c.call("Send", message="TO=/jobs\n\nwork"))["count"] == 1
    assert good(c.call("ChannelReceive", channel="/jobs"))["message"].endswith("\n\nwork")
    claims(c)
    watcher, more = Client(sys.argv[1], c.i), Client(sys.argv[1], c.i)
    copies = watcher.more("ChannelTap", channel="jobs")
    assert good(next(copies))["message"] is None  # it listens
    more.call("ChannelCreate", name="other")
    more.call("Send", message="TO=other\n\nfirst")
    assert good(c.call("ChannelSelect", channels=["jobs", "other"]))["message"].startswith("CHANNEL=/other\n")
    assert c.call("ChannelSelect", channels=["jobs", "other"], **{"try": True})[0] == "Refused"
    good(more.call("Send", message="TO=jobs\n\nseen"))
    assert good(next(copies))["message"].endswith("\n\nseen")
    assert good(c.call("ChannelReceive", channel="jobs"))["message"].endswith("\n\nseen")
    # Who does not read is cut, and nobody waits for him.
    for _ in range(300):
        good(more.call("Send", message="TO=jobs\n\n" + "x" * 30000))
        good(c.call("ChannelReceive", channel="jobs"))
    assert good(list(copies)[-1])["missed"] > 0
    good(c.call("ChannelTap", channel="jobs"))
    c.called |= watcher.called | more.called
    good(c.call("ChannelClose", channel="/jobs"))
    good(c.call("ChannelClose", channel="/other"))

    assert c.call("Status", node="/nowhere")[0] == "NoSuchNode"
    assert c.call("Status")[0] == "InvalidParameter"
    assert c.call("Status", node="/web", path="/etc/shadow") == ("InvalidParameter", {"parameter": "path"})
    assert c.call("Kill", nodes=["/web"], signal="NOPE")[0] == "BadValue"
    assert c.raw(method="io.coppice.Manager.Nope")["error"] == "org.varlink.service.MethodNotFound"
    assert c.raw(method="io.nothing.Nope")["error"] == "org.varlink.service.InterfaceNotFound"
    missing = set(i.methods) - c.called - stream.called - {"Shutdown"}
    assert not missing, missing
    print("all replies are of the declared types")


main()
