/* violence.h - the parts of violence: what the daemon says of its services, whether that is right, and the tracer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { SERVICES_MAX = 64, PATIENCE_MS = 60000 };

struct service {
        char path[128];
        int pid;
        unsigned restarts;
        bool running;
        bool hit;              /* its process was killed by us since the last look */
        char reason[64];       /* of the end of the process before */
};

struct look {
        struct service list[SERVICES_MAX];
        int count;
};

struct violence {
        pid_t init;
        const char *ctl, *cgroup;
        const char *fifo, *reason; /* NULL: services are killed by a signal */
        unsigned steps_max;    /* how far steps() goes with each service; 0 = to its end */
        long long rest_ms;     /* an engine that makes no system call for so long is at rest */
        pid_t asks;            /* who asks it for something; while he has not ended it is not, however slow the machine; 0 = nobody */
        unsigned kills;
        uint64_t random;
};
extern struct violence v;

/* --- violence_look.c --- */
long long now_ms(void);
void wait_usec(long usec);

/* What the daemon says now. False: nobody answers. */
bool look(struct look *ret);

/* How many processes are in a service's group; -1 without a group. */
int processes_in(const char *path);

/* NULL when `now` is what must have become of `before`. */
const char *differs(const struct service *before, const struct service *now);

/* Wait until all is as it must be; then that is the new state. False, and said, when it does not come to that. */
bool settle(struct look *l);

/* The engine of the moment, -1 between two, and now and then while children of init end: the kernel's list is short then. */
pid_t engine(void);
pid_t wait_for_engine(void); /* -1 only when there is none for long */

/* --- violence.c --- */
/* Have the engine do n system calls after `begin` has been called, then kill it. 0 when it came to rest before, -1 when
 * it cannot be traced. */
int kill_after(pid_t pid, unsigned n, void (*begin)(void *arg), void *arg);

/* --- violence_requests.c --- */
int requests(const char *units, unsigned stride);
int during(const char *command, unsigned n);
