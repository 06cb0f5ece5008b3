/* main.c - coppice-engine: the order of the boot. Started by coppiced with its own arguments. */
#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/slice.h"
#include "daemon/limits.h"
#include "daemon/parts.h"
#include "os/machine.h"

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

/* What needs nothing but us: the loop, the link to init, the groups. */
static int prepare(struct engine *e, struct err *err)
{
        unsigned swept = 0;
        int r;

        e->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV); /* never the default loop: it reaps every child */
        if (!e->loop)
                return err_set(err, STAGE_RESOURCES, ENOMEM, "make the event loop");
        r = cgroup_open(e->opt.runtime_dir, (pid_t) e->opt.pid, &e->cgroup, &swept, err);
        if (r < 0)
                return r;
        if (swept > 0)
                log_notice("killed what %u services of a dead daemon had left behind", swept);
        if (cgroup_backend(e->cgroup) == CGROUP_NONE)
                log_info("no control groups: %s; processes are tracked by session", cgroup_why(e->cgroup));
        else
                (void) initlink_store(e->link, "cgroup-root", cgroup_root_fd(e->cgroup));
        return logs_init(e) < 0 ? err_set(err, STAGE_RESOURCES, ENOMEM, "out of memory") : 0;
}

static void run(struct engine *e)
{
        link_watch(e);
        empty_start(e);
        limits_start(e);
        if (mail_start(e) < 0)
                log_warning("no descriptor or memory for mailboxes: services with Mailbox=yes will not start");
        engine_start_turns(e);
        /* From here on init outlives us: what follows must not end the engine but by exit_finish(). */
        (void) initlink_booted(e->link);
        engine_post(e, &(struct event) { .kind = EVT_START, .node = NODE_ROOT });
        while (!e->done)
                ev_run(e->loop, 0);
        exit_clean(e);
}

/* Before anything looks at /proc, /run or the control groups. */
static void find_machine(struct engine *e)
{
        if (!e->opt.pid1 || e->opt.machine_said == MACHINE_NO || (e->opt.machine_said == MACHINE_AUTO && !machine_is()))
                return;
        e->opt.machine = true;
        e->end = INIT_END_POWEROFF;
        machine_start();
}

static int boot(struct engine *e)
{
        struct err err = { 0 };
        int r = socket_lock(e, &err);

        if (r < 0)
                return fail(&err, EXIT_RUNNING);
        if (prepare(e, &err) < 0)
                return fail(&err, EXIT_STARTUP);
        notify_start(e);
        if (load_first(e, &err) < 0)
                return fail(&err, EXIT_STARTUP);
        if (socket_start(e) < 0)
                return EXIT_STARTUP;
        run(e);
        return e->exit_code;
}

int main(int argc, char **argv)
{
        struct engine e = { .notify_fd = -1, .lock_fd = -1, .exit_code = -1, .plan = BUF_INIT, .command_node = NODE_NONE };
        struct err err = { 0 };
        char cwd[4096];

        (void) setlocale(LC_ALL, "C");
        (void) umask(077);
        log_open("coppiced");
        switch (options_parse(&e.opt, argc, argv)) {
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
        log_nonblocking();
        if (link_start(&e, &err) < 0)
                return fail(&err, EXIT_STARTUP);
        find_machine(&e);
        if (options_defaults(&e.opt, &err) < 0)
                return fail(&err, EXIT_STARTUP);
        if (getcwd(cwd, sizeof(cwd)))
                e.opt.cwd = cwd;
        (void) !chdir("/");
        raise_files();
        slice_short();
        exit(boot(&e)); /* not `return`: what e owns stays reachable for the leak checker */
}
