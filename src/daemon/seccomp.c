/* seccomp.c - filters of system calls: the programs, shared by all who ask for the same, and the listeners.
 *
 * A program is compiled at the first start that needs it and kept as long as a node that asks for it is there. Each
 * process that installed one has a listener (os/seccomp.h): it tells which call a filter did not let pass. init keeps a
 * copy of it, so that the calls that are made while there is no engine wait for the next one instead of failing. */
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "core/filter.h"
#include "daemon/parts.h"
#include "os/seccomp.h"

#ifndef SECCOMP_FILTER_FLAG_NEW_LISTENER
#define SECCOMP_FILTER_FLAG_NEW_LISTENER (1UL << 3)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

enum { CALLS_PER_TURN = 256 };

struct filter_program {
        struct filter_program *next;
        unsigned users;            /* nodes */
        uint64_t hash;             /* of the key */
        char *key;                 /* owned; filter_key() */
        struct buf bytes;
        uint64_t gate;
        unsigned flags;
};

struct listener {
        struct listener *next;
        struct engine *e;
        node_id node;
        uint32_t incarnation;
        bool learns;
        struct ev_io watch;
        char *init_name;           /* owned; its copy in init's store */
};

/* What a node with a filter has. */
struct guard {
        struct filter_program *program;
        struct listener *listeners;
        pid_t ended;               /* the last process that was ended for a call, 0 = none */
        int code;                  /* of the reason: which call */
        bool *learned;             /* owned; [SYSCALLS_MAX] by index; NULL = has never learned */
        struct denial denial;      /* the same for people; incarnation 0 = none yet */
};

/* --- programs ------------------------------------------------------------------------------------------------------------- */

static uint64_t hash_of(const char *text)
{
        uint64_t h = 14695981039346656037ULL;

        for (; *text; text++)
                h = (h ^ (unsigned char) *text) * 1099511628211ULL;
        return h;
}

static void program_free(struct filter_program *p)
{
        buf_free(&p->bytes);
        free(p->key);
        free(p);
}

static void program_drop(struct engine *e, struct filter_program *p)
{
        if (!p || --p->users > 0)
                return;
        for (struct filter_program **at = &e->filters; *at; at = &(*at)->next)
                if (*at == p) {
                        *at = p->next;
                        break;
                }
        program_free(p);
}

static int program_make(const struct spec *s, const char *key, struct filter_program **ret, struct err *err)
{
        autofree struct filter *f = calloc(1, sizeof(*f));
        struct filter_program *p = calloc(1, sizeof(*p));
        int r = -ENOMEM;

        if (p)
                *p = (struct filter_program) { .hash = hash_of(key), .key = strdup(key), .gate = seccomp_secret() };
        if (!f || !p || !p->key) {
                free(p);
                return err_set(err, STAGE_RESOURCES, ENOMEM, "make the filter: out of memory");
        }
        if (p->gate == 0) {
                program_free(p);
                return err_set(err, STAGE_SECCOMP, EIO, "make the filter: the kernel gives no random numbers");
        }
        (void) filter_of(s, f);
        r = seccomp_compile(f, p->gate, &p->bytes, err);
        if (r < 0) {
                program_free(p);
                return r;
        }
        if (filter_tells(f))
                p->flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
        if (spec_int(s, D_SERVICE_SystemCallFilterMode) == FILTER_MODE_LEARN)
                p->flags |= SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
        *ret = p;
        return 0;
}

static int program_find(struct engine *e, const struct spec *s, const char *key, struct filter_program **ret,
                        struct err *err)
{
        uint64_t hash = hash_of(key);
        struct filter_program *p = e->filters;
        int r;

        while (p && (p->hash != hash || strcmp(p->key, key) != 0))
                p = p->next;
        if (!p) {
                r = program_make(s, key, &p, err);
                if (r < 0)
                        return r;
                p->next = e->filters;
                e->filters = p;
        }
        p->users++;
        *ret = p;
        return 0;
}

/* --- what a node has ------------------------------------------------------------------------------------------------------ */

static struct guard *guard_peek(const struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        return run && run->extra ? run->extra->guard : NULL;
}

static struct guard *guard_of(struct engine *e, node_id id)
{
        struct extra *x = engine_extra(e, id);

        if (x && !x->guard)
                x->guard = calloc(1, sizeof(*x->guard));
        return x ? x->guard : NULL;
}

static int refuse(struct err *err, const struct spec *s)
{
        struct origin o = filter_origin(s);
        int r = err_set(err, STAGE_SECCOMP, EOPNOTSUPP, "install the system call filter: the kernel, or what confines "
                                                        "coppiced, takes none");

        err_where(err, o.file, o.line);
        err_hint(err, "write Isolation=best-effort to start without it");
        return r;
}

int seccomp_gather(struct engine *e, node_id id, const struct spec *s, struct plan_filter *ret, bool *ret_any,
                   struct err *err)
{
        autobuf struct buf key = BUF_INIT;
        struct filter_program *p;
        struct guard *g;
        int r;

        filter_key(s, &key);
        if (key.len == 0)
                return 0;
        if (!seccomp_available())
                return spec_isolation(s, e->opt.isolation) == ISOLATION_BEST_EFFORT ? 0 : refuse(err, s);
        g = guard_of(e, id);
        if (!g || buf_failed(&key))
                return err_set(err, STAGE_RESOURCES, ENOMEM, "make the filter: out of memory");
        if (!g->program || strcmp(g->program->key, buf_text(&key)) != 0) {
                r = program_find(e, s, buf_text(&key), &p, err);
                if (r < 0)
                        return r;
                program_drop(e, g->program);
                g->program = p;
        }
        p = g->program;
        if (p->flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV && !g->learned)
                g->learned = calloc(SYSCALLS_MAX, sizeof(*g->learned));
        if (p->flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV && !g->learned)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "learn system calls: out of memory");
        *ret = (struct plan_filter) { .program = p->bytes.data, .size = p->bytes.len, .gate = p->gate, .flags = p->flags,
                                      .needs_nnp = !seccomp_privileged() };
        *ret_any = true;
        return 0;
}

/* --- listeners ------------------------------------------------------------------------------------------------------------ */

static void listener_end(struct listener *l)
{
        struct guard *g = guard_peek(l->e, l->node);

        for (struct listener **at = g ? &g->listeners : NULL; at && *at; at = &(*at)->next)
                if (*at == l) {
                        *at = l->next;
                        break;
                }
        ev_io_stop(l->e->loop, &l->watch);
        (void) initlink_unstore(l->e->link, l->init_name);
        (void) close(l->watch.fd);
        free(l->init_name);
        free(l);
}

/* Which call, of whom, and the line that would allow it. */
static void tell(struct engine *e, node_id id, const struct denial *d)
{
        char path[PATH_MAX_NODE];
        struct err err = { 0 };

        (void) err_set(&err, STAGE_SECCOMP, EPERM, "%s[%d] used the system call %s, which its filter forbids: ended",
                       d->comm[0] ? d->comm : "process", (int) d->pid, d->call);
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

static void deny(struct listener *l, struct guard *g, const struct seccomp_call *c)
{
        struct denial *d = &g->denial;

        *d = (struct denial) { .incarnation = l->incarnation, .pid = c->pid };
        (void) snprintf(d->call, sizeof(d->call), "%s", c->name);
        (void) snprintf(d->comm, sizeof(d->comm), "%s", c->comm);
        put_remedy(c, d);
        g->ended = c->pid;
        g->code = reason_seccomp(c->number, (int) c->arch);
        tell(l->e, l->node, d);
        (void) seccomp_kill(l->watch.fd, c);
}

/* A kind of call that is not allowed at all is a matter of its own (SystemCallArchitectures=): it is learned by name as
 * well. Calls without a name cannot be written into a unit. */
static void learn(struct listener *l, struct guard *g, const struct seccomp_call *c)
{
        int index = syscall_find(c->name);

        if (index >= 0 && !g->learned[index]) {
                g->learned[index] = true;
                log_debug("learned that node %u uses %s", (unsigned) l->node, c->name);
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

void seccomp_listen(struct engine *e, const struct init_listener *m, int fd)
{
        struct listener *l = calloc(1, sizeof(*l));
        char path[PATH_MAX_NODE];
        struct guard *g;
        node_id node;
        uint32_t incarnation;
        enum role role;

        request_split(m->request, &node, &incarnation, &role);
        g = core_node(e->core, node) ? guard_of(e, node) : NULL;
        if (!l || !g || asprintf(&l->init_name, "seccomp:%u:%s", ++e->store_serial,
                                 engine_path(e, node, path, sizeof(path))) < 0) {
                free(l);
                (void) close(fd);
                return;
        }
        l->e = e;
        l->node = node;
        l->incarnation = incarnation;
        l->learns = g->learned && g->program && g->program->flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
        l->next = g->listeners;
        g->listeners = l;
        ev_io_init(&l->watch, on_call, fd, EV_READ);
        ev_io_start(e->loop, &l->watch);
        if (initlink_store(e->link, l->init_name, fd) < 0)
                log_debug("%s: init keeps no copy of it", l->init_name);
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

void seccomp_forget(struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);
        struct guard *g = guard_peek(e, id);

        if (!g)
                return;
        while (g->listeners)
                listener_end(g->listeners);
        program_drop(e, g->program);
        free(g->learned);
        free(g);
        run->extra->guard = NULL;
}
