/* shortage.h - which failures of a system call say "not now" and not "never".
 * May be used by: everything.  May use: libc only. */
#ifndef BASE_SHORTAGE_H
#define BASE_SHORTAGE_H

#include <errno.h>
#include <stdbool.h>

/* Of a call on a socket or pipe that is as it was: the same call may do a moment later. Whoever takes these for the end
 * of the other side gives up somebody who is well (FAILURES I2). ETOOMANYREFS: as many descriptors are under way as one
 * may have; the other side will take some soon. */
static inline bool error_passes(int error)
{
        return error == EAGAIN || error == EINTR || error == ENOMEM || error == ENOBUFS || error == ETOOMANYREFS;
}

/* Of a call that would have told us something: it could not be had now, which says nothing about what there is. Whoever
 * takes that for "there is none" lives by it from then on. */
static inline bool error_lacks(int error)
{
        return error == EMFILE || error == ENFILE || error == ENOMEM || error == EIO;
}

/* Of a look at a process below /proc: only these say that there is none, or none for us (hidepid=2 says so of other
 * users'). Any other, EACCES among them, says that it cannot be told now: a program that nobody may read is being run,
 * a policy forbids it, something is short. */
static inline bool error_means_gone(int error)
{
        return error == ENOENT || error == ESRCH;
}

#endif
