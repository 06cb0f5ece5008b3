/* perform.c - the actions of a step: what is done about each. A failure becomes an event, never silence. */
#include <string.h>

#include "daemon/check.h"
#include "daemon/empty.h"
#include "daemon/engine_priv.h"
#include "daemon/exit.h"
#include "daemon/identity.h"
#include "daemon/journal.h"
#include "daemon/ledger.h"
#include "daemon/limits.h"
#include "daemon/logs.h"
#include "daemon/mail.h"
#include "daemon/perform.h"
#include "daemon/pidfile.h"
#include "daemon/pipe.h"
#include "daemon/ready.h"
#include "daemon/rundir.h"
#include "daemon/said.h"
#include "daemon/sandbox.h"
#include "daemon/seccomp.h"
#include "daemon/spawn.h"
#include "daemon/store.h"
#include "daemon/transient.h"

void perform_open(struct engine *e, const struct action *a)
{
        struct run *run = engine_run(e, a->node);

        run->incarnation = a->incarnation & (UINT32_MAX >> 1);
        run->pid[ROLE_MAIN] = run->pid[ROLE_CONTROL] = run->leader = 0;
        run->flags &= RUN_ORPHANED | RUN_GROUP | RUN_CLEAN;
        run->started = engine_now(e);
        if (run->extra) {
                said_clear(&run->extra->said);
                logs_begin(e, a->node);
        }
}

/* --- signals ----------------------------------------------------------------------------------------------------- */

/* A main process that the service named itself need not be a child of init: it is then looked for in the group. */
static void signal_main(struct engine *e, node_id id, const struct run *run, int sig, bool cont)
{
        char path[PATH_MAX_NODE];
        pid_t pid = run->pid[ROLE_MAIN];

        if (pid == 0)
                return;
        if (run->flags & RUN_NAMED && run->flags & RUN_GROUP) {
                (void) engine_path(e, id, path, sizeof(path));
                if (cgroup_signal_one(e->cgroup, path, pid, sig) == 0) {
                        if (cont)
                                (void) cgroup_signal_one(e->cgroup, path, pid, SIGCONT);
                        return;
                }
        }
        (void) initlink_signal(e->link, pid, sig, cont ? INIT_SIGNAL_CONT : 0);
}

/* The main process first, and directly: see signal_group(). */
static void signal_scattered(struct engine *e, node_id id, const struct run *run, int sig, bool cont)
{
        char mark[33];
        struct nogroup_id who = empty_nogroup(e, id, mark);
        pid_t main = run->pid[ROLE_MAIN];

        if (!main || nogroup_signal_one(&who, main, sig) < 0)
                signal_main(e, id, run, sig, cont);
        else if (cont)
                (void) nogroup_signal_one(&who, main, SIGCONT);
        if (nogroup_signal(&who, sig, main) < 0) /* no /proc: the process group at least */
                (void) initlink_signal(e->link, run->leader, sig, INIT_SIGNAL_GROUP | (cont ? INIT_SIGNAL_CONT : 0));
        else if (cont)
                (void) nogroup_signal(&who, SIGCONT, main);
}

/* The main process first, and directly: a shell that sees its child die before it has got the signal itself starts
 * another child. By way of init it would come too late. */
static void signal_group(struct engine *e, node_id id, const struct run *run, int sig)
{
        char path[PATH_MAX_NODE];
        pid_t main = run->pid[ROLE_MAIN];

        (void) engine_path(e, id, path, sizeof(path));
        /* With PrivatePIDs= the process we know passes signals on to the program, which gets this one anyway. */
        if (main && !sandbox_watched(e, id) && cgroup_signal_one(e->cgroup, path, main, sig) < 0)
                (void) initlink_signal(e->link, main, sig, 0);
        (void) cgroup_signal(e->cgroup, path, sig, main);
}

static bool alone(struct engine *e, node_id id, const struct run *run)
{
        char path[PATH_MAX_NODE];

        return run->pid[ROLE_MAIN] && !(run->flags & RUN_NAMED) &&
               cgroup_alone(e->cgroup, engine_path(e, id, path, sizeof(path)), run->pid[ROLE_MAIN]);
}

static void signal_all(struct engine *e, node_id id, const struct run *run, int sig, bool cont)
{
        if (run->flags & RUN_GROUP && !alone(e, id, run)) {
                signal_group(e, id, run, sig);
                if (cont)
                        signal_group(e, id, run, SIGCONT);
                return;
        }
        if (!(run->flags & RUN_GROUP) && run->leader)
                signal_scattered(e, id, run, sig, cont);
        else
                signal_main(e, id, run, sig, cont);
}

static void signal_service(struct engine *e, node_id id, const struct action *a, bool cont)
{
        const struct run *run = engine_peek(e, id);
        int sig = (int) a->arg;

        if (!run)
                return;
        if (a->role == ROLE_MAIN)
                signal_main(e, id, run, sig, cont);
        else if (a->role == ROLE_CONTROL && run->pid[ROLE_CONTROL])
                (void) initlink_signal(e->link, run->pid[ROLE_CONTROL], sig, cont ? INIT_SIGNAL_CONT : 0);
        else if (a->role == ROLE_ALL)
                signal_all(e, id, run, sig, cont);
}

/* A supervisor has no processes of its own: a signal to it is one to every service below. */
static void on_signal(struct engine *e, node_id id, const struct action *a, bool cont)
{
        signal_service(e, id, a, cont);
        for (node_id child = core_first_child(e->core, id); child != NODE_NONE;
             child = core_next_sibling(e->core, child))
                on_signal(e, child, a, cont);
}

/* Without control groups: the processes of one service; empty.c repeats it until none is found. */
static void kill_scattered(struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);
        char mark[33];

        if (!run)
                return;
        for (int role = ROLE_MAIN; role <= ROLE_CONTROL; role++)
                if (run->pid[role])
                        (void) initlink_signal(e->link, run->pid[role], SIGKILL, INIT_SIGNAL_GROUP);
        if (run->leader) {
                struct nogroup_id who = empty_nogroup(e, id, mark);

                (void) nogroup_signal(&who, SIGKILL, 0);
        }
}

/* Recursion goes as deep as the tree, which is as deep as the unit files say. */
static void kill_each(struct engine *e, node_id id, bool signal)
{
        for (node_id child = core_first_child(e->core, id); child != NODE_NONE;
             child = core_next_sibling(e->core, child))
                kill_each(e, child, signal);
        engine_run(e, id)->flags |= RUN_KILLED;
        if (signal)
                kill_scattered(e, id);
}

void perform_kill(struct engine *e, node_id id)
{
        char path[PATH_MAX_NODE];
        int r = -EOPNOTSUPP;

        if (cgroup_backend(e->cgroup) != CGROUP_NONE) {
                r = cgroup_kill(e->cgroup, engine_path(e, id, path, sizeof(path)));
                if (r < 0 && r != -ENOENT)
                        log_warning("%s: kill its control group: %s", path, strerror(-r));
        }
        kill_each(e, id, r < 0 && r != -ENOENT);
}

static void on_freeze(struct engine *e, const struct action *a)
{
        bool frozen = a->kind == ACT_FREEZE;
        const struct run *run = engine_peek(e, a->node);
        char path[PATH_MAX_NODE];
        int r;

        if (cgroup_backend(e->cgroup) != CGROUP_NONE) {
                r = cgroup_freeze(e->cgroup, engine_path(e, a->node, path, sizeof(path)), frozen);
                if (r < 0)
                        log_warning("%s: %s its control group: %s", path, frozen ? "freeze" : "thaw", strerror(-r));
        } else if (run) {
                signal_all(e, a->node, run, frozen ? SIGSTOP : SIGCONT, false);
        }
}

/* --- ends --------------------------------------------------------------------------------------------------------- */

static bool settled(const struct engine *e, node_id id)
{
        const struct node *node = core_node(e->core, id);
        enum state state = node ? (enum state) node->state : STATE_INACTIVE;

        return state == STATE_INACTIVE || state == STATE_FAILED || state == STATE_FINISHED;
}

/* It was stopped and its file is gone; so goes a supervisor that has only lived on for it. */
static void delete_orphan(struct engine *e, node_id id)
{
        node_id above = core_node(e->core, id) ? core_node(e->core, id)->parent : NODE_NONE;

        engine_post(e, &(struct event) { .kind = EVT_DELETE, .node = id });
        if (above != NODE_NONE && engine_orphaned(e, above) && core_first_child(e->core, above) == id &&
            core_last_child(e->core, above) == id)
                engine_post(e, &(struct event) { .kind = EVT_DELETE, .node = above });
}

static void on_close(struct engine *e, const struct action *a)
{
        struct run *run = engine_run(e, a->node);
        char path[PATH_MAX_NODE];

        empty_forget(e, a->node);
        ready_forget(e, a->node);
        pidfile_forget(e, a->node);
        limits_end(e, a->node);
        seccomp_close(e, a->node, a->incarnation);
        if (run->flags & RUN_GROUP && (!(run->flags & RUN_CLEAN) || settled(e, a->node))) {
                (void) cgroup_remove(e->cgroup, engine_path(e, a->node, path, sizeof(path)));
                run->flags &= ~(unsigned) (RUN_GROUP | RUN_CLEAN);
        }
        mail_close(e, a->node); /* its last message may be CALL=spawn, which adds a node: e->runs may have moved */
        pipes_closed(e, a->node, &a->reason);
        run = engine_run(e, a->node);
        if (run->flags & RUN_DIRS)
                rundir_remove(e, a->node);
        if (run->flags & RUN_CREDS)
                sandbox_remove_credentials(e, a->node);
        if (run->flags & RUN_TMP)
                private_tmp_remove(e, a->node, a->incarnation);
        ledger_close(e, a->node, a->incarnation, &a->reason);
        identity_forget(run->extra);
        run->flags &= RUN_ORPHANED | RUN_GROUP | RUN_CLEAN;
        run->pid[ROLE_MAIN] = run->pid[ROLE_CONTROL] = run->leader = 0;
        if (!settled(e, a->node))
                return;
        store_forget(e, a->node);
        transient_closed(e, a->node);
        if (run->flags & RUN_ORPHANED)
                delete_orphan(e, a->node);
}

/* The group of a deleted supervisor goes with it, unless a namesake has taken its place. */
static void on_forget(struct engine *e, node_id id)
{
        char path[PATH_MAX_NODE];

        (void) engine_path(e, id, path, sizeof(path));
        if (cgroup_backend(e->cgroup) != CGROUP_NONE && core_find(e->core, NODE_ROOT, path, NULL) == NODE_NONE)
                (void) cgroup_remove(e->cgroup, path);
        engine_forget(e, id);
}

static void on_emergency(struct engine *e)
{
        struct err err = { 0 };
        node_id id;

        if (engine_bring(e, "emergency.service", &id, &err) < 0) {
                log_err(LOG_LEVEL_ERROR, &err);
                log_error("the root supervisor has given up and there is no emergency.service to start: staying alive");
                return;
        }
        log_error("the root supervisor has given up: starting emergency.service");
        engine_post(e, &(struct event) { .kind = EVT_START, .flags = REQ_ALONE, .node = id });
}

static void perform_one(struct engine *e, const struct action *a, bool cont)
{
        switch ((enum action_kind) a->kind) {
        case ACT_CHECK: check(e, a->node, a->incarnation); break;
        case ACT_OPEN: perform_open(e, a); break;
        case ACT_SPAWN: spawn(e, a); break;
        case ACT_SIGNAL: on_signal(e, a->node, a, cont); break;
        case ACT_KILL: perform_kill(e, a->node); break;
        case ACT_WATCH_EMPTY: empty_watch(e, a->node, a->incarnation); break;
        case ACT_CLOSE: on_close(e, a); break;
        case ACT_FREEZE:
        case ACT_THAW: on_freeze(e, a); break;
        case ACT_FORGET: on_forget(e, a->node); break;
        case ACT_DONE: engine_answer(e, a->token, (enum result) a->result); break;
        case ACT_EXIT: exit_finish(e, (int) a->arg); break;
        case ACT_DELIVER: mail_deliver(e, a); break;
        case ACT_EMERGENCY: on_emergency(e); break;
        case ACT_COUNT: break;
        }
}

/* The SIGCONT that follows the signal of a stop goes with it: one message to init, not two. */
static bool conts(const struct action *a, const struct action *next)
{
        return a->kind == ACT_SIGNAL && next->kind == ACT_SIGNAL && next->arg == SIGCONT && a->arg != SIGCONT &&
               a->node == next->node && a->role == next->role;
}

/* Before a process is asked of init, which cannot be taken back, the journal has to say that the actions in front of it
 * have been performed: the next engine finds the process started, and must not perform them once more (the close of the
 * life before, for one). OPEN, CHECK, SPAWN and DONE need no such note: reconcile.c says why. */
static bool to_be_noted(const struct action *a)
{
        return a->kind != ACT_OPEN && a->kind != ACT_CHECK && a->kind != ACT_SPAWN && a->kind != ACT_DONE;
}

/* Do the actions of a step only look at something? Then nobody outside can tell that it was taken, and it is written
 * into the journal together with what it leads to, not by a write of its own. */
static bool only_asks(const struct actions *actions)
{
        for (uint32_t i = 0; i < actions->count; i++)
                if (actions->list[i].kind != ACT_CHECK && actions->list[i].kind != ACT_WATCH_EMPTY)
                        return false;
        return true;
}

void perform(struct engine *e, const struct actions *actions)
{
        const bool asks = only_asks(actions);
        bool noted = true;

        e->doing = actions;
        e->doing_base = e->doing_at = 0;
        if (!asks)
                journal_commit(e);
        for (uint32_t i = 0; i < actions->count; i++) {
                const struct action *a = &actions->list[i];
                bool cont = i + 1 < actions->count && conts(a, a + 1);

                e->doing_at = i;
                if (a->kind == ACT_SPAWN && !noted) {
                        journal_doing(e);
                        journal_commit(e);
                        noted = true;
                }
                noted = noted && !to_be_noted(a);
                perform_one(e, a, cont);
                i += cont;
        }
        e->doing_at = actions->count;
        if (asks && actions->count > 0)
                journal_doing(e);
        e->doing = NULL;
}
