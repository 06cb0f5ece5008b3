"""What clients can do to the control socket (FAILURES G), one after the other; after each the daemon must still answer."""
import array
import json
import os
import random
import socket
import sys
import time

PATH = sys.argv[1]
CALL = b'{"method":"io.coppice.Manager.Status","parameters":{"node":"/web"}}\0'
LIST = b'{"method":"io.coppice.Manager.List"}\0'


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(PATH)
    s.settimeout(20)
    return s


def answer(s):
    data = b""
    while b"\0" not in data:
        part = s.recv(65536)
        if not part:
            return None
        data += part
    return json.loads(data.split(b"\0")[0])


def answers():
    s = connect()
    s.sendall(CALL)
    a = answer(s)
    assert a and a["parameters"]["status"]["state"] in ("running", "starting", "backoff"), a
    s.close()


def closed(s):
    try:
        while s.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


def idle_crowd():
    crowd, begin = [connect() for _ in range(300)], time.monotonic()
    answers()
    assert time.monotonic() - begin < 15
    served = 0
    for s in crowd:
        try:
            s.sendall(CALL)
            a = answer(s)
            served += bool(a and "error" not in a)
        except OSError:
            pass
        s.close()
    assert 1 <= served <= 20, served


def dribble():
    s, begin = connect(), time.monotonic()
    s.sendall(b'{"method"')
    assert closed(s)
    took = time.monotonic() - begin
    assert 4 < took < 19, took


def never_reads():
    s = connect()
    s.setblocking(False)
    try:
        for _ in range(200000):
            s.send(LIST)
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        pass
    answers()
    s.close()


def too_long():
    s = connect()
    try:
        s.sendall(b'{"method":"' + b"x" * 70000)
    except OSError:
        pass
    assert closed(s)


def noise():
    rng = random.Random(7)
    for n in range(300):
        s = connect()
        data = bytearray(CALL if n % 2 else rng.randbytes(rng.randrange(1, 500)))
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            s.sendall(bytes(data) + b"\0")
        except OSError:
            pass
        s.close()


def leave_early():
    for method in ("Restart", "Await", "Stop", "Start", "LogInfo", "Events"):
        for n in range(20):
            s = connect()
            params = {"node": "/web"} if method == "LogInfo" else {} if method == "Events" else {"nodes": ["/web"]}
            s.sendall(json.dumps({"method": "io.coppice.Manager." + method, "parameters": params,
                                  "more": method == "Events"}).encode() + (b"\0" if n % 3 else b""))
            s.close()
    s = connect()
    s.sendall(b'{"method":"io.coppice.Manager.Start","parameters":{"nodes":["/web"]}}\0')
    assert "parameters" in answer(s)


def descriptors():
    s, r = connect(), os.pipe()
    s.sendmsg([CALL], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [r[1]]))])
    assert closed(s)
    os.close(r[1])
    assert os.read(r[0], 1) == b"", "the daemon has kept the descriptor"


def flood():
    s = connect()
    s.sendall(CALL * 200)
    got = b""
    while got.count(b"\0") < 200:
        answers() if got.count(b"\0") == 0 else None
        part = s.recv(65536)
        assert part
        got += part


for name, attack in (("G1", idle_crowd), ("G2", dribble), ("G3", never_reads), ("G4", noise), ("G5", too_long),
                     ("G7", leave_early), ("G8", descriptors), ("G11", flood)):
    attack()
    answers()
    print(name, attack.__name__, "ok")
