/* node_json.h - nodes, records and errors as the control interface shows them (io.coppice.Manager.varlink). */
#ifndef DAEMON_NODE_JSON_H
#define DAEMON_NODE_JSON_H

#include "base/json.h"
#include "daemon/engine.h"

#define NODE_PATH_MAX 1024

/* The path of a node; null for one that is not there. */
void json_node_path(struct json *j, const char *key, const struct engine *e, node_id id);
void json_path(struct json *j, const char *key, const struct core *c, node_id id); /* of one that is there: all of it */

/* type Node */
void json_node(struct json *j, const char *key, const struct engine *e, const struct node *n);

/* type Status */
void json_status(struct json *j, const char *key, struct engine *e, const struct node *n);

/* The limits of a node, an array: what was asked, what the kernel has, what is not enforced and why. */
void json_limits(struct json *j, const char *key, struct engine *e, node_id id);
void json_limit(void *arg, const struct engine_limit *l); /* one of them; arg: the struct json */

/* type Record; core_explain() finds the words */
void json_record(struct json *j, const char *key, const struct engine *e, const struct record *r);

/* type Death; and its "tail" alone: the last lines that were written before that death (d NULL: there was none). */
void json_death(struct json *j, const char *key, const struct engine *e, const struct death *d);
void json_tail(struct json *j, const struct death *d);

/* type Change: one difference that a reload makes. */
void json_change(struct json *j, enum reload_change change, const char *path, enum directive directive,
                 const struct spec *before, const struct spec *after);

/* type Problem */
void json_problem(struct json *j, const char *key, bool fatal, const struct err *err);

/* A moment of the monotonic clock as text in UTC, null for NSEC_NEVER. */
void json_moment(struct json *j, const char *key, const struct engine *e, nsec at);
/* null instead of "" and instead of negative numbers. */
void json_text(struct json *j, const char *key, const char *text);
void json_count(struct json *j, const char *key, int64_t value);

/* The reason in words into buf[n], with the peer's path. Returns buf. */
char *reason_words(const struct core *c, const struct reason *r, char *buf, size_t n);

/* The node behind `id` in a walk of the branch below `top`, parents first, siblings in start order; NODE_NONE at the
 * end. *depth follows (0 for top). */
node_id node_after(const struct core *c, node_id top, node_id id, int *depth);

/* The last call that a filter did not allow, or null. */
void json_denial(struct json *j, const char *key, const struct denial *d);

#endif
