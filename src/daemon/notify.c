/* notify.c - what services say with sd_notify: who said it, may it, and which event that is.
 *
 * The sender is the pid the kernel vouches for. It is looked up among the processes we started, then by its control
 * group: a sender that has ended since and was reaped belongs to nobody any more and is not believed. */
#include <errno.h>
#include <string.h>

#include "daemon/engine_priv.h"
#include "daemon/journal.h"
#include "daemon/left.h"
#include "daemon/notify.h"
#include "daemon/peer.h"
#include "daemon/said.h"
#include "daemon/sandbox.h"
#include "daemon/store.h"
#include "os/notify.h"

enum { MESSAGES_PER_TURN = 64, UNSURE_MAX = 256 };
#define UNSURE_LOOK .01            /* seconds between two looks at who the sender is */
#define UNSURE_FOR  NSEC_PER_SEC

struct early {
        struct notify_msg m;   /* its descriptors are ours until it is read */
        nsec until;            /* its sender is not known yet: read without it then; 0 = not so */
        struct early *next;
};

/* NODE_NONE with *ret_unsure: ask again, it is in the middle of exec, or we are short of what it takes to ask. */
static node_id sender_node(const struct engine *e, pid_t pid, enum pid_kind *ret_kind, bool *ret_unsure)
{
        const struct pid_entry *entry = pid_map_get(&e->pids, pid);
        node_id id;

        *ret_kind = PID_FORMER; /* somebody of the service */
        if (entry && entry->kind != PID_LOGD) {
                const struct run *run = engine_peek(e, entry->node);

                *ret_kind = (enum pid_kind) entry->kind;
                return run->incarnation == entry->incarnation ? entry->node : NODE_NONE;
        }
        id = peer_place(e, pid, ret_unsure);
        if (id != NODE_NONE && sandbox_watched(e, id) && sandbox_is_program(pid))
                *ret_kind = PID_MAIN;
        return id;
}

static bool believed(enum notify_access access, enum pid_kind kind)
{
        switch (access) {
        case NOTIFY_MAIN: return kind == PID_MAIN;
        case NOTIFY_EXEC: return kind == PID_MAIN || kind == PID_CONTROL;
        case NOTIFY_ALL: return true;
        default: return false;
        }
}

/* A process of somebody else, or one that has a part of its own: a control command's end is waited for as that. */
bool notify_is_anothers(const struct engine *e, node_id id, pid_t pid)
{
        const struct pid_entry *entry = pid_map_get(&e->pids, pid);
        enum pid_kind kind;
        node_id owner;

        if (entry)
                return entry->node != id || (entry->kind != PID_MAIN && entry->kind != PID_FORMER);
        owner = sender_node(e, pid, &kind, NULL);
        return pid == getpid() || pid == e->opt.pid || (owner != NODE_NONE && owner != id);
}

/* MAINPID=: only a process of the service itself, and none that is another role's (FAILURES G6 in spirit). */
static bool may_be_main(const struct engine *e, node_id id, pid_t pid)
{
        enum pid_kind kind;

        return pid > 1 && sender_node(e, pid, &kind, NULL) == id && !notify_is_anothers(e, id, pid);
}

void notify_main_pid(struct engine *e, node_id id, pid_t pid)
{
        struct run *run = engine_run(e, id);
        struct pid_entry *former = pid_map_get(&e->pids, run->pid[ROLE_MAIN]);

        if (pid == run->pid[ROLE_MAIN])
                return;
        if (former && former->node == id && former->kind == PID_MAIN) {
                former->kind = PID_FORMER;
                journal_pid(e, former);
        }
        (void) engine_knows(e, (struct pid_entry) { .pid = pid, .node = id, .incarnation = run->incarnation,
                                                          .kind = PID_MAIN });
        run->pid[ROLE_MAIN] = pid;
        run->flags |= RUN_NAMED;
        left_note(e, id, pid);
        engine_post(e, &(struct event) { .kind = EVT_MAINPID, .node = id, .incarnation = run->incarnation,
                                         .arg = pid });
}

static void post(struct engine *e, node_id id, enum event_kind kind, int64_t arg)
{
        engine_post(e, &(struct event) { .kind = (uint8_t) kind, .node = id, .arg = arg,
                                         .incarnation = engine_run(e, id)->incarnation });
}

/* The order matters where one message says several things: the main process first, readiness last. */
static void translate(struct engine *e, node_id id, const struct notify_fields *f)
{
        if (f->has & NOTIFY_MAINPID && may_be_main(e, id, f->main_pid))
                notify_main_pid(e, id, f->main_pid);
        if (f->has & (NOTIFY_STATUS | NOTIFY_ERRNO | NOTIFY_BUSERROR | NOTIFY_EXIT_STATUS | NOTIFY_ACCESS))
                said_take(e, id, f);
        if (f->has & NOTIFY_WATCHDOG_USEC)
                post(e, id, EVT_WATCHDOG_USEC, f->watchdog_nsec);
        if (f->has & NOTIFY_EXTEND)
                post(e, id, EVT_EXTEND_TIMEOUT, f->extend_nsec);
        if (f->has & NOTIFY_WATCHDOG)
                post(e, id, EVT_WATCHDOG, 0);
        if (f->has & NOTIFY_WATCHDOG_TRIGGER)
                post(e, id, EVT_WATCHDOG_TRIGGER, 0);
        if (f->has & NOTIFY_RELOADING)
                post(e, id, EVT_RELOADING, 0);
        if (f->has & NOTIFY_STOPPING)
                post(e, id, EVT_STOPPING, 0);
        if (f->has & NOTIFY_READY)
                post(e, id, EVT_READY, 0);
}

static void on_message(struct engine *e, struct notify_msg *m)
{
        enum pid_kind kind;
        node_id id = sender_node(e, m->pid, &kind, NULL);
        const struct node *node = id == NODE_NONE ? NULL : core_node(e->core, id);
        char path[PATH_MAX_NODE];

        /* BARRIER=1: everything before it has been read in order; closing its descriptor is the answer. */
        if (m->f.has & NOTIFY_BARRIER)
                return;
        if (!node || node->kind != KIND_SERVICE) {
                log_debug("notification of process %d, which belongs to no service", (int) m->pid);
                return;
        }
        if (!believed(said_access(e, id, node->spec), kind)) {
                log_info("%s: notification of process %d is not believed (NotifyAccess=)",
                         engine_path(e, id, path, sizeof(path)), (int) m->pid);
                return;
        }
        translate(e, id, &m->f);
        if (m->f.has & NOTIFY_FDSTORE_REMOVE)
                store_remove(e, id, m->f.fdname);
        else if (m->f.has & NOTIFY_FDSTORE)
                store_take(e, id, m->f.fdname, !(m->f.has & NOTIFY_FDPOLL_OFF), m->fds, m->fd_count);
}

/* A process can speak before init's word that it was born has been read: whether it is the main one is not known
 * yet. True when init owes us such a word for the service of the sender, or whose a process is cannot be told now. */
static bool too_early(const struct engine *e, const struct notify_msg *m, bool *ret_unsure)
{
        enum pid_kind kind;
        const struct node *node;
        const struct run *run;
        node_id id;

        *ret_unsure = false;
        if (m->f.has & NOTIFY_MAINPID && m->f.main_pid > 1)
                (void) sender_node(e, m->f.main_pid, &kind, ret_unsure);
        if (*ret_unsure)
                return true;
        if (pid_map_get(&e->pids, m->pid))
                return false;
        id = sender_node(e, m->pid, &kind, ret_unsure);
        node = id == NODE_NONE ? NULL : core_node(e->core, id);
        run = node ? engine_peek(e, id) : NULL;
        return run ? run->flags & (RUN_ASKED | RUN_ASKED_CONTROL) : *ret_unsure;
}

static void on_unsure(struct ev_loop *loop, ev_timer *w, int revents)
{
        (void) loop;
        (void) revents;
        notify_retry(container_of(w, struct engine, unsure_timer));
}

/* Without control groups a sender in the middle of exec has no name for a moment, and so has one whom /proc hides. It
 * gets a second, and no more than so many are waited for: whoever runs without an environment looks the same for
 * ever. */
static bool hold_unsure(struct engine *e, struct early *new)
{
        if (e->unsure == UNSURE_MAX)
                return false;
        e->unsure++;
        new->until = engine_now(e) + UNSURE_FOR;
        if (!ev_is_active(&e->unsure_timer)) {
                ev_timer_init(&e->unsure_timer, on_unsure, UNSURE_LOOK, UNSURE_LOOK);
                ev_timer_start(e->loop, &e->unsure_timer);
        }
        return true;
}

/* Kept in order; only for as long as init has a start in hand, so there are few of them. 1 when it is held, 0 when it
 * is to be read now, -ENOMEM. */
static int hold(struct engine *e, const struct notify_msg *m)
{
        struct early **last = &e->early;
        struct early *new;
        bool unsure;

        if (!too_early(e, m, &unsure))
                return 0;
        new = malloc(sizeof(*new));
        if (!new)
                return -ENOMEM;
        *new = (struct early) { .m = *m };
        if (unsure && !hold_unsure(e, new)) {
                free(new);
                return 0;
        }
        while (*last)
                last = &(*last)->next;
        *last = new;
        return 1;
}

static void forget_early(struct engine *e, struct early *one)
{
        if (one->until && --e->unsure == 0)
                ev_timer_stop(e->loop, &e->unsure_timer);
        notify_done(&one->m);
        free(one);
}

void notify_each_early(struct engine *e, void (*fn)(struct engine *e, pid_t pid, const char *text, size_t len))
{
        for (const struct early *one = e->early; one; one = one->next)
                fn(e, one->m.pid, one->m.text, one->m.len);
}

void notify_resume_early(struct engine *e, pid_t pid, const char *text, size_t len)
{
        struct early **last = &e->early, *new = calloc(1, sizeof(*new));

        if (!new || len > sizeof(new->m.text)) {
                free(new);
                return;
        }
        new->m.pid = pid;
        new->m.len = len;
        memcpy(new->m.text, text, len);
        notify_parse(text, len, &new->m.f);
        while (*last)
                last = &(*last)->next;
        *last = new;
}

static void drop_early(struct engine *e)
{
        while (e->early) {
                struct early *one = e->early;

                e->early = one->next;
                forget_early(e, one);
        }
}

void notify_forget_early(struct engine *e, pid_t pid)
{
        if (pid == 0) {
                drop_early(e);
                return;
        }
        for (struct early **at = &e->early; *at; at = &(*at)->next)
                if ((*at)->m.pid == pid) {
                        struct early *one = *at;

                        *at = one->next;
                        forget_early(e, one);
                        return;
                }
}

void notify_retry(struct engine *e)
{
        struct early **at = &e->early;
        bool unsure;

        while (*at) {
                struct early *one = *at;

                if (too_early(e, &one->m, &unsure) && !(unsure && one->until && engine_now(e) > one->until)) {
                        at = &one->next;
                        continue;
                }
                *at = one->next;
                on_message(e, &one->m);
                journal_heard(e, one->m.pid);
                forget_early(e, one);
        }
}

/* Called before exits are taken from init, so that what a process said with its last breath still counts. */
void notify_drain(struct engine *e)
{
        if (e->notify_fd < 0)
                return;
        for (int i = 0; i < MESSAGES_PER_TURN; i++) {
                struct notify_msg m;
                int r = notify_look(e->notify_fd, &m);

                if (r == -EBADMSG)
                        continue;
                if (r <= 0)
                        return;
                r = hold(e, &m);
                if (r < 0) { /* it stays where it is; when init has answered it need not be held any more */
                        notify_done(&m);
                        return;
                }
                if (r > 0) {
                        journal_early(e, m.pid, m.text, m.len);
                        m.fd_count = 0; /* held with it */
                } else {
                        on_message(e, &m);
                }
                journal_commit(e);
                notify_take(e->notify_fd);
                notify_done(&m);
        }
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
        struct engine *e = container_of(w, struct engine, notify_watch);

        if (!watch_renewed(loop, w, revents))
                notify_drain(e);
}

void notify_start(struct engine *e)
{
        struct err err = { 0 };

        if (asprintf(&e->notify_path, "%s/notify", e->opt.runtime_dir) < 0) {
                e->notify_path = NULL;
                return;
        }
        if (e->notify_fd < 0 && notify_open(e->notify_path, &e->notify_fd, &err) < 0) {
                err_hint(&err, "services of Type=notify cannot become ready; make %s writable", e->opt.runtime_dir);
                log_err(LOG_LEVEL_WARNING, &err);
                free(ptr_steal(e->notify_path));
                return;
        }
        (void) initlink_store(e->link, "notify", e->notify_fd);
        ev_io_init(&e->notify_watch, on_readable, e->notify_fd, EV_READ);
        ev_set_priority(&e->notify_watch, EV_MAXPRI); /* invoked before the link, which was started
                                                       * later at this level */
        ev_io_start(e->loop, &e->notify_watch);
}

void notify_stop(struct engine *e)
{
        drop_early(e);
        if (e->notify_fd < 0)
                return;
        ev_io_stop(e->loop, &e->notify_watch);
        fd_close(&e->notify_fd);
        (void) unlink(e->notify_path);
}
