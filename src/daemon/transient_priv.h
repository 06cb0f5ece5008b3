/* transient_priv.h - what the two files about transient services share: transient.c (their list, their end) and
 * transient_begin.c (how one is made). */
#ifndef DAEMON_TRANSIENT_PRIV_H
#define DAEMON_TRANSIENT_PRIV_H

#include "daemon/engine_priv.h"

struct transient {
        uint64_t serial;
        node_id node;
        uint32_t token;               /* of the start, 0 = it has been answered; ADOPTED: nobody knows */
        char *path;                   /* owned */
        struct death death;           /* owned; once its node is gone (NODE_NONE) */
        const struct transient_ops *ops; /* NULL: nobody listens */
        void *arg;
};

struct transients {
        struct transient *list;       /* owned */
        size_t count, cap;
        struct transient_end ends[TRANSIENT_ENDS]; /* a ring; serial 0 = empty */
        size_t next_end;
        uint64_t serial;
        unsigned names;
};

int transient_room(struct engine *e, struct err *err); /* for one more in the list, which is made when there is none */
void transient_keep_given(struct extra *x, int i);
/* Its start has been answered. */
void transient_started(void *arg, uint32_t token, enum result result);

#endif
