/* exit.c - the end: the core has stopped everything; logs are flushed, groups and files removed, init told.
 *
 * As PID 1 the kernel kills the whole namespace when init exits: what is not written by then is lost (FAILURES J6).
 * So the log writer is asked first and waited for, but not for ever: a hung disk must not keep a container alive. */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "daemon/check.h"
#include "daemon/engine_priv.h"
#include "daemon/exit.h"
#include "daemon/left.h"
#include "daemon/logs.h"
#include "daemon/mail.h"
#include "daemon/notify.h"
#include "daemon/pipe.h"
#include "daemon/sandbox.h"
#include "daemon/socket.h"
#include "daemon/touch.h"
#include "daemon/transient.h"
#include "os/machine.h"

#define LOGS_MAX_SEC 2.
#define KILL_MAX_MSEC 1000

static void finish_now(struct engine *e)
{
        if (e->done)
                return;
        e->done = true;
        ev_timer_stop(e->loop, &e->finish_timer);
        ev_break(e->loop, EVBREAK_ALL);
}

static void on_late(struct ev_loop *loop, ev_timer *w, int revents)
{
        struct engine *e = container_of(w, struct engine, finish_timer);

        (void) loop;
        (void) revents;
        log_warning("the log writer does not answer: exiting without it");
        finish_now(e);
}

void exit_finish(struct engine *e, int code)
{
        if (e->finishing)
                return;
        e->finishing = true;
        e->stopping = true;
        if (e->exit_code < 0)
                e->exit_code = code;
        ev_timer_init(&e->finish_timer, on_late, LOGS_MAX_SEC, 0.);
        ev_timer_start(e->loop, &e->finish_timer);
        logs_quit(e, finish_now);
}

void exit_groups(struct engine *e)
{
        int r = e->cgroup ? cgroup_end(e->cgroup, KILL_MAX_MSEC) : 0;

        if (r < 0)
                log_warning("control groups %s are left behind: %s", cgroup_name(e->cgroup),
                            r == -EBUSY ? "processes survive SIGKILL" : strerror(-r));
}

/* What init still tells is of no use any more; but while its words find no room it does not listen. Was there any? */
static bool hear_out(struct engine *e)
{
        struct initlink_msg m;
        bool any = false;
        int r;

        while ((r = initlink_receive(e->link, &m)) > 0 || r == -EPROTO) {
                any = true;
                if (r > 0 && m.fd >= 0)
                        (void) close(m.fd);
        }
        return any;
}

/* Has init not read everything yet? */
static bool unread(const struct engine *e)
{
        int bytes = 0;

        return ioctl(initlink_fd(e->link), SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

/* An end that init does not hear of is a crash to it. It hears what lies in the socket, but where it had to wait for
 * room itself. */
static void say_goodbye(struct engine *e)
{
        bool crowded = false;

        (void) initlink_goodbye(e->link, e->exit_code, e->end);
        for (int i = 0; i < 1000; i++) {
                struct pollfd p = { .fd = initlink_fd(e->link), .events = POLLIN };
                const bool heard = hear_out(e), pending = initlink_pending(e->link);

                crowded |= heard || pending;
                if (!pending && (!crowded || !unread(e)))
                        return;
                if (pending)
                        p.events |= POLLOUT;
                (void) poll(&p, 1, 10);
                if (p.revents & POLLHUP || initlink_flush(e->link) < 0)
                        return;
                if (pending && initlink_pending(e->link)) /* it has room, and the kernel had no memory */
                        (void) poll(NULL, 0, 10);
        }
}

/* After the loop. Nothing here may wait for anybody but init. */
void exit_clean(struct engine *e)
{
        if (e->control)
                control_ending(e->control, e->exit_code);
        control_free(e->control);
        e->control = NULL;
        transient_free(e);
        check_free(e);
        touch_free(e);
        notify_stop(e);
        mail_stop(e);
        pipes_free(e);
        logs_free(e);
        if (!left_end(e, e->init_gone))
                exit_groups(e);
        left_free(e);
        if (!e->init_gone) { /* else the directories are still there, and the next daemon has to find the note */
                private_tmp_end(e);
                sandbox_end(e);
        }
        socket_stop(e);
        if (e->opt.machine)
                machine_release();
        say_goodbye(e);
}
