/* pidfile.c - which process is the main one of a forking service: the one PIDFile= names, waited for by inotify on
 * its directory, or without PIDFile= the only one that is left. */
#include <libgen.h>
#include <string.h>
#include <sys/inotify.h>

#include "daemon/engine_priv.h"
#include "daemon/ledger.h"
#include "daemon/notify.h"
#include "daemon/peer.h"
#include "daemon/pidfile.h"
#include "daemon/rundir.h"
#include "os/fs.h"

#define UNSURE_LOOK .05    /* seconds between two looks at whose process that is */

static void stop(struct engine *e, struct extra *x)
{
        ev_timer_stop(e->loop, &x->pidfile_again);
        if (!ev_is_active(&x->pidfile))
                return;
        ev_io_stop(e->loop, &x->pidfile);
        (void) close(x->pidfile.fd);
}

static const char *path_of(const struct engine *e, const struct spec *s, char *buf, size_t n)
{
        const char *path = spec_str(s, D_SERVICE_PIDFile);

        if (path[0] == '/' || path[0] == '\0')
                return path;
        (void) snprintf(buf, n, "%s/%s", rundir_root(e, "runtime"), path);
        return buf;
}

/* 1, 0; -EAGAIN: it cannot be told now. */
static int ours(struct engine *e, node_id id, pid_t pid)
{
        bool again;
        node_id found = peer_place(e, pid, &again);

        return again ? -EAGAIN : found == id;
}

static void on_unsure(struct ev_loop *loop, ev_timer *w, int revents);

static int unsure(struct engine *e, node_id id, const char *path, pid_t pid, struct err *err)
{
        struct extra *x = engine_extra(e, id);

        if (x && !ev_is_active(&x->pidfile_again)) {
                ev_timer_init(&x->pidfile_again, on_unsure, UNSURE_LOOK, UNSURE_LOOK);
                ev_timer_start(e->loop, &x->pidfile_again);
        }
        return err_set(err, STAGE_RESOURCES, EBUSY, "trust pid file %s: whose process %d is cannot be told now", path,
                       (int) pid);
}

/* The file is not root's: then the process must be known to be the service's. */
static int read_untrusted(struct engine *e, node_id id, const char *path, pid_t *ret, struct err *err)
{
        int r = fs_pidfile(path, true, ret, err), whose = r < 0 ? 0 : ours(e, id, *ret);

        if (r < 0 || whose > 0)
                return r;
        if (whose < 0)
                return unsure(e, id, path, *ret, err);
        r = err_set(err, STAGE_RESOURCES, EPERM,
                    "trust pid file %s: process %d is not of this service, and the file is not root's",
                    path, (int) *ret);
        err_hint(err, "the service writes the number of its own main process there");
        return r;
}

/* What the file says is not believed; it may be written again, so go on waiting. Said once for each thing it says. */
static void refuse(struct engine *e, node_id id, const struct spec *s, struct err *err)
{
        struct origin o = spec_origin(s, D_SERVICE_PIDFile);
        char path[PATH_MAX_NODE], line[1000];

        err_unit(err, engine_path(e, id, path, sizeof(path)));
        err_where(err, o.file, o.line);
        if (ledger_error_is(e, id, err_format(err, line, sizeof(line))))
                return;
        log_err(LOG_LEVEL_WARNING, err);
        ledger_failed(e, id, err);
}

/* Whoever wrote the file: the process of another is not to be signalled and waited for in this one's name. */
static int not_anothers(const struct engine *e, node_id id, const char *path, pid_t pid, struct err *err)
{
        if (!notify_is_anothers(e, id, pid))
                return 0;
        (void) err_set(err, STAGE_RESOURCES, EPERM, "trust pid file %s: process %d is another's main process, or a "
                       "control command", path, (int) pid);
        err_hint(err, "the service writes the number of its own main process there");
        return -EPERM;
}

static bool read_it(struct engine *e, node_id id, const struct spec *s)
{
        char buf[4096];
        const char *path = path_of(e, s, buf, sizeof(buf));
        struct err err = { 0 };
        pid_t pid = 0;
        int r = fs_pidfile(path, false, &pid, &err);

        if (r == -EPERM)
                r = read_untrusted(e, id, path, &pid, &err);
        if (r == 0)
                r = not_anothers(e, id, path, pid, &err);
        if (r < 0) {
                if (r != -EAGAIN)
                        refuse(e, id, s, &err);
                return false;
        }
        if (!ledger_error_is(e, id, NULL))
                ledger_failed(e, id, NULL);
        notify_main_pid(e, id, pid);
        return true;
}

static void on_change(struct ev_loop *loop, ev_io *w, int revents)
{
        struct extra *x = container_of(w, struct extra, pidfile);
        const struct node *node = core_node(x->e->core, x->node);
        char events[4096] __attribute__((aligned(8)));

        if (watch_renewed(loop, w, revents))
                return;
        while (read(w->fd, events, sizeof(events)) > 0)
                ;
        if (!node || read_it(x->e, x->node, node->spec))
                stop(x->e, x);
}

static void on_unsure(struct ev_loop *loop, ev_timer *w, int revents)
{
        struct extra *x = container_of(w, struct extra, pidfile_again);
        const struct node *node = core_node(x->e->core, x->node);

        (void) loop;
        (void) revents;
        if (!node || read_it(x->e, x->node, node->spec))
                stop(x->e, x);
}

static void watch(struct engine *e, node_id id, const char *path)
{
        struct extra *x = engine_extra(e, id);
        autofree char *copy = strdup(path);
        int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

        if (!x || !copy || fd < 0 ||
            inotify_add_watch(fd, dirname(copy), IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ATTRIB) < 0) {
                if (fd >= 0)
                        (void) close(fd);
                return; /* TimeoutStartSec= ends the wait */
        }
        stop(e, x);
        ev_io_init(&x->pidfile, on_change, fd, EV_READ);
        ev_io_start(e->loop, &x->pidfile);
}

/* The only process there is. With several nobody can know: then the service runs as long as any of them. So it is
 * without control groups, where one that /proc does not show for a moment, in the middle of exec, is not counted. */
static void guess(struct engine *e, node_id id)
{
        const bool counted = cgroup_backend(e->cgroup) != CGROUP_NONE;
        pid_t pids[2];

        if (counted && engine_pids(e, id, pids, 2) == 1 && !notify_is_anothers(e, id, pids[0]))
                notify_main_pid(e, id, pids[0]);
        else
                engine_post(e, &(struct event) { .kind = EVT_MAINPID, .node = id,
                                                 .incarnation = engine_run(e, id)->incarnation });
}

void pidfile_wait(struct engine *e, node_id id)
{
        const struct node *node = core_node(e->core, id);
        char buf[4096];
        const char *path = path_of(e, node->spec, buf, sizeof(buf));

        if (path[0] == '\0') {
                guess(e, id);
                return;
        }
        if (read_it(e, id, node->spec))
                return;
        watch(e, id, path);
        if (engine_run(e, id)->extra && read_it(e, id, node->spec)) /* written before the watch was there */
                stop(e, engine_run(e, id)->extra);
}

void pidfile_forget(struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);

        if (run && run->extra)
                stop(e, run->extra);
}
