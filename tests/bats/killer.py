# killer.py INIT FILE SEED: kill one engine of the daemon whose init is INIT after the other, each at another instant of its work,
# until FILE has a line "end"; says how many. Every other one has come as far as to answer: on a slow machine too all goes on.
import os, random, signal, socket, sys, time

init, file = sys.argv[1], sys.argv[2]
random.seed(int(sys.argv[3]))
killed, kills = 0, 0
deadline = time.monotonic() + 180


def engine():
    for pid in open("/proc/%s/task/%s/children" % (init, init)).read().split():
        try:
            if open("/proc/%s/comm" % pid).read().strip() == "coppice-engine":
                return int(pid)
        except OSError:
            pass
    return 0


def wait_for_answer():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    try:
        s.connect(os.environ["COPPICE_SOCKET"])
        s.sendall(b'{"method":"org.varlink.service.GetInfo"}\0')
        s.recv(1)
    except OSError:
        pass
    s.close()


def over():
    try:
        return "end\n" in open(file).readlines()
    except OSError:
        return False


while not over() and time.monotonic() < deadline:
    pid = engine()
    if not pid or pid == killed:
        continue
    if kills % 2:
        wait_for_answer()
    time.sleep(random.random() ** 2 * 0.1)
    os.kill(pid, signal.SIGKILL)
    killed, kills = pid, kills + 1
print(kills, "kills")
sys.exit(0 if over() else 1)
