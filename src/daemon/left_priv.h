/* left_priv.h - what left.c and left_note.c share: the two files in the runtime directory. */
#ifndef DAEMON_LEFT_PRIV_H
#define DAEMON_LEFT_PRIV_H

#include <ev.h>
#include <limits.h>
#include <stdint.h>

#include "base/buf.h"
#include "daemon/left.h"

#define LEFT_FILE_MAX ((size_t) 64 << 20) /* a hundred thousand services with the longest names that are usual */

struct left_watch;

struct left_one {
        char *node;      /* owned: its path */
        char *group;     /* owned; NULL: a process */
        pid_t pid;
        uint64_t born;
        bool told;       /* that a start waits for it */
        struct left_watch *watch; /* owned; of a process; NULL = none */
        int wd;          /* of a group, in left.changes; -1 = none */
};

struct left {
        struct engine *e;
        struct left_one *list; /* owned */
        size_t count;
        bool impatient;        /* left_one that is another's now was met: none is dying any more */
        struct ev_io changes;  /* inotify of cgroup.events; made when it is needed */
        struct ev_timer timer; /* see left_watch() */
        struct buf noted;      /* what the file `leave` says, as far as `noted_known` */
        bool noted_known;
};

struct left *left_of(struct engine *e); /* made when it is not there; NULL: no memory */

/* left_watch.c: a start waits for this one: left_look() is called when it may have ended. A process tells by a pidfd, a
 * group by inotify, and it is looked at once a second as all groups are (os/cgroup.h); what cannot be watched for want
 * of descriptors or with an old kernel is looked at four times a second. */
void left_watch(struct left *f, struct left_one *l);
void left_unwatch(struct left *f, struct left_one *l);
void left_watch_again(struct left *f); /* the timer, as long as somebody needs it */
void left_watch_free(struct left *f);
/* left.c: who has ended goes from the list, and whoever waits is checked. */
void left_look(struct left *f);
bool left_lives(const struct left_one *l); /* also where that cannot be told now */
bool left_waits(const struct left *f, const struct left_one *l);

/* RUNTIME_DIR/name; returns buf. */
const char *left_path(const struct engine *e, const char *name, char buf[PATH_MAX]);
/* One line of either file. group NULL: a process. */
void left_print(struct buf *out, const char *node, const char *group, pid_t pid, uint64_t born);

#endif
