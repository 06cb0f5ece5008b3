/* seccomp.c - filters of system calls: the programs, shared by all who ask for the same. See seccomp_priv.h.
 *
 * A program is compiled at the first start that needs it and kept as long as a node that asks for it is there. */
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "daemon/say.h"
#include "daemon/seccomp.h"
#include "daemon/seccomp_priv.h"
#include "os/learned.h"

#ifndef SECCOMP_FILTER_FLAG_NEW_LISTENER
#define SECCOMP_FILTER_FLAG_NEW_LISTENER (1UL << 3)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* --- programs ----------------------------------------------------------------------------------------------------- */

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
                if (p)
                        program_free(p);
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

/* --- what a node has ---------------------------------------------------------------------------------------------- */

struct guard *guard_peek(const struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        return run && run->extra ? run->extra->guard : NULL;
}

struct guard *guard_of(struct engine *e, node_id id)
{
        struct extra *x = engine_extra(e, id);

        if (x && !x->guard) {
                x->guard = calloc(1, sizeof(*x->guard));
                if (x->guard)
                        x->guard->notes = -1;
        }
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

bool program_learns(const struct filter_program *p)
{
        return p && p->flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
}

/* Learning goes on where an engine before this one has left off; it begins anew when the mode was turned to learn. */
int learn_begin(struct engine *e, node_id id, struct guard *g, bool afresh, struct err *err)
{
        struct err why = { 0 };
        char path[PATH_MAX_NODE];

        if (g->learned && !afresh)
                return 0;
        free(g->learned);
        fd_close(&g->notes);
        g->learned = calloc(SYSCALLS_MAX, sizeof(*g->learned));
        if (!g->learned)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "learn system calls: out of memory");
        g->notes = learned_open(e->opt.state_dir, engine_path(e, id, path, sizeof(path)), afresh, g->learned, &why);
        if (g->notes < 0) {
                err_unit(&why, path);
                err_hint(&why, "what is learned is lost when the engine ends");
                say_err(e, &why);
        }
        return 0;
}

bool seccomp_left_out(const struct engine *e, const struct spec *s)
{
        enum directive d;
        size_t at = 0;

        return filter_source(s, &at, &d) && spec_isolation(s, e->opt.isolation) == ISOLATION_BEST_EFFORT &&
               !seccomp_available();
}

int seccomp_gather(struct engine *e, node_id id, const struct spec *s, struct plan_filter *ret, bool *ret_any,
                   struct err *err)
{
        autobuf struct buf key = BUF_INIT;
        struct filter_program *p;
        struct guard *g;
        bool turned = false;
        int r;

        filter_key(s, &key);
        if (key.len == 0 || seccomp_left_out(e, s))
                return 0;
        if (!seccomp_available())
                return refuse(err, s);
        g = guard_of(e, id);
        if (!g || buf_failed(&key))
                return err_set(err, STAGE_RESOURCES, ENOMEM, "make the filter: out of memory");
        if (!g->program || strcmp(g->program->key, buf_text(&key)) != 0) {
                r = program_find(e, s, buf_text(&key), &p, err);
                if (r < 0)
                        return r;
                turned = g->program && !program_learns(g->program);
                program_drop(e, g->program);
                g->program = p;
        }
        p = g->program;
        r = program_learns(p) ? learn_begin(e, id, g, turned, err) : 0;
        if (r < 0)
                return r;
        *ret = (struct plan_filter) { .program = p->bytes.data, .size = p->bytes.len, .gate = p->gate,
                                      .flags = p->flags, .needs_nnp = !seccomp_privileged() };
        *ret_any = true;
        return 0;
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
        fd_close(&g->notes);
        free(g);
        run->extra->guard = NULL;
}
