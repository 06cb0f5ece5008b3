# killer.py INIT FILE SEED: kill one engine of the daemon whose init is INIT after the other, each at another instant of its work,
# until FILE has a line "end"; says how many.
import os, random, signal, sys, time

init, file = sys.argv[1], sys.argv[2]
random.seed(int(sys.argv[3]))
killed, kills = 0, 0
deadline = time.monotonic() + 60


def engine():
    for pid in open("/proc/%s/task/%s/children" % (init, init)).read().split():
        try:
            if open("/proc/%s/comm" % pid).read().strip() == "coppice-engine":
                return int(pid)
        except OSError:
            pass
    return 0


def over():
    try:
        return "end\n" in open(file).readlines()
    except OSError:
        return False


while not over() and time.monotonic() < deadline:
    pid = engine()
    if not pid or pid == killed:
        continue
    time.sleep(random.random() ** 2 * 0.1)
    os.kill(pid, signal.SIGKILL)
    killed, kills = pid, kills + 1
print(kills, "kills")
sys.exit(0 if over() else 1)
