/* init.h - coppiced itself: parent of every service, reaper, keeper of descriptors; parses nothing.
 *
 * One struct, one loop. Nothing here blocks: both sockets are non-blocking, and what cannot be sent now stays where
 * it is (a zombie stays a zombie, a request stays in the socket, a pending signal stays pending). Nothing is
 * allocated but two tables, of stored descriptors and of listeners, and that may fail.
 *
 *      main.c   start: signals, descriptors, the engine
 *      loop.c   wait; read requests; send answers
 *      spawn.c  INIT_SPAWN: fork into the plan
 *      reap.c   exits
 *      again.c  the death of an engine, and the next one
 *      check.c  does its program work at all?
 *      store.c  the fd store
 *      listeners.c  listeners of filters that nobody has offended yet
 *      last.c   the end: nothing is left behind
 *
 * May be used by: nobody.  May use: base, child, libc. */
#ifndef INIT_INIT_H
#define INIT_INIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/types.h>

#include "base/initproto.h"

#define QUEUE_MAX   8    /* answers waiting for room in the socket */
#define FLIGHT_MAX  32   /* children that still share our descriptor table */
#define STORE_BASE  512  /* stored descriptors lie from here on, out of the way of the copies children take */
#define EXPECTED_MAX 1024 /* children that were sent a signal and may end soon */
#define REAP_MAX    256  /* exits handled in one turn of the loop (FAILURES A3) */

/* One that waits; the header says how much of it is meant. */
union answer {
        struct init_header h;
        struct init_exited exited;
        struct init_failed failed;
        struct init_spawn_failed spawn_failed;
        struct init_daemon_signal daemon_signal;
};

/* A child that has not yet taken its own copy of the descriptor table, and what to close once it has. */
struct flight {
        pid_t pid;               /* 0 = free */
        int fd_count;
        int fds[INIT_FDS_MAX];
};

struct store {
        uint32_t *hashes;        /* of the names; dense, so that a look-up reads little */
        struct stored { int fd; char name[INIT_NAME_MAX]; } *entries;
        uint32_t count, room;
        uint32_t handed_out;     /* how many the present engine has been sent */
};

struct listeners {
        int epoll;               /* of all; -1 = they are not kept here */
        struct kept { uint64_t request; int32_t pid, mode; int fd; uint32_t next; } *kept;
        uint32_t room, unused;   /* the first unused one; UINT32_MAX = none */
        bool wait;               /* the socket has no room: until it has */
};

struct init {
        char *const *argv;
        pid_t self, engine;      /* engine 0 = none */
        pid_t former;            /* the engine that ended last, 0 = none yet */
        pid_t check;             /* a program of the engine that shows whether it works, 0 = none; never beside one */
        bool pid1;
        bool booted;             /* past the line of no return */
        bool goodbye;            /* the engine has finished everything in order */
        int exit_code;           /* what it said */
        int end;                 /* and what to do then: enum init_end */
        int sock, theirs;        /* the pair; we keep both ends, so that nothing in it dies with an engine */
        int signals, wake;
        bool up;                 /* the present engine has said BOOTED */
        bool reexec;             /* it said that it ends on purpose */
        bool draining;           /* what the last engine asked for is not all done */
        bool hello_due;          /* the present engine has not been greeted */
        uint64_t serial;         /* of the last message sent */
        int64_t engine_since, retry_at; /* ms; when it was started, when to start the next one */
        int pause_max;           /* ms; between two engines */
        uint32_t failures;       /* engines in a row that did not live long */
        uint32_t unborn;         /* engines in a row that did not say BOOTED: they ended by themselves, */
        uint32_t struck;         /* or by a SIGKILL or INIT_ENGINE_LACKS, which say little */
        bool broken;             /* that program does not work by itself */
        bool checked;            /* it does, and has not been started since */
        int64_t complain_at;     /* ms; when to say so again */
        uint32_t terms;          /* requests to end that no engine was there to hear */
        uint32_t engines;        /* started so far */
        struct rlimit nofile;    /* as we were started */
        int oom_before;          /* our oom_score_adj as we were started ... */
        bool oom_lowered;        /* ... which services get back: init, engine and log writer are spared longer */
        bool reap_due;
        bool unbounded;          /* the group that bounds us could not be entered again */
        uint64_t look_at;        /* nsec: not earlier are children looked for that nobody named; 0 = at once */
        uint64_t reaped;         /* so far */
        pid_t likely;            /* the child that the last SIGCHLD named, 0 = none */
        pid_t told;              /* the engine knows of its end, and it is still to be reaped; 0 = none */
        pid_t expected[EXPECTED_MAX]; /* children that were sent a signal, oldest first, a ring */
        uint32_t expected_first, expected_count;

        /* what this kernel lets us do, learnt by trying (FAILURES I5) */
        bool use_clone3, use_into_cgroup, use_shared_table;

        union answer queue[QUEUE_MAX];
        unsigned queue_first, queue_count;
        struct flight flights[FLIGHT_MAX];
        uint32_t *landed;        /* shared with the children: landed[i] = 1 when flight i may be closed */
        struct store store;
        struct listeners listeners;
};

/* loop.c */
_Noreturn void loop_run(struct init *in);
void post(struct init *in, struct init_header *m); /* send, or queue; numbered. With the
                                                    * header begins one of the structs above */
int transmit(struct init *in, const void *bytes, size_t len, int fd); /* 0 sent, 1 no room now, -1 nobody there */
bool queue_has_room(const struct init *in);
void close_pair(struct init *in);
void read_last_words(struct init *in);             /* what an engine that has ended still asked for */

/* spawn.c */
void spawn_probe(struct init *in);
void spawn_request(struct init *in, const struct init_spawn *m, size_t size, const int *fds, int count);
void spawn_collect(struct init *in);               /* close what children in flight no longer need */
void spawn_ended(struct init *in, pid_t pid);      /* one ended before it landed */

/* reap.c */
void reap(struct init *in);
void reap_engine(struct init *in);                 /* nobody else: there is no room to tell of them */
int reap_wait_ms(const struct init *in);           /* when something is due: how long it may wait */
void signal_request(struct init *in, const struct init_signal *m);

/* store.c: 0 or -errno; store_put owns fd, also when it fails */
int store_put(struct store *s, const char *name, int fd);
void store_drop(struct store *s, const char *name);
int store_find(const struct store *s, const char *name); /* the descriptor, -1 = none */
int move_high(int fd); /* out of the low numbers, which every child copies; where the limit is small, anywhere */
void *table_resize(void *old, size_t old_size, size_t size); /* whole pages that children do not
                                                              * inherit; NULL: as it was */

/* listeners.c */
void listeners_open(struct listeners *l, bool told_of_ends); /* does the kernel tell when nobody is left? */
void listener_keep(struct listeners *l, const struct init_listener *m, int fd); /* owns fd */
void listeners_turn(struct init *in);              /* something has happened to some */

/* last.c */
void last_install_crash_handlers(void);
_Noreturn void last_goodbye(struct init *in, int exit_code); /* end what is left, then exit */

/* again.c */
void engine_died(struct init *in, int code, int status);
void engine_again(struct init *in);                /* start the next one when its time has come */
void engine_patience(struct init *in);
void engine_later(struct init *in);                /* the next one after a pause that goes by the failures so far */
int engine_wait_ms(const struct init *in);         /* until then; -1 = there is one */
int64_t now_ms(void);

/* check.c */
bool check_due(const struct init *in);             /* before another engine */
bool check_speaks(const struct init *in);          /* the one to be started is to be heard */
bool check_runs(struct init *in);                  /* there is one, and it has not ended */
#define CHECK_LOOK_MS 1000 /* how soon to look again: its end is a SIGCHLD, read only while there is room for answers */

/* main.c */
int start_engine(struct init *in);                 /* or a check of it, when that is due */

/* Services that fork for ever may have filled the group that bounds us with them (os/limits_rest.c), so that we cannot
 * start anything either. It takes whoever enters it, full or not: after a fork has failed with this `error` we can
 * leave, fork, and enter it again, parent and child both. The descriptor to enter it by, or -1 with errno = error. */
int bounds_leave(const struct init *in, int error);
void bounds_enter(struct init *in, int back);
void bounds_again(struct init *in);                /* entering it may have failed: before the next child */

#endif
