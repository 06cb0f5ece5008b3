/* left_priv.h - what the files of left.c share: the two files in the runtime directory, the list of who was left. */
#ifndef DAEMON_LEFT_PRIV_H
#define DAEMON_LEFT_PRIV_H

#include <ev.h>
#include <limits.h>
#include <stdint.h>

#include "base/buf.h"
#include "daemon/left.h"

#define LEFT_FILE_MAX ((size_t) 64 << 20) /* a hundred thousand services with the longest names that are usual */

struct left_watch;

/* Stays where it is. */
struct left_one {
        size_t at;       /* in left.list */
        struct left_one *next; /* of those whose nodes' names have the same hash */
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
        struct left_one **list; /* owned */
        size_t count, cap;
        struct left_one **named; /* by the hash of the node's name; `cap` of them */
        struct left_one **by_wd; /* the kernel gives these numbers one after the other */
        size_t wd_cap;
        bool impatient;        /* left_one that is another's now was met: none is dying any more */
        struct ev_io changes;  /* inotify of cgroup.events; made when it is needed */
        struct ev_timer timer; /* see left_watch() */
        struct ev_timer writer; /* those who have ended are still in the file, or it could not be written */
        bool complete;         /* whoever is in the list is in the file */
        bool unwritten;        /* ... which could not be written, as was said */
        struct buf noted;      /* what the file `leave` says, as far as `noted_known` */
        bool noted_known;
};

struct left *left_of(struct engine *e); /* made when it is not there; NULL: no memory */

/* left_list.c: takes over what is in *l, and the names it owns, or -ENOMEM and nothing. */
int left_add(struct left *f, const struct left_one *l);
void left_drop(struct left *f, struct left_one *l);
/* Several daemons may have left something of one node: of its name the first, or the one after. NULL: no more. */
struct left_one *left_named(const struct left *f, const char *node, const struct left_one *after);

/* left_watch.c: a start waits for this one: left_look_at() is called when it may have ended. A process tells by a
 * pidfd, a group by inotify, and it is looked at once a second as all groups are (os/cgroup.h); what cannot be watched
 * for want of descriptors or with an old kernel is looked at four times a second. */
void left_watch(struct left *f, struct left_one *l);
void left_unwatch(struct left *f, struct left_one *l);
void left_watch_again(struct left *f); /* the timer, as long as somebody needs it */
void left_remind(struct left *f, const struct left_one *l); /* the timer, for this one */
void left_watch_free(struct left *f);
/* left.c: who has ended goes from the list, and whoever waits is checked. Of one, that costs the same however many
 * there are. */
void left_look(struct left *f);
void left_look_at(struct left *f, struct left_one *l);
bool left_lives(const struct left_one *l); /* also where that cannot be told now */
bool left_waits(const struct left *f, const struct left_one *l);

/* RUNTIME_DIR/name; returns buf. */
const char *left_path(const struct engine *e, const char *name, char buf[PATH_MAX]);
/* One line of either file. group NULL: a process. */
void left_print(struct buf *out, const char *node, const char *group, pid_t pid, uint64_t born);

#endif
