/* control.c - the door of the control server: who may come in, and how many.
 *
 * Limits (FAILURES G1, G9, G14): 60 connections of which 16 of one user; the daemon's own user and root have 4 more
 * places (unless it is a process of a service) on which a newcomer takes the seat of whoever sits there idle, so that
 * an administrator always gets in. Who waits for a transient service of his is not counted: those have a limit of their
 * own. For when the daemon has no descriptors left some are kept back for them as well (G9). */
#include "daemon/control.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "daemon/control_priv.h"
#include "daemon/options.h"

void control_sweep(struct control *s)
{
        struct conn *k;

        while ((k = s->dead)) {
                s->dead = k->next;
                conn_free(k);
        }
}

static bool in_group(int fd, gid_t gid, gid_t wanted)
{
        gid_t groups[256];
        socklen_t size = sizeof groups;

        if (gid == wanted)
                return true;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
                return false;
        for (size_t i = 0; i < size / sizeof groups[0]; i++)
                if (groups[i] == wanted)
                        return true;
        return false;
}

/* The administrator's place for a newcomer: a free one, or that of the one who has sat there idle the longest. */
static bool make_place(struct control *s)
{
        struct conn *oldest = NULL;

        if (s->reserved < CONN_RESERVED)
                return true;
        for (struct conn *k = s->conns; k; k = k->next) /* newest first: the last match is the oldest */
                if (k->reserved && !k->busy)
                        oldest = k;
        if (oldest)
                conn_close(oldest);
        return oldest != NULL;
}

static void send_away(int fd, const char *text, int n)
{
        (void) send(fd, text, (size_t) n + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void) close(fd);
}

static void refuse(int fd, unsigned limit)
{
        char text[160];
        int n = snprintf(text, sizeof text,
                         "{\"error\":\"" MANAGER_INTERFACE ".TooManyConnections\",\"parameters\":{\"limit\":%u}}",
                         limit);

        send_away(fd, text, n);
}

/* Somebody from another user namespace: nobody we could name (FAILURES G14). */
static void refuse_nobody(int fd, uid_t uid)
{
        char text[160];
        int n = snprintf(text, sizeof text, "{\"error\":\"" MANAGER_INTERFACE ".NotPermitted\",\"parameters\":"
                         "{\"method\":\"any\",\"uid\":%u}}", uid);

        send_away(fd, text, n);
}

/* Any descriptor will do; this one is there wherever we are. */
void control_spare(struct control *s)
{
        for (int i = 0; i < CONN_SPARE && s->on_spare == 0; i++)
                if (s->spare[i] < 0)
                        s->spare[i] = fcntl(s->listen_fd, F_DUPFD_CLOEXEC, 3);
}

/* He for whom they were given up may stay for long; the shortage may be over before. Then newcomers have nothing to do
 * with it any more. */
static void control_spare_again(struct control *s)
{
        int got[2 * CONN_SPARE], n = 0;
        bool over;

        while (n < 2 * CONN_SPARE && (got[n] = fcntl(s->listen_fd, F_DUPFD_CLOEXEC, 3)) >= 0)
                n++;
        over = n == 2 * CONN_SPARE;
        while (n > 0)
                (void) close(got[--n]);
        if (!over)
                return;
        for (struct conn *k = s->conns; k; k = k->next)
                k->on_spare = false;
        s->on_spare = 0;
}

static bool short_of_descriptors(const struct control *s)
{
        return s->spare[CONN_SPARE - 1] < 0;
}

static void refuse_short(int fd)
{
        static const char text[] = "{\"error\":\"" MANAGER_INTERFACE ".Failed\",\"parameters\":{\"message\":"
                                   "\"the daemon has no descriptors left\",\"hint\":\"its own user and root are still "
                                   "answered\"}}";

        send_away(fd, text, sizeof text - 1);
}

static void admit(struct control *s, int fd)
{
        struct ucred peer;
        socklen_t size = sizeof peer;
        unsigned same = 0;
        bool admin, full;
        struct peer whose;
        struct conn *k;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
                (void) close(fd);
                return;
        }
        if (peer.uid == s->overflow_uid && peer.uid != s->own_uid) {
                refuse_nobody(fd, peer.uid);
                return;
        }
        for (k = s->conns; k; k = k->next)
                same += k->uid == peer.uid && !k->reserved && !k->apart;
        engine_peer(s->engine, fd, &whose);
        admin = peer.uid == 0 || peer.uid == s->own_uid;
        if (short_of_descriptors(s) && !(admin && whose.kind == PEER_OUTSIDE)) {
                refuse_short(fd);
                return;
        }
        full = same >= CONN_PER_UID || s->count - s->reserved >= CONN_MAX;
        if (full && !(admin && whose.kind == PEER_OUTSIDE && make_place(s))) {
                refuse(fd, same >= CONN_PER_UID ? CONN_PER_UID : CONN_MAX);
                return;
        }
        k = conn_new(s, fd, peer.uid, admin || (s->group != (gid_t) -1 && in_group(fd, peer.gid, s->group)), &whose);
        if (!k) {
                (void) close(fd);
                return;
        }
        k->on_spare = short_of_descriptors(s);
        s->on_spare += k->on_spare;
        k->reserved = full;
        s->reserved += full;
}

/* No descriptor for a newcomer: those kept back are given up to take him. An administrator stays, with the others of
 * them for what his requests need; whoever else comes meanwhile is sent away. Else the loop would spin on a connection
 * that cannot be accepted (G9). */
static void on_shortage(struct control *s)
{
        bool accepted;
        int fd;

        for (int i = 0; i < CONN_SPARE; i++)
                fd_close(&s->spare[i]);
        fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        accepted = fd >= 0;
        if (accepted)
                admit(s, fd);
        else if (errno == EAGAIN)
                accepted = true; /* he has gone */
        control_spare(s);
        if (accepted)
                return;
        ev_io_stop(engine_loop(s->engine), &s->accept);
        ev_timer_set(&s->accept_again, 1., 0.);
        ev_timer_start(engine_loop(s->engine), &s->accept_again);
}

static void on_accept(struct ev_loop *loop, ev_io *w, int revents)
{
        struct control *s = container_of(w, struct control, accept);
        int fd;

        if (watch_renewed(loop, w, revents))
                return;
        control_sweep(s);
        if (s->on_spare > 0)
                control_spare_again(s);
        control_spare(s);
        for (int i = 0; i < 16; i++) {
                fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
                if (fd >= 0) {
                        admit(s, fd);
                        continue;
                }
                if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                        on_shortage(s);
                return;
        }
}

static void on_accept_again(struct ev_loop *loop, ev_timer *w, int revents)
{
        struct control *s = container_of(w, struct control, accept_again);

        (void) revents;
        ev_io_start(loop, &s->accept);
}

static uid_t overflow_uid(void)
{
        unsigned uid = 65534;
        autofclose FILE *f = fopen("/proc/sys/kernel/overflowuid", "re");

        if (f && fscanf(f, "%u", &uid) != 1)
                uid = 65534;
        return uid;
}

int control_new(struct engine *e, int listen_fd, struct control **ret, struct err *err)
{
        struct control *s = calloc(1, sizeof *s);

        if (!s) {
                (void) close(listen_fd);
                return err_set(err, STAGE_NONE, ENOMEM, "serve the control socket: out of memory");
        }
        s->engine = e;
        s->listen_fd = listen_fd;
        for (int i = 0; i < CONN_SPARE; i++)
                s->spare[i] = -1;
        control_spare(s);
        s->group = engine_options(e)->control_group;
        s->own_uid = geteuid();
        s->overflow_uid = overflow_uid();
        ev_io_init(&s->accept, on_accept, listen_fd, EV_READ);
        ev_timer_init(&s->accept_again, on_accept_again, 1., 0.);
        ev_io_start(engine_loop(e), &s->accept);
        *ret = s;
        return 0;
}

void control_free(struct control *s)
{
        if (!s)
                return;
        while (s->conns)
                conn_close(s->conns);
        control_sweep(s);
        ev_io_stop(engine_loop(s->engine), &s->accept);
        ev_timer_stop(engine_loop(s->engine), &s->accept_again);
        fd_close(&s->listen_fd);
        for (int i = 0; i < CONN_SPARE; i++)
                fd_close(&s->spare[i]);
        free(s);
}

void control_published(struct control *s, uint64_t first, uint64_t last)
{
        struct conn *next;

        if (!s)
                return;
        control_sweep(s);
        for (struct conn *k = s->conns; k; k = next) {
                next = k->next;
                if (k->busy && k->call.ops && k->call.ops->published)
                        k->call.ops->published(&k->call, first, last);
        }
}

void control_ending(struct control *s, int code)
{
        struct conn *next;

        if (!s)
                return;
        for (struct conn *k = s->conns; k; k = next) {
                next = k->next;
                if (k->busy && k->call.ops && k->call.ops->ending)
                        k->call.ops->ending(&k->call, code);
                else if (k->busy && (k->call.ahead || k->call.begins))
                        call_fail(&k->call, "ShuttingDown", NULL, NULL, NULL, NULL);
        }
}
