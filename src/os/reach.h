/* reach.h - does the file system of a path answer? Asked before the engine touches a path that a unit names
 * (Condition*=, EnvironmentFile=): on a server that is gone the question itself would hang, and the engine with it
 * (FAILURES A17).
 *
 * Where only file systems of this machine are mounted the answer is yes, and costs a look at /proc/self/mountinfo. Else a
 * helper process looks at the path first: this program itself, started as `... --reach` with a socket as descriptor 3. If it does not answer in REACH_MS it is killed, and
 * the mount counts as gone for a while.
 *
 * May be used by: daemon, tests.  May use: base. */
#ifndef OS_REACH_H
#define OS_REACH_H

#define REACH_ARGUMENT "--reach"
enum { REACH_MS = 1000, REACH_GONE_SEC = 10 };

struct reach;

/* `program`: what to start for the helper; borrowed. NULL when memory is short. */
struct reach *reach_new(const char *program);
void reach_free(struct reach *r);

/* 0: go ahead; -ETIMEDOUT: it does not answer. Without a helper (no /proc, no processes left) always 0. */
int reach_ask(struct reach *r, const char *path);

/* Let the helper go until it is needed again. Is there one? */
int reach_helped(const struct reach *r);
void reach_rest(struct reach *r);

/* The helper's main(). */
int reach_main(void);

#endif
