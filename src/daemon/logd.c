/* logd.c - coppice-logd as a supervised child: started through init when the first service has something to say,
 * started again, with growing pauses, when it dies. */
#include "daemon/engine_priv.h"
#include "daemon/logd.h"
#include "daemon/logs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "core/unit_text.h"
#include "os/fs.h"


#define DELAY_MAX 10.
/* The request number of logd: a node that cannot be. */
#define LOGD_REQUEST ((uint64_t) NODE_NONE << 32)

/* The same quoting as for any unit: a path may have blanks. */
static void add_quoted(struct buf *out, const char *text)
{
        for (; *text; text++) {
                if (strchr("\"\\", *text))
                        buf_addc(out, '\\');
                if (*text == '%')
                        buf_addc(out, '%');
                buf_addc(out, *text);
        }
}

static struct spec *logd_spec(const struct engine *e)
{
        autobuf struct buf text = BUF_INIT;
        struct unit_source source = { .file = "built in" };
        struct spec *spec = NULL;
        struct rlimit files;
        char path[4096], adjust[16];

        if (fs_beside("coppice-logd", path, sizeof(path)) < 0)
                return NULL;
        buf_adds(&text, "[Service]\nStandardOutput=inherit\nStandardError=inherit\nUMask=0077\n");
        if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max != RLIM_INFINITY) /* a descriptor a service */
                buf_addf(&text, "LimitNOFILE=%llu\n", (unsigned long long) files.rlim_max);
        if (fs_read_small(AT_FDCWD, "/proc/self/oom_score_adj", adjust, sizeof adjust) > 0 && atoi(adjust) < 0)
                buf_addf(&text, "OOMScoreAdjust=%d\n", atoi(adjust)); /* as much as ourselves */
        buf_adds(&text, "ExecStart=:\"");
        add_quoted(&text, path);
        buf_adds(&text, "\" --control=3 \"--log-dir=");
        add_quoted(&text, e->opt.log_dir);
        buf_addf(&text, "\" --log-level=%s\n", log_level_name(log_get_level()));
        source.text = buf_text(&text);
        source.len = text.len;
        if (unit_text_parse("coppice-logd.service", &source, 1, &unit_host_example, NULL, NULL, &spec) < 0)
                return NULL;
        return spec;
}

static int request(struct engine *e, int theirs, struct err *err)
{
        struct plan_facts facts = {
                .node = "/coppice-logd", .incarnation = 1, .mark = "coppice-logd", .root = e->opt.root,
                .daemon_uid = e->opt.uid, .fds = PLAN_FDS_NONE, .listen_names = "control",
        };
        int r;

        facts.fds.listen = 0; /* LISTEN_FDS begin at descriptor 3 */
        facts.fds.listen_count = 1;
        r = plan_compile(e->logd->spec, &facts, D_SERVICE_ExecStart, 0, &e->plan, err);
        if (r < 0)
                return r;
        return initlink_spawn(e->link, LOGD_REQUEST, e->plan.data, e->plan.len, &theirs, 1, -1, err);
}

static int start(struct engine *e, struct err *err)
{
        struct logd *l = e->logd;
        int pair[2], r;

        if (!l->spec)
                l->spec = logd_spec(e);
        if (!l->spec)
                return err_set(err, STAGE_NONE, ENOENT,
                               "find coppice-logd, beside coppice-engine or in " PKGLIBEXECDIR);
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return err_sys(err, STAGE_RESOURCES, "make a socket pair");
        r = request(e, pair[1], err);
        (void) close(pair[1]);
        if (r < 0) {
                (void) close(pair[0]);
                return r;
        }
        l->asked = true;
        (void) initlink_store(e->link, "logd", pair[0]);
        logd_connect(e, pair[0]);
        return 0;
}

static void try_again(struct engine *e)
{
        struct logd *l = e->logd;

        if (l->quitting) {
                logd_quit_done(e);
                return;
        }
        ev_timer_set(&l->restart, l->delay, 0.);
        ev_timer_start(e->loop, &l->restart);
        l->delay = l->delay * 2 > DELAY_MAX ? DELAY_MAX : l->delay * 2;
}

int logs_start(struct engine *e)
{
        struct logd *l = e->logd;
        struct err err = { 0 };
        int r;

        if (l->pid || l->asked || l->quitting || ev_is_active(&l->restart))
                return 0;
        r = start(e, &err);
        if (r < 0) {
                err_hint(&err, "what services write waits in their pipes");
                log_err(LOG_LEVEL_ERROR, &err);
                try_again(e);
        }
        return r;
}

static void on_restart(struct ev_loop *loop, ev_timer *w, int revents)
{
        (void) loop;
        (void) revents;
        (void) logs_start(container_of(w, struct logd, restart)->e);
}

void logs_spawned(struct engine *e, pid_t pid)
{
        e->logd->pid = pid;
        (void) engine_knows(e, (struct pid_entry) { .pid = pid, .node = NODE_NONE, .kind = PID_LOGD });
}

static void gone(struct engine *e)
{
        e->logd->pid = 0;
        e->logd->asked = false;
        logd_disconnect(e);
        try_again(e);
}

void logs_exited(struct engine *e, const struct init_exit *x)
{
        if (!e->logd->quitting)
                log_warning("the log writer has ended (%s %d): another one takes over, nothing is lost",
                            x->code == CLD_EXITED ? "status" : "signal", (int) x->status);
        gone(e);
}

void logs_failed(struct engine *e, const struct err *err)
{
        struct err told = *err;

        err_unit(&told, "coppice-logd");
        log_err(LOG_LEVEL_ERROR, &told);
        gone(e);
}

/* Its socket was kept by init, what it said there is still to be read. It is told of all streams again: those it knows
 * are not disturbed by that. */
void logd_resume(struct engine *e)
{
        struct logd *l = e->logd;
        int sock = l->sock;
        bool wanted = false;

        l->sock = -1;
        for (size_t i = 0; i < e->pids.cap; i++)
                if (e->pids.slots[i].pid && e->pids.slots[i].kind == PID_LOGD)
                        l->pid = e->pids.slots[i].pid;
        for (node_id id = 0; id < e->run_cap; id++)
                wanted = wanted || (e->runs[id].extra && e->runs[id].extra->log_in >= 0);
        if (sock >= 0 && l->pid) {
                l->asked = true;
                logd_connect(e, sock);
                return;
        }
        fd_close(&sock);
        (void) initlink_unstore(e->link, "logd");
        if (wanted && !l->pid)
                (void) logs_start(e);
}

int logs_init(struct engine *e)
{
        e->logd = calloc(1, sizeof(*e->logd));
        if (!e->logd)
                return -ENOMEM;
        *e->logd = (struct logd) { .e = e, .sock = -1, .delay = LOGD_DELAY_FIRST };
        ev_timer_init(&e->logd->restart, on_restart, 0., 0.);
        return 0;
}

void logs_free(struct engine *e)
{
        struct logd *l = e->logd;

        if (!l)
                return;
        ev_timer_stop(e->loop, &l->restart);
        logd_disconnect(e);
        spec_unref(l->spec);
        free(l->queue);
        free(l);
        e->logd = NULL;
}
