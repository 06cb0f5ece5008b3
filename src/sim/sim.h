/* sim.h - a pretend world for the decision core, on a virtual clock.
 *
 * The core cannot tell it from the real thing: its actions are answered with the events a kernel, init and the
 * services would cause, only that nothing runs and no time passes. So `coppicectl simulate` shows what a tree will
 * do before it is deployed, and the tests throw millions of mishaps at it.
 *
 * A pretend process runs until something ends it. How it behaves is a matter of its node's habits, below; without
 * any, a service starts at once, gets ready a little later, obeys signals, and a command ends well.
 * With config.shuffle latencies vary and things that are due at one instant come in any order, drawn from the seed;
 * equal seeds give equal histories.
 *
 * May be used by: ctl, tests.  May use: core, base. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "core/core.h"

struct sim; /* one world around one core */

struct sim_config {
        uint64_t seed;
        bool shuffle;
        nsec spawn;      /* from ACT_SPAWN to the process */
        nsec ready;      /* from the process to READY=1, for Type=notify */
        nsec death;      /* from a signal to the end it brings */
        nsec command;    /* how long a command that ends by itself runs */
};
extern const struct sim_config sim_config_default; /* 1 ms, 20 ms, 5 ms, 10 ms; no shuffling */

/* How the processes of a node behave from now on. Plain data: read and write it freely. */
struct sim_habits {
        uint32_t fail_starts;        /* so many starts fail from now on */
        uint8_t fail_stage;          /* enum stage at which they do ... */
        int32_t fail_errno;
        uint16_t fail_command;       /* ... or the Exec*= directive whose command exits 1; D_NONE: the stage */
        uint8_t verdict;             /* enum verdict of its conditions */
        bool hang;                   /* the start never finishes: no READY=1, commands of the start do not end */
        bool hang_stop;              /* commands of the stop do not end */
        bool ignore_term;            /* only SIGKILL (and a crash of its own) ends a process */
        bool leave;                  /* the main process has a helper that outlives it, deaf as long as that lives */
        bool stuck;                  /* processes survive SIGKILL, as in uninterruptible sleep */
        bool silent;                 /* no more watchdog pings */
        nsec ready;                  /* instead of config.ready; NSEC_NEVER: as configured */
        nsec run_for;                /* the main process ends by itself after this time; NSEC_NEVER: it does not */
        struct reason run_reason;    /* ... for this reason */
};

struct sim_process {
        int32_t pid;
        node_id node;
        uint32_t incarnation;
        uint8_t role;                /* enum role; ROLE_ALL: neither main nor control */
        uint16_t directive;          /* the command it runs */
        bool ignore_term;
        bool zombie;                 /* has ended; the core has not been told yet */
        bool stopped;                /* by SIGSTOP */
        bool doomed;                 /* SIGKILL has been sent */
};

/* One life as the world sees it: from ACT_OPEN to ACT_CLOSE. */
struct sim_life {
        node_id node;
        uint32_t incarnation;
        uint32_t pending;            /* starts of processes on their way */
        bool watched;                /* EVT_EMPTY is wanted */
};

/* Who wants to see everything. Functions may be NULL. */
struct sim_observer {
        void (*stepping)(void *arg, struct sim *s, const struct event *e);  /* before the step */
        void (*tamper)(void *arg, struct sim *s, struct actions *a);        /* a mistake on purpose: tests of tests */
        void (*stepped)(void *arg, struct sim *s, const struct event *e, const struct actions *a); /* ... and after,
                                        * before the world acts on it */
        void (*recorded)(void *arg, struct sim *s, const struct record *r);
        void (*answered)(void *arg, struct sim *s, uint32_t token, enum result result);
        void *arg;
};

/* The core is borrowed. NULL when memory is short; running out of it later ends the program (this is a tool). */
struct sim *sim_new(struct core *core, const struct sim_config *config, const struct sim_observer *observer);
void sim_free(struct sim *s);

struct core *sim_core(const struct sim *s);             /* borrowed */
nsec sim_now(const struct sim *s);                      /* its clock */
bool sim_over(const struct sim *s, int *ret_code);      /* the daemon has exited, with this code */
uint64_t sim_steps(const struct sim *s);                /* steps of the core so far */
struct sim_habits *sim_habits(struct sim *s, node_id id); /* valid until the next call for another node */

/* Start the whole tree, now. */
void sim_boot(struct sim *s);

/* Let time pass: everything that is due until t, t included, happens. */
void sim_run_until(struct sim *s, nsec t);

/* Until nothing is due any more but pings of watchdogs and what the limits of time bring (NSEC_NEVER deadlines
 * aside), at most until t. False: t came first. */
bool sim_settle(struct sim *s, nsec t);

/* --- mishaps; all happen now. False: there is no such process --- */
bool sim_signal(struct sim *s, node_id id, int sig);                /* somebody else signals the main process */
bool sim_exit(struct sim *s, node_id id, const struct reason *why); /* it ends by itself */
void sim_exit_many(struct sim *s, const node_id *ids, size_t n, const struct reason *why); /* at one instant */
bool sim_ready(struct sim *s, node_id id);                          /* it says READY=1 */
bool sim_say(struct sim *s, node_id id, enum event_kind kind, int64_t arg); /* any word of the service itself */
void sim_unstick(struct sim *s, node_id id);                        /* stuck processes can end now */
void sim_kill_all(struct sim *s, node_id id);                       /* SIGKILL to all its processes, by hand */
void sim_ignore_term(struct sim *s, node_id id, bool on);           /* a habit, and of the processes it has */

/* An event out of the blue, as it is: late, repeated, for a life that is over. */
void sim_inject(struct sim *s, const struct event *e);

/* Ask the core for something, as a client would. Returns the token of the answer: sim_next_token() before it. */
uint32_t sim_next_token(const struct sim *s);
uint32_t sim_request(struct sim *s, enum event_kind kind, node_id id, int64_t arg, const struct reason *reason);

/* --- for those who check --- */
size_t sim_process_count(const struct sim *s);
const struct sim_process *sim_process(const struct sim *s, size_t i);
const struct sim_process *sim_main_process(const struct sim *s, node_id id); /* alive; NULL when there is none */
size_t sim_life_count(const struct sim *s);
const struct sim_life *sim_life(const struct sim *s, size_t i);
uint64_t sim_random(struct sim *s);

#endif
