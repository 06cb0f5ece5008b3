/* left.c - see left.h.
 *
 * Two files in the runtime directory, a line for each service: `leave`, what this daemon has started and is to leave,
 * and `left`, what earlier ones have left. A line is
 *      group NODE PATH           the control group of the service
 *      process NODE PID BORN     without groups: the main process, and when it was born, in ticks of proc(5)
 * with tabs between. A daemon that starts makes one list of both, of whom lives. So no engine has to write down
 * more, and who has ended may stay in the second one for a while. The first file is written in left_note.c. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/shortage.h"
#include "daemon/check.h"
#include "daemon/engine_priv.h"
#include "daemon/left_priv.h"
#include "os/fs.h"
#include "os/kernel.h"
#include "os/nogroup.h"

#define KILL_MS         5000
#define WRITE_SEC       .5 /* ten thousand of them may end at once */
#define WRITE_AGAIN_SEC 2. /* as long as it fails */

enum { PIDS_TOLD = 5 };

/* --- one of them ---------------------------------------------------------------------------------------------- */

/* 1; 0: it has ended; -errno: that cannot be told now. A group that is none of ours (-EINVAL) has nobody of ours. */
static int life(const struct left_one *l)
{
        struct nogroup_birth b;
        int r = l->group ? cgroup_left_populated(l->group) : nogroup_birth(l->pid, &b);

        if (l->group)
                return r == -EINVAL || r == -ENOTDIR ? 0 : r;
        if (r < 0)
                return r == -ESRCH ? 0 : r;
        return b.start == l->born && !b.zombie;
}

/* In doubt it does: a second one beside it is worse than a start that waits. */
bool left_lives(const struct left_one *l)
{
        return life(l) != 0;
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

/* Whether he has ended then is another question: who waits for a device does not. */
static void end_one(const struct left_one *l)
{
        autoclose int fd = -1;

        if (l->group) {
                (void) cgroup_left_kill(l->group, KILL_MS);
                cgroup_left_remove(l->group);
                return;
        }
        fd = kernel_pidfd_open(l->pid);
        if (life(l) != 1) /* it is he whom the descriptor names */
                return;
        if (fd >= 0)
                (void) kernel_pidfd_signal(fd, SIGKILL);
        else if ((fd == -ENOSYS || fd == -EPERM) && l->pid > 1) /* before Linux 5.3, or a filter around us */
                (void) kill(l->pid, SIGKILL);
}

static void done(struct left_one *l)
{
        free(l->node);
        free(l->group);
}

/* --- the files ------------------------------------------------------------------------------------------------ */

/* 1; 0: not a line of ours; -ENOMEM. */
static int take_line(char *line, struct left_one *ret)
{
        char *kind = strsep(&line, "\t"), *node = strsep(&line, "\t"), *end;
        bool group = strcmp(kind, "group") == 0;

        if (!line || node[0] != '/')
                return 0;
        *ret = (struct left_one) { .wd = -1 };
        if (group) {
                ret->group = strdup(line);
        } else {
                ret->pid = (pid_t) strtol(line, &end, 10);
                ret->born = strtoull(end, NULL, 10);
        }
        ret->node = strdup(node);
        if (ret->node && (ret->group || ret->pid > 1))
                return 1;
        done(ret);
        return group || ret->pid > 1 ? -ENOMEM : 0;
}

/* When the last process in the groups of a killed daemon has ended, another daemon with the same pid may take them
 * over: what lives there is that one's then. Only before this one has groups: those it holds a lock on as well. */
static bool is_anothers(struct left *f, const struct left_one *l)
{
        if (!l->group || f->e->cgroup || !cgroup_left_is_anothers(l->group, !f->impatient))
                return false;
        f->impatient = true;
        return true;
}

static int add_living(struct left *f, struct left_one *l)
{
        int r = 0;

        if (is_anothers(f, l)) {
                log_info("%s: what an earlier coppiced had left of it has ended; another daemon has its group",
                         l->node);
        } else if (left_lives(l)) {
                r = left_add(f, l);
                if (r == 0)
                        return 0;
        } else if (l->group) {
                cgroup_left_remove(l->group);
        }
        done(l);
        return r;
}

/* Whoever lives of those in this file; 0 without one. After an error the list is not complete. */
static int read_file(struct left *f, const char *name)
{
        autobuf struct buf text = BUF_INIT;
        char path[PATH_MAX], *at, *line;
        int r = fs_read(left_path(f->e, name, path), LEFT_FILE_MAX, &text, NULL);

        if (r < 0 || text.len == 0)
                return r == -ENOENT ? 0 : r;
        at = text.data;
        while ((line = strsep(&at, "\n"))) {
                struct left_one l;

                r = take_line(line, &l);
                if (r > 0)
                        r = add_living(f, &l);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void write_at(struct left *f, double sec)
{
        ev_timer_set(&f->writer, sec, 0.);
        ev_timer_start(f->e->loop, &f->writer);
}

static void cannot_write(struct left *f, const char *path, int error)
{
        if (!f->unwritten)
                log_warning("%s cannot be written: %s; until it can %s", path, strerror(error), f->complete ?
                            "it names some who have ended, too"
                            : "another engine would start services beside what is left of them");
        f->unwritten = true;
        write_at(f, WRITE_AGAIN_SEC);
}

static int write_list(struct left *f)
{
        autobuf struct buf text = BUF_INIT;
        char path[PATH_MAX];
        int r;

        ev_timer_stop(f->e->loop, &f->writer);
        left_path(f->e, "left", path);
        for (size_t i = 0; i < f->count; i++)
                left_print(&text, f->list[i]->node, f->list[i]->group, f->list[i]->pid, f->list[i]->born);
        if (f->count == 0) {
                (void) unlink(path);
                return 0;
        }
        r = buf_failed(&text) ? -ENOMEM : fs_write_atomic(path, text.data, text.len, 0600, NULL);
        if (r < 0) {
                cannot_write(f, path, -r);
                return r;
        }
        f->complete = true;
        f->unwritten = false;
        return 0;
}

static void on_writer(struct ev_loop *loop, ev_timer *w, int revents)
{
        (void) loop;
        (void) revents;
        (void) write_list(container_of(w, struct left, writer));
}

static void write_soon(struct left *f)
{
        if (f->count == 0) {
                (void) write_list(f);
        } else if (!ev_is_active(&f->writer)) {
                write_at(f, WRITE_SEC);
        }
}

/* --- an earlier daemon's -------------------------------------------------------------------------------------- */

struct left *left_of(struct engine *e)
{
        if (!e->left && (e->left = calloc(1, sizeof(*e->left)))) {
                e->left->e = e;
                ev_init(&e->left->changes, NULL);
                ev_init(&e->left->timer, NULL);
                ev_init(&e->left->writer, on_writer);
                e->left->noted = BUF_INIT;
        }
        return e->left;
}

static const char **paths_of(const struct left *f, struct cgroup_left *ret)
{
        const char **paths = calloc(f->count + 1, sizeof(*paths));

        *ret = (struct cgroup_left) { .paths = paths };
        for (size_t i = 0; paths && i < f->count; i++)
                if (f->list[i]->group)
                        paths[ret->count++] = f->list[i]->group;
        return paths;
}

/* Who is in this file, into the list. An error is told of: nobody knows whom to leave. */
static int take_file(struct engine *e, const char *name)
{
        char path[PATH_MAX];
        int r = 0;

        if (access(left_path(e, name, path), F_OK) == 0 || errno != ENOENT)
                r = left_of(e) ? read_file(e->left, name) : -ENOMEM;
        if (r < 0)
                log_error("%s, the list of what is to be left running, cannot be read: %s", path, strerror(-r));
        return r;
}

int left_resume(struct engine *e)
{
        int r = take_file(e, "left");

        if (e->left)
                e->left->complete = r == 0;
        return error_lacks(-r) ? r : 0;
}

int left_begin(struct engine *e, unsigned *ret_swept, struct err *err)
{
        autofree const char **paths = NULL;
        struct cgroup_left left;
        char path[PATH_MAX];
        int r = take_file(e, "left");

        if (r == 0)
                r = take_file(e, "leave");
        if (r < 0) { /* the sweep would end those who are to be left */
                r = err_set(err, STAGE_CGROUP, -r, "look for what an earlier coppiced has left: %s", strerror(-r));
                err_hint(err, "without the files left and leave in %s all of it is ended", e->opt.runtime_dir);
                return r;
        }
        if (!e->left)
                return 0;
        if (write_list(e->left) == 0)
                (void) unlink(left_path(e, "leave", path));
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

/* Nobody wants it any more. True: it has ended; else the start waits for that as well. */
static bool end_unwanted(const struct left_one *l, const char *text)
{
        bool gone;

        end_one(l);
        gone = !left_lives(l);
        log_notice("%s: %s what an earlier coppiced has left, %s: the unit does not say OnDaemonDeath=leave any more",
                   l->node, gone ? "ended" : "sent SIGKILL to", text);
        return gone;
}

void left_meet(struct engine *e)
{
        char text[200];

        tell_in_vain(e);
        for (size_t i = 0; e->left && i < e->left->count;) {
                struct left_one *l = e->left->list[i];
                node_id id = core_find(e->core, NODE_ROOT, l->node, NULL);
                const struct node *n = id == NODE_NONE ? NULL : core_node(e->core, id);

                (void) who(l, text, sizeof(text));
                if (n && n->kind == KIND_SERVICE && spec_int(n->spec, D_SERVICE_OnDaemonDeath) != ON_DEATH_LEAVE) {
                        if (end_unwanted(l, text))
                                left_drop(e->left, l);
                        else
                                i++;
                        continue;
                }
                log_notice("%s: left by an earlier coppiced, as OnDaemonDeath=leave says: %s%s", l->node, text,
                           n ? "" : "; there is no such unit any more");
                i++;
        }
        if (e->left)
                (void) write_list(e->left);
}

static bool waits(const struct engine *e, node_id id)
{
        return id != NODE_NONE && core_node(e->core, id) && core_node(e->core, id)->phase == PHASE_CHECK;
}

bool left_waits(const struct left *f, const struct left_one *l)
{
        return waits(f->e, core_find(f->e->core, NODE_ROOT, l->node, NULL));
}

static void ended(struct left *f, struct left_one *l)
{
        struct engine *e = f->e;
        node_id id = core_find(e->core, NODE_ROOT, l->node, NULL);

        log_info("%s: what an earlier coppiced has left of it has ended", l->node);
        if (l->group)
                cgroup_left_remove(l->group);
        left_drop(f, l);
        write_soon(f);
        if (waits(e, id))
                check(e, id, core_node(e->core, id)->incarnation);
}

void left_look_at(struct left *f, struct left_one *l)
{
        if (!left_lives(l))
                ended(f, l);
        else if (left_waits(f, l))
                left_remind(f, l);
}

void left_look(struct left *f)
{
        for (size_t i = f->count; i-- > 0;) /* in place of who goes comes one that was looked at */
                if (!left_lives(f->list[i]))
                        ended(f, f->list[i]);
        left_watch_again(f);
}

static struct left_one *living(const struct engine *e, node_id id)
{
        struct left_one *l = NULL;
        char path[PATH_MAX_NODE];

        if (!e->left || e->left->count == 0)
                return NULL;
        engine_path(e, id, path, sizeof(path));
        do
                l = left_named(e->left, path, l);
        while (l && !left_lives(l));
        return l;
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

/* However long that takes: it is not the service that is late. Its own start has its whole time afterwards. */
static void stop_clock(struct engine *e, node_id id)
{
        const struct node *n = core_node(e->core, id);

        if (n && n->kind == KIND_SERVICE && n->deadline != NSEC_NEVER)
                engine_post(e, &(struct event) { .kind = EVT_EXTEND_TIMEOUT, .node = id,
                                                 .incarnation = n->incarnation, .arg = NSEC_NEVER });
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
        stop_clock(e, id);
        left_watch(e->left, l);
        return true;
}

/* --- the end -------------------------------------------------------------------------------------------------- */

bool left_end(struct engine *e, bool init_gone)
{
        autofree const char **paths = NULL;
        struct cgroup_left left;
        char path[PATH_MAX];

        if (!init_gone) {
                (void) unlink(left_path(e, "leave", path));
                return false;
        }
        if (take_file(e, "leave") < 0) /* the next daemon ends who is not to be left; better late than the wrong ones */
                return true;
        if (!e->left || e->left->count == 0)
                return false;
        paths = paths_of(e->left, &left);
        if (!paths)
                return true;
        cgroup_end_but(e->cgroup, &left, KILL_MS);
        return true;
}

void left_free(struct engine *e)
{
        if (!e->left)
                return;
        if (ev_is_active(&e->left->writer))
                (void) write_list(e->left);
        ev_timer_stop(e->loop, &e->left->writer);
        while (e->left->count > 0)
                left_drop(e->left, e->left->list[e->left->count - 1]);
        left_watch_free(e->left);
        buf_free(&e->left->noted);
        free(e->left->named);
        free(e->left->list);
        free(e->left);
        e->left = NULL;
}
