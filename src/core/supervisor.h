/* supervisor.h - a supervisor and its children: what it hears of them, what it decides, what it does in several steps,
 * and what a person asks of either. It drives its children by node_*() and never calls the insides of a service.
 * May be used by: the files of the core that decide.  May use: core_state.h. */
#ifndef CORE_SUPERVISOR_H
#define CORE_SUPERVISOR_H

#include "core/core_state.h"

/* --- child.c --- between a supervisor and one child, whatever its kind: down go orders, up come reports, which wake
 * the supervisor */
void node_start(struct core *c, struct node *n, uint64_t cause);
void node_stop(struct core *c, struct node *n, uint64_t cause); /* as asked by its supervisor */
void child_started(struct core *c, struct node *n);
void child_ended(struct core *c, struct node *n);  /* the incarnation is over, n->last_reason says why */
void child_stuck(struct core *c, struct node *n);  /* its processes survive SIGKILL: nobody waits for them */
void child_set(struct core *c, struct node *n, enum child_status status);
void child_start_failed(struct core *c, struct node *s, struct node *n); /* a child on its own gets its next attempt */
void child_tick(struct core *c, struct node *n);   /* its backoff is over */
void child_cancel(struct core *c, struct node *s, struct node *n); /* not running, whatever was planned for it */
void child_retry_later(struct core *c, struct node *s, struct node *n); /* its start failed within a job */
uint32_t stem_hash(const char *stem);

/* --- super.c --- a supervisor's own start and end */
void super_start(struct core *c, struct node *s, uint64_t cause);
void super_stand(struct core *c, struct node *s, uint64_t cause); /* up with no child started */
void super_checked(struct core *c, struct node *s, const struct event *e); /* EVT_CHECKED */
void super_stop(struct core *c, struct node *s, uint64_t cause);  /* asked to end; interrupts whatever it is doing */
/* Stop all children, last first, then end with r. `gave_up`: over its intensity. */
void super_end(struct core *c, struct node *s, struct reason r, bool gave_up, uint64_t cause);
void super_ended(struct core *c, struct node *s, struct reason r); /* no child is left: tell the one above */
/* Its start failed because of one child: stop those that are up, then end with that child's reason. */
void super_fail_start(struct core *c, struct node *s, struct node *because, uint64_t cause);
void super_run(struct core *c, struct node *s);    /* from core_pump(): go on as far as possible */
void super_oom(struct core *c, struct node *n, const struct event *e); /* OOMPolicy= of those above n */

/* --- supervisor.c --- what it decides about its children */
bool super_parallel(const struct node *s);         /* does it start and stop its children all at once? */
bool super_isolates(const struct node *s);         /* Escalation=isolate: has each child a window of its own? */
/* Start one child alone. `retry`: when that fails there is another attempt. */
void child_attempt(struct core *c, struct node *s, struct node *n, bool retry, uint64_t cause);
bool child_temporary(const struct node *n);        /* Restart=temporary: it never comes back, its spec is dropped */
void child_stays_down(struct core *c, struct node *s, struct node *n, enum rule rule); /* it is not restarted */
struct node *child_by_hash(const struct core *c, const struct node *s, uint32_t hash); /* not GONE; or NULL */
void message_run(struct core *c, struct node *s, const struct msg *m); /* the next one of its queue */

/* --- job.c --- */
/* Begin with the child `cursor`; whatever job there was is replaced. */
void job_begin(struct core *c, struct node *s, enum job job, node_id cursor, uint64_t cause);
bool job_step(struct core *c, struct node *s);     /* true: something moved; false: waits, or no job */
void job_over(struct core *c, struct node *s);     /* done, or given up */
node_id first_live(const struct core *c, node_id id);     /* this one or the next that is not GONE */
node_id last_live(const struct core *c, node_id id);

/* --- request.c --- what a person asks for: takes effect at once */
void request_event(struct core *c, const struct event *e);   /* EVT_START ... EVT_SHUTDOWN; strict ones go to call.c */
enum result start_now(struct core *c, struct node *n, uint64_t cause); /* OK: it is up, or on its way; else why not */
void try_start(struct core *c, struct node *s, struct node *n, uint64_t cause); /* ... its turn in the queue has come */
void request_stop(struct core *c, struct node *n, uint64_t cause); /* as if a person had asked for it */

/* --- call.c --- OTP's calls (REQ_STRICT): they queue behind what the supervisor has to do */
bool child_is_pid(const struct node *n);                     /* would OTP's which_children show a pid? */
/* Another child of that name which is not GONE; NULL. */
struct node *child_namesake(const struct core *c, const struct node *s, const struct node *n);
void call_queue(struct core *c, struct node *n, const struct event *e, uint64_t cause);
void request_run(struct core *c, struct node *super, const struct msg *m); /* its turn has come */

#endif
