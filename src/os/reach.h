/* reach.h - questions whose answer may never come, asked by a helper process: so the engine waits for a while and no longer
 * (FAILURES A17).
 *
 * Does the file system of a path answer? Asked before the engine touches a path that a unit names (Condition*=,
 * EnvironmentFile=, the directories of units): on a server that is gone the question itself would hang. Where only file
 * systems of this machine are mounted the answer is yes, and costs a look at /proc/self/mountinfo.
 *
 * What does the name service know of a user or group (nss.h)? Its modules may ask servers.
 *
 * The helper is this program itself, started as `... --reach` with a socket as descriptor 3. If it does not answer in time
 * it is killed, and what did not answer counts as gone for a while.
 *
 * May be used by: daemon, tests.  May use: base. */
#ifndef OS_REACH_H
#define OS_REACH_H

#include <stddef.h>
#include <sys/types.h>

#define REACH_ARGUMENT "--reach"
enum { REACH_MS = 1000, REACH_NAMES_MS = 2000, REACH_GONE_SEC = 10 };

/* What a message to the helper begins with. */
enum reach_kind { REACH_PATH = 'p', REACH_NAMES = 'n' };
enum { REACH_QUESTION_MAX = 4096, REACH_ANSWER_MAX = 128 << 10 };

struct reach;

/* `program`: what to start for the helper; borrowed. NULL when memory is short. */
struct reach *reach_new(const char *program);
void reach_free(struct reach *r);

/* 0: go ahead; -ETIMEDOUT: it does not answer. Without a helper (no /proc, no processes left) always 0. */
int reach_ask(struct reach *r, const char *path);

/* A question of nss.c: n bytes, of which the first is REACH_NAMES. The length of the answer, at most REACH_ANSWER_MAX;
 * -ETIMEDOUT; -errno when there can be no helper. */
ssize_t reach_names(struct reach *r, const char *question, size_t n, char *answer);

/* Let the helper go until it is needed again. Is there one? */
int reach_helped(const struct reach *r);
void reach_rest(struct reach *r);

/* The helper's main(). */
int reach_main(void);

#endif
