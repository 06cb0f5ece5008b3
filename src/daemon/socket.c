/* socket.c - the runtime directory: its lock, the control socket.
 *
 * Where the directory cannot be made (a read-only root and no /run), the daemon runs all the same and looks again
 * from time to time (FAILURES J11); then, and only then, there is a timer in an idle engine. */
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "daemon/engine_priv.h"
#include "daemon/notify.h"
#include "daemon/socket.h"
#include "os/fs.h"

#define RETRY_SEC 5.

/* --control-group=: its members reach the socket, and nothing else in the directory. */
static int open_to_group(struct engine *e, struct err *err)
{
        gid_t group = e->opt.control_group;

        if (group == (gid_t) -1)
                return 0;
        if (chown(e->opt.runtime_dir, (uid_t) -1, group) < 0 || chmod(e->opt.runtime_dir, 0710) < 0)
                return err_sys(err, STAGE_NONE, "open %s to group %u", e->opt.runtime_dir, group);
        if (chown(e->control_path, (uid_t) -1, group) < 0 || chmod(e->control_path, 0660) < 0)
                return err_sys(err, STAGE_NONE, "open %s to group %u", e->control_path, group);
        return 0;
}

static int bind_socket(struct engine *e, int *ret_fd, struct err *err)
{
        struct sockaddr_un addr = { .sun_family = AF_UNIX };
        autoclose int fd = -1;
        mode_t mask;
        int r;

        if (strlen(e->control_path) >= sizeof(addr.sun_path))
                return err_set(err, STAGE_NONE, ENAMETOOLONG, "bind %s: a socket's path has at most %zu bytes",
                               e->control_path, sizeof(addr.sun_path) - 1);
        memcpy(addr.sun_path, e->control_path, strlen(e->control_path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return err_sys(err, STAGE_NONE, "make a socket");
        (void) unlink(e->control_path); /* we hold the lock: whatever lies there is stale */
        mask = umask(0177);
        r = bind(fd, (const struct sockaddr *) &addr, sizeof(addr));
        if (r < 0)
                (void) err_sys(err, STAGE_NONE, "bind %s", e->control_path);
        (void) umask(mask);
        if (r < 0)
                return -err->code;
        r = open_to_group(e, err);
        if (r < 0)
                return r;
        if (listen(fd, 128) < 0)
                return err_sys(err, STAGE_NONE, "listen on %s", e->control_path);
        (void) initlink_store(e->link, "control", fd);
        *ret_fd = fd_steal(&fd);
        return 0;
}

/* init holds it as well: it is ours as long as the daemon lives, whichever engine is there. */
static int take_lock(struct engine *e, struct err *err)
{
        int r = e->lock_fd >= 0 ? 0 : fs_lock_dir(e->opt.runtime_dir, 0700, &e->lock_fd, err);

        if (r == 0)
                (void) initlink_store(e->link, "lock", e->lock_fd);
        return r;
}

static int open_control(struct engine *e, struct err *err)
{
        int fd = fd_steal(&e->kept_control), r = fd >= 0 ? 0 : take_lock(e, err);

        if (r == 0 && fd < 0)
                r = bind_socket(e, &fd, err);
        return r < 0 ? r : control_new(e, fd, &e->control, err);
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int revents)
{
        struct engine *e = container_of(w, struct engine, socket_timer);
        struct err err = { 0 };

        (void) revents;
        if (open_control(e, &err) < 0)
                return;
        ev_timer_stop(loop, w);
        log_notice("the control socket %s is there now", e->control_path);
        if (!e->notify_path)
                notify_start(e);
}

int socket_lock(struct engine *e, struct err *err)
{
        int r;

        r = take_lock(e, err);
        return r == -EWOULDBLOCK ? r : 0; /* the rest shows again when the socket is to be made */
}

int socket_start(struct engine *e)
{
        struct err err = { 0 };
        int r;

        ev_timer_init(&e->socket_timer, on_retry, RETRY_SEC, RETRY_SEC);
        if (asprintf(&e->control_path, "%s/control", e->opt.runtime_dir) < 0)
                return -ENOMEM;
        if (e->socket_due)
                fd_close(&e->kept_control);
        r = open_control(e, &err);
        if (r == 0)
                return 0;
        err_hint(&err, "running without a control socket until it can be made; see --runtime-dir=");
        log_err(LOG_LEVEL_WARNING, &err);
        ev_timer_start(e->loop, &e->socket_timer);
        return 0;
}

void socket_again(struct engine *e)
{
        struct err err = { 0 };

        if (!e->control_path) { /* said to the engine before us: this one is about to open it */
                e->socket_due = true;
                return;
        }
        control_free(e->control);
        e->control = NULL;
        if (open_control(e, &err) < 0) {
                log_err(LOG_LEVEL_WARNING, &err);
                ev_timer_start(e->loop, &e->socket_timer);
        }
}

void socket_stop(struct engine *e)
{
        if (e->lock_fd < 0)
                return;
        if (e->control_path)
                (void) unlink(e->control_path);
        fs_unlock_dir(e->opt.runtime_dir, &e->lock_fd);
}
