/* reap.c - exits, and signals to those who have not exited. See init.h. */
#include "init/init.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t usec(const struct timeval *t)
{
        return (uint64_t) t->tv_sec * 1000000U + (uint64_t) t->tv_usec;
}

/* One ended child, reaped: `pid`, or any if 0; false when there is none. The raw waitid also gives the resources
 * used. */
static bool reap_one(struct init_exit *ret, pid_t pid)
{
        struct rusage u;
        siginfo_t si;

        si.si_pid = 0;
        memset(&u, 0, sizeof u);
        if (syscall(SYS_waitid, pid ? P_PID : P_ALL, pid, &si, WEXITED | WNOHANG, &u) < 0 || si.si_pid == 0)
                return false;
        *ret = (struct init_exit) {
                .pid = si.si_pid, .code = si.si_code, .status = si.si_status, .maxrss_kb = (uint32_t) u.ru_maxrss,
                .utime_usec = usec(&u.ru_utime), .stime_usec = usec(&u.ru_stime),
                .minflt = (uint64_t) u.ru_minflt, .majflt = (uint64_t) u.ru_majflt,
                .inblock = (uint64_t) u.ru_inblock, .oublock = (uint64_t) u.ru_oublock,
        };
        return true;
}

static bool reap_batch(struct init *in, pid_t pid)
{
        struct answer a = { .exited = { .h = { .version = INIT_PROTO_VERSION, .kind = INIT_EXITED } } };
        struct init_exit *e = a.exited.list;
        struct init_exit engine = { 0 };
        bool more = true;

        while (a.exited.count < INIT_EXITS_MAX && engine.pid == 0 && (more = reap_one(e, pid))) {
                spawn_ended(in, e->pid);
                if (e->pid == in->engine) {
                        engine = *e;
                        continue;
                }
                a.exited.count++;
                e++;
        }
        a.h.size = (uint32_t) ((char *) e - (char *) &a.exited);
        if (a.exited.count)
                post(in, &a);
        if (engine.pid)
                last_engine_ended(in, engine.code, engine.status);
        return more;
}

/* At most REAP_MAX, and only while their statuses can be passed on: what is not reaped now stays a zombie, which
 * keeps its status and its pid. */
void reap(struct init *in)
{
        const pid_t likely = in->likely;
        bool more = true;

        in->likely = 0;
        spawn_collect(in);
        /* Asking for any child walks over all of them, which takes as long as starting one where they are a thousand.
         * The one that the signal names is known without: it is told first, and what the engine says to that comes
         * before we look for others. */
        if (likely > 0 && queue_has_room(in)) {
                (void) reap_batch(in, likely);
                in->reap_due = true;
                return;
        }
        for (int n = 0; n < REAP_MAX && more && queue_has_room(in); n += INIT_EXITS_MAX)
                more = reap_batch(in, 0);
        in->reap_due = more;
}

/* A child just born has no group of its own yet: then it is alone, and the signal is for it. */
static int send_signal(pid_t pid, int sig, bool group)
{
        if (group && kill(-pid, sig) == 0)
                return 0;
        return (!group || errno == ESRCH) && kill(pid, sig) == 0 ? 0 : errno;
}

/* Only we reap, and we are not reaping at this moment: a child that waitid still knows cannot lose its pid to
 * somebody else between the question and the kill (FAILURES A7). */
void signal_request(struct init *in, const struct init_signal *m)
{
        struct answer a = { .failed = { .h = { INIT_PROTO_VERSION, INIT_SIGNAL_FAILED, sizeof a.failed },
                                        .pid = m->pid, .sig = m->sig } };
        bool group = m->flags & INIT_SIGNAL_GROUP;
        siginfo_t si;

        if (m->pid <= 0 || m->pid == in->engine ||
            waitid(P_PID, (id_t) m->pid, &si, WEXITED | WNOHANG | WNOWAIT) < 0)
                a.failed.error = ESRCH;
        else
                a.failed.error = send_signal(m->pid, m->sig, group);
        if (a.failed.error)
                post(in, &a);
        else if (m->flags & INIT_SIGNAL_CONT)
                (void) send_signal(m->pid, SIGCONT, group);
}
