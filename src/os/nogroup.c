/* nogroup.c - see nogroup.h. */
#include "os/nogroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/shortage.h"
#include "os/fs.h"
#include "os/kernel.h"

struct process {
        pid_t pid, parent, group, session;
        unsigned long long start;
        bool zombie, member;
};

struct table {
        struct process *list; /* owned */
        size_t count, room;
};

/* 0; -ENOENT or -ESRCH: there is none; else -errno: it cannot be told. */
static int look_at_process(const char *name, struct process *p)
{
        char path[300], text[1024], state = 0;
        const char *end;
        int parent = 0, group = 0, session = 0, r;
        unsigned long long start = 0;

        (void) snprintf(path, sizeof path, "/proc/%s/stat", name);
        r = fs_read_small(AT_FDCWD, path, text, sizeof text);
        if (r <= 0)
                return r < 0 ? r : -ESRCH;
        end = strrchr(text, ')'); /* the program's name before it may hold anything */
        if (!end || sscanf(end + 1, " %c %d %d %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
                           &state, &parent, &group, &session, &start) != 5)
                return -EIO;
        *p = (struct process) { .pid = (pid_t) strtol(name, NULL, 10), .parent = parent, .group = group,
                                .session = session, .start = start, .zombie = state == 'Z' || state == 'X' };
        return 0;
}

static bool read_process(const char *name, struct process *p)
{
        return look_at_process(name, p) == 0;
}

static int add(struct table *t, const struct process *p)
{
        if (t->count == t->room) {
                size_t room = t->room ? t->room * 2 : 256;
                struct process *more = reallocarray(t->list, room, sizeof *more);

                if (!more)
                        return -ENOMEM;
                t->list = more;
                t->room = room;
        }
        t->list[t->count++] = *p;
        return 0;
}

static int read_table(struct table *t)
{
        DIR *d = opendir("/proc");
        const struct dirent *e;
        struct process p;
        int r = 0;

        if (!d)
                return -errno;
        while (r == 0 && (e = readdir(d)))
                if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && read_process(e->d_name, &p))
                        r = add(t, &p);
        (void) closedir(d);
        return r == 0 && t->count == 0 ? -ENOENT : r;
}

/* The value of a variable in the environment a process was started with, into buf[n]. -ENODATA: it has none, as is
 * also said of a process in the middle of exec. */
static int variable_of(pid_t pid, const char *name, char *buf, size_t n)
{
        char path[40];
        autobuf struct buf text = BUF_INIT;
        size_t len = strlen(name);
        int r;

        (void) snprintf(path, sizeof path, "/proc/%d/environ", pid);
        r = fs_read(path, 1U << 20, &text, NULL);
        if (r < 0)
                return error_means_gone(-r) ? -ESRCH : -EAGAIN;
        if (text.len == 0)
                return -ENODATA;
        for (size_t at = 0; at < text.len; at += strlen(text.data + at) + 1)
                if (strncmp(text.data + at, name, len) == 0 && text.data[at + len] == '=') {
                        (void) snprintf(buf, n, "%s", text.data + at + len + 1);
                        return 0;
                }
        return -ESRCH;
}

static bool marked(pid_t pid, const char *mark)
{
        char value[128];

        return variable_of(pid, "COPPICE_INCARNATION_ID", value, sizeof value) == 0 && strcmp(value, mark) == 0;
}

static bool leads_or_marked(const struct process *p, const struct nogroup_id *id)
{
        if (id->leader > 0 && (p->pid == id->leader || p->session == id->leader || p->group == id->leader))
                return true;
        return marked(p->pid, id->mark);
}

static bool parent_is_member(const struct table *t, const struct process *p)
{
        for (size_t i = 0; i < t->count; i++)
                if (t->list[i].pid == p->parent)
                        return t->list[i].member;
        return false;
}

/* Members, then what members have forked, until nothing is added. The daemon itself never is one. */
static void find_members(struct table *t, const struct nogroup_id *id)
{
        pid_t self = getpid(), init = getppid();
        bool more = true;

        for (size_t i = 0; i < t->count; i++) {
                struct process *p = &t->list[i];

                p->member = p->pid != self && p->pid != init && leads_or_marked(p, id);
        }
        while (more) {
                more = false;
                for (size_t i = 0; i < t->count; i++) {
                        struct process *p = &t->list[i];

                        if (!p->member && p->pid != self && p->pid != init && parent_is_member(t, p))
                                p->member = more = true;
                }
        }
}

int nogroup_pids(const struct nogroup_id *id, pid_t *pids, size_t max)
{
        struct table t = { 0 };
        int n = 0, r = read_table(&t);

        if (r == 0)
                find_members(&t, id);
        for (size_t i = 0; r == 0 && i < t.count; i++)
                if (t.list[i].member && !t.list[i].zombie) {
                        if ((size_t) n < max)
                                pids[n] = t.list[i].pid;
                        n++;
                }
        free(t.list);
        return r < 0 ? r : n;
}

/* Hold it, look again who it is, signal what is held. Without pidfds the gap stays, small. */
static bool signal_held(const struct process *seen, int sig)
{
        autoclose int pidfd = kernel_pidfd_open(seen->pid);
        char name[24];
        struct process p;

        (void) snprintf(name, sizeof name, "%d", seen->pid);
        if (pidfd == -ESRCH || !read_process(name, &p) || p.session != seen->session || p.group != seen->group)
                return false;
        return pidfd >= 0 ? kernel_pidfd_signal(pidfd, sig) == 0 : kill(seen->pid, sig) == 0;
}

int nogroup_signal_one(const struct nogroup_id *id, pid_t pid, int sig)
{
        char name[24];
        struct process p;

        (void) snprintf(name, sizeof name, "%d", pid);
        return read_process(name, &p) && !p.zombie && leads_or_marked(&p, id) && signal_held(&p, sig) ? 0 : -ESRCH;
}

/* No /proc: the process group of the leader, which stays its own as long as one member or its zombie is there. */
static int signal_group(const struct nogroup_id *id, int sig)
{
        if (id->leader <= 1)
                return 0;
        if (kill(-id->leader, sig) < 0)
                return errno == ESRCH ? 0 : -errno;
        return 1;
}

int nogroup_signal(const struct nogroup_id *id, int sig, pid_t except)
{
        struct table t = { 0 };
        int n = 0, r = read_table(&t);

        if (r == 0)
                find_members(&t, id);
        for (size_t i = 0; r == 0 && i < t.count; i++)
                if (t.list[i].member && !t.list[i].zombie && t.list[i].pid != except)
                        n += signal_held(&t.list[i], sig);
        free(t.list);
        return r == -ENOENT ? signal_group(id, sig) : r < 0 ? r : n;
}

int nogroup_populated(const struct nogroup_id *id)
{
        int n = nogroup_pids(id, NULL, 0);

        if (n == -ENOENT)
                n = id->leader > 1 && kill(-id->leader, 0) == 0;
        return n < 0 ? n : n > 0;
}

int nogroup_node_of(pid_t pid, char *buf, size_t n)
{
        char name[24];
        struct process p;
        int r = variable_of(pid, "COPPICE_NODE", buf, n);

        if (r != -ENODATA)
                return r;
        (void) snprintf(name, sizeof name, "%d", pid);
        return read_process(name, &p) && !p.zombie ? -EAGAIN : -ESRCH;
}

int nogroup_birth(pid_t pid, struct nogroup_birth *ret)
{
        char name[24];
        struct process p;
        int r;

        (void) snprintf(name, sizeof name, "%d", pid);
        r = look_at_process(name, &p);
        if (r < 0)
                return r == -ENOENT ? -ESRCH : r;
        *ret = (struct nogroup_birth) { .parent = p.parent, .start = p.start, .zombie = p.zombie };
        return 0;
}
