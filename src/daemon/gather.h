/* gather.h - what one start needs to know, looked up and opened before its plan is compiled.
 * Used by: spawn.c.  Uses: parts. */
#ifndef DAEMON_GATHER_H
#define DAEMON_GATHER_H

#include "daemon/limits.h"
#include "daemon/pipe.h"
#include "daemon/sandbox.h"

/* Owned here until the request is sent. Begins as GATHERED_NONE. */
struct gathered {
        struct plan_facts facts;
        char path[PATH_MAX_NODE], mark[33], result_buf[32];
        char group_path[PATH_MAX_NODE + 256];
        struct user user;
        struct sandbox_paths sandbox;
        struct plan_filter filter;
        struct buf env_files, listen_names;
        int fds[INIT_FDS_MAX];
        int fd_count;
        int group_fd, notify_fd, exec_fd; /* owned; -1 */
        int pids_fd;                      /* owned; -1 */
        int join_fds[CTL_COUNT], join_count; /* owned */
        char join_names[80];
        struct pipe_gift gifts[PIPE_GIFTS_MAX]; /* owned: ends of channels */
        struct plan_end ends[PIPE_GIFTS_MAX];
        size_t gift_count;
};
#define GATHERED_NONE ((struct gathered) { .group_fd = -1, .notify_fd = -1, .exec_fd = -1, .pids_fd = -1 })

/* For the start that the action asks for: makes its group, opens what it inherits. 0, or -errno with err filled; what
 * was gathered is to be given up by gathered_done() in either case. */
int gather(struct engine *e, const struct action *a, const struct spec *s, struct gathered *g, struct err *err);
void gathered_done(struct gathered *g);

/* One more descriptor for the child (borrowed): its index in the request; -1 when there are too many. */
int gathered_fd(struct gathered *g, int fd);

#endif
