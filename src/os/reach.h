/* reach.h - questions whose answer may never come, asked by a helper process: so the engine waits for a while
 * and no longer (FAILURES A17).
 *
 * Does the file system of a path answer? Asked before the engine touches a path that a unit names (Condition*=,
 * EnvironmentFile=, the directories of units): on a server that is gone the question itself would hang. Where only file
 * systems of this machine are mounted the answer is yes, and costs a look at /proc/self/mountinfo.
 *
 * What does the name service know of a user or group (nss.h)? Its modules may ask servers.
 *
 * The helper is this program itself, started as `... --reach` with a socket as descriptor 3. If it does not answer in
 * time it is killed, and what did not answer counts as gone for a while.
 *
 * May be used by: daemon, tests.  May use: base. */
#ifndef OS_REACH_H
#define OS_REACH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define REACH_ARGUMENT "--reach"
enum { REACH_MS = 3000, REACH_NAMES_MS = 2000, REACH_GONE_SEC = 10, REACH_KEEP_MS = 10000, REACH_KEEP = 32 };

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

/* Without waiting (daemon/check.c). While held, a question that would have to be sent is noted instead, the first of
 * them, and is answered -EINPROGRESS; of the answers kept, those from `since` on (reach_now()) count. reach_wanted() is
 * the question, NULL when there was none since the helper was held last. */
void reach_hold(struct reach *r, int64_t since);
void reach_unhold(struct reach *r);
const char *reach_wanted(const struct reach *r, size_t *ret_len);

/* Milliseconds of the monotonic clock. */
int64_t reach_now(void);

/* Send a question off: the descriptor that tells of the answer, or -errno. Then the answer into
 * answer[REACH_ANSWER_MAX]: its length; -EAGAIN when it is not there yet, else -errno when there will be none. Or give
 * it up: the helper is killed. */
int reach_send(struct reach *r, const char *question, size_t n);
ssize_t reach_take(struct reach *r, char *answer);
void reach_lose(struct reach *r);

/* What another's helper has answered, or negative that it has not: as good as an answer of our own for REACH_KEEP_MS,
 * unless REACH_KEEP others have come since. */
void reach_keep(struct reach *r, const char *question, size_t n, const char *answer, ssize_t len);

/* Let the helper go until it is needed again. Is there one? */
int reach_helped(const struct reach *r);
void reach_rest(struct reach *r);

/* The helper's main(). */
int reach_main(void);

#endif
