/* identity.h - as whom an incarnation runs: found out for its first command, and the same for all that follow.
 *
 * So what it runs later - its main program after a long ExecStartPre=, ExecReload=, ExecStop= - asks no name service
 * again, which may be gone by then, and an entry that changes meanwhile does not split it in two (FAILURES A17, E9).
 * Used by: gather.c, check.c, journal, mail_spawn.c, perform.c. */
#ifndef DAEMON_IDENTITY_H
#define DAEMON_IDENTITY_H

#include "daemon/engine_priv.h"

struct identity {
        uint32_t incarnation;
        struct user user;      /* owned */
};

/* Does the unit say anything about it? */
bool identity_said(const struct spec *s);

/* What User= and its kin mean now; may wait for the name service, unless it is held (reach.h). */
int identity_find(struct engine *e, node_id id, const struct spec *s, struct user *ret, struct err *err);

/* Of that incarnation; NULL when it has run nothing yet, or the unit says nothing. */
const struct user *identity_of(const struct engine *e, node_id id, uint32_t incarnation);

/* Takes what is in *u; written down. Without memory it is not kept. */
void identity_keep(struct engine *e, node_id id, uint32_t incarnation, struct user *u);

/* What follows ENTRY_USER and the node. */
void identity_save(const struct identity *i, struct buf *out);
void identity_load(struct engine *e, node_id id, struct unpack *u);

/* The incarnation is over. */
void identity_forget(struct extra *x);

#endif
