/* logproto.h - what the engine and coppice-logd say to each other.
 *
 * The transport is one SOCK_SEQPACKET pair: a datagram is a message, a `struct logmsg` header followed by the body
 * its kind asks for. Both ends are processes of one build on one machine, so the structures travel as they are;
 * a message of the wrong length is answered by LOGMSG_PROBLEM with EPROTO and changes nothing.
 *
 * coppice-logd is started as `coppice-logd --control=FD [--log-dir=DIR] [--log-level=LEVEL]` with its end of the
 * pair as descriptor FD and the daemon's own standard output and error as 1 and 2 (the console sinks go there).
 * Once it can take streams it sends LOGMSG_READY; messages sent before wait in the socket.
 *
 * A stream is one pipe. The engine keeps both ends open for ever (fd store), so that a service never sees SIGPIPE
 * and nothing in the pipe is lost when logd dies; a new logd is told every stream again with LOGMSG_ADD and goes
 * on where the old one stopped (whether a line is unfinished is read back from the end of `current`).
 *
 * Neither side waits for the other: logd sends with MSG_DONTWAIT and drops answers nobody reads; the engine does
 * the same and must not count on an answer in time (a disk may hang).
 *
 * End of file on the socket means the engine is gone: logd drains what is in the pipes, as for LOGMSG_QUIT, and exits.
 *
 * May be used by: daemon, logd, tests.  May use: libc only. */
#ifndef BASE_LOGPROTO_H
#define BASE_LOGPROTO_H

#include <stddef.h>
#include <stdint.h>

enum logmsg_kind {
        /* engine -> logd */
        LOGMSG_ADD = 1,  /* logmsg_stream + the read end of the pipe (SCM_RIGHTS). A stream of that id is replaced:
                          * the old pipe is drained until empty and closed first. */
        LOGMSG_UPDATE,   /* logmsg_stream: new configuration (and path, when it changed) from now on */
        LOGMSG_REMOVE,   /* logmsg: drain until empty, finish the last line, close; answered by LOGMSG_REMOVED */
        LOGMSG_MARK,     /* logmsg: an incarnation begins. What is in the pipe is read first and belongs to the one
                          * before; its unfinished line is ended (not in raw format, whose bytes stay untouched) */
        LOGMSG_TAIL,     /* logmsg: empty the pipe, then answer LOGMSG_TAIL_IS with the last lines since the mark */
        LOGMSG_COUNT,    /* logmsg: answer LOGMSG_COUNTERS */
        LOGMSG_ROTATE,   /* logmsg: rotate now; stream 0 = every one */
        LOGMSG_FLUSH,    /* logmsg: empty every pipe into its sink, then answer LOGMSG_FLUSHED with the same `arg` (not
                          * 0, growing); an answer counts for those asked before it as well */
        LOGMSG_QUIT,     /* logmsg: as FLUSH, also unfinished lines; answer LOGMSG_FLUSHED with 0; exit 0 */
        LOGMSG_LEVEL,    /* logmsg: `arg` is the enum log_level of logd's own messages */

        /* logd -> engine */
        LOGMSG_READY = 64, /* logmsg */
        LOGMSG_REMOVED,    /* logmsg */
        LOGMSG_TAIL_IS,    /* logmsg; `arg` as in the question; the text follows, at most LOG_TAIL_MAX bytes, whole
                            * lines unless a single one is longer. Bytes as written by the service */
        LOGMSG_COUNTERS,   /* logmsg_counters */
        LOGMSG_FLUSHED,    /* logmsg */
        LOGMSG_PROBLEM,    /* logmsg_problem: sent once when a trouble begins and once (code 0) when it is over */
};

enum { LOG_TAIL_MAX = 4096, LOG_PATH_MAX = 1024, LOGMSG_MAX = 8192 };

/* The header of every message, and the whole of most. */
struct logmsg {
        uint32_t kind;   /* enum logmsg_kind */
        uint32_t stream; /* chosen by the engine, > 0; 0 = logd itself or all streams */
        uint64_t arg;    /* LEVEL: the level; TAIL, COUNT, FLUSH: handed back in the answer; else 0 */
};

enum log_sink {
        LOG_SINK_DIR,    /* <log-dir>/<path>/current and rotated files */
        LOG_SINK_STDOUT, /* each line behind "name: " to logd's standard output */
        LOG_SINK_STDERR, /* the same to its standard error */
};
enum logmsg_format { LOG_FORMAT_RAW, LOG_FORMAT_TIME, LOG_FORMAT_JSON };
enum logmsg_compress { LOG_COMPRESS_NONE, LOG_COMPRESS_GZIP, LOG_COMPRESS_ZSTD };
enum log_rate_unit { LOG_RATE_BYTES, LOG_RATE_LINES };

/* How one stream is kept. 0 means "none" for every limit. */
struct log_config {
        uint64_t max_size;      /* bytes in `current` before it is rotated */
        uint64_t max_age_us;    /* age of the first byte in `current` at which the next write rotates it */
        uint64_t rate_count;    /* lines or bytes let through per rate_interval_us; the rest is
                                 * dropped, counted, marked */
        uint64_t rate_interval_us; /* 0 = one second */
        uint64_t rate_burst;    /* size of the bucket; 0 = rate_count */
        uint32_t max_files;     /* rotated files kept; 0 = all */
        uint8_t sink;           /* enum log_sink */
        uint8_t format;         /* enum logmsg_format; the console sinks ignore it */
        uint8_t compress;       /* enum logmsg_compress: what happens to a rotated file */
        uint8_t rate_unit;      /* enum log_rate_unit */
};

/* ADD, UPDATE. The datagram ends with the path: "/shop/api", no NUL, at most LOG_PATH_MAX bytes. */
struct logmsg_stream {
        struct logmsg head;
        struct log_config config;
        char path[]; /* node path; directory name below the log directory (see logname.h), console prefix */
};

struct logmsg_counters {
        struct logmsg head;
        uint64_t bytes;         /* read from the pipe */
        uint64_t lines;         /* newlines among them */
        uint64_t dropped_bytes; /* not stored: rate limit, disk trouble, stalled console */
        uint64_t dropped_lines; /* of these, known lines (rate limit) */
        uint64_t rotations;
};

struct logmsg_problem {
        struct logmsg head;
        int32_t code;   /* errno; 0 = the trouble is over */
        uint32_t unused;
        char text[240]; /* NUL-terminated: "write /var/log/coppice/web/current: No space left on device" */
};

#endif
