/* logd.h - the log writer: reads every service's pipe, stamps, writes, rotates.
 *
 * The path of a byte: pipe -> stream_read() -> shape.c -> store.c (a directory) or console.c. Beside it: control.c
 * hears the engine, tidy.c runs a child that compresses and deletes rotated files, loop.c decides who is read when.
 *
 * Nothing here runs while nothing is written: no timer is armed (but one, once, after a rate limit has dropped
 * something) and an idle stream costs one descriptor and about 200 bytes.
 *
 * May be used by: nothing.  May use: base. */
#ifndef LOGD_LOGD_H
#define LOGD_LOGD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/logproto.h"
#include "logd/console.h"
#include "logd/rate.h"
#include "logd/store.h"

/* Reads of IN_MAX bytes once a service writes a lot, of IN_SMALL otherwise: only touched pages cost memory.
 * READ_CONSOLE bounds what one read can add to the console's buffer. */
enum { IN_MAX = 256 * 1024, OUT_MAX = 256 * 1024, IN_SMALL = 8 * 1024, PIPE_BIG = 1024 * 1024, PIPE_USUAL = 64 * 1024 };

/* The last bytes of a stream that has no file: a console sink, or a disk in trouble. */
struct ring {
        uint32_t cap, len, start;
        char data[];
};

struct stream {
        uint32_t id;
        int fd;                   /* read end of the pipe, -1 after its end of file */
        uint32_t pipe_size;
        bool busy;                /* in logd.busy: read by turns, not by epoll */
        bool midline;             /* the last byte shaped was no newline */
        bool dropping;            /* the line we stand in is being dropped */
        bool marked;              /* a mark came before the store was opened */
        bool tidy;                /* rotated files wait for tidy.c */
        struct log_config config;
        char *path;               /* owned */
        uint64_t bytes, lines, dropped_bytes, dropped_lines;
        uint64_t data_us;         /* monotonic; the last read that brought something */
        struct stream *next_busy;
        struct store *store;      /* owned; NULL until the first byte, and for console sinks */
        struct rate *rate;        /* owned; NULL until a limit is needed */
        struct ring *ring;        /* owned; NULL mostly */
        struct buf held;          /* JSON, console: the beginning of a line whose end has not come */
};

struct logd {
        int epoll, control, root; /* root: the log directory, -1 when it cannot be had */
        int root_error;           /* why not */
        const char *log_dir;      /* borrowed from argv, NULL = none */
        const char *self;         /* our own program, for the child of tidy.c */
        struct stream **streams;  /* owned, by id */
        size_t count, room;
        struct stream *busy;
        struct console console[2];
        char *in, *out;           /* owned; IN_MAX and OUT_MAX */
        int side[2];              /* a pipe of our own while somebody is busy, -1 = none: see take() */
        struct buf lines;         /* shaped lines on their way, slow path */
        pid_t tidy_pid;           /* 0 = none */
        int tidy_fd;              /* end of file = it has ended */
        uint64_t now_us;          /* monotonic, once a round */
        uint64_t wall_us;         /* wall clock, once a read */
        uint64_t round_us;        /* when the last round of reads was */
        uint64_t tell_us;         /* when the first marker of a rate limit is due; 0 = none is */
        uint32_t fill;            /* how full the fullest pipe was in it, of 1024 */
        bool backlog;             /* somebody has more than one read brought */
        uint64_t stamp_us;        /* the instant in `stamp` */
        char stamp[28];
        bool console_watched[2];
        bool quitting;            /* the engine said so or is gone: leave once everything is written */
        bool engine_gone;
        bool owes;                /* FLUSHED with the argument below, and those before it, is still to be said */
        uint64_t owed;
};

/* epoll's data.u64 is a stream's id or one of these. */
enum { TAG_CONTROL = 0 };
#define TAG_TIDY    (UINT64_C(1) << 33)
#define TAG_CONSOLE (UINT64_C(1) << 34) /* + 0 or 1 */

/* main.c */
int logd_open_root(struct logd *l);                          /* the log directory; made if missing; -errno kept in l */

/* loop.c */
int logd_loop(struct logd *l);                               /* until QUIT or the engine is gone; the exit code */
uint64_t logd_mono_us(void);
uint64_t logd_wall_us(void);
void logd_wake(struct logd *l, struct stream *s);            /* read it from now on by turns */
void logd_watch(struct logd *l, struct stream *s);           /* let epoll tell when there is something */
void logd_forget(struct logd *l, struct stream *s);          /* neither */

/* stream.c */
struct stream *stream_find(const struct logd *l, uint32_t id);
struct stream *stream_add(struct logd *l, uint32_t id, int fd, const struct log_config *config, const char *path,
                          size_t len);                       /* takes fd; NULL when memory is short */
int stream_update(struct logd *l, struct stream *s, const struct log_config *config, const char *path, size_t len);
void stream_remove(struct logd *l, struct stream *s);        /* drain, finish the last line, free */
ssize_t stream_read(struct logd *l, struct stream *s, size_t max); /* bytes read; 0 = empty for now; -1 = ended */
void stream_drain(struct logd *l, struct stream *s);         /* read until the pipe is empty (at most what it holds) */
void stream_shrink(struct stream *s);                        /* give back the room a busy pipe got */
void stream_finish_line(struct logd *l, struct stream *s);
void stream_mark(struct logd *l, struct stream *s);
bool stream_blocked(const struct logd *l, const struct stream *s); /* its console takes nothing at present */

/* sink.c: shaped bytes to where they belong */
void sink_feed(struct logd *l, struct stream *s, const char *data, size_t n);
void sink_finish_line(struct logd *l, struct stream *s);
void sink_tell_drops(struct logd *l, struct stream *s);      /* the marker of a rate limit, if anything was dropped */
void sink_tell_due(struct logd *l);                          /* the same for all that have waited for their interval */

/* tail.c */
void ring_add(struct ring **ring, const char *data, size_t n);
size_t tail_read(struct logd *l, struct stream *s, char out[LOG_TAIL_MAX]);

/* control.c */
void control_receive(struct logd *l);
void control_send(struct logd *l, enum logmsg_kind kind, uint32_t stream, uint64_t arg);
void control_pay(struct logd *l);                            /* say what found no room when it was due */
void control_problem(struct logd *l, const struct stream *s, int code, const char *verb);

/* tidy.c */
void tidy_start(struct logd *l);                             /* if one is due and none runs */
void tidy_ended(struct logd *l);
int tidy_main(int argc, char **argv);                        /* the child */

#endif
