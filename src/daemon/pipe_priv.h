/* pipe_priv.h - inside of the engine: channels of Type=pipe (coppice.channel(5)).
 *
 * The engine makes the pipes, keeps both ends of each, and is in nobody's way: it never reads, writes or watches one.
 * A service gets a copy of its end at its start. Because the ends are kept (init has copies too, for the engine after
 * this one) either side may die and come back, what lies in the pipe is still there, and no writer ever gets SIGPIPE.
 *
 * A pipe ends: once all of its writers are settled (core_settled()) the kept write end is closed, so its readers come
 * to the end of file. When a writer starts again it gets a new pipe. So a line is a queue of pipes, its *runs*: writers
 * have the newest, readers the oldest that still has something to say.
 *
 * Deliver=one is one line. With Deliver=all there is one from the writers to a process of ours, coppice-tee, and one
 * from that to each reader. It is a service like any other, below /transient, whose life is that of the writers' runs.
 *
 *      pipe.c          lines and their runs; what a service gets; when a run ends
 *      pipe_copy.c     the process that copies
 *      pipe_tell.c     what people see
 *      pipe_life.c     channels come and go: units, run time, journal, another engine
 *
 * Used by: pipe*.c, channel_api.c.  The rest of the engine has pipe.h. */
#ifndef DAEMON_PIPE_PRIV_H
#define DAEMON_PIPE_PRIV_H

#include "core/channel_end.h"
#include "daemon/mailroom.h"
#include "daemon/engine_priv.h"

struct unit_set;

struct pipe_run {
        struct pipe_run *next;       /* a newer one */
        uint32_t number;
        int in, out;                 /* owned: read end, write end; out is -1 once it has ended */
        bool used;                   /* a writer has got it */
};

/* One end, as From= or To= names it. */
struct pipe_tap {
        struct channel_end end;
        bool copier;                 /* not that of a unit: the process that copies, by its path */
        node_id node;                /* as found last; NODE_NONE = not found yet */
        struct origin origin;        /* borrowed from the channel's spec */
};

struct pipe_line {
        struct pipe_channel *channel;
        unsigned index;              /* its number in the channel: the same for the same end, whichever
                                      * others there are */
        struct pipe_tap *from, *to;  /* owned */
        size_t from_count, to_count;
        struct pipe_run *runs;       /* oldest first */
        uint32_t last_run;
        int refused;                 /* Capacity= could not be had: errno */
        bool ending;                 /* a writer has ended: are all of them settled? */
};

struct pipe_channel {
        struct pipe_channel *next;
        struct engine *e;
        char *path;                  /* owned: "/shop/media" */
        node_id place;
        struct spec *spec;           /* owned */
        bool from_unit, closed, stays;
        char *copier;                /* owned: "copies:shop:media", the service that copies; NULL for Deliver=one */
        struct pipe_line *lines;     /* owned; the writers' is the first */
        size_t line_count;
};

struct pipes {
        struct pipe_channel *channels; /* owned */
        bool look;                   /* some line is ending */
};

enum { PIPE_RUNS_MAX = 16 };

/* --- pipe.c --- */
node_id pipe_tap_node(const struct pipe_channel *ch, struct pipe_tap *tap);
int pipe_line_add(struct pipe_channel *ch, unsigned index, struct pipe_line **ret);
int pipe_taps_read(const struct spec *s, enum directive d, size_t first, size_t n, struct pipe_tap **ret);
bool pipe_line_unread(const struct pipe_line *l); /* somebody has written, or may, what has not been read to its end */
void pipe_line_done(struct pipe_line *l);        /* closes and forgets everything */
void pipe_line_close(struct pipe_line *l);       /* no more writers: what is in it can still be read */
bool pipe_line_drained(const struct pipe_line *l); /* nothing left to be read */
/* in its order; NULL: no memory */
struct pipe_run *pipe_run_add(struct pipe_line *l, uint32_t number, int in, int out);

/* Is `name` what init's store calls that end ('r' or 'w') of a run? */
bool pipe_store_name_is(const struct pipe_line *l, uint32_t run, char what, const char *name);
void pipe_line_resumed(struct pipe_line *l);     /* what init kept has come back: drop what is incomplete */

/* --- pipe_copy.c --- */
int pipe_copy_lines(struct pipe_channel *ch);    /* the lines of Deliver=all */
node_id pipe_copier(const struct pipe_channel *ch); /* NODE_NONE: it does not run, and need not */
bool pipe_copier_see(struct pipe_channel *ch);   /* start it when there is work. True: look again soon */

/* --- pipe_tell.c --- */
void pipes_tell(struct engine *e, engine_channel_fn *fn, void *arg);

/* --- pipe_life.c --- */
enum mail_result pipe_add(struct engine *e, node_id place, struct spec *s, bool from_unit);
unsigned pipes_made(const struct engine *e, node_id place); /* how many are there that no unit describes? */
/* Can such a channel be made now? `within`: only of services below `place`. -errno and why not. */
int pipe_check(struct engine *e, node_id place, const struct spec *s, bool within, struct err *err);
bool pipe_called(const struct engine *e, node_id place, const struct spec *s); /* there is one of that name */
void pipe_close(struct pipe_channel *ch);
void pipes_sweep(struct engine *e);              /* closed ones that have been emptied */
void pipes_load(struct engine *e, const struct unit_set *set, const node_id *ids);
struct pipe_channel *pipe_find(const struct engine *e, node_id scope, const char *name); /* outward; NULL */

#endif
