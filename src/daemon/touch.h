/* touch.h - does the file system of a path answer? A path whose file system hangs must not be touched by the engine,
 * which would hang with it (FAILURES A17). A helper process touches it first (os/reach.h).
 * May be used by: the files of daemon/ except the control server. */
#ifndef DAEMON_TOUCH_H
#define DAEMON_TOUCH_H

#include "daemon/engine.h"

struct reach;

bool touch_answers(struct engine *e, const char *path);

/* The same for all paths of a unit's conditions and assertions. False: *ret_directive and *ret_item say
 * which one does not answer. */
bool touch_conditions(struct engine *e, const struct spec *s, enum directive *ret_directive, size_t *ret_item);

/* The same for the directories of units: 0, or -ETIMEDOUT with err filled. */
int touch_units(struct engine *e, struct err *err);

/* The helper itself, for questions of other kinds (names of users); NULL when memory is short. After having used it
 * call touched(): the helper ends when it has not been asked for a while. */
struct reach *touch_reach(struct engine *e);
void touched(struct engine *e);

void touch_free(struct engine *e);

#endif
