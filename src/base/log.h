/* log.h - the only writer of a program's own messages on standard error.
 *
 * One line a call, written with one write(2), cut at 1,000 bytes. Never blocks for ever on a stalled console when
 * log_nonblocking() was called (FAILURES J18): what does not fit is dropped and counted. Where nobody reads any more
 * SIGPIPE comes: a daemon blocks or ignores it.
 *
 * May be used by: init, daemon, logd, ctl (never by core, os, proto, unit: they return errors).
 * May use: libc only. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG,
                 LOG_LEVEL_COUNT };

void log_open(const char *program);            /* borrowed; the prefix of every line */
void log_set_level(enum log_level level);      /* default NOTICE */
enum log_level log_get_level(void);
int log_level_from_name(const char *name);     /* "error" ... "debug"; -1 when unknown */
const char *log_level_nearest(const char *name); /* NULL when nothing is near */
const char *log_level_name(enum log_level level);
void log_nonblocking(void);                    /* from now on a full console drops lines instead of waiting */

/* One line on standard error, "program: text", when the level is wanted. errno is left as it is. */
void log_msg(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_raw(const char *text, size_t n);      /* as it is; takes no lock and no memory, so for signal handlers too */
void log_err(enum log_level level, const struct err *err);

#define log_error(...)   log_msg(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_msg(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_msg(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_msg(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_msg(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
