/* adopt.c - an engine that knows nothing takes over what runs (the journal is damaged, or engines die of it).
 *
 * The unit files say what there should be, the kernel says what there is: the children of init, and in which group, or
 * with which mark, each of them lives. The tree is started as at boot; but where a start would make a process that is
 * there already, that one is taken for it, and the commands before and after it are not run again. So strategies,
 * orders and limits hold as for any other start, and no service is ended. What nobody knows any more: counts of
 * restarts, past deaths, what was stopped by hand (it is started), what is queued. */
#include <fcntl.h>
#include <string.h>

#include "daemon/adopt.h"
#include "daemon/engine_priv.h"
#include "daemon/left.h"
#include "daemon/mail.h"
#include "daemon/notify.h"
#include "os/fs.h"
#include "os/nogroup.h"

#define NOBODY INT32_MAX /* the pid of a command that is not run again */

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

static uint64_t born_at(pid_t pid, char name[32])
{
        char path[48], text[1024];
        const char *end;
        uint64_t value = 0;
        int field = 2;

        (void) snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
        if (fs_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0 || !(end = strrchr(text, ')')))
                return 0;
        (void) snprintf(name, 32, "%.*s", (int) (end - strchr(text, '(') - 1), strchr(text, '(') + 1);
        for (const char *p = end + 1; *p && field < 22; p++)
                if (*p == ' ' && ++field == 22)
                        value = strtoull(p + 1, NULL, 10);
        return value;
}

static node_id node_of(const struct engine *e, pid_t pid)
{
        char path[PATH_MAX_NODE + 256], *slash;
        int r = cgroup_backend(e->cgroup) != CGROUP_NONE ? cgroup_node_of(e->cgroup, pid, path, sizeof(path))
                                                         : nogroup_node_of(pid, path, sizeof(path));

        while (r == 0) { /* the service may have made groups below its own */
                node_id id = core_find(e->core, NODE_ROOT, path, NULL);

                if (id != NODE_NONE && core_node(e->core, id)->kind == KIND_SERVICE)
                        return id;
                slash = strrchr(path, '/');
                if (!slash || slash == path)
                        break;
                *slash = '\0';
        }
        return NODE_NONE;
}

/* Of several children of init in one service the oldest is the main process. */
static void consider(struct engine *e, pid_t pid)
{
        char name[32] = "";
        uint64_t born = born_at(pid, name);
        node_id id = node_of(e, pid);
        struct survivor *s = id == NODE_NONE ? NULL : find(e, id), *more;

        if (id == NODE_NONE && strcmp(name, "coppice-logd") == 0)
                (void) engine_knows(e, (struct pid_entry) { .pid = pid, .node = NODE_NONE, .kind = PID_LOGD });
        if (id == NODE_NONE || born == 0)
                return;
        if (s && s->born <= born)
                return;
        if (!s) {
                more = realloc(e->survivors, (e->survivor_count + 1) * sizeof(*more));
                if (!more)
                        return;
                e->survivors = more;
                s = &e->survivors[e->survivor_count++];
        }
        *s = (struct survivor) { .node = id, .pid = pid, .born = born };
}

void adopt_find(struct engine *e)
{
        autobuf struct buf text = BUF_INIT;
        char path[64], *end;

        (void) snprintf(path, sizeof(path), "/proc/%d/task/%d/children", e->opt.pid, e->opt.pid);
        if (fs_read(path, 64 << 20, &text, NULL) < 0) {
                log_warning("%s cannot be read: whatever runs is not recognised", path);
                return;
        }
        for (const char *at = buf_text(&text);; at = end) {
                long pid = strtol(at, &end, 10);

                if (end == at)
                        break;
                if (pid > 0 && pid != getpid())
                        consider(e, (pid_t) pid);
        }
        log_notice("%zu services are running; they go on", e->survivor_count);
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

bool adopt_spawn(struct engine *e, const struct action *a, const struct spec *spec)
{
        struct survivor *s = find(e, a->node);

        if (!s)
                return false;
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
