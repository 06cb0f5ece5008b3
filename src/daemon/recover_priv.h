/* recover_priv.h - what recover.c and recover_entries.c share.
 * May be used by: those two.  May use: recover.h. */
#ifndef DAEMON_RECOVER_PRIV_H
#define DAEMON_RECOVER_PRIV_H

#include "daemon/recover.h"

struct reader {
        struct engine *e;
        struct unpack u;
        struct pack_map *core_map, *engine_map;
        struct actions last;      /* of the last step; borrowed from the core */
        bool stepped;             /* nothing in the journal says yet that all of them were performed */
        uint64_t done;            /* how many of them it says that of */
        uint64_t steps;
        struct err lack;          /* what keeps us from going on now, and may be there for the next
                                   * engine; code 0: nothing */
};

/* All of r->u, until an entry makes no sense (r->u.bad) or could not be kept (errno is ENOMEM, or r->lack says it). */
void recover_entries(struct reader *r);

#endif
