/* reconcile.c - the world again, after the journal was read: descriptors find their places, watches are made anew, and
 * what the last step asked for is done as far as it was not. See recover.h.
 *
 * What may have been done twice, and why that does no harm:
 *      SPAWN        never twice: whatever init was asked for before it said HELLO has been answered before HELLO
 *      SIGNAL       once more, when the engine ended within the moment between writing down the step and the end of it
 *      KILL, FREEZE, THAW, WATCH_EMPTY, FORGET   asking again changes nothing
 *      CHECK        its answer is in the journal or it is asked again, of whoever is in PHASE_CHECK
 *      OPEN         only bookkeeping, done by recover_opened()
 *      CLOSE        its entry in the ledger is written down with the fact that it was done, before anything is spawned
 *      DELIVER      what it adds to a mailbox is in the journal before it is sent, with the fact that it was done
 *      DONE         the client's connection is gone
 *      EXIT, EMERGENCY   asking again changes nothing */
#include <string.h>

#include "daemon/check.h"
#include "daemon/empty.h"
#include "daemon/engine_priv.h"
#include "daemon/exit.h"
#include "daemon/logd.h"
#include "daemon/mail.h"
#include "daemon/perform.h"
#include "daemon/pidfile.h"
#include "daemon/pipe.h"
#include "daemon/ready.h"
#include "daemon/recover.h"
#include "daemon/seccomp.h"
#include "daemon/store.h"
#include "daemon/transient.h"

/* --- the last step ------------------------------------------------------------------------------------------------ */

/* ACT_OPEN of the last step: what it sets may not have been written down, and what init says next is about it. */
void recover_opened(struct engine *e)
{
        for (size_t i = 0; i < e->redo_count; i++) {
                const struct action *a = &e->redo[i];

                if (a->kind == ACT_OPEN && engine_run(e, a->node)->incarnation != a->incarnation)
                        perform_open(e, a);
        }
}

static bool about(const struct event *event, const struct action *a)
{
        return event->node == a->node && event->incarnation == a->incarnation && event->role == a->role &&
               (event->kind == EVT_SPAWNED || event->kind == EVT_SPAWN_FAILED || event->kind == EVT_EXITED);
}

/* Has init got this request? Then its answer has been read by now. */
static bool answered(const struct engine *e, const struct action *a)
{
        const struct run *run = engine_peek(e, a->node);

        if (run && run->incarnation == a->incarnation && run->pid[a->role] != 0)
                return true;
        for (size_t i = 0; i < e->queue_len; i++)
                if (about(&e->queue[(e->queue_head + i) % e->queue_cap], a))
                        return true;
        for (size_t i = 0; i < e->pids.cap; i++)
                if (e->pids.slots[i].pid && e->pids.slots[i].kind == PID_UNRUN && e->pids.slots[i].node == a->node &&
                    e->pids.slots[i].incarnation == a->incarnation && e->pids.slots[i].role == a->role)
                        return true;
        return false;
}

/* It was started, but what was noted on the way may not have been written down. */
static void believe_spawned(struct engine *e, const struct action *a)
{
        const struct node *node = core_node(e->core, a->node);
        struct run *run = engine_run(e, a->node);
        char path[PATH_MAX_NODE];
        int fd;

        if (node && spec_count(node->spec, D_SERVICE_RuntimeDirectory) > 0)
                run->flags |= RUN_DIRS;
        if (cgroup_backend(e->cgroup) == CGROUP_NONE ||
            cgroup_reopen(e->cgroup, engine_path(e, a->node, path, sizeof(path)), &fd, NULL) < 0)
                return;
        (void) close(fd);
        run->flags |= RUN_GROUP;
}

static bool needed(struct engine *e, const struct action *a)
{
        switch ((enum action_kind) a->kind) {
        case ACT_OPEN:
        case ACT_DONE:
        case ACT_CHECK: /* see recover_resume() */
                return false;
        case ACT_SPAWN:
                if (!answered(e, a))
                        return true;
                believe_spawned(e, a);
                return false;
        case ACT_SIGNAL:
                return true;
        default:
                return !e->performed;
        }
}

static void redo(struct engine *e)
{
        uint32_t n = 0;

        for (size_t i = 0; i < e->redo_count; i++)
                if (needed(e, &e->redo[i]))
                        e->redo[n++] = e->redo[i];
        e->redo_count = n;
        if (n == 0)
                return;
        log_debug("%u actions of the last step are done now", n);
        journal_changed(e); /* the list is another one, and what has been done of it is counted */
        journal_commit(e);
        perform(e, &(struct actions) { .list = e->redo, .count = n });
}

/* --- descriptors -------------------------------------------------------------------------------------------------- */

/* "NODE:PATH", see logs.c. After the journal was lost numbers mean nothing, and the path finds the node. */
static struct extra *extra_of(struct engine *e, const char *where)
{
        char path[PATH_MAX_NODE];
        const char *wanted = strchr(where, ':');
        node_id id = (node_id) strtoul(where, NULL, 10);

        if (!wanted)
                return NULL;
        if (!core_node(e->core, id) || strncmp(engine_path(e, id, path, sizeof(path)), wanted + 1, 96) != 0)
                id = core_find(e->core, NODE_ROOT, wanted + 1, NULL);
        return id == NODE_NONE ? NULL : engine_extra(e, id);
}

static bool stored_log(struct engine *e, const char *name, int fd)
{
        bool in = strncmp(name, "log-in:", 7) == 0, out = strncmp(name, "log-out:", 8) == 0;
        const char *where = name + (in ? 7 : 8);
        struct extra *x = in || out ? extra_of(e, where) : NULL;

        if (!x)
                return false;
        *(in ? &x->log_in : &x->log_out) = fd;
        if (!x->log_path)
                x->log_path = strdup(where);
        return true;
}

static bool stored_pipe(struct engine *e, const char *name, int fd)
{
        unsigned id;

        if (sscanf(name, "ready:%u", &id) == 1 && core_node(e->core, id))
                ready_resume(e, id, fd);
        else if (sscanf(name, "exec:%u", &id) == 1 && core_node(e->core, id))
                exec_resume(e, id, fd);
        else
                return false;
        return true;
}

void recover_stored(struct engine *e, const char *name, int fd)
{
        if (strcmp(name, INIT_STORE_JOURNAL) == 0 || strcmp(name, INIT_STORE_ENGINE) == 0 ||
            strcmp(name, INIT_STORE_CGROUP) == 0 || strcmp(name, INIT_STORE_OUTSIDE) == 0 ||
            strcmp(name, INIT_STORE_INSIDE) == 0) {
                (void) close(fd);
                return;
        }
        errno = 0;
        if (strcmp(name, "control") == 0)
                e->kept_control = fd;
        else if (strcmp(name, "lock") == 0)
                e->lock_fd = fd;
        else if (strcmp(name, "notify") == 0)
                e->notify_fd = fd;
        else if (strcmp(name, "logd") == 0)
                e->logd->sock = fd; /* watched by logd_resume() */
        else if (!stored_log(e, name, fd) && !stored_pipe(e, name, fd) && !store_resume(e, name, fd) &&
                 !seccomp_resume(e, name, fd) && !mail_resume(e, name, fd) && !transient_resume(e, name, fd) &&
                 !pipes_stored(e, name, fd)) {
                if (errno == ENOMEM) { /* it may have an owner, for whom there was no room */
                        e->lacking = ENOMEM;
                        (void) close(fd);
                        return;
                }
                log_debug("init keeps %s, which belongs to nobody any more", name);
                (void) initlink_unstore(e->link, name);
                (void) close(fd);
        }
}

/* --- watches ------------------------------------------------------------------------------------------------------ */

static void watch_again(struct engine *e, node_id id)
{
        const struct node *node = core_node(e->core, id);
        struct run *run = &e->runs[id];

        if (run->flags & (RUN_WATCHED | RUN_PROBE)) {
                run = engine_run(e, id);
                run->flags &= ~(unsigned) (RUN_WATCHED | RUN_PROBE);
                empty_watch(e, id, run->incarnation);
        }
        seccomp_again(e, id);
        if (run->extra && run->extra->executed && run->incarnation) /* seen, and not told yet */
                exec_spawned(e, id, run->extra->exec_request);
        if (node && node->phase == PHASE_MAIN && spec_int(node->spec, D_SERVICE_Type) == TYPE_FORKING &&
            run->leader && !run->pid[ROLE_MAIN])
                pidfile_wait(e, id);
}

void recover_resume(struct engine *e)
{
        logd_resume(e);
        for (node_id id = 0; id < e->run_cap; id++)
                watch_again(e, id);
        redo(e);
        check_again(e);
        if (!e->finishing)
                return;
        e->finishing = false; /* it was waiting for the log writer */
        exit_finish(e, e->exit_code);
}
