/* reexec.c - another program takes the engine's place: the same path as after a crash, tried first.
 *
 * The program is run with --check-state on a copy of the journal. It loads the state as if to take over and says what
 * it thinks of that; only when it can, this engine tells init that it ends on purpose, and goes. Nobody waits for that
 * trial: it is a process of its own, and everything goes on meanwhile (FAILURES H14, H19). */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/shortage.h"
#include "core/snapshot.h"
#include "daemon/engine_priv.h"
#include "daemon/logs.h"
#include "daemon/mail.h"
#include "daemon/recover.h"
#include "os/memfile.h"
#include "proto/journal.h"

#define TRIAL_MAX_SEC 30.
#define UNDERSTOOD    "state of version " /* what every engine says that has loaded a state */

struct trial {
        struct engine *e;
        int program;             /* owned; -1 = the one that init knows */
        pid_t pid;
        struct ev_io said;       /* end of file: it has ended */
        struct ev_timer late;
        struct buf text;
        engine_reexec_fn *fn;
        void *arg;
};

/* What it said last, without the name of the program before it. */
static void answer(struct trial *t, const struct err *err)
{
        if (t->fn)
                t->fn(t->arg, err);
        t->fn = NULL;
}

static void trial_free(struct trial *t)
{
        ev_io_stop(t->e->loop, &t->said);
        ev_timer_stop(t->e->loop, &t->late);
        (void) close(t->said.fd);
        fd_close(&t->program);
        buf_free(&t->text);
        t->e->trial = NULL;
        free(t);
}

/* The answer is on its way to the client, everything is in the journal and nothing waits for init: go. What happens
 * from here on stays in the sockets. */
static void leave(struct engine *e, const struct trial *t)
{
        log_notice("another engine takes over, as was asked for");
        if (t->program >= 0)
                (void) initlink_store(e->link, INIT_STORE_ENGINE, t->program);
        journal_commit(e);
        (void) initlink_reexec(e->link);
        e->leaving = true;
}

/* Its own last words, or what else there is to say. */
static const char *why(const struct trial *t, int status, char buf[96])
{
        if (t->text.len && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
                return buf_text(&t->text);
        if (WIFSIGNALED(status))
                (void) snprintf(buf, 96, "it was ended by signal:%s", signal_name(WTERMSIG(status)));
        else
                (void) snprintf(buf, 96, "it ended with %d without a word about the state: is it an engine?",
                                WEXITSTATUS(status));
        return buf;
}

static void over(struct trial *t)
{
        struct engine *e = t->e;
        struct err err = { 0 };
        char ended[96];
        int status = 0;

        while (waitpid(t->pid, &status, 0) < 0 && errno == EINTR)
                ;
        while (t->text.len > 0 && t->text.data[t->text.len - 1] == '\n')
                t->text.data[--t->text.len] = '\0';
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && strstr(buf_text(&t->text), UNDERSTOOD)) {
                answer(t, NULL);
                leave(e, t);
        } else {
                (void) err_set(&err, STAGE_NONE, ENOEXEC, "the new engine cannot take over: %.180s",
                               why(t, status, ended));
                err_hint(&err, "the present one goes on; nothing has changed");
                log_err(LOG_LEVEL_ERROR, &err);
                answer(t, &err);
        }
        trial_free(t);
}

static void on_said(struct ev_loop *loop, ev_io *w, int revents)
{
        struct trial *t = container_of(w, struct trial, said);
        char bytes[512];
        ssize_t n;

        if (watch_renewed(loop, w, revents))
                return;
        n = read(w->fd, bytes, sizeof(bytes));
        if (n > 0 && t->text.len < 4096)
                buf_add(&t->text, bytes, (size_t) n);
        else if (n == 0 || (n < 0 && !error_passes(errno)))
                over(t);
}

static void on_late(struct ev_loop *loop, ev_timer *w, int revents)
{
        struct trial *t = container_of(w, struct trial, late);

        (void) loop;
        (void) revents;
        buf_adds(&t->text, "it does not come to an end");
        (void) kill(t->pid, SIGKILL);
}

/* In the child: the copy of the journal where an engine looks for it, its words to us. */
static _Noreturn void try_it(int program, int state, int out)
{
        static char name[] = "coppice-engine", check[] = "--check-state";
        char *argv[] = { name, check, NULL };
        int p = fcntl(program, F_DUPFD_CLOEXEC, INIT_JOURNAL_FD + 1),
                s = fcntl(state, F_DUPFD_CLOEXEC, INIT_JOURNAL_FD + 1);
        int o = fcntl(out, F_DUPFD_CLOEXEC, INIT_JOURNAL_FD + 1);
        static const char failed[] = "it cannot be executed\n";

        if (p >= 0 && s >= 0 && o >= 0 && dup2(s, INIT_JOURNAL_FD) >= 0 && dup2(o, 1) >= 0 && dup2(o, 2) >= 0)
                (void) fexecve(p, argv, environ);
        (void) !write(2, failed, sizeof(failed) - 1);
        _exit(126);
}

/* Our own file as it is on disk now: after an upgrade that is the new one. */
static int open_program(const char *path, struct err *err)
{
        char own[4096];
        ssize_t n = path ? 0 : readlink("/proc/self/exe", own, sizeof(own) - 1);
        char *deleted;
        int fd;

        if (n < 0)
                return err_sys(err, STAGE_NONE, "find the engine's own file; name it with --binary");
        own[n] = '\0';
        deleted = strstr(own, " (deleted)");
        if (deleted)
                *deleted = '\0';
        fd = open(path ? path : own, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? err_sys(err, STAGE_NONE, "open %s", path ? path : own) : fd;
}

static int begin(struct engine *e, int program, int state, struct trial *t, struct err *err)
{
        int out[2];

        if (pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0)
                return err_sys(err, STAGE_NONE, "make a pipe");
        t->pid = fork();
        if (t->pid == 0)
                try_it(program, state, out[1]);
        (void) close(out[1]);
        if (t->pid < 0) {
                (void) close(out[0]);
                return err_sys(err, STAGE_FORK, "fork");
        }
        t->e = e;
        ev_io_init(&t->said, on_said, out[0], EV_READ);
        ev_io_start(e->loop, &t->said);
        ev_timer_init(&t->late, on_late, TRIAL_MAX_SEC, 0.);
        ev_timer_start(e->loop, &t->late);
        e->trial = t;
        return 0;
}

int engine_reexec(struct engine *e, const char *path, engine_reexec_fn *fn, void *arg, struct err *err)
{
        autoclose int state = -1, program = -1;
        struct trial *t;
        int r;

        if (e->stopping)
                return err_set(err, STAGE_NONE, ESHUTDOWN, "everything is being stopped");
        if (e->trial || e->leaving)
                return err_set(err, STAGE_NONE, EBUSY, "another engine is being tried already");
        program = open_program(path, err);
        if (program < 0)
                return program;
        state = journal_copy(e);
        if (state < 0)
                return err_set(err, STAGE_NONE, -state, "copy the journal: %s", strerror(-state));
        t = calloc(1, sizeof(*t));
        if (!t)
                return err_set(err, STAGE_NONE, ENOMEM, "out of memory");
        *t = (struct trial) { .program = -1, .fn = fn, .arg = arg };
        r = begin(e, program, state, t, err);
        if (r < 0)
                free(t);
        else if (path)
                t->program = fd_steal(&program);
        return r;
}

void engine_reexec_forget(struct engine *e, void *arg)
{
        if (e->trial && e->trial->arg == arg)
                e->trial->fn = NULL;
}

/* --- the new one -------------------------------------------------------------------------------------------------- */

int recover_journal(void)
{
        struct journal_head head;
        ssize_t n;

        if (fcntl(INIT_JOURNAL_FD, F_SETFD, FD_CLOEXEC) < 0)
                return -1;
        n = pread(INIT_JOURNAL_FD, &head, sizeof(head), 0);
        if (n < 0 ? error_lacks(errno) : n == sizeof(head) && journal_head_check(&head) != -ENOMSG)
                return INIT_JOURNAL_FD; /* an error is told by recover_load() */
        return -1;
}

/* --- the new one, being tried ------------------------------------------------------------------------------------- */

int recover_check(struct engine *e)
{
        struct err err = { 0 };
        char line[700];
        size_t nodes = 0;
        int journal = recover_journal();

        e->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
        e->opt.runtime_dir = "/";
        e->only_look = true;
        if (journal < 0)
                (void) err_set(&err, STAGE_NONE, EBADF, "there is no state at descriptor %d", INIT_JOURNAL_FD);
        else if (e->loop && logs_init(e) == 0 && mail_start(e) == 0)
                (void) recover_load(e, journal, &err);
        if (err.code || !e->core) {
                printf("%s\n", err_format(&err, line, sizeof(line)));
                return 1;
        }
        for (node_id id = 0; id < core_node_limit(e->core); id++)
                nodes += core_node(e->core, id) != NULL;
        printf(UNDERSTOOD "%d: %zu nodes, %zu events not taken yet\n", JOURNAL_VERSION, nodes, e->queue_len);
        return 0;
}

/* --- one that is asked whether it works at all -------------------------------------------------------------------- */

static int restore(const struct buf *bytes, struct core **ret, struct err *err)
{
        struct unpack u = unpack_begin(bytes->data, bytes->len);
        struct pack_map *map = buf_failed(bytes) ? NULL : unpack_schema(&u, &core_schema, err);
        int r = map ? core_restore(&u, map, ret, err) : -ENOMEM;

        pack_map_free(map);
        return r;
}

int recover_check_alone(struct engine *e, struct err *err)
{
        struct spec *root = spec_new_default(KIND_SUPERVISOR, "root.supervisor");
        autobuf struct buf bytes = BUF_INIT;
        struct core *c = root ? core_new(&(struct core_config) { .seed = 1 }, root) : NULL;

        spec_unref(root);
        e->only_look = true;
        if (!c)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        pack_schema(&bytes, &core_schema);
        core_snapshot(c, &bytes);
        core_free(c);
        return restore(&bytes, &e->core, err);
}
