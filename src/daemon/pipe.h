/* pipe.h - channels of Type=pipe, as the rest of the engine uses them. What a pipe is, and how it ends, is in
 * pipe_priv.h.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_PIPE_H
#define DAEMON_PIPE_H

#include "daemon/engine.h"

/* The end of a channel that a process starts with. */
struct pipe_gift {
        int fd;                    /* owned by whoever asked; -1 when it was only described */
        int target;                /* its number in the program; -1: it goes by name */
        const char *name;          /* in $LISTEN_FDNAMES */
        const char *channel;       /* its path */
        bool writes;
        struct origin origin;      /* the line of the channel */
};
enum { PIPE_GIFTS_MAX = 32 };      /* of one service */

/* The ends of channels that the main process of a node starts with; `describe`: nothing is made. Names and paths are
 * borrowed until the engine's next turn. 0 with *ret_count entries of list[]; or -errno, err filled, and
 * no descriptor is left open. */
int pipes_give(struct engine *e, node_id id, bool describe, struct pipe_gift *list, size_t max, size_t *ret_count,
               struct err *err);
void pipes_gifts_done(struct pipe_gift *list, size_t n); /* close them */

void pipes_exited(struct engine *e, node_id id);    /* the main process of a node has ended */
void pipes_closed(struct engine *e, node_id id, const struct reason *reason); /* its incarnation is over */
void pipes_node_gone(struct engine *e, node_id id); /* the node: a supervisor of channels, or what
                                                     * stands at their ends */
void pipes_settle(struct engine *e);                /* at the end of a turn: which pipes have ended for good? */
void pipes_free(struct engine *e);

/* The journal: call fn for each channel; read one back (false: damaged, or no memory); one that has gone. */
void pipes_save(struct engine *e, void (*fn)(struct engine *e, node_id place, const struct spec *s, unsigned flags));
bool pipes_restore(struct engine *e, node_id place, struct spec *s, unsigned flags);
void pipes_dropped(struct engine *e, node_id place, const char *unit);
/* Recovery: a descriptor of init's store, by its name there (false: not one of these, fd is
 * untouched); all are here. */
bool pipes_stored(struct engine *e, const char *name, int fd);
void pipes_resumed(struct engine *e);

#endif
