/* left.c - see left.h.
 *
 * Two files in the runtime directory, a line for each service: `leave`, what this daemon has started and is to leave,
 * and `left`, what earlier ones have left. A line is
 *      group NODE PATH           the control group of the service
 *      process NODE PID BORN     without groups: the main process, and when it was born, in ticks of proc(5)
 * with tabs between. A daemon that starts makes one list of both, of whom lives. So no engine has to write down
 * more. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "daemon/check.h"
#include "daemon/engine_priv.h"
#include "daemon/left.h"
#include "os/fs.h"
#include "os/kernel.h"
#include "os/nogroup.h"

#define FILE_MAX_BYTES (1 << 20)
#define LOOK_SEC       0.25
#define KILL_MS        5000

enum { PIDS_TOLD = 5 };

struct left_one {
        char *node;      /* owned: its path */
        char *group;     /* owned; NULL: a process */
        pid_t pid;
        uint64_t born;
        bool told;       /* that a start waits for it */
};

struct left {
        struct engine *e;
        struct ev_timer timer; /* only while a start waits */
        struct left_one *list; /* owned */
        size_t count;
};

/* --- one of them ---------------------------------------------------------------------------------------------- */

static bool lives(const struct left_one *l)
{
        struct nogroup_birth b;

        if (l->group)
                return cgroup_left_populated(l->group) == 1;
        return nogroup_birth(l->pid, &b) == 0 && b.start == l->born;
}

/* "process 12", "processes 12 13 14", for people. */
static const char *who(const struct left_one *l, char *buf, size_t n)
{
        pid_t pids[PIDS_TOLD] = { l->pid };
        int count = l->group ? cgroup_left_pids(l->group, pids, PIDS_TOLD) : 1;
        size_t at = (size_t) snprintf(buf, n, "process%s", count == 1 ? "" : "es");

        for (int i = 0; i < count && i < PIDS_TOLD && at < n; i++)
                at += (size_t) snprintf(buf + at, n - at, " %d", (int) pids[i]);
        if (count > PIDS_TOLD && at < n)
                (void) snprintf(buf + at, n - at, " and %d more", count - PIDS_TOLD);
        return buf;
}

static void end_one(const struct left_one *l)
{
        autoclose int fd = -1;

        if (l->group) {
                (void) cgroup_left_kill(l->group, KILL_MS);
                cgroup_left_remove(l->group);
                return;
        }
        fd = kernel_pidfd_open(l->pid);
        if (fd >= 0 && lives(l)) /* it is he whom the descriptor names */
                (void) kernel_pidfd_signal(fd, SIGKILL);
}

static void done(struct left_one *l)
{
        free(l->node);
        free(l->group);
}

static void drop(struct left *f, size_t i)
{
        done(&f->list[i]);
        f->list[i] = f->list[--f->count];
}

/* --- the files ------------------------------------------------------------------------------------------------ */

static const char *file_path(const struct engine *e, const char *name, char buf[PATH_MAX])
{
        (void) snprintf(buf, PATH_MAX, "%s/%s", e->opt.runtime_dir, name);
        return buf;
}

static bool take_line(char *line, struct left_one *ret)
{
        char *kind = strsep(&line, "\t"), *node = strsep(&line, "\t"), *end;

        if (!line || node[0] != '/')
                return false;
        *ret = (struct left_one) { 0 };
        if (strcmp(kind, "group") == 0) {
                ret->group = strdup(line);
        } else {
                ret->pid = (pid_t) strtol(line, &end, 10);
                ret->born = strtoull(end, NULL, 10);
        }
        ret->node = strdup(node);
        if (ret->node && (ret->group || ret->pid > 1))
                return true;
        done(ret);
        return false;
}

static void add(struct left *f, struct left_one *l)
{
        struct left_one *more = reallocarray(f->list, f->count + 1, sizeof(*more));

        if (!more) {
                log_warning("out of memory: what is left of %s is not known any more", l->node);
                done(l);
                return;
        }
        f->list = more;
        f->list[f->count++] = *l;
}

/* Whoever lives of those in this file. */
static void read_file(struct left *f, const char *name)
{
        autobuf struct buf text = BUF_INIT;
        autofree char *copy = NULL;
        char path[PATH_MAX], *at, *line;

        if (fs_read(file_path(f->e, name, path), FILE_MAX_BYTES, &text, NULL) < 0)
                return;
        at = copy = strdup(buf_text(&text));
        while ((line = strsep(&at, "\n"))) {
                struct left_one l;

                if (!take_line(line, &l))
                        continue;
                if (lives(&l)) {
                        add(f, &l);
                        continue;
                }
                if (l.group)
                        cgroup_left_remove(l.group);
                done(&l);
        }
}

static void print_line(struct buf *out, const char *node, const char *group, pid_t pid, uint64_t born)
{
        if (group)
                buf_addf(out, "group\t%s\t%s\n", node, group);
        else
                buf_addf(out, "process\t%s\t%d %llu\n", node, (int) pid, (unsigned long long) born);
}

static void write_list(struct left *f)
{
        autobuf struct buf text = BUF_INIT;
        char path[PATH_MAX];
        int r;

        file_path(f->e, "left", path);
        for (size_t i = 0; i < f->count; i++)
                print_line(&text, f->list[i].node, f->list[i].group, f->list[i].pid, f->list[i].born);
        if (f->count == 0) {
                (void) unlink(path);
                return;
        }
        r = fs_write_atomic(path, text.data, text.len, 0600, NULL);
        if (r < 0)
                log_warning("%s cannot be written: %s; another engine would start services beside what is left of them",
                            path, strerror(-r));
}

/* --- an earlier daemon's -------------------------------------------------------------------------------------- */

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents);

static struct left *left_of(struct engine *e)
{
        if (!e->left && (e->left = calloc(1, sizeof(*e->left)))) {
                e->left->e = e;
                ev_init(&e->left->timer, on_timer);
        }
        return e->left;
}

static const char **paths_of(const struct left *f, struct cgroup_left *ret)
{
        const char **paths = calloc(f->count + 1, sizeof(*paths));

        *ret = (struct cgroup_left) { .paths = paths };
        for (size_t i = 0; paths && i < f->count; i++)
                if (f->list[i].group)
                        paths[ret->count++] = f->list[i].group;
        return paths;
}

void left_resume(struct engine *e)
{
        char path[PATH_MAX];

        if (access(file_path(e, "left", path), F_OK) == 0 && left_of(e))
                read_file(e->left, "left");
}

int left_begin(struct engine *e, unsigned *ret_swept, struct err *err)
{
        autofree const char **paths = NULL;
        struct cgroup_left left;
        char path[PATH_MAX];

        left_resume(e);
        if (access(file_path(e, "leave", path), F_OK) == 0 && left_of(e))
                read_file(e->left, "leave");
        if (!e->left)
                return 0;
        write_list(e->left);
        (void) unlink(path);
        paths = paths_of(e->left, &left);
        if (!paths)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        return cgroup_sweep_but(e->opt.runtime_dir, &left, ret_swept, err);
}

/* With PID 1 everybody ends. */
static void tell_in_vain(const struct engine *e)
{
        char path[PATH_MAX_NODE];

        for (node_id id = 0; e->opt.pid1 && id < core_node_limit(e->core); id++) {
                const struct node *n = core_node(e->core, id);

                if (n && n->kind == KIND_SERVICE && spec_int(n->spec, D_SERVICE_OnDaemonDeath) == ON_DEATH_LEAVE)
                        log_warning("%s: OnDaemonDeath=leave cannot be had here: coppiced is PID 1, and its end is "
                                    "that of all processes", engine_path(e, id, path, sizeof(path)));
        }
}

void left_meet(struct engine *e)
{
        char text[200];

        tell_in_vain(e);
        for (size_t i = 0; e->left && i < e->left->count;) {
                struct left_one *l = &e->left->list[i];
                node_id id = core_find(e->core, NODE_ROOT, l->node, NULL);
                const struct node *n = id == NODE_NONE ? NULL : core_node(e->core, id);

                (void) who(l, text, sizeof(text));
                if (n && n->kind == KIND_SERVICE && spec_int(n->spec, D_SERVICE_OnDaemonDeath) != ON_DEATH_LEAVE) {
                        log_notice("%s: ended what an earlier coppiced has left, %s: the unit does not say "
                                   "OnDaemonDeath=leave any more", l->node, text);
                        end_one(l);
                        drop(e->left, i);
                        continue;
                }
                log_notice("%s: left by an earlier coppiced, as OnDaemonDeath=leave says: %s%s", l->node, text,
                           n ? "" : "; there is no such unit any more");
                i++;
        }
        if (e->left)
                write_list(e->left);
}

static void look_later(struct left *f)
{
        if (ev_is_active(&f->timer))
                return;
        ev_now_update(f->e->loop);
        ev_timer_set(&f->timer, LOOK_SEC, 0.);
        ev_timer_start(f->e->loop, &f->timer);
}

static bool waits(const struct engine *e, node_id id)
{
        return id != NODE_NONE && core_node(e->core, id) && core_node(e->core, id)->phase == PHASE_CHECK;
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
        struct left *f = container_of(w, struct left, timer);
        bool more = false;

        (void) loop;
        (void) revents;
        for (size_t i = 0; i < f->count;) {
                struct left_one *l = &f->list[i];
                node_id id = core_find(f->e->core, NODE_ROOT, l->node, NULL);

                if (lives(l)) {
                        more = more || waits(f->e, id);
                        i++;
                        continue;
                }
                log_info("%s: what an earlier coppiced has left of it has ended", l->node);
                if (l->group)
                        cgroup_left_remove(l->group);
                drop(f, i);
                write_list(f);
                if (waits(f->e, id))
                        check(f->e, id, core_node(f->e->core, id)->incarnation);
        }
        if (more)
                look_later(f);
}

static struct left_one *living(const struct engine *e, node_id id)
{
        char path[PATH_MAX_NODE];

        if (!e->left || e->left->count == 0)
                return NULL;
        engine_path(e, id, path, sizeof(path));
        for (size_t i = 0; i < e->left->count; i++)
                if (strcmp(e->left->list[i].node, path) == 0 && lives(&e->left->list[i]))
                        return &e->left->list[i];
        return NULL;
}

const char *engine_left(const struct engine *e, node_id id, char *buf, size_t n)
{
        struct left_one *l = waits(e, id) ? living(e, id) : NULL;
        char text[160];

        if (!l)
                return NULL;
        (void) snprintf(buf, n, "waits for the end of what an earlier coppiced has left: %s",
                        who(l, text, sizeof(text)));
        return buf;
}

bool left_holds(struct engine *e, node_id id)
{
        struct left_one *l = living(e, id);
        char text[200];

        if (!l)
                return false;
        if (!l->told)
                log_notice("%s: its start waits for the end of what an earlier coppiced has left: %s", l->node,
                           who(l, text, sizeof(text)));
        l->told = true;
        look_later(e->left);
        return true;
}

/* --- this daemon's -------------------------------------------------------------------------------------------- */

/* The file without what it says of this node. */
static void other_lines(struct buf *out, const char *text, const char *node)
{
        const size_t len = strlen(node);

        for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
                const char *name = memchr(text, '\t', (size_t) (end - text));

                if (name && !(strncmp(name + 1, node, len) == 0 && name[1 + len] == '\t'))
                        buf_add(out, text, (size_t) (end + 1 - text));
        }
}

void left_note(struct engine *e, node_id id, pid_t pid)
{
        const struct node *n = core_node(e->core, id);
        autobuf struct buf old = BUF_INIT, text = BUF_INIT, line = BUF_INIT;
        char path[PATH_MAX], node[PATH_MAX_NODE], group[PATH_MAX] = "";
        bool groups = e->cgroup && cgroup_backend(e->cgroup) != CGROUP_NONE;
        struct nogroup_birth b = { 0 };
        int r;

        if (!n || e->opt.pid1 || spec_int(n->spec, D_SERVICE_OnDaemonDeath) != ON_DEATH_LEAVE || groups != (pid == 0) ||
            (pid > 0 && nogroup_birth(pid, &b) < 0))
                return;
        engine_path(e, id, node, sizeof(node));
        if (groups)
                cgroup_node_path(e->cgroup, node, group, sizeof(group));
        print_line(&line, node, groups ? group : NULL, pid, b.start);
        (void) fs_read(file_path(e, "leave", path), FILE_MAX_BYTES, &old, NULL);
        if (strstr(buf_text(&old), buf_text(&line)))
                return;
        other_lines(&text, buf_text(&old), node);
        buf_add(&text, line.data, line.len);
        r = fs_write_atomic(path, text.data, text.len, 0600, NULL);
        if (r < 0)
                log_warning("%s: %s cannot be written: %s; the next coppiced would not know that it is to be left",
                            node, path, strerror(-r));
}

bool left_end(struct engine *e, bool init_gone)
{
        autofree const char **paths = NULL;
        struct cgroup_left left;
        char path[PATH_MAX];

        file_path(e, "leave", path);
        if (!init_gone) {
                (void) unlink(path);
                return false;
        }
        if (access(path, F_OK) < 0 || !left_of(e))
                return false;
        read_file(e->left, "leave");
        if (e->left->count == 0 || !(paths = paths_of(e->left, &left)))
                return false;
        cgroup_end_but(e->cgroup, &left, KILL_MS);
        return true;
}

void left_free(struct engine *e)
{
        if (!e->left)
                return;
        ev_timer_stop(e->loop, &e->left->timer);
        while (e->left->count > 0)
                drop(e->left, e->left->count - 1);
        free(e->left->list);
        free(e->left);
        e->left = NULL;
}
