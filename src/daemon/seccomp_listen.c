/* seccomp_listen.c - the listeners of filters: which call was forbidden, and what is learned. See seccomp_priv.h.
 *
 * Each process that installed a filter has a listener (os/seccomp.h): it tells which call the filter did not let pass.
 * init keeps a copy of it, so that calls that are made while there is no engine wait for the next one. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/pack.h"
#include "daemon/empty.h"
#include "daemon/journal.h"
#include "daemon/link.h"
#include "daemon/say.h"
#include "daemon/seccomp.h"
#include "daemon/seccomp_priv.h"
#include "os/learned.h"

enum { CALLS_PER_TURN = 256 };

/* --- listeners ---------------------------------------------------------------------------------------------------- */

void listener_end(struct listener *l)
{
        struct guard *g = guard_peek(l->e, l->node);

        for (struct listener **at = g ? &g->listeners : NULL; at && *at; at = &(*at)->next)
                if (*at == l) {
                        *at = l->next;
                        break;
                }
        ev_io_stop(l->e->loop, &l->watch);
        if (l->init_name)
                (void) initlink_unstore(l->e->link, l->init_name);
        (void) close(l->watch.fd);
        free(l->init_name);
        free(l);
}

/* Which call, of whom, and the line that would allow it. */
static void tell(struct engine *e, node_id id, const struct denial *d, const char *outcome)
{
        char path[PATH_MAX_NODE];
        struct err err = { 0 };

        (void) err_set(&err, STAGE_SECCOMP, EPERM, "%s[%d] used the system call %s, which its filter forbids: %s",
                       d->comm[0] ? d->comm : "process", (int) d->pid, d->call, outcome);
        err_hint(&err, "%s", d->remedy);
        err_unit(&err, engine_path(e, id, path, sizeof(path)));
        say_err(e, &err);
}

static void put_remedy(const struct seccomp_call *c, struct denial *d)
{
        if (c->arch == FILTER_ARCH_NATIVE)
                (void) snprintf(d->remedy, sizeof(d->remedy), "to allow it, write SystemCallFilter=%s", c->name);
        else
                (void) snprintf(d->remedy, sizeof(d->remedy), "to allow it, write SystemCallArchitectures=native %s "
                                "SystemCallFilter=%s", strtab_text(&filter_arch_names, (int) c->arch), c->name);
}

/* Is it the program itself, whose end init hears of as that of the watcher? (child/pids.c: it is number 2 inside.) */
static bool is_program(const struct listener *l, const struct seccomp_call *c)
{
        const struct node *n = core_node(l->e->core, l->node);

        return c->inner == 2 && n && spec_int(n->spec, D_SERVICE_PrivatePIDs) > 0;
}

static void deny(struct listener *l, struct guard *g, const struct seccomp_call *c)
{
        struct denial *d = &g->denial;
        int r;

        *d = (struct denial) { .incarnation = l->incarnation, .pid = c->pid };
        (void) snprintf(d->call, sizeof(d->call), "%s", c->name);
        (void) snprintf(d->comm, sizeof(d->comm), "%s", c->comm);
        put_remedy(c, d);
        g->ended = is_program(l, c) ? l->pid : c->pid;
        g->code = reason_seccomp(c->number, (int) c->arch);
        journal_guard(l->e, l->node); /* before: should we end right after the kill, the next engine knows why */
        journal_commit(l->e);
        r = seccomp_kill(l->watch.fd, c);
        tell(l->e, l->node, d, r == 1 ? "ended" : r == 0 ? "it got EPERM" : "it has let go of it");
        g->ended_at = r == 1 ? engine_now(l->e) : 0;
        if (r != 1)
                g->ended = 0;
}

/* A kind of call that is not allowed at all is a matter of its own (SystemCallArchitectures=): it is learned by name as
 * well. Calls without a name cannot be written into a unit. */
static void learn(struct listener *l, struct guard *g, const struct seccomp_call *c)
{
        int index = syscall_find(c->name);

        if (g->learned && index >= 0 && !g->learned[index]) { /* NULL: memory was short */
                g->learned[index] = true;
                if (g->notes >= 0)
                        (void) learned_add(g->notes, c->name); /* a full disk: it is still known here */
        }
        (void) seccomp_continue(l->watch.fd, c);
}

/* A call that was taken from the listener is told to nobody else: who takes one says so before, or his successor would
 * never know that somebody waits for an answer. */
static void hear(struct listener *l, struct guard *g, bool begins)
{
        g->hearing = begins ? l->pid : 0;
        g->heard = l->heard;
        journal_guard(l->e, l->node);
        if (begins)
                journal_commit(l->e);
}

static void on_call(struct ev_loop *loop, ev_io *w, int revents)
{
        struct listener *l = container_of(w, struct listener, watch);
        struct guard *g = guard_peek(l->e, l->node);
        struct seccomp_call c;
        int r = 0;

        if (watch_renewed(loop, w, revents))
                return;
        hear(l, g, true);
        for (int i = 0; i < CALLS_PER_TURN && (r = seccomp_next(w->fd, !l->learns, &c)) == 1; i++) {
                l->heard = c.id;
                if (l->learns)
                        learn(l, g, &c);
                else
                        deny(l, g, &c);
        }
        hear(l, g, false);
        if (r < 0)
                listener_end(l);
}

/* The name in init's store tells the next engine whose it is, and whether it learns. */
static void deposit(struct listener *l)
{
        if (asprintf(&l->init_name, "seccomp:%u:%u:%d:%d:%u", (unsigned) l->node, (unsigned) l->incarnation,
                     (int) l->pid, l->learns, (unsigned) ++l->e->store_serial) < 0)
                l->init_name = NULL;
        else if (initlink_store(l->e->link, l->init_name, l->watch.fd) < 0)
                log_debug("%s: init keeps no copy of it", l->init_name);
}

/* An engine may end after it has stored one and before it took the message from the socket: then it comes twice. */
static bool is_known(const struct engine *e, node_id node, uint32_t incarnation, pid_t pid)
{
        const struct guard *g = guard_peek(e, node);

        for (const struct listener *l = g ? g->listeners : NULL; l; l = l->next)
                if (l->incarnation == incarnation && l->pid == pid)
                        return true;
        return false;
}

/* Owns fd. NULL when memory is short: then the calls get ENOSYS. */
static struct listener *listener_new(struct engine *e, node_id node, uint32_t incarnation, int fd)
{
        struct guard *g = core_node(e->core, node) ? guard_of(e, node) : NULL;
        struct listener *l = g ? calloc(1, sizeof(*l)) : NULL;

        if (!l) {
                (void) close(fd);
                return NULL;
        }
        *l = (struct listener) { .e = e, .node = node, .incarnation = incarnation, .next = g->listeners };
        g->listeners = l;
        ev_io_init(&l->watch, on_call, fd, EV_READ);
        ev_io_start(e->loop, &l->watch);
        return l;
}

/* The filter was made to learn: its calls are let go even when they cannot be noted. */
static void begin_to_learn(struct listener *l, struct guard *g)
{
        struct err err = { 0 };
        char path[PATH_MAX_NODE];

        l->learns = true;
        if (learn_begin(l->e, l->node, g, false, &err) < 0) {
                err_unit(&err, engine_path(l->e, l->node, path, sizeof(path)));
                say_err(l->e, &err);
        }
}

/* By what the process was started with: a command of the unit may have brought another program since. */
static bool was_to_learn(const struct init_listener *m, const struct guard *g)
{
        return m->mode == INIT_LISTENER_UNSAID ? program_learns(g->program) : m->mode == INIT_LISTENER_LEARNS;
}

void seccomp_listen(struct engine *e, const struct init_listener *m, int fd)
{
        uint32_t incarnation;
        struct listener *l;
        struct guard *g;
        node_id node;
        enum role role;

        request_split(m->request, &node, &incarnation, &role);
        if (is_known(e, node, incarnation, m->pid)) {
                (void) close(fd);
                return;
        }
        l = listener_new(e, node, incarnation, fd);
        if (!l)
                return;
        l->pid = m->pid;
        g = guard_peek(e, node);
        if (was_to_learn(m, g))
                begin_to_learn(l, g);
        deposit(l);
}

/* A learned call cannot be interrupted, but the numbers of those that the last engine took are known: they follow the
 * last one it had answered. Only when there was none is there nothing to go by, and calls get ENOSYS from now on. */
static bool let_go(struct listener *l, const struct guard *g)
{
        if (!l->learns || g->hearing != l->pid)
                return true;
        for (uint64_t i = 1; g->heard && i <= CALLS_PER_TURN; i++)
                (void) seccomp_continue(l->watch.fd, &(struct seccomp_call) { .id = g->heard + i });
        return g->heard != 0;
}

bool seccomp_resume(struct engine *e, const char *name, int fd)
{
        unsigned node, incarnation, serial;
        struct listener *l;
        struct guard *g;
        int pid, learning;

        if (sscanf(name, "seccomp:%u:%u:%d:%d:%u", &node, &incarnation, &pid, &learning, &serial) != 5 ||
            is_known(e, node, incarnation, pid))
                return false;
        if (serial > e->store_serial)
                e->store_serial = serial;
        l = listener_new(e, node, incarnation, fd);
        if (!l)
                return true;
        g = guard_peek(e, node);
        l->init_name = strdup(name);
        l->pid = pid;
        if (learning)
                begin_to_learn(l, g);
        l->heard = g->heard;
        if (!let_go(l, g))
                listener_end(l);
        return true;
}

/* With a filter that forbids, the call is interrupted and so made again: this time there is somebody to decide. */
void seccomp_again(struct engine *e, node_id id)
{
        struct guard *g = guard_peek(e, id);
        char path[PATH_MAX_NODE], mark[33];
        struct nogroup_id who;

        if (!g || !g->hearing)
                return;
        g->hearing = 0;
        if (cgroup_backend(e->cgroup) != CGROUP_NONE) {
                (void) cgroup_nudge(e->cgroup, engine_path(e, id, path, sizeof(path)));
                return;
        }
        who = empty_nogroup(e, id, mark);
        (void) nogroup_signal(&who, SIGSTOP, 0);
        (void) nogroup_signal(&who, SIGCONT, 0);
}

void seccomp_save(const struct engine *e, node_id id, struct buf *out)
{
        const struct guard *g = guard_peek(e, id);

        pack_u(out, g->denial.incarnation);
        pack_u(out, (uint64_t) g->denial.pid);
        pack_text(out, g->denial.call);
        pack_text(out, g->denial.comm);
        pack_text(out, g->denial.remedy);
        pack_u(out, (uint64_t) g->ended);
        pack_s(out, g->code);
        pack_u(out, (uint64_t) g->hearing);
        pack_u(out, g->heard);
}

void seccomp_guard_load(struct engine *e, node_id id, struct unpack *u)
{
        struct guard *g = guard_of(e, id), none;

        if (!g) /* read it all the same */
                g = &none;
        g->denial.incarnation = (uint32_t) unpack_max(u, UINT32_MAX);
        g->denial.pid = (pid_t) unpack_max(u, INT32_MAX);
        (void) unpack_text(u, g->denial.call, sizeof(g->denial.call));
        (void) unpack_text(u, g->denial.comm, sizeof(g->denial.comm));
        (void) unpack_text(u, g->denial.remedy, sizeof(g->denial.remedy));
        g->ended = (pid_t) unpack_max(u, INT32_MAX);
        g->code = (int) unpack_s(u);
        g->hearing = (pid_t) unpack_max(u, INT32_MAX);
        g->heard = unpack_u(u);
}

/* Long enough for a shell to end because its child did. */
#define CHILD_TELLS (2 * NSEC_PER_SEC)

/* A shell whose last command was killed ends with 128 and the signal: that command was ended by the filter just now. */
static bool handed_on(const struct engine *e, node_id id, const struct guard *g, const struct reason *r)
{
        return r->kind == REASON_EXIT && (r->code == 128 + SIGKILL || r->code == 128 + SIGSYS) && g->ended_at &&
               engine_now(e) - g->ended_at < CHILD_TELLS && engine_peek(e, id)->incarnation == g->denial.incarnation;
}

bool seccomp_ended(const struct engine *e, node_id id, pid_t pid, struct reason *ret)
{
        struct guard *g = guard_peek(e, id);

        if (!g || pid == 0 || (g->ended != pid && !handed_on(e, id, g, ret)))
                return false;
        *ret = REASON(REASON_SECCOMP, g->code);
        g->ended = 0;
        g->ended_at = 0;
        return true;
}

const struct denial *engine_denial(const struct engine *e, node_id id)
{
        const struct guard *g = guard_peek(e, id);

        return g && g->denial.incarnation ? &g->denial : NULL;
}

const bool *engine_learned(const struct engine *e, node_id id)
{
        const struct guard *g = guard_peek(e, id);

        return g ? g->learned : NULL;
}

/* Those that KillMode= lets live keep their listener; it ends with the last of them. */
void seccomp_close(struct engine *e, node_id id, uint32_t incarnation)
{
        struct guard *g = guard_peek(e, id);
        const struct node *node = core_node(e->core, id);
        int64_t mode = node ? spec_int(node->spec, D_SERVICE_KillMode) : KILL_CONTROL_GROUP;

        if (!g || mode == KILL_PROCESS || mode == KILL_NONE)
                return;
        for (struct listener *l = g->listeners, *next; l; l = next) {
                next = l->next;
                if (l->incarnation <= incarnation)
                        listener_end(l);
        }
}
