/* faults.h - make one system call after the other fail, and look what becomes of the daemon.
 *
 *      memory.c   the same for allocations, from inside of the program
 *      errors.c   which calls may fail, and with what
 *      trace.c    stops one program of the daemon at its system calls, tells where in it each comes from, lets one fail
 *      world.c    what the daemon is put through meanwhile, and what is made of it
 *      hold.c     what must be true of its processes then
 *      main.c     all points in turn
 *
 * A point is a place in the program that makes a call (the call, and who called whom), and how many times it had been
 * there before. So a point is found again although no two runs make the same calls in the same order. */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* --- errors.c ------------------------------------------------------------------------------------------------- */

enum { ERRORS_MAX = 8 };

/* How this call may plausibly fail: errors, ended by 0; NULL: it may not. */
const int *errors_of(long call, const uint64_t args[6]);
const char *call_name(long call);

/* --- trace.c --------------------------------------------------------------------------------------------------- */

enum program {
        PROGRAM_INIT,
        PROGRAM_ENGINE,
        PROGRAM_LOGD,
        PROGRAM_NEXT,   /* the engine that takes over from one that was killed, until it has */
        PROGRAM_CHILD,  /* of init, from its birth until it runs a program: services, engine, log writer */
        PROGRAM_COUNT,
        PROGRAM_ENGINE_MEMORY = PROGRAM_COUNT, /* nobody's calls fail: see memory.c */
        PROGRAM_LOGD_MEMORY,
        PROGRAM_NEXT_MEMORY,
        PROGRAM_END,
};
extern const char *const program_names[PROGRAM_END];

enum { SITES_MAX = 2048, FRAMES = 4, WHILE_MS = 150 };

struct site {
        long call;
        uint32_t frames[FRAMES]; /* where in the program, the innermost first; 0 = no more */
        uint32_t times;          /* it was there so often */
        int errors[ERRORS_MAX];
};

/* Shared between who traces and who watches. */
struct trace {
        enum program program;
        /* what is to fail; call < 0: nothing, only write down what could */
        struct site wanted;
        uint32_t which;          /* the first time: 0 */
        int error;
        bool lasting;            /* and every other such call for WHILE_MS */
        volatile bool over;      /* what is called from here on is not looked at */
        /* what happened */
        volatile bool hit;
        volatile unsigned failed;
        volatile pid_t init, target;
        volatile bool ended, target_ended; /* coppiced; the program that is looked at */
        volatile int status, target_status;
        volatile unsigned left;  /* processes that were there after coppiced had ended */
        char broken[200];        /* "" = tracing works */
        uint32_t site_count;
        struct site sites[SITES_MAX];
};

/* Run coppiced with these arguments, its words into a file, until it has ended. The caller is a process of its own. */
void trace_run(struct trace *t, char *const argv[], const char *output);
bool trace_possible(void);
void site_print(FILE *out, const struct site *s);

/* --- world.c --------------------------------------------------------------------------------------------------- */

/* From good to bad. */
enum verdict {
        VERDICT_MISSED,    /* the point was not reached this time */
        VERDICT_UNNOTICED, /* all went as if nothing had been */
        VERDICT_REPORTED,  /* the same, and somebody was told, error and all */
        VERDICT_SAID,      /* the same, and something was said, but not the error */
        VERDICT_AGAIN,     /* something was not started, and said why; asked again, it was */
        VERDICT_REFUSED,   /* the daemon has not started, and said why */
        VERDICT_WRONG,
        VERDICT_COUNT,
};
extern const char *const verdict_names[VERDICT_COUNT];

struct world {
        const char *build;       /* the programs */
        const char *daemon;      /* directory of coppiced and what lies beside it */
        char dir[64];            /* all files of the run */
        struct trace *trace;
        unsigned fds[3];         /* of init, engine and log writer when nothing failed */
        bool measured;
        bool again;              /* of VERDICT_AGAIN */
        bool ending;             /* all that was to be done was done, and the program still there */
        char why[400];           /* of VERDICT_WRONG */
};

/* One life of the daemon; *t says what fails in it. */
enum verdict world_run(struct world *w);

/* Note why a life is wrong; false. */
bool wrong(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Until it holds; false at the end of all patience, or when the daemon is gone. */
bool until(struct world *w, bool (*holds)(struct world *w, void *arg), void *arg);

enum { SERVICES = 4 };

struct wanted {
        const char *name;  /* path of a service */
        int other_than;    /* its process is another one than this */
        int pid;           /* found */
        int running;       /* how many services run */
};

/* All services run, and that of *arg, a struct wanted, with another process than it had. */
bool runs_again(struct world *w, void *arg);

/* --- hold.c ---------------------------------------------------------------------------------------------------- */

int engine_of(const struct world *w); /* its pid, 0 = none */
bool check_family(struct world *w);
/* Nobody runs with rights that his unit takes from him, whatever has failed on the way there. */
bool check_rights(struct world *w);

#endif
