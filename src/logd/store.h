/* store.h - one service's directory of log files: `current`, when it is rotated, what happens when the disk fails.
 *
 * No failure is fatal: a store in trouble loses what it is given, remembers why, and tries again when it is written
 * to a little later. The files are found through directory descriptors, component by component and without
 * following links; what stands in the way of `current` and is no plain file of ours is moved aside.
 *
 * Used by: stream.c, tail.c.  Uses: base/logstore, base/logproto.  Tested by: tests/unit/logd_store.c */
#ifndef LOGD_STORE_H
#define LOGD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/logproto.h"

struct store {
        int root;                        /* borrowed: the log directory */
        int fd;                          /* `current`, -1 when not open */
        const char *path;                /* borrowed: the node's path */
        const struct log_config *config; /* borrowed */
        uint64_t size;                   /* of `current` */
        uint64_t born_us;                /* instant of its first byte */
        uint64_t looked_us;              /* when it was last checked that the name still leads to fd */
        uint64_t rotated_us;             /* name of the last file we rotated, 0 = none */
        uint64_t mark, mark_rotated;     /* where the incarnation began in `current`, in the file before;
                                          * STORE_NO_MARK when it has no part in it */
        uint64_t retry_us;               /* in trouble: not before then */
        uint64_t lost;                   /* bytes not stored and not told in the log yet */
        dev_t dev;
        ino_t ino;
        int trouble;                     /* errno of what keeps us from writing, 0 = none */
        uint32_t rotations;
        bool midline;                    /* the last byte of `current` is no newline */
        bool rotate_now;                 /* asked for; done at the next end of a line */
};

#define STORE_NO_MARK UINT64_MAX

/* How far a line may go beyond max_size before it is cut, and how long a failed store is left alone. */
enum { STORE_SLACK = 8192, STORE_RETRY_US = 1000000, STORE_LOOK_US = 1000000 };

/* A store in the directory `path` below `root`; path and config are borrowed. Nothing is opened yet. NULL: no
 * memory. */
struct store *store_new(int root, const char *path, const struct log_config *config);
void store_free(struct store *st);

/* Open `current` if it is not. 0 or -errno, then st->trouble is set. */
int store_open(struct store *st, uint64_t now_us);

/* Write; rotates where a line ends. Returns how many bytes are stored; less than n means trouble. now_us is the
 * wall clock. */
size_t store_write(struct store *st, const char *data, size_t n, uint64_t now_us);

/* May a store in trouble be tried again? True when there is none. */
bool store_may_try(const struct store *st, uint64_t now_us);

/* Rotate `current` now if it holds anything. */
int store_rotate(struct store *st, uint64_t now_us);

void store_close(struct store *st); /* give the descriptor back; the next write opens it again */
void store_mark(struct store *st);  /* an incarnation begins here */

/* The last bytes stored since the mark, at most cap, also from the file rotated last. Returns their number. */
size_t store_tail(struct store *st, char *out, size_t cap);

/* The service's directory; made when it is missing. The descriptor or -errno. */
int store_dir(const struct store *st);

#endif
