/* peer.c - whose process is at the other end of a connection? See engine.h.
 *
 * Two questions, and either answer is enough to make it a service's: which control group is it in, and who are its
 * ancestors? A service of the daemon's own user may be able to leave its group (where the user owns the
 * tree); its ancestors it cannot change: init is the subreaper of all of them, so a process whose parent ends
 * becomes init's child, no higher.
 *
 * A process can end and its number be used again between connect() and our question. The descriptor that the kernel
 * keeps with the connection (SO_PEERPIDFD, Linux 6.5) tells whether it is still there after we have looked. */
#include "daemon/engine_priv.h"
#include "daemon/link.h"
#include "daemon/peer.h"
#include "os/nogroup.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

enum { ANCESTORS_MAX = 10000, TRIES = 10 };

/* The node of a path that may go on below a service (groups it made itself). */
static node_id node_at(const struct engine *e, char *path)
{
        for (;;) {
                node_id id = core_find(e->core, NODE_ROOT, path, NULL);
                char *slash = strrchr(path, '/');

                if (id != NODE_NONE || !slash || slash == path)
                        return id;
                *slash = '\0';
        }
}

node_id peer_place(const struct engine *e, pid_t pid, bool *ret_again)
{
        char path[PATH_MAX_NODE + 256];
        int r = cgroup_backend(e->cgroup) != CGROUP_NONE ? cgroup_node_of(e->cgroup, pid, path, sizeof(path))
                                                         : nogroup_node_of(pid, path, sizeof(path));

        if (ret_again)
                *ret_again = r == -EAGAIN;
        return r < 0 ? NODE_NONE : node_at(e, path);
}

static struct peer peer_of_node(const struct engine *e, node_id id, uint32_t incarnation)
{
        const struct node *n = core_node(e->core, id);

        if (!n || n->kind != KIND_SERVICE)
                return (struct peer) { .kind = PEER_STRAY };
        return (struct peer) { .kind = PEER_SERVICE, .node = id, .incarnation = incarnation };
}

/* Is the process one that we know the owner of? Else go on with its parent. */
static bool known(const struct engine *e, pid_t pid, struct peer *ret)
{
        const struct pid_entry *entry = pid_map_get(&e->pids, pid);

        if (entry && entry->kind != PID_LOGD)
                *ret = peer_of_node(e, entry->node, entry->incarnation);
        else if (entry || pid == getpid())
                *ret = (struct peer) { .kind = PEER_OUTSIDE }; /* the daemon itself */
        else if (pid == getppid())
                *ret = (struct peer) { .kind = PEER_STRAY }; /* init has inherited it */
        else if (pid <= 1)
                *ret = (struct peer) { .kind = PEER_OUTSIDE };
        else
                return false;
        return true;
}

void peer_start(struct engine *e)
{
        struct nogroup_birth birth;

        e->init_start = nogroup_birth((pid_t) e->opt.pid, &birth) == 0 ? birth.start : 0;
}

/* Whoever was there before init descends from nobody of ours. */
static bool older_than_init(const struct engine *e, const struct nogroup_birth *birth)
{
        return e->init_start > birth->start;
}

/* One way up. A parent can end while we look, and its number go to somebody else, who is younger than the child then;
 * where the clock is too coarse to tell, the child's own word counts, read again. -EAGAIN: begin anew; -ESRCH, -EACCES,
 * ...: the process does not show its parent. */
static int ask_ancestors(const struct engine *e, pid_t pid, struct peer *ret)
{
        struct nogroup_birth child, again, above;
        int r;

        if (known(e, pid, ret))
                return 0;
        r = nogroup_birth(pid, &child);
        if (r < 0)
                return r;
        for (int i = 0; i < ANCESTORS_MAX; i++) {
                if (older_than_init(e, &child)) {
                        *ret = (struct peer) { .kind = PEER_OUTSIDE };
                        return 0;
                }
                if (known(e, child.parent, ret))
                        return 0;
                if (nogroup_birth(child.parent, &above) < 0 || above.start > child.start)
                        return -EAGAIN;
                if (above.start == child.start && (nogroup_birth(pid, &again) < 0 || again.parent != child.parent))
                        return -EAGAIN;
                pid = child.parent;
                child = above;
        }
        return -EAGAIN;
}

/* Without /proc only what leads a session or a process group can be known again. */
static struct peer ask_session(const struct engine *e, pid_t pid)
{
        struct peer peer;

        if (known(e, pid, &peer) || (getsid(pid) > 1 && known(e, getsid(pid), &peer)) ||
            (getpgid(pid) > 1 && known(e, getpgid(pid), &peer)))
                return peer;
        return (struct peer) { .kind = PEER_OUTSIDE };
}

static struct peer find(const struct engine *e, const struct ucred *cred)
{
        struct peer peer = { .kind = PEER_STRAY };
        int r = -EAGAIN;

        for (int i = 0; i < TRIES && r == -EAGAIN; i++)
                r = ask_ancestors(e, cred->pid, &peer);
        if (r == -ESRCH && !kernel_get()->proc)
                return ask_session(e, cred->pid);
        /* hidepid= of /proc hides other users' processes from a daemon that is not root; its
         * services are none of those. */
        if ((r == -ESRCH || r == -EPERM || r == -EACCES) && geteuid() != 0 && cred->uid != geteuid())
                return (struct peer) { .kind = PEER_OUTSIDE };
        return r < 0 ? (struct peer) { .kind = PEER_STRAY, .unsure = r != -ESRCH } : peer;
}

/* Ancestors come first: whoever may write to the tree of groups could be in any of them. Only an orphan is what its
 * group says it is, and nobody gets out of being a service's by leaving that. */
static struct peer ask_both(struct engine *e, const struct ucred *cred)
{
        struct peer peer = find(e, cred);
        bool again;
        node_id id;

        if (peer.kind == PEER_STRAY) { /* perhaps init's word that it was born has not been read */
                link_drain(e);
                peer = find(e, cred);
        }
        if (peer.kind == PEER_SERVICE || cgroup_backend(e->cgroup) == CGROUP_NONE)
                return peer;
        id = peer_place(e, cred->pid, &again);
        if (id != NODE_NONE && core_node(e->core, id)->kind == KIND_SERVICE)
                return peer_of_node(e, id, engine_run(e, id)->incarnation);
        peer.unsure = peer.unsure || again;
        return peer;
}

static bool has_ended(int pidfd)
{
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        return poll(&p, 1, 0) != 0;
}

/* -1: this kernel has no such thing; -errno: the process is not there any more. */
static int peer_pidfd(int fd)
{
        socklen_t size = sizeof(int);
        int pidfd = -1;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0)
                return pidfd;
        return errno == ENOPROTOOPT ? -1 : -errno;
}

void engine_peer(struct engine *e, int fd, struct peer *ret)
{
        autoclose int pidfd = -1;
        struct ucred cred;
        socklen_t size = sizeof(cred);

        *ret = (struct peer) { .kind = PEER_STRAY };
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
                return;
        if (cred.pid == 0) { /* a process namespace around ours: no service gets there */
                ret->kind = PEER_OUTSIDE;
                return;
        }
        pidfd = peer_pidfd(fd);
        if (pidfd >= -1)
                *ret = ask_both(e, &cred);
        if (pidfd >= 0 && has_ended(pidfd))
                *ret = (struct peer) { .kind = PEER_STRAY };
        ret->held = pidfd >= 0;
}

bool engine_peer_lives(const struct engine *e, const struct peer *p)
{
        const struct run *run = engine_peek(e, p->node);

        return run && run->incarnation == p->incarnation && core_node(e->core, p->node);
}
