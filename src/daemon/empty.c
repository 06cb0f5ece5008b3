/* empty.c - when is an incarnation really over? When nobody is left, whoever died first (FAILURES A10, B13).
 *
 * With control groups one rmdir both asks and answers (a group that is needed again at once is asked and kept); only
 * when somebody is in there is the group watched. Without them the processes are looked for in /proc,
 * again whenever init has reaped somebody. A timer runs only while something is waited for: notifications
 * may be coalesced (FAILURES B7). */
#include <string.h>

#include "daemon/empty.h"
#include "daemon/engine_priv.h"
#include "daemon/limits.h"
#include "daemon/perform.h"
#include "daemon/spawn.h"

static void tell(struct engine *e, node_id id, uint32_t incarnation)
{
        engine_post(e, &(struct event) { .kind = EVT_EMPTY, .node = id, .incarnation = incarnation });
}

struct nogroup_id empty_nogroup(const struct engine *e, node_id id, char mark[33])
{
        const struct run *run = engine_peek(e, id);

        spawn_mark(e, id, run->incarnation, mark);
        return (struct nogroup_id) { .leader = run->leader, .mark = mark };
}

/* --- with control groups ------------------------------------------------------------------------------------------ */

static uint64_t cookie_of(node_id id, uint32_t incarnation)
{
        return (uint64_t) id << 32 | incarnation;
}

static void on_group_empty(void *arg, uint64_t cookie)
{
        struct engine *e = arg;
        node_id id = (node_id) (cookie >> 32);
        struct run *run = engine_run(e, id);

        run->flags &= ~(unsigned) RUN_WATCHED;
        tell(e, id, (uint32_t) cookie);
}

/* A group that is about to be used again is kept: to remove and make one costs more than the rest of a restart. Not
 * one that was killed: kernels since 6.14 compare the count of its kills with that of the group the parent is in, and
 * kill at birth whoever is cloned into it. */
static int group_idle(struct engine *e, node_id id, const char *path)
{
        const struct node *node = core_node(e->core, id);
        int r = -ENOTEMPTY;

        if (engine_run(e, id)->flags & RUN_COUNTED) { /* the next life counts from zero */
                limits_look(e, id);
                return r;
        }
        if (node && node->want == WANT_UP && !e->stopping && !(engine_run(e, id)->flags & RUN_KILLED))
                r = cgroup_idle(e->cgroup, path);
        if (r == 1)
                engine_run(e, id)->flags |= RUN_CLEAN;
        return r;
}

/* 1 empty, 0 somebody is there, -errno. */
static int group_empty(struct engine *e, node_id id)
{
        char path[PATH_MAX_NODE];
        int r = group_idle(e, id, engine_path(e, id, path, sizeof(path)));

        if (r >= 0)
                return r;
        r = cgroup_remove(e->cgroup, path);
        if (r == 0) {
                engine_run(e, id)->flags &= ~(unsigned) RUN_GROUP;
                return 1;
        }
        if (r == -EBUSY)
                return 0;
        log_warning("%s: remove its control group: %s", path, strerror(-r));
        r = cgroup_populated(e->cgroup, path);
        return r < 0 ? r : !r;
}

static void watch_group(struct engine *e, node_id id, uint32_t incarnation)
{
        char path[PATH_MAX_NODE];
        struct run *run = engine_run(e, id);
        int r;

        if (group_empty(e, id) == 1) {
                tell(e, id, incarnation);
                return;
        }
        r = cgroup_watch(e->cgroup, engine_path(e, id, path, sizeof(path)), cookie_of(id, incarnation));
        if (r < 0) {
                log_warning("%s: watch its control group: %s", path, strerror(-r));
                run->flags |= RUN_PROBE; /* the timer asks */
                e->probing++;
                return;
        }
        run->flags |= RUN_WATCHED;
        cgroup_check(e->cgroup, on_group_empty, e); /* it may have become empty before the watch was there */
}

/* --- without ------------------------------------------------------------------------------------------------------ */

/* 1 empty, 0 not, as far as one can see. Without /proc only the processes that init tells of are known. */
static int scattered_empty(struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);
        char mark[33];
        struct nogroup_id who = empty_nogroup(e, id, mark);
        int r;

        if (run->pid[ROLE_MAIN] || run->pid[ROLE_CONTROL])
                return 0;
        if (!run->leader)
                return 1;
        r = nogroup_populated(&who);
        return r <= 0;
}

static void probe(struct engine *e, node_id id)
{
        struct run *run = engine_run(e, id);
        int empty = run->flags & RUN_GROUP ? group_empty(e, id) : scattered_empty(e, id);

        if (empty != 1) {
                if (run->flags & RUN_KILLED) /* born while we looked */
                        perform_kill(e, id);
                return;
        }
        run->flags &= ~(unsigned) RUN_PROBE;
        e->probing--;
        tell(e, id, run->incarnation);
}

static void probe_all(struct engine *e)
{
        for (node_id id = 0; e->probing > 0 && id < e->run_cap; id++)
                if (e->runs[id].flags & RUN_PROBE)
                        probe(e, id);
}

/* --- both --------------------------------------------------------------------------------------------------------- */

static void arm_timer(struct engine *e)
{
        bool wanted = e->probing > 0 || cgroup_watching(e->cgroup) > 0;

        if (wanted == (bool) ev_is_active(&e->empty_timer))
                return;
        if (wanted) {
                double every = e->probing > 0 ? 0.1 : 1.0;

                ev_timer_set(&e->empty_timer, every, every);
                ev_timer_start(e->loop, &e->empty_timer);
        } else {
                ev_timer_stop(e->loop, &e->empty_timer);
        }
}

void empty_watch(struct engine *e, node_id id, uint32_t incarnation)
{
        struct run *run = engine_run(e, id);

        if (run->flags & (RUN_WATCHED | RUN_PROBE))
                return;
        if (run->flags & RUN_GROUP) {
                watch_group(e, id, incarnation);
        } else if (cgroup_backend(e->cgroup) != CGROUP_NONE || scattered_empty(e, id)) {
                tell(e, id, incarnation); /* it has no group: nothing of it was ever started, or all is gone */
        } else {
                run->flags |= RUN_PROBE;
                e->probing++;
        }
        arm_timer(e);
}

void empty_forget(struct engine *e, node_id id)
{
        struct run *run = engine_run(e, id);

        if (run->flags & RUN_WATCHED)
                cgroup_unwatch(e->cgroup, cookie_of(id, run->incarnation));
        if (run->flags & RUN_PROBE)
                e->probing--;
        run->flags &= ~(unsigned) (RUN_WATCHED | RUN_PROBE);
        arm_timer(e);
}

void empty_process_gone(struct engine *e)
{
        if (e->probing > 0)
                probe_all(e);
        arm_timer(e);
}

static void on_events(struct ev_loop *loop, ev_io *w, int revents)
{
        struct engine *e = container_of(w, struct engine, empty_watch);

        if (watch_renewed(loop, w, revents))
                return;
        cgroup_check(e->cgroup, on_group_empty, e);
        arm_timer(e);
}

/* Where the kernel has no cgroup.kill, who is being forked during a kill may survive it (FAILURES B3). */
static void kill_again(struct engine *e)
{
        for (node_id id = 0; id < e->run_cap; id++)
                if ((e->runs[id].flags & (RUN_WATCHED | RUN_KILLED)) == (RUN_WATCHED | RUN_KILLED))
                        perform_kill(e, id);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
        struct engine *e = container_of(w, struct engine, empty_timer);

        (void) loop;
        (void) revents;
        if (cgroup_watching(e->cgroup) > 0) {
                cgroup_check(e->cgroup, on_group_empty, e);
                kill_again(e);
        }
        probe_all(e);
        arm_timer(e);
}

void empty_start(struct engine *e)
{
        int fd = cgroup_watch_fd(e->cgroup);

        ev_timer_init(&e->empty_timer, on_timer, 0., 0.);
        if (fd < 0)
                return;
        ev_io_init(&e->empty_watch, on_events, fd, EV_READ);
        ev_io_start(e->loop, &e->empty_watch);
}
