/* logd_bench.h - the real coppice-logd on a workbench: one service's pipe, its control socket, its console.
 *
 * Needs $COPPICE_BUILD or runs beside the build. Whatever goes wrong in here fails the test. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/logproto.h"
#include "base/logstore.h"

struct bench {
        char dir[64];
        pid_t pid;
        int control;
        int console; /* read end of logd's standard output */
        int out;     /* write end of stream 1, */
        int in;      /* and its read end, kept like the engine keeps it */
        int problem; /* code of the last report */
};

union message {
        struct logmsg head;
        struct logmsg_stream stream;
        struct logmsg_counters counters;
        struct logmsg_problem problem;
        char bytes[LOGMSG_MAX];
};

/* For cmocka: a fresh struct bench as state, and its end: nothing is left, neither process nor directory. */
int bench_set_up(void **state);
int bench_tear_down(void **state);

/* Starts logd and, unless path is NULL, gives it the pipe as stream 1. bench_end() asks it to end and wants success. */
void bench_begin(struct bench *b, const char *path, const struct log_config *config);
void bench_end(struct bench *b);

/* A message without more than its head, and one about stream 1 with its path and, unless -1, its descriptor. */
void bench_tell(struct bench *b, enum logmsg_kind kind, uint32_t stream);
void bench_stream(const struct bench *b, enum logmsg_kind kind, const char *path, const struct log_config *config, int fd);

/* The next message of that kind; others on the way are dropped, the code of a problem kept. Returns its length. */
size_t bench_hear(struct bench *b, enum logmsg_kind kind, union message *m);

/* Returns when all that was in the pipe is stored. */
void bench_flush(struct bench *b);

/* The service writes. */
void bench_say(const struct bench *b, const char *text);

/* What is stored in a file below the log directory. */
void bench_read(const struct bench *b, const char *name, char *text, size_t cap);
void bench_expect(const struct bench *b, const char *name, const char *want);

/* How many rotated files a service has, how many of them are packed, and the name of the newest ("" without any). */
int bench_rotated(const struct bench *b, const char *name, char newest[LOG_ROTATED_MAX + 4], int *ret_gz);
