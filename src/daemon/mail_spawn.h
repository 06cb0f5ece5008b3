/* mail_spawn.h - services that wait for the start of a child they asked for (CALL=spawn), beyond the life of an engine.
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_MAIL_SPAWN_H
#define DAEMON_MAIL_SPAWN_H

#include "daemon/engine.h"

struct unpack;

bool mail_spawn_waits(const struct engine *e, node_id child); /* does somebody wait for that one? */
void mail_spawn_stop(struct engine *e);

/* The journal: write all of them; read ENTRY_SPAWN and ENTRY_SPAWN_TOLD. */
void mail_spawn_save(struct engine *e);
void mail_spawn_read(struct engine *e, struct unpack *u);
void mail_spawn_told(struct engine *e, node_id child);
/* Recovery: the step that is taken again has answered this token; and go on waiting, after transient_adopt(). */
void mail_spawn_answered(struct engine *e, uint32_t token, enum result result);
void mail_spawn_resumed(struct engine *e);

#endif
