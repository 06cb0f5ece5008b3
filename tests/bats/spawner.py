# spawner.py FILE N: a service that spawns N children, one after the other, linked to it and watched, each of which writes its
# number into FILE and ends with status 3; TrapExit=yes. Says in FILE.said what is not exactly as it should be, then "end". A
# request that nobody has taken, because the engine was killed as it lay in its hands, is made again. Every fourth child is not
# tied to us; every third gets FILE as its standard output, all others open it.
import os, select, socket, sys

box = socket.socket(fileno=int(os.environ["COPPICE_MAILBOX"]))
file, count = sys.argv[1], int(sys.argv[2])
out = open(file + ".said", "a", buffering=1)
heard = {}  # what came about which child: name -> words


def hear(seconds):
    if not select.select([box], [], [], seconds)[0]:
        return False
    head = box.recv(66636).partition(b"\n\n")[0].decode()
    m = dict(line.split("=", 1) for line in head.split("\n"))
    if m["TOPIC"] == "EXIT":
        name = m["NODE"].rsplit("/", 1)[1]
    else:
        name = m["REF"]
    word = m["TOPIC"] + ":" + m.get("RESULT", m.get("REASON", ""))
    heard.setdefault(name, []).append(word)
    return True


def lines():
    with open(file) as f:
        return f.read().split()


def ask(i, name):
    tie, to = "" if i % 4 == 3 else "VALUE=link,monitor\n", "" if i % 3 == 2 else " >>" + file
    text = "CALL=spawn\nREF=%s\nNAME=%s\n%s\n\nsh\0-c\0echo %s%s; exit 3\0" % (name, name, tie, name, to)
    socket.send_fds(box, [text.encode()], [] if to else [nothing, given])


def expected(i):
    return ["DONE:ok"] if i % 4 == 3 else ["DONE:ok", "DOWN:exit:3", "EXIT:exit:3"]


open(file, "a").close()
nothing, given = os.open("/dev/null", os.O_RDONLY), os.open(file, os.O_WRONLY | os.O_APPEND)
for i in range(count):
    name = "w%d" % i
    while True:
        ask(i, name)
        while len(heard.get(name, ())) < len(expected(i)) and heard.get(name) != ["DONE:failed"] and hear(4):
            pass
        if heard.get(name) == ["DONE:failed"] and i % 3 == 2 and name not in lines():
            del heard[name]  # descriptors that were between two sockets: we are told, and nothing was begun
            out.write("again %s\n" % name)
            continue
        if heard.get(name) or name in lines():
            break
        out.write("again %s\n" % name)
    got = sorted(heard.get(name, ()))
    if got != expected(i):
        out.write("wrong %s %s\n" % (name, got))
while hear(0.2):
    pass
for name in sorted(heard):
    if len(heard[name]) != len(expected(int(name[1:]))):
        out.write("more %s %s\n" % (name, heard[name]))
for i in range(count):
    n = lines().count("w%d" % i)
    if n != 1:
        out.write("ran %d times: w%d\n" % (n, i))
out.write("end\n")
hear(1000)
