# mailbox.py DO OUT - a service of the mailbox tests, from the manual page alone and python's standard library: reads
# commands from the pipe DO, a line each, and writes what comes of them to the file OUT.
#
#     send KEY=VALUE... [:payload]          send a message
#     sendfd FILE KEY=VALUE... [:payload]   ... with FILE, opened for writing, beside it
#     raw TEXT                              send these bytes, each | a newline
#     bytes N                               send N bytes of nonsense
#     many N KEY=VALUE...                   send N messages with the payloads 1 ... N
#     press KEY=VALUE... [:BODY]            send one, reading and dropping what keeps coppice from taking it
#     cram N TEXT                           send these bytes N times, each | a newline, reading nothing, until nobody has
#                                           taken any for two seconds; write how many went
#     cramfd N FILE TEXT                    ... with FILE 16 times beside each, and more patience
#     receive                               wait for one message and write it in one line; into a file that came along
#                                           it writes who it is
#     until TEXT                            receive and write until a line has TEXT in it
#     take N                                receive N and write how many came in order of their payload
#     empty                                 write "empty" when there is none, else the message
#     sent                                  write how many send commands have returned
#     giveback KEY=VALUE... [:payload]      give a message back, to be read again first
#     exit N                                end with that status
import array, os, select, socket, sys

box = socket.socket(fileno=int(os.environ["COPPICE_MAILBOX"]))
out = open(sys.argv[2], "a", buffering=1)
sent = 0


def message(words):
    head = [w for w in words if not w.startswith(":")]
    payload = " ".join(w[1:] for w in words if w.startswith(":"))
    return ("".join(w + "\n" for w in head) + "\n" + payload).encode()


def receive(flags=0):
    data, control, _, _ = box.recvmsg(70000, socket.CMSG_SPACE(16 * 4), flags)
    fds = array.array("i")
    for level, kind, value in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(value[: len(value) // 4 * 4])
    head, _, payload = data.partition(b"\n\n")
    return head.decode(), payload.decode(), fds


def write(head, payload, fds):
    line = head.replace("\n", " ") + " :" + payload
    for fd in fds:
        line += " FDS=1"
        os.write(fd, ("written by " + os.environ["COPPICE_NODE"] + "\n").encode())
        os.close(fd)
    out.write(line + "\n")
    return line


def cram(n, text, files):
    room = select.poll()
    room.register(box, select.POLLOUT)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files).tobytes())] if files else []
    went = 0
    while went < n:
        try:
            box.sendmsg([text.replace("|", "\n").encode()], rights, socket.MSG_DONTWAIT)
            went += 1
        except BlockingIOError:
            if not room.poll(5000 if files else 2000):
                break
    out.write("crammed %d\n" % went)


commands = open(sys.argv[1], "r")
keep = open(sys.argv[1], "w")  # so that there is no end of file between two commands
while True:
    words = commands.readline().split()
    if not words:
        continue
    verb, words = words[0], words[1:]
    if verb == "send":
        box.send(message(words))
        sent += 1
    elif verb == "press":
        while True:
            try:
                box.send(message(words), socket.MSG_DONTWAIT)
                break
            except BlockingIOError:
                receive()
    elif verb == "sendfd":
        with open(words[0], "w") as file:
            rights = array.array("i", [file.fileno()]).tobytes()
            box.sendmsg([message(words[1:])], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    elif verb == "raw":
        box.send(" ".join(words).replace("|", "\n").encode())
    elif verb == "bytes":
        box.send(os.urandom(int(words[0])))
    elif verb == "many":
        for i in range(1, int(words[0]) + 1):
            box.send(message(words[1:] + [":" + str(i)]))
    elif verb == "giveback":
        box.send(b"CALL=return\n\n" + message(words))
    elif verb == "cram":
        cram(int(words[0]), " ".join(words[1:]), [])
    elif verb == "cramfd":
        file = os.open(words[1], os.O_RDWR)
        cram(int(words[0]), " ".join(words[2:]), [file] * 16)
        os.close(file)
    elif verb == "receive":
        write(*receive())
    elif verb == "until":
        while words[0] not in write(*receive()):
            pass
    elif verb == "take":
        good, last = 0, 0
        for _ in range(int(words[0])):
            number = int(receive()[1])
            good += number > last
            last = number
        out.write("took %d in order, last %d\n" % (good, last))
    elif verb == "empty":
        try:
            write(*receive(socket.MSG_DONTWAIT))
        except BlockingIOError:
            out.write("empty\n")
    elif verb == "sent":
        out.write("sent %d\n" % sent)
    elif verb == "exit":
        sys.exit(int(words[0]))
