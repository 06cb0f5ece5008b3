/* spawn.c - fork into a plan. See init.h.
 *
 * Our memory is small and stays so: a fork costs the same with one service and with ten thousand. So that this is
 * true of descriptors too, the child is born sharing our table (CLONE_FILES) and takes its own copy of the low
 * part of it only, where the request's descriptors are; the store lies above. Until it has done so we must not
 * close what it was given: such a child is "in flight". It says so through `landed` and `wake`. A child that never
 * gets there (its cgroup is frozen) holds up nothing: when all places are taken, a plain copy is made. One that was
 * given nothing but the group it is born in is never in flight. */
#include "init/init.h"

#include <errno.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "child/child.h"

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

/* struct clone_args as of 5.7: the headers may be older than the kernel, or newer and longer than it takes. */
struct clone_request {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
                cgroup;
};

void spawn_probe(struct init *in)
{
        in->use_clone3 = in->use_into_cgroup = true;
        /* Asks for a copy of a table nobody shares and closes nothing: only tells whether the call is there. */
        in->use_shared_table = syscall(SYS_close_range, ~0U, ~0U, CLOSE_RANGE_UNSHARE) == 0;
}

/* Which refusal means what (FAILURES I5). Returns true when it is worth another try with less. */
static bool ask_for_less(struct init *in, int error, bool *into_cgroup)
{
        switch (error) {
        case ENOSYS:  /* a container's filter, or before 5.3 */
        case EPERM:   /* an older filter */
                in->use_clone3 = false;
                return true;
        case E2BIG:   /* 5.3 to 5.6: the request is longer than it knows */
        case EINVAL:
                if (!*into_cgroup) {
                        in->use_clone3 = false;
                        return true;
                }
                in->use_into_cgroup = *into_cgroup = false;
                return true;
        case EBUSY: case EOPNOTSUPP: case EACCES: case ENOENT: case ENODEV: case EBADF:
                /* This group, this time. The child tries it the old way and reports what it finds. */
                if (!*into_cgroup)
                        return false;
                *into_cgroup = false;
                return true;
        default:
                return false;
        }
}

/* fork by the raw call: no handlers of the C library run, and the child gets what only clone3 can give. */
static pid_t make_child(struct init *in, struct child_job *job, bool share)
{
        uint64_t flags = share ? CLONE_FILES : 0;
        bool into = job->cgroup >= 0 && in->use_into_cgroup;
        pid_t pid;

        for (;;) {
                job->in_cgroup = into && in->use_clone3;
                job->handlers_clear = in->use_clone3;
                if (in->use_clone3) {
                        struct clone_request r = {
                                .flags = flags | CLONE_CLEAR_SIGHAND | (into ? CLONE_INTO_CGROUP : 0),
                                .exit_signal = SIGCHLD,
                                .cgroup = into ? (uint64_t) job->fds[job->cgroup] : 0,
                        };
                        /* without a cgroup the first version of the struct does, for kernels 5.5 and 5.6 */
                        pid = (pid_t) syscall(SYS_clone3, &r, into ? sizeof r : 64);
                } else {
                        pid = (pid_t) syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
                }
                if (pid >= 0 || !in->use_clone3 || !ask_for_less(in, errno, &into))
                        return pid;
        }
}

static void close_fds(const int *fds, int count)
{
        for (int i = 0; i < count; i++)
                (void) close(fds[i]);
}

static struct flight *find_flight(struct init *in, const int *fds, int count)
{
        if (!in->use_shared_table)
                return NULL;
        for (int i = 0; i < count; i++)
                if (fds[i] >= STORE_BASE)
                        return NULL;
        for (int i = 0; i < FLIGHT_MAX; i++)
                if (in->flights[i].pid == 0)
                        return &in->flights[i];
        return NULL;
}

static void answer_failed(struct init *in, uint64_t request, enum stage stage, int error)
{
        struct init_spawn_failed m = {
                .h = { INIT_PROTO_VERSION, INIT_SPAWN_FAILED, sizeof m, 0 },
                .request = request, .error = error, .stage = (uint16_t) stage,
        };

        post(in, &m.h);
}

static void answer_spawned(struct init *in, uint64_t request, pid_t pid, bool in_cgroup)
{
        struct init_spawned m = { { INIT_PROTO_VERSION, INIT_SPAWNED, sizeof m, 0 }, request, pid, in_cgroup };

        post(in, &m.h);
}

static bool acceptable(const struct init_spawn *m, size_t size, int count)
{
        if (m->cgroup >= count || m->plan_fd >= count)
                return false;
        return m->plan_fd >= 0 || m->plan_size == size - sizeof *m;
}

int bounds_leave(const struct init *in, int error)
{
        const int out = store_find(&in->store, INIT_STORE_OUTSIDE), back = store_find(&in->store, INIT_STORE_INSIDE);

        errno = error;
        return error == EAGAIN && back >= 0 && out >= 0 && write(out, "0", 1) == 1 ? back : -1;
}

void bounds_enter(struct init *in, int back)
{
        const int error = errno;
        const bool failed = write(back, "0", 1) != 1;

        if (failed && !in->unbounded && getpid() == in->self)
                log_warning("enter the group that bounds tasks again: %s; services have no bound until that succeeds",
                            strerror(errno));
        in->unbounded = failed;
        errno = error;
}

void bounds_again(struct init *in)
{
        const int back = in->unbounded ? store_find(&in->store, INIT_STORE_INSIDE) : -1;

        if (back >= 0)
                bounds_enter(in, back);
}

void spawn_request(struct init *in, const struct init_spawn *m, size_t size, const int *fds, int count)
{
        struct child_job job = { .request = m->request, .fds = fds, .fd_count = (size_t) count, .cgroup = m->cgroup,
                                 .plan_fd = -1, .plan_size = m->plan_size, .parent = in->self, .report = in->sock,
                                 .keeper = in->listeners.epoll < 0 ? -1 : in->theirs,
                                 .nofile = in->nofile, .oom_give_back = in->oom_lowered, .oom = in->oom_before,
                                 .wake = in->wake };
        struct flight *flight;
        pid_t pid;
        int back;

        if (count < 0 || !acceptable(m, size, count)) {
                answer_failed(in, m->request, STAGE_RESOURCES, count < 0 ? -count : EBADMSG);
                close_fds(fds, count);
                return;
        }
        if (m->plan_fd >= 0)
                job.plan_fd = fds[m->plan_fd];
        else
                job.plan = m + 1;
        flight = find_flight(in, fds, count);
        if (flight) {
                job.unshare_from = STORE_BASE;
                job.unshared = &in->landed[flight - in->flights];
                *job.unshared = 0;
        }
        bounds_again(in);
        pid = make_child(in, &job, flight != NULL);
        if (pid < 0 && (back = bounds_leave(in, errno)) >= 0) {
                pid = make_child(in, &job, flight != NULL);
                bounds_enter(in, back);
        }
        if (pid == 0)
                child_run(&job);
        if (pid < 0)
                answer_failed(in, m->request, STAGE_FORK, errno);
        else
                answer_spawned(in, m->request, pid, job.in_cgroup);
        if (pid < 0 || !flight || !child_needs_fds(&job)) {
                close_fds(fds, count);
                return;
        }
        flight->pid = pid;
        flight->fd_count = count;
        memcpy(flight->fds, fds, (size_t) count * sizeof fds[0]);
}

static void land(struct flight *f)
{
        close_fds(f->fds, f->fd_count);
        f->pid = 0;
}

void spawn_collect(struct init *in)
{
        for (int i = 0; i < FLIGHT_MAX; i++)
                if (in->flights[i].pid && __atomic_load_n(&in->landed[i], __ATOMIC_ACQUIRE))
                        land(&in->flights[i]);
}

void spawn_ended(struct init *in, pid_t pid)
{
        for (int i = 0; i < FLIGHT_MAX; i++)
                if (in->flights[i].pid == pid)
                        land(&in->flights[i]);
}
