/* attach.h - the caller's terminal and signals joined to a service that runs elsewhere, for `run`.
 *
 * On a terminal (standard input and output both, and we are in its foreground) the service gets a pseudo terminal of
 * its own as controlling terminal: the caller's is switched to raw, bytes are carried both ways, its size follows,
 * Ctrl-C and its like are the service's own affair. Else the service has the caller's own descriptors, nothing is
 * carried, and signals that reach us are sent on to it. The terminal is set back in every case but SIGKILL.
 * Used by: cmd_run.c.  Uses: ctl.h. */
#ifndef CTL_ATTACH_H
#define CTL_ATTACH_H

#include <termios.h>

#include "ctl/ctl.h"

struct attach {
        int master, slave;        /* owned; -1: no terminal */
        int signals;              /* owned; signalfd */
        struct termios before;    /* of the caller's terminal */
        bool raw;
        bool input_ended, output_ended;
        unsigned escapes;         /* Ctrl-] in a row */
        int64_t escape_ms;
        struct buf to_service;    /* typed, and not yet taken */
};

/* Block the signals that are to be sent on, and make a terminal if the caller sits at one. `terminal`: 1 by all means,
 * 0 by no means, -1 as described. An exit code; said on standard error. */
int attach_open(struct attach *a, int terminal);

/* What SpawnTransient gets: descriptors into fds[3], which of them are 0, 1 and 2 into index[3]. Returns how many. */
size_t attach_fds(const struct attach *a, int fds[3], int index[3]);

/* Carry until the daemon has more to say or `ms` are over (CTL_OK; -1 = no limit), or until the caller has hung up or
 * typed Ctrl-] three times (CTL_FAILED). `on_signal` is called for each signal that is to be sent on. */
int attach_carry(struct attach *a, int daemon_fd, int ms, void (*on_signal)(void *arg, int sig), void *arg);

/* The service has ended: carry what it wrote last. */
void attach_drain(struct attach *a);

/* Set the terminal back. Harmless when there is nothing to set back, or twice. */
void attach_close(struct attach *a);

#endif
