/* adopt.c - an engine that knows nothing takes over what runs (the journal is damaged, or engines die of it).
 *
 * The unit files say what there should be, the kernel says what there is: the children of init, and in which group, or
 * with which mark, each of them lives. The tree is started as at boot; but where a start would make a process that is
 * there already, that one is taken for it, and the commands before and after it are not run again. So strategies,
 * orders and limits hold as for any other start, and no service is ended. What nobody knows any more: counts of
 * restarts, past deaths, what was stopped by hand (it is started), what is queued. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "base/shortage.h"

#include "daemon/adopt.h"
#include "daemon/engine_priv.h"
#include "daemon/journal.h"
#include "daemon/left.h"
#include "daemon/mail.h"
#include "daemon/notify.h"
#include "daemon/peer.h"
#include "os/fs.h"
#include "os/nogroup.h"

#define NOBODY INT32_MAX /* the pid of a command that is not run again */

enum { LOOKS = 100, LOOK_PAUSE_MS = 50 };

struct survivor {
        node_id node;
        pid_t pid;
        uint64_t born;
        uint32_t incarnation;    /* that it was taken for; 0 = not yet */
};

static struct survivor *find(const struct engine *e, node_id id)
{
        for (size_t i = 0; i < e->survivor_count; i++)
                if (e->survivors[i].node == id)
                        return &e->survivors[i];
        return NULL;
}

bool adopt_has(const struct engine *e, node_id id)
{
        return find(e, id) != NULL;
}

/* --- who is there ------------------------------------------------------------------------------------------------- */

static bool is_log_writer(pid_t pid)
{
        char path[48], name[32];

        (void) snprintf(path, sizeof(path), "/proc/%d/comm", (int) pid);
        return fs_read_small(AT_FDCWD, path, name, sizeof(name)) > 0 && strcmp(name, "coppice-logd") == 0;
}

static void note(struct engine *e, const struct survivor *s)
{
        journal_survivor(e, s->node, s->pid, s->born, s->incarnation);
}

static int add(struct engine *e, const struct survivor *new)
{
        struct survivor *s = find(e, new->node), *more;

        if (s && s->born <= new->born)
                return 0;
        if (!s) {
                more = reallocarray(e->survivors, e->survivor_count + 1, sizeof(*more));
                if (!more)
                        return -ENOMEM;
                e->survivors = more;
                s = &e->survivors[e->survivor_count++];
        }
        *s = *new;
        return 0;
}

/* Of several children of init in one service the oldest is the main process. 0; -errno: whose it is cannot be told
 * now. */
static int consider(struct engine *e, pid_t pid)
{
        struct nogroup_birth b;
        bool again;
        node_id id = peer_place(e, pid, &again);
        int r;

        if (again)
                return -EAGAIN;
        if (id == NODE_NONE && is_log_writer(pid))
                (void) engine_knows(e, (struct pid_entry) { .pid = pid, .node = NODE_NONE, .kind = PID_LOGD });
        if (id == NODE_NONE || core_node(e->core, id)->kind != KIND_SERVICE)
                return 0;
        r = nogroup_birth(pid, &b);
        if (r < 0)
                return r == -ESRCH ? 0 : r;
        return add(e, &(struct survivor) { .node = id, .pid = pid, .born = b.start });
}

/* Those of the list whose place can be told are wiped from it; how many are left. */
static unsigned look(struct engine *e, char *list)
{
        unsigned left = 0;
        char *end;

        for (char *at = list;; at = end) {
                long pid = strtol(at, &end, 10);

                if (end == at)
                        return left;
                if (pid > 0 && pid != getpid() && consider(e, (pid_t) pid) < 0)
                        left++;
                else
                        memset(at, ' ', (size_t) (end - at));
        }
}

static void tell(const char *list, const char *what)
{
        char *end;

        for (const char *at = list;; at = end) {
                long pid = strtol(at, &end, 10);

                if (end == at)
                        return;
                log_warning("find out what runs: process %ld: whose it is cannot be told%s", pid, what);
        }
}

/* An answer that we do not get of ourselves either is for want of something. */
static int lacking(void)
{
        struct nogroup_birth b;
        int r = nogroup_birth(getpid(), &b);

        return r < 0 && error_lacks(-r) ? -r : 0;
}

/* Nothing may be started beside a process of which we do not know whose it is: a program may be in the middle of exec,
 * or be hidden for a moment, so we look again for some seconds. What is hidden still then is so for good, as far as
 * anybody can tell, and the others shall not be without an engine for it; only a lack is left to the next engine. */
static int take_children(struct engine *e, char *list, struct err *err)
{
        unsigned left = look(e, list);
        int lack;

        if (left > 0)
                tell(list, " now; looking again");
        for (int i = 0; left > 0 && i < LOOKS; i++) {
                (void) poll(NULL, 0, LOOK_PAUSE_MS);
                left = look(e, list);
        }
        lack = left > 0 ? lacking() : 0;
        if (lack)
                return err_set(err, STAGE_NONE, EAGAIN, "find out what runs: %s", strerror(lack));
        tell(list, ": it is not recognised");
        log_notice("%zu services are running; they go on", e->survivor_count);
        return 0;
}

int adopt_find(struct engine *e, struct err *err)
{
        autobuf struct buf text = BUF_INIT;
        char path[64];
        int r;

        (void) snprintf(path, sizeof(path), "/proc/%d/task/%d/children", e->opt.pid, e->opt.pid);
        r = fs_read(path, 64 << 20, &text, NULL);
        if (r < 0 && error_lacks(-r))
                return err_set(err, STAGE_NONE, EAGAIN, "find out what runs: %s: %s", path, strerror(-r));
        if (r < 0) { /* no /proc, or a kernel that does not list children */
                log_warning("%s cannot be read: whatever runs is not recognised: %s", path, strerror(-r));
                return 0;
        }
        return text.len > 0 ? take_children(e, text.data, err) : 0;
}

/* --- those whose start has not come yet, and the next engine ------------------------------------------------------ */

static void drop(struct engine *e, struct survivor *s)
{
        *s = e->survivors[--e->survivor_count];
}

void adopt_exited(struct engine *e, pid_t pid)
{
        for (size_t i = 0; i < e->survivor_count; i++)
                if (e->survivors[i].pid == pid && e->survivors[i].incarnation == 0) {
                        journal_survivor(e, e->survivors[i].node, 0, 0, 0);
                        drop(e, &e->survivors[i]);
                        return;
                }
}

void adopt_save(struct engine *e)
{
        for (size_t i = 0; i < e->survivor_count; i++)
                note(e, &e->survivors[i]);
}

int adopt_read(struct engine *e, node_id id, pid_t pid, uint64_t born, uint32_t incarnation)
{
        struct survivor *s = find(e, id);

        if (s)
                drop(e, s);
        return pid == 0 ? 0 : add(e, &(struct survivor) { .node = id, .pid = pid, .born = born,
                                                          .incarnation = incarnation });
}

void adopt_forget(struct engine *e, node_id id)
{
        struct survivor *s = find(e, id);

        if (!s)
                return;
        journal_survivor(e, id, 0, 0, 0);
        drop(e, s);
}

/* --- instead of a start ------------------------------------------------------------------------------------------- */

static void post(struct engine *e, const struct action *a, enum event_kind kind, pid_t pid)
{
        engine_post(e, &(struct event) { .kind = (uint8_t) kind, .role = a->role, .node = a->node,
                                         .incarnation = a->incarnation, .arg = pid,
                                         .reason = kind == EVT_EXITED ? REASON(REASON_EXIT, 0)
                                                   : REASON(REASON_NONE, 0) });
}

static void take_main(struct engine *e, const struct action *a, struct survivor *s, const struct spec *spec)
{
        struct run *run = engine_run(e, a->node);
        enum service_type type = (enum service_type) spec_int(spec, D_SERVICE_Type);

        s->incarnation = a->incarnation;
        note(e, s);
        mail_adopted(e, a->node, a->incarnation);
        run->leader = s->pid;
        run->started = engine_now(e);
        run->flags |= (cgroup_backend(e->cgroup) != CGROUP_NONE ? RUN_GROUP : 0U) |
                      (spec_count(spec, D_SERVICE_RuntimeDirectory) > 0 ? RUN_DIRS : 0U);
        if (type == TYPE_FORKING) {
                post(e, a, EVT_SPAWNED, NOBODY);
                post(e, a, EVT_EXITED, NOBODY);
                notify_main_pid(e, a->node, s->pid);
                return;
        }
        run->pid[ROLE_MAIN] = s->pid;
        (void) engine_knows(e, (struct pid_entry) { .pid = s->pid, .node = a->node, .incarnation = a->incarnation,
                                                    .kind = PID_MAIN });
        left_note(e, a->node, s->pid);
        post(e, a, EVT_SPAWNED, s->pid);
        if (a->confirm_exec)
                post(e, a, EVT_EXECED, s->pid);
        if (type == TYPE_NOTIFY || spec_int(spec, D_SERVICE_NotifyFd) != SPEC_UNSET)
                post(e, a, EVT_READY, 0);
}

/* Has it ended meanwhile, or is its number another's? */
static bool is_gone(const struct survivor *s)
{
        struct nogroup_birth b;
        int r = nogroup_birth(s->pid, &b);

        return r == -ESRCH || (r == 0 && b.start != s->born);
}

bool adopt_spawn(struct engine *e, const struct action *a, const struct spec *spec)
{
        struct survivor *s = find(e, a->node);

        if (!s)
                return false;
        if (s->incarnation == 0 && is_gone(s)) {
                adopt_exited(e, s->pid);
                return false;
        }
        if (a->role == ROLE_MAIN && s->incarnation == 0) {
                take_main(e, a, s, spec);
                return true;
        }
        if (s->incarnation != 0 && s->incarnation != a->incarnation)
                return false; /* another life: as always */
        if (a->directive != D_SERVICE_ExecCondition && a->directive != D_SERVICE_ExecStartPre &&
            a->directive != D_SERVICE_ExecStartPost)
                return false;
        post(e, a, EVT_SPAWNED, NOBODY);
        post(e, a, EVT_EXITED, NOBODY);
        return true;
}
