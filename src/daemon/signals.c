/* signals.c - what a signal to the daemon means (FAILURES J2, J3).
 *
 *      TERM INT QUIT PWR RTMIN+3,4,5       stop everything in order, then exit; a second one: in a hurry
 *      HUP                                 read the units again; ignored while stopping (J19)
 *      USR1                                make the control socket again
 *      USR2                                write the state of the tree to standard error
 *
 * PID 1 of a machine does not exit: INT (Ctrl-Alt-Del) and RTMIN+5 reboot, RTMIN+3 halts, the others power off. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "daemon/engine_priv.h"
#include "daemon/signals.h"
#include "daemon/socket.h"

/* A second signal leaves this much for services that have been asked to stop already. */
#define SHORT_GRACE (2 * NSEC_PER_SEC)

void engine_shutdown(struct engine *e, nsec budget, int code)
{
        if (budget == NSEC_NEVER)
                budget = e->opt.stop_timeout;
        if (code >= 0)
                e->exit_code = code;
        e->stopping = true;
        engine_post(e, &(struct event) { .kind = EVT_SHUTDOWN, .node = NODE_ROOT, .arg = budget });
}

static const struct stop_signal { int above_min, sig; enum init_end end; } stop_signals[] = {
        { -1, SIGTERM, INIT_END_POWEROFF }, { -1, SIGQUIT, INIT_END_POWEROFF }, { -1, SIGPWR, INIT_END_POWEROFF },
        { -1, SIGINT, INIT_END_REBOOT },    { 3, 0, INIT_END_HALT },            { 4, 0, INIT_END_POWEROFF },
        { 5, 0, INIT_END_REBOOT },
};

/* SIGRTMIN is not a constant: the C library keeps some for itself. */
static const struct stop_signal *find_stop(int sig)
{
        for (size_t i = 0; i < sizeof(stop_signals) / sizeof(stop_signals[0]); i++) {
                const struct stop_signal *s = &stop_signals[i];

                if (sig == (s->above_min < 0 ? s->sig : SIGRTMIN + s->above_min))
                        return s;
        }
        return NULL;
}

int engine_end(struct engine *e, enum init_end end)
{
        if (!e->opt.machine)
                return end == INIT_END_EXIT ? 0 : -EOPNOTSUPP;
        if (end != INIT_END_EXIT) /* PID 1 has nowhere to exit to */
                e->end = end;
        return 0;
}

static void stop(struct engine *e, const struct init_daemon_signal *s)
{
        const char *name = signal_name(s->sig);

        e->stop_signal = s->sig;
        if (e->signals_seen++ == 0) {
                log_notice("signal %s: everything is being stopped", name ? name : "of the kernel");
                engine_shutdown(e, NSEC_NEVER, -1);
        } else {
                nsec grace = e->signals_seen > 2 ? 0 : SHORT_GRACE;

                log_notice("signal %s again: everything is being stopped in a hurry", name ? name : "of the kernel");
                engine_shutdown(e, grace < e->opt.stop_timeout ? grace : e->opt.stop_timeout, -1);
        }
}

static void dump_node(struct engine *e, node_id id)
{
        const struct node *node = core_node(e->core, id);
        char path[PATH_MAX_NODE], reason[128];

        if (!node)
                return;
        log_msg(LOG_LEVEL_ERROR, "%s: %s, pid %d, incarnation %u, restarts %u, last %s",
                engine_path(e, id, path, sizeof(path)), strtab_text(&state_names, node->state), (int) node->pid_main,
                node->incarnation, node->restarts, reason_format(&node->last_reason, NULL, reason, sizeof(reason)));
}

static void dump(struct engine *e)
{
        for (node_id id = 0; id < core_node_limit(e->core); id++)
                dump_node(e, id);
}

static void on_units_ready(void *arg)
{
        struct engine *e = arg;

        e->reload_due = false;
        (void) engine_reload(e, false, NULL, NULL, NULL);
}

/* Asked for once more while it waits, one of them is enough: the later one, which sees more. */
static void hang_up(struct engine *e)
{
        e->reload_due = true;
        if (!e->control_path) /* we are just taking over: signals_resume() */
                return;
        engine_ask_ahead_over(e, e);
        if (!engine_ask_ahead(e, NODE_NONE, on_units_ready, e))
                on_units_ready(e);
}

void signals_resume(struct engine *e)
{
        if (e->reload_due && !e->stopping)
                hang_up(e);
}

void signals_give_back(const struct engine *e)
{
        if (e->stop_signal && e->opt.pid > 0 && getppid() == e->opt.pid)
                (void) kill(e->opt.pid, e->stop_signal);
}

void signals_arrived(struct engine *e, const struct init_daemon_signal *s)
{
        const struct stop_signal *by = find_stop(s->sig);

        if (by) {
                (void) engine_end(e, by->end); /* in a container all are the same */
                stop(e, s);
        } else if (s->sig == SIGHUP && !e->stopping) {
                hang_up(e);
        } else if (s->sig == SIGUSR1 && !e->stopping) {
                socket_again(e);
        } else if (s->sig == SIGUSR2) {
                dump(e);
        }
}
