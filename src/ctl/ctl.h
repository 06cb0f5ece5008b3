/* ctl.h - coppicectl: what every verb gets, and the table of verbs.
 *
 * A verb is one `const struct ctl_verb`: its name, arguments, options, words for people, and the function. Parser,
 * --help, completions and the manual page all read that entry.
 *
 * Output is collected in ctl->out and written by main: one write for the ordinary answer, and it ends up in a pipe
 * or a terminal whole. Errors go to standard error at once.
 *
 * ctl/ may use base, core, proto, unit, sim.  Nothing may use ctl/. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "core/types.h"
#include "proto/frame.h"
#include "proto/jtok.h"

enum ctl_exit {
        CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_NOT_FOUND = 3, CTL_DENIED = 4, CTL_NO_DAEMON = 7,
};

/* What stands in an argument's place, for completion. */
enum ctl_complete { COMPLETE_NOTHING, COMPLETE_NODES, COMPLETE_FILES, COMPLETE_VERBS };

struct ctl_option {
        const char *name;     /* "signal" */
        char letter;          /* 'f' for -f; 0 = none */
        const char *arg;      /* "SIGNAL"; NULL = a switch */
        const char *help;
};
enum { CTL_OPTIONS_MAX = 24 };

struct ctl;
struct ctl_verb {
        const char *name;
        const char *args;     /* "NODE...", "" for none */
        const char *help;     /* one line */
        const char *prose;    /* some sentences for --help and the manual page; paragraphs end with \n */
        const struct ctl_option *options; /* ends with an entry without a name; NULL = none */
        int min_args, max_args;           /* max -1: any number */
        enum ctl_complete complete;
        const char *words;    /* ... and these; NULL = no others */
        bool command;         /* a command follows: options end at the first argument */
        bool waits;           /* asks for something to be done: --no-block means something */
        int (*run)(struct ctl *c); /* returns an enum ctl_exit */
};
extern const struct ctl_verb *const ctl_verbs[]; /* ends with NULL */
const struct ctl_verb *ctl_verb_find(const char *name);
int ctl_unknown_verb(const char *name); /* says what was meant, perhaps; CTL_USAGE */
extern const struct ctl_option ctl_global_options[];

struct ctl_given {
        const struct ctl_option *option;
        const char *arg;      /* "" for a switch */
};

struct ctl {
        const struct ctl_verb *verb;
        char **argv;          /* the verb's arguments */
        int argc;
        const char *value[CTL_OPTIONS_MAX]; /* by place in verb->options: the argument, "" for a switch;
                                             * NULL = not given */

        struct ctl_given *given; /* owned; the verb's options in the order they were given */
        size_t given_count;

        const char *about;    /* what an error is about; NULL: the first argument */
        const char *socket;   /* NULL: the standard places */
        bool json, no_block, quiet, color;
        int64_t timeout_ms;   /* -1 = none */

        int fd;               /* -1 = not connected */
        int64_t deadline_ms;  /* of the present call, CLOCK_MONOTONIC; -1 = none */
        bool retry;           /* client.c: being turned away is no error yet, */
        bool turned_away;     /* ... but this happened */
        int looks;            /* client.c: the call changes nothing; so often it may be made again when the
                               * connection is lost; -1 = it does change something */
        int64_t asked_ms;     /* client.c: when it was made, the last time */
        bool lost_is_fine;    /* so it is when the connection is lost: who asked for it connects again */
        bool follows;           /* nothing to do once nobody reads standard output */
        bool over_with_us;    /* what was asked for ends with the connection */
        bool timed_out;       /* no answer came within timeout_ms */
        struct frame_reader in;
        struct jdoc doc;      /* the latest reply */
        struct buf out;
};

/* The whole program; returns its exit status. */
int ctl_main(int argc, char **argv);

/* The option's argument, "" for a switch that is set, NULL. */
const char *ctl_option(const struct ctl *c, const char *name);
void ctl_put_json(struct ctl *c, uint32_t t);           /* client.c: a part of the reply as a line of JSON */
void ctl_put_changes(struct ctl *c, uint32_t changes); /* cmd_reload.c: an array of Change, a line each */

/* Write what is in c->out to standard output. Returns 0, or a negative errno when not all of it could be written. */
int ctl_flush(struct ctl *c);

/* --- say.c: standard error ----------------------------------------------------------------------------------- */

/* "coppicectl: ..."; returns `code`. */
int ctl_error(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* From here on an object a line instead: {"error": WORD, "message": TEXT, "exit_status": CODE};
 * a diag as ctl_json_diag(). */
void ctl_say_json(void);

/* A diag or err as it is said. */
struct diag;
struct json;
void ctl_diag(void *arg, const struct diag *d);
int ctl_fail(int code, const struct err *err);
void ctl_json_diag(struct json *j, const struct diag *d);

/* --- client.c: the daemon ------------------------------------------------------------------------------------ */

/* Call a method of io.coppice.Manager; `params` is JSON text or NULL. On CTL_OK *ret is the token of the reply's
 * parameters in c->doc. Anything else has been said on standard error and is the exit code. With `more`, further
 * replies come from ctl_next(). */
int ctl_call(struct ctl *c, const char *method, const char *params, bool more, uint32_t *ret);
bool ctl_continues(const struct ctl *c);      /* the latest reply is not the last one */
int ctl_next(struct ctl *c, uint32_t *ret);

/* As ctl_call() for methods with one parameter, a text. */
int ctl_call_text(struct ctl *c, const char *method, const char *key, const char *value, uint32_t *ret);

/* As ctl_call(), descriptors going along with the request. */
int ctl_call_fds(struct ctl *c, const char *method, const char *params, bool more, const int *fds, size_t count,
                 uint32_t *ret);

/* Wait until there is a daemon, with --timeout, which what follows has the rest of. Says nothing. */
void ctl_await_daemon(struct ctl *c);

/* Drop the connection and try for another one, silently. */
bool ctl_reconnect(struct ctl *c);

/* Say something to the daemon on a connection of its own and do not wait for an answer. */
void ctl_tell(const struct ctl *c, const char *method, const char *params);

/* Wait until the daemon closes the connection (it has ended). */
int ctl_wait_end(struct ctl *c);

/* Parameters {"nodes": [args...], ...}, left open for more: end with json_close(j). */
struct json;
void ctl_nodes_params(const struct ctl *c, struct json *j, int from);

/* --- print.c: for people ---------------------------------------------------------------------------------------- */

enum ctl_color { COLOR_NONE, COLOR_BOLD, COLOR_DIM, COLOR_RED, COLOR_GREEN, COLOR_YELLOW, COLOR_BLUE };
void put_color(struct ctl *c, enum ctl_color color);             /* COLOR_NONE ends it */
void put_colored(struct ctl *c, enum ctl_color color, const char *text);
enum ctl_color state_color(const char *state);
const char *state_glyph(const struct ctl *c, const char *state); /* one column */

/* "3 min 20 s": a span in two units at most. */
void put_span(struct buf *out, int64_t usec);
void put_size(struct buf *out, int64_t bytes);                   /* "12.4 MiB" */
/* A time text of the protocol in local time, and how long ago it is. */
void put_when(struct buf *out, const char *stamp, bool ago);
bool stamp_read(const char *stamp, int64_t *ret_usec);
int64_t wall_usec(void);
/* Pad the last `used` columns to `width`. */
void put_pad(struct buf *out, size_t used, size_t width);
/* Text from a unit or a service: control bytes cannot act on the terminal. */
void put_safe(struct buf *out, const char *text);
/* "2/5 in 10 s" of an Intensity object; nothing for null. */
void put_intensity(struct ctl *c, uint32_t intensity);

#endif
