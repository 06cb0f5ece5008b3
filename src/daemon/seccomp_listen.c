/* seccomp_listen.c - the listeners of filters: which call was forbidden, and what is learned. See seccomp_priv.h.
 *
 * Each process that installed a filter has a listener (os/seccomp.h): it tells which call the filter did not let pass.
 * init keeps a copy of it, so that calls that are made while there is no engine wait for the next one. */
#include <stdio.h>
#include <string.h>

#include "daemon/seccomp_priv.h"
#include "os/learned.h"

enum { CALLS_PER_TURN = 256 };

/* --- listeners ------------------------------------------------------------------------------------------------------------ */

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

static void deposit(struct listener *l, pid_t ended, int code);

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
        deposit(l, g->ended, g->code); /* before: should we end right after the kill, the next engine knows why */
        r = seccomp_kill(l->watch.fd, c);
        tell(l->e, l->node, d, r == 1 ? "ended" : r == 0 ? "it got EPERM" : "it has let go of it");
        if (r != 1)
                g->ended = 0;
}

/* A kind of call that is not allowed at all is a matter of its own (SystemCallArchitectures=): it is learned by name as
 * well. Calls without a name cannot be written into a unit. */
static void learn(struct listener *l, struct guard *g, const struct seccomp_call *c)
{
        int index = syscall_find(c->name);

        if (index >= 0 && !g->learned[index]) {
                g->learned[index] = true;
                if (g->notes >= 0)
                        (void) learned_add(g->notes, c->name); /* a full disk: it is still known here */
        }
        (void) seccomp_continue(l->watch.fd, c);
}

static void on_call(struct ev_loop *loop, ev_io *w, int revents)
{
        struct listener *l = container_of(w, struct listener, watch);
        struct guard *g = guard_peek(l->e, l->node);
        struct seccomp_call c;
        int r = 0;

        (void) loop;
        (void) revents;
        for (int i = 0; i < CALLS_PER_TURN && (r = seccomp_next(w->fd, !l->learns, &c)) == 1; i++)
                if (l->learns)
                        learn(l, g, &c);
                else
                        deny(l, g, &c);
        if (r < 0)
                listener_end(l);
}

/* In init's store a listener's name says all that the next engine needs: node, incarnation, whether it learns, and the
 * last process that was ended with its call, whose exit that engine may be the one to hear of. */
static void deposit(struct listener *l, pid_t ended, int code)
{
        char *name = NULL;

        if (asprintf(&name, "seccomp:%u:%u:%d:%d:%d:%d:%u", (unsigned) l->node, (unsigned) l->incarnation, (int) l->pid, l->learns,
                     (int) ended, code, (unsigned) ++l->e->store_serial) < 0)
                return;
        if (initlink_store(l->e->link, name, l->watch.fd) < 0)
                log_debug("%s: init keeps no copy of it", name);
        if (l->init_name)
                (void) initlink_unstore(l->e->link, l->init_name);
        free(l->init_name);
        l->init_name = name;
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

void seccomp_listen(struct engine *e, const struct init_listener *m, int fd)
{
        uint32_t incarnation;
        struct listener *l;
        node_id node;
        enum role role;

        request_split(m->request, &node, &incarnation, &role);
        l = listener_new(e, node, incarnation, fd);
        if (!l)
                return;
        l->pid = m->pid;
        l->learns = program_learns(guard_peek(e, node)->program);
        deposit(l, 0, 0);
}

bool seccomp_resume(struct engine *e, const char *name, int fd)
{
        unsigned node, incarnation, serial;
        struct err err = { 0 };
        struct listener *l;
        struct guard *g;
        int pid, learning, ended, code;

        if (sscanf(name, "seccomp:%u:%u:%d:%d:%d:%d:%u", &node, &incarnation, &pid, &learning, &ended, &code, &serial) != 7)
                return false;
        if (serial > e->store_serial)
                e->store_serial = serial;
        l = listener_new(e, node, incarnation, fd);
        if (!l)
                return true;
        g = guard_peek(e, node);
        l->init_name = strdup(name);
        l->pid = pid;
        l->learns = learning && learn_begin(e, node, g, false, &err) == 0;
        g->ended = ended;
        g->code = code;
        return true;
}

bool seccomp_ended(const struct engine *e, node_id id, pid_t pid, struct reason *ret)
{
        struct guard *g = guard_peek(e, id);

        if (!g || g->ended != pid || pid == 0)
                return false;
        *ret = REASON(REASON_SECCOMP, g->code);
        g->ended = 0;
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
