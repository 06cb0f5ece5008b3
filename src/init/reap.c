/* reap.c - exits, and signals to those who have not exited. See init.h. */
#include "init/init.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NSEC 1000000U

static uint64_t now_nsec(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000000U + (uint64_t) t.tv_nsec;
}

static uint64_t usec(const struct timeval *t)
{
        return (uint64_t) t->tv_sec * 1000000U + (uint64_t) t->tv_usec;
}

/* One ended child: `pid`, or any if 0. 1 reaped (with WNOWAIT: only looked at), 0 not ended yet, -1 there is none. The
 * raw waitid also gives the resources used. */
static int wait_one(struct init_exit *ret, pid_t pid, int flags)
{
        struct rusage u;
        siginfo_t si;

        si.si_pid = 0;
        memset(&u, 0, sizeof u);
        while (syscall(SYS_waitid, pid ? P_PID : P_ALL, pid, &si, WEXITED | WNOHANG | flags, &u) < 0)
                if (errno != EINTR)
                        return -1;
        if (si.si_pid == 0)
                return 0;
        *ret = (struct init_exit) {
                .pid = si.si_pid, .code = si.si_code, .status = si.si_status, .maxrss_kb = (uint32_t) u.ru_maxrss,
                .utime_usec = usec(&u.ru_utime), .stime_usec = usec(&u.ru_stime),
                .minflt = (uint64_t) u.ru_minflt, .majflt = (uint64_t) u.ru_majflt,
                .inblock = (uint64_t) u.ru_inblock, .oublock = (uint64_t) u.ru_oublock,
        };
        return 1;
}

static bool next_any(struct init *in, struct init_exit *ret)
{
        (void) in;
        return wait_one(ret, 0, 0) > 0;
}

/* The one that the last SIGCHLD named. The kernel takes longer to bury it than to say how it ended, and what follows
 * its end waits for the latter only; unless many are ending, it stays a zombie until the next look. */
static bool next_likely(struct init *in, struct init_exit *ret)
{
        const bool many = in->expected_count > 0 || in->likely == in->engine;
        const pid_t pid = in->likely;

        in->likely = 0;
        if (pid <= 0 || wait_one(ret, pid, many ? 0 : WNOWAIT) <= 0)
                return false;
        in->told = many ? 0 : pid;
        return true;
}

static void bury_told(struct init *in)
{
        struct init_exit e;

        if (in->told > 0)
                (void) wait_one(&e, in->told, 0);
        in->told = 0;
}

/* One of those that were sent a signal. Who has not ended goes to the end of the row; a few of these in succession
 * and the others have not ended either. */
static bool next_expected(struct init *in, struct init_exit *ret)
{
        enum { MISSES_MAX = 4 };

        for (int misses = 0; misses < MISSES_MAX && in->expected_count > 0;) {
                const pid_t pid = in->expected[in->expected_first];
                const int r = wait_one(ret, pid, 0);

                in->expected_first = (in->expected_first + 1) % EXPECTED_MAX;
                in->expected_count--;
                if (r > 0)
                        return true;
                if (r < 0)
                        continue;
                in->expected[(in->expected_first + in->expected_count++) % EXPECTED_MAX] = pid;
                misses++;
        }
        return false;
}

static void expect(struct init *in, pid_t pid)
{
        if (in->expected_count == EXPECTED_MAX) { /* the oldest took it for something else than its end */
                in->expected_first = (in->expected_first + 1) % EXPECTED_MAX;
                in->expected_count--;
        }
        in->expected[(in->expected_first + in->expected_count++) % EXPECTED_MAX] = pid;
}

/* As many as one message holds; returns whether there may be more where these came from. */
static bool reap_batch(struct init *in, bool (*next)(struct init *in, struct init_exit *ret))
{
        struct init_exited m = { .h = { .version = INIT_PROTO_VERSION, .kind = INIT_EXITED } };
        struct init_exit *e = m.list;
        struct init_exit engine = { 0 };
        bool more = true;

        while (m.count < INIT_EXITS_MAX && engine.pid == 0 && (more = next(in, e))) {
                in->reaped++;
                spawn_ended(in, e->pid);
                if (e->pid == in->engine) {
                        engine = *e;
                        continue;
                }
                m.count++;
                e++;
        }
        m.h.size = (uint32_t) ((char *) e - (char *) &m);
        if (m.count)
                post(in, &m.h);
        if (engine.pid)
                engine_died(in, engine.code, engine.status);
        return more && engine.pid == 0;
}

/* At most REAP_MAX, and only while their statuses can be passed on: what is not reaped now stays a zombie, which
 * keeps its status and its pid.
 *
 * Asking for any child walks over all of them, which takes as long as starting one where they are a thousand, and for
 * as long a new child cannot become leader of a session: both need the kernel's lock of the list of tasks. So those
 * that are known by name come first, and a moment later, when those have been replaced, we look for others.
 *
 * While there is no engine nobody is reaped at all. */
void reap(struct init *in)
{
        const uint64_t before = in->reaped;
        bool more = true;

        if (in->engine == 0)
                return;

        spawn_collect(in);
        if (in->likely > 0 || in->expected_count > 0)
                bury_told(in);
        (void) reap_batch(in, next_likely);
        if (in->expected_count > 0 && queue_has_room(in))
                (void) reap_batch(in, next_expected);
        if (in->reaped != before && in->look_at == 0)
                in->look_at = now_nsec() + LOOK_NSEC;
        in->reap_due = true;
        if (reap_wait_ms(in) > 0)
                return;
        bury_told(in);
        in->look_at = 0;
        for (int n = 0; n < REAP_MAX && more && in->engine > 0 && queue_has_room(in); n += INIT_EXITS_MAX)
                more = reap_batch(in, next_any);
        in->reap_due = more || in->engine == 0; /* without an engine: who else has ended is seen later */
}

void reap_engine(struct init *in)
{
        struct init_exit e;

        if (in->engine == 0 || wait_one(&e, in->engine, 0) <= 0)
                return;
        in->reap_due = true; /* its SIGCHLD may have been that of others too */
        engine_died(in, e.code, e.status);
}

int reap_wait_ms(const struct init *in)
{
        return in->look_at > now_nsec() ? 1 : 0;
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
        struct init_failed answer = { .h = { INIT_PROTO_VERSION, INIT_SIGNAL_FAILED, sizeof answer, 0 },
                                      .pid = m->pid, .sig = m->sig };
        bool group = m->flags & INIT_SIGNAL_GROUP;
        siginfo_t si;

        if (m->pid <= 0 || m->pid == in->engine || m->pid == in->check || m->pid == in->told ||
            (waitid(P_PID, (id_t) m->pid, &si, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD))
                answer.error = ESRCH;
        else
                answer.error = send_signal(m->pid, m->sig, group);
        if (answer.error) {
                post(in, &answer.h);
                return;
        }
        expect(in, m->pid);
        if (m->flags & INIT_SIGNAL_CONT)
                (void) send_signal(m->pid, SIGCONT, group);
}
