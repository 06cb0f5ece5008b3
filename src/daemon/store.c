/* store.c - descriptors that a service deposits (FDSTORE=1) and gets back at its next start as LISTEN_FDS.
 *
 * The engine hands them out; init keeps a copy of each for the engine after this one, under "fd:PATH:SERIAL:NAME". */
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/engine_priv.h"
#include "daemon/store.h"

enum {
        STORE_MAX = 64,        /* of one service */
        STORED_NAME_MAX = INIT_NAME_MAX - 1 - (int) sizeof("fd:#4294967295:4294967295"),
};

static void drop(struct extra *x, size_t i)
{
        struct stored_fd *s = x->fds[i];

        (void) initlink_unstore(s->e->link, s->init_name);
        if (ev_is_active(&s->watch))
                ev_io_stop(s->e->loop, &s->watch);
        (void) close(s->fd);
        free(s->name);
        free(s->init_name);
        free(s);
        memmove(&x->fds[i], &x->fds[i + 1], (--x->fd_count - i) * sizeof(*x->fds));
}

/* The other side has hung up: such a connection is of no use to the next incarnation (FDPOLL=1). A file never has. */
static bool hung_up(const struct stored_fd *s)
{
        struct pollfd p = { .fd = s->fd, .events = POLLRDHUP };

        return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR | POLLRDHUP));
}

static void on_hangup(struct ev_loop *loop, ev_io *w, int revents)
{
        struct stored_fd *s = container_of(w, struct stored_fd, watch);
        const struct run *run = engine_peek(s->e, s->node);

        if (watch_renewed(loop, w, revents))
                return;
        if (!hung_up(s)) {
                /* Data, or a file: nothing for us to read, and no reason to wake up again before store_sweep(). */
                ev_io_stop(loop, w);
                return;
        }
        for (size_t i = 0; i < run->extra->fd_count; i++)
                if (run->extra->fds[i] == s) {
                        drop(run->extra, i);
                        return;
                }
}

/* Two descriptors of one opening. Its inode says less: both ends of a pipe have the same one, as has whatever the
 * kernel makes without a file (eventfd, timerfd, pidfd). Where kcmp() is forbidden, two openings of one
 * file, directory, pipe or socket in the same mode count as one, and of anything else any two as two. */
static bool same_opening(int a, int b)
{
        long order = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, a, b);
        struct stat sa, sb;

        if (order >= 0)
                return order == 0;
        return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino &&
               (S_ISREG(sa.st_mode) || S_ISDIR(sa.st_mode) || S_ISFIFO(sa.st_mode) || S_ISSOCK(sa.st_mode)) &&
               fcntl(a, F_GETFL) == fcntl(b, F_GETFL);
}

static bool there_already(const struct extra *x, int fd)
{
        for (size_t i = 0; i < x->fd_count; i++)
                if (same_opening(x->fds[i]->fd, fd))
                        return true;
        return false;
}

/* "fd:PATH:SERIAL:NAME", as long as init can keep; else with the number of the node, which only counts together with
 * the journal. Owned; NULL: out of memory, or too long even so. */
static char *name_for_init(struct engine *e, node_id id, const char *name)
{
        char path[PATH_MAX_NODE], *text;

        if (asprintf(&text, "fd:%s:%u:%s", engine_path(e, id, path, sizeof(path)), ++e->store_serial, name) < 0)
                return NULL;
        if (strlen(text) < INIT_NAME_MAX)
                return text;
        free(text);
        if (asprintf(&text, "fd:#%u:%u:%s", (unsigned) id, e->store_serial, name) < 0)
                return NULL;
        return text;
}

static struct stored_fd *stored_new(struct engine *e, node_id id, const char *name, int fd)
{
        struct stored_fd *s = calloc(1, sizeof(*s));

        if (!s)
                return NULL;
        *s = (struct stored_fd) { .e = e, .node = id, .fd = fd, .name = strdup(name) };
        s->init_name = s->name ? name_for_init(e, id, name) : NULL;
        if (!s->init_name) {
                free(s->name);
                free(s);
                return NULL;
        }
        ev_io_init(&s->watch, on_hangup, fd, EV_READ);
        return s;
}

static int keep(struct engine *e, struct extra *x, const char *name, bool poll, int fd)
{
        struct stored_fd *s, **more;

        if (x->fd_count >= STORE_MAX)
                return -ENOSPC;
        if (strlen(name) > STORED_NAME_MAX) /* the next engine could not be told */
                return -ENAMETOOLONG;
        if (there_already(x, fd)) /* systemd's rule: a second deposit of the same changes nothing */
                return -EEXIST;
        more = realloc(x->fds, (x->fd_count + 1) * sizeof(*more));
        if (!more)
                return -ENOMEM;
        x->fds = more;
        s = stored_new(e, x->node, name, fd);
        if (!s)
                return -ENOMEM;
        x->fds[x->fd_count++] = s;
        if (initlink_store(e->link, s->init_name, fd) < 0)
                log_debug("%s: init keeps no copy of it", s->init_name);
        s->poll = poll;
        if (poll)
                ev_io_start(e->loop, &s->watch);
        return 0;
}

void store_sweep(struct extra *x)
{
        for (size_t i = x->fd_count; i-- > 0;)
                if (x->fds[i]->poll && hung_up(x->fds[i]))
                        drop(x, i);
}

void store_take(struct engine *e, node_id id, const char *name, bool poll, int *fds, int count)
{
        struct extra *x = engine_extra(e, id);
        char path[PATH_MAX_NODE];

        for (int i = 0; x && i < count; i++) {
                int r = keep(e, x, name, poll, fds[i]);

                if (r == 0)
                        fds[i] = -1; /* ours now */
                else if (r != -EEXIST)
                        log_warning("%s: keep its descriptor %s: %s", engine_path(e, id, path, sizeof(path)), name,
                                    strerror(-r));
        }
}

void store_remove(struct engine *e, node_id id, const char *name)
{
        const struct run *run = engine_peek(e, id);
        struct extra *x = run ? run->extra : NULL;

        for (size_t i = x ? x->fd_count : 0; i-- > 0;)
                if (strcmp(x->fds[i]->name, name) == 0)
                        drop(x, i);
}

void store_forget(struct engine *e, node_id id)
{
        const struct run *run = engine_peek(e, id);
        struct extra *x = run ? run->extra : NULL;

        if (!x)
                return;
        while (x->fd_count > 0)
                drop(x, x->fd_count - 1);
        free(ptr_steal(x->fds));
}

/* Without the journal numbers of nodes are others. */
static node_id numbered(const struct engine *e, const char *text)
{
        node_id id = (node_id) strtoul(text, NULL, 10);

        return e->journal_end > 0 && core_node(e->core, id) ? id : NODE_NONE;
}

/* "fd:PATH:SERIAL:NAME" or "fd:#NODE:SERIAL:NAME"; a path has no colon, a name neither. Its watch begins again:
 * FDPOLL=0 is not remembered, which costs a wake-up at most. */
bool store_resume(struct engine *e, const char *init_name, int fd)
{
        char path[PATH_MAX_NODE], name[INIT_NAME_MAX];
        struct stored_fd *s, **more;
        struct extra *x;
        unsigned serial;
        node_id id;

        if (sscanf(init_name, "fd:%1023[^:]:%u:%119[^:]", path, &serial, name) != 3)
                return false;
        id = path[0] == '#' ? numbered(e, path + 1) : core_find(e->core, NODE_ROOT, path, NULL);
        x = id == NODE_NONE ? NULL : engine_extra(e, id);
        more = x ? realloc(x->fds, (x->fd_count + 1) * sizeof(*more)) : NULL;
        if (!more)
                return false;
        x->fds = more;
        s = calloc(1, sizeof(*s));
        if (!s)
                return false;
        *s = (struct stored_fd) { .e = e, .node = id, .fd = fd, .name = strdup(name), .init_name = strdup(init_name) };
        ev_io_init(&s->watch, on_hangup, fd, EV_READ);
        if (!s->name || !s->init_name) {
                free(s->name);
                free(s->init_name);
                free(s);
                return false;
        }
        x->fds[x->fd_count++] = s;
        if (e->store_serial < serial)
                e->store_serial = serial;
        ev_io_start(e->loop, &s->watch);
        return true;
}

int store_find(const struct engine *e, node_id id, const char *name)
{
        const struct run *run = engine_peek(e, id);

        for (size_t i = 0; run && run->extra && i < run->extra->fd_count; i++)
                if (strcmp(run->extra->fds[i]->name, name) == 0)
                        return run->extra->fds[i]->fd;
        return -1;
}
