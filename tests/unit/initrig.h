/* initrig.h - a real coppiced with the test as its engine. */
#ifndef TESTS_INITRIG_H
#define TESTS_INITRIG_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "os/initlink.h"

struct rig {
        char dir[64];            /* temporary: coppiced, coppice-engine, engine.sock, out */
        pid_t init, engine;
        int engine_at;           /* connection to the stub that stands for the engine */
        struct initlink *link;
        int listening;           /* for further engines */
        bool booted;             /* BOOTED was said: rig_stop() has to kill init */
        struct initlink_msg msg; /* the last one */
};

/* How coppiced is started. */
struct rig_how {
        const char *without;     /* system calls to take away, space-separated; NULL = none */
        const char *without_errno;
        bool no_fds;             /* with descriptors 0 to 2 closed */
        bool bad_signals;        /* SIGCHLD, SIGPIPE, SIGHUP ignored; TERM blocked */
        bool leak_fd;            /* with descriptor 57 open */
        bool no_proc;            /* where /proc is not mounted; needs root */
};

/* Start and read HELLO. Returns false when this machine cannot (without: no seccomp). */
bool rig_start(struct rig *r, struct rig_how how);

/* Kill the engine, be the next one. HELLO has not been read. */
void rig_engine_dies(struct rig *r);

/* The engine ends by itself: be the next one. */
void rig_next_engine(struct rig *r);

/* End it (kill -9 when it is still there), remove the directory. */
void rig_stop(struct rig *r);

/* For cmocka's teardown: a test that failed half-way leaves nothing behind either. */
int rig_clean(void **state);

/* The next message of a kind, others are dropped; fails the test after 10 s. */
void rig_expect(struct rig *r, enum init_kind kind);

/* Is there a message of any kind within ms? */
bool rig_any(struct rig *r, int ms);

/* The exit record of pid, waited for; the test fails when it does not come. */
struct init_exit rig_exit_of(struct rig *r, pid_t pid);

/* Wait for init itself: its exit status, 128+N for a signal. */
int rig_init_status(struct rig *r);

/* Let the engine exit with a code. */
void rig_engine_exit(struct rig *r, int code);

/* --- plans by hand ------------------------------------------------------------------------------------------- */

#include "base/plan.h"

struct planner { struct buf bytes; uint32_t steps; };
void planner_add(struct planner *p, enum plan_op op, unsigned flags, int64_t a, int64_t b, int64_t c, const void *text,
                 size_t len);
void planner_text(struct planner *p, enum plan_op op, const char *text);
/* The usual frame: session, signals; in, out, err as given descriptors 0, 1, 2. */
void planner_begin(struct planner *p);
void planner_standard(struct planner *p);
/* ENV_ROW and ARGS are rows of NUL-terminated texts ending with an empty one; path is the first of ARGS. */
void planner_exec(struct planner *p, const char *env_row, const char *args);
const void *planner_end(struct planner *p, size_t *ret_size);

/* Send it with descriptors; returns the pid of SPAWNED. */
pid_t rig_spawn(struct rig *r, struct planner *p, const int *fds, size_t n, int cgroup);

/* Send it, expect SPAWN_FAILED of the child. */
/* Start /bin/sh -c SCRIPT with the daemon's own streams. */
pid_t spawn_shell(struct rig *r, const char *script, const int *fds, size_t n);

const struct init_spawn_failed *rig_spawn_fails(struct rig *r, struct planner *p, const int *fds, size_t n);

/* Run the probe with the plan so far (EXEC is added) and return what it said; owned by the caller. */
char *rig_probe(struct rig *r, struct planner *p, const int *fds, size_t n, int cgroup, const char *env_row);

/* The value behind "name " at the start of a line of it, "" when there is none. Static storage. */
const char *probe_value(const char *said, const char *name);

#endif
