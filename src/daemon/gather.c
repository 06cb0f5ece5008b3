/* gather.c - see gather.h; and the plan of a start that is only described. */
#include <fcntl.h>
#include <string.h>

#include "daemon/engine_priv.h"
#include "daemon/gather.h"
#include "daemon/identity.h"
#include "daemon/logs.h"
#include "daemon/mail.h"
#include "daemon/pipe.h"
#include "daemon/ready.h"
#include "daemon/rundir.h"
#include "daemon/said.h"
#include "daemon/seccomp.h"
#include "daemon/spawn.h"
#include "daemon/store.h"
#include "daemon/touch.h"
#include "os/envfile.h"

extern char **environ;

void gathered_done(struct gathered *g)
{
        user_done(&g->user);
        buf_free(&g->env_files);
        buf_free(&g->listen_names);
        fd_close(&g->group_fd);
        fd_close(&g->notify_fd);
        fd_close(&g->exec_fd);
        fd_close(&g->pids_fd);
        pipes_gifts_done(g->gifts, g->gift_count);
        while (g->join_count > 0)
                (void) close(g->join_fds[--g->join_count]);
}

int gathered_fd(struct gathered *g, int fd)
{
        if (g->fd_count == INIT_FDS_MAX)
                return -1;
        g->fds[g->fd_count] = fd;
        return g->fd_count++;
}

/* With KillMode=process or none the last incarnation may have left somebody there, as its unit wants. */
static bool leftovers_allowed(const struct spec *s)
{
        int64_t mode = spec_int(s, D_SERVICE_KillMode);

        return mode == KILL_PROCESS || mode == KILL_NONE;
}

/* What bounds it: the groups of its limits, written before anything runs, entered by the child itself. */
static int gather_limits(struct engine *e, node_id id, const struct spec *s, bool fresh, struct gathered *g,
                         struct err *err)
{
        int r = limits_begin(e, id, s, g->path, g->group_fd, fresh, err);

        if (r == 0)
                r = limits_enter(e, id, g->path, g->join_fds, err);
        if (r <= 0)
                return r;
        g->join_count = g->facts.fds.join_count = r;
        g->facts.fds.join = g->fd_count;
        (void) limits_join_names(e, id, s, g->join_names, sizeof(g->join_names));
        g->facts.join_names = g->join_names;
        for (int i = 0; i < r; i++)
                (void) gathered_fd(g, g->join_fds[i]);
        return 0;
}

static int gather_group(struct engine *e, node_id id, const struct spec *s, struct gathered *g, struct err *err)
{
        struct run *run = engine_run(e, id);
        bool fresh;
        int r;

        if (cgroup_backend(e->cgroup) == CGROUP_NONE)
                return gather_limits(e, id, s, true, g, err);
        r = run->flags & RUN_GROUP ? cgroup_reopen(e->cgroup, g->path, &g->group_fd, NULL) : -ENOENT;
        fresh = r < 0;
        if (fresh)
                r = cgroup_make(e->cgroup, g->path, &g->group_fd, err);
        if (r == -EBUSY && leftovers_allowed(s))
                r = cgroup_reopen(e->cgroup, g->path, &g->group_fd, err);
        if (r < 0)
                return r;
        run->flags = (run->flags | RUN_GROUP) & ~(unsigned) RUN_CLEAN;
        g->facts.fds.cgroup = gathered_fd(g, g->group_fd);
        g->facts.cgroup_path = cgroup_node_path(e->cgroup, g->path, g->group_path, sizeof(g->group_path));
        return gather_limits(e, id, s, fresh, g, err);
}

static void say_partly(const struct gathered *g, const struct spec *s)
{
        if (g->user.partly)
                log_warning("%s: the name service does not answer: %s has only its groups in /etc/group", g->path,
                            spec_str(s, D_SERVICE_User));
}

/* As the first command of the incarnation was, or found out now. */
static int gather_user(struct engine *e, node_id id, const struct spec *s, struct gathered *g, struct err *err)
{
        const struct user *u = identity_of(e, id, g->facts.incarnation);

        if (!u && !identity_said(s)) /* a life goes on as whom it began, also when the unit does not say it any more */
                return 0;
        if (!u) {
                int r = identity_find(e, id, s, &g->user, err);

                if (r < 0)
                        return r;
                say_partly(g, s);
                u = &g->user;
        }
        g->facts.have_user = true;
        g->facts.uid = u->uid;
        g->facts.gid = u->gid;
        g->facts.groups = u->groups;
        g->facts.group_count = u->group_count;
        if (u->name && *u->name) { /* Group= alone gives no name */
                g->facts.user_name = u->name;
                g->facts.home = u->home;
                g->facts.shell = u->shell;
        }
        return 0;
}

static int read_env_file(struct engine *e, const char *path, struct gathered *g, struct err *err)
{
        if (touch_answers(e, path + (*path == '-')))
                return envfile_read(path, &g->env_files, err);
        (void) err_set(err, STAGE_ENVIRONMENT, ETIMEDOUT, "read %s: its file system does not answer",
                       path + (*path == '-'));
        return -ETIMEDOUT;
}

static int gather_environment(struct engine *e, const struct spec *s, struct gathered *g, struct err *err)
{
        size_t n = spec_count(s, D_SERVICE_EnvironmentFile);

        g->facts.environ = (const char *const *) environ;
        for (size_t i = 0; i < n; i++) {
                int r = read_env_file(e, spec_item(s, D_SERVICE_EnvironmentFile, i), g, err);

                if (r < 0) {
                        struct origin o = spec_item_origin(s, D_SERVICE_EnvironmentFile, i);

                        err_where(err, o.file, o.line);
                        return r;
                }
        }
        if (n > 0) {
                buf_addc(&g->env_files, '\0'); /* the empty text at the end */
                g->facts.env_files = buf_text(&g->env_files);
        }
        return 0;
}

/* Its ends of channels. Descriptors 0 to 2 take the place of what StandardInput= and its kin say by default; those that
 * go by name follow later, among the stored ones. */
static int gather_channels(struct engine *e, node_id id, bool describe, struct gathered *g, struct err *err)
{
        struct plan_fds *f = &g->facts.fds;
        int r = pipes_give(e, id, describe, g->gifts, PIPE_GIFTS_MAX, &g->gift_count, err);

        for (size_t i = 0; i < g->gift_count && r == 0; i++) {
                const struct pipe_gift *gift = &g->gifts[i];
                int source = gift->target < 0 ? -1 : gathered_fd(g, gift->fd);

                g->ends[i] = (struct plan_end) { .target = gift->target, .source = source, .writes = gift->writes,
                                                 .name = gift->name, .channel = gift->channel, .origin = gift->origin };
                if (gift->target >= 0 && gift->target < 3)
                        *(gift->target == 0 ? &f->in : gift->target == 1 ? &f->out : &f->err) = source;
        }
        f->ends = g->ends;
        f->end_count = g->gift_count;
        return r;
}

/* StandardError=inherit by default means the log, not somebody's input. */
static bool errors_to_log(const struct gathered *g, const struct spec *s)
{
        return g->facts.fds.out >= 0 && g->gift_count > 0 && !spec_has(s, D_SERVICE_StandardError) &&
               strcmp(spec_str(s, D_SERVICE_StandardError), "inherit") == 0;
}

/* What whoever asked for a transient service gave it, unless its properties say otherwise. Borrowed; -1 = nothing. */
static int given_stream(const struct engine *e, node_id id, const struct spec *s, enum directive d)
{
        const struct run *run = engine_peek(e, id);
        int i = d == D_SERVICE_StandardInput ? 0 : d == D_SERVICE_StandardOutput ? 1 : 2;

        return run && run->extra && !spec_has(s, d) ? run->extra->given[i] : -1;
}

/* One of StandardInput=, StandardOutput=, StandardError=: only `log` and fd names need a descriptor of ours. */
static int gather_stream(struct engine *e, node_id id, const struct spec *s, enum directive d, struct gathered *g,
                         int *ret_index, struct err *err)
{
        const char *text = spec_str(s, d);
        struct origin o = spec_origin(s, d);
        int fd = given_stream(e, id, s, d);

        if (fd >= 0) {
                g->facts.fds.terminal |= engine_peek(e, id)->extra->given_terminal;
        } else if (strcmp(text, "log") == 0) {
                fd = logs_pipe(e, id, err);
                if (fd < 0)
                        return fd;
        } else if (strncmp(text, "fd:", 3) == 0) {
                fd = store_find(e, id, text + 3);
                if (fd < 0) {
                        (void) err_set(err, STAGE_FDS, EBADF, "find descriptor %s: none of that name is stored",
                                       text + 3);
                        err_where(err, o.file, o.line);
                        return -EBADF;
                }
        } else {
                return 0;
        }
        *ret_index = gathered_fd(g, fd);
        return 0;
}

static int gather_streams(struct engine *e, node_id id, const struct spec *s, struct gathered *g, struct err *err)
{
        struct plan_fds *fds = &g->facts.fds;
        bool logged = errors_to_log(g, s);
        int r = fds->in >= 0 ? 0 : gather_stream(e, id, s, D_SERVICE_StandardInput, g, &fds->in, err);

        if (r == 0 && fds->out < 0)
                r = gather_stream(e, id, s, D_SERVICE_StandardOutput, g, &fds->out, err);
        if (r == 0 && fds->err < 0)
                r = gather_stream(e, id, s, logged ? D_SERVICE_StandardOutput : D_SERVICE_StandardError, g,
                                  &fds->err, err);
        return r;
}

/* One more of $LISTEN_FDS; they follow each other in the request. */
static bool add_listen(struct gathered *g, int fd, const char *name)
{
        int index = gathered_fd(g, fd);

        if (index < 0)
                return false;
        if (g->facts.fds.listen_count++ == 0)
                g->facts.fds.listen = index;
        else
                buf_addc(&g->listen_names, ':');
        buf_adds(&g->listen_names, name);
        g->facts.listen_names = buf_text(&g->listen_names);
        return true;
}

static void gather_store(struct engine *e, node_id id, struct gathered *g)
{
        const struct run *run = engine_peek(e, id);
        struct extra *x = run ? run->extra : NULL;

        for (size_t i = 0; i < g->gift_count; i++)
                if (g->gifts[i].target < 0)
                        (void) add_listen(g, g->gifts[i].fd, g->gifts[i].name);
        for (size_t i = 0; x && i < x->fd_count; i++)
                if (!add_listen(g, x->fds[i]->fd, x->fds[i]->name))
                        break;
}

static int gather_main(struct engine *e, const struct action *a, const struct spec *s, struct gathered *g,
                       struct err *err)
{
        int64_t watchdog = spec_int(s, D_SERVICE_WatchdogSec);
        int r;

        if (watchdog > 0 && watchdog != NSEC_NEVER)
                g->facts.watchdog_usec = watchdog / NSEC_PER_USEC;
        if (spec_int(s, D_SERVICE_NotifyFd) != SPEC_UNSET) {
                r = ready_pipe(e, a->node, &g->notify_fd);
                if (r < 0)
                        return err_set(err, STAGE_RESOURCES, -r, "make the pipe of NotifyFd=: %s", strerror(-r));
                g->facts.fds.notify = gathered_fd(g, g->notify_fd);
        }
        gather_store(e, a->node, g);
        return 0;
}

/* The namespace that the main process has made for its children: it is the watcher of child/pids.c. Who is not root may
 * not look there; then the command stays outside, where $MAINPID means something too. */
static void gather_namespace(const struct engine *e, const struct spec *s, struct gathered *g)
{
        char path[64];

        if (g->facts.main_pid <= 0 || !e->opt.root || !spec_int(s, D_SERVICE_PrivatePIDs))
                return;
        (void) snprintf(path, sizeof(path), "/proc/%d/ns/pid_for_children", (int) g->facts.main_pid);
        g->pids_fd = open(path, O_RDONLY | O_CLOEXEC);
        if (g->pids_fd >= 0)
                g->facts.fds.pids = gathered_fd(g, g->pids_fd);
}

static void gather_control(struct engine *e, const struct action *a, const struct spec *s, struct gathered *g)
{
        const struct run *run = engine_peek(e, a->node);
        const struct node *node = core_node(e->core, a->node);

        g->facts.control = true;
        g->facts.main_pid = run ? run->pid[ROLE_MAIN] : 0;
        gather_namespace(e, s, g);
        if (a->directive == D_SERVICE_ExecStop || a->directive == D_SERVICE_ExecStopPost) {
                g->facts.service_result = plan_service_result(&a->reason);
                /* What the main process did, also where the incarnation's reason is that it was asked to. */
                plan_exit_texts(node && node->raw.kind ? &node->raw : &a->reason, &g->facts.exit_code,
                                &g->facts.exit_status, g->result_buf, sizeof(g->result_buf));
        }
}

/* Commands beside the main process have it too: a hook may have something to say. */
static int gather_mailbox(struct engine *e, const struct action *a, const struct spec *s, struct gathered *g,
                          struct err *err)
{
        int r, fd;

        if (!spec_int(s, D_SERVICE_Mailbox))
                return 0;
        r = e->mail ? mail_open(e, a->node, a->incarnation, &fd) : -EMFILE;
        if (r < 0) {
                struct origin o = spec_origin(s, D_SERVICE_Mailbox);

                (void) err_set(err, STAGE_RESOURCES, -r, "make its mailbox: %s", strerror(-r));
                err_where(err, o.file, o.line);
                return r;
        }
        g->facts.fds.mailbox = gathered_fd(g, fd);
        return 0;
}

/* After the user is known: what is handed to him. */
static int gather_delegation(struct engine *e, const struct spec *s, const struct action *a, struct gathered *g,
                             struct err *err)
{
        bool control = a->role == ROLE_CONTROL && a->directive != D_SERVICE_ExecStartPre &&
                       a->directive != D_SERVICE_ExecCondition;
        uid_t uid = g->facts.have_user && g->facts.root ? g->facts.uid : (uid_t) -1;
        int fd = -1, r;

        if (g->group_fd < 0)
                return 0;
        r = limits_delegate(e, s, g->path, uid, g->facts.gid, control, &fd, err);
        if (fd < 0)
                return r;
        (void) close(g->group_fd);
        g->group_fd = g->fds[g->facts.fds.cgroup] = fd;
        return 0;
}

/* The directories that RuntimeDirectory= and its kin are made in, and what else is the same for every start. */
static void gather_constants(struct engine *e, node_id node, const struct spec *s, struct gathered *g)
{
        struct plan_facts *f = &g->facts;

        f->root = e->opt.root;
        f->daemon_uid = e->opt.uid;
        f->runtime_root = rundir_root(e, "runtime");
        f->state_root = rundir_root(e, "state");
        f->cache_root = rundir_root(e, "cache");
        f->logs_root = rundir_root(e, "logs");
        f->config_root = rundir_root(e, "configuration");
        if (said_access(e, node, s) != NOTIFY_NONE)
                f->notify_socket = e->notify_path;
        sandbox_facts(e, s, &g->sandbox, &f->sandbox);
}

static int gather_filter(struct engine *e, node_id id, const struct spec *s, struct gathered *g, struct err *err)
{
        bool any = false;
        int r = seccomp_gather(e, id, s, &g->filter, &any, err);

        if (any)
                g->facts.filter = &g->filter;
        g->facts.filter_left_out = r == 0 && !any;
        return r;
}

int gather(struct engine *e, const struct action *a, const struct spec *s, struct gathered *g, struct err *err)
{
        int r = sandbox_known(s, err);

        g->facts.fds = PLAN_FDS_NONE;
        if (r < 0)
                return r;
        g->facts.node = engine_path(e, a->node, g->path, sizeof(g->path));
        g->facts.incarnation = a->incarnation;
        spawn_mark(e, a->node, a->incarnation, g->mark);
        g->facts.mark = g->mark;
        gather_constants(e, a->node, s, g);
        if (engine_run(e, a->node)->extra)
                store_sweep(engine_run(e, a->node)->extra);
        r = sandbox_prepare(e, s, err);
        if (r == 0)
                r = gather_group(e, a->node, s, g, err);
        if (r == 0)
                r = gather_user(e, a->node, s, g, err);
        if (r == 0 && g->facts.have_user && !identity_of(e, a->node, a->incarnation))
                identity_keep(e, a->node, a->incarnation, &g->user);
        if (r == 0)
                r = gather_delegation(e, s, a, g, err);
        if (r == 0)
                r = gather_environment(e, s, g, err);
        if (r == 0)
                r = gather_filter(e, a->node, s, g, err);
        if (r == 0 && a->role == ROLE_MAIN)
                r = gather_channels(e, a->node, false, g, err);
        if (r == 0)
                r = gather_streams(e, a->node, s, g, err);
        if (r == 0)
                r = gather_mailbox(e, a, s, g, err);
        if (r < 0)
                return r;
        if (a->role == ROLE_MAIN) {
                sandbox_say_missing(s, &g->facts);
                return gather_main(e, a, s, g, err);
        }
        gather_control(e, a, s, g);
        return 0;
}

int engine_plan(struct engine *e, node_id id, enum directive directive, size_t index, struct buf *out,
                struct err *err)
{
        const struct node *node = core_node(e->core, id);
        const struct spec *s = node ? node->spec : NULL;
        struct gathered g = GATHERED_NONE;
        bool group = cgroup_backend(e->cgroup) != CGROUP_NONE;
        int r;

        if (!s || spec_kind(s) != KIND_SERVICE)
                return err_set(err, STAGE_PLAN, EINVAL, "only a service has a plan");
        g.facts.fds = PLAN_FDS_NONE;
        g.facts.node = engine_path(e, id, g.path, sizeof(g.path));
        g.facts.incarnation = engine_run(e, id)->incarnation + 1;
        spawn_mark(e, id, g.facts.incarnation, g.mark);
        g.facts.mark = g.mark;
        gather_constants(e, id, s, &g);
        g.facts.control = directive != D_SERVICE_ExecStart;
        if (group) { /* described, not made */
                g.facts.fds.cgroup = g.fd_count++;
                g.facts.cgroup_path = cgroup_node_path(e->cgroup, g.path, g.group_path, sizeof(g.group_path));
        }
        g.facts.fds.join_count = limits_join_names(e, id, s, g.join_names, sizeof(g.join_names));
        if (g.facts.fds.join_count > 0) {
                g.facts.fds.join = g.fd_count;
                g.facts.join_names = g.join_names;
                g.fd_count += g.facts.fds.join_count;
        }
        if (!g.facts.control && gather_channels(e, id, true, &g, err) < 0)
                return -err->code;
        if (e->opt.root && spec_int(s, D_SERVICE_PrivatePIDs) &&
            (directive == D_SERVICE_ExecStartPost || directive == D_SERVICE_ExecReload ||
             directive == D_SERVICE_ExecStop))
                g.facts.fds.pids = g.fd_count++;
        if (g.facts.fds.err < 0 && (strcmp(spec_str(s, D_SERVICE_StandardError), "log") == 0 || errors_to_log(&g, s)))
                g.facts.fds.err = g.fd_count++;
        if (g.facts.fds.out < 0 && strcmp(spec_str(s, D_SERVICE_StandardOutput), "log") == 0)
                g.facts.fds.out = g.fd_count++;
        if (!g.facts.control && spec_int(s, D_SERVICE_NotifyFd) != SPEC_UNSET)
                g.facts.fds.notify = g.fd_count++;
        r = gather_user(e, id, s, &g, err);
        if (r == 0)
                r = gather_environment(e, s, &g, err);
        if (r == 0)
                r = gather_filter(e, id, s, &g, err);
        if (r == 0)
                r = plan_compile(s, &g.facts, directive, index, out, err);
        gathered_done(&g);
        return r;
}
