/* main.c - coppice-engine: the order of the boot. Started by coppiced with its own arguments. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/shortage.h"
#include "base/slice.h"
#include "daemon/adopt.h"
#include "daemon/empty.h"
#include "daemon/engine_priv.h"
#include "daemon/exit.h"
#include "daemon/left.h"
#include "daemon/limits.h"
#include "daemon/link.h"
#include "daemon/load.h"
#include "daemon/logs.h"
#include "daemon/mail.h"
#include "daemon/mail_spawn.h"
#include "daemon/notify.h"
#include "daemon/peer.h"
#include "daemon/pipe.h"
#include "daemon/recover.h"
#include "daemon/sandbox.h"
#include "daemon/signals.h"
#include "daemon/socket.h"
#include "daemon/transient.h"
#include "os/machine.h"
#include "os/reach.h"

#define EXIT_STARTUP 111
#define FILES        (1 << 20)
#define EXIT_RUNNING 100 /* another daemon has this runtime directory */

extern char **environ;

/* Two descriptors a logged service. init, who starts the services, keeps the limits it was given. */
static void raise_files(void)
{
        struct rlimit l = { .rlim_cur = FILES, .rlim_max = FILES }, now;

        if (getrlimit(RLIMIT_NOFILE, &now) < 0 || (now.rlim_max < FILES && setrlimit(RLIMIT_NOFILE, &l) == 0))
                return;
        now.rlim_cur = now.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &now);
}

static int fail(const struct err *err, int code)
{
        log_err(LOG_LEVEL_ERROR, err);
        return code;
}

/* What needs nothing but us. */
static int prepare(struct engine *e, struct err *err)
{
        e->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV); /* never the default loop: it reaps every child */
        if (!e->loop)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "make the event loop");
        if (logs_init(e) < 0)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory");
        return load_paths(e, err);
}

static void not_bounded(int error)
{
        log_info("services that say nothing of TasksMax= are not bounded together: %s",
                 error == -EOPNOTSUPP ? "pids shares its hierarchy with another controller" : strerror(-error));
}

static int make_groups(struct engine *e, struct err *err)
{
        unsigned swept = 0, more = 0;
        int r = left_begin(e, &swept, err);

        if (r == 0)
                r = cgroup_open(e->opt.runtime_dir, (pid_t) e->opt.pid, &e->cgroup, &more, err);
        if (r < 0)
                return r;
        swept += more;
        if (swept > 0)
                log_notice("killed what %u services of a dead daemon had left behind", swept);
        if (cgroup_backend(e->cgroup) == CGROUP_NONE)
                log_info("no control groups: %s; processes are tracked by session", cgroup_why(e->cgroup));
        else
                (void) initlink_store(e->link, INIT_STORE_CGROUP, cgroup_root_fd(e->cgroup));
        r = limits_rest_begin(e->cgroup);
        if (r < 0)
                not_bounded(r);
        return 0;
}

/* Before anything is started. */
static void bound_tasks(struct engine *e)
{
        autoclose int inside = -1, outside = -1;
        int r = limits_rest_begun(e->cgroup, &inside, &outside);

        if (r < 0)
                not_bounded(r);
        if (inside < 0 || outside < 0)
                return;
        (void) initlink_store(e->link, INIT_STORE_INSIDE, inside);
        (void) initlink_store(e->link, INIT_STORE_OUTSIDE, outside);
}

static void run(struct engine *e)
{
        /* From here on init outlives us: what follows must not end the engine but by exit_finish(). */
        (void) initlink_booted(e->link);
        while (!e->done)
                ev_run(e->loop, 0);
        exit_clean(e);
}

/* Who init is, before it says so itself. When it has been killed our parent is another process, on a machine PID 1: to
 * take that for init would be to take the machine for ours, and to unmount it at the end. */
static int find_init(struct engine *e, struct err *err)
{
        const pid_t parent = getppid(), init = initlink_init(e->link);

        e->opt.pid = parent;
        e->opt.pid1 = parent == 1;
        if (init == parent || init == 0)
                return 0;
        return err_set(err, STAGE_NONE, ESRCH, "init, process %d, has ended", (int) init);
}

/* Before anything looks at /proc, /run or the control groups. */
static void find_machine(struct engine *e, bool first)
{
        if (!e->opt.pid1 || e->opt.machine_said == MACHINE_NO || (e->opt.machine_said == MACHINE_AUTO && !machine_is()))
                return;
        e->opt.machine = true;
        e->end = INIT_END_POWEROFF;
        if (first)
                machine_start();
}

static void open_mail(struct engine *e)
{
        if (mail_start(e) < 0)
                log_warning("no descriptor or memory for mailboxes: services with Mailbox=yes will not start");
}

/* Nothing that was made stays. */
static int boot_undone(struct engine *e)
{
        notify_stop(e);
        exit_groups(e);
        socket_stop(e);
        return EXIT_STARTUP;
}

static int boot_failed(struct engine *e, const struct err *err)
{
        (void) fail(err, EXIT_STARTUP);
        return boot_undone(e);
}

/* The first engine of a daemon: units become a tree, and that is started. */
static int boot(struct engine *e)
{
        struct err err = { 0 };
        int r = socket_lock(e, &err);

        if (r < 0)
                return fail(&err, EXIT_RUNNING);
        if (prepare(e, &err) < 0 || make_groups(e, &err) < 0)
                return boot_failed(e, &err);
        private_tmp_sweep(e);
        open_mail(e);
        if (e->mail && mail_desk(e) < 0) {
                log_warning("no memory for what is on its way between mailboxes: services with Mailbox=yes will "
                            "not start");
                mail_stop(e);
        }
        notify_start(e);
        if (load_dirs(e, &err) < 0 || load_first(e, &err) < 0)
                return boot_failed(e, &err);
        left_meet(e);
        r = journal_start(e);
        if (r < 0)
                log_warning("no journal can be kept: %s; an engine after this one would know nothing", strerror(-r));
        if (socket_start(e) < 0)
                return boot_undone(e);
        bound_tasks(e);
        link_watch(e);
        empty_start(e);
        limits_start(e);
        engine_start_turns(e);
        engine_post(e, &(struct event) { .kind = EVT_START, .node = NODE_ROOT });
        run(e);
        return e->exit_code;
}

/* Nothing of what was read counts. */
static void forget_all(struct engine *e)
{
        if (e->mail)
                mail_silence(e);
        for (node_id id = 0; e->core && e->cgroup && id < e->run_cap; id++) {
                /* by the engine before us, not by this one */
                e->runs[id].flags &= ~(unsigned) (RUN_WATCHED | RUN_PROBE);
                engine_forget(e, id);
        }
        pipes_free(e);
        mail_spawn_stop(e);
        if (e->core)
                core_free(e->core);
        e->core = NULL;
        free(ptr_steal(e->runs));
        pid_map_free(&e->pids);
        e->survivor_count = 0;
        e->run_cap = e->queue_len = e->queue_head = e->redo_count = 0;
        e->pids = (struct pid_map) { 0 };
        e->published = 0;
        e->stopping = e->finishing = e->performed = false;
        e->exit_code = -1;
        e->command_node = NODE_NONE;
        notify_forget_early(e, 0);
        mail_stop(e);
        open_mail(e);
}

/* The state is lost: units are read again, and what runs is found. See adopt.c. */
static int start_over(struct engine *e, struct err *err)
{
        int r;

        forget_all(e);
        log_error("beginning anew: what runs goes on, what was known of it is lost");
        r = e->cgroup ? 0 : cgroup_adopt(NULL, true, e->opt.runtime_dir, (pid_t) e->opt.pid, &e->cgroup, err);
        if (r == 0)
                r = load_first(e, err);
        if (r < 0)
                return r;
        empty_start(e);
        /* Where that cannot be told the next engine begins anew as well, and nothing has been taken from init yet: no
         * signal for the daemon is lost. */
        r = adopt_find(e, err);
        if (r < 0)
                return r;
        r = link_greet(e, err);
        if (r < 0) { /* ends that were told of are found out by whom /proc does not have any more */
                signals_give_back(e);
                return r;
        }
        engine_post(e, &(struct event) { .kind = EVT_START, .node = NODE_ROOT });
        (void) journal_start(e);
        return 0;
}

static int go_on(struct engine *e, int journal, struct err *err)
{
        int r;

        r = journal_adopt(e, journal, e->journal_begin, e->journal_end);
        if (r < 0)
                return err_set(err, STAGE_NONE, -r, "go on with the journal: %s", strerror(-r));
        empty_start(e);
        return link_greet(e, err);
}

/* Who take over and die of it, one after the other: then it is what they take over. -1: this is the first engine. */
static int engines_unborn(void)
{
        const char *text = getenv(INIT_UNBORN);
        int n = text ? atoi(text) : -1;

        (void) unsetenv(INIT_UNBORN); /* not for services */
        return n;
}

/* The next engine tries again; only where it is not for want of something does that speak against the state. */
static int cannot_take_over(struct err *err)
{
        return fail(err, error_lacks(err->code) || error_passes(err->code) ? INIT_ENGINE_LACKS : EXIT_STARTUP);
}

static int lacks_for_mail(int r)
{
        struct err err = { 0 };

        (void) err_set(&err, STAGE_NONE, -r, "take over the mailboxes: %s", strerror(-r));
        return cannot_take_over(&err);
}

/* 0, or the status to end with. */
static int reopen(struct engine *e)
{
        int r;

        notify_start(e);
        if (socket_start(e) < 0)
                return INIT_ENGINE_LACKS;
        link_watch(e);
        limits_start(e);
        if (left_resume(e) < 0)
                return INIT_ENGINE_LACKS;
        r = mail_resumed(e);
        return r < 0 ? lacks_for_mail(r) : 0;
}

/* A later engine: see recover.h. */
static int take_over(struct engine *e, int journal, int unborn)
{
        struct err err = { 0 };
        int r;

        if (prepare(e, &err) < 0)
                return cannot_take_over(&err);
        r = mail_start(e);
        if (r < 0)
                return lacks_for_mail(r);
        if (unborn >= INIT_UNBORN_MAX)
                r = err_set(&err, STAGE_NONE, ECANCELED, "%d engines have died of the saved state", unborn);
        else if (journal < 0)
                r = err_set(&err, STAGE_NONE, ENODATA, "no state has been saved");
        else
                r = recover_load(e, journal, &err);
        if (r == -EAGAIN || error_lacks(-r))
                return fail(&err, INIT_ENGINE_LACKS);
        if (r < 0)
                log_err(LOG_LEVEL_ERROR, &err);
        if (r < 0 && journal >= 0)
                (void) close(journal); /* another one takes its place */
        err = (struct err) { 0 };
        r = r < 0 ? start_over(e, &err) : go_on(e, journal, &err);
        if (r < 0)
                return cannot_take_over(&err);
        r = reopen(e);
        if (r != 0) {
                if (unborn >= INIT_UNBORN_MAX) /* the next one does not read what this one has saved */
                        signals_give_back(e);
                return r;
        }
        pipes_resumed(e);
        engine_start_turns(e);
        recover_resume(e);
        transient_adopt(e);
        signals_resume(e);
        mail_spawn_resumed(e);
        log_notice("this engine goes on where the one before it ended");
        run(e);
        return e->exit_code;
}

/* Nothing is taken over, and nobody finds out that we were here. */
static int show_that_it_works(struct engine *e)
{
        struct err err = { 0 };
        int r;

        e->opt.pid = getppid();
        e->opt.pid1 = e->opt.pid == 1;
        find_machine(e, false);
        raise_files();
        if (options_defaults(&e->opt, &err) < 0 || prepare(e, &err) < 0)
                return cannot_take_over(&err);
        r = mail_start(e);
        if (r < 0)
                return lacks_for_mail(r);
        return recover_check_alone(e, &err) < 0 ? cannot_take_over(&err) : INIT_ENGINE_SOUND;
}

int main(int argc, char **argv)
{
        const bool check = argc > 1 && strcmp(argv[1], INIT_CHECK_ARGUMENT) == 0;
        struct engine e = { .notify_fd = -1, .lock_fd = -1, .exit_code = -1, .plan = BUF_INIT,
                            .command_node = NODE_NONE, .kept_control = -1 };
        struct err err = { 0 };
        char cwd[4096];
        int journal, unborn;

        (void) setlocale(LC_ALL, "C");
        (void) umask(077);
        log_open("coppiced");
        if (argc == 2 && strcmp(argv[1], REACH_ARGUMENT) == 0)
                return reach_main();
        if (argc == 2 && strcmp(argv[1], "--check-state") == 0)
                exit(recover_check(&e)); /* as below */
        (void) prctl(PR_SET_NAME, "coppice-engine"); /* started by a descriptor it would have the number's name */
        switch (options_parse(&e.opt, argc - check, argv + check)) {
        case OPTIONS_DONE: return 0;
        case OPTIONS_BAD:
                /* The kernel hands on every word of its command line that it does not know itself. */
                if (getppid() != 1 || !machine_is())
                        return EXIT_STARTUP;
                log_warning("the command line is not followed any further");
                break;
        case OPTIONS_RUN: break;
        }
        log_set_level(e.opt.log_level);
        (void) signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes is an error like others: the journal tells of it */
        (void) signal(SIGPIPE, SIG_IGN); /* whoever reads what we say may end: that ends nobody here. Services
                                          * are init's children */
        log_nonblocking();
        if (check)
                exit(show_that_it_works(&e)); /* as below */
        unborn = engines_unborn();
        journal = recover_journal();
        if (link_open(&e, &err) < 0 || find_init(&e, &err) < 0 || (unborn < 0 && link_greet(&e, &err) < 0))
                exit(unborn < 0 ? fail(&err, EXIT_STARTUP) : cannot_take_over(&err)); /* as below */
        find_machine(&e, unborn < 0);
        peer_start(&e);
        if (options_defaults(&e.opt, &err) < 0)
                exit(fail(&err, EXIT_STARTUP));
        if (getcwd(cwd, sizeof(cwd)))
                e.opt.cwd = cwd;
        (void) !chdir("/");
        raise_files();
        slice_short();
        exit(unborn < 0 ? boot(&e) : take_over(&e, journal, unborn)); /* not `return`: what e owns stays reachable for
                                                                       * the leak checker */
}
