# spawner.py FILE N: a service that spawns N children, one after the other, linked to it and watched, each of which writes its
# number into FILE and ends with status 3; TrapExit=yes. Says in FILE.said what is not exactly as it should be, then "end". A
# request that nobody has taken, because the engine was killed as it lay in its hands, is made again.
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


open(file, "a").close()
for i in range(count):
    name = "w%d" % i
    while True:
        box.send(("CALL=spawn\nREF=%s\nNAME=%s\nVALUE=link,monitor\n\n\nsh\0-c\0echo %s >>%s; exit 3\0" % (name, name, name, file)).encode())
        while len(heard.get(name, ())) < 3 and hear(4):
            pass
        if heard.get(name) or name in lines():
            break
        out.write("again %s\n" % name)
    got = sorted(heard.get(name, ()))
    if got != ["DONE:ok", "DOWN:exit:3", "EXIT:exit:3"]:
        out.write("wrong %s %s\n" % (name, got))
while hear(0.2):
    pass
for name in sorted(heard):
    if len(heard[name]) != 3:
        out.write("more %s %s\n" % (name, heard[name]))
for i in range(count):
    n = lines().count("w%d" % i)
    if n != 1:
        out.write("ran %d times: w%d\n" % (n, i))
out.write("end\n")
hear(1000)
