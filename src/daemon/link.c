/* link.c - what init says, as events. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/adopt.h"
#include "daemon/empty.h"
#include "daemon/engine_priv.h"
#include "daemon/ledger.h"
#include "daemon/limits.h"
#include "daemon/left.h"
#include "daemon/link.h"
#include "daemon/logs.h"
#include "daemon/notify.h"
#include "daemon/pidfile.h"
#include "daemon/ready.h"
#include "daemon/recover.h"
#include "daemon/say.h"
#include "daemon/seccomp.h"
#include "daemon/signals.h"
#include "daemon/spawn.h"

/* At most this many messages (of up to 32 exits each) are taken in one turn (FAILURES A3). */
enum { MESSAGES_PER_TURN = 64, LINK_BYTES = 4 << 20 };

void request_split(uint64_t request, node_id *node, uint32_t *incarnation, enum role *role)
{
        *node = (node_id) (request >> 32);
        *incarnation = (uint32_t) request >> 1;
        *role = request & 1 ? ROLE_CONTROL : ROLE_MAIN;
}

uint64_t request_make(node_id node, uint32_t incarnation, enum role role)
{
        return (uint64_t) node << 32 | (uint32_t) (incarnation << 1) | (role == ROLE_CONTROL ? 1U : 0U);
}

static bool is_logd(uint64_t request)
{
        return request >> 32 == NODE_NONE;
}

static void on_spawned(struct engine *e, const struct init_spawned *m)
{
        const struct pid_entry *known = pid_map_get(&e->pids, m->pid);
        struct pid_entry entry = { .pid = m->pid };
        enum role role;
        struct run *run;

        if (known && known->kind == PID_UNRUN)
                return; /* its failure has overtaken this message */
        if (is_logd(m->request)) {
                logs_spawned(e, m->pid);
                return;
        }
        request_split(m->request, &entry.node, &entry.incarnation, &role);
        entry.kind = (uint32_t) role & 0xf;
        if (engine_knows(e, entry) < 0)
                log_error("out of memory: process %d is not tracked", (int) m->pid);
        run = engine_run(e, entry.node);
        if (run->incarnation == entry.incarnation) {
                run->pid[role] = m->pid;
                run->leader = m->pid;
                run->flags &= ~((unsigned) RUN_ASKED << role);
                if (role == ROLE_MAIN) {
                        run->started = engine_now(e);
                        ledger_started(e, entry.node);
                        left_note_child(e, entry.node, m->pid);
                }
        }
        engine_post(e, &(struct event) { .kind = EVT_SPAWNED, .role = (uint8_t) role, .node = entry.node,
                                         .incarnation = entry.incarnation, .arg = m->pid });
        ready_answered(e, entry.node);
        exec_spawned(e, entry.node, m->request);
}

/* A child that could not run its program is still there while it tells so. The core hears of the failure when it has
 * ended: only then is its control group empty, and nobody is signalled who is leaving anyway. */
static void on_spawn_failed(struct engine *e, const struct init_spawn_failed *m)
{
        struct pid_entry entry = { .pid = m->pid, .kind = PID_UNRUN };
        struct err err = { 0 };
        struct run *run;
        enum role role;
        bool waits;

        initlink_spawn_error(m, &err);
        request_split(m->request, &entry.node, &entry.incarnation, &role);
        entry.role = role & 0xf;
        entry.stage = err.stage & 0xff;
        entry.error = (unsigned) err.code & 0xffff;
        waits = m->pid > 0 && engine_knows(e, entry) == 0;
        if (is_logd(m->request)) {
                logs_failed(e, &err);
                return;
        }
        run = engine_run(e, entry.node);
        if (run->incarnation == entry.incarnation) {
                run->pid[role] = 0;
                run->flags &= ~((unsigned) RUN_ASKED << role);
        }
        ready_answered(e, entry.node);
        if (err.stage == STAGE_FORK && err.code == EAGAIN)
                limits_explain_fork(e, entry.node, &err);
        spawn_failure_told(e, entry.node, role, &err);
        if (!waits)
                spawn_failure_posted(e, entry.node, entry.incarnation, role, err.stage, err.code);
}

/* The first process of a forking service has done its part: which of those it left is the main one now? */
static bool has_forked(const struct engine *e, node_id id, const struct init_exit *x)
{
        const struct node *node = core_node(e->core, id);

        return node && node->phase == PHASE_MAIN && x->code == CLD_EXITED && x->status == 0 &&
               spec_int(node->spec, D_SERVICE_Type) == TYPE_FORKING;
}

static void node_exited(struct engine *e, const struct pid_entry *entry, const struct init_exit *x)
{
        struct run *run = engine_run(e, entry->node);
        enum role role = entry->kind == PID_CONTROL ? ROLE_CONTROL : ROLE_MAIN;
        struct reason reason = reason_from_wait(x->code, x->status);

        if (run->incarnation == entry->incarnation && run->flags & RUN_COUNTED)
                reason = limits_reason(e, entry->node, reason);
        (void) seccomp_ended(e, entry->node, x->pid, &reason);
        if (run->incarnation == entry->incarnation) {
                if (run->pid[role] == x->pid)
                        run->pid[role] = 0;
                if (role == ROLE_MAIN)
                        ledger_exited(e, entry->node, x);
        }
        engine_post(e, &(struct event) { .kind = EVT_EXITED, .role = (uint8_t) role, .node = entry->node,
                                         .incarnation = entry->incarnation, .arg = x->pid,
                                         .reason = reason });
        if (role == ROLE_MAIN && run->incarnation == entry->incarnation && has_forked(e, entry->node, x))
                pidfile_wait(e, entry->node);
}

static void on_exit_of(struct engine *e, const struct init_exit *x)
{
        const struct pid_entry *found = pid_map_get(&e->pids, x->pid);
        struct pid_entry entry;

        if (!found) {
                adopt_exited(e, x->pid);
                say_orphan(e, x);
                return;
        }
        entry = *found;
        engine_unknows(e, x->pid);
        switch (entry.kind) {
        case PID_MAIN:
        case PID_CONTROL:
                node_exited(e, &entry, x);
                break;
        case PID_LOGD:
                logs_exited(e, x);
                break;
        case PID_UNRUN:
                if (entry.node != NODE_NONE)
                        spawn_failure_posted(e, entry.node, entry.incarnation, (enum role) entry.role,
                                             (enum stage) entry.stage, (int) entry.error);
                break;
        default: /* FORMER: the core has no question open about it */
                break;
        }
}

static void on_exited(struct engine *e, const struct init_exited *m)
{
        notify_drain(e); /* first what they said, then that they are gone */
        for (uint32_t i = 0; i < m->count && i < INIT_EXITS_MAX; i++)
                on_exit_of(e, &m->list[i]);
        empty_process_gone(e);
}

static void on_message(struct engine *e, struct initlink_msg *m)
{
        switch (m->kind) {
        case INIT_SPAWNED: on_spawned(e, m->spawned); break;
        case INIT_SPAWN_FAILED: on_spawn_failed(e, m->spawn_failed); break;
        case INIT_EXITED: on_exited(e, m->exited); break;
        case INIT_LISTENER: seccomp_listen(e, m->listener, m->fd); break;
        case INIT_DAEMON_SIGNAL: signals_arrived(e, m->daemon_signal); break;
        case INIT_SIGNAL_FAILED: /* it has ended meanwhile: its exit is on the way */
                log_debug("signal %d to %d: %s", (int) m->failed->sig, (int) m->failed->pid,
                          strerror(m->failed->error));
                break;
        case INIT_STORE_FAILED:
                log_warning("init keeps no copy of descriptor %s: %s", m->failed->name, strerror(m->failed->error));
                break;
        default:
                if (m->fd >= 0)
                        (void) close(m->fd);
        }
        if (e->early && (m->kind == INIT_SPAWNED || m->kind == INIT_SPAWN_FAILED))
                notify_retry(e);
}

/* Dealt with, written down, and only then taken from the socket. The first message may be one that the engine before
 * us has dealt with and not taken. */
static void take(struct engine *e, struct initlink_msg *m)
{
        const enum init_kind kind = m->kind;

        if (m->mark != e->last_mark)
                on_message(e, m);
        else if (m->fd >= 0)
                (void) close(m->fd);
        journal_message(e, m->mark);
        journal_commit(e);
        if (kind != INIT_STORED)
                initlink_take(e->link);
}

void link_drain(struct engine *e)
{
        for (int i = 0; i < MESSAGES_PER_TURN; i++) {
                struct initlink_msg m;
                int r = initlink_look(e->link, &m);

                if (r == 0)
                        return;
                if (r == -EPROTO)
                        continue;
                if (r < 0) {
                        /* Without init nothing can be started or ended any more: what runs dies with it. */
                        log_error("init is gone: %s", strerror(-r));
                        e->init_gone = true;
                        e->done = true;
                        ev_break(e->loop, EVBREAK_ALL);
                        return;
                }
                take(e, &m);
        }
}

static void on_link(struct ev_loop *loop, ev_io *w, int revents)
{
        struct engine *e = container_of(w, struct engine, link_watch);

        if (watch_renewed(loop, w, revents))
                return;
        if (revents & EV_READ)
                link_drain(e);
}

/* Called at the end of each turn; while something is left over the loop watches for room. */
void link_flush(struct engine *e)
{
        bool pending;

        if (initlink_pending(e->link))
                (void) initlink_flush(e->link);
        pending = initlink_pending(e->link);
        if (pending == e->link_writing)
                return;
        e->link_writing = pending;
        ev_io_stop(e->loop, &e->link_watch);
        ev_io_set(&e->link_watch, initlink_fd(e->link), EV_READ | (pending ? EV_WRITE : 0));
        ev_io_start(e->loop, &e->link_watch);
}

static void greeted(struct engine *e, const struct init_hello *hello)
{
        e->opt.pid = hello->pid;
        e->opt.pid1 = hello->flags & INIT_HELLO_PID1;
}

/* What comes before our own HELLO was meant for an engine before us, which has not read it: it is dealt with, but the
 * descriptors that were on their way to it come again. */
int link_greet(struct engine *e, struct err *err)
{
        uint32_t stored = 0;
        bool hello = false;

        while (!hello || stored > 0) {
                struct pollfd p = { .fd = initlink_fd(e->link), .events = POLLIN };
                struct initlink_msg m;
                int r = initlink_look(e->link, &m);

                if (r == 0)
                        (void) poll(&p, 1, -1);
                if (r == 0 || r == -EPROTO)
                        continue;
                if (r < 0)
                        return err_set(err, STAGE_NONE, -r, "talk to init: %s", strerror(-r));
                if (m.kind == INIT_HELLO) {
                        hello = m.hello->engine == (int32_t) getpid();
                        stored = hello ? m.hello->stored : 0;
                        if (hello)
                                greeted(e, m.hello);
                        initlink_take(e->link);
                } else if (m.kind == INIT_STORED && !hello) {
                        (void) close(m.fd);
                } else if (m.kind == INIT_STORED) {
                        recover_stored(e, m.stored->name, m.fd);
                        stored--;
                } else {
                        take(e, &m);
                }
        }
        return e->lacking ? err_set(err, STAGE_NONE, e->lacking, "take a descriptor back from init: %s",
                                    strerror(e->lacking)) : 0;
}

int link_open(struct engine *e, struct err *err)
{
        int r = initlink_open(INIT_ENGINE_FD, &e->link, err);

        if (r < 0)
                return r;
        /* A thousand starts at once fit, so that they need not be copied into a queue; not allowed to everybody. */
        (void) setsockopt(INIT_ENGINE_FD, SOL_SOCKET, SO_SNDBUFFORCE, &(int) { LINK_BYTES }, sizeof(int));
        return 0;
}

void link_watch(struct engine *e)
{
        ev_io_init(&e->link_watch, on_link, initlink_fd(e->link), EV_READ);
        ev_set_priority(&e->link_watch, EV_MAXPRI);
        ev_io_start(e->loop, &e->link_watch);
}
