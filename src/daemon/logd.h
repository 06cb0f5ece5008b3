/* logd.h - the log writer as the engine sees it; logs.c talks to it, logd.c keeps it running. */
#ifndef DAEMON_LOGD_H
#define DAEMON_LOGD_H

#include "daemon/engine_priv.h"

enum { FLUSH_WAITERS_MAX = 64 };
#define LOGD_DELAY_FIRST 0.1

struct waiting {
        uint32_t kind, stream;
        uint64_t arg;
};

struct flush_waiter {
        void (*fn)(void *arg, int result);
        void *arg;
        uint64_t serial;
};

struct logd {
        struct engine *e;
        int sock;                   /* our end; -1 = there is no writer */
        struct ev_io watch;
        bool writing;
        pid_t pid;                  /* 0 = none */
        bool asked;                 /* a spawn is on its way */
        bool quitting;
        struct spec *spec;          /* owned */
        struct ev_timer restart;
        double delay;               /* before the next attempt, s */
        struct waiting *queue;      /* owned; not sent yet */
        size_t queue_len, queue_cap;
        struct flush_waiter flushes[FLUSH_WAITERS_MAX];
        size_t flush_count;
        uint64_t last_flush;
        void (*then)(struct engine *e); /* after QUIT */
};

/* Use this socket to the writer, which is then told of every pipe; takes sock. And no more: whoever waits for a flush
 * hears -EPIPE. */
void logd_connect(struct engine *e, int sock);
void logd_disconnect(struct engine *e);
void logd_resume(struct engine *e); /* recovered: go on with the writer there is */
void logd_quit_done(struct engine *e); /* the writer has flushed everything, or is gone: see logs_quit() */

#endif
