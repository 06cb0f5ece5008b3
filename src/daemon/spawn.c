/* spawn.c - have what a plan needs to know gathered, compile it, hand it to init.
 *
 * Nothing is waited for: the answers arrive through link.c. So a thousand starts are a thousand messages that init
 * works on while the next ones are being written. */
#include <string.h>

#include "core/mounts.h"
#include "daemon/adopt.h"
#include "daemon/engine_priv.h"
#include "daemon/gather.h"
#include "daemon/ledger.h"
#include "daemon/left.h"
#include "daemon/link.h"
#include "daemon/ready.h"
#include "daemon/sandbox.h"
#include "daemon/say.h"
#include "daemon/spawn.h"

static int64_t boot_half(const struct engine *e)
{
        return (int64_t) e->boot_mark;
}

void spawn_mark(const struct engine *e, node_id node, uint32_t incarnation, char buf[33])
{
        static const char hex[] = "0123456789abcdef";
        uint64_t halves[2] = { (uint64_t) boot_half(e), (uint64_t) node << 32 | incarnation };

        for (int i = 0; i < 32; i++)
                buf[i] = hex[halves[i / 16] >> (60 - i % 16 * 4) & 15];
        buf[32] = '\0';
}

/* The write end stays open in the child until exec closes it: its end of file says that the program runs. */
static int confirm(struct engine *e, const struct action *a, uint64_t request, struct gathered *g, struct err *err)
{
        int r;

        if (!a->confirm_exec)
                return 0;
        r = exec_pipe(e, a->node, request, &g->exec_fd);
        if (r < 0)
                return err_set(err, STAGE_RESOURCES, -r, "make the pipe that confirms exec: %s", strerror(-r));
        if (gathered_fd(g, g->exec_fd) < 0)
                return err_set(err, STAGE_RESOURCES, EMFILE, "pass descriptors: more than %d", INIT_FDS_MAX);
        return 0;
}

static int try_spawn(struct engine *e, const struct action *a, const struct spec *s, struct gathered *g,
                     struct err *err)
{
        uint64_t request = request_make(a->node, a->incarnation, (enum role) a->role);
        int r = gather(e, a, s, g, err);

        if (r == 0)
                r = plan_compile(s, &g->facts, (enum directive) a->directive, a->index, &e->plan, err);
        if (r == 0)
                r = confirm(e, a, request, g, err);
        if (r < 0)
                return r;
        if (spec_count(s, D_SERVICE_RuntimeDirectory) > 0)
                engine_run(e, a->node)->flags |= RUN_DIRS;
        if (spec_private_tmp(s) == PRIVATE_TMP_YES) {
                engine_run(e, a->node)->flags |= RUN_TMP;
                private_tmp_note(e);
        }
        if (a->role == ROLE_MAIN)
                left_note(e, a->node, 0);
        if (creds_wanted(s))
                engine_run(e, a->node)->flags |= RUN_CREDS;
        r = initlink_spawn(e->link, request, e->plan.data, e->plan.len, g->fds, (size_t) g->fd_count,
                           g->facts.fds.cgroup, err);
        if (r >= 0)
                engine_run(e, a->node)->flags |= (unsigned) RUN_ASKED << a->role;
        return r;
}

void spawn(struct engine *e, const struct action *a)
{
        const struct node *node = core_node(e->core, a->node);
        struct gathered g = GATHERED_NONE;
        struct err err = { 0 };

        if (!node || (e->survivor_count > 0 && adopt_spawn(e, a, node->spec)))
                return;
        if (try_spawn(e, a, node->spec, &g, &err) < 0)
                spawn_failed(e, a->node, a->incarnation, (enum role) a->role, &err);
        gathered_done(&g);
}

void spawn_failure_told(struct engine *e, node_id node, enum role role, const struct err *err)
{
        struct err told = *err;
        char path[PATH_MAX_NODE];

        err_unit(&told, engine_path(e, node, path, sizeof(path)));
        say_err(e, &told);
        if (role == ROLE_MAIN)
                ledger_failed(e, node, &told);
}

void spawn_failure_posted(struct engine *e, node_id node, uint32_t incarnation, enum role role, enum stage stage,
                          int error)
{
        struct reason reason = REASON(REASON_SPAWN, error);

        reason.stage = (uint8_t) stage;
        engine_post(e, &(struct event) { .kind = EVT_SPAWN_FAILED, .role = (uint8_t) role, .node = node,
                                         .incarnation = incarnation, .reason = reason });
}

void spawn_failed(struct engine *e, node_id node, uint32_t incarnation, enum role role, const struct err *err)
{
        spawn_failure_told(e, node, role, err);
        spawn_failure_posted(e, node, incarnation, role, err->stage, err->code);
}
