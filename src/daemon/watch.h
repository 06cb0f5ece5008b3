/* watch.h - a descriptor that the loop has given up. Where the kernel is short of memory for its list of what is waited
 * for, libev stops the watcher and calls it with EV_ERROR and all events at once; nothing of that need have happened.
 * May be used by: the files of daemon/.  May use: libev. */
#ifndef DAEMON_WATCH_H
#define DAEMON_WATCH_H

#include <ev.h>
#include <stdbool.h>

/* First thing in a callback. True: that was all; it is watched again, and comes again when there is something. */
static inline bool watch_renewed(struct ev_loop *loop, struct ev_io *w, int revents)
{
        if (!(revents & EV_ERROR))
                return false;
        ev_io_set(w, w->fd, w->events & (EV_READ | EV_WRITE)); /* without this the loop sees no change, and asks
                                                                * the kernel for none */
        ev_io_start(loop, w);
        return true;
}

#endif
