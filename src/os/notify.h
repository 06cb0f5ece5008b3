/* notify.h - the sd_notify socket: datagrams of KEY=VALUE lines from services, with the sender's credentials.
 *
 * Whatever arrives is bounded: NOTIFY_TEXT_MAX bytes, NOTIFY_FDS_MAX descriptors; longer or damaged messages are
 * dropped and their descriptors closed (FAILURES F12, G8). An empty datagram is a message without fields.
 *
 * May be used by: daemon, tests.  May use: base, types of core. */
#ifndef OS_NOTIFY_H
#define OS_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "core/types.h"

#define NOTIFY_TEXT_MAX 4096
#define NOTIFY_FDS_MAX  64
#define NOTIFY_NAME_MAX 256

enum {
        NOTIFY_READY = 1, NOTIFY_RELOADING = 2, NOTIFY_STOPPING = 4, NOTIFY_WATCHDOG = 8, NOTIFY_WATCHDOG_TRIGGER = 16,
        NOTIFY_STATUS = 32, NOTIFY_ERRNO = 64, NOTIFY_MAINPID = 128, NOTIFY_WATCHDOG_USEC = 256,
        NOTIFY_EXTEND = 512, NOTIFY_FDSTORE = 1024, NOTIFY_FDSTORE_REMOVE = 2048, NOTIFY_BARRIER = 4096,
        NOTIFY_EXIT_STATUS = 8192, NOTIFY_MONOTONIC = 16384,
        NOTIFY_FDPOLL_OFF = 32768, NOTIFY_BUSERROR = 65536, NOTIFY_ACCESS = 131072,
};

struct notify_fields {
        uint32_t has;              /* NOTIFY_* */
        int32_t error;             /* ERRNO= */
        int32_t exit_status;       /* EXIT_STATUS= */
        pid_t main_pid;            /* MAINPID= */
        int64_t watchdog_nsec;     /* WATCHDOG_USEC=, in ns */
        int64_t extend_nsec;       /* EXTEND_TIMEOUT_USEC=, in ns */
        int64_t monotonic_nsec;    /* MONOTONIC_USEC=, in ns */
        enum notify_access access; /* NOTIFYACCESS= */
        char fdname[NOTIFY_NAME_MAX]; /* FDNAME=, "stored" when absent or unacceptable */
        char bus_error[NOTIFY_NAME_MAX]; /* BUSERROR=: a name as D-Bus has them */
        char status[1024];         /* STATUS=, cut at a character, control characters made '?' */
};

struct notify_msg {
        pid_t pid;
        uid_t uid;
        gid_t gid;
        struct notify_fields f;
        int fds[NOTIFY_FDS_MAX];   /* owned by the caller: notify_done() closes what is not taken (set to -1) */
        int fd_count;
        size_t len;                /* the text as it came, for who has to write it down */
        char text[NOTIFY_TEXT_MAX];
};

/* Bind the socket at path (mode 0666: who may say what is decided by the credentials). Replaces a stale one. */
int notify_open(const char *path, int *ret_fd, struct err *err);

/* 1 and a message; 0 none now; -EBADMSG for one that was dropped (look for more); else -errno. */
int notify_receive(int fd, struct notify_msg *ret);

/* The same, but it stays in the socket until notify_take(): who ends in between leaves it to his successor. */
int notify_look(int fd, struct notify_msg *ret);
void notify_take(int fd);
void notify_done(struct notify_msg *m);

/* The text of a message into fields. Unknown keys and unacceptable values are ignored. Pure. */
void notify_parse(const char *text, size_t len, struct notify_fields *ret);

#endif
